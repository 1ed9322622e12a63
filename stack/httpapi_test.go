package stack_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

func TestARouteLetsTheAPIInvokeTheFunctionForThatRouteOnly(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{})
		fn := stack.NewFunction(s, "get", code())
		api.Route("GET /orders/{id}", fn)
		api.Route("POST /orders", fn)
	}), dev)
	var routes []any
	for _, route := range template.Resources("AWS::ApiGatewayV2::Route") {
		routes = append(routes, route.Properties["RouteKey"])
	}
	assert.ElementsMatch(t, []any{"GET /orders/{id}", "POST /orders"}, routes)
	assert.Len(t, template.Resources("AWS::ApiGatewayV2::Integration"), 1, "one function is one integration")
	for _, permission := range template.Resources("AWS::Lambda::Permission") {
		assert.Equal(t, "apigateway.amazonaws.com", permission.Properties["Principal"])
		assert.Contains(t, permission.Properties, "SourceArn")
	}
}

func TestTheURLIsAnOutput(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) { stack.NewHTTPAPI(s, "public-api", stack.HTTPAPIConfig{}) }), dev)
	assert.Contains(t, template.Body["Outputs"], "PublicApiURL")
}

func TestARouteFollowsItsFunctionAndItsAPI(t *testing.T) {
	define := func(s *stack.Stack) {
		here, there := stack.HTTPAPIConfig{Stages: stages.Except(production)}, code()
		there.Stages = stages.Except(dev)
		api, fn := stack.NewHTTPAPI(s, "api", here), stack.NewFunction(s, "get", there)
		api.Route("GET /", fn)
	}
	for stage, want := range map[stages.Stage]int{dev: 0, staging: 1, production: 0} {
		assert.Len(t, stacktest.Synth(t, app(define), stage).Resources("AWS::ApiGatewayV2::Route"), want, stage.Name)
	}
}

func TestWrongRoutesAreRefused(t *testing.T) {
	for route, want := range map[string]string{
		"/orders":       `route is "/orders"; it must be a method and a path`,
		"GET orders":    `route is "GET orders"; it must be a method and a path`,
		"FETCH /orders": `route is "FETCH /orders"; it must be a method and a path`,
		"GET /orders/":  `route is "GET /orders/"; it must be a method and a path`,
		"GET /{a+}/b":   `route is "GET /{a+}/b"; it must be a method and a path`,
		"GET /or ders":  `route is "GET /or ders"; it must be a method and a path`,
		"get /orders":   `route is "get /orders"; it must be a method and a path`,
		"GET ":          `route is "GET "; it must be a method and a path`,
	} {
		t.Run(route, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) {
				stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{}).Route(route, stack.NewFunction(s, "get", code()))
			})
			messages.ErrorContains(t, err, `HTTP API "api": `+want)
		})
	}
	t.Run("a route twice", func(t *testing.T) {
		err := refusal(t, dev, func(s *stack.Stack) {
			api, fn := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{}), stack.NewFunction(s, "get", code())
			api.Route("GET /", fn)
			api.Route("GET /", fn)
		})
		assert.Equal(t, `stack/httpapi_test.go:LINE: HTTP API "api": route is "GET /" again (first at stack/httpapi_test.go:LINE); it must be there only once. Remove one of the two.`,
			withoutLines(err.Error()))
	})
	t.Run("a description above the limit", func(t *testing.T) {
		err := refusal(t, dev, func(s *stack.Stack) {
			stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{Description: strings.Repeat("x", 1025)})
		})
		assert.Contains(t, withoutLines(err.Error()), `HTTP API "api": Description is 1025 characters; it must be at most 1024. Shorten it.`)
	})
}

func TestARouteToNoFunctionIsRefused(t *testing.T) {
	err := refusal(t, dev, func(s *stack.Stack) {
		stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{}).Route("GET /", nil)
	})
	messages.ErrorContains(t, err, `HTTP API "api": route is "GET /" to no function`)
}
