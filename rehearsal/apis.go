package rehearsal

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/roadshow-go/roadshow/rehearsal/internal/execution"
	"github.com/roadshow-go/roadshow/rehearsal/internal/httpapi"
	"github.com/roadshow-go/roadshow/rehearsal/internal/policy"
)

// API is one stage of an HTTP API, or the URL of a function, and where it is served.
type API struct {
	// Account and Region say where it is.
	Account, Region string
	// Name is the API's, or that of the function; Stage is empty for a function's URL.
	Name, Stage string
	// ID is the API's id; Endpoint is the URL that AWS would give it.
	ID, Endpoint string
	// URL is where it is served on this machine, with the stage that its paths begin with. It ends
	// without a slash.
	URL string
}

// served is an API with its server on loopback.
type served struct {
	listener net.Listener
	server   *http.Server
}

// gateway serves the HTTP APIs of all accounts.
type gateway struct {
	server *Server
	port   int // the first that is tried
	work   sync.WaitGroup

	mu     sync.Mutex
	closed bool
	served map[string]*served // by account, region, API and stage

	issuer func() (*rsa.PrivateKey, error)
}

func newGateway(s *Server, port int) *gateway {
	return &gateway{
		server: s, port: port, served: map[string]*served{},
		issuer: sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }),
	}
}

func (g *gateway) close() {
	g.mu.Lock()
	g.closed = true
	for _, each := range g.served {
		_ = each.server.Close()
	}
	g.mu.Unlock()
	g.work.Wait()
}

const (
	httpAPI     = "AWS::ApiGatewayV2::Api"
	apiStage    = "AWS::ApiGatewayV2::Stage"
	functionURL = "AWS::Lambda::Url"
)

// APIs lists the HTTP APIs, a stage each, and the URLs of functions of all accounts, sorted by
// account, region and name. Each has a server of its own on loopback, which is started when it is
// first listed and lasts as long as the API.
func (s *Server) APIs() ([]API, error) {
	s.store.mu.RLock()
	found := s.store.held(func(r *Resource) bool {
		return r.Type == functionURL || r.Type == apiStage
	})
	s.store.mu.RUnlock()
	// The first accounts have the first ports.
	slices.SortStableFunc(found, func(a, b Resource) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	var all []API
	keep := map[string]bool{}
	for i := range found {
		one, definition, exists := s.store.describeAPI(&found[i])
		if !exists {
			continue
		}
		key := one.Account + " " + one.Region + " " + found[i].Type + " " + found[i].PhysicalID + " " + one.ID + " " + one.Stage
		keep[key] = true
		url, err := s.gateway.serve(key, definition, place{one.Account, one.Region})
		if err != nil {
			return nil, err
		}
		if one.URL = url; one.Stage != "" && one.Stage != "$default" {
			one.URL += "/" + one.Stage
		}
		all = append(all, one)
	}
	s.gateway.retain(keep)
	sortAPIs(all)
	return all, nil
}

// serve gives the address of an API's server, and starts it if need be.
func (g *gateway) serve(key string, definition func() *httpapi.API, at place) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return "", errors.New("rehearsal: the server is closed")
	}
	known, running := g.served[key]
	if !running {
		listener, err := listen(g.port)
		if err != nil {
			return "", err
		}
		handler := httpapi.New(definition, &surroundings{server: g.server, at: at, stream: requestID(), definition: definition})
		known = &served{listener: listener, server: &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}}
		g.served[key] = known
		g.work.Go(func() { _ = known.server.Serve(listener) })
	}
	return "http://" + known.listener.Addr().String(), nil
}

// retain ends the servers of APIs that are gone.
func (g *gateway) retain(keep map[string]bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for key, each := range g.served {
		if !keep[key] {
			_ = each.server.Close()
			delete(g.served, key)
		}
	}
}

// describeAPI is what a stage of an API, or a function's URL, is called, and how its definition is
// had, which is read anew for each request.
func (s *store) describeAPI(part *Resource) (API, func() *httpapi.API, bool) {
	at := place{part.Account, part.Region}
	if part.Type == functionURL {
		endpoint := part.attribute("FunctionUrl")
		target := part.text("TargetFunctionArn")
		id, _, _ := strings.Cut(strings.TrimPrefix(endpoint, "https://"), ".")
		return API{Account: part.Account, Region: part.Region, Name: readFunction(at, target).name, ID: id, Endpoint: endpoint},
			func() *httpapi.API {
				return remember(s, "url|"+endpoint, func() *httpapi.API { return s.urlOf(at, part.PhysicalID, id) })
			}, true
	}
	api, found := s.find(at, httpAPI, part.text("ApiId"))
	if !found || api.text("ProtocolType") == "WEBSOCKET" {
		return API{}, nil, false
	}
	stage := part.text("StageName")
	return API{
			Account: part.Account, Region: part.Region, Name: orElse(api.text("Name"), api.Name), Stage: stage, ID: api.PhysicalID, Endpoint: api.attribute("ApiEndpoint"),
		}, func() *httpapi.API {
			return remember(s, "api|"+at.account+"|"+at.region+"|"+api.PhysicalID+"|"+stage, func() *httpapi.API { return s.apiOf(at, api.PhysicalID, stage) })
		}, true
}

// member is a member of a nested property.
func (r *Resource) member(property, name string) any {
	nested, _ := r.Properties[property].(object)
	return nested[name]
}

// textsOf are the members of an object of texts.
func textsOf(value any) map[string]string {
	members, _ := value.(object)
	out := map[string]string{}
	for name, each := range members {
		out[name] = textOf(each)
	}
	return out
}

// scalars is a list of texts.
func scalars(value any) []string {
	var out []string
	for _, each := range listOf(value) {
		out = append(out, textOf(each))
	}
	return out
}

func numberOf(value any) float64 {
	number, _ := strconv.ParseFloat(textOf(value), 64)
	return number
}

// corsOf reads a configuration of CORS; nil where there is none.
func corsOf(value any) *httpapi.CORS {
	given, is := value.(object)
	if !is {
		return nil
	}
	cors := &httpapi.CORS{
		AllowOrigins: scalars(given["AllowOrigins"]), AllowMethods: scalars(given["AllowMethods"]), AllowHeaders: scalars(given["AllowHeaders"]),
		ExposeHeaders: scalars(given["ExposeHeaders"]), AllowCredentials: textOf(given["AllowCredentials"]) == "true", MaxAge: -1,
	}
	if given["MaxAge"] != nil {
		cors.MaxAge = int(numberOf(given["MaxAge"]))
	}
	return cors
}

// functionIn is the ARN of the function in the URI of an integration: the ARN itself, or API
// Gateway's path to it.
func functionIn(uri string) string {
	if _, path, found := strings.Cut(uri, "/functions/"); found {
		return strings.TrimSuffix(path, "/invocations")
	}
	return uri
}

func throttleOf(settings object) httpapi.Throttle {
	return httpapi.Throttle{Rate: numberOf(settings["ThrottlingRateLimit"]), Burst: int(numberOf(settings["ThrottlingBurstLimit"]))}
}

// apiOf is one stage of an API as it is now; nil when it is gone.
func (s *store) apiOf(at place, id, stageName string) *httpapi.API {
	s.mu.RLock()
	defer s.mu.RUnlock()
	api := s.get(at, httpAPI, id)
	if api == nil {
		return nil
	}
	out := &httpapi.API{
		ID: id, Account: at.account, Region: at.region, Stage: stageName, CORS: corsOf(api.Properties["CorsConfiguration"]),
	}
	_, out.Domain, _ = strings.Cut(api.attribute("ApiEndpoint"), "://")
	integrations, authorizers := map[string]*Resource{}, map[string]*httpapi.Authorizer{}
	var stage *Resource
	var routes []*Resource
	for _, part := range s.resources {
		if part.Account != at.account || part.Region != at.region || part.text("ApiId") != id {
			continue
		}
		switch part.Type {
		case "AWS::ApiGatewayV2::Integration":
			integrations[part.PhysicalID] = part
		case "AWS::ApiGatewayV2::Authorizer":
			authorizers[part.PhysicalID] = authorizerOf(part)
		case "AWS::ApiGatewayV2::Route":
			routes = append(routes, part)
		case apiStage:
			if part.text("StageName") == stageName {
				stage = part
			}
		}
	}
	if stage == nil {
		return nil
	}
	out.StageVariables = textsOf(stage.Properties["StageVariables"])
	if settings, given := stage.Properties["DefaultRouteSettings"].(object); given {
		out.Throttle = throttleOf(settings)
	}
	out.LogFormat = textOf(stage.member("AccessLogSettings", "Format"))
	for _, part := range routes {
		integration := integrations[strings.TrimPrefix(part.text("Target"), "integrations/")]
		if integration == nil {
			continue
		}
		route := httpapi.Route{
			Key: part.text("RouteKey"), Function: functionIn(integration.text("IntegrationUri")), PayloadFormat: integration.text("PayloadFormatVersion"),
			Timeout:       time.Duration(integration.number("TimeoutInMillis")) * time.Millisecond,
			Authorization: part.text("AuthorizationType"), Authorizer: authorizers[part.text("AuthorizerId")], Scopes: scalars(part.Properties["AuthorizationScopes"]),
		}
		if settings, given := stage.member("RouteSettings", route.Key).(object); given {
			route.Throttle = throttleOf(settings)
		}
		out.Routes = append(out.Routes, route)
	}
	return out
}

func authorizerOf(part *Resource) *httpapi.Authorizer {
	return &httpapi.Authorizer{
		ID: part.PhysicalID, Sources: scalars(part.Properties["IdentitySource"]),
		Issuer: textOf(part.member("JwtConfiguration", "Issuer")), Audience: scalars(part.member("JwtConfiguration", "Audience")),
		Function: functionIn(part.text("AuthorizerUri")), PayloadFormat: part.text("AuthorizerPayloadFormatVersion"),
		Simple: part.text("EnableSimpleResponses") == "true", TTL: time.Duration(part.number("AuthorizerResultTtlInSeconds")) * time.Second,
	}
}

// urlOf is a function's URL as an API of one route.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
func (s *store) urlOf(at place, physicalID, id string) *httpapi.API {
	s.mu.RLock()
	defer s.mu.RUnlock()
	part := s.get(at, functionURL, physicalID)
	if part == nil {
		return nil
	}
	target := readFunction(at, part.text("TargetFunctionArn"))
	target.qualifier = orElse(part.text("Qualifier"), target.qualifier)
	return &httpapi.API{
		ID: id, Account: at.account, Region: at.region, Domain: id + ".lambda-url." + at.region + ".on.aws", Stage: "$default", FunctionURL: true,
		CORS:   corsOf(part.Properties["Cors"]),
		Routes: []httpapi.Route{{Key: "$default", Function: target.qualified(), PayloadFormat: "2.0", Authorization: part.text("AuthType")}},
	}
}

// surroundings is what an API asks of the rest of AWS, in its account and region.
type surroundings struct {
	server     *Server
	at         place
	stream     string
	definition func() *httpapi.API
}

// Invoke runs a function that lets the API invoke it.
func (e *surroundings) Invoke(ctx context.Context, function, source string, payload []byte, limit time.Duration) ([]byte, bool, error) {
	s := e.server.store
	named, err := s.resolve(readFunction(e.at, function), mathrand.Float64())
	if err != nil {
		return nil, false, err
	}
	for _, asked := range e.asked(source) {
		if !s.permits(named.functionReference, asked) {
			return nil, false, httpapi.ErrNotAllowed
		}
	}
	return e.run(ctx, &named, payload, limit)
}

// asked is what a function's policy has to allow, so that it may be invoked. A URL that anybody may
// call asks for both actions; the signer of another was asked already.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
func (e *surroundings) asked(source string) []policy.Request {
	api := e.definition()
	switch {
	case api == nil || !api.FunctionURL:
		return []policy.Request{{
			Action: "lambda:InvokeFunction", Principal: policy.Principal{Service: "apigateway.amazonaws.com"},
			Context: policy.Context{"aws:sourcearn": {source}, "aws:sourceaccount": {e.at.account}},
		}}
	case api.Routes[0].Authorization == "AWS_IAM":
		return nil
	}
	context := policy.Context{
		"lambda:functionurlauthtype": {"NONE"}, "lambda:invokedviafunctionurl": {"true"}, "aws:sourcearn": nil, "aws:sourceaccount": nil, "aws:principalorgid": nil,
	}
	return []policy.Request{{Action: "lambda:InvokeFunctionUrl", Context: context}, {Action: "lambda:InvokeFunction", Context: context}}
}

// run does not count the time in which a function is made ready for this machine.
func (e *surroundings) run(ctx context.Context, named *deployed, payload []byte, limit time.Duration) ([]byte, bool, error) {
	f, err := e.server.runner.prepareOrRefuse(named)
	if err != nil {
		return nil, false, err
	}
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	result, err := e.server.runner.host.Invoke(ctx, f, execution.Invocation{Payload: payload, ARN: named.qualified()})
	var throttle *execution.ThrottleError
	if errors.As(err, &throttle) {
		return nil, false, fmt.Errorf("%w: %s", httpapi.ErrThrottled, throttle.Reason)
	}
	return result.Payload, result.FunctionError != "", err
}

// Signer checks a signature of Signature Version 4 with the credentials of the API's account. A
// user, who administers its account, may call each route; a role where its policies allow
// execute-api:Invoke, or lambda:InvokeFunctionUrl.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
func (e *surroundings) Signer(r *http.Request, body []byte, route string) (httpapi.Signer, bool) {
	sig, signed := readSignature(r)
	if !signed || sig.region != e.at.region {
		return httpapi.Signer{}, false
	}
	secret, who, refusal := e.server.credentials(sig)
	if refusal != nil || who.account != e.at.account || e.server.store.isClosed(who.account) || !sig.matches(r, body, secret) {
		return httpapi.Signer{}, false
	}
	api := e.definition()
	if api == nil {
		return httpapi.Signer{}, false
	}
	asked := &request{http: r, server: e.server, store: e.server.store, caller: who, account: who.account, region: sig.region, service: sig.service}
	needed := []right{{action: "execute-api:Invoke", resource: route, owner: e.at.account}}
	if api.FunctionURL {
		needed = asked.urlRights(readFunction(e.at, api.Routes[0].Function))
	}
	if !asked.mayCall(needed) {
		return httpapi.Signer{}, false
	}
	return httpapi.Signer{AccessKey: sig.accessKey, Account: who.account, CallerID: who.userID, UserARN: who.arn, UserID: who.userID}, true
}

// urlRights are those of a signer who calls the URL of a function.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
func (r *request) urlRights(named functionReference) []right {
	var needed []right
	for _, action := range []string{"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"} {
		each := r.functionRight(action, named)
		each.context["lambda:functionurlauthtype"], each.context["lambda:invokedviafunctionurl"] = []string{"AWS_IAM"}, []string{"true"}
		needed = append(needed, each)
	}
	return needed
}

// mayCall decides a call that reaches no operation of this endpoint.
func (r *request) mayCall(needed []right) bool {
	if r.caller.role == "" {
		return true
	}
	who := r.subject()
	return who == nil || who.undecided == "" && r.allow(who, needed) == nil
}

// tokenKey names the key of the rehearsal's own issuer.
const tokenKey = "rehearsal"

// Keys are those of the rehearsal's own issuer, whatever issuer is asked for: nobody beyond this
// machine is.
func (e *surroundings) Keys(context.Context, string) ([]byte, error) {
	key, err := e.server.gateway.issuer()
	if err != nil {
		return nil, err
	}
	return json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: tokenKey, Algorithm: "RS256", Use: "sig"}}})
}

// Log keeps a line of an access log in the log group that the stage names.
func (e *surroundings) Log(line string) {
	api := e.definition()
	if api == nil {
		return
	}
	for _, stage := range e.server.store.list(e.at, apiStage) {
		if stage.text("ApiId") == api.ID && stage.text("StageName") == api.Stage {
			_, group, found := strings.Cut(textOf(stage.member("AccessLogSettings", "DestinationArn")), ":log-group:")
			if found {
				e.server.logs.add(e.server, e.at, strings.TrimSuffix(group, ":*"), e.stream, time.Now(), line)
			}
			return
		}
	}
}

// Token signs a JSON Web Token with the claims, such as iss, aud, exp and scope, by the key that
// the accounts' APIs take for that of every issuer: they ask nobody outside. A token of the real
// issuer they refuse.
func (s *Server) Token(claims map[string]any) (string, error) {
	key, err := s.gateway.issuer()
	if err != nil {
		return "", fmt.Errorf("rehearsal: token: %w", err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", tokenKey))
	if err != nil {
		return "", fmt.Errorf("rehearsal: token: %w", err)
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

func sortAPIs(all []API) {
	slices.SortFunc(all, func(a, b API) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.ID, b.ID))
	})
}
