package httpapi

import (
	"encoding/base64"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// object is a JSON object.
type object = map[string]any

// request is one call of an API.
type request struct {
	http  *http.Request
	api   *API
	id    string
	trace string
	time  time.Time
	body  []byte
	path  string // with the stage
	match match

	signer     *Signer
	claims     object // of a token
	scopes     []string
	context    object // that a function has given with its decision
	principal  string
	identities []string // the values of an authorizer's sources

	// for the access log
	status              int
	length              int
	errorMessage        string
	errorType           string
	integrationError    string
	authorizerError     string
	integrationStatus   int
	integrationLatency  time.Duration
	functionStatus      int
	integrationReported bool
}

// headers are the request's by their names in lower case, those that are there twice joined by
// commas.
func (r *request) headers() map[string]string {
	headers := map[string]string{}
	for name, values := range r.multiHeaders() {
		headers[name] = strings.Join(values, ",")
	}
	return headers
}

// multiHeaders are the request's with those that API Gateway adds.
func (r *request) multiHeaders() map[string][]string {
	headers := map[string][]string{}
	for name, values := range r.http.Header {
		headers[strings.ToLower(name)] = slices.Clone(values)
	}
	_, port, hasPort := strings.Cut(r.http.Host, ":")
	if !hasPort {
		port = "80"
	}
	headers["host"] = []string{r.http.Host}
	headers["content-length"] = []string{itoa(len(r.body))}
	headers["x-forwarded-for"] = []string{strings.Join(append(slices.Clone(r.http.Header.Values("X-Forwarded-For")), r.sourceIP()), ", ")}
	headers["x-forwarded-port"], headers["x-forwarded-proto"] = []string{port}, []string{"http"}
	headers["x-amzn-trace-id"] = []string{r.trace}
	return headers
}

func (r *request) sourceIP() string {
	address := r.http.RemoteAddr
	if at := strings.LastIndexByte(address, ':'); at > 0 {
		address = address[:at]
	}
	return strings.Trim(address, "[]")
}

// content is the body as events hold it: text as it is, everything else in base64. AWS's page does not say what is text;
// https://github.com/ministackorg/ministack/pull/766 has tried it on AWS.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func (r *request) content() (text string, isBase64 bool) {
	media, _, _ := mime.ParseMediaType(r.http.Header.Get("Content-Type"))
	textual := strings.HasPrefix(media, "text/") || slices.Contains([]string{"application/json", "application/javascript", "application/xml"}, media)
	if len(r.body) == 0 || textual && r.http.Header.Get("Content-Encoding") == "" && utf8.Valid(r.body) {
		return string(r.body), false
	}
	return base64.StdEncoding.EncodeToString(r.body), true
}

// query are the query's parameters in the order of the request.
func (r *request) query() url.Values {
	values, _ := url.ParseQuery(r.http.URL.RawQuery) // what cannot be read is left out
	return values
}

// clock is the time of the request as events have it.
func (r *request) clock() string { return r.time.UTC().Format("02/Jan/2006:15:04:05 +0000") }

func joined(values url.Values) map[string]string {
	out := map[string]string{}
	for name, list := range values {
		out[name] = strings.Join(list, ",")
	}
	return out
}

func put[V any](event object, name string, values map[string]V) {
	if len(values) > 0 {
		event[name] = values
	}
}

// describe is what events of the format 2.0 say of a request: those of functions and those of
// authorizers.
func (r *request) describe() object {
	headers := r.headers()
	event := object{"version": "2.0", "rawPath": r.path, "rawQueryString": r.http.URL.RawQuery, "routeKey": r.match.route.Key}
	if cookies := headers["cookie"]; cookies != "" {
		event["cookies"] = strings.Split(strings.ReplaceAll(cookies, "; ", ";"), ";")
		delete(headers, "cookie")
	}
	event["headers"] = headers
	put(event, "queryStringParameters", joined(r.query()))
	put(event, "pathParameters", r.match.parameters)
	put(event, "stageVariables", r.api.StageVariables)
	prefix, _, _ := strings.Cut(r.api.Domain, ".")
	event["requestContext"] = object{
		"accountId": r.api.Account, "apiId": r.api.ID, "domainName": r.api.Domain, "domainPrefix": prefix,
		"http": object{
			"method": r.http.Method, "path": r.path, "protocol": r.http.Proto, "sourceIp": r.sourceIP(), "userAgent": r.http.UserAgent(),
		},
		"requestId": r.id, "routeKey": r.match.route.Key, "stage": r.api.Stage, "time": r.clock(), "timeEpoch": r.time.UnixMilli(),
	}
	if r.api.FunctionURL {
		event["routeKey"] = "$default"
		event["requestContext"].(object)["routeKey"] = "$default"
		if r.signer == nil {
			event["requestContext"].(object)["accountId"] = "anonymous"
		}
	}
	return event
}

// event2 is the event of the payload format 2.0.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func (r *request) event2() object {
	event := r.describe()
	context := event["requestContext"].(object)
	switch {
	case r.signer != nil:
		context["authorizer"] = object{"iam": r.signerFields()}
	case r.claims != nil:
		context["authorizer"] = object{"jwt": object{"claims": r.claims, "scopes": r.scopes}}
	case r.context != nil:
		context["authorizer"] = object{"lambda": r.context}
	}
	text, isBase64 := r.content()
	if text != "" {
		event["body"] = text
	}
	event["isBase64Encoded"] = isBase64
	return event
}

// signerFields are what an event says of who has signed the request.
func (r *request) signerFields() object {
	return object{
		"accessKey": r.signer.AccessKey, "accountId": r.signer.Account, "callerId": r.signer.CallerID, "cognitoIdentity": nil,
		"principalOrgId": nil, "userArn": r.signer.UserARN, "userId": r.signer.UserID,
	}
}

// resource is the path of the route, as the format 1.0 has it.
func (r *request) resource() string {
	if _, path, found := strings.Cut(r.match.route.Key, " "); found {
		return path
	}
	return r.match.route.Key
}

// event1 is the event of the payload format 1.0.
func (r *request) event1() object {
	multi := r.multiHeaders()
	last := map[string]string{}
	for name, values := range multi {
		last[name] = values[len(values)-1]
	}
	query := r.query()
	single := map[string]string{}
	for name, values := range query {
		single[name] = values[len(values)-1]
	}
	prefix, _, _ := strings.Cut(r.api.Domain, ".")
	identity := object{
		"accessKey": nil, "accountId": nil, "caller": nil, "cognitoAuthenticationProvider": nil, "cognitoAuthenticationType": nil,
		"cognitoIdentityId": nil, "cognitoIdentityPoolId": nil, "principalOrgId": nil, "sourceIp": r.sourceIP(), "user": nil,
		"userAgent": r.http.UserAgent(), "userArn": nil,
	}
	if r.signer != nil {
		maps.Copy(identity, object{
			"accessKey": r.signer.AccessKey, "accountId": r.signer.Account, "caller": r.signer.CallerID, "user": r.signer.UserID, "userArn": r.signer.UserARN,
		})
	}
	authorizer := object{}
	switch {
	case r.claims != nil:
		authorizer["claims"], authorizer["scopes"] = r.claims, r.scopes
	case r.context != nil:
		maps.Copy(authorizer, r.context)
		authorizer["principalId"] = r.principal
	}
	text, isBase64 := r.content()
	event := object{
		"version": "1.0", "resource": r.resource(), "path": r.path, "httpMethod": r.http.Method, "headers": last, "multiValueHeaders": multi,
		"queryStringParameters": orNull(single), "multiValueQueryStringParameters": orNull(query), "pathParameters": orNull(r.match.parameters),
		"stageVariables": orNull(r.api.StageVariables), "body": nil, "isBase64Encoded": isBase64,
		"requestContext": object{
			"accountId": r.api.Account, "apiId": r.api.ID, "authorizer": authorizer, "domainName": r.api.Domain, "domainPrefix": prefix,
			"extendedRequestId": r.id, "httpMethod": r.http.Method, "identity": identity, "path": r.path, "protocol": r.http.Proto,
			"requestId": r.id, "requestTime": r.clock(), "requestTimeEpoch": r.time.UnixMilli(), "resourceId": r.match.route.Key,
			"resourcePath": r.resource(), "stage": r.api.Stage,
		},
	}
	if text != "" {
		event["body"] = text
	}
	return event
}

// orNull is null for a map that holds nothing.
func orNull[M ~map[string]V, V any](values M) any {
	if len(values) == 0 {
		return nil
	}
	return values
}

// authorizerEvent is the event of a function that decides.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
func (r *request) authorizerEvent(a *Authorizer) object {
	arn := r.api.arn(r.http.Method, r.routePath())
	if a.PayloadFormat != "1.0" {
		event := r.describe()
		event["type"], event["routeArn"], event["identitySource"] = "REQUEST", arn, r.identities
		return event
	}
	event := r.event1()
	for _, name := range []string{"body", "isBase64Encoded", "multiValueHeaders", "multiValueQueryStringParameters"} {
		delete(event, name)
	}
	if event["pathParameters"] == nil {
		event["pathParameters"] = object{}
	}
	all := event["requestContext"].(object)
	context := object{"identity": object{"apiKey": nil, "sourceIp": r.sourceIP()}}
	for _, name := range []string{"path", "accountId", "resourceId", "stage", "requestId", "resourcePath", "httpMethod", "apiId"} {
		context[name] = all[name]
	}
	event["requestContext"] = context
	sources := strings.Join(r.identities, ",")
	event["type"], event["methodArn"], event["identitySource"], event["authorizationToken"] = "REQUEST", arn, sources, sources
	return event
}

// routePath is the request's path without the stage.
func (r *request) routePath() string {
	if r.api.Stage == "$default" || r.api.FunctionURL {
		return r.path
	}
	return "/" + strings.TrimPrefix(strings.TrimPrefix(r.path, "/"+r.api.Stage), "/")
}
