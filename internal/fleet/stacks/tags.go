package stacks

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	taggingtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
)

// The tags that package stack puts on every stack, and CloudFormation on every resource of it.
const (
	// TagService is the service, TagStage the stage.
	TagService = "roadshow:service"
	TagStage   = "roadshow:stage"
	// TagProgram is the module of the program that made the stack, as internal/assembly writes it.
	TagProgram = "roadshow:program"
	// TagTimeToLive is how long after its last update an ephemeral stage's stack expires, as Go writes a duration.
	TagTimeToLive = "roadshow:time-to-live"
)

// Tags that CloudFormation itself puts on what it makes.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
const (
	// TagStackID is the id of the stack that made it, TagLogicalID its logical id there.
	TagStackID   = "aws:cloudformation:stack-id"
	TagLogicalID = "aws:cloudformation:logical-id"
)

// Tags are the tags of a stack, by their keys.
func Tags(all []types.Tag) map[string]string {
	tags := make(map[string]string, len(all))
	for _, tag := range all {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return tags
}

// ResourceTags are the tags of any resource, by their keys.
func ResourceTags(all []taggingtypes.Tag) map[string]string {
	tags := make(map[string]string, len(all))
	for _, tag := range all {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return tags
}

// TagsByARN are the tags of resources by their ARNs, which are asked for 100 at a time; none of what has no tags, and of what
// the API does not know.
// https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html
func TagsByARN(ctx context.Context, config aws.Config, arns ...string) (map[string]map[string]string, error) {
	tags := map[string]map[string]string{}
	client := resourcegroupstaggingapi.NewFromConfig(config)
	for some := range slices.Chunk(arns, 100) {
		answer, err := client.GetResources(ctx, &resourcegroupstaggingapi.GetResourcesInput{ResourceARNList: some})
		if err != nil {
			return nil, err
		}
		for _, mapping := range answer.ResourceTagMappingList {
			tags[aws.ToString(mapping.ResourceARN)] = ResourceTags(mapping.Tags)
		}
	}
	return tags, nil
}
