package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/report"
)

// doctorOptions are the flags of `roadshow doctor`.
type doctorOptions struct{ anything }

// doctorVerb looks at the machine and the accounts.
func doctorVerb(s *settings) *cobra.Command {
	return s.command(&cobra.Command{
		Use:   "doctor [STAGE…]",
		Short: "Look at the tools, the credentials, the bootstrap and the permissions, and say how to fix them",
		Long: "doctor looks at Go, Node and the cdk command of this machine, and at the credentials, the bootstrap and the\n" +
			"permissions of each stage's account. Each finding comes with its fix. It changes nothing.\n\n" +
			"Exit codes: 0 everything is as it should be, 1 something was found, 2 it could not be determined.",
		Example:           "  roadshow doctor\n  roadshow doctor production --json",
		ValidArgsFunction: s.completeStages,
	}, &doctorOptions{})
}

func (o *doctorOptions) run(ctx context.Context, s *settings, names []string) (answer, error) {
	found, err := s.loadProgram()
	if err != nil {
		return nil, err
	}
	findings := fleet.DoctorMachine(ctx, found.Dir)
	// A program that cannot be run is a finding too: the tools may be why.
	all, err := s.loadFleet(ctx)
	if err != nil {
		findings = append(findings, fleet.Finding{Check: "program", Detail: err.Error(), Fix: "Correct the program, then run `roadshow doctor` again."})
		return examined{findings}, ctx.Err()
	}
	findings = append(findings, fleet.Finding{
		Check: "program", OK: true, Detail: fmt.Sprintf("The program runs, and gives service %s %s.", all.Service, counted(len(all.Stages), "stage")),
	})
	picked, err := pick(all.Fleet, "roadshow doctor", names)
	if err != nil {
		return nil, err
	}
	return examined{append(findings, all.Doctor(ctx, picked)...)}, ctx.Err()
}

// examined is what `roadshow doctor` has found.
type examined struct {
	Findings []fleet.Finding `json:"findings"`
}

func (e examined) write(out, _ io.Writer) {
	rows := make([][]string, len(e.Findings))
	for i, one := range e.Findings {
		mark := "ok"
		if !one.OK {
			mark = "NOT"
		}
		line, _, _ := strings.Cut(one.Detail, "\n") // all of it stands below
		rows[i] = []string{mark, cmp.Or(one.Stage, "this machine"), line}
	}
	writeTable(out, []string{"", "WHERE", "FOUND"}, rows)
	for _, one := range e.Findings {
		if one.Fix != "" {
			fmt.Fprintf(out, "\n%s\n", styled(out, bad, report.Block(cmp.Or(one.Stage, "this machine")+": "+one.Detail+"\n"+one.Fix)))
		}
	}
}

func (e examined) judge() error {
	if slices.ContainsFunc(e.Findings, func(one fleet.Finding) bool { return !one.OK }) {
		return finding{}
	}
	return nil
}
