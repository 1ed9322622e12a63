package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/stages"
)

// expireVerb lists ephemeral stages past their time, and removes those in sandboxes.
func expireVerb(s *settings) *cobra.Command {
	var yes bool
	verb := &cobra.Command{
		Use:   "expire",
		Short: "List ephemeral stages and when they expire; with --yes, remove the expired ones of sandboxes",
		Long: "expire finds the ephemeral stages of the service in every account, by the tags of their stacks, and says when each\n" +
			"expires. With --yes those past their time are removed where their template is a sandbox's; others are only listed.\n\n" +
			"Exit codes: 0 all is listed, or removed, 1 an expired stage could not be removed or an account has not answered,\n2 it could not be told.",
		Example: "  roadshow expire\n  roadshow expire --yes\n  roadshow expire --json",
		Args:    cobra.NoArgs,
		RunE: func(verb *cobra.Command, _ []string) error {
			ctx, talk := verb.Context(), verb.ErrOrStderr()
			all, _, err := s.fleetOf(ctx)
			if err != nil {
				return err
			}
			found, silent := all.EphemeralStages(ctx)
			if err := ctx.Err(); err != nil {
				return err
			}
			if silent != nil {
				fmt.Fprintf(talk, "roadshow: %v\n", silent)
			}
			outcomes := []fleet.Outcome{}
			if yes {
				for _, one := range found {
					if one.Expired && one.Removable {
						outcomes = append(outcomes, removeExpired(verb, all, one))
					}
				}
				sayProblems(talk, outcomes)
			}
			if s.json {
				if err := s.print(verb, map[string]any{"service": all.Service, "stages": found, "removed": outcomes}); err != nil {
					return err
				}
			} else {
				writeEphemeral(verb, found, outcomes)
			}
			if silent != nil {
				return finding{}
			}
			return ended(outcomes)
		},
	}
	verb.Flags().BoolVar(&yes, "yes", false, "remove those past their time that are in sandboxes")
	return verb
}

func removeExpired(verb *cobra.Command, all *fleet.Fleet, one fleet.Ephemeral) fleet.Outcome {
	outcome := fleet.Outcome{Stage: one.Stage, Account: one.Account, Region: one.Region, Stack: one.Stack, State: fleet.Failed}
	plan, err := all.PlanRemoval(verb.Context(), one.AsStage(), true)
	if err == nil {
		board := newBoard(verb.ErrOrStderr(), []stages.Stage{one.AsStage()})
		defer board.close()
		var done fleet.Outcome
		if done, err = (fleet.Removal{Fleet: all, Observe: board.observe}).Run(verb.Context(), plan); err == nil {
			return done
		}
	}
	outcome.Problem = err.Error()
	return outcome
}

func writeEphemeral(verb *cobra.Command, found []fleet.Ephemeral, outcomes []fleet.Outcome) {
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
	writeTable(verb.OutOrStdout(), []string{"STAGE", "ACCOUNT", "REGION", "TEMPLATE", "EXPIRES", "STATE"}, rows)
}
