package rehearsal_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// exposes makes an HTTP API whose routes go to the function create-note, and lets the API invoke
// it.
func exposes(t *testing.T, server *rehearsal.Server, routes ...map[string]any) (url, id string) {
	t.Helper()
	api := makes(t, server, "AWS::ApiGatewayV2::Api", map[string]any{"Name": "notes", "ProtocolType": "HTTP"})
	integration := makes(t, server, "AWS::ApiGatewayV2::Integration", map[string]any{
		"ApiId": api.PhysicalID, "IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0",
		"IntegrationUri": "arn:aws:lambda:us-east-1:" + dev + ":function:create-note",
	})
	group := makes(t, server, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/aws/vendedlogs/apigateway/notes"})
	for _, route := range routes {
		properties := map[string]any{"ApiId": api.PhysicalID, "Target": "integrations/" + integration.PhysicalID}
		for name, value := range route {
			properties[name] = value
		}
		makes(t, server, "AWS::ApiGatewayV2::Route", properties)
	}
	makes(t, server, "AWS::ApiGatewayV2::Stage", map[string]any{
		"ApiId": api.PhysicalID, "StageName": "$default", "AutoDeploy": true,
		"AccessLogSettings": map[string]any{"DestinationArn": group.Attributes["Arn"], "Format": "$context.routeKey $context.status"},
	})
	makes(t, server, "AWS::Lambda::Permission", map[string]any{
		"FunctionName": "create-note", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
		"SourceArn": "arn:aws:execute-api:us-east-1:" + dev + ":" + api.PhysicalID + "/*/*/notes*",
	})
	apis, err := server.APIs()
	require.NoError(t, err)
	require.Len(t, apis, 1)
	assert.Equal(t, rehearsal.API{
		Account: dev, Region: region, Name: "notes", Stage: "$default", ID: api.PhysicalID,
		Endpoint: "https://" + api.PhysicalID + ".execute-api.us-east-1.amazonaws.com", URL: apis[0].URL,
	}, apis[0])
	return apis[0].URL, api.PhysicalID
}

// sends sends a request and gives the status and the content of the answer.
func sends(t *testing.T, request *http.Request) (int, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(content)
}

func aRequest(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	return request
}

func TestARequestToAnAPIRunsTheFunctionOfItsRoute(t *testing.T) {
	server := start(t)
	deploys(t, server, nil)
	url, id := exposes(t, server, map[string]any{"RouteKey": "POST /notes"}, map[string]any{"RouteKey": "GET /other"})
	request := aRequest(t, "POST", url+"/notes?x=1", `{"text":"milk"}`)
	request.Header.Set("Content-Type", "application/json")
	status, content := sends(t, request)
	require.Equal(t, 200, status, content)
	var got struct {
		Event struct {
			RouteKey, RawQueryString, Body string
			RequestContext                 struct{ APIID, DomainName string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(content), &got))
	assert.Equal(t, "POST /notes", got.Event.RouteKey)
	assert.Equal(t, "x=1", got.Event.RawQueryString)
	assert.Equal(t, `{"text":"milk"}`, got.Event.Body)
	assert.Equal(t, id, got.Event.RequestContext.APIID)
	assert.Equal(t, id+".execute-api.us-east-1.amazonaws.com", got.Event.RequestContext.DomainName)

	status, content = sends(t, aRequest(t, "GET", url+"/nothing", ""))
	assert.Equal(t, 404, status)
	assert.JSONEq(t, `{"message":"Not Found"}`, content)
	status, content = sends(t, aRequest(t, "GET", url+"/other", ""))
	assert.Equal(t, 500, status, "the function's permission names other routes")
	assert.JSONEq(t, `{"message":"Internal Server Error"}`, content)

	found, err := cloudwatchlogs.NewFromConfig(as(server, dev)).FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/aws/vendedlogs/apigateway/notes")})
	require.NoError(t, err)
	require.Len(t, found.Events, 2)
	assert.Equal(t, "POST /notes 200\n", *found.Events[0].Message)
	assert.Equal(t, "GET /other 500\n", *found.Events[1].Message)

	require.NoError(t, server.Account(dev).Delete(region, "AWS::ApiGatewayV2::Api", id))
	apis, err := server.APIs()
	require.NoError(t, err)
	assert.Empty(t, apis)
	_, err = http.DefaultClient.Do(aRequest(t, "GET", url+"/notes", ""))
	require.Error(t, err, "its server has ended")
}

func TestATokenOfTheRehearsalsIssuerIsTakenForThatOfEachIssuer(t *testing.T) {
	server := start(t)
	deploys(t, server, nil)
	url, id := exposes(t, server)
	authorizer := makes(t, server, "AWS::ApiGatewayV2::Authorizer", map[string]any{
		"ApiId": id, "Name": "tokens", "AuthorizerType": "JWT", "IdentitySource": []any{"$request.header.Authorization"},
		"JwtConfiguration": map[string]any{"Issuer": "https://login.example.com", "Audience": []any{"notes"}},
	})
	integrations := server.Resources(dev, region)
	for _, r := range integrations {
		if r.Type == "AWS::ApiGatewayV2::Integration" {
			makes(t, server, "AWS::ApiGatewayV2::Route", map[string]any{
				"ApiId": id, "RouteKey": "GET /notes", "Target": "integrations/" + r.PhysicalID, "AuthorizationType": "JWT",
				"AuthorizerId": authorizer.PhysicalID, "AuthorizationScopes": []any{"read"},
			})
		}
	}
	for name, tt := range map[string]struct {
		claims map[string]any
		status int
	}{
		"a token":                {map[string]any{"iss": "https://login.example.com", "aud": "notes", "exp": time.Now().Add(time.Hour).Unix(), "scope": "read"}, 200},
		"one of another issuer":  {map[string]any{"iss": "https://else.example.com", "aud": "notes", "exp": time.Now().Add(time.Hour).Unix(), "scope": "read"}, 401},
		"one of another scope":   {map[string]any{"iss": "https://login.example.com", "aud": "notes", "exp": time.Now().Add(time.Hour).Unix(), "scope": "write"}, 403},
		"one for somebody else":  {map[string]any{"iss": "https://login.example.com", "aud": "else", "exp": time.Now().Add(time.Hour).Unix(), "scope": "read"}, 401},
		"one that is not signed": {nil, 401},
	} {
		t.Run(name, func(t *testing.T) {
			request := aRequest(t, "GET", url+"/notes", "")
			if tt.claims != nil {
				token, err := server.Token(tt.claims)
				require.NoError(t, err)
				request.Header.Set("Authorization", "Bearer "+token)
			}
			status, content := sends(t, request)
			assert.Equal(t, tt.status, status, content)
		})
	}
}

func signs(t *testing.T, request *http.Request, body, service string, who aws.Credentials) *http.Request {
	t.Helper()
	sum := sha256.Sum256([]byte(body))
	require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), who, request, hex.EncodeToString(sum[:]), service, region, time.Now()))
	return request
}

func TestASignedRequestIsAuthorizedByThePoliciesOfItsRole(t *testing.T) {
	server := start(t)
	client := deploys(t, server, nil)
	url, id := exposes(t, server, map[string]any{"RouteKey": "POST /notes", "AuthorizationType": "AWS_IAM"})
	of := func(key, secret, token string) aws.Credentials {
		got, err := credentials.NewStaticCredentialsProvider(key, secret, token).Retrieve(context.Background())
		require.NoError(t, err)
		return got
	}
	got, _ := invokes(t, client, &lambda.InvokeInput{})
	session := of(got.Environment["AWS_ACCESS_KEY_ID"], got.Environment["AWS_SECRET_ACCESS_KEY"], got.Environment["AWS_SESSION_TOKEN"])
	asks := func(who aws.Credentials) int {
		status, _ := sends(t, signs(t, aRequest(t, "POST", url+"/notes", "{}"), "{}", "execute-api", who))
		return status
	}
	status, _ := sends(t, aRequest(t, "POST", url+"/notes", "{}"))
	assert.Equal(t, 403, status, "unsigned")
	assert.Equal(t, 200, asks(of("AKIADEV", "dev secret", "")), "who administers the account")
	assert.Equal(t, 403, asks(of("AKIADEV", "another secret", "")))
	assert.Equal(t, 403, asks(of("AKIAPRODUCTION", "production secret", "")), "of another account")
	assert.Equal(t, 403, asks(session), "of a role without a policy")
	makes(t, server, "AWS::IAM::Policy", map[string]any{
		"PolicyName": "calls", "Roles": []any{"create-note-role"},
		"PolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:us-east-1:" + dev + ":" + id + "/*/POST/notes",
		}}},
	})
	assert.Equal(t, 200, asks(session), "of a role that may")
}

// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
func TestTheURLOfAFunctionIsServed(t *testing.T) {
	server := start(t)
	deploys(t, server, nil)
	made := makes(t, server, "AWS::Lambda::Url", map[string]any{"TargetFunctionArn": "arn:aws:lambda:us-east-1:" + dev + ":function:create-note", "AuthType": "NONE"})
	apis, err := server.APIs()
	require.NoError(t, err)
	require.Len(t, apis, 1)
	assert.Equal(t, "create-note", apis[0].Name)
	assert.Equal(t, made.Attributes["FunctionUrl"], apis[0].Endpoint)
	status, _ := sends(t, aRequest(t, "POST", apis[0].URL+"/a/b", "hello"))
	assert.Equal(t, 403, status, "nobody may call it")
	for _, permission := range []map[string]any{
		{"Action": "lambda:InvokeFunctionUrl", "Principal": dev}, // the account is not everybody
		{"Action": "lambda:InvokeFunction", "Principal": "*", "InvokedViaFunctionUrl": true},
	} {
		permission["FunctionName"] = "create-note"
		makes(t, server, "AWS::Lambda::Permission", permission)
		status, _ = sends(t, aRequest(t, "POST", apis[0].URL+"/a/b", "hello"))
		assert.Equal(t, 403, status, "both actions are needed")
	}
	makes(t, server, "AWS::Lambda::Permission", map[string]any{
		"FunctionName": "create-note", "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE",
	})
	status, content := sends(t, aRequest(t, "POST", apis[0].URL+"/a/b", "hello"))
	require.Equal(t, 200, status, content)
	assert.True(t, bytes.Contains([]byte(content), []byte(`"rawPath":"/a/b"`)), content)
}
