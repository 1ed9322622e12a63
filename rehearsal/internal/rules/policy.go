package rules

import (
	"maps"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/rehearsal/internal/policy"
)

// statements are the statements of a policy as they are written, one or a list.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
func statements(policy any) []object {
	switch value := document(policy)["Statement"].(type) {
	case object:
		return []object{value}
	case []any:
		return objectsOf(value)
	}
	return nil
}

// principalsOf are whom a statement is about, each as it is written.
func principalsOf(statement object) []string {
	written := statement["Principal"]
	if written == nil {
		written = statement["NotPrincipal"]
	}
	kinds := document(written)
	if kinds == nil {
		return textsOf(written)
	}
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		all = append(all, textsOf(kinds[kind])...)
	}
	return all
}

// conditionsOf are the keys that a statement has conditions on, each as often as an operator has it.
func conditionsOf(statement object) (keys int) {
	for _, operator := range document(statement["Condition"]) {
		keys += len(document(operator))
	}
	return keys
}

// readPolicies reads policies; those that IAM cannot read are refused by other rules.
func readPolicies(values ...any) []policy.Document {
	var documents []policy.Document
	for _, value := range values {
		if read, err := policy.Read(value); err == nil {
			documents = append(documents, read)
		}
	}
	return documents
}

// resourceAllows says whether policies of a resource allow a request of which not all is known.
func resourceAllows(policies []any, r policy.Request) bool {
	r.Partial = true
	verdict, err := policy.EvaluateResource(readPolicies(policies...), r)
	return err == nil && verdict == policy.Allow
}

// IsBasicPolicy tells whether an ARN is that of one of AWS's managed policies for functions that let a function log, be
// traced or be placed in a network, and grant nothing of a source of events or of a store.
// https://docs.aws.amazon.com/lambda/latest/dg/permissions-managed-policies.html
func IsBasicPolicy(reference string) bool {
	return slices.Contains(basicPolicies, reference[strings.LastIndex(reference, "/")+1:])
}

var basicPolicies = []string{"AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole", "AWSXRayDaemonWriteAccess", "CloudWatchLambdaInsightsExecutionRolePolicy"}

// may says whether a role's policies let it do something. What a managed policy of AWS grants that
// is not known here is taken to suffice.
func may(w World, role *Resource, action, resource string) bool {
	var policies []any
	for _, one := range role.objects("Policies") {
		policies = append(policies, one["PolicyDocument"])
	}
	for attached := range w.Of(role, "AWS::IAM::Policy") {
		if slices.Contains(attached.texts("Roles"), role.Name) {
			policies = append(policies, attached.at("PolicyDocument"))
		}
	}
	for attached := range w.Of(role, "AWS::IAM::RolePolicy") {
		if attached.text("RoleName") == role.Name {
			policies = append(policies, attached.at("PolicyDocument"))
		}
	}
	for _, reference := range role.texts("ManagedPolicyArns") {
		if managed := w.Find(role, "AWS::IAM::ManagedPolicy", reference); managed != nil {
			policies = append(policies, managed.at("PolicyDocument"))
		} else if !IsBasicPolicy(reference) {
			return true
		}
	}
	for managed := range w.Of(role, "AWS::IAM::ManagedPolicy") {
		if slices.Contains(managed.texts("Roles"), role.Name) {
			policies = append(policies, managed.at("PolicyDocument"))
		}
	}
	verdict, err := policy.EvaluateIdentity(readPolicies(policies...), policy.Request{Action: action, Resource: resource, Partial: true})
	return err == nil && verdict == policy.Allow
}

// admits says whether a role's trust policy lets a service assume it.
func admits(role *Resource, service string) bool {
	return resourceAllows([]any{role.at("AssumeRolePolicyDocument")}, policy.Request{
		Action: "sts:AssumeRole", Principal: policy.Principal{Service: service},
	})
}
