package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/stages"
)

// expireOptions are the flags of `roadshow expire`.
type expireOptions struct {
	anything
	yes bool
}

// expireVerb lists ephemeral stages past their time, and removes those in sandboxes.
func expireVerb(s *settings) *cobra.Command {
	var options expireOptions
	shown := s.command(&cobra.Command{
		Use:   "expire",
		Short: "List ephemeral stages and when they expire; with --yes, remove the expired ones of sandboxes",
		Long: "expire finds the ephemeral stages of the service in every account, by the tags of their stacks, and says when each\n" +
			"expires. With --yes those past their time are removed where their template is a sandbox's; others are only listed.\n\n" +
			"Exit codes: 0 all is listed, or removed, 1 an expired stage could not be removed or an account has not answered,\n2 it could not be determined.",
		Example: "  roadshow expire\n  roadshow expire --yes\n  roadshow expire --json",
		Args:    cobra.NoArgs,
	}, &options)
	shown.Flags().BoolVar(&options.yes, "yes", false, "remove those past their time that are in sandboxes")
	return shown
}

func (o *expireOptions) run(ctx context.Context, s *settings, _ []string) (answer, error) {
	all, err := s.loadFleet(ctx)
	if err != nil {
		return nil, err
	}
	listed := ephemerals{Service: all.Service, Removed: []fleet.Outcome{}}
	listed.Stages, listed.silent = all.EphemeralStages(ctx)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if o.yes {
		for _, one := range listed.Stages {
			if one.Expired && one.Removable {
				listed.Removed = append(listed.Removed, s.removeExpired(ctx, all.Fleet, one))
			}
		}
	}
	return listed, nil
}

func (s *settings) removeExpired(ctx context.Context, all *fleet.Fleet, one fleet.Ephemeral) fleet.Outcome {
	plan, err := all.PlanRemoval(ctx, one.AsStage(), true)
	if err == nil {
		board := s.board([]stages.Stage{one.AsStage()})
		defer board.Close()
		var outcome fleet.Outcome
		if outcome, err = (fleet.Removal{Fleet: all, Observe: board.Observe}).Run(ctx, plan); err == nil {
			return outcome
		}
	}
	return fleet.Outcome{Stage: one.Stage, Account: one.Account, Region: one.Region, Stack: one.Stack, State: fleet.Failed, Problem: err.Error()}
}

// ephemerals is what `roadshow expire` has found and removed.
type ephemerals struct {
	Service string            `json:"service"`
	Stages  []fleet.Ephemeral `json:"stages"`
	Removed []fleet.Outcome   `json:"removed"`

	silent error // of accounts that did not answer
}

func (e ephemerals) say(talk io.Writer) {
	if e.silent != nil {
		fmt.Fprintf(talk, "roadshow: %s\n", report.Block(e.silent.Error()))
	}
	sayProblems(talk, e.Removed)
}

func (e ephemerals) write(out, _ io.Writer) {
	found, outcomes := e.Stages, e.Removed
	if len(found) == 0 && e.silent == nil {
		fmt.Fprintf(out, "Service %s has no ephemeral stages.\n", e.Service)
		return
	}
	rows := make([][]string, len(found))
	for i, one := range found {
		state := "alive"
		switch {
		case one.Expired && one.Removable:
			state = "expired"
		case one.Expired:
			state = "expired, in no sandbox: remove it by hand"
		}
		for _, outcome := range outcomes {
			if outcome.Stage == one.Stage && outcome.Account == one.Account && outcome.State == fleet.Done {
				state = "removed"
			}
		}
		rows[i] = []string{one.Stage, one.Account, one.Region, one.Template, one.Expires.Format(time.RFC3339), state}
	}
	writeTable(out, []string{"STAGE", "ACCOUNT", "REGION", "TEMPLATE", "EXPIRES", "STATE"}, rows)
}

func (e ephemerals) judge() error {
	if e.silent != nil {
		return finding{}
	}
	return judgeOutcomes(e.Removed)
}
