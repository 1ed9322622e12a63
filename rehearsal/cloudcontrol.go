package rehearsal

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/internal/spec"
)

func cloudControlService() *service {
	return &service{protocol: json10, operations: map[string]operation{
		"ListResources":            reading(listControlled),
		"GetResource":              reading(getControlled),
		"DeleteResource":           reading(deleteControlled),
		"GetResourceRequestStatus": reading(getControlRequest),
	}}
}

// uncontrolled are the types that Cloud Control refuses, of those that stacks here have. AWS lists the others.
// https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/supported-resources.html
var uncontrolled = []string{
	"AWS::ApiGatewayV2::Stage", "AWS::CDK::Metadata", "AWS::CloudFormation::CustomResource", "AWS::CloudFormation::WaitCondition",
	"AWS::CloudFormation::WaitConditionHandle", "AWS::DAX::Cluster", "AWS::DAX::ParameterGroup", "AWS::DAX::SubnetGroup", "AWS::IAM::Policy",
}

// within which parent a type's resources are listed: its handler asks for the property in the ResourceModel.
// https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-operations-list.html
var listedWithin = map[string]string{
	"AWS::ApiGatewayV2::Authorizer": "ApiId", "AWS::ApiGatewayV2::Deployment": "ApiId", "AWS::ApiGatewayV2::Integration": "ApiId",
	"AWS::ApiGatewayV2::Route": "ApiId", "AWS::Lambda::Alias": "FunctionName", "AWS::Lambda::Permission": "FunctionName",
	"AWS::Lambda::Url": "TargetFunctionArn", "AWS::Lambda::Version": "FunctionName", "AWS::IAM::RolePolicy": "RoleName",
}

var typeName = regexp.MustCompile(`^[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}(::MODULE)?$`)

// controlled is the type that a request names. The words are those that users report.
// https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_ListResources.html
func (r *request) controlled() (*spec.ResourceType, error) {
	name := r.text("TypeName")
	t, known := spec.Lookup(name)
	switch {
	case !typeName.MatchString(name):
		return nil, refuse(http.StatusBadRequest, "ValidationException", "1 validation error detected: Value '%s' at 'typeName' failed to satisfy constraint", name)
	case slices.Contains(uncontrolled, name):
		return nil, refuse(http.StatusBadRequest, "UnsupportedActionException", "Resource type %s does not support %s action", name, strings.ToUpper(strings.TrimSuffix(strings.TrimSuffix(r.operation, "Resources"), "Resource")))
	case !known:
		return nil, refuse(http.StatusBadRequest, "TypeNotFoundException", "The type '%s' cannot be found.", name)
	}
	return t, nil
}

// identifierOf is the primary identifier, its parts joined in the order of the type's schema.
// https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-identifier.html
func identifierOf(r *Resource, t *spec.ResourceType) string {
	var parts []string
	for _, name := range t.PrimaryIdentifier {
		parts = append(parts, identifierPart(r, t, name))
	}
	return cmp.Or(strings.Join(parts, "|"), r.PhysicalID)
}

// identifierPart is one property of the primary identifier. An attribute that is made up, because only the table
// knows of it, identifies nothing.
func identifierPart(r *Resource, t *spec.ResourceType, name string) string {
	_, told := ruleOf(r.Type).attributes[name]
	switch {
	case name == t.NameProperty:
		return r.Name
	case told || strings.HasSuffix(name, "Arn"):
		return r.attribute(name)
	case r.text(name) != "":
		return r.text(name)
	case len(t.PrimaryIdentifier) == 1:
		return r.PhysicalID
	}
	return r.attribute(name)
}

// described is a resource as Cloud Control writes it: its model is JSON in a string. A list has the primary
// identifier only; what else it has is up to the type's handler.
func described(r *Resource, t *spec.ResourceType, whole bool) object {
	model := object{}
	for _, name := range t.PrimaryIdentifier {
		model[name] = identifierPart(r, t, name)
	}
	if whole {
		for _, members := range []object{r.Attributes, r.Properties} {
			for name, value := range members {
				model[name] = value
			}
		}
		if t.NameProperty != "" {
			model[t.NameProperty] = r.Name
		}
		if tags := systemTags(r); t.TagProperty != "" && len(tags) > 0 {
			model[t.TagProperty] = styled(t, tags)
		}
	}
	text, _ := json.Marshal(model)
	return object{"Identifier": identifierOf(r, t), "Properties": string(text)}
}

// listControlled lists the resources of any type, whoever made them, 100 a page.
func listControlled(r *request) (any, error) {
	t, err := r.controlled()
	if err != nil {
		return nil, err
	}
	parent, model := listedWithin[t.Name], object{}
	if text := r.text("ResourceModel"); text != "" {
		if model, err = decodeJSON([]byte(text)); err != nil {
			return nil, refuse(http.StatusBadRequest, "InvalidRequestException", "Invalid ResourceModel: %v", err)
		}
	}
	if parent != "" && textOf(model[parent]) == "" {
		return nil, refuse(http.StatusBadRequest, "InvalidRequestException", "Missing or invalid ResourceModel property in %s list handler request input. Required property: [%s]", t.Name, parent)
	}
	of := r.account + r.region + t.Name + textOf(model[parent])
	var all []object
	if token := r.text("NextToken"); token != "" {
		var found bool
		if all, found = r.server.objectLists.rest(of, token); !found {
			return nil, refuse(http.StatusBadRequest, "InvalidRequestException", "The NextToken is not valid")
		}
	} else {
		all = r.store.describedIn(r.at(), t, parent, textOf(model[parent]))
	}
	page, token := r.server.objectLists.page(of, all, 100)
	return object{"TypeName": t.Name, "ResourceDescriptions": append([]object{}, page...), "NextToken": orNil(token)}, nil
}

func (s *store) describedIn(at place, t *spec.ResourceType, parent, value string) []object {
	var all []object
	for _, one := range s.list(at, t.Name) {
		if parent == "" || one.text(parent) == value {
			all = append(all, described(&one, t, false))
		}
	}
	return all
}

// identified finds what a request names by its primary identifier, which may also be written as JSON.
func (r *request) identified(t *spec.ResourceType) (Resource, error) {
	wanted := r.text("Identifier")
	if parts, err := decodeJSON([]byte(wanted)); err == nil && len(parts) > 0 {
		var values []string
		for _, name := range t.PrimaryIdentifier {
			values = append(values, textOf(parts[name]))
		}
		wanted = strings.Join(values, "|")
	}
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	// Most identifiers end in the name, by which the store knows a resource.
	for _, name := range []string{wanted, wanted[strings.LastIndexAny(wanted, ":/")+1:]} {
		if one := r.store.resources[key(r.at(), t.Name, name)]; one != nil && one.Account == r.account && identifierOf(one, t) == wanted {
			return one.copy(), nil
		}
	}
	for _, one := range r.store.resources {
		if one.Type == t.Name && one.Account == r.account && within(r.at(), one) && identifierOf(one, t) == wanted {
			return one.copy(), nil
		}
	}
	return Resource{}, refuse(http.StatusBadRequest, "ResourceNotFoundException", "Resource of type '%s' with identifier '%s' was not found.", t.Name, wanted)
}

// https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_GetResource.html
func getControlled(r *request) (any, error) {
	t, err := r.controlled()
	if err != nil {
		return nil, err
	}
	one, err := r.identified(t)
	if err != nil {
		return nil, err
	}
	return object{"TypeName": t.Name, "ResourceDescription": described(&one, t, true)}, nil
}

// controlRequest is a deletion that was asked for.
type controlRequest struct {
	account string
	event   object
}

// deleteControlled deletes a resource in its own time: the answer says that it has begun, and the request's
// status whether it is done. One that is not there fails in its status, not here.
// https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_DeleteResource.html
func deleteControlled(r *request) (any, error) {
	t, err := r.controlled()
	if err != nil {
		return nil, err
	}
	event := object{
		"TypeName": t.Name, "Identifier": r.text("Identifier"), "RequestToken": requestID(), "Operation": "DELETE",
		"OperationStatus": "IN_PROGRESS", "EventTime": epoch(time.Now()),
	}
	done := maps.Clone(event)
	done["OperationStatus"] = "SUCCESS"
	one, err := r.identified(t)
	if err == nil {
		if fault := r.server.fault(target{r.account, r.region, "", "Delete", t.Name}); fault != nil {
			if refusal := fault.strike(r.http.Context()); refusal != nil {
				err = handlerError(refusal.Code, "%s", refusal.Message)
			}
		}
	} else {
		err = notFound(t.Name, r.text("Identifier"))
	}
	if err == nil {
		err = r.store.remove(r.at(), t.Name, one.PhysicalID)
	}
	if err != nil {
		done["OperationStatus"], done["StatusMessage"], done["ErrorCode"] = "FAILED", err.Error(), "GeneralServiceException"
		if code := handlerCode.FindStringSubmatch(err.Error()); code != nil {
			done["ErrorCode"] = code[1]
		}
	}
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	if r.server.controlRequests == nil {
		r.server.controlRequests = map[string]controlRequest{}
	}
	r.server.controlRequests[textOf(event["RequestToken"])] = controlRequest{r.account, done}
	return object{"ProgressEvent": event}, nil
}

var handlerCode = regexp.MustCompile(`HandlerErrorCode: (\w+)\)`)

// https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/API_GetResourceRequestStatus.html
func getControlRequest(r *request) (any, error) {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	found, known := r.server.controlRequests[r.text("RequestToken")]
	if !known || found.account != r.account {
		return nil, refuse(http.StatusBadRequest, "RequestTokenNotFoundException", "Request with token %s was not found", r.text("RequestToken"))
	}
	return object{"ProgressEvent": found.event}, nil
}
