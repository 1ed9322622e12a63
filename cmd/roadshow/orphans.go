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
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/stages"
)

// deletionLog is where a deletion is recorded, below the program's folder.
const deletionLog = ".roadshow/deleted.jsonl"

// orphanFlags are the flags of `roadshow orphans`.
type orphanFlags struct {
	delete, likely, yes bool
	confirm             []string
	log                 string
}

// orphansVerb lists what stages have left behind, and deletes it.
func orphansVerb(s *settings) *cobra.Command {
	var options orphanFlags
	shown := s.command(&cobra.Command{
		Use:   "orphans [STAGE…]",
		Short: "List what stages have left behind in the accounts, and delete it after a plan and a confirmation",
		Long: "orphans compares what the accounts of the set hold with their stacks, live and deleted, and with the ledger: what\n" +
			"carries the tags or a name of a stage and is in no live stack, and stacks that failed or whose stage is not in the\n" +
			"set. A STAGE may also be one that the set does not have any more. docs/orphans.md says what the grades mean.\n\n" +
			"With --delete the plan comes first; then it needs a typed yes, or --yes. Where a stage is not in the set, its name\n" +
			"and its account's id must be typed, or given with --confirm; --yes alone is never enough. Protected stages are never\n" +
			"touched, nor what is unsure, nor an account that has not answered everything. Run it again after an interruption.\n\n" +
			"Exit codes: 0 nothing certain or likely is left, 1 something is, 2 it could not be determined, 3 some did not answer.",
		Example: "  roadshow orphans\n  roadshow orphans dev --json\n  roadshow orphans --delete\n" +
			"  roadshow orphans pr-417 --delete --likely --yes\n  roadshow orphans old --delete --yes --confirm old/111111111111",
		ValidArgsFunction: s.completeStages,
	}, &options)
	shown.Flags().BoolVar(&options.delete, "delete", false, "delete the certain ones, after the plan and an agreement")
	shown.Flags().BoolVar(&options.likely, "likely", false, "with --delete: the likely ones, too")
	shown.Flags().BoolVar(&options.yes, "yes", false, "with --delete: do not ask; a stage that is not in the set needs --confirm too")
	shown.Flags().StringArrayVar(&options.confirm, "confirm", nil, "with --delete: STAGE/ACCOUNT of a stage that is not in the set; may be repeated")
	shown.Flags().StringVar(&options.log, "log", "", "with --delete: the file that each step is written to (default: "+deletionLog+" beside cdk.json)")
	return shown
}

func (o *orphanFlags) validate(_ []string, given func(string) bool) error {
	return needs(given, "delete", "likely", "yes", "confirm", "log")
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

// orphans is what `roadshow orphans` has found and deleted. Each thing was written as soon as it was known.
type orphans struct {
	summary orphanSummary
	left    bool // something certain or likely
}

func (o orphans) line() any { return line{Summary: &o.summary} }

func (orphans) write(io.Writer, io.Writer) {}

func (o orphans) judge() error {
	switch {
	case o.summary.Gaps > 0:
		return incomplete{}
	case o.left:
		return finding{}
	}
	return nil
}

func (o *orphanFlags) run(ctx context.Context, s *settings, names []string) (answer, error) {
	all, err := s.loadFleet(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, known := all.Known(name); !known {
			near := stages.Suggest(name, stages.Set(all.Stages).Names())
			if near != "" {
				near = fmt.Sprintf(" Did you mean %q?", near)
			}
			fmt.Fprintf(s.talk, "roadshow: Stage %s is not in the set. It is looked for in all accounts.%s\n", name, near)
		}
	}
	var found []orphan.Orphan
	board := s.board(nil)
	gaps, err := orphan.Search{
		Fleet: all.Fleet, Ledger: all.document.Ledger, Names: names, Observe: board.Observe,
		Found: func(one orphan.Orphan) {
			found = append(found, one)
			s.streamLine(line{Orphan: &one})
		},
	}.Run(ctx)
	board.Close()
	if err != nil {
		return nil, err
	}
	told := orphans{summary: orphanSummary{Service: all.Service, Gaps: len(gaps)}}
	for _, one := range found {
		switch one.Grade {
		case owner.Certain:
			told.summary.Certain++
		case owner.Likely:
			told.summary.Likely++
		default:
			told.summary.Unsure++
		}
	}
	if !s.json {
		writeOrphans(s.out, found, all.Now())
	}
	writeGaps(s.talk, gaps)
	told.left = told.summary.Certain+told.summary.Likely > 0
	if o.delete {
		var steps []orphan.DeletionStep
		if steps, told.left, err = o.deleteOrphans(ctx, s, all, found, gaps); err != nil {
			return nil, err
		}
		for _, step := range steps {
			if step.State == orphan.StepDeleted || step.State == orphan.StepGone {
				told.summary.Deleted++
			}
		}
	}
	for _, gap := range gaps {
		s.streamLine(line{Gap: &gap})
	}
	return told, nil
}

// deleteOrphans shows the plan, has it confirmed, and does it. left tells whether something certain or likely is there
// still.
func (o *orphanFlags) deleteOrphans(ctx context.Context, s *settings, all loaded, found []orphan.Orphan, gaps []fleet.Gap) (steps []orphan.DeletionStep, left bool, err error) {
	plan := orphan.PlanDeletion(all.Fleet, found, gaps, o.likely)
	s.streamLine(line{Plan: &plan})
	if !s.json {
		writeDeletions(s.out, plan)
	}
	left = slices.ContainsFunc(plan.Keeps, func(one orphan.Kept) bool { return one.Grade != owner.Unsure })
	if len(plan.Deletes) == 0 {
		return nil, left, nil
	}
	if err := orphan.MayDelete(ctx, all.Fleet, plan); err != nil {
		return nil, true, err
	}
	if s.unwritten() != nil { // nobody has seen the plan
		return nil, true, message("The plan could not be written, so nothing was deleted.")
	}
	confirmations, agreed, err := o.confirmations(ctx, s, plan)
	if err != nil {
		return nil, true, err
	}
	if !agreed {
		return nil, true, nil
	}
	path := cmp.Or(o.log, filepath.Join(all.program.Dir, filepath.FromSlash(deletionLog)))
	log, err := orphan.OpenDeletionLog(path)
	if err != nil {
		return nil, true, err
	}
	defer log.Close()
	board := s.board(nil)
	steps, err = orphan.Deletion{Fleet: all.Fleet, Confirmations: confirmations, Log: log, Observe: board.Observe}.Run(ctx, plan)
	board.Close()
	for _, step := range steps {
		s.streamLine(line{Step: &step})
		if !s.json {
			fmt.Fprintln(s.out, report.Line(strings.TrimRight(fmt.Sprintf("%-7s %s %s (%s %s) %s", step.State, step.Type, step.Name, step.Account, step.Region, step.Problem), " ")))
		}
	}
	if err == nil || ctx.Err() != nil {
		fmt.Fprintf(s.talk, "each step is written to %s\n", path)
	}
	return steps, left || !orphan.AllDeleted(steps), err
}

// confirmations has the deletion confirmed: by the name and the account of each stage that is not in the set, typed or in
// --confirm, and a yes.
func (o *orphanFlags) confirmations(ctx context.Context, s *settings, plan orphan.DeletionPlan) (typed []fleet.Confirmation, agreed bool, err error) {
	for _, text := range o.confirm {
		stage, account, _ := strings.Cut(text, "/")
		typed = append(typed, fleet.Confirmation{Stage: stage, Account: account})
	}
	person := s.person()
	for _, needed := range plan.Confirmations {
		if slices.Contains(typed, needed) || o.yes || !person.There() { // what is not confirmed, the deletion refuses
			continue
		}
		confirmed, err := askConfirmation(ctx, person, "Stage "+needed.Stage+" is not in the set.", needed)
		if err != nil {
			return nil, false, err
		}
		typed = append(typed, confirmed)
	}
	agreed, err = s.agreed(ctx, o.yes, fmt.Sprintf("Delete these %d?", len(plan.Deletes)), "nothing was deleted")
	return typed, agreed, err
}

// writeOrphans writes the table, the surest first.
func writeOrphans(out io.Writer, found []orphan.Orphan, now time.Time) {
	if len(found) == 0 {
		fmt.Fprintln(out, "Nothing is left behind.")
		return
	}
	order := []owner.Grade{owner.Certain, owner.Likely, owner.Unsure}
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
		fmt.Fprintf(out, "  deletes %s %s (%s %s): %sloses %s\n", one.Type, one.Name, one.Account, one.Region, switchesOff(one.SwitchesOff), one.Loses)
	}
	for _, one := range plan.Keeps {
		fmt.Fprintf(out, "  keeps   %s %s (%s %s): %s\n", cmp.Or(one.Type, "?"), one.Name, one.Account, one.Region, one.Reason)
	}
}

// switchesOff says that a deletion switches a protection off before; empty where it does not.
func switchesOff(what string) string {
	if what == "" {
		return ""
	}
	return "switches " + what + " off, "
}
