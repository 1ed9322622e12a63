// Package steps finds what AWS refuses on the way from one template to another, though each of the two is valid by
// itself: two indexes in one update, another key under the same name. It is pure Go over templates, and knows a step
// only where AWS's own page tells of it; see rehearsal/refusals.
package steps

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/roadshow-go/roadshow/internal/intrinsic"
)

// Step is a change of one resource that AWS refuses in one update.
type Step struct {
	// Refusal is the id of the refusal in the book, rehearsal/refusals.
	Refusal string
	// LogicalID and Type are the resource's.
	LogicalID, Type string
	// Problem says what cannot be done at once, as a sentence without its end; First what to do instead, as orders.
	Problem, First string
	// Page is where AWS, or whoever met it, tells of it.
	Page string
}

// Place is where a stack is deployed.
type Place struct{ Account, Region, StackName string }

// Between lists the steps from a deployed template to another, by logical id. What depends on values that only
// CloudFormation knows is not among them. The error says that a template is none.
func Between(place Place, deployed, wanted []byte) ([]Step, error) {
	before, err := read(place, deployed)
	if err != nil {
		return nil, fmt.Errorf("the deployed template: %w", err)
	}
	after, err := read(place, wanted)
	if err != nil {
		return nil, fmt.Errorf("the new template: %w", err)
	}
	c := change{before: before, after: after, replaced: map[string]string{}}
	c.findReplaced()
	var found []Step
	for _, id := range slices.Sorted(maps.Keys(before)) {
		for _, rule := range rules {
			for _, step := range rule(c, id) {
				step.LogicalID, step.Type = id, before[id].kind
				found = append(found, step)
			}
		}
	}
	return found, nil
}

// change leads from the resources of one template to those of another.
type change struct {
	before, after map[string]resource
	// replaced maps the resources that certainly are made anew to the property that does it.
	replaced map[string]string
}

// resource is one of a template, with everything computed that a template tells.
type resource struct {
	kind, policy string
	properties   map[string]any
}

// read computes the resources of a template. What cannot be computed stays as it is written.
func read(place Place, text []byte) (map[string]resource, error) {
	var document struct {
		Mappings, Conditions map[string]any
		Resources            map[string]struct {
			Type, Condition, DeletionPolicy string
			Properties                      map[string]any
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	v := &intrinsic.Evaluator{
		Account: place.Account, Region: place.Region, StackName: place.StackName, Mappings: document.Mappings, Conditions: document.Conditions,
		Ref: func(name string) (any, error) { return intrinsic.NewUnknown(intrinsic.Reference{Name: name}), nil },
		Attribute: func(id, attribute string) (any, error) {
			return intrinsic.NewUnknown(intrinsic.Reference{Name: id, Attribute: attribute, GetAtt: true}), nil
		},
		Zones:   func(region string) (any, error) { return unknown("Fn::GetAZs", region), nil },
		Import:  func(export string) (any, error) { return unknown("Fn::ImportValue", export), nil },
		Foreign: func(name string, argument any) (any, error) { return unknown(name, argument), nil },
	}
	if err := v.EvaluateConditions(); err != nil {
		return nil, err
	}
	all := map[string]resource{}
	for id, declared := range document.Resources {
		if holds, decided := v.Condition(declared.Condition); decided && !holds {
			continue
		}
		one := resource{kind: declared.Type, policy: declared.DeletionPolicy, properties: map[string]any{}}
		for name, node := range declared.Properties {
			value, err := v.Value(node)
			if err != nil {
				value = node
			}
			if _, none := value.(intrinsic.NoValue); !none {
				one.properties[name] = intrinsic.Plain(value)
			}
		}
		all[id] = one
	}
	return all, nil
}

func unknown(function string, argument any) intrinsic.Unknown {
	return intrinsic.Unknown{From: intrinsic.Reference{Name: function}, Node: map[string]any{function: argument}}
}

// at follows names into a value; nil where there is nothing.
func at(value any, names ...string) any {
	for _, name := range names {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

func textAt(value any, names ...string) string {
	text, _ := at(value, names...).(string)
	return text
}

// holds tells whether a value of a template is true, which may be written as a text.
func holds(value any) bool { return value == true || value == "true" }
