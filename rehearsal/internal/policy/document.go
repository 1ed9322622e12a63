// Package policy decides requests by policies, as IAM does. It knows no server and no resource: who
// uses it hands in documents, and the request with its context.
package policy

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Document is a policy that was read.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type Document struct {
	Statements []Statement
	// Conditional says whether what the policy means depends on a request's context: by a condition,
	// or by a variable.
	Conditional bool
}

// Statement is one statement of a policy. An element that the statement does not have is nil.
type Statement struct {
	// Sid names the statement, where its author did.
	Sid                     string
	denies                  bool
	principal, notPrincipal principals
	action, notAction       []pattern
	resource, notResource   []pattern
	conditions              []condition
}

// Pair is an action and a resource as a statement has them, with wildcards and variables.
type Pair struct{ Action, Resource string }

// Allowed lists what the statements allow that name actions and resources.
func (d Document) Allowed() []Pair {
	var all []Pair
	for _, statement := range d.Statements {
		if statement.denies {
			continue
		}
		for _, action := range statement.action {
			for _, resource := range statement.resource {
				all = append(all, Pair{Action: action.text, Resource: resource.text})
			}
		}
	}
	return all
}

// principals are those of a statement by their kind, such as AWS or Service.
type principals map[string][]string

// everyone is the principal that stands for all.
const everyone = "*"

// Read reads a policy: the object that it is, or its JSON text. A condition operator or an effect
// that IAM does not know is an error, and so is what is no policy at all.
func Read(value any) (Document, error) {
	text, isText := value.(string)
	if !isText {
		encoded, err := json.Marshal(value)
		if err != nil {
			return Document{}, fmt.Errorf("policy: %w", err)
		}
		text = string(encoded)
	}
	var written struct {
		Version   string
		Statement oneOrMany[writtenStatement]
	}
	if err := json.Unmarshal([]byte(text), &written); err != nil {
		return Document{}, fmt.Errorf("policy: %w", err)
	}
	document := Document{}
	for _, each := range written.Statement {
		statement, err := each.read(written.Version)
		if err != nil {
			return Document{}, fmt.Errorf("policy: statement %q: %w", each.Sid, err)
		}
		document.Statements = append(document.Statements, statement)
		document.Conditional = document.Conditional || statement.conditions != nil || variable(statement.resource) || variable(statement.notResource)
	}
	return document, nil
}

type writtenStatement struct {
	Sid, Effect             string
	Principal, NotPrincipal principals
	Action, NotAction       oneOrMany[scalar]
	Resource, NotResource   oneOrMany[scalar]
	Condition               map[string]map[string]oneOrMany[scalar]
}

func (w writtenStatement) read(version string) (Statement, error) {
	if w.Effect != "Allow" && w.Effect != "Deny" {
		return Statement{}, fmt.Errorf("the effect is %q; IAM knows Allow and Deny", w.Effect)
	}
	// Only this version has variables.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
	variables := version == "2012-10-17"
	statement := Statement{
		Sid: w.Sid, denies: w.Effect == "Deny", principal: w.Principal, notPrincipal: w.NotPrincipal,
		action: patterns(w.Action, false), notAction: patterns(w.NotAction, false),
		resource: patterns(w.Resource, variables), notResource: patterns(w.NotResource, variables),
	}
	for name, keys := range w.Condition {
		operator, err := readOperator(name)
		if err != nil {
			return Statement{}, err
		}
		for key, values := range keys {
			statement.conditions = append(statement.conditions, condition{
				operator: operator, key: strings.ToLower(key), values: patterns(values, variables),
			})
		}
	}
	return statement, nil
}

// UnmarshalJSON reads "*" as well as an object of kinds.
func (p *principals) UnmarshalJSON(text []byte) error {
	var all string
	if json.Unmarshal(text, &all) == nil {
		*p = principals{"AWS": {all}}
		return nil
	}
	var kinds map[string]oneOrMany[scalar]
	if err := json.Unmarshal(text, &kinds); err != nil {
		return err
	}
	*p = principals{}
	for kind, values := range kinds {
		for _, value := range values {
			(*p)[kind] = append((*p)[kind], string(value))
		}
	}
	return nil
}

// oneOrMany is what policies write as one value or as a list.
type oneOrMany[T any] []T

// UnmarshalJSON reads either form.
func (o *oneOrMany[T]) UnmarshalJSON(text []byte) error {
	many := []T{}
	if json.Unmarshal(text, &many) == nil {
		*o = many
		return nil
	}
	var one T
	if err := json.Unmarshal(text, &one); err != nil {
		return err
	}
	*o = []T{one}
	return nil
}

// scalar is a text; policies may also write a number or a boolean.
type scalar string

// UnmarshalJSON takes numbers and booleans as their text.
func (s *scalar) UnmarshalJSON(text []byte) error {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	switch value := value.(type) {
	case string:
		*s = scalar(value)
	case float64, bool:
		*s = scalar(text)
	default:
		return fmt.Errorf("%s is no text, number or boolean", text)
	}
	return nil
}
