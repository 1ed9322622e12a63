package stack_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

var prebuilt = stack.PrebuiltConfig{Path: "./functions/resize/dist", Runtime: "nodejs24.x", Handler: "index.handler"}

func init() {
	settings = append(settings, setting{
		zero: stack.AsyncConfig{},
		make: func(s *stack.Stack, config any) {
			async := config.(stack.AsyncConfig)
			stack.NewFunction(s, "f", with(func(c *stack.FunctionConfig) { c.Async = &async }))
		},
		values: map[string]any{
			"Retries": 1, "NoRetries": true, "MaxAge": time.Hour,
			"Failures": componentValue(func(s *stack.Stack) any { return stack.NewQueue(s, "failed", stack.QueueConfig{}) }),
		},
	}, setting{
		zero: stack.URLConfig{},
		make: func(s *stack.Stack, config any) {
			url := config.(stack.URLConfig)
			stack.NewFunction(s, "f", with(func(c *stack.FunctionConfig) { c.URL = &url }))
		},
		values: map[string]any{"Public": true, "Origins": []string{"https://example.com"}, "Stream": true},
	}, setting{
		zero: prebuilt,
		make: func(s *stack.Stack, config any) {
			built := config.(stack.PrebuiltConfig)
			stack.NewFunction(s, "f", stack.FunctionConfig{Prebuilt: &built})
		},
		values: map[string]any{"Path": "./functions/other", "Runtime": "python3.14", "Handler": "other.handler"},
	})
}

// with is a function's config with a change.
func with(change func(c *stack.FunctionConfig)) stack.FunctionConfig {
	config := code()
	change(&config)
	return config
}

func TestAFunctionMayTakeMoreThanGo(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		zip := prebuilt
		zip.Path, zip.Runtime = "./functions/count.zip", "python3.14"
		stack.NewFunction(s, "resize", stack.FunctionConfig{Prebuilt: &prebuilt})
		stack.NewFunction(s, "count", stack.FunctionConfig{Prebuilt: &zip})
	}), dev)
	fn := template.Resource(t, "AWS::Lambda::Function", "resize").Properties
	assert.Equal(t, "nodejs24.x", fn["Runtime"])
	assert.Equal(t, "index.handler", fn["Handler"])
	assert.Equal(t, "./functions/resize/dist", template.Assembly.Stages[0].Functions[0].Package)
	assert.Regexp(t, `\.zip$`, template.Resource(t, "AWS::Lambda::Function", "count").Properties["Code"].(map[string]any)["S3Key"])
}

func TestAPrebuiltHandlerIsKnownByItsBytes(t *testing.T) {
	stacktest.Synth(t, app(shop), dev) // starts Node, which is looked for from the working folder
	root := t.TempDir()
	t.Chdir(root)
	require.NoError(t, os.WriteFile("go.mod", []byte("module example.com/shop\n"), 0o644))
	write := func(content string, mode os.FileMode) {
		require.NoError(t, os.MkdirAll("functions/resize/dist", 0o755))
		require.NoError(t, os.WriteFile("functions/resize/dist/index.mjs", []byte(content), mode))
		require.NoError(t, os.Chmod("functions/resize/dist/index.mjs", mode))
	}
	synthesize := func() (string, error) {
		document, err := app(func(s *stack.Stack) { stack.NewFunction(s, "resize", stack.FunctionConfig{Prebuilt: &prebuilt}) }).
			Synthesize(stack.Synthesis{Stages: []stages.Stage{dev}, Outdir: filepath.Join(root, "out")})
		if err != nil {
			return "", err
		}
		return document.Stages[0].Functions[0].Digest, nil
	}
	_, err := synthesize()
	require.Error(t, err)
	messages.Provoked(t, err.Error())
	require.Contains(t, withoutLines(err.Error()), `function "resize": Prebuilt.Path is "./functions/resize/dist", which is not there; it must be a folder, or a file that ends in ".zip". Build the handler before the program runs, or correct the path.`)
	digests := map[string]bool{}
	for _, version := range []struct {
		content string
		mode    os.FileMode
	}{{"one", 0o644}, {"two", 0o644}, {"two", 0o755}, {"one", 0o644}} {
		write(version.content, version.mode)
		digest, err := synthesize()
		require.NoError(t, err)
		digests[digest] = true
	}
	assert.Len(t, digests, 3)

	require.NoError(t, os.Symlink("dist", "functions/resize/linked"))
	prebuilt := prebuilt
	prebuilt.Path = "./functions/resize/linked"
	digest := func() string {
		document, err := app(func(s *stack.Stack) { stack.NewFunction(s, "resize", stack.FunctionConfig{Prebuilt: &prebuilt}) }).
			Synthesize(stack.Synthesis{Stages: []stages.Stage{dev}, Outdir: filepath.Join(root, "out")})
		require.NoError(t, err)
		return document.Stages[0].Functions[0].Digest
	}
	assert.True(t, digests[digest()], "a link is what it leads to")
	require.NoError(t, os.Symlink("..", "functions/resize/dist/back"))
	_, err = synthesize()
	messages.ErrorContains(t, err, "a link leads back to a folder that it is in")
}

func TestProvisionedConcurrencyBringsAnAliasThatEverythingInvokes(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		fn := stack.NewFunction(s, "get", with(func(c *stack.FunctionConfig) {
			c.ProvisionedConcurrency, c.ReservedConcurrency, c.URL, c.Async = 2, 5, &stack.URLConfig{}, &stack.AsyncConfig{}
		}))
		stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{}).Route("GET /", fn)
		stack.NewQueue(s, "orders", stack.QueueConfig{}).Triggers(fn, stack.QueueTriggerConfig{})
		stack.NewFunction(s, "caller", code()).Allow(fn.Invoke())
	}), dev)
	alias := template.Resource(t, "AWS::Lambda::Alias", "get")
	assert.Equal(t, "live", alias.Properties["Name"])
	assert.Equal(t, map[string]any{"ProvisionedConcurrentExecutions": 2.0}, alias.Properties["ProvisionedConcurrencyConfig"])
	assert.Equal(t, 5.0, template.Resource(t, "AWS::Lambda::Function", "get").Properties["ReservedConcurrentExecutions"])

	ref := map[string]any{"Ref": alias.LogicalID}
	assert.Equal(t, ref, template.Resource(t, "AWS::Lambda::EventSourceMapping", "get").Properties["FunctionName"])
	assert.Equal(t, ref, template.Resource(t, "AWS::ApiGatewayV2::Integration", "api").Properties["IntegrationUri"])
	for _, permission := range template.Resources("AWS::Lambda::Permission") {
		assert.Equal(t, ref, permission.Properties["FunctionName"])
	}
	assert.Equal(t, "live", template.Resource(t, "AWS::Lambda::Url", "get").Properties["Qualifier"])
	assert.Contains(t, template.Resource(t, "AWS::Lambda::EventInvokeConfig", "get").Properties, "Qualifier")
	assert.Contains(t, rights(t, template, "caller"), allowance("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:111111111111:function:dev-shop-get:live"))
	assert.Equal(t, map[string]any{"Variables": map[string]any{"GET_FUNCTION": "dev-shop-get:live"}},
		template.Resource(t, "AWS::Lambda::Function", "caller").Properties["Environment"])
}

func TestATracedFunctionMayWriteTracesAndNoMore(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		stack.NewFunction(s, "get", with(func(c *stack.FunctionConfig) { c.Tracing = true }))
	}), dev)
	assert.Equal(t, []any{allowance([]any{"xray:PutTelemetryRecords", "xray:PutTraceSegments"}, "*")}, rights(t, template, "get")[1:])
	assert.Equal(t, map[string]any{"Mode": "Active"}, template.Resource(t, "AWS::Lambda::Function", "get").Properties["TracingConfig"])
}

func TestALayerMayBeOfTheStagesRegion(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		stack.NewFunction(s, "get", with(func(c *stack.FunctionConfig) {
			c.Layers = []string{"arn:aws:lambda:us-east-1:123456789012:layer:one:1", "arn:aws:lambda:${AWS::Region}:123456789012:layer:two:2"}
		}))
	}), dev)
	assert.Equal(t, []any{
		"arn:aws:lambda:us-east-1:123456789012:layer:one:1",
		map[string]any{"Fn::Sub": "arn:aws:lambda:${AWS::Region}:123456789012:layer:two:2"},
	}, template.Resource(t, "AWS::Lambda::Function", "get").Properties["Layers"])
}

func TestAURLIsPublicOnlyWhereItsConfigSaysSo(t *testing.T) {
	define := func(url stack.URLConfig) func(s *stack.Stack) {
		return func(s *stack.Stack) {
			stack.NewFunction(s, "get-order", with(func(c *stack.FunctionConfig) { c.URL = &url }))
		}
	}
	closed := stacktest.Synth(t, app(define(stack.URLConfig{})), dev)
	assert.Equal(t, "AWS_IAM", closed.Resource(t, "AWS::Lambda::Url", "get-order").Properties["AuthType"])
	assert.Empty(t, closed.Resources("AWS::Lambda::Permission"))
	assert.Contains(t, closed.Body["Outputs"], "GetOrderURL")

	open := stacktest.Synth(t, app(define(stack.URLConfig{Public: true, Origins: []string{"*"}, Stream: true})), dev)
	url := open.Resource(t, "AWS::Lambda::Url", "get-order").Properties
	assert.Equal(t, "NONE", url["AuthType"])
	assert.Equal(t, "RESPONSE_STREAM", url["InvokeMode"])
	assert.Equal(t, map[string]any{"AllowOrigins": []any{"*"}, "AllowMethods": []any{"*"}, "AllowHeaders": []any{"*"}}, url["Cors"])
	for _, permission := range open.Resources("AWS::Lambda::Permission") {
		assert.Equal(t, "*", permission.Properties["Principal"])
		assert.True(t, permission.Properties["FunctionUrlAuthType"] == "NONE" || permission.Properties["InvokedViaFunctionUrl"] == true)
	}
}

func TestInvokeURLGrantsTheURLOnly(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		get := stack.NewFunction(s, "get", with(func(c *stack.FunctionConfig) { c.URL = &stack.URLConfig{} }))
		stack.NewFunction(s, "caller", code()).Allow(get.InvokeURL())
	}), dev)
	through := allowance("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:111111111111:function:dev-shop-get:live")
	through["Condition"] = map[string]any{"Bool": map[string]any{"lambda:InvokedViaFunctionUrl": "true"}}
	assert.Equal(t, []any{
		allowance("lambda:InvokeFunctionUrl", "arn:aws:lambda:us-east-1:111111111111:function:dev-shop-get:live"), through,
	}, rights(t, template, "caller")[1:])
	assert.Equal(t, []string{"GET_URL"}, variables(template.Resource(t, "AWS::Lambda::Function", "caller").Properties))

	err := refusal(t, dev, func(s *stack.Stack) { stack.NewFunction(s, "get", code()).InvokeURL() })
	assert.Equal(t, `stack/async_test.go:LINE: function "get": InvokeURL is asked for, while the function has no URL; it must be a function with a URL. Write URL: &stack.URLConfig{} in its config, or fn.Invoke().`,
		withoutLines(err.Error()))
}

func TestAFunctionInANetworkReachesNoServiceWithoutItsEndpoint(t *testing.T) {
	for service, grant := range map[string]func(s *stack.Stack) stack.Grant{
		`SQS of queue "work"`:         func(s *stack.Stack) stack.Grant { return stack.NewQueue(s, "work", stack.QueueConfig{}).Send() },
		`SNS of topic "news"`:         func(s *stack.Stack) stack.Grant { return stack.NewTopic(s, "news", stack.TopicConfig{}).Publish() },
		`EventBridge of bus "events"`: func(s *stack.Stack) stack.Grant { return stack.NewBus(s, "events", stack.BusConfig{}).Publish() },
		`the URL of function "get"`: func(s *stack.Stack) stack.Grant {
			return stack.NewFunction(s, "get", with(func(c *stack.FunctionConfig) { c.URL = &stack.URLConfig{} })).InvokeURL()
		},
	} {
		t.Run(service, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) {
				inside := stack.NewNetwork(s, "inside", stack.NetworkConfig{})
				stack.NewFunction(s, "caller", with(func(c *stack.FunctionConfig) { c.Network = inside })).Allow(grant(s))
			})
			messages.ErrorContains(t, err, `function "caller": Access is `+service+`, while network "inside" places the function in a network without internet`)
		})
	}
}

func TestEventsThatFailAreKept(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		stack.NewFunction(s, "get", with(func(c *stack.FunctionConfig) { c.Async = &stack.AsyncConfig{NoRetries: true, MaxAge: time.Hour} }))
	}), dev)
	queue := template.Resource(t, "AWS::SQS::Queue", "get")
	assert.Equal(t, "dev-shop-get-failures", queue.Properties["QueueName"])
	assert.Equal(t, map[string]any{
		"FunctionName": map[string]any{"Ref": template.Resource(t, "AWS::Lambda::Function", "get").LogicalID}, "Qualifier": "$LATEST",
		"MaximumRetryAttempts": 0.0, "MaximumEventAgeInSeconds": 3600.0,
		"DestinationConfig": map[string]any{"OnFailure": map[string]any{"Destination": attribute(queue.LogicalID, "Arn")}},
	}, template.Resource(t, "AWS::Lambda::EventInvokeConfig", "get").Properties)
	assert.Equal(t, []any{allowance("sqs:SendMessage", attribute(queue.LogicalID, "Arn"))}, rights(t, template, "get")[1:])
}

func TestWhatFailedCanBeLookedInto(t *testing.T) {
	define := func(s *stack.Stack) {
		fn := stack.NewFunction(s, "get", with(func(c *stack.FunctionConfig) { c.Stages = stages.Except(production) }))
		fn.Failures().Triggers(stack.NewFunction(s, "look", code()), stack.QueueTriggerConfig{})
		stack.NewFunction(s, "redrive", code()).Allow(fn.Failures().Consume().Optional())
	}
	here := stacktest.Synth(t, app(define), dev)
	assert.Len(t, here.Resources("AWS::Lambda::EventSourceMapping"), 1)
	assert.Len(t, here.Resources("AWS::Lambda::EventInvokeConfig"), 1)
	assert.Equal(t, []string{"GET_FAILURES_QUEUE_URL"}, variables(here.Resource(t, "AWS::Lambda::Function", "redrive").Properties))
	assert.Empty(t, stacktest.Synth(t, app(define), production).Resources("AWS::Lambda::EventSourceMapping"))
}

func TestEventsThatFailMayGoToAQueueOfTheUsers(t *testing.T) {
	define := func(queue stack.QueueConfig) func(s *stack.Stack) {
		return func(s *stack.Stack) {
			queue.NoDeadLetterQueue = true
			failed := stack.NewQueue(s, "failed", queue)
			stack.NewFunction(s, "get", with(func(c *stack.FunctionConfig) { c.Async = &stack.AsyncConfig{Failures: failed} }))
		}
	}
	assert.Len(t, stacktest.Synth(t, app(define(stack.QueueConfig{})), dev).Resources("AWS::SQS::Queue"), 1)
	for name, tt := range map[string]struct {
		queue stack.QueueConfig
		want  string
	}{
		"not to a FIFO queue": {
			stack.QueueConfig{FIFO: true},
			`Async.Failures is FIFO queue "failed", to which Lambda cannot send; it must be a standard queue. Leave out FIFO there, or Failures here.`,
		},
		"not to a queue that is not there": {
			stack.QueueConfig{Stages: stages.Only(production)},
			`Async.Failures is queue "failed", which some stage that has the function does not have; it must be a queue of every stage of the function. Give both the same Stages, or leave Failures out.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, define(tt.queue))
			assert.Equal(t, `stack/async_test.go:LINE: function "get": `+tt.want, withoutLines(err.Error()))
		})
	}
}

func TestWrongFeaturesOfFunctionsAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*stack.FunctionConfig)
		want   string
	}{
		"a package and a prebuilt handler": {
			func(c *stack.FunctionConfig) { c.Prebuilt = &prebuilt },
			`Package is "./functions/f", while Prebuilt.Path is "./functions/resize/dist"; it must be the only one of the two. Leave the other out.`,
		},
		"a prebuilt handler outside the module": {
			func(c *stack.FunctionConfig) {
				c.Package, c.Prebuilt = "", &stack.PrebuiltConfig{Path: "/tmp/x", Runtime: "nodejs24.x", Handler: "x"}
			},
			`Prebuilt.Path is "/tmp/x"; it must be a folder or a zip file of the module, beginning with "./". Write Path: "./functions/resize/dist".`,
		},
		"a runtime that is none": {
			func(c *stack.FunctionConfig) {
				c.Package, c.Prebuilt = "", &stack.PrebuiltConfig{Path: "./x", Runtime: "Node 24", Handler: "x"}
			},
			`Prebuilt.Runtime is "Node 24"; it must be the identifier of a runtime of Lambda. Write Runtime: "nodejs24.x".`,
		},
		"no handler": {
			func(c *stack.FunctionConfig) {
				c.Package, c.Prebuilt = "", &stack.PrebuiltConfig{Path: "./x", Runtime: "nodejs24.x"}
			},
			`Prebuilt.Handler is ""; it must be what the runtime calls, at most 128 characters. Write Handler: "index.handler".`,
		},
		"too little storage": {
			func(c *stack.FunctionConfig) { c.EphemeralStorage = 256 },
			`EphemeralStorage is 256; it must be 512 to 10240 MiB. Write EphemeralStorage: 1024, or leave it out.`,
		},
		"a reserve below nothing": {
			func(c *stack.FunctionConfig) { c.ReservedConcurrency = -1 },
			`ReservedConcurrency is -1; it must be 1 and above, at most 2147483647. Write ReservedConcurrency: 10, or leave it out.`,
		},
		"fewer instances than none": {
			func(c *stack.FunctionConfig) { c.ProvisionedConcurrency = -1 },
			`ProvisionedConcurrency is -1; it must be 1 and above, at most 2147483647. Write ProvisionedConcurrency: 2, or leave it out.`,
		},
		"more instances than may run": {
			func(c *stack.FunctionConfig) { c.ProvisionedConcurrency, c.ReservedConcurrency = 5, 3 },
			`ProvisionedConcurrency is 5, while ReservedConcurrency is 3; it must be at most ReservedConcurrency. Raise the one or lower the other.`,
		},
		"a layer without a version": {
			func(c *stack.FunctionConfig) { c.Layers = []string{"arn:aws:lambda:us-east-1:123456789012:layer:x"} },
			`Layers is "arn:aws:lambda:us-east-1:123456789012:layer:x"; it must be the ARN of a layer's version. Write "arn:aws:lambda:${AWS::Region}:123456789012:layer:name:1".`,
		},
		"too many layers": {
			func(c *stack.FunctionConfig) { c.Layers = make([]string, 6) }, `Layers is 6 layers; it must be at most 5. Join some of them.`,
		},
		"an origin that is a path": {
			func(c *stack.FunctionConfig) { c.URL = &stack.URLConfig{Origins: []string{"https://example.com/"}} },
			`URL.Origins is "https://example.com/"; it must be the scheme and host of a page, or *. Write Origins: []string{"https://example.com"}.`,
		},
		"more retries than Lambda makes": {
			func(c *stack.FunctionConfig) { c.Async = &stack.AsyncConfig{Retries: 3} },
			`Async.Retries is 3; it must be 1 to 2. Write Retries: 1, or leave it out.`,
		},
		"retries and none": {
			func(c *stack.FunctionConfig) { c.Async = &stack.AsyncConfig{Retries: 1, NoRetries: true} },
			`Async.NoRetries is true, while Async.Retries is 1; it must be the only one of the two. Leave the other out.`,
		},
		"an age below Lambda's": {
			func(c *stack.FunctionConfig) { c.Async = &stack.AsyncConfig{MaxAge: time.Second} },
			`Async.MaxAge is 1s; it must be 1m to 6h in whole seconds. Write MaxAge: time.Hour, or leave it out.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) { stack.NewFunction(s, "get", with(tt.change)) })
			assert.Equal(t, `stack/async_test.go:LINE: function "get": `+tt.want, withoutLines(err.Error()))
		})
	}
}
