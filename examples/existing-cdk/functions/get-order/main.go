// Command get-order is the first Lambda function of the adopted stack. It says where the orders are.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context) (string, error) { return os.Getenv("ORDERS_TABLE"), nil })
}
