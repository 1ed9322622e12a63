package rehearsal

import (
	"strings"
	"time"
)

// Session gives credentials of a function's role, as Lambda gets them.
func (s *Server) Session(f Resource) (key, secret, token string) {
	role, _ := s.store.find(place{f.Account, f.Region}, "AWS::IAM::Role", f.text("Role")[strings.LastIndex(f.text("Role"), "/")+1:])
	issued, key := s.sessions.issue(&role, f.Name, time.Hour)
	return key, issued.secret, issued.token
}

// Change replaces the properties of a resource.
func (s *Server) Change(r Resource, properties map[string]any) {
	if _, err := s.store.change(place{r.Account, r.Region}, r.Type, r.PhysicalID, properties); err != nil {
		panic(err)
	}
}
