package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/roadshow-go/roadshow/rehearsal/internal/policy"
	"github.com/roadshow-go/roadshow/stages"
)

// refusal is an answer of API Gateway's own.
type refusal struct {
	status       int
	message      string
	authenticate string // the header WWW-Authenticate
	kind         string // $context.error.responseType
}

func (e *refusal) Error() string { return e.message }

var (
	unauthorized  = &refusal{status: http.StatusUnauthorized, message: "Unauthorized", kind: "UNAUTHORIZED"}
	forbidden     = &refusal{status: http.StatusForbidden, message: "Forbidden", kind: "ACCESS_DENIED"}
	internalError = &refusal{status: http.StatusInternalServerError, message: "Internal Server Error", kind: "INTEGRATION_FAILURE"}
	unavailable   = &refusal{status: http.StatusServiceUnavailable, message: "Service Unavailable", kind: "INTEGRATION_TIMEOUT"}
	notFound      = &refusal{status: http.StatusNotFound, message: "Not Found", kind: "NOT_FOUND"}
	tooMany       = &refusal{status: http.StatusTooManyRequests, message: "Too Many Requests", kind: "THROTTLED"}
	tooLarge      = &refusal{status: http.StatusRequestEntityTooLarge, message: "Request Entity Too Large", kind: "REQUEST_TOO_LARGE"}
)

// authorize decides whether a request may go on.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control.html
func (s *Server) authorize(ctx context.Context, r *request) *refusal {
	switch r.match.route.Authorization {
	case "", "NONE":
		return nil
	case "AWS_IAM":
		signer, allowed := s.environment.Signer(r.http, r.body, r.api.arn(r.http.Method, r.routePath()))
		if !allowed {
			return forbidden
		}
		r.signer = &signer
		return nil
	case "JWT":
		return s.checkToken(ctx, r)
	case "CUSTOM":
		return s.askFunction(ctx, r)
	}
	return internalError
}

// source is the value of an expression that says where a request holds something.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
func (r *request) source(expression string) string {
	switch kind, name, _ := strings.Cut(strings.TrimPrefix(expression, "$"), "."); kind {
	case "request":
		where, name, _ := strings.Cut(name, ".")
		switch where {
		case "header":
			return r.headers()[strings.ToLower(name)]
		case "querystring":
			return strings.Join(r.query()[name], ",")
		}
	case "context":
		return r.variable(name)
	case "stageVariables":
		return r.api.StageVariables[name]
	}
	return ""
}

// checkToken validates a JSON Web Token: its signature by an RSA key of the issuer, iss, aud or
// client_id, exp, nbf, iat, and one of the route's scopes in scope or scp.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
func (s *Server) checkToken(ctx context.Context, r *request) *refusal {
	a := r.match.route.Authorizer
	token := ""
	for _, source := range a.Sources {
		if token = r.source(source); token != "" {
			break
		}
	}
	if prefix := "bearer "; len(token) > len(prefix) && strings.EqualFold(token[:len(prefix)], prefix) {
		token = token[len(prefix):]
	}
	scopes := strings.Join(r.match.route.Scopes, " ")
	// The header is as on
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-jwt.html
	wrong := func(description string) *refusal {
		refused := *unauthorized
		refused.authenticate = fmt.Sprintf("Bearer scope=%q error=%q error_description=%q", scopes, "invalid_token", description)
		r.authorizerError = description
		return &refused
	}
	if token == "" {
		refused := *unauthorized
		refused.authenticate = "Bearer"
		return &refused
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512})
	if err != nil {
		return wrong("the token is not well-formed")
	}
	keys, err := s.keysOf(ctx, a.Issuer)
	if err != nil {
		r.authorizerError = err.Error()
		return wrong("OIDC discovery failed")
	}
	known := keys.Key(parsed.Headers[0].KeyID)
	claims := map[string]any{}
	if len(known) == 0 || parsed.Claims(known[0].Key, &claims) != nil {
		return wrong("signature is invalid")
	}
	now := s.now()
	switch seconds := func(name string) (time.Time, bool) {
		number, is := claims[name].(float64)
		return time.Unix(int64(number), 0), is
	}; {
	case claims["iss"] != a.Issuer:
		return wrong("invalid issuer")
	case !slices.ContainsFunc(a.Audience, func(audience string) bool { return slices.Contains(audiences(claims), audience) }):
		return wrong("the token does not have a valid audience")
	default:
		if expires, given := seconds("exp"); !given || !expires.After(now) {
			return wrong("the token has expired")
		}
		if begins, given := seconds("nbf"); given && begins.After(now) {
			return wrong("the token is not valid yet")
		}
		if issued, given := seconds("iat"); given && issued.After(now) {
			return wrong("the token was issued in the future")
		}
	}
	if len(r.match.route.Scopes) > 0 {
		r.scopes = tokenScopes(claims)
		if !slices.ContainsFunc(r.match.route.Scopes, func(scope string) bool { return slices.Contains(r.scopes, scope) }) {
			refused := *forbidden
			refused.authenticate = fmt.Sprintf("Bearer scope=%q error=%q error_description=%q", scopes, "insufficient_scope", "the token does not have a valid scope")
			return &refused
		}
	}
	r.claims = object{}
	for name, value := range claims {
		r.claims[name] = claimText(value)
	}
	return nil
}

// audiences are aud, one or a list, or else client_id.
func audiences(claims map[string]any) []string {
	switch aud := claims["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		var all []string
		for _, each := range aud {
			all = append(all, fmt.Sprint(each))
		}
		return all
	}
	client, _ := claims["client_id"].(string)
	return []string{client}
}

// tokenScopes are those of a token: a text with blanks, or a list.
func tokenScopes(claims map[string]any) []string {
	for _, name := range []string{"scope", "scp"} {
		switch scopes := claims[name].(type) {
		case string:
			return strings.Fields(scopes)
		case []any:
			var all []string
			for _, each := range scopes {
				all = append(all, fmt.Sprint(each))
			}
			return all
		}
	}
	return nil
}

// claimText is a claim as events hold it: every claim is a text, a list has brackets and blanks.
func claimText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case float64:
		return fmt.Sprintf("%.0f", v)
	case []any:
		var all []string
		for _, each := range v {
			all = append(all, claimText(each))
		}
		return "[" + strings.Join(all, " ") + "]"
	case map[string]any:
		text, _ := json.Marshal(v)
		return string(text)
	}
	return fmt.Sprint(value)
}

// keySets are the keys of issuers, which API Gateway keeps for two hours.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
type keySets struct {
	mu   sync.Mutex
	kept map[string]keySet
}

type keySet struct {
	keys  *jose.JSONWebKeySet
	until time.Time
}

func (s *Server) keysOf(ctx context.Context, issuer string) (*jose.JSONWebKeySet, error) {
	s.keys.mu.Lock()
	defer s.keys.mu.Unlock()
	if kept, found := s.keys.kept[issuer]; found && s.now().Before(kept.until) {
		return kept.keys, nil
	}
	text, err := s.environment.Keys(ctx, issuer)
	if err != nil {
		return nil, err
	}
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(text, &keys); err != nil {
		return nil, fmt.Errorf("keys of %s: %w", issuer, err)
	}
	s.keys.kept[issuer] = keySet{&keys, s.now().Add(2 * time.Hour)}
	return &keys, nil
}

// decision is what a function has answered.
type decision struct {
	IsAuthorized   *bool
	PrincipalID    string
	PolicyDocument object
	Context        object
}

type keptDecision struct {
	decision decision
	until    time.Time
}

// authorizerLimit is how long an authorizer may take.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const authorizerLimit = 10 * time.Second

// askFunction has a function decide. An answer holds for all routes, and is kept under the values
// of the sources.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
func (s *Server) askFunction(ctx context.Context, r *request) *refusal {
	a := r.match.route.Authorizer
	for _, source := range a.Sources {
		value := r.source(source)
		if value == "" {
			return unauthorized
		}
		r.identities = append(r.identities, value)
	}
	key := a.ID + "\x00" + strings.Join(r.identities, "\x00")
	decided, kept := s.decided(key)
	if !kept {
		event, err := json.Marshal(r.authorizerEvent(a))
		if err != nil {
			return internalError
		}
		source := "arn:" + stages.Partition(r.api.Region) + ":execute-api:" + r.api.Region + ":" + r.api.Account + ":" + r.api.ID + "/authorizers/" + a.ID
		payload, failed, err := s.environment.Invoke(ctx, a.Function, source, event, authorizerLimit)
		switch {
		case err != nil:
			r.authorizerError = err.Error()
			return internalError
		case failed:
			// A function that fails with "Unauthorized" says so.
			var told struct{ ErrorMessage string }
			if json.Unmarshal(payload, &told) == nil && told.ErrorMessage == "Unauthorized" {
				return unauthorized
			}
			r.authorizerError = string(payload)
			return internalError
		}
		if err := json.Unmarshal(payload, &decided); err != nil || (decided.IsAuthorized == nil) == (decided.PolicyDocument == nil) ||
			(decided.IsAuthorized != nil) != a.Simple {
			r.authorizerError = "The authorizer returned an invalid response."
			return internalError
		}
		if a.TTL > 0 && len(a.Sources) > 0 {
			s.keep(key, keptDecision{decided, s.now().Add(a.TTL)})
		}
	}
	allowed := decided.IsAuthorized != nil && *decided.IsAuthorized
	if decided.PolicyDocument != nil {
		var err error
		if allowed, err = decided.allows(r.api.arn(r.http.Method, r.routePath())); err != nil {
			r.authorizerError = err.Error()
			return internalError
		}
	}
	if !allowed {
		return forbidden
	}
	r.principal, r.context = decided.PrincipalID, decided.Context
	if r.context == nil {
		r.context = object{}
	}
	return nil
}

// allows evaluates the policy of a decision for one route.
func (d *decision) allows(route string) (bool, error) {
	document, err := policy.Read(d.PolicyDocument)
	if err != nil {
		return false, err
	}
	verdict, err := policy.EvaluateIdentity([]policy.Document{document}, policy.Request{Action: "execute-api:Invoke", Resource: route})
	return verdict == policy.Allow, err
}

func (s *Server) decided(key string) (decision, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, found := s.decisions[key]
	if !found || !s.now().Before(kept.until) {
		delete(s.decisions, key)
		return decision{}, false
	}
	return kept.decision, true
}

func (s *Server) keep(key string, d keptDecision) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.decisions) > 10_000 {
		clear(s.decisions)
	}
	s.decisions[key] = d
}
