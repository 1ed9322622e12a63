package rehearsaltest

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Table is a DynamoDB table of a stage.
type Table struct {
	s *Stage
	// Name is the physical name.
	Name string
}

// Table is the table with an id.
func (s *Stage) Table(id string) *Table {
	s.w.t.Helper()
	return &Table{s, s.physical("table", id, "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")}
}

// Items are all items of the table, in no order that means something: texts as string, numbers as
// json.Number, bytes as []byte, sets and lists as []any, maps as map[string]any.
func (t *Table) Items() []map[string]any {
	t.s.w.t.Helper()
	items := []map[string]any{}
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(t.s.Config()), &dynamodb.ScanInput{TableName: &t.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.s.w.t.Context())
		if err != nil {
			t.s.w.t.Fatal(err)
		}
		for _, item := range page.Items {
			items = append(items, plain(item))
		}
	}
	return items
}

// Put puts an item into the table, as somebody who may: a text becomes S, a number N, []byte B, a bool
// BOOL, nil NULL, []any L and map[string]any M.
func (t *Table) Put(item map[string]any) {
	t.s.w.t.Helper()
	values := map[string]types.AttributeValue{}
	for name, value := range item {
		values[name] = t.value(value)
	}
	if _, err := dynamodb.NewFromConfig(t.s.Config()).PutItem(t.s.w.t.Context(), &dynamodb.PutItemInput{TableName: &t.Name, Item: values}); err != nil {
		t.s.w.t.Fatal(err)
	}
}

func (t *Table) value(value any) types.AttributeValue {
	t.s.w.t.Helper()
	switch v := value.(type) {
	case nil:
		return &types.AttributeValueMemberNULL{Value: true}
	case string:
		return &types.AttributeValueMemberS{Value: v}
	case []byte:
		return &types.AttributeValueMemberB{Value: v}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case int, int64, float64, json.Number:
		return &types.AttributeValueMemberN{Value: fmt.Sprint(v)}
	case []any:
		list := &types.AttributeValueMemberL{}
		for _, one := range v {
			list.Value = append(list.Value, t.value(one))
		}
		return list
	case map[string]any:
		members := &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{}}
		for name, one := range v {
			members.Value[name] = t.value(one)
		}
		return members
	}
	t.s.w.t.Fatalf("rehearsaltest: An item holds %T, which is none of the types that Put knows.", value)
	return nil
}

func plain(item map[string]types.AttributeValue) map[string]any {
	made := map[string]any{}
	for name, value := range item {
		made[name] = plainValue(value)
	}
	return made
}

func plainValue(value types.AttributeValue) any {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return json.Number(v.Value)
	case *types.AttributeValueMemberB:
		return v.Value
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberSS:
		return each(v.Value, func(text string) any { return text })
	case *types.AttributeValueMemberNS:
		return each(v.Value, func(text string) any { return json.Number(text) })
	case *types.AttributeValueMemberBS:
		return each(v.Value, func(content []byte) any { return content })
	case *types.AttributeValueMemberL:
		return each(v.Value, plainValue)
	case *types.AttributeValueMemberM:
		return plain(v.Value)
	}
	return nil
}

func each[T any](all []T, value func(T) any) []any {
	made := make([]any, 0, len(all))
	for _, one := range all {
		made = append(made, value(one))
	}
	return made
}
