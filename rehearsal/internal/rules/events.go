package rules

import (
	"slices"
	"strings"
	"time"
)

const eventRule = "AWS::Events::Rule"

// targetRoles are the services that EventBridge reaches by a role.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
var targetRoles = []string{"states", "kinesis", "batch", "ecs", "events", "firehose", "codebuild", "codepipeline"}

var eventsRules = []rule{
	{id: "events-nothing-to-match", on: eventRule, says: func(c *call) string {
		if !c.has("EventPattern") && !c.has("ScheduleExpression") {
			return "Parameter(s) EventPattern or ScheduleExpression must be specified."
		}
		return ""
	}},
	{id: "events-schedule", on: eventRule, says: func(c *call) string {
		if expression := c.text("ScheduleExpression"); expression != "" && !isRate(expression) && !isCron(expression) {
			return "Parameter ScheduleExpression is not valid."
		}
		return ""
	}},
	{id: "events-schedule-on-own-bus", on: eventRule, says: func(c *call) string {
		bus := c.text("EventBusName")
		if c.has("ScheduleExpression") && bus != "" && bus != "default" && !strings.HasSuffix(bus, "event-bus/default") {
			return "ScheduleExpression is supported only on the default event bus."
		}
		return ""
	}},
	{id: "events-pattern", on: eventRule, says: func(c *call) string {
		if !c.has("EventPattern") {
			return ""
		}
		pattern := document(c.at("EventPattern"))
		if pattern == nil {
			return "Event pattern is not valid. Reason: Filter is not an object"
		}
		if size(c.at("EventPattern")) > 4096 {
			return words("1 validation error detected: Value at 'eventPattern' failed to satisfy constraint: Member must have length less than or equal to 4096")
		}
		if problem := eventPattern(pattern); problem != "" {
			return "Event pattern is not valid. Reason: " + problem
		}
		return ""
	}},
	{id: "events-targets", on: eventRule, handler: "ServiceLimitExceeded", says: func(c *call) string {
		if len(c.list("Targets")) > 5 {
			return "The requested resource exceeds the maximum number allowed."
		}
		return ""
	}},
	{id: "events-target-input", on: eventRule, says: func(c *call) string {
		for _, target := range c.objects("Targets") {
			given := 0
			for _, name := range []string{"Input", "InputPath", "InputTransformer"} {
				if target[name] != nil {
					given++
				}
			}
			if given > 1 {
				return words("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", textOf(target["Id"]))
			}
		}
		return ""
	}},
	{id: "events-target-fifo", on: eventRule, says: func(c *call) string {
		for _, target := range c.objects("Targets") {
			if serviceOf(textOf(target["Arn"])) == "sqs" && strings.HasSuffix(textOf(target["Arn"]), ".fifo") && target["SqsParameters"] == nil {
				return words("Parameter(s) SqsParameters must be specified for target: %s.", textOf(target["Id"]))
			}
		}
		return ""
	}},
	{id: "events-target-role", on: eventRule, says: func(c *call) string {
		for _, target := range c.objects("Targets") {
			if slices.Contains(targetRoles, serviceOf(textOf(target["Arn"]))) && target["RoleArn"] == nil && serviceOf(textOf(target["Arn"])) != "events" {
				return words("RoleArn is required for target %s.", textOf(target["Arn"]))
			}
			role := c.Find(c.Resource, "AWS::IAM::Role", textOf(target["RoleArn"]))
			if role != nil && !admits(role, "events.amazonaws.com") {
				return words("Provided role '%s' cannot be assumed by principal 'events.amazonaws.com'.", textOf(target["RoleArn"]))
			}
		}
		return ""
	}},
	{id: "events-target-arn", on: eventRule, says: func(c *call) string {
		for _, target := range c.objects("Targets") {
			if _, is := parseARN(textOf(target["Arn"])); !is {
				return words("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", textOf(target["Arn"]))
			}
		}
		return ""
	}},
	{id: "events-bus-reserved-name", on: "AWS::Events::EventBus", says: func(c *call) string {
		if c.Name == "default" {
			return "Event bus default already exists."
		}
		if strings.Contains(c.Name, "/") && !c.has("EventSourceName") {
			return "Event bus name must not contain '/'."
		}
		return ""
	}},
}

const schedule = "AWS::Scheduler::Schedule"

var schedulerRules = []rule{
	{id: "scheduler-expression", on: schedule, says: func(c *call) string {
		if expression := c.text("ScheduleExpression"); !schedulerTakes(expression) {
			return words("Invalid Schedule Expression %s.", expression)
		}
		return ""
	}},
	{id: "scheduler-role-trust", on: schedule, says: func(c *call) string {
		role := c.Find(c.Resource, "AWS::IAM::Role", c.text("Target.RoleArn"))
		if role == nil || !admits(role, "scheduler.amazonaws.com") {
			return "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
		}
		return ""
	}},
	{id: "scheduler-window", on: schedule, says: func(c *call) string {
		if c.text("FlexibleTimeWindow.Mode") == "OFF" && c.has("FlexibleTimeWindow.MaximumWindowInMinutes") {
			return "MaximumWindowInMinutes must not be provided when FlexibleTimeWindowMode is set to OFF."
		}
		return ""
	}},
	{id: "scheduler-fifo-group", on: schedule, says: func(c *call) string {
		if target := c.text("Target.Arn"); serviceOf(target) == "sqs" && strings.HasSuffix(target, ".fifo") && !c.has("Target.SqsParameters") {
			return "Parameters SqsParameters must be specified"
		}
		return ""
	}},
	{id: "scheduler-standard-group", on: schedule, says: func(c *call) string {
		if target := c.text("Target.Arn"); serviceOf(target) == "sqs" && !strings.HasSuffix(target, ".fifo") && c.has("Target.SqsParameters.MessageGroupId") {
			return "Parameters MessageGroupId not valid for the target"
		}
		return ""
	}},
	{id: "scheduler-parameters-of-target", on: schedule, says: func(c *call) string {
		for block, service := range map[string]string{
			"EcsParameters": "ecs", "EventBridgeParameters": "events", "KinesisParameters": "kinesis", "SageMakerPipelineParameters": "sagemaker", "SqsParameters": "sqs",
		} {
			if c.has("Target."+block) && serviceOf(c.text("Target.Arn")) != service {
				return words("Parameters %s not supported for the target", block)
			}
		}
		return ""
	}},
	{id: "scheduler-dates", on: schedule, says: func(c *call) string {
		start, startErr := time.Parse(time.RFC3339, c.text("StartDate"))
		end, endErr := time.Parse(time.RFC3339, c.text("EndDate"))
		if startErr == nil && endErr == nil && !end.After(start) {
			return "The StartDate you specify must come before the EndDate."
		}
		return ""
	}},
}

// schedulerTakes says whether Scheduler takes an expression. It is more lenient than EventBridge: a
// unit may be in the plural or not, the year may be left out, the keyword may be in capitals. People
// have measured that: https://github.com/badmintoncryer/cdk-preflight/blob/main/rules/scheduler/pf-scheduler-schedule-expression/rule.rego
func schedulerTakes(expression string) bool {
	keyword, inside, _ := strings.Cut(expression, "(")
	expression = strings.ToLower(keyword) + "(" + inside
	part := rateExpression.FindStringSubmatch(expression)
	if part != nil && strings.Trim(part[1], "0") != "" || isAt(expression) || isCron(expression) {
		return true
	}
	return len(strings.Fields(inside)) == 5 && isCron(strings.TrimSuffix(expression, ")")+" *)")
}
