package program

import (
	"context"
	"go/build"
	"strings"

	"github.com/roadshow-go/roadshow/internal/elsewhere"
	"github.com/roadshow-go/roadshow/internal/reads"
	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// readCode reads what the program's code reads. Where that is not to be had, the report says so: it
// is one more thing that could not be followed.
func (p *Program) readCode(ctx context.Context) (*reads.Report, error) {
	code, err := reads.Load(ctx, p.Source())
	if err == nil {
		return code.Find(reads.Start{}), nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return &reads.Report{Reads: []parity.Read{{
		Kind: "could not be followed", What: "the code of the program: " + err.Error(), At: stages.Position{File: "cdk.json", Line: 1},
	}}}, nil
}

// circumstances are what a run of the program is given from outside.
type circumstances struct {
	environment []string
	context     map[string]any
	arguments   string // behind the command
	elsewhere   bool
}

// here is the run as the cdk command would make it.
func (p *Program) here() circumstances {
	return circumstances{environment: p.environment(), context: p.Context}
}

// elsewhere is the second run, otherwise in all that the code is seen to read and nobody has
// acknowledged.
func (p *Program) elsewhere(report *reads.Report, home string) circumstances {
	there := p.here()
	there.environment = elsewhere.Environment(there.environment, home, report.Variables)
	there.context = elsewhere.Context(p.Context, report.Context)
	if report.HasUnacknowledged("arguments") {
		there.arguments = " understudy"
	}
	there.elsewhere = true
	return there
}

// Source is where the code of the program's command is. What a shell makes of any other command
// than `go run` nobody can tell: then it is the main package of the program's folder or, if there
// is none, all of the module.
func (p *Program) Source() reads.Program {
	source := reads.Program{Dir: p.Dir, Packages: []string{"."}, Env: p.environment()}
	words := strings.Fields(p.Command)
	if len(words) > 2 && words[0] == "go" && words[1] == "run" {
		for i := 2; i < len(words); i++ {
			word := words[i]
			if !strings.HasPrefix(word, "-") {
				source.Packages = []string{word}
				return source
			}
			name, _, joined := strings.Cut(strings.TrimLeft(word, "-"), "=")
			takesValue := !joined && !switches[name] && i+1 < len(words)
			if builds[name] {
				if takesValue {
					word += "=" + words[i+1]
				}
				source.BuildFlags = append(source.BuildFlags, word)
			}
			if takesValue {
				i++
			}
		}
	}
	if pkg, err := build.ImportDir(p.Dir, 0); err != nil || pkg.Name != "main" {
		source.Packages = []string{"./..."}
	}
	return source
}

// switches are flags of go run that take no value; builds are those that say which code is
// compiled.
// https://pkg.go.dev/cmd/go#hdr-Compile_packages_and_dependencies
var (
	switches = map[string]bool{"a": true, "n": true, "race": true, "msan": true, "asan": true, "cover": true, "v": true, "work": true, "x": true, "trimpath": true, "linkshared": true, "modcacherw": true}
	builds   = map[string]bool{"tags": true, "mod": true, "modfile": true, "overlay": true}
)
