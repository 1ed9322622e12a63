package parity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// Template is a CloudFormation template, parsed once and compared with many. It does not change, so
// several goroutines may use it.
type Template struct {
	root *object
	// folds maps the logical ids that end in a hash of identity to what stands before the hash.
	folds map[string]string
}

// object is a JSON object with its keys sorted, so that two can be walked side by side.
type object struct {
	keys   []string
	values []any
}

// get is the value of a key, or nil.
func (o *object) get(key string) any {
	if at, exists := slices.BinarySearch(o.keys, key); exists {
		return o.values[at]
	}
	return nil
}

// Parse reads a template from JSON. The error says what is wrong with it: it is no JSON object, is
// not UTF-8, or an object of it has a key twice (of which CloudFormation and this package might
// each see another).
func Parse(data []byte) (*Template, error) {
	if !json.Valid(data) {
		// Valid is twice as fast, but does not say what is wrong.
		return nil, fmt.Errorf("template: %w", json.Unmarshal(data, new(json.RawMessage)))
	}
	if !utf8.Valid(data) {
		return nil, errors.New("the template is not UTF-8")
	}
	parser := parser{text: string(data)}
	root, isObject := parser.value().(*object)
	if parser.err != nil {
		return nil, fmt.Errorf("template: %w", parser.err)
	}
	if !isObject {
		return nil, errors.New("the template is not a JSON object")
	}
	t := &Template{root: root}
	t.prepare()
	return t, nil
}

// foldedTypes are the types whose logical ids the CDK ends in a hash over the whole resource,
// identity included: a changed resource must be a new one. What the hash is over is compared by
// itself.
var foldedTypes = []string{"AWS::Lambda::Version", "AWS::ApiGateway::Deployment"}

var endsInHash = regexp.MustCompile(`^(.+)[0-9a-f]{32}$`)

// prepare finds the logical ids to fold and sorts the lists that are sets.
func (t *Template) prepare() {
	resources, _ := t.root.get("Resources").(*object)
	if resources == nil {
		return
	}
	count := map[string]int{}
	t.folds = map[string]string{}
	for i, id := range resources.keys {
		resource, isObject := resources.values[i].(*object)
		if !isObject {
			continue
		}
		if dependsOn, isList := resource.get("DependsOn").([]any); isList {
			sortStrings(dependsOn)
		}
		kind, _ := resource.get("Type").(string)
		if !slices.Contains(foldedTypes, kind) {
			continue
		}
		if parts := endsInHash.FindStringSubmatch(id); parts != nil {
			// The type is part of it: a version must not pass for a deployment.
			base := kind + " " + parts[1]
			t.folds[id] = base
			count[base]++
		}
	}
	for id, base := range t.folds {
		if count[base] > 1 {
			// Without their hashes the two could be taken for each other.
			delete(t.folds, id)
		}
	}
}

// sortStrings sorts a list in place if it holds nothing but strings. CloudFormation reads DependsOn
// as a set.
func sortStrings(list []any) {
	for _, element := range list {
		if _, isString := element.(string); !isString {
			return
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].(string) < list[j].(string) })
}

// Resources lists the logical ids of the template's resources, sorted.
func (t *Template) Resources() []string {
	if resources, ok := t.root.get("Resources").(*object); ok {
		return slices.Clone(resources.keys)
	}
	return nil
}

// Type is the CloudFormation type of a resource, or empty where there is none of that logical id.
func (t *Template) Type(logicalID string) string {
	resources, _ := t.root.get("Resources").(*object)
	if resources == nil {
		return ""
	}
	resource, _ := resources.get(logicalID).(*object)
	if resource == nil {
		return ""
	}
	kind, _ := resource.get("Type").(string)
	return kind
}

// parser makes a tree of JSON that is known to be valid. It is our own for two reasons: it sees
// keys that stand twice, and it does not copy strings, of which a template mostly consists.
type parser struct {
	text string
	at   int
	err  error
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\n', '\r', '\t':
			p.at++
		default:
			return
		}
	}
}

// value reads one value: nil, bool, string, json.Number, []any or *object.
func (p *parser) value() any {
	p.space()
	switch p.text[p.at] {
	case '{':
		return p.object()
	case '[':
		return p.array()
	case '"':
		return p.string()
	case 't':
		p.at += len("true")
		return true
	case 'f':
		p.at += len("false")
		return false
	case 'n':
		p.at += len("null")
		return nil
	}
	from := p.at
	for p.at < len(p.text) && strings.IndexByte("+-.eE0123456789", p.text[p.at]) >= 0 {
		p.at++
	}
	return json.Number(p.text[from:p.at])
}

func (p *parser) object() *object {
	o := &object{}
	p.at++
	for p.space(); p.text[p.at] != '}'; p.space() {
		if p.text[p.at] == ',' {
			p.at++
			p.space()
		}
		o.keys = append(o.keys, p.string())
		p.space()
		p.at++ // the colon
		o.values = append(o.values, p.value())
	}
	p.at++
	sort.Sort(byKey{o})
	for i := 1; i < len(o.keys); i++ {
		if o.keys[i] == o.keys[i-1] && p.err == nil {
			p.err = fmt.Errorf("key %q stands twice in one object", o.keys[i])
		}
	}
	return o
}

func (p *parser) array() []any {
	list := []any{}
	p.at++
	for p.space(); p.text[p.at] != ']'; p.space() {
		if p.text[p.at] == ',' {
			p.at++
		}
		list = append(list, p.value())
	}
	p.at++
	return list
}

func (p *parser) string() string {
	from := p.at
	p.at++
	escaped := false
	for p.text[p.at] != '"' {
		if p.text[p.at] == '\\' {
			escaped = true
			p.at++
		}
		p.at++
	}
	p.at++
	if !escaped {
		return p.text[from+1 : p.at-1]
	}
	var text string
	if err := json.Unmarshal([]byte(p.text[from:p.at]), &text); err != nil && p.err == nil {
		p.err = err
	}
	return text
}

// byKey sorts an object's keys with their values.
type byKey struct{ *object }

func (o byKey) Len() int           { return len(o.keys) }
func (o byKey) Less(i, j int) bool { return o.keys[i] < o.keys[j] }
func (o byKey) Swap(i, j int) {
	o.keys[i], o.keys[j] = o.keys[j], o.keys[i]
	o.values[i], o.values[j] = o.values[j], o.values[i]
}

// writeJSON writes a node compactly, without the escapes that only HTML needs.
func writeJSON(out *bytes.Buffer, node any) {
	switch node := node.(type) {
	case *object:
		out.WriteByte('{')
		for i, key := range node.keys {
			if i > 0 {
				out.WriteByte(',')
			}
			writeJSON(out, key)
			out.WriteByte(':')
			writeJSON(out, node.values[i])
		}
		out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for i, element := range node {
			if i > 0 {
				out.WriteByte(',')
			}
			writeJSON(out, element)
		}
		out.WriteByte(']')
	default:
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(node); err != nil {
			out.WriteString("null")
			return
		}
		out.Truncate(out.Len() - 1) // the encoder ends a line
	}
}
