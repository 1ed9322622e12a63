package stack_test

import (
	"time"

	"github.com/roadshow-go/roadshow/stack"
)

// A bucket whose objects get cheaper with age, and a function that loads what is put below in/.
func ExampleNewBucket() {
	_ = func(s *stack.Stack) {
		files := stack.NewBucket(s, "files", stack.BucketConfig{
			Lifecycle: []stack.LifecycleConfig{
				{Transitions: []stack.TransitionConfig{{To: stack.IntelligentTiering, After: 7 * 24 * time.Hour}}},
				{Prefix: "tmp/", Expire: 24 * time.Hour},
			},
		})
		load := stack.NewFunction(s, "load-file", stack.FunctionConfig{
			Package: "./functions/load-file", Access: []stack.Grant{files.Read()},
		})
		files.Triggers(load, stack.BucketTriggerConfig{Prefix: "in/", Suffix: ".csv"})
	}
}
