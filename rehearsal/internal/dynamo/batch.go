package dynamo

import (
	"encoding/json"
	"maps"
	"slices"
)

// Limits of batches.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
const (
	maxBatchGet   = 100
	maxBatchWrite = 25
	maxBatchBytes = 16 << 20
)

// batchGet answers BatchGetItem. What does not fit into 16 MB comes back as unprocessed.
func (d *session) batchGet(in *input) (output, error) {
	asked, total := map[string]*input{}, 0
	for name, text := range in.RequestItems {
		part := &input{}
		if err := json.Unmarshal(text, part); err != nil {
			return nil, serialization(err)
		}
		asked[name] = part
		total += len(part.Keys)
	}
	switch {
	case len(asked) == 0:
		return nil, invalid("1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case total > maxBatchGet:
		return nil, invalid("Too many items requested for the BatchGetItem call")
	}
	responses, unprocessed, consumed, bytes := output{}, output{}, []output{}, 0
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		part := asked[name]
		parsed, err := part.parse()
		if err != nil {
			return nil, err
		}
		t, err := d.table(name)
		if err != nil {
			return nil, err
		}
		keys, err := t.readKeys(part.Keys)
		if err != nil {
			return nil, err
		}
		items, left, used := []Item{}, []Item{}, newCapacity(t)
		for _, key := range keys {
			item, found := t.get(key)
			if bytes+item.size() > maxBatchBytes {
				left = append(left, key)
				continue
			}
			bytes += item.size()
			used.read("", item.size(), part.ConsistentRead, 1)
			if found {
				items = append(items, project(item, parsed.projection))
			}
		}
		responses[name] = items
		if len(left) > 0 {
			again := map[string]any{}
			_ = json.Unmarshal(in.RequestItems[name], &again) // it was read above
			again["Keys"] = left
			unprocessed[name] = again
		}
		consumed = append(consumed, used.description(in.ReturnConsumedCapacity))
	}
	return withCapacities(output{"Responses": responses, "UnprocessedKeys": unprocessed}, in, consumed), nil
}

func withCapacities(out output, in *input, consumed []output) output {
	if in.ReturnConsumedCapacity == "TOTAL" || in.ReturnConsumedCapacity == "INDEXES" {
		out["ConsumedCapacity"] = consumed
	}
	return out
}

// batchWrite answers BatchWriteItem, which puts and deletes without conditions.
func (d *session) batchWrite(in *input) (output, error) {
	type part struct{ PutRequest, DeleteRequest *input }
	asked, total := map[string][]part{}, 0
	for name, text := range in.RequestItems {
		var parts []part
		if err := json.Unmarshal(text, &parts); err != nil {
			return nil, serialization(err)
		}
		asked[name] = parts
		total += len(parts)
	}
	switch {
	case total == 0:
		return nil, invalid("1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case total > maxBatchWrite:
		return nil, invalid("Too many items requested for the BatchWriteItem call")
	}
	var writes []write
	consumed, used := []output{}, map[string]*capacity{}
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		t, err := d.table(name)
		if err != nil {
			return nil, err
		}
		seen := map[string]bool{}
		for _, each := range asked[name] {
			if (each.PutRequest == nil) == (each.DeleteRequest == nil) {
				return nil, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
			}
			operation, part := "PutItem", each.PutRequest
			if part == nil {
				operation, part = "DeleteItem", each.DeleteRequest
			}
			w, err := decide(operation, t, part, expressions{})
			if err != nil {
				return nil, err
			}
			if identity := t.identity(w.key); seen[identity] {
				return nil, invalid("Provided list of item keys contains duplicates")
			} else {
				seen[identity] = true
			}
			writes = append(writes, w)
			if used[name] == nil {
				used[name] = newCapacity(t)
			}
			used[name].write(w, 1)
		}
	}
	for _, w := range writes {
		w.commit(d.now)
	}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		consumed = append(consumed, used[name].description(in.ReturnConsumedCapacity))
	}
	return withCapacities(output{"UnprocessedItems": output{}}, in, consumed), nil
}
