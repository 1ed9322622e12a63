package parity

import (
	"slices"

	"github.com/roadshow-go/roadshow/stages"
)

// DigestKey is the key of a template's Metadata by which it names itself: a digest of all else in
// it. [Drift] and [Recompiled] leave it out, since it differs where anything does.
const DigestKey = "roadshow:digest"

// Drift lists what differs between the template that is deployed in a stage and the one that the
// program makes of the same stage: what leads from the former to the latter. at finds the Go line
// of a resource; nil finds none.
func Drift(stage stages.Stage, deployed, synthesized []byte, at func(logicalID string) stages.Position) ([]Change, error) {
	sides, err := driftSides(stage, deployed, synthesized)
	if err != nil {
		return nil, err
	}
	for i := range sides {
		sides[i].Template.folds = nil // another hash in a logical id is another resource
		sides[i].Positions = at
	}
	w, err := newWalk(sides)
	if err != nil {
		return nil, err
	}
	c := &changer{walk: w, times: map[string]int{}}
	c.node(sides[0].Template.root, sides[1].Template.root)
	return c.changes, nil
}

// Recompiled tells whether the two templates of [Drift] differ in nothing but the code of
// functions, which is named by a digest of its bytes, and in the versions that follow from it.
// functions are the logical ids of those whose code differs, sorted.
func Recompiled(stage stages.Stage, deployed, synthesized []byte) (functions []string, only bool, err error) {
	sides, err := driftSides(stage, deployed, synthesized)
	if err != nil {
		return nil, false, err
	}
	code := [2]map[string]any{sides[0].Template.takeCode(), sides[1].Template.takeCode()}
	for id, key := range code[0] {
		if other, both := code[1][id]; both && other != key {
			functions = append(functions, id)
		}
	}
	slices.Sort(functions)
	w, err := newWalk(sides)
	if err != nil {
		return nil, false, err
	}
	alike := w.node(everyone(2), []any{sides[0].Template.root, sides[1].Template.root})
	return functions, alike && len(functions) > 0, nil
}

// driftSides are two templates of one stage.
func driftSides(stage stages.Stage, deployed, synthesized []byte) ([]Side, error) {
	sides := make([]Side, 2)
	for i, text := range [][]byte{deployed, synthesized} {
		template, err := Parse(text)
		if err != nil {
			return nil, &PlayError{Stage: stage, Err: err}
		}
		template.dropDigest()
		sides[i] = Side{Stage: stage, Template: template}
	}
	return sides, nil
}

// takeCode takes the keys of the functions' code out of a template, and returns them by logical id.
func (t *Template) takeCode() map[string]any {
	taken := map[string]any{}
	for _, id := range t.Resources() {
		if t.Type(id) != "AWS::Lambda::Function" {
			continue
		}
		resource, _ := t.root.get("Resources").(*object).get(id).(*object)
		properties, _ := resource.get("Properties").(*object)
		if properties == nil {
			continue
		}
		code, _ := properties.get("Code").(*object)
		if code == nil {
			continue
		}
		if at, exists := slices.BinarySearch(code.keys, "S3Key"); exists {
			taken[id], code.values[at] = code.values[at], ""
		}
	}
	return taken
}

// dropDigest takes the template's own digest out, and the Metadata where nothing else is in it.
func (t *Template) dropDigest() {
	metadata, ok := t.root.get("Metadata").(*object)
	if !ok || metadata.get(DigestKey) == nil {
		return
	}
	without := func(o *object, key string) *object {
		less := &object{}
		for i, name := range o.keys {
			if name != key {
				less.keys, less.values = append(less.keys, name), append(less.values, o.values[i])
			}
		}
		return less
	}
	if metadata = without(metadata, DigestKey); len(metadata.keys) == 0 {
		t.root = without(t.root, "Metadata")
		return
	}
	for i, key := range t.root.keys {
		if key == "Metadata" {
			t.root.values[i] = metadata
		}
	}
}
