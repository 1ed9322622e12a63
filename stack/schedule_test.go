package stack_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

var hourly = stack.ScheduleConfig{Rate: time.Hour}

func init() {
	once := time.Date(2030, time.May, 1, 8, 0, 0, 0, time.UTC)
	cron := stack.ScheduleConfig{Cron: "0 8 ? * MON-FRI *"}
	zoned := cron
	zoned.Zone = "Europe/Rome"
	settings = append(settings, setting{
		zero: hourly,
		make: func(s *stack.Stack, config any) {
			stack.NewSchedule(s, "s", config.(stack.ScheduleConfig)).Triggers(stack.NewFunction(s, "f", code()))
		},
		values: map[string]any{
			"Stages": stages.Only(production), "Rate": time.Minute, "Cron": wholeValue{hourly, cron}, "Once": wholeValue{hourly, stack.ScheduleConfig{Once: once}},
			"Zone": wholeValue{cron, zoned}, "Window": time.Minute, "Paused": true, "Input": "x", "Retries": 3, "MaxAge": time.Hour,
			"Description": "x", "Name": "other", "Revision": 2,
			"Override": func(props *awsscheduler.CfnScheduleProps) { props.State = text("DISABLED") },
		},
	})
}

// every is an hourly schedule with a change.
func every(change func(c *stack.ScheduleConfig)) stack.ScheduleConfig {
	config := hourly
	change(&config)
	return config
}

func TestAScheduleRunsItsFunctionByARoleThatMayDoNothingElse(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		config := stack.ScheduleConfig{
			Cron: "0 8 ? * MON-FRI *", Zone: "Europe/Rome", Window: 15 * time.Minute, Input: map[string]int{"days": 7}, Retries: 3, MaxAge: time.Hour,
		}
		stack.NewSchedule(s, "report", config).Triggers(stack.NewFunction(s, "send", code()))
	}), dev)
	fn, queue := template.Resource(t, "AWS::Lambda::Function", "send").LogicalID, template.Resource(t, "AWS::SQS::Queue", "send").LogicalID
	role := template.Resource(t, "AWS::IAM::Role", "report")
	assert.Equal(t, map[string]any{
		"Name": "dev-shop-report", "ScheduleExpression": "cron(0 8 ? * MON-FRI *)", "ScheduleExpressionTimezone": "Europe/Rome",
		"FlexibleTimeWindow": map[string]any{"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15.0},
		"Target": map[string]any{
			"Arn": attribute(fn, "Arn"), "RoleArn": attribute(role.LogicalID, "Arn"), "Input": `{"days":7}`,
			"DeadLetterConfig": map[string]any{"Arn": attribute(queue, "Arn")},
			"RetryPolicy":      map[string]any{"MaximumRetryAttempts": 3.0, "MaximumEventAgeInSeconds": 3600.0},
		},
	}, template.Resource(t, "AWS::Scheduler::Schedule", "report").Properties)
	assert.Equal(t, []any{
		allowance("lambda:InvokeFunction", attribute(fn, "Arn")), allowance("sqs:SendMessage", attribute(queue, "Arn")),
	}, rights(t, template, "report"))
	trust := role.Properties["AssumeRolePolicyDocument"].(map[string]any)["Statement"].([]any)
	assert.Equal(t, []any{map[string]any{
		"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": "scheduler.amazonaws.com"},
		"Condition": map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": "111111111111"}},
	}}, trust)
}

func TestATimeIsSpelledAsTheSchedulerDoes(t *testing.T) {
	paris := time.FixedZone("CET", 3600)
	for want, config := range map[string]stack.ScheduleConfig{
		"rate(1 minute)":          {Rate: time.Minute},
		"rate(90 minutes)":        {Rate: 90 * time.Minute},
		"rate(1 hour)":            {Rate: time.Hour},
		"rate(36 hours)":          {Rate: 36 * time.Hour},
		"rate(7 days)":            {Rate: 7 * 24 * time.Hour},
		"cron(0/5 * * * ? *)":     {Cron: "0/5 * * * ? *"},
		"at(2030-05-01T07:00:00)": {Once: time.Date(2030, time.May, 1, 8, 0, 0, 0, paris)},
	} {
		template := stacktest.Synth(t, app(func(s *stack.Stack) {
			stack.NewSchedule(s, "report", config).Triggers(stack.NewFunction(s, "send", code()))
		}), dev)
		assert.Equal(t, want, template.Resource(t, "AWS::Scheduler::Schedule", "report").Properties["ScheduleExpression"])
	}
}

func TestAScheduleFollowsItsFunction(t *testing.T) {
	define := func(s *stack.Stack) {
		there := code()
		there.Stages = stages.Except(dev)
		stack.NewSchedule(s, "report", every(func(c *stack.ScheduleConfig) { c.Stages = stages.Except(production) })).Triggers(stack.NewFunction(s, "send", there))
	}
	for stage, want := range map[stages.Stage]int{dev: 0, staging: 1, production: 0} {
		assert.Len(t, stacktest.Synth(t, app(define), stage).Resources("AWS::Scheduler::Schedule"), want, stage.Name)
	}
}

func TestTheDoorsOfAScheduleOpenOnceItTriggers(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		schedule := stack.NewSchedule(s, "report", hourly)
		schedule.With(func(l1 awsscheduler.CfnSchedule) { l1.SetDescription(text("before")) })
		_, ok := stack.L1[awsscheduler.CfnSchedule](schedule)
		assert.False(t, ok)
		schedule.Triggers(stack.NewFunction(s, "send", code()))
		schedule.With(func(l1 awsscheduler.CfnSchedule) { l1.SetState(text("DISABLED")) })
		_, ok = stack.L1[awsscheduler.CfnSchedule](schedule)
		assert.True(t, ok)
		absent := stack.NewSchedule(s, "absent", every(func(c *stack.ScheduleConfig) { c.Stages = stages.Only(production) }))
		absent.With(func(awsscheduler.CfnSchedule) { t.Error("With reached a schedule that is not there") })
		absent.Triggers(stack.NewFunction(s, "other", code()))
	}), dev)
	schedule := template.Resource(t, "AWS::Scheduler::Schedule", "report").Properties
	assert.Equal(t, "before", schedule["Description"])
	assert.Equal(t, "DISABLED", schedule["State"])
}

func TestWrongSchedulesAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		config stack.ScheduleConfig
		want   string
	}{
		"no time":               {stack.ScheduleConfig{}, `Rate is missing, as are Cron and Once; it must be there, or one of these two. Write Rate: time.Hour.`},
		"two times":             {every(func(c *stack.ScheduleConfig) { c.Cron = "0 8 ? * * *" }), `Rate is given beside Cron; it must be the only one of Rate, Cron and Once. Leave the others out.`},
		"a rate below a minute": {stack.ScheduleConfig{Rate: 30 * time.Second}, `Rate is 30s; it must be whole minutes, at least one. Write Rate: time.Hour.`},
		"a negative rate":       {stack.ScheduleConfig{Rate: -time.Hour}, `Rate is -1h0m0s; it must be whole minutes, at least one. Write Rate: time.Hour.`},
		"the cron of Unix": {
			stack.ScheduleConfig{Cron: "0 8 * * 1"},
			`Cron is "0 8 * * 1", where it has 5 fields, between single spaces; it must be six fields: minutes, hours, day of month, month, day of week, year. Write Cron: "0 8 ? * MON-FRI *".`,
		},
		"a time of this machine": {
			stack.ScheduleConfig{Once: time.Date(2030, time.May, 1, 8, 0, 0, 0, time.Local)},
			`Once is in time.Local, which is another on each machine; it must be a time of a named zone. Write time.Date(…, time.UTC).`,
		},
		"a time below a second": {
			stack.ScheduleConfig{Once: time.Date(2030, time.May, 1, 8, 0, 0, 1, time.UTC)},
			`Once is 2030-05-01 08:00:00.000000001 +0000 UTC; it must be whole seconds. Write time.Date(2030, time.May, 1, 8, 0, 0, 0, time.UTC).`,
		},
		"a zone of a rate": {
			every(func(c *stack.ScheduleConfig) { c.Zone = "Europe/Rome" }),
			`Zone is "Europe/Rome" without Cron; it must be left out there. Leave it out; a Rate needs none, and Once has one of its own.`,
		},
		"a zone that is none": {
			stack.ScheduleConfig{Cron: "0 8 ? * * *", Zone: "Europe/Rom"}, `Zone is "Europe/Rom"; it must be a time zone of the IANA database. Write Zone: "Europe/Rome".`,
		},
		"the zone of this machine": {
			stack.ScheduleConfig{Cron: "0 8 ? * * *", Zone: "Local"}, `Zone is "Local"; it must be a time zone of the IANA database. Write Zone: "Europe/Rome".`,
		},
		"a window below a minute": {
			every(func(c *stack.ScheduleConfig) { c.Window = time.Second }), `Window is 1s; it must be 1m to 24h in whole minutes. Write Window: 15 * time.Minute, or leave it out.`,
		},
		"an input that is no JSON": {
			every(func(c *stack.ScheduleConfig) { c.Input = make(chan int) }),
			`Input is json: unsupported type: chan int; it must be a value that JSON has. Write a struct, a map or text.`,
		},
		"more retries than the scheduler makes": {
			every(func(c *stack.ScheduleConfig) { c.Retries = 186 }), `Retries is 186; it must be 1 to 185. Write Retries: 10, or leave it out.`,
		},
		"an age below the scheduler's": {
			every(func(c *stack.ScheduleConfig) { c.MaxAge = time.Second }), `MaxAge is 1s; it must be 1m to 24h in whole seconds. Write MaxAge: time.Hour, or leave it out.`,
		},
		"a description above the limit": {
			every(func(c *stack.ScheduleConfig) { c.Description = strings.Repeat("x", 513) }), `Description is 513 characters; it must be at most 512. Shorten it.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) {
				stack.NewSchedule(s, "report", tt.config).Triggers(stack.NewFunction(s, "send", code()))
			})
			assert.Equal(t, `stack/schedule_test.go:LINE: schedule "report": `+tt.want, withoutLines(err.Error()))
		})
	}
	t.Run("no function", func(t *testing.T) {
		err := refusal(t, dev, func(s *stack.Stack) { stack.NewSchedule(s, "report", hourly) })
		assert.Equal(t, `stack/schedule_test.go:LINE: schedule "report": function is none; it must be the function to run. Write report.Triggers(fn).`, withoutLines(err.Error()))
	})
	t.Run("two functions", func(t *testing.T) {
		err := refusal(t, dev, func(s *stack.Stack) {
			schedule := stack.NewSchedule(s, "report", hourly)
			schedule.Triggers(stack.NewFunction(s, "send", code()))
			schedule.Triggers(stack.NewFunction(s, "print", code()))
		})
		assert.Equal(t, `stack/schedule_test.go:LINE: schedule "report": function is function "print", besides function "send" (at stack/schedule_test.go:LINE); it must be the only function of the schedule. Make a second schedule.`,
			withoutLines(err.Error()))
	})
}
