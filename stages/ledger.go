package stages

import (
	"cmp"
	"fmt"
	"strings"
)

// Ledger is every physical name of every stage of a set. A component records its name before its
// selector is applied, so one synthesis of any stage knows the names of all of them.
type Ledger struct {
	set     Set
	service string
	entries []Entry
}

// Entry is one component's name, before it is expanded to the stages.
type Entry struct {
	Kind     Kind
	Owner    string // the component's path in the stack
	Name     string // its own part of the name
	Revision int
	At       Position
}

// LedgerName is one physical name of one stage.
type LedgerName struct {
	Stage   string   `json:"stage"`
	Account string   `json:"account"`
	Region  string   `json:"region"`
	Service string   `json:"service"`
	Kind    string   `json:"kind"`
	Owner   string   `json:"owner"`
	Name    string   `json:"name"`
	Limit   int      `json:"limit"`
	Scope   Scope    `json:"scope"`
	At      Position `json:"at"`

	namespace string
	foldsCase bool
}

// NewLedger begins the ledger of one service over a set.
func NewLedger(set Set, service string) *Ledger {
	return &Ledger{set: set, service: service}
}

// Record adds a component's name. The names of all stages are checked by [Ledger.Check].
func (l *Ledger) Record(entry Entry) { l.entries = append(l.entries, entry) }

// Of lists the physical names of one stage, in the order they were recorded, which is the same for every
// stage.
func (l *Ledger) Of(stage Stage) ([]LedgerName, error) {
	names := make([]LedgerName, 0, len(l.entries))
	for _, entry := range l.entries {
		physical, err := entry.Kind.Name(Part{Stage: stage.Name, Service: l.service, Name: entry.Name, Revision: entry.Revision})
		if err != nil {
			if field, ok := err.(*FieldError); ok {
				field.Thing, field.At = entry.Owner, entry.At
			}
			return nil, err
		}
		names = append(names, LedgerName{
			Stage: stage.Name, Account: stage.Account, Region: stage.Region, Service: l.service,
			Kind: entry.Kind.Title, Owner: entry.Owner, Name: physical, Limit: entry.Kind.Max, Scope: entry.Kind.Scope, At: entry.At,
			namespace: cmp.Or(entry.Kind.Namespace, entry.Kind.Type, entry.Kind.Title), foldsCase: entry.Kind.FoldsCase,
		})
	}
	return names, nil
}

// Names lists the physical names of every stage of the set, and of the extra stages, in the set's order.
func (l *Ledger) Names(extra ...Stage) ([]LedgerName, error) {
	var all []LedgerName
	listed := map[string]bool{}
	for _, stage := range append(l.set.deployable(), extra...) {
		if listed[stage.Name] {
			continue
		}
		listed[stage.Name] = true
		names, err := l.Of(stage)
		if err != nil {
			return nil, err
		}
		all = append(all, names...)
	}
	return all, nil
}

// Check finds names that break a rule or meet another within their scope, in any stage, whichever is
// deployed. The error is a [*FieldError] or a [*CollisionError].
func (l *Ledger) Check(extra ...Stage) error {
	names, err := l.Names(extra...)
	if err != nil {
		return err
	}
	taken := map[string]LedgerName{}
	for _, name := range names {
		key, unique := name.key()
		if !unique {
			continue
		}
		if other, collides := taken[key]; collides {
			return &CollisionError{One: other, Other: name}
		}
		taken[key] = name
	}
	return nil
}

// key is equal for two names that AWS would refuse together.
func (n LedgerName) key() (key string, unique bool) {
	name := n.Name
	if n.foldsCase {
		name = strings.ToLower(name)
	}
	switch n.Scope {
	case ScopeRegion:
		return strings.Join([]string{n.namespace, n.Account, n.Region, name}, "\x00"), true
	case ScopeAccount:
		return strings.Join([]string{n.namespace, n.Account, name}, "\x00"), true
	case ScopeWorld:
		return strings.Join([]string{n.namespace, name}, "\x00"), true
	}
	return "", false
}

// CollisionError says that two components would have one physical name where AWS allows one.
type CollisionError struct {
	One, Other LedgerName
}

func (e *CollisionError) Error() string {
	return fmt.Sprintf("%s: %s: name is %q in stage %s, want one that %s (%s, stage %s) does not have; rename one of the two",
		e.Other.At, e.Other.Owner, e.Other.Name, e.Other.Stage, e.One.Owner, e.One.At, e.One.Stage)
}

// Identity lists what makes a stage itself in its template, for parity: its name, account and region,
// and its physical names (the stack's is one). The lists of two stages of one ledger pair up: they have
// one length, and values of one index mean the same thing.
func (l *Ledger) Identity(stage Stage) ([]string, error) {
	names, err := l.Of(stage)
	if err != nil {
		return nil, err
	}
	values := []string{stage.Name, stage.Account, stage.Region}
	for _, name := range names {
		values = append(values, name.Name)
	}
	return values, nil
}
