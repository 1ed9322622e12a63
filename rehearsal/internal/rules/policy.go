package rules

import (
	"regexp"
	"slices"
	"strings"
)

// statements are the statements of a policy, one or a list.
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

// wildcard says whether a text is of a pattern of IAM, in which * is any text and ? any character.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
func wildcard(pattern, text string) bool {
	if !strings.ContainsAny(pattern, "*?") {
		return pattern == text
	}
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.ReplaceAll(strings.ReplaceAll(quoted, `\*`, ".*"), `\?`, ".")
	matched, err := regexp.MatchString("(?s)^"+quoted+"$", text)
	return err == nil && matched
}

func anyWildcard(patterns []string, text string, fold bool) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if fold { // actions are not case-sensitive
			return wildcard(strings.ToLower(pattern), strings.ToLower(text))
		}
		return wildcard(pattern, text)
	})
}

// verdict is what policies come to.
type verdict int

const (
	implicitDeny verdict = iota
	allowed
	explicitDeny
)

// request is what a policy is asked.
type request struct {
	action, resource  string
	principal         string // a service or an ARN, for a policy of a resource
	context           map[string]string
	ofResource        bool // the policy is one of a resource, whose statements name principals
	ignoresConditions bool // what allows on a condition that is not known allows; what denies on one does not
}

// evaluate says what policies allow: an explicit deny wins, then an allow, else nothing is allowed.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func evaluate(policies []any, q request) verdict {
	result := implicitDeny
	for _, policy := range policies {
		for _, statement := range statements(policy) {
			if !q.meets(statement) {
				continue
			}
			if textOf(statement["Effect"]) == "Deny" {
				return explicitDeny
			}
			result = allowed
		}
	}
	return result
}

func (q request) meets(statement object) bool {
	if q.ofResource && !q.meetsPrincipal(statement) {
		return false
	}
	switch {
	case statement["Action"] != nil && !anyWildcard(textsOf(statement["Action"]), q.action, true):
		return false
	case statement["NotAction"] != nil && anyWildcard(textsOf(statement["NotAction"]), q.action, true):
		return false
	case statement["Resource"] != nil && q.resource != "" && !anyWildcard(textsOf(statement["Resource"]), q.resource, false):
		return false
	case statement["NotResource"] != nil && anyWildcard(textsOf(statement["NotResource"]), q.resource, false):
		return false
	}
	return q.meetsConditions(statement)
}

// meetsPrincipal reads Principal: "*", {"AWS": …}, {"Service": …}.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func (q request) meetsPrincipal(statement object) bool {
	meets := func(principal any) bool {
		if textOf(principal) == "*" {
			return true
		}
		for _, list := range document(principal) {
			for _, one := range textsOf(list) {
				account := strings.Split(q.principal+":::::", ":")[4]
				if one == "*" || one == q.principal || account != "" && (one == account || strings.HasSuffix(one, ":iam::"+account+":root")) {
					return true
				}
			}
		}
		return false
	}
	if statement["NotPrincipal"] != nil {
		return !meets(statement["NotPrincipal"])
	}
	return meets(statement["Principal"])
}

// meetsConditions reads the operators that policies of services have. What the request says nothing
// of does not meet a condition, unless the operator ends in IfExists.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func (q request) meetsConditions(statement object) bool {
	for operator, keys := range document(statement["Condition"]) {
		base, lenient := strings.CutSuffix(operator, "IfExists")
		base = strings.TrimPrefix(strings.TrimPrefix(base, "ForAnyValue:"), "ForAllValues:")
		for key, wanted := range document(keys) {
			value, given := q.contextValue(key)
			if base == "Null" {
				if (textOf(wanted) == "true") == given {
					return false
				}
				continue
			}
			negated := strings.Contains(base, "Not")
			if !given && q.ignoresConditions && textOf(statement["Effect"]) == "Deny" {
				return false
			}
			switch {
			case !given && (lenient || negated):
				continue
			case !given && q.ignoresConditions:
				continue
			case !given:
				return false
			case meetsOperator(base, textsOf(wanted), value) == negated:
				return false
			}
		}
	}
	return true
}

func (q request) contextValue(key string) (string, bool) {
	for name, value := range q.context {
		if strings.EqualFold(name, key) {
			return value, true
		}
	}
	return "", false
}

// meetsOperator is an operator without its negation.
func meetsOperator(operator string, wanted []string, value string) bool {
	return slices.ContainsFunc(wanted, func(one string) bool {
		switch operator {
		case "StringLike", "StringNotLike", "ArnLike", "ArnNotLike", "ArnEquals", "ArnNotEquals":
			return wildcard(one, value)
		case "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "Bool":
			return strings.EqualFold(one, value)
		}
		return one == value
	})
}

// basicPolicies are AWS's managed policies for functions that grant nothing of a source of events.
// https://docs.aws.amazon.com/lambda/latest/dg/permissions-managed-policies.html
var basicPolicies = []string{"AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole", "AWSXRayDaemonWriteAccess", "CloudWatchLambdaInsightsExecutionRolePolicy"}

// may says whether a role's policies let it do something. What a managed policy of AWS grants that
// is not known here is taken to suffice.
func may(w World, role *Resource, action, resource string) bool {
	var policies []any
	for _, one := range role.objects("Policies") {
		policies = append(policies, one["PolicyDocument"])
	}
	for policy := range w.Of(role, "AWS::IAM::Policy") {
		if slices.Contains(policy.texts("Roles"), role.Name) {
			policies = append(policies, policy.at("PolicyDocument"))
		}
	}
	for policy := range w.Of(role, "AWS::IAM::RolePolicy") {
		if policy.text("RoleName") == role.Name {
			policies = append(policies, policy.at("PolicyDocument"))
		}
	}
	for _, reference := range role.texts("ManagedPolicyArns") {
		if policy := w.Find(role, "AWS::IAM::ManagedPolicy", reference); policy != nil {
			policies = append(policies, policy.at("PolicyDocument"))
		} else if !slices.Contains(basicPolicies, reference[strings.LastIndex(reference, "/")+1:]) {
			return true
		}
	}
	for policy := range w.Of(role, "AWS::IAM::ManagedPolicy") {
		if slices.Contains(policy.texts("Roles"), role.Name) {
			policies = append(policies, policy.at("PolicyDocument"))
		}
	}
	return evaluate(policies, request{action: action, resource: resource, ignoresConditions: true}) == allowed
}

// admits says whether a role's trust policy lets a service assume it.
func admits(role *Resource, service string) bool {
	return evaluate([]any{role.at("AssumeRolePolicyDocument")}, request{
		action: "sts:AssumeRole", principal: service, ofResource: true, ignoresConditions: true,
	}) == allowed
}
