package rules

import "regexp"

const secret = "AWS::SecretsManager::Secret"

// secretName is what a name may hold.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
var secretName = regexp.MustCompile(`^[-/_+=.@!a-zA-Z0-9]*$`)

var secretsRules = []rule{
	{id: "secretsmanager-name-characters", on: secret, says: func(c *call) string {
		if !secretName.MatchString(c.text("Name")) {
			return "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
		}
		return ""
	}},
	{id: "secretsmanager-two-values", on: secret, says: func(c *call) string {
		if c.has("SecretString") && c.has("GenerateSecretString") {
			return "You can't specify both GenerateSecretString and SecretString properties"
		}
		return ""
	}},
	{id: "secretsmanager-generated-key", on: secret, says: func(c *call) string {
		template, generated := c.has("GenerateSecretString.SecretStringTemplate"), c.has("GenerateSecretString.GenerateStringKey")
		if template != generated {
			return "You must specify both GenerateStringKey and SecretStringTemplate properties or neither"
		}
		return ""
	}},
	{id: "secretsmanager-scheduled-for-deletion", on: secret, when: create, says: func(c *call) string {
		if gone := c.Deleted(c.Resource, secret, c.Name); !gone.IsZero() && c.Now().Before(gone) {
			return "You can't create this secret because a secret with this name is already scheduled for deletion."
		}
		return ""
	}},
}
