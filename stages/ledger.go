package stages

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Ledger is every physical name of every stage of a set. A component records its name before its
// selector is applied, so one synthesis of any stage knows the names of all of them.
type Ledger struct {
	// Choices decide which stages have a component. Default: every stage has each.
	Choices *Choices

	set     Set
	service string
	entries []Entry
	claims  []claim
}

// Entry is one component's name, before it is expanded to the stages.
type Entry struct {
	Kind     Kind
	Owner    string // the component's path in the stack
	Name     string // its own part of the name
	Revision int
	// Parent is the component that the name is unique within, for a kind whose scope is [ScopeParent];
	// empty is the one that every account has, such as its default event bus.
	Parent string
	At     Position
	// Needs names the selectors, by [Choice.Of], that must all select a stage for it to have the component. Default:
	// the owner's.
	Needs []string
	// NeedsOne names selectors of which at least one must select a stage. Default: none has to.
	NeedsOne []string
}

// LedgerName is one physical name of one stage.
type LedgerName struct {
	// Stage is the stage's name; Account and Region are where it lives.
	Stage   string `json:"stage"`
	Account string `json:"account"`
	Region  string `json:"region"`
	// Service is the name of the service.
	Service string `json:"service"`
	// Kind is the [Kind.Title] of what has the name, and Owner the component's path in the stack.
	Kind  string `json:"kind"`
	Owner string `json:"owner"`
	// Name is the physical name; it has at most Limit characters, and is unique within Scope.
	Name  string `json:"name"`
	Limit int    `json:"limit"`
	Scope Scope  `json:"scope"`
	// Parent is the component that the name is unique within, where the scope is the parent.
	Parent string   `json:"parent,omitempty"`
	At     Position `json:"at"`
	// Component and Revision are the parts of the name that the program chooses; see [Entry].
	Component string `json:"-"`
	Revision  int    `json:"-"`
	// Example tells that no such stage exists: it stands for all stages of a template, with the name most
	// likely to break a rule; see [Ledger.Examples].
	Example bool `json:"example,omitempty"`
	// Absent tells that the stage does not have the component: a selector leaves it out. The name is reserved for it
	// all the same.
	Absent bool `json:"absent,omitempty"`

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
	out := l.leftOut(stage)
	for _, entry := range l.entries {
		physical, err := entry.Kind.Name(stage.Part(l.service, entry.Name, entry.Revision))
		if err != nil {
			if field, ok := err.(*FieldError); ok {
				field.Thing, field.At = fmt.Sprintf("%s (%s, stage %s)", entry.Owner, entry.Kind.Title, stage.Name), entry.At
			}
			return nil, err
		}
		names = append(names, LedgerName{
			Stage: stage.Name, Account: stage.Account, Region: stage.Region, Service: l.service,
			Kind: entry.Kind.Title, Owner: entry.Owner, Name: physical, Limit: entry.Kind.Max, Scope: entry.Kind.Scope, At: entry.At,
			Parent: entry.Parent, Component: entry.Name, Revision: max(entry.Revision, 1), namespace: entry.Kind.namespace(), foldsCase: entry.Kind.FoldsCase,
			Absent: entry.leftOut(out),
		})
	}
	return names, nil
}

// leftOut are the components that selectors leave out of a stage.
func (l *Ledger) leftOut(stage Stage) map[string]bool {
	if l.Choices == nil {
		return nil
	}
	out := map[string]bool{}
	for _, choice := range l.Choices.For(stage).Made() {
		if choice.Kind == "selector" && choice.Outcome == "out" {
			out[choice.Of] = true
		}
	}
	return out
}

func (e Entry) needs() []string {
	if len(e.Needs) == 0 {
		return []string{e.Owner}
	}
	return e.Needs
}

func (e Entry) leftOut(out map[string]bool) bool {
	isOut := func(of string) bool { return out[of] }
	isIn := func(of string) bool { return !out[of] }
	return slices.ContainsFunc(e.needs(), isOut) || len(e.NeedsOne) > 0 && !slices.ContainsFunc(e.NeedsOne, isIn)
}

// Require has change alter every entry of a component, whose names depend on a selector that was not known when they were
// recorded.
func (l *Ledger) Require(owner string, change func(*Entry)) {
	for i := range l.entries {
		if l.entries[i].Owner == owner {
			change(&l.entries[i])
		}
	}
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

// Examples lists the physical names of one hostile example of each template of the set: as long as a
// stage's name may be, and with the service's name inside. No such stage exists; what holds for it holds
// for every stage of the template.
func (l *Ledger) Examples() ([]LedgerName, error) {
	var all []LedgerName
	for _, stage := range l.set {
		if !stage.IsTemplate() {
			continue
		}
		names, err := l.Of(stage.example(l.service))
		if err != nil {
			return nil, err
		}
		for i := range names {
			names[i].Example = true
		}
		all = append(all, names...)
	}
	return all, nil
}

// All lists what is checked, and what the assembly holds: the names of [Ledger.Names], and behind them those
// of [Ledger.Examples] that are no stage's own.
func (l *Ledger) All(extra ...Stage) ([]LedgerName, error) {
	all, err := l.Names(extra...)
	if err != nil {
		return nil, err
	}
	examples, err := l.Examples()
	if err != nil {
		return nil, err
	}
	own := map[string]bool{}
	for _, name := range all {
		own[name.Stage] = true
	}
	return append(all, slices.DeleteFunc(examples, func(example LedgerName) bool { return own[example.Stage] })...), nil
}

// Check finds names that break a rule or meet another within their scope, in any stage, whichever is
// deployed, and in an example of each template. The error is a [*FieldError] or a [*CollisionError].
func (l *Ledger) Check(extra ...Stage) error {
	all, err := l.All(extra...)
	if err != nil {
		return err
	}
	for _, collision := range Collisions(all) {
		return collision
	}
	return nil
}

// Collisions finds names that meet another within their scope. The names may come from the ledgers of
// several services, also as read from their assemblies.
func Collisions(names []LedgerName) []*CollisionError {
	var all []*CollisionError
	taken := map[string]LedgerName{}
	for _, name := range names {
		key, unique := name.key()
		if !unique {
			continue
		}
		if other, collides := taken[key]; collides {
			all = append(all, &CollisionError{One: other, Other: name})
			continue
		}
		taken[key] = name
	}
	return all
}

// key is equal for two names that AWS would refuse together.
func (n LedgerName) key() (key string, unique bool) {
	if n.namespace == "" { // read from an assembly, which says the kind only
		n.namespace = n.Kind
		for _, kind := range Kinds() {
			if kind.Title == n.Kind {
				n.namespace, n.foldsCase = kind.namespace(), kind.FoldsCase
				break
			}
		}
	}
	name := n.Name
	if n.foldsCase {
		name = strings.ToLower(name)
	}
	switch n.Scope {
	case ScopeRegion:
		return strings.Join([]string{n.namespace, n.Account, n.Region, name}, "\x00"), true
	case ScopeAccount:
		return strings.Join([]string{n.namespace, n.Account, name}, "\x00"), true
	case ScopeEveryAccount:
		return strings.Join([]string{n.namespace, n.Region, name}, "\x00"), true
	case ScopeWorld:
		return strings.Join([]string{n.namespace, name}, "\x00"), true
	case ScopeParent:
		within := ""
		if n.Parent != "" { // a parent is a component, so it is another in each stage and service
			within = strings.Join([]string{n.Stage, n.Service, n.Parent}, "\x00")
		}
		return strings.Join([]string{n.namespace, n.Account, n.Region, within, name}, "\x00"), true
	}
	return "", false
}

// namespace groups the kinds whose names may not meet.
func (k Kind) namespace() string { return cmp.Or(k.Namespace, k.Type, k.Title) }

// CollisionError says that two components would have one physical name where AWS allows one.
type CollisionError struct {
	One, Other LedgerName
}

func (e *CollisionError) Error() string {
	return fmt.Sprintf("%s: name is %q in stage %s, which %s (%s, stage %s) has already (%s).\nRename one of the two.",
		e.Other.Owner, e.Other.Name, e.Other.Stage, e.One.Owner, e.One.At, e.One.Stage, e.Other.At)
}

// Identity lists what makes a stage itself in its template, for parity: its name, account and region, its
// bootstrap's qualifier, its physical names (the stack's is one), and its permissions boundary where it
// has one. The lists of two stages of one ledger and of the same choices pair up: they have one length, no
// value is empty, and values of one index mean the same thing.
func (l *Ledger) Identity(stage Stage) ([]string, error) {
	names, err := l.Of(stage)
	if err != nil {
		return nil, err
	}
	values := []string{stage.Name, stage.Account, stage.Region, stage.BootstrapQualifier()}
	for _, name := range names {
		values = append(values, name.Name)
	}
	if stage.PermissionsBoundary != "" {
		values = append(values, stage.PermissionsBoundary)
	}
	return values, nil
}
