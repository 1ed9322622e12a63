package orphan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudcontrol"
	cloudcontroltypes "github.com/aws/aws-sdk-go-v2/service/cloudcontrol/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dax"
	daxtypes "github.com/aws/aws-sdk-go-v2/service/dax/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/answer"
	"github.com/roadshow-go/roadshow/internal/fleet/arn"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/stages"
)

// factsAtOnce is how many orphans of one place are looked at at once.
const factsAtOnce = 8

// presence is what an account says of whether a thing is there: unasked where nobody can be asked.
type presence = answer.Answer[*Orphan]

var errUnknownType = errors.New("its type is not known to Cloud Control")

// asked is the presence by what a question came to.
func asked(one *Orphan, gone bool, err error) presence {
	switch {
	case gone:
		return answer.Absent[*Orphan]()
	case err != nil:
		return answer.Untold[*Orphan](err)
	}
	return answer.Seen(one)
}

// examine asks whether a thing is still there, and what it holds: tags are listed for a while after what they were on. What
// nobody can tell makes it unsure.
func (r *search) examine(ctx context.Context, g *stackIndex, one *Orphan) bool {
	if one.stack != nil {
		return true
	}
	one.Loses = one.loss()
	service, there := facts(ctx, g.config, one)
	_, seen := there.Seen()
	if there.IsAbsent() {
		return false
	}
	if there.Unasked() != nil {
		one.doubt("whether it is still there could not be asked")
	}
	if err := there.Untold(); err != nil {
		r.gap(g.place, service, err)
		one.doubt("whether it is still there could not be determined")
	}
	if seen && one.Type == arn.KeyType {
		user := keyUser(ctx, g.config, one)
		if _, used := user.Seen(); used {
			return false
		}
		if err := user.Untold(); err != nil {
			r.gap(g.place, "Cloud Control", err)
			one.doubt("whether anything is encrypted by it could not be determined")
		}
	}
	if function, its := strings.CutPrefix(one.Name, lambdaLogs); its && seen && one.Type == arn.LogGroupType && one.evidence.Listed && !one.tagged && one.evidence.Left == nil {
		r.writer(ctx, g, one, function)
	}
	return true
}

// writer asks whether the function of a log group is there, made by hand or by another tool: no stack has it.
func (r *search) writer(ctx context.Context, g *stackIndex, one *Orphan, function string) {
	of := &Orphan{Type: "AWS::Lambda::Function", Name: function, ids: []string{function}}
	there := exists(ctx, cloudcontrol.NewFromConfig(g.config), of) // unasked says here that there is none: its id has no other form
	if _, writes := there.Seen(); writes {
		one.doubt("function " + function + ", which no stack has, writes it")
	}
	if err := there.Untold(); err != nil {
		r.gap(g.place, "Cloud Control", err)
		one.doubt("whether its function is there could not be determined")
	}
}

// facts looks at a thing, and says which service was asked.
func facts(ctx context.Context, config aws.Config, one *Orphan) (service string, there presence) {
	switch one.Type {
	case arn.TableType:
		return "DynamoDB", tableFacts(ctx, dynamodb.NewFromConfig(config), one)
	case arn.BucketType:
		return "S3", bucketFacts(ctx, s3.NewFromConfig(config), one)
	case arn.LogGroupType:
		return "CloudWatch Logs", logGroupFacts(ctx, cloudwatchlogs.NewFromConfig(config), one)
	case "AWS::DAX::Cluster":
		_, err := dax.NewFromConfig(config).DescribeClusters(ctx, &dax.DescribeClustersInput{ClusterNames: []string{one.Name}})
		_, gone := errors.AsType[*daxtypes.ClusterNotFoundFault](err)
		return "DAX", asked(one, gone, err)
	}
	if one.Type == arn.AddressType {
		return "EC2", addressFacts(ctx, ec2.NewFromConfig(config), one)
	}
	return "Cloud Control", exists(ctx, cloudcontrol.NewFromConfig(config), one)
}

// exists asks Cloud Control by each id that the thing may have, and keeps the right one.
// https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_GetResource.html
func exists(ctx context.Context, client *cloudcontrol.Client, one *Orphan) presence {
	if one.Type == "" || len(one.ids) == 0 {
		return answer.Unasked[*Orphan](errUnknownType)
	}
	for _, id := range one.ids {
		described, err := client.GetResource(ctx, &cloudcontrol.GetResourceInput{TypeName: &one.Type, Identifier: &id})
		if _, missing := errors.AsType[*cloudcontroltypes.ResourceNotFoundException](err); missing {
			continue
		}
		if err == nil {
			var model struct{ Name string }
			if json.Unmarshal([]byte(aws.ToString(described.ResourceDescription.Properties)), &model) == nil {
				one.label = model.Name
			}
			one.ids = []string{id}
			if one.kind != nil && one.kind.ID == arn.ByParameter {
				one.Name = id
			}
			return answer.Seen(one)
		}
		_, unknown := errors.AsType[*cloudcontroltypes.TypeNotFoundException](err)
		_, unsupported := errors.AsType[*cloudcontroltypes.UnsupportedActionException](err)
		_, otherForm := errors.AsType[*cloudcontroltypes.InvalidRequestException](err)
		if unknown || unsupported || otherForm {
			return answer.Unasked[*Orphan](errUnknownType)
		}
		return answer.Untold[*Orphan](err)
	}
	if one.kind == nil {
		return answer.Unasked[*Orphan](errUnknownType) // its id may have another form
	}
	return answer.Absent[*Orphan]()
}

// addressFacts learns both ids of an address.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAddresses.html
func addressFacts(ctx context.Context, client *ec2.Client, one *Orphan) presence {
	question := &ec2.DescribeAddressesInput{AllocationIds: []string{one.Name}}
	if !strings.HasPrefix(one.Name, "eipalloc-") {
		question = &ec2.DescribeAddressesInput{PublicIps: []string{one.Name}}
	}
	described, err := client.DescribeAddresses(ctx, question)
	refusal, is := errors.AsType[smithy.APIError](err)
	if err != nil {
		return asked(one, is && strings.HasSuffix(refusal.ErrorCode(), ".NotFound"), err)
	}
	for _, address := range described.Addresses {
		if id := aws.ToString(address.AllocationId); id == one.Name || aws.ToString(address.PublicIp) == one.Name {
			one.Name, one.ids = id, []string{id, aws.ToString(address.PublicIp)}
			one.ARN = arn.KindOf(arn.AddressType).ARN(one.Region, one.Account, id)
			return answer.Seen(one)
		}
	}
	return answer.Absent[*Orphan]()
}

func tableFacts(ctx context.Context, client *dynamodb.Client, one *Orphan) presence {
	described, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &one.Name})
	_, gone := errors.AsType[*dynamodbtypes.ResourceNotFoundException](err)
	if gone = gone || err == nil && described.Table.TableStatus == dynamodbtypes.TableStatusDeleting; gone || err != nil {
		return asked(one, gone, err)
	}
	table := described.Table
	one.ARN = aws.ToString(table.TableArn)
	one.Items, one.Bytes = table.ItemCount, table.TableSizeBytes
	one.Created = fleet.Moment(aws.ToTime(table.CreationDateTime))
	one.Loses = fmt.Sprintf("%d items, %s", aws.ToInt64(one.Items), report.Bytes(aws.ToInt64(one.Bytes)))
	switch guarded := aws.ToBool(table.DeletionProtectionEnabled); {
	case guarded && one.tier == stages.Sandbox:
		one.SwitchesOff = "its deletion protection"
	case guarded:
		one.protect("its deletion protection is on")
	}
	return answer.Seen(one)
}

// bucketFacts tells an empty bucket from one that has something, without counting.
func bucketFacts(ctx context.Context, client *s3.Client, one *Orphan) presence {
	listed, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &one.Name, MaxKeys: aws.Int32(1), ExpectedBucketOwner: &one.Account})
	one.ARN = "arn:" + stages.Partition(one.Region) + ":s3:::" + one.Name
	if err != nil {
		refusal, is := errors.AsType[smithy.APIError](err)
		return asked(one, is && refusal.ErrorCode() == "NoSuchBucket", err)
	}
	if len(listed.Versions)+len(listed.DeleteMarkers) == 0 {
		one.Loses, one.Items, one.Bytes = "nothing: it is empty", aws.Int64(0), aws.Int64(0)
	}
	// AWS may move this date when the bucket is changed.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Bucket.html
	buckets, err := client.ListBuckets(ctx, &s3.ListBucketsInput{Prefix: &one.Name, BucketRegion: &one.Region, MaxBuckets: aws.Int32(1000)})
	if err != nil {
		return answer.Untold[*Orphan](err)
	}
	for _, bucket := range buckets.Buckets {
		if aws.ToString(bucket.Name) == one.Name {
			one.Created = fleet.Moment(aws.ToTime(bucket.CreationDate))
		}
	}
	return answer.Seen(one)
}

func logGroupFacts(ctx context.Context, client *cloudwatchlogs.Client, one *Orphan) presence {
	for pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(client, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &one.Name}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return answer.Untold[*Orphan](err)
		}
		for _, group := range page.LogGroups {
			if aws.ToString(group.LogGroupName) != one.Name {
				continue
			}
			one.Bytes, one.ARN = group.StoredBytes, strings.TrimSuffix(aws.ToString(group.Arn), ":*")
			one.Loses = report.Bytes(aws.ToInt64(group.StoredBytes)) + " of logs"
			if group.CreationTime != nil {
				one.Created = fleet.Moment(time.UnixMilli(*group.CreationTime))
			}
			return answer.Seen(one)
		}
	}
	return answer.Absent[*Orphan]()
}
