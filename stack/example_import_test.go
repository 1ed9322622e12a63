package stack_test

import "github.com/roadshow-go/roadshow/stack"

// The notes service lets others use its table.
func ExampleTable_Export() {
	_ = func(s *stack.Stack) {
		stack.NewTable(s, "notes", stack.TableConfig{PartitionKey: stack.StringKey("id")}).Export()
	}
}

// The notes service tells others what happens.
func ExampleBus_Export() {
	_ = func(s *stack.Stack) { stack.NewBus(s, "events", stack.BusConfig{}).Export() }
}

// Another service of the same stage reacts to it.
func ExampleImportBus() {
	_ = func(s *stack.Stack) {
		events := stack.ImportBus(s, stack.Ref{Service: "notes", ID: "events"}, stack.ImportConfig{})
		bill := stack.NewFunction(s, "bill", stack.FunctionConfig{Package: "./functions/bill"})
		events.Triggers(bill, stack.EventPattern{DetailType: []string{"NoteSaved"}})
	}
}

// Another service of the same stage reads a secret, and a parameter, at run time.
func ExampleImportSecret() {
	_ = func(s *stack.Stack) {
		key := stack.ImportSecret(s, stack.Ref{Service: "notes", ID: "mail-key"}, stack.ImportConfig{})
		rate := stack.ImportParameter(s, stack.Ref{Service: "notes", ID: "rate"}, stack.ImportConfig{})
		stack.NewFunction(s, "send", stack.FunctionConfig{
			Package: "./functions/send", Access: []stack.Grant{key.Read(), rate.Read()}, // brings MAIL_KEY_SECRET_ARN and RATE_PARAMETER
		})
	}
}

// Another service of the same stage reads it: pull requests share the one of dev.
func ExampleImportTable() {
	_ = func(s *stack.Stack) {
		notes := stack.ImportTable(s, stack.Ref{Service: "notes", ID: "notes"}, stack.ImportTableConfig{Fallback: true})
		stack.NewFunction(s, "order", stack.FunctionConfig{
			Package: "./functions/order", Access: []stack.Grant{notes.Read()}, // brings NOTES_TABLE
		})
	}
}

// Another service of the same stage keeps all that is published in a queue of its own.
func ExampleImportTopic() {
	_ = func(s *stack.Stack) {
		saved := stack.ImportTopic(s, stack.Ref{Service: "notes", ID: "saved"}, stack.ImportConfig{})
		saved.Delivers(stack.NewQueue(s, "archive", stack.QueueConfig{}), stack.TopicDeliveryConfig{Raw: true})
	}
}

// Another service of the same stage writes what it makes into the bucket of the notes.
func ExampleImportBucket() {
	_ = func(s *stack.Stack) {
		files := stack.ImportBucket(s, stack.Ref{Service: "notes", ID: "files"}, stack.ImportConfig{})
		stack.NewFunction(s, "render", stack.FunctionConfig{
			Package: "./functions/render", Access: []stack.Grant{files.Write()}, // brings FILES_BUCKET
		})
	}
}

// Another service of the same stage has something done by the notes.
func ExampleImportQueue() {
	_ = func(s *stack.Stack) {
		work := stack.ImportQueue(s, stack.Ref{Service: "notes", ID: "work"}, stack.ImportConfig{})
		stack.NewFunction(s, "ask", stack.FunctionConfig{
			Package: "./functions/ask", Access: []stack.Grant{work.Send()}, // brings WORK_QUEUE_URL
		})
	}
}

// Another service of the same stage calls a function of the notes, and waits for its answer.
func ExampleImportFunction() {
	_ = func(s *stack.Stack) {
		search := stack.ImportFunction(s, stack.Ref{Service: "notes", ID: "search"}, stack.ImportConfig{})
		stack.NewFunction(s, "page", stack.FunctionConfig{
			Package: "./functions/page", Access: []stack.Grant{search.Invoke()}, // brings SEARCH_FUNCTION
		})
	}
}
