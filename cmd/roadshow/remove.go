package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/orphan"
	"github.com/roadshow-go/roadshow/stages"
)

// removeVerb removes a stage.
func removeVerb(s *settings) *cobra.Command {
	var options removal
	verb := &cobra.Command{
		Use:   "remove STAGE",
		Short: "Remove a stage, after showing what goes, what stays and what blocks; or list what a closing account holds",
		Long: "remove shows first what CloudFormation will delete, what stays by policy, and what would make it fail half way.\n" +
			"A protected stage, and one that the program does not know, is removed only after its name and its account's id\n" +
			"were typed, in a terminal or with --confirm; --yes alone is never enough for those. With --sweep, what a\n" +
			"sandbox's stack has left is deleted too: what carries the stage's tags and is in its ledger.\n\n" +
			"Without a STAGE, --account lists all that a closing account still holds of ours, in every region: stacks of all\n" +
			"services, bootstraps, and what stages have left behind, each with what to do next. It deletes nothing.\n\n" +
			"Exit codes: 0 it is removed, or the account holds nothing, 1 it is not, or it is not known what is left or not all\n" +
			"swept, or the account holds something, 2 nothing was begun, 3 some regions of the account did not answer.",
		Example: "  roadshow remove pr-417 --yes --sweep\n  roadshow remove production --plan\n" +
			"  roadshow remove production --yes --confirm production/333333333333\n  roadshow remove old --account 111111111111 --region us-east-1\n" +
			"  roadshow remove --account 111111111111",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: s.completeStages,
		RunE: func(verb *cobra.Command, names []string) error {
			if len(names) == 0 {
				return s.closing(verb, options)
			}
			return s.remove(verb, names[0], options)
		},
	}
	verb.Flags().BoolVar(&options.plan, "plan", false, "show the plan, and change nothing")
	verb.Flags().BoolVar(&options.yes, "yes", false, "do not ask; a protected stage needs --confirm too")
	verb.Flags().StringVar(&options.confirm, "confirm", "", "STAGE/ACCOUNT of a protected stage, or of one that the program does not know")
	verb.Flags().BoolVar(&options.sweep, "sweep", false, "delete what the stack of a sandbox has left, too")
	verb.Flags().StringVar(&options.account, "account", "", "the account of a stage that the program does not know; without a STAGE: list what the account holds")
	verb.Flags().StringVar(&options.region, "region", "", "the region of a stage that the program does not know")
	return verb
}

// removal is the flags of the verb.
type removal struct {
	plan, yes, sweep         bool
	confirm, account, region string
}

// removed is the verb's JSON.
type removed struct {
	Service string            `json:"service"`
	Plan    fleet.RemovalPlan `json:"plan"`
	Outcome *fleet.Outcome    `json:"outcome,omitempty"`
	Left    []orphan.Leftover `json:"left,omitempty"`
	// Problem is why nobody knows what is left.
	Problem string `json:"problem,omitempty"`
}

func (s *settings) remove(verb *cobra.Command, name string, options removal) error {
	ctx, talk := verb.Context(), verb.ErrOrStderr()
	all, found, document, err := s.documented(ctx)
	if err != nil {
		return err
	}
	stage, known := all.Known(name)
	if !known {
		if options.account == "" || options.region == "" {
			return &stages.FieldError{
				Thing: "stage " + name, Field: "place", Got: "not known: the program has no such stage", Want: "its account and region",
				Fix: "write --account and --region, or the name of a stage of the set",
			}
		}
		stage = stages.Stage{Name: name, Account: options.account, Region: options.region}
	}
	for _, place := range []struct{ field, got, want string }{{"account", options.account, stage.Account}, {"region", options.region, stage.Region}} {
		if place.got != "" && place.got != place.want {
			return &stages.FieldError{
				Thing: "stage " + name, Field: place.field, Got: place.got, Want: place.want + ", which the program has", Fix: "leave --" + place.field + " out",
			}
		}
	}
	if options.sweep {
		if err := orphan.MaySweep(ctx, all, stage, known); err != nil {
			return err // before its stack is removed
		}
	}
	plan, err := all.PlanRemoval(ctx, stage, known)
	if err != nil {
		return err
	}
	writePlan(talk, plan)
	answer := removed{Service: all.Service, Plan: plan}
	ready := fleet.Assembly{Document: document}
	if !options.plan {
		ritual, agreed, err := agree(verb, plan, options)
		if err != nil {
			return err
		}
		if !agreed {
			fmt.Fprintln(talk, "nothing was changed")
			return finding{}
		}
		if known && !inSet(all.Stages, name) {
			// The names of a stage that a template makes are known to the program only when it is asked for it.
			made, remove, err := assemble(ctx, found, name, verb)
			if err != nil {
				return err
			}
			defer remove()
			ready = made
		}
		board := newBoard(talk, []stages.Stage{stage})
		outcome, err := fleet.Removal{Fleet: all, Confirmation: ritual, Observe: board.observe}.Run(ctx, plan)
		board.close()
		if err != nil {
			return err
		}
		answer.Outcome = &outcome
		sayProblems(talk, []fleet.Outcome{outcome})
	}
	gone := answer.Outcome != nil && fleet.Succeeded([]fleet.Outcome{*answer.Outcome})
	if gone {
		if options.sweep {
			answer.Left, err = orphan.Sweep(ctx, all, ready, stage, known)
		} else {
			answer.Left, err = orphan.Leftovers(ctx, all, ready, stage)
		}
		if err != nil {
			// It is removed all the same.
			answer.Problem = "what it has left could not be told, or not all be swept: " + err.Error()
			fmt.Fprintf(talk, "roadshow: %s\n", answer.Problem)
		}
	}
	if s.json {
		if err := s.print(verb, answer); err != nil {
			return err
		}
	} else if gone {
		writeLeft(verb.OutOrStdout(), answer)
	}
	if answer.Outcome != nil && !gone || answer.Problem != "" || options.sweep && !orphan.AllSwept(answer.Left) || options.plan && len(plan.Blocks) > 0 {
		return finding{}
	}
	return nil
}

func inSet(all []stages.Stage, name string) bool {
	for _, stage := range all {
		if stage.Name == name {
			return true
		}
	}
	return false
}

// agree has the removal agreed to: with the ritual where the plan demands it.
func agree(verb *cobra.Command, plan fleet.RemovalPlan, options removal) (ritual fleet.Confirmation, agreed bool, err error) {
	ctx, person := verb.Context(), newPerson(verb)
	name, account, _ := strings.Cut(options.confirm, "/")
	ritual = fleet.Confirmation{Stage: name, Account: account}
	done := ritual == fleet.Confirmation{Stage: plan.Stage, Account: plan.Account}
	switch {
	case plan.Status == "":
		ritual = fleet.Confirmation{Stage: plan.Stage, Account: plan.Account} // there is nothing to protect
		return ritual, true, nil
	case len(plan.Blocks) > 0:
		return ritual, true, nil // which the removal refuses
	case plan.NeedsConfirmation && options.confirm == "" && person.there():
		if ritual.Stage, err = person.ask(ctx, "This stage must not be lost. Type its name:"); err != nil {
			return ritual, false, err
		}
		ritual.Account, err = person.ask(ctx, "Type the id of its account:")
		return ritual, true, err
	case options.yes:
		return ritual, true, nil
	case person.there():
		agreed, err = person.agrees(ctx, fmt.Sprintf("Remove %s from account %s?", plan.Stage, plan.Account))
		return ritual, agreed, err
	}
	if plan.NeedsConfirmation && !done {
		return ritual, false, &fleet.ConfirmationError{Plan: plan, Given: ritual}
	}
	return ritual, false, &stages.FieldError{
		Thing: "stage " + plan.Stage, Field: "removal", Got: "not agreed to", Want: "a yes", Fix: "write --yes, or run it in a terminal",
	}
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
		guard = ", termination protection on"
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
	for _, one := range plan.Blocks {
		fmt.Fprintln(out, styled(out, bad, "  blocks  "+one.String()))
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
			state += ": " + one.Problem
		}
		fmt.Fprintf(out, "  %s %s (%s)\n", one.Type, one.Name, state)
	}
}

// closing lists what an account holds.
func (s *settings) closing(verb *cobra.Command, options removal) error {
	ctx, out, talk := verb.Context(), verb.OutOrStdout(), verb.ErrOrStderr()
	if options != (removal{account: options.account}) || options.account == "" {
		return &stages.FieldError{
			Thing: "remove", Field: "STAGE", Got: "not given", Want: "a stage, or --account alone",
			Fix: "write the name of a stage to remove it, or --account ACCOUNT and no other flag to list what that account holds",
		}
	}
	all, _, document, err := s.documented(ctx)
	if err != nil {
		return err
	}
	var held []orphan.Holding
	var written error
	board := newBoard(talk, nil)
	gaps, err := orphan.AccountSearch{
		Fleet: all, Account: options.account, Ledger: document.Ledger, Observe: board.observe,
		Found: func(one orphan.Holding) {
			held = append(held, one)
			if s.json {
				written = cmp.Or(written, writeLine(out, line{Holding: &one}))
			}
		},
	}.Run(ctx)
	board.close()
	if err = cmp.Or(err, written); err != nil {
		return err
	}
	if !s.json {
		writeHoldings(out, options.account, held)
	}
	writeGaps(talk, gaps)
	for _, gap := range gaps {
		if s.json {
			if err := writeLine(out, line{Gap: &gap}); err != nil {
				return err
			}
		}
	}
	switch {
	case len(gaps) > 0:
		return incomplete{}
	case len(held) > 0:
		return finding{}
	}
	return nil
}

// writeHoldings writes what an account holds, what goes first above what needs it.
func writeHoldings(out io.Writer, account string, held []orphan.Holding) {
	if len(held) == 0 {
		fmt.Fprintf(out, "account %s holds nothing of ours\n", account)
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
			cmp.Or(one.Status, string(one.Grade), "-"), cmp.Or(one.Blocks, "-"), one.Costs, one.Loses, one.Next,
		}
	}
	writeTable(out, []string{"REGION", "WHAT", "TYPE", "NAME", "STAGE", "SERVICE", "STATE", "BLOCKED BY", "COSTS", "LOSES", "NEXT"}, rows)
}
