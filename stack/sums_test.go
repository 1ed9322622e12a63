package stack_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
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
