// Package notestest is a table in memory, for the tests of the functions.
package notestest

import (
	"context"
	"errors"
	"sort"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Table is a table whose partition key is the string id. It scans in the order
// of the keys. The zero value is an empty one called "notes".
type Table struct {
	// Err, if set, is what every operation gives.
	Err error

	// Hang makes every operation wait until its context ends.
	Hang bool

	// Scans are the inputs of all scans so far.
	Scans []*dynamodb.ScanInput

	mu    sync.Mutex
	items map[string]map[string]types.AttributeValue
}

// PutItem is DynamoDB's.
func (t *Table) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if err := t.enter(ctx, in.TableName); err != nil {
		return nil, err
	}
	defer t.mu.Unlock()
	id, ok := in.Item["id"].(*types.AttributeValueMemberS)
	if !ok || id.Value == "" {
		return nil, errors.New("ValidationException: the key id is missing or empty")
	}
	if t.items == nil {
		t.items = map[string]map[string]types.AttributeValue{}
	}
	t.items[id.Value] = in.Item
	return &dynamodb.PutItemOutput{}, nil
}

// GetItem is DynamoDB's.
func (t *Table) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if err := t.enter(ctx, in.TableName); err != nil {
		return nil, err
	}
	defer t.mu.Unlock()
	return &dynamodb.GetItemOutput{Item: t.items[keyOf(in.Key)]}, nil
}

// Scan is DynamoDB's, with Limit and ExclusiveStartKey.
func (t *Table) Scan(ctx context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	if err := t.enter(ctx, in.TableName); err != nil {
		return nil, err
	}
	defer t.mu.Unlock()
	t.Scans = append(t.Scans, in)
	var ids []string
	for id := range t.items {
		if id > keyOf(in.ExclusiveStartKey) {
			ids = append(ids, id)
		}
	}
	sort.Strings(ids)
	out := &dynamodb.ScanOutput{}
	for _, id := range ids {
		out.Items = append(out.Items, t.items[id])
		if in.Limit != nil && len(out.Items) == int(*in.Limit) {
			// As DynamoDB does: a full page has a last key, also if it is the last.
			out.LastEvaluatedKey = map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}}
			break
		}
	}
	return out, nil
}

// Len is how many items the table holds.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.items)
}

func (t *Table) enter(ctx context.Context, name *string) error {
	if t.Hang {
		<-ctx.Done()
		return errors.New("an error that does not wrap the context's")
	}
	if t.Err != nil {
		return t.Err
	}
	if name == nil || *name != "notes" {
		return errors.New("ResourceNotFoundException: no such table")
	}
	t.mu.Lock()
	return nil
}

func keyOf(key map[string]types.AttributeValue) string {
	if s, ok := key["id"].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}
