// Command strict is a program that acknowledges what it reads. Its argument picks what it does besides.
package main

import (
	"os"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

func main() {
	what := strings.Join(os.Args[1:], " ") //roadshow:acknowledge the script that runs it gives it the same in each run
	stack.App{
		Service: "strict",
		Stages: stages.Set{
			{Name: "dev", Account: "111111111111", Region: "us-east-1"},
			{Name: "production", Account: "333333333333", Region: "us-east-1"},
		},
		Define: func(s *stack.Stack) {
			stack.NewTable(s, "notes", stack.TableConfig{PartitionKey: stack.StringKey("id")})
			//roadshow:acknowledge every account has the same name
			awssqs.NewCfnQueue(s.CDK, jsii.String("Jobs"), &awssqs.CfnQueueProps{QueueName: jsii.String("{{resolve:ssm:/name}}")})
			s.CDK.AddTransform(jsii.String("AWS::LanguageExtensions")) //roadshow:acknowledge the macro is AWS's own
			//roadshow:acknowledge the baseline of the account exports it
			awscdk.NewCfnOutput(s.CDK, jsii.String("Shared"), &awscdk.CfnOutputProps{Value: awscdk.Fn_ImportValue(jsii.String("shared"))})
			switch what {
			case "deploy":
				awssqs.NewCfnQueue(s.CDK, jsii.String("Other"), &awssqs.CfnQueueProps{QueueName: jsii.String("{{resolve:ssm:/other}}")})
			case "branch":
				if strings.HasPrefix(*s.CDK.StackName(), "production") {
					s.CDK.SetTerminationProtection(jsii.Bool(true))
				}
			}
		},
	}.Main()
}
