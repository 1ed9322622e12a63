package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/assembly"
)

// stagesVerb lists the stages, or says what one more would add.
func stagesVerb(s *settings) *cobra.Command {
	var proposed assembly.Stage
	var tier string
	var live bool
	verb := &cobra.Command{
		Use:   "stages",
		Short: "List the stages, or say what one more would add",
		Long: "stages lists the set: name, account, region and tier of each stage, and the templates of ephemeral stages.\n" +
			"With --with it says which names a stage would take that the set does not have yet, what the declared\n" +
			"differences come to for it, and which names it cannot have (then the exit code is 1).",
		Example: "  roadshow stages\n  roadshow stages --live\n  roadshow stages --with pr-417\n  roadshow stages --with canary --region eu-west-1 --tier standard",
		Args:    cobra.NoArgs,
		RunE: func(verb *cobra.Command, _ []string) error {
			if live {
				return s.survey(verb)
			}
			found, err := s.find()
			if err != nil {
				return err
			}
			if proposed.Name != "" {
				if err := proposed.Tier.UnmarshalText([]byte(tier)); err != nil {
					return err
				}
				proposal, err := found.Propose(verb.Context(), proposed)
				if err != nil {
					return err
				}
				return s.writeProposal(verb, proposal)
			}
			document, err := found.Document(verb.Context())
			if err != nil {
				return err
			}
			if s.json {
				return s.print(verb, map[string]any{"service": document.Service, "stages": document.Set})
			}
			rows := make([][]string, len(document.Set))
			for i, stage := range document.Set {
				rows[i] = []string{stage.Name, stage.Account, stage.Region, stage.Tier.String(), ""}
				if stage.Template {
					rows[i][4] = "template of ephemeral stages"
				}
			}
			writeTable(verb.OutOrStdout(), []string{"STAGE", "ACCOUNT", "REGION", "TIER", ""}, rows)
			return nil
		},
	}
	verb.Flags().BoolVar(&live, "live", false, "ask the accounts: which profile reaches each, its bootstrap, and what is deployed; see docs/fleet.md")
	verb.Flags().StringVar(&proposed.Name, "with", "", "a stage that the set does not have: a template's, or a new one with --region")
	verb.Flags().StringVar(&proposed.Account, "account", "", "the new stage's account (default: not known yet)")
	verb.Flags().StringVar(&proposed.Region, "region", "", "the new stage's region")
	verb.Flags().StringVar(&tier, "tier", "standard", "the new stage's tier: sandbox, standard or protected")
	return verb
}

func (s *settings) writeProposal(verb *cobra.Command, proposal *assembly.Proposal) error {
	out := verb.OutOrStdout()
	if s.json {
		if err := s.print(verb, proposal); err != nil {
			return err
		}
	} else {
		if proposal.Note != "" {
			fmt.Fprintf(verb.ErrOrStderr(), "roadshow: %s\n", proposal.Note)
		}
		stage := proposal.Stage
		fmt.Fprintf(out, "%s\n", styled(out, heading, fmt.Sprintf("stage %s: account %s, %s, %s", stage.Name, stage.Account, stage.Region, stage.Tier)))
		if len(proposal.Like) > 0 {
			fmt.Fprintf(out, "chooses like %s\n", strings.Join(proposal.Like, ", "))
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
	return nil
}
