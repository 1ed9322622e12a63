package parity

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

// Side is one of the templates to compare.
type Side struct {
	// Stage is whose template it is; it names the side in differences. Required.
	Stage stages.Stage
	// Template is what was synthesized. Required.
	Template *Template
	// Identity is what makes the stage itself: its name, account, region and physical names, as
	// from [stages.Ledger.Identity]. Values of one index mean the same thing on every side.
	Identity []string
	// Positions finds the Go file and line that made a resource. Default: none is known.
	Positions func(logicalID string) stages.Position

	// kinds says of each value of Identity what it is; without it, each counts wherever it stands.
	kinds []Kind
	// label names the side where the stage's own text would mislead.
	label string
	// aligned tells that an empty value of Identity is one that this side does not have.
	aligned bool
}

func (s Side) String() string {
	if s.label != "" {
		return s.label
	}
	return s.Stage.String()
}

// at is the Go line that made a resource, where it is known.
func (s Side) at(logicalID string) stages.Position {
	if s.Positions == nil {
		return stages.Position{}
	}
	return s.Positions(logicalID)
}

// Compare lists where templates differ by more than identity, in the order of their paths; nil
// means equal. Two or more sides are compared together: one skeleton must make all of them, which
// is more than that each two of them are equal.
//
// Objects are compared by key. The logical ids of resources and the other names of a template's
// sections must be the same, but for the hash of identity that the CDK puts at the end of some;
// deeper down a key may hold identity, and is paired with the one key of the other side that it can
// be. Lists are compared by index (DependsOn as the set that it is), numbers by their text.
//
// The error is an [*IdentityError].
func Compare(sides ...Side) ([]Difference, error) {
	if len(sides) < 2 {
		return nil, nil
	}
	w, err := newWalk(sides)
	if err != nil {
		return nil, err
	}
	roots := make([]any, len(sides))
	for i, side := range sides {
		roots[i] = side.Template.root
	}
	w.node(everyone(len(sides)), roots)
	return w.differences, nil
}

// walk goes down the trees of all sides at once.
type walk struct {
	sides    []Side
	identity *identities
	path     path
	// base is how many steps of the path lead to the template that is compared: one that is nested
	// has some.
	base        int
	differences []Difference
	// ambiguous lists the texts that have two readings.
	ambiguous []Difference
	// parents are the objects that the current nodes are in.
	parents []*object
	// quiet, above zero, looks for differences without listing them.
	quiet int
}

func newWalk(sides []Side) (*walk, error) {
	identity, err := newIdentities(sides)
	if err != nil {
		return nil, err
	}
	return &walk{sides: sides, identity: identity}, nil
}

// everyone is the indices of n sides.
func everyone(n int) []int {
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	return indices
}

// nothing stands for a value that a side does not have.
type nothing struct{}

// node compares one node of the sides that have it: indices says which sides, nodes what each has.
func (w *walk) node(indices []int, nodes []any) bool {
	switch first := nodes[0].(type) {
	case string:
		if w.texts(indices, nodes, first) {
			return true
		}
	case *object:
		if objects, ok := all[*object](nodes); ok {
			return w.objects(indices, objects)
		}
	case []any:
		if lists, ok := all[[]any](nodes); ok {
			return w.lists(indices, lists)
		}
	default:
		if !slices.ContainsFunc(nodes, func(other any) bool { return other != first }) {
			return true
		}
	}
	w.differ(indices, nodes)
	return false
}

// all is the nodes as one type, if all of them are of it.
func all[T any](nodes []any) ([]T, bool) {
	typed := make([]T, len(nodes))
	for i, node := range nodes {
		var ok bool
		if typed[i], ok = node.(T); !ok {
			return nil, false
		}
	}
	return typed, true
}

func (w *walk) texts(indices []int, nodes []any, first string) bool {
	alike := true
	for _, node := range nodes[1:] {
		text, isString := node.(string)
		if !isString {
			return false
		}
		alike = alike && text == first
	}
	if alike {
		return true
	}
	texts, _ := all[string](nodes)
	if w.inStageTag() && w.identity.areNames(indices, texts) {
		return true
	}
	same, ambiguous := w.identity.either(indices, texts)
	if ambiguous && w.quiet == 0 {
		w.ambiguous = append(w.ambiguous, w.readings(indices, texts))
	}
	return same
}

// inStageTag tells whether the current text is the value of [StageTag], in a list of tags, an
// object of tags, or among the tags of the stack.
func (w *walk) inStageTag() bool {
	if len(w.path) == 0 {
		return false
	}
	switch w.path[len(w.path)-1].key {
	case StageTag, "Tags." + StageTag:
		return true
	case "Value":
		return !slices.ContainsFunc(w.parents, func(o *object) bool { return o.get("Key") != StageTag })
	}
	return false
}

// readings is a text that may be identity or not, with what each side has.
func (w *walk) readings(indices []int, texts []string) Difference {
	nodes := make([]any, len(texts))
	for i, text := range texts {
		nodes[i] = text
	}
	d := w.differenceHere(indices, nodes)
	d.Values = valuesOf(w.sides, indices, texts)
	return d
}

// valuesOf is what some of the sides have: one value where all have the same.
func valuesOf(sides []Side, indices []int, texts []string) []Value {
	var values []Value
	for i, text := range texts {
		written := compact(text)
		at := slices.IndexFunc(values, func(v Value) bool { return string(v.JSON) == string(written) })
		if at < 0 {
			at = len(values)
			values = append(values, Value{JSON: written})
		}
		values[at].Stages = append(values[at].Stages, sides[indices[i]].String())
	}
	return values
}

func (w *walk) objects(indices []int, objects []*object) bool {
	equal, outer := true, w.parents
	w.parents = objects
	defer func() { w.parents = outer }()
	nodes := make([]any, len(objects))
	sameKeys := !slices.ContainsFunc(objects[1:], func(o *object) bool { return !slices.Equal(o.keys, objects[0].keys) })
	if sameKeys {
		for k, key := range objects[0].keys {
			for i, o := range objects {
				nodes[i] = o.values[k]
			}
			w.path.down(key)
			equal = w.node(indices, nodes) && equal
			w.path.up()
			if !equal && w.quiet > 0 {
				return false
			}
		}
		return equal
	}
	for _, row := range w.align(indices, objects) {
		var having []int
		var keys []string
		for i, at := range row {
			nodes[i] = nothing{}
			if at >= 0 {
				nodes[i] = objects[i].values[at]
				having, keys = append(having, indices[i]), append(keys, objects[i].keys[at])
			}
		}
		w.path.down(keys[0])
		w.keys(having, keys)
		equal = w.partial(indices, nodes) && equal
		w.path.up()
		if !equal && w.quiet > 0 {
			return false
		}
	}
	return equal
}

// keys lists keys as ambiguous that are the same in one reading and differ in another.
func (w *walk) keys(indices []int, keys []string) {
	if w.quiet > 0 || len(w.path)-w.base <= 2 || !slices.ContainsFunc(keys, func(key string) bool { return key != keys[0] }) {
		return
	}
	if _, ambiguous := w.identity.either(indices, keys); ambiguous {
		w.ambiguous = append(w.ambiguous, w.readings(indices, keys))
	}
}

// partial compares a node that some sides may lack: that is one difference, and those that have it
// may still differ among themselves.
func (w *walk) partial(indices []int, nodes []any) bool {
	var having []int
	var present []any
	for i, node := range nodes {
		if node != (any)(nothing{}) {
			having = append(having, indices[i])
			present = append(present, node)
		}
	}
	if len(having) == len(indices) {
		return w.node(indices, nodes)
	}
	w.differ(indices, nodes)
	if len(having) > 1 && w.quiet == 0 {
		w.node(having, present)
	}
	return false
}

// lists compares by index. Where the lengths differ, what is alike at both ends is left out, so
// that one more element is one difference and not one for each that it moved.
func (w *walk) lists(indices []int, lists [][]any) bool {
	equal := true
	longest, shortest := len(lists[0]), len(lists[0])
	for _, list := range lists[1:] {
		longest, shortest = max(longest, len(list)), min(shortest, len(list))
	}
	nodes := make([]any, len(lists))
	from, behind := 0, 0
	if longest != shortest {
		if w.quiet > 0 {
			return false
		}
		w.quiet++
		alike := func(index func(list []any) int) bool {
			for i, list := range lists {
				nodes[i] = list[index(list)]
			}
			return w.node(indices, nodes)
		}
		for from < shortest && alike(func([]any) int { return from }) {
			from++
		}
		for behind < shortest-from && alike(func(list []any) int { return len(list) - 1 - behind }) {
			behind++
		}
		w.quiet--
	}
	for k := from; k < longest-behind; k++ {
		for i, list := range lists {
			nodes[i] = nothing{}
			if k < len(list)-behind {
				nodes[i] = list[k]
			}
		}
		w.path.downAt(k)
		if longest == shortest {
			equal = w.node(indices, nodes) && equal
		} else {
			equal = w.partial(indices, nodes) && equal
		}
		w.path.up()
		if !equal && w.quiet > 0 {
			return false
		}
	}
	return equal
}

// align pairs up the keys of objects that have not all the same: a row is the index of a key on
// each side, or -1. Keys that all sides have belong together. What is left may hold identity.
func (w *walk) align(indices []int, objects []*object) [][]int {
	var rows [][]int
	left := make([][]int, len(objects))
	for i, o := range objects {
		for k, key := range o.keys {
			row := make([]int, len(objects))
			everywhere := true
			for j, other := range objects {
				at, exists := slices.BinarySearch(other.keys, key)
				row[j] = at
				everywhere = everywhere && exists
			}
			switch {
			case !everywhere:
				left[i] = append(left[i], k)
			case i == 0:
				rows = append(rows, row)
			}
		}
	}
	for i := range objects {
		for len(left[i]) > 0 {
			row := slices.Repeat([]int{-1}, len(objects))
			row[i] = left[i][0]
			sides, keys := []int{indices[i]}, []string{objects[i].keys[row[i]]}
			for j := i + 1; j < len(objects); j++ {
				at, exists := w.partner(indices, objects, left, i, j)
				if !exists {
					continue
				}
				// Each two may fit while there is no skeleton for all.
				if key := objects[j].keys[at]; w.sameKey(append(slices.Clone(sides), indices[j]), append(slices.Clone(keys), key)) {
					row[j], sides, keys = at, append(sides, indices[j]), append(keys, key)
				}
			}
			for j, at := range row {
				left[j] = slices.DeleteFunc(left[j], func(k int) bool { return k == at })
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// partner finds the key of side j that the first key left of side i must be: the very same, or the
// only one that it can be, of which it is the only one too. Where there is a choice there is no
// partner: to guess could hide a difference behind another.
func (w *walk) partner(indices []int, objects []*object, left [][]int, i, j int) (at int, exists bool) {
	key := func(side, k int) string { return objects[side].keys[k] }
	fits := func(k, other int) bool {
		return w.sameKey([]int{indices[i], indices[j]}, []string{key(i, k), key(j, other)})
	}
	mine := left[i][0]
	at = -1
	for _, other := range left[j] {
		if key(j, other) == key(i, mine) {
			return other, true
		}
		if fits(mine, other) {
			if at >= 0 {
				return -1, false
			}
			at = other
		}
	}
	if at < 0 {
		return -1, false
	}
	for _, k := range left[i] {
		if k != mine && fits(k, at) {
			return -1, false
		}
	}
	return at, true
}

// sameKey tells whether keys of the object at the current path can be one key.
func (w *walk) sameKey(indices []int, keys []string) bool {
	if len(w.path)-w.base >= 2 {
		same, _ := w.identity.either(indices, keys)
		return same
	}
	// The names of a template's sections, and of what is in them, tell resources apart when a stack
	// is updated. They may hold no identity, but for the hashes that the CDK puts there itself.
	base := w.sides[indices[0]].Template.folds[keys[0]]
	for i, key := range keys {
		if key != keys[0] && (base == "" || w.sides[indices[i]].Template.folds[key] != base) {
			return false
		}
	}
	return true
}

// differ lists a difference at the current path, unless the walk is quiet.
func (w *walk) differ(indices []int, nodes []any) {
	if w.quiet > 0 {
		return
	}
	d := w.differenceHere(indices, nodes)
	type class struct {
		indices []int
		nodes   []any
	}
	// A side joins the first that it agrees with. Of those that lack the value, or of a whole
	// resource, it is enough that both have or lack it: what else differs is listed by itself.
	lacks := slices.Contains(nodes, any(nothing{}))
	var classes []class
	for i, node := range nodes {
		joined := false
		for c := range classes {
			together, agreeing := append(slices.Clone(classes[c].indices), indices[i]), append(slices.Clone(classes[c].nodes), node)
			if lacks {
				joined = (node == any(nothing{})) == (agreeing[0] == any(nothing{}))
			} else {
				w.quiet++
				joined = w.node(together, agreeing)
				w.quiet--
			}
			if joined {
				classes[c] = class{together, agreeing}
				break
			}
		}
		if !joined {
			classes = append(classes, class{[]int{indices[i]}, []any{node}})
		}
	}
	for _, group := range classes {
		value := Value{}
		for _, side := range group.indices {
			value.Stages = append(value.Stages, w.sides[side].String())
		}
		if group.nodes[0] != any(nothing{}) {
			value.JSON = compact(group.nodes[0])
		}
		d.Values = append(d.Values, value)
	}
	w.differences = append(w.differences, d)
}

// differenceHere is a difference at the current path, without its values.
func (w *walk) differenceHere(indices []int, nodes []any) Difference {
	d := Difference{Path: w.path.String()}
	section, id := w.path[min(w.base, len(w.path)):].resource()
	d.LogicalID = id
	for i, side := range indices {
		if id == "" || nodes[i] == any(nothing{}) {
			continue
		}
		if d.Type == "" {
			d.Type = w.sides[side].Template.Type(id)
		}
		if positions := w.sides[side].Positions; positions != nil && d.At.File == "" {
			d.At = positions(id)
		}
	}
	if section != "Resources" && d.Type == "" {
		d.LogicalID = ""
	}
	return d
}

// path is the way from the root of a template to a node.
type path []step

// step is a key of an object, or an index of a list where key is empty and index counts from 1.
type step struct {
	key   string
	index int
}

func (p *path) down(key string)  { *p = append(*p, step{key: key}) }
func (p *path) downAt(index int) { *p = append(*p, step{index: index + 1}) }
func (p *path) up()              { *p = (*p)[:len(*p)-1] }

// resource is the section and the logical id of the resource that the path leads into.
func (p path) resource() (section, logicalID string) {
	if len(p) >= 2 && (p[0].key == "Resources" || p[0].key == functionsSection) {
		return p[0].key, p[1].key
	}
	return "", ""
}

// plainKey is a key that needs no quotes in a path.
var plainKey = regexp.MustCompile(`^[A-Za-z0-9_:-]+$`)

// String is the path as people write it: Resources.api.Properties.Tags["a b"][0].
func (p path) String() string {
	var text strings.Builder
	for _, step := range p {
		switch {
		case step.index > 0:
			fmt.Fprintf(&text, "[%d]", step.index-1)
		case !plainKey.MatchString(step.key):
			text.WriteString("[" + strconv.Quote(step.key) + "]")
		case text.Len() > 0:
			text.WriteString("." + step.key)
		default:
			text.WriteString(step.key)
		}
	}
	if text.Len() == 0 {
		return "$"
	}
	return text.String()
}
