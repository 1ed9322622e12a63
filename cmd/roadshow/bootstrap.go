package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
)

// bootstrapVerb prepares accounts for the CDK.
func bootstrapVerb(s *settings) *cobra.Command {
	var force bool
	verb := &cobra.Command{
		Use:   "bootstrap [STAGE… | aws://ACCOUNT/REGION…]",
		Short: "Bootstrap the accounts of stages, side by side",
		Long: "bootstrap runs the real `cdk bootstrap` for the account of each stage, all of them side by side, so that the\n" +
			"program does not stand in the way. What is bootstrapped is left alone. Stages of one account share a bootstrap.\n" +
			"For an account that the program does not have yet, or while it does not compile, write aws://ACCOUNT/REGION.\n\n" +
			"Exit codes: 0 all are bootstrapped, 1 some are not, 2 nothing was begun.",
		Example:           "  roadshow bootstrap\n  roadshow bootstrap staging production\n  roadshow bootstrap aws://444444444444/eu-west-1\n  roadshow bootstrap --force dev",
		ValidArgsFunction: s.completeStages,
		RunE: func(verb *cobra.Command, names []string) error {
			ctx := verb.Context()
			all, cdk, err := s.bootstrapFleet(ctx, names)
			if err != nil {
				return err
			}
			picked, err := all.Pick(names...)
			if err != nil {
				return err
			}
			board := newBoard(verb.ErrOrStderr(), picked)
			outcomes := fleet.Bootstrap{Fleet: all, CDK: cdk, Force: force, Observe: board.observe}.Run(ctx, picked)
			board.close()
			sayProblems(verb.ErrOrStderr(), outcomes)
			if s.json {
				if err := s.print(verb, map[string]any{"service": all.Service, "stages": outcomes}); err != nil {
					return err
				}
				return ended(outcomes)
			}
			rows := outcomeRows(outcomes)
			for i := range rows {
				rows[i] = append(rows[i], fmt.Sprint(outcomes[i].Version))
			}
			writeTable(verb.OutOrStdout(), []string{"STAGE", "ACCOUNT", "REGION", "STATE", "TOOK", "VERSION"}, rows)
			return ended(outcomes)
		},
	}
	verb.Flags().BoolVar(&force, "force", false, "bootstrap also what is bootstrapped, which brings it to the cdk command's version")
	return verb
}

// bootstrapFleet is the program's stages; or, where places are named, those alone, and the program is not
// asked.
func (s *settings) bootstrapFleet(ctx context.Context, names []string) (*fleet.Fleet, fleet.CDK, error) {
	places, err := fleet.ParseEnvironments(names)
	if err != nil {
		return nil, fleet.CDK{}, err
	}
	if len(places) == 0 {
		all, found, err := s.fleetOf(ctx)
		if err != nil {
			return nil, fleet.CDK{}, err
		}
		cdk, err := cdkOf(found)
		return all, cdk, err
	}
	file, err := fleet.FindCDK(".")
	if err != nil {
		return nil, fleet.CDK{}, err
	}
	return &fleet.Fleet{Stages: places, Profiles: s.profiles()}, fleet.CDK{Command: file, Dir: "."}, nil
}
