package httpapi

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// world is what an API under test asks.
type world struct {
	answer  string // of every function
	failed  bool
	err     error
	answers map[string]string // of a function, over the other
	signer  *Signer
	keys    []byte

	events  []string // by invocation: the function, and its event
	sources []string
	limits  []time.Duration
	lines   []string
}

func (w *world) Invoke(_ context.Context, function, source string, payload []byte, limit time.Duration) ([]byte, bool, error) {
	w.events = append(w.events, string(payload))
	w.sources = append(w.sources, source)
	w.limits = append(w.limits, limit)
	if answer, special := w.answers[function]; special {
		return []byte(answer), false, nil
	}
	return []byte(w.answer), w.failed, w.err
}

func (w *world) Signer(*http.Request, []byte, string) (Signer, bool) {
	if w.signer == nil {
		return Signer{}, false
	}
	return *w.signer, true
}

func (w *world) Keys(_ context.Context, issuer string) ([]byte, error) {
	if w.keys == nil {
		return nil, errors.New("no keys of " + issuer)
	}
	return w.keys, nil
}

func (w *world) Log(line string) { w.lines = append(w.lines, line) }

func anAPI(routes ...Route) *API {
	return &API{ID: "abcdef1234", Account: "123456789012", Region: "us-east-1", Domain: "abcdef1234.execute-api.us-east-1.amazonaws.com", Stage: "$default", Routes: routes}
}

func to(key string) Route { return Route{Key: key, Function: "notes", PayloadFormat: "2.0"} }

// ask has a server answer a request.
func ask(s *Server, method, target, body string, header ...string) *http.Response {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, response *http.Response) string {
	t.Helper()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(content)
}

// shapeOf is a JSON document without its values. Of members that hold what a client or a function
// chose, only that they are there.
func shapeOf(value any, free ...string) any {
	members, is := value.(map[string]any)
	if !is {
		return "a value"
	}
	shape := map[string]any{}
	for name, member := range members {
		shape[name] = shapeOf(member, free...)
		for _, each := range free {
			if name == each {
				shape[name] = "free"
			}
		}
	}
	return shape
}

var moduleDir = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	return strings.TrimSpace(string(out)), err
})

// sample is a test event of aws-lambda-go, without what the package's comment says is not here.
func sample(t *testing.T, name string) map[string]any {
	t.Helper()
	dir, err := moduleDir()
	require.NoError(t, err)
	content, err := os.ReadFile(filepath.Join(dir, "events", "testdata", name))
	require.NoError(t, err)
	var event map[string]any
	require.NoError(t, json.Unmarshal(content, &event))
	context := event["requestContext"].(map[string]any)
	delete(context, "authentication") // of mutual TLS
	if identity, is := context["identity"].(map[string]any); is {
		delete(identity, "clientCert") // of mutual TLS
	}
	return event
}

var free = []string{"headers", "queryStringParameters", "pathParameters", "stageVariables", "claims", "lambda", "multiValueHeaders", "multiValueQueryStringParameters", "clientCert"}

// https://github.com/aws/aws-lambda-go/tree/main/events/testdata
func TestEventsHaveTheFieldsOfAwsLambdaGosTestEvents(t *testing.T) {
	key, keys := anIssuer(t)
	token := signed(t, key, map[string]any{"iss": "https://issuer", "aud": "notes", "exp": time.Now().Add(time.Hour).Unix(), "scope": "scope1 scope2"})
	decider := &Authorizer{ID: "a1", Sources: []string{"$request.header.User", "$request.querystring.n"}, Function: "decider", PayloadFormat: "2.0", Simple: true}
	decider1 := &Authorizer{ID: "a1", Sources: decider.Sources, Function: "decider", PayloadFormat: "1.0", Simple: false}
	for name, tt := range map[string]struct {
		sample string
		route  Route
		format string
		url    bool
		event  int // of those that functions got
		less   []string
	}{
		"nobody decides":                    {sample: "apigw-v2-request-no-authorizer.json", route: Route{}},
		"a token decides":                   {sample: "apigw-v2-request-jwt-authorizer.json", route: Route{Authorization: "JWT", Scopes: []string{"scope1"}, Authorizer: &Authorizer{Sources: []string{"$request.header.Authorization"}, Issuer: "https://issuer", Audience: []string{"notes"}}}},
		"IAM decides":                       {sample: "apigw-v2-request-iam.json", route: Route{Authorization: "AWS_IAM"}},
		"a function decides":                {sample: "apigw-v2-request-lambda-authorizer.json", route: Route{Authorization: "CUSTOM", Authorizer: decider}, event: 1},
		"what it decides by":                {sample: "apigw-v2-custom-authorizer-v2-request.json", route: Route{Authorization: "CUSTOM", Authorizer: decider}},
		"what it decides by, in format 1.0": {sample: "apigw-v2-custom-authorizer-v1-request.json", route: Route{Authorization: "CUSTOM", Authorizer: decider1}},
		"the URL of a function": {
			sample: "lambda-urls-request.json", route: Route{Authorization: "AWS_IAM"}, url: true,
			// AWS's page has them:
			// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
			less: []string{"routeKey", "stage", "stageVariables", "pathParameters", "cognitoIdentity", "principalOrgId"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tt.route.Key, tt.route.Function, tt.route.PayloadFormat = "GET /{proxy+}", "notes", "2.0"
			if tt.sample == "apigw-v2-request-no-authorizer.json" {
				tt.route.Key = "$default"
			}
			api := anAPI(tt.route)
			api.StageVariables, api.FunctionURL = map[string]string{"stageVariable1": "value1"}, tt.url
			decision := `{"isAuthorized":true,"context":{"key":"value"}}`
			if tt.route.Authorizer == decider1 {
				decision = `{"principalId":"user1","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}]}}`
			}
			w := &world{answer: `{}`, answers: map[string]string{"decider": decision}, signer: &Signer{AccessKey: "AKIA"}, keys: keys}
			s := New(func() *API { return api }, w)
			header := []string{"Cookie", "cookie1; cookie2", "Authorization", "Bearer " + token, "User", "user1", "Content-Type", "application/json"}
			target, body := "/hello/world?n=123&parameter1=value1&parameter1=value2", `{"a": 1}`
			if tt.sample == "apigw-v2-request-no-authorizer.json" {
				header, target, body, api.StageVariables = nil, "/", "", nil
			}
			response := ask(s, "GET", target, body, header...)
			require.Equal(t, http.StatusOK, response.StatusCode, text(t, response))
			var got map[string]any
			require.NoError(t, json.Unmarshal([]byte(w.events[tt.event]), &got))
			want, made := shapeOf(sample(t, tt.sample), free...).(map[string]any), shapeOf(got, free...).(map[string]any)
			var drop func(map[string]any)
			drop = func(members map[string]any) {
				for _, name := range tt.less {
					delete(members, name)
				}
				for _, member := range members {
					if nested, is := member.(map[string]any); is {
						drop(nested)
					}
				}
			}
			drop(made)
			if tt.sample == "apigw-v2-request-iam.json" {
				// Of Cognito: null for everybody else.
				want["requestContext"].(map[string]any)["authorizer"].(map[string]any)["iam"].(map[string]any)["cognitoIdentity"] = "a value"
			}
			assert.Equal(t, want, made)
		})
	}
}

// The members are those of AWS's page.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func TestAnEventOfFormat1HasTheFieldsOfAWSsPage(t *testing.T) {
	route := to("GET /my/{id}")
	route.PayloadFormat = "1.0"
	w := &world{answer: `{"statusCode":200}`}
	s := New(func() *API { return anAPI(route) }, w)
	require.Equal(t, 200, ask(s, "GET", "/my/path?p=1&p=2&q=3", "Hello", "Header2", "value1", "Header2", "value2", "Content-Type", "text/plain").StatusCode)
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(w.events[0]), &got))
	var names []string
	for name := range got {
		names = append(names, name)
	}
	assert.ElementsMatch(t, []string{
		"version", "resource", "path", "httpMethod", "headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters",
		"requestContext", "pathParameters", "stageVariables", "body", "isBase64Encoded",
	}, names)
	context := got["requestContext"].(map[string]any)
	names = nil
	for name := range context {
		names = append(names, name)
	}
	assert.ElementsMatch(t, []string{
		"accountId", "apiId", "authorizer", "domainName", "domainPrefix", "extendedRequestId", "httpMethod", "identity", "path", "protocol", "requestId",
		"requestTime", "requestTimeEpoch", "resourceId", "resourcePath", "stage",
	}, names)
	names = nil
	for name := range context["identity"].(map[string]any) {
		names = append(names, name)
	}
	assert.ElementsMatch(t, []string{
		"accessKey", "accountId", "caller", "cognitoAuthenticationProvider", "cognitoAuthenticationType", "cognitoIdentityId", "cognitoIdentityPoolId",
		"principalOrgId", "sourceIp", "user", "userAgent", "userArn",
	}, names)
	var event events.APIGatewayProxyRequest
	require.NoError(t, json.Unmarshal([]byte(w.events[0]), &event))
	assert.Equal(t, "/my/{id}", event.Resource)
	assert.Equal(t, []string{"value1", "value2"}, event.MultiValueHeaders["header2"])
	assert.Equal(t, "value2", event.Headers["header2"])
	assert.Equal(t, map[string]string{"p": "2", "q": "3"}, event.QueryStringParameters)
	assert.Equal(t, map[string][]string{"p": {"1", "2"}, "q": {"3"}}, event.MultiValueQueryStringParameters)
	assert.Equal(t, map[string]string{"id": "path"}, event.PathParameters)
	assert.Equal(t, "Hello", event.Body)
	assert.Nil(t, got["stageVariables"])
}

func TestAnEventHasWhatTheRequestHas(t *testing.T) {
	w := &world{answer: `{}`}
	s := New(func() *API { return anAPI(to("POST /notes/{id}")) }, w)
	ask(s, "POST", "/notes/a%20b?x=1&x=2&y=%C3%A4", "\xff\xfe", "Cookie", "a=1; b=2", "X-Two", "1", "X-Two", "2", "User-Agent", "curl/8", "X-Forwarded-For", "9.9.9.9")
	var event events.APIGatewayV2HTTPRequest
	decoder := json.NewDecoder(strings.NewReader(w.events[0]))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&event))
	assert.Equal(t, "2.0", event.Version)
	assert.Equal(t, "POST /notes/{id}", event.RouteKey)
	assert.Equal(t, "/notes/a b", event.RawPath)
	assert.Equal(t, "x=1&x=2&y=%C3%A4", event.RawQueryString)
	assert.Equal(t, map[string]string{"x": "1,2", "y": "ä"}, event.QueryStringParameters)
	assert.Equal(t, map[string]string{"id": "a b"}, event.PathParameters)
	assert.Equal(t, []string{"a=1", "b=2"}, event.Cookies)
	assert.NotContains(t, event.Headers, "cookie")
	assert.Equal(t, "1,2", event.Headers["x-two"])
	assert.Equal(t, "9.9.9.9, 192.0.2.1", event.Headers["x-forwarded-for"])
	assert.Regexp(t, `^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$`, event.Headers["x-amzn-trace-id"])
	assert.Equal(t, "//4=", event.Body)
	assert.True(t, event.IsBase64Encoded)
	assert.Equal(t, "192.0.2.1", event.RequestContext.HTTP.SourceIP)
	assert.Equal(t, "curl/8", event.RequestContext.HTTP.UserAgent)
	assert.Equal(t, "abcdef1234", event.RequestContext.DomainPrefix)
	_, err := time.Parse("02/Jan/2006:15:04:05 -0700", event.RequestContext.Time)
	require.NoError(t, err)
	// https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html
	assert.Equal(t, []string{"arn:aws:execute-api:us-east-1:123456789012:abcdef1234/$default/POST/notes/{id}"}, w.sources)
}

// The types are those that https://github.com/ministackorg/ministack/pull/766 has sent to AWS.
func TestABodyIsTextOnlyInTheMediaTypesThatAPIGatewayTakesForText(t *testing.T) {
	for media, is := range map[string]bool{
		"text/plain": true, "text/csv; charset=utf-8": true, "application/json": true, "application/xml": true, "application/javascript": true,
		"application/json; charset=utf-8": true, "": false, "application/x-www-form-urlencoded": false, "multipart/form-data; boundary=x": false,
		"application/octet-stream": false, "image/png": false, "application/ld+json": false,
	} {
		r := &request{http: httptest.NewRequest(http.MethodPost, "/notes", nil), body: []byte("hi")}
		r.http.Header.Set("Content-Type", media)
		text, encoded := r.content()
		want := "aGk="
		if is {
			want = "hi"
		}
		assert.Equal(t, want, text, media)
		assert.Equal(t, !is, encoded, media)
	}
}

func TestTheFunctionOfARouteIsInvokedForThatRoute(t *testing.T) {
	for key, want := range map[string]string{
		"ANY /notes": "/$default/*/notes", "GET /notes": "/$default/GET/notes", "$default": "/$default/$default",
	} {
		w := &world{answer: `{}`}
		s := New(func() *API { return anAPI(to(key)) }, w)
		ask(s, "GET", "/notes", "")
		require.Len(t, w.sources, 1)
		assert.True(t, strings.HasSuffix(w.sources[0], want), w.sources[0])
	}
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func TestAnAnswerIsReadByTheFormatOfItsIntegration(t *testing.T) {
	for name, tt := range map[string]struct {
		format, answer string
		failed         bool
		err            error
		status         int
		body           string
		header         map[string][]string
	}{
		"a text without a status":    {format: "2.0", answer: `"Hello from Lambda!"`, status: 200, body: "Hello from Lambda!", header: map[string][]string{"Content-Type": {"application/json"}}},
		"an object without a status": {format: "2.0", answer: `{ "message": "Hello from Lambda!" }`, status: 200, body: `{ "message": "Hello from Lambda!" }`, header: map[string][]string{"Content-Type": {"application/json"}}},
		"a list without a status":    {format: "2.0", answer: `[1,2]`, status: 200, body: `[1,2]`},
		"all members": {
			format: "2.0", answer: `{"statusCode":201,"headers":{"Location":"/notes/1","X-Count":2},"cookies":["a=1","b=2"],"body":"aGk=","isBase64Encoded":true}`,
			status: 201, body: "hi", header: map[string][]string{"Location": {"/notes/1"}, "Set-Cookie": {"a=1", "b=2"}, "X-Count": {"2"}},
		},
		"a status as a text": {format: "2.0", answer: `{"statusCode":"204"}`, status: 204},
		"a status only":      {format: "2.0", answer: `{"statusCode":404,"body":"gone"}`, status: 404, body: "gone", header: map[string][]string{"Content-Type": {"text/plain;charset=UTF-8"}}},
		"headers of many values": {
			format: "1.0", answer: `{"statusCode":200,"headers":{"A":"0"},"multiValueHeaders":{"A":["1","2"]},"body":"x"}`, status: 200, body: "x",
			header: map[string][]string{"A": {"1", "2"}},
		},
		"format 1.0 without a status": {format: "1.0", answer: `{"message":"hi"}`, status: 500, body: `{"message":"Internal Server Error"}`},
		"format 1.0 with a text":      {format: "1.0", answer: `"hi"`, status: 500, body: `{"message":"Internal Server Error"}`},
		"a status that is none":       {format: "2.0", answer: `{"statusCode":"fine"}`, status: 500, body: `{"message":"Internal Server Error"}`},
		"a body that is no text":      {format: "2.0", answer: `{"statusCode":200,"body":{"a":1}}`, status: 500, body: `{"message":"Internal Server Error"}`},
		"no JSON":                     {format: "2.0", answer: `hello`, status: 500, body: `{"message":"Internal Server Error"}`},
		// https://github.com/denoland/deno_registry2/issues/87
		"an error of the function": {format: "2.0", answer: `{"errorType":"x"}`, failed: true, status: 500, body: `{"message":"Internal Server Error"}`},
		// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html
		"a function that does not let the API call it": {format: "2.0", err: ErrNotAllowed, status: 500, body: `{"message":"Internal Server Error"}`},
		// https://github.com/cortexlabs/cortex/issues/1225
		"a function that takes longer than the integration": {format: "2.0", err: context.DeadlineExceeded, status: 503, body: `{"message":"Service Unavailable"}`},
	} {
		t.Run(name, func(t *testing.T) {
			route := to("GET /")
			route.PayloadFormat, route.Timeout = tt.format, 10*time.Millisecond
			w := &world{answer: tt.answer, failed: tt.failed, err: tt.err}
			s := New(func() *API { return anAPI(route) }, w)
			response := ask(s, "GET", "/", "")
			assert.Equal(t, tt.status, response.StatusCode)
			assert.Equal(t, tt.body, text(t, response))
			for name, values := range tt.header {
				assert.Equal(t, values, response.Header.Values(name), name)
			}
			assert.NotEmpty(t, response.Header.Get("Apigw-Requestid"))
			assert.Equal(t, []time.Duration{10 * time.Millisecond}, w.limits)
		})
	}
}

func FuzzAnAnswerIsReadOrRefused(f *testing.F) {
	for _, seed := range []string{`"x"`, `{"statusCode":200,"body":"x"}`, `{"statusCode":1e9}`, `{"statusCode":null}`, `null`, `{"statusCode":200,"headers":{"a\n":"b\n"}}`} {
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, payload string, first bool) {
		format := map[bool]string{true: "1.0", false: "2.0"}[first]
		out, err := readAnswer(format, []byte(payload))
		if err == nil && (out.status < 100 || out.status > 599 || out.header.Get("Content-Type") == "" && out.header["Content-Type"] == nil) {
			t.Fatalf("%q: %+v", payload, out)
		}
	})
}

func TestAStageIsTheFirstSegmentOfItsPaths(t *testing.T) {
	api := anAPI(to("GET /notes"))
	api.Stage = "v1"
	w := &world{answer: `{}`}
	s := New(func() *API { return api }, w)
	assert.Equal(t, 200, ask(s, "GET", "/v1/notes", "").StatusCode)
	response := ask(s, "GET", "/notes", "")
	assert.Equal(t, 404, response.StatusCode)
	assert.JSONEq(t, `{"message":"Not Found"}`, text(t, response))
	assert.Equal(t, 404, ask(s, "GET", "/v12/notes", "").StatusCode)
	require.Len(t, w.events, 1)
	var event events.APIGatewayV2HTTPRequest
	require.NoError(t, json.Unmarshal([]byte(w.events[0]), &event))
	assert.Equal(t, "/v1/notes", event.RawPath)
	assert.Equal(t, "v1", event.RequestContext.Stage)
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
func TestCORSIsAnsweredByTheAPI(t *testing.T) {
	cors := &CORS{AllowOrigins: []string{"https://notes.example.com"}, AllowMethods: []string{"GET", "POST"}, AllowHeaders: []string{"authorization"}, ExposeHeaders: []string{"date"}, MaxAge: 300, AllowCredentials: true}
	guarded := to("ANY /{proxy+}")
	guarded.Authorization = "AWS_IAM"
	for name, tt := range map[string]struct {
		cors    *CORS
		routes  []Route
		method  string
		headers []string
		status  int
		want    map[string]string
		invoked bool
	}{
		"a browser's question without a route": {cors, routesOf("GET /else"), "OPTIONS", []string{"Origin", "https://notes.example.com", "Access-Control-Request-Method", "POST"}, 204, map[string]string{
			"Access-Control-Allow-Origin": "https://notes.example.com", "Access-Control-Allow-Methods": "GET,POST", "Access-Control-Allow-Headers": "authorization",
			"Access-Control-Max-Age": "300", "Access-Control-Allow-Credentials": "true",
		}, false},
		"a question of a stranger": {cors, routesOf("GET /else"), "OPTIONS", []string{"Origin", "https://evil.example.com", "Access-Control-Request-Method", "POST"}, 204, map[string]string{
			"Access-Control-Allow-Origin": "", "Access-Control-Allow-Methods": "",
		}, false},
		"a question to a guarded route": {cors, []Route{guarded}, "OPTIONS", []string{"Origin", "https://notes.example.com", "Access-Control-Request-Method", "POST"}, 403, nil, false},
		"a question to an open route beside the guarded one": {cors, []Route{guarded, to("OPTIONS /{proxy+}")}, "OPTIONS", []string{"Origin", "https://notes.example.com", "Access-Control-Request-Method", "POST"}, 204, map[string]string{
			"Access-Control-Allow-Origin": "https://notes.example.com",
		}, false},
		"a request": {cors, []Route{to("GET /notes")}, "GET", []string{"Origin", "https://notes.example.com"}, 200, map[string]string{
			"Access-Control-Allow-Origin": "https://notes.example.com", "Access-Control-Expose-Headers": "date", "Access-Control-Allow-Methods": "", "X-Own": "1",
		}, true},
		"a request of no browser": {cors, []Route{to("GET /notes")}, "GET", nil, 200, map[string]string{"Access-Control-Allow-Origin": ""}, true},
		"everybody":               {&CORS{AllowOrigins: []string{"*"}, MaxAge: -1}, []Route{to("GET /notes")}, "GET", []string{"Origin", "https://a.example.com"}, 200, map[string]string{"Access-Control-Allow-Origin": "*"}, true},
		"an API without CORS":     {nil, []Route{to("GET /notes")}, "GET", []string{"Origin", "https://a.example.com"}, 200, map[string]string{"Access-Control-Allow-Origin": "of the function"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			api := anAPI(tt.routes...)
			api.CORS = tt.cors
			w := &world{answer: `{"statusCode":200,"headers":{"Access-Control-Allow-Origin":"of the function","X-Own":"1"}}`}
			response := ask(New(func() *API { return api }, w), tt.method, "/notes", "", tt.headers...)
			assert.Equal(t, tt.status, response.StatusCode)
			for name, value := range tt.want {
				assert.Equal(t, value, response.Header.Get(name), name)
			}
			assert.Equal(t, tt.invoked, len(w.events) == 1)
		})
	}
}

// anIssuer is a key and its public half as a JSON Web Key Set.
func anIssuer(t *testing.T) (*rsa.PrivateKey, []byte) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "RS256", Use: "sig"}}})
	require.NoError(t, err)
	return key, keys
}

func signed(t *testing.T, key any, claims map[string]any) string {
	t.Helper()
	return signedAs(t, jose.RS256, key, "k1", claims)
}

func signedAs(t *testing.T, algorithm jose.SignatureAlgorithm, key any, id string, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", id))
	require.NoError(t, err)
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	require.NoError(t, err)
	return token
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
func TestATokenIsCheckedAsAPIGatewayChecksIt(t *testing.T) {
	key, keys := anIssuer(t)
	other, _ := anIssuer(t)
	now := time.Now()
	claims := func(more ...any) map[string]any {
		all := map[string]any{"iss": "https://issuer", "aud": "notes", "exp": now.Add(time.Hour).Unix(), "iat": now.Add(-time.Minute).Unix(), "scope": "read list", "sub": "ann", "groups": []string{"a", "b"}, "age": 7}
		for i := 0; i < len(more); i += 2 {
			if more[i+1] == nil {
				delete(all, more[i].(string))
			} else {
				all[more[i].(string)] = more[i+1]
			}
		}
		return all
	}
	for name, tt := range map[string]struct {
		token       string
		scopes      []string
		status      int
		description string
	}{
		"a good one":              {signed(t, key, claims()), nil, 200, ""},
		"a list of audiences":     {signed(t, key, claims("aud", []string{"x", "notes"})), nil, 200, ""},
		"a client for audience":   {signed(t, key, claims("aud", nil, "client_id", "notes")), nil, 200, ""},
		"one of the scopes":       {signed(t, key, claims()), []string{"write", "read"}, 200, ""},
		"scopes in scp":           {signed(t, key, claims("scope", nil, "scp", []string{"read"})), []string{"read"}, 200, ""},
		"no scope of the route's": {signed(t, key, claims()), []string{"write"}, 403, `error="insufficient_scope"`},
		"none":                    {"", nil, 401, "Bearer"},
		"no token":                {"hello", nil, 401, "the token is not well-formed"},
		"another audience":        {signed(t, key, claims("aud", "other")), nil, 401, `Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience"`},
		"another issuer":          {signed(t, key, claims("iss", "https://other")), nil, 401, "invalid issuer"},
		"an old one":              {signed(t, key, claims("exp", now.Add(-time.Second).Unix())), nil, 401, "the token has expired"},
		"one that never expires":  {signed(t, key, claims("exp", nil)), nil, 401, "the token has expired"},
		"one for later":           {signed(t, key, claims("nbf", now.Add(time.Hour).Unix())), nil, 401, "the token is not valid yet"},
		"one of the future":       {signed(t, key, claims("iat", now.Add(time.Hour).Unix())), nil, 401, "the token was issued in the future"},
		"another key":             {signed(t, other, claims()), nil, 401, "signature is invalid"},
		"a key nobody knows":      {signedAs(t, jose.RS256, key, "k2", claims()), nil, 401, "signature is invalid"},
		"a secret for a key":      {signedAs(t, jose.HS256, []byte(strings.Repeat("k", 32)), "k1", claims()), nil, 401, "the token is not well-formed"},
	} {
		t.Run(name, func(t *testing.T) {
			route := to("GET /")
			route.Authorization, route.Scopes = "JWT", tt.scopes
			route.Authorizer = &Authorizer{Sources: []string{"$request.header.Authorization"}, Issuer: "https://issuer", Audience: []string{"notes"}}
			w := &world{answer: `{}`, keys: keys}
			for _, prefix := range []string{"Bearer ", ""} {
				response := ask(New(func() *API { return anAPI(route) }, w), "GET", "/", "", "Authorization", strings.TrimSpace(prefix+tt.token))
				assert.Equal(t, tt.status, response.StatusCode)
				if tt.token != "" || prefix == "" {
					assert.Contains(t, response.Header.Get("Www-Authenticate"), tt.description)
				}
			}
			if tt.status == 200 {
				var event events.APIGatewayV2HTTPRequest
				require.NoError(t, json.Unmarshal([]byte(w.events[0]), &event))
				assert.Equal(t, "ann", event.RequestContext.Authorizer.JWT.Claims["sub"])
				assert.Equal(t, "[a b]", event.RequestContext.Authorizer.JWT.Claims["groups"])
				assert.Equal(t, "7", event.RequestContext.Authorizer.JWT.Claims["age"])
			}
		})
	}
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
func TestAFunctionDecidesWhoMayCall(t *testing.T) {
	policy := func(effect, resource string) string {
		return fmt.Sprintf(`{"principalId":"ann","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":%q,"Resource":%q}]},"context":{"tier":"gold"}}`, effect, resource)
	}
	base := "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/$default/"
	for name, tt := range map[string]struct {
		simple   bool
		decision string
		format   string
		header   []string
		status   int
	}{
		"it agrees":                        {true, `{"isAuthorized":true,"context":{"tier":"gold"}}`, "2.0", []string{"Token", "t"}, 200},
		"it does not":                      {true, `{"isAuthorized":false}`, "2.0", []string{"Token", "t"}, 403},
		"a request without its sources":    {true, `{"isAuthorized":true}`, "2.0", nil, 401},
		"a policy for the route":           {false, policy("Allow", base+"GET/notes/7"), "2.0", []string{"Token", "t"}, 200},
		"a policy with wildcards":          {false, policy("Allow", base+"*/notes/*"), "1.0", []string{"Token", "t"}, 200},
		"a policy for the whole API":       {false, policy("Allow", "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/*"), "1.0", []string{"Token", "t"}, 200},
		"a policy for another route":       {false, policy("Allow", base+"GET/other"), "2.0", []string{"Token", "t"}, 403},
		"a policy that denies":             {false, policy("Deny", "*"), "2.0", []string{"Token", "t"}, 403},
		"an answer of the other kind":      {true, policy("Allow", "*"), "2.0", []string{"Token", "t"}, 500},
		"a simple answer where none is":    {false, `{"isAuthorized":true}`, "2.0", []string{"Token", "t"}, 500},
		"an answer that says nothing":      {true, `{}`, "2.0", []string{"Token", "t"}, 500},
		"an answer that is no object":      {true, `"yes"`, "2.0", []string{"Token", "t"}, 500},
		"a policy that nobody understands": {false, `{"policyDocument":{"Statement":[{"Action":"*","Effect":"Allow","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"notes"}}}]}}`, "2.0", []string{"Token", "t"}, 500},
	} {
		t.Run(name, func(t *testing.T) {
			route := to("GET /notes/{id}")
			route.Authorization = "CUSTOM"
			route.Authorizer = &Authorizer{ID: "a1", Sources: []string{"$request.header.token"}, Function: "decider", PayloadFormat: tt.format, Simple: tt.simple}
			w := &world{answer: `{}`, answers: map[string]string{"decider": tt.decision}}
			response := ask(New(func() *API { return anAPI(route) }, w), "GET", "/notes/7", "", tt.header...)
			assert.Equal(t, tt.status, response.StatusCode, text(t, response))
			if tt.status == 200 {
				require.Len(t, w.events, 2)
				assert.Contains(t, w.events[0], `"type":"REQUEST"`)
				assert.Contains(t, w.events[0], base+"GET/notes/7")
				assert.Contains(t, w.events[1], `"lambda":{"tier":"gold"}`)
				assert.Equal(t, "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/authorizers/a1", w.sources[0])
			}
			if tt.status == 401 {
				assert.Empty(t, w.events, "the function is not asked")
			}
		})
	}
}

func TestADecisionHoldsForItsTimeAndItsSources(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	guard := &Authorizer{ID: "a1", Sources: []string{"$request.header.token"}, Function: "decider", PayloadFormat: "2.0", Simple: true, TTL: time.Minute}
	routes := []Route{to("GET /a"), to("GET /b")}
	for i := range routes {
		routes[i].Authorization, routes[i].Authorizer = "CUSTOM", guard
	}
	w := &world{answer: `{}`, answers: map[string]string{"decider": `{"isAuthorized":true}`}}
	s := New(func() *API { return anAPI(routes...) }, w)
	s.now = func() time.Time { return now }
	asked := func() (count int) {
		for _, event := range w.events {
			if strings.Contains(event, `"type":"REQUEST"`) {
				count++
			}
		}
		return count
	}
	for range 2 {
		require.Equal(t, 200, ask(s, "GET", "/a", "", "Token", "t").StatusCode)
	}
	assert.Equal(t, 1, asked(), "kept")
	require.Equal(t, 200, ask(s, "GET", "/b", "", "Token", "t").StatusCode)
	assert.Equal(t, 1, asked(), "for all routes")
	ask(s, "GET", "/a", "", "Token", "u")
	assert.Equal(t, 2, asked(), "another source")
	now = now.Add(time.Minute)
	ask(s, "GET", "/a", "", "Token", "t")
	assert.Equal(t, 3, asked(), "over")
	guard.Sources = append(guard.Sources, "$context.routeKey")
	ask(s, "GET", "/a", "", "Token", "t")
	ask(s, "GET", "/b", "", "Token", "t")
	assert.Equal(t, 5, asked(), "by route")
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
func TestAnUnsignedRequestIsForbiddenWhereIAMDecides(t *testing.T) {
	route := to("GET /")
	route.Authorization = "AWS_IAM"
	w := &world{answer: `{}`}
	response := ask(New(func() *API { return anAPI(route) }, w), "GET", "/", "")
	assert.Equal(t, 403, response.StatusCode)
	assert.JSONEq(t, `{"message":"Forbidden"}`, text(t, response))
	w.signer = &Signer{AccessKey: "AKIA", Account: "123456789012", UserARN: "arn:aws:iam::123456789012:user/ann"}
	assert.Equal(t, 200, ask(New(func() *API { return anAPI(route) }, w), "GET", "/", "").StatusCode)
	assert.Contains(t, w.events[0], `"userArn":"arn:aws:iam::123456789012:user/ann"`)
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
func TestAThrottleIsABucketOfTokensByRoute(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	own := to("GET /own")
	own.Throttle = Throttle{Rate: 1, Burst: 1}
	api := anAPI(to("GET /a"), to("GET /b"), own)
	api.Throttle = Throttle{Rate: 2, Burst: 3}
	s := New(func() *API { return api }, &world{answer: `{}`})
	s.now = func() time.Time { return now }
	statuses := func(path string, count int) (out []int) {
		for range count {
			out = append(out, ask(s, "GET", path, "").StatusCode)
		}
		return out
	}
	assert.Equal(t, []int{200, 200, 200, 429}, statuses("/a", 4))
	assert.Equal(t, []int{200}, statuses("/b", 1), "each route has its own")
	assert.Equal(t, []int{200, 429}, statuses("/own", 2))
	now = now.Add(time.Second)
	assert.Equal(t, []int{200, 200, 429}, statuses("/a", 3))
	now = now.Add(time.Hour)
	assert.Equal(t, []int{200, 200, 200, 429}, statuses("/a", 4), "never more than the burst")
	assert.JSONEq(t, `{"message":"Too Many Requests"}`, text(t, ask(s, "GET", "/a", "")))
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
func TestTheAccessLogHasTheVariablesOfItsFormat(t *testing.T) {
	api := anAPI(to("GET /notes/{id}"))
	api.LogFormat = `{"id":"$context.requestId","ip":"$context.identity.sourceIp","route":"$context.routeKey","path":"$context.path","status":"$context.status",` +
		`"length":"$context.responseLength","integration":"$context.integrationStatus","error":"$context.error.responseType","claim":"$context.authorizer.claims.sub"}`
	w := &world{answer: `{"statusCode":201,"body":"hello"}`}
	s := New(func() *API { return api }, w)
	response := ask(s, "GET", "/notes/7", "")
	require.Len(t, w.lines, 1)
	assert.JSONEq(t, `{"id":"`+response.Header.Get("Apigw-Requestid")+`","ip":"192.0.2.1","route":"GET /notes/{id}","path":"/notes/7","status":"201",`+
		`"length":"5","integration":"200","error":"-","claim":"-"}`, w.lines[0])
	w.failed = true
	ask(s, "GET", "/notes/7", "")
	assert.Contains(t, w.lines[1], `"status":"500"`)
	assert.Contains(t, w.lines[1], `"error":"INTEGRATION_FAILURE"`)
}

func TestARequestThatIsTooLargeIsRefused(t *testing.T) {
	w := &world{answer: `{}`}
	s := New(func() *API { return anAPI(to("POST /")) }, w)
	assert.Equal(t, 413, ask(s, "POST", "/", strings.Repeat("x", payloadLimit+1)).StatusCode)
	assert.Empty(t, w.events)
}
