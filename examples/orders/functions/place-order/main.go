// Command place-order is the Lambda function behind POST /orders. It takes {"id": "…", "note": "…"} and
// answers 201, or 404 where there is no such note.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/roadshow-go/roadshow/examples/orders/functions/place-order/links"
)

// tables is what the handler needs of DynamoDB.
type tables interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// shop takes orders. The notes are another service's.
type shop struct {
	tables        tables
	notes, orders string
}

func main() {
	settings, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		panic(err)
	}
	lambda.Start(shop{tables: dynamodb.NewFromConfig(settings), notes: links.Notes.Table(), orders: links.Orders.Table()}.place)
}

func (s shop) place(ctx context.Context, request events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	var order struct{ ID, Note string }
	if err := json.Unmarshal(body(request), &order); err != nil || order.ID == "" || order.Note == "" {
		return answer(400, `want {"id": "…", "note": "…"}`), nil
	}
	note, err := s.tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.notes, Key: text("id", order.Note)})
	if err != nil {
		return answer(500, "the note cannot be read"), err
	}
	if len(note.Item) == 0 {
		return answer(404, "no such note"), nil
	}
	item := text("id", order.ID)
	item["note"] = &types.AttributeValueMemberS{Value: order.Note}
	if _, err := s.tables.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.orders, Item: item}); err != nil {
		return answer(500, "the order cannot be written"), err
	}
	return answer(201, "ordered"), nil
}

// body is what the caller sent. API Gateway hands it on as text only where its content type says that it is text or
// JSON, and in base64 otherwise: curl's -d announces a form. What is not the base64 that it should be is no body.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func body(request events.APIGatewayV2HTTPRequest) []byte {
	if !request.IsBase64Encoded {
		return []byte(request.Body)
	}
	decoded, err := base64.StdEncoding.DecodeString(request.Body)
	if err != nil {
		return nil
	}
	return decoded
}

func text(name, value string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{name: &types.AttributeValueMemberS{Value: value}}
}

func answer(status int, message string) events.APIGatewayV2HTTPResponse {
	body, _ := json.Marshal(map[string]string{"message": message}) // a map of strings always is JSON
	return events.APIGatewayV2HTTPResponse{StatusCode: status, Body: string(body), Headers: map[string]string{"content-type": "application/json"}}
}
