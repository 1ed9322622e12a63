package rehearsal_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/roadshow-go/roadshow/rehearsal"
)

func ExampleStart() {
	server, err := rehearsal.Start(rehearsal.Config{Accounts: []rehearsal.Account{
		{ID: "111111111111", AccessKeyID: "AKIADEV", SecretAccessKey: "secret", UserName: "dev"},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	client := sts.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL()),
		Credentials: credentials.NewStaticCredentialsProvider("AKIADEV", "secret", ""),
	})
	who, err := client.GetCallerIdentity(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*who.Arn)
	for _, call := range server.Calls() {
		fmt.Println(call.Account, call.Service, call.Operation, call.Status)
	}
	// Output:
	// arn:aws:iam::111111111111:user/dev
	// 111111111111 sts GetCallerIdentity 200
}

func ExampleServer_InjectFault() {
	server, err := rehearsal.Start(rehearsal.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	// The next two deployments of production are throttled,
	server.InjectFault(rehearsal.Fault{
		Account: "333333333333", Service: "cloudformation", Operation: "CreateChangeSet", Count: 2, Status: 400, Code: "Throttling",
	})
	// and no cluster can be made anywhere until the fault is taken back.
	remove := server.InjectFault(rehearsal.Fault{ResourceType: "AWS::DAX::Cluster", Operation: "Create", Code: "ServiceInternalError"})
	remove()
}

func ExampleServer_Load() {
	server, err := rehearsal.Start(rehearsal.Config{Accounts: []rehearsal.Account{
		{ID: "111111111111", AccessKeyID: "AKIADEV", SecretAccessKey: "secret"},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	err = server.Load(strings.NewReader(`{"Version": 1, "Accounts": {"111111111111": {"Resources": [
		{"Region": "us-east-1", "Type": "AWS::SQS::Queue", "Properties": {"QueueName": "old-jobs"}}
	]}}}`))
	if err != nil {
		log.Fatal(err)
	}
	for _, one := range server.Resources("111111111111", "us-east-1") {
		fmt.Println(one.Type, one.Name, one.Attributes["Arn"])
	}
	var state bytes.Buffer
	fmt.Println(server.Save(&state))
	// Output:
	// AWS::SQS::Queue old-jobs arn:aws:sqs:us-east-1:111111111111:old-jobs
	// <nil>
}
