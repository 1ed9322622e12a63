package stack_test

import (
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

func init() {
	settings = append(settings, setting{
		zero: stack.StreamConfig{},
		make: func(s *stack.Stack, config any) {
			stack.NewTable(s, "t", streamed()).StreamTo(stack.NewFunction(s, "f", code()), config.(stack.StreamConfig))
		},
		values: map[string]any{
			"Start": stack.StartLatest, "BatchSize": 10, "Window": time.Second, "Bisect": true, "Retries": 3, "MaxAge": time.Hour, "Parallel": 2,
			"WholeBatches": true, "Filters": []stack.Pattern{{"eventName": []string{"INSERT"}}},
			"OnFailure": componentValue(func(s *stack.Stack) any { return stack.NewQueue(s, "lost", stack.QueueConfig{}) }),
			"Override":  func(props *awslambda.CfnEventSourceMappingProps) { props.Enabled = false },
		},
	})
}

func streamed() stack.TableConfig {
	config := key()
	config.Stream = stack.StreamNewAndOld
	return config
}

func TestAStreamTriggerReadsThisStreamOnly(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		lost := stack.NewQueue(s, "lost", stack.QueueConfig{})
		stack.NewTable(s, "orders", streamed()).StreamTo(stack.NewFunction(s, "index", code()), stack.StreamConfig{
			Retries: -1, OnFailure: lost, Filters: []stack.Pattern{{"dynamodb": stack.Pattern{"NewImage": stack.Pattern{"total": stack.Pattern{"N": []any{stack.Pattern{"numeric": []any{">", 100}}}}}}}},
		})
	}), dev)
	table, queue := template.Resource(t, "AWS::DynamoDB::Table", "orders"), map[string]any(nil)
	for _, one := range template.Resources("AWS::SQS::Queue") {
		if one.Properties["QueueName"] == "dev-shop-lost" {
			queue = map[string]any{"Fn::GetAtt": []any{one.LogicalID, "Arn"}}
		}
	}
	stream := map[string]any{"Fn::GetAtt": []any{table.LogicalID, "StreamArn"}}
	assert.Equal(t, map[string]any{"StreamViewType": "NEW_AND_OLD_IMAGES"}, table.Properties["StreamSpecification"])
	assert.Equal(t, []any{
		allowance([]any{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}, stream),
		allowance("sqs:SendMessage", queue),
	}, rights(t, template, "index")[1:])
	trigger := template.Resource(t, "AWS::Lambda::EventSourceMapping", "index").Properties
	assert.Equal(t, map[string]any{
		"EventSourceArn": stream, "FunctionName": map[string]any{"Fn::GetAtt": []any{template.Resource(t, "AWS::Lambda::Function", "index").LogicalID, "Arn"}},
		"StartingPosition": "TRIM_HORIZON", "MaximumRetryAttempts": 0.0, "FunctionResponseTypes": []any{"ReportBatchItemFailures"},
		"DestinationConfig": map[string]any{"OnFailure": map[string]any{"Destination": queue}},
		"FilterCriteria":    map[string]any{"Filters": []any{map[string]any{"Pattern": `{"dynamodb":{"NewImage":{"total":{"N":[{"numeric":[">",100]}]}}}}`}}},
	}, without(trigger, "Tags"))
	assert.NotContains(t, template.Resource(t, "AWS::Lambda::Function", "index").Properties, "Environment", "it may not use the table")
}

func TestATopicHearsOfWhatAStreamTriggerGaveUp(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		lost := stack.NewTopic(s, "lost", stack.TopicConfig{})
		stack.NewTable(s, "orders", streamed()).StreamTo(stack.NewFunction(s, "index", code()), stack.StreamConfig{OnFailure: lost})
	}), dev)
	topic := map[string]any{"Ref": template.Resource(t, "AWS::SNS::Topic", "lost").LogicalID}
	assert.Equal(t, []any{allowance("sns:Publish", topic)}, rights(t, template, "index")[2:])
	assert.Equal(t, map[string]any{"OnFailure": map[string]any{"Destination": topic}},
		template.Resource(t, "AWS::Lambda::EventSourceMapping", "index").Properties["DestinationConfig"])
}

func TestAStreamTriggerOfATableWithAKeyMayDecryptIt(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		config := streamed()
		config.Encryption = &stack.EncryptionConfig{KeyARN: someKey}
		stack.NewTable(s, "orders", config).StreamTo(stack.NewFunction(s, "index", code()), stack.StreamConfig{})
	}), dev)
	st := rights(t, template, "index")[2].(map[string]any)
	assert.Equal(t, []any{"kms:Decrypt", "kms:DescribeKey"}, st["Action"])
	assert.Equal(t, someKey, st["Resource"])
}

func TestAStreamTriggerFollowsItsTableAndItsFunction(t *testing.T) {
	define := func(s *stack.Stack) {
		here, there := streamed(), code()
		here.Stages, there.Stages = stages.Except(production), stages.Except(dev)
		stack.NewTable(s, "orders", here).StreamTo(stack.NewFunction(s, "index", there), stack.StreamConfig{})
	}
	for stage, want := range map[stages.Stage]int{dev: 0, staging: 1, production: 0} {
		assert.Len(t, stacktest.Synth(t, app(define), stage).Resources("AWS::Lambda::EventSourceMapping"), want, stage.Name)
	}
}

func TestWrongStreamTriggersAreRefused(t *testing.T) {
	of := `trigger of function "index" by table "orders": `
	for name, tt := range map[string]struct {
		config stack.StreamConfig
		want   string
	}{
		"an unknown start":       {stack.StreamConfig{Start: "NOW"}, `Start is "NOW"; it must be stack.StartOldest or StartLatest. Write stack.StartLatest, or leave it out.`},
		"a batch too big":        {stack.StreamConfig{BatchSize: 10001}, `BatchSize is 10001; it must be 1 to 10000. Write BatchSize: 100, or leave it out.`},
		"half a second":          {stack.StreamConfig{Window: time.Second / 2}, `Window is 500ms; it must be 1s to 5m in whole seconds. Write Window: time.Second, or leave it out.`},
		"fewer than no retries":  {stack.StreamConfig{Retries: -2}, `Retries is -2; it must be 1 to 10000, or -1 for none. Write Retries: 10, or leave it out.`},
		"older than the stream":  {stack.StreamConfig{MaxAge: 48 * time.Hour}, `MaxAge is 48h0m0s; it must be 1m to 24h in whole seconds. Write MaxAge: time.Hour, or leave it out.`},
		"eleven at once":         {stack.StreamConfig{Parallel: 11}, `Parallel is 11; it must be 1 to 10. Write Parallel: 2, or leave it out.`},
		"too many filters":       {stack.StreamConfig{Filters: make([]stack.Pattern, 6)}, `Filters is 6; it must be at most 5. Join some of them.`},
		"a filter without lists": {stack.StreamConfig{Filters: []stack.Pattern{{"eventName": "INSERT"}}}, `Filters is no list at "eventName"; it must be a list of what the field may be. Write stack.Pattern{"kind": []string{"refund"}}.`},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) {
				stack.NewTable(s, "orders", streamed()).StreamTo(stack.NewFunction(s, "index", code()), tt.config)
			})
			assert.Equal(t, `stack/stream_test.go:LINE: `+of+tt.want, withoutLines(err.Error()))
		})
	}
	for name, tt := range map[string]struct {
		define func(s *stack.Stack)
		want   string
	}{
		"a table without a stream, naming both ends": {func(s *stack.Stack) {
			stack.NewTable(s, "orders", key()).StreamTo(stack.NewFunction(s, "index", code()), stack.StreamConfig{})
		}, `table "orders": Stream is none, while function "index" reads it; it must be stack.StreamKeys, StreamNew, StreamOld or StreamNewAndOld. Write Stream: stack.StreamNewAndOld in the table's config.`},
		"the same function twice": {func(s *stack.Stack) {
			orders, index := stack.NewTable(s, "orders", streamed()), stack.NewFunction(s, "index", code())
			orders.StreamTo(index, stack.StreamConfig{})
			orders.StreamTo(index, stack.StreamConfig{})
		}, `table "orders": function is function "index" again (first at stack/stream_test.go:LINE); it must be there only once. Remove one of the two.`},
		"a destination that is not there, naming all ends": {func(s *stack.Stack) {
			lost := stack.NewQueue(s, "lost", stack.QueueConfig{Stages: stages.Only(production)})
			stack.NewTable(s, "orders", streamed()).StreamTo(stack.NewFunction(s, "index", code()), stack.StreamConfig{OnFailure: lost})
		}, `table "orders": OnFailure is queue "lost", which some stage that has the table and function "index" does not have; it must be a component of every such stage. Give all three the same Stages.`},
		"a destination that keeps order": {func(s *stack.Stack) {
			lost := stack.NewQueue(s, "lost", stack.QueueConfig{FIFO: true})
			stack.NewTable(s, "orders", streamed()).StreamTo(stack.NewFunction(s, "index", code()), stack.StreamConfig{OnFailure: lost})
		}, `table "orders": OnFailure is FIFO queue "lost", to which Lambda cannot send; it must be a standard one. Leave out FIFO there, or write another.`},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, `stack/stream_test.go:LINE: `+tt.want, withoutLines(refusal(t, dev, tt.define).Error()))
		})
	}
}

// without is the properties but for some.
func without(properties map[string]any, names ...string) map[string]any {
	left := map[string]any{}
	for name, value := range properties {
		left[name] = value
	}
	for _, name := range names {
		delete(left, name)
	}
	return left
}
