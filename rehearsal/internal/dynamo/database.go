// Package dynamo holds the items of DynamoDB's tables and answers the operations on them, in the
// shapes of DynamoDB's JSON protocol and in its words. It knows no server: who uses it hands in
// requests, the schemas of tables, and the time.
//
// Not simulated are capacity errors, the lag of global indexes, and PartiQL. The parameters from
// before expressions, such as KeyConditions, are refused.
package dynamo

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// output is an answer, as the protocol has it.
type output = map[string]any

// Database holds the tables of one account and region. Its zero value holds none. It is safe for
// concurrent use.
type Database struct {
	mu     sync.Mutex
	tables map[string]*Table
	tokens map[string]tokenUse
	swept  time.Time
}

// sweepEvery is how often expired items are looked for.
const sweepEvery = time.Minute

// Operations are those that Do answers.
var Operations = []string{
	"PutItem", "GetItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems",
}

// session is one request on a database.
type session struct {
	database *Database
	schemas  map[string]Schema // of the tables that the request names, as far as they exist
	now      time.Time
}

// Do answers one of Operations. The schemas are asked for each table that the request names, by its
// name, before the database is locked; a table that has none does not exist. Refusals are of type
// *Error.
func (d *Database) Do(operation string, request []byte, now time.Time, schemas func(table string) (Schema, bool)) (any, error) {
	in, err := readInput(request)
	if err != nil {
		return nil, err
	}
	s := &session{database: d, schemas: map[string]Schema{}, now: now}
	for _, name := range in.tableNames() {
		if schema, exists := schemas(name); exists {
			s.schemas[name] = schema
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tokens == nil {
		d.tokens = map[string]tokenUse{}
	}
	d.sweep(now)
	switch operation {
	case "GetItem":
		return s.getItem(in)
	case "Query":
		return s.query(in)
	case "Scan":
		return s.scan(in)
	case "BatchGetItem":
		return s.batchGet(in)
	case "BatchWriteItem":
		return s.batchWrite(in)
	case "TransactGetItems":
		return s.transactGet(in)
	case "TransactWriteItems":
		return s.transactWrite(in, request)
	}
	return s.writeItem(operation, in)
}

// table finds a table by its name or its ARN, and gives it the schema that it has now.
func (d *session) table(reference string) (*Table, error) {
	name := tableName(reference)
	schema, exists := d.schemas[name]
	if !exists {
		return nil, &Error{Code: "ResourceNotFoundException", Message: "Requested resource not found"}
	}
	return d.database.become(name, schema), nil
}

// open reads the expressions of a request, and finds its table.
func (d *session) open(in *input) (*Table, expressions, error) {
	parsed, err := in.parse()
	if err != nil {
		return nil, parsed, err
	}
	t, err := d.table(in.TableName)
	return t, parsed, err
}

// tableName is the name in a reference, which may be an ARN.
func tableName(reference string) string { return reference[strings.LastIndex(reference, "/")+1:] }

func (d *Database) become(name string, schema Schema) *Table {
	t := d.tables[name]
	switch {
	case t == nil:
		t = NewTable(schema)
		if d.tables == nil {
			d.tables = map[string]*Table{}
		}
		d.tables[name] = t
	case t.primary == nil || !reflect.DeepEqual(t.schema, schema):
		t.Become(schema)
	}
	return t
}

// sweep deletes expired items of all tables, now and then.
func (d *Database) sweep(now time.Time) {
	if now.Sub(d.swept) < sweepEvery {
		return
	}
	d.swept = now
	for _, t := range d.tables {
		if t.primary != nil {
			t.expire(now)
		}
	}
}

// Size is how many items a table holds, and what they take in bytes.
func (d *Database) Size(name string, schema Schema) (items, bytes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.become(name, schema)
	return len(t.primary.entries), t.bytes
}

// Records are what a table's stream keeps, oldest first.
func (d *Database) Records(name string) []Record {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.tables[name]; t != nil {
		return append([]Record(nil), t.records...)
	}
	return nil
}

// Drop deletes a table's items.
func (d *Database) Drop(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.tables, name)
}

// Tables are the names of the tables that hold items.
func (d *Database) Tables() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(d.tables)) {
		if d.tables[name].Count() > 0 {
			names = append(names, name)
		}
	}
	return names
}

// Check says whether the items that were loaded of a table fit its schema.
func (d *Database) Check(name string, schema Schema) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.tables[name]; t != nil {
		return t.Check(schema)
	}
	return nil
}

// MarshalJSON writes the items of all tables that have some, by the tables' names. What streams keep,
// and the tokens of transactions, are not written.
func (d *Database) MarshalJSON() ([]byte, error) {
	saved := map[string]*Table{}
	for _, name := range d.Tables() {
		saved[name] = d.tables[name]
	}
	return json.Marshal(saved)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (d *Database) UnmarshalJSON(text []byte) error {
	d.tables, d.tokens = nil, nil
	return json.Unmarshal(text, &d.tables)
}
