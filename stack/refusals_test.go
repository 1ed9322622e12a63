package stack_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/rehearsal/refusals"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// Programs with one mistake, of one component each.

func aFunction(change func(*stack.FunctionConfig)) func(*stack.Stack) {
	return func(s *stack.Stack) {
		config := code()
		change(&config)
		stack.NewFunction(s, "f", config)
	}
}

func aTable(change func(*stack.TableConfig)) func(*stack.Stack) {
	return func(s *stack.Stack) {
		config := key()
		change(&config)
		stack.NewTable(s, "t", config)
	}
}

func aQueue(config stack.QueueConfig) func(*stack.Stack) {
	return func(s *stack.Stack) { stack.NewQueue(s, "q", config) }
}

func aTopic(config stack.TopicConfig) func(*stack.Stack) {
	return func(s *stack.Stack) { stack.NewTopic(s, "t", config) }
}

func aBucket(config stack.BucketConfig) func(*stack.Stack) {
	return func(s *stack.Stack) { stack.NewBucket(s, "b", config) }
}

func aNetwork(config stack.NetworkConfig) func(*stack.Stack) {
	return func(s *stack.Stack) { stack.NewNetwork(s, "n", config) }
}

func anAlarm(config stack.AlarmConfig) func(*stack.Stack) {
	return func(s *stack.Stack) {
		config.On = stack.NewFunction(s, "f", code()).Errors()
		stack.NewAlarm(s, "a", config)
	}
}

func aSecret(config stack.SecretConfig) func(*stack.Stack) {
	return func(s *stack.Stack) { stack.NewSecret(s, "s", config) }
}

func aParameter(config stack.ParameterConfig) func(*stack.Stack) {
	return func(s *stack.Stack) { stack.NewParameter(s, "p", config) }
}

func aSchedule(config stack.ScheduleConfig) func(*stack.Stack) {
	return func(s *stack.Stack) { stack.NewSchedule(s, "s", config).Triggers(stack.NewFunction(s, "f", code())) }
}

func aCron(cron string) func(*stack.Stack) { return aSchedule(stack.ScheduleConfig{Cron: cron}) }

func aRule(pattern stack.EventPattern) func(*stack.Stack) {
	return func(s *stack.Stack) {
		stack.NewBus(s, "b", stack.BusConfig{}).Triggers(stack.NewFunction(s, "f", code()), pattern)
	}
}

// selecting is a rule whose pattern has one operator, or what is in its place.
func selecting(value any) func(*stack.Stack) {
	return aRule(stack.EventPattern{Detail: stack.Pattern{"x": value}})
}

func aFilter(filter stack.Pattern) func(*stack.Stack) {
	return func(s *stack.Stack) {
		stack.NewTopic(s, "t", stack.TopicConfig{}).Triggers(stack.NewFunction(s, "f", code()), stack.TopicTriggerConfig{Filter: filter})
	}
}

func aQueueTrigger(queue stack.QueueConfig, trigger stack.QueueTriggerConfig) func(*stack.Stack) {
	return func(s *stack.Stack) {
		config := code()
		config.Timeout = time.Minute
		stack.NewQueue(s, "q", queue).Triggers(stack.NewFunction(s, "f", config), trigger)
	}
}

func aRoute(routes ...string) func(*stack.Stack) {
	return func(s *stack.Stack) {
		api, fn := stack.NewHTTPAPI(s, "a", stack.HTTPAPIConfig{}), stack.NewFunction(s, "f", code())
		for _, route := range routes {
			api.Route(route, fn)
		}
	}
}

func anAPI(config stack.HTTPAPIConfig) func(*stack.Stack) {
	return func(s *stack.Stack) {
		stack.NewHTTPAPI(s, "a", config).Route("GET /", stack.NewFunction(s, "f", code()))
	}
}

func issuer(url string) func(*stack.Stack) {
	return func(s *stack.Stack) {
		stack.NewJWTAuthorizer(s, "users", stack.JWTAuthorizerConfig{Issuer: url, Audience: []string{"notes"}})
	}
}

func moves(transitions ...stack.TransitionConfig) func(*stack.Stack) {
	return lifecycle(stack.LifecycleConfig{Transitions: transitions})
}

func lifecycle(rules ...stack.LifecycleConfig) func(*stack.Stack) {
	return aBucket(stack.BucketConfig{Lifecycle: rules})
}

func bucketCORS(change func(*stack.BucketCORSConfig)) func(*stack.Stack) {
	config := stack.BucketCORSConfig{Origins: []string{"https://example.com"}, Methods: []string{"GET"}}
	change(&config)
	return aBucket(stack.BucketConfig{CORS: &config})
}

func tagged(keys ...string) func(*stack.Stack) {
	return func(s *stack.Stack) {
		stack.NewQueue(s, "q", stack.QueueConfig{NoDeadLetterQueue: true}).With(func(l2 awssqs.Queue) {
			for _, key := range keys {
				awscdk.Tags_Of(l2).Add(text(key), text("x"), nil)
			}
		})
	}
}

func times(count int, each func(s *stack.Stack, id string)) func(*stack.Stack) {
	return func(s *stack.Stack) {
		for i := range count {
			each(s, fmt.Sprintf("one-%03d", i))
		}
	}
}

func globalIndexes(names ...string) func(*stack.TableConfig) {
	return func(c *stack.TableConfig) {
		for i, name := range names {
			c.GlobalIndexes = append(c.GlobalIndexes, stack.GlobalIndexConfig{Name: name, PartitionKey: stack.StringKey(fmt.Sprintf("key%d", i))})
		}
	}
}

func localIndexes(count int) func(*stack.TableConfig) {
	return func(c *stack.TableConfig) {
		c.SortKey = stack.StringKey("at")
		for i := range count {
			c.LocalIndexes = append(c.LocalIndexes, stack.LocalIndexConfig{Name: fmt.Sprintf("by-%d", i), SortKey: stack.StringKey(fmt.Sprintf("key%d", i))})
		}
	}
}

func numbered(count int, form string) (names []string) {
	for i := range count {
		names = append(names, fmt.Sprintf(form, i))
	}
	return names
}

const layer = "arn:aws:lambda:us-east-1:123456789012:layer:tools:1"

// refused has, for each row of the book whose answer is config, a program with the row's mistake.
var refused = map[string]func(*stack.Stack){
	"apigateway-route-key-method":        aRoute("FETCH /notes"),
	"apigateway-route-key-path":          aRoute("GET notes"),
	"apigateway-route-key-variable":      aRoute("GET /notes/{}"),
	"apigateway-route-key-part-variable": aRoute("GET /notes/a{id}"),
	"apigateway-route-key-greedy-middle": aRoute("GET /notes/{rest+}/x"),
	"apigateway-route-twice":             aRoute("GET /notes", "GET /notes"),
	"apigateway-scopes-without-jwt": func(s *stack.Stack) {
		stack.NewHTTPAPI(s, "a", stack.HTTPAPIConfig{}).Route("GET /", stack.NewFunction(s, "f", code()), stack.RouteConfig{Authorizer: stack.IAM(), Scopes: []string{"read"}})
	},
	"apigateway-audiences": func(s *stack.Stack) {
		stack.NewJWTAuthorizer(s, "users", stack.JWTAuthorizerConfig{Issuer: "https://example.com", Audience: numbered(51, "client-%d")})
	},
	"apigateway-scopes": func(s *stack.Stack) {
		users := stack.NewJWTAuthorizer(s, "users", stack.JWTAuthorizerConfig{Issuer: "https://example.com", Audience: []string{"notes"}})
		stack.NewHTTPAPI(s, "a", stack.HTTPAPIConfig{}).Route("GET /", stack.NewFunction(s, "f", code()), stack.RouteConfig{Authorizer: users, Scopes: numbered(11, "scope-%d")})
	},
	"apigateway-issuer":      issuer("https://login.example.com/.well-known/openid-configuration"),
	"apigateway-issuer-http": issuer("http://login.example.com"),
	"apigateway-authorizer-ttl": func(s *stack.Stack) {
		stack.NewLambdaAuthorizer(s, "guard", stack.LambdaAuthorizerConfig{Function: stack.NewFunction(s, "f", code()), Cache: 2 * time.Hour})
	},
	"apigateway-cors-credentials": anAPI(stack.HTTPAPIConfig{CORS: &stack.CORSConfig{Origins: []string{"*"}, Credentials: true}}),
	"apigateway-certificate-region": anAPI(stack.HTTPAPIConfig{Domain: &stack.DomainConfig{
		Name: "api.example.com", Certificate: "arn:aws:acm:eu-west-1:111111111111:certificate/1",
	}}),
	"apigateway-domain-taken": func(s *stack.Stack) {
		for _, id := range []string{"one", "two"} {
			stack.NewHTTPAPI(s, id, stack.HTTPAPIConfig{Domain: &stack.DomainConfig{
				Name: "api.example.com", Certificate: "arn:aws:acm:us-east-1:111111111111:certificate/1",
			}}).Route("GET /", stack.NewFunction(s, id+"-web", code()))
		}
	},

	"autoscaling-capacities": aTable(func(c *stack.TableConfig) {
		c.Provisioned = &stack.ProvisionedConfig{Read: stack.CapacityConfig{Min: 10, Max: 5}}
	}),

	"cloudformation-resources": times(501, func(s *stack.Stack, id string) {
		awscdk.NewCfnResource(s.CDK, text(id), &awscdk.CfnResourceProps{Type: text("AWS::SNS::Topic")})
	}),
	"cloudformation-outputs": times(201, func(s *stack.Stack, id string) {
		awscdk.NewCfnOutput(s.CDK, text(id), &awscdk.CfnOutputProps{Value: text("x")})
	}),
	"cloudformation-parameters": times(201, func(s *stack.Stack, id string) { awscdk.NewCfnParameter(s.CDK, text(id), nil) }),
	"cloudformation-description": func(s *stack.Stack) {
		stack.NewTopic(s, "t", stack.TopicConfig{})
		s.CDK.TemplateOptions().SetDescription(text(strings.Repeat("d", 1025)))
	},
	"tags-aws-prefix": tagged("aws:team"),
	"tags-length":     tagged(strings.Repeat("k", 129)),
	"tags-value-length": func(s *stack.Stack) {
		stack.NewQueue(s, "q", stack.QueueConfig{}).With(func(l2 awssqs.Queue) { awscdk.Tags_Of(l2).Add(text("team"), text(strings.Repeat("v", 257)), nil) })
	},
	"tags-number": tagged(numbered(49, "tag%d")...),
	"iam-role-tags": func(s *stack.Stack) {
		awscdk.Tags_Of(s.CDK).Add(text("Team"), text("x"), nil)
		awscdk.Tags_Of(s.CDK).Add(text("team"), text("x"), nil)
		stack.NewFunction(s, "f", code())
	},

	"cloudwatch-period":          anAlarm(stack.AlarmConfig{Period: 90 * time.Second}),
	"cloudwatch-evaluation-day":  anAlarm(stack.AlarmConfig{Period: time.Minute, Periods: 1441}),
	"cloudwatch-evaluation-week": anAlarm(stack.AlarmConfig{Period: time.Hour, Periods: 169}),
	"cloudwatch-evaluation-none": anAlarm(stack.AlarmConfig{Periods: -1}),
	"cloudwatch-description":     anAlarm(stack.AlarmConfig{Description: strings.Repeat("d", 1025)}),
	"cloudwatch-action-region": func(s *stack.Stack) {
		stack.NewAlarm(s, "a", stack.AlarmConfig{On: stack.NewFunction(s, "f", code()).Errors(), Actions: []string{"arn:aws:sns:eu-west-1:111111111111:alarms"}})
	},

	"dax-region":           aTable(func(c *stack.TableConfig) { c.DAX = &stack.DAXConfig{} }),
	"dax-nodes":            aTable(func(c *stack.TableConfig) { c.DAX = &stack.DAXConfig{Nodes: 12} }),
	"dax-node-type":        aTable(func(c *stack.TableConfig) { c.DAX = &stack.DAXConfig{NodeType: "dax.t9.huge"} }),
	"dax-node-type-region": aTable(func(c *stack.TableConfig) { c.DAX = &stack.DAXConfig{NodeType: "dax.r3.large"} }),
	"dax-parameter-value":  aTable(func(c *stack.TableConfig) { c.DAX = &stack.DAXConfig{ItemTTL: 1500 * time.Microsecond} }),

	"dynamodb-name-characters": aTable(func(c *stack.TableConfig) { c.Name = "a b" }),
	"dynamodb-attribute-name":  aTable(func(c *stack.TableConfig) { c.PartitionKey = stack.StringKey(strings.Repeat("k", 256)) }),
	"dynamodb-stream-view":     aTable(func(c *stack.TableConfig) { c.Stream = "ALL" }),
	"dynamodb-most-requests":   aTable(func(c *stack.TableConfig) { c.MaxRequests = &stack.MaxRequestsConfig{} }),
	"dynamodb-key-twice":       aTable(func(c *stack.TableConfig) { c.SortKey = stack.NumberKey("id") }),
	"dynamodb-local-index-without-sort-key": aTable(func(c *stack.TableConfig) {
		c.LocalIndexes = []stack.LocalIndexConfig{{Name: "by-at", SortKey: stack.StringKey("at")}}
	}),
	"dynamodb-local-indexes":  aTable(localIndexes(6)),
	"dynamodb-global-indexes": aTable(globalIndexes(numbered(21, "by-%d")...)),
	"dynamodb-index-twice":    aTable(globalIndexes("by-at", "by-at")),
	"dynamodb-index-name":     aTable(globalIndexes("by")),

	"ec2-network-large":                 aNetwork(stack.NetworkConfig{CIDR: "10.0.0.0/8"}),
	"ec2-network-small":                 aNetwork(stack.NetworkConfig{CIDR: "10.0.0.0/29"}),
	"ec2-subnet-zone":                   aNetwork(stack.NetworkConfig{ZoneNames: []string{"us-east-1z"}}),
	"ec2-subnet-zone-of-another-region": aNetwork(stack.NetworkConfig{ZoneNames: []string{"eu-west-1a"}}),

	"ec2-rule-port-range": aNetwork(stack.NetworkConfig{Ports: []int{65536}}),

	"events-nothing-to-match":      aRule(stack.EventPattern{}),
	"events-pattern-operator":      selecting([]any{stack.Pattern{"begins-with": "a"}}),
	"events-pattern-empty":         selecting([]any{}),
	"events-pattern-scalar":        selecting("a"),
	"events-pattern-exists":        selecting([]any{stack.Pattern{"exists": "yes"}}),
	"events-pattern-two-operators": selecting([]any{stack.Pattern{"prefix": "a", "suffix": "b"}}),
	"events-pattern-numeric":       selecting([]any{stack.Pattern{"numeric": []any{"~", 1}}}),
	"events-pattern-cidr":          selecting([]any{stack.Pattern{"cidr": "10.0.0.0"}}),
	"events-pattern-prefix":        selecting([]any{stack.Pattern{"prefix": 1}}),
	"events-pattern-wildcard":      selecting([]any{stack.Pattern{"wildcard": "a**b"}}),
	"events-pattern-anything-but":  selecting([]any{stack.Pattern{"anything-but": stack.Pattern{"numeric": []any{">", 1}}}}),
	"events-target-retries":        aRule(stack.EventPattern{Source: []string{"a"}, Retries: 186}),
	"events-target-age":            aRule(stack.EventPattern{Source: []string{"a"}, MaxAge: 59 * time.Second}),
	"events-bus-name-slash":        func(s *stack.Stack) { stack.NewBus(s, "b", stack.BusConfig{Name: "a/b"}) },

	"lambda-url-region":   aFunction(func(c *stack.FunctionConfig) { c.URL = &stack.URLConfig{} }),
	"lambda-memory-least": aFunction(func(c *stack.FunctionConfig) { c.Memory = 127 }),
	"lambda-memory":       aFunction(func(c *stack.FunctionConfig) { c.Memory = 10241 }),
	"lambda-timeout":      aFunction(func(c *stack.FunctionConfig) { c.Timeout = 20 * time.Minute }),
	"lambda-storage":      aFunction(func(c *stack.FunctionConfig) { c.EphemeralStorage = 511 }),
	"lambda-description":  aFunction(func(c *stack.FunctionConfig) { c.Description = strings.Repeat("d", 257) }),
	"lambda-handler-characters": aFunction(func(c *stack.FunctionConfig) {
		*c = stack.FunctionConfig{Prebuilt: &stack.PrebuiltConfig{Path: "./functions/resize.zip", Runtime: "nodejs24.x", Handler: "index handler"}}
	}),
	"lambda-architecture":      aFunction(func(c *stack.FunctionConfig) { c.Architecture = "riscv" }),
	"lambda-reserved-variable": aFunction(func(c *stack.FunctionConfig) { c.Environment = map[string]string{"AWS_REGION": "us-east-1"} }),
	"lambda-variables-size":    aFunction(func(c *stack.FunctionConfig) { c.Environment = map[string]string{"TEXT": strings.Repeat("x", 4097)} }),
	"lambda-layers": aFunction(func(c *stack.FunctionConfig) {
		c.Layers = numbered(6, "arn:aws:lambda:us-east-1:123456789012:layer:tools%d:1")
	}),
	"lambda-layer-twice": aFunction(func(c *stack.FunctionConfig) { c.Layers = []string{layer, strings.TrimSuffix(layer, "1") + "2"} }),
	"lambda-layer-region": aFunction(func(c *stack.FunctionConfig) {
		c.Layers = []string{strings.Replace(layer, "us-east-1", "eu-west-1", 1)}
	}),
	"lambda-layer-form":                           aFunction(func(c *stack.FunctionConfig) { c.Layers = []string{strings.TrimSuffix(layer, ":1")} }),
	"lambda-async-retries":                        aFunction(func(c *stack.FunctionConfig) { c.Async = &stack.AsyncConfig{Retries: 3} }),
	"lambda-async-age":                            aFunction(func(c *stack.FunctionConfig) { c.Async = &stack.AsyncConfig{MaxAge: 59 * time.Second} }),
	"lambda-reserved-concurrency-and-provisioned": aFunction(func(c *stack.FunctionConfig) { c.ReservedConcurrency, c.ProvisionedConcurrency = 1, 2 }),
	"lambda-mapping-visibility":                   aQueueTrigger(stack.QueueConfig{VisibilityTimeout: 30 * time.Second}, stack.QueueTriggerConfig{}),
	"lambda-mapping-window":                       aQueueTrigger(stack.QueueConfig{}, stack.QueueTriggerConfig{BatchSize: 50}),
	"lambda-mapping-fifo-window":                  aQueueTrigger(stack.QueueConfig{FIFO: true}, stack.QueueTriggerConfig{Window: time.Second}),
	"lambda-mapping-batch":                        aQueueTrigger(stack.QueueConfig{}, stack.QueueTriggerConfig{BatchSize: 10001, Window: time.Second}),
	"lambda-mapping-window-length":                aQueueTrigger(stack.QueueConfig{}, stack.QueueTriggerConfig{Window: 301 * time.Second}),
	"lambda-mapping-concurrency":                  aQueueTrigger(stack.QueueConfig{}, stack.QueueTriggerConfig{MaxConcurrency: 1}),
	"lambda-mapping-filter":                       aQueueTrigger(stack.QueueConfig{}, stack.QueueTriggerConfig{Filters: []stack.Pattern{{"body": "x"}}}),
	"lambda-mapping-twice": func(s *stack.Stack) {
		queue, fn := stack.NewQueue(s, "q", stack.QueueConfig{}), stack.NewFunction(s, "f", code())
		queue.Triggers(fn, stack.QueueTriggerConfig{})
		queue.Triggers(fn, stack.QueueTriggerConfig{})
	},

	"s3-lifecycle-days-infrequent":     moves(stack.TransitionConfig{To: stack.InfrequentAccess, After: 29 * day}),
	"s3-lifecycle-days-one-zone":       moves(stack.TransitionConfig{To: stack.OneZone, After: 29 * day}),
	"s3-lifecycle-order":               moves(stack.TransitionConfig{To: stack.DeepArchive, After: 30 * day}, stack.TransitionConfig{To: stack.InfrequentAccess, After: 31 * day}),
	"s3-lifecycle-thirty-days-between": moves(stack.TransitionConfig{To: stack.InfrequentAccess, After: 30 * day}, stack.TransitionConfig{To: stack.Glacier, After: 40 * day}),
	"s3-lifecycle-expiration":          lifecycle(stack.LifecycleConfig{Expire: 30 * day, Transitions: []stack.TransitionConfig{{To: stack.Glacier, After: 90 * day}}}),
	"s3-lifecycle-nothing-to-do":       lifecycle(stack.LifecycleConfig{Prefix: "tmp/"}),
	"s3-lifecycle-expiration-zero":     lifecycle(stack.LifecycleConfig{Expire: time.Hour}),
	"s3-lifecycle-class":               moves(stack.TransitionConfig{To: "COLD", After: 30 * day}),
	"s3-cors-method":                   bucketCORS(func(c *stack.BucketCORSConfig) { c.Methods = []string{"PATCH"} }),
	"s3-cors-origin":                   bucketCORS(func(c *stack.BucketCORSConfig) { c.Origins = []string{"https://*.*.example.com"} }),
	"s3-cors-header":                   bucketCORS(func(c *stack.BucketCORSConfig) { c.ExposedHeaders = []string{"x-*"} }),
	"s3-cors-age":                      bucketCORS(func(c *stack.BucketCORSConfig) { c.MaxAge = -time.Second }),

	"scheduler-expression-minute":           aCron("61 2 * * ? *"),
	"scheduler-expression-two-days":         aCron("0 8 1 * MON *"),
	"scheduler-expression-sunday":           aCron("0 8 ? * 0 *"),
	"scheduler-expression-no-question-mark": aCron("0 8 * * * *"),
	"scheduler-expression-four-fields":      aCron("0 8 * *"),
	"scheduler-expression-occurrence":       aCron("0 8 ? * MON#6 *"),
	"scheduler-expression-rate-zero":        aSchedule(stack.ScheduleConfig{}),
	"scheduler-expression-rate-seconds":     aSchedule(stack.ScheduleConfig{Rate: 30 * time.Second}),
	"scheduler-window-length":               aSchedule(stack.ScheduleConfig{Rate: time.Hour, Window: 1441 * time.Minute}),
	"scheduler-retries":                     aSchedule(stack.ScheduleConfig{Rate: time.Hour, Retries: 186}),
	"scheduler-age":                         aSchedule(stack.ScheduleConfig{Rate: time.Hour, MaxAge: 24*time.Hour + time.Second}),

	"scheduler-name-characters":      aSchedule(stack.ScheduleConfig{Rate: time.Hour, Name: "every hour"}),
	"secretsmanager-name-characters": aSecret(stack.SecretConfig{Name: "the password"}),
	"secretsmanager-description":     aSecret(stack.SecretConfig{Description: strings.Repeat("d", 2049)}),

	"sns-name-characters":        aTopic(stack.TopicConfig{Name: "a b"}),
	"sns-display-name":           aTopic(stack.TopicConfig{DisplayName: strings.Repeat("d", 101)}),
	"sns-standard-deduplication": aTopic(stack.TopicConfig{DeduplicateByContent: true}),
	"sns-standard-to-fifo-queue": func(s *stack.Stack) {
		stack.NewTopic(s, "t", stack.TopicConfig{}).Delivers(stack.NewQueue(s, "q", stack.QueueConfig{FIFO: true}), stack.TopicDeliveryConfig{})
	},
	"sns-fifo-to-function": func(s *stack.Stack) {
		stack.NewTopic(s, "t", stack.TopicConfig{FIFO: true}).Triggers(stack.NewFunction(s, "f", code()), stack.TopicTriggerConfig{})
	},
	"sns-filter-policy-operator": aFilter(stack.Pattern{"kind": []any{stack.Pattern{"begins-with": "a"}}}),
	"sns-filter-policy-empty":    aFilter(stack.Pattern{"kind": []any{}}),
	"sns-filter-policy-keys": aFilter(stack.Pattern{
		"a": []string{"x"}, "b": []string{"x"}, "c": []string{"x"}, "d": []string{"x"}, "e": []string{"x"}, "f": []string{"x"},
	}),
	"sns-filter-policy-combinations": aFilter(stack.Pattern{"a": numbered(13, "%d"), "b": numbered(12, "%d")}),
	"sns-filter-policy-number":       aFilter(stack.Pattern{"total": []any{stack.Pattern{"numeric": []any{">", 1000000001}}}}),
	"sns-filter-policy-alternatives": aFilter(stack.Pattern{"a": numbered(8, "%d"), "$or": []stack.Pattern{{"b": numbered(10, "%d")}, {"c": numbered(9, "%d")}}}),
	"sns-filter-policy-nested-combinations": func(s *stack.Stack) {
		filter := stack.Pattern{"a": stack.Pattern{"b": stack.Pattern{"c": numbered(4, "%d")}}, "d": stack.Pattern{"e": numbered(3, "%d")}, "f": numbered(3, "%d")}
		stack.NewTopic(s, "t", stack.TopicConfig{}).Triggers(stack.NewFunction(s, "f", code()), stack.TopicTriggerConfig{Filter: filter, FilterBody: true})
	},
	"sns-filter-policy-nested": aFilter(stack.Pattern{"a": stack.Pattern{"b": []string{"x"}}}),

	"sqs-visibility":          aQueue(stack.QueueConfig{VisibilityTimeout: 12*time.Hour + time.Second}),
	"sqs-delay":               aQueue(stack.QueueConfig{Delay: 901 * time.Second}),
	"sqs-retention-short":     aQueue(stack.QueueConfig{Retention: 59 * time.Second}),
	"sqs-retention-long":      aQueue(stack.QueueConfig{Retention: 14*24*time.Hour + time.Second}),
	"sqs-name-characters":     aQueue(stack.QueueConfig{Name: "a b"}),
	"sqs-fifo-only-attribute": aQueue(stack.QueueConfig{DeduplicateByContent: true}),
	"sqs-max-receive-count":   aQueue(stack.QueueConfig{MaxReceives: 1001}),

	"ssm-value-size":  aParameter(stack.ParameterConfig{Value: strings.Repeat("v", 4097)}),
	"ssm-description": aParameter(stack.ParameterConfig{Value: "v", Description: strings.Repeat("d", 1025)}),
	"ssm-name-aws":    aParameter(stack.ParameterConfig{Value: "v", Name: "/aws/notes"}),
	"ssm-name-ssm":    aParameter(stack.ParameterConfig{Value: "v", Name: "/ssm/notes"}),
	"ssm-name-form":   aParameter(stack.ParameterConfig{Value: "v", Name: "/notes/a b"}),
	"ssm-name-full":   aParameter(stack.ParameterConfig{Value: "v", Name: "notes/limit"}),
	"ssm-name-levels": aParameter(stack.ParameterConfig{Value: "v", Name: strings.Repeat("/a", 16)}),
}

// rowsOf are the rows of the book with an answer.
func rowsOf(t *testing.T, answer string) (rows []refusals.Refusal) {
	t.Helper()
	all, err := refusals.Load()
	require.NoError(t, err)
	for _, row := range all {
		if row.Roadshow == answer {
			rows = append(rows, row)
		}
	}
	require.NotEmpty(t, rows)
	return rows
}

// summed has, for each row of the book whose mistake is a sum of the template, what is said of it in a program that has all of
// these mistakes: its thing, and a pattern of the sum.
var summed = map[string]struct{ thing, got string }{
	"iam-inline-size":               {`function "f"`, `^1\d{4} characters of inline policies in its role, to which rights on s3 \(1\d{4}\), .*add most$`},
	"iam-managed-size":              {"resource Managed658ACE2E", `^6\d{3} characters of a managed policy, to which statements on s3:GetObject \(6\d{3}\) add most$`},
	"kms-policy-size":               {"resource Key961B73FD", `^3\d{4} bytes of its key's policy, to which sns\.amazonaws\.com \(3\d{4}\), .*add most$`},
	"s3-policy-size":                {`bucket "b"`, `^2\d{4} bytes of its policy, to which sns\.amazonaws\.com \(2\d{4}\), .*add most$`},
	"s3-lifecycle-rules":            {`bucket "b"`, `^1001 rules of its lifecycle, with those of the construct$`},
	"sqs-policy-size":               {`queue "large"`, `^1\d{4} bytes of its policy, to which sns\.amazonaws\.com \(1\d{4}\), .*add most$`},
	"sqs-policy-principals":         {`queue "q"`, `^54 principals of its policy, to which 222222222200 \(51\), .*add most$`},
	"sqs-policy-conditions":         {`queue "q"`, `^11 conditions of one statement of its policy, to which sns\.amazonaws\.com \(11\) add most$`},
	"sqs-policy-actions":            {`queue "q"`, `^8 actions of one statement of its policy, to which lambda\.amazonaws\.com \(8\) add most$`},
	"sns-policy-size":               {`topic "wide"`, `^3\d{4} bytes of its policy, to which sns\.amazonaws\.com \(3\d{4}\), .*add most$`},
	"sns-policy-statements":         {`topic "t"`, `^10\d statements of its policy, to which sns\.amazonaws\.com \(100\), .*add most$`},
	"sns-policy-principals":         {`topic "t"`, `^201 principals of one statement of its policy, to which 222222222000 \(201\) add most$`},
	"events-pattern-size":           {`function "g"`, `^5\d{3} characters of an event pattern$`},
	"cloudformation-template-large": {`app "shop"`, `^2\d{6} bytes of a template, to which resource Large \(2\d{6}\), .*add most$`},
}

// tooMuch is a program with all the mistakes of summed.
func tooMuch(s *stack.Stack) {
	allow(stack.NewFunction(s, "f", code()), 60)
	long := func(prefix string, count int) *awsiam.PolicyStatement {
		made := awsiam.PolicyStatement_FromJson(map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"Service": "sns.amazonaws.com"}, "Action": "*", "Resource": "*",
			"Condition": map[string]any{"ArnLike": map[string]any{"aws:SourceArn": numbered(count, prefix+"-%04d")}},
		})
		return &made
	}
	written := func(statement map[string]any) awsiam.PolicyStatement {
		for name, value := range map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": map[string]any{"Service": "sns.amazonaws.com"}} {
			if statement[name] == nil {
				statement[name] = value
			}
		}
		return awsiam.PolicyStatement_FromJson(statement)
	}
	const arn = "arn:aws:sns:us-east-1:111111111111:a-topic-of-some-service"
	awsiam.NewManagedPolicy(s.CDK, text("Managed"), &awsiam.ManagedPolicyProps{Statements: &[]awsiam.PolicyStatement{awsiam.PolicyStatement_FromJson(map[string]any{
		"Effect": "Allow", "Action": "s3:GetObject", "Resource": numbered(130, "arn:aws:s3:::a-bucket-of-some-service/prefix-%03d"),
	})}})
	awskms.NewKey(s.CDK, text("Key"), nil).AddToResourcePolicy(*long(arn, 540), nil)
	lifecycle := make([]stack.LifecycleConfig, 1000)
	for i := range lifecycle {
		lifecycle[i] = stack.LifecycleConfig{Prefix: fmt.Sprintf("p%d/", i), Expire: day}
	}
	stack.NewBucket(s, "b", stack.BucketConfig{Lifecycle: lifecycle}).With(func(l2 awss3.Bucket) { l2.AddToResourcePolicy(*long(arn, 340)) })
	stack.NewQueue(s, "large", stack.QueueConfig{NoDeadLetterQueue: true}).With(func(l2 awssqs.Queue) { l2.AddToResourcePolicy(*long(arn, 170)) })
	stack.NewQueue(s, "q", stack.QueueConfig{NoDeadLetterQueue: true}).With(func(l2 awssqs.Queue) {
		tags := map[string]any{}
		for i := range 11 {
			tags[fmt.Sprintf("aws:PrincipalTag/t%d", i)] = "x"
		}
		l2.AddToResourcePolicy(written(map[string]any{"Condition": map[string]any{"StringEquals": tags}}))
		l2.AddToResourcePolicy(written(map[string]any{"Principal": map[string]any{"Service": "lambda.amazonaws.com"}, "Action": numbered(8, "sqs:Action%d")}))
		l2.AddToResourcePolicy(written(map[string]any{"Principal": map[string]any{"AWS": numbered(51, "2222222222%02d")}}))
	})
	stack.NewTopic(s, "wide", stack.TopicConfig{}).With(func(l2 awssns.Topic) { l2.AddToResourcePolicy(*long(arn, 500)) })
	stack.NewTopic(s, "t", stack.TopicConfig{}).With(func(l2 awssns.Topic) {
		for i := range 100 {
			l2.AddToResourcePolicy(written(map[string]any{"Sid": fmt.Sprintf("S%d", i)}))
		}
		l2.AddToResourcePolicy(written(map[string]any{"Principal": map[string]any{"AWS": numbered(201, "222222222%03d")}}))
	})
	stack.NewBus(s, "bus", stack.BusConfig{}).Triggers(stack.NewFunction(s, "g", code()), stack.EventPattern{Source: numbered(220, "service-of-a-name-%d")})
	awscdk.NewCfnResource(s.CDK, text("Large"), &awscdk.CfnResourceProps{Type: text("Custom::Large"), Properties: &map[string]any{"Text": numbered(40_000, "a text that has so many letters and number %d")}})
}

// sums are the mistakes of that program, which is made once.
var sums = sync.OnceValue(func() (problems []*stack.ConfigError) {
	outdir, err := os.MkdirTemp("", "sums")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(outdir)
	_, err = app(tooMuch).Synthesize(stack.Synthesis{Stages: []stages.Stage{dev}, Outdir: outdir, StubFunctions: true})
	var all interface{ Unwrap() []error }
	if !errors.As(err, &all) {
		panic(fmt.Sprint("what AWS refuses is made: ", err))
	}
	for _, one := range all.Unwrap() {
		problems = append(problems, one.(*stack.ConfigError))
	}
	return problems
})

// sumOf is the mistake of the program that has them all.
func sumOf(t *testing.T, id string) *stack.ConfigError {
	t.Helper()
	want := summed[id]
	for _, problem := range sums() {
		if problem.Thing == want.thing && regexp.MustCompile(want.got).MatchString(problem.Got) {
			return problem
		}
	}
	t.Fatalf("%s is not refused with %s, only %v", want.thing, want.got, sums())
	return nil
}

// Whatever AWS counts is refused at once, each with its limit and what adds most; nothing more is.
func TestEverySumThatIsTooLargeIsRefusedInOneGo(t *testing.T) {
	assert.Len(t, sums(), len(summed), "%v", sums())
	for id := range summed {
		problem := sumOf(t, id)
		assert.Regexp(t, `^at most \d+$`, problem.Want, id)
		assert.Contains(t, problem.Docs, "https://docs.aws.amazon.com/", id)
	}
}

func TestEveryConfigThatTheBookSpeaksOfIsRefusedWithLineValueLimitAndPage(t *testing.T) {
	left := map[string]bool{}
	for id := range refused {
		left[id] = true
	}
	for id := range summed {
		left[id] = true
	}
	states := func(t *testing.T, problem *stack.ConfigError) {
		t.Helper()
		assert.Contains(t, problem.At.File, "refusals_test.go", problem)
		assert.Greater(t, problem.At.Line, 0)
		assert.NotEmpty(t, problem.Got, problem)
		assert.NotEmpty(t, problem.Want, problem)
		assert.NotEmpty(t, problem.Fix, problem)
		assert.Regexp(t, `^https://docs\.aws\.amazon\.com/`, problem.Docs, problem)
	}
	for _, row := range rowsOf(t, refusals.Config) {
		t.Run(row.ID, func(t *testing.T) {
			define, has := refused[row.ID]
			if _, sum := summed[row.ID]; sum && !has {
				delete(left, row.ID)
				states(t, sumOf(t, row.ID))
				return
			}
			require.True(t, has, "no program makes it: %s", row.How)
			delete(left, row.ID)
			stage, program := dev, app(define)
			if row.Region != stage.Region {
				stage.Region = row.Region
				program.Stages = stages.Set{stage}
			}
			_, err := program.Synthesize(stack.Synthesis{Stages: []stages.Stage{stage}, Outdir: t.TempDir(), StubFunctions: true})
			require.Error(t, err, "what AWS refuses with %q is deployed", row.Words)
			messages.Provoked(t, err.Error())
			assert.Less(t, len(err.Error()), 1000)
			var collision *stages.CollisionError
			if errors.As(err, &collision) {
				assert.Contains(t, collision.Other.At.File, "refusals_test.go")
				return
			}
			var problem *stack.ConfigError
			require.ErrorAs(t, err, &problem)
			states(t, problem)
		})
	}
	assert.Empty(t, left, "programs of no row of the book")
}
