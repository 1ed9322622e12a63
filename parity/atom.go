package parity

import (
	"fmt"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

// Change is one place where two templates of one identity differ.
type Change struct {
	// Path is where, as in a [Difference]. An element that a list has more than before has the path
	// of the list, with [+] behind it.
	Path string `json:"path"`
	// LogicalID, Type and At are the resource's, as in a [Difference].
	LogicalID string          `json:"logicalId,omitempty"`
	Type      string          `json:"type,omitempty"`
	At        stages.Position `json:"at,omitzero"`
	// From and To are the values before and after, as JSON; empty where there is nothing.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// String is the change in one line.
func (c Change) String() string {
	switch {
	case c.From == "":
		return fmt.Sprintf("%s: %s", c.Path, cut(c.To, 100))
	case c.To == "":
		return fmt.Sprintf("%s: not %s", c.Path, cut(c.From, 100))
	}
	return fmt.Sprintf("%s: %s instead of %s", c.Path, cut(c.To, 100), cut(c.From, 100))
}

// key tells changes of the same base apart: what is the same change has one key.
func (c Change) key() string { return c.Path + "\x00" + c.To }

// changer lists what is changed from one side of a walk to the other, in pieces as small as they
// come, so that what two declarations do to one resource can be told apart.
type changer struct {
	walk    *walk
	changes []Change
	times   map[string]int
}

// changes lists what leads from one played part to another of the same identity.
func changes(from, to Played, actor stages.Stage) ([]Change, error) {
	sides := make([]Side, 2)
	for i, played := range []Played{from, to} {
		template, err := Parse(played.Template)
		if err != nil {
			return nil, &PlayError{Stage: actor, Err: err}
		}
		// What is the same on both sides needs no pairing.
		sides[i] = Side{Stage: actor, Template: template, Positions: played.Positions}
	}
	w, err := newWalk(sides)
	if err != nil {
		return nil, err
	}
	c := &changer{walk: w, times: map[string]int{}}
	c.node(sides[0].Template.root, sides[1].Template.root)
	w.path.down(stackSection)
	c.node(objectOf(from.Stack), objectOf(to.Stack))
	w.path = path{{key: functionsSection}}
	c.node(objectOf(from.Functions), objectOf(to.Functions))
	return c.changes, nil
}

// equal compares two nodes without listing anything.
func (c *changer) equal(before, after any) bool {
	c.walk.quiet++
	defer func() { c.walk.quiet-- }()
	return c.walk.node([]int{0, 1}, []any{before, after})
}

func (c *changer) node(before, after any) {
	if object, isObject := before.(*object); isObject {
		if other, both := asObject(after); both {
			c.objects(object, other)
			return
		}
	}
	if list, isList := before.([]any); isList {
		if other, both := after.([]any); both {
			c.lists(list, other)
			return
		}
	}
	if !c.equal(before, after) {
		c.change(before, after, "")
	}
}

func asObject(node any) (*object, bool) {
	o, is := node.(*object)
	return o, is
}

func (c *changer) objects(before, after *object) {
	for _, row := range c.walk.align([]int{0, 1}, []*object{before, after}) {
		switch {
		case row[0] < 0:
			c.walk.path.down(after.keys[row[1]])
			c.added(after.values[row[1]], "")
		case row[1] < 0:
			c.walk.path.down(before.keys[row[0]])
			c.change(before.values[row[0]], nothing{}, "")
		default:
			c.walk.path.down(before.keys[row[0]])
			c.node(before.values[row[0]], after.values[row[1]])
		}
		c.walk.path.up()
	}
}

// lists pairs up the elements that are equal; of the others, those at the same place where there
// are as many of them on both sides.
func (c *changer) lists(before, after []any) {
	var left, right []int
	paired := make([]bool, len(after))
	moved, last := false, -1
	for i, element := range before {
		at := slices.IndexFunc(after, func(other any) bool { return c.equal(element, other) })
		for at >= 0 && paired[at] {
			next := slices.IndexFunc(after[at+1:], func(other any) bool { return c.equal(element, other) })
			if next < 0 {
				at = -1
				break
			}
			at += 1 + next
		}
		if at < 0 {
			left = append(left, i)
			continue
		}
		paired[at] = true
		moved = moved || at < last
		last = max(last, at)
	}
	for i := range after {
		if !paired[i] {
			right = append(right, i)
		}
	}
	switch {
	case len(left) == len(right) && len(left) > 0:
		for k := range left {
			c.walk.path.downAt(left[k])
			c.node(before[left[k]], after[right[k]])
			c.walk.path.up()
		}
	default:
		for _, i := range left {
			c.walk.path.downAt(i)
			c.change(before[i], nothing{}, "")
			c.walk.path.up()
		}
		for _, i := range right {
			c.change(nothing{}, after[i], "[+]")
		}
	}
	if moved {
		c.change(before, after, "[order]")
	}
}

// added lists what is new: a resource that two declarations make together differs in its parts.
func (c *changer) added(node any, suffix string) {
	switch node := node.(type) {
	case *object:
		if len(node.keys) == 0 {
			break
		}
		for i, key := range node.keys {
			c.walk.path.down(key)
			c.added(node.values[i], suffix)
			c.walk.path.up()
		}
		return
	case []any:
		for _, element := range node {
			c.change(nothing{}, element, "[+]")
		}
		if len(node) > 0 {
			return
		}
	}
	c.change(nothing{}, node, suffix)
}

func (c *changer) change(before, after any, suffix string) {
	change := Change{Path: c.walk.path.String() + suffix}
	for _, node := range []struct {
		of   any
		into *string
	}{{before, &change.From}, {after, &change.To}} {
		if node.of != any(nothing{}) {
			*node.into = string(compact(node.of))
		}
	}
	// The same element may be added to a list twice.
	if c.times[change.key()]++; c.times[change.key()] > 1 {
		change.Path = fmt.Sprintf("%s (%d)", change.Path, c.times[change.key()])
	}
	if section, id := c.walk.path.resource(); section != "" {
		change.LogicalID = id
		for _, side := range slices.Backward(c.walk.sides) {
			if kind := side.Template.Type(id); kind != "" && change.Type == "" {
				change.Type = kind
				if side.Positions != nil {
					change.At = side.Positions(id)
				}
			}
		}
	}
	c.changes = append(c.changes, change)
}

// whole tells whether a change adds or removes a whole resource.
func (c Change) whole() (added, removed bool) {
	id, isResource := strings.CutPrefix(c.Path, "Resources.")
	if !isResource {
		return false, false
	}
	if id == c.LogicalID && c.To == "" {
		return false, true
	}
	return c.From == "" && id == c.LogicalID+".Type", false
}
