package rules

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/rehearsal/internal/policy"
)

const queue = "AWS::SQS::Queue"

// queueDeletion is how long the name of a deleted queue is taken.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
const queueDeletion = 60 * time.Second

var sqsRules = []rule{
	{id: "sqs-fifo-name", on: queue, says: func(c *call) string {
		if c.flag("FifoQueue") && c.has("QueueName") && !strings.HasSuffix(c.Name, ".fifo") {
			return "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length."
		}
		return ""
	}},
	{id: "sqs-standard-name", on: queue, says: func(c *call) string {
		if !c.flag("FifoQueue") && strings.HasSuffix(c.Name, ".fifo") {
			return "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
		}
		return ""
	}},
	{id: "sqs-fifo-only-attribute", on: queue, says: func(c *call) string {
		for _, attribute := range []string{"ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"} {
			switch given := !c.flag("FifoQueue") && c.has(attribute) && c.text(attribute) != "false"; {
			case given && attribute == "ContentBasedDeduplication":
				return words("Unknown Attribute %s.", attribute)
			case given:
				return words("You can specify the %s only when FifoQueue is set to true.", attribute)
			}
		}
		return ""
	}},
	{id: "sqs-high-throughput-scope", on: queue, says: func(c *call) string {
		if c.text("FifoThroughputLimit") == "perMessageGroupId" && c.text("DeduplicationScope") != "messageGroup" {
			return "Invalid value for the parameter FifoThroughputLimit. Reason: To set FifoThroughputLimit to perMessageGroupId, the DeduplicationScope must be messageGroup."
		}
		return ""
	}},
	{id: "sqs-two-encryptions", on: queue, says: func(c *call) string {
		if c.has("KmsMasterKeyId") && c.flag("SqsManagedSseEnabled") {
			return "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE."
		}
		return ""
	}},
	{id: "sqs-max-receive-count", on: queue, says: func(c *call) string {
		if !c.has("RedrivePolicy.deadLetterTargetArn") {
			return ""
		}
		if count := c.number("RedrivePolicy.maxReceiveCount", 10); count < 1 || count > 1000 {
			return c.redrive(words("Invalid value for maxReceiveCount: %d, valid values are from 1 to 1000 both inclusive.", count))
		}
		return ""
	}},
	{id: "sqs-redrive-incomplete", on: queue, says: func(c *call) string {
		for _, name := range []string{"deadLetterTargetArn", "maxReceiveCount"} {
			if c.has("RedrivePolicy") && !c.has("RedrivePolicy."+name) {
				return c.redrive(words("Redrive policy does not contain mandatory attribute: %s.", name))
			}
		}
		return ""
	}},
	{id: "sqs-dead-letter-no-queue", on: queue, says: func(c *call) string {
		if target := c.text("RedrivePolicy.deadLetterTargetArn"); target != "" && serviceOf(target) != "sqs" {
			return c.redrive("Only SQS queues are valid resources for deadLetterTargetArn")
		}
		return ""
	}},
	{id: "sqs-dead-letter-missing", on: queue, says: func(c *call) string {
		target := c.text("RedrivePolicy.deadLetterTargetArn")
		if target != "" && c.Find(c.Resource, queue, target) == nil {
			return c.redrive("Dead letter target does not exist.")
		}
		return ""
	}},
	{id: "sqs-dead-letter-type", on: queue, says: func(c *call) string {
		dead := c.Find(c.Resource, queue, c.text("RedrivePolicy.deadLetterTargetArn"))
		if dead != nil && dead.flag("FifoQueue") != c.flag("FifoQueue") {
			return c.redrive("Dead-letter queue must be same type of queue as the source.")
		}
		return ""
	}},
	{id: "sqs-deleted-recently", on: queue, when: create, handler: "GeneralServiceException", says: func(c *call) string {
		gone := c.Deleted(c.Resource, queue, c.Name)
		if !gone.IsZero() && c.Now().Sub(gone) < queueDeletion {
			return "You must wait 60 seconds after deleting a queue before you can create another with the same name."
		}
		return ""
	}},
	{id: "sqs-policy-statements", on: "AWS::SQS::QueuePolicy", says: func(c *call) string {
		if count := len(statements(c.at("PolicyDocument"))); count > 20 {
			return words("OverLimit: %d statements were found in the submitted policy, max allowed is 20", count)
		}
		return ""
	}},
	{id: "sqs-policy-actions", on: "AWS::SQS::QueuePolicy", says: func(c *call) string {
		for _, statement := range statements(c.at("PolicyDocument")) {
			if count := len(textsOf(statement["Action"])); count > 7 {
				return words("OverLimit: %d actions were found in a statement from the submitted policy, max allowed is 7", count)
			}
		}
		return ""
	}},
	// The error of a quota without words of its own, as AWS's reference has it:
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
	{id: "sqs-policy-principals", on: "AWS::SQS::QueuePolicy", handler: "ServiceLimitExceeded", status: 403, says: func(c *call) string {
		count := 0
		for _, statement := range statements(c.at("PolicyDocument")) {
			count += len(principalsOf(statement))
		}
		if count > 50 {
			return "OverLimit: The specified action violates a limit."
		}
		return ""
	}},
	// The quota is one of a statement: policies of twenty statements with a condition each are taken.
	// https://github.com/dapr/components-contrib/issues/1780
	{id: "sqs-policy-conditions", on: "AWS::SQS::QueuePolicy", handler: "ServiceLimitExceeded", status: 403, says: func(c *call) string {
		for _, statement := range statements(c.at("PolicyDocument")) {
			if conditionsOf(statement) > 10 {
				return "OverLimit: The specified action violates a limit."
			}
		}
		return ""
	}},
	{id: "sqs-policy-foreign-action", on: "AWS::SQS::QueuePolicy", says: func(c *call) string {
		for _, statement := range statements(c.at("PolicyDocument")) {
			for _, action := range textsOf(statement["Action"]) {
				if action != "*" && !strings.HasPrefix(strings.ToLower(action), "sqs:") {
					return words("Value %s for parameter ActionName is invalid. Reason: Only the queue owner is allowed to invoke this action.", action)
				}
			}
		}
		return ""
	}},
	{id: "sqs-policy-size", on: "AWS::SQS::QueuePolicy", says: func(c *call) string {
		if size(c.at("PolicyDocument")) > 8192 {
			return "OverLimit: Submitted policy is over max allowed size."
		}
		return ""
	}},
	{id: "sqs-policy-principal", on: "AWS::SQS::QueuePolicy", says: func(c *call) string {
		for _, statement := range statements(c.at("PolicyDocument")) {
			if statement["Principal"] == nil && statement["NotPrincipal"] == nil {
				return "Invalid value for the parameter Policy."
			}
		}
		return ""
	}},
}

// redrive is SQS's refusal of a redrive policy.
func (c *call) redrive(reason string) string {
	policy, _ := json.Marshal(document(c.at("RedrivePolicy")))
	return words("Value %s for parameter RedrivePolicy is invalid. Reason: %s", policy, reason)
}

// queueAllows says whether the policies of a queue let a service send to it for a source.
func queueAllows(w World, target *Resource, service, source string) bool {
	var policies []any
	for attached := range w.Of(target, "AWS::SQS::QueuePolicy") {
		if slices.Contains(attached.texts("Queues"), target.PhysicalID) {
			policies = append(policies, attached.at("PolicyDocument"))
		}
	}
	return resourceAllows(policies, policy.Request{
		Action: "sqs:SendMessage", Resource: textOf(target.Attributes["Arn"]), Principal: policy.Principal{Service: service},
		Context: policy.Context{"aws:sourcearn": {source}, "aws:sourceaccount": {target.Account}, "aws:securetransport": {"true"}},
	})
}
