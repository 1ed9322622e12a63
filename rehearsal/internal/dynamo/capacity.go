package dynamo

import "strings"

// capacity is what a request consumes of a table.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
type capacity struct {
	table *Table
	units float64 // of the table itself
	// read and written units by index.
	indexes map[string]float64
}

func newCapacity(t *Table) *capacity { return &capacity{table: t, indexes: map[string]float64{}} }

// add counts units of the table, or of one of its indexes.
func (c *capacity) add(index string, units float64) {
	if index == "" {
		c.units += units
	} else {
		c.indexes[index] += units
	}
}

// blocks are units for a size, at least one.
func blocks(size, block int) float64 { return float64(max(1, (size+block-1)/block)) }

// readBlock and writeBlock are what one unit reads and writes.
const (
	readBlock  = 4096
	writeBlock = 1024
)

// read counts a read of some bytes; an eventually consistent one takes half, one of a transaction twice
// as much.
func (c *capacity) read(index string, size int, consistent bool, times float64) {
	if !consistent {
		times /= 2
	}
	c.add(index, blocks(size, readBlock)*times)
}

// write counts a write of the table and of the indexes that it changes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
func (c *capacity) write(w write, times float64) {
	c.units += blocks(max(w.before.size(), w.after.size()), writeBlock) * times
	for _, o := range w.table.indexes {
		old, was := o.place(w.before, "")
		now, is := o.place(w.after, "")
		before, after := o.projected(w.before), o.projected(w.after)
		switch {
		case was && is && old == now:
			if !equal(Value{kind: kindMap, item: before}, Value{kind: kindMap, item: after}) {
				c.add(o.name, blocks(max(before.size(), after.size()), writeBlock)*times)
			}
		default:
			if was {
				c.add(o.name, blocks(before.size(), writeBlock)*times)
			}
			if is {
				c.add(o.name, blocks(after.size(), writeBlock)*times)
			}
		}
	}
}

// description is the capacity as answers have it.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ConsumedCapacity.html
func (c *capacity) description(detail string) output {
	total := c.units
	byKind := map[bool]output{true: {}, false: {}}
	for _, o := range c.table.indexes {
		if units := c.indexes[o.name]; units > 0 {
			total += units
			byKind[o.global][o.name] = output{"CapacityUnits": units}
		}
	}
	out := output{"TableName": c.table.schema.TableName, "CapacityUnits": total}
	if strings.EqualFold(detail, "INDEXES") {
		out["Table"] = output{"CapacityUnits": c.units}
		if len(byKind[true]) > 0 {
			out["GlobalSecondaryIndexes"] = byKind[true]
		}
		if len(byKind[false]) > 0 {
			out["LocalSecondaryIndexes"] = byKind[false]
		}
	}
	return out
}

// report puts the capacity into an answer where it was asked for.
func (c *capacity) report(out output, detail string) {
	if detail == "TOTAL" || detail == "INDEXES" {
		out["ConsumedCapacity"] = c.description(detail)
	}
}
