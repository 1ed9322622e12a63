package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/stages"
)

// stagesVerb lists the stages, or says what one more would add.
func stagesVerb(s *settings) *cobra.Command {
	var proposed assembly.Stage
	var tier string
	var offline bool
	verb := &cobra.Command{
		Use:   "stages",
		Short: "List the stages and what each account has, or say what one more would add",
		Long: "stages lists the set: name, account, region and tier of each stage, and the templates of ephemeral stages. All\n" +
			"accounts are asked at once: which profile reaches each, the version of its bootstrap, when the service was\n" +
			"deployed and from which commit. An account that does not answer is a row that says so.\n\n" +
			"With --with it says which names a stage would take that the set does not have yet, what the declared\n" +
			"differences come to for it, and which names it cannot have (then the exit code is 1).\n\n" +
			"Exit codes: 0 listed, 1 a name of the proposed stage is taken, 2 it could not be determined, or an account did not answer.",
		Example: "  roadshow stages\n  roadshow stages --offline --json\n  roadshow stages --with pr-417\n  roadshow stages --with canary --region eu-west-1 --tier standard",
		Args:    cobra.NoArgs,
		RunE: func(verb *cobra.Command, _ []string) error {
			if proposed.Name == "" {
				return s.list(verb.Context(), verb, offline)
			}
			if err := proposed.Tier.UnmarshalText([]byte(tier)); err != nil {
				return err
			}
			return s.propose(verb, proposed, offline)
		},
	}
	verb.Flags().BoolVar(&offline, "offline", false, "ask no account: only what the program itself says")
	verb.Flags().StringVar(&proposed.Name, "with", "", "a stage that the set does not have: a template's, or a new one with --region")
	verb.Flags().StringVar(&proposed.Account, "account", "", "the new stage's account (default: not known yet)")
	verb.Flags().StringVar(&proposed.Region, "region", "", "the new stage's region")
	verb.Flags().StringVar(&tier, "tier", "standard", "the new stage's tier: sandbox, standard or protected")
	_ = verb.RegisterFlagCompletionFunc("with", s.completeTemplates) // fails only where there is no such flag
	_ = verb.RegisterFlagCompletionFunc("tier", cobra.FixedCompletions([]string{"sandbox", "standard", "protected"}, cobra.ShellCompDirectiveNoFileComp))
	return verb
}

// proposal is what a stage would add and, where it has an account that was asked, what that has.
type proposal struct {
	*assembly.Proposal
	Live *fleet.StageReport `json:"live,omitempty"`

	now time.Time
}

func (s *settings) propose(verb *cobra.Command, proposed assembly.Stage, offline bool) error {
	found, err := s.find()
	if err != nil {
		return err
	}
	told, err := found.Propose(verb.Context(), proposed)
	if err != nil {
		return err
	}
	answer := proposal{Proposal: told}
	if !offline && told.Stage.Account != stages.UnknownAccount {
		document, err := found.Document(verb.Context())
		if err != nil {
			return err
		}
		reports, now, err := s.survey(verb, document, stages.Stage{Name: told.Stage.Name, Account: told.Stage.Account, Region: told.Stage.Region, Tier: told.Stage.Tier})
		if err != nil {
			return err
		}
		answer.Live, answer.now = &reports[0], now
	}
	return s.writeProposal(verb, answer)
}

func (s *settings) writeProposal(verb *cobra.Command, proposal proposal) error {
	out := verb.OutOrStdout()
	if s.json {
		if err := s.print(verb, proposal); err != nil {
			return err
		}
	} else {
		if proposal.Note != "" {
			fmt.Fprintf(verb.ErrOrStderr(), "roadshow: %s\n", report.Block(proposal.Note))
		}
		stage := proposal.Stage
		fmt.Fprintf(out, "%s\n", styled(out, heading, fmt.Sprintf("stage %s: account %s, %s, %s", stage.Name, stage.Account, stage.Region, stage.Tier)))
		if len(proposal.Like) > 0 {
			fmt.Fprintf(out, "chooses like %s\n", strings.Join(proposal.Like, ", "))
		}
		if proposal.Live != nil {
			fmt.Fprintln(out, liveLine(*proposal.Live, proposal.now))
			if proposal.Live.Problem != "" {
				fmt.Fprintf(verb.ErrOrStderr(), "roadshow: %s\n", report.Block(proposal.Live.Problem))
			}
		}
		fmt.Fprintln(out)
		rows := make([][]string, len(proposal.Names))
		for i, name := range proposal.Names {
			rows[i] = nameRow(name)[1:]
		}
		writeTable(out, nameTitles[1:], rows)
		fmt.Fprintln(out)
		rows = make([][]string, len(proposal.Choices))
		for i, choice := range proposal.Choices {
			rows[i] = []string{strings.TrimSpace(choice.Kind + " " + choice.Of), choice.Outcome, written(choice)}
		}
		writeTable(out, []string{"CHOICE", "OUTCOME", "DECLARED"}, rows)
		for _, collision := range proposal.Collisions {
			fmt.Fprintf(out, "\n%s\n", styled(out, bad, "collision: "+collision))
		}
	}
	if len(proposal.Collisions) > 0 {
		return finding{}
	}
	if proposal.Live != nil && proposal.Live.Problem != "" {
		return undetermined(1, 1)
	}
	return nil
}
