// Command before is the program as it was for years: the CDK alone. What it deployed stands in
// ../testdata/before.template.json, which the program of the folder above must not replace.
package main

import (
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	defer jsii.Close()
	cdkApp := awscdk.NewApp(nil)
	legacy := awscdk.NewStack(cdkApp, new("Legacy"), &awscdk.StackProps{
		StackName: new("Legacy"), Env: &awscdk.Environment{Account: new(os.Getenv("CDK_DEFAULT_ACCOUNT")), Region: new(os.Getenv("CDK_DEFAULT_REGION"))},
	})
	awssqs.NewQueue(legacy, new("Jobs"), &awssqs.QueueProps{QueueName: new("legacy-jobs")})
	awsdynamodb.NewTable(legacy, new("Orders"), &awsdynamodb.TableProps{
		TableName: new("legacy-orders"), PartitionKey: &awsdynamodb.Attribute{Name: new("id"), Type: awsdynamodb.AttributeType_STRING},
	})
	cdkApp.Synth(nil)
}
