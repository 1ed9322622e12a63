package rules

import (
	"regexp"
	"strings"
)

const parameter = "AWS::SSM::Parameter"

// parameterName is a name, or a path of names.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
var parameterName = regexp.MustCompile(`^(/?[a-zA-Z0-9_.-]+)(/[a-zA-Z0-9_.-]+)*$`)

var ssmRules = []rule{
	{id: "ssm-value-size", on: parameter, says: func(c *call) string {
		switch length, tier := len(c.text("Value")), c.text("Tier"); {
		case length > 8192:
			return "Advanced tier parameters support a maximum parameter value of 8192 characters."
		case length > 4096 && tier != "Advanced" && tier != "Intelligent-Tiering":
			return "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"
		}
		return ""
	}},
	{id: "ssm-name", on: parameter, says: func(c *call) string {
		first, _, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(c.Name), "/"), "/")
		switch {
		case strings.HasPrefix(first, "aws"):
			return words("No access to reserved parameter name: %s.", c.Name)
		case strings.HasPrefix(first, "ssm"):
			return "Parameter name: can't be prefixed with \"ssm\" (case-insensitive)."
		}
		return ""
	}},
	{id: "ssm-name-form", on: parameter, says: func(c *call) string {
		if !parameterName.MatchString(c.Name) {
			return "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_"
		}
		return ""
	}},
	{id: "ssm-name-full", on: parameter, says: func(c *call) string {
		if strings.Contains(strings.TrimPrefix(c.Name, "/"), "/") && !strings.HasPrefix(c.Name, "/") {
			return "Parameter name must be a fully qualified name."
		}
		return ""
	}},
	{id: "ssm-name-levels", on: parameter, says: func(c *call) string {
		if strings.Count(strings.TrimPrefix(c.Name, "/"), "/") >= 15 {
			return "A hierarchy can have a maximum of 15 levels."
		}
		return ""
	}},
	{id: "ssm-allowed-pattern", on: parameter, says: func(c *call) string {
		allowed := c.text("AllowedPattern")
		compiled, err := regexp.Compile("^(?:" + allowed + ")$")
		if allowed != "" && err == nil && !compiled.MatchString(c.text("Value")) {
			return words("Parameter value, cannot be validated against allowedPattern: %s", allowed)
		}
		return ""
	}},
	{id: "ssm-tier-down", on: parameter, when: update, says: func(c *call) string {
		if c.before.text("Tier") == "Advanced" && (c.text("Tier") == "Standard" || !c.has("Tier")) {
			return "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier."
		}
		return ""
	}},
}
