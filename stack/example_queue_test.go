package stack_test

import (
	"time"

	"github.com/roadshow-go/roadshow/stack"
)

// A queue between two functions: the one sends, the other is triggered.
func ExampleNewQueue() {
	_ = func(s *stack.Stack) {
		orders := stack.NewQueue(s, "orders", stack.QueueConfig{})
		stack.NewFunction(s, "place-order", stack.FunctionConfig{
			Package: "./functions/place-order", Access: []stack.Grant{orders.Send()},
		})
		ship := stack.NewFunction(s, "ship-order", stack.FunctionConfig{Package: "./functions/ship-order"})
		orders.Triggers(ship, stack.QueueTriggerConfig{BatchSize: 50, Window: 5 * time.Second, MaxConcurrency: 10})
	}
}

// Only refunds trigger the function; the other messages are deleted.
func ExampleQueue_Triggers() {
	_ = func(s *stack.Stack) {
		refund := stack.NewFunction(s, "refund", stack.FunctionConfig{Package: "./functions/refund"})
		stack.NewQueue(s, "payments", stack.QueueConfig{FIFO: true}).Triggers(refund, stack.QueueTriggerConfig{
			Filters: []stack.Pattern{{"body": stack.Pattern{"kind": []string{"refund"}}}},
		})
	}
}
