package rehearsal

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/roadshow-go/roadshow/rehearsal/internal/policy"
	"github.com/roadshow-go/roadshow/rehearsal/internal/queue"
)

const queueType = "AWS::SQS::Queue"

// sqsService speaks SQS's JSON protocol, as the SDKs do since 2023.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-json-faqs.html
func sqsService() *service {
	return &service{protocol: json10, operations: map[string]operation{
		"GetQueueUrl":                  reading(getQueueURL),
		"GetQueueAttributes":           reading(getQueueAttributes),
		"ListQueues":                   reading(listQueues),
		"SendMessage":                  reading(sendMessage),
		"SendMessageBatch":             batched(sendMessage),
		"ReceiveMessage":               reading(receiveMessage),
		"DeleteMessage":                reading(deleteMessage),
		"DeleteMessageBatch":           batched(deleteMessage),
		"ChangeMessageVisibility":      reading(changeMessageVisibility),
		"ChangeMessageVisibilityBatch": batched(changeMessageVisibility),
		"PurgeQueue":                   reading(purgeQueue),
	}}
}

// queueState are the messages of an account's queues, by URL.
type queueState struct {
	Queues map[string]*queue.Queue `json:",omitempty"`
}

var queues = keep[queueState]("sqs")

// messagesOf are those of a queue. The caller holds the store's lock for writing.
func (s *store) messagesOf(q *Resource) *queue.Queue {
	state := queues.of(s, q.Account)
	if state.Queues == nil {
		state.Queues = map[string]*queue.Queue{}
	}
	if state.Queues[q.PhysicalID] == nil {
		state.Queues[q.PhysicalID] = &queue.Queue{}
	}
	return state.Queues[q.PhysicalID]
}

func noQueue() error {
	refused := refuse(http.StatusBadRequest, "com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.")
	refused.queryCode = "AWS.SimpleQueueService.NonExistentQueue"
	return refused
}

// queue finds the queue of a request by its URL, whatever host the client has put into it.
func (r *request) queue() (Resource, error) {
	parts := strings.Split(r.text("QueueUrl"), "/")
	if found, is := r.store.find(r.at(), queueType, parts[len(parts)-1]); is && len(parts) >= 2 && parts[len(parts)-2] == r.account {
		return found, nil
	}
	return Resource{}, noQueue()
}

// seconds is a number of seconds of a queue, or its default.
func seconds(q *Resource, property, otherwise string) time.Duration {
	count, _ := strconv.Atoi(orElse(q.text(property), otherwise)) // which the schema of the type has checked
	return time.Duration(count) * time.Second
}

func queueSettings(q *Resource) queue.Settings {
	most, _ := strconv.Atoi(textOf(redrive(q)["maxReceiveCount"]))
	return queue.Settings{
		FIFO: q.text("FifoQueue") == "true", ByContent: q.text("ContentBasedDeduplication") == "true", ByGroup: q.text("DeduplicationScope") == "messageGroup",
		Retention: seconds(q, "MessageRetentionPeriod", "345600"), MostReceives: most,
	}
}

// redrive is where a queue's dead messages go.
func redrive(q *Resource) object {
	switch policy := q.Properties["RedrivePolicy"].(type) {
	case object:
		return policy
	case string:
		read := object{}
		_ = json.Unmarshal([]byte(policy), &read) // which a rule has checked
		return read
	}
	return nil
}

// number reads a number of a request, which has a default and a range.
func (r *request) number(name string, otherwise, from, until int64) (int64, error) {
	if r.input[name] == nil {
		return otherwise, nil
	}
	value, err := strconv.ParseInt(textOf(r.input[name]), 10, 64)
	if err != nil || value < from || value > until {
		return 0, invalidValue("Value %s for parameter %s is invalid. Reason: Must be between %d and %d, if provided.", textOf(r.input[name]), name, from, until)
	}
	return value, nil
}

func invalidValue(format string, args ...any) error {
	refused := refuse(http.StatusBadRequest, "com.amazonaws.sqs#InvalidParameterValueException", format, args...)
	refused.queryCode = "InvalidParameterValue"
	return refused
}

func missingParameter(name string) error {
	refused := refuse(http.StatusBadRequest, "com.amazonaws.sqs#MissingParameterException", "The request must contain the parameter %s.", name)
	refused.queryCode = "MissingParameter"
	return refused
}

// largestMessage is the most that a queue takes in one message, in bytes, where it does not say less.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const largestMessage = 1 << 20

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func sendMessage(r *request) (any, error) {
	q, err := r.queue()
	if err != nil {
		return nil, err
	}
	if err := r.knows("QueueUrl", "MessageBody", "DelaySeconds", "MessageAttributes", "MessageDeduplicationId", "MessageGroupId", "Id"); err != nil {
		return nil, err
	}
	settings := queueSettings(&q)
	m := queue.Message{Body: r.text("MessageBody"), Group: r.text("MessageGroupId"), Deduplication: r.text("MessageDeduplicationId"), Sender: r.caller.userID}
	if m.Attributes, err = r.messageAttributes(); err != nil {
		return nil, err
	}
	most := largestMessage
	if own, err := strconv.Atoi(q.text("MaximumMessageSize")); err == nil {
		most = own
	}
	delay := seconds(&q, "DelaySeconds", "0")
	switch {
	case m.Body == "":
		return nil, missingParameter("MessageBody")
	case !allowedText(m.Body):
		return nil, refuse(http.StatusBadRequest, "com.amazonaws.sqs#InvalidMessageContents", "Invalid characters found.")
	case messageSize(&m) > most:
		return nil, invalidValue("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", most)
	case settings.FIFO && m.Group == "":
		return nil, missingParameter("MessageGroupId")
	case settings.FIFO && m.Deduplication == "" && !settings.ByContent:
		return nil, invalidValue("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case settings.FIFO && r.input["DelaySeconds"] != nil:
		return nil, invalidValue("Value %s for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.", r.text("DelaySeconds"))
	case r.input["DelaySeconds"] != nil:
		given, err := r.number("DelaySeconds", 0, 0, 900)
		if err != nil {
			return nil, err
		}
		delay = time.Duration(given) * time.Second
	}
	r.store.mu.Lock()
	sent := r.store.messagesOf(&q).Send(settings, m, delay, r.store.now())
	r.store.mu.Unlock()
	out := object{"MessageId": sent.ID, "MD5OfMessageBody": sumOf([]byte(sent.Body)), "SequenceNumber": orNil(sent.Sequence)}
	if len(m.Attributes) > 0 {
		out["MD5OfMessageAttributes"] = sumOfAttributes(m.Attributes)
	}
	return out, nil
}

// allowedText says whether SQS takes all characters of a text.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
func allowedText(text string) bool {
	for _, c := range text {
		switch {
		case c == '\t', c == '\n', c == '\r', c >= 0x20 && c <= 0xd7ff, c >= 0xe000 && c <= 0xfffd, c >= 0x10000:
		default:
			return false
		}
	}
	return utf8.ValidString(text)
}

func messageSize(m *queue.Message) int {
	size := len(m.Body)
	for name, value := range m.Attributes {
		size += len(name) + len(value.DataType) + len(value.StringValue) + len(value.BinaryValue)
	}
	return size
}

// messageAttributes reads the sender's own attributes, ten at most.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
func (r *request) messageAttributes() (map[string]queue.Attribute, error) {
	if r.input["MessageAttributes"] == nil {
		return nil, nil
	}
	text, _ := json.Marshal(r.input["MessageAttributes"]) // which was JSON
	var attributes map[string]queue.Attribute
	if err := json.Unmarshal(text, &attributes); err != nil {
		return nil, refuse(http.StatusBadRequest, "SerializationException", "%v", err)
	}
	if len(attributes) > 10 {
		return nil, invalidValue("Number of message attributes [%d] exceeds the allowed maximum [10].", len(attributes))
	}
	for name, value := range attributes {
		kind, _, _ := strings.Cut(value.DataType, ".")
		if !slices.Contains([]string{"String", "Number", "Binary"}, kind) {
			return nil, invalidValue("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
		}
		if kind == "Binary" == (value.BinaryValue == nil) || kind != "Binary" && value.StringValue == "" {
			return nil, invalidValue("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, kind)
		}
	}
	return attributes, nil
}

func sumOf(content []byte) string {
	sum := md5.Sum(content) // SQS names messages by it
	return hex.EncodeToString(sum[:])
}

// sumOfAttributes is what clients compare the attributes with.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
func sumOfAttributes(attributes map[string]queue.Attribute) string {
	var encoded []byte
	add := func(part []byte) {
		encoded = append(binary.BigEndian.AppendUint32(encoded, uint32(len(part))), part...)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		value := attributes[name]
		add([]byte(name))
		add([]byte(value.DataType))
		if value.BinaryValue != nil {
			encoded = append(encoded, 2)
			add(value.BinaryValue)
			continue
		}
		encoded = append(encoded, 1)
		add([]byte(value.StringValue))
	}
	return sumOf(encoded)
}

// pollEvery is how often a receiver that waits looks again.
const pollEvery = 10 * time.Millisecond

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
func receiveMessage(r *request) (any, error) {
	if err := r.knows("QueueUrl", "MaxNumberOfMessages", "VisibilityTimeout", "WaitTimeSeconds", "AttributeNames", "MessageSystemAttributeNames", "MessageAttributeNames", "ReceiveRequestAttemptId"); err != nil {
		return nil, err
	}
	q, err := r.queue()
	if err != nil {
		return nil, err
	}
	most, err := r.number("MaxNumberOfMessages", 1, 1, 10)
	if err != nil {
		return nil, err
	}
	hidden, err := r.number("VisibilityTimeout", int64(seconds(&q, "VisibilityTimeout", "30")/time.Second), 0, 43200)
	if err != nil {
		return nil, err
	}
	wait, err := r.number("WaitTimeSeconds", int64(seconds(&q, "ReceiveMessageWaitTimeSeconds", "0")/time.Second), 0, 20)
	if err != nil {
		return nil, err
	}
	got := r.receive(&q, int(most), time.Duration(hidden)*time.Second)
	if len(got) == 0 && wait > 0 {
		// Nobody who saves or loads waits for a receiver that waits.
		r.store.working.RUnlock()
		defer r.store.working.RLock()
		ticker := time.NewTicker(pollEvery)
		defer ticker.Stop()
		for until := time.Now().Add(time.Duration(wait) * time.Second); len(got) == 0 && time.Now().Before(until); {
			select {
			case <-ticker.C:
				got = r.receive(&q, int(most), time.Duration(hidden)*time.Second)
			case <-r.http.Context().Done():
				return nil, r.http.Context().Err()
			}
		}
	}
	messages := []object{}
	for i := range got {
		messages = append(messages, r.received(&got[i]))
	}
	if len(messages) == 0 {
		return object{}, nil
	}
	return object{"Messages": messages}, nil
}

// receive takes messages, and moves the dead ones to where the queue wants them.
func (r *request) receive(q *Resource, most int, hidden time.Duration) []queue.Message {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	now := r.store.now()
	got, dead := r.store.messagesOf(q).Receive(queueSettings(q), most, hidden, now)
	if len(dead) == 0 {
		return got
	}
	if target := r.store.referred(q, queueType, textOf(redrive(q)["deadLetterTargetArn"])); target != nil {
		for _, m := range dead {
			r.store.messagesOf(target).Bury(m, now)
		}
	}
	return got
}

// received is a message as its receiver gets it: with the attributes that were asked for.
func (r *request) received(m *queue.Message) object {
	out := object{"MessageId": m.ID, "ReceiptHandle": m.Receipt, "Body": m.Body, "MD5OfBody": sumOf([]byte(m.Body))}
	asked := append(r.texts("AttributeNames"), r.texts("MessageSystemAttributeNames")...)
	attributes := object{}
	for name, value := range map[string]string{
		"SenderId": m.Sender, "SentTimestamp": milliseconds(m.Sent), "ApproximateReceiveCount": strconv.Itoa(m.Received),
		"ApproximateFirstReceiveTimestamp": milliseconds(m.First), "MessageGroupId": m.Group, "MessageDeduplicationId": m.Deduplication, "SequenceNumber": m.Sequence,
	} {
		if value != "" && (slices.Contains(asked, "All") || slices.Contains(asked, name)) {
			attributes[name] = value
		}
	}
	if len(attributes) > 0 {
		out["Attributes"] = attributes
	}
	own := map[string]queue.Attribute{}
	for name, value := range m.Attributes {
		if slices.ContainsFunc(r.texts("MessageAttributeNames"), func(wanted string) bool {
			prefix, isPrefix := strings.CutSuffix(wanted, "*")
			return wanted == "All" || wanted == ".*" || wanted == name || isPrefix && strings.HasPrefix(name, strings.TrimSuffix(prefix, "."))
		}) {
			own[name] = value
		}
	}
	if len(own) > 0 {
		out["MessageAttributes"], out["MD5OfMessageAttributes"] = own, sumOfAttributes(own)
	}
	return out
}

func milliseconds(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
func deleteMessage(r *request) (any, error) {
	q, err := r.queue()
	if err != nil {
		return nil, err
	}
	if err := r.handle(); err != nil {
		return nil, err
	}
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.messagesOf(&q).Delete(r.text("ReceiptHandle"))
	return object{}, nil
}

// handle checks the form of a receipt handle.
func (r *request) handle() error {
	switch given := r.text("ReceiptHandle"); {
	case given == "":
		return missingParameter("ReceiptHandle")
	case len(given) != 36:
		refused := refuse(http.StatusNotFound, "com.amazonaws.sqs#ReceiptHandleIsInvalid", "The input receipt handle %q is not a valid receipt handle.", given)
		refused.queryCode = "ReceiptHandleIsInvalid"
		return refused
	}
	return nil
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
func changeMessageVisibility(r *request) (any, error) {
	q, err := r.queue()
	if err != nil {
		return nil, err
	}
	if err := r.handle(); err != nil {
		return nil, err
	}
	if r.input["VisibilityTimeout"] == nil {
		return nil, missingParameter("VisibilityTimeout")
	}
	hidden, err := r.number("VisibilityTimeout", 0, 0, 43200)
	if err != nil {
		return nil, err
	}
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	if !r.store.messagesOf(&q).Hide(r.text("ReceiptHandle"), time.Duration(hidden)*time.Second, r.store.now()) {
		return nil, invalidValue("Value %s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.", r.text("ReceiptHandle"))
	}
	return object{}, nil
}

// batched makes the operation of ten requests of that of one.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
func batched(one func(*request) (any, error)) operation {
	return reading(func(r *request) (any, error) {
		entries := listOf(r.input["Entries"])
		ids := map[string]bool{}
		for _, each := range entries {
			entry, _ := each.(object)
			ids[textOf(entry["Id"])] = true
		}
		var refused *apiError
		switch {
		case len(entries) == 0:
			refused = refuse(http.StatusBadRequest, "com.amazonaws.sqs#EmptyBatchRequest", "There should be at least one %sRequestEntry in the request.", r.operation)
			refused.queryCode = "AWS.SimpleQueueService.EmptyBatchRequest"
		case len(entries) > 10:
			refused = refuse(http.StatusBadRequest, "com.amazonaws.sqs#TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent %d.", len(entries))
			refused.queryCode = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
		case len(ids) < len(entries):
			refused = refuse(http.StatusBadRequest, "com.amazonaws.sqs#BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
			refused.queryCode = "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"
		}
		if refused != nil {
			return nil, refused
		}
		if _, err := r.queue(); err != nil {
			return nil, err
		}
		good, bad := []object{}, []object{}
		for _, each := range entries {
			entry, _ := each.(object)
			single := *r
			single.input = object{}
			maps.Copy(single.input, entry)
			single.input["QueueUrl"] = r.input["QueueUrl"]
			result, err := one(&single)
			if err != nil {
				refused := asAPIError(err)
				bad = append(bad, object{"Id": entry["Id"], "Code": orElse(refused.queryCode, refused.Code), "Message": refused.Message, "SenderFault": true})
				continue
			}
			made := result.(object)
			made["Id"] = entry["Id"]
			good = append(good, made)
		}
		return object{"Successful": good, "Failed": bad}, nil
	})
}

func purgeQueue(r *request) (any, error) {
	q, err := r.queue()
	if err != nil {
		return nil, err
	}
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.messagesOf(&q).Messages = nil
	return object{}, nil
}

func getQueueURL(r *request) (any, error) {
	if owner := r.text("QueueOwnerAWSAccountId"); owner != "" && owner != r.account {
		return nil, noQueue()
	}
	q, found := r.store.find(r.at(), queueType, r.text("QueueName"))
	if !found {
		return nil, noQueue()
	}
	return object{"QueueUrl": q.PhysicalID}, nil
}

func listQueues(r *request) (any, error) {
	urls := []string{}
	for _, q := range r.store.list(r.at(), queueType) {
		if strings.HasPrefix(q.Name, r.text("QueueNamePrefix")) {
			urls = append(urls, q.PhysicalID)
		}
	}
	urls, next, err := page(r, urls, 1000)
	return object{"QueueUrls": urls, "NextToken": orNil(next)}, err
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
func getQueueAttributes(r *request) (any, error) {
	q, err := r.queue()
	if err != nil {
		return nil, err
	}
	r.store.mu.Lock()
	visible, inFlight, delayed := r.store.messagesOf(&q).Counts(queueSettings(&q), r.store.now())
	r.store.mu.Unlock()
	all := map[string]string{
		"QueueArn": q.attribute("Arn"), "ApproximateNumberOfMessages": strconv.Itoa(visible), "ApproximateNumberOfMessagesNotVisible": strconv.Itoa(inFlight),
		"ApproximateNumberOfMessagesDelayed": strconv.Itoa(delayed), "CreatedTimestamp": strconv.FormatInt(q.Created.Unix(), 10),
		"LastModifiedTimestamp": strconv.FormatInt(q.Changed.Unix(), 10), "VisibilityTimeout": orElse(q.text("VisibilityTimeout"), "30"),
		"MaximumMessageSize": orElse(q.text("MaximumMessageSize"), strconv.Itoa(largestMessage)), "MessageRetentionPeriod": orElse(q.text("MessageRetentionPeriod"), "345600"),
		"DelaySeconds": orElse(q.text("DelaySeconds"), "0"), "ReceiveMessageWaitTimeSeconds": orElse(q.text("ReceiveMessageWaitTimeSeconds"), "0"),
		"KmsMasterKeyId": q.text("KmsMasterKeyId"), "SqsManagedSseEnabled": orElse(q.text("SqsManagedSseEnabled"), strconv.FormatBool(q.text("KmsMasterKeyId") == "")),
	}
	for _, name := range []string{"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit", "KmsDataKeyReusePeriodSeconds"} {
		all[name] = q.text(name)
	}
	if to := redrive(&q); to != nil {
		text, _ := json.Marshal(to)
		all["RedrivePolicy"] = string(text)
	}
	asked := r.texts("AttributeNames")
	maps.DeleteFunc(all, func(name, value string) bool {
		return value == "" || !slices.Contains(asked, "All") && !slices.Contains(asked, name)
	})
	if len(all) == 0 {
		return object{}, nil
	}
	return object{"Attributes": all}, nil
}

// queueRights are those on a queue, and on its key. A batch needs the right of its parts.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html#sqs-what-permissions-for-sse
func queueRights() map[string]func(*request) []right {
	on := func(keyActions ...string) func(*request) []right {
		return func(r *request) []right {
			parts := strings.Split(r.text("QueueUrl"), "/")
			at, name := r.at(), orElse(r.text("QueueName"), parts[len(parts)-1])
			if len(parts) >= 2 {
				at.account = parts[len(parts)-2]
			}
			needed := right{
				action: "sqs:" + strings.TrimSuffix(r.operation, "Batch"), resource: arnOf(at, "sqs", name), owner: at.account, tags: object{}, context: policy.Context{},
			}
			q, found := r.store.find(at, queueType, name)
			if !found {
				return []right{needed}
			}
			needed.tags, needed.of = tagMap(&q), r.store.attachedPolicies(&q, "AWS::SQS::QueuePolicy", "Queues", "PolicyDocument")
			// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
			return append([]right{needed}, r.keyRights(q.text("KmsMasterKeyId"), map[string]string{"aws:sqs:arn": needed.resource}, keyActions...)...)
		}
	}
	rows := map[string]func(*request) []right{
		"ListQueues": onNothing("sqs:ListQueues"), "ReceiveMessage": on("kms:Decrypt"),
		"SendMessage": on("kms:GenerateDataKey", "kms:Decrypt"), "SendMessageBatch": on("kms:GenerateDataKey", "kms:Decrypt"),
	}
	for _, name := range []string{"GetQueueUrl", "GetQueueAttributes", "DeleteMessage", "DeleteMessageBatch", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "PurgeQueue"} {
		rows[name] = on()
	}
	return rows
}

// attachedPolicies gives the policies of a resource that are resources of their own, which name it in a
// property.
func (s *store) attachedPolicies(of *Resource, kind, property, document string) func() []any {
	return func() []any {
		var documents []any
		for _, attached := range s.list(place{of.Account, of.Region}, kind) {
			if named := references(&attached, property); slices.Contains(named, of.PhysicalID) || slices.Contains(named, of.Name) {
				documents = append(documents, attached.Properties[document])
			}
		}
		return documents
	}
}
