module github.com/aws/aws-cdk-go/awscdk/v2

go 1.26
