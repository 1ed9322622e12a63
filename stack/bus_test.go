package stack_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

var placed = stack.EventPattern{Source: []string{"shop.orders"}}

func init() {
	settings = append(settings, setting{
		zero: stack.BusConfig{},
		make: func(s *stack.Stack, config any) {
			stack.NewFunction(s, "f", code()).Allow(stack.NewBus(s, "b", config.(stack.BusConfig)).Publish().Optional())
		},
		values: map[string]any{
			"Stages": stages.Only(production), "AccountDefault": true, "Description": "x", "Name": "other", "Revision": 2,
			"Override": func(props *awsevents.EventBusProps) { props.Description = text("x") },
		},
	}, setting{
		zero: placed,
		make: func(s *stack.Stack, config any) {
			stack.NewBus(s, "b", stack.BusConfig{}).Triggers(stack.NewFunction(s, "f", code()), config.(stack.EventPattern))
		},
		values: map[string]any{
			"Source": []string{"shop.payments"}, "DetailType": []string{"OrderPlaced"}, "Resources": []string{"x"}, "Detail": refunds,
			"Retries": 3, "MaxAge": time.Hour, "Override": func(props *awsevents.CfnRuleProps) { props.State = text("DISABLED") },
		},
	})
}

func TestABusTriggersAFunctionThatKeepsWhatDoesNotArrive(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		pattern := placed
		pattern.DetailType, pattern.Detail, pattern.Retries, pattern.MaxAge = []string{"OrderPlaced"}, refunds, 3, time.Hour
		stack.NewBus(s, "events", stack.BusConfig{}).Triggers(stack.NewFunction(s, "handle", code()), pattern)
	}), dev)
	bus, fn := template.Resource(t, "AWS::Events::EventBus", "events"), template.Resource(t, "AWS::Lambda::Function", "handle").LogicalID
	assert.Equal(t, "dev-shop-events", bus.Properties["Name"])
	queue := template.Resource(t, "AWS::SQS::Queue", "handle").LogicalID
	rule := template.Resource(t, "AWS::Events::Rule", "handle")
	delete(rule.Properties, "Tags")
	assert.Equal(t, map[string]any{
		"EventBusName": map[string]any{"Ref": bus.LogicalID},
		"EventPattern": map[string]any{
			"source": []any{"shop.orders"}, "detail-type": []any{"OrderPlaced"}, "detail": map[string]any{"kind": []any{"refund"}},
		},
		"Targets": []any{map[string]any{
			"Id": "Function", "Arn": attribute(fn, "Arn"), "DeadLetterConfig": map[string]any{"Arn": attribute(queue, "Arn")},
			"RetryPolicy": map[string]any{"MaximumRetryAttempts": 3.0, "MaximumEventAgeInSeconds": 3600.0},
		}},
	}, rule.Properties)
	assert.Equal(t, map[string]any{
		"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com", "FunctionName": attribute(fn, "Arn"), "SourceArn": attribute(rule.LogicalID, "Arn"),
	}, template.Resource(t, "AWS::Lambda::Permission", "handle").Properties)
	statements := template.Resource(t, "AWS::SQS::QueuePolicy", "handle").Properties["PolicyDocument"].(map[string]any)["Statement"].([]any)
	assert.Equal(t, map[string]any{
		"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": attribute(queue, "Arn"), "Principal": map[string]any{"Service": "events.amazonaws.com"},
		"Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": attribute(rule.LogicalID, "Arn")}},
	}, statements[1])
}

func TestTheAccountsOwnBusIsNotMade(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		bus := stack.NewBus(s, "aws", stack.BusConfig{AccountDefault: true})
		fn := stack.NewFunction(s, "handle", code())
		bus.Triggers(fn, stack.EventPattern{Source: []string{"aws.health"}})
		bus.Triggers(fn, stack.EventPattern{Source: []string{"aws.ec2"}})
	}), dev)
	assert.Empty(t, template.Resources("AWS::Events::EventBus"))
	rules := template.Resources("AWS::Events::Rule")
	require.Len(t, rules, 2, "a function can have several patterns of one bus")
	for _, rule := range rules {
		assert.Equal(t, "default", rule.Properties["EventBusName"])
	}
}

func TestPublishOfABusPutsEventsAndNoMore(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		stack.NewFunction(s, "get", code()).Allow(stack.NewBus(s, "events", stack.BusConfig{}).Publish())
	}), dev)
	bus := template.Resource(t, "AWS::Events::EventBus", "events").LogicalID
	assert.Equal(t, []any{allowance("events:PutEvents", attribute(bus, "Arn"))}, rights(t, template, "get")[1:])
	assert.Equal(t, []string{"EVENTS_BUS"}, variables(template.Resource(t, "AWS::Lambda::Function", "get").Properties))
}

func TestARuleFollowsItsBusAndItsFunction(t *testing.T) {
	define := func(s *stack.Stack) {
		there := code()
		there.Stages = stages.Except(dev)
		stack.NewBus(s, "events", stack.BusConfig{Stages: stages.Except(production)}).Triggers(stack.NewFunction(s, "handle", there), placed)
	}
	for stage, want := range map[stages.Stage]int{dev: 0, staging: 1, production: 0} {
		template := stacktest.Synth(t, app(define), stage)
		assert.Len(t, template.Resources("AWS::Events::Rule"), want, stage.Name)
		assert.Len(t, template.Resources("AWS::SQS::Queue"), want, stage.Name)
	}
}

func TestTheDoorsOfABus(t *testing.T) {
	stacktest.Synth(t, app(func(s *stack.Stack) {
		bus := stack.NewBus(s, "events", stack.BusConfig{})
		reached := false
		bus.With(func(awsevents.IEventBus) { reached = true })
		assert.True(t, reached)
		_, ok := stack.L1[awsevents.CfnEventBus](bus)
		assert.True(t, ok)
		_, ok = stack.L1[awsevents.CfnEventBus](stack.NewBus(s, "aws", stack.BusConfig{AccountDefault: true}))
		assert.False(t, ok, "the account's own bus is no resource of the stack")
		absent := stack.NewBus(s, "absent", stack.BusConfig{Stages: stages.Only(production)})
		absent.With(func(awsevents.IEventBus) { t.Error("With reached a bus that is not there") })
	}), dev)
}

func TestWrongBusConfigsAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		config stack.BusConfig
		want   string
	}{
		"a description above the limit": {stack.BusConfig{Description: strings.Repeat("x", 513)}, `Description is 513 characters; it must be at most 512. Shorten it.`},
		"a name for the account's own":  {stack.BusConfig{AccountDefault: true, Name: "x"}, `Name is given, while AccountDefault is true; it must be left out: this stack does not make the account's default bus. Leave one of the two out.`},
		"a revision of the account's own": {
			stack.BusConfig{AccountDefault: true, Revision: 2}, `Revision is given, while AccountDefault is true; it must be left out: this stack does not make the account's default bus. Leave one of the two out.`,
		},
		"a description of the account's own": {
			stack.BusConfig{AccountDefault: true, Description: "x"}, `Description is given, while AccountDefault is true; it must be left out: this stack does not make the account's default bus. Leave one of the two out.`,
		},
		"an override of the account's own": {
			stack.BusConfig{AccountDefault: true, Override: func(*awsevents.EventBusProps) {}},
			`Override is given, while AccountDefault is true; it must be left out: this stack does not make the account's default bus. Leave one of the two out.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) { stack.NewBus(s, "events", tt.config) })
			assert.Equal(t, `stack/bus_test.go:LINE: bus "events": `+tt.want, withoutLines(err.Error()))
		})
	}
}

func TestWrongEventPatternsAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*stack.EventPattern)
		want   string
	}{
		"every event": {
			func(p *stack.EventPattern) { p.Source = nil },
			`pattern is empty, which is every event of the bus; it must be a Source, DetailType, Resources or Detail. Write Source: []string{"shop.orders"}.`,
		},
		"a detail without a list": {
			func(p *stack.EventPattern) { p.Detail = stack.Pattern{"kind": 1} },
			`Detail is no list at "kind"; it must be a list of what the field may be. Write stack.Pattern{"kind": []string{"refund"}}.`,
		},
		"more retries than EventBridge makes": {
			func(p *stack.EventPattern) { p.Retries = 186 }, `Retries is 186; it must be 1 to 185. Write Retries: 10, or leave it out.`,
		},
		"an age above EventBridge's": {
			func(p *stack.EventPattern) { p.MaxAge = 25 * time.Hour }, `MaxAge is 25h0m0s; it must be 1m to 24h in whole seconds. Write MaxAge: time.Hour, or leave it out.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) {
				pattern := placed
				tt.change(&pattern)
				stack.NewBus(s, "events", stack.BusConfig{}).Triggers(stack.NewFunction(s, "handle", code()), pattern)
			})
			assert.Equal(t, `stack/bus_test.go:LINE: trigger of function "handle" by bus "events": `+tt.want, withoutLines(err.Error()))
		})
	}
	t.Run("no function", func(t *testing.T) {
		err := refusal(t, dev, func(s *stack.Stack) { stack.NewBus(s, "events", stack.BusConfig{}).Triggers(nil, placed) })
		messages.ErrorContains(t, err, `bus "events": function is nil; it must be a function`)
	})
}
