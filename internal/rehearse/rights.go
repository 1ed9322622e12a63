package rehearse

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// key is the type of keys, which belong to what they encrypt.
const key = "AWS::KMS::Key"

// nouns are the components behind a resource, as programs call them.
var nouns = map[string]string{
	"AWS::DynamoDB::Table": "table", "AWS::DynamoDB::GlobalTable": "table", "AWS::S3::Bucket": "bucket", "AWS::SecretsManager::Secret": "secret",
	"AWS::SSM::Parameter": "parameter", "AWS::Lambda::Function": "function", "AWS::Lambda::Alias": "function", "AWS::Lambda::Version": "function", "AWS::SQS::Queue": "queue", "AWS::SNS::Topic": "topic",
	"AWS::Events::EventBus": "bus", "AWS::ApiGatewayV2::Api": "API", key: "the key of",
}

// readings begin the operations that change nothing.
var readings = []string{"Get", "List", "Describe", "Query", "Scan", "BatchGet", "ConditionCheck", "Head"}

// verb is the grant that an action needs on a component of a type.
func verb(kind, action string) string {
	service, operation, _ := strings.Cut(action, ":")
	switch {
	case operation == "InvokeFunctionUrl":
		return "InvokeURL"
	case service == "lambda", service == "execute-api":
		return "Invoke"
	case kind == "AWS::SNS::Topic", kind == "AWS::Events::EventBus":
		return "Publish"
	case kind == "AWS::SQS::Queue" && operation == "SendMessage":
		return "Send"
	case kind == "AWS::SQS::Queue":
		return "Consume"
	case kind == "AWS::S3::Bucket" && strings.HasPrefix(operation, "Delete"):
		return "Delete"
	case service == "kms" && operation == "Decrypt", slices.ContainsFunc(readings, func(reading string) bool { return strings.HasPrefix(operation, reading) }):
		return "Read"
	}
	return "Write"
}

// encrypted is the type of what a key's component is.
func (w *World) encrypted(of Component) string {
	for _, each := range w.resources(of.of) {
		if each.owner.ID == of.ID && each.Type != key && nouns[each.Type] != "" {
			return each.Type
		}
	}
	return key
}

// Explain says which grant a function lacks, in the program's own words and with the line of the function.
func (w *World) Explain(document assembly.Document, denied rehearsal.Denial) string {
	return w.explain(w.index(document), denied)
}

func (w *World) explain(all index, denied rehearsal.Denial) string {
	function, known := all.find(denied.Function)
	who := denied.Function
	if known {
		who = function.ID
	}
	target, found := all.find(denied.Right.Resource)
	if !found {
		return fmt.Sprintf("%s may not %s on %s%s", who, denied.Right.Action, denied.Right.Resource, place(function.At))
	}
	if known && target.Stage != function.Stage {
		return fmt.Sprintf("%s of stage %s may not %s on what stage %s has%s", who, function.Stage, denied.Right.Action, target.Stage, place(function.At))
	}
	kind := target.Kind
	if kind == key {
		kind = w.encrypted(target)
	}
	what := strings.TrimSpace(nouns[target.Kind] + " " + target.ID)
	return fmt.Sprintf("%s may not %s on %s; grant %s.%s()%s", who, denied.Right.Action, what, variable(target.ID), verb(kind, denied.Right.Action), place(function.At))
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

// Wide is an action that a function is granted on more than it has used it on, or with a wildcard for its
// name: what a statement of a policy that a program has written itself may do.
type Wide struct {
	Unused
	// Used are the actions that the function has used of it, each with the component.
	Used []string `json:"used"`
}

// Rights is what became of the granted actions.
type Rights struct {
	// Unused lists the actions that nobody used, sorted by function; Used counts the others.
	Unused []Unused `json:"unused"`
	Used   int      `json:"used"`
	// Wide lists those of the others that allow more than was used.
	Wide []Wide `json:"wide"`
	// Undecided are the services whose actions nobody can tell of: the rehearsal does not serve them.
	Undecided []string `json:"undecided"`
}

// Rights says which granted actions the functions have used. The same action of the same function in
// several stages counts once, and as used where one stage has used it.
func (w *World) Rights(document assembly.Document) Rights {
	all := w.index(document)
	used := map[Unused][]string{}
	covered, reached := map[Unused]map[string]bool{}, map[Unused]map[string]bool{}
	found := Rights{Unused: []Unused{}, Wide: []Wide{}, Undecided: []string{}}
	for _, grant := range w.Server.Grants() {
		function, ours := all.find(grant.Function)
		if !ours {
			continue
		}
		if service, _, _ := strings.Cut(grant.Action, ":"); !grant.Served {
			found.Undecided = append(found.Undecided, service)
			continue
		}
		one := Unused{Function: function.ID, Action: grant.Action, On: all.named(grant.Resource, strings.TrimSuffix(grant.Resource, "*")), At: function.At}
		if covered[one] == nil {
			covered[one], reached[one] = map[string]bool{}, map[string]bool{}
		}
		maps.Copy(covered[one], all.covered(grant, function.Stage))
		for _, right := range grant.Used {
			target, _ := all.find(right.Resource)
			reached[one][target.ID] = true
			used[one] = append(used[one], right.Action+" on "+all.named(right.Resource, right.Resource))
		}
	}
	for one := range covered {
		uses := used[one]
		slices.Sort(uses)
		uses = slices.Compact(uses)
		if len(uses) == 0 {
			found.Unused = append(found.Unused, one)
			continue
		}
		found.Used++
		maps.DeleteFunc(covered[one], func(id string, _ bool) bool { return reached[one][id] })
		if strings.ContainsAny(one.Action, "*?") || len(covered[one]) > 0 {
			found.Wide = append(found.Wide, Wide{Unused: one, Used: uses})
		}
	}
	byFunction := func(a, b Unused) int {
		return cmp.Or(cmp.Compare(a.Function, b.Function), cmp.Compare(a.On, b.On), cmp.Compare(a.Action, b.Action))
	}
	slices.SortFunc(found.Unused, byFunction)
	slices.SortFunc(found.Wide, func(a, b Wide) int { return byFunction(a.Unused, b.Unused) })
	slices.Sort(found.Undecided)
	found.Undecided = slices.Compact(found.Undecided)
	return found
}

// named is the component of an ARN as a program calls it, or the resource as a policy has it.
func (i index) named(resource, arn string) string {
	if target, known := i.find(arn); known {
		return strings.TrimSpace(nouns[target.Kind] + " " + target.ID)
	}
	return resource
}

// covered are the components of a stage that a grant is on, by their ids. What is below a component, such as
// its objects, is the component.
func (i index) covered(grant rehearsal.Grant, stage string) map[string]bool {
	covered := map[string]bool{}
	for arn, component := range i {
		if service := strings.SplitN(arn, ":", 4)[2]; component.Stage == stage && strings.HasPrefix(grant.Action, service+":") && grant.Covers(arn) {
			covered[component.ID] = true
		}
	}
	return covered
}

// Revoke takes away what the function with an ARN was granted on a component of its own stage or of another
// service, and gives what the roles' policies were before, by which Restore gives it back.
func (w *World) Revoke(document assembly.Document, function, component string) (before []rehearsal.Resource, err error) {
	all := w.index(document)
	return w.EditStatements(document, function, func(statement map[string]any) bool {
		resources := listed(statement["Resource"])
		left := slices.DeleteFunc(slices.Clone(resources), func(resource any) bool {
			text, _ := resource.(string)
			target, known := all.find(strings.TrimSuffix(text, "*"))
			return known && target.ID == component
		})
		changed := len(left) < len(resources)
		statement["Resource"] = left
		return changed
	})
}

// EditStatements changes the statements of the policies of a function's role, and drops those that are left without
// an action or a resource. It gives the policies that were changed, as they were.
func (w *World) EditStatements(document assembly.Document, function string, edit func(statement map[string]any) bool) (before []rehearsal.Resource, err error) {
	role := ""
	var policies []rehearsal.Resource
	for _, one := range document.Stages {
		for _, each := range w.resources(one) {
			if each.Type == "AWS::Lambda::Function" && each.Attributes["Arn"] == function {
				role, _ = each.Properties["Role"].(string)
			}
			if each.Type == "AWS::IAM::Policy" {
				policies = append(policies, each.Resource)
			}
		}
	}
	for _, each := range policies {
		if !slices.ContainsFunc(listed(each.Properties["Roles"]), func(name any) bool {
			return strings.HasSuffix(role, "/"+fmt.Sprint(name)) && strings.Contains(role, ":"+each.Account+":")
		}) {
			continue
		}
		policy, err := copied(each.Properties["PolicyDocument"])
		if err != nil {
			return before, err
		}
		changed := false
		policy["Statement"] = slices.DeleteFunc(listed(policy["Statement"]), func(statement any) bool {
			members, _ := statement.(map[string]any)
			if !edit(members) {
				return false
			}
			changed = true
			return len(listed(members["Resource"])) == 0 || len(listed(members["Action"])) == 0
		})
		if !changed {
			continue
		}
		next := maps.Clone(each.Properties)
		next["PolicyDocument"] = policy
		if _, err := w.Server.Account(each.Account).Change(each.Region, each.Type, each.PhysicalID, next); err != nil {
			return before, err
		}
		before = append(before, each)
	}
	return before, nil
}

// Restore gives resources the properties that they had.
func (w *World) Restore(before []rehearsal.Resource) error {
	for _, each := range before {
		if _, err := w.Server.Account(each.Account).Change(each.Region, each.Type, each.PhysicalID, each.Properties); err != nil {
			return err
		}
	}
	return nil
}

// copied is a document that may be changed.
func copied(document any) (map[string]any, error) {
	text, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	made := map[string]any{}
	return made, json.Unmarshal(text, &made)
}

// listed is what a policy writes as one value or as several.
func listed(value any) []any {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{value}
}
