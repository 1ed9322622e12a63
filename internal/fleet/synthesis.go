package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/child"
	"github.com/roadshow-go/roadshow/internal/program"
	"github.com/roadshow-go/roadshow/internal/redact"
	"github.com/roadshow-go/roadshow/stages"
)

// Synthesis runs a program once, without credentials, for an assembly that is ready to be deployed: its
// functions are compiled, and every stage is in it.
type Synthesis struct {
	// Command is the program's, a line for the shell; Dir is the folder of cdk.json. Required.
	Command string
	Dir     string
	// Context is that of cdk.json. Default: none.
	Context map[string]any
	// Stage is the stage to synthesize, which may be one that a template makes. Default: every stage.
	Stage string
	// NamedBy is how a person named the stage, such as --to, for the program's errors. Default: -c stage=.
	NamedBy string
	// Talk gets what the program writes, while it runs. Default: it is kept for the error.
	Talk io.Writer
	// Redactor takes secrets out of what the program writes. Default: what is written like one is taken out.
	Redactor *redact.Redactor
}

// synthesisLimit is how long a program may take: with empty caches it compiles the CDK.
const synthesisLimit = 30 * time.Minute

// SynthesisError says that the program did not write an assembly.
type SynthesisError struct {
	// Command is the program's, Output what it wrote, without secrets; empty where somebody was told.
	Command, Output string
	// Err is the context's error or the exit code.
	Err error
}

func (e *SynthesisError) Error() string {
	if e.Output == "" {
		return fmt.Sprintf("The program `%s` stopped before it wrote an assembly (%v). Its own message stands above.", e.Command, e.Err)
	}
	return fmt.Sprintf("The program `%s` stopped before it wrote an assembly (%v). It said:\n%s", e.Command, e.Err, e.Output)
}

// Unwrap gives the cause.
func (e *SynthesisError) Unwrap() error { return e.Err }

// Run writes the assembly into a folder. The program gets no credentials, so it cannot ask an account, and
// nothing of them can be in what it writes.
func (s Synthesis) Run(ctx context.Context, outdir string) (Assembly, error) {
	settings := maps.Clone(s.Context)
	if settings == nil {
		settings = map[string]any{}
	}
	settings["stage"] = s.Stage
	if s.Stage == "" {
		settings["stage"] = stages.All
	} else if s.NamedBy != "" {
		settings[assembly.ContextNamedBy] = s.NamedBy
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return Assembly{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, synthesisLimit)
	defer cancel()
	process := child.Shell(ctx, s.Command)
	process.Dir = s.Dir
	process.Env = append(s.environ(), "CDK_OUTDIR="+outdir, "CDK_CONTEXT_JSON="+string(text))
	var output child.Tail
	// One writer for both, so that one goroutine writes to it.
	var sink io.Writer = &output
	if s.Talk != nil {
		talk := s.Redactor.Stream(s.Talk)
		defer talk.Close()
		sink = talk
	}
	process.Stdout, process.Stderr = sink, sink
	if err := child.Run(process); err != nil {
		if cause := ctx.Err(); cause != nil {
			return Assembly{}, cause
		}
		return Assembly{}, &SynthesisError{Command: s.Command, Output: s.Redactor.Text(strings.TrimSpace(output.String())), Err: err}
	}
	return ReadAssembly(outdir)
}

// environ is this process's environment without credentials, with the project's Node first on the PATH.
func (s Synthesis) environ() []string {
	var environ []string
	path := ""
	for _, variable := range program.WithoutCredentials(os.Environ()) {
		name, value, _ := strings.Cut(variable, "=")
		switch name {
		case "PATH":
			path = value
		case "CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION", "CONTEXT_OVERFLOW_LOCATION_ENV":
		default:
			environ = append(environ, variable)
		}
	}
	return append(environ, "PATH="+filepath.Join(s.Dir, "node_modules", ".bin")+string(os.PathListSeparator)+path)
}
