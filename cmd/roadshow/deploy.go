package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/quota"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/internal/terminal"
)

// deployOptions are the flags of `roadshow deploy`.
type deployOptions struct {
	anything
	to, takeUp   []string
	yes, despite bool
	takesOver    string
}

// deployVerb deploys one synthesis to all accounts.
func deployVerb(s *settings) *cobra.Command {
	var options deployOptions
	shown := s.command(&cobra.Command{
		Use:   "deploy",
		Short: "Deploy to the accounts of all stages, in waves by tier",
		Long: "deploy synthesizes once, and deploys that assembly with the real `cdk deploy`: the sandboxes first, then the\n" +
			"standard stages, then the protected ones; the stages of a wave side by side. Where one fails, the waves after it\n" +
			"are not begun. Before anything is changed, the account, the bootstrap, the names, the quotas and the parity of the\n" +
			"stages are looked at. What is removed or replaced is shown. The changes of a protected stage are executed only when\n" +
			"they are approved, and so are those of a standard stage that may lose data. A stack that another program made is\n" +
			"left alone, and so is what has a name that the deploy would give: --take-up takes it up again. At the end stand each stage's outputs, URLs first.\n\n" +
			"Whatever has interrupted it, run it again: it goes on from what the accounts say.\n\n" +
			"Exit codes: 0 every stage is as the program says, 1 some are not, 2 nothing was begun.",
		Example: "  roadshow deploy\n  roadshow deploy --to dev\n  roadshow deploy --to pr-417\n  roadshow deploy --yes --json > deployed.json",
		Args:    cobra.NoArgs,
	}, &options)
	shown.Flags().StringSliceVar(&options.to, "to", nil, "deploy to this stage only; repeated for several of the set, or once for one that a template makes (default: every stage of the set)")
	shown.Flags().BoolVar(&options.yes, "yes", false, "approve the changes that need an approval; they are still shown")
	shown.Flags().StringSliceVar(&options.takeUp, "take-up", nil, "take up again what the account has under this name, with its data; or all that this stage has left; repeated for several")
	shown.Flags().StringVar(&options.takesOver, "takes-over", "", "deploy to stacks that this program made (a module's path), as after the module was renamed; \"none\" for stacks that name no program")
	shown.Flags().BoolVar(&options.despite, "despite-quotas", false, "deploy where a quota does not suffice, too; it is still said")
	_ = shown.RegisterFlagCompletionFunc("to", s.completeStages) // fails only where there is no such flag
	return shown
}

func (o *deployOptions) run(ctx context.Context, s *settings, _ []string) (answer, error) {
	found, err := s.loadProgram()
	if err != nil {
		return nil, err
	}
	cdk, err := cdkOf(found)
	if err != nil {
		return nil, err
	}
	resolved, remove, err := s.resolveTarget(ctx, o.to, "--to")
	if err != nil {
		return nil, err
	}
	defer remove()
	board := s.board(resolved.stages)
	asking := &approval{person: s.person(), talk: s.talk, board: board, yes: o.yes, asked: []fleet.Proposal{}}
	warn := func(warning fleet.Finding) {
		board.Pause(func() { fmt.Fprintf(s.talk, "roadshow: %s\n", report.Block(warning.String())) })
	}
	outcomes, err := fleet.Deployment{
		Fleet: resolved.fleet, CDK: cdk, Assembly: resolved.assembly, TakesOver: o.takesOver, TakeUp: o.takeUp,
		Approve: asking.approve, Show: asking.show, Warn: warn, Observe: board.Observe, Prove: resolved.program.Proof(),
		Fits: quota.Preflight{Fleet: resolved.fleet, Assembly: resolved.assembly, Despite: o.despite, Observe: board.Observe, Warn: warn}.Fits,
	}.Run(ctx, resolved.stages)
	board.Close()
	done := deployment{Service: resolved.fleet.Service, Commit: resolved.assembly.Document.Commit, Stages: outcomes, Proposals: asking.asked}
	if stopped, is := errors.AsType[*fleet.PreflightError](err); is {
		done.Stages, done.Findings, done.stopped = []fleet.Outcome{}, stopped.Findings, err
		return done, nil
	}
	if err != nil {
		return nil, err
	}
	return done, nil
}

// deployment is what `roadshow deploy` has done.
type deployment struct {
	Service   string           `json:"service"`
	Commit    string           `json:"commit"`
	Stages    []fleet.Outcome  `json:"stages"`
	Proposals []fleet.Proposal `json:"proposals"`
	// Findings are why it was not begun; none where it was.
	Findings []fleet.Finding `json:"findings,omitempty"`

	stopped error // the findings as an error
}

func (d deployment) say(talk io.Writer) { sayProblems(talk, d.Stages) }

func (d deployment) write(out, _ io.Writer) {
	if d.stopped != nil {
		return
	}
	writeTable(out, outcomeTitles, outcomeRows(d.Stages))
	writeOutputs(out, d.Stages)
}

func (d deployment) judge() error {
	if d.stopped != nil {
		return d.stopped
	}
	return judgeOutcomes(d.Stages)
}

// approval shows what would be done to stages, and asks where that needs an approval.
type approval struct {
	person *terminal.Person
	talk   io.Writer
	board  *terminal.Board
	yes    bool
	asked  []fleet.Proposal
}

func (a *approval) approve(ctx context.Context, proposal fleet.Proposal) (approved bool, err error) {
	a.asked = append(a.asked, proposal)
	a.board.Pause(func() {
		writeProposedChanges(a.talk, proposal)
		switch {
		case a.yes:
			approved = true
		case a.person.There():
			approved, err = a.person.Agrees(ctx, fmt.Sprintf("Deploy this to %s, account %s?", proposal.Stage, proposal.Account))
		default:
			fmt.Fprintf(a.talk, "Stage %s needs an approval. Run this in a terminal, or pass --yes.\n", proposal.Stage)
		}
	})
	return approved, err
}

// show shows what needs no approval.
func (a *approval) show(proposal fleet.Proposal) {
	a.asked = append(a.asked, proposal)
	a.board.Pause(func() { writeProposedChanges(a.talk, proposal) })
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
	if count["Import"] > 0 {
		fmt.Fprintf(out, "  %d taken up as they are, with what they hold\n", count["Import"])
	}
	fmt.Fprintf(out, "  %d added, %d changed (%d of them replaced), %d removed\n", count["Add"], count["Modify"], replaced, count["Remove"])
	for _, change := range proposal.Changes {
		if change.Action == "Add" && (!change.Stateful || change.Type == "AWS::Logs::LogGroup") {
			continue // harmless; the count is enough
		}
		line := fmt.Sprintf("  %-7s %s %s", strings.ToLower(change.Action), change.Type, change.LogicalID)
		if change.Action == "Import" {
			line = fmt.Sprintf("  take up %s %s", change.Type, change.PhysicalID)
		}
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
