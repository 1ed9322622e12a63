package rules

import (
	"slices"
	"strings"
	"unicode/utf8"
)

const topic = "AWS::SNS::Topic"

// subscribable are the protocols of SNS.
// https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
var subscribable = []string{"http", "https", "email", "email-json", "sms", "sqs", "application", "lambda", "firehose"}

var snsRules = []rule{
	{id: "sns-fifo-name", on: topic, says: func(c *call) string {
		if c.flag("FifoTopic") && c.has("TopicName") && !strings.HasSuffix(c.Name, ".fifo") {
			return "Invalid parameter: Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long."
		}
		return ""
	}},
	{id: "sns-standard-name", on: topic, says: func(c *call) string {
		if !c.flag("FifoTopic") && strings.HasSuffix(c.Name, ".fifo") {
			return "Invalid parameter: Topic Name"
		}
		return ""
	}},
	{id: "sns-standard-deduplication", on: topic, says: func(c *call) string {
		if !c.flag("FifoTopic") && c.flag("ContentBasedDeduplication") {
			return "Invalid parameter: Attributes Reason: Content-based deduplication can only be set for FIFO topics"
		}
		return ""
	}},
	{id: "sns-display-name", on: topic, says: func(c *call) string {
		if utf8.RuneCountInString(c.text("DisplayName")) > 100 {
			return "Invalid parameter: DisplayName"
		}
		return ""
	}},
	{id: "sns-protocol", on: "AWS::SNS::Subscription", says: func(c *call) string {
		if protocol := c.text("Protocol"); !slices.Contains(subscribable, protocol) {
			return words("Invalid parameter: Amazon SNS does not support this protocol string: %s", protocol)
		}
		return ""
	}},
	{id: "sns-endpoint-of-protocol", on: "AWS::SNS::Subscription", says: func(c *call) string {
		protocol, endpoint := c.text("Protocol"), c.text("Endpoint")
		switch {
		case protocol == "sqs" && serviceOf(endpoint) != "sqs":
			return "Invalid parameter: SQS endpoint ARN"
		case protocol == "lambda" && serviceOf(endpoint) != "lambda":
			return "Invalid parameter: Lambda endpoint ARN"
		case protocol == "http" && !strings.HasPrefix(endpoint, "http://"), protocol == "https" && !strings.HasPrefix(endpoint, "https://"):
			return "Invalid parameter: Endpoint must match the specified protocol"
		}
		return ""
	}},
	{id: "sns-standard-to-fifo-queue", on: "AWS::SNS::Subscription", says: func(c *call) string {
		source := c.Find(c.Resource, topic, c.text("TopicArn"))
		if source != nil && !source.flag("FifoTopic") && c.text("Protocol") == "sqs" && strings.HasSuffix(c.text("Endpoint"), ".fifo") {
			return "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
		}
		return ""
	}},
	{id: "sns-fifo-to-function", on: "AWS::SNS::Subscription", says: func(c *call) string {
		source := c.Find(c.Resource, topic, c.text("TopicArn"))
		if source != nil && source.flag("FifoTopic") && c.text("Protocol") != "sqs" {
			return "Invalid parameter: Invalid parameter: Endpoint Reason: Please use FIFO SQS queue"
		}
		return ""
	}},
	{id: "sns-raw-delivery", on: "AWS::SNS::Subscription", says: func(c *call) string {
		if c.flag("RawMessageDelivery") && !slices.Contains([]string{"sqs", "http", "https", "firehose"}, c.text("Protocol")) {
			return words("Invalid parameter: Attributes Reason: Delivery protocol [%s] does not support raw message delivery.", c.text("Protocol"))
		}
		return ""
	}},
	{id: "sns-filter-policy", on: "AWS::SNS::Subscription", says: func(c *call) string {
		if !c.has("FilterPolicy") {
			return ""
		}
		return filterPolicy(document(c.at("FilterPolicy")), c.text("FilterPolicyScope") == "MessageBody")
	}},
	{id: "sns-policy-action", on: "AWS::SNS::TopicPolicy", says: func(c *call) string {
		for _, statement := range statements(c.at("PolicyDocument")) {
			for _, action := range textsOf(statement["Action"]) {
				if !strings.HasPrefix(strings.ToLower(action), "sns:") {
					return "Invalid parameter: Policy statement action out of service scope!"
				}
			}
		}
		return ""
	}},
	{id: "sns-policy-principal", on: "AWS::SNS::TopicPolicy", says: func(c *call) string {
		for _, statement := range statements(c.at("PolicyDocument")) {
			if statement["Principal"] == nil && statement["NotPrincipal"] == nil {
				return "Invalid parameter: Policy Error: null"
			}
		}
		return ""
	}},
}

// filterPolicy is what SNS says of a subscription's filter.
// https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
func filterPolicy(policy object, ofBody bool) string {
	if !ofBody {
		for _, value := range policy {
			if _, nested := value.(object); nested {
				return "Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy"
			}
		}
	}
	keys, combinations, problem := 0, 1, ""
	readPattern(policy, patternReader{
		leaf: func(values []any) {
			keys++
			combinations *= max(1, len(values))
		},
		problem: func(words string) {
			if problem == "" {
				problem = words
			}
		},
	})
	switch {
	case problem != "":
		return "Invalid parameter: FilterPolicy: " + problem
	case keys > 5:
		return "Invalid parameter: FilterPolicy: Filter policy can not have more than 5 keys"
	case combinations > 150:
		return "Invalid parameter: FilterPolicy: Filter policy is too complex"
	}
	return ""
}
