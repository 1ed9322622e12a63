package fleet

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/stages"
)

// Fleet is the stages of one service, and the way to the account of each.
type Fleet struct {
	// Service is the service's name. Required.
	Service string
	// Stages are the stages in the set's order, without templates. Required.
	Stages []stages.Stage
	// Templates are the templates of ephemeral stages. Default: none.
	Templates []stages.Stage
	// Profiles reach the accounts. Required.
	Profiles *Profiles
	// DeployFrom are the accounts that deploy to the stages of others: where no profile is of a stage's own
	// account, one of these reaches it by the roles of its bootstrap. Default: none.
	DeployFrom []string
}

// Of is the fleet of a program, by what it says about itself.
func Of(document assembly.Document, profiles *Profiles) *Fleet {
	fleet := &Fleet{Service: document.Service, Profiles: profiles, DeployFrom: document.DeployFrom}
	qualifiers := map[string]string{}
	for _, one := range document.Stages {
		qualifiers[one.Name] = qualifierOf(one)
	}
	for _, one := range document.Set {
		stage := stageOf(one)
		stage.Qualifier = qualifiers[one.Name]
		if one.Template {
			fleet.Templates = append(fleet.Templates, stage)
			continue
		}
		fleet.Stages = append(fleet.Stages, stage)
	}
	// An ephemeral stage is in no set, but may have been synthesized.
	for _, one := range document.Stages {
		if !slices.ContainsFunc(fleet.Stages, func(s stages.Stage) bool { return s.Name == one.Name }) {
			stage := stageOf(one.Stage)
			stage.Qualifier = qualifiers[one.Name]
			fleet.Stages = append(fleet.Stages, stage)
		}
	}
	return fleet
}

func stageOf(one assembly.Stage) stages.Stage {
	return stages.Stage{Name: one.Name, Account: one.Account, Region: one.Region, Tier: one.Tier}
}

// qualifierOf is the qualifier of a stage's bootstrap, which stands fourth in its identity; empty where it is
// the default. See [stages.Ledger.Identity].
func qualifierOf(one assembly.Synthesized) string {
	if len(one.Identity) < 4 || one.Identity[3] == stages.DefaultQualifier {
		return ""
	}
	return one.Identity[3]
}

// Pick is the stages of these names, in the set's order; all of them where no name is given. The error is a
// [*stages.FieldError].
func (f *Fleet) Pick(names ...string) ([]stages.Stage, error) {
	if len(names) == 0 {
		return f.Stages, nil
	}
	var known []string
	for _, stage := range f.Stages {
		known = append(known, stage.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, &stages.FieldError{
				Thing: "stage", Field: "name", Got: fmt.Sprintf("%q", name), Want: "one of " + strings.Join(known, ", "), Fix: "write one of these",
			}
		}
	}
	var picked []stages.Stage
	for _, stage := range f.Stages {
		if slices.Contains(names, stage.Name) {
			picked = append(picked, stage)
		}
	}
	return picked, nil
}

// stackName is the name of a stage's stack.
func (f *Fleet) stackName(stage stages.Stage) (string, error) {
	return stages.Stack.Name(stages.Part{Stage: stage.Name, Service: f.Service})
}

// asServiceError says which service an error came from, unless it already says more.
func asServiceError(stage stages.Stage, service string, err error) error {
	var known *ServiceError
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &ServiceError{Stage: stage, Service: service, Err: err}
}
