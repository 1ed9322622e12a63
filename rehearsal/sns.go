package rehearsal

import (
	"net/http"

	"github.com/roadshow-go/roadshow/rehearsal/internal/policy"
)

const topicType = "AWS::SNS::Topic"

// snsService takes what is published, and hands it to nobody yet.
func snsService() *service {
	return &service{
		protocol: queryXML, namespace: "http://sns.amazonaws.com/doc/2010-03-31/",
		operations: map[string]operation{
			"ListTopics":   reading(listTopics),
			"Publish":      reading(publish),
			"PublishBatch": reading(publishBatch),
		},
	}
}

// listTopics lists a hundred topics a page.
// https://docs.aws.amazon.com/sns/latest/api/API_ListTopics.html
func listTopics(r *request) (any, error) {
	topics := []object{}
	for _, topic := range r.store.list(r.at(), topicType) {
		topics = append(topics, object{"TopicArn": topic.PhysicalID})
	}
	topics, next, err := page(r, topics, 100)
	return object{"Topics": topics, "NextToken": orNil(next)}, err
}

// largestPublication is the most that one request publishes, in bytes.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const largestPublication = 256 << 10

func (r *request) topic() (Resource, error) {
	arn := orElse(r.text("TopicArn"), r.text("TargetArn"))
	if arn == "" {
		return Resource{}, refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal sends no messages to telephones")
	}
	at := r.homeOf(arn)
	found, exists := r.store.find(at, topicType, arn)
	if !exists || at.region != r.region {
		return Resource{}, refuse(http.StatusNotFound, "NotFound", "Topic does not exist")
	}
	return found, nil
}

func publish(r *request) (any, error) {
	topic, err := r.topic()
	if err != nil {
		return nil, err
	}
	id, err := published(&topic, map[string]string{
		"Message": r.text("Message"), "Subject": r.text("Subject"), "MessageGroupId": r.text("MessageGroupId"), "MessageDeduplicationId": r.text("MessageDeduplicationId"),
	})
	return object{"MessageId": id}, err
}

// published checks one message, and gives it its id.
func published(topic *Resource, entry map[string]string) (string, error) {
	invalid := func(format string, args ...any) (string, error) {
		return "", refuse(http.StatusBadRequest, "InvalidParameter", "Invalid parameter: "+format, args...)
	}
	fifo := topic.text("FifoTopic") == "true"
	switch {
	case entry["Message"] == "":
		return invalid("Empty message")
	case len(entry["Message"]) > largestPublication:
		return invalid("Message too long")
	case len(entry["Subject"]) > 100:
		return invalid("Subject")
	case fifo && entry["MessageGroupId"] == "":
		return invalid("The MessageGroupId parameter is required for FIFO topics")
	case fifo && entry["MessageDeduplicationId"] == "" && topic.text("ContentBasedDeduplication") != "true":
		return invalid("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	return requestID(), nil
}

// https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
func publishBatch(r *request) (any, error) {
	topic, err := r.topic()
	if err != nil {
		return nil, err
	}
	entries := r.structs("PublishBatchRequestEntries")
	switch size := 0; {
	case len(entries) == 0:
		return nil, refuse(http.StatusBadRequest, "EmptyBatchRequest", "The batch request doesn't contain any entries.")
	case len(entries) > 10:
		return nil, refuse(http.StatusBadRequest, "TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
	default:
		for _, entry := range entries {
			size += len(entry["Message"])
		}
		if size > largestPublication {
			return nil, refuse(http.StatusBadRequest, "BatchRequestTooLong", "The length of all the batch messages put together is more than the limit.")
		}
	}
	good, bad := []object{}, []object{}
	for _, entry := range entries {
		id, err := published(&topic, entry)
		if err != nil {
			refused := asAPIError(err)
			bad = append(bad, object{"Id": entry["Id"], "Code": refused.Code, "Message": refused.Message, "SenderFault": true})
			continue
		}
		good = append(good, object{"Id": entry["Id"], "MessageId": id})
	}
	return object{"Successful": good, "Failed": bad}, nil
}

// topicRights are those on a topic, and on its key. A batch needs the right of its parts.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html
// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#sns-what-permissions-for-sse
func topicRights() map[string]func(*request) []right {
	publishing := func(r *request) []right {
		arn := orElse(r.text("TopicArn"), r.text("TargetArn"))
		needed := right{action: "sns:Publish", resource: orElse(arn, "*"), owner: r.homeOf(arn).account, tags: object{}, context: policy.Context{"sns:endpoint": nil, "sns:protocol": nil}}
		topic, found := r.store.find(r.homeOf(arn), topicType, arn)
		if !found {
			return []right{needed}
		}
		needed.tags, needed.of = tagMap(&topic), r.store.attachedPolicies(&topic, "AWS::SNS::TopicPolicy", "Topics", "PolicyDocument")
		// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
		encryption := map[string]string{"aws:sns:topicArn": topic.PhysicalID}
		return append([]right{needed}, r.keyRights(topic.text("KmsMasterKeyId"), encryption, "kms:GenerateDataKey", "kms:Decrypt")...)
	}
	return map[string]func(*request) []right{"ListTopics": onNothing("sns:ListTopics"), "Publish": publishing, "PublishBatch": publishing}
}
