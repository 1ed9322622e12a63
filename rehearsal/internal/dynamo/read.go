package dynamo

import (
	"encoding/binary"
	"encoding/json"
	"slices"
	"sort"
	"strings"
)

// maxPage is what one page of a query or a scan reads, in bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
const maxPage = 1 << 20

// getItem answers GetItem.
func (d *session) getItem(in *input) (output, error) {
	t, item, parsed, err := d.read(in)
	if err != nil {
		return nil, err
	}
	out := output{}
	if item != nil {
		out["Item"] = project(item, parsed.projection)
	}
	used := newCapacity(t)
	used.read("", item.size(), in.ConsistentRead, 1)
	used.report(out, in.ReturnConsumedCapacity)
	return out, nil
}

// read finds the item that a request addresses; nil is no item.
func (d *session) read(in *input) (*Table, Item, expressions, error) {
	t, parsed, err := d.open(in)
	if err != nil {
		return nil, nil, parsed, err
	}
	w, err := t.addressed(in.Key)
	return t, w.before, parsed, err
}

func project(item Item, paths []path) Item {
	if paths == nil {
		return item
	}
	return item.project(paths)
}

// order is the index of a request, or the table's own order.
func (t *Table) order(in *input) (*order, error) {
	if in.IndexName == "" {
		return t.primary, nil
	}
	for _, o := range t.indexes {
		if o.name == in.IndexName {
			if o.global && in.ConsistentRead {
				return nil, invalid("Consistent reads are not supported on global secondary indexes")
			}
			return o, nil
		}
	}
	return nil, invalid("The table does not have the specified index: " + in.IndexName)
}

// keyCondition is what a query asks of a key.
type keyCondition struct {
	partition Value
	op        string // of the sort key; empty for none
	bounds    []Value
}

// readKeyCondition reads a key condition: equality of the partition key, and at most one condition on
// the sort key.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
func (t *Table) readKeyCondition(o *order, c *condition) (keyCondition, error) {
	var out keyCondition
	byName := map[string]*condition{}
	var collect func(c *condition) error
	collect = func(c *condition) error {
		switch c.op {
		case "AND":
			if err := collect(c.below[0]); err != nil {
				return err
			}
			return collect(c.below[1])
		case "=", "<", "<=", ">", ">=", "BETWEEN", "begins_with":
		default:
			return invalid("Invalid operator used in KeyConditionExpression: " + c.op)
		}
		first := c.operands[0]
		if first.op != "path" {
			return invalidf("Invalid condition in KeyConditionExpression: %s operator must have the key attribute as its first operand", c.op)
		}
		if len(first.path) > 1 {
			return invalid("KeyConditionExpressions cannot have conditions on nested attributes")
		}
		for _, other := range c.operands[1:] {
			if other.op != "value" {
				return invalid("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
			}
		}
		if byName[first.path[0].name] != nil {
			return invalid("KeyConditionExpressions must only contain one condition per key")
		}
		byName[first.path[0].name] = c
		return nil
	}
	if err := collect(c); err != nil {
		return out, err
	}
	for name, each := range byName {
		if !slices.Contains(o.keys(), name) {
			continue
		}
		for _, operand := range each.operands[1:] {
			if operand.value.kind != t.types[name] {
				return out, invalid(invalidValues + "Condition parameter type does not match schema type")
			}
			if operand.value.text == "" {
				return out, invalidf("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", emptyKinds[operand.value.kind], name)
			}
		}
	}
	partition := byName[o.partition]
	switch {
	case partition == nil:
		return out, invalid("Query condition missed key schema element: " + o.partition)
	case partition.op != "=":
		return out, invalid("Query key condition not supported")
	case len(byName) > 1 && (o.sort == "" || byName[o.sort] == nil):
		if o.sort == "" {
			return out, invalid("Query key condition not supported")
		}
		return out, invalid("Query condition missed key schema element: " + o.sort)
	}
	out.partition = partition.operands[1].value
	if last := byName[o.sort]; o.sort != "" && last != nil {
		out.op = last.op
		for _, operand := range last.operands[1:] {
			out.bounds = append(out.bounds, operand.value)
		}
	}
	return out, nil
}

// side says whether a sort key is before (-1), in (0) or behind (1) what is asked for.
func (k keyCondition) side(at string) int {
	if k.op == "" {
		return 0
	}
	low := sortable(k.bounds[0])
	switch order := strings.Compare(at, low); k.op {
	case "=":
		return order
	case "<":
		if order >= 0 {
			return 1
		}
	case "<=":
		return max(order, 0)
	case ">":
		if order <= 0 {
			return -1
		}
	case ">=":
		return min(order, 0)
	case "begins_with":
		if strings.HasPrefix(at, low) {
			return 0
		}
		return order
	case "BETWEEN":
		if order < 0 {
			return -1
		}
		return max(strings.Compare(at, sortable(k.bounds[1])), 0)
	}
	return 0
}

// query answers Query.
func (d *session) query(in *input) (output, error) {
	if in.KeyConditionExpression == nil {
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	t, parsed, err := d.open(in)
	if err != nil {
		return nil, err
	}
	o, err := t.order(in)
	if err != nil {
		return nil, err
	}
	asked, err := t.readKeyCondition(o, parsed.key)
	if err != nil {
		return nil, err
	}
	if name := parsed.filter.primaryAttribute(o.keys()); name != "" {
		return nil, invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: " + name)
	}
	wanted, _ := o.place(Item{o.partition: asked.partition, o.sort: o.anySort()}, "")
	start := sort.Search(len(o.entries), func(i int) bool { return o.side(i, wanted, asked) >= 0 })
	end := start + sort.Search(len(o.entries)-start, func(i int) bool { return o.side(start+i, wanted, asked) > 0 })
	matched := o.entries[start:end]
	forward := in.ScanIndexForward == nil || *in.ScanIndexForward
	after, err := t.startAfter(o, in)
	if err != nil {
		return nil, err
	}
	if after != nil {
		if after.digest != wanted.digest || after.partition != wanted.partition || asked.side(after.sort) != 0 {
			return nil, invalid("The provided starting key is outside query boundaries based on provided conditions")
		}
		matched = beyond(matched, *after, forward)
	}
	if !forward {
		matched = slices.Clone(matched)
		slices.Reverse(matched)
	}
	return t.page(o, in, parsed, matched)
}

// anySort is some value of the sort key's type, where only the partition matters.
func (o *order) anySort() Value {
	if o.sortTy == kindNumber {
		return Value{kind: kindNumber, text: "0"}
	}
	return Value{kind: o.sortTy}
}

func (o *order) side(i int, wanted position, asked keyCondition) int {
	at := o.entries[i].position
	if c := strings.Compare(at.digest, wanted.digest); c != 0 {
		return c
	}
	if c := strings.Compare(at.partition, wanted.partition); c != 0 {
		return c
	}
	return asked.side(at.sort)
}

// beyond cuts off what is at a position and before it, in the direction of reading.
func beyond(entries []*entry, after position, forward bool) []*entry {
	i, found := slices.BinarySearchFunc(entries, after, func(e *entry, at position) int { return e.position.compare(at) })
	if !forward {
		return entries[:i]
	}
	if found {
		i++
	}
	return entries[i:]
}

// startAfter is the position of a request's ExclusiveStartKey.
func (t *Table) startAfter(o *order, in *input) (*position, error) {
	if len(in.ExclusiveStartKey) == 0 || string(in.ExclusiveStartKey) == "null" {
		return nil, nil
	}
	key, err := readItem(in.ExclusiveStartKey)
	if err != nil {
		return nil, err
	}
	names := t.startKeys(o)
	for _, name := range names {
		if value, found := key[name]; !found || value.kind != t.types[name] {
			return nil, invalid("The provided starting key is invalid")
		}
	}
	if len(key) != len(names) {
		return nil, invalid("The provided starting key is invalid")
	}
	primary := ""
	if o != t.primary {
		primary = t.identity(key)
	}
	at, _ := o.place(key, primary)
	return &at, nil
}

// startKeys are the attributes of a page's last key.
func (t *Table) startKeys(o *order) []string {
	names := slices.Concat(o.keys(), t.primary.keys())
	slices.Sort(names)
	return slices.Compact(names)
}

// scan answers Scan.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html
func (d *session) scan(in *input) (output, error) {
	switch {
	case in.Segment != nil && in.TotalSegments == nil:
		return nil, invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case in.Segment == nil && in.TotalSegments != nil:
		return nil, invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case in.Segment != nil && *in.Segment >= *in.TotalSegments:
		return nil, invalidf("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", *in.Segment, *in.TotalSegments)
	}
	t, parsed, err := d.open(in)
	if err != nil {
		return nil, err
	}
	o, err := t.order(in)
	if err != nil {
		return nil, err
	}
	matched := o.entries
	if in.Segment != nil {
		segment := func(i int) int {
			return int(uint64(binary.BigEndian.Uint32([]byte(o.entries[i].position.digest))) * uint64(*in.TotalSegments) >> 32)
		}
		start := sort.Search(len(matched), func(i int) bool { return segment(i) >= *in.Segment })
		end := sort.Search(len(matched), func(i int) bool { return segment(i) > *in.Segment })
		matched = matched[start:end]
	}
	after, err := t.startAfter(o, in)
	if err != nil {
		return nil, err
	}
	if after != nil {
		matched = beyond(matched, *after, true)
	}
	return t.page(o, in, parsed, matched)
}

// page reads items until the limit or a mebibyte, then filters what it has read.
func (t *Table) page(o *order, in *input, parsed expressions, matched []*entry) (output, error) {
	paths, wholeItems, err := t.selected(o, in, parsed)
	if err != nil {
		return nil, err
	}
	items, scanned, bytes, fetched := []Item{}, 0, 0, 0
	full := false
	for _, e := range matched {
		projected := o.projected(e.item)
		size := projected.size()
		if full = scanned > 0 && bytes+size > maxPage || in.Limit != nil && scanned == *in.Limit; full {
			break
		}
		scanned++
		bytes += size
		shown := projected
		if wholeItems {
			shown = e.item
			if !o.projectsAll {
				fetched += e.item.size()
			}
		}
		if parsed.filter == nil || parsed.filter.holds(shown) {
			items = append(items, project(shown, paths))
		}
	}
	out := output{"Count": len(items), "ScannedCount": scanned}
	if in.Select != "COUNT" {
		out["Items"] = items
	}
	// Where the limit is reached, there is a key even if nothing is behind it.
	if full || in.Limit != nil && scanned == *in.Limit {
		last := Item{}
		for _, name := range t.startKeys(o) {
			last[name] = matched[scanned-1].item[name]
		}
		out["LastEvaluatedKey"] = last
	}
	used := newCapacity(t)
	used.read(o.name, bytes, in.ConsistentRead, 1)
	if fetched > 0 {
		used.read("", fetched, in.ConsistentRead, 1)
	}
	used.report(out, in.ReturnConsumedCapacity)
	return out, nil
}

// projected is what an index has of an item.
func (o *order) projected(item Item) Item {
	if o.projectsAll {
		return item
	}
	out := Item{}
	for _, name := range o.projection {
		if value, found := item[name]; found {
			out[name] = value
		}
	}
	return out
}

// selected says what a query or scan gives of each item: the paths of its projection, and whether
// those are of the whole item, which a local index fetches from the table.
func (t *Table) selected(o *order, in *input, parsed expressions) (paths []path, wholeItems bool, err error) {
	switch in.Select {
	case "SPECIFIC_ATTRIBUTES":
		if parsed.projection == nil {
			return nil, false, invalid("SPECIFIC_ATTRIBUTES requires either ProjectionExpression or AttributesToGet")
		}
	case "ALL_PROJECTED_ATTRIBUTES":
		if in.IndexName == "" {
			return nil, false, invalid(invalidValues + "Select type ALL_PROJECTED_ATTRIBUTES is not supported for base tables")
		}
	case "ALL_ATTRIBUTES":
		if o.global && !o.projectsAll {
			return nil, false, invalidf(invalidValues+"Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", o.name)
		}
		wholeItems = true
	}
	if in.Select != "" && in.Select != "SPECIFIC_ATTRIBUTES" && parsed.projection != nil {
		return nil, false, invalidf("Cannot specify the ProjectionExpression when choosing to get %s", in.Select)
	}
	for _, p := range parsed.projection {
		if o.projectsAll || slices.Contains(o.projection, p[0].name) {
			continue
		}
		if o.global {
			return nil, false, invalidf(invalidValues+"Global secondary index %s does not project [%s]", o.name, p[0].name)
		}
		wholeItems = true
	}
	return parsed.projection, wholeItems, nil
}

// primaryAttribute is a key's attribute that a filter speaks of.
func (c *condition) primaryAttribute(keys []string) string {
	if c == nil {
		return ""
	}
	for _, below := range c.below {
		if name := below.primaryAttribute(keys); name != "" {
			return name
		}
	}
	for _, o := range c.operands {
		for o.op == "size" {
			o = o.args[0]
		}
		if o.op == "path" && len(o.path) == 1 && slices.Contains(keys, o.path[0].name) {
			return o.path[0].name
		}
	}
	return ""
}

// readKeys reads keys, none of which may be there twice.
func (t *Table) readKeys(texts []json.RawMessage) ([]Item, error) {
	var keys []Item
	seen := map[string]bool{}
	for _, text := range texts {
		key, err := readItem(text)
		if err != nil {
			return nil, err
		}
		if err := t.checkKey(key); err != nil {
			return nil, err
		}
		if seen[t.identity(key)] {
			return nil, invalid("Provided list of item keys contains duplicates")
		}
		seen[t.identity(key)] = true
		keys = append(keys, key)
	}
	return keys, nil
}
