package parity

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

// ForeignAccount is a place in a stage's template that holds the account id, or a physical name, of
// another stage.
type ForeignAccount struct {
	// Stage is whose template it is; Owner is a stage whose account it names.
	Stage string `json:"stage"`
	Owner string `json:"owner"`
	// Account is the id, 12 digits; empty where it is a physical name, which is Name.
	Account string `json:"account,omitempty"`
	Name    string `json:"name,omitempty"`
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
	if f.Name != "" {
		return text + fmt.Sprintf("\n  %s names %s, which is %s's", f.Stage, f.Name, f.Owner)
	}
	return text + fmt.Sprintf("\n  %s names %s, the account of %s", f.Stage, f.Account, f.Owner)
}

// ForeignAccounts lists where a stage's template holds the account id of another stage of the set:
// in a string, a key or a number, as 12 digits that are not part of a longer run of digits. The
// account of the stage itself is not foreign, whoever else lives there. side.Identity is not used.
func ForeignAccounts(side Side, set stages.Set) []ForeignAccount {
	search := newMentions(side, set, nil)
	search.node(side.Template.root)
	return search.foreign
}

// mentions lists where a stage's template, or what is deployed of it, names another stage's account
// or one of its physical names; and where digits only look like an account.
func mentions(side Side, deployed *deployment, set stages.Set, names map[string]string) ([]ForeignAccount, []Difference) {
	search := newMentions(side, set, names)
	search.node(side.Template.root)
	for _, root := range deployed.roots() {
		search.path = root.path
		search.node(root.node)
	}
	return search.foreign, search.ambiguous
}

// mentionSearch goes through one template.
type mentionSearch struct {
	side Side
	// accounts and names map what belongs to other stages to the stage; paths are the names that
	// hold a slash, by what stands up to their last one: few texts hold any of that, so few are
	// searched for hundreds of names.
	accounts, names map[string]string
	paths           map[string][]string
	folders         []string // the keys of paths, sorted
	path            path
	foreign         []ForeignAccount
	ambiguous       []Difference
	known           map[string]bool
}

func newMentions(side Side, set stages.Set, names map[string]string) *mentionSearch {
	search := &mentionSearch{
		side: side, accounts: map[string]string{}, names: map[string]string{}, paths: map[string][]string{}, known: map[string]bool{},
	}
	for _, stage := range set.Stages() {
		if _, known := search.accounts[stage.Account]; !known && stage.Account != side.Stage.Account {
			search.accounts[stage.Account] = stage.Name
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		search.names[name] = names[name]
		if slash := strings.LastIndexByte(name, '/'); slash >= 0 {
			search.paths[name[:slash+1]] = append(search.paths[name[:slash+1]], name)
		}
	}
	search.folders = slices.Sorted(maps.Keys(search.paths))
	return search
}

func (s *mentionSearch) node(node any) {
	switch node := node.(type) {
	case *object:
		for i, key := range node.keys {
			s.path.down(key)
			s.text(key)
			s.node(node.values[i])
			s.path.up()
		}
	case []any:
		for i, element := range node {
			s.path.downAt(i)
			s.node(element)
			s.path.up()
		}
	case string:
		s.text(node)
	case json.Number:
		s.text(node.String())
	}
}

// dashed is an account id as AWS's console shows it.
var dashed = regexp.MustCompile(`[0-9]{4}-[0-9]{4}-[0-9]{4}`)

func (s *mentionSearch) text(text string) {
	s.digits(text)
	if strings.Count(text, "-") > 1 {
		for _, match := range dashed.FindAllString(text, -1) {
			if account := strings.ReplaceAll(match, "-", ""); s.accounts[account] != "" {
				s.mention(ForeignAccount{Owner: s.accounts[account], Account: account})
			}
		}
	}
	if len(s.names) == 0 {
		return
	}
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !strings.ContainsRune(nameLetters, r) }) {
		if owner, foreign := s.names[strings.TrimRight(word, ".")]; foreign {
			s.mention(ForeignAccount{Owner: owner, Name: strings.TrimRight(word, ".")})
		}
	}
	for _, folder := range s.folders {
		if strings.Contains(text, folder) {
			s.pathsOf(folder, text)
		}
	}
}

// pathsOf looks in a text for the names below a folder.
func (s *mentionSearch) pathsOf(folder, text string) {
	for _, name := range s.paths[folder] {
		for from := strings.Index(text, name); from >= 0; {
			if KindPhysicalName.stands(text, from, from+len(name)) {
				s.mention(ForeignAccount{Owner: s.names[name], Name: name})
				break
			}
			next := strings.Index(text[from+1:], name)
			if next < 0 {
				break
			}
			from += 1 + next
		}
	}
}

// nameLetters are those of a physical name.
const nameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

// digits finds the runs of twelve digits. In a longer run an account is one reading of two.
func (s *mentionSearch) digits(text string) {
	for at := 0; at < len(text); {
		if !isDigit(text[at]) {
			at++
			continue
		}
		from := at
		for at < len(text) && isDigit(text[at]) {
			at++
		}
		run := text[from:at]
		switch {
		case len(run) == 12 && s.accounts[run] != "":
			s.mention(ForeignAccount{Owner: s.accounts[run], Account: run})
		case len(run) > 12:
			for k := 0; k+12 <= len(run); k++ {
				if owner := s.accounts[run[k:k+12]]; owner != "" {
					s.looksLike(run, owner)
					break
				}
			}
		}
	}
}

// mention lists a place once.
func (s *mentionSearch) mention(reference ForeignAccount) {
	reference.Stage, reference.Path = s.side.String(), s.path.String()
	key := reference.Path + "\x00" + reference.Account + reference.Name
	if s.known[key] {
		return
	}
	s.known[key] = true
	if _, id := s.path.resource(); id != "" {
		reference.LogicalID, reference.Type, reference.At = id, s.side.Template.Type(id), s.side.at(id)
	}
	s.foreign = append(s.foreign, reference)
}

func (s *mentionSearch) looksLike(run, owner string) {
	d := Difference{Path: s.path.String()}
	if s.known[d.Path] {
		return
	}
	s.known[d.Path] = true
	if _, id := s.path.resource(); id != "" {
		d.LogicalID, d.Type, d.At = id, s.side.Template.Type(id), s.side.at(id)
	}
	d.Values = []Value{
		{Stages: []string{s.side.String()}, JSON: compact(run)},
		{Stages: []string{"the account of " + owner}, JSON: compact(s.accountOf(owner))},
	}
	s.ambiguous = append(s.ambiguous, d)
}

func (s *mentionSearch) accountOf(owner string) string {
	for account, stage := range s.accounts {
		if stage == owner {
			return account
		}
	}
	return ""
}
