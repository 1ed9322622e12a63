package stack_test

import "github.com/roadshow-go/roadshow/stack"

// The notes service lets others use its table.
func ExampleTable_Export() {
	_ = func(s *stack.Stack) {
		stack.NewTable(s, "notes", stack.TableConfig{PartitionKey: stack.StringKey("id")}).Export()
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
