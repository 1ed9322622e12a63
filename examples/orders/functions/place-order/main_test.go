package main

import (
	"context"
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
