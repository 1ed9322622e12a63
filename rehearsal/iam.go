package rehearsal

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/spec"
)

func iamService() *service {
	return &service{
		protocol:  queryXML,
		namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
		operations: map[string]operation{
			"GetRole":                  reading(getRole),
			"ListRoles":                reading(listRoles),
			"ListRolePolicies":         reading(listRolePolicies),
			"GetRolePolicy":            reading(getRolePolicy),
			"ListAttachedRolePolicies": reading(listAttachedRolePolicies),
			"ListRoleTags":             reading(listRoleTags),
			"GetPolicy":                reading(getPolicy),
			"ListPolicies":             reading(listPolicies),
			"GetUser":                  reading(getUser),
			"GetAccountSummary":        reading(getAccountSummary),
			"ListAccountAliases":       reading(func(*request) (any, error) { return object{"AccountAliases": []string{}, "IsTruncated": false}, nil }),
		},
	}
}

// policyText writes a document as IAM returns it: JSON, escaped as in a URL.
func policyText(document any) string {
	content, _ := json.Marshal(document)
	return strings.ReplaceAll(url.QueryEscape(string(content)), "+", "%20")
}

func (r *request) role() (Resource, error) {
	role, found := r.store.find(r.at(), "AWS::IAM::Role", r.text("RoleName"))
	if !found {
		return role, refuse(http.StatusNotFound, "NoSuchEntity", "The role with name %s cannot be found.", r.text("RoleName"))
	}
	return role, nil
}

func roleOf(role *Resource) object {
	out := object{
		"RoleName": role.Name, "RoleId": role.attribute("RoleId"), "Arn": role.attribute("Arn"), "Path": orElse(role.text("Path"), "/"),
		"CreateDate": role.Created, "AssumeRolePolicyDocument": policyText(role.Properties["AssumeRolePolicyDocument"]),
		"Description": orNil(role.text("Description")), "MaxSessionDuration": orElse(role.text("MaxSessionDuration"), "3600"),
		"Tags": tagList(role),
	}
	if boundary := role.text("PermissionsBoundary"); boundary != "" {
		out["PermissionsBoundary"] = object{"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": boundary}
	}
	return out
}

// tagList gives a resource's tags as a list of key and value, however its type
// holds them.
func tagList(r *Resource) []any {
	property := "Tags"
	if t, known := spec.Lookup(r.Type); known && t.TagStyle != spec.NoTags {
		property = t.TagProperty
	}
	switch tags := r.Properties[property].(type) {
	case []any:
		return tags
	case object:
		list := []any{}
		for _, name := range sortedNames(tags) {
			list = append(list, object{"Key": name, "Value": tags[name]})
		}
		return list
	}
	return []any{}
}

// tagMap is tagList as a map.
func tagMap(r *Resource) object {
	out := object{}
	for _, each := range tagList(r) {
		tag, _ := each.(object)
		out[textOf(tag["Key"])] = tag["Value"]
	}
	return out
}

func sortedNames(members object) []string {
	var names []string
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func getRole(r *request) (any, error) {
	role, err := r.role()
	if err != nil {
		return nil, err
	}
	return object{"Role": roleOf(&role)}, nil
}

func listRoles(r *request) (any, error) {
	roles := []object{}
	for _, role := range r.store.list(r.at(), "AWS::IAM::Role") {
		if strings.HasPrefix(orElse(role.text("Path"), "/"), r.text("PathPrefix")) {
			roles = append(roles, roleOf(&role))
		}
	}
	return object{"Roles": roles, "IsTruncated": false}, nil
}

// inlinePolicies are those of the role itself and those attached by a resource
// of their own, by name.
func (s *store) inlinePolicies(role *Resource) object {
	out := object{}
	for _, each := range listOf(role.Properties["Policies"]) {
		policy, _ := each.(object)
		out[textOf(policy["PolicyName"])] = policy["PolicyDocument"]
	}
	for _, policy := range s.list(place{role.Account, role.Region}, "AWS::IAM::Policy") {
		if slices.Contains(references(&policy, "Roles"), role.Name) {
			out[policy.text("PolicyName")] = policy.Properties["PolicyDocument"]
		}
	}
	for _, policy := range s.list(place{role.Account, role.Region}, "AWS::IAM::RolePolicy") {
		if policy.text("RoleName") == role.Name {
			out[policy.text("PolicyName")] = policy.Properties["PolicyDocument"]
		}
	}
	return out
}

func listRolePolicies(r *request) (any, error) {
	role, err := r.role()
	if err != nil {
		return nil, err
	}
	return object{"PolicyNames": sortedNames(r.store.inlinePolicies(&role)), "IsTruncated": false}, nil
}

func getRolePolicy(r *request) (any, error) {
	role, err := r.role()
	if err != nil {
		return nil, err
	}
	name := r.text("PolicyName")
	document, found := r.store.inlinePolicies(&role)[name]
	if !found {
		return nil, refuse(http.StatusNotFound, "NoSuchEntity", "The role policy with name %s cannot be found.", name)
	}
	return object{"RoleName": role.Name, "PolicyName": name, "PolicyDocument": policyText(document)}, nil
}

func listAttachedRolePolicies(r *request) (any, error) {
	role, err := r.role()
	if err != nil {
		return nil, err
	}
	attached := []object{}
	for _, arn := range references(&role, "ManagedPolicyArns") {
		attached = append(attached, object{"PolicyArn": arn, "PolicyName": arn[strings.LastIndex(arn, "/")+1:]})
	}
	return object{"AttachedPolicies": attached, "IsTruncated": false}, nil
}

func listRoleTags(r *request) (any, error) {
	role, err := r.role()
	if err != nil {
		return nil, err
	}
	return object{"Tags": tagList(&role), "IsTruncated": false}, nil
}

func policyOf(policy *Resource) object {
	return object{
		"PolicyName": policy.Name, "Arn": policy.PhysicalID, "PolicyId": policy.attribute("PolicyId"), "Path": orElse(policy.text("Path"), "/"),
		"DefaultVersionId": "v1", "IsAttachable": true, "CreateDate": policy.Created, "UpdateDate": policy.Changed,
	}
}

func getPolicy(r *request) (any, error) {
	policy, found := r.store.find(r.at(), "AWS::IAM::ManagedPolicy", r.text("PolicyArn"))
	if !found {
		return nil, refuse(http.StatusNotFound, "NoSuchEntity", "Policy %s was not found.", r.text("PolicyArn"))
	}
	return object{"Policy": policyOf(&policy)}, nil
}

// listPolicies lists the account's own ones. AWS's are not kept here.
func listPolicies(r *request) (any, error) {
	if r.text("Scope") != "Local" {
		return nil, refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal lists policies with the Scope Local only")
	}
	policies := []object{}
	for _, policy := range r.store.list(r.at(), "AWS::IAM::ManagedPolicy") {
		policies = append(policies, policyOf(&policy))
	}
	return object{"Policies": policies, "IsTruncated": false}, nil
}

// getAccountSummary counts what an account has, and what it may have.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html
func getAccountSummary(r *request) (any, error) {
	counted := map[string]int{"RolesQuota": int(r.store.valueOf(r.at(), findQuota("iam", "L-FE177D64"))), "Users": 1}
	for name, kind := range map[string]string{
		"Roles": "AWS::IAM::Role", "Groups": "AWS::IAM::Group", "Policies": "AWS::IAM::ManagedPolicy", "InstanceProfiles": "AWS::IAM::InstanceProfile",
	} {
		counted[name] = len(r.store.list(r.at(), kind))
	}
	counted["Users"] += len(r.store.list(r.at(), "AWS::IAM::User"))
	var entries flat
	for _, name := range slices.Sorted(maps.Keys(counted)) {
		entries = append(entries, object{"key": name, "value": counted[name]})
	}
	return object{"SummaryMap": object{"entry": entries}}, nil
}

func getUser(r *request) (any, error) {
	name := r.caller.arn[strings.LastIndex(r.caller.arn, "/")+1:]
	if r.caller.role != "" || (r.text("UserName") != "" && r.text("UserName") != name) {
		return nil, refuse(http.StatusNotFound, "NoSuchEntity", "The user with name %s cannot be found.", r.text("UserName"))
	}
	return object{"User": object{"UserName": name, "Arn": r.caller.arn, "UserId": r.caller.userID, "Path": "/", "CreateDate": "2026-01-01T00:00:00Z"}}, nil
}
