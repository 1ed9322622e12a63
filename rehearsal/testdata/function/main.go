// Command function is what the tests of the rehearsal deploy.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func main() { lambda.Start(handle) }

// handle answers with what it was given: "Do" says what else.
func handle(ctx context.Context, event json.RawMessage) (any, error) {
	var asked struct{ Do, Text, RequestType string }
	_ = json.Unmarshal(event, &asked)
	if asked.RequestType != "" {
		return custom(ctx, event)
	}
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

// custom is a custom resource, which does what its properties say.
func custom(ctx context.Context, asked json.RawMessage) (string, error) {
	var event cfn.Event
	if err := json.Unmarshal(asked, &event); err != nil {
		return "", err
	}
	text := func(name string) string {
		value, _ := event.ResourceProperties[name].(string)
		return value
	}
	fmt.Println("asked:", event.RequestType, event.PhysicalResourceID, text("Value"), event.OldResourceProperties["Value"])
	switch text("Do") {
	case "break":
		return "", errors.New("no answer")
	case "wait":
		return "", nil
	}
	return cfn.LambdaWrap(func(context.Context, cfn.Event) (string, map[string]any, error) {
		data := map[string]any{"Value": text("Value"), "Kind": fmt.Sprintf("%T", event.ResourceProperties["Count"]), "Long": text("Long")}
		if strings.Contains(text("Fails"), string(event.RequestType)) {
			return text("ID"), data, errors.New("no such seed")
		}
		return text("ID"), data, nil
	})(ctx, event)
}
