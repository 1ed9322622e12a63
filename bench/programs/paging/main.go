// A bare loop over the pages that `roadshow orphans` reads: the SDK's paginators, the same calls, as many at once, and
// nothing done with what they give. Its arguments are the profiles.
package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// As many as fleet.Search has.
const accountsAtOnce, stacksAtOnce = 16, 4

var things atomic.Int64

func main() {
	each(accountsAtOnce, os.Args[1:], account)
	fmt.Println(things.Load())
}

func each(atOnce int, all []string, do func(string) error) {
	var running sync.WaitGroup
	seats := make(chan struct{}, atOnce)
	for _, one := range all {
		seats <- struct{}{}
		running.Go(func() {
			defer func() { <-seats }()
			if err := do(one); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		})
	}
	running.Wait()
}

// pages reads all pages.
func pages[Page any](more func() bool, next func() (Page, error), count func(Page)) error {
	for more() {
		page, err := next()
		if err != nil {
			return err
		}
		count(page)
	}
	return nil
}

func account(profile string) error {
	ctx := context.Background()
	c, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(profile))
	if err != nil {
		return err
	}
	stacks := cloudformation.NewFromConfig(c)
	var live []string
	listed := cloudformation.NewListStacksPaginator(stacks, nil)
	if err := pages(listed.HasMorePages, func() (*cloudformation.ListStacksOutput, error) { return listed.NextPage(ctx) }, func(page *cloudformation.ListStacksOutput) {
		for _, one := range page.StackSummaries {
			live = append(live, aws.ToString(one.StackId))
		}
	}); err != nil {
		return err
	}
	each(stacksAtOnce, live, func(id string) error {
		all := cloudformation.NewListStackResourcesPaginator(stacks, &cloudformation.ListStackResourcesInput{StackName: &id})
		return pages(all.HasMorePages, func() (*cloudformation.ListStackResourcesOutput, error) { return all.NextPage(ctx) }, func(page *cloudformation.ListStackResourcesOutput) {
			things.Add(int64(len(page.StackResourceSummaries)))
		})
	})
	tagged := resourcegroupstaggingapi.NewGetResourcesPaginator(resourcegroupstaggingapi.NewFromConfig(c), &resourcegroupstaggingapi.GetResourcesInput{
		ResourcesPerPage: aws.Int32(100), TagFilters: []types.TagFilter{{Key: aws.String("roadshow:service")}, {Key: aws.String("roadshow:stage")}},
	})
	if err := pages(tagged.HasMorePages, func() (*resourcegroupstaggingapi.GetResourcesOutput, error) { return tagged.NextPage(ctx) }, func(page *resourcegroupstaggingapi.GetResourcesOutput) {
		things.Add(int64(len(page.ResourceTagMappingList)))
	}); err != nil {
		return err
	}
	groups := cloudwatchlogs.NewDescribeLogGroupsPaginator(cloudwatchlogs.NewFromConfig(c), nil)
	if err := pages(groups.HasMorePages, func() (*cloudwatchlogs.DescribeLogGroupsOutput, error) { return groups.NextPage(ctx) }, func(page *cloudwatchlogs.DescribeLogGroupsOutput) {
		things.Add(int64(len(page.LogGroups)))
	}); err != nil {
		return err
	}
	tables := dynamodb.NewListTablesPaginator(dynamodb.NewFromConfig(c), nil)
	if err := pages(tables.HasMorePages, func() (*dynamodb.ListTablesOutput, error) { return tables.NextPage(ctx) }, func(page *dynamodb.ListTablesOutput) {
		things.Add(int64(len(page.TableNames)))
	}); err != nil {
		return err
	}
	buckets := s3.NewListBucketsPaginator(s3.NewFromConfig(c), &s3.ListBucketsInput{MaxBuckets: aws.Int32(1000)})
	return pages(buckets.HasMorePages, func() (*s3.ListBucketsOutput, error) { return buckets.NextPage(ctx) }, func(page *s3.ListBucketsOutput) {
		things.Add(int64(len(page.Buckets)))
	})
}
