package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/roadshow-go/roadshow/stages"
)

// API is one stage of an HTTP API, or the URL of a function.
type API struct {
	// ID, Account and Region say which it is; Domain is its own, such as
	// "id.execute-api.us-east-1.amazonaws.com".
	ID, Account, Region, Domain string
	// Stage is the stage's name, "$default" or one that paths begin with.
	Stage string
	// StageVariables are the stage's.
	StageVariables map[string]string
	// Routes are all routes. Their order has no meaning.
	Routes []Route
	// CORS answers browsers; nil leaves it to the functions.
	CORS *CORS
	// Throttle limits each route that has no limit of its own; the zero value does not.
	Throttle Throttle
	// LogFormat is a line of the access log, with $context variables; empty logs nothing.
	LogFormat string
	// FunctionURL tells that this is the URL of a function, whose events name no route and no
	// stage.
	// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
	FunctionURL bool
}

// Route is where requests go.
type Route struct {
	// Key is "GET /notes/{id}", "ANY /files/{path+}" or "$default".
	Key string
	// Function is the ARN that the integration names, PayloadFormat "1.0" or "2.0", Timeout at most
	// 30 seconds, which is the default.
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
	Function, PayloadFormat string
	Timeout                 time.Duration
	// Authorization is "NONE", "JWT", "CUSTOM" or "AWS_IAM"; the first by default.
	Authorization string
	// Authorizer is that of JWT and CUSTOM, Scopes those of which a token must have one.
	Authorizer *Authorizer
	Scopes     []string
	// Throttle limits the route; the zero value leaves it to the API's.
	Throttle Throttle
}

// Throttle is a bucket of Burst tokens that fills with Rate tokens a second.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
type Throttle struct {
	Rate  float64
	Burst int
}

// CORS is the configuration of an API.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
type CORS struct {
	AllowOrigins, AllowMethods, AllowHeaders, ExposeHeaders []string
	MaxAge                                                  int // seconds; negative is none
	AllowCredentials                                        bool
}

// Authorizer decides who may call.
type Authorizer struct {
	// ID is the authorizer's. Sources are where a request holds what it is decided by, such as
	// "$request.header.Authorization".
	ID      string
	Sources []string
	// Issuer and Audience are those of tokens.
	Issuer   string
	Audience []string
	// Function is the ARN of the function that decides, PayloadFormat "1.0" or "2.0". Simple tells
	// that it answers with isAuthorized, TTL is how long its answer holds; zero is not at all.
	Function, PayloadFormat string
	Simple                  bool
	TTL                     time.Duration
}

// Environment is what an API asks of the rest of AWS.
type Environment interface {
	// Invoke runs a function for what the ARN of a route, or of an authorizer, may invoke. failed
	// tells that the payload is the error of the function. The error is [ErrNotAllowed],
	// [ErrThrottled], [context.DeadlineExceeded] for an answer that takes longer than the limit, or
	// why it did not run. The time of what AWS has no part in does not count.
	Invoke(ctx context.Context, function, source string, payload []byte, limit time.Duration) (answer []byte, failed bool, err error)
	// Signer checks a request's signature, and whether its signer may call the route with this ARN.
	Signer(r *http.Request, body []byte, route string) (Signer, bool)
	// Keys gives an issuer's public keys, as a JSON Web Key Set.
	Keys(ctx context.Context, issuer string) ([]byte, error)
	// Log takes a line of the access log.
	Log(line string)
}

// ErrNotAllowed says that the function does not let the API invoke it.
//
//lint:ignore ST1005 the words are AWS's
var ErrNotAllowed = errors.New("The IAM role configured on the integration or API Gateway doesn't have permissions to call the integration. Check the permissions and try again.")

// ErrThrottled says that the function may not run now.
//
//lint:ignore ST1005 the words are AWS's
var ErrThrottled = errors.New("Rate Exceeded")

// Signer is who has signed a request.
type Signer struct{ AccessKey, Account, CallerID, UserARN, UserID string }

// arn is the ARN of a route for a method and a path: of an API, stage, method and path.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
func (a *API) arn(method, path string) string {
	return "arn:" + stages.Partition(a.Region) + ":execute-api:" + a.Region + ":" + a.Account + ":" + a.ID + "/" + a.Stage + "/" + method + path
}
