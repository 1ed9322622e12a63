package stack

import (
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/roadshow-go/roadshow/stages"
)

// Adopt defines the app's components in a stack that a program makes with the CDK itself, so that an
// existing program can take up stages, names and components one at a time:
//
//	stage, err := app.Selected()
//	…
//	existing := awscdk.NewStack(cdkApp, &id, &awscdk.StackProps{Env: …})
//	err = app.Adopt(existing, stage)
//
// It leaves what the stack holds already as it is, its name and tags too; the components carry the tags
// themselves. The functions are compiled. What the app makes anew under an old logical id
// (OverrideLogicalId of its [L1]) and with the same physical name is kept, not replaced.
//
// The stack must have the stage's account and region explicitly. The program then synthesizes as ever.
// The errors are those of [App.Synthesize].
func (a App) Adopt(into awscdk.Stack, stage stages.Stage) error {
	return a.adopt(into, stage, newCompiler(false, os.Stderr))
}

// AdoptStubbed is [App.Adopt] for tests: functions are not compiled.
func (a App) AdoptStubbed(into awscdk.Stack, stage stages.Stage) error {
	return a.adopt(into, stage, newCompiler(true, nil))
}

func (a App) adopt(into awscdk.Stack, stage stages.Stage, compiler *compiler) error {
	if err := a.validate(); err != nil {
		return err
	}
	for _, place := range []struct {
		field string
		is    *string
		want  string
	}{{"account", into.Account(), stage.Account}, {"region", into.Region(), stage.Region}} {
		if *place.is == place.want {
			continue
		}
		got := *place.is
		if *awscdk.Token_IsUnresolved(place.is) {
			got = "not set"
		}
		return &ConfigError{
			Thing: fmt.Sprintf("adopted stack %q", *into.StackName()), Field: place.field, Got: got,
			Want: fmt.Sprintf("%s, that of stage %s", place.want, stage.Name), Fix: "set Env in its StackProps to the stage's account and region",
		}
	}
	s := a.newStack(stage)
	s.CDK, s.adopted = into, true
	if err := s.protect(s.run); err != nil {
		return err
	}
	if err := s.ledger().Check(stage); err != nil {
		return err
	}
	if err := compiler.compile([]*Stack{s}); err != nil {
		return err
	}
	return s.protect(func() {
		for _, fn := range s.functions {
			fn.setCode(compiler.code[fn.source()], compiler.stub)
		}
	})
}

// Selected is the one stage that the cdk command asks for, by the account of its credentials and
// `-c stage=NAME`, as [App.Main] selects it. The errors are those of [stages.Set.Select].
func (a App) Selected() (stages.Stage, error) {
	if err := a.Stages.Validate(); err != nil {
		return stages.Stage{}, err
	}
	asked, err := readContext()
	if err != nil {
		return stages.Stage{}, err
	}
	selected, err := a.selected(asked)
	if err != nil {
		return stages.Stage{}, err
	}
	if len(selected) != 1 {
		return stages.Stage{}, errors.New("-c stage=all names every stage, and this program makes one stack at a time.\nWrite -c stage=NAME")
	}
	return selected[0], nil
}
