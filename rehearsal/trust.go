package rehearsal

import (
	"path"
	"strings"
)

// principal is who wants to assume a role: an account's user or role, or a
// service.
type principal struct {
	account, arn, service string
}

// assumption is what a trust policy is asked about.
type assumption struct {
	principal  principal
	action     string
	externalID string
}

// admits evaluates a role's trust policy: an explicit denial wins, then any
// statement that allows. What it does not understand, it does not allow.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func admits(role *Resource, asked assumption) bool {
	document, _ := role.Properties["AssumeRolePolicyDocument"].(object)
	allowed := false
	for _, each := range listOf(document["Statement"]) {
		statement, _ := each.(object)
		if !anyMatches(statement["Action"], asked.action) || !admitsPrincipal(statement["Principal"], asked.principal) {
			continue
		}
		denies := statement["Effect"] == "Deny"
		if holds, understood := conditionHolds(statement["Condition"], asked); !holds && (understood || !denies) {
			continue
		}
		if denies {
			return false
		}
		allowed = allowed || statement["Effect"] == "Allow"
	}
	return allowed
}

// admitsPrincipal compares with the Principal of a statement. An account's
// number and its root ARN stand for every identity in it.
func admitsPrincipal(element any, who principal) bool {
	if element == "*" {
		return true
	}
	kinds, _ := element.(object)
	if who.service != "" {
		for _, service := range listOf(kinds["Service"]) {
			if service == who.service {
				return true
			}
		}
		return false
	}
	for _, each := range listOf(kinds["AWS"]) {
		trusted := textOf(each)
		if trusted == "*" || trusted == who.account || trusted == who.arn ||
			(strings.HasPrefix(trusted, "arn:") && strings.HasSuffix(trusted, "::"+who.account+":root")) {
			return true
		}
	}
	return false
}

// conditionHolds evaluates the operators that trust policies of the CDK use,
// and says whether it understood them all.
func conditionHolds(element any, asked assumption) (holds, understood bool) {
	conditions, _ := element.(object)
	for operator, each := range conditions {
		keys, _ := each.(object)
		for name, want := range keys {
			if !strings.EqualFold(name, "sts:ExternalId") {
				return false, false
			}
			switch operator {
			case "Null":
				if (textOf(want) == "true") != (asked.externalID == "") {
					return false, true
				}
			case "StringEquals":
				if !anyMatches(want, asked.externalID) {
					return false, true
				}
			default:
				return false, false
			}
		}
	}
	return true, true
}

// anyMatches compares with one pattern or a list of them.
func anyMatches(patterns any, value string) bool {
	for _, each := range listOf(patterns) {
		if matched, err := path.Match(textOf(each), value); err == nil && matched {
			return true
		}
	}
	return false
}

// listOf makes a list of what policies write as one value or as several.
func listOf(value any) []any {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}
