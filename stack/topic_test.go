package stack_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

var refunds = stack.Pattern{"kind": []string{"refund"}}

func init() {
	settings = append(settings, setting{
		zero: stack.TopicConfig{},
		make: func(s *stack.Stack, config any) { stack.NewTopic(s, "t", config.(stack.TopicConfig)) },
		values: map[string]any{
			"Stages": stages.Only(production), "FIFO": true, "DisplayName": "x", "Name": "other", "Revision": 2,
			"DeduplicateByContent": wholeValue{stack.TopicConfig{FIFO: true}, stack.TopicConfig{FIFO: true, DeduplicateByContent: true}},
			"Override":             func(props *awssns.TopicProps) { props.TopicName = text("x") },
		},
	}, setting{
		zero: stack.TopicTriggerConfig{},
		make: func(s *stack.Stack, config any) {
			stack.NewTopic(s, "t", stack.TopicConfig{}).Triggers(stack.NewFunction(s, "f", code()), config.(stack.TopicTriggerConfig))
		},
		values: map[string]any{
			"Filter": refunds, "FilterBody": wholeValue{stack.TopicTriggerConfig{Filter: refunds}, stack.TopicTriggerConfig{Filter: refunds, FilterBody: true}},
			"Override": func(props *awssns.CfnSubscriptionProps) { props.Region = text("x") },
		},
	}, setting{
		zero: stack.TopicDeliveryConfig{},
		make: func(s *stack.Stack, config any) {
			stack.NewTopic(s, "t", stack.TopicConfig{}).Delivers(stack.NewQueue(s, "q", stack.QueueConfig{}), config.(stack.TopicDeliveryConfig))
		},
		values: map[string]any{
			"Filter": refunds, "FilterBody": wholeValue{stack.TopicDeliveryConfig{Filter: refunds}, stack.TopicDeliveryConfig{Filter: refunds, FilterBody: true}},
			"Raw": true, "Override": func(props *awssns.CfnSubscriptionProps) { props.Region = text("x") },
		},
	})
}

func TestATopicsDefaults(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) { stack.NewTopic(s, "orders", stack.TopicConfig{}) }), dev)
	topic := template.Resource(t, "AWS::SNS::Topic", "orders").Properties
	assert.Equal(t, "dev-shop-orders", topic["TopicName"])
	assert.Equal(t, "alias/aws/sns", topic["KmsMasterKeyId"])
	statements := template.Resource(t, "AWS::SNS::TopicPolicy", "orders").Properties["PolicyDocument"].(map[string]any)["Statement"].([]any)
	require.Len(t, statements, 1)
	only := statements[0].(map[string]any)
	assert.Equal(t, "Deny", only["Effect"])
	assert.Equal(t, map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}}, only["Condition"])
}

func TestPublishIsAllThatPublishGrants(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		stack.NewFunction(s, "get", code()).Allow(stack.NewTopic(s, "orders", stack.TopicConfig{}).Publish())
	}), dev)
	topic := map[string]any{"Ref": template.Resource(t, "AWS::SNS::Topic", "orders").LogicalID}
	assert.Equal(t, []any{allowance("sns:Publish", topic)}, rights(t, template, "get")[1:])
	assert.Equal(t, map[string]any{"Variables": map[string]any{"ORDERS_TOPIC": topic}},
		template.Resource(t, "AWS::Lambda::Function", "get").Properties["Environment"])
}

func TestATopicTriggersAFunctionThatKeepsWhatItCannotHandleOrDoesNotGet(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		stack.NewTopic(s, "orders", stack.TopicConfig{}).Triggers(stack.NewFunction(s, "handle", code()), stack.TopicTriggerConfig{Filter: refunds, FilterBody: true})
	}), dev)
	topic, fn := template.Resource(t, "AWS::SNS::Topic", "orders").LogicalID, template.Resource(t, "AWS::Lambda::Function", "handle").LogicalID
	assert.Equal(t, map[string]any{
		"Protocol": "lambda", "TopicArn": map[string]any{"Ref": topic}, "Endpoint": attribute(fn, "Arn"),
		"FilterPolicy": map[string]any{"kind": []any{"refund"}}, "FilterPolicyScope": "MessageBody",
		"RedrivePolicy": map[string]any{"deadLetterTargetArn": attribute(template.Resource(t, "AWS::SQS::Queue", "handle").LogicalID, "Arn")},
	}, template.Resource(t, "AWS::SNS::Subscription", "handle").Properties)
	kept, err := json.Marshal(template.Resource(t, "AWS::SQS::QueuePolicy", "handle").Properties)
	require.NoError(t, err)
	assert.Contains(t, string(kept), `{"Action":"sqs:SendMessage","Condition":{"ArnEquals":{"aws:SourceArn":{"Ref":"`+topic+`"}}}`)
	assert.Equal(t, map[string]any{
		"Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com", "FunctionName": attribute(fn, "Arn"), "SourceArn": map[string]any{"Ref": topic},
	}, template.Resource(t, "AWS::Lambda::Permission", "handle").Properties)
	assert.Len(t, template.Resources("AWS::Lambda::EventInvokeConfig"), 1)
	assert.Equal(t, "dev-shop-handle-failures", template.Resource(t, "AWS::SQS::Queue", "handle").Properties["QueueName"])
}

func TestATopicDeliversToAQueueThatTakesItsMessagesOnly(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		queue := stack.NewQueue(s, "orders", stack.QueueConfig{NoDeadLetterQueue: true})
		stack.NewTopic(s, "events", stack.TopicConfig{}).Delivers(queue, stack.TopicDeliveryConfig{Raw: true})
	}), dev)
	queue, topic := template.Resource(t, "AWS::SQS::Queue", "orders").LogicalID, map[string]any{"Ref": template.Resource(t, "AWS::SNS::Topic", "events").LogicalID}
	assert.Equal(t, map[string]any{"Protocol": "sqs", "TopicArn": topic, "Endpoint": attribute(queue, "Arn"), "RawMessageDelivery": true},
		template.Resource(t, "AWS::SNS::Subscription", "events").Properties)
	statements := template.Resource(t, "AWS::SQS::QueuePolicy", "orders").Properties["PolicyDocument"].(map[string]any)["Statement"].([]any)
	assert.Equal(t, map[string]any{
		"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": attribute(queue, "Arn"), "Principal": map[string]any{"Service": "sns.amazonaws.com"},
		"Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": topic}},
	}, statements[1])
}

func TestSubscriptionsFollowBothEnds(t *testing.T) {
	define := func(s *stack.Stack) {
		there := code()
		there.Stages = stages.Except(dev)
		topic := stack.NewTopic(s, "orders", stack.TopicConfig{Stages: stages.Except(production)})
		topic.Triggers(stack.NewFunction(s, "handle", there), stack.TopicTriggerConfig{})
		topic.Delivers(stack.NewQueue(s, "kept", stack.QueueConfig{Stages: stages.Except(dev)}), stack.TopicDeliveryConfig{})
	}
	for stage, want := range map[stages.Stage]int{dev: 0, staging: 2, production: 0} {
		template := stacktest.Synth(t, app(define), stage)
		assert.Len(t, template.Resources("AWS::SNS::Subscription"), want, stage.Name)
		assert.Len(t, template.Resources("AWS::Lambda::EventInvokeConfig"), want/2, stage.Name)
	}
}

func TestTheDoorsOfATopic(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		topic := stack.NewTopic(s, "orders", stack.TopicConfig{})
		topic.With(func(l2 awssns.Topic) { l2.ApplyRemovalPolicy("RETAIN") })
		below, ok := stack.L1[awssns.CfnTopic](topic)
		require.True(t, ok)
		below.AddPropertyOverride(text("SignatureVersion"), "2")
		absent := stack.NewTopic(s, "absent", stack.TopicConfig{Stages: stages.Only(production)})
		absent.With(func(awssns.Topic) { t.Error("With reached a topic that is not there") })
		_, ok = stack.L1[awssns.CfnTopic](absent)
		assert.False(t, ok)
	}), dev)
	topic := template.Resource(t, "AWS::SNS::Topic", "orders")
	assert.Equal(t, "Retain", topic.DeletionPolicy)
	assert.Equal(t, "2", topic.Properties["SignatureVersion"])
}

func TestWrongTopicsAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		define func(s *stack.Stack)
		want   string
	}{
		"deduplication of a standard topic": {
			func(s *stack.Stack) { stack.NewTopic(s, "orders", stack.TopicConfig{DeduplicateByContent: true}) },
			`topic "orders": DeduplicateByContent is true, while FIFO is false; it must be left out of a standard topic. Write FIFO: true, or leave DeduplicateByContent out.`,
		},
		"a display name above the limit": {
			func(s *stack.Stack) {
				stack.NewTopic(s, "orders", stack.TopicConfig{DisplayName: strings.Repeat("x", 101)})
			},
			`topic "orders": DisplayName is 101 characters; it must be at most 100. Shorten it.`,
		},
		"a FIFO queue of a standard topic": {
			func(s *stack.Stack) {
				queue := stack.NewQueue(s, "kept", stack.QueueConfig{FIFO: true})
				stack.NewTopic(s, "orders", stack.TopicConfig{}).Delivers(queue, stack.TopicDeliveryConfig{})
			},
			`topic "orders": queue is FIFO queue "kept", while the topic is a standard one; it must be both FIFO, or a standard queue. Write FIFO: true for the topic, or leave it out for the queue.`,
		},
		"a function of a FIFO topic": {
			func(s *stack.Stack) {
				stack.NewTopic(s, "orders", stack.TopicConfig{FIFO: true}).Triggers(stack.NewFunction(s, "handle", code()), stack.TopicTriggerConfig{})
			},
			`trigger of function "handle" by topic "orders": topic is FIFO topic "orders", which SNS delivers to queues only; it must be a standard topic. Deliver to a FIFO queue that triggers the function, or leave out FIFO.`,
		},
		"a filter of nothing": {
			func(s *stack.Stack) {
				stack.NewTopic(s, "orders", stack.TopicConfig{}).Triggers(stack.NewFunction(s, "handle", code()), stack.TopicTriggerConfig{FilterBody: true})
			},
			`trigger of function "handle" by topic "orders": FilterBody is true without a Filter; it must be beside a Filter. Write Filter: stack.Pattern{"kind": []string{"refund"}}, or leave it out.`,
		},
		"a delivery with a filter of nothing": {
			func(s *stack.Stack) {
				queue := stack.NewQueue(s, "kept", stack.QueueConfig{})
				stack.NewTopic(s, "orders", stack.TopicConfig{}).Delivers(queue, stack.TopicDeliveryConfig{FilterBody: true})
			},
			`delivery of topic "orders" to queue "kept": FilterBody is true without a Filter; it must be beside a Filter. Write Filter: stack.Pattern{"kind": []string{"refund"}}, or leave it out.`,
		},
		"a filter without a list": {
			func(s *stack.Stack) {
				config := stack.TopicTriggerConfig{Filter: stack.Pattern{"kind": "refund"}}
				stack.NewTopic(s, "orders", stack.TopicConfig{}).Triggers(stack.NewFunction(s, "handle", code()), config)
			},
			`trigger of function "handle" by topic "orders": Filter is no list at "kind"; it must be a list of what the field may be. Write stack.Pattern{"kind": []string{"refund"}}.`,
		},
		"a queue twice": {
			func(s *stack.Stack) {
				topic, queue := stack.NewTopic(s, "orders", stack.TopicConfig{}), stack.NewQueue(s, "kept", stack.QueueConfig{})
				topic.Delivers(queue, stack.TopicDeliveryConfig{})
				topic.Delivers(queue, stack.TopicDeliveryConfig{})
			},
			`topic "orders": queue is queue "kept" again (first at stack/topic_test.go:LINE); it must be there only once. Remove one of the two.`,
		},
		"no queue": {
			func(s *stack.Stack) {
				stack.NewTopic(s, "orders", stack.TopicConfig{}).Delivers(nil, stack.TopicDeliveryConfig{})
			},
			`topic "orders": queue is nil; it must be a queue. Write orders.Delivers(queue, …) with what stack.NewQueue returned.`,
		},
		"no function": {
			func(s *stack.Stack) {
				stack.NewTopic(s, "orders", stack.TopicConfig{}).Triggers(nil, stack.TopicTriggerConfig{})
			},
			`topic "orders": function is nil; it must be a function. Write orders.Triggers(fn) with what stack.NewFunction returned.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, tt.define)
			assert.Equal(t, `stack/topic_test.go:LINE: `+tt.want, withoutLines(err.Error()))
		})
	}
}
