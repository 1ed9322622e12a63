package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
)

// bootstrapOptions are the flags of `roadshow bootstrap`.
type bootstrapOptions struct {
	anything
	force bool
}

// bootstrapVerb prepares accounts for the CDK.
func bootstrapVerb(s *settings) *cobra.Command {
	var options bootstrapOptions
	shown := s.command(&cobra.Command{
		Use:   "bootstrap [STAGE… | aws://ACCOUNT/REGION…]",
		Short: "Bootstrap the accounts of stages, side by side",
		Long: "bootstrap runs the real `cdk bootstrap` for the account of each stage, all of them side by side, so that the\n" +
			"program does not stand in the way. What is bootstrapped is left alone. Stages of one account share a bootstrap.\n" +
			"For an account that the program does not have yet, or while it does not compile, write aws://ACCOUNT/REGION.\n\n" +
			"Exit codes: 0 all are bootstrapped, 1 some are not, 2 nothing was begun.",
		Example:           "  roadshow bootstrap\n  roadshow bootstrap staging production\n  roadshow bootstrap aws://444444444444/eu-west-1\n  roadshow bootstrap --force dev",
		ValidArgsFunction: s.completeStages,
	}, &options)
	shown.Flags().BoolVar(&options.force, "force", false, "bootstrap also what is bootstrapped, which brings it to the cdk command's version")
	return shown
}

func (o *bootstrapOptions) run(ctx context.Context, s *settings, names []string) (answer, error) {
	all, cdk, err := s.bootstrapFleet(ctx, names)
	if err != nil {
		return nil, err
	}
	picked, err := pick(all, "roadshow bootstrap", names)
	if err != nil {
		return nil, err
	}
	board := s.board(picked)
	outcomes := fleet.Bootstrap{Fleet: all, CDK: cdk, Force: o.force, Observe: board.Observe}.Run(ctx, picked)
	board.Close()
	return bootstraps{Service: all.Service, Stages: outcomes}, nil
}

// bootstrapFleet is the program's stages; or, where environments are named, those alone, and the program is not asked.
func (s *settings) bootstrapFleet(ctx context.Context, names []string) (*fleet.Fleet, fleet.CDK, error) {
	environments, err := fleet.ParseEnvironments(names)
	if err != nil {
		return nil, fleet.CDK{}, err
	}
	if len(environments) == 0 {
		all, err := s.loadFleet(ctx)
		if err != nil {
			return nil, fleet.CDK{}, err
		}
		cdk, err := cdkOf(all.program)
		return all.Fleet, cdk, err
	}
	file, err := fleet.FindCDK(".")
	return &fleet.Fleet{Stages: environments, Profiles: s.profiles()}, fleet.CDK{Command: file, Dir: "."}, err
}

// bootstraps is what `roadshow bootstrap` has done.
type bootstraps struct {
	Service string          `json:"service"`
	Stages  []fleet.Outcome `json:"stages"`
}

func (b bootstraps) say(talk io.Writer) { sayProblems(talk, b.Stages) }

func (b bootstraps) write(out, _ io.Writer) {
	rows := outcomeRows(b.Stages)
	for i := range rows {
		rows[i] = append(rows[i], fmt.Sprint(b.Stages[i].Version))
	}
	writeTable(out, append(outcomeTitles[:len(outcomeTitles):len(outcomeTitles)], "VERSION"), rows)
}

func (b bootstraps) judge() error { return judgeOutcomes(b.Stages) }
