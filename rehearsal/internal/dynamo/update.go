package dynamo

import (
	"cmp"
	"slices"

	"github.com/shopspring/decimal"
)

const (
	wrongType     = "An operand in the update expression has an incorrect data type"
	invalidPath   = "The document path provided in the update expression is invalid for update"
	noSuchOperand = "The provided expression refers to an attribute that does not exist in the item"
)

// apply makes the item that an update leaves. All operands are those of the item before.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
func apply(actions []action, before Item) (Item, error) {
	after := before.copied()
	root := &Value{kind: kindMap, item: after}
	values := make([]Value, len(actions))
	for i, each := range actions {
		if each.section == "SET" {
			value, err := each.value.compute(before)
			if err != nil {
				return nil, err
			}
			values[i] = value.copied()
		}
	}
	var removed []path
	for i, each := range actions {
		switch each.section {
		case "SET":
			if err := root.assign(each.path, values[i]); err != nil {
				return nil, err
			}
		case "REMOVE":
			if !root.hasParent(each.path) {
				return nil, invalid(invalidPath)
			}
			removed = append(removed, each.path)
		default:
			if err := each.addOrDelete(root, before); err != nil {
				return nil, err
			}
		}
	}
	// Indexes are those of the list before, so that what is behind goes first.
	slices.SortFunc(removed, func(a, b path) int {
		return slices.CompareFunc(b, a, func(s, t step) int { return cmp.Or(cmp.Compare(s.index, t.index), cmp.Compare(s.name, t.name)) })
	})
	for _, p := range removed {
		root.remove(p)
	}
	return after, nil
}

// compute is an operand's value for the item before the update.
func (o operand) compute(item Item) (Value, error) {
	switch o.op {
	case "value":
		return o.value, nil
	case "path":
		value, found := item.find(o.path)
		if !found {
			return Value{}, invalid(noSuchOperand)
		}
		return value, nil
	case "if_not_exists":
		if value, found := item.find(o.args[0].path); found {
			return value, nil
		}
		return o.args[1].compute(item)
	}
	left, err := o.args[0].compute(item)
	if err != nil {
		return Value{}, err
	}
	right, err := o.args[1].compute(item)
	if err != nil {
		return Value{}, err
	}
	if o.op == "list_append" {
		if left.kind != kindList || right.kind != kindList {
			return Value{}, invalid(wrongType)
		}
		return Value{kind: kindList, list: slices.Concat(left.list, right.list)}, nil
	}
	return sum(left, right, o.op == "-")
}

func sum(left, right Value, minus bool) (Value, error) {
	if left.kind != kindNumber || right.kind != kindNumber {
		return Value{}, invalid(wrongType)
	}
	a, b := decimal.RequireFromString(left.text), decimal.RequireFromString(right.text)
	if minus {
		b = b.Neg()
	}
	text, err := storeNumber(a.Add(b))
	return Value{kind: kindNumber, text: text}, err
}

// addOrDelete adds to a number or to a set, or takes elements out of a set.
func (a action) addOrDelete(root *Value, before Item) error {
	value := a.value.value
	current, found := before.find(a.path)
	switch {
	case !found && !root.hasParent(a.path):
		return invalid(invalidPath)
	case !found && a.section == "DELETE":
		return nil
	case !found:
		return root.assign(a.path, value.copied())
	case current.kind != value.kind:
		return invalid(wrongType)
	case value.kind == kindNumber:
		total, err := sum(current, value, false)
		if err != nil {
			return err
		}
		return root.assign(a.path, total)
	}
	set := slices.Clone(current.set)
	if a.section == "ADD" {
		set = append(set, value.set...)
	} else {
		set = slices.DeleteFunc(set, func(element string) bool { return slices.Contains(value.set, element) })
	}
	if len(set) == 0 {
		root.remove(a.path)
		return nil
	}
	sortSet(value.kind, set)
	return root.assign(a.path, Value{kind: value.kind, set: slices.Compact(set)})
}

// hasParent says whether there is a map or a list for the last step of a path.
func (v *Value) hasParent(p path) bool {
	parent := *v
	if len(p) > 1 {
		found := false
		if parent, found = v.item.find(p[:len(p)-1]); !found {
			return false
		}
	}
	if p[len(p)-1].index < 0 {
		return parent.kind == kindMap
	}
	return parent.kind == kindList
}

// assign puts a value at a path; behind a list's end it is appended.
func (v *Value) assign(p path, value Value) error {
	if len(p) == 0 {
		*v = value
		return nil
	}
	first := p[0]
	switch {
	case first.index < 0 && v.kind == kindMap:
		member, found := v.item[first.name]
		if !found && len(p) > 1 {
			return invalid(invalidPath)
		}
		if err := member.assign(p[1:], value); err != nil {
			return err
		}
		v.item[first.name] = member
		return nil
	case first.index >= 0 && v.kind == kindList && first.index < len(v.list):
		return v.list[first.index].assign(p[1:], value)
	case first.index >= 0 && v.kind == kindList && len(p) == 1:
		v.list = append(v.list, value)
		return nil
	}
	return invalid(invalidPath)
}

// remove takes out what is at a path, if there is something.
func (v *Value) remove(p path) {
	first, rest := p[0], p[1:]
	switch {
	case first.index < 0 && len(rest) == 0:
		delete(v.item, first.name)
	case first.index < 0:
		if member, found := v.item[first.name]; found {
			member.remove(rest)
			v.item[first.name] = member
		}
	case first.index >= len(v.list):
	case len(rest) == 0:
		v.list = slices.Delete(v.list, first.index, first.index+1)
	default:
		v.list[first.index].remove(rest)
	}
}
