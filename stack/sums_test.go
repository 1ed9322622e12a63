package stack_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

// https://github.com/aws/aws-cdk/issues/19535: a function's policy holds 20480 bytes, thirty to fifty permissions.
func TestEightyRoutesToOneFunctionAreOnePermission(t *testing.T) {
	template := synth(t, func(s *stack.Stack) {
		web := stack.NewFunction(s, "web", code())
		api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{})
		for i := range 80 {
			api.Route(fmt.Sprintf("GET /t/{tenant}/r-%02d/{id}", i), web)
		}
	})
	assert.Len(t, template.Resources("AWS::ApiGatewayV2::Route"), 80)
	permission := template.Resource(t, "AWS::Lambda::Permission", "api")
	assert.Equal(t, "apigateway.amazonaws.com", permission.Properties["Principal"])
	assert.Equal(t, "/$default/GET/t/*/*", lastOfJoin(permission.Properties["SourceArn"]))
}

func TestAnAPIMayInvokeAFunctionForItsRoutesMethodAndPathOnly(t *testing.T) {
	template := synth(t, func(s *stack.Stack) {
		api, admin := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{}), stack.NewHTTPAPI(s, "admin", stack.HTTPAPIConfig{})
		read, write := stack.NewFunction(s, "read", code()), stack.NewFunction(s, "write", code())
		api.Route("GET /notes/{id}", read)
		api.Route("POST /notes", write)
		api.Route("PUT /notes/{id}", write)
		admin.Route("ANY /{path+}", write)
	})
	sources := map[string]string{
		"apiPermissionread": "/$default/GET/notes/*", "apiPermissionwrite": "/$default/*/notes*", "adminPermissionwrite": "/$default/*/*",
	}
	assert.Len(t, template.Resources("AWS::Lambda::Permission"), len(sources))
	for id, source := range sources {
		assert.Equal(t, source, lastOfJoin(template.Resource(t, "AWS::Lambda::Permission", id).Properties["SourceArn"]), id)
	}
}

// synth is what a definition comes to in dev.
func synth(t *testing.T, define func(s *stack.Stack)) *stacktest.Template {
	t.Helper()
	return stacktest.Synth(t, app(define), dev)
}

// lastOfJoin is the text behind the last reference of an ARN.
func lastOfJoin(value any) string {
	parts := value.(map[string]any)["Fn::Join"].([]any)[1].([]any)
	return parts[len(parts)-1].(string)
}

// https://github.com/aws/aws-cdk/issues/16303: "OverLimit: 21 statements were found in the submitted policy, max
// allowed is 20".
func TestTwentyFiveTopicsThatDeliverToOneQueueAreOneStatementOfItsPolicy(t *testing.T) {
	template := synth(t, func(s *stack.Stack) {
		inbox := stack.NewQueue(s, "inbox", stack.QueueConfig{NoDeadLetterQueue: true})
		for i := range 25 {
			stack.NewTopic(s, fmt.Sprintf("topic-%02d", i), stack.TopicConfig{}).Delivers(inbox, stack.TopicDeliveryConfig{})
		}
	})
	statements := policyStatements(template.Resource(t, "AWS::SQS::QueuePolicy", "inbox"))
	require.Len(t, statements, 2, "that of TLS, and that of the topics")
	condition := statements[1].(map[string]any)["Condition"].(map[string]any)["ArnEquals"].(map[string]any)
	assert.Len(t, condition["aws:SourceArn"], 25)
}

func policyStatements(policy stacktest.Resource) []any {
	return policy.Properties["PolicyDocument"].(map[string]any)["Statement"].([]any)
}

func TestWhatSeveralServicesSendToAQueueIsOneStatementForEach(t *testing.T) {
	template := synth(t, func(s *stack.Stack) {
		handle := stack.NewFunction(s, "handle", code())
		bus := stack.NewBus(s, "bus", stack.BusConfig{})
		for _, source := range []string{"a", "b", "c"} {
			bus.Triggers(handle, stack.EventPattern{Source: []string{source}})
			stack.NewTopic(s, "topic-"+source, stack.TopicConfig{}).Triggers(handle, stack.TopicTriggerConfig{})
		}
	})
	services := map[string]int{}
	for _, one := range policyStatements(template.Resource(t, "AWS::SQS::QueuePolicy", "handle"))[1:] {
		statement := one.(map[string]any)
		services[statement["Principal"].(map[string]any)["Service"].(string)]++
		assert.Len(t, statement["Condition"].(map[string]any)["ArnEquals"].(map[string]any)["aws:SourceArn"], 3)
	}
	assert.Equal(t, map[string]int{"events.amazonaws.com": 1, "sns.amazonaws.com": 1}, services)
}

func TestManyAlarmsThatTellATopicAreOneStatementOfItsPolicy(t *testing.T) {
	template := synth(t, func(s *stack.Stack) {
		alarms := stack.NewTopic(s, "alarms", stack.TopicConfig{})
		watched := stack.NewFunction(s, "watched", code())
		for i := range 110 {
			stack.NewAlarm(s, fmt.Sprintf("alarm-%03d", i), stack.AlarmConfig{On: watched.Errors(), Threshold: i + 1, Topic: alarms})
		}
	})
	require.Len(t, policyStatements(template.Resource(t, "AWS::SNS::TopicPolicy", "alarms")), 2)
	key := template.Resource(t, "AWS::KMS::Key", "alarms").Properties["KeyPolicy"].(map[string]any)["Statement"].([]any)
	assert.Len(t, key, 2, "the account, and CloudWatch once")
}

// https://github.com/anomalyco/sst/issues/5493: the preflight request meets the authorizer, and no browser can call.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
func TestABrowserMayAskBeforeItCallsAGuardedRouteOfEveryMethod(t *testing.T) {
	template := synth(t, func(s *stack.Stack) {
		api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{
			Authorizer: stack.NewJWTAuthorizer(s, "tokens", tokens()), CORS: &stack.CORSConfig{Origins: []string{"https://example.com"}},
		})
		web := stack.NewFunction(s, "web", code())
		api.Route("ANY /{proxy+}", web)
		api.Route("ANY /open", web, stack.RouteConfig{Authorizer: stack.Public()})
		api.Route("ANY /own", web)
		api.Route("OPTIONS /own", web, stack.RouteConfig{Authorizer: stack.Public()})
		api.Route("GET /one", web)
	})
	routes := map[string]string{}
	for _, route := range template.Resources("AWS::ApiGatewayV2::Route") {
		routes[route.Properties["RouteKey"].(string)] = route.Properties["AuthorizationType"].(string)
	}
	assert.Equal(t, map[string]string{
		"ANY /{proxy+}": "JWT", "OPTIONS /{proxy+}": "NONE", "ANY /open": "NONE", "ANY /own": "JWT", "OPTIONS /own": "NONE", "GET /one": "JWT",
	}, routes)
}

func TestAnAPIWithoutCORSHasTheRoutesThatAreWritten(t *testing.T) {
	template := synth(t, func(s *stack.Stack) {
		api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{Authorizer: stack.IAM()})
		api.Route("ANY /{proxy+}", stack.NewFunction(s, "web", code()))
	})
	assert.Len(t, template.Resources("AWS::ApiGatewayV2::Route"), 1)
}

func TestAnOptionsRouteThatAnAuthorizerDecidesOnIsRefusedBesideCORS(t *testing.T) {
	_, err := stacktest.TrySynth(t, app(func(s *stack.Stack) {
		api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{Authorizer: stack.IAM(), CORS: &stack.CORSConfig{Origins: []string{"*"}}})
		api.Route("OPTIONS /notes", stack.NewFunction(s, "web", code()))
	}), dev)
	var problem *stack.ConfigError
	require.ErrorAs(t, err, &problem)
	assert.Contains(t, problem.Field, `route "OPTIONS /notes"`)
	assert.True(t, strings.HasSuffix(problem.At.File, "sums_test.go"), problem.At)
}

// allow gives a function's role rights on so many objects of S3, each in a statement of some 170 characters.
func allow(fn *stack.Function, statements int) {
	fn.With(func(l2 awslambda.Function) {
		for i := range statements {
			actions, resources := []*string{text("s3:GetObject")}, []*string{text(fmt.Sprintf("arn:aws:s3:::%s%03d/%0100d/*", *l2.Node().Scope().Node().Id(), i, i))}
			// One condition each, or the CDK would join them.
			l2.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Actions: &actions, Resources: &resources, Conditions: &map[string]any{"StringEquals": map[string]any{"aws:PrincipalTag/n": fmt.Sprint(i)}},
			}))
		}
	})
}

func TestASumAboveAnAWSLimitIsRefusedWithWhatAddsMost(t *testing.T) {
	many := func(prefix string, count int, each func(id string)) {
		for i := range count {
			each(fmt.Sprintf("%s-%03d", prefix, i))
		}
	}
	for name, tt := range map[string]struct {
		define func(s *stack.Stack)
		thing  string
		got    string // a pattern
		want   string
	}{
		// "Lambda was unable to configure your environment variables because the environment variables you have
		// provided exceeded the 4KB limit. String measured: {…}"
		"variables, with what grants bring": {func(s *stack.Stack) {
			config := code()
			config.Environment = map[string]string{"TEXT": strings.Repeat("x", 3900)}
			fn := stack.NewFunction(s, "web", config)
			many("queue-of-a-long-name", 3, func(id string) { fn.Allow(stack.NewQueue(s, id, stack.QueueConfig{NoDeadLetterQueue: true}).Send()) })
		}, `function "web"`, `^4\d{3} bytes of variables, to which TEXT \(3910\), QUEUE_OF_A_LONG_NAME_000_QUEUE_URL \(\d+\), QUEUE_OF_A_LONG_NAME_001_QUEUE_URL \(\d+\) add most$`, "at most 4096"},
		// "Maximum policy size of 10240 bytes exceeded for role"
		"the inline policies of a role": {func(s *stack.Stack) {
			allow(stack.NewFunction(s, "web", code()), 60)
		}, `function "web"`, `^1\d{4} characters of inline policies in its role, to which rights on s3 \(1\d{4}\), rights on logs \(\d+\) add most$`, "at most 10240"},
		"the managed policies of a role": {func(s *stack.Stack) {
			stack.NewFunction(s, "web", code()).With(func(l2 awslambda.Function) {
				many("policy", 21, func(id string) {
					l2.Role().AddManagedPolicy(awsiam.ManagedPolicy_FromAwsManagedPolicyName(text(id)))
				})
			})
		}, `function "web"`, `^21 managed policies of its role$`, "at most 20"},
		// "The final policy size (20937) is bigger than the limit (20480)": https://github.com/aws/aws-cdk/issues/18369
		"the permissions of a function": {func(s *stack.Stack) {
			bus, fn := stack.NewBus(s, "events", stack.BusConfig{}), stack.NewFunction(s, "web", code())
			many("source", 90, func(id string) { bus.Triggers(fn, stack.EventPattern{Source: []string{id}}) })
		}, `function "web"`, `^2\d{4} bytes of permissions to invoke it, to which events.amazonaws.com \(2\d{4}\) add most$`, "at most 20480"},
		// https://github.com/aws/aws-cdk/issues/7732
		"the policy of a queue": {func(s *stack.Stack) {
			inbox := stack.NewQueue(s, "inbox", stack.QueueConfig{})
			many("topic-of-a-long-name", 150, func(id string) {
				stack.NewTopic(s, id, stack.TopicConfig{}).Delivers(inbox, stack.TopicDeliveryConfig{})
			})
		}, `queue "inbox"`, `^1\d{4} bytes of its policy, to which sns.amazonaws.com \(1\d{4}\), .*add most$`, "at most 8192"},
		"the policy of a topic": {func(s *stack.Stack) {
			alarms, fn := stack.NewTopic(s, "alarms", stack.TopicConfig{}), stack.NewFunction(s, "web", code())
			many("alarm-of-a-long-long-long-long-long-long-name", 300, func(id string) {
				stack.NewAlarm(s, id, stack.AlarmConfig{On: fn.Errors(), Threshold: 1, Topic: alarms})
			})
		}, `topic "alarms"`, `^3\d{4} bytes of its policy, to which cloudwatch.amazonaws.com \(3\d{4}\), .*add most$`, "at most 30720"},
		"the policy of an endpoint": {func(s *stack.Stack) {
			config := code()
			config.Network = stack.NewNetwork(s, "main", stack.NetworkConfig{})
			many("web", 4, func(id string) { allow(stack.NewFunction(s, id, config), 35) })
		}, `network "main"`, `^2\d{4} characters of an endpoint's policy, which the rights of all in the network make, to which statements on s3:GetObject \(2\d{4}\) add most$`, "at most 20480"},
		"the targets of a rule": {func(s *stack.Stack) {
			bus, fn := stack.NewBus(s, "events", stack.BusConfig{}), stack.NewFunction(s, "web", code())
			bus.Triggers(fn, stack.EventPattern{Source: []string{"a"}, Override: func(props *awsevents.CfnRuleProps) {
				targets := slices.Repeat(*props.Targets.(*[]any), 6)
				props.Targets = &targets
			}})
		}, `function "web"`, `^6 targets of a rule$`, "at most 5"},
		"the tags of a resource": {func(s *stack.Stack) {
			stack.NewQueue(s, "inbox", stack.QueueConfig{NoDeadLetterQueue: true}).With(func(l2 awssqs.Queue) {
				many("tag", 49, func(id string) { awscdk.Tags_Of(l2).Add(text(id), text("x"), nil) })
			})
		}, `queue "inbox"`, `^51 tags of a resource$`, "at most 50"},
		"the resources of a template": {func(s *stack.Stack) {
			many("topic", 251, func(id string) { stack.NewTopic(s, id, stack.TopicConfig{}) })
		}, `app "shop"`, `^502 resources of a template, to which topic "topic-000" \(2\), .* add most$`, "at most 500"},
		"the outputs of a template": {func(s *stack.Stack) {
			many("output", 201, func(id string) { awscdk.NewCfnOutput(s.CDK, text(id), &awscdk.CfnOutputProps{Value: text("x")}) })
		}, `app "shop"`, `^201 outputs of a template$`, "at most 200"},
		"the parameters of a template": {func(s *stack.Stack) {
			many("parameter", 201, func(id string) { awscdk.NewCfnParameter(s.CDK, text(id), nil) })
		}, `app "shop"`, `^202 parameters of a template$`, "at most 200"},
	} {
		t.Run(name, func(t *testing.T) {
			outdir := t.TempDir()
			_, err := app(tt.define).Synthesize(stack.Synthesis{Stages: []stages.Stage{dev}, Outdir: outdir, StubFunctions: true})
			var problem *stack.ConfigError
			require.ErrorAs(t, err, &problem)
			assert.Equal(t, tt.thing, problem.Thing)
			assert.Regexp(t, tt.got, problem.Got)
			assert.Equal(t, tt.want, problem.Want)
			assert.Contains(t, problem.Docs, "https://docs.aws.amazon.com/")
			assert.NoFileExists(t, filepath.Join(outdir, "manifest.json"), "nothing that cdk could deploy")
		})
	}
}

// A quota that AWS raises is no limit, since only the account knows it: above it there is a warning.
func TestASumAboveAQuotaThatAWSRaisesIsAWarning(t *testing.T) {
	var told bytes.Buffer
	_, err := app(func(s *stack.Stack) {
		list := func(count int, form string) (all []any) {
			for i := range count {
				all = append(all, fmt.Sprintf(form, i))
			}
			return all
		}
		resource := func(kind, id string, count int, properties map[string]any) {
			for i := range count {
				awscdk.NewCfnResource(s.CDK, text(fmt.Sprintf("%s%d", id, i)), &awscdk.CfnResourceProps{Type: text(kind), Properties: &properties})
			}
		}
		ref := func(id string) map[string]any { return map[string]any{"Ref": id} }
		resource("AWS::SNS::Topic", "News", 1, map[string]any{})
		resource("AWS::SNS::Subscription", "Filtered", 201, map[string]any{"TopicArn": ref("News0"), "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:111111111111:q", "FilterPolicy": map[string]any{"kind": []any{"x"}}})
		resource("AWS::EC2::SecurityGroup", "Group", 1, map[string]any{"GroupDescription": "x", "SecurityGroupIngress": []any{map[string]any{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "CidrIp": "10.0.0.0/16"}}})
		resource("AWS::EC2::SecurityGroupIngress", "Rule", 60, map[string]any{"GroupId": map[string]any{"Fn::GetAtt": []any{"Group0", "GroupId"}}, "IpProtocol": "tcp"})
		resource("AWS::ApiGatewayV2::Api", "Api", 1, map[string]any{"Name": "a", "ProtocolType": "HTTP"})
		resource("AWS::ApiGatewayV2::Authorizer", "Guard", 11, map[string]any{"ApiId": ref("Api0"), "Name": "a", "AuthorizerType": "JWT"})
		resource("AWS::Events::Rule", "Match", 1, map[string]any{"EventPattern": map[string]any{"source": list(100, "service-of-a-name-%d")}})
	}).Synthesize(stack.Synthesis{Stages: []stages.Stage{dev}, Outdir: t.TempDir(), StubFunctions: true, Progress: &told})
	require.NoError(t, err)
	for _, warning := range []string{
		"resource Group0 has 61 rules of a security group in one direction, and AWS takes 60 unless the account's quota was raised; ",
		"resource Match0 has 2302 characters of an event pattern, and AWS takes 2048 unless the account's quota was raised\n",
		"resource News0 has 201 subscriptions with a filter of its messages, and AWS takes 200 unless the account's quota was raised\n",
		"resource Api0 has 11 authorizers of an API, and AWS takes 10 unless the account's quota was raised; ",
	} {
		assert.Contains(t, told.String(), warning)
	}
	assert.Equal(t, 4, strings.Count(told.String(), "warning: "), told.String())
}

func TestASumCloseToAnAWSLimitIsAWarning(t *testing.T) {
	var told bytes.Buffer
	_, err := app(func(s *stack.Stack) {
		config := code()
		config.Environment = map[string]string{"TEXT": strings.Repeat("x", 3700)}
		stack.NewFunction(s, "web", config).With(func(l2 awslambda.Function) {
			for i := range 11 {
				l2.Role().AddManagedPolicy(awsiam.ManagedPolicy_FromAwsManagedPolicyName(text(fmt.Sprintf("Policy%d", i))))
			}
		})
	}).Synthesize(stack.Synthesis{Stages: []stages.Stage{dev}, Outdir: t.TempDir(), StubFunctions: true, Progress: &told})
	require.NoError(t, err)
	assert.Equal(t, "roadshow: warning: stack/sums_test.go:LINE: function \"web\" has 3711 bytes of variables, and AWS takes 4096; TEXT (3710) add most\n"+
		"roadshow: warning: stack/sums_test.go:LINE: function \"web\" has 11 managed policies of its role, and AWS takes 10 unless the account's quota was raised\n",
		withoutLines(told.String()))
}
