package stack

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// HTTPAPIConfig says what an HTTP API of API Gateway is. Its zero value is an API with HTTPS and a URL of
// AWS's, which the stack's output <Id>URL holds.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html
type HTTPAPIConfig struct {
	// Stages says which stages have the API. Default: every stage.
	Stages stages.Selector

	// Description for people. Default: none.
	Description string

	// Override changes the L2's properties just before it is made. Default: none.
	Override func(*awsapigatewayv2.HttpApiProps)
}

func (c HTTPAPIConfig) validate() *ConfigError {
	if len(c.Description) > 1024 {
		return &ConfigError{Field: "Description", Got: fmt.Sprintf("%d characters", len(c.Description)), Want: "at most 1024", Fix: "shorten it"}
	}
	return nil
}

// HTTPAPI is an HTTP API, or knows that its stage has none.
type HTTPAPI struct {
	component

	// L2 is the CDK's construct; nil where the stage does not have the API. [HTTPAPI.With] asks first.
	L2 awsapigatewayv2.HttpApi

	routes       map[string]stages.Position
	integrations map[*Function]awsapigatewayv2integrations.HttpLambdaIntegration
}

// NewHTTPAPI makes an HTTP API without routes. A mistake panics with a [*ConfigError].
func NewHTTPAPI(s *Stack, id string, config HTTPAPIConfig) *HTTPAPI {
	api := &HTTPAPI{
		component: s.begin("HTTP API", id, config.Stages, config.validate()),
		routes:    map[string]stages.Position{}, integrations: map[*Function]awsapigatewayv2integrations.HttpLambdaIntegration{},
	}
	name := s.record(api.component, stages.HTTPAPI, "", 0)
	if !api.present {
		return api
	}
	props := &awsapigatewayv2.HttpApiProps{ApiName: jsiiconv.String(name), Description: jsiiconv.String(config.Description)}
	if config.Override != nil {
		config.Override(props)
	}
	scope := api.scope()
	api.L2 = awsapigatewayv2.NewHttpApi(scope, jsiiconv.String("API"), props)
	output := awscdk.NewCfnOutput(scope, jsiiconv.String("URL"), &awscdk.CfnOutputProps{Value: api.L2.ApiEndpoint()})
	output.OverrideLogicalId(jsiiconv.String(outputName(id) + "URL"))
	return api
}

// methods are those a route may name; ANY is every method.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
var methods = map[string]awsapigatewayv2.HttpMethod{
	"ANY": awsapigatewayv2.HttpMethod_ANY, "DELETE": awsapigatewayv2.HttpMethod_DELETE, "GET": awsapigatewayv2.HttpMethod_GET,
	"HEAD": awsapigatewayv2.HttpMethod_HEAD, "OPTIONS": awsapigatewayv2.HttpMethod_OPTIONS, "PATCH": awsapigatewayv2.HttpMethod_PATCH,
	"POST": awsapigatewayv2.HttpMethod_POST, "PUT": awsapigatewayv2.HttpMethod_PUT,
}

// routePath is a path whose segments are text, {name}, or at the end {name+}.
var routePath = regexp.MustCompile(`^/$|^(/([A-Za-z0-9._~:@!$&'()*+,;=%-]+|\{[A-Za-z0-9._:-]+\}))*(/\{[A-Za-z0-9._:-]+\+\})?$`)

// Route sends requests to a function: "POST /notes", "GET /notes/{id}", "ANY /files/{path+}". The API
// may invoke the function for this route only. Where the stage does not have the function, or the API,
// there is no route. A mistake panics with a [*ConfigError].
func (api *HTTPAPI) Route(route string, fn *Function) {
	at := stages.Caller()
	verb, path, _ := strings.Cut(route, " ")
	method, known := methods[verb]
	if !known || path == "" || !routePath.MatchString(path) {
		api.fault(at, "route", fmt.Sprintf("%q", route), `a method and a path, such as "GET /notes/{id}"`,
			"methods are ANY, DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT; a path begins with a slash and does not end with one")
	}
	if fn == nil {
		api.fault(at, "route", fmt.Sprintf("%q to no function", route), "a function", "write api.Route(route, fn) with what stack.NewFunction returned")
	}
	if first, taken := api.routes[route]; taken {
		api.fault(at, "route", fmt.Sprintf("%q again (first at %s)", route, first), "each route once", "remove one of the two")
	}
	api.routes[route] = at
	if !api.present || !fn.present {
		return
	}
	integration, made := api.integrations[fn]
	if !made {
		integration = awsapigatewayv2integrations.NewHttpLambdaIntegration(jsiiconv.String(fn.id), fn.invoked(), nil)
		api.integrations[fn] = integration
	}
	api.L2.AddRoutes(&awsapigatewayv2.AddRoutesOptions{
		Path: jsiiconv.String(path), Methods: &[]awsapigatewayv2.HttpMethod{method}, Integration: integration,
	})
}

// With reaches the L2 construct; it does nothing where the stage does not have the API.
func (api *HTTPAPI) With(change func(awsapigatewayv2.HttpApi)) *HTTPAPI {
	if api.present {
		change(api.L2)
	}
	return api
}

func (api *HTTPAPI) construct() constructs.IConstruct { return api.L2 }
