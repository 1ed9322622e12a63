// Package offered says what regions of AWS lack of what package stack makes: resource types of CloudFormation, and node types
// of DAX.
package offered

import "slices"

// lacking are the regions whose CloudFormation does not know a type, as AWS's own schema of each region says it: the one
// inside the validator of aws-cdk-lib, with which a test in rehearsal/refusals compares this table. All other types that
// package stack makes are known everywhere. On function URLs, AWS's page agrees:
// https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
var lacking = map[string][]string{
	"AWS::DAX::Cluster":        withoutDAX,
	"AWS::DAX::ParameterGroup": withoutDAX,
	"AWS::DAX::SubnetGroup":    withoutDAX,
	"AWS::Lambda::Url": {
		"ap-east-2", "ap-south-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1", "cn-northwest-1",
		"eu-central-2", "il-central-1", "me-central-1", "mx-central-1", "us-gov-east-1", "us-gov-west-1",
	},
}

var withoutDAX = []string{
	"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-2", "ap-northeast-3", "ap-south-2", "ap-southeast-3", "ap-southeast-4",
	"ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "cn-north-1", "eu-central-2", "eu-north-1",
	"eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "mx-central-1", "us-gov-east-1", "us-gov-west-1",
}

// In tells whether a region has a resource type. It is true for regions and types that are not in the table.
func In(region, resourceType string) bool { return !slices.Contains(lacking[resourceType], region) }

// Lacking are the regions that lack a resource type, sorted; none for most types.
func Lacking(resourceType string) []string { return slices.Clone(lacking[resourceType]) }
