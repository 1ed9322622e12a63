package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/internal/terminal"
)

// judgeOutcomes is a finding where not every stage is done.
func judgeOutcomes(outcomes []fleet.Outcome) error {
	if !fleet.Succeeded(outcomes) {
		return finding{}
	}
	return nil
}

var outcomeTitles = []string{"STAGE", "ACCOUNT", "REGION", "STATE", "TOOK"}

// outcomeRows is a table of outcomes.
func outcomeRows(outcomes []fleet.Outcome) [][]string {
	rows := make([][]string, len(outcomes))
	for i, one := range outcomes {
		rows[i] = []string{one.Stage, one.Account, one.Region, string(one.State), terminal.Took(one.Seconds)}
	}
	return rows
}

// sayProblems tells why stages are not done, each whole.
func sayProblems(talk io.Writer, outcomes []fleet.Outcome) {
	for _, one := range outcomes {
		if one.Problem != "" && slices.Contains([]fleet.State{fleet.Failed, fleet.Declined, fleet.Skipped, fleet.Kept}, one.State) {
			text := one.Problem
			if !strings.Contains(text, one.Stage) {
				text = one.Stage + ": " + text
			}
			fmt.Fprintf(talk, "\n%s\n", styled(talk, bad, report.Block(text)))
		}
	}
}

// writeOutputs tells the outputs of each stage's stack, URLs first.
func writeOutputs(out io.Writer, outcomes []fleet.Outcome) {
	for _, one := range outcomes {
		if len(one.Outputs) == 0 {
			continue
		}
		width := 0
		for _, output := range one.Outputs {
			width = max(width, len(output.Name))
		}
		fmt.Fprintf(out, "\n%s\n", styled(out, heading, one.Stage))
		for _, output := range one.Outputs {
			fmt.Fprintf(out, "  %-*s  %s\n", width, report.Line(output.Name), report.Line(output.Value))
		}
	}
}
