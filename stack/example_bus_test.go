package stack_test

import "github.com/roadshow-go/roadshow/stack"

// A bus between services, and the one that AWS itself sends events to.
func ExampleNewBus() {
	_ = func(s *stack.Stack) {
		events := stack.NewBus(s, "events", stack.BusConfig{})
		stack.NewFunction(s, "place-order", stack.FunctionConfig{
			Package: "./functions/place-order", Access: []stack.Grant{events.Publish()},
		})
		bill := stack.NewFunction(s, "bill", stack.FunctionConfig{Package: "./functions/bill"})
		events.Triggers(bill, stack.EventPattern{
			Source: []string{"shop.orders"}, DetailType: []string{"OrderPlaced"},
			Detail: stack.Pattern{"total": []any{stack.Pattern{"numeric": []any{">", 0}}}},
		})
		account := stack.NewBus(s, "account", stack.BusConfig{AccountDefault: true})
		account.Triggers(bill, stack.EventPattern{Source: []string{"aws.health"}})
	}
}
