package e2e

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/stages"
)

// Program is a built program, such as app.go's.
type Program struct {
	// Binary is its file: what `cdk --app` takes.
	Binary string
	// Service is the name of its service, Stages the stages of its set.
	Service string
	Stages  []stages.Stage
	// Document is what its assembly says of it.
	Document assembly.Document
}

// Checkout is the folder of this module: the nearest one upwards that holds go.mod and cdk.json.
func Checkout() (string, error) {
	working, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := working; ; dir = filepath.Dir(dir) {
		_, noModule := os.Stat(filepath.Join(dir, "go.mod"))
		_, noProgram := os.Stat(filepath.Join(dir, "cdk.json"))
		if noModule == nil && noProgram == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("checkout: folder is " + working + ", want one inside the checkout of Roadshow; change to it")
		}
	}
}

// CDK is the file of the cdk command that npm installed into the checkout.
func CDK(checkout string) string {
	name := "cdk"
	if runtime.GOOS == "windows" {
		name += ".cmd"
	}
	return filepath.Join(checkout, "node_modules", ".bin", name)
}

// Build compiles a program of the checkout, given by its package or files, to a binary.
func Build(ctx context.Context, place awsenv.Place, binary string, source ...string) error {
	environ, err := place.BuildEnviron()
	if err != nil {
		return err
	}
	_, err = Run(ctx, Child{Command: append([]string{"go", "build", "-ldflags=-w", "-o", binary}, source...), Dir: place.Checkout, Environ: environ})
	return err
}

// Read synthesizes every stage of a program into a folder, without credentials, and reads what the
// program says about itself. It compiles the program's functions, so that a deploy finds them compiled.
func Read(ctx context.Context, place awsenv.Place, binary, outdir string, progress io.Writer) (Program, error) {
	environ, err := place.BuildEnviron("CDK_OUTDIR="+outdir, `CDK_CONTEXT_JSON={"stage":"all"}`)
	if err != nil {
		return Program{}, err
	}
	if _, err := Run(ctx, Child{Command: []string{binary}, Dir: place.Checkout, Environ: environ, Also: progress}); err != nil {
		return Program{}, err
	}
	document, err := assembly.Read(outdir)
	if err != nil {
		return Program{}, err
	}
	program := Program{Binary: binary, Service: document.Service, Document: document}
	for _, stage := range document.Set {
		if !stage.Template {
			program.Stages = append(program.Stages, stages.Stage{Name: stage.Name, Account: stage.Account, Region: stage.Region, Tier: stage.Tier})
		}
	}
	return program, nil
}
