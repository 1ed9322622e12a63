// The synthetic service by hand on the CDK, in Go: what `cdk init --language go` gives, with the same
// table, API and functions as Roadshow makes, and one App for each stage.
package main

import (
	"flag"
	"fmt"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/roadshow-go/roadshow/bench/programs/size"
)

func main() {
	defer jsii.Close()
	asked := size.Flags()
	flag.Parse()
	for i := range asked.Stages {
		app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(asked.Assembly(i))})
		newServiceStack(app, size.Service, *asked, i)
		app.Synth(nil)
	}
}

func newServiceStack(scope constructs.Construct, id string, asked size.Size, stage int) awscdk.Stack {
	name := func(part string) *string {
		return jsii.String(fmt.Sprintf("%s-%s-%s", size.Stage(stage), size.Service, part))
	}
	stack := awscdk.NewStack(scope, jsii.String(id), &awscdk.StackProps{
		StackName: jsii.String(size.Stage(stage) + "-" + size.Service),
		Env:       &awscdk.Environment{Account: jsii.String(size.Account(stage)), Region: jsii.String(size.Region)},
	})
	awscdk.Tags_Of(stack).Add(jsii.String("roadshow:service"), jsii.String(size.Service), nil)
	awscdk.Tags_Of(stack).Add(jsii.String("roadshow:stage"), jsii.String(size.Stage(stage)), nil)

	table := awsdynamodb.NewTable(stack, jsii.String("Items"), &awsdynamodb.TableProps{
		TableName:                        name("items"),
		PartitionKey:                     &awsdynamodb.Attribute{Name: jsii.String("id"), Type: awsdynamodb.AttributeType_STRING},
		BillingMode:                      awsdynamodb.BillingMode_PAY_PER_REQUEST,
		Encryption:                       awsdynamodb.TableEncryption_AWS_MANAGED,
		RemovalPolicy:                    awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE,
		DeletionProtection:               jsii.Bool(false),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: jsii.Bool(true)},
	})
	api := awsapigatewayv2.NewHttpApi(stack, jsii.String("Api"), &awsapigatewayv2.HttpApiProps{ApiName: name("api")})
	awscdk.NewCfnOutput(stack, jsii.String("ApiURL"), &awscdk.CfnOutputProps{Value: api.ApiEndpoint()})

	for i := range asked.Functions {
		id, memory := size.Function(i), 256
		if i == 0 {
			memory = asked.Memory(stage)
		}
		logs := awslogs.NewLogGroup(stack, jsii.String(id+"Logs"), &awslogs.LogGroupProps{
			LogGroupName:  jsii.String("/aws/lambda/" + *name(id)),
			Retention:     awslogs.RetentionDays_ONE_MONTH,
			RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
		})
		function := awslambda.NewFunction(stack, jsii.String(id), &awslambda.FunctionProps{
			FunctionName:  name(id),
			Runtime:       awslambda.Runtime_PROVIDED_AL2023(),
			Architecture:  awslambda.Architecture_ARM_64(),
			Handler:       jsii.String("bootstrap"),
			Code:          awslambda.Code_FromAsset(jsii.String(filepath.Join(asked.Code, id)), nil),
			MemorySize:    jsii.Number(memory),
			Timeout:       awscdk.Duration_Seconds(jsii.Number(10)),
			LogGroup:      logs,
			LoggingFormat: awslambda.LoggingFormat_JSON,
			Environment:   &map[string]*string{"SALT": jsii.String(asked.Salt), "ITEMS_TABLE": table.TableName()},
		})
		table.GrantReadWriteData(function)
		api.AddRoutes(&awsapigatewayv2.AddRoutesOptions{
			Path:        jsii.String("/" + id),
			Methods:     &[]awsapigatewayv2.HttpMethod{awsapigatewayv2.HttpMethod_GET},
			Integration: awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String(id), function, nil),
		})
	}
	return stack
}
