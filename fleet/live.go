package fleet

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// Parity is how a stage's account compares with what a program makes of the stage.
type Parity struct {
	// Stage is its name, Account where it is.
	Stage   string `json:"stage"`
	Account string `json:"account"`
	// State is one of the constants below.
	State ParityState `json:"state"`
	// Commit is the one that was deployed, Program the program's; empty where there is none.
	Commit  string `json:"commit,omitempty"`
	Program string `json:"program,omitempty"`
	// Changes lead from what is deployed to what the program makes.
	Changes []parity.Change `json:"changes,omitempty"`
	// Problem says why it could not be told.
	Problem string `json:"problem,omitempty"`
}

// ParityState is the outcome of a comparison.
type ParityState string

// The outcomes.
const (
	// ParityIdentical is that the deployed template is the program's, but for the commit in it.
	ParityIdentical ParityState = "identical"
	// ParityBehind is that another commit was deployed, whose template is another.
	ParityBehind ParityState = "behind"
	// ParityDifferent is that the same commit makes another template now: it was deployed with changes
	// that are not committed, or by hand.
	ParityDifferent ParityState = "different"
	// ParityAbsent is that nothing is deployed.
	ParityAbsent ParityState = "absent"
	// ParityUnknown is that the account did not tell; Problem says why.
	ParityUnknown ParityState = "unknown"
)

// Parity asks the account of each stage for its template, and compares it with the one of an assembly whose
// functions are compiled.
func (f *Fleet) Parity(ctx context.Context, assembly Assembly, all []stages.Stage) []Parity {
	found := make([]Parity, len(all))
	sideBySide(ctx, surveyAtOnce, all, func(ctx context.Context, i int, stage stages.Stage) {
		found[i] = Parity{Stage: stage.Name, Account: stage.Account, Program: assembly.Document.Commit}
		if err := f.parityOf(ctx, assembly, stage, &found[i]); err != nil {
			found[i].State, found[i].Problem = ParityUnknown, err.Error()
		}
	})
	return found
}

func (f *Fleet) parityOf(ctx context.Context, assembly Assembly, stage stages.Stage, found *Parity) error {
	one, synthesized := assembly.stage(stage.Name)
	if !synthesized {
		return fmt.Errorf("stage %s: template is missing in the assembly, want every stage's; synthesize with -c stage=all", stage.Name)
	}
	program, err := assembly.template(one)
	if err != nil {
		return err
	}
	config, _, err := f.reach(ctx, stage)
	if err != nil {
		return err
	}
	deployed, err := f.deployed(ctx, cloudformation.NewFromConfig(config), stage)
	if err != nil {
		return asServiceError(stage, "CloudFormation", err)
	}
	if deployed == nil || len(deployed.template) == 0 {
		found.State = ParityAbsent
		return nil
	}
	found.Commit = deployed.Commit
	if found.Changes, err = parity.Drift(stage, deployed.template, program, nil); err != nil {
		return err
	}
	switch {
	case len(found.Changes) == 0:
		found.State = ParityIdentical
	case found.Commit != found.Program:
		found.State = ParityBehind
	default:
		found.State = ParityDifferent
	}
	return nil
}
