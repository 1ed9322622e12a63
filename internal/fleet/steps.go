package fleet

import (
	"cmp"
	"context"
	"fmt"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/steps"
	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// StageDiff is what leads from what a stage has deployed to what the program makes of it.
type StageDiff struct {
	// Stage is its name, Account where it is, Stack its stack there.
	Stage   string `json:"stage"`
	Account string `json:"account"`
	Stack   string `json:"stack"`
	// Deployed tells whether the stack has anything yet. Where it has not, the first deploy makes everything, and no
	// changes are listed.
	Deployed bool `json:"deployed"`
	// Changes are all that a deploy would change, by path.
	Changes []parity.Change `json:"changes"`
	// Steps are the changes that AWS refuses in one deploy, each with what to deploy first.
	Steps []Finding `json:"steps"`
}

// Diff compares what a stage has deployed with what the program makes of it. It changes nothing. The error says that the
// account did not answer, or that a template is none.
func (f *Fleet) Diff(ctx context.Context, program Assembly, stage stages.Stage) (StageDiff, error) {
	one, synthesized := program.Stage(stage.Name)
	if !synthesized {
		return StageDiff{}, fmt.Errorf("the program has not synthesized stage %s", stage.Name)
	}
	diff := StageDiff{Stage: stage.Name, Account: stage.Account, Stack: one.StackName, Changes: []parity.Change{}, Steps: []Finding{}}
	there, err := f.lookBefore(ctx, stage, one.StackName)
	if err != nil || len(there.template) == 0 {
		return diff, err
	}
	wanted, err := program.Template(one)
	if err != nil {
		return diff, err
	}
	diff.Deployed = true
	at := func(logicalID string) stages.Position { return one.Owner(logicalID).At }
	changes, err := parity.Drift(stage, there.template, wanted, at)
	if err != nil {
		return diff, err
	}
	found, err := Steps(one, there.template, wanted)
	if err != nil {
		return diff, err
	}
	diff.Changes, diff.Steps = append(diff.Changes, changes...), append(diff.Steps, found...)
	return diff, nil
}

// steps finds what AWS would refuse of the way from what a stage has deployed to what the program makes, and says what
// to deploy first.
func (d Deployment) steps(stage stages.Stage, one assembly.Synthesized, there before) []Finding {
	if len(there.template) == 0 {
		return nil
	}
	wanted, err := d.Assembly.Template(one)
	if err != nil {
		return []Finding{{Stage: stage.Name, Check: "steps", Detail: sentence(err.Error())}}
	}
	found, err := Steps(one, there.template, wanted)
	if err != nil {
		return []Finding{{Stage: stage.Name, Check: "steps", Detail: sentence(err.Error()), Fix: "Look at the stack in the account: this program has not deployed it."}}
	}
	return found
}

// Steps lists what AWS refuses of the way from a stage's deployed template to another, with what to deploy first.
func Steps(one assembly.Synthesized, deployed, wanted []byte) ([]Finding, error) {
	place := steps.Place{Account: one.Account, Region: one.Region, StackName: one.StackName}
	found, err := steps.Between(place, deployed, wanted)
	if err != nil {
		return nil, err
	}
	findings := make([]Finding, len(found))
	for i, step := range found {
		owner := one.Owner(step.LogicalID)
		subject := fmt.Sprintf("resource %s (%s)", cmp.Or(owner.ID, step.LogicalID), step.Type)
		if owner.At.File != "" {
			subject += ", made at " + owner.At.String()
		}
		findings[i] = Finding{Stage: one.Name, Check: "steps", Detail: sentence(subject + ": " + step.Problem), Fix: step.First + " See " + step.Page}
	}
	return findings, nil
}
