package stack_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

const someCertificate = "arn:aws:acm:us-east-1:333333333333:certificate/1234abcd-12ab-34cd-56ef-1234567890ab" // of production

const devCertificate = "arn:aws:acm:us-east-1:111111111111:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"

func someDomain() *stack.DomainConfig {
	return &stack.DomainConfig{Name: "api.example.com", Certificate: someCertificate}
}

func tokens() stack.JWTAuthorizerConfig {
	return stack.JWTAuthorizerConfig{Issuer: "https://login.example.com", Audience: []string{"shop"}}
}

func init() {
	api := func(s *stack.Stack, config stack.HTTPAPIConfig) *stack.HTTPAPI {
		api := stack.NewHTTPAPI(s, "a", config)
		api.Route("GET /", stack.NewFunction(s, "f", code()))
		return api
	}
	settings = append(settings, setting{
		zero: stack.CORSConfig{Origins: []string{"https://example.com"}},
		make: func(s *stack.Stack, config any) {
			cors := config.(stack.CORSConfig)
			api(s, stack.HTTPAPIConfig{CORS: &cors})
		},
		values: map[string]any{
			"Origins": []string{"*"}, "Methods": []string{"GET"}, "Headers": []string{"X-Trace"}, "ExposedHeaders": []string{"X-Trace"},
			"Credentials": true, "MaxAge": time.Hour,
		},
	}, setting{
		zero: stack.ThrottleConfig{Rate: 5},
		make: func(s *stack.Stack, config any) {
			throttle := config.(stack.ThrottleConfig)
			api(s, stack.HTTPAPIConfig{Throttle: &throttle})
		},
		values: map[string]any{"Rate": 7, "Burst": 9},
	}, setting{
		stage: "production", // a domain is one stage's, and ephemeral stages are of dev
		zero:  *someDomain(),
		make: func(s *stack.Stack, config any) {
			domain := config.(stack.DomainConfig)
			api(s, stack.HTTPAPIConfig{Domain: &domain})
		},
		values: map[string]any{
			"Name": "www.example.com", "Certificate": someCertificate + "0", "Stages": stages.Only(dev), "Only": true,
		},
	}, setting{
		zero: stack.RouteConfig{},
		make: func(s *stack.Stack, config any) {
			users := stack.NewJWTAuthorizer(s, "users", tokens())
			api := stack.NewHTTPAPI(s, "a", stack.HTTPAPIConfig{Authorizer: users})
			api.Route("GET /", stack.NewFunction(s, "f", code()), config.(stack.RouteConfig))
		},
		values: map[string]any{"Authorizer": stack.Public(), "Scopes": []string{"read"}, "Throttle": &stack.ThrottleConfig{Rate: 1}},
	}, setting{
		zero: tokens(),
		make: func(s *stack.Stack, config any) {
			api(s, stack.HTTPAPIConfig{Authorizer: stack.NewJWTAuthorizer(s, "users", config.(stack.JWTAuthorizerConfig))})
		},
		values: map[string]any{"Issuer": "https://id.example.com", "Audience": []string{"office"}, "Source": "$request.header.X-Token"},
	}, setting{
		zero: stack.LambdaAuthorizerConfig{},
		make: func(s *stack.Stack, config any) {
			asks := config.(stack.LambdaAuthorizerConfig)
			if asks.Function == nil {
				asks.Function = stack.NewFunction(s, "decide", code())
			}
			api(s, stack.HTTPAPIConfig{Authorizer: stack.NewLambdaAuthorizer(s, "guard", asks)})
		},
		values: map[string]any{
			"Sources": []string{"$request.querystring.key"}, "Cache": time.Minute,
			"Function": componentValue(func(s *stack.Stack) any { return stack.NewFunction(s, "another", code()) }),
		},
	})
}

func TestEveryRequestIsLoggedInAGroupOfTheAPIsOwn(t *testing.T) {
	define := func(config stack.HTTPAPIConfig) func(s *stack.Stack) {
		return func(s *stack.Stack) { stack.NewHTTPAPI(s, "api", config) }
	}
	template := stacktest.Synth(t, app(define(stack.HTTPAPIConfig{})), dev)
	group := template.Resource(t, "AWS::Logs::LogGroup", "api")
	assert.Equal(t, "/aws/vendedlogs/apigateway/dev-shop-api", group.Properties["LogGroupName"])
	log := template.Resource(t, "AWS::ApiGatewayV2::Stage", "api").Properties["AccessLogSettings"].(map[string]any)
	assert.Equal(t, map[string]any{"Fn::GetAtt": []any{group.LogicalID, "Arn"}}, log["DestinationArn"])
	var line map[string]string
	require.NoError(t, json.Unmarshal([]byte(log["Format"].(string)), &line), "a line is JSON")
	assert.Equal(t, "$context.requestId", line["requestId"])
	assert.NotContains(t, log["Format"], "\n")

	quiet := stacktest.Synth(t, app(define(stack.HTTPAPIConfig{NoAccessLog: true})), dev)
	assert.Empty(t, quiet.Resources("AWS::Logs::LogGroup"))
}

func TestCORSIsAnsweredByTheAPI(t *testing.T) {
	for name, tt := range map[string]struct {
		config stack.CORSConfig
		want   map[string]any
	}{
		"every method and header by default": {
			stack.CORSConfig{Origins: []string{"https://example.com"}},
			map[string]any{"AllowOrigins": []any{"https://example.com"}, "AllowMethods": []any{"*"}, "AllowHeaders": []any{"*"}},
		},
		"no star with credentials": {
			stack.CORSConfig{Origins: []string{"https://example.com"}, Credentials: true, MaxAge: time.Minute},
			map[string]any{
				"AllowOrigins": []any{"https://example.com"}, "AllowHeaders": []any{"authorization", "content-type"}, "AllowCredentials": true, "MaxAge": 60.0,
				"AllowMethods": []any{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			template := stacktest.Synth(t, app(func(s *stack.Stack) { stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{CORS: &tt.config}) }), dev)
			assert.Equal(t, tt.want, template.Resource(t, "AWS::ApiGatewayV2::Api", "api").Properties["CorsConfiguration"])
		})
	}
}

func TestARouteAsksItsOwnAuthorizerOrTheAPIs(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		users := stack.NewJWTAuthorizer(s, "users", tokens())
		guard := stack.NewLambdaAuthorizer(s, "guard", stack.LambdaAuthorizerConfig{Function: stack.NewFunction(s, "decide", code())})
		api, other := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{Authorizer: users}), stack.NewHTTPAPI(s, "other", stack.HTTPAPIConfig{Authorizer: users})
		fn := stack.NewFunction(s, "get", code())
		api.Route("GET /orders", fn)
		api.Route("POST /orders", fn, stack.RouteConfig{Scopes: []string{"write"}})
		api.Route("GET /health", fn, stack.RouteConfig{Authorizer: stack.Public()})
		api.Route("GET /admin", fn, stack.RouteConfig{Authorizer: guard})
		api.Route("ANY /internal/{path+}", fn, stack.RouteConfig{Authorizer: stack.IAM()})
		other.Route("GET /", fn)
	}), dev)
	asked := map[any][]any{}
	for _, route := range template.Resources("AWS::ApiGatewayV2::Route") {
		asked[route.Properties["RouteKey"]] = []any{route.Properties["AuthorizationType"], route.Properties["AuthorizationScopes"]}
	}
	assert.Equal(t, map[any][]any{
		"GET /orders": {"JWT", nil}, "POST /orders": {"JWT", []any{"write"}}, "GET /health": {"NONE", nil}, "GET /admin": {"CUSTOM", nil},
		"ANY /internal/{path+}": {"AWS_IAM", nil}, "GET /": {"JWT", nil},
	}, asked)
	kinds := map[any]int{}
	for _, authorizer := range template.Resources("AWS::ApiGatewayV2::Authorizer") {
		kinds[authorizer.Properties["AuthorizerType"]]++
		if authorizer.Properties["AuthorizerType"] == "REQUEST" {
			assert.Equal(t, 0.0, authorizer.Properties["AuthorizerResultTtlInSeconds"], "every request is decided on")
			assert.Equal(t, true, authorizer.Properties["EnableSimpleResponses"])
		}
	}
	assert.Equal(t, map[any]int{"JWT": 2, "REQUEST": 1}, kinds, "one for each API that asks it")
}

func TestInvokeOfAnAPIGrantsTheRoutesThatIAMDecidesOn(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		api, fn := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{}), stack.NewFunction(s, "get", code())
		caller := stack.NewFunction(s, "call", code())
		caller.Allow(api.Invoke())
		api.Route("GET /", fn)
		api.Route("GET /orders/{id}", fn, stack.RouteConfig{Authorizer: stack.IAM()})
		api.Route("ANY /files/{path+}", fn, stack.RouteConfig{Authorizer: stack.IAM()})
	}), dev)
	arn := func(route string) any {
		return map[string]any{"Fn::Join": []any{"", []any{
			"arn:aws:execute-api:us-east-1:111111111111:", map[string]any{"Ref": template.Resource(t, "AWS::ApiGatewayV2::Api", "api").LogicalID}, "/$default/" + route,
		}}}
	}
	assert.Equal(t, []any{allowance("execute-api:Invoke", []any{arn("*/files/*"), arn("GET/orders/*")})}, sorted(rights(t, template, "call")[1:]))
	assert.Equal(t, []string{"API_URL"}, variables(template.Resource(t, "AWS::Lambda::Function", "call").Properties))
}

// sorted has the resources of statements in the order of their texts.
func sorted(statements []any) []any {
	for _, st := range statements {
		resources := st.(map[string]any)["Resource"].([]any)
		if len(resources) == 2 && fmt.Sprint(resources[0]) > fmt.Sprint(resources[1]) {
			resources[0], resources[1] = resources[1], resources[0]
		}
	}
	return statements
}

func TestRequestsAreThrottledByAPIAndByRoute(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{Throttle: &stack.ThrottleConfig{Rate: 100, Burst: 200}})
		fn := stack.NewFunction(s, "get", code())
		api.Route("GET /v1.0/orders", fn, stack.RouteConfig{Throttle: &stack.ThrottleConfig{Rate: 5}})
		api.Route("GET /cheap", fn)
	}), dev)
	resource := template.Resource(t, "AWS::ApiGatewayV2::Stage", "api")
	assert.Equal(t, map[string]any{"ThrottlingRateLimit": 100.0, "ThrottlingBurstLimit": 200.0}, resource.Properties["DefaultRouteSettings"])
	assert.Equal(t, map[string]any{"GET /v1.0/orders": map[string]any{"ThrottlingRateLimit": 5.0, "ThrottlingBurstLimit": 5.0}}, resource.Properties["RouteSettings"])
	assert.Len(t, resource.DependsOn, 1, "the route that the settings name")
}

func TestADomainIsAComponentOfItsOwn(t *testing.T) {
	define := func(s *stack.Stack) {
		stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{Domain: &stack.DomainConfig{
			Name: stages.Pick(s, "", stages.When(staging, "staging.example.com"), stages.When(production, "example.com")), Stages: stages.Except(dev),
			Certificate: stages.Pick(s, "", stages.When(stages.Except(dev), someCertificate)), Only: true,
		}})
	}
	assert.Empty(t, stacktest.Synth(t, app(define), dev).Resources("AWS::ApiGatewayV2::DomainName"))
	template := stacktest.Synth(t, app(define), production)
	domain := template.Resource(t, "AWS::ApiGatewayV2::DomainName", "api")
	assert.Equal(t, "example.com", domain.Properties["DomainName"])
	assert.Equal(t, []any{map[string]any{"CertificateArn": someCertificate, "EndpointType": "REGIONAL", "SecurityPolicy": "TLS_1_2"}}, domain.Properties["DomainNameConfigurations"])
	assert.Equal(t, map[string]any{
		"ApiId":      map[string]any{"Ref": template.Resource(t, "AWS::ApiGatewayV2::Api", "api").LogicalID},
		"DomainName": map[string]any{"Ref": domain.LogicalID},
		"Stage":      map[string]any{"Ref": template.Resource(t, "AWS::ApiGatewayV2::Stage", "api").LogicalID},
	}, template.Resource(t, "AWS::ApiGatewayV2::ApiMapping", "api").Properties)
	outputs := template.Body["Outputs"].(map[string]any)
	assert.Equal(t, map[string]any{"Value": "https://example.com"}, outputs["ApiDomainURL"])
	assert.Equal(t, map[string]any{"Value": "https://example.com"}, outputs["ApiURL"], "the only way in")
	assert.Contains(t, outputs, "ApiDomainTarget")
	assert.Contains(t, outputs, "ApiDomainZone")
	assert.Equal(t, true, template.Resource(t, "AWS::ApiGatewayV2::Api", "api").Properties["DisableExecuteApiEndpoint"])
}

func TestWrongHTTPAPIConfigsAreRefused(t *testing.T) {
	page := []string{"https://example.com"}
	for name, tt := range map[string]struct {
		config stack.HTTPAPIConfig
		want   string
	}{
		"CORS for nobody":     {stack.HTTPAPIConfig{CORS: &stack.CORSConfig{}}, `CORS.Origins is empty; it must be a list of at least one origin. Write Origins: []string{"https://example.com"}.`},
		"CORS for a path":     {stack.HTTPAPIConfig{CORS: &stack.CORSConfig{Origins: []string{"https://example.com/"}}}, `CORS.Origins is "https://example.com/"; it must be the scheme and host of a page, or *. Write Origins: []string{"https://example.com"}.`},
		"CORS for any method": {stack.HTTPAPIConfig{CORS: &stack.CORSConfig{Origins: page, Methods: []string{"ANY"}}}, `CORS.Methods is "ANY"; it must be DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT or *. Write Methods: []string{"GET", "POST"}, or leave it out.`},
		"CORS with credentials for all": {
			stack.HTTPAPIConfig{CORS: &stack.CORSConfig{Origins: []string{"*"}, Credentials: true}},
			`CORS.Origins is "*", while CORS.Credentials is true; it must be a list, which is what browsers ask with credentials. Name what is allowed, or leave Credentials out.`,
		},
		"CORS with credentials and all headers": {
			stack.HTTPAPIConfig{CORS: &stack.CORSConfig{Origins: page, Headers: []string{"*"}, Credentials: true}},
			`CORS.Headers is "*", while CORS.Credentials is true; it must be a list, which is what browsers ask with credentials. Name what is allowed, or leave Credentials out.`,
		},
		"CORS with credentials that exposes all": {
			stack.HTTPAPIConfig{CORS: &stack.CORSConfig{Origins: page, ExposedHeaders: []string{"*"}, Credentials: true}},
			`CORS.ExposedHeaders is "*", while CORS.Credentials is true; it must be a list, which is what browsers ask with credentials. Name what is allowed, or leave Credentials out.`,
		},
		"CORS for days":       {stack.HTTPAPIConfig{CORS: &stack.CORSConfig{Origins: page, MaxAge: 48 * time.Hour}}, `CORS.MaxAge is 48h0m0s; it must be 1s to 24h in whole seconds. Write MaxAge: time.Hour, or leave it out.`},
		"no requests":         {stack.HTTPAPIConfig{Throttle: &stack.ThrottleConfig{}}, `Throttle.Rate is 0; it must be 1 request per second, or more. Write Rate: 100.`},
		"fewer than no burst": {stack.HTTPAPIConfig{Throttle: &stack.ThrottleConfig{Rate: 1, Burst: -1}}, `Throttle.Burst is -1; it must be 1 and above, at most 2147483647 requests. Write Burst: 200, or leave it out.`},
		"a domain that is none": {
			stack.HTTPAPIConfig{Domain: &stack.DomainConfig{Name: "https://example.com", Certificate: devCertificate}},
			`Domain.Name is "https://example.com"; it must be a domain name in lower case. Write Name: "api.example.com".`,
		},
		"a certificate that is none": {
			stack.HTTPAPIConfig{Domain: &stack.DomainConfig{Name: "example.com", Certificate: "mine"}},
			`Domain.Certificate is "mine"; it must be the ARN of a certificate of ACM. Write "arn:aws:acm:REGION:ACCOUNT:certificate/ID".`,
		},
		"a domain without a name": {
			stack.HTTPAPIConfig{Domain: &stack.DomainConfig{Certificate: devCertificate}},
			`Domain.Name is empty; it must be a domain name in every stage of the domain. Write Name: stages.Pick(s, "dev.example.com", …), or Stages.`,
		},
		"a domain without a certificate": {
			stack.HTTPAPIConfig{Domain: &stack.DomainConfig{Name: "example.com"}},
			`Domain.Certificate is empty; it must be the ARN of a certificate in every stage of the domain. Write Certificate: stages.Pick(s, …), or Stages.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) { stack.NewHTTPAPI(s, "api", tt.config) })
			assert.Equal(t, `stack/httpapi_access_test.go:LINE: HTTP API "api": `+tt.want, withoutLines(err.Error()))
		})
	}
}

func TestWrongAuthorizersAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		define func(s *stack.Stack)
		want   string
	}{
		"an issuer's configuration": {
			func(s *stack.Stack) {
				stack.NewJWTAuthorizer(s, "users", stack.JWTAuthorizerConfig{Issuer: "https://login.example.com/x/.well-known/openid-configuration", Audience: []string{"b"}})
			},
			`JWT authorizer "users": Issuer is "https://login.example.com/x/.well-known/openid-configuration"; it must be the issuer as the tokens name it, their claim iss, below which its configuration stands. Write Issuer: "https://login.example.com/x".`,
		},
		"an issuer with a question": {
			func(s *stack.Stack) {
				stack.NewJWTAuthorizer(s, "users", stack.JWTAuthorizerConfig{Issuer: "https://login.example.com?x=1", Audience: []string{"b"}})
			},
			`JWT authorizer "users": Issuer is "https://login.example.com?x=1"; it must be a URL of HTTPS. Write Issuer: "https://login.example.com".`,
		},
		"no issuer": {func(s *stack.Stack) { stack.NewJWTAuthorizer(s, "users", stack.JWTAuthorizerConfig{}) }, `JWT authorizer "users": Issuer is ""; it must be a URL of HTTPS. Write Issuer: "https://login.example.com".`},
		"no audience": {func(s *stack.Stack) {
			stack.NewJWTAuthorizer(s, "users", stack.JWTAuthorizerConfig{Issuer: "https://a"})
		}, `JWT authorizer "users": Audience is empty; it must be a list of at least one client. Write Audience: []string{"notes"}.`},
		"a token where none can be": {
			func(s *stack.Stack) {
				stack.NewJWTAuthorizer(s, "users", stack.JWTAuthorizerConfig{Issuer: "https://a", Audience: []string{"b"}, Source: "$context.identity.sourceIp"})
			},
			`JWT authorizer "users": Source is "$context.identity.sourceIp"; it must be $request.header.NAME or $request.querystring.NAME, the only places of a token. Write it so, or leave it out.`,
		},
		"a header's bare name": {
			func(s *stack.Stack) {
				stack.NewJWTAuthorizer(s, "users", stack.JWTAuthorizerConfig{Issuer: "https://a", Audience: []string{"b"}, Source: "X-Token"})
			},
			`JWT authorizer "users": Source is "X-Token"; it must be an expression such as $request.header.NAME or $request.querystring.NAME. Write it so, or leave it out.`,
		},
		"no function": {func(s *stack.Stack) { stack.NewLambdaAuthorizer(s, "guard", stack.LambdaAuthorizerConfig{}) }, `Lambda authorizer "guard": Function is missing; it must be a function. Write Function: fn with what stack.NewFunction returned.`},
		"a source without meaning": {
			func(s *stack.Stack) {
				stack.NewLambdaAuthorizer(s, "guard", stack.LambdaAuthorizerConfig{Function: stack.NewFunction(s, "decide", code()), Sources: []string{"cookie"}})
			},
			`Lambda authorizer "guard": Sources is "cookie"; it must be an expression such as $request.header.NAME or $request.querystring.NAME. Write it so, or leave it out.`,
		},
		"a decision for days": {
			func(s *stack.Stack) {
				stack.NewLambdaAuthorizer(s, "guard", stack.LambdaAuthorizerConfig{Function: stack.NewFunction(s, "decide", code()), Cache: 48 * time.Hour})
			},
			`Lambda authorizer "guard": Cache is 48h0m0s; it must be 1s to 1h in whole seconds. Write Cache: 5 * time.Minute, or leave it out.`,
		},
		"one whose function is not there, naming both ends": {
			func(s *stack.Stack) {
				decide := code()
				decide.Stages = stages.Only(production)
				guard := stack.NewLambdaAuthorizer(s, "guard", stack.LambdaAuthorizerConfig{Function: stack.NewFunction(s, "decide", decide)})
				stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{Authorizer: guard}).Route("GET /", stack.NewFunction(s, "get", code()))
			},
			`HTTP API "api": route is one that Lambda authorizer "guard" decides on, with function "decide", which some stage that has the route does not have; ` +
				`it must be a function of every stage of the route. Give the function the Stages of the API, or the route another Authorizer.`,
		},
		"scopes without tokens": {
			func(s *stack.Stack) {
				stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{}).Route("GET /", stack.NewFunction(s, "get", code()), stack.RouteConfig{Scopes: []string{"read"}})
			},
			`HTTP API "api": route "GET /" Scopes is ["read"], while its authorizer is nothing; it must be a JWT authorizer, whose tokens have scopes. Write Authorizer: with what stack.NewJWTAuthorizer returned.`,
		},
		"scopes with signatures": {
			func(s *stack.Stack) {
				stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{Authorizer: stack.IAM()}).Route("GET /", stack.NewFunction(s, "get", code()), stack.RouteConfig{Scopes: []string{"read"}})
			},
			`HTTP API "api": route "GET /" Scopes is ["read"], while its authorizer is stack.IAM(); it must be a JWT authorizer, whose tokens have scopes. Write Authorizer: with what stack.NewJWTAuthorizer returned.`,
		},
		"a route throttled to nothing": {
			func(s *stack.Stack) {
				stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{}).Route("GET /", stack.NewFunction(s, "get", code()), stack.RouteConfig{Throttle: &stack.ThrottleConfig{}})
			},
			`HTTP API "api": route "GET /" Throttle.Rate is 0; it must be 1 request per second, or more. Write Rate: 100.`,
		},
		"two configs": {
			func(s *stack.Stack) {
				stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{}).Route("GET /", stack.NewFunction(s, "get", code()), stack.RouteConfig{}, stack.RouteConfig{})
			},
			`HTTP API "api": route "GET /" is with 2 configs; it must be given one config at most. Join them.`,
		},
		"Invoke where nothing is signed": {
			func(s *stack.Stack) {
				api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{})
				stack.NewFunction(s, "get", code()).Allow(api.Invoke())
			},
			`function "get": Access is Invoke of HTTP API "api", which has no route with stack.IAM(); it must be of an API with a route that IAM decides on. Write Authorizer: stack.IAM() there, or call the API without a grant.`,
		},
		"Invoke from where no HTTP API is reached": {
			func(s *stack.Stack) {
				api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{})
				fn := stack.NewFunction(s, "get", code())
				fn.Allow(api.Invoke(), stack.NewTable(s, "orders", withDAX(stack.DAXConfig{})).Read())
			},
			`function "get": Access is Invoke of HTTP API "api", while DAX of table "orders" places the function in a network without internet; ` +
				`it must be from a network with internet, the only way to an HTTP API. Give the network NATGateways, or do that work in another function.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, `stack/httpapi_access_test.go:LINE: `+tt.want, withoutLines(refusal(t, dev, tt.define).Error()))
		})
	}
}
