package rules

import (
	"regexp"
	"strings"

	"github.com/roadshow-go/roadshow/rehearsal/internal/policy"
)

const key = "AWS::KMS::Key"

// aliasName is what the name of an alias may hold.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
var aliasName = regexp.MustCompile(`^[a-zA-Z0-9:/_-]+$`)

var kmsRules = []rule{
	{id: "kms-policy-lockout", on: key, says: func(c *call) string {
		if c.flag("BypassPolicyLockoutSafetyCheck") || !c.has("KeyPolicy") {
			return ""
		}
		caller := policy.Principal{Account: c.Account, ARN: "arn:" + c.Partition + ":iam::" + c.Account + ":root"}
		if !resourceAllows([]any{c.at("KeyPolicy")}, policy.Request{Action: "kms:PutKeyPolicy", Principal: caller, Resource: "*"}) {
			return "The new key policy will not allow you to update the key policy in the future."
		}
		return ""
	}},
	{id: "kms-policy-principal", on: key, says: func(c *call) string {
		for _, statement := range statements(c.at("KeyPolicy")) {
			if c.missingPrincipal(statement) != "" {
				return "Policy contains a statement with one or more invalid principals."
			}
		}
		return ""
	}},
	{id: "kms-policy-size", on: key, handler: "ServiceLimitExceeded", says: func(c *call) string {
		if size(c.at("KeyPolicy")) > 32<<10 {
			return "The request was rejected because a length constraint or quota was exceeded."
		}
		return ""
	}},
	{id: "kms-asymmetric-rotation", on: key, says: func(c *call) string {
		if spec := c.text("KeySpec"); c.flag("EnableKeyRotation") && spec != "" && spec != "SYMMETRIC_DEFAULT" {
			return "You cannot set the EnableKeyRotation property to true on asymmetric or external keys."
		}
		return ""
	}},
	{id: "kms-alias-characters", on: "AWS::KMS::Alias", says: func(c *call) string {
		if !aliasName.MatchString(c.text("AliasName")) {
			return words("1 validation error detected: Value '%s' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", c.text("AliasName"), aliasName)
		}
		return ""
	}},
	{id: "kms-alias-prefix", on: "AWS::KMS::Alias", says: func(c *call) string {
		if !strings.HasPrefix(c.text("AliasName"), "alias/") {
			return "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
		}
		return ""
	}},
}
