package rules

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/roadshow-go/roadshow/rehearsal/internal/policy"
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
	// AWS's page has the quotas of a topic's policy, and its reference the error of a parameter that does not comply:
	// https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html
	{id: "sns-policy-size", on: "AWS::SNS::TopicPolicy", says: func(c *call) string {
		if size(c.at("PolicyDocument")) > 30<<10 {
			return "Invalid parameter: Policy"
		}
		return ""
	}},
	{id: "sns-policy-statements", on: "AWS::SNS::TopicPolicy", says: func(c *call) string {
		if len(statements(c.at("PolicyDocument"))) > 100 {
			return "Invalid parameter: Policy"
		}
		return ""
	}},
	{id: "sns-policy-principals", on: "AWS::SNS::TopicPolicy", says: func(c *call) string {
		for _, statement := range statements(c.at("PolicyDocument")) {
			if len(principalsOf(statement)) > 200 {
				return "Invalid parameter: Policy"
			}
		}
		return ""
	}},
	{id: "sns-policy-resource", on: "AWS::SNS::TopicPolicy", says: func(c *call) string {
		for _, statement := range statements(c.at("PolicyDocument")) {
			resources := textsOf(statement["Resource"])
			for _, of := range c.texts("Topics") {
				if len(resources) != 1 || !policy.Matches(resources[0], of) {
					return "Invalid parameter: Policy"
				}
			}
		}
		return ""
	}},
}

// filterPolicy is what SNS says of a subscription's filter. Numbers are compared from -10^9 to 10^9, at most five keys hold
// lists, and the combinations of what these may be are at most 150.
// https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
func filterPolicy(filter object, ofBody bool) string {
	if !ofBody {
		for _, value := range filter {
			if _, nested := value.(object); nested {
				return "Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy"
			}
		}
	}
	problem := ""
	first := func(words string) {
		if problem == "" {
			problem = words
		}
	}
	readPattern(filter, patternReader{problem: first, numeric: func(number float64) {
		if math.Abs(number) > 1e9 {
			first("Value must be between -1.0E9 and 1.0E9, inclusive")
		}
	}})
	switch keys, combinations := filterSums(filter, 1); {
	case problem != "":
		return "Invalid parameter: FilterPolicy: " + problem
	case keys > 5:
		return "Invalid parameter: FilterPolicy: Filter policy can not have more than 5 keys"
	case combinations > 150:
		return "Invalid parameter: FilterPolicy: Filter policy is too complex"
	}
	return ""
}

// filterSums counts the keys of a filter that hold lists, and its combinations: the product of the lists' lengths, each
// times the level of its key; alternatives are added.
// https://docs.aws.amazon.com/sns/latest/dg/and-or-logic.html
func filterSums(filter object, level int) (keys, combinations int) {
	combinations = 1
	for name, value := range filter {
		switch value := value.(type) {
		case object:
			inner, product := filterSums(value, level+1)
			keys, combinations = keys+inner, combinations*product
		case []any:
			if name != "$or" {
				keys, combinations = keys+1, combinations*max(1, len(value))*level
				continue
			}
			sum := 0
			for _, alternative := range objectsOf(value) {
				inner, product := filterSums(alternative, level)
				keys, sum = keys+inner, sum+product
			}
			combinations *= max(1, sum)
		}
		combinations = min(combinations, 1<<20) // it is far too many by then
	}
	return keys, combinations
}
