package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/program"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/stages"
)

// accountVerbs are the verbs that ask, or change, the accounts.
func accountVerbs(s *settings) []*cobra.Command {
	return []*cobra.Command{bootstrapVerb(s), deployVerb(s), statusVerb(s), removeVerb(s), orphansVerb(s), doctorVerb(s), expireVerb(s), quotasVerb(s), costsVerb(s)}
}

// profiles are the ways to the accounts. Nobody is asked yet; a person is only in a terminal.
func (s *settings) profiles() *fleet.Profiles {
	options := fleet.ProfileOptions{Redactor: s.redactor}
	if s.person != nil && s.person.there() {
		options.Terminal = s.person.verb.ErrOrStderr()
		options.MFA = func(ctx context.Context, profile, device string) (string, error) {
			return s.person.ask(ctx, "Code of the MFA device "+device+", for profile "+profile+":")
		}
	}
	return fleet.NewProfiles(options)
}

// fleetOf is the program's stages, with the profiles that reach them. The program is asked without
// compiling its functions.
func (s *settings) fleetOf(ctx context.Context) (*fleet.Fleet, *program.Program, error) {
	all, found, _, err := s.documented(ctx)
	return all, found, err
}

// documented is fleetOf, with what the program says about itself.
func (s *settings) documented(ctx context.Context) (*fleet.Fleet, *program.Program, assembly.Document, error) {
	found, document, err := s.told(ctx)
	if err != nil {
		return nil, nil, assembly.Document{}, err
	}
	return fleet.Of(document, s.profiles()), found, document, nil
}

// called is an assembly with the accounts of its stages: all of them, and those that were named.
type called struct {
	ready  fleet.Assembly
	fleet  *fleet.Fleet
	picked []stages.Stage
}

// call assembles the named stages, or all, and asks for the profiles of their accounts. remove removes the
// assembly's folder.
func (s *settings) call(found *program.Program, names []string, verb *cobra.Command) (of called, remove func(), err error) {
	ctx := verb.Context()
	only := ""
	if len(names) == 1 {
		only = names[0]
	}
	of.ready, remove, err = assemble(ctx, found, only, verb)
	if err != nil {
		return called{}, nil, err
	}
	defer func() {
		if err != nil {
			remove()
		}
	}()
	of.fleet = fleet.Of(of.ready.Document, s.profiles())
	if only != "" && len(of.ready.Document.Stages) == 1 {
		names = []string{of.ready.Document.Stages[0].Name} // the name that a template made of it
	}
	of.picked, err = of.fleet.Pick(names...)
	return of, remove, err
}

// assemble is an assembly that is ready to be deployed, and the folder's removal: the one of --app, or one
// that the program writes now.
func assemble(ctx context.Context, found *program.Program, stage string, verb *cobra.Command) (fleet.Assembly, func(), error) {
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
	// Beside the program, where the CDK's own goes: an assembly holds the functions' code.
	parent := filepath.Join(found.Dir, ".roadshow")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fleet.Assembly{}, nil, err
	}
	// Those of commands that were killed; a running one's is younger.
	old, _ := filepath.Glob(filepath.Join(parent, "assembly-*"))
	for _, one := range old {
		if info, err := os.Stat(one); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			os.RemoveAll(one)
		}
	}
	dir, err := os.MkdirTemp(parent, "assembly-")
	if err != nil {
		return fleet.Assembly{}, nil, err
	}
	remove := func() { os.RemoveAll(dir) }
	ready, err := fleet.Synthesis{
		Command: found.Command, Dir: found.Dir, Context: found.Context, Stage: stage, Talk: verb.ErrOrStderr(), Redactor: report.Redactor(verb.ErrOrStderr()),
	}.Run(ctx, dir)
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

// ended is the exit code of outcomes.
func ended(outcomes []fleet.Outcome) error {
	if !fleet.Succeeded(outcomes) {
		return finding{}
	}
	return nil
}

// outcomeRows is a table of outcomes.
func outcomeRows(outcomes []fleet.Outcome) [][]string {
	rows := make([][]string, len(outcomes))
	for i, one := range outcomes {
		rows[i] = []string{one.Stage, one.Account, one.Region, string(one.State), took(one.Seconds)}
	}
	return rows
}
