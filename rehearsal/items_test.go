package rehearsal_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	stacktypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

func text(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }

func TestTheSDKWritesAndReadsItems(t *testing.T) {
	server := start(t)
	makes(t, server, "AWS::DynamoDB::Table", table("notes"))
	client := dynamodb.NewFromConfig(as(server, dev))
	key := map[string]types.AttributeValue{"id": text("a")}
	item := map[string]types.AttributeValue{
		"id": text("a"), "n": &types.AttributeValueMemberN{Value: "12345678901234567890123456789012345678"},
		"bytes": &types.AttributeValueMemberB{Value: []byte{0, 1, 2}}, "set": &types.AttributeValueMemberSS{Value: []string{"p", "q"}},
		"map": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberBOOL{Value: true}, &types.AttributeValueMemberNULL{Value: true}}}}},
	}
	_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("notes"), Item: item})
	require.NoError(t, err)
	got, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("notes"), Key: key, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal})
	require.NoError(t, err)
	require.Equal(t, item, got.Item)
	require.InDelta(t, 0.5, *got.ConsumedCapacity.CapacityUnits, 0)

	_, err = client.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("notes"), Item: key, ConditionExpression: aws.String("attribute_not_exists(id)"), ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "The conditional request failed", failed.ErrorMessage())
	require.Equal(t, item, failed.Item)

	_, err = client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String("notes"), Item: map[string]types.AttributeValue{"id": text("b")}}},
		{Delete: &types.Delete{TableName: aws.String("notes"), Key: key, ConditionExpression: aws.String("attribute_not_exists(id)")}},
	}})
	var canceled *types.TransactionCanceledException
	require.ErrorAs(t, err, &canceled)
	require.Equal(t, "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]", canceled.ErrorMessage())
	require.Equal(t, "ConditionalCheckFailed", *canceled.CancellationReasons[1].Code)

	described, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("notes")})
	require.NoError(t, err)
	require.EqualValues(t, 1, *described.Table.ItemCount)
	require.Positive(t, *described.Table.TableSizeBytes)

	other := dynamodb.NewFromConfig(as(server, production))
	_, err = other.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("notes"), Key: key})
	var missing *types.ResourceNotFoundException
	require.ErrorAs(t, err, &missing, "no other account has the table")
}

func TestItemsGoWithTheirTableAndOutliveTheServer(t *testing.T) {
	first := start(t)
	makes(t, first, "AWS::DynamoDB::Table", table("notes"))
	client := dynamodb.NewFromConfig(as(first, dev))
	for _, id := range []string{"a", "b"} {
		_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("notes"), Item: map[string]types.AttributeValue{"id": text(id)}})
		require.NoError(t, err)
	}
	second := start(t)
	document := saved(t, first)
	require.NoError(t, second.Load(strings.NewReader(document)))
	require.Equal(t, document, saved(t, second))
	scanned, err := dynamodb.NewFromConfig(as(second, dev)).Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("notes")})
	require.NoError(t, err)
	require.Len(t, scanned.Items, 2)

	_, err = client.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("notes")})
	require.NoError(t, err)
	makes(t, first, "AWS::DynamoDB::Table", table("notes"))
	scanned, err = client.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("notes")})
	require.NoError(t, err)
	require.Empty(t, scanned.Items, "a table of the same name is another one")
}

func TestItemsOfADocumentByHandFitTheirTable(t *testing.T) {
	byHand := func(items string) string {
		return `{"Version": 1, "Accounts": {"` + dev + `": {"Services": {"dynamodb": {"Items": {"us-east-1": ` + items + `}}}}}}`
	}
	server := start(t)
	makes(t, server, "AWS::DynamoDB::Table", table("notes"))
	require.NoError(t, server.Load(strings.NewReader(byHand(`{"notes": [{"id": {"S": "seeded"}, "n": {"N": "1"}}]}`))))
	got, err := dynamodb.NewFromConfig(as(server, dev)).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("notes"), Key: map[string]types.AttributeValue{"id": text("seeded")}})
	require.NoError(t, err)
	require.Len(t, got.Item, 2)
	for items, says := range map[string]string{
		`{"none": [{"id": {"S": "a"}}]}`:  `us-east-1 has no table "none"`,
		`{"notes": [{"id": {"N": "1"}}]}`: "Type mismatch for key id expected: S actual: N",
		`{"notes": [{"id": {"X": "1"}}]}`: "Supplied AttributeValue is empty",
	} {
		require.ErrorContains(t, server.Load(strings.NewReader(byHand(items))), says)
	}
}

func TestATableThatItsStackRetainsKeepsItsItems(t *testing.T) {
	server := start(t)
	stacks := cloudformation.NewFromConfig(as(server, dev))
	template := `{"Resources": {"Table": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain", "Properties": {"TableName": "notes", "BillingMode": "PAY_PER_REQUEST",
		"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}}}}`
	created, err := stacks.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("notes"), TemplateBody: &template})
	require.NoError(t, err)
	require.Equal(t, stacktypes.StackStatusCreateComplete, finished(t, stacks, "notes").StackStatus)
	client := dynamodb.NewFromConfig(as(server, dev))
	_, err = client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("notes"), Item: map[string]types.AttributeValue{"id": text("a")}})
	require.NoError(t, err)
	_, err = stacks.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("notes")})
	require.NoError(t, err)
	require.Equal(t, stacktypes.StackStatusDeleteComplete, finished(t, stacks, *created.StackId).StackStatus)
	scanned, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("notes")})
	require.NoError(t, err)
	require.Len(t, scanned.Items, 1)
}
