package rules

import "strings"

const logGroup = "AWS::Logs::LogGroup"

var logsRules = []rule{
	{id: "logs-subscription-filters", on: "AWS::Logs::SubscriptionFilter", when: create, handler: "ServiceLimitExceeded", says: func(c *call) string {
		count := 1
		for other := range c.Of(c.Resource, "AWS::Logs::SubscriptionFilter") {
			if other.text("LogGroupName") == c.text("LogGroupName") {
				count++
			}
		}
		if count > 2 {
			return "Resource limit exceeded."
		}
		return ""
	}},
	{id: "logs-group-missing", on: "AWS::Logs::SubscriptionFilter", handler: "NotFound", says: withoutGroup},
	{id: "logs-group-missing", on: "AWS::Logs::MetricFilter", handler: "NotFound", says: withoutGroup},
	{id: "logs-group-reserved-name", on: logGroup, says: func(c *call) string {
		if strings.HasPrefix(c.Name, "aws/") {
			return words("Log groups starting with AWS/ are reserved for AWS.")
		}
		return ""
	}},
	{id: "logs-filter-pattern", on: "AWS::Logs::MetricFilter", says: func(c *call) string {
		if pattern := c.text("FilterPattern"); strings.Count(pattern, "{") != strings.Count(pattern, "}") || strings.Count(pattern, "[") != strings.Count(pattern, "]") || strings.Count(pattern, `"`)%2 != 0 {
			return "Invalid metric filter pattern"
		}
		return ""
	}},
	{id: "logs-resource-policies", on: "AWS::Logs::ResourcePolicy", when: create, handler: "ServiceLimitExceeded", says: func(c *call) string {
		count := 1
		for range c.Of(c.Resource, "AWS::Logs::ResourcePolicy") {
			count++
		}
		if count > 10 {
			return "Resource limit exceeded."
		}
		return ""
	}},
}

func withoutGroup(c *call) string {
	if c.Find(c.Resource, logGroup, c.text("LogGroupName")) == nil {
		return "The specified log group does not exist."
	}
	return ""
}
