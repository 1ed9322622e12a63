package stack

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// triggeredBy is the start of every Triggers: it checks that there is a function, and that the same
// trigger was not made before, where a function can have one only, and the config of it, of which problem is known. It tells whether both ends are there.
func (fn *Function) triggeredBy(source component, at stages.Position, config any, problem *ConfigError, once bool) bool {
	if fn == nil {
		source.fault(at, "function", "nil", "a function", "write "+source.id+".Triggers(fn) with what stack.NewFunction returned")
	}
	fn.stack.faultsIn(config, problem).raise(fmt.Sprintf("trigger of %s by %s", fn, source), at)
	if first, taken := fn.triggers[source.String()]; taken && once {
		source.refusal(mappingPage, at, "function", fmt.Sprintf("%s again (first at %s)", fn, first), "there only once", "remove one of the two")
	}
	fn.triggers[source.String()] = at
	return fn.present && source.present
}

// onEvents makes a rule that invokes the function with events, and keeps those that do not arrive. Of is the id of
// their source, count how many rules of it the function has, with this one.
func (fn *Function) onEvents(of string, count int, props *awsevents.CfnRuleProps, target *awsevents.CfnRule_TargetProperty, override func(*awsevents.CfnRuleProps)) {
	fn.failures.make(fn)
	queue := fn.failures.queue.L2
	target.Id, target.Arn = jsiiconv.String("Function"), fn.invoked().FunctionArn()
	target.DeadLetterConfig = &awsevents.CfnRule_DeadLetterConfigProperty{Arn: queue.QueueArn()}
	props.Targets = &[]any{target}
	if override != nil {
		override(props)
	}
	if count > 1 {
		of += "." + strconv.Itoa(count) // no id of another component holds a dot
	}
	rule := awsevents.NewCfnRule(fn.siblings, jsiiconv.String("From-"+of), props)
	fn.admit(fn.siblings, "Permission-"+of, "events.amazonaws.com", rule.AttrArn())
	fn.failures.queue.takeFrom("events.amazonaws.com", rule.AttrArn())
}
