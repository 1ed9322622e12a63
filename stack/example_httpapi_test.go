package stack_test

import (
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// An HTTP API for the users of an identity provider, with one route for everybody.
func ExampleNewJWTAuthorizer() {
	_ = func(s *stack.Stack) {
		users := stack.NewJWTAuthorizer(s, "users", stack.JWTAuthorizerConfig{
			Issuer:   stages.Pick(s, "https://login.dev.example.com", stages.When(Production, "https://login.example.com")),
			Audience: []string{"notes"},
		})
		list := stack.NewFunction(s, "list-notes", stack.FunctionConfig{Package: "./functions/list-notes"})
		health := stack.NewFunction(s, "health", stack.FunctionConfig{Package: "./functions/health"})
		api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{Authorizer: users})
		api.Route("GET /notes", list)
		api.Route("GET /health", health, stack.RouteConfig{Authorizer: stack.Public()})
	}
}

// A route on which a function decides.
func ExampleNewLambdaAuthorizer() {
	_ = func(s *stack.Stack) {
		decide := stack.NewFunction(s, "check-key", stack.FunctionConfig{Package: "./functions/check-key"})
		keys := stack.NewLambdaAuthorizer(s, "keys", stack.LambdaAuthorizerConfig{
			Function: decide, Sources: []string{"$request.header.X-API-Key"},
		})
		list := stack.NewFunction(s, "list-notes", stack.FunctionConfig{Package: "./functions/list-notes"})
		api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{})
		api.Route("GET /notes", list, stack.RouteConfig{Authorizer: keys})
	}
}

// A function that calls another service's routes with signed requests.
func ExampleHTTPAPI_Invoke() {
	_ = func(s *stack.Stack) {
		report := stack.NewFunction(s, "report", stack.FunctionConfig{Package: "./functions/report"})
		api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{Authorizer: stack.IAM()})
		api.Route("GET /report", report)
		stack.NewFunction(s, "mail-report", stack.FunctionConfig{
			Package: "./functions/mail-report", Access: []stack.Grant{api.Invoke()},
		})
	}
}

// An HTTP API under a name of its own in production, which pages of one site may call.
func ExampleNewHTTPAPI_domain() {
	_ = func(s *stack.Stack) {
		stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{
			CORS:     &stack.CORSConfig{Origins: []string{"https://example.com"}},
			Throttle: &stack.ThrottleConfig{Rate: 100, Burst: 500},
			Domain: &stack.DomainConfig{
				Name: "api.example.com", Certificate: "arn:aws:acm:us-east-1:333333333333:certificate/1234abcd-12ab-34cd-56ef-1234567890ab",
				Stages: stages.Only(Production),
			},
		})
	}
}
