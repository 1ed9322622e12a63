package stack_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

// messaging has each of a function's features, and each queue, topic, bus and schedule with its verbs and
// triggers.
var messaging = stack.App{Service: "messaging", Stages: set, Define: func(s *stack.Stack) {
	failed := stack.NewQueue(s, "failed", stack.QueueConfig{Retention: 24 * time.Hour, NoDeadLetterQueue: true})
	work := stack.NewQueue(s, "work", stack.QueueConfig{Delay: time.Second, MaxReceives: 10})
	ordered := stack.NewQueue(s, "ordered", stack.QueueConfig{FIFO: true, DeduplicateByContent: true})
	news := stack.NewTopic(s, "news", stack.TopicConfig{DisplayName: "News"})
	orderedNews := stack.NewTopic(s, "ordered-news", stack.TopicConfig{FIFO: true})
	events := stack.NewBus(s, "events", stack.BusConfig{Description: "Events of the service"})
	account := stack.NewBus(s, "account", stack.BusConfig{AccountDefault: true})

	web := stack.NewFunction(s, "web", stack.FunctionConfig{
		Package: "./functions/web", ProvisionedConcurrency: stages.Pick(s, 0, stages.When(production, 2)), ReservedConcurrency: 10,
		URL: &stack.URLConfig{Public: true, Origins: []string{"https://example.com"}}, Tracing: true,
		Access: []stack.Grant{work.Send(), ordered.Send(), news.Publish(), orderedNews.Publish(), events.Publish()},
	})
	handle := stack.NewFunction(s, "handle", stack.FunctionConfig{
		Package: "./functions/handle", EphemeralStorage: 1024, Layers: []string{"arn:aws:lambda:${AWS::Region}:123456789012:layer:tools:3"},
		Async: &stack.AsyncConfig{Retries: 1, MaxAge: time.Hour, Failures: failed},
	})
	resize := stack.NewFunction(s, "resize", stack.FunctionConfig{
		Prebuilt: &stack.PrebuiltConfig{Path: "./functions/resize.zip", Runtime: "nodejs24.x", Handler: "index.handler"},
	})
	stack.NewFunction(s, "redrive", stack.FunctionConfig{
		Package: "./functions/redrive", Access: []stack.Grant{work.DeadLetters().Consume(), work.Send(), web.Invoke()},
	})
	caller := stack.NewFunction(s, "caller", stack.FunctionConfig{
		Package: "./functions/caller", Stages: stages.Except(production), Access: []stack.Grant{handle.Invoke()}, URL: &stack.URLConfig{},
	})
	handle.Allow(caller.InvokeURL().Optional())

	work.Triggers(handle, stack.QueueTriggerConfig{BatchSize: 50, Window: time.Second, MaxConcurrency: 5})
	ordered.Triggers(resize, stack.QueueTriggerConfig{Filters: []stack.Pattern{{"body": stack.Pattern{"kind": []string{"image"}}}}})
	news.Triggers(handle, stack.TopicTriggerConfig{Filter: stack.Pattern{"kind": []string{"urgent"}}})
	news.Delivers(work, stack.TopicDeliveryConfig{Raw: true})
	orderedNews.Delivers(ordered, stack.TopicDeliveryConfig{})
	events.Triggers(handle, stack.EventPattern{Source: []string{"messaging"}, DetailType: []string{"Placed"}})
	events.Triggers(web, stack.EventPattern{Source: []string{"messaging"}, Detail: stack.Pattern{"total": []any{stack.Pattern{"numeric": []any{">", 100}}}}})
	account.Triggers(resize, stack.EventPattern{Source: []string{"aws.health"}, Retries: 3})
	stack.NewSchedule(s, "hourly", stack.ScheduleConfig{Rate: time.Hour}).Triggers(handle)
	stack.NewSchedule(s, "mornings", stack.ScheduleConfig{Cron: "0 8 ? * MON-FRI *", Zone: "Europe/Rome"}).Triggers(web)
}}

func TestTheTemplatesOfMessagingAreTheirGoldens(t *testing.T) {
	stacktest.RequireGolden(t, messaging)
}

func TestEveryResourceOfMessagingThatTakesTagsCarriesServiceAndStage(t *testing.T) {
	// The types of this stack that CloudFormation gives no tags.
	untagged := []string{
		"AWS::IAM::Policy", "AWS::Lambda::Alias", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Permission", "AWS::Lambda::Url", "AWS::Lambda::Version",
		"AWS::SNS::Subscription", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::Scheduler::Schedule",
	}
	for _, resource := range stacktest.Synth(t, messaging, production).Resources("") {
		if !slices.Contains(untagged, resource.Type) {
			assert.Contains(t, fmt.Sprint(resource.Properties["Tags"]), "roadshow:stage", "%s (%s)", resource.LogicalID, resource.Type)
		}
	}
}

func TestTheStagesOfMessagingAreIdenticalButForWhatIsDeclared(t *testing.T) {
	stacktest.RequireParity(t, messaging)
}
