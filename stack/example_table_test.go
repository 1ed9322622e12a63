package stack_test

import (
	"time"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// A table with an index by owner, whose items go away by themselves.
func ExampleNewTable_indexes() {
	_ = func(s *stack.Stack) {
		stack.NewTable(s, "notes", stack.TableConfig{
			PartitionKey: stack.StringKey("id"),
			GlobalIndexes: []stack.GlobalIndexConfig{
				{Name: "by-owner", PartitionKey: stack.StringKey("owner"), SortKey: stack.NumberKey("written"), Project: stack.ProjectOnly("title")},
			},
			TTL: "expires",
		})
	}
}

// A table that production alone keeps capacity ready for, and encrypts with a key of its own everywhere.
func ExampleNewTable_capacity() {
	_ = func(s *stack.Stack) {
		stack.NewTable(s, "notes", stack.TableConfig{
			PartitionKey: stack.StringKey("id"),
			Provisioned: stages.Pick(s, nil, stages.When(Production, &stack.ProvisionedConfig{
				Read: stack.CapacityConfig{Min: 100, Max: 1000}, Write: stack.CapacityConfig{Min: 20},
			})),
			Encryption: &stack.EncryptionConfig{},
		})
	}
}

// A function that follows what is inserted into a table; what it cannot handle is kept in a queue.
func ExampleTable_StreamTo() {
	_ = func(s *stack.Stack) {
		notes := stack.NewTable(s, "notes", stack.TableConfig{PartitionKey: stack.StringKey("id"), Stream: stack.StreamNew})
		index := stack.NewFunction(s, "index-note", stack.FunctionConfig{Package: "./functions/index-note"})
		notes.StreamTo(index, stack.StreamConfig{
			Window: 5 * time.Second, Bisect: true, Retries: 10, OnFailure: stack.NewQueue(s, "lost-notes", stack.QueueConfig{}),
			Filters: []stack.Pattern{{"eventName": []string{"INSERT"}}},
		})
	}
}
