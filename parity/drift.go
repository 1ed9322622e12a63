package parity

import "github.com/roadshow-go/roadshow/stages"

// CommitKey is the key of a template's Metadata that holds the Git commit it was made from.
const CommitKey = "roadshow:commit"

// Drift lists what differs between the template that is deployed in a stage and the one that the program
// makes of the same stage: what leads from the former to the latter. The commit in the Metadata does not
// count, since it changes nothing in the account. at finds the Go line of a resource; nil finds none.
func Drift(stage stages.Stage, deployed, synthesized []byte, at func(logicalID string) stages.Position) ([]Change, error) {
	sides := make([]Side, 2)
	for i, text := range [][]byte{deployed, synthesized} {
		template, err := Parse(text)
		if err != nil {
			return nil, &PlayError{Stage: stage, Err: err}
		}
		template.dropCommit()
		template.folds = nil // another hash in a logical id is another resource
		sides[i] = Side{Stage: stage, Template: template, Positions: at}
	}
	w, err := newWalk(sides)
	if err != nil {
		return nil, err
	}
	c := &changer{walk: w, times: map[string]int{}}
	c.node(sides[0].Template.root, sides[1].Template.root)
	return c.found, nil
}

// dropCommit takes the commit out, and the Metadata where nothing else is in it.
func (t *Template) dropCommit() {
	metadata, ok := t.root.get("Metadata").(*object)
	if !ok {
		return
	}
	without := func(o *object, key string) *object {
		less := &object{}
		for i, one := range o.keys {
			if one != key {
				less.keys, less.values = append(less.keys, one), append(less.values, o.values[i])
			}
		}
		return less
	}
	if metadata = without(metadata, CommitKey); len(metadata.keys) == 0 {
		t.root = without(t.root, "Metadata")
		return
	}
	for i, key := range t.root.keys {
		if key == "Metadata" {
			t.root.values[i] = metadata
		}
	}
}
