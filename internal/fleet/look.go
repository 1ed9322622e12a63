package fleet

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudcontrol"
	cloudcontroltypes "github.com/aws/aws-sdk-go-v2/service/cloudcontrol/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dax"
	daxtypes "github.com/aws/aws-sdk-go-v2/service/dax/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/roadshow-go/roadshow/internal/fleet/answer"
	"github.com/roadshow-go/roadshow/internal/fleet/arn"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/stages"
)

// thing is something that an account has, found by its name.
type thing struct {
	arn          string
	created      *time.Time
	holds        string
	items, bytes *int64
}

// looks finds things of one account by their names.
type looks struct {
	config aws.Config
	stage  stages.Stage
	// secrets are those of the account by name: their ARNs end in six characters that nobody knows.
	secrets func(context.Context) (map[string]string, error)
}

func newLooks(config aws.Config, stage stages.Stage) *looks {
	l := &looks{config: config, stage: stage}
	var once sync.Once
	var known map[string]string
	var failed error
	l.secrets = func(ctx context.Context) (map[string]string, error) {
		once.Do(func() { known, failed = l.listSecrets(ctx) })
		return known, failed
	}
	return l
}

// find looks for a thing of a CloudFormation type by its physical name.
func (l *looks) find(ctx context.Context, kind, name string) answer.Answer[thing] {
	switch kind {
	case arn.TableType:
		return l.table(ctx, name)
	case arn.BucketType:
		return l.bucket(ctx, name)
	case arn.LogGroupType:
		return l.logGroup(ctx, name)
	case "AWS::SecretsManager::Secret":
		secrets, err := l.secrets(ctx)
		switch {
		case err != nil:
			return answer.Untold[thing](err)
		case secrets[name] == "":
			return answer.Absent[thing]()
		}
		return answer.Seen(thing{arn: secrets[name], holds: "its value"})
	case "AWS::DAX::Cluster":
		described, err := dax.NewFromConfig(l.config).DescribeClusters(ctx, &dax.DescribeClustersInput{ClusterNames: []string{name}})
		_, gone := errors.AsType[*daxtypes.ClusterNotFoundFault](err)
		switch {
		case gone, err == nil && len(described.Clusters) == 0:
			return answer.Absent[thing]()
		case err != nil:
			return answer.Untold[thing](err)
		}
		return answer.Seen(thing{arn: aws.ToString(described.Clusters[0].ClusterArn)})
	}
	return l.controlled(ctx, kind, name)
}

// controlled asks Cloud Control, which knows most types.
// https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_GetResource.html
func (l *looks) controlled(ctx context.Context, kind, name string) answer.Answer[thing] {
	found, id := thing{}, name
	if known := arn.KindOf(kind); known != nil {
		found.arn = known.ARN(l.stage.Region, l.stage.Account, name)
		found.holds = known.Loses
		if read := arn.Read(found.arn); len(read.IDs) > 0 && known.ID != arn.ByParameter {
			id = read.IDs[0]
		}
	}
	_, err := cloudcontrol.NewFromConfig(l.config).GetResource(ctx, &cloudcontrol.GetResourceInput{TypeName: &kind, Identifier: &id})
	if _, missing := errors.AsType[*cloudcontroltypes.ResourceNotFoundException](err); missing {
		return answer.Absent[thing]()
	}
	if err != nil {
		return answer.Untold[thing](err)
	}
	return answer.Seen(found)
}

// listSecrets lists the secrets of a place by name.
// https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_ListResources.html
func (l *looks) listSecrets(ctx context.Context) (map[string]string, error) {
	known := map[string]string{}
	kind := "AWS::SecretsManager::Secret"
	for pages := cloudcontrol.NewListResourcesPaginator(cloudcontrol.NewFromConfig(l.config), &cloudcontrol.ListResourcesInput{TypeName: &kind}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, one := range page.ResourceDescriptions {
			id := aws.ToString(one.Identifier)
			known[arn.Read(id).Name] = id
		}
	}
	return known, nil
}

func (l *looks) table(ctx context.Context, name string) answer.Answer[thing] {
	described, err := dynamodb.NewFromConfig(l.config).DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if _, gone := errors.AsType[*dynamodbtypes.ResourceNotFoundException](err); gone {
		return answer.Absent[thing]()
	}
	if err != nil {
		return answer.Untold[thing](err)
	}
	table := described.Table
	found := thing{arn: aws.ToString(table.TableArn), created: Moment(aws.ToTime(table.CreationDateTime)), items: table.ItemCount, bytes: table.TableSizeBytes}
	found.holds = report.Count(aws.ToInt64(table.ItemCount), "items") + ", " + report.Bytes(aws.ToInt64(table.TableSizeBytes))
	if key := table.SSEDescription; key != nil && key.KMSMasterKeyArn != nil {
		found.holds += ", encrypted with " + *key.KMSMasterKeyArn
	}
	return answer.Seen(found)
}

// bucket tells an empty bucket from one that has something, without counting.
func (l *looks) bucket(ctx context.Context, name string) answer.Answer[thing] {
	client := s3.NewFromConfig(l.config)
	versions, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &name, MaxKeys: aws.Int32(1), ExpectedBucketOwner: &l.stage.Account})
	if refusal, is := errors.AsType[smithy.APIError](err); is && refusal.ErrorCode() == "NoSuchBucket" {
		return answer.Absent[thing]()
	}
	if err != nil {
		return answer.Untold[thing](err)
	}
	found := thing{arn: "arn:" + stages.Partition(l.stage.Region) + ":s3:::" + name, holds: "objects"}
	if len(versions.Versions)+len(versions.DeleteMarkers) == 0 {
		found.holds, found.items, found.bytes = "nothing", aws.Int64(0), aws.Int64(0)
	}
	buckets, err := client.ListBuckets(ctx, &s3.ListBucketsInput{Prefix: &name, BucketRegion: &l.stage.Region, MaxBuckets: aws.Int32(100)})
	if err != nil {
		return answer.Seen(found) // when it was made is no more than a word
	}
	for _, bucket := range buckets.Buckets {
		if aws.ToString(bucket.Name) == name {
			found.created = Moment(aws.ToTime(bucket.CreationDate))
		}
	}
	return answer.Seen(found)
}

func (l *looks) logGroup(ctx context.Context, name string) answer.Answer[thing] {
	for pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(cloudwatchlogs.NewFromConfig(l.config), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return answer.Untold[thing](err)
		}
		for _, group := range page.LogGroups {
			if aws.ToString(group.LogGroupName) != name {
				continue
			}
			found := thing{arn: strings.TrimSuffix(aws.ToString(group.Arn), ":*"), bytes: group.StoredBytes, holds: report.Bytes(aws.ToInt64(group.StoredBytes)) + " of logs"}
			if group.CreationTime != nil {
				found.created = Moment(time.UnixMilli(*group.CreationTime))
			}
			return answer.Seen(found)
		}
	}
	return answer.Absent[thing]()
}
