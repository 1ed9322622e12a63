package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/orphan"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/stages"
)

// deletionLog is where a deletion is recorded, below the program's folder.
const deletionLog = ".roadshow/deleted.jsonl"

// orphansVerb lists what stages have left behind, and deletes it.
func orphansVerb(s *settings) *cobra.Command {
	var options cleaning
	verb := &cobra.Command{
		Use:   "orphans [STAGE…]",
		Short: "List what stages have left behind in the accounts, and delete it after a plan and the ritual",
		Long: "orphans compares what the accounts of the set hold with their stacks, live and deleted, and with the ledger: what\n" +
			"carries the tags or a name of a stage and is in no live stack, and stacks that failed or whose stage is not in the\n" +
			"set. A STAGE may also be one that the set does not have any more. docs/orphans.md says what the grades mean.\n\n" +
			"With --delete the plan comes first; then it needs a typed yes, or --yes. Where a stage is not in the set, its name\n" +
			"and its account's id must be typed, or given with --confirm; --yes alone is never enough. Protected stages are never\n" +
			"touched, nor what is unsure, nor an account that has not answered everything. Run it again after an interruption.\n\n" +
			"Exit codes: 0 nothing certain or likely is left, 1 something is, 2 it could not be told, 3 some did not answer.",
		Example: "  roadshow orphans\n  roadshow orphans dev --json\n  roadshow orphans --delete\n" +
			"  roadshow orphans pr-417 --delete --likely --yes\n  roadshow orphans old --delete --yes --confirm old/111111111111",
		ValidArgsFunction: s.completeStages,
		RunE:              func(verb *cobra.Command, names []string) error { return s.orphans(verb, names, options) },
	}
	verb.Flags().BoolVar(&options.delete, "delete", false, "delete the certain ones, after the plan and an agreement")
	verb.Flags().BoolVar(&options.likely, "likely", false, "with --delete: the likely ones, too")
	verb.Flags().BoolVar(&options.yes, "yes", false, "with --delete: do not ask; a stage that is not in the set needs --confirm too")
	verb.Flags().StringArrayVar(&options.confirm, "confirm", nil, "with --delete: STAGE/ACCOUNT of a stage that is not in the set; may be repeated")
	verb.Flags().StringVar(&options.log, "log", "", "with --delete: the file that each step is written to (default: "+deletionLog+" beside cdk.json)")
	return verb
}

// cleaning is the flags of the verb.
type cleaning struct {
	delete, likely, yes bool
	confirm             []string
	log                 string
}

// validate refuses what would be passed over in silence: whoever writes --yes believes that something is deleted.
func (c cleaning) validate(verb *cobra.Command) error {
	for _, name := range []string{"likely", "yes", "confirm", "log"} {
		if verb.Flags().Changed(name) && !c.delete {
			return &stages.FieldError{
				Thing: "roadshow orphans", Field: "--" + name, Got: "given without --delete", Want: "both, or neither",
				Fix: "write --delete too, or leave --" + name + " out",
			}
		}
	}
	return nil
}

// line is one line of the verb's JSON: it has one of these.
type line struct {
	Orphan  *orphan.Orphan       `json:"orphan,omitempty"`
	Gap     *fleet.Gap           `json:"gap,omitempty"`
	Plan    *orphan.DeletionPlan `json:"plan,omitempty"`
	Step    *orphan.DeletionStep `json:"step,omitempty"`
	Holding *orphan.Holding      `json:"holding,omitempty"`
	Summary *orphanSummary       `json:"summary,omitempty"`
}

// orphanSummary is the last line, so that a list that was cut off is told from a whole one.
type orphanSummary struct {
	Service string `json:"service"`
	Certain int    `json:"certain"`
	Likely  int    `json:"likely"`
	Unsure  int    `json:"unsure"`
	Deleted int    `json:"deleted"`
	Gaps    int    `json:"gaps"`
}

// writeLine writes one line of JSON.
func writeLine(out io.Writer, one line) error {
	return report.JSONLine(out, report.Redactor(out), one)
}

func (s *settings) orphans(verb *cobra.Command, names []string, options cleaning) error {
	ctx, out, talk := verb.Context(), verb.OutOrStdout(), verb.ErrOrStderr()
	if err := options.validate(verb); err != nil {
		return err
	}
	all, program, document, err := s.documented(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, known := all.Known(name); !known {
			fmt.Fprintf(talk, "roadshow: stage %s is not in the set; it is looked for in all accounts\n", name)
		}
	}
	summary := orphanSummary{Service: all.Service}
	var found []orphan.Orphan
	var written error
	board := newBoard(talk, nil)
	gaps, err := orphan.Search{
		Fleet: all, Ledger: document.Ledger, Names: names, Observe: board.observe,
		Found: func(one orphan.Orphan) {
			found = append(found, one)
			if s.json {
				written = cmp.Or(written, writeLine(out, line{Orphan: &one}))
			}
		},
	}.Run(ctx)
	board.close()
	if err = cmp.Or(err, written); err != nil {
		return err
	}
	for _, one := range found {
		switch one.Grade {
		case orphan.Certain:
			summary.Certain++
		case orphan.Likely:
			summary.Likely++
		default:
			summary.Unsure++
		}
	}
	summary.Gaps = len(gaps)
	if !s.json {
		writeOrphans(out, found, all.Now())
	}
	writeGaps(talk, gaps)
	left := summary.Certain+summary.Likely > 0
	if options.delete {
		var steps []orphan.DeletionStep
		if steps, left, err = s.deleteOrphans(verb, all, program.Dir, found, gaps, options); err != nil {
			return err
		}
		for _, step := range steps {
			if step.State == orphan.StepDeleted || step.State == orphan.StepGone {
				summary.Deleted++
			}
		}
	}
	if s.json {
		for _, gap := range gaps {
			if err := writeLine(out, line{Gap: &gap}); err != nil {
				return err
			}
		}
		if err := writeLine(out, line{Summary: &summary}); err != nil {
			return err
		}
	}
	switch {
	case len(gaps) > 0:
		return incomplete{}
	case left:
		return finding{}
	}
	return nil
}

// deleteOrphans shows the plan, has it agreed to, and does it. left tells whether something certain or likely is
// there still.
func (s *settings) deleteOrphans(verb *cobra.Command, all *fleet.Fleet, dir string, found []orphan.Orphan, gaps []fleet.Gap, options cleaning) (steps []orphan.DeletionStep, left bool, err error) {
	ctx, out, talk := verb.Context(), verb.OutOrStdout(), verb.ErrOrStderr()
	plan := orphan.PlanDeletion(all, found, gaps, options.likely)
	if s.json {
		if err := writeLine(out, line{Plan: &plan}); err != nil {
			return nil, false, err
		}
	} else {
		writeDeletions(out, plan)
	}
	left = slices.ContainsFunc(plan.Keeps, func(one orphan.Kept) bool { return one.Grade != orphan.Unsure })
	if len(plan.Deletes) == 0 {
		return nil, left, nil
	}
	if err := orphan.MayDelete(ctx, all, plan); err != nil {
		return nil, true, err
	}
	rituals, agreed, err := agreeToDelete(ctx, newPerson(verb), plan, options)
	if err != nil {
		return nil, true, err
	}
	if !agreed {
		fmt.Fprintln(talk, "nothing was changed")
		return nil, true, nil
	}
	path := cmp.Or(options.log, filepath.Join(dir, filepath.FromSlash(deletionLog)))
	log, err := orphan.OpenDeletionLog(path)
	if err != nil {
		return nil, true, err
	}
	defer log.Close()
	board := newBoard(talk, nil)
	steps, err = orphan.Deletion{Fleet: all, Confirmations: rituals, Log: log, Observe: board.observe}.Run(ctx, plan)
	board.close()
	for _, step := range steps {
		if s.json {
			err = cmp.Or(err, writeLine(out, line{Step: &step}))
		} else {
			fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("%-7s %s %s (%s %s) %s", step.State, step.Type, step.Name, step.Account, step.Region, step.Problem), " "))
		}
	}
	if err == nil || ctx.Err() != nil {
		fmt.Fprintf(talk, "each step is written to %s\n", path)
	}
	return steps, left || !orphan.AllDeleted(steps), err
}

// agreeToDelete has the deletion agreed to: with the ritual for each stage that is not in the set.
func agreeToDelete(ctx context.Context, person *person, plan orphan.DeletionPlan, options cleaning) (rituals []fleet.Confirmation, agreed bool, err error) {
	for _, text := range options.confirm {
		stage, account, _ := strings.Cut(text, "/")
		rituals = append(rituals, fleet.Confirmation{Stage: stage, Account: account})
	}
	if options.yes {
		return rituals, true, nil // what the ritual lacks, the deletion refuses
	}
	if !person.there() {
		return nil, false, &stages.FieldError{
			Thing: "orphans", Field: "deletion", Got: "not agreed to", Want: "a yes", Fix: "write --yes, or run it in a terminal",
		}
	}
	for _, needed := range plan.Confirmations {
		if slices.Contains(rituals, needed) {
			continue
		}
		var typed fleet.Confirmation
		if typed.Stage, err = person.ask(ctx, "Stage "+needed.Stage+" is not in the set. Type its name:"); err != nil {
			return nil, false, err
		}
		if typed.Account, err = person.ask(ctx, "Type the id of its account:"); err != nil {
			return nil, false, err
		}
		rituals = append(rituals, typed)
	}
	agreed, err = person.agrees(ctx, fmt.Sprintf("Delete these %d?", len(plan.Deletes)))
	return rituals, agreed, err
}

// writeOrphans writes the table, the surest first.
func writeOrphans(out io.Writer, found []orphan.Orphan, now time.Time) {
	if len(found) == 0 {
		fmt.Fprintln(out, "nothing was found")
		return
	}
	order := []orphan.Grade{orphan.Certain, orphan.Likely, orphan.Unsure}
	slices.SortStableFunc(found, func(a, b orphan.Orphan) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Grade), slices.Index(order, b.Grade)), cmp.Compare(a.Account, b.Account),
			cmp.Compare(a.Region, b.Region), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
	})
	rows := make([][]string, len(found))
	for i, one := range found {
		age := "unknown"
		if one.Created != nil {
			age = ago(*one.Created, now)
		}
		rows[i] = []string{
			string(one.Grade), cmp.Or(one.Type, "?"), one.Name, one.Account, one.Region, one.Stage, one.Service, age, one.Loses, one.Why,
		}
	}
	writeTable(out, []string{"GRADE", "TYPE", "NAME", "ACCOUNT", "REGION", "STAGE", "SERVICE", "MADE", "DELETING LOSES", "WHY"}, rows)
}

// writeDeletions shows what a deletion would do.
func writeDeletions(out io.Writer, plan orphan.DeletionPlan) {
	fmt.Fprintf(out, "\n%s\n", styled(out, heading, fmt.Sprintf("plan: %d deleted, %d kept", len(plan.Deletes), len(plan.Keeps))))
	for _, one := range plan.Deletes {
		fmt.Fprintf(out, "  deletes %s %s (%s %s): loses %s\n", one.Type, one.Name, one.Account, one.Region, one.Loses)
	}
	for _, one := range plan.Keeps {
		fmt.Fprintf(out, "  keeps   %s %s (%s %s): %s\n", cmp.Or(one.Type, "?"), one.Name, one.Account, one.Region, one.Reason)
	}
}
