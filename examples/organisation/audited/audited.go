// Package audited is how this organisation makes tables that people have to account for. It shows a shared
// construct: defaults on top of package stack, and a handler of its own.
package audited

import (
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// handler is named by its import path, so that it is compiled wherever the program stands that uses it.
const handler = "github.com/roadshow-go/roadshow/examples/organisation/audited/audit"

// NewTable makes a table whose every change is written to the log of a function, <id>-audit: which item,
// and what happened to it; never what is in it. A sandbox has the table and no audit: a shared construct
// selects by tier, since it cannot know the stages of those who use it.
func NewTable(s *stack.Stack, id string, config stack.TableConfig) *stack.Table {
	config.Stream = stack.StreamKeys
	table := stack.NewTable(s, id, config)
	audit := stack.NewFunction(s, id+"-audit", stack.FunctionConfig{
		Package: handler,
		Stages:  stages.Except(stages.Sandbox),
	})
	table.StreamTo(audit, stack.StreamConfig{Bisect: true})
	return table
}
