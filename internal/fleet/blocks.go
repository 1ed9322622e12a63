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

	"github.com/roadshow-go/roadshow/internal/fleet/answer"
	"github.com/roadshow-go/roadshow/internal/fleet/arn"
)

// findBlocks looks for what CloudFormation would find only half way. Whatever does not answer is in
// the way, too: half of a stage would be gone before anybody knows.
func (p *RemovalPlan) findBlocks(ctx context.Context, config aws.Config) {
	for _, one := range p.Deletes {
		switch one.Type {
		case arn.TableType, "AWS::DynamoDB::GlobalTable":
			p.found("table", "table "+one.PhysicalID, guardOf(ctx, dynamodb.NewFromConfig(config), one.PhysicalID))
		case arn.BucketType:
			p.found("bucket", "bucket "+one.PhysicalID, p.objectsIn(ctx, s3.NewFromConfig(config), one.PhysicalID))
		}
	}
}

// found takes over what the account says that a thing has, which would stop its deletion.
func (p *RemovalPlan) found(check, what string, obstacle answer.Answer[Finding]) {
	if err := obstacle.Untold(); err != nil {
		p.unasked(check, what, err)
	}
	if finding, there := obstacle.Seen(); there {
		p.block(check, finding.Detail, finding.Fix)
	}
}

func (p *RemovalPlan) block(check, detail, fix string) {
	p.Blocks = append(p.Blocks, Finding{Check: check, Detail: detail, Fix: fix})
}

// unasked is the block of something that could not be asked about.
func (p *RemovalPlan) unasked(check, what string, err error) {
	p.block(check, sentence(what+" could not be asked about: "+Brief(err)), "Allow what docs/permissions.md has for `roadshow remove`, or try again.")
}

// guardOf asks for the deletion protection of a table.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html#WorkingWithTables.Basics.DeletionProtection
func guardOf(ctx context.Context, client *dynamodb.Client, table string) answer.Answer[Finding] {
	described, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	_, gone := errors.AsType[*dynamodbtypes.ResourceNotFoundException](err)
	switch {
	case gone:
		return answer.Absent[Finding]()
	case err != nil:
		return answer.Untold[Finding](err)
	case aws.ToBool(described.Table.DeletionProtectionEnabled):
		return answer.Seen(Finding{
			Detail: "Table " + table + " has deletion protection.",
			Fix:    "Switch it off: `aws dynamodb update-table --table-name " + table + " --no-deletion-protection-enabled`.",
		})
	}
	return answer.Absent[Finding]()
}

// objectsIn asks whether a bucket holds anything. An older version or a delete marker alone,
// which no list of objects shows, is in the way of its deletion as well.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html
func (p *RemovalPlan) objectsIn(ctx context.Context, client *s3.Client, bucket string) answer.Answer[Finding] {
	listed, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &bucket, MaxKeys: aws.Int32(1), ExpectedBucketOwner: &p.Account})
	refusal, is := errors.AsType[smithy.APIError](err)
	switch {
	case is && refusal.ErrorCode() == "NoSuchBucket":
		return answer.Absent[Finding]()
	case err != nil:
		return answer.Untold[Finding](err)
	case len(listed.Versions) > 0 && aws.ToBool(listed.Versions[0].IsLatest):
		return answer.Seen(Finding{
			Detail: "Bucket " + bucket + " is not empty.",
			Fix:    "Empty it, its older versions too: `aws s3 rm --recursive s3://" + bucket + "` leaves those.",
		})
	case len(listed.Versions)+len(listed.DeleteMarkers) > 0:
		return answer.Seen(Finding{
			Detail: "Bucket " + bucket + " holds older versions or delete markers of what was deleted.",
			Fix:    "Delete those: `aws s3api list-object-versions --bucket " + bucket + "` lists them.",
		})
	}
	return answer.Absent[Finding]()
}

// notImported is how CloudFormation says that nobody imports an export, which is an error and not
// an empty list.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListImports.html
func notImported(err error) bool {
	refusal, is := errors.AsType[smithy.APIError](err)
	return is && refusal.ErrorCode() == "ValidationError" && strings.Contains(refusal.ErrorMessage(), "is not imported by any stack")
}
