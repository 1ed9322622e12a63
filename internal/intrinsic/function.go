package intrinsic

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// PseudoParameters are the names that CloudFormation gives to every template.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
var PseudoParameters = map[string]bool{
	"AWS::AccountId": true, "AWS::NotificationARNs": true, "AWS::NoValue": true, "AWS::Partition": true,
	"AWS::Region": true, "AWS::StackId": true, "AWS::StackName": true, "AWS::URLSuffix": true,
}

// Function recognises an intrinsic function: an object whose only key is Ref, Condition with a
// string, or Fn::….
func Function(node map[string]any) (name string, argument any, ok bool) {
	if len(node) != 1 {
		return "", nil, false
	}
	for key, value := range node {
		name, argument = key, value
	}
	switch {
	case name == "Ref", strings.HasPrefix(name, "Fn::"):
		return name, argument, true
	case name == "Condition":
		// A policy document has a Condition too, but an object.
		_, text := argument.(string)
		return name, argument, text
	}
	return "", nil, false
}

// Reference is a use of a parameter or a resource.
type Reference struct {
	Name string
	// Attribute is that of Fn::GetAtt; it may be empty if it is computed.
	Attribute string
	// GetAtt tells Fn::GetAtt from Ref.
	GetAtt bool
}

// WalkReferences finds the references in a value, in dead branches of Fn::If too.
func WalkReferences(node any, visit func(Reference)) {
	switch node := node.(type) {
	case []any:
		for _, element := range node {
			WalkReferences(element, visit)
		}
	case map[string]any:
		if name, argument, ok := Function(node); ok {
			WalkOwnReferences(name, argument, visit)
		}
		for _, key := range slices.Sorted(maps.Keys(node)) {
			WalkReferences(node[key], visit)
		}
	}
}

// WalkOwnReferences finds the references that a function makes itself, not those inside its
// arguments.
func WalkOwnReferences(name string, argument any, visit func(Reference)) {
	switch name {
	case "Ref":
		if target, ok := argument.(string); ok {
			visit(Reference{Name: target})
		}
	case "Fn::GetAtt":
		if resource, attribute, err := GetAttArgument(argument); err == nil {
			text, _ := attribute.(string)
			visit(Reference{Name: resource, Attribute: text, GetAtt: true})
		}
	case "Fn::Sub":
		text, variables, err := subArgument(argument)
		if err != nil {
			return
		}
		for _, part := range splitSub(text) {
			if _, own := variables[part.variable]; !own && part.variable != "" {
				visit(subReference(part.variable))
			}
		}
	}
}

func subReference(variable string) Reference {
	resource, attribute, dotted := strings.Cut(variable, ".")
	return Reference{Name: resource, Attribute: attribute, GetAtt: dotted}
}

// GetAttArgument reads ["A", "B.C"] and "A.B.C".
func GetAttArgument(argument any) (resource string, attribute any, err error) {
	malformed := TemplateError("Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
	switch argument := argument.(type) {
	case string:
		resource, attribute, ok := strings.Cut(argument, ".")
		if !ok || resource == "" || attribute == "" {
			return "", nil, malformed
		}
		return resource, attribute, nil
	case []any:
		if len(argument) < 2 {
			return "", nil, malformed
		}
		resource, ok := argument[0].(string)
		if !ok || resource == "" {
			return "", nil, malformed
		}
		if len(argument) == 2 {
			if _, object := argument[1].(map[string]any); object {
				return resource, argument[1], nil // the attribute may be a Ref
			}
		}
		var parts []string
		for _, part := range argument[1:] {
			text, ok := part.(string)
			if !ok || text == "" {
				return "", nil, malformed
			}
			parts = append(parts, text)
		}
		return resource, strings.Join(parts, "."), nil
	}
	return "", nil, malformed
}

func subArgument(argument any) (text string, variables map[string]any, err error) {
	malformed := TemplateError("One or more Fn::Sub intrinsic functions don't specify expected arguments. " +
		"Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string")
	switch argument := argument.(type) {
	case string:
		return argument, nil, nil
	case []any:
		if len(argument) != 2 {
			return "", nil, malformed
		}
		text, ok := argument[0].(string)
		variables, okToo := argument[1].(map[string]any)
		if ok && okToo {
			return text, variables, nil
		}
	}
	return "", nil, malformed
}

type subPart struct {
	literal  string
	variable string // if it is not empty, it stands instead of the literal
}

var subVariable = regexp.MustCompile(`\$\{([^{}]*)\}`)

// splitSub splits at ${Name}; ${!Literal} is the text ${Literal}.
func splitSub(text string) []subPart {
	var parts []subPart
	end := 0
	for _, match := range subVariable.FindAllStringSubmatchIndex(text, -1) {
		parts = append(parts, subPart{literal: text[end:match[0]]})
		end = match[1]
		name := text[match[2]:match[3]]
		if literal, escaped := strings.CutPrefix(name, "!"); escaped {
			parts = append(parts, subPart{literal: "${" + literal + "}"})
		} else {
			parts = append(parts, subPart{variable: strings.TrimSpace(name)})
		}
	}
	return append(parts, subPart{literal: text[end:]})
}

var subName = regexp.MustCompile(`^[a-zA-Z0-9_.:]+$`)

// CheckSub refuses what Fn::Sub cannot take.
func CheckSub(argument any) error {
	text, _, err := subArgument(argument)
	if err != nil {
		return err
	}
	for _, match := range subVariable.FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(match[1], "!") && !subName.MatchString(strings.TrimSpace(match[1])) {
			return TemplateError("variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons")
		}
	}
	return nil
}
