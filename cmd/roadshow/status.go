package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/report"
)

// statusVerb says what is live.
func statusVerb(s *settings) *cobra.Command {
	var check bool
	verb := &cobra.Command{
		Use:   "status [STAGE…]",
		Short: "Say what is live in each account, and how far it is behind the program",
		Long: "status asks each account for its stack, and compares its template and the code of its functions with what the\n" +
			"program would deploy now.\n\n" +
			"Exit codes: 0 all accounts have answered, 1 some have not (with --check: or are behind), 2 it could not be told.",
		Example:           "  roadshow status\n  roadshow status production --json\n  roadshow status --check",
		ValidArgsFunction: s.completeStages,
		RunE: func(verb *cobra.Command, names []string) error {
			ctx := verb.Context()
			found, err := s.find()
			if err != nil {
				return err
			}
			of, remove, err := s.call(found, names, verb)
			if err != nil {
				return err
			}
			defer remove()
			live := of.fleet.Status(ctx, of.ready, found.Dir, of.picked)
			if err := ctx.Err(); err != nil {
				return err
			}
			if s.json {
				err = s.print(verb, map[string]any{"service": of.fleet.Service, "commit": of.ready.Document.Commit, "stages": live})
			} else {
				writeStatus(verb, live, of.fleet.Now())
			}
			if err != nil {
				return err
			}
			for _, one := range live {
				if one.Problem != "" || check && !one.Current() {
					return finding{}
				}
			}
			return nil
		},
	}
	verb.Flags().BoolVar(&check, "check", false, "exit with 1 where a stage is behind the program, or not deployed")
	return verb
}

func writeStatus(verb *cobra.Command, live []fleet.StageStatus, now time.Time) {
	rows := make([][]string, len(live))
	for i, one := range live {
		rows[i] = []string{one.Stage, one.Account, "-", "-", "-", "-", "-", "not deployed"}
		if one.Deployed != nil {
			same := 0
			for _, function := range one.Functions {
				if function.Live == function.Program {
					same++
				}
			}
			rows[i] = []string{
				one.Stage, one.Account, one.Deployed.Stack, one.Deployed.Status, short(one.Deployed.Commit), ago(one.Deployed.At, now),
				one.Template[:min(len(one.Template), 12)], "",
			}
			if one.Behind != nil {
				rows[i][7] = fmt.Sprintf("%s; %d of %d functions the same", one.Behind, same, len(one.Functions))
			}
		}
		if one.Problem != "" {
			rows[i][7] = "no answer"
			fmt.Fprintf(verb.ErrOrStderr(), "roadshow: %s\n", report.Block(one.Problem))
		}
	}
	writeTable(verb.OutOrStdout(), []string{"STAGE", "ACCOUNT", "STACK", "STATUS", "COMMIT", "DEPLOYED", "TEMPLATE", "BEHIND THE PROGRAM"}, rows)
}
