package program

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/child"
	"github.com/roadshow-go/roadshow/stages"
)

// Synthesis is how a program is run for an assembly that is ready to be deployed.
type Synthesis struct {
	// Stage is the stage to synthesize, which may be one that a template makes. Default: every stage.
	Stage string
	// NamedBy is how a person named the stage, such as --to, for the program's errors. Default: -c stage=.
	NamedBy string
	// Talk gets what the program writes, while it runs. Default: it is kept for the error.
	Talk io.Writer
}

// synthesisLimit is how long a program may take: with empty caches it compiles the CDK.
const synthesisLimit = 30 * time.Minute

// SynthesisError says that the program did not write an assembly.
type SynthesisError struct {
	// Command is the program's, Output what it wrote, without secrets; empty where it wrote nothing, or where somebody
	// has seen it.
	Command, Output string
	// Told says that it wrote something, and that somebody has seen it.
	Told bool
	// Err is the context's error or the exit code.
	Err error
}

func (e *SynthesisError) Error() string {
	switch {
	case e.Told:
		return fmt.Sprintf("The program `%s` stopped before it wrote an assembly (%v). Its own message stands above.", e.Command, e.Err)
	case e.Output == "":
		return fmt.Sprintf("The program `%s` stopped before it wrote an assembly (%v), and said nothing.", e.Command, e.Err)
	}
	return fmt.Sprintf("The program `%s` stopped before it wrote an assembly (%v). It said:\n%s", e.Command, e.Err, e.Output)
}

// Unwrap gives the cause.
func (e *SynthesisError) Unwrap() error { return e.Err }

// Synthesize runs the program once, as the cdk command does, and has it write the assembly into a folder, functions
// compiled. The program gets no credentials, so it cannot ask an account, and nothing of them can be in what it writes.
func (p *Program) Synthesize(ctx context.Context, outdir string, of Synthesis) error {
	settings := maps.Clone(p.Context)
	if settings == nil {
		settings = map[string]any{}
	}
	settings["stage"] = of.Stage
	if of.Stage == "" {
		settings["stage"] = stages.All
	} else if of.NamedBy != "" {
		settings[assembly.ContextNamedBy] = of.NamedBy
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, synthesisLimit)
	defer cancel()
	process := child.Shell(ctx, p.Command)
	process.Dir = p.Dir
	process.Env = append(p.environment(), "CDK_OUTDIR="+outdir, "CDK_CONTEXT_JSON="+string(text))
	var output child.Tail
	// One writer for both, so that one goroutine writes to it.
	var sink io.Writer = &output
	if of.Talk != nil {
		talk := p.Redactor.Stream(of.Talk)
		defer talk.Close()
		sink = io.MultiWriter(&output, talk)
	}
	process.Stdout, process.Stderr = sink, sink
	if err := child.Run(process); err != nil {
		if cause := ctx.Err(); cause != nil {
			return cause
		}
		failed := &SynthesisError{Command: p.Command, Output: p.Redactor.Text(strings.TrimSpace(output.String())), Err: err}
		if failed.Told = of.Talk != nil && failed.Output != ""; failed.Told {
			failed.Output = ""
		}
		return failed
	}
	return nil
}
