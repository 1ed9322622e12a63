package stack_test

import (
	"testing"
	"time"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

// storage is a service of tables, buckets and HTTP APIs, with every feature of theirs that makes a
// resource.
var storage = stack.App{Service: "storage", Stages: set, Define: func(s *stack.Stack) {
	lost := stack.NewBucket(s, "lost", stack.BucketConfig{})
	orders := stack.NewTable(s, "orders", stack.TableConfig{
		PartitionKey: stack.StringKey("id"), SortKey: stack.NumberKey("placed"), Stream: stack.StreamNewAndOld, TTL: "expires",
		GlobalIndexes: []stack.GlobalIndexConfig{
			{Name: "by-customer", PartitionKey: stack.StringKey("customer"), SortKey: stack.NumberKey("placed"), Project: stack.ProjectOnly("total")},
			{Name: "by-day", PartitionKey: stack.StringKey("day"), Project: stack.ProjectKeys(), MaxRequests: &stack.MaxRequestsConfig{Read: 100}},
		},
		LocalIndexes: []stack.LocalIndexConfig{{Name: "by-total", SortKey: stack.NumberKey("total")}},
		Encryption:   &stack.EncryptionConfig{}, MaxRequests: &stack.MaxRequestsConfig{Read: 1000, Write: 500},
		DAX: &stack.DAXConfig{Stages: stages.Only(stages.Protected)},
	})
	prices := stack.NewTable(s, "prices", stack.TableConfig{
		PartitionKey: stack.StringKey("id"), GlobalIndexes: []stack.GlobalIndexConfig{{Name: "by-maker", PartitionKey: stack.StringKey("maker")}},
		Provisioned: &stack.ProvisionedConfig{Read: stack.CapacityConfig{Min: 2, Max: stages.Pick(s, 10, stages.When(production, 100))}},
	})
	requests := stack.NewBucket(s, "requests", stack.BucketConfig{Stages: stages.Except(dev)})
	files := stack.NewBucket(s, "files", stack.BucketConfig{
		Encryption: &stack.EncryptionConfig{}, OldVersions: 90 * day,
		Lifecycle: []stack.LifecycleConfig{{Prefix: "tmp/", Expire: day}, {Transitions: []stack.TransitionConfig{{To: stack.InfrequentAccess, After: 30 * day}, {To: stack.Glacier, After: 90 * day}}}},
		CORS:      &stack.BucketCORSConfig{Origins: []string{"https://example.com"}, Methods: []string{"GET", "PUT"}, ExposedHeaders: []string{"ETag"}},
	})
	stack.NewBucket(s, "exports", stack.BucketConfig{Stages: stages.Except(dev), AccessLog: requests, Revision: 2})

	read, load := code(), code()
	read.Access = []stack.Grant{orders.Read(), prices.Read()}
	load.Access = []stack.Grant{prices.ReadWrite(), files.ReadWrite(), files.Delete()}
	load.ProvisionedConcurrency = stages.Pick(s, 0, stages.When(production, 2))
	reader, loader := stack.NewFunction(s, "read", read), stack.NewFunction(s, "load", load)
	files.Triggers(loader, stack.BucketTriggerConfig{Prefix: "in/", Suffix: ".csv"})
	orders.StreamTo(loader, stack.StreamConfig{
		Window: time.Second, Bisect: true, Retries: 5, OnFailure: lost, Filters: []stack.Pattern{{"eventName": []string{"INSERT", "MODIFY"}}},
	})

	users := stack.NewJWTAuthorizer(s, "users", tokens())
	guard := stack.NewLambdaAuthorizer(s, "guard", stack.LambdaAuthorizerConfig{Function: stack.NewFunction(s, "decide", code()), Cache: time.Minute})
	api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{
		Authorizer: users, CORS: &stack.CORSConfig{Origins: []string{"https://example.com"}, Credentials: true}, Throttle: &stack.ThrottleConfig{Rate: 100, Burst: 500},
		Domain: &stack.DomainConfig{
			Name:        stages.Pick(s, "staging.example.com", stages.When(production, "example.com")),
			Certificate: stages.Pick(s, "arn:aws:acm:eu-west-1:222222222222:certificate/1", stages.When(production, "arn:aws:acm:us-east-1:333333333333:certificate/2")),
			Stages:      stages.Except(dev),
		},
	})
	api.Route("GET /orders/{id}", reader, stack.RouteConfig{Scopes: []string{"read"}, Throttle: &stack.ThrottleConfig{Rate: 50}})
	api.Route("GET /health", reader, stack.RouteConfig{Authorizer: stack.Public()})
	api.Route("POST /prices", loader, stack.RouteConfig{Authorizer: guard})
	api.Route("ANY /internal/{path+}", loader, stack.RouteConfig{Authorizer: stack.IAM()})
	call := code()
	call.Access = []stack.Grant{api.Invoke(), files.Read()}
	stack.NewFunction(s, "call", call)
}}

func TestTablesBucketsAndAPIsAreTheirGoldens(t *testing.T) {
	stacktest.RequireGolden(t, storage)
}

func TestTablesBucketsAndAPIsAreIdenticalInEveryStage(t *testing.T) {
	stacktest.RequireParity(t, storage)
}
