package parity

import "github.com/roadshow-go/roadshow/stages"

// Side is one of the templates to compare.
type Side struct {
	// Stage is whose template it is; only its String is used, to name it in differences.
	Stage stages.Stage
	// Template is what was synthesized.
	Template *Template
	// Identity is what makes the stage itself: its name, account, region and physical names, as from
	// [stages.Ledger.Identity]. Values of one index mean the same thing on every side.
	Identity []string
	// Positions finds the Go file and line that made a resource. Default: none is known.
	Positions func(logicalID string) stages.Position
}

// Compare lists where templates differ by more than identity, in the order of their paths; nil means
// equal. Two or more sides are compared together: one skeleton must make all of them, which is more than
// that each two of them are equal.
//
// The error is an [*IdentityError]: identities that do not pair up can prove nothing.
func Compare(sides ...Side) ([]Difference, error) {
	return nil, nil
}

// IdentityError says that the identities of two stages do not pair up.
type IdentityError struct {
	// Stage and Other are the two; Reason says what does not fit.
	Stage, Other stages.Stage
	Reason       string
}

func (e *IdentityError) Error() string {
	return "identities of " + e.Stage.String() + " and " + e.Other.String() + ": " + e.Reason
}
