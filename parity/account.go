package parity

import (
	"encoding/json"
	"fmt"

	"github.com/roadshow-go/roadshow/stages"
)

// ForeignAccount is a place in a stage's template that holds the account id of another stage.
type ForeignAccount struct {
	// Stage is whose template it is; Owner is a stage whose account it names.
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

// String is the finding in two lines: the path, and what is wrong with it.
func (f ForeignAccount) String() string {
	text := f.Path
	for _, note := range (Difference{Type: f.Type, At: f.At}).notes() {
		text += "\n  " + note
	}
	return text + fmt.Sprintf("\n  %s names %s, the account of %s", f.Stage, f.Account, f.Owner)
}

// ForeignAccounts lists where a stage's template holds the account id of another stage of the set: in a
// string, a key or a number, as 12 digits that are not part of a longer run of digits. The account of the
// stage itself is not foreign, whoever else lives there. side.Identity is not used.
func ForeignAccounts(side Side, set stages.Set) []ForeignAccount {
	owners := map[string]string{}
	for _, stage := range set.Stages() {
		if _, known := owners[stage.Account]; !known && stage.Account != side.Stage.Account {
			owners[stage.Account] = stage.Name
		}
	}
	search := accountSearch{side: side, owners: owners}
	if len(owners) > 0 {
		search.node(side.Template.root)
	}
	return search.found
}

// accountSearch goes through one template.
type accountSearch struct {
	side   Side
	owners map[string]string
	path   path
	found  []ForeignAccount
}

func (s *accountSearch) node(node any) {
	switch node := node.(type) {
	case *object:
		for i, key := range node.keys {
			s.path.down(key)
			s.text(key)
			s.node(node.values[i])
			s.path.up()
		}
	case []any:
		for i, one := range node {
			s.path.downAt(i)
			s.node(one)
			s.path.up()
		}
	case string:
		s.text(node)
	case json.Number:
		s.text(node.String())
	}
}

// text finds the runs of exactly twelve digits.
func (s *accountSearch) text(text string) {
	for at := 0; at < len(text); {
		if text[at] < '0' || text[at] > '9' {
			at++
			continue
		}
		from := at
		for at < len(text) && text[at] >= '0' && text[at] <= '9' {
			at++
		}
		owner, foreign := s.owners[text[from:at]]
		if !foreign {
			continue
		}
		one := ForeignAccount{Stage: s.side.String(), Owner: owner, Account: text[from:at], Path: s.path.String()}
		if _, id := s.path.resource(); id != "" {
			one.LogicalID, one.Type = id, s.side.Template.Type(id)
			if s.side.Positions != nil {
				one.At = s.side.Positions(id)
			}
		}
		s.found = append(s.found, one)
	}
}
