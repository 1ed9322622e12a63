package spec

import (
	_ "embed" // for types.txt
	"fmt"
	"sort"
	"strings"
	"sync"
)

//go:embed types.txt
var typesText string

// sections splits the table once; a section is parsed when its type is first looked up, since a program meets some
// twenty of the hundreds of types.
var sections = sync.OnceValue(func() map[string]*section {
	found := map[string]*section{}
	for text := range strings.SplitSeq(typesText, "\n\n") {
		declaration, ok := strings.CutPrefix(text, "type ")
		if !ok {
			continue // the comment at the top
		}
		first, body, _ := strings.Cut(declaration, "\n")
		name, mark, _ := strings.Cut(first, " ")
		s := &section{body: body}
		s.parse = sync.OnceValue(func() *ResourceType { return parseType(name, mark == "stateful", s.body) })
		found[name] = s
	}
	return found
})

type section struct {
	body  string
	parse func() *ResourceType
}

func lookup(name string) (*ResourceType, bool) {
	s, ok := sections()[name]
	if !ok {
		return nil, false
	}
	return s.parse(), true
}

func names() []string {
	list := make([]string, 0, len(sections()))
	for name := range sections() {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

func isCustom(name string) bool {
	return strings.HasPrefix(name, "Custom::") || name == "AWS::CloudFormation::CustomResource"
}

// parser builds one type. Nested objects may refer to each other in circles, so a reference makes an empty definition
// that its own lines fill.
type parser struct {
	result      *ResourceType
	definitions map[string]*Definition
}

func parseType(name string, stateful bool, body string) *ResourceType {
	p := &parser{
		result: &ResourceType{
			Name: name, Stateful: stateful, Properties: map[string]*Property{}, Attributes: map[string]*Type{},
		},
		definitions: map[string]*Definition{},
	}
	into := p.result.Properties
	for line := range strings.SplitSeq(strings.TrimRight(body, "\n"), "\n") {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		nested := strings.HasPrefix(line, "    ")
		switch {
		case strings.HasPrefix(key, ":"):
			into = p.definition(key[1:]).Properties
		case strings.HasPrefix(key, "@"):
			p.result.Attributes[key[1:]] = p.parse(value)
		case !nested && p.directive(key, value):
		default:
			property := p.property(key, value)
			into[property.Name] = property
		}
	}
	if p.result.RefIdentifier == nil {
		p.result.RefIdentifier = p.result.PrimaryIdentifier
	}
	return p.result
}

// directive reads the lines about the type itself. Their keys are lower-case; no property of the table's top level is.
func (p *parser) directive(key, value string) bool {
	fields := strings.Fields(value)
	switch key {
	case "id":
		p.result.PrimaryIdentifier = fields
	case "ref":
		p.result.RefIdentifier = fields
	case "name":
		p.result.NameProperty = fields[0]
		if len(fields) > 2 {
			p.result.NameScope = fields[2:]
		}
	case "tags":
		p.result.TagProperty, p.result.TagStyle = fields[0], TagStyle(fields[1])
	case "arn":
		p.result.ARNTemplate = value
	default:
		return false
	}
	return true
}

func (p *parser) property(key, value string) *Property {
	name := strings.TrimRight(key, "*!?")
	property := &Property{Name: name, Type: p.parse(value)}
	for _, mark := range key[len(name):] {
		switch mark {
		case '*':
			property.Required = true
		case '!':
			property.Replaces = Always
		case '?':
			property.Replaces = Maybe
		}
	}
	return property
}

func (p *parser) definition(name string) *Definition {
	definition := p.definitions[name]
	if definition == nil {
		definition = &Definition{Name: name, Properties: map[string]*Property{}}
		p.definitions[name] = definition
	}
	return definition
}

var scalars = map[string]Kind{
	"string": String, "int": Integer, "num": Number, "bool": Boolean, "json": Any, "tag": Tag,
}

func (p *parser) parse(text string) *Type {
	if alternatives := splitAlternatives(text); len(alternatives) > 1 {
		union := &Type{Kind: Union}
		for _, alternative := range alternatives {
			union.Alternatives = append(union.Alternatives, p.parse(alternative))
		}
		return union
	}
	if kind, ok := scalars[text]; ok {
		return &Type{Kind: kind}
	}
	switch inner := text[1 : len(text)-1]; text[0] {
	case '[':
		return &Type{Kind: List, Element: p.parse(inner)}
	case '{':
		return &Type{Kind: Map, Element: p.parse(inner)}
	}
	if text[0] < 'A' || text[0] > 'Z' {
		panic(fmt.Sprintf("types.txt: %s: %q is no type", p.result.Name, text))
	}
	return &Type{Kind: Object, Definition: p.definition(text)}
}

// splitAlternatives splits at the bars that are not inside brackets.
func splitAlternatives(text string) []string {
	var parts []string
	depth, start := 0, 0
	for i, c := range text {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case '|':
			if depth == 0 {
				parts = append(parts, text[start:i])
				start = i + 1
			}
		}
	}
	return append(parts, text[start:])
}
