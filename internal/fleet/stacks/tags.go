package stacks

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
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
