package rehearsal

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/roadshow-go/roadshow/rehearsal/internal/dynamo"
)

// itemState is what the tables of an account hold, by region.
type itemState struct {
	Items map[string]*dynamo.Database `json:",omitempty"`
}

var tableItems = keep[itemState]("dynamodb")

// database holds the items of the tables of an account and region.
func (s *store) database(at place) *dynamo.Database {
	s.mu.RLock()
	held := tableItems.of(s, at.account).Items[at.region]
	s.mu.RUnlock()
	if held != nil {
		return held
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	state := tableItems.of(s, at.account)
	if state.Items == nil {
		state.Items = map[string]*dynamo.Database{}
	}
	if state.Items[at.region] == nil {
		state.Items[at.region] = &dynamo.Database{}
	}
	return state.Items[at.region]
}

// dropItems forgets what a table held; the caller holds the lock.
func (s *store) dropItems(t *Resource) {
	if held := tableItems.of(s, t.Account).Items[t.Region]; held != nil {
		held.Drop(t.Name)
	}
}

// tableNamed is a table of either type; the caller holds the lock.
func (s *store) tableNamed(at place, name string) *Resource {
	for _, kind := range tableTypes {
		if t := s.get(at, kind, name); t != nil {
			return t
		}
	}
	return nil
}

// itemOperation answers what is asked of items.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB.html
func itemOperation(r *request) (any, error) {
	answer, err := r.store.database(r.at()).Do(r.operation, r.body, r.store.now(), func(name string) (dynamo.Schema, bool) {
		r.store.mu.RLock()
		defer r.store.mu.RUnlock()
		t := r.store.tableNamed(r.at(), name)
		if t == nil {
			return dynamo.Schema{}, false
		}
		return schemaOf(t), true
	})
	if refused, is := errors.AsType[*dynamo.Error](err); is {
		return nil, itemRefusal(refused)
	}
	return answer, err
}

func itemRefusal(refused *dynamo.Error) *apiError {
	refusal := refuse(http.StatusBadRequest, refused.Code, "%s", refused.Message)
	if refused.Code == "NotImplemented" {
		refusal.Status = http.StatusNotImplemented
	}
	refusal.members = object{}
	if refused.Item != nil {
		refusal.members["Item"] = refused.Item
	}
	if refused.Reasons != nil {
		refusal.members["CancellationReasons"] = refused.Reasons
	}
	return refusal
}

// schemaOf is what a table's items are held to.
func schemaOf(t *Resource) dynamo.Schema {
	schema := dynamo.Schema{TableName: t.Name, KeySchema: keyElements(t.Properties["KeySchema"])}
	for _, each := range listOf(t.Properties["AttributeDefinitions"]) {
		definition, _ := each.(object)
		schema.AttributeDefinitions = append(schema.AttributeDefinitions, dynamo.AttributeDefinition{
			AttributeName: textOf(definition["AttributeName"]), AttributeType: textOf(definition["AttributeType"]),
		})
	}
	indexes := func(property string) []dynamo.Index {
		var made []dynamo.Index
		for _, each := range listOf(t.Properties[property]) {
			index, _ := each.(object)
			projection, _ := index["Projection"].(object)
			one := dynamo.Index{IndexName: textOf(index["IndexName"]), KeySchema: keyElements(index["KeySchema"])}
			one.Projection.ProjectionType = textOf(projection["ProjectionType"])
			for _, name := range listOf(projection["NonKeyAttributes"]) {
				one.Projection.NonKeyAttributes = append(one.Projection.NonKeyAttributes, textOf(name))
			}
			made = append(made, one)
		}
		return made
	}
	schema.GlobalSecondaryIndexes, schema.LocalSecondaryIndexes = indexes("GlobalSecondaryIndexes"), indexes("LocalSecondaryIndexes")
	if ttl, _ := t.Properties["TimeToLiveSpecification"].(object); textOf(ttl["Enabled"]) == "true" {
		schema.TimeToLive = textOf(ttl["AttributeName"])
	}
	if stream, given := t.Properties["StreamSpecification"].(object); given {
		schema.StreamViewType = textOf(stream["StreamViewType"])
	}
	return schema
}

func keyElements(list any) []dynamo.KeyElement {
	var keys []dynamo.KeyElement
	for _, each := range listOf(list) {
		key, _ := each.(object)
		keys = append(keys, dynamo.KeyElement{AttributeName: textOf(key["AttributeName"]), KeyType: textOf(key["KeyType"])})
	}
	return keys
}

// checkItems refuses loaded items that fit no table, and drops those whose table is gone. The caller
// holds the lock.
func (s *store) checkItems(account string, given bool) error {
	items := tableItems.of(s, account).Items
	for _, region := range slices.Sorted(maps.Keys(items)) {
		for _, name := range items[region].Tables() {
			t := s.tableNamed(place{account, region}, name)
			switch {
			case t == nil && given:
				return fmt.Errorf("services: dynamodb: Items: %s has no table %q", region, name)
			case t == nil:
				items[region].Drop(name)
				continue
			}
			if err := items[region].Check(name, schemaOf(t)); err != nil {
				return fmt.Errorf("services: dynamodb: Items: table %q in %s: %w", name, region, err)
			}
		}
	}
	return nil
}
