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
			"Exit codes: 0 everything was seen, 1 a deploy failed or a function is gone (with --check: or a stage is behind),\n2 it could not be determined.",
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
			return judgeStatus(live, check)
		},
	}
	verb.Flags().BoolVar(&check, "check", false, "exit with 1 where a stage is behind the program, or not deployed")
	return verb
}

// judgeStatus is the exit code: what was not seen is never as it should be.
func judgeStatus(live []fleet.StageStatus, check bool) error {
	untold, wrong := 0, false
	for _, one := range live {
		switch {
		case one.Problem != "":
			untold++
		case one.Deployed != nil && one.Deployed.Condition != fleet.ConditionSound, check && !one.Current():
			wrong = true
		}
	}
	if untold > 0 {
		return undetermined(untold, len(live))
	}
	if wrong {
		return finding{}
	}
	return nil
}

func writeStatus(verb *cobra.Command, live []fleet.StageStatus, now time.Time) {
	rows := make([][]string, len(live))
	for i, one := range live {
		rows[i] = []string{one.Stage, one.Account, "-", "-", "-", "-", "-", "not deployed"}
		if one.Deployed != nil {
			rows[i] = []string{
				one.Stage, one.Account, one.Deployed.Stack, one.Deployed.Status, short(one.Deployed.Commit), ago(one.Deployed.At, now),
				one.Template[:min(len(one.Template), 12)], "",
			}
			switch {
			case one.Deployed.Condition != fleet.ConditionSound:
				rows[i][7] = "not deployed: " + one.Deployed.Flaw
			case one.Current():
				rows[i][7] = fmt.Sprintf("current; %d of %d functions the same", one.SameFunctions(), len(one.Functions))
			case one.Behind != nil:
				rows[i][7] = fmt.Sprintf("%s; %d of %d functions the same", one.Behind, one.SameFunctions(), len(one.Functions))
			}
		}
		if one.Problem != "" {
			rows[i][7] = "no answer"
			fmt.Fprintf(verb.ErrOrStderr(), "roadshow: %s\n", report.Block(one.Problem))
		}
	}
	writeTable(verb.OutOrStdout(), []string{"STAGE", "ACCOUNT", "STACK", "STATUS", "COMMIT", "DEPLOYED", "TEMPLATE", "BEHIND THE PROGRAM"}, rows)
}
