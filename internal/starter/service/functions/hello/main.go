// Command hello is the Lambda function behind GET /hello. It answers 200 with a greeting, of whom ?name= says.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() { lambda.Start(hello) }

func hello(_ context.Context, request events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	name := cmp.Or(request.QueryStringParameters["name"], "world")
	body, err := json.Marshal(map[string]string{"message": "Hello, " + name + "!"})
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	return events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusOK,
		Headers:    map[string]string{"content-type": "application/json"},
		Body:       string(body),
	}, nil
}
