package fleet

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/roadshow-go/roadshow/internal/fleet/arn"
)

// findBlocks looks for what CloudFormation would find only half way. Whatever does not answer is in
// the way, too: half of a stage would be gone before anybody knows.
func (p *RemovalPlan) findBlocks(ctx context.Context, config aws.Config) {
	for _, one := range p.Deletes {
		switch one.Type {
		case arn.TableType, "AWS::DynamoDB::GlobalTable":
			p.findGuard(ctx, dynamodb.NewFromConfig(config), one.PhysicalID)
		case arn.BucketType:
			p.findObjects(ctx, s3.NewFromConfig(config), one.PhysicalID)
		}
	}
}

func (p *RemovalPlan) block(check, detail, fix string) {
	p.Blocks = append(p.Blocks, Finding{Check: check, Detail: detail, Fix: fix})
}

// unasked is the block of something that could not be asked about.
func (p *RemovalPlan) unasked(check, what string, err error) {
	p.block(check, sentence(what+" could not be asked about: "+Brief(err)), "Allow what docs/permissions.md has for `roadshow remove`, or try again.")
}

// findGuard asks for the deletion protection of a table.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html#WorkingWithTables.Basics.DeletionProtection
func (p *RemovalPlan) findGuard(ctx context.Context, client *dynamodb.Client, table string) {
	answer, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	_, gone := errors.AsType[*dynamodbtypes.ResourceNotFoundException](err)
	switch {
	case gone:
	case err != nil:
		p.unasked("table", "table "+table, err)
	case aws.ToBool(answer.Table.DeletionProtectionEnabled):
		p.block("table", "Table "+table+" has deletion protection.", "Switch it off: `aws dynamodb update-table --table-name "+table+" --no-deletion-protection-enabled`.")
	}
}

// findObjects asks whether a bucket holds anything. An older version or a delete marker alone,
// which no list of objects shows, is in the way of its deletion as well.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html
func (p *RemovalPlan) findObjects(ctx context.Context, client *s3.Client, bucket string) {
	answer, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &bucket, MaxKeys: aws.Int32(1), ExpectedBucketOwner: &p.Account})
	refusal, is := errors.AsType[smithy.APIError](err)
	switch {
	case is && refusal.ErrorCode() == "NoSuchBucket":
	case err != nil:
		p.unasked("bucket", "bucket "+bucket, err)
	case len(answer.Versions) > 0 && aws.ToBool(answer.Versions[0].IsLatest):
		p.block("bucket", "Bucket "+bucket+" is not empty.", "Empty it, its older versions too: `aws s3 rm --recursive s3://"+bucket+"` leaves those.")
	case len(answer.Versions)+len(answer.DeleteMarkers) > 0:
		p.block("bucket", "Bucket "+bucket+" holds older versions or delete markers of what was deleted.", "Delete those: `aws s3api list-object-versions --bucket "+bucket+"` lists them.")
	}
}

// notImported is how CloudFormation says that nobody imports an export, which is an error and not
// an empty list.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListImports.html
func notImported(err error) bool {
	refusal, is := errors.AsType[smithy.APIError](err)
	return is && refusal.ErrorCode() == "ValidationError" && strings.Contains(refusal.ErrorMessage(), "is not imported by any stack")
}
