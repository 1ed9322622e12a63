package stack_test

import (
	"testing"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

// surroundings is a service with every noun that a service stands among: networks, secrets, parameters,
// alarms, what it exports and what it imports.
var surroundings = stack.App{Service: "surroundings", Stages: set, Define: func(s *stack.Stack) {
	main := stack.NewNetwork(s, "main", stack.NetworkConfig{
		NATGateways: stages.Pick(s, 0, stages.When(staging, 1), stages.When(production, 3)),
		Endpoints: []stack.Endpoint{
			stack.EndpointEvents, stack.EndpointLambda, stack.EndpointSecretsManager, stack.EndpointSNS, stack.EndpointSQS, stack.EndpointSSM,
		},
		Ports: []int{5432},
	})
	old := stack.NewNetwork(s, "old", stack.NetworkConfig{
		Existing: &stack.ExistingNetwork{
			VPC:            stages.Pick(s, "vpc-0a1b2c3d", stages.When(production, "vpc-1a1b2c3d")),
			Subnets:        []string{"subnet-0a1b2c3d", "subnet-1a1b2c3d"},
			SecurityGroups: []string{"sg-0a1b2c3d"},
			Internet:       true,
		},
		Stages: stages.Except(stages.Sandbox),
	})
	table := key()
	table.DAX = &stack.DAXConfig{Network: main, Stages: stages.Only(production)}
	orders := stack.NewTable(s, "orders", table).Export()
	jobs := stack.NewQueue(s, "jobs", stack.QueueConfig{}).Export()
	stack.NewBucket(s, "files", stack.BucketConfig{}).Export()
	alarms := stack.NewTopic(s, "alarms", stack.TopicConfig{}).Export()
	stack.NewBus(s, "events", stack.BusConfig{}).Export()
	apiKey := stack.NewSecret(s, "api-key", stack.SecretConfig{Description: "Of the partner"}).Export()
	signing := stack.NewSecret(s, "signing", stack.SecretConfig{Generate: 48})
	limit := stack.NewParameter(s, "limit", stack.ParameterConfig{Value: stages.Pick(s, "10", stages.When(production, "1000"))}).Export()
	partner := stack.NewParameter(s, "partner", stack.ParameterConfig{})
	token := stack.NewParameter(s, "token", stack.ParameterConfig{Secret: true})
	notes := stack.ImportTable(s, stack.Ref{Service: "notes", ID: "notes"}, stack.ImportTableConfig{Indexes: true, Key: true})
	papers := stack.ImportBucket(s, stack.Ref{Service: "notes", ID: "papers"}, stack.ImportConfig{Key: true})
	work := stack.ImportQueue(s, stack.Ref{Service: "notes", ID: "work"}, stack.ImportConfig{})
	news := stack.ImportTopic(s, stack.Ref{Service: "notes", ID: "news"}, stack.ImportConfig{Fallback: true})
	sold := stack.ImportBus(s, stack.Ref{Service: "notes", ID: "sold"}, stack.ImportConfig{})
	mailKey := stack.ImportSecret(s, stack.Ref{Service: "notes", ID: "mail-key"}, stack.ImportConfig{})
	rate := stack.ImportParameter(s, stack.Ref{Service: "notes", ID: "rate"}, stack.ImportConfig{})
	render := stack.ImportFunction(s, stack.Ref{Service: "notes", ID: "render"}, stack.ImportConfig{Stages: stages.Except(dev)})

	inside := code()
	inside.Network = main
	inside.Environment = map[string]string{"PARTNER": partner.Value(), "LIMIT": limit.Value()}
	inside.Access = []stack.Grant{
		orders.ReadWrite(), jobs.Send(), apiKey.Read(), signing.Read(), limit.Read(), token.Read(),
		notes.ReadWrite(), papers.Read(), work.Consume(), news.Publish(), render.Invoke().Optional(),
		sold.Publish(), mailKey.Read(), rate.Read(),
	}
	order := stack.NewFunction(s, "order", inside).Export()
	sold.Triggers(order, stack.EventPattern{Source: []string{"notes"}})
	news.Triggers(order, stack.TopicTriggerConfig{})
	news.Delivers(jobs, stack.TopicDeliveryConfig{})
	elsewhere := code()
	elsewhere.Network, elsewhere.Access = old, []stack.Grant{apiKey.Write()}
	stack.NewFunction(s, "rotate", elsewhere)
	api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{})
	api.Route("POST /orders", order)

	stack.NewAlarm(s, "order-errors", stack.AlarmConfig{On: order.Errors(), Topic: alarms})
	stack.NewAlarm(s, "order-throttles", stack.AlarmConfig{On: order.Throttles(), Threshold: 10, Periods: 3})
	stack.NewAlarm(s, "jobs-oldest", stack.AlarmConfig{On: jobs.OldestMessage(), Topic: alarms})
	stack.NewAlarm(s, "api-errors", stack.AlarmConfig{On: api.ServerErrors(), Topic: alarms, Stages: stages.Only(production)})
}}

func TestTheTemplatesOfWhatAServiceStandsAmongAreTheirGoldens(t *testing.T) {
	stacktest.RequireGolden(t, surroundings)
}

func TestWhatAServiceStandsAmongIsIdenticalOverTheStages(t *testing.T) {
	stacktest.RequireParity(t, surroundings)
}
