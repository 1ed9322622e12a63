package parity

import "github.com/roadshow-go/roadshow/stages"

// ForeignAccount is a place in a stage's template that holds the account id of another stage.
type ForeignAccount struct {
	// Stage is whose template it is; Owner is the stage whose account it names.
	Stage string `json:"stage"`
	Owner string `json:"owner"`
	// Account is the id, 12 digits.
	Account string `json:"account"`
	// Path is where, and LogicalID, Type and At are the resource, as in a [Difference].
	Path      string          `json:"path"`
	LogicalID string          `json:"logicalId,omitempty"`
	Type      string          `json:"type,omitempty"`
	At        stages.Position `json:"at,omitzero"`
}

// ForeignAccounts lists where a stage's template holds the account id of another stage of the set: in a
// string, a key or a number, as 12 digits that are not part of a longer run of digits. The account of the
// stage itself, which others may share, is not foreign. side.Identity is not used.
func ForeignAccounts(side Side, set stages.Set) []ForeignAccount { return nil }
