package orphan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/stages"
)

// Leftover is something of a stage that no stack has, or none will have after a removal.
type Leftover struct {
	// Type is its CloudFormation type, Name its physical name or id.
	Type string `json:"type"`
	Name string `json:"name"`
	// Tagged tells whether it carries the stage's tags, Listed whether the ledger has its name, for
	// its type; only what has both is swept.
	Tagged bool `json:"tagged"`
	Listed bool `json:"listed"`
	// Loses is what deleting it would lose, SwitchesOff the protection that is switched off for
	// that, both in words.
	Loses       string `json:"loses"`
	SwitchesOff string `json:"switchesOff,omitempty"`
	// Swept tells whether it was deleted, Problem why it was not, or will not be.
	Swept   bool   `json:"swept"`
	Problem string `json:"problem,omitempty"`
}

// where is a thing's key in one place.
func (l *Leftover) where() string { return l.Type + " " + l.Name }

// SweepError says that a stage may not be swept. Nothing was changed.
type SweepError struct {
	// Stage is the stage, Reason why not.
	Stage  stages.Stage
	Reason string
}

func (e *SweepError) Error() string {
	return fmt.Sprintf("Stage %s (%s) cannot be swept: %s.\nOnly a sandbox whose stack is removed can. Leave --sweep out.", e.Stage.Name, e.Stage.Tier, e.Reason)
}

// MaySweep tells whether a stage may be swept at all, so that its stack need not be removed first
// to find out. It asks nobody. The error is a [*SweepError] where the stage is no sandbox of the
// program, and an [*OwnCredentialsError] where its account is reached from another one.
func MaySweep(ctx context.Context, f *fleet.Fleet, stage stages.Stage, known bool) error {
	if stage.Tier != stages.Sandbox || !known {
		return &SweepError{Stage: stage, Reason: "what it has left may be all there is"}
	}
	return f.OwnCredentials(ctx, "the sweep", "roadshow remove "+stage.Name+" --sweep", stage)
}

// Leftovers lists what a stage of the service has left while no stack has it: what carries its
// tags, what has a name of its ledger, and what its deleted stacks have left by policy. The error
// is a [*SweepError] where it has a stack still, or a [*ServiceError]: a list that is not whole is
// none.
func Leftovers(ctx context.Context, f *fleet.Fleet, assembly fleet.Assembly, stage stages.Stage) ([]Leftover, error) {
	s, err := newSweeper(ctx, f, assembly, stage)
	if err != nil {
		return nil, err
	}
	if s.index.stackNamed(s.stack) != nil {
		return nil, &SweepError{Stage: stage, Reason: "stack " + s.stack + " is still there"}
	}
	orphans, err := s.find(ctx)
	if err != nil {
		return nil, err
	}
	found := make([]Leftover, len(orphans))
	for i := range orphans {
		found[i] = leftover(&orphans[i])
	}
	return found, nil
}

// sweeper looks for what one stage has left.
type sweeper struct {
	search  *search
	index   *stackIndex
	stack   string // the name of the stage's
	orphans []Orphan
}

func newSweeper(ctx context.Context, f *fleet.Fleet, assembly fleet.Assembly, stage stages.Stage) (*sweeper, error) {
	s := &sweeper{}
	s.search = newSearch(Search{Fleet: f, Ledger: assembly.Document.Ledger, Names: []string{stage.Name}, Found: func(one Orphan) {
		if one.Service == f.Service && one.stack == nil {
			s.orphans = append(s.orphans, one)
		}
	}})
	var err error
	if s.stack, err = f.StackName(stage); err != nil {
		return nil, err
	}
	config, _, err := f.Reach(ctx, stage)
	if err != nil {
		return nil, err
	}
	s.index, err = newStackIndex(ctx, f, stage, fleet.Patient(config))
	return s, fleet.AsServiceError(stage, "CloudFormation", err)
}

// find is what the stage has left that no stack has. What is unsure and only has a name that begins
// like the stage's is not among it.
func (s *sweeper) find(ctx context.Context) ([]Orphan, error) {
	s.search.place(ctx, s.index, []*stackIndex{s.index})
	if err := cmp.Or(ctx.Err(), s.gap()); err != nil {
		return nil, err
	}
	s.orphans = slices.DeleteFunc(s.orphans, func(one Orphan) bool { return one.Grade == owner.Unsure && !one.tagged && one.evidence.Left == nil })
	sortOrphans(s.orphans)
	return s.orphans, nil
}

// gap is the first question that was not answered.
func (s *sweeper) gap() error {
	for _, gap := range s.search.gaps {
		return &fleet.ServiceError{Stage: s.index.place, Service: gap.Service, Err: errors.New(gap.Problem)}
	}
	return nil
}

func sortOrphans(all []Orphan) {
	slices.SortFunc(all, func(a, b Orphan) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name)) })
}

func leftover(one *Orphan) Leftover {
	return Leftover{
		Type: one.Type, Name: one.Name, Tagged: one.evidence.Of == ofTags(one), Listed: one.evidence.Listed, Loses: one.Loses, SwitchesOff: one.SwitchesOff,
	}
}

// ofTags is who a thing's tags say it is of. The program is the stack's to say.
func ofTags(one *Orphan) owner.Maker {
	said := owner.MakerOf(one.Tags)
	said.Program = one.evidence.Of.Program
	return said
}

// SweepPlan is what a sweep would do. Making one changes nothing.
type SweepPlan struct {
	// Rows are what the stage has left, and what the removal of its stack will leave; those without
	// a problem are swept.
	Rows []Leftover

	stage   stages.Stage
	deletes DeletionPlan
}

// Sweeps tells whether anything would be swept.
func (p SweepPlan) Sweeps() bool { return len(p.deletes.Deletes) > 0 }

// PlanSweep plans the sweep of a stage after a removal: of what it has left already, and of what
// the removal leaves by policy. The error is that of [MaySweep], or a [*ServiceError].
func PlanSweep(ctx context.Context, f *fleet.Fleet, assembly fleet.Assembly, stage stages.Stage, known bool, removal fleet.RemovalPlan) (SweepPlan, error) {
	planned := SweepPlan{Rows: []Leftover{}, stage: stage}
	if err := MaySweep(ctx, f, stage, known); err != nil {
		return planned, err
	}
	s, err := newSweeper(ctx, f, assembly, stage)
	if err != nil {
		return planned, err
	}
	orphans, err := s.find(ctx)
	if err != nil {
		return planned, err
	}
	stays, err := s.stays(ctx, f, removal)
	if err != nil {
		return planned, err
	}
	orphans = append(orphans, stays...)
	sortOrphans(orphans)
	var swept []Orphan
	for i := range orphans {
		row := leftover(&orphans[i])
		switch {
		case !row.Listed:
			row.Problem = "the program has no such name; delete it by hand"
		case !row.Tagged:
			row.Problem = "it does not carry the stage's tags; delete it by hand"
		default:
			swept = append(swept, orphans[i])
		}
		planned.Rows = append(planned.Rows, row)
	}
	planned.deletes = PlanDeletion(f, swept, nil, true)
	for _, kept := range planned.deletes.Keeps {
		for i := range planned.Rows {
			if row := &planned.Rows[i]; row.Type == kept.Type && row.Name == kept.Name {
				row.Problem = kept.Reason
				if kept.Grade == owner.Unsure {
					row.Problem = "it is unsure: " + kept.Why
				}
			}
		}
	}
	return planned, nil
}

// stays are the orphans that a removal is about to make.
func (s *sweeper) stays(ctx context.Context, f *fleet.Fleet, removal fleet.RemovalPlan) ([]Orphan, error) {
	if removal.Identity == nil {
		return nil, nil
	}
	rows := make([]*Orphan, len(removal.Stays))
	for i, one := range removal.Stays {
		rows[i] = s.search.orphan(s.index, removal.Stage, f.Service)
		rows[i].readPhysical(one.Type, one.PhysicalID)
		rows[i].evidence.Left = &owner.Stack{ID: removal.Identity.ID, Name: removal.Stack, Live: true}
		s.search.placeless(rows[i])
	}
	var stays []Orphan
	for _, one := range s.search.examineAll(ctx, s.index, rows) {
		stays = append(stays, *one)
	}
	return stays, cmp.Or(ctx.Err(), s.gap())
}

// Sweep does what a plan says, after the removal: each thing is looked at again before it is
// deleted. Whatever else the stage has left by then is listed for a person. The error is a
// [*SweepError] where the stage has its stack still, or that of [Deletion.Run]; what was swept is
// in the rows.
func Sweep(ctx context.Context, f *fleet.Fleet, assembly fleet.Assembly, planned SweepPlan, poll time.Duration) ([]Leftover, error) {
	found, err := Leftovers(ctx, f, assembly, planned.stage)
	if err != nil {
		return nil, err
	}
	steps, err := Deletion{Fleet: f, Poll: poll}.Run(ctx, planned.deletes)
	became := map[string]DeletionStep{}
	for _, step := range steps {
		became[step.Type+" "+step.Name] = step
	}
	for i := range found {
		row := &found[i]
		step, tried := became[row.where()]
		at := slices.IndexFunc(planned.Rows, func(before Leftover) bool { return before.where() == row.where() })
		switch {
		case tried:
			row.Swept, row.Problem = step.State == StepDeleted || step.State == StepGone, step.Problem
		case at >= 0 && planned.Rows[at].Problem != "":
			row.Problem = planned.Rows[at].Problem
		case at >= 0:
			row.Problem = "it was not tried"
		default:
			row.Problem = "it was not there when the plan was made; run `roadshow remove " + planned.stage.Name + " --sweep` again"
		}
	}
	return found, err
}

// AllSwept tells whether nothing is left.
func AllSwept(found []Leftover) bool {
	return !slices.ContainsFunc(found, func(one Leftover) bool { return !one.Swept })
}
