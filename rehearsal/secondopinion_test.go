package rehearsal_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
	minidyn "github.com/truora/minidyn/aws-v2/client"
	"pgregory.net/rapid"
)

// items is a DynamoDB.
type items interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// flat writes an item so that two of them can be compared.
func flat(item map[string]types.AttributeValue) string {
	var members []string
	for name, value := range item {
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			members = append(members, name+"="+v.Value)
		case *types.AttributeValueMemberN:
			members = append(members, name+"=#"+v.Value)
		case *types.AttributeValueMemberSS:
			slices.Sort(v.Value)
			members = append(members, fmt.Sprint(name, "=", v.Value))
		default:
			members = append(members, fmt.Sprintf("%s=%T", name, value))
		}
	}
	slices.Sort(members)
	return fmt.Sprint(members)
}

// outcome is what came of an operation: items, or the code of a refusal.
func outcome(err error, found ...map[string]types.AttributeValue) string {
	var refused smithy.APIError
	if errors.As(err, &refused) {
		return refused.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	all := ""
	for _, item := range found {
		all += flat(item)
	}
	return all
}

// minidyn, which somebody else has written, is the second opinion on what both can. It computes with floats, knows no
// limits of items and pages, does not remove attributes, takes of an update's clauses the first, and holds of an item that
// is not there every condition of a deletion for false: so nothing of that is asked here.
func TestASecondOpinionAgreesOnAnyOrderOfOperations(t *testing.T) {
	server := start(t)
	ours := dynamodb.NewFromConfig(as(server, dev))
	tables := 0
	rapid.Check(t, func(rt *rapid.T) {
		theirs := minidyn.NewClient()
		tables++
		name := aws.String("notes" + strconv.Itoa(tables))
		properties := table(*name)
		properties["AttributeDefinitions"] = append(properties["AttributeDefinitions"].([]any), m{"AttributeName": "at", "AttributeType": "S"})
		properties["KeySchema"] = append(properties["KeySchema"].([]any), m{"AttributeName": "at", "KeyType": "RANGE"})
		made, err := server.Account(dev).Create(region, "AWS::DynamoDB::Table", properties)
		require.NoError(rt, err)
		defer func() { require.NoError(rt, server.Account(dev).Delete(region, made.Type, made.PhysicalID)) }()
		_, err = theirs.CreateTable(t.Context(), &dynamodb.CreateTableInput{
			TableName: name, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{
				{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: aws.String("at"), AttributeType: types.ScalarAttributeTypeS},
			},
			KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("at"), KeyType: types.KeyTypeRange}},
		})
		require.NoError(t, err)
		for range rapid.IntRange(1, 30).Draw(rt, "operations") {
			key := map[string]types.AttributeValue{
				"id": text(rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "id")), "at": text(rapid.SampledFrom([]string{"1", "12", "2"}).Draw(rt, "at")),
			}
			number := &types.AttributeValueMemberN{Value: strconv.Itoa(rapid.IntRange(-9, 9).Draw(rt, "number"))}
			tag := &types.AttributeValueMemberSS{Value: []string{rapid.SampledFrom([]string{"x", "y", "z"}).Draw(rt, "tag")}}
			var condition *string
			if rapid.Bool().Draw(rt, "conditional") {
				condition = aws.String(rapid.SampledFrom([]string{"attribute_exists(id)", "attribute_not_exists(id)", "attribute_exists(n) OR attribute_not_exists(tags)", "NOT attribute_exists(tags)"}).Draw(rt, "condition"))
			}
			run := map[string]func(items) string{
				"put": func(d items) string {
					_, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: name, Item: map[string]types.AttributeValue{"id": key["id"], "at": key["at"], "n": number}, ConditionExpression: condition})
					return outcome(err)
				},
				"get": func(d items) string {
					got, err := d.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: name, Key: key})
					if err != nil {
						return outcome(err)
					}
					return outcome(nil, got.Item)
				},
				"delete": func(d items) string {
					if condition != nil {
						condition = aws.String("attribute_exists(id)") // the others it takes for false where there is no item
					}
					_, err := d.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: name, Key: key, ConditionExpression: condition})
					return outcome(err)
				},
				"add": func(d items) string {
					got, err := d.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
						TableName: name, Key: key, ConditionExpression: condition, UpdateExpression: aws.String("SET n = if_not_exists(n, :zero) + :n"), ReturnValues: types.ReturnValueAllNew,
						ExpressionAttributeValues: map[string]types.AttributeValue{":n": number, ":zero": &types.AttributeValueMemberN{Value: "0"}},
					})
					if err != nil {
						return outcome(err)
					}
					return outcome(nil, got.Attributes)
				},
				"tag": func(d items) string {
					_, err := d.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
						TableName: name, Key: key, ConditionExpression: condition, UpdateExpression: aws.String("ADD tags :t"), ExpressionAttributeValues: map[string]types.AttributeValue{":t": tag},
					})
					return outcome(err)
				},
				"query": func(d items) string {
					got, err := d.Query(t.Context(), &dynamodb.QueryInput{
						TableName: name, KeyConditionExpression: aws.String("id = :i AND begins_with(#a, :one)"), ExpressionAttributeNames: map[string]string{"#a": "at"},
						ExpressionAttributeValues: map[string]types.AttributeValue{":i": key["id"], ":one": text("1")},
					})
					if err != nil {
						return outcome(err)
					}
					return outcome(nil, got.Items...)
				},
			}
			operation := rapid.SampledFrom([]string{"put", "get", "delete", "add", "tag", "query"}).Draw(rt, "operation")
			first, second := run[operation](ours), run[operation](theirs)
			if first != second {
				rt.Fatalf("%s with condition %q: %s here, and %s by the other", operation, aws.ToString(condition), first, second)
			}
		}
	})
}
