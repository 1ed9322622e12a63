package stack_test

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// A network that production alone gives a way to the internet, one for each zone.
func ExampleNewNetwork() {
	_ = func(s *stack.Stack) {
		main := stack.NewNetwork(s, "main", stack.NetworkConfig{
			NATGateways: stages.Pick(s, 0, stages.When(Production, 3)),
			Endpoints:   []stack.Endpoint{stack.EndpointSecretsManager},
			Ports:       []int{5432},
		})
		stack.NewFunction(s, "get-order", stack.FunctionConfig{Package: "./functions/get-order", Network: main})
	}
}

// Another VPC in each account, that somebody else has made.
func ExampleNewNetwork_existing() {
	_ = func(s *stack.Stack) {
		stack.NewNetwork(s, "main", stack.NetworkConfig{Existing: &stack.ExistingNetwork{
			VPC:      stages.Pick(s, "vpc-0a1b2c3d", stages.When(Production, "vpc-1a1b2c3d")),
			Subnets:  stages.Pick(s, []string{"subnet-0a1b2c3d"}, stages.When(Production, []string{"subnet-1a1b2c3d", "subnet-2a1b2c3d"})),
			Internet: true,
		}})
	}
}

// A construct of the CDK's in the network.
func ExampleNetwork_With() {
	_ = func(s *stack.Stack) {
		main := stack.NewNetwork(s, "main", stack.NetworkConfig{Ports: []int{5432}})
		main.With(func(vpc awsec2.IVpc) {
			awsec2.NewSecurityGroup(s.CDK, text("Database"), &awsec2.SecurityGroupProps{Vpc: vpc})
		})
	}
}
