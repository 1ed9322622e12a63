package stacks

import (
	"context"
	"iter"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// Resources lists the resources of a stack by its name or id, also what it had and has no more. An error is the last
// that it yields.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackResources.html
func Resources(ctx context.Context, client *cloudformation.Client, stack string) iter.Seq2[types.StackResourceSummary, error] {
	return func(yield func(types.StackResourceSummary, error) bool) {
		for pages := cloudformation.NewListStackResourcesPaginator(client, &cloudformation.ListStackResourcesInput{StackName: &stack}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(types.StackResourceSummary{}, err)
				return
			}
			for _, resource := range page.StackResourceSummaries {
				if !yield(resource, nil) {
					return
				}
			}
		}
	}
}

// PhysicalNames are the physical names of what a stack has of one type, or of every type where kind is empty, by
// logical id.
func PhysicalNames(ctx context.Context, client *cloudformation.Client, stack, kind string) (map[string]string, error) {
	names := map[string]string{}
	for one, err := range Resources(ctx, client, stack) {
		if err != nil {
			return nil, err
		}
		if (kind == "" || aws.ToString(one.ResourceType) == kind) && one.ResourceStatus != types.ResourceStatusDeleteComplete {
			names[aws.ToString(one.LogicalResourceId)] = aws.ToString(one.PhysicalResourceId)
		}
	}
	return names, nil
}

// stateful are the types whose resources hold what nobody can make again.
var stateful = map[string]bool{
	"AWS::Backup::BackupVault": true, "AWS::Cognito::UserPool": true, "AWS::DynamoDB::GlobalTable": true, "AWS::DynamoDB::Table": true,
	"AWS::ECR::Repository": true, "AWS::EFS::FileSystem": true, "AWS::Events::Archive": true, "AWS::Kinesis::Stream": true, "AWS::KMS::Key": true,
	"AWS::Logs::LogGroup": true, "AWS::OpenSearchService::Domain": true, "AWS::RDS::DBCluster": true, "AWS::RDS::DBInstance": true,
	"AWS::S3::Bucket": true, "AWS::SecretsManager::Secret": true, "AWS::SQS::Queue": true,
	"AWS::ElastiCache::ReplicationGroup": true, "AWS::ElastiCache::ServerlessCache": true, "AWS::DocDB::DBCluster": true, "AWS::Neptune::DBCluster": true,
}

// IsStateful tells whether resources of a CloudFormation type hold what nobody can make again.
func IsStateful(resourceType string) bool { return stateful[resourceType] }

// HolderOf is the name of the live stack that has a resource under one of some physical ids; empty where none has.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html
func HolderOf(ctx context.Context, client *cloudformation.Client, ids ...string) (string, error) {
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		answer, err := client.DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{PhysicalResourceId: &id})
		if IsMissing(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		for _, resource := range answer.StackResources {
			return aws.ToString(resource.StackName), nil
		}
	}
	return "", nil
}
