package rules

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

const role = "AWS::IAM::Role"

var (
	vendorAction = regexp.MustCompile(`^[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+$`)
	sid          = regexp.MustCompile(`^[0-9A-Za-z]*$`)
)

var iamRules = slices.Concat(
	identityPolicyRules("AWS::IAM::Policy", "PolicyDocument"),
	identityPolicyRules("AWS::IAM::ManagedPolicy", "PolicyDocument"),
	[]rule{
		{id: "iam-trust-resource", on: role, says: func(c *call) string {
			for _, statement := range statements(c.at("AssumeRolePolicyDocument")) {
				if statement["Resource"] != nil || statement["NotResource"] != nil {
					return "Has prohibited field Resource"
				}
			}
			return ""
		}},
		{id: "iam-trust-principal", on: role, says: func(c *call) string {
			for _, statement := range statements(c.at("AssumeRolePolicyDocument")) {
				if statement["Principal"] == nil && statement["NotPrincipal"] == nil {
					return "Missing required field Principal"
				}
				if missing := c.missingPrincipal(statement); missing != "" {
					return words("Invalid principal in policy: %s", missing)
				}
			}
			return ""
		}},
		{id: "iam-trust-action", on: role, says: func(c *call) string {
			for _, statement := range statements(c.at("AssumeRolePolicyDocument")) {
				for _, action := range textsOf(statement["Action"]) {
					if action != "*" && !strings.HasPrefix(strings.ToLower(action), "sts:") {
						return "AssumeRole policy may only specify STS AssumeRole actions."
					}
				}
			}
			return ""
		}},
		{id: "iam-trust-size", on: role, handler: "ServiceLimitExceeded", status: 409, says: func(c *call) string {
			if size(c.at("AssumeRolePolicyDocument")) > 2048 {
				return "Cannot exceed quota for ACLSizePerRole: 2048"
			}
			return ""
		}},
		{id: "iam-managed-policies", on: role, handler: "ServiceLimitExceeded", status: 409, says: func(c *call) string {
			if len(c.list("ManagedPolicyArns")) > 10 {
				return "Cannot exceed quota for PoliciesPerRole: 10"
			}
			return ""
		}},
		{id: "iam-managed-policy-missing", on: role, handler: "NotFound", status: 404, says: func(c *call) string {
			for _, reference := range c.texts("ManagedPolicyArns") {
				if parsed, is := parseARN(reference); is && parsed.account == c.Account && c.Find(c.Resource, "AWS::IAM::ManagedPolicy", reference) == nil {
					return words("Policy %s does not exist or is not attachable.", reference)
				}
			}
			return ""
		}},
		{id: "iam-inline-size", on: role, handler: "ServiceLimitExceeded", status: 409, says: func(c *call) string {
			total := 0
			for _, policy := range c.objects("Policies") {
				total += size(policy["PolicyDocument"])
			}
			if total > 10240 {
				return words("Maximum policy size of 10240 bytes exceeded for role %s", c.Name)
			}
			return ""
		}},
		{id: "iam-inline-size", on: "AWS::IAM::Policy", handler: "ServiceLimitExceeded", status: 409, says: func(c *call) string {
			for _, name := range c.texts("Roles") {
				total := size(c.at("PolicyDocument"))
				if owner := c.Find(c.Resource, role, name); owner != nil {
					for _, policy := range owner.objects("Policies") {
						total += size(policy["PolicyDocument"])
					}
				}
				for other := range c.Of(c.Resource, "AWS::IAM::Policy") {
					if slices.Contains(other.texts("Roles"), name) {
						total += size(other.at("PolicyDocument"))
					}
				}
				if total > 10240 {
					return words("Maximum policy size of 10240 bytes exceeded for role %s", name)
				}
			}
			return ""
		}},
		{id: "iam-managed-size", on: "AWS::IAM::ManagedPolicy", handler: "ServiceLimitExceeded", status: 409, says: func(c *call) string {
			if size(c.at("PolicyDocument")) > 6144 {
				return "Cannot exceed quota for PolicySize: 6144"
			}
			return ""
		}},
		{id: "iam-role-tags", on: role, says: func(c *call) string {
			seen := map[string]bool{}
			for _, tag := range c.objects("Tags") {
				key := strings.ToLower(textOf(tag["Key"]))
				if seen[key] {
					return "Duplicate tag keys found. Please note that Tag keys are case insensitive."
				}
				seen[key] = true
			}
			return ""
		}},
	},
)

// identityPolicyRules are the rules for a policy of an identity, which names no principal.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
func identityPolicyRules(on, path string) []rule {
	of := func(check func(statement object) string) func(c *call) string {
		return func(c *call) string {
			for _, statement := range statements(c.at(path)) {
				if words := check(statement); words != "" {
					return words
				}
			}
			return ""
		}
	}
	return []rule{
		{id: "iam-policy-empty", on: on, says: func(c *call) string {
			if len(statements(c.at(path))) == 0 {
				return "Syntax errors in policy."
			}
			return ""
		}},
		{id: "iam-policy-version", on: on, says: func(c *call) string {
			if version, given := document(c.at(path))["Version"]; given && !slices.Contains([]string{"2012-10-17", "2008-10-17"}, textOf(version)) {
				return "Syntax errors in policy."
			}
			return ""
		}},
		{id: "iam-policy-principal", on: on, says: of(func(statement object) string {
			if statement["Principal"] != nil || statement["NotPrincipal"] != nil {
				return "Policy document should not specify a principal."
			}
			return ""
		})},
		{id: "iam-policy-effect", on: on, says: of(func(statement object) string {
			if effect := textOf(statement["Effect"]); effect != "Allow" && effect != "Deny" {
				return "Syntax errors in policy."
			}
			return ""
		})},
		{id: "iam-policy-actions", on: on, says: of(func(statement object) string {
			if statement["Action"] == nil && statement["NotAction"] == nil || statement["Action"] != nil && len(textsOf(statement["Action"])) == 0 {
				return "Policy statement must contain actions."
			}
			return ""
		})},
		{id: "iam-policy-vendor", on: on, says: of(func(statement object) string {
			for _, action := range textsOf(statement["Action"]) {
				if action != "*" && !strings.Contains(action, ":") {
					return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
				}
				if action != "*" && !vendorAction.MatchString(action) {
					return words("Action %s is invalid", action)
				}
			}
			return ""
		})},
		{id: "iam-policy-resources", on: on, says: of(func(statement object) string {
			if statement["Resource"] == nil && statement["NotResource"] == nil || statement["Resource"] != nil && len(textsOf(statement["Resource"])) == 0 {
				return "Policy statement must contain resources."
			}
			return ""
		})},
		{id: "iam-policy-resource-form", on: on, says: of(func(statement object) string {
			for _, resource := range textsOf(statement["Resource"]) {
				if _, is := parseARN(resource); !is && resource != "*" && !strings.HasPrefix(resource, "arn:") {
					return words("Resource %s must be in ARN format or \"*\".", resource)
				}
			}
			return ""
		})},
		{id: "iam-policy-sid", on: on, says: of(func(statement object) string {
			if !sid.MatchString(textOf(statement["Sid"])) {
				return "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
			}
			return ""
		})},
		{id: "iam-policy-sid-twice", on: on, says: func(c *call) string {
			seen := map[string]bool{}
			for _, statement := range statements(c.at(path)) {
				id := textOf(statement["Sid"])
				if id != "" && seen[id] {
					return "Statement IDs (SID) in a single policy must be unique."
				}
				seen[id] = true
			}
			return ""
		}},
	}
}

// missingPrincipal is a principal of a statement that is not there: a role of the account that does
// not exist, or what is no service.
func (c *call) missingPrincipal(statement object) string {
	principals := document(statement["Principal"])
	for _, kind := range slices.Sorted(maps.Keys(principals)) {
		for _, one := range textsOf(principals[kind]) {
			parsed, isARN := parseARN(one)
			switch {
			case kind == "Service" && !strings.Contains(one, "."):
				return words("\"SERVICE\":\"%s\"", one)
			case kind == "AWS" && isARN && parsed.account == c.Account && strings.HasPrefix(parsed.resource, "role/") && c.Find(c.Resource, role, one) == nil:
				return words("\"AWS\":\"%s\"", one)
			case kind == "AWS" && !isARN && one != "*" && !isAccount(one):
				return words("\"AWS\":\"%s\"", one)
			}
		}
	}
	return ""
}
