package rehearsal

import (
	"net/http"
	"strings"
	"time"
	"unicode"
)

func apiGatewayV2Service() *service {
	return &service{
		protocol: restJSON,
		routes: []route{
			{"GET /v2/apis", "GetApis"},
			{"GET /v2/apis/{ApiId}", "GetApi"},
			{"GET /v2/apis/{ApiId}/routes", "GetRoutes"},
			{"GET /v2/apis/{ApiId}/integrations", "GetIntegrations"},
			{"GET /v2/apis/{ApiId}/stages", "GetStages"},
			{"GET /v2/apis/{ApiId}/authorizers", "GetAuthorizers"},
		},
		operations: map[string]operation{
			"GetApis":         reading(getAPIs),
			"GetApi":          reading(getAPI),
			"GetRoutes":       partsOfAPI("AWS::ApiGatewayV2::Route", "routeId"),
			"GetIntegrations": partsOfAPI("AWS::ApiGatewayV2::Integration", "integrationId"),
			"GetStages":       partsOfAPI("AWS::ApiGatewayV2::Stage", "stageName"),
			"GetAuthorizers":  partsOfAPI("AWS::ApiGatewayV2::Authorizer", "authorizerId"),
		},
	}
}

// lowerFirst writes property names as API Gateway's protocol does: the first
// letter small. The two name the same things otherwise.
func lowerFirst(value any) any {
	switch v := value.(type) {
	case object:
		out := object{}
		for name, member := range v {
			first := []rune(name)
			first[0] = unicode.ToLower(first[0])
			out[string(first)] = member
		}
		return out
	default:
		return v
	}
}

func isoTime(t time.Time) string { return t.Format(time.RFC3339) }

func apiOf(a *Resource) object {
	out := lowerFirst(object(a.Properties)).(object)
	for _, notShown := range []string{"body", "bodyS3Location", "target", "routeKey", "credentialsArn"} {
		delete(out, notShown)
	}
	if cors, given := out["corsConfiguration"]; given {
		out["corsConfiguration"] = lowerFirst(cors)
	}
	out["apiId"], out["apiEndpoint"], out["createdDate"], out["tags"] = a.PhysicalID, a.attribute("ApiEndpoint"), isoTime(a.Created), tagMap(a)
	fillIn(out, apiDefaults["AWS::ApiGatewayV2::Api"])
	return out
}

// apiDefaults are what API Gateway shows of what a template leaves out, by type.
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid.html
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-integrations.html
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-routes.html
// https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-stages.html
var apiDefaults = map[string]object{
	"AWS::ApiGatewayV2::Api": {
		"routeSelectionExpression": "$request.method $request.path", "apiKeySelectionExpression": "$request.header.x-api-key",
		"disableExecuteApiEndpoint": false, "ipAddressType": "ipv4",
	},
	"AWS::ApiGatewayV2::Integration": {"integrationMethod": "POST", "connectionType": "INTERNET", "timeoutInMillis": 30000},
	"AWS::ApiGatewayV2::Route":       {"authorizationType": "NONE", "apiKeyRequired": false},
	"AWS::ApiGatewayV2::Stage":       {"autoDeploy": false, "stageVariables": object{}, "defaultRouteSettings": object{"detailedMetricsEnabled": false}},
}

// fillIn gives an answer the values that nobody chose.
func fillIn(answer, defaults object) {
	for name, value := range defaults {
		if answer[name] == nil {
			answer[name] = value
		}
	}
}

func getAPIs(r *request) (any, error) {
	items := []object{}
	for _, a := range r.store.list(r.at(), "AWS::ApiGatewayV2::Api") {
		items = append(items, apiOf(&a))
	}
	return object{"items": items}, nil
}

func (r *request) api() (Resource, error) {
	a, found := r.store.find(r.at(), "AWS::ApiGatewayV2::Api", r.text("ApiId"))
	if !found {
		return a, refuse(http.StatusNotFound, "NotFoundException", "Invalid API identifier specified %s:%s", r.account, r.text("ApiId"))
	}
	return a, nil
}

func getAPI(r *request) (any, error) {
	a, err := r.api()
	if err != nil {
		return nil, err
	}
	return apiOf(&a), nil
}

// partsOfAPI lists what belongs to one API.
func partsOfAPI(kind, id string) operation {
	return reading(func(r *request) (any, error) {
		a, err := r.api()
		if err != nil {
			return nil, err
		}
		items := []object{}
		for _, part := range r.store.list(r.at(), kind) {
			if part.text("ApiId") != a.PhysicalID {
				continue
			}
			item := lowerFirst(object(part.Properties)).(object)
			delete(item, "apiId")
			for _, nested := range []string{"defaultRouteSettings", "accessLogSettings", "jwtConfiguration"} {
				if settings, given := item[nested]; given {
					item[nested] = lowerFirst(settings)
				}
			}
			item[id] = part.PhysicalID
			fillIn(item, apiDefaults[kind])
			if strings.HasSuffix(kind, "::Stage") {
				item["tags"], item["createdDate"], item["lastUpdatedDate"] = tagMap(&part), isoTime(part.Created), isoTime(part.Changed)
			}
			items = append(items, item)
		}
		return object{"items": items}, nil
	})
}
