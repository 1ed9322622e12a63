package stack_test

import "github.com/roadshow-go/roadshow/stack"

// A topic that triggers a function with some messages, and delivers all to a queue.
func ExampleNewTopic() {
	_ = func(s *stack.Stack) {
		orders := stack.NewTopic(s, "orders", stack.TopicConfig{})
		stack.NewFunction(s, "place-order", stack.FunctionConfig{
			Package: "./functions/place-order", Access: []stack.Grant{orders.Publish()},
		})
		refund := stack.NewFunction(s, "refund", stack.FunctionConfig{Package: "./functions/refund"})
		orders.Triggers(refund, stack.TopicTriggerConfig{Filter: stack.Pattern{"kind": []string{"refund"}}})
		orders.Delivers(stack.NewQueue(s, "archive", stack.QueueConfig{}), stack.TopicDeliveryConfig{Raw: true})
	}
}
