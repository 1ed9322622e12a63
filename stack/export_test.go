package stack_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

func TestAnExportWritesTheARNToTheStagesPath(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		stack.NewTable(s, "saved-notes", key()).Export()
		stack.NewQueue(s, "jobs", stack.QueueConfig{}).Export()
		stack.NewTopic(s, "news", stack.TopicConfig{}).Export()
		stack.NewFunction(s, "get", code()).Export()
		stack.NewBucket(s, "files", stack.BucketConfig{}).Export()
		stack.NewBus(s, "events", stack.BusConfig{}).Export()
		stack.NewSecret(s, "api-key", stack.SecretConfig{}).Export()
		stack.NewParameter(s, "limit", stack.ParameterConfig{}).Export()
	}), dev)
	for id, want := range map[string]struct {
		name  string
		value any
	}{
		"saved-notes": {"/roadshow/dev/shop/saved-notes.table", map[string]any{"Fn::GetAtt": []any{template.Resource(t, "AWS::DynamoDB::Table", "saved-notes").LogicalID, "Arn"}}},
		"jobs":        {"/roadshow/dev/shop/jobs.queue", map[string]any{"Fn::GetAtt": []any{byName(template, "AWS::SQS::Queue", "QueueName")["dev-shop-jobs"].LogicalID, "Arn"}}},
		"news":        {"/roadshow/dev/shop/news.topic", map[string]any{"Ref": template.Resource(t, "AWS::SNS::Topic", "news").LogicalID}},
		"files":       {"/roadshow/dev/shop/files.bucket", map[string]any{"Fn::GetAtt": []any{template.Resource(t, "AWS::S3::Bucket", "files").LogicalID, "Arn"}}},
		"events":      {"/roadshow/dev/shop/events.bus", map[string]any{"Fn::GetAtt": []any{template.Resource(t, "AWS::Events::EventBus", "events").LogicalID, "Arn"}}},
		"api-key":     {"/roadshow/dev/shop/api-key.secret", map[string]any{"Ref": template.Resource(t, "AWS::SecretsManager::Secret", "apikey").LogicalID}},
		"limit":       {"/roadshow/dev/shop/limit.parameter", "arn:aws:ssm:us-east-1:111111111111:parameter/roadshow/dev/shop/limit"},
		"get":         {"/roadshow/dev/shop/get.function", "arn:aws:lambda:us-east-1:111111111111:function:dev-shop-get"},
	} {
		parameter := template.Resource(t, "AWS::SSM::Parameter", id).Properties
		assert.Equal(t, want.name, parameter["Name"])
		assert.Equal(t, want.value, parameter["Value"])
		assert.Equal(t, "String", parameter["Type"])
	}
}

func TestTheKeyOfATableAndOfATopicIsExportedWithThem(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		table := key()
		table.Encryption = &stack.EncryptionConfig{}
		stack.NewTable(s, "saved-notes", table).Export()
		stack.NewBucket(s, "files", stack.BucketConfig{Encryption: &stack.EncryptionConfig{}}).Export()
		news := stack.NewTopic(s, "news", stack.TopicConfig{}).Export()
		stack.NewAlarm(s, "errors", stack.AlarmConfig{On: stack.NewFunction(s, "get", code()).Errors(), Threshold: 1, Topic: news})
	}), dev)
	exported := byName(template, "AWS::SSM::Parameter", "Name")
	for path, id := range map[string]string{"/roadshow/dev/shop/saved-notes.table-key": "saved-notes", "/roadshow/dev/shop/files.bucket-key": "files", "/roadshow/dev/shop/news.topic-key": "news"} {
		assert.Equal(t, map[string]any{"Fn::GetAtt": []any{template.Resource(t, "AWS::KMS::Key", id).LogicalID, "Arn"}}, exported[path].Properties["Value"])
	}
}

func TestWhatAStageLacksItDoesNotExport(t *testing.T) {
	define := func(s *stack.Stack) {
		table := key()
		table.Stages = stages.Except(dev)
		stack.NewTable(s, "saved-notes", table).Export()
	}
	assert.Empty(t, stacktest.Synth(t, app(define), dev).Resources("AWS::SSM::Parameter"))
	assert.Len(t, stacktest.Synth(t, app(define), production).Resources("AWS::SSM::Parameter"), 1)
}

func TestAComponentIsExportedOnce(t *testing.T) {
	err := refusal(t, dev, func(s *stack.Stack) { stack.NewTable(s, "saved-notes", key()).Export().Export() })
	assert.Equal(t, `stack/export_test.go:LINE: table "saved-notes": Export is called again, want each component exported once; remove one of the two`, withoutLines(err.Error()))
}
