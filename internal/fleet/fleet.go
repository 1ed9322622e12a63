package fleet

import (
	"slices"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/stages"
)

// Fleet is the stages of one service, and the way to the account of each.
type Fleet struct {
	// Service is the service's name. Required.
	Service string
	// Program is the path of the program's module, which the stacks that it makes carry as a tag. Default: none, as of
	// a program that is built of no module.
	Program string
	// Stages are the stages in the set's order, without templates, and then those that a template has made. Required.
	Stages []stages.Stage
	// Made are the names of those of Stages that a template has made, which are in no set. Default: none.
	Made []string
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
	fleet := &Fleet{Service: document.Service, Program: document.Program, Profiles: profiles, DeployFrom: document.DeployFrom}
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
			fleet.Stages, fleet.Made = append(fleet.Stages, stage), append(fleet.Made, stage.Name)
		}
	}
	return fleet
}

// AtOnce is how many cdk commands run at once unless it is said: each is a Node process that mostly waits.
const AtOnce = 6

// AccountsAtOnce is how many accounts are asked at once.
const AccountsAtOnce = 16

// All are the stages, and then the templates, whose names end in a star.
func (f *Fleet) All() []stages.Stage { return slices.Concat(f.Stages, f.Templates) }

// InSet tells whether the set has a stage of this name itself. Such a stage is never ephemeral, whatever tags say.
func (f *Fleet) InSet(name string) bool {
	return !slices.Contains(f.Made, name) && slices.ContainsFunc(f.Stages, func(stage stages.Stage) bool { return stage.Name == name })
}

// maker is who makes the stack of a stage, as the tags of the stack say.
func (f *Fleet) maker(stage string) owner.Maker {
	return owner.Maker{Program: f.Program, Service: f.Service, Stage: stage}
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

// Now is the time by the Date of AWS's last answer; by this machine's clock before any, and without profiles.
func (f *Fleet) Now() time.Time {
	if f.Profiles == nil {
		return time.Now()
	}
	return f.Profiles.Now()
}

// Pick is the stages of these names, in the set's order; all of them where no name is given. The error is a
// [*stages.UnknownStageError].
func (f *Fleet) Pick(names ...string) ([]stages.Stage, error) {
	if len(names) == 0 {
		return f.Stages, nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(f.Stages, func(stage stages.Stage) bool { return stage.Name == name }) {
			return nil, &stages.UnknownStageError{Name: name, Set: f.Stages}
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

// StackName is the name of a stage's stack.
func (f *Fleet) StackName(stage stages.Stage) (string, error) {
	return stages.Stack.Name(stages.Part{Stage: stage.Name, Service: f.Service})
}

// TemplateOf is the template that makes a stage: the longest pattern that fits, of the same place.
func (f *Fleet) TemplateOf(stage stages.Stage) (stages.Stage, bool) {
	best, fits := stages.Stage{}, false
	for _, template := range f.Templates {
		prefix := strings.TrimSuffix(template.Name, "*")
		if template.Account == stage.Account && template.Region == stage.Region && strings.HasPrefix(stage.Name, prefix) && len(template.Name) > len(best.Name) {
			best, fits = template, true
		}
	}
	return best, fits
}

// Known is the stage of this name that the program has, or that a template of it makes.
func (f *Fleet) Known(name string) (stages.Stage, bool) {
	for _, stage := range f.Stages {
		if stage.Name == name {
			return stage, true
		}
	}
	best, fits := stages.Stage{}, false
	for _, template := range f.Templates {
		rest, matches := strings.CutPrefix(name, strings.TrimSuffix(template.Name, "*"))
		if matches && rest != "" && len(template.Name) > len(best.Name) {
			best, fits = template, true
		}
	}
	// As the program names it: a branch's name becomes a label.
	best.Name, _ = stages.Label(name, stages.MaxStageName)
	return best, fits
}

// StageOfStack is the stage whose stack of the service has a name. A name is believed where the stage gives
// it back: see [stages.Kind.Name].
func (f *Fleet) StageOfStack(name string) (string, bool) {
	// A name that could be read in two ways ends in a hash.
	for _, plain := range []string{name, name[:max(0, strings.LastIndex(name, "-"))]} {
		stage, fits := strings.CutSuffix(plain, "-"+f.Service)
		if !fits {
			continue
		}
		stage = strings.TrimSuffix(stage, "-") // the second of the two hyphens, where a label holds one
		if made, err := f.StackName(stages.Stage{Name: stage}); err == nil && made == name {
			return stage, true
		}
	}
	return "", false
}

// Protects tells whether a stage of this name is protected, wherever it is: one that has moved to another place, or
// whose tags were copied there, is not to be lost either.
func (f *Fleet) Protects(place stages.Stage, name string) bool {
	if stage, known := f.KnownIn(place, name); known {
		return stage.Tier == stages.Protected
	}
	return slices.ContainsFunc(f.All(), func(one stages.Stage) bool {
		prefix, template := strings.CutSuffix(one.Name, "*")
		return one.Tier == stages.Protected && (one.Name == name || template && strings.HasPrefix(name, prefix))
	})
}

// KnownIn is the stage of this name that the program has in a place, or that a template of it makes there.
func (f *Fleet) KnownIn(place stages.Stage, name string) (stages.Stage, bool) {
	for _, stage := range f.Stages {
		if stage.Name == name && stage.Account == place.Account && stage.Region == place.Region {
			return stage, true
		}
	}
	stage := stages.Stage{Name: name, Account: place.Account, Region: place.Region}
	template, fits := f.TemplateOf(stage)
	stage.Tier = template.Tier
	return stage, fits
}
