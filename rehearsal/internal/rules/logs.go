package rules

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
}

func withoutGroup(c *call) string {
	if c.Find(c.Resource, logGroup, c.text("LogGroupName")) == nil {
		return "The specified log group does not exist."
	}
	return ""
}
