// Command audit is the Lambda function that writes down what happens to the items of a table.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	lambda.Start(audit)
}

// audit never fails: a change that could not be written down would hold up all that follow it.
func audit(ctx context.Context, changes events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	for _, change := range changes.Records {
		keys := map[string]string{}
		for name, value := range change.Change.Keys {
			if value.DataType() == events.DataTypeString {
				keys[name] = value.String()
			}
		}
		slog.InfoContext(ctx, "change", "what", change.EventName, "keys", keys, "sequence", change.Change.SequenceNumber)
	}
	return events.DynamoDBEventResponse{}, nil
}
