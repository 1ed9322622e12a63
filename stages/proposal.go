package stages

import (
	"cmp"
	"slices"
)

// UnknownAccount stands for the account of a proposed stage that has none yet: it has the 12 digits of an
// account id, so that names have their length, and is no account's.
const UnknownAccount = "000000000000"

// Proposal is a stage that the set does not have yet; see [Set.With].
type Proposal struct {
	// Set is the set as it would be, with the proposed stage last.
	Set Set
	// Stage is the proposed stage, with [UnknownAccount] where it has no account yet.
	Stage Stage
}

// Addition is what a proposed stage would add to a service.
type Addition struct {
	Stage Stage
	// Names are the physical names that it would take.
	Names []LedgerName
	// Choices are what the program's declared differences come to for it.
	Choices []Choice
	// Key is that of [Choices.Key]: stages of an equal key must be equal but for identity.
	Key string
	// Collisions are the names that it could not have.
	Collisions []*CollisionError
}

// With proposes a stage: what it would be, before its account exists. The stage's Account may be empty.
//
//	proposal := set.With(stages.Stage{Name: "canary", Region: "eu-west-1"})
//
// The set itself stays as it is.
func (set Set) With(stage Stage) Proposal {
	stage.Account = cmp.Or(stage.Account, UnknownAccount)
	return Proposal{Set: append(slices.Clone(set), stage), Stage: stage}
}

// Adds is what the proposed stage would add, by the ledger and the choices of a synthesis of any stage of
// the set. The error is a [*FieldError]: the stage cannot be in the set, or one of its names breaks a rule.
func (p Proposal) Adds(ledger *Ledger, choices *Choices) (Addition, error) {
	if err := p.Set.Validate(); err != nil {
		return Addition{}, err
	}
	names, err := ledger.Of(p.Stage)
	if err != nil {
		return Addition{}, err
	}
	others, err := ledger.Names()
	if err != nil {
		return Addition{}, err
	}
	made := choices.For(p.Stage)
	addition := Addition{Stage: p.Stage, Names: names, Choices: made.Made(), Key: made.Key()}
	for _, collision := range Collisions(append(others, names...)) {
		if collision.Other.Stage == p.Stage.Name {
			addition.Collisions = append(addition.Collisions, collision)
		}
	}
	return addition, nil
}
