package fleet

import (
	"cmp"
	"fmt"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/steps"
	"github.com/roadshow-go/roadshow/stages"
)

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
		subject := fmt.Sprintf("%s (%s)", cmp.Or(owner.ID, step.LogicalID), step.Type)
		if owner.At.File != "" {
			subject += ", made at " + owner.At.String()
		}
		findings[i] = Finding{Stage: one.Name, Check: "steps", Detail: sentence(subject + ": " + step.Problem), Fix: step.First + " See " + step.Page}
	}
	return findings, nil
}
