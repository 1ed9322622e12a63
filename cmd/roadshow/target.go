package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/program"
	"github.com/roadshow-go/roadshow/stages"
)

// loadProgram is the program that a verb is about.
func (s *settings) loadProgram() (*program.Program, error) {
	found, err := program.Find(".", s.app)
	if found != nil {
		found.Redactor = s.redactor
	}
	return found, err
}

// loadDocument is the program, and what it says about itself. It is asked without compiling its functions.
func (s *settings) loadDocument(ctx context.Context) (*program.Program, assembly.Document, error) {
	found, err := s.loadProgram()
	if err != nil {
		return nil, assembly.Document{}, err
	}
	document, err := found.Document(ctx)
	return found, document, err
}

// profiles are the ways to the accounts. Nobody is asked yet; a person is only in a terminal.
func (s *settings) profiles() *fleet.Profiles {
	options := fleet.ProfileOptions{Redactor: s.redactor}
	if person := s.person(); person.There() {
		options.Terminal = s.talk
		options.MFA = func(ctx context.Context, profile, device string) (code string, err error) {
			s.aside(func() {
				code, err = person.Ask(ctx, "Code of the MFA device "+device+", for profile "+profile+":", "")
			})
			return code, err
		}
	}
	return fleet.NewProfiles(options)
}

// loaded is a program with its stages and the ways to their accounts.
type loaded struct {
	*fleet.Fleet
	program  *program.Program
	document assembly.Document
}

// loadFleet asks the program for its stages, without compiling its functions.
func (s *settings) loadFleet(ctx context.Context) (loaded, error) {
	found, document, err := s.loadDocument(ctx)
	if err != nil {
		return loaded{}, err
	}
	return loaded{fleet.Of(document, s.profiles()), found, document}, nil
}

// target is an assembly with the accounts of its stages: all of them, and those that were named.
type target struct {
	program  *program.Program
	assembly fleet.Assembly
	fleet    *fleet.Fleet
	stages   []stages.Stage
}

// resolveTarget assembles the named stages, or all. namedBy is how they were named, such as --to, for errors. remove
// removes the assembly's folder.
func (s *settings) resolveTarget(ctx context.Context, names []string, namedBy string) (resolved target, remove func(), err error) {
	if resolved.program, err = s.loadProgram(); err != nil {
		return target{}, nil, err
	}
	only := ""
	if len(names) == 1 {
		only = names[0]
	}
	if resolved.assembly, remove, err = s.assemble(ctx, resolved.program, only, namedBy); err != nil {
		return target{}, nil, err
	}
	defer func() {
		if err != nil {
			remove()
		}
	}()
	resolved.fleet = fleet.Of(resolved.assembly.Document, s.profiles())
	if only != "" && resolved.program.Assembly == "" && len(resolved.assembly.Document.Stages) == 1 {
		names = []string{resolved.assembly.Document.Stages[0].Name} // the name that a template made of it
	}
	resolved.stages, err = pick(resolved.fleet, namedBy, names)
	return resolved, remove, err
}

// pick is the stages of these names, or all.
func pick(all *fleet.Fleet, namedBy string, names []string) ([]stages.Stage, error) {
	picked, err := all.Pick(names...)
	if unknown, is := errors.AsType[*stages.UnknownStageError](err); is {
		unknown.NamedBy = namedBy
	}
	return picked, err
}

// assemble is an assembly that is ready to be deployed, and the folder's removal: the one of --app, or one that the
// program writes now.
func (s *settings) assemble(ctx context.Context, found *program.Program, stage, namedBy string) (fleet.Assembly, func(), error) {
	if found.Assembly != "" {
		absolute, err := filepath.Abs(found.Assembly)
		if err != nil {
			return fleet.Assembly{}, nil, err
		}
		ready, err := fleet.ReadAssembly(absolute)
		if err == nil {
			err = ready.CheckFiles(found.Dir)
		}
		return ready, func() {}, err
	}
	dir, remove, err := found.AssemblyFolder()
	if err != nil {
		return fleet.Assembly{}, nil, err
	}
	err = found.Synthesize(ctx, dir, program.Synthesis{Stage: stage, NamedBy: namedBy, Talk: s.talk})
	var ready fleet.Assembly
	if err == nil {
		ready, err = fleet.ReadAssembly(dir)
	}
	if err != nil {
		remove()
		return fleet.Assembly{}, nil, err
	}
	return ready, remove, nil
}

// cdkOf is the real cdk command, for a program.
func cdkOf(found *program.Program) (fleet.CDK, error) {
	file, err := fleet.FindCDK(found.Dir)
	return fleet.CDK{Command: file, Dir: found.Dir}, err
}
