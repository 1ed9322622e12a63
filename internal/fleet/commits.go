package fleet

import (
	"context"
	"os"
	"path/filepath"

	"github.com/roadshow-go/roadshow/internal/program"
)

// CompareDeployed compares what is deployed to the stages of a program with what the program makes at the commit that is
// recorded in it, and with what it makes now. Each commit is checked out into a temporary folder. say is told what is
// being done. Whatever cannot be determined is in the answers; the error is the program's or the context's.
func CompareDeployed(ctx context.Context, found *program.Program, profiles *Profiles, say func(text string)) ([]Parity, []CommitParity, error) {
	folder, err := os.MkdirTemp("", "roadshow-deployed-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(folder)
	assemble := func(ctx context.Context, one *program.Program, name string) (Assembly, error) {
		outdir := filepath.Join(folder, name)
		if err := os.Mkdir(outdir, 0o700); err != nil {
			return Assembly{}, err
		}
		if err := one.Synthesize(ctx, outdir, program.Synthesis{}); err != nil {
			return Assembly{}, err
		}
		return ReadAssembly(outdir)
	}
	now, err := assemble(ctx, found, "program")
	if err != nil {
		return nil, nil, err
	}
	comparison := Comparison{
		Fleet: Of(now.Document, profiles), Program: now, Project: found.Dir, Say: say,
		Make: func(ctx context.Context, commit string) (made Made, err error) {
			err = found.At(ctx, commit, func(past *program.Program) (err error) {
				if made.Verdict, err = past.Prove(ctx, false); err != nil {
					return err
				}
				made.Assembly, err = assemble(ctx, past, commit)
				return err
			})
			return made, err
		},
	}
	return comparison.Run(ctx, comparison.Fleet.Stages)
}
