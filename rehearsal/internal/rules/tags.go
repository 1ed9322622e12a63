package rules

import (
	"strings"
	"unicode/utf8"
)

// tagRules hold for the tags of all types.
// https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
var tagRules = []rule{
	{id: "tags-aws-prefix", says: func(c *call) string {
		for key := range c.tags() {
			// What no stack made may be AWS's own, such as a secret's replica, which has the tags of its stack.
			if c.StackID != "" && strings.HasPrefix(strings.ToLower(key), "aws:") {
				return "aws: prefixed tag key names are not allowed for external use."
			}
		}
		return ""
	}},
	{id: "tags-length", says: func(c *call) string {
		for key, value := range c.tags() {
			switch {
			case utf8.RuneCountInString(key) > 128:
				return words("1 validation error detected: Value '%s' at 'tags.1.member.key' failed to satisfy constraint: Member must have length less than or equal to 128", key)
			case utf8.RuneCountInString(value) > 256:
				return words("1 validation error detected: Value '%s' at 'tags.1.member.value' failed to satisfy constraint: Member must have length less than or equal to 256", value)
			}
		}
		return ""
	}},
	{id: "tags-number", says: func(c *call) string {
		if len(c.tags()) > 50 {
			return "The number of tags exceeds the limit of 50 tags."
		}
		return ""
	}},
}

// tags are a resource's, in either of the forms that types have.
func (c *call) tags() map[string]string {
	found := map[string]string{}
	for _, tag := range c.objects("Tags") {
		found[textOf(tag["Key"])] = textOf(tag["Value"])
	}
	for key, value := range document(c.at("Tags")) {
		found[key] = textOf(value)
	}
	return found
}
