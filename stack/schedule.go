package stack

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a time zone is known on every machine, or on none

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// ScheduleConfig says when a function is to run: one of Rate, Cron and Once.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
type ScheduleConfig struct {
	// Stages says which stages have the schedule. Default: every stage.
	Stages stages.Selector

	// Rate is the time from one run to the next, in whole minutes, at least one. Default: none.
	Rate time.Duration

	// Cron is minutes, hours, day of month, month, day of week and year, such as "0 8 ? * MON-FRI *": every
	// working day at eight. Of the two days one is ?, and Sunday is 1. Default: none.
	// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
	Cron string

	// Once is the one time to run, in whole seconds. Not in [time.Local], which is another on each machine.
	// Default: none.
	Once time.Time

	// Zone is the time zone of Cron, such as "Europe/Rome"; it follows daylight saving time. Default: UTC.
	Zone string

	// Window lets AWS spread the runs over a time, 1 minute to 24 hours, in whole minutes. Default: none.
	// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-flexible-time-windows.html
	Window time.Duration

	// Paused keeps the schedule, but runs nothing. Default: false.
	Paused bool

	// Input is the event that the function gets, as JSON. Default: an event of the scheduler's.
	Input any

	// Retries of a run that Lambda did not take, 1 to 185. Default: 185.
	Retries int

	// MaxAge is how long a run is retried, 1 minute to 24 hours, in whole seconds. Default: 24 hours.
	MaxAge time.Duration

	// Description for people, at most 512 characters. Default: none.
	Description string

	// Name is the schedule's own part of its physical name {stage}-{service}-{name}, or [Generated].
	// Default: the id.
	Name string

	// Revision, 2 and above, enters the physical name, so that CloudFormation can replace the schedule.
	// Default: none.
	Revision int

	// Override changes the schedule's properties just before it is made. Default: none.
	Override func(*awsscheduler.CfnScheduleProps)
}

func (c ScheduleConfig) validate() *ConfigError {
	var given []string
	for _, one := range []struct {
		field string
		given bool
	}{{"Rate", c.Rate != 0}, {"Cron", c.Cron != ""}, {"Once", !c.Once.IsZero()}} {
		if one.given {
			given = append(given, one.field)
		}
	}
	switch {
	case len(given) == 0:
		return &ConfigError{Field: "Rate", Got: "missing, as are Cron and Once", Want: "there, or one of these two", Fix: "write Rate: time.Hour"}
	case len(given) > 1:
		return &ConfigError{
			Field: given[0], Got: "given beside " + strings.Join(given[1:], " and "), Want: "the only one of Rate, Cron and Once", Fix: "leave the others out",
		}
	case c.Cron != "" && cronFault(c.Cron) != "":
		return &ConfigError{
			Field: "Cron", Got: fmt.Sprintf("%q, where %s", c.Cron, cronFault(c.Cron)), Want: "six fields: minutes, hours, day of month, month, day of week, year",
			Fix: `write Cron: "0 8 ? * MON-FRI *"`,
		}
	case !c.Once.IsZero() && c.Once.Location() == time.Local:
		return &ConfigError{Field: "Once", Got: "in time.Local, which is another on each machine", Want: "a time of a named zone", Fix: "write time.Date(…, time.UTC)"}
	case c.Once.Nanosecond() != 0:
		return &ConfigError{Field: "Once", Got: c.Once.String(), Want: "whole seconds", Fix: "write time.Date(2030, time.May, 1, 8, 0, 0, 0, time.UTC)"}
	case c.Zone != "" && c.Cron == "":
		return &ConfigError{Field: "Zone", Got: fmt.Sprintf("%q without Cron", c.Zone), Want: "left out there", Fix: "leave it out; a Rate needs none, and Once has one of its own"}
	case c.Zone == "Local" || c.Zone != "" && !knownZone(c.Zone):
		return &ConfigError{Field: "Zone", Got: fmt.Sprintf("%q", c.Zone), Want: "a time zone of the IANA database", Fix: `write Zone: "Europe/Rome"`}
	}
	if _, err := json.Marshal(c.Input); err != nil {
		return &ConfigError{Field: "Input", Got: err.Error(), Want: "a value that JSON has", Fix: "write a struct, a map or text"}
	}
	return nil
}

func knownZone(name string) bool {
	_, err := time.LoadLocation(name)
	return err == nil
}

// Schedule is a schedule of EventBridge Scheduler, or knows that its stage has none.
type Schedule struct {
	component

	// L1 is CloudFormation's resource; nil before [Schedule.Triggers], and where the stage does not have the
	// schedule. [Schedule.With] asks first.
	L1 awsscheduler.CfnSchedule

	config  ScheduleConfig
	name    string
	target  *Function
	first   stages.Position
	changes []func(awsscheduler.CfnSchedule)
}

// NewSchedule says when a function is to run; [Schedule.Triggers] says which, and makes the schedule. A
// mistake panics with a [*ConfigError], also that of a schedule without a function.
func NewSchedule(s *Stack, id string, config ScheduleConfig) *Schedule {
	schedule := &Schedule{component: s.begin("schedule", id, config.Stages, s.faultsIn(config, config.validate())), config: config}
	schedule.name = s.record(schedule.component, stages.Schedule, config.Name, config.Revision)
	s.deferredChecks = append(s.deferredChecks, func() {
		if schedule.target == nil {
			schedule.fault(schedule.at, "function", "none", "the function to run", "write "+id+".Triggers(fn)")
		}
	})
	return schedule
}

// Triggers has the function run at the schedule's times, by a role that may invoke that function only;
// runs that do not arrive, or that fail, are kept, see [FunctionConfig.Async]. A schedule has one
// function. Where the stage does not have the schedule, or the function, there is none. A mistake panics
// with a [*ConfigError].
func (sc *Schedule) Triggers(fn *Function) {
	at := stages.Caller()
	both := fn.triggeredBy(sc.component, at, nil, nil, false)
	if sc.target != nil {
		sc.fault(at, "function", fmt.Sprintf("%s, besides %s (at %s)", fn, sc.target, sc.first), "the only function of the schedule", "make a second schedule")
	}
	sc.target, sc.first = fn, at
	fn.catchFailures(at, sc.id)
	sc.stack.ledger().Require(sc.id, func(entry *stages.Entry) { entry.Needs = []string{sc.id, fn.id} })
	if !both {
		return
	}
	fn.failures.make(fn)
	scope := sc.scope()
	role := sc.stack.newServiceRole(scope, "Role", "scheduler.amazonaws.com",
		statement{actions: functionInvoke, resources: []*string{fn.invoked().FunctionArn()}},
		statement{actions: queueSend, resources: []*string{fn.failures.queue.L2.QueueArn()}})
	props := sc.props(fn, role)
	if sc.config.Override != nil {
		sc.config.Override(props)
	}
	sc.L1 = awsscheduler.NewCfnSchedule(scope, jsiiconv.String("Schedule"), props)
	sc.L1.Node().AddDependency(role) // with its policy, which nothing refers to
	for _, change := range sc.changes {
		change(sc.L1)
	}
}

// props maps the config to the schedule's.
func (sc *Schedule) props(fn *Function, role awsiam.Role) *awsscheduler.CfnScheduleProps {
	c := sc.config
	target := &awsscheduler.CfnSchedule_TargetProperty{
		Arn: fn.invoked().FunctionArn(), RoleArn: role.RoleArn(),
		DeadLetterConfig: &awsscheduler.CfnSchedule_DeadLetterConfigProperty{Arn: fn.failures.queue.L2.QueueArn()},
	}
	if c.Input != nil {
		input, err := json.Marshal(c.Input)
		if err != nil {
			panic(err) // validate has tried
		}
		target.Input = jsiiconv.String(string(input))
	}
	if c.Retries != 0 || c.MaxAge != 0 {
		retry := &awsscheduler.CfnSchedule_RetryPolicyProperty{}
		if c.Retries != 0 {
			retry.MaximumRetryAttempts = jsiiconv.Number(c.Retries)
		}
		if c.MaxAge != 0 {
			retry.MaximumEventAgeInSeconds = jsiiconv.Number(int(c.MaxAge.Seconds()))
		}
		target.RetryPolicy = retry
	}
	props := &awsscheduler.CfnScheduleProps{
		Name: jsiiconv.String(sc.name), Description: jsiiconv.String(c.Description), Target: target,
		ScheduleExpression: jsiiconv.String(c.expression()), ScheduleExpressionTimezone: jsiiconv.String(c.Zone),
		FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsiiconv.String("OFF")},
	}
	if c.Window != 0 {
		props.FlexibleTimeWindow = &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{
			Mode: jsiiconv.String("FLEXIBLE"), MaximumWindowInMinutes: jsiiconv.Number(int(c.Window.Minutes())),
		}
	}
	if c.Paused {
		props.State = jsiiconv.String("DISABLED")
	}
	return props
}

// expression is the time as the scheduler spells it.
func (c ScheduleConfig) expression() string {
	switch {
	case c.Cron != "":
		return "cron(" + c.Cron + ")"
	case !c.Once.IsZero():
		return "at(" + c.Once.UTC().Format("2006-01-02T15:04:05") + ")"
	}
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if count := int(c.Rate / unit.length); c.Rate%unit.length == 0 {
			if count > 1 {
				unit.name += "s"
			}
			return "rate(" + strconv.Itoa(count) + " " + unit.name + ")"
		}
	}
	return "" // validate allows whole minutes only
}

// With reaches the CloudFormation resource, once [Schedule.Triggers] has made it; it does nothing where
// the stage does not have the schedule, or its function.
func (sc *Schedule) With(change func(awsscheduler.CfnSchedule)) *Schedule {
	if sc.L1 != nil {
		change(sc.L1)
	} else {
		sc.changes = append(sc.changes, change)
	}
	return sc
}

func (sc *Schedule) construct() constructs.IConstruct { return sc.L1 }
