// Command item is a Lambda function that may read an item. It reads it for GET and writes it for every other method: with its
// own credentials, or with those of a user that the request brings, of whom the rehearsal asks no rights.
package main

import (
	"context"
	"os"
	"sync"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func main() {
	loaded, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		panic(err)
	}
	role := dynamodb.NewFromConfig(loaded)
	var once sync.Once
	var user *dynamodb.Client
	table := aws.String(os.Getenv("ITEMS_TABLE"))
	key := map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "one"}}
	lambda.Start(func(ctx context.Context, request events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		client := role
		if request.QueryStringParameters["as"] == "user" {
			once.Do(func() {
				user = dynamodb.NewFromConfig(loaded, func(o *dynamodb.Options) {
					o.Credentials = credentials.NewStaticCredentialsProvider(request.Headers["x-access-key-id"], request.Headers["x-secret-access-key"], "")
				})
			})
			client = user
		}
		if request.RequestContext.HTTP.Method != "GET" {
			_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: table, Item: key})
			return events.APIGatewayV2HTTPResponse{StatusCode: 201}, err
		}
		found, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: table, Key: key})
		if err != nil || found.Item == nil {
			return events.APIGatewayV2HTTPResponse{StatusCode: 404}, err
		}
		return events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: "one"}, nil
	})
}
