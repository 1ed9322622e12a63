package rehearsal

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/roadshow-go/roadshow/rehearsal/internal/policy"
)

// uses are the rights that functions have used, by the ARN of the role.
type uses struct {
	mu     sync.Mutex
	byRole map[string]map[Right]bool
}

// mostUses is how many rights of a role are remembered: a role that reads a million objects uses one right.
const mostUses = 10_000

func (u *uses) add(role string, used Right) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.byRole == nil {
		u.byRole = map[string]map[Right]bool{}
	}
	if u.byRole[role] == nil {
		u.byRole[role] = map[Right]bool{}
	}
	if len(u.byRole[role]) < mostUses {
		u.byRole[role][used] = true
	}
}

func (u *uses) of(role string) []Right {
	u.mu.Lock()
	defer u.mu.Unlock()
	var all []Right
	for used := range u.byRole[role] {
		all = append(all, used)
	}
	slices.SortFunc(all, func(a, b Right) int {
		return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource))
	})
	return all
}

// Grant is an action that a policy of a function's role allows.
type Grant struct {
	// Account and Region say where the function is, Function is its ARN.
	Account, Region, Function string
	// Action and Resource are as the policy has them, with what stands for several in them.
	Action, Resource string
	// Used are the rights that the function has used of it, sorted.
	Used []Right
	// Served says whether the rehearsal decides calls of its service: else nobody can tell.
	Served bool
}

// Grants lists what the policies of the roles of all functions allow, sorted by function and action,
// with what the functions have used of it since the server has started.
func (s *Server) Grants() []Grant {
	s.store.mu.RLock()
	all := s.store.held(func(r *Resource) bool { return r.Type == lambdaFunction })
	s.store.mu.RUnlock()
	var grants []Grant
	for _, f := range all {
		role := f.text("Role")
		who := s.store.subjectOf(caller{account: f.Account, role: role, arn: role + "/" + f.Name})
		if who == nil {
			continue
		}
		used := s.uses.of(role)
		for _, document := range who.identity {
			for _, allowed := range document.Allowed() {
				service, _, _ := strings.Cut(allowed.Action, ":")
				grants = append(grants, Grant{
					Account: f.Account, Region: f.Region, Function: f.attribute("Arn"), Action: allowed.Action, Resource: allowed.Resource,
					Used: slices.DeleteFunc(slices.Clone(used), func(right Right) bool {
						return !policy.Matches(strings.ToLower(allowed.Action), strings.ToLower(right.Action)) || !policy.Matches(allowed.Resource, right.Resource)
					}),
					Served: rightsOf[service] != nil || service == "execute-api",
				})
			}
		}
	}
	slices.SortFunc(grants, func(a, b Grant) int {
		return cmp.Or(cmp.Compare(a.Function, b.Function), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource))
	})
	return slices.CompactFunc(grants, func(a, b Grant) bool {
		return a.Function == b.Function && a.Action == b.Action && a.Resource == b.Resource
	})
}

// Covers says whether the grant's resource, with what stands for several in it, is also another one.
func (g Grant) Covers(resource string) bool { return policy.Matches(g.Resource, resource) }
