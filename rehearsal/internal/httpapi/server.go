package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// longest is how long an integration may take.
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
	longest = 30 * time.Second
	// noLimit is that of a function's URL: the function's own timeout is shorter.
	noLimit = time.Hour
	// payloadLimit is the most that a request may carry, in bytes, on the same page.
	payloadLimit = 10 << 20
)

// Server serves one API, or one function's URL. It keeps what API Gateway keeps between requests:
// tokens of throttles, decisions of authorizers, keys of issuers.
type Server struct {
	api         func() *API
	environment Environment
	now         func() time.Time

	keys keySets

	mu        sync.Mutex
	buckets   map[string]*bucket
	decisions map[string]keptDecision
}

// New makes a server of the API that api gives: it is asked for each request, so that changes hold
// at once.
func New(api func() *API, environment Environment) *Server {
	return &Server{
		api: api, environment: environment, now: time.Now,
		keys: keySets{kept: map[string]keySet{}}, buckets: map[string]*bucket{}, decisions: map[string]keptDecision{},
	}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	r := &request{http: hr, api: s.api(), id: newRequestID(), time: s.now(), path: hr.URL.Path}
	if r.api == nil {
		write(w, r, nil, notFound)
		return
	}
	r.trace = hr.Header.Get("X-Amzn-Trace-Id")
	if r.trace == "" {
		r.trace = fmt.Sprintf("Root=1-%08x-%x", r.time.Unix(), randomBytes(12))
	}
	out, refused := s.answer(hr.Context(), w, r)
	s.share(w.Header(), r)
	write(w, r, out, refused)
	if r.api.LogFormat != "" && r.match.route != nil {
		s.environment.Log(r.line(r.api.LogFormat, s.now().Sub(r.time)))
	}
}

// answer does all but writing. Neither an answer nor a refusal is the answer to a browser's
// question.
func (s *Server) answer(ctx context.Context, w http.ResponseWriter, r *request) (*answer, *refusal) {
	deadline := http.NewResponseController(w)
	_ = deadline.SetReadDeadline(r.time.Add(longest)) // the response writers of tests have no deadlines
	body, err := io.ReadAll(http.MaxBytesReader(w, r.http.Body, payloadLimit))
	if err != nil {
		return nil, tooLarge
	}
	_ = deadline.SetReadDeadline(time.Time{})
	r.body = body
	if r.api.Stage != "$default" && !r.api.FunctionURL && r.path != "/"+r.api.Stage && !strings.HasPrefix(r.path, "/"+r.api.Stage+"/") {
		return nil, notFound
	}
	asks := r.api.CORS != nil && r.http.Method == http.MethodOptions && r.http.Header.Get("Origin") != "" && r.http.Header.Get("Access-Control-Request-Method") != ""
	found := false
	if r.match, found = find(r.api.Routes, r.http.Method, r.routePath()); !found {
		if asks {
			return nil, nil
		}
		return nil, notFound
	}
	if !s.take(r) {
		return nil, tooMany
	}
	if refused := s.authorize(ctx, r); refused != nil {
		return nil, refused
	}
	if asks {
		return nil, nil
	}
	return s.integrate(ctx, r)
}

// integrate has the function of the route answer.
func (s *Server) integrate(ctx context.Context, r *request) (*answer, *refusal) {
	route := r.match.route
	event := r.event2
	if route.PayloadFormat == "1.0" {
		event = r.event1
	}
	payload, err := json.Marshal(event())
	if err != nil {
		return nil, internalError
	}
	limit := route.Timeout
	if limit <= 0 || limit > longest {
		limit = longest
	}
	if r.api.FunctionURL {
		limit = noLimit
	}
	method, pattern, isPath := strings.Cut(route.Key, " ")
	source := r.api.arn(method, pattern)
	if method == "ANY" {
		source = r.api.arn("*", pattern)
	}
	if !isPath {
		source = r.api.arn("$default", "")
	}
	begun := s.now()
	told, failed, err := s.environment.Invoke(ctx, route.Function, source, payload, limit)
	r.integrationLatency, r.integrationReported = s.now().Sub(begun), true
	switch {
	case errors.Is(err, ErrNotAllowed):
		r.integrationError = err.Error()
		if r.api.FunctionURL {
			return nil, forbidden
		}
		return nil, internalError
	case r.api.FunctionURL && errors.Is(err, ErrThrottled):
		return nil, tooMany
	case err != nil: // it took too long, or is throttled: https://github.com/cortexlabs/cortex/issues/1225
		r.integrationError = err.Error()
		return nil, unavailable
	}
	r.integrationStatus = http.StatusOK
	if failed {
		r.integrationError = "The Lambda function returned the following error: " + string(told) + ". Check your Lambda function code and try again."
		if r.api.FunctionURL {
			// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
			return nil, &refusal{status: http.StatusBadGateway, message: "Internal Server Error", kind: "INTEGRATION_FAILURE"}
		}
		return nil, internalError
	}
	out, err := readAnswer(route.PayloadFormat, told)
	if err != nil {
		r.integrationError = err.Error()
		if r.api.FunctionURL {
			return nil, &refusal{status: http.StatusBadGateway, message: "Internal Server Error", kind: "INTEGRATION_FAILURE"}
		}
		return nil, internalError
	}
	r.functionStatus = out.status
	return &out, nil
}

// write writes an answer, a refusal, or the answer to a browser's question.
func write(w http.ResponseWriter, r *request, out *answer, refused *refusal) {
	header := w.Header()
	header.Set("Apigw-Requestid", r.id)
	switch {
	case refused != nil:
		r.status, r.errorMessage, r.errorType = refused.status, refused.message, refused.kind
		if refused.authenticate != "" {
			header.Set("Www-Authenticate", refused.authenticate)
		}
		header.Set("Content-Type", "application/json")
		content, _ := json.Marshal(map[string]string{"message": refused.message})
		r.length = len(content)
		w.WriteHeader(refused.status)
		_, _ = w.Write(content)
	case out != nil:
		for name, values := range out.header {
			// Of an API with CORS, those of the function are ignored.
			if r.api.CORS != nil && strings.HasPrefix(name, "Access-Control-") {
				continue
			}
			header[name] = values
		}
		header.Del("Content-Length") // of what is written
		r.status, r.length = out.status, len(out.content)
		w.WriteHeader(out.status)
		if r.http.Method != http.MethodHead {
			_, _ = w.Write(out.content)
		}
	default:
		r.status = http.StatusNoContent
		w.WriteHeader(http.StatusNoContent)
	}
}

// share sets the headers of CORS.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
func (s *Server) share(header http.Header, r *request) {
	c, origin := r.api.CORS, r.http.Header.Get("Origin")
	if c == nil || origin == "" {
		return
	}
	everybody := slices.Contains(c.AllowOrigins, "*")
	if !everybody && !slices.ContainsFunc(c.AllowOrigins, func(allowed string) bool {
		return strings.EqualFold(allowed, origin) || (allowed == "https://*" || allowed == "http://*") && strings.HasPrefix(origin, strings.TrimSuffix(allowed, "*"))
	}) {
		return
	}
	if everybody && !c.AllowCredentials {
		header.Set("Access-Control-Allow-Origin", "*")
	} else {
		header.Set("Access-Control-Allow-Origin", origin)
		header.Add("Vary", "Origin")
	}
	set := func(name string, values []string) {
		if len(values) > 0 {
			header.Set(name, strings.Join(values, ","))
		}
	}
	if c.AllowCredentials {
		header.Set("Access-Control-Allow-Credentials", "true")
	}
	set("Access-Control-Expose-Headers", c.ExposeHeaders)
	if r.http.Method == http.MethodOptions && r.http.Header.Get("Access-Control-Request-Method") != "" {
		set("Access-Control-Allow-Methods", c.AllowMethods)
		set("Access-Control-Allow-Headers", c.AllowHeaders)
		if c.MaxAge >= 0 {
			header.Set("Access-Control-Max-Age", itoa(c.MaxAge))
		}
	}
}

// bucket holds the tokens of a throttle.
type bucket struct {
	tokens float64
	filled time.Time
}

// take takes a token of the request's route; where there is none, the request is one too many.
func (s *Server) take(r *request) bool {
	throttle := r.match.route.Throttle
	if throttle == (Throttle{}) {
		throttle = r.api.Throttle
	}
	if throttle == (Throttle{}) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, known := s.buckets[r.match.route.Key]
	if !known {
		b = &bucket{tokens: float64(throttle.Burst), filled: r.time}
		s.buckets[r.match.route.Key] = b
	}
	b.tokens = min(float64(throttle.Burst), b.tokens+r.time.Sub(b.filled).Seconds()*throttle.Rate)
	b.filled = r.time
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

var logVariable = regexp.MustCompile(`\$context\.[A-Za-z0-9_.-]*[A-Za-z0-9_-]`)

// line is a line of the access log; what has no value is a hyphen.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
func (r *request) line(format string, took time.Duration) string {
	return logVariable.ReplaceAllStringFunc(format, func(name string) string {
		name = strings.TrimPrefix(name, "$context.")
		switch name {
		case "responseLatency":
			return itoa(int(took.Milliseconds()))
		case "responseLength":
			return itoa(r.length)
		case "dataProcessed":
			return itoa(len(r.body) + r.length)
		case "status":
			return itoa(r.status)
		}
		if value := r.variable(name); value != "" {
			return value
		}
		return "-"
	})
}

// variable is the value of a $context variable.
func (r *request) variable(name string) string {
	switch name {
	case "accountId":
		return r.api.Account
	case "apiId":
		return r.api.ID
	case "domainName":
		return r.api.Domain
	case "domainPrefix":
		prefix, _, _ := strings.Cut(r.api.Domain, ".")
		return prefix
	case "extendedRequestId", "requestId":
		return r.id
	case "httpMethod":
		return r.http.Method
	case "identity.sourceIp":
		return r.sourceIP()
	case "identity.userAgent":
		return r.http.UserAgent()
	case "path":
		return r.path
	case "protocol":
		return r.http.Proto
	case "requestTime":
		return r.clock()
	case "requestTimeEpoch":
		return itoa(int(r.time.UnixMilli()))
	case "stage":
		return r.api.Stage
	case "error.message":
		return r.errorMessage
	case "error.messageString":
		if r.errorMessage != "" {
			return `"` + r.errorMessage + `"`
		}
		return ""
	case "error.responseType":
		return r.errorType
	case "integrationErrorMessage", "integration.error":
		return r.integrationError
	case "authorizer.error":
		return r.authorizerError
	case "authorizer.principalId":
		return r.principal
	case "routeKey":
		if r.match.route != nil {
			return r.match.route.Key
		}
		return ""
	}
	return r.laterVariable(name)
}

// laterVariable is the value of one that there is only where an integration was asked, or somebody was authorized.
func (r *request) laterVariable(name string) string {
	switch {
	case (name == "integrationLatency" || name == "integration.latency") && r.integrationReported:
		return itoa(int(r.integrationLatency.Milliseconds()))
	case (name == "integrationStatus" || name == "integration.integrationStatus") && r.integrationStatus != 0:
		return itoa(r.integrationStatus)
	case name == "integration.status" && r.functionStatus != 0:
		return itoa(r.functionStatus)
	case r.signer != nil && name == "identity.accountId":
		return r.signer.Account
	case r.signer != nil && name == "identity.caller":
		return r.signer.CallerID
	case r.signer != nil && name == "identity.user":
		return r.signer.UserID
	case r.signer != nil && name == "identity.userArn":
		return r.signer.UserARN
	}
	if claim, isClaim := strings.CutPrefix(name, "authorizer.claims."); isClaim {
		return textOf(r.claims[claim])
	}
	if property, isProperty := strings.CutPrefix(name, "authorizer."); isProperty {
		return textOf(r.context[property])
	}
	return ""
}

func textOf(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// newRequestID is as API Gateway's are.
func newRequestID() string { return base64.RawURLEncoding.EncodeToString(randomBytes(11)) + "=" }

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}
