package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/report"
)

// statusOptions are the flags of `roadshow status`.
type statusOptions struct {
	anything
	check bool
}

// statusVerb says what is live.
func statusVerb(s *settings) *cobra.Command {
	var options statusOptions
	shown := s.command(&cobra.Command{
		Use:   "status [STAGE…]",
		Short: "Say what is live in each account, and how far it is behind the program",
		Long: "status asks each account for its stack, and compares its template and the code of its functions with what the\n" +
			"program would deploy now.\n\n" +
			"Exit codes: 0 everything was seen, 1 a deploy failed or a function is gone (with --check: or a stage is behind),\n2 it could not be determined.",
		Example:           "  roadshow status\n  roadshow status production --json\n  roadshow status --check",
		ValidArgsFunction: s.completeStages,
	}, &options)
	shown.Flags().BoolVar(&options.check, "check", false, "exit with 1 where a stage is behind the program, or not deployed")
	return shown
}

func (o *statusOptions) run(ctx context.Context, s *settings, names []string) (answer, error) {
	resolved, remove, err := s.resolveTarget(ctx, names, "roadshow status")
	if err != nil {
		return nil, err
	}
	defer remove()
	live := resolved.fleet.Status(ctx, resolved.assembly, resolved.program.Dir, resolved.stages)
	return statuses{Service: resolved.fleet.Service, Commit: resolved.assembly.Document.Commit, Stages: live, check: o.check, now: resolved.fleet.Now()}, ctx.Err()
}

// statuses is what `roadshow status` has found.
type statuses struct {
	Service string              `json:"service"`
	Commit  string              `json:"commit"`
	Stages  []fleet.StageStatus `json:"stages"`

	check bool
	now   time.Time
}

// judge: what was not seen is never as it should be.
func (s statuses) judge() error {
	untold, wrong := 0, false
	for _, one := range s.Stages {
		switch {
		case one.Unseen():
			untold++
		case one.Deployed != nil && one.Deployed.Condition != fleet.ConditionSound, s.check && !one.Current():
			wrong = true
		}
	}
	if untold > 0 {
		return undetermined(untold, len(s.Stages))
	}
	if wrong {
		return finding{}
	}
	return nil
}

func (s statuses) write(out, talk io.Writer) {
	live := s.Stages
	var commits unreadCommits
	rows := make([][]string, len(live))
	for i, one := range live {
		rows[i] = []string{one.Stage, one.Account, "-", "-", "-", "-", "-", "not deployed"}
		if one.Deployed != nil {
			rows[i] = []string{
				one.Stage, one.Account, one.Deployed.Stack, one.Deployed.Status, commitCell(one.Deployed), ago(one.Deployed.At, s.now),
				one.Template[:min(len(one.Template), 12)], "",
			}
			commits.add(one.Stage, one.Deployed)
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
			fmt.Fprintf(talk, "roadshow: %s\n", report.Block(one.Problem))
		} else if one.Deployed != nil && one.Deployed.Unanswered != "" {
			fmt.Fprintf(talk, "roadshow: %s\n", report.Block(one.Deployed.Unanswered))
		}
	}
	commits.say(talk)
	writeTable(out, []string{"STAGE", "ACCOUNT", "STACK", "STATUS", "COMMIT", "DEPLOYED", "TEMPLATE", "BEHIND THE PROGRAM"}, rows)
}
