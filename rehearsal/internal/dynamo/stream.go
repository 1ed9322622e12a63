package dynamo

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"
)

// Record is a change of an item, as the table's stream has it.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
type Record struct {
	// EventName is INSERT, MODIFY or REMOVE.
	EventName string
	// SequenceNumber orders the records of a table.
	SequenceNumber string
	Time           time.Time
	Keys           Item
	// Old and New are the images that the table's StreamViewType asks for; else nil.
	Old, New Item
	// Expired means that the time to live deleted the item, and no request.
	Expired bool
}

// streamAge is how long a stream keeps records.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
const streamAge = 24 * time.Hour

// record adds a change to the stream; nil is no item. A change that leaves an item as it was is none.
func (t *Table) record(before, after Item, now time.Time, expired bool) {
	if t.schema.StreamViewType == "" || before == nil && after == nil {
		return
	}
	made := Record{EventName: "MODIFY", Time: now, Expired: expired}
	switch {
	case before == nil:
		made.EventName, made.Keys = "INSERT", t.key(after)
	case after == nil:
		made.EventName, made.Keys = "REMOVE", t.key(before)
	case equal(Value{kind: kindMap, item: before}, Value{kind: kindMap, item: after}):
		return
	default:
		made.Keys = t.key(after)
	}
	switch t.schema.StreamViewType {
	case "NEW_IMAGE":
		made.New = after
	case "OLD_IMAGE":
		made.Old = before
	case "NEW_AND_OLD_IMAGES":
		made.New, made.Old = after, before
	}
	t.sequence++
	made.SequenceNumber = fmt.Sprintf("%021d", t.sequence)
	for len(t.records) > 0 && now.Sub(t.records[0].Time) > streamAge {
		t.records = t.records[1:]
	}
	t.records = append(t.records, made)
}

// expire deletes the items whose time to live is over.
func (t *Table) expire(now time.Time) {
	if t.schema.TimeToLive == "" {
		return
	}
	var gone []Item
	for _, e := range t.primary.entries {
		value, found := e.item[t.schema.TimeToLive]
		if !found || value.kind != kindNumber {
			continue
		}
		at := time.Unix(decimal.RequireFromString(value.text).IntPart(), 0)
		if age := now.Sub(at); age > expiryDelay && age < oldestExpiry {
			gone = append(gone, e.item)
		}
	}
	for _, item := range gone {
		t.drop(item)
		t.record(item, nil, now, true)
	}
}
