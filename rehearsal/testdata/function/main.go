// Command function is what the tests of the rehearsal deploy.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func main() { lambda.Start(handle) }

// handle answers with what it was given: "Do" says what else.
func handle(ctx context.Context, event json.RawMessage) (any, error) {
	var asked struct{ Do, Text string }
	_ = json.Unmarshal(event, &asked)
	switch asked.Do {
	case "fail":
		return nil, errors.New(asked.Text)
	case "get":
		response, err := http.Get(asked.Text)
		if err != nil {
			return nil, err
		}
		return response.Status, response.Body.Close()
	case "answer":
		return json.RawMessage(asked.Text), nil
	}
	fmt.Println("asked:", asked.Text)
	lc, _ := lambdacontext.FromContext(ctx)
	environment := map[string]string{}
	for _, name := range []string{"NOTES_TABLE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"} {
		environment[name] = os.Getenv(name)
	}
	return map[string]any{"Event": event, "ARN": lc.InvokedFunctionArn, "ID": lc.AwsRequestID, "Environment": environment}, nil
}
