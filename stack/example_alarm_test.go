package stack_test

import (
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// Alarms with the thresholds of the stage's tier, and one that pages from the first throttle on.
func ExampleNewAlarm() {
	_ = func(s *stack.Stack) {
		alarms := stack.NewTopic(s, "alarms", stack.TopicConfig{Stages: stages.Except(stages.Sandbox)})
		pay := stack.NewFunction(s, "pay", stack.FunctionConfig{Package: "./functions/pay"})
		stack.NewAlarm(s, "pay-errors", stack.AlarmConfig{On: pay.Errors(), Topic: alarms})
		stack.NewAlarm(s, "pay-throttles", stack.AlarmConfig{
			On: pay.Throttles(), Threshold: 1, Topic: alarms, Stages: stages.Only(Production),
		})
	}
}
