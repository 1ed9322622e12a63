module example.com/shop

go 1.26

require (
	example.com/other v0.0.0
	github.com/aws/aws-cdk-go/awscdk/v2 v2.0.0
	github.com/aws/constructs-go/constructs/v10 v10.0.0
	github.com/aws/jsii-runtime-go v1.0.0
	github.com/roadshow-go/roadshow v0.0.0
)

// What stands for Roadshow, the CDK and a module of somebody else's has as much as the programs name.
replace (
	example.com/other => ./other
	github.com/aws/aws-cdk-go/awscdk/v2 => ./awscdk
	github.com/aws/constructs-go/constructs/v10 => ./constructs
	github.com/aws/jsii-runtime-go => ./jsii
	github.com/roadshow-go/roadshow => ./roadshow
)
