package dynamo

import (
	"slices"
	"strings"
)

// find is the value at a path.
func (item Item) find(p path) (Value, bool) {
	value, found := item[p[0].name]
	for _, s := range p[1:] {
		switch {
		case !found:
			return Value{}, false
		case s.index < 0:
			value, found = value.item[s.name]
		case s.index < len(value.list):
			value = value.list[s.index]
		default:
			return Value{}, false
		}
	}
	return value, found
}

// resolve is what an operand of a condition is for an item.
func (o operand) resolve(item Item) (Value, bool) {
	switch o.op {
	case "value":
		return o.value, true
	case "size":
		value, found := o.args[0].resolve(item)
		if !found {
			return Value{}, false
		}
		return value.length()
	}
	return item.find(o.path)
}

// holds evaluates a condition. Values of different types are unequal and have no order; an attribute
// that is absent is unequal to everything.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
func (c *condition) holds(item Item) bool {
	switch c.op {
	case "AND":
		return c.below[0].holds(item) && c.below[1].holds(item)
	case "OR":
		return c.below[0].holds(item) || c.below[1].holds(item)
	case "NOT":
		return !c.below[0].holds(item)
	}
	values, found := make([]Value, len(c.operands)), make([]bool, len(c.operands))
	for i, o := range c.operands {
		values[i], found[i] = o.resolve(item)
	}
	switch c.op {
	case "attribute_exists":
		return found[0]
	case "attribute_not_exists":
		return !found[0]
	case "<>":
		return !found[0] || !found[1] || !equal(values[0], values[1])
	case "IN":
		for i := range values[1:] {
			if found[0] && found[i+1] && equal(values[0], values[i+1]) {
				return true
			}
		}
		return false
	}
	if slices.Contains(found, false) {
		return false
	}
	switch c.op {
	case "=":
		return equal(values[0], values[1])
	case "attribute_type":
		return values[0].kind == values[1].text
	case "begins_with":
		return values[0].kind == values[1].kind && (values[0].kind == kindString || values[0].kind == kindBinary) &&
			strings.HasPrefix(values[0].text, values[1].text)
	case "contains":
		return contains(values[0], values[1])
	case "BETWEEN":
		return inOrder(">=", values[0], values[1]) && inOrder("<=", values[0], values[2])
	}
	return inOrder(c.op, values[0], values[1])
}

func inOrder(op string, a, b Value) bool {
	if a.kind != b.kind || !slices.Contains([]string{kindString, kindNumber, kindBinary}, a.kind) {
		return false
	}
	order := compareScalars(a.kind, a.text, b.text)
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// contains looks for a part of a text, an element of a set, or an element of a list.
func contains(whole, part Value) bool {
	switch whole.kind {
	case kindString, kindBinary:
		return whole.kind == part.kind && strings.Contains(whole.text, part.text)
	case kindList:
		return slices.ContainsFunc(whole.list, func(v Value) bool { return equal(v, part) })
	}
	return elementKinds[whole.kind] != "" && elementKinds[whole.kind] == part.kind && slices.Contains(whole.set, part.text)
}

// project is what an item has at some paths. Elements of a list come in their order, without gaps.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html
func (item Item) project(paths []path) Item {
	root := &projected{}
	for _, p := range paths {
		if value, found := item.find(p); found {
			root.add(p, value)
		}
	}
	if root.members == nil {
		return Item{}
	}
	return root.value().item
}

// projected is a part of an item that is being put together: a value, or members by their step.
type projected struct {
	leaf    *Value
	members map[step]*projected
}

func (n *projected) add(p path, value Value) {
	if len(p) == 0 {
		n.leaf = &value
		return
	}
	if n.members == nil {
		n.members = map[step]*projected{}
	}
	if n.members[p[0]] == nil {
		n.members[p[0]] = &projected{}
	}
	n.members[p[0]].add(p[1:], value)
}

func (n *projected) value() Value {
	if n.leaf != nil {
		return *n.leaf
	}
	made := Value{kind: kindMap, item: Item{}}
	var indexes []int
	for s, member := range n.members {
		if s.index >= 0 {
			indexes = append(indexes, s.index)
		} else {
			made.item[s.name] = member.value()
		}
	}
	if indexes == nil {
		return made
	}
	slices.Sort(indexes)
	made = Value{kind: kindList}
	for _, index := range indexes {
		made.list = append(made.list, n.members[step{index: index}].value())
	}
	return made
}
