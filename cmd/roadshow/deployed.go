package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/program"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/parity"
)

// deployedParity is what `roadshow parity --deployed` has found; nil where it was not asked for.
type deployedParity struct {
	stages  []fleet.Parity
	commits []fleet.CommitParity
}

// compareDeployed compares the accounts with the program, and with the commits that they were deployed from.
func (s *settings) compareDeployed(verb *cobra.Command, found *program.Program) (*deployedParity, error) {
	ctx := verb.Context()
	folder, err := os.MkdirTemp("", "roadshow-deployed-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	assemble := func(ctx context.Context, one *program.Program, name string) (fleet.Assembly, error) {
		outdir := filepath.Join(folder, name)
		if err := os.Mkdir(outdir, 0o700); err != nil {
			return fleet.Assembly{}, err
		}
		if err := one.Assemble(ctx, outdir); err != nil {
			return fleet.Assembly{}, err
		}
		return fleet.ReadAssembly(outdir)
	}
	now, err := assemble(ctx, found, "program")
	if err != nil {
		return nil, err
	}
	comparison := fleet.Comparison{
		Fleet: fleet.Of(now.Document, s.profiles()), Program: now, Project: found.Dir,
		Make: func(ctx context.Context, commit string) (made fleet.Made, err error) {
			err = found.At(ctx, commit, func(past *program.Program) (err error) {
				if made.Verdict, err = past.Prove(ctx, false); err != nil {
					return err
				}
				made.Assembly, err = assemble(ctx, past, commit)
				return err
			})
			return made, err
		},
		Say: func(text string) { fmt.Fprintf(verb.ErrOrStderr(), "roadshow: %s\n", report.Block(text)) },
	}
	live := &deployedParity{}
	live.stages, live.commits, err = comparison.Run(ctx, comparison.Fleet.Stages)
	return live, err
}

// shownChanges is how many changes of a stage are written for people; the JSON has all.
const shownChanges = 25

func (d *deployedParity) write(verb *cobra.Command) {
	if d == nil {
		return
	}
	out := verb.OutOrStdout()
	rows := make([][]string, len(d.stages))
	for i, one := range d.stages {
		rows[i] = []string{one.Stage, one.Account, string(one.State), cmp.Or(short(one.Commit), "-"), deployedNote(one)}
	}
	fmt.Fprintln(out)
	writeTable(out, []string{"STAGE", "ACCOUNT", "DEPLOYED", "COMMIT", ""}, rows)
	for _, one := range d.stages {
		if one.Problem != "" {
			fmt.Fprintf(out, "\n%s\n", styled(out, bad, one.Problem))
		}
		for _, change := range one.Drift[:min(len(one.Drift), shownChanges)] {
			fmt.Fprintf(out, "  %s\n", change)
		}
		if more := len(one.Drift) - shownChanges; more > 0 {
			fmt.Fprintf(out, "  … and %d more\n", more)
		}
	}
	for _, one := range d.commits {
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
		notes = append(notes, one.Note)
	}
	return strings.Join(notes, ", ")
}

// judge is the exit code: a stage that is behind, or not deployed, is shown only.
func (d *deployedParity) judge() error {
	if d == nil {
		return nil
	}
	var result error
	unknown := 0
	for _, one := range d.stages {
		switch one.State {
		case fleet.ParityUnknown:
			unknown++
		case fleet.ParityDrifted, fleet.ParityDirty, fleet.ParityFailed:
			result = finding{}
		}
	}
	for _, one := range d.commits {
		if one.Verdict != nil && !one.Verdict.Identical() {
			result = finding{}
		}
	}
	if unknown > 0 {
		return undetermined(unknown, len(d.stages))
	}
	return result
}

// printVerdict prints the verdict, with what is deployed beside it.
func (s *settings) printVerdict(verb *cobra.Command, verdict *parity.Verdict, live *deployedParity) error {
	if live == nil {
		return s.print(verb, verdict)
	}
	data, err := json.Marshal(verdict)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	fields["deployed"], fields["commits"] = live.stages, live.commits
	return s.print(verb, fields)
}
