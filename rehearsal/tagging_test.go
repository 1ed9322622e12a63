package rehearsal_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

func tags(pairs ...string) []any {
	var out []any
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, map[string]any{"Key": pairs[i], "Value": pairs[i+1]})
	}
	return out
}

// resourcesOf lists all pages of what the tagging API has for dev's account.
func resourcesOf(t *testing.T, server *rehearsal.Server, in *resourcegroupstaggingapi.GetResourcesInput) (found map[string]map[string]string, pages int) {
	t.Helper()
	found = map[string]map[string]string{}
	for all := resourcegroupstaggingapi.NewGetResourcesPaginator(resourcegroupstaggingapi.NewFromConfig(as(server, dev)), in); all.HasMorePages(); pages++ {
		page, err := all.NextPage(t.Context())
		require.NoError(t, err)
		for _, one := range page.ResourceTagMappingList {
			require.NotContains(t, found, *one.ResourceARN)
			found[*one.ResourceARN] = map[string]string{}
			for _, tag := range one.Tags {
				found[*one.ResourceARN][*tag.Key] = *tag.Value
			}
		}
	}
	return found, pages
}

func TestTheTaggingAPIListsWhatHasTagsAHundredAPage(t *testing.T) {
	server := start(t)
	for i := range 250 {
		makes(t, server, "AWS::SSM::Parameter", map[string]any{
			"Name": fmt.Sprintf("/notes/%03d", i), "Type": "String", "Value": "1", "Tags": map[string]any{"stage": "dev", "odd": fmt.Sprint(i % 2)},
		})
	}
	makes(t, server, "AWS::SSM::Parameter", map[string]any{"Name": "/untagged", "Type": "String", "Value": "1"})
	makes(t, server, "AWS::S3::Bucket", map[string]any{"BucketName": "tagged-bucket", "Tags": tags("stage", "production")})
	_, err := server.Account(dev).Create("eu-west-1", "AWS::S3::Bucket", map[string]any{"BucketName": "far-bucket", "Tags": tags("stage", "dev")})
	require.NoError(t, err)

	all, pages := resourcesOf(t, server, &resourcegroupstaggingapi.GetResourcesInput{ResourcesPerPage: aws.Int32(100)})
	require.Len(t, all, 251)
	require.Equal(t, 3, pages)
	require.Equal(t, map[string]string{"stage": "dev", "odd": "1"}, all["arn:aws:ssm:us-east-1:111111111111:parameter/notes/001"])

	dev := types.TagFilter{Key: aws.String("stage"), Values: []string{"dev"}}
	filtered, _ := resourcesOf(t, server, &resourcegroupstaggingapi.GetResourcesInput{TagFilters: []types.TagFilter{dev, {Key: aws.String("odd")}}})
	require.Len(t, filtered, 250)
	filtered, _ = resourcesOf(t, server, &resourcegroupstaggingapi.GetResourcesInput{ResourceTypeFilters: []string{"s3:bucket"}})
	require.Equal(t, map[string]map[string]string{"arn:aws:s3:::tagged-bucket": {"stage": "production"}}, filtered)
	named, err := resourcegroupstaggingapi.NewFromConfig(as(server, "111111111111")).GetResources(t.Context(), &resourcegroupstaggingapi.GetResourcesInput{
		ResourceARNList: []string{"arn:aws:s3:::tagged-bucket", "arn:aws:s3:::nobody"},
	})
	require.NoError(t, err)
	require.Len(t, named.ResourceTagMappingList, 1)
}

func TestTheTaggingAPIRefusesWhatAWSRefuses(t *testing.T) {
	server := start(t)
	client := resourcegroupstaggingapi.NewFromConfig(as(server, dev))
	_, err := client.GetResources(t.Context(), &resourcegroupstaggingapi.GetResourcesInput{ResourcesPerPage: aws.Int32(101)})
	requireCode(t, err, "InvalidParameterException")
	_, err = client.GetResources(t.Context(), &resourcegroupstaggingapi.GetResourcesInput{
		ResourceARNList: []string{"arn:aws:s3:::a"}, TagFilters: []types.TagFilter{{Key: aws.String("stage")}},
	})
	requireCode(t, err, "InvalidParameterException")
	_, err = client.GetResources(t.Context(), &resourcegroupstaggingapi.GetResourcesInput{PaginationToken: aws.String("of yesterday")})
	var expired *types.PaginationTokenExpiredException
	require.ErrorAs(t, err, &expired)
}

func TestWhatAStackMadeHasItsTagsAndCloudFormationsOwn(t *testing.T) {
	server := start(t)
	template := `{"Resources":{"Topic":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":"dev-notes"}},
		"Role":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"dev-role","AssumeRolePolicyDocument":{}}}}}`
	_, err := cloudformation.NewFromConfig(as(server, dev)).CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String("dev-notes"), TemplateBody: &template, Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
		Tags: []cfntypes.Tag{{Key: aws.String("stage"), Value: aws.String("dev")}},
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(server.Resources(dev, region)) == 2 }, 10*time.Second, 10*time.Millisecond)
	all, _ := resourcesOf(t, server, nil)
	require.Len(t, all, 1, "roles are not listed")
	topic := all["arn:aws:sns:us-east-1:111111111111:dev-notes"]
	require.Equal(t, "dev", topic["stage"])
	require.Equal(t, "dev-notes", topic["aws:cloudformation:stack-name"])
	require.Equal(t, "Topic", topic["aws:cloudformation:logical-id"])
	require.Contains(t, topic["aws:cloudformation:stack-id"], "arn:aws:cloudformation:us-east-1:111111111111:stack/dev-notes/")
}

func TestTheTaggingAPIMayListWhatIsGone(t *testing.T) {
	server := start(t)
	made := makes(t, server, "AWS::SNS::Topic", map[string]any{"TopicName": "gone", "Tags": tags("stage", "dev")})
	server.LingerTags(dev, region)
	require.NoError(t, server.Account(dev).Delete(region, made.Type, made.PhysicalID))
	all, _ := resourcesOf(t, server, nil)
	require.Contains(t, all, "arn:aws:sns:us-east-1:111111111111:gone")
}

func TestTagsAreWrittenByAnyToolAndThoseOfAWSByNobody(t *testing.T) {
	server := start(t)
	client := resourcegroupstaggingapi.NewFromConfig(as(server, dev))
	for kind, properties := range map[string]map[string]any{
		"AWS::SSM::Parameter": {"Name": "/notes", "Type": "String", "Value": "1", "Tags": map[string]any{"stage": "dev"}},
		"AWS::SQS::Queue":     {"QueueName": "notes", "Tags": tags("stage", "dev")},
	} {
		makes(t, server, kind, properties)
	}
	arns := []string{"arn:aws:ssm:us-east-1:111111111111:parameter/notes", "arn:aws:sqs:us-east-1:111111111111:notes"}
	answer, err := client.TagResources(t.Context(), &resourcegroupstaggingapi.TagResourcesInput{
		ResourceARNList: append(arns, "arn:aws:sqs:us-east-1:111111111111:none"), Tags: map[string]string{"managed-by": "terraform"},
	})
	require.NoError(t, err)
	require.Len(t, answer.FailedResourcesMap, 1)
	_, err = client.UntagResources(t.Context(), &resourcegroupstaggingapi.UntagResourcesInput{ResourceARNList: arns, TagKeys: []string{"stage"}})
	require.NoError(t, err)
	found, _ := resourcesOf(t, server, &resourcegroupstaggingapi.GetResourcesInput{})
	require.Equal(t, map[string]map[string]string{arns[0]: {"managed-by": "terraform"}, arns[1]: {"managed-by": "terraform"}}, found)
	// https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html: aws: is reserved.
	_, err = client.TagResources(t.Context(), &resourcegroupstaggingapi.TagResourcesInput{
		ResourceARNList: arns, Tags: map[string]string{"aws:cloudformation:stack-id": "mine"},
	})
	require.ErrorContains(t, err, "InvalidParameterException")
}

// Types call their tags by many names, and some know those of a group of machines.
func TestTagsThatAreAddedLeaveTheOthersAlone(t *testing.T) {
	server := start(t)
	client := resourcegroupstaggingapi.NewFromConfig(as(server, dev))
	pool := makes(t, server, "AWS::Cognito::UserPool", map[string]any{"UserPoolName": "notes", "UserPoolTags": map[string]any{"stage": "dev"}})
	files := makes(t, server, "AWS::EFS::FileSystem", map[string]any{"FileSystemTags": tags("stage", "dev")})
	arns := []string{pool.Attributes["Arn"].(string), files.Attributes["Arn"].(string)}
	answer, err := client.TagResources(t.Context(), &resourcegroupstaggingapi.TagResourcesInput{ResourceARNList: arns, Tags: map[string]string{"team": "a"}})
	require.NoError(t, err)
	require.Empty(t, answer.FailedResourcesMap)
	found, _ := resourcesOf(t, server, &resourcegroupstaggingapi.GetResourcesInput{})
	for _, arn := range arns {
		require.Equal(t, map[string]string{"stage": "dev", "team": "a"}, found[arn])
	}
}
