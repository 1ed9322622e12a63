package dynamo

import (
	"encoding/json"
	"slices"
	"time"
)

// write is one change of an item, which is decided before it is made, so that a transaction can
// decide all of its changes first.
type write struct {
	table         *Table
	key           Item
	before, after Item // nil is no item
}

// commit makes the change.
func (w write) commit(now time.Time) {
	switch {
	case w.after != nil:
		w.table.put(w.after)
	case w.before != nil:
		w.table.drop(w.before)
	}
	w.table.record(w.before, w.after, now, false)
}

// check evaluates a condition on the item that is there.
func (w write) check(c *condition, in *input) error {
	if c == nil || c.holds(w.before) {
		return nil
	}
	if in.ReturnValuesOnConditionCheckFailure == "ALL_OLD" {
		return conditionFailed(w.before)
	}
	return conditionFailed(nil)
}

// decide works out what a request of one item changes.
func decide(operation string, t *Table, in *input, parsed expressions) (write, error) {
	switch operation {
	case "PutItem", "Put":
		return decidePut(t, in, parsed)
	case "UpdateItem", "Update":
		return decideUpdate(t, in, parsed)
	}
	w, err := t.addressed(in.Key)
	if err != nil {
		return w, err
	}
	if operation == "ConditionCheck" {
		w.after = w.before
	}
	return w, w.check(parsed.condition, in)
}

// addressed is a write that changes nothing yet, of the item that has a key.
func (t *Table) addressed(text json.RawMessage) (write, error) {
	key, err := readItem(text)
	if err != nil {
		return write{}, err
	}
	if err := t.checkKey(key); err != nil {
		return write{}, err
	}
	before, _ := t.get(key)
	return write{table: t, key: key, before: before}, nil
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
func decidePut(t *Table, in *input, parsed expressions) (write, error) {
	item, err := readItem(in.Item)
	if err != nil {
		return write{}, err
	}
	if err := t.checkItem(item); err != nil {
		return write{}, err
	}
	before, _ := t.get(item)
	w := write{table: t, key: t.key(item), before: before, after: item}
	return w, w.check(parsed.condition, in)
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
func decideUpdate(t *Table, in *input, parsed expressions) (write, error) {
	for _, each := range parsed.update {
		if slices.Contains(t.primary.keys(), each.path[0].name) {
			return write{}, invalidf(invalidValues+"Cannot update attribute %s. This attribute is part of the key", each.path[0].name)
		}
	}
	w, err := t.addressed(in.Key)
	if err != nil {
		return w, err
	}
	if err := w.check(parsed.condition, in); err != nil {
		return w, err
	}
	start := w.before
	if start == nil {
		start = w.key
	}
	if w.after, err = apply(parsed.update, start); err != nil {
		return w, err
	}
	for _, o := range t.indexes {
		for _, name := range o.keys() {
			if value, found := w.after[name]; found && value.kind != t.types[name] {
				return w, invalid("The update expression attempted to update the secondary index key to unsupported type")
			}
		}
	}
	if w.after.size() > maxItem {
		return w, invalid("Item size to update has exceeded the maximum allowed size")
	}
	if depth(Value{kind: kindMap, item: w.after}) > maxDepth+1 {
		return w, invalid("Nesting Levels have exceeded supported limits")
	}
	return w, t.checkItem(w.after)
}

func depth(v Value) int {
	deepest := 0
	for _, element := range v.list {
		deepest = max(deepest, depth(element))
	}
	for _, member := range v.item {
		deepest = max(deepest, depth(member))
	}
	if v.kind == kindList || v.kind == kindMap {
		deepest++
	}
	return deepest
}

// attributes are what a request of one item asked to get back.
func (w write) attributes(returned string, update []action) Item {
	paths := make([]path, 0, len(update))
	for _, each := range update {
		paths = append(paths, each.path)
	}
	switch returned {
	case "ALL_OLD":
		return w.before
	case "ALL_NEW":
		return w.after
	case "UPDATED_OLD":
		if w.before != nil {
			return w.before.project(paths)
		}
	case "UPDATED_NEW":
		return w.after.project(paths)
	}
	return nil
}

// writeItem answers PutItem, UpdateItem and DeleteItem.
func (d *session) writeItem(operation string, in *input) (output, error) {
	if r := in.ReturnValues; operation != "UpdateItem" && r != "" && r != "ALL_OLD" && r != "NONE" {
		return nil, invalid("ReturnValues can only be ALL_OLD or NONE")
	}
	t, parsed, err := d.open(in)
	if err != nil {
		return nil, err
	}
	w, err := decide(operation, t, in, parsed)
	if err != nil {
		return nil, err
	}
	w.commit(d.now)
	out := output{}
	if attributes := w.attributes(in.ReturnValues, parsed.update); len(attributes) > 0 {
		out["Attributes"] = attributes
	}
	used := newCapacity(t)
	used.write(w, 1)
	used.report(out, in.ReturnConsumedCapacity)
	return out, nil
}
