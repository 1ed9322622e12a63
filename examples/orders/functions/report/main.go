// Command report is the Lambda function that counts the orders every night, in production only.
package main

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/roadshow-go/roadshow/examples/orders/functions/report/links"
)

func main() {
	settings, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		panic(err)
	}
	orders, table := dynamodb.NewFromConfig(settings), links.Orders.Table()
	lambda.Start(func(ctx context.Context) error {
		count := 0
		pages := dynamodb.NewScanPaginator(orders, &dynamodb.ScanInput{TableName: &table, Select: types.SelectCount})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			count += int(page.Count)
		}
		slog.InfoContext(ctx, "report", "orders", count)
		return nil
	})
}
