package stack

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2authorizers"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// Authorizer decides who may call the routes of an HTTP API: [NewJWTAuthorizer], [NewLambdaAuthorizer],
// [IAM] or [Public]. One may serve several APIs.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control.html
type Authorizer interface {
	String() string

	// of is the L2's for one API.
	of(api *HTTPAPI, at stages.Position) awsapigatewayv2.IHttpRouteAuthorizer
}

// Public admits everybody.
func Public() Authorizer { return publicAuthorizer{} }

type publicAuthorizer struct{}

func (publicAuthorizer) String() string { return "stack.Public()" }

func (publicAuthorizer) of(*HTTPAPI, stages.Position) awsapigatewayv2.IHttpRouteAuthorizer {
	return awsapigatewayv2.NewHttpNoneAuthorizer()
}

// IAM admits callers that sign their requests and that IAM lets call the route: functions granted
// [HTTPAPI.Invoke], for instance.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
func IAM() Authorizer { return iamAuthorizer{} }

type iamAuthorizer struct{}

func (iamAuthorizer) String() string { return "stack.IAM()" }

func (iamAuthorizer) of(*HTTPAPI, stages.Position) awsapigatewayv2.IHttpRouteAuthorizer {
	return awsapigatewayv2authorizers.NewHttpIamAuthorizer()
}

// authorizationHeader is where authorizers look by default.
const authorizationHeader = "$request.header.Authorization"

// JWTAuthorizerConfig says which tokens an authorizer takes, of an issuer that speaks OpenID Connect, such
// as a user pool of Cognito.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
type JWTAuthorizerConfig struct {
	// Issuer is the URL of the tokens' issuer, their claim iss; often a pick. Required.
	Issuer string

	// Audience lists the clients that the tokens are for, their claim aud or client_id, at most 50; often a
	// pick. Required.
	Audience []string

	// Source is where a request holds its token. Default: $request.header.Authorization.
	Source string
}

// What API Gateway takes, which no quota raises.
const (
	maxAudiences  = 50 // of an authorizer
	maxScopes     = 10 // of a route
	httpAPIQuotas = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html"
)

func (c JWTAuthorizerConfig) validate() *ConfigError {
	switch issuer, err := url.Parse(c.Issuer); {
	case strings.Contains(c.Issuer, "${Token["): // the deploy knows
	case err != nil || issuer.Scheme != "https" || issuer.Host == "" || issuer.RawQuery != "" || issuer.Fragment != "" || issuer.User != nil:
		return &ConfigError{Field: "Issuer", Got: fmt.Sprintf("%q", c.Issuer), Want: "a URL of HTTPS", Fix: `write Issuer: "https://login.example.com"`}
	case strings.Contains(issuer.Path, "/.well-known/"):
		// API Gateway appends that itself, and a token's iss does not have it.
		return &ConfigError{
			Field: "Issuer", Got: fmt.Sprintf("%q", c.Issuer), Want: "the issuer as the tokens name it, their claim iss, below which its configuration stands",
			Fix: fmt.Sprintf("write Issuer: %q", c.Issuer[:strings.Index(c.Issuer, "/.well-known/")]),
		}
	}
	switch {
	case len(c.Audience) == 0:
		return &ConfigError{Field: "Audience", Got: "empty", Want: "a list of at least one client", Fix: `write Audience: []string{"notes"}`}
	case len(c.Audience) > maxAudiences:
		return &ConfigError{
			Field: "Audience", Got: fmt.Sprintf("%d clients", len(c.Audience)), Want: fmt.Sprintf("at most %d", maxAudiences), Docs: httpAPIQuotas,
			Fix: "make a second authorizer for some of them",
		}
	}
	if strings.HasPrefix(c.Source, "$") && !strings.HasPrefix(c.Source, "$request.header.") && !strings.HasPrefix(c.Source, "$request.querystring.") {
		return &ConfigError{
			Field: "Source", Got: fmt.Sprintf("%q", c.Source), Want: "$request.header.NAME or $request.querystring.NAME, the only places of a token",
			Fix: "write it so, or leave it out",
		}
	}
	return validateSource("Source", c.Source)
}

// validateSource checks where an authorizer looks.
func validateSource(field, source string) *ConfigError {
	if source != "" && !strings.HasPrefix(source, "$request.") && !strings.HasPrefix(source, "$context.") && !strings.HasPrefix(source, "$stageVariables.") {
		return &ConfigError{
			Field: field, Got: fmt.Sprintf("%q", source), Want: "an expression such as $request.header.NAME or $request.querystring.NAME",
			Fix: "write it so, or leave it out",
		}
	}
	return nil
}

// JWTAuthorizer admits callers with a token.
type JWTAuthorizer struct {
	component
	config JWTAuthorizerConfig
}

// NewJWTAuthorizer makes an authorizer that takes tokens; the routes that ask it have it made in their
// API. A mistake panics with a [*ConfigError].
func NewJWTAuthorizer(s *Stack, id string, config JWTAuthorizerConfig) *JWTAuthorizer {
	return &JWTAuthorizer{component: s.begin("JWT authorizer", id, nil, s.faultsIn(config, config.validate())), config: config}
}

func (a *JWTAuthorizer) of(*HTTPAPI, stages.Position) awsapigatewayv2.IHttpRouteAuthorizer {
	source := a.config.Source
	if source == "" {
		source = authorizationHeader
	}
	return awsapigatewayv2authorizers.NewHttpJwtAuthorizer(jsiiconv.String(a.id), jsiiconv.String(a.config.Issuer),
		&awsapigatewayv2authorizers.HttpJwtAuthorizerProps{JwtAudience: jsiiconv.Strings(a.config.Audience...), IdentitySource: jsiiconv.Strings(source)})
}

// LambdaAuthorizerConfig says which function decides.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
type LambdaAuthorizerConfig struct {
	// Function gets events.APIGatewayV2CustomAuthorizerV2Request and returns
	// events.APIGatewayV2CustomAuthorizerSimpleResponse. Required.
	Function *Function

	// Sources are what a request must have to be looked at; without them it is refused at once. Default:
	// $request.header.Authorization.
	Sources []string

	// Cache is how long a decision holds for requests with the same Sources, whatever their route, in whole
	// seconds, at most 1 hour. Default: every request is decided on.
	Cache time.Duration
}

func (c LambdaAuthorizerConfig) validate() *ConfigError {
	if c.Function == nil {
		return &ConfigError{Field: "Function", Got: "missing", Want: "a function", Fix: "write Function: fn with what stack.NewFunction returned"}
	}
	for _, source := range c.Sources {
		if problem := validateSource("Sources", source); problem != nil {
			return problem
		}
	}
	return nil
}

// LambdaAuthorizer admits callers that a function says yes to.
type LambdaAuthorizer struct {
	component
	config LambdaAuthorizerConfig
}

// NewLambdaAuthorizer makes an authorizer that asks a function; the routes that ask it have it made in
// their API. A route in a stage that does not have the function is refused. A mistake panics with a
// [*ConfigError].
func NewLambdaAuthorizer(s *Stack, id string, config LambdaAuthorizerConfig) *LambdaAuthorizer {
	return &LambdaAuthorizer{component: s.begin("Lambda authorizer", id, nil, s.faultsIn(config, config.validate())), config: config}
}

func (a *LambdaAuthorizer) of(api *HTTPAPI, at stages.Position) awsapigatewayv2.IHttpRouteAuthorizer {
	if !a.config.Function.present {
		api.fault(at, "route", fmt.Sprintf("one that %s decides on, with %s, which some stage that has the route does not have", a, a.config.Function),
			"a function of every stage of the route", "give the function the Stages of the API, or the route another Authorizer")
	}
	sources := a.config.Sources
	if len(sources) == 0 {
		sources = []string{authorizationHeader}
	}
	return awsapigatewayv2authorizers.NewHttpLambdaAuthorizer(jsiiconv.String(a.id), a.config.Function.invoked(),
		&awsapigatewayv2authorizers.HttpLambdaAuthorizerProps{
			IdentitySource: jsiiconv.Strings(sources...), ResultsCacheTtl: awscdk.Duration_Seconds(jsiiconv.Number(int(a.config.Cache.Seconds()))),
			ResponseTypes: &[]awsapigatewayv2authorizers.HttpLambdaResponseType{awsapigatewayv2authorizers.HttpLambdaResponseType_SIMPLE},
		})
}
