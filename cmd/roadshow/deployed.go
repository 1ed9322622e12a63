package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/report"
)

// deployedParity is what `roadshow parity --deployed` has found in the accounts.
type deployedParity struct {
	Stages  []fleet.Parity       `json:"deployed"`
	Commits []fleet.CommitParity `json:"commits"`
}

// shownChanges is how many changes of a stage are written for people; the JSON has all.
const shownChanges = 25

// write tells it to people, below the verdict.
func (d *deployedParity) write(out io.Writer) {
	rows := make([][]string, len(d.Stages))
	for i, one := range d.Stages {
		rows[i] = []string{one.Stage, one.Account, string(one.State), cmp.Or(short(one.Commit), "-"), deployedNote(one)}
	}
	fmt.Fprintln(out)
	writeTable(out, []string{"STAGE", "ACCOUNT", "DEPLOYED", "COMMIT", ""}, rows)
	for _, one := range d.Stages {
		if one.Problem != "" {
			fmt.Fprintf(out, "\n%s\n", styled(out, bad, report.Block(one.Problem)))
		}
		for _, change := range one.Drift[:min(len(one.Drift), shownChanges)] {
			fmt.Fprintf(out, "  %s\n", change)
		}
		if more := len(one.Drift) - shownChanges; more > 0 {
			fmt.Fprintf(out, "  … and %d more\n", more)
		}
	}
	for _, one := range d.Commits {
		if one.Verdict != nil {
			first, rest, _ := strings.Cut(one.Verdict.String(), "\n")
			style := good
			if !one.Verdict.Identical() {
				style = bad
			}
			fmt.Fprintf(out, "\ncommit %s of %s is %s\n", short(one.Commit), strings.Join(one.Stages, ", "), styled(out, style, first))
			if rest != "" {
				fmt.Fprintln(out, rest)
			}
		}
	}
}

// deployedNote is what the table says of a stage in words.
func deployedNote(one fleet.Parity) string {
	var notes []string
	if one.Behind > 0 {
		notes = append(notes, counted(one.Behind, "commit")+" behind")
	}
	if one.Ahead > 0 {
		notes = append(notes, counted(one.Ahead, "commit")+" that the program does not have")
	}
	if one.State == fleet.ParityBehind {
		notes = append(notes, counted(len(one.Changes), "change")+" to the program's")
	}
	if len(one.Drift) > 0 {
		notes = append(notes, counted(len(one.Drift), "change")+" to its commit's")
	}
	if one.Note != "" {
		notes = append(notes, strings.ReplaceAll(one.Note, "\n", " "))
	}
	return strings.Join(notes, ", ")
}

// judge is the exit code: a stage that is behind, or not deployed, is shown only.
func (d *deployedParity) judge() error {
	var result error
	unknown := 0
	for _, one := range d.Stages {
		switch {
		case one.Unseen():
			unknown++
		case one.State == fleet.ParityDrifted, one.State == fleet.ParityDirty, one.State == fleet.ParityFailed:
			result = finding{}
		}
	}
	for _, one := range d.Commits {
		if one.Verdict != nil && !one.Verdict.Identical() {
			result = finding{}
		}
	}
	if unknown > 0 {
		return undetermined(unknown, len(d.Stages))
	}
	return result
}
