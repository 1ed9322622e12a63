package stages

// Tier is what a stage may lose. It is a choice like a selector or a pick: what it does is a declared
// difference between two stages. The page docs/tiers.md lists what each tier does to each component.
//
// A Tier is a [Selector]: it selects every stage of that tier, which is how a shared construct selects
// without knowing an application's stages.
type Tier int

const (
	// Standard keeps data when its stack is deleted, and lets the stack be deleted. The default.
	Standard Tier = iota

	// Sandbox may lose everything: deleting the stack deletes its data.
	Sandbox

	// Protected loses nothing stateful: data survives its stack, is backed up continuously and cannot
	// be deleted by mistake; the stack itself has termination protection.
	Protected
)

var tierNames = [...]string{Standard: "standard", Sandbox: "sandbox", Protected: "protected"}

func (t Tier) valid() bool { return t >= 0 && int(t) < len(tierNames) }

// String is the tier's name in lower case.
func (t Tier) String() string {
	if !t.valid() {
		return "unknown tier"
	}
	return tierNames[t]
}

// MarshalText writes the tier's name, as in the assembly.
func (t Tier) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads a tier's name.
func (t *Tier) UnmarshalText(text []byte) error {
	for tier, name := range tierNames {
		if name == string(text) {
			*t = Tier(tier)
			return nil
		}
	}
	return &FieldError{Thing: "tier", Field: "name", Got: quote(string(text)), Want: "sandbox, standard or protected", Fix: "correct the name"}
}
