package stages

import (
	"slices"
	"strings"
)

// APIDomain is the custom domain name of an API, which no account can have twice in a region, nor two accounts.
// It is no name of Roadshow's making, so [Kind.Name] is not asked for it; see [Ledger.Read].
var APIDomain = Kind{
	Title: "domain name of an API", Type: "AWS::ApiGatewayV2::DomainName", Property: "DomainName", Min: 1, Max: 253, Scope: ScopeEveryAccount,
	Docs: "https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains.html",
}

// Written is a name as a template has it, whoever wrote it: a component, its Override, or a construct of the CDK.
type Written struct {
	Kind  Kind
	Owner string // the component's id, or the logical id of what no component has made
	Name  string
	At    Position
}

// claim is a name that is in the template of a stage, and that the ledger did not make.
type claim struct {
	Written
	choices *Choices
	own     []string // the names that the ledger made for that stage
}

// Read compares the names that a stage's template really has with those of the ledger. One that the ledger did
// not make is taken up, in place of what it has for the same component: it is unique like every other, and every
// stage that chooses alike has the same, unless the stage's own names are in it.
//
// What is synthesized for a proof or a diff is never deployed, so its names are nobody's.
func (l *Ledger) Read(choices *Choices, written []Written) error {
	if choices.ForProof() {
		return nil
	}
	names, err := l.Of(choices.stage)
	if err != nil {
		return err
	}
	own := make([]string, len(names))
	for i, name := range names {
		own[i] = name.Name
	}
	// Each name of the ledger is one resource's: its own component's before any other's.
	taken := make([]bool, len(names))
	take := func(one Written, owned bool) bool {
		for i, name := range names {
			same := name.Name == one.Name || name.foldsCase && strings.EqualFold(name.Name, one.Name)
			if same && !taken[i] && name.namespace == one.Kind.namespace() && (!owned || name.Owner == one.Owner) {
				taken[i] = true
				return true
			}
		}
		return false
	}
	strangers := slices.DeleteFunc(slices.Clone(written), func(one Written) bool { return take(one, true) })
	for _, one := range strangers {
		if !take(one, false) {
			l.claims = append(l.claims, claim{Written: one, choices: choices, own: own})
		}
	}
	return nil
}

// Claimed are the names that [Ledger.Read] took up, for the stage itself and for those of the others that have the
// same: stages that choose alike, of the set, the extra ones, and the example of each template.
func (l *Ledger) Claimed(extra ...Stage) []LedgerName {
	others := append(slices.Clone(l.set.deployable()), extra...)
	for _, stage := range l.set {
		if stage.IsTemplate() {
			others = append(others, stage.example(l.service))
		}
	}
	var all []LedgerName
	for _, one := range l.claims {
		all = append(all, one.of(one.choices.stage, l.service, one.choices.stage.IsTemplate()))
		if slices.ContainsFunc(one.own, func(name string) bool { return strings.Contains(one.Name, name) }) {
			continue // it follows the stage, as its own names do
		}
		for i, other := range others {
			if other.Name != one.choices.stage.Name && !other.understudy() && one.choices.alike(other) {
				all = append(all, one.of(other, l.service, i >= len(others)-l.set.templates()))
			}
		}
	}
	return all
}

// ForProof tells that what the choices make is compared and never deployed: an understudy's, or with choices that are
// switched. Values of another stage's place are right there.
func (c *Choices) ForProof() bool { return c.stage.understudy() || len(c.switches) > 0 }

// understudy tells whether the stage only plays another's part.
func (s Stage) understudy() bool {
	if s.template != "" { // an ephemeral stage plays the part of its template's
		return s.family != s.template
	}
	return s.Role() != s.Name
}

// replaces tells whether a claim stands in place of a name that the ledger made.
func (c claim) replaces(name LedgerName) bool {
	return name.Owner == c.Owner && name.namespace == c.Kind.namespace()
}

func (c claim) of(stage Stage, service string, example bool) LedgerName {
	return LedgerName{
		Stage: stage.Name, Account: stage.Account, Region: stage.Region, Service: service, Kind: c.Kind.Title, Owner: c.Owner, Name: c.Name,
		Limit: c.Kind.Max, Scope: c.Kind.Scope, At: c.At, Example: example, namespace: c.Kind.namespace(), foldsCase: c.Kind.FoldsCase,
	}
}

// templates counts those of the set.
func (s Set) templates() (count int) {
	for _, stage := range s {
		if stage.IsTemplate() {
			count++
		}
	}
	return count
}

// alike tells whether the program's choices, and the tier, come to the same for another stage.
func (c *Choices) alike(other Stage) bool {
	program := func(choices *Choices) []Choice {
		return slices.DeleteFunc(slices.Clone(choices.made), func(one Choice) bool { return one.Kind == "boundary" || one.Kind == "expiry" })
	}
	return slices.EqualFunc(program(c), program(c.For(other)), Choice.Agrees)
}

// Merge joins names of several ledgers of one service, each once, and without those that a claim replaces.
func (l *Ledger) Merge(names, claimed []LedgerName) []LedgerName {
	kept := slices.DeleteFunc(slices.Clone(names), func(name LedgerName) bool {
		return slices.ContainsFunc(l.claims, func(one claim) bool { return one.choices.stage.Name == name.Stage && one.replaces(name) })
	})
	for _, one := range claimed {
		if !slices.ContainsFunc(kept, func(name LedgerName) bool {
			return name.Stage == one.Stage && name.Owner == one.Owner && name.Kind == one.Kind && name.Name == one.Name
		}) {
			kept = append(kept, one)
		}
	}
	return kept
}
