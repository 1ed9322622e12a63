package stack_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

func TestATierDoesWhatTheTableInTheDocsSays(t *testing.T) {
	text, err := os.ReadFile("../docs/tiers.md")
	require.NoError(t, err)
	rows := map[string][]string{}
	for line := range strings.SplitSeq(string(text), "\n") {
		if cells := strings.Split(strings.Trim(line, "| "), "|"); len(cells) == 4 {
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows[cells[0]] = cells[1:]
		}
	}
	onOff := map[bool]string{true: "on", false: "off"}
	for column, stage := range []stages.Stage{dev, staging, production} {
		t.Run(stage.Tier.String(), func(t *testing.T) {
			template := stacktest.Synth(t, app(func(s *stack.Stack) {
				stack.NewTable(s, "orders", key())
				stack.NewFunction(s, "get", code())
				stack.NewQueue(s, "work", stack.QueueConfig{NoDeadLetterQueue: true})
				stack.NewSecret(s, "api-key", stack.SecretConfig{})
				stack.NewBucket(s, "files", stack.BucketConfig{Encryption: &stack.EncryptionConfig{}})
			}), stage)
			alarms := stacktest.Synth(t, app(watched), stage)
			table := template.Resource(t, "AWS::DynamoDB::Table", "orders")
			group := template.Resource(t, "AWS::Logs::LogGroup", "get")
			does := map[string]string{
				"Table, when its stack is deleted":              table.DeletionPolicy,
				"Table, point-in-time recovery (35 days)":       onOff[table.Properties["PointInTimeRecoverySpecification"] != nil],
				"Table, deletion protection":                    onOff[table.Properties["DeletionProtectionEnabled"] == true],
				"Bucket, when its stack is deleted":             template.Resource(t, "AWS::S3::Bucket", "files").DeletionPolicy,
				"Bucket, old versions of its objects (30 days)": onOff[template.Resource(t, "AWS::S3::Bucket", "files").Properties["VersioningConfiguration"] != nil],
				"Encryption key, when its stack is deleted":     template.Resource(t, "AWS::KMS::Key", "files").DeletionPolicy,
				"Secret, when its stack is deleted":             template.Resource(t, "AWS::SecretsManager::Secret", "api-key").DeletionPolicy,
				"Queue, when its stack is deleted":              template.Resource(t, "AWS::SQS::Queue", "work").DeletionPolicy,
				"Log group, when its stack is deleted":          group.DeletionPolicy,
				"Log group, retention in days":                  strconv.Itoa(int(group.Properties["RetentionInDays"].(float64))),
				"Stack, termination protection":                 onOff[template.TerminationProtection],

				"Alarm, errors of a function in 5 minutes":          threshold(alarms, "get-errors"),
				"Alarm, throttles of a function in 5 minutes":       threshold(alarms, "get-throttles"),
				"Alarm, age of a queue's oldest message in seconds": threshold(alarms, "orders-oldest"),
				"Alarm, server errors of an HTTP API in 5 minutes":  threshold(alarms, "api-errors"),
			}
			says := map[string]string{}
			for row, cells := range rows {
				if row != "" && row != "---" {
					says[row] = cells[column]
				}
			}
			assert.Equal(t, says, does)
		})
	}
}

func TestATemplateTellsTheTerminationProtectionThatAProgramSetsByTheCDK(t *testing.T) {
	on := stacktest.Synth(t, app(func(s *stack.Stack) { s.CDK.SetTerminationProtection(new(true)) }), dev)
	assert.True(t, on.TerminationProtection)
	off := stacktest.Synth(t, app(func(s *stack.Stack) { s.CDK.SetTerminationProtection(new(false)) }), production)
	assert.False(t, off.TerminationProtection)
}
