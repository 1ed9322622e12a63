package stack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// Pattern selects events by their JSON: each field holds a list of what it may be, or a pattern of the
// fields below it.
//
//	stack.Pattern{"total": []any{stack.Pattern{"numeric": []any{">", 100}}}, "customer": stack.Pattern{"country": []string{"IT", "FR"}}}
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-content-based-filtering.html
type Pattern map[string]any

// validate checks what every service asks of a pattern: JSON, and lists at its leaves.
func (p Pattern) validate(field string) *ConfigError {
	if len(p) == 0 {
		return nil
	}
	value, err := p.plain()
	if err != nil {
		return &ConfigError{Field: field, Got: err.Error(), Want: "values that JSON has", Fix: "write text, numbers, lists and patterns"}
	}
	if path := leafWithoutList(value, ""); path != "" {
		return &ConfigError{
			Field: field, Got: fmt.Sprintf("no list at %q", path), Want: "a list of what the field may be", Fix: `write stack.Pattern{"kind": []string{"refund"}}`,
		}
	}
	return nil
}

// leafWithoutList is the path of a field whose value is neither a list nor fields.
func leafWithoutList(fields map[string]any, below string) string {
	for _, name := range sortedKeys(fields) {
		switch value := fields[name].(type) {
		case []any:
		case map[string]any:
			if path := leafWithoutList(value, below+name+"."); path != "" {
				return path
			}
		default:
			return below + name
		}
	}
	return ""
}

// plain is the pattern in the types of JSON, as the CDK takes it.
func (p Pattern) plain() (map[string]any, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	var value map[string]any
	return value, json.Unmarshal(text, &value)
}

// fields is plain of a pattern that was validated.
func (p Pattern) fields() map[string]any {
	value, err := p.plain()
	if err != nil {
		panic(err)
	}
	return value
}

// String is the pattern as JSON.
func (p Pattern) String() string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // > and < are operators
	if err := encoder.Encode(map[string]any(p)); err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(text.Bytes()))
}

// triggeredBy is the start of every Triggers: it checks that there is a function, and that the same
// trigger was not made before, where a function can have one only. It tells whether both ends are there.
func (fn *Function) triggeredBy(source component, at stages.Position, problem *ConfigError, once bool) bool {
	if fn == nil {
		source.fault(at, "function", "nil", "a function", "write "+source.id+".Triggers(fn) with what stack.NewFunction returned")
	}
	if problem != nil {
		problem.Thing, problem.At = fmt.Sprintf("trigger of %s by %s", fn, source), at
		panic(problem)
	}
	if first, taken := fn.triggers[source.String()]; taken && once {
		source.fault(at, "function", fmt.Sprintf("%s again (first at %s)", fn, first), "each function once", "remove one of the two")
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
	fn.admit("Permission-"+of, "events.amazonaws.com", rule.AttrArn())
	queue.AddToResourcePolicy(statement{actions: queueSend, resources: []*string{queue.QueueArn()}}.from("events.amazonaws.com", rule.AttrArn()))
}

// admit lets a service of AWS invoke the function on behalf of one source.
func (fn *Function) admit(id, service string, source *string) {
	awslambda.NewCfnPermission(fn.siblings, jsiiconv.String(id), &awslambda.CfnPermissionProps{
		Action: jsiiconv.String(functionInvoke[0]), FunctionName: fn.invoked().FunctionArn(),
		Principal: jsiiconv.String(service), SourceArn: source,
	})
}
