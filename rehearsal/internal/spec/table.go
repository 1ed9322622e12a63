package spec

func lookup(string) (*ResourceType, bool) { return nil, false }
func names() []string                     { return nil }
func isCustom(string) bool                { return false }
