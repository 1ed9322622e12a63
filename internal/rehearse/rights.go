package rehearse

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// nouns are the components behind a resource, as programs call them.
var nouns = map[string]string{
	"AWS::DynamoDB::Table": "table", "AWS::DynamoDB::GlobalTable": "table", "AWS::S3::Bucket": "bucket", "AWS::SecretsManager::Secret": "secret",
	"AWS::SSM::Parameter": "parameter", "AWS::Lambda::Function": "function", "AWS::KMS::Key": "the key of",
}

// readings begin the operations that change nothing.
var readings = []string{"Get", "List", "Describe", "Query", "Scan", "BatchGet", "ConditionCheck", "Head"}

// verb is the grant that an action needs.
func verb(kind, action string) string {
	_, operation, _ := strings.Cut(action, ":")
	switch {
	case kind == "AWS::Lambda::Function":
		return "Invoke"
	case kind == "AWS::S3::Bucket" && strings.HasPrefix(operation, "Delete"):
		return "Delete"
	case kind == "AWS::KMS::Key" && operation != "Decrypt":
		return "Write"
	case kind == "AWS::KMS::Key" || slices.ContainsFunc(readings, func(reading string) bool { return strings.HasPrefix(operation, reading) }):
		return "Read"
	}
	return "Write"
}

// Explain says which grant a function lacks, in the program's own words and with the line of the function.
func (w *World) Explain(document assembly.Document, denied rehearsal.Denial) string {
	function, known := w.Find(document, denied.Function)
	who := denied.Function
	if known {
		who = function.ID
	}
	target, found := w.Find(document, denied.Right.Resource)
	if !found {
		return fmt.Sprintf("%s may not %s on %s%s", who, denied.Right.Action, denied.Right.Resource, place(function.At))
	}
	if known && target.Stage != function.Stage {
		return fmt.Sprintf("%s of stage %s may not %s on what stage %s has%s", who, function.Stage, denied.Right.Action, target.Stage, place(function.At))
	}
	what := strings.TrimSpace(nouns[target.Kind] + " " + target.ID)
	return fmt.Sprintf("%s may not %s on %s; grant %s.%s()%s", who, denied.Right.Action, what, variable(target.ID), verb(target.Kind, denied.Right.Action), place(function.At))
}

// variable is what a program likely calls a component: "order-items" is orderItems.
func variable(id string) string {
	words := strings.Split(id, "-")
	for i := 1; i < len(words); i++ {
		if words[i] != "" {
			words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
		}
	}
	return strings.Join(words, "")
}

func place(at stages.Position) string {
	if at == (stages.Position{}) {
		return ""
	}
	return " (" + at.String() + ")"
}

// Unused is an action that a function is granted and that it has used in no stage.
type Unused struct {
	Function string `json:"function"`
	Action   string `json:"action"`
	// On is the component, or the resource as the policy has it.
	On string `json:"on"`
	// At is the line of the function.
	At stages.Position `json:"at"`
}

// Rights is what became of the granted actions.
type Rights struct {
	// Unused lists the actions that nobody used, sorted by function; Used counts the others.
	Unused []Unused `json:"unused"`
	Used   int      `json:"used"`
	// Undecided are the services whose actions nobody can tell of: the rehearsal does not serve them.
	Undecided []string `json:"undecided"`
}

// Rights says which granted actions the functions have used. The same action of the same function in
// several stages counts once, and as used where one stage has used it.
func (w *World) Rights(document assembly.Document) Rights {
	used := map[Unused]bool{}
	found := Rights{Unused: []Unused{}, Undecided: []string{}}
	for _, grant := range w.Server.Grants() {
		function, ours := w.Find(document, grant.Function)
		if !ours {
			continue
		}
		if service, _, _ := strings.Cut(grant.Action, ":"); !grant.Served {
			found.Undecided = append(found.Undecided, service)
			continue
		}
		one := Unused{Function: function.ID, Action: grant.Action, On: grant.Resource, At: function.At}
		if target, known := w.Find(document, strings.TrimSuffix(grant.Resource, "*")); known {
			one.On = strings.TrimSpace(nouns[target.Kind] + " " + target.ID)
		}
		used[one] = used[one] || grant.Used
	}
	for one, was := range used {
		if was {
			found.Used++
		} else {
			found.Unused = append(found.Unused, one)
		}
	}
	slices.SortFunc(found.Unused, func(a, b Unused) int {
		return cmp.Or(cmp.Compare(a.Function, b.Function), cmp.Compare(a.On, b.On), cmp.Compare(a.Action, b.Action))
	})
	slices.Sort(found.Undecided)
	found.Undecided = slices.Compact(found.Undecided)
	return found
}
