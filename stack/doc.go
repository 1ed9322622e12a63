// Package stack says WHAT a program deploys: one stack, the same in every account of a set of stages.
//
// A service is an [App] value: its name, its stages, and a Define function that makes the components.
// [App.Main] is the program that the cdk command runs; the account behind `--profile` selects the stage.
//
//	var app = stack.App{Service: "notes", Stages: stages.Set{Dev, Production}, Define: Notes}
//
//	func main() { app.Main() }
//
//	func Notes(s *stack.Stack) {
//		notes := stack.NewTable(s, "notes", stack.TableConfig{PartitionKey: stack.StringKey("id")})
//		stack.NewFunction(s, "create-note", stack.FunctionConfig{
//			Package: "./functions/create-note",
//			Access:  []stack.Grant{notes.ReadWrite()},
//		})
//	}
//
// Every component is made by New<Noun>(scope, id, <Noun>Config). A config holds plain Go values; its
// zero is what we would choose in production. What comes back is a handle: it can be granted, routed and
// triggered, also where its stage does not have the component.
//
// There are three doors to the CDK below: Override in a config changes the L2's properties before it
// is made, With on a handle reaches the L2 afterwards, and [L1] the CloudFormation resource.
package stack
