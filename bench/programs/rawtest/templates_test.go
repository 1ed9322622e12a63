//go:build bench

package rawtest

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

func newStack(scope constructs.Construct, memory int) awscdk.Stack {
	stack := awscdk.NewStack(scope, jsii.String("bench"), &awscdk.StackProps{
		StackName: jsii.String("s01-bench"),
		Env:       &awscdk.Environment{Account: jsii.String("100000000001"), Region: jsii.String("us-east-1")},
	})
	awscdk.Tags_Of(stack).Add(jsii.String("roadshow:service"), jsii.String("bench"), nil)
	awscdk.Tags_Of(stack).Add(jsii.String("roadshow:stage"), jsii.String("s01"), nil)
	table := awsdynamodb.NewTable(stack, jsii.String("Items"), &awsdynamodb.TableProps{
		TableName:                        jsii.String("s01-bench-items"),
		PartitionKey:                     &awsdynamodb.Attribute{Name: jsii.String("id"), Type: awsdynamodb.AttributeType_STRING},
		BillingMode:                      awsdynamodb.BillingMode_PAY_PER_REQUEST,
		Encryption:                       awsdynamodb.TableEncryption_AWS_MANAGED,
		RemovalPolicy:                    awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE,
		DeletionProtection:               jsii.Bool(false),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: jsii.Bool(true)},
	})
	logs := awslogs.NewLogGroup(stack, jsii.String("f001Logs"), &awslogs.LogGroupProps{
		LogGroupName:  jsii.String("/aws/lambda/s01-bench-f001"),
		Retention:     awslogs.RetentionDays_ONE_MONTH,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	function := awslambda.NewFunction(stack, jsii.String("f001"), &awslambda.FunctionProps{
		FunctionName:  jsii.String("s01-bench-f001"),
		Runtime:       awslambda.Runtime_PROVIDED_AL2023(),
		Architecture:  awslambda.Architecture_ARM_64(),
		Handler:       jsii.String("bootstrap"),
		Code:          awslambda.Code_FromAsset(jsii.String(os.Getenv("BENCH_CODE")), nil),
		MemorySize:    jsii.Number(memory),
		Timeout:       awscdk.Duration_Seconds(jsii.Number(10)),
		LogGroup:      logs,
		LoggingFormat: awslambda.LoggingFormat_JSON,
		Environment:   &map[string]*string{"ITEMS_TABLE": table.TableName()},
	})
	table.GrantReadWriteData(function)
	return stack
}

func TestTemplates(t *testing.T) {
	count, err := strconv.Atoi(os.Getenv("BENCH_TESTS"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		memory := 256 + i
		t.Run(fmt.Sprint(memory), func(t *testing.T) {
			stack := newStack(awscdk.NewApp(nil), memory)
			template := assertions.Template_FromStack(stack, nil)
			template.ResourceCountIs(jsii.String("AWS::DynamoDB::Table"), jsii.Number(1))
			template.HasResourceProperties(jsii.String("AWS::Lambda::Function"), map[string]any{
				"MemorySize": memory, "Runtime": "provided.al2023",
			})
			if file := os.Getenv("BENCH_TEMPLATE"); file != "" {
				data, err := json.Marshal(template.ToJSON())
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
