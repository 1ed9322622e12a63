package stack

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

// inspect looks at what a stage's template really holds, whoever wrote it: each text that a service
// limits, each ARN that has to be of the stage's place, secrets in variables, and each name that
// must be unique, which the ledger reads back. The error is a [*ConfigError], or several.
func (s *Stack) inspect(text []byte, synthesized synthesizedStage) error {
	var template struct {
		Description string
		Resources   map[string]struct {
			Type       string
			Properties map[string]any
		}
	}
	if err := json.Unmarshal(text, &template); err != nil {
		return fmt.Errorf("template of stage %s: %w", s.stage().Name, err)
	}
	at := positions(synthesized)
	owners := ownersOf(synthesized)
	var problems faults
	var written []stages.Written
	if problem := templateDescription.fault("Description", template.Description); problem != nil {
		problem.Thing, problem.At = fmt.Sprintf("template of stage %s", s.stage().Name), s.app.position()
		problems = append(problems, problem)
	}
	for _, id := range sortedKeys(template.Resources) {
		resource := template.Resources[id]
		report := func(problem *ConfigError) {
			if problem != nil {
				problem.Thing, problem.At = fmt.Sprintf("%s %q", resource.Type, id), at(id)
				problems = append(problems, problem)
			}
		}
		for _, row := range texts {
			if row.resource == resource.Type || row.resource == "*" {
				visit(resource.Properties, strings.Split(row.property, "."), "", func(path, value string) {
					problem := row.fault(path, value)
					if problem == nil && resource.Type == "AWS::Lambda::Function" && strings.HasPrefix(row.property, "Environment") {
						problem = secretFault(path, value)
					}
					report(problem)
				})
			}
		}
		if resource.Type == "AWS::IAM::Role" {
			report(tagTwice(resource.Properties))
		}
		for _, row := range places {
			if row.resource == resource.Type && !s.choices().ForProof() {
				visit(resource.Properties, strings.Split(row.property, "."), "", func(path, value string) { report(row.fault(path, value, s.stage())) })
			}
		}
		if kind, name, named := stages.Named(resource.Type, resource.Properties); named && kind.Scope != stages.ScopeNone && kind.Scope != stages.ScopeParent {
			written = append(written, stages.Written{Kind: kind, Owner: owners(id), Name: name, At: at(id)})
		}
	}
	switch len(problems) {
	case 0:
		return s.ledger().Read(s.choices(), written)
	case 1:
		return problems[0]
	}
	return ConfigErrors(problems)
}

// templateDescription is what CloudFormation takes as a template's description.
var templateDescription = textRule{most: 1024, bytes: true, docs: "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-description-structure.html"}

// tagTwice is that a role has two tags whose keys differ only in case, which IAM takes for one; nil
// where it has not.
func tagTwice(properties map[string]any) *ConfigError {
	seen := map[string]string{}
	var problem *ConfigError
	visit(properties, []string{"Tags[]", "Key"}, "", func(path, key string) {
		if first, taken := seen[strings.ToLower(key)]; taken && problem == nil {
			problem = &ConfigError{
				Field: path, Got: fmt.Sprintf("%q beside %q", key, first), Want: "another key: IAM does not tell capital letters from small ones", Fix: "write one of the two",
				Docs: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html",
			}
		}
		seen[strings.ToLower(key)] = key
	})
	return problem
}

// readBack inspects every template, and compares the names in them with each other and with the
// ledger's.
func readBack(stacks []*Stack, document *Assembly, templates [][]byte, of ...stages.Stage) error {
	for i, stack := range stacks {
		if err := stack.inspect(templates[i], document.Stages[i]); err != nil {
			return err
		}
	}
	for _, stack := range stacks {
		document.Ledger = stack.ledger().Merge(document.Ledger, stack.ledger().Claimed(of...))
	}
	for _, collision := range stages.Collisions(document.Ledger) {
		return collision
	}
	return nil
}

// ownersOf finds a resource's component; what none has made is its own.
func ownersOf(synthesized synthesizedStage) func(logicalID string) string {
	return func(logicalID string) string { return cmp.Or(synthesized.Owner(logicalID).ID, logicalID) }
}

// visit calls for each text at the path of a row, and says where it stands.
func visit(value any, property []string, path string, call func(path, value string)) {
	if len(property) == 0 {
		if text, ok := value.(string); ok {
			call(path, text)
		}
		return
	}
	name, each := property[0], ""
	if at := strings.IndexAny(name, "[{"); at >= 0 {
		name, each = name[:at], name[at:]
	}
	fields, _ := value.(map[string]any)
	below, has := fields[name]
	if !has {
		return
	}
	if path != "" {
		path += "."
	}
	path += name
	switch each {
	case "":
		visit(below, property[1:], path, call)
	case "[]":
		list, _ := below.([]any)
		for i, item := range list {
			visit(item, property[1:], fmt.Sprintf("%s[%d]", path, i), call)
		}
	default:
		values, _ := below.(map[string]any)
		for _, key := range sortedKeys(values) {
			if each == "{key}" {
				call(path, key)
			} else {
				visit(values[key], property[1:], path+"."+key, call)
			}
		}
	}
}
