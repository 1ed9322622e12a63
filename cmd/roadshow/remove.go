package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/orphan"
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/internal/terminal"
	"github.com/roadshow-go/roadshow/stages"
)

// removeFlags are the flags of `roadshow remove`.
type removeFlags struct {
	plan, yes, sweep         bool
	confirm, account, region string
}

// removeVerb removes a stage, or lists what a closing account holds.
func removeVerb(s *settings) *cobra.Command {
	var options removeFlags
	shown := s.command(&cobra.Command{
		Use:   "remove STAGE",
		Short: "Remove a stage, after showing what goes, what stays and what blocks; or list what a closing account holds",
		Long: "remove shows first what CloudFormation will delete, what stays by policy, and what would make it fail half way.\n" +
			"A protected stage, one that the program does not know, one whose stack may be somebody else's, and one that other\n" +
			"services import from is removed only after its name and its account's id were typed, in a terminal or with\n" +
			"--confirm; --yes alone is never enough for those. With --sweep, what a sandbox's stack has left is deleted too: what\n" +
			"carries the stage's tags and is in its ledger, and is in the plan.\n\n" +
			"Without a STAGE, --account lists all that a closing account still holds of ours, in every region: stacks of all\n" +
			"services, bootstraps, and what stages have left behind, each with what to do next. It deletes nothing.\n\n" +
			"Exit codes: 0 it is removed, or the account holds nothing, 1 it is not, or it is not known what is left or not all\n" +
			"swept, or the account holds something, 2 nothing was begun, 3 some regions of the account did not answer.",
		Example: "  roadshow remove pr-417 --yes --sweep\n  roadshow remove production --plan\n" +
			"  roadshow remove production --yes --confirm production/333333333333\n  roadshow remove old --account 111111111111 --region us-east-1\n" +
			"  roadshow remove --account 111111111111",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: s.completeStages,
	}, &options)
	shown.Flags().BoolVar(&options.plan, "plan", false, "show the plan, and change nothing")
	shown.Flags().BoolVar(&options.yes, "yes", false, "do not ask; a protected stage needs --confirm too")
	shown.Flags().StringVar(&options.confirm, "confirm", "", "STAGE/ACCOUNT of a protected stage, or of one that the program does not know")
	shown.Flags().BoolVar(&options.sweep, "sweep", false, "delete what the stack of a sandbox has left, too")
	shown.Flags().StringVar(&options.account, "account", "", "the account of a stage that the program does not know; without a STAGE: list what the account holds")
	shown.Flags().StringVar(&options.region, "region", "", "the region of a stage that the program does not know")
	return shown
}

func (o *removeFlags) validate(names []string, _ func(string) bool) error {
	if len(names) == 0 && (*o != removeFlags{account: o.account} || o.account == "") {
		return message("Which stage? Write the name of a stage to remove it, or --account ACCOUNT and no other flag to list what that account holds.")
	}
	return nil
}

func (o *removeFlags) run(ctx context.Context, s *settings, names []string) (answer, error) {
	all, err := s.loadFleet(ctx)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return o.list(ctx, s, all)
	}
	stage, known, err := o.stage(all, names[0])
	if err != nil {
		return nil, err
	}
	if o.sweep {
		if err := orphan.MaySweep(ctx, all.Fleet, stage, known); err != nil {
			return nil, err // before its stack is removed
		}
	}
	plan, err := all.PlanRemoval(ctx, stage, known)
	if err != nil {
		return nil, err
	}
	done := removed{Service: all.Service, Plan: plan, options: o}
	writePlan(s.talk, plan)
	made, remove, err := o.assembly(ctx, s, all, stage, known)
	if err != nil {
		return nil, err
	}
	defer remove()
	var sweep orphan.SweepPlan
	if o.sweep {
		if sweep, err = orphan.PlanSweep(ctx, all.Fleet, made, stage, known, plan); err != nil {
			return nil, err
		}
		done.Sweep = sweep.Rows
	}
	writeSweep(s.talk, sweep)
	if o.plan {
		return done, nil
	}
	confirmation, agreed, err := o.confirmation(ctx, s, plan, sweep)
	if err != nil {
		return nil, err
	}
	if !agreed {
		return nil, finding{}
	}
	board := s.board([]stages.Stage{stage})
	outcome, err := fleet.Removal{Fleet: all.Fleet, Confirmation: confirmation, Observe: board.Observe}.Run(ctx, plan)
	board.Close()
	if err != nil {
		return nil, err
	}
	done.Outcome = &outcome
	if done.gone() {
		if o.sweep {
			done.Left, err = orphan.Sweep(ctx, all.Fleet, made, sweep, 0)
		} else {
			done.Left, err = orphan.Leftovers(ctx, all.Fleet, made, stage)
		}
		if err != nil { // it is removed all the same
			done.Problem = "what it has left could not be determined, or not all be swept: " + err.Error()
		}
	}
	return done, nil
}

// assembly is what has the names of a stage. Those of a stage that a template makes are known to the program only when it
// is asked for it.
func (o *removeFlags) assembly(ctx context.Context, s *settings, all loaded, stage stages.Stage, known bool) (made fleet.Assembly, remove func(), err error) {
	if !known || o.plan && !o.sweep || slices.Contains(stages.Set(all.Stages).Names(), stage.Name) {
		return fleet.Assembly{Document: all.document}, func() {}, nil
	}
	return s.assemble(ctx, all.program, stage.Name, "roadshow remove")
}

// stage is the stage of a name: the program's, or one that the program does not know, at the place of the flags.
func (o *removeFlags) stage(all loaded, name string) (stage stages.Stage, known bool, err error) {
	stage, known = all.Known(name)
	if !known {
		if o.account == "" || o.region == "" {
			near := ""
			if one := stages.Suggest(name, stages.Set(all.Stages).Names()); one != "" {
				near = fmt.Sprintf(" Did you mean %q?", one)
			}
			return stage, false, message(fmt.Sprintf("The program has no stage %q.%s Write the name of a stage of the set, or --account and --region of the one to remove.", name, near))
		}
		return stages.Stage{Name: name, Account: o.account, Region: o.region}, false, nil
	}
	const elsewhere = "Stage %s is in %s %s, and not in %s. Leave --%s out."
	switch {
	case o.account != "" && o.account != stage.Account:
		return stage, true, message(fmt.Sprintf(elsewhere, name, "account", stage.Account, o.account, "account"))
	case o.region != "" && o.region != stage.Region:
		return stage, true, message(fmt.Sprintf(elsewhere, name, "region", stage.Region, o.region, "region"))
	}
	return stage, true, nil
}

// confirmation has the removal and the sweep confirmed: by the stage's name and its account's id where the plan demands it.
func (o *removeFlags) confirmation(ctx context.Context, s *settings, plan fleet.RemovalPlan, sweep orphan.SweepPlan) (confirmed fleet.Confirmation, agreed bool, err error) {
	person, needed := s.person(), fleet.Confirmation{Stage: plan.Stage, Account: plan.Account}
	name, account, _ := strings.Cut(o.confirm, "/")
	given := fleet.Confirmation{Stage: name, Account: account}
	ask := plan.NeedsConfirmation
	question := fmt.Sprintf("Remove %s from account %s?", plan.Stage, plan.Account)
	if plan.Identity == nil { // only a sweep, which is of sandboxes
		if !sweep.Sweeps() {
			return needed, true, nil
		}
		given, ask, question = needed, false, fmt.Sprintf("Delete what %s has left in account %s?", plan.Stage, plan.Account)
	}
	switch {
	case len(plan.Blocks) > 0: // which the removal refuses
		return given, true, nil
	case ask && o.confirm == "" && person.There():
		confirmed, err = askConfirmation(ctx, person, "This must not be done by mistake.", needed)
		return confirmed, true, err
	case ask && given != needed:
		return given, false, &fleet.ConfirmationError{Plan: plan, Given: given}
	}
	agreed, err = s.agreed(ctx, o.yes, question, "nothing was removed")
	return given, agreed, err
}

// askConfirmation has a person type the name of a stage and the id of its account.
func askConfirmation(ctx context.Context, person *terminal.Person, why string, needed fleet.Confirmation) (typed fleet.Confirmation, err error) {
	if typed.Stage, err = person.Ask(ctx, why+" Type its name:", needed.Stage); err != nil {
		return typed, err
	}
	typed.Account, err = person.Ask(ctx, "Type the id of its account:", needed.Account)
	return typed, err
}

// removed is what `roadshow remove` has done.
type removed struct {
	Service string            `json:"service"`
	Plan    fleet.RemovalPlan `json:"plan"`
	// Sweep lists what --sweep would delete, as it was before anything was removed. A leftover with a Problem is not deleted.
	Sweep   []orphan.Leftover `json:"sweep,omitempty"`
	Outcome *fleet.Outcome    `json:"outcome,omitempty"`
	Left    []orphan.Leftover `json:"left,omitempty"`
	// Problem is why nobody knows what is left.
	Problem string `json:"problem,omitempty"`

	options *removeFlags
}

// gone tells whether the stack is removed.
func (r removed) gone() bool {
	return r.Outcome != nil && fleet.Succeeded([]fleet.Outcome{*r.Outcome})
}

func (r removed) say(talk io.Writer) {
	if r.Outcome != nil {
		sayProblems(talk, []fleet.Outcome{*r.Outcome})
	}
	if r.Problem != "" {
		fmt.Fprintf(talk, "roadshow: %s\n", report.Block(r.Problem))
	}
}

func (r removed) write(out, _ io.Writer) {
	if r.gone() {
		writeLeft(out, r)
	}
}

func (r removed) judge() error {
	if r.Outcome != nil && !r.gone() || r.Problem != "" || r.options.sweep && !orphan.AllSwept(r.Left) || r.options.plan && len(r.Plan.Blocks) > 0 {
		return finding{}
	}
	return nil
}

// writePlan shows what a removal would do.
func writePlan(out io.Writer, plan fleet.RemovalPlan) {
	fmt.Fprintf(out, "%s\n", styled(out, heading, fmt.Sprintf("stage %s: account %s, %s, %s", plan.Stage, plan.Account, plan.Region, plan.Tier)))
	if plan.Status == "" {
		fmt.Fprintf(out, "  there is no stack %s\n", plan.Stack)
		return
	}
	guard := ""
	if plan.Protected {
		guard = ", termination protection on, which the removal switches off"
	}
	fmt.Fprintf(out, "  stack %s, %s%s\n  %d deleted, %d stay\n", plan.Stack, plan.Status, guard, len(plan.Deletes), len(plan.Stays))
	for _, one := range plan.Deletes {
		if one.Stateful {
			fmt.Fprintln(out, styled(out, bad, fmt.Sprintf("  deletes %s %s, and what it holds", one.Type, one.PhysicalID)))
		}
	}
	for _, one := range plan.Stays {
		fmt.Fprintf(out, "  stays   %s %s (%s)\n", one.Type, one.PhysicalID, one.Policy)
	}
	if plan.Doubt != "" {
		fmt.Fprintln(out, styled(out, bad, report.Line("  doubt   it may be somebody else's: "+plan.Doubt)))
	}
	for _, one := range plan.Importers {
		fmt.Fprintln(out, styled(out, bad, report.Line(fmt.Sprintf("  imports %s reads %s", one, strings.Join(one.Reads, ", ")))))
	}
	for _, one := range plan.Blocks {
		fmt.Fprintln(out, styled(out, bad, "  blocks  "+indented(one.String())))
	}
}

// indented is a text whose further lines stand below its first, deeper than a row of a plan begins.
func indented(text string) string {
	return strings.ReplaceAll(report.Block(text), "\n", "\n        ")
}

// writeSweep shows what a sweep would do after the removal.
func writeSweep(out io.Writer, sweep orphan.SweepPlan) {
	for _, one := range sweep.Rows {
		if one.Problem == "" {
			fmt.Fprintln(out, styled(out, bad, report.Line(fmt.Sprintf("  sweeps  %s %s: %sloses %s", one.Type, one.Name, switchesOff(one.SwitchesOff), one.Loses))))
			continue
		}
		fmt.Fprintln(out, report.Line(fmt.Sprintf("  leaves  %s %s: %s", one.Type, one.Name, one.Problem)))
	}
}

// writeLeft says what a removed stage has left.
func writeLeft(out io.Writer, answer removed) {
	left := fmt.Sprintf("%d left", len(answer.Left))
	if answer.Problem != "" {
		left = "and nobody knows what is left"
	}
	fmt.Fprintf(out, "%s: %s, %s\n", answer.Plan.Stage, answer.Outcome.State, left)
	for _, one := range answer.Left {
		state := "left"
		if one.Swept {
			state = "swept"
		}
		if one.Problem != "" {
			state += ": " + report.Line(one.Problem)
		}
		fmt.Fprintf(out, "  %s %s (%s)\n", one.Type, one.Name, state)
	}
}

// list is what an account holds. As JSON each thing is printed as soon as it is known.
func (o *removeFlags) list(ctx context.Context, s *settings, all loaded) (answer, error) {
	held := holdings{account: o.account}
	board := s.board(nil)
	gaps, err := orphan.AccountSearch{
		Fleet: all.Fleet, Account: o.account, Ledger: all.document.Ledger, Observe: board.Observe,
		Found: func(one orphan.Holding) {
			held.all = append(held.all, one)
			s.streamLine(line{Holding: &one})
		},
	}.Run(ctx)
	board.Close()
	for _, gap := range gaps {
		s.streamLine(line{Gap: &gap})
	}
	held.gaps = gaps
	return held, err
}

// holdings is what `roadshow remove --account` has found.
type holdings struct {
	account string
	all     []orphan.Holding
	gaps    []fleet.Gap
}

func (holdings) line() any { return nil }

func (h holdings) say(talk io.Writer) { writeGaps(talk, h.gaps) }

func (h holdings) write(out, _ io.Writer) { writeHoldings(out, h.account, h.all) }

func (h holdings) judge() error {
	if err := judgeGaps(h.gaps); err != nil {
		return err
	}
	if len(h.all) > 0 {
		return finding{}
	}
	return nil
}

// stateCell is the status of a stack, and how sure it is that anything is ours, where that is not certain.
func stateCell(one orphan.Holding) string {
	if one.Status == "" || one.Grade == owner.Certain {
		return cmp.Or(one.Status, string(one.Grade))
	}
	return one.Status + ", " + string(one.Grade)
}

// writeHoldings writes what an account holds, what goes first above what needs it.
func writeHoldings(out io.Writer, account string, held []orphan.Holding) {
	if len(held) == 0 {
		fmt.Fprintf(out, "Account %s holds nothing of ours.\n", account)
		return
	}
	order := []orphan.HoldingKind{orphan.HoldsStack, orphan.HoldsOrphan, orphan.HoldsBootstrap}
	slices.SortStableFunc(held, func(a, b orphan.Holding) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind)),
			cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
	})
	rows := make([][]string, len(held))
	for i, one := range held {
		rows[i] = []string{
			one.Region, string(one.Kind), cmp.Or(one.Type, "?"), one.Name, cmp.Or(one.Stage, "-"), cmp.Or(one.Service, "-"),
			stateCell(one), cmp.Or(one.Blocks, "-"), one.Costs, one.Loses, one.Next,
		}
	}
	writeTable(out, []string{"REGION", "WHAT", "TYPE", "NAME", "STAGE", "SERVICE", "STATE", "BLOCKED BY", "COSTS", "LOSES", "NEXT"}, rows)
}
