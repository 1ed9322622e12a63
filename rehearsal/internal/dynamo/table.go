package dynamo

import (
	"cmp"
	"crypto/md5"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Schema is what a table's items are held to. Its names are those of DynamoDB's own API.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
type Schema struct {
	TableName            string
	KeySchema            []KeyElement
	AttributeDefinitions []AttributeDefinition
	// GlobalSecondaryIndexes and LocalSecondaryIndexes are the table's indexes.
	GlobalSecondaryIndexes, LocalSecondaryIndexes []Index
	// TimeToLive is the attribute with the second at which an item expires; empty for none.
	TimeToLive string
	// StreamViewType is what the table's stream records; empty for a table without one.
	StreamViewType string
}

// KeyElement is an attribute of a key; KeyType is HASH or RANGE.
type KeyElement struct{ AttributeName, KeyType string }

// AttributeDefinition is the type of a key's attribute: S, N or B.
type AttributeDefinition struct{ AttributeName, AttributeType string }

// Index is a secondary index.
type Index struct {
	IndexName  string
	KeySchema  []KeyElement
	Projection struct {
		ProjectionType   string
		NonKeyAttributes []string
	}
}

// Limits of items and keys.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxItem         = 400 * 1024
	maxPartitionKey = 2048
	maxSortKey      = 1024
)

// expiryDelay is how long after its time an item is still there: DynamoDB deletes it within a few
// days. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
const expiryDelay = 48 * time.Hour

// oldestExpiry is how far back a time to live may be; what is older never expires.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html
const oldestExpiry = 5 * 365 * 24 * time.Hour

// Table holds the items of one table. It is not safe for concurrent use; a Database is.
type Table struct {
	schema  Schema
	types   map[string]string
	primary *order
	indexes []*order
	bytes   int
	records []Record
	// sequence counts the stream's records.
	sequence int64
	// unread are items that were loaded before the schema was known.
	unread []Item
}

// order holds items in the order of a key: by a digest of the partition key, then by sort key.
type order struct {
	name             string // of the index, empty for the table's own
	global           bool
	partition, sort  string // attributes; sort is empty for a key without one
	projection       []string
	projectsAll      bool
	entries          []*entry
	partType, sortTy string
}

type entry struct {
	position position
	item     Item
}

// position is where an item stands in an order.
type position struct{ digest, partition, sort, primary string }

func (p position) compare(other position) int {
	return cmp.Or(
		strings.Compare(p.digest, other.digest), strings.Compare(p.partition, other.partition),
		strings.Compare(p.sort, other.sort), strings.Compare(p.primary, other.primary),
	)
}

// NewTable makes an empty table.
func NewTable(schema Schema) *Table {
	t := &Table{}
	t.Become(schema)
	return t
}

// Become gives the table another schema: indexes come and go, and are filled from the items. An item
// whose attributes are not of an index's types is not in it.
func (t *Table) Become(schema Schema) {
	var items []Item
	if t.primary != nil {
		for _, e := range t.primary.entries {
			items = append(items, e.item)
		}
	}
	items = append(items, t.unread...)
	t.unread, t.bytes = nil, 0
	t.schema, t.types = schema, map[string]string{}
	for _, definition := range schema.AttributeDefinitions {
		t.types[definition.AttributeName] = definition.AttributeType
	}
	t.primary = t.newOrder("", schema.KeySchema)
	t.primary.projectsAll = true
	t.indexes = nil
	add := func(index Index, global bool) {
		o := t.newOrder(index.IndexName, index.KeySchema)
		o.global = global
		o.projectsAll = index.Projection.ProjectionType == "ALL"
		o.projection = slices.Concat(o.keys(), t.primary.keys())
		if index.Projection.ProjectionType == "INCLUDE" {
			o.projection = append(o.projection, index.Projection.NonKeyAttributes...)
		}
		t.indexes = append(t.indexes, o)
	}
	for _, index := range schema.GlobalSecondaryIndexes {
		add(index, true)
	}
	for _, index := range schema.LocalSecondaryIndexes {
		add(index, false)
	}
	for _, item := range items {
		if t.checkItem(item) == nil {
			t.put(item)
		}
	}
}

func (t *Table) newOrder(name string, keys []KeyElement) *order {
	o := &order{name: name}
	for _, key := range keys {
		if key.KeyType == "HASH" {
			o.partition, o.partType = key.AttributeName, t.types[key.AttributeName]
		} else {
			o.sort, o.sortTy = key.AttributeName, t.types[key.AttributeName]
		}
	}
	return o
}

// keys are the attributes of an order's key.
func (o *order) keys() []string {
	if o.sort == "" {
		return []string{o.partition}
	}
	return []string{o.partition, o.sort}
}

// sortable is a key's value as a text in the order of the values.
func sortable(v Value) string {
	if v.kind == kindNumber {
		return sortableNumber(v.text)
	}
	return v.text
}

// place is where an item stands in an order; false if it does not have the key.
func (o *order) place(item Item, primary string) (position, bool) {
	partition, found := item[o.partition]
	if !found || partition.kind != o.partType {
		return position{}, false
	}
	at := position{partition: sortable(partition), primary: primary}
	sum := md5.Sum([]byte(at.partition))
	at.digest = string(sum[:])
	if o.sort != "" {
		value, found := item[o.sort]
		if !found || value.kind != o.sortTy {
			return position{}, false
		}
		at.sort = sortable(value)
	}
	return at, true
}

func (o *order) search(at position) (int, bool) {
	return slices.BinarySearchFunc(o.entries, at, func(e *entry, at position) int { return e.position.compare(at) })
}

// identity tells items of a table apart, in every index.
func (t *Table) identity(item Item) string {
	at, _ := t.primary.place(item, "")
	return at.digest + at.partition + "\x00" + at.sort
}

// get is the item that has the key of another.
func (t *Table) get(key Item) (Item, bool) {
	at, placed := t.primary.place(key, "")
	if !placed {
		return nil, false
	}
	i, found := t.primary.search(at)
	if !found {
		return nil, false
	}
	return t.primary.entries[i].item, true
}

// put stores an item in place of the one that has its key.
func (t *Table) put(item Item) {
	t.drop(item)
	e := func(o *order, primary string) {
		if at, placed := o.place(item, primary); placed {
			i, _ := o.search(at)
			o.entries = slices.Insert(o.entries, i, &entry{at, item})
		}
	}
	e(t.primary, "")
	identity := t.identity(item)
	for _, o := range t.indexes {
		e(o, identity)
	}
	t.bytes += item.size()
}

// drop deletes the item that has the key of another.
func (t *Table) drop(key Item) {
	old, found := t.get(key)
	if !found {
		return
	}
	identity := t.identity(old)
	for _, o := range append([]*order{t.primary}, t.indexes...) {
		primary := identity
		if o == t.primary {
			primary = ""
		}
		if at, placed := o.place(old, primary); placed {
			if i, there := o.search(at); there {
				o.entries = slices.Delete(o.entries, i, i+1)
			}
		}
	}
	t.bytes -= old.size()
}

// key is the part of an item that is its key.
func (t *Table) key(item Item) Item {
	key := Item{}
	for _, name := range t.primary.keys() {
		key[name] = item[name]
	}
	return key
}

// checkKey refuses what is not exactly a key of the table.
func (t *Table) checkKey(key Item) error {
	names := t.primary.keys()
	if len(key) != len(names) {
		return invalid("The provided key element does not match the schema")
	}
	for _, name := range names {
		if value, found := key[name]; !found || value.kind != t.types[name] {
			return invalid("The provided key element does not match the schema")
		}
	}
	return t.checkKeyValues(key)
}

// checkItem refuses an item that a table does not take.
func (t *Table) checkItem(item Item) error {
	for _, name := range t.primary.keys() {
		value, found := item[name]
		switch {
		case !found:
			return invalid(invalidValues + "Missing the key " + name + " in the item")
		case value.kind != t.types[name]:
			return invalidf(invalidValues+"Type mismatch for key %s expected: %s actual: %s", name, t.types[name], value.kind)
		}
	}
	if err := t.checkKeyValues(item); err != nil {
		return err
	}
	for _, o := range t.indexes {
		for _, name := range o.keys() {
			value, found := item[name]
			switch {
			case !found:
			case value.kind != t.types[name]:
				return invalidf(invalidValues+"Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", name, t.types[name], value.kind, o.name)
			case value.text == "":
				return invalidf("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", emptyKinds[value.kind], o.name, name)
			case name == o.partition && len(value.text) > maxPartitionKey:
				return invalid(invalidValues + "Size of hashkey has exceeded the maximum size limit of2048 bytes")
			case name == o.sort && len(value.text) > maxSortKey:
				return invalid(invalidValues + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
			}
		}
	}
	if item.size() > maxItem {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	return nil
}

var emptyKinds = map[string]string{kindString: "string", kindBinary: "binary"}

func (t *Table) checkKeyValues(key Item) error {
	for _, name := range t.primary.keys() {
		value := key[name]
		switch {
		case value.text == "":
			return invalidf("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", emptyKinds[value.kind], name)
		case name == t.primary.partition && len(value.text) > maxPartitionKey:
			return invalid(invalidValues + "Size of hashkey has exceeded the maximum size limit of2048 bytes")
		case name == t.primary.sort && len(value.text) > maxSortKey:
			return invalid(invalidValues + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
		}
	}
	return nil
}

// Count is how many items the table holds.
func (t *Table) Count() int {
	if t.primary == nil {
		return len(t.unread)
	}
	return len(t.primary.entries)
}

// MarshalJSON writes the items, in the order of a scan.
func (t *Table) MarshalJSON() ([]byte, error) {
	items := append([]Item{}, t.unread...)
	if t.primary != nil {
		for _, e := range t.primary.entries {
			items = append(items, e.item)
		}
	}
	return json.Marshal(items)
}

// UnmarshalJSON reads items; Become has to follow.
func (t *Table) UnmarshalJSON(text []byte) error {
	*t = Table{}
	return json.Unmarshal(text, &t.unread)
}

// Check says whether the loaded items fit a schema.
func (t *Table) Check(schema Schema) error {
	empty := NewTable(schema)
	for _, item := range t.unread {
		if err := empty.checkItem(item); err != nil {
			return err
		}
	}
	return nil
}
