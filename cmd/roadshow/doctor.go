package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/report"
)

// doctorVerb looks at the machine and the accounts.
func doctorVerb(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor [STAGE…]",
		Short: "Look at the tools, the credentials, the bootstrap and the permissions, and say how to mend them",
		Long: "doctor looks at Go, Node and the cdk command of this machine, and at the credentials, the bootstrap and the\n" +
			"permissions of each stage's account. Each finding comes with its fix. It changes nothing.\n\n" +
			"Exit codes: 0 all is well, 1 there are findings, 2 it could not be told.",
		Example:           "  roadshow doctor\n  roadshow doctor production --json",
		ValidArgsFunction: s.completeStages,
		RunE: func(verb *cobra.Command, names []string) error {
			ctx := verb.Context()
			found, err := s.find()
			if err != nil {
				return err
			}
			findings := fleet.DoctorMachine(ctx, found.Dir)
			// A program that cannot be run is a finding too: the tools may be why.
			if all, _, err := s.fleetOf(ctx); err != nil {
				findings = append(findings, fleet.Finding{Check: "program", Detail: err.Error(), Fix: "correct that first"})
			} else {
				findings = append(findings, fleet.Finding{Check: "program", OK: true, Detail: fmt.Sprintf("%s, %d stages", all.Service, len(all.Stages))})
				picked, err := all.Pick(names...)
				if err != nil {
					return err
				}
				findings = append(findings, all.Doctor(ctx, picked)...)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if s.json {
				if err := s.print(verb, map[string]any{"findings": findings}); err != nil {
					return err
				}
			} else {
				writeFindings(verb, findings)
			}
			for _, one := range findings {
				if !one.OK {
					return finding{}
				}
			}
			return nil
		},
	}
}

func writeFindings(verb *cobra.Command, findings []fleet.Finding) {
	out := verb.OutOrStdout()
	rows := make([][]string, len(findings))
	for i, one := range findings {
		mark := "ok"
		if !one.OK {
			mark = "NOT"
		}
		where := one.Stage
		if where == "" {
			where = "this machine"
		}
		rows[i] = []string{mark, where, one.Check, one.Detail}
	}
	writeTable(out, []string{"", "WHERE", "WHAT", "FOUND"}, rows)
	for _, one := range findings {
		if one.Fix != "" {
			fmt.Fprintf(out, "\n%s\n", styled(out, bad, report.Block(one.String())))
		}
	}
}
