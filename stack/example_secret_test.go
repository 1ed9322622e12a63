package stack_test

import (
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// A secret that is set by hand after the first deploy, and one that nobody needs to know.
func ExampleNewSecret() {
	_ = func(s *stack.Stack) {
		key := stack.NewSecret(s, "payment-key", stack.SecretConfig{})
		signing := stack.NewSecret(s, "signing", stack.SecretConfig{Generate: 48})
		stack.NewFunction(s, "pay", stack.FunctionConfig{
			Package: "./functions/pay", Access: []stack.Grant{key.Read(), signing.Read()},
		})
	}
}

// A parameter that the stack makes, one that each stage's people set, and one that is encrypted.
func ExampleNewParameter() {
	_ = func(s *stack.Stack) {
		limit := stack.NewParameter(s, "limit", stack.ParameterConfig{Value: stages.Pick(s, "10", stages.When(Production, "1000"))})
		partner := stack.NewParameter(s, "partner-url", stack.ParameterConfig{})
		token := stack.NewParameter(s, "partner-token", stack.ParameterConfig{Secret: true})
		stack.NewFunction(s, "pay", stack.FunctionConfig{
			Package:     "./functions/pay",
			Environment: map[string]string{"PARTNER_URL": partner.Value()}, // as it is when the stack is deployed
			Access:      []stack.Grant{limit.Read(), token.Read()},
		})
	}
}
