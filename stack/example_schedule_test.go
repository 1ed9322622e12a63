package stack_test

import (
	"time"

	"github.com/roadshow-go/roadshow/stack"
)

// A function that runs every hour, and one that runs every working day at eight in Rome.
func ExampleNewSchedule() {
	_ = func(s *stack.Stack) {
		clean := stack.NewFunction(s, "clean", stack.FunctionConfig{Package: "./functions/clean"})
		stack.NewSchedule(s, "hourly", stack.ScheduleConfig{Rate: time.Hour}).Triggers(clean)

		report := stack.NewFunction(s, "report", stack.FunctionConfig{Package: "./functions/report"})
		stack.NewSchedule(s, "mornings", stack.ScheduleConfig{Cron: "0 8 ? * MON-FRI *", Zone: "Europe/Rome"}).Triggers(report)
	}
}
