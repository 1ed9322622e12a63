package main

import (
	"context"
	"fmt"
	"io"
	"slices"
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
			"expires. With --yes those past their time are removed where their template is a sandbox's; others are only listed.\n" +
			"What is removed is the very stack that was looked at: one that was deployed since is kept, and so is one that another\n" +
			"program made, that is protected, or that has what other services import.\n\n" +
			"Exit codes: 0 all is listed, or removed, 1 with --yes: an expired stage was kept or could not be removed, 2 it could not\n" +
			"be determined, 3 some accounts did not answer.",
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
	listed := ephemerals{Service: all.Service, Removed: []fleet.Outcome{}, removes: o.yes}
	listed.Stages, listed.silent = all.EphemeralStages(ctx)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if o.yes {
		for _, one := range listed.Stages {
			if one.Expired && one.Removable {
				board := s.board([]stages.Stage{one.AsStage()})
				listed.Removed = append(listed.Removed, fleet.Expiry{Fleet: all.Fleet, Observe: board.Observe}.Remove(ctx, one))
				board.Close()
			}
		}
	}
	return listed, nil
}

// ephemerals is what `roadshow expire` has found and removed.
type ephemerals struct {
	Service string            `json:"service"`
	Stages  []fleet.Ephemeral `json:"stages"`
	Removed []fleet.Outcome   `json:"removed"`

	removes bool
	silent  error // of accounts that did not answer
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
			state = "expired, and kept: " + one.Reason
		}
		for _, outcome := range outcomes {
			if outcome.Stack != one.Stack || outcome.Account != one.Account || outcome.Region != one.Region {
				continue
			}
			switch outcome.State {
			case fleet.Done, fleet.Unchanged:
				state = "removed"
			case fleet.Kept:
				state = "kept"
			default:
				state = string(outcome.State)
			}
		}
		rows[i] = []string{one.Stage, one.Account, one.Region, one.Template, one.Expires.Format(time.RFC3339), state}
	}
	writeTable(out, []string{"STAGE", "ACCOUNT", "REGION", "TEMPLATE", "EXPIRES", "STATE"}, rows)
}

// judge: an expired stage that was to be removed and is kept is certain, whatever others would have said.
func (e ephemerals) judge() error {
	kept := slices.ContainsFunc(e.Stages, func(one fleet.Ephemeral) bool { return one.Expired && !one.Removable })
	switch {
	case e.removes && kept, !fleet.Succeeded(e.Removed):
		return finding{}
	case e.silent != nil:
		return incomplete{}
	}
	return nil
}
