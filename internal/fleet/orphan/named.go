package orphan

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/arn"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// candidate is one of a list of things that may have a stage's name.
type candidate struct {
	cfn, name, arn string
	created        time.Time
	bytes          *int64
}

// named finds what has a stage's name and none of our tags: log groups, which Lambda makes without any, and
// tables and buckets, whose tags somebody may have taken away. Of other types nothing is found by its name.
func (r *search) named(ctx context.Context, g *stackIndex, all []*stackIndex, b *pending) {
	ledger := r.ledgerOf(g.place)
	for _, ask := range []struct {
		service string
		list    func(context.Context, *stackIndex, func([]candidate) error) error
	}{
		{"CloudWatch Logs", listLogGroups},
		{"DynamoDB", listTables},
		{"S3", listBuckets},
	} {
		err := ask.list(ctx, g, func(page []candidate) error { return r.recognize(ctx, g, all, b, ledger, page) })
		r.gap(g.place, ask.service, err)
	}
}

// ledgerOf is whose the names of a place are. A function's name is that of its log group too.
func (r *search) ledgerOf(place stages.Stage) map[string]string {
	owners := map[string]string{}
	for _, name := range r.Ledger {
		if name.Account != place.Account || name.Region != place.Region || name.Example {
			continue
		}
		owners[typeOfTitle[name.Kind]+name.Name] = name.Stage
		if name.Kind == stages.LambdaFunction.Title {
			owners[arn.LogGroupType+lambdaLogs+name.Name] = name.Stage
		}
	}
	return owners
}

// typeOfTitle is the CloudFormation type of each kind of the ledger.
var typeOfTitle = func() map[string]string {
	types := map[string]string{}
	for _, kind := range stages.Kinds() {
		types[kind.Title] = kind.Type
	}
	return types
}()

// prefixOwner is the stage of the service that a name begins like; empty where there is none. The names of a
// stage whose own name begins another's are the shorter ones. A stage is one of the set or of a template, one that a
// stack or tags tell of, or one that was asked for.
func (r *search) prefixOwner(g *stackIndex, b *pending, name string) (owner string) {
	name = name[strings.LastIndex(name, "/")+1:]
	middle := "-" + r.Fleet.Service + "-"
	for at := 0; ; at++ {
		next := strings.Index(name[at:], middle)
		if next < 0 {
			return owner
		}
		at += next
		stage := strings.TrimSuffix(name[:at], "-") // the first of the two hyphens, where a label holds one
		if _, known := r.Fleet.KnownIn(g.place, stage); !known && !g.mentionedStages[stage] && !b.mentionedStages[stage] && !r.names[stage] {
			continue
		}
		if _, err := r.Fleet.StackName(stages.Stage{Name: stage}); err == nil {
			owner = stage
		}
	}
}

// recognize looks at one page of a list.
func (r *search) recognize(ctx context.Context, g *stackIndex, all []*stackIndex, b *pending, ledger map[string]string, page []candidate) error {
	var rows []*Orphan
	for _, thing := range page {
		owner, listed := ledger[thing.cfn+thing.name]
		if !listed {
			owner = r.prefixOwner(g, b, thing.name)
		}
		if owner == "" {
			continue
		}
		one := r.orphan(g, owner, r.Fleet.Service)
		one.readARN(thing.arn)
		one.region, one.Created, one.Bytes = g.place.Region, fleet.Moment(thing.created), thing.bytes
		one.evidence.Listed = listed
		if old, known := b.rows[one.where()]; known {
			old.Created, old.Bytes = one.Created, one.Bytes
			continue
		}
		if !r.held(one, g, all) && !r.underWay(one, g) {
			rows = append(rows, one)
		}
	}
	if err := r.readTags(ctx, g, rows); err != nil {
		return fleet.AsServiceError(g.place, "Resource Groups Tagging API", err)
	}
	for _, one := range rows {
		// What has our tags was found by them, if it is one. What another stack has made is that one's.
		if one.Tags[stacks.TagStage] == "" && g.stack(one.Tags[stacks.TagStackID]) == nil {
			b.add(one)
		}
	}
	return nil
}

// listLogGroups tells the log groups of a place.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
func listLogGroups(ctx context.Context, g *stackIndex, tell func([]candidate) error) error {
	for pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(cloudwatchlogs.NewFromConfig(g.config), nil); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		var found []candidate
		for _, group := range page.LogGroups {
			found = append(found, candidate{
				cfn: arn.LogGroupType, name: aws.ToString(group.LogGroupName), arn: strings.TrimSuffix(aws.ToString(group.Arn), ":*"),
				created: time.UnixMilli(aws.ToInt64(group.CreationTime)), bytes: group.StoredBytes,
			})
		}
		if err := tell(found); err != nil {
			return err
		}
	}
	return nil
}

// listTables tells the tables of a place.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTables.html
func listTables(ctx context.Context, g *stackIndex, tell func([]candidate) error) error {
	for pages := dynamodb.NewListTablesPaginator(dynamodb.NewFromConfig(g.config), nil); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		var found []candidate
		for _, name := range page.TableNames {
			found = append(found, candidate{
				cfn: arn.TableType, name: name,
				arn: "arn:" + stages.Partition(g.place.Region) + ":dynamodb:" + g.place.Region + ":" + g.place.Account + ":table/" + name,
			})
		}
		if err := tell(found); err != nil {
			return err
		}
	}
	return nil
}

// listBuckets tells the buckets of a place.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
func listBuckets(ctx context.Context, g *stackIndex, tell func([]candidate) error) error {
	for pages := s3.NewListBucketsPaginator(s3.NewFromConfig(g.config), &s3.ListBucketsInput{
		BucketRegion: &g.place.Region, MaxBuckets: aws.Int32(1000),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		var found []candidate
		for _, bucket := range page.Buckets {
			if region := aws.ToString(bucket.BucketRegion); region == "" || region == g.place.Region {
				name := aws.ToString(bucket.Name)
				found = append(found, candidate{
					cfn: arn.BucketType, name: name, arn: "arn:" + stages.Partition(g.place.Region) + ":s3:::" + name, created: aws.ToTime(bucket.CreationDate),
				})
			}
		}
		if err := tell(found); err != nil {
			return err
		}
	}
	return nil
}
