package stack_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stack"
)

// These tests show what docs/parity.md says that a proof cannot prove.

func TestCannotProveThatANameIsTheLedgers(t *testing.T) {
	verdict := proven(t, app(func(s *stack.Stack) { queueOf(s, "QueueName", *s.CDK.StackName()+"-orders") }))
	assert.Equal(t, parity.Identical, verdict.Outcome(), "%s", verdict)
}

func TestCannotProveThatAValueIsNoConstant(t *testing.T) {
	accounts := map[string]string{"dev": dev.Account, "staging": staging.Account, "production": production.Account}
	verdict := proven(t, app(func(s *stack.Stack) { queueOf(s, "QueueName", "jobs-"+accounts[nameOf(s)]) }))
	assert.Equal(t, parity.Identical, verdict.Outcome(), "%s", verdict)
}

func TestCannotProveWhatAFunctionDoes(t *testing.T) {
	verdict := proven(t, app(func(s *stack.Stack) {
		awslambda.NewFunction(s.CDK, text("Function"), &awslambda.FunctionProps{
			Runtime: awslambda.Runtime_NODEJS_22_X(), Handler: text("index.handler"),
			Code: awslambda.Code_FromInline(text(`exports.handler = async () => process.env.AWS_REGION === "eu-west-1" ? 1 : 2`)),
		})
	}))
	assert.Equal(t, parity.Identical, verdict.Outcome(), "%s", verdict)
}

func TestCannotProveWhatACustomResourceDoes(t *testing.T) {
	verdict := proven(t, app(func(s *stack.Stack) {
		awscdk.NewCfnCustomResource(s.CDK, text("Custom"), &awscdk.CfnCustomResourceProps{ServiceToken: text("arn:aws:sns:us-east-1:444444444444:answers")})
	}))
	assert.Equal(t, parity.Identical, verdict.Outcome(), "%s", verdict)
}

func TestCannotProveWhatATemplateOnlyNames(t *testing.T) {
	verdict := proven(t, app(func(s *stack.Stack) {
		awslambda.NewCfnLayerVersion(s.CDK, text("Layer"), &awslambda.CfnLayerVersionProps{
			Content: &awslambda.CfnLayerVersion_ContentProperty{S3Bucket: text("shared"), S3Key: text("latest.zip")},
		})
	}))
	assert.Equal(t, parity.Identical, verdict.Outcome(), "%s", verdict)
}

func TestCannotProveWhatADeployReads(t *testing.T) {
	verdict := proven(t, app(func(s *stack.Stack) { queueOf(s, "DelaySeconds", "{{resolve:ssm:/delay}}") }))
	assert.Equal(t, parity.CouldNotTell, verdict.Outcome(), "%s", verdict)
	require.Len(t, verdict.DeployReads, 1)
	assert.Equal(t, []string{"dev", "staging", "production"}, verdict.DeployReads[0].Stages)
	verdict.DeployReads[0].Acknowledged = "each account may have another delay"
	assert.Equal(t, parity.Identical, verdict.Outcome(), "%s", verdict)
}

func TestCannotProveForAStageThatIsNotThere(t *testing.T) {
	verdict := proven(t, app(func(s *stack.Stack) {
		if nameOf(s) == "tomorrow" {
			awssqs.NewQueue(s.CDK, text("Queue"), nil)
		}
		stack.NewTable(s, "orders", key())
	}))
	assert.Equal(t, parity.Identical, verdict.Outcome(), "%s", verdict)
}

func TestThePageOfParityListsTheTestsOfItsLimits(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "parity.md"))
	require.NoError(t, err)
	own, err := os.ReadFile("limits_test.go")
	require.NoError(t, err)
	var others []byte
	for _, file := range []string{"parity/prove_test.go", "internal/reads/reads_test.go"} {
		text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(file)))
		require.NoError(t, err)
		others = append(others, text...)
	}
	section := regexp.MustCompile("(?s)## What it cannot prove.*?\n## ").Find(page)
	require.NotEmpty(t, section)
	var listed, shown []string
	for _, match := range regexp.MustCompile("`(Test\\w+)`").FindAllSubmatch(section, -1) {
		listed = append(listed, string(match[1]))
		assert.Regexp(t, `func `+string(match[1])+`\(`, string(own)+string(others))
	}
	for _, match := range regexp.MustCompile(`func (TestCannotProve\w+)\(`).FindAllSubmatch(append(own, others...), -1) {
		shown = append(shown, string(match[1]))
	}
	entries := regexp.MustCompile(`(?m)^- \*\*`).FindAllIndex(section, -1)
	assert.Len(t, listed, len(entries), "each entry names its test")
	for _, name := range shown {
		assert.True(t, slices.Contains(listed, name), "%s is not on the page", name)
	}
}

func TestTheTagOfTheStageIsTheOneThatTheProofKnows(t *testing.T) {
	assert.Equal(t, parity.StageTag, stack.TagStage)
}
