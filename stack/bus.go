package stack

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// BusConfig says what an EventBridge event bus is. It is encrypted at rest.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus.html
type BusConfig struct {
	// Stages says which stages have the bus. Default: every stage.
	Stages stages.Selector

	// AccountDefault is the bus that every account has, and that services of AWS send their events to,
	// instead of one that this stack makes. Description, Name, Revision and Override do not go with it.
	// Default: false.
	AccountDefault bool

	// Description for people, at most 512 characters. Default: none.
	Description string

	// Name is the bus's own part of its physical name {stage}-{service}-{name}, or [Generated].
	// Default: the id.
	Name string

	// Revision, 2 and above, enters the physical name, so that CloudFormation can replace the bus.
	// Default: none.
	Revision int

	// Override changes the L2's properties just before it is made. Default: none.
	Override func(*awsevents.EventBusProps)
}

func (c BusConfig) validate() *ConfigError {
	if !c.AccountDefault {
		return nil
	}
	for _, field := range []struct {
		name  string
		given bool
	}{
		{"Description", c.Description != ""}, {"Name", c.Name != ""}, {"Revision", c.Revision != 0}, {"Override", c.Override != nil},
	} {
		if field.given {
			return &ConfigError{
				Field: field.name, Got: "given, while AccountDefault is true", Want: "left out: this stack does not make the account's default bus", Fix: "leave one of the two out",
			}
		}
	}
	return nil
}

// Bus is an event bus, or knows that its stage has none.
type Bus struct {
	component

	// L2 is the CDK's construct; nil where the stage does not have the bus. [Bus.With] asks first.
	L2 awsevents.IEventBus

	rules map[*Function]int
}

// NewBus makes an event bus without rules, or stands for the account's own. A mistake panics with a
// [*ConfigError].
func NewBus(s *Stack, id string, config BusConfig) *Bus {
	bus := &Bus{component: s.begin("bus", id, config.Stages, s.faultsIn(config, config.validate())), rules: map[*Function]int{}}
	name := "default"
	if !config.AccountDefault {
		name = s.record(bus.component, stages.EventBus, config.Name, config.Revision)
	}
	switch {
	case !bus.present:
	case config.AccountDefault:
		bus.L2 = awsevents.EventBus_FromEventBusName(bus.scope(), jsiiconv.String("Bus"), jsiiconv.String(name))
	default:
		props := &awsevents.EventBusProps{EventBusName: jsiiconv.String(name), Description: jsiiconv.String(config.Description)}
		if config.Override != nil {
			config.Override(props)
		}
		bus.L2 = awsevents.NewEventBus(bus.scope(), jsiiconv.String("Bus"), props)
	}
	return bus
}

// EventPattern says which of a bus's events reach a function, and what becomes of those that do not
// arrive. An event is selected where every field that is given matches.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
type EventPattern struct {
	// Source are senders, any of which matches, such as "shop.orders" or "aws.s3". Default: any.
	Source []string

	// DetailType are kinds of events, any of which matches, such as "OrderPlaced". Default: any.
	DetailType []string

	// Resources are ARNs, any of which matches. Default: any.
	Resources []string

	// Detail selects by the event's own fields. Default: any.
	Detail Pattern

	// Retries of a delivery that Lambda did not take, 1 to 185. Default: 185.
	// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
	Retries int

	// MaxAge is how long a delivery is retried, 1 minute to 24 hours, in whole seconds. Default: 24 hours.
	MaxAge time.Duration

	// Override changes the rule's properties just before it is made. Default: none.
	Override func(*awsevents.CfnRuleProps)
}

func (p EventPattern) validate() *ConfigError {
	if len(p.pattern()) == 0 {
		return &ConfigError{
			Field: "pattern", Got: "empty, which is every event of the bus", Want: "a Source, DetailType, Resources or Detail",
			Fix: `write Source: []string{"shop.orders"}`,
		}
	}
	return p.Detail.validate("Detail", eventPattern)
}

// pattern is the whole as EventBridge spells it.
func (p EventPattern) pattern() Pattern {
	pattern := Pattern{}
	for _, field := range []struct {
		name   string
		values []string
	}{{"source", p.Source}, {"detail-type", p.DetailType}, {"resources", p.Resources}} {
		if len(field.values) > 0 {
			pattern[field.name] = field.values
		}
	}
	if len(p.Detail) > 0 {
		pattern["detail"] = p.Detail
	}
	return pattern
}

// Triggers has the function handle the events that the pattern selects; those that do not arrive, or
// that it cannot handle, are kept, see [FunctionConfig.Async]. A function can have several patterns of
// one bus. Where the stage does not have the bus, or the function, there is no trigger. A mistake panics
// with a [*ConfigError].
func (b *Bus) Triggers(fn *Function, pattern EventPattern) {
	pattern.trigger(fn, stages.Caller(), b.component, b.id, b.rules, func() *string { return b.L2.EventBusName() })
}

// trigger makes the trigger of a bus, or of an import of one, whose rules are counted. CloudFormation names the
// rule: nobody else refers to it.
func (p EventPattern) trigger(fn *Function, at stages.Position, source component, of string, rules map[*Function]int, bus func() *string) {
	both := fn.triggeredBy(source, at, p, p.validate(), false)
	fn.catchFailures(at, source.id)
	rules[fn]++
	if !both {
		return
	}
	props := &awsevents.CfnRuleProps{EventBusName: bus(), EventPattern: p.pattern().fields()}
	fn.onEvents(of, rules[fn], props, p.target(), p.Override)
}

// target says how long a delivery is tried again.
func (p EventPattern) target() *awsevents.CfnRule_TargetProperty {
	target := &awsevents.CfnRule_TargetProperty{}
	if p.Retries != 0 || p.MaxAge != 0 {
		retry := &awsevents.CfnRule_RetryPolicyProperty{}
		if p.Retries != 0 {
			retry.MaximumRetryAttempts = jsiiconv.Number(p.Retries)
		}
		if p.MaxAge != 0 {
			retry.MaximumEventAgeInSeconds = jsiiconv.Number(int(p.MaxAge.Seconds()))
		}
		target.RetryPolicy = retry
	}
	return target
}

// Publish is the right to put events on the bus; it brings <ID>_BUS, the bus's name.
func (b *Bus) Publish() Grant {
	return Grant{on: b, verb: "Publish", apply: func(fn *Function, at stages.Position) {
		fn.reach(at, b.component, "EventBridge")
		fn.allow(statement{actions: busPublish, resources: []*string{b.L2.EventBusArn()}})
		fn.setEnvironment(at, b.String(), b.id, "_BUS", b.L2.EventBusName())
	}}
}

// With reaches the L2 construct; it does nothing where the stage does not have the bus.
func (b *Bus) With(change func(awsevents.IEventBus)) *Bus {
	if b.present {
		change(b.L2)
	}
	return b
}

func (b *Bus) construct() constructs.IConstruct { return b.L2 }
