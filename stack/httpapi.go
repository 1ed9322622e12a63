package stack

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// HTTPAPIConfig says what an HTTP API of API Gateway is. Its zero value is an API with HTTPS, an access
// log, and a URL that AWS gives it, which the stack's output <Id>URL holds. It is public by
// being an HTTP API: everybody may call it, until an Authorizer says who may.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html
type HTTPAPIConfig struct {
	// Authorizer decides who may call a route that does not say otherwise. Default: [Public].
	Authorizer Authorizer

	// CORS lets pages of other origins call the API. Default: none, and browsers do not let them.
	CORS *CORSConfig

	// Throttle limits how many requests all routes together take. Default: the account's limits.
	Throttle *ThrottleConfig

	// Domain is a name of your own for the API. Default: none.
	Domain *DomainConfig

	// NoAccessLog keeps no log of requests. Default: a line of JSON for each, in a log group of the API's
	// own. How long it is kept stands in docs/tiers.md.
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
	NoAccessLog bool

	// Stages says which stages have the API. Default: every stage.
	Stages stages.Selector

	// Description for people, at most 1024 characters. Default: none.
	Description string

	// Override changes the L2's properties just before it is made. Default: none.
	Override func(*awsapigatewayv2.HttpApiProps)
}

// CORSConfig says which pages a browser lets call an API. API Gateway answers the browser's question
// itself; a program needs no route for OPTIONS. Behind an ANY route with an Authorizer the API has one, open to
// everybody, that leads to the same function.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
type CORSConfig struct {
	// Origins are those of the pages, such as "https://example.com" or "https://*", or "*" for all.
	// Required.
	Origins []string

	// Methods that pages may use, "*" for all. Default: all.
	Methods []string

	// Headers that pages may send, "*" for all. Default: all; with Credentials, Authorization and
	// Content-Type.
	Headers []string

	// ExposedHeaders are those of a response that pages may read. Default: those that every page may.
	ExposedHeaders []string

	// Credentials lets pages send cookies. Not together with "*" in any other field. Default: not.
	Credentials bool

	// MaxAge is how long a browser remembers the answer, in whole seconds, at most 24 hours. Default: as
	// the browser likes.
	MaxAge time.Duration
}

// ThrottleConfig limits requests; what comes above is answered with 429.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
type ThrottleConfig struct {
	// Rate is how many requests per second are taken in the long run, 1 and above. Required.
	Rate int

	// Burst is how many are taken at once, 1 and above. Default: Rate.
	Burst int
}

// DomainConfig is a domain name of your own for an API. The name's DNS is not touched: point it to what
// the outputs <Id>DomainTarget and, for an alias record of Route 53, <Id>DomainZone say. The output
// <Id>DomainURL is its URL.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-custom-domain-names.html
type DomainConfig struct {
	// Name is the domain's, such as "api.example.com": a pick, since every stage has another. Required where
	// the domain is.
	Name string

	// Certificate is the ARN of a certificate of ACM for the name, of the stage's account and region: a
	// pick, too. Required where the domain is.
	Certificate string

	// Stages says which of the API's stages have the domain. Default: every stage of the API.
	Stages stages.Selector

	// Only closes the URL that AWS gives the API, so that the domain is the only way in; <Id>URL is then the domain's.
	// Default: both are open.
	Only bool
}

// RouteConfig says what is special about one route.
type RouteConfig struct {
	// Authorizer decides who may call the route. Default: the API's.
	Authorizer Authorizer

	// Scopes are those of a token of which it must have one, at most 10, besides what the authorizer asks; with a
	// [JWTAuthorizer] only. Default: none.
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
	Scopes []string

	// Throttle limits the requests of this route, apart from the others. Default: as the API.
	Throttle *ThrottleConfig
}

func (c HTTPAPIConfig) validate() *ConfigError {
	if c.CORS != nil {
		if problem := c.CORS.validate(); problem != nil {
			return problem
		}
	}
	if c.Throttle != nil {
		if problem := c.Throttle.validate(); problem != nil {
			return problem
		}
	}
	if c.Domain != nil {
		return c.Domain.validate()
	}
	return nil
}

// originPattern is a scheme and a host, or a scheme and every host.
var originPattern = regexp.MustCompile(`^(\*|[a-z][a-z0-9+.-]*://(\*|[A-Za-z0-9.-]+(:[0-9]+)?))$`)

func (c CORSConfig) validate() *ConfigError {
	if len(c.Origins) == 0 {
		return &ConfigError{Field: "CORS.Origins", Got: "empty", Want: "a list of at least one origin", Fix: `write Origins: []string{"https://example.com"}`}
	}
	for _, origin := range c.Origins {
		if !originPattern.MatchString(origin) {
			return &ConfigError{
				Field: "CORS.Origins", Got: fmt.Sprintf("%q", origin), Want: "the scheme and host of a page, or *", Fix: `write Origins: []string{"https://example.com"}`,
			}
		}
	}
	for _, method := range c.Methods {
		if (!slices.Contains(routeMethods, method) || method == "ANY") && method != "*" {
			return &ConfigError{
				Field: "CORS.Methods", Got: fmt.Sprintf("%q", method), Want: "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT or *",
				Fix: `write Methods: []string{"GET", "POST"}, or leave it out`,
			}
		}
	}
	if c.Credentials {
		for _, list := range []struct {
			field  string
			values []string
		}{{"CORS.Origins", c.Origins}, {"CORS.Methods", c.Methods}, {"CORS.Headers", c.Headers}, {"CORS.ExposedHeaders", c.ExposedHeaders}} {
			if slices.Contains(list.values, "*") {
				return &ConfigError{
					Field: list.field, Got: `"*", while CORS.Credentials is true`, Want: "a list, which is what browsers ask with credentials",
					Fix: "name what is allowed, or leave Credentials out",
				}
			}
		}
	}
	return nil
}

func (c ThrottleConfig) validate() *ConfigError {
	switch {
	case c.Rate == 0:
		return &ConfigError{Field: "Throttle.Rate", Got: strconv.Itoa(c.Rate), Want: "1 request per second, or more", Fix: "write Rate: 100"}
	}
	return nil
}

var (
	domainName     = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,63}$`)
	certificateARN = regexp.MustCompile(`^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+$`)
)

func (c DomainConfig) validate() *ConfigError {
	switch {
	case c.Name != "" && (!domainName.MatchString(c.Name) || len(c.Name) > 253):
		return &ConfigError{Field: "Domain.Name", Got: fmt.Sprintf("%q", c.Name), Want: "a domain name in lower case", Fix: `write Name: "api.example.com"`}
	case c.Certificate != "" && !certificateARN.MatchString(c.Certificate):
		return &ConfigError{
			Field: "Domain.Certificate", Got: fmt.Sprintf("%q", c.Certificate), Want: "the ARN of a certificate of ACM",
			Fix: `write "arn:aws:acm:REGION:ACCOUNT:certificate/ID"`,
		}
	}
	return nil
}

func (c RouteConfig) validate() *ConfigError {
	if c.Throttle != nil {
		return c.Throttle.validate()
	}
	return nil
}

// props maps the config to the L2's.
func (c HTTPAPIConfig) props(name string) *awsapigatewayv2.HttpApiProps {
	props := &awsapigatewayv2.HttpApiProps{ApiName: jsiiconv.String(name), Description: jsiiconv.String(c.Description)}
	if c.CORS != nil {
		props.CorsPreflight = c.CORS.props()
	}
	return props
}

func (c CORSConfig) props() *awsapigatewayv2.CorsPreflightOptions {
	allowed, headers := c.Methods, c.Headers
	if len(allowed) == 0 {
		allowed = []string{"*"}
		if c.Credentials {
			allowed = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
		}
	}
	if len(headers) == 0 {
		headers = []string{"*"}
		if c.Credentials {
			headers = []string{"authorization", "content-type"}
		}
	}
	verbs := make([]awsapigatewayv2.CorsHttpMethod, len(allowed))
	for i, method := range allowed {
		verbs[i] = awsapigatewayv2.CorsHttpMethod(method)
		if method == "*" {
			verbs[i] = awsapigatewayv2.CorsHttpMethod_ANY
		}
	}
	props := &awsapigatewayv2.CorsPreflightOptions{
		AllowOrigins: jsiiconv.Strings(c.Origins...), AllowMethods: &verbs, AllowHeaders: jsiiconv.Strings(headers...),
		ExposeHeaders: jsiiconv.Strings(c.ExposedHeaders...),
	}
	if c.Credentials {
		props.AllowCredentials = jsiiconv.Bool(true)
	}
	if c.MaxAge != 0 {
		props.MaxAge = seconds(c.MaxAge)
	}
	return props
}

func (c ThrottleConfig) props() *awsapigatewayv2.CfnStage_RouteSettingsProperty {
	rate, burst := c.limits()
	return &awsapigatewayv2.CfnStage_RouteSettingsProperty{ThrottlingRateLimit: jsiiconv.Number(rate), ThrottlingBurstLimit: jsiiconv.Number(burst)}
}

func (c ThrottleConfig) limits() (rate, burst int) {
	if c.Burst == 0 {
		return c.Rate, c.Rate
	}
	return c.Rate, c.Burst
}

// NewHTTPAPI makes an HTTP API without routes. A mistake panics with a [*ConfigError].
func NewHTTPAPI(s *Stack, id string, config HTTPAPIConfig) *HTTPAPI {
	api := &HTTPAPI{
		component: s.begin("HTTP API", id, config.Stages, s.faultsIn(config, config.validate())), config: config,
		routes: map[route]stages.Position{}, calls: map[*Function][]route{}, integrations: map[*Function]awsapigatewayv2integrations.HttpLambdaIntegration{},
		authorizers: map[Authorizer]awsapigatewayv2.IHttpRouteAuthorizer{}, throttles: map[string]any{},
	}
	name := s.record(api.component, stages.HTTPAPI, "", 0)
	logGroup := s.record(api.component, accessLogGroup, "", 0)
	domain := config.Domain
	if domain != nil && !s.choices().Includes(id+" domain", domain.Stages, api.at) {
		domain = nil
	}
	if !api.present {
		return api
	}
	scope := api.scope()
	api.siblings = scope
	props := config.props(name)
	if domain != nil && domain.Only {
		props.DisableExecuteApiEndpoint = jsiiconv.Bool(true)
	}
	if config.Override != nil {
		config.Override(props)
	}
	api.L2 = awsapigatewayv2.NewHttpApi(scope, jsiiconv.String("API"), props)
	if config.Throttle != nil {
		api.stageResource().SetDefaultRouteSettings(config.Throttle.props())
	}
	if !config.NoAccessLog {
		api.logAccess(scope, logGroup)
	}
	if domain != nil {
		api.addDomain(scope, *domain)
	}
	if domain != nil && domain.Only {
		api.url = jsiiconv.String("https://" + domain.Name)
	} else {
		api.url = api.L2.ApiEndpoint()
	}
	api.output(scope, "URL", api.url)
	return api
}

// accessLogGroup is the log group of an API's access log. AWS lets its services write to groups below this
// prefix without a policy that would grow with each.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-vended-logs-permissions.html
var accessLogGroup = stages.Kind{
	Title: "log group", Type: "AWS::Logs::LogGroup", Property: "LogGroupName", Min: 1, Max: 512, Upper: true, Extra: "_",
	Scope: stages.ScopeRegion, Prefix: "/aws/vendedlogs/apigateway/",
	Docs: "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
}

// accessLogFormat is one line of JSON. No field can hold a quotation mark that a caller chose.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
const accessLogFormat = `{"requestId":"$context.requestId","time":"$context.requestTime","ip":"$context.identity.sourceIp",` +

	`"method":"$context.httpMethod","routeKey":"$context.routeKey","path":"$context.path","protocol":"$context.protocol",` +
	`"status":"$context.status","responseLength":"$context.responseLength","responseLatency":"$context.responseLatency",` +
	`"integrationLatency":"$context.integrationLatency","integrationStatus":"$context.integrationStatus","error":"$context.error.responseType"}`

// logAccess has every request logged.
func (api *HTTPAPI) logAccess(scope constructs.Construct, name string) {
	group := awslogs.NewLogGroup(scope, jsiiconv.String("AccessLog"), &awslogs.LogGroupProps{
		LogGroupName: jsiiconv.String(name), Retention: api.stack.retention().logRetention, RemovalPolicy: api.stack.retention().logs,
	})
	api.stageResource().SetAccessLogSettings(&awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
		DestinationArn: group.LogGroupArn(), Format: jsiiconv.String(accessLogFormat),
	})
}

// addDomain gives the API its own domain name.
func (api *HTTPAPI) addDomain(scope constructs.Construct, config DomainConfig) {
	switch {
	case config.Name == "":
		api.refusal("https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-custom-domain-names.html", api.at, "Domain.Name", "empty", "a domain name in every stage of the domain", `write Name: stages.Pick(s, "dev.example.com", …), or Stages`)
	case config.Certificate == "":
		api.refusal("https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-custom-domain-names.html", api.at, "Domain.Certificate", "empty", "the ARN of a certificate in every stage of the domain", "write Certificate: stages.Pick(s, …), or Stages")
	}
	domain := awsapigatewayv2.NewCfnDomainName(scope, jsiiconv.String("Domain"), &awsapigatewayv2.CfnDomainNameProps{
		DomainName: jsiiconv.String(config.Name),
		DomainNameConfigurations: &[]any{&awsapigatewayv2.CfnDomainName_DomainNameConfigurationProperty{
			CertificateArn: jsiiconv.String(config.Certificate), EndpointType: jsiiconv.String("REGIONAL"), SecurityPolicy: jsiiconv.String("TLS_1_2"),
		}},
	})
	awsapigatewayv2.NewCfnApiMapping(scope, jsiiconv.String("Mapping"), &awsapigatewayv2.CfnApiMappingProps{
		ApiId: api.L2.ApiId(), DomainName: domain.Ref(), Stage: api.stageResource().Ref(),
	})
	api.output(scope, "DomainURL", jsiiconv.String("https://"+config.Name))
	api.output(scope, "DomainTarget", domain.AttrRegionalDomainName())
	api.output(scope, "DomainZone", domain.AttrRegionalHostedZoneId())
}

// output is one of the stack's outputs, <Id><What>.
func (api *HTTPAPI) output(scope constructs.Construct, what string, value *string) {
	output := awscdk.NewCfnOutput(scope, jsiiconv.String(what), &awscdk.CfnOutputProps{Value: value})
	output.OverrideLogicalId(jsiiconv.String(outputName(api.id) + what))
}

// HTTPAPI is an HTTP API, or knows that its stage has none.
type HTTPAPI struct {
	component

	// L2 is the CDK's construct; nil where the stage does not have the API. [HTTPAPI.With] asks first.
	L2 awsapigatewayv2.HttpApi

	config       HTTPAPIConfig
	siblings     constructs.Construct // what the API's own resources stand in
	url          *string
	routes       map[route]stages.Position
	calls        map[*Function][]route // the routes to each function
	integrations map[*Function]awsapigatewayv2integrations.HttpLambdaIntegration
	// authorizers are those made for this API; signed the routes that IAM decides on, as ARNs.
	authorizers map[Authorizer]awsapigatewayv2.IHttpRouteAuthorizer
	signed      []*string
	throttles   map[string]any
}

// Route sends requests to a function: "POST /notes", "GET /notes/{id}", "ANY /files/{path+}". The API
// may invoke the function for its routes to it only. Where the stage does not have the function, or the API,
// there is no route. At most one config says what is special about it.
//
// With CORS, an ANY route whose callers an Authorizer decides on comes with an OPTIONS route of the same path that
// is open to everybody: a browser asks without credentials whether it may call. The program may write that route
// itself. A mistake panics with a [*ConfigError].
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
func (api *HTTPAPI) Route(key string, fn *Function, config ...RouteConfig) {
	at := stages.Caller()
	to, wrong := parseRoute(key)
	if wrong != "" {
		api.refusal(routesPage, at, "route", fmt.Sprintf("%q", key), `a method and a path, such as "GET /notes/{id}"`, wrong)
	}
	if fn == nil {
		api.fault(at, "route", fmt.Sprintf("%q to no function", key), "a route to a function", "write api.Route(route, fn) with what stack.NewFunction returned")
	}
	if first, taken := api.routes[to]; taken {
		api.refusal(routesPage, at, "route", fmt.Sprintf("%q again (first at %s)", key, first), "there only once", "remove one of the two")
	}
	api.routes[to] = at
	special := api.special(key, at, config)
	guarded := special.Authorizer != nil && special.Authorizer != Public()
	if guarded && api.config.CORS != nil && to.method == "OPTIONS" {
		api.refusal(cors, at, fmt.Sprintf("route %q Authorizer", key), special.Authorizer.String()+", while the API has CORS",
			"an open OPTIONS route: browsers ask without credentials whether they may call", "write Authorizer: stack.Public() in its config, or leave the route out")
	}
	if !api.present || !fn.present {
		return
	}
	api.addRoute(to, fn, special, at)
	if guarded && api.config.CORS != nil && to.method == "ANY" {
		api.stack.deferredChecks = append(api.stack.deferredChecks, func() {
			preflight := route{"OPTIONS", to.path}
			if _, written := api.routes[preflight]; !written {
				api.addRoute(preflight, fn, RouteConfig{Authorizer: Public()}, at)
			}
		})
	}
}

// addRoute makes a route, and has the API invoke the function for it.
func (api *HTTPAPI) addRoute(to route, fn *Function, special RouteConfig, at stages.Position) {
	options := &awsapigatewayv2.AddRoutesOptions{
		Path: jsiiconv.String(to.path), Methods: &[]awsapigatewayv2.HttpMethod{awsapigatewayv2.HttpMethod(to.method)}, Integration: api.integration(fn),
		AuthorizationScopes: jsiiconv.Strings(special.Scopes...),
	}
	if special.Authorizer != nil {
		options.Authorizer = api.authorizer(special.Authorizer, at)
	}
	added := *api.L2.AddRoutes(options)
	api.calls[fn] = append(api.calls[fn], to)
	if special.Authorizer == IAM() {
		api.signed = append(api.signed, api.executeARN(to.pattern()))
	}
	if special.Throttle != nil {
		rate, burst := special.Throttle.limits()
		api.throttles[to.method+" "+to.path] = map[string]any{"ThrottlingRateLimit": rate, "ThrottlingBurstLimit": burst}
		// The stage's settings may only name routes that exist.
		api.stageResource().Node().AddDependency(added[0].Node().DefaultChild())
		api.stageResource().SetRouteSettings(api.throttles)
	}
}

// integration is what the routes to a function share. The CDK's would let the API invoke the function by a
// permission for each route, and a function's policy holds thirty to fifty of them; so it is given a function whose
// permissions it leaves alone, and one permission is made for all of them.
// https://github.com/aws/aws-cdk/issues/19535
func (api *HTTPAPI) integration(fn *Function) awsapigatewayv2integrations.HttpLambdaIntegration {
	if made, known := api.integrations[fn]; known {
		return made
	}
	arn := fn.invoked().FunctionArn()
	handler := awslambda.Function_FromFunctionAttributes(api.L2, jsiiconv.String("To-"+fn.id), &awslambda.FunctionAttributes{
		FunctionArn: arn, SkipPermissions: jsiiconv.Bool(true),
	})
	made := awsapigatewayv2integrations.NewHttpLambdaIntegration(jsiiconv.String(fn.id), handler, nil)
	api.integrations[fn] = made
	api.stack.deferredChecks = append(api.stack.deferredChecks, func() {
		fn.admit(api.siblings, "Permission-"+fn.id, "apigateway.amazonaws.com", api.executeARN(patternOf(api.calls[fn])))
	})
	return made
}

// special is the config of a route, with the API's own where it says nothing.
func (api *HTTPAPI) special(route string, at stages.Position, config []RouteConfig) RouteConfig {
	thing := fmt.Sprintf("route %q", route)
	var special RouteConfig
	switch len(config) {
	case 0:
	case 1:
		special = config[0]
	default:
		api.fault(at, thing, fmt.Sprintf("with %d configs", len(config)), "given one config at most", "join them")
	}
	mistakes := api.stack.faultsIn(special, special.validate())
	for _, problem := range mistakes {
		problem.Field = thing + " " + problem.Field
	}
	mistakes.raise(api.String(), at)
	if special.Authorizer == nil {
		special.Authorizer = api.config.Authorizer
	}
	if len(special.Scopes) > maxScopes {
		api.refusal(httpAPIQuotas, at, thing+" Scopes", fmt.Sprintf("%d scopes", len(special.Scopes)), fmt.Sprintf("at most %d", maxScopes), "leave some out, and look at the token in the handler")
	}
	if _, tokens := special.Authorizer.(*JWTAuthorizer); len(special.Scopes) > 0 && !tokens {
		asks := "nothing"
		if special.Authorizer != nil {
			asks = special.Authorizer.String()
		}
		api.refusal(tokenPage, at, thing+" Scopes", fmt.Sprintf("%q, while its authorizer is %s", special.Scopes, asks), "a JWT authorizer, whose tokens have scopes",
			"write Authorizer: with what stack.NewJWTAuthorizer returned")
	}
	return special
}

// authorizer is the L2's for this API, made when it is first wanted.
func (api *HTTPAPI) authorizer(of Authorizer, at stages.Position) awsapigatewayv2.IHttpRouteAuthorizer {
	if made, known := api.authorizers[of]; known {
		return made
	}
	made := of.of(api, at)
	api.authorizers[of] = made
	return made
}

// executeARN is that of requests to the API. Its one stage of its own is called $default.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html
func (api *HTTPAPI) executeARN(requests string) *string {
	return api.stack.CDK.FormatArn(&awscdk.ArnComponents{
		Service: jsiiconv.String("execute-api"), Resource: api.L2.ApiId(), ResourceName: jsiiconv.String("$default/" + requests),
	})
}

// stageResource is API Gateway's own stage of the API, the one that is called $default. Its settings are
// not the L2's to make: the API makes it.
func (api *HTTPAPI) stageResource() awsapigatewayv2.CfnStage {
	return api.L2.DefaultStage().Node().DefaultChild().(awsapigatewayv2.CfnStage)
}

// With reaches the L2 construct; it does nothing where the stage does not have the API.
func (api *HTTPAPI) With(change func(awsapigatewayv2.HttpApi)) *HTTPAPI {
	if api.present {
		change(api.L2)
	}
	return api
}

func (api *HTTPAPI) construct() constructs.IConstruct { return api.L2 }

// Invoke is the right to call the routes of the API whose authorizer is [IAM], with requests that the
// function signs; it brings <ID>_URL.
func (api *HTTPAPI) Invoke() Grant {
	return Grant{on: api, verb: "Invoke", apply: func(fn *Function, at stages.Position) {
		fn.setEnvironment(at, api.String(), api.id, "_URL", api.url)
		api.stack.deferredChecks = append(api.stack.deferredChecks, func() {
			if placed := fn.placement; placed != nil && !placed.network.internet {
				fn.refusal(internetPage, at, "Access", fmt.Sprintf("Invoke of %s, while %s places the function in a network without internet", api, placed.wantedBy),
					"from a network with internet, the only way to an HTTP API", "give the network NATGateways, or do that work in another function")
			}
			if len(api.signed) == 0 {
				fn.refusal("https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html", at, "Access", "Invoke of "+api.String()+", which has no route with stack.IAM()", "of an API with a route that IAM decides on",
					"write Authorizer: stack.IAM() there, or call the API without a grant")
			}
			fn.allow(statement{actions: apiInvoke, resources: api.signed})
		})
	}}
}
