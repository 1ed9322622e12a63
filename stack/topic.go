package stack

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// TopicConfig says what an SNS topic is. It is encrypted, and takes TLS only. Its zero value is a
// standard topic. https://docs.aws.amazon.com/sns/latest/dg/welcome.html
type TopicConfig struct {
	// Stages says which stages have the topic. Default: every stage.
	Stages stages.Selector

	// FIFO keeps the order of messages of one group. Such a topic delivers to queues only. A change replaces
	// the topic. Default: a standard topic. https://docs.aws.amazon.com/sns/latest/dg/sns-fifo-topics.html
	FIFO bool

	// DeduplicateByContent takes two messages of one body within five minutes for one, instead of asking
	// each sender for an id. With FIFO only. Default: false.
	DeduplicateByContent bool

	// DisplayName is the sender of e-mails, at most 100 characters. Default: none.
	DisplayName string

	// Name is the topic's own part of its physical name {stage}-{service}-{name}, or [Generated]. SNS has
	// FIFO topics end in .fifo; that is added. Default: the id.
	Name string

	// Revision, 2 and above, enters the physical name, so that CloudFormation can replace the topic.
	// Subscriptions that this stack does not make are lost then. Default: none.
	Revision int

	// Override changes the L2's properties just before it is made. Default: none.
	Override func(*awssns.TopicProps)
}

// snsKey is AWS's own key for SNS: it costs nothing, and whoever may publish may use it. Services of AWS
// may not. https://docs.aws.amazon.com/sns/latest/dg/sns-server-side-encryption.html
const snsKey = "alias/aws/sns"

func (c TopicConfig) validate() *ConfigError {
	switch {
	case c.DeduplicateByContent && !c.FIFO:
		return &ConfigError{
			Field: "DeduplicateByContent", Got: "true, while FIFO is false", Want: "left out of a standard topic", Fix: "write FIFO: true, or leave DeduplicateByContent out",
		}
	}
	return nil
}

func (c TopicConfig) kind() stages.Kind {
	if c.FIFO {
		return stages.SNSFIFOTopic
	}
	return stages.SNSTopic
}

// Topic is an SNS topic, or knows that its stage has none.
type Topic struct {
	component

	// L2 is the CDK's construct; nil where the stage does not have the topic. [Topic.With] asks first.
	L2 awssns.Topic

	config    TopicConfig
	siblings  constructs.Construct
	key       awskms.Key  // nil while nobody needs one
	given     awskms.IKey // the user's own, by Override
	senders   senders     // services of AWS that publish; nil while none does
	delivered map[*Queue]stages.Position
}

// NewTopic makes an SNS topic without subscriptions. A mistake panics with a [*ConfigError].
func NewTopic(s *Stack, id string, config TopicConfig) *Topic {
	topic := &Topic{
		component: s.begin("topic", id, config.Stages, s.faultsIn(config, config.validate())), config: config, delivered: map[*Queue]stages.Position{},
	}
	name := s.record(topic.component, config.kind(), config.Name, config.Revision)
	if !topic.present {
		return topic
	}
	props := config.props(name)
	if config.Override != nil {
		config.Override(props)
	}
	topic.siblings = topic.scope()
	topic.L2 = awssns.NewTopic(topic.siblings, jsiiconv.String("Topic"), props)
	if props.MasterKey != nil {
		topic.given = props.MasterKey
	} else {
		topic.l1().SetKmsMasterKeyId(jsiiconv.String(snsKey))
	}
	return topic
}

// props maps the config to the L2's.
func (c TopicConfig) props(name string) *awssns.TopicProps {
	props := &awssns.TopicProps{
		TopicName: jsiiconv.String(name), DisplayName: jsiiconv.String(c.DisplayName), EnforceSSL: jsiiconv.Bool(true),
	}
	if c.FIFO {
		props.Fifo = jsiiconv.Bool(true)
		props.ContentBasedDeduplication = jsiiconv.Bool(c.DeduplicateByContent)
	}
	return props
}

func (t *Topic) l1() awssns.CfnTopic { return t.L2.Node().DefaultChild().(awssns.CfnTopic) }

// publishedBy lets a service of AWS publish, on behalf of one source. AWS's own key does not admit
// services, so the topic then has a key of its own.
// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
func (t *Topic) publishedBy(service string, source *string) {
	if t.senders == nil {
		t.senders = senders{}
		t.stack.deferredChecks = append(t.stack.deferredChecks, func() {
			for _, statement := range t.senders.statements(topicPublish, t.L2.TopicArn()) {
				t.L2.AddToResourcePolicy(statement)
			}
		})
	}
	_, known := t.senders[service]
	t.senders.add(service, source)
	if t.given != nil || known {
		return
	}
	if t.key == nil {
		t.key = awskms.NewKey(t.siblings, jsiiconv.String("Key"), &awskms.KeyProps{
			Description: jsiiconv.String("Topic " + t.id), EnableKeyRotation: jsiiconv.Bool(true), RemovalPolicy: t.stack.retention().messages,
		})
		t.l1().SetKmsMasterKeyId(t.key.KeyArn())
	}
	// Not on behalf of the source alone: a key that knows the alarm, a topic that knows the key and an alarm
	// that knows the topic would be a circle. The topic itself knows its sources.
	t.key.AddToResourcePolicy(statement{actions: topicKeyUse, resources: []*string{jsiiconv.String("*")}}.fromAccount(service, t.stack), nil)
}

// keyARN is that of the key that encrypts the topic.
func (t *Topic) keyARN() *string {
	switch {
	case t.given != nil:
		return t.given.KeyArn()
	case t.key != nil:
		return t.key.KeyArn()
	}
	return t.stack.CDK.FormatArn(&awscdk.ArnComponents{Service: jsiiconv.String("kms"), Resource: jsiiconv.String(snsKey), ArnFormat: awscdk.ArnFormat_NO_RESOURCE_NAME})
}

// TopicTriggerConfig says which of a topic's messages reach a function.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html
type TopicTriggerConfig struct {
	// Filter selects messages by their attributes. Default: every message.
	Filter Pattern

	// FilterBody has Filter select by the fields of a JSON body instead. With Filter only. Default: false.
	FilterBody bool

	// Override changes the subscription's properties just before it is made. Default: none.
	Override func(*awssns.CfnSubscriptionProps)
}

func (c TopicTriggerConfig) validate() *ConfigError {
	if c.FilterBody && len(c.Filter) == 0 {
		return &ConfigError{Field: "FilterBody", Got: "true without a Filter", Want: "beside a Filter", Fix: `write Filter: stack.Pattern{"kind": []string{"refund"}}, or leave it out`}
	}
	if c.FilterBody {
		return c.Filter.validate("Filter", bodyPolicy)
	}
	return c.Filter.validate("Filter", attributesPolicy)
}

// subscribe makes a subscription.
func (c TopicTriggerConfig) subscribe(scope constructs.Construct, id string, props *awssns.CfnSubscriptionProps) {
	if len(c.Filter) > 0 {
		props.FilterPolicy = c.Filter.fields()
		if c.FilterBody {
			props.FilterPolicyScope = jsiiconv.String("MessageBody")
		}
	}
	if c.Override != nil {
		c.Override(props)
	}
	awssns.NewCfnSubscription(scope, jsiiconv.String(id), props)
}

// Triggers has the function handle the topic's messages; those that do not arrive, or that it cannot handle, are kept,
// see [FunctionConfig.Async]. Where the stage does not have the topic, or the function, there is no trigger.
// A mistake panics with a [*ConfigError].
func (t *Topic) Triggers(fn *Function, config TopicTriggerConfig) {
	var problem *ConfigError
	if t.config.FIFO {
		problem = &ConfigError{
			Field: "topic", Got: fmt.Sprintf("FIFO %s, which SNS delivers to queues only", t), Want: "a standard topic",
			Fix: "deliver to a FIFO queue that triggers the function, or leave out FIFO",
		}
	}
	config.trigger(fn, stages.Caller(), t.component, t.id, problem, func() *string { return t.L2.TopicArn() })
}

// trigger makes the trigger of a topic, or of an import of one.
func (c TopicTriggerConfig) trigger(fn *Function, at stages.Position, source component, of string, problem *ConfigError, topic func() *string) {
	if problem == nil {
		problem = c.validate()
	}
	both := fn.triggeredBy(source, at, c, problem, true)
	fn.catchFailures(at, source.id)
	if !both {
		return
	}
	fn.failures.make(fn)
	arn := topic()
	fn.admit(fn.siblings, "Permission-"+of, "sns.amazonaws.com", arn)
	queue := fn.failures.queue.L2
	fn.failures.queue.takeFrom("sns.amazonaws.com", arn)
	c.subscribe(fn.siblings, "From-"+of, &awssns.CfnSubscriptionProps{
		Protocol: jsiiconv.String("lambda"), TopicArn: arn, Endpoint: fn.invoked().FunctionArn(),
		// https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
		RedrivePolicy: map[string]any{"deadLetterTargetArn": queue.QueueArn()},
	})
}

// TopicDeliveryConfig says how a topic's messages reach a queue.
// https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html
type TopicDeliveryConfig struct {
	// Filter selects messages by their attributes. Default: every message.
	Filter Pattern

	// FilterBody has Filter select by the fields of a JSON body instead. With Filter only. Default: false.
	FilterBody bool

	// Raw delivers the message alone. Default: JSON that holds the message, its attributes and its topic.
	// https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html
	Raw bool

	// Override changes the subscription's properties just before it is made. Default: none.
	Override func(*awssns.CfnSubscriptionProps)
}

// Delivers sends the topic's messages to a queue, which takes them from this topic. Where the stage does
// not have the topic, or the queue, there is no delivery. A mistake panics with a [*ConfigError].
func (t *Topic) Delivers(queue *Queue, config TopicDeliveryConfig) {
	at := stages.Caller()
	if queue != nil && queue.config.FIFO && !t.config.FIFO {
		t.refusal(orderedTopicPage, at, "queue", fmt.Sprintf("FIFO %s, while the topic is a standard one", queue), "both FIFO, or a standard queue",
			"write FIFO: true for the topic, or leave it out for the queue")
	}
	config.deliver(queue, at, t.component, t.delivered, func() (constructs.Construct, *string) { return t.siblings, t.L2.TopicArn() })
}

// deliver makes the delivery of a topic, or of an import of one, whose queues are remembered.
func (c TopicDeliveryConfig) deliver(queue *Queue, at stages.Position, source component, delivered map[*Queue]stages.Position, topic func() (constructs.Construct, *string)) {
	if queue == nil {
		source.fault(at, "queue", "nil", "a queue", "write "+source.id+".Delivers(queue, …) with what stack.NewQueue returned")
	}
	common := TopicTriggerConfig{Filter: c.Filter, FilterBody: c.FilterBody, Override: c.Override}
	source.stack.faultsIn(common, common.validate()).raise(fmt.Sprintf("delivery of %s to %s", source, queue), at)
	if first, taken := delivered[queue]; taken {
		source.fault(at, "queue", fmt.Sprintf("%s again (first at %s)", queue, first), "there only once", "remove one of the two")
	}
	delivered[queue] = at
	if !source.present || !queue.present {
		return
	}
	scope, arn := topic()
	queue.takeFrom("sns.amazonaws.com", arn)
	props := &awssns.CfnSubscriptionProps{Protocol: jsiiconv.String("sqs"), TopicArn: arn, Endpoint: queue.L2.QueueArn()}
	if c.Raw {
		props.RawMessageDelivery = jsiiconv.Bool(true)
	}
	common.subscribe(scope, "To-"+queue.id, props)
}

// Publish is the right to publish messages; it brings <ID>_TOPIC, the topic's ARN.
func (t *Topic) Publish() Grant {
	return Grant{on: t, verb: "Publish", apply: func(fn *Function, at stages.Position) {
		fn.reach(at, t.component, "SNS")
		t.allowPublish(fn)
		fn.setEnvironment(at, t.String(), t.id, "_TOPIC", t.L2.TopicArn())
	}}
}

// allowPublish lets a function publish, with the topic's key where it turns out to have one.
func (t *Topic) allowPublish(fn *Function) {
	fn.allow(statement{actions: topicPublish, resources: []*string{t.L2.TopicArn()}})
	t.stack.deferredChecks = append(t.stack.deferredChecks, func() {
		if t.key != nil {
			fn.allow(statement{actions: topicKeyUse, resources: []*string{t.key.KeyArn()}})
		}
	})
}

// With reaches the L2 construct; it does nothing where the stage does not have the topic.
func (t *Topic) With(change func(awssns.Topic)) *Topic {
	if t.present {
		change(t.L2)
	}
	return t
}

func (t *Topic) construct() constructs.IConstruct { return t.L2 }
