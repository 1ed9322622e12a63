package rehearsal

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Resource is something that exists in an account, whoever made it.
type Resource struct {
	// Account and Region say where it is. A resource of IAM has the region it
	// was made from, but belongs to the whole account.
	Account, Region string
	// Type is the CloudFormation type, such as "AWS::Lambda::Function".
	Type string
	// PhysicalID is what Ref gives.
	PhysicalID string
	// Name is the physical name; the physical id where a type has no name.
	Name string
	// Properties are those last asked for, in the words of the type.
	Properties map[string]any
	// Attributes are what GetAtt gives.
	Attributes map[string]any
	// Stack, StackID and LogicalID say which stack made it. They stay when a
	// stack is deleted and retains the resource, and are empty for a resource
	// made outside CloudFormation.
	Stack, StackID, LogicalID string
	// Created and Changed are the times of creation and of the last change.
	Created, Changed time.Time

	seed string     // all its ids come from it, so that an update keeps them
	code *codeImage // of a function
	// revision counts the changes since the creation.
	revision int64
}

// text is a scalar property, empty when it is absent.
func (r *Resource) text(property string) string { return textOf(r.Properties[property]) }

// attribute is a scalar attribute, empty when it is absent.
func (r *Resource) attribute(name string) string { return textOf(r.Attributes[name]) }

// copy keeps the store's own maps from its readers. Nested values are shared:
// they are replaced as a whole and never written to.
func (r *Resource) copy() Resource {
	c := *r
	c.Properties, c.Attributes = maps.Clone(r.Properties), maps.Clone(r.Attributes)
	return c
}

// uniqueness is the scope in which a physical name may exist once.
type uniqueness int

const (
	inRegion uniqueness = iota
	inAccount
	inWorld
)

// store holds everything that exists, in all accounts.
type store struct {
	// working is held for reading by each operation, so that Save and Load see
	// the accounts between operations. It is taken before mu.
	working sync.RWMutex

	mu        sync.RWMutex
	accounts  map[string]bool
	closed    map[string]bool      // accounts that are no more
	resources map[string]*Resource // by key
	objects   map[string]map[string]*storedObject
	uploads   map[string]*upload
	index     index
	kept      map[string]map[string]any // by account and section; see keep
	ahead     atomic.Int64              // nanoseconds of the accounts' clock; see Advance

	changes    atomic.Uint64 // of resources
	remembered memory
}

// memory holds what was worked out from resources, for as long as none of them changes.
type memory struct {
	mu      sync.Mutex
	changes uint64
	known   map[string]any
}

// remember works something out once, until a resource changes. The caller holds no lock.
func remember[T any](s *store, key string, workOut func() T) T {
	now := s.changes.Load()
	m := &s.remembered
	m.mu.Lock()
	if m.changes != now || m.known == nil {
		m.changes, m.known = now, map[string]any{}
	}
	known, found := m.known[key]
	m.mu.Unlock()
	if found {
		return known.(T)
	}
	made := workOut()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.changes == now {
		m.known[key] = made
	}
	return made
}

func newStore() *store {
	return &store{
		accounts:  map[string]bool{},
		closed:    map[string]bool{},
		resources: map[string]*Resource{},
		objects:   map[string]map[string]*storedObject{},
		uploads:   map[string]*upload{},
		kept:      map[string]map[string]any{},
	}
}

func (s *store) addAccount(id string) { s.accounts[id], s.kept[id] = true, newSections() }

func (s *store) isClosed(account string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.closed[account]
}

// place is where a resource is looked for.
type place struct{ account, region string }

// key is where the store keeps a resource; two resources that may not exist
// side by side have the same one.
func key(at place, kind, identity string) string {
	switch ruleOf(kind).scope {
	case inWorld:
		at = place{}
	case inAccount:
		at.region = ""
	}
	return fmt.Sprintf("%s|%s|%s|%s", at.account, at.region, kind, identity)
}

// find returns a copy of the resource with this physical id or name.
func (s *store) find(at place, kind, identity string) (Resource, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r := s.get(at, kind, identity); r != nil {
		return r.copy(), true
	}
	return Resource{}, false
}

// get is find for those who hold the lock.
func (s *store) get(at place, kind, identity string) *Resource {
	if r := s.resources[key(at, kind, identity)]; r != nil {
		return r
	}
	for _, r := range s.resources {
		if r.Type == kind && within(at, r) && (r.PhysicalID == identity || r.Name == identity) {
			return r
		}
	}
	return nil
}

// within says whether a resource can be seen from a place.
func within(at place, r *Resource) bool {
	switch ruleOf(r.Type).scope {
	case inWorld:
		return true
	case inAccount:
		return r.Account == at.account
	default:
		return r.Account == at.account && r.Region == at.region
	}
}

// list returns copies of the resources of a type that a place holds, sorted by
// name.
func (s *store) list(at place, kind string) []Resource {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.held(func(r *Resource) bool {
		return r.Type == kind && r.Account == at.account && within(at, r)
	})
}

// held returns copies of the resources that meet a condition, sorted by type
// and name.
func (s *store) held(meets func(*Resource) bool) []Resource {
	var out []Resource
	for _, r := range s.resources {
		if meets(r) {
			out = append(out, r.copy())
		}
	}
	slices.SortFunc(out, func(a, b Resource) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.PhysicalID, b.PhysicalID))
	})
	return out
}

// Resources returns what an account holds in a region, whoever made it, sorted
// by type and name. What belongs to the whole account, such as a role, is part
// of the region it was made from.
func (s *Server) Resources(account, region string) []Resource {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	return s.store.held(func(r *Resource) bool { return r.Account == account && r.Region == region })
}

const (
	hexDigits   = "0123456789abcdef"
	lowerDigits = "abcdefghijklmnopqrstuvwxyz0123456789"
	upperDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	decimals    = "0123456789"
)

// stableID derives an id from a seed: the same one for the same seed, so that
// a resource keeps its ids through updates without remembering each.
func stableID(seed string, length int) string { return derived(seed, upperDigits, length) }

func derived(seed, alphabet string, length int) string {
	out := make([]byte, 0, length)
	for block := 0; len(out) < length; block++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%d", seed, alphabet, block))
		for i := 0; i+4 <= len(sum) && len(out) < length; i += 4 {
			out = append(out, alphabet[binary.BigEndian.Uint32(sum[i:])%uint32(len(alphabet))])
		}
	}
	return string(out)
}
