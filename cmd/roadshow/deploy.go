package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/quota"
	"github.com/roadshow-go/roadshow/internal/program"
)

// deployVerb deploys one synthesis to all accounts.
func deployVerb(s *settings) *cobra.Command {
	var to []string
	var yes, despite bool
	var takesOver string
	verb := &cobra.Command{
		Use:   "deploy",
		Short: "Deploy to the accounts of all stages, in waves by tier",
		Long: "deploy synthesizes once, and deploys that assembly with the real `cdk deploy`: the sandboxes first, then the\n" +
			"standard stages, then the protected ones; the stages of a wave side by side. Where one fails, the waves after it\n" +
			"are not begun. Before anything is changed, the account, the bootstrap, the names, the quotas and the parity of the\n" +
			"stages are looked at. What is removed or replaced is shown. The changes of a protected stage are executed only when\n" +
			"they are approved, and so are those of a standard stage that may lose data. A stack that another program made is\n" +
			"left alone.\n\n" +
			"Whatever has interrupted it, run it again: it goes on from what the accounts say.\n\n" +
			"Exit codes: 0 every stage is as the program says, 1 some are not, 2 nothing was begun.",
		Example: "  roadshow deploy\n  roadshow deploy --to dev\n  roadshow deploy --to pr-417\n  roadshow deploy --yes --json > deployed.json",
		Args:    cobra.NoArgs,
		RunE: func(verb *cobra.Command, _ []string) error {
			return s.deploy(verb, to, yes, despite, takesOver)
		},
	}
	verb.Flags().StringSliceVar(&to, "to", nil, "deploy to this stage only; repeated for several of the set, or once for one that a template makes (default: every stage of the set)")
	verb.Flags().BoolVar(&yes, "yes", false, "approve the changes that need an approval; they are still shown")
	verb.Flags().StringVar(&takesOver, "takes-over", "", "deploy to stacks that this program made (a module's path), as after the module was renamed; \"none\" for stacks that name no program")
	verb.Flags().BoolVar(&despite, "despite-quotas", false, "deploy where a quota is not enough, too; it is still said")
	_ = verb.RegisterFlagCompletionFunc("to", s.completeStages) // fails only where there is no such flag
	return verb
}

func (s *settings) deploy(verb *cobra.Command, to []string, yes, despite bool, takesOver string) error {
	talk := verb.ErrOrStderr()
	found, err := s.find()
	if err != nil {
		return err
	}
	cdk, err := cdkOf(found)
	if err != nil {
		return err
	}
	of, remove, err := s.call(found, to, verb)
	if err != nil {
		return err
	}
	defer remove()
	board := newBoard(talk, of.picked)
	approval := &approval{person: newPerson(verb), talk: talk, board: board, yes: yes, seen: []fleet.Proposal{}}
	say := func(warning fleet.Finding) {
		board.pause(func() { fmt.Fprintf(talk, "roadshow: %s\n", warning) })
	}
	outcomes, err := fleet.Deployment{
		Fleet: of.fleet, CDK: cdk, Assembly: of.ready, Approve: approval.approve, Show: approval.show, TakesOver: takesOver, Prove: proof(found), Observe: board.observe,
		Warn: say,
		Fits: quota.Preflight{Fleet: of.fleet, Assembly: of.ready, Despite: despite, Observe: board.observe, Warn: say}.Fits,
	}.Run(verb.Context(), of.picked)
	board.close()
	if err != nil {
		return err
	}
	sayProblems(talk, outcomes)
	if s.json {
		err = s.print(verb, map[string]any{"service": of.fleet.Service, "commit": of.ready.Document.Commit, "stages": outcomes, "proposals": approval.seen})
	} else {
		writeTable(verb.OutOrStdout(), []string{"STAGE", "ACCOUNT", "REGION", "STATE", "TOOK"}, outcomeRows(outcomes))
	}
	if err != nil {
		return err
	}
	return ended(outcomes)
}

// proof proves parity before a deploy; nil where there is a ready assembly and no program to ask.
func proof(found *program.Program) func(context.Context) *fleet.Finding {
	if found.Command == "" {
		return nil
	}
	return func(ctx context.Context) *fleet.Finding {
		verdict, err := found.Prove(ctx, false)
		switch {
		case err != nil:
			return &fleet.Finding{Check: "parity", Detail: "it could not be told: " + err.Error()}
		case !verdict.Identical(): // or it could not be told, which the first line says
			first, _, _ := strings.Cut(verdict.String(), "\n")
			return &fleet.Finding{Check: "parity", Detail: first, Fix: "run `roadshow parity`, which says where"}
		}
		return nil
	}
}

// approval shows what would be done to stages, and asks where that needs an approval.
type approval struct {
	person *person
	talk   io.Writer
	board  *board
	yes    bool
	seen   []fleet.Proposal
}

func (a *approval) approve(ctx context.Context, proposal fleet.Proposal) (approved bool, err error) {
	a.seen = append(a.seen, proposal)
	a.board.pause(func() {
		writeProposedChanges(a.talk, proposal)
		switch {
		case a.yes:
			approved = true
		case a.person.there():
			approved, err = a.person.agrees(ctx, fmt.Sprintf("Deploy this to %s, account %s?", proposal.Stage, proposal.Account))
		default:
			fmt.Fprintf(a.talk, "stage %s: approval is not possible without a terminal, want one; run `roadshow deploy --yes`, or in a terminal\n", proposal.Stage)
		}
	})
	return approved, err
}

// show shows what needs no approval.
func (a *approval) show(proposal fleet.Proposal) {
	a.seen = append(a.seen, proposal)
	a.board.pause(func() { writeProposedChanges(a.talk, proposal) })
}

// writeProposedChanges shows a proposal: numbers first, then whatever may hurt.
func writeProposedChanges(out io.Writer, proposal fleet.Proposal) {
	what := "stack " + proposal.Stack
	if proposal.New {
		what = "new " + what
	}
	fmt.Fprintf(out, "\n%s\n", styled(out, heading, fmt.Sprintf("%s: account %s (profile %s), %s", proposal.Stage, proposal.Account, proposal.Profile, what)))
	count := map[string]int{}
	replaced := 0
	for _, change := range proposal.Changes {
		count[change.Action]++
		if change.Replacement == "True" || change.Replacement == "Conditional" {
			replaced++
		}
	}
	fmt.Fprintf(out, "  %d added, %d changed (%d of them replaced), %d removed\n", count["Add"], count["Modify"], replaced, count["Remove"])
	for _, change := range proposal.Changes {
		if change.Action == "Add" && (!change.Stateful || change.Type == "AWS::Logs::LogGroup") {
			continue // harmless; the count is enough
		}
		line := fmt.Sprintf("  %-7s %s %s", strings.ToLower(change.Action), change.Type, change.LogicalID)
		switch change.Replacement {
		case "True":
			line += ", REPLACED"
		case "Conditional":
			line += ", perhaps replaced"
		}
		if change.Stateful {
			line += ", holds data"
		}
		if change.Loses() {
			line = styled(out, bad, line+", WHICH IS LOST")
		}
		fmt.Fprintln(out, line)
	}
}
