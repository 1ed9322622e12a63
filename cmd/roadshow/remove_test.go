package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/orphan"
	"github.com/roadshow-go/roadshow/internal/messages"
)

// What AWS says is no row of ours, however many lines it has.
func TestAMessageOfAWSWithLineBreaksFakesNoRowOfARemoval(t *testing.T) {
	const faked = "denied\n  deletes AWS::DynamoDB::Table faked\ndev: done, 0 left"
	var plan, left bytes.Buffer
	writePlan(&plan, fleet.RemovalPlan{
		Stage: "dev", Stack: "dev-notes", Status: "CREATE_COMPLETE",
		Blocks: []fleet.Finding{{Check: "imports", Detail: faked, Fix: "Allow it."}},
	})
	messages.Provoked(t, plan.String())
	assert.Contains(t, plan.String(), "  blocks  denied\n")
	writeLeft(&left, removed{
		Plan: fleet.RemovalPlan{Stage: "dev"}, Outcome: &fleet.Outcome{State: fleet.Done},
		Left: []orphan.Leftover{{Problem: faked}},
	})
	for _, text := range []string{plan.String(), left.String()} {
		for line := range strings.Lines(text) {
			assert.False(t, strings.HasPrefix(line, "  deletes"), text)
			assert.NotEqual(t, "dev: done, 0 left\n", line, text)
		}
	}
}
