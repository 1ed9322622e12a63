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
	for _, want := range map[string]struct {
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
		parameter := byName(template, "AWS::SSM::Parameter", "Name")[want.name].Properties
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

// A topic has a key of its own where an alarm tells it, which a tier decides: no single word of the importing program
// would be right in every stage.
func TestWhoImportsATopicMayUseItsKeyInEveryStage(t *testing.T) {
	theirs := app(func(s *stack.Stack) {
		news := stack.NewTopic(s, "news", stack.TopicConfig{}).Export()
		stack.NewAlarm(s, "errors", stack.AlarmConfig{On: stack.NewFunction(s, "get", code()).Errors(), Topic: news})
	})
	requireIdentical(t, theirs)
	in := stacktest.Synth(t, theirs, dev)
	assert.Empty(t, in.Resources("AWS::KMS::Key"))
	assert.Equal(t, "arn:aws:kms:us-east-1:111111111111:alias/aws/sns", byName(in, "AWS::SSM::Parameter", "Name")["/roadshow/dev/shop/news.topic-key"].Properties["Value"])
	in = stacktest.Synth(t, theirs, production)
	assert.Equal(t, map[string]any{"Fn::GetAtt": []any{in.Resource(t, "AWS::KMS::Key", "news").LogicalID, "Arn"}},
		byName(in, "AWS::SSM::Parameter", "Name")["/roadshow/production/shop/news.topic-key"].Properties["Value"])

	ours := stack.App{Service: "mail", Stages: set, Define: func(s *stack.Stack) {
		stack.NewFunction(s, "send", code()).Allow(stack.ImportTopic(s, stack.Ref{Service: "shop", ID: "news"}, stack.ImportConfig{}).Publish())
	}}
	requireIdentical(t, ours)
	for _, stage := range set {
		template := stacktest.Synth(t, ours, stage)
		assert.Contains(t, rights(t, template, "send"), allowance([]any{"kms:Decrypt", "kms:GenerateDataKey"},
			map[string]any{"Ref": imported(t, template, "/roadshow/"+stage.Name+"/shop/news.topic-key")}))
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
	assert.Equal(t, `stack/export_test.go:LINE: table "saved-notes": Export is called again; it must be called only once. Remove one of the two.`, withoutLines(err.Error()))
}
