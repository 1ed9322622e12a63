package refusals

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// many is the form of a resource that stands for several: Topic[26].
var many = regexp.MustCompile(`^(\w+)\[(\d+)\]$`)

// expand turns a template's YAML into plain values: CloudFormation's short forms become functions,
// the book's own marks become what they stand for. Number replaces #; 0 is none.
func expand(node *yaml.Node, number int) (any, error) {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch tag := node.Tag; {
	case tag == "!Repeat":
		return repeat(node)
	case strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!"):
		return function(node, number)
	}
	switch node.Kind {
	case yaml.MappingNode:
		return mapping(node, number)
	case yaml.SequenceNode:
		list := make([]any, 0, len(node.Content))
		for _, element := range node.Content {
			value, err := expand(element, number)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	}
	var value any
	if err := node.Decode(&value); err != nil {
		return nil, err
	}
	if text, is := value.(string); is && number > 0 {
		return strings.ReplaceAll(text, "#", strconv.Itoa(number)), nil
	}
	return value, nil
}

func mapping(node *yaml.Node, number int) (any, error) {
	made := map[string]any{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, content := node.Content[i].Value, node.Content[i+1]
		if part := many.FindStringSubmatch(key); part != nil {
			count, _ := strconv.Atoi(part[2]) // digits, by the pattern
			for n := 1; n <= count; n++ {
				value, err := expand(content, n)
				if err != nil {
					return nil, err
				}
				made[part[1]+strconv.Itoa(n)] = value
			}
			continue
		}
		if number > 0 {
			key = strings.ReplaceAll(key, "#", strconv.Itoa(number))
		}
		value, err := expand(content, number)
		if err != nil {
			return nil, err
		}
		made[key] = value
	}
	return made, nil
}

// repeat is !Repeat [times, of].
func repeat(node *yaml.Node) (any, error) {
	if node.Kind != yaml.SequenceNode || len(node.Content) != 2 {
		return nil, fmt.Errorf("line %d: !Repeat takes a list of two: how often, and what", node.Line)
	}
	times, err := strconv.Atoi(node.Content[0].Value)
	if err != nil || times < 1 {
		return nil, fmt.Errorf("line %d: !Repeat takes a number of times, found %q", node.Line, node.Content[0].Value)
	}
	of := node.Content[1]
	if of.Kind == yaml.ScalarNode && of.Tag == "!!str" && !strings.Contains(of.Value, "#") {
		return strings.Repeat(of.Value, times), nil
	}
	if of.Kind == yaml.MappingNode && len(of.Content) == 2 && strings.Contains(of.Content[0].Value, "#") {
		object := map[string]any{}
		for n := 1; n <= times; n++ {
			value, err := expand(of, n)
			if err != nil {
				return nil, err
			}
			for key, member := range value.(map[string]any) {
				object[key] = member
			}
		}
		return object, nil
	}
	list := make([]any, 0, times)
	for n := 1; n <= times; n++ {
		value, err := expand(of, n)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, nil
}

// function is a short form of CloudFormation.
func function(node *yaml.Node, number int) (any, error) {
	name := strings.TrimPrefix(node.Tag, "!")
	plain := *node
	plain.Tag = map[yaml.Kind]string{yaml.ScalarNode: "!!str", yaml.SequenceNode: "!!seq", yaml.MappingNode: "!!map"}[node.Kind]
	argument, err := expand(&plain, number)
	if err != nil {
		return nil, err
	}
	switch text, is := argument.(string); {
	case name == "Ref" || name == "Condition":
		return map[string]any{name: argument}, nil
	case name == "GetAtt" && is:
		resource, attribute, _ := strings.Cut(text, ".")
		return map[string]any{"Fn::GetAtt": []any{resource, attribute}}, nil
	}
	return map[string]any{"Fn::" + name: argument}, nil
}
