package rules

import (
	"regexp"
	"slices"
	"strings"
)

const (
	api   = "AWS::ApiGatewayV2::Api"
	route = "AWS::ApiGatewayV2::Route"
	stage = "AWS::ApiGatewayV2::Stage"
)

// routeKey is a method and a path, in which a variable takes a whole segment and a greedy one the last.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
var (
	routeKey     = regexp.MustCompile(`^(ANY|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT) (/.*)$`)
	routeSegment = regexp.MustCompile(`^([^{}]*|\{[a-zA-Z0-9._-]+\})$`)
	routeGreedy  = regexp.MustCompile(`^\{[a-zA-Z0-9._-]+\+\}$`)
)

var apiGatewayRules = []rule{
	{id: "apigateway-route-target", on: route, says: func(c *call) string {
		if id, found := strings.CutPrefix(c.text("Target"), "integrations/"); found && c.Find(c.Resource, "AWS::ApiGatewayV2::Integration", id) == nil {
			return words("Invalid Integration identifier specified %s", id)
		}
		return ""
	}},
	{id: "apigateway-route-key", on: route, says: func(c *call) string {
		owner := c.Find(c.Resource, api, c.text("ApiId"))
		if owner == nil || owner.text("ProtocolType") != "HTTP" || c.text("RouteKey") == "$default" || isRouteKey(c.text("RouteKey")) {
			return ""
		}
		return "The provided route key is not formatted properly for HTTP protocol. Format should be \"<HTTP METHOD> /<RESOURCE PATH>\" or \"$default\""
	}},
	{id: "apigateway-route-twice", on: route, handler: "AlreadyExists", status: 409, says: func(c *call) string {
		for other := range c.Of(c.Resource, route) {
			if other.text("ApiId") == c.text("ApiId") && sameRoute(other.text("RouteKey"), c.text("RouteKey")) {
				return words("Route with key %s already exists for this API", c.text("RouteKey"))
			}
		}
		return ""
	}},
	{id: "apigateway-route-authorizer", on: route, says: func(c *call) string {
		if c.text("AuthorizationType") == "JWT" && !c.has("AuthorizerId") {
			return "Setting the authorization type to JWT requires a valid JWT authorizer."
		}
		return ""
	}},
	{id: "apigateway-scopes-without-jwt", on: route, says: func(c *call) string {
		if len(c.list("AuthorizationScopes")) > 0 && c.text("AuthorizationType") != "JWT" {
			return "Authorization Scopes are only valid for COGNITO_USER_POOLS and JWT authorization type"
		}
		return ""
	}},
	// The quotas are of AWS's page, the words those of its API for a limit:
	// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-routes.html
	{id: "apigateway-scopes", on: route, handler: "ServiceLimitExceeded", status: 429, says: func(c *call) string {
		if len(c.list("AuthorizationScopes")) > 10 {
			return "A limit has been exceeded."
		}
		return ""
	}},
	{id: "apigateway-audiences", on: "AWS::ApiGatewayV2::Authorizer", handler: "ServiceLimitExceeded", status: 429, says: func(c *call) string {
		if len(c.list("JwtConfiguration.Audience")) > 50 {
			return "A limit has been exceeded."
		}
		return ""
	}},
	{id: "apigateway-issuer", on: "AWS::ApiGatewayV2::Authorizer", says: func(c *call) string {
		issuer := c.text("JwtConfiguration.Issuer")
		if c.text("AuthorizerType") == "JWT" && (!strings.HasPrefix(issuer, "https://") || strings.HasSuffix(issuer, "/.well-known/openid-configuration")) {
			return words("Invalid issuer: %s. Issuer must have a valid discovery endpoint ended with '/.well-known/openid-configuration'", issuer)
		}
		return ""
	}},
	{id: "apigateway-identity-source", on: "AWS::ApiGatewayV2::Authorizer", says: func(c *call) string {
		for _, source := range c.texts("IdentitySource") {
			known := slices.ContainsFunc([]string{"$request.header.", "$request.querystring.", "$context.", "$stageVariables.", "route.request."}, func(prefix string) bool {
				return strings.HasPrefix(source, prefix)
			})
			if !known {
				return words("Invalid identity source expression: %s", source)
			}
		}
		return ""
	}},
	{id: "apigateway-authorizer-ttl", on: "AWS::ApiGatewayV2::Authorizer", says: func(c *call) string {
		if seconds := c.number("AuthorizerResultTtlInSeconds", 0); seconds < 0 || seconds > 3600 {
			return "Authorizer result TTL outside allowable range. TTL must be between 0 and 3600 seconds."
		}
		return ""
	}},
	{id: "apigateway-integration-timeout", on: "AWS::ApiGatewayV2::Integration", says: func(c *call) string {
		if millis := c.number("TimeoutInMillis", 30000); millis < 50 || millis > 30000 {
			return "Timeout should be between 50 ms and 30000 ms"
		}
		return ""
	}},
	{id: "apigateway-payload-version", on: "AWS::ApiGatewayV2::Integration", says: func(c *call) string {
		if version := c.text("PayloadFormatVersion"); version != "" && version != "1.0" && version != "2.0" {
			return words("Unsupported PayloadFormatVersion: %s", version)
		}
		return ""
	}},
	{id: "apigateway-cors-credentials", on: api, says: func(c *call) string {
		if c.flag("CorsConfiguration.AllowCredentials") && slices.Contains(c.texts("CorsConfiguration.AllowOrigins"), "*") {
			return "allow-credentials is not supported if 'allow-origin' is *"
		}
		return ""
	}},
	{id: "apigateway-stage-route", on: stage, says: func(c *call) string {
		for name := range document(c.at("RouteSettings")) {
			found := false
			for other := range c.Of(c.Resource, route) {
				found = found || other.text("ApiId") == c.text("ApiId") && other.text("RouteKey") == name
			}
			if !found {
				return words("Unable to find Route by key %s within the provided RouteSettings", name)
			}
		}
		return ""
	}},
	{id: "apigateway-stage-name", on: stage, says: func(c *call) string {
		if name := c.text("StageName"); name != "$default" && !regexp.MustCompile(`^[a-zA-Z0-9_]{1,128}$`).MatchString(name) {
			return "Stage name only allows a-zA-Z0-9_"
		}
		return ""
	}},
	{id: "apigateway-certificate-region", on: "AWS::ApiGatewayV2::DomainName", says: func(c *call) string {
		for _, configuration := range c.objects("DomainNameConfigurations") {
			if certificate, is := parseARN(textOf(configuration["CertificateArn"])); is && (certificate.region != c.Region || certificate.account != c.Account) {
				return words("Invalid certificate ARN: %s. Certificate must be in '%s'.", textOf(configuration["CertificateArn"]), c.Region)
			}
		}
		return ""
	}},
	{id: "apigateway-domain-taken", on: "AWS::ApiGatewayV2::DomainName", when: create, handler: "AlreadyExists", says: func(c *call) string {
		for other := range c.Of(c.Resource, "AWS::ApiGatewayV2::DomainName") {
			if strings.EqualFold(other.text("DomainName"), c.text("DomainName")) {
				return "The domain name you provided already exists."
			}
		}
		return ""
	}},
	{id: "apigateway-mapping-twice", on: "AWS::ApiGatewayV2::ApiMapping", when: create, handler: "AlreadyExists", status: 409, says: func(c *call) string {
		for other := range c.Of(c.Resource, "AWS::ApiGatewayV2::ApiMapping") {
			if other.text("DomainName") == c.text("DomainName") && other.text("ApiMappingKey") == c.text("ApiMappingKey") {
				return "ApiMapping key already exists for this domain name"
			}
		}
		return ""
	}},
}

func isRouteKey(text string) bool {
	part := routeKey.FindStringSubmatch(text)
	if part == nil {
		return false
	}
	segments := strings.Split(part[2][1:], "/")
	for i, segment := range segments {
		if !routeSegment.MatchString(segment) && !(i == len(segments)-1 && routeGreedy.MatchString(segment)) {
			return false
		}
	}
	return true
}

// sameRoute says whether two keys are of one route.
func sameRoute(a, b string) bool { return a == b }
