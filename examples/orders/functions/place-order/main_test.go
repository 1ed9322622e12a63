package main

import (
	"context"
	"encoding/base64"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// memory is two tables, each of items by their id.
type memory map[string]map[string]map[string]types.AttributeValue

func id(item map[string]types.AttributeValue) string {
	return item["id"].(*types.AttributeValueMemberS).Value
}

func (m memory) GetItem(_ context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return &dynamodb.GetItemOutput{Item: m[*in.TableName][id(in.Key)]}, nil
}

func (m memory) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	m[*in.TableName][id(in.Item)] = in.Item
	return &dynamodb.PutItemOutput{}, nil
}

func TestAnOrderIsOfANoteThatExists(t *testing.T) {
	tables := memory{"dev-notes-notes": {"n1": text("id", "n1")}, "dev-orders-orders": {}}
	s := shop{tables: tables, notes: "dev-notes-notes", orders: "dev-orders-orders"}
	for body, want := range map[string]int{
		`{"id": "o1", "note": "n1"}`: 201,
		`{"id": "o2", "note": "n2"}`: 404,
		`{"id": "o3"}`:               400,
		`no JSON`:                    400,
	} {
		got, err := s.place(t.Context(), events.APIGatewayV2HTTPRequest{Body: body})
		if err != nil || got.StatusCode != want {
			t.Errorf("%s: status %d, want %d (%v)", body, got.StatusCode, want, err)
		}
	}
	if len(tables["dev-orders-orders"]) != 1 {
		t.Errorf("orders are %v", tables["dev-orders-orders"])
	}
}

// Of text/* and application/json, application/xml and application/javascript the body comes as it is, of anything
// else, curl's application/x-www-form-urlencoded too, in base64. https://github.com/ministackorg/ministack/pull/766
func TestAnOrderIsTakenWhateverItsContentTypeIs(t *testing.T) {
	for _, tt := range []struct {
		body    string
		encoded bool
		want    int
	}{
		{`{"id": "o1", "note": "n1"}`, false, 201},
		{base64.StdEncoding.EncodeToString([]byte(`{"id": "o1", "note": "n1"}`)), true, 201},
		{`{"id": "o1", "note": "n1"}`, true, 400},
		{base64.StdEncoding.EncodeToString([]byte(`{"id": "o1", "note": "n1"}`)), false, 400},
	} {
		s := shop{tables: memory{"notes": {"n1": text("id", "n1")}, "orders": {}}, notes: "notes", orders: "orders"}
		got, err := s.place(t.Context(), events.APIGatewayV2HTTPRequest{Body: tt.body, IsBase64Encoded: tt.encoded})
		if err != nil || got.StatusCode != tt.want {
			t.Errorf("%s, encoded %t: status %d, want %d (%v)", tt.body, tt.encoded, got.StatusCode, tt.want, err)
		}
	}
}
