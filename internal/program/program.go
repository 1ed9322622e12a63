// Package program runs a Roadshow program as the cdk command does, and asks it what only the
// program knows. The roadshow command never imports the CDK: the program does, in a process of its
// own.
package program

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/child"
	"github.com/roadshow-go/roadshow/internal/elsewhere"
	"github.com/roadshow-go/roadshow/internal/jsonfile"
	"github.com/roadshow-go/roadshow/internal/reads"
	"github.com/roadshow-go/roadshow/internal/redact"
	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// Program is a program that can be run, or an assembly that it has written.
type Program struct {
	// Command is a line for the shell, such as "go run ."; empty where Assembly is a folder that is
	// ready.
	Command  string
	Assembly string
	// Dir is the folder of cdk.json, in which the command runs.
	Dir string
	// Context is that of cdk.json and cdk.context.json.
	Context map[string]any
	// Talk gets what the program writes while it runs. Default: it is kept for the error.
	Talk io.Writer
	// Redactor takes secrets out of what the program writes. Default: what is written like one is
	// taken out.
	Redactor *redact.Redactor

	// app is what replaces cdk.json's, tools the folder whose node_modules hold the user's Node;
	// past tells that it is another commit's than the user's; see [Program.At].
	app, tools string
	past       bool
}

// Error says that there is no program to run, or that it failed.
type Error struct {
	// Command is the line that was run; empty where there is none.
	Command string
	// Reason is what is wrong, and goes on from the program; Fix is what to do, as an order. Output
	// is what the program wrote.
	Reason, Output, Fix string
	// Err is the cause, if there is one.
	Err error
}

// Error is a sentence, one that says what to do, and what the program wrote.
func (e *Error) Error() string {
	text := e.Reason + "."
	if e.Command != "" {
		text = fmt.Sprintf("The program `%s` ", e.Command) + text
	}
	if e.Fix != "" {
		text += "\n" + e.Fix + "."
	}
	if output := strings.TrimSpace(exitStatus.ReplaceAllString(e.Output, "")); output != "" {
		text += "\n\n  " + strings.ReplaceAll(output, "\n", "\n  ")
	}
	return text
}

// exitStatus is what `go run` adds to what the program said.
var exitStatus = regexp.MustCompile(`(?m)^exit status \d+$`)

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Find is the program of the nearest cdk.json upwards from a folder. app, where it is not empty,
// replaces cdk.json's: a command, or the folder of an assembly, as the cdk command's --app.
func Find(dir, app string) (*Program, error) {
	working, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	program := &Program{Dir: working, Command: app, Context: map[string]any{}}
	for at := working; ; at = filepath.Dir(at) {
		var settings struct {
			App     string
			Context map[string]any
		}
		err := jsonfile.Read(filepath.Join(at, "cdk.json"), &settings)
		if err == nil {
			program.Dir = at
			for key, value := range settings.Context {
				program.Context[key] = value
			}
			if app == "" {
				program.Command = settings.App
			}
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, unreadable("cdk.json", err)
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	var lookups map[string]any
	if err := jsonfile.Read(filepath.Join(program.Dir, "cdk.context.json"), &lookups); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, unreadable("cdk.context.json", err)
	}
	for key, value := range lookups {
		program.Context[key] = value
	}
	if program.Command == "" {
		return nil, &Error{
			Reason: `No cdk.json has an "app", here or in a folder above`,
			Fix:    `Change to the program's folder, or write --app "go run ."`,
		}
	}
	if app != "" {
		if info, err := os.Stat(app); err == nil && info.IsDir() {
			program.Command, program.Assembly = "", app
		}
	}
	program.app, program.tools = app, program.Dir
	return program, nil
}

func unreadable(name string, err error) error {
	return &Error{Reason: name + " cannot be used: " + strings.TrimSuffix(err.Error(), "."), Fix: "Correct it", Err: err}
}

// Document is what the program says about every stage of its set: read from a ready assembly, or
// from one that the program writes now, without compiling any function.
func (p *Program) Document(ctx context.Context) (assembly.Document, error) {
	if p.Assembly != "" {
		return assembly.Read(p.Assembly)
	}
	var document assembly.Document
	err := p.inFolder(func(outdir string) error {
		_, err := p.answerTo(ctx, outdir, p.here(), assembly.Question{Ask: assembly.AskAssembly})
		if err != nil {
			return err
		}
		document, err = assembly.Read(outdir)
		return err
	})
	return document, err
}

// stale is how old the folder of an assembly is when the command that made it must have been
// killed.
const stale = 24 * time.Hour

// AssemblyFolder makes a folder for an assembly that is to be deployed, beside the program, where
// the cdk command's own goes: an assembly holds the code of the functions. remove removes it.
// Folders of commands that were killed go too.
func (p *Program) AssemblyFolder() (dir string, remove func(), err error) {
	parent := filepath.Join(p.Dir, ".roadshow")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", nil, err
	}
	left, _ := filepath.Glob(filepath.Join(parent, "assembly-*"))
	for _, folder := range left {
		if info, err := os.Stat(folder); err == nil && time.Since(info.ModTime()) > stale {
			os.RemoveAll(folder)
		}
	}
	dir, err = os.MkdirTemp(parent, "assembly-")
	return dir, func() { os.RemoveAll(dir) }, err
}

// Proof is [Program.Prove] as a deploy needs it; nil where there is a ready assembly and no program
// to ask.
func (p *Program) Proof() func(ctx context.Context) (*parity.Verdict, error) {
	if p.Command == "" {
		return nil
	}
	return func(ctx context.Context) (*parity.Verdict, error) { return p.Prove(ctx, false) }
}

// Prove has the program prove its parity, while a second process synthesizes it in another
// environment.
func (p *Program) Prove(ctx context.Context, strict bool) (*parity.Verdict, error) {
	var verdict *parity.Verdict
	err := p.inFolder(func(folder string) error {
		var answers [2]*assembly.Answer
		var faults [2]error
		outdirs := [2]string{filepath.Join(folder, "proof"), filepath.Join(folder, "again")}
		home := filepath.Join(folder, "home")
		for _, path := range append(outdirs[:], home) {
			if err := os.Mkdir(path, 0o700); err != nil {
				return err
			}
		}
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		var report *reads.Report
		var unread error
		var all sync.WaitGroup
		all.Go(func() {
			question := assembly.Question{Ask: assembly.AskProof, Exhaustive: strict, Stale: strict}
			if answers[0], faults[0] = p.answerTo(ctx, outdirs[0], p.here(), question); faults[0] != nil {
				stop() // not the other way: what fails in both is no matter of the environment
			}
		})
		all.Go(func() {
			if report, unread = p.readCode(ctx); unread != nil {
				stop()
				return
			}
			question := assembly.Question{Ask: assembly.AskAssembly, Folder: home, OtherDate: report.AllowsOtherDate()}
			answers[1], faults[1] = p.answerTo(ctx, outdirs[1], p.elsewhere(report, home), question)
		})
		all.Wait()
		if faults[0] != nil {
			return faults[0]
		}
		if faults[1] != nil {
			return fmt.Errorf("the second run, in another environment, has failed: %w", faults[1])
		}
		if unread != nil {
			return unread
		}
		if answers[0].Verdict == nil {
			return &Error{Command: p.Command, Reason: "answered without a verdict", Fix: "Use one version of Roadshow for both"}
		}
		var runs [2]map[string][]byte
		for i, answer := range answers {
			runs[i] = map[string][]byte{}
			for stage, file := range answer.Templates {
				template, err := assembly.ReadFile(outdirs[i], file)
				if err != nil {
					return err
				}
				runs[i][stage] = template
			}
		}
		verdict = answers[0].Verdict
		verdict.Unstable = parity.Reproducible(runs[0], runs[1])
		if err := p.locate(ctx, verdict); err != nil {
			return err
		}
		report.Apply(verdict)
		return nil
	})
	return verdict, err
}

// locate has the program find the lines of differences that have none: those between two runs.
func (p *Program) locate(ctx context.Context, verdict *parity.Verdict) error {
	var ids []string
	verdict.Locate(func(_ []string, logicalID string) stages.Position {
		ids = append(ids, logicalID)
		return stages.Position{}
	})
	if len(ids) == 0 {
		return nil
	}
	answer, err := p.once(ctx, assembly.Question{Ask: assembly.AskLines, LogicalIDs: ids})
	if err != nil {
		return err
	}
	verdict.Locate(func(_ []string, logicalID string) stages.Position { return answer.Lines[logicalID] })
	return nil
}

// Diff has the program explain the differences between two of its stages.
func (p *Program) Diff(ctx context.Context, from, to string) (*parity.Explanation, error) {
	answer, err := p.once(ctx, assembly.Question{Ask: assembly.AskDiff, From: from, To: to})
	if err != nil {
		return nil, err
	}
	return answer.Explanation, nil
}

// Propose has the program say what one more stage would add.
func (p *Program) Propose(ctx context.Context, stage assembly.Stage) (*assembly.Proposal, error) {
	answer, err := p.once(ctx, assembly.Question{Ask: assembly.AskProposal, Stage: &stage})
	if err != nil {
		return nil, err
	}
	return answer.Proposal, nil
}

func (p *Program) once(ctx context.Context, question assembly.Question) (*assembly.Answer, error) {
	var answer *assembly.Answer
	err := p.inFolder(func(outdir string) (err error) {
		answer, err = p.answerTo(ctx, outdir, p.here(), question)
		return err
	})
	return answer, err
}

// inFolder gives a folder that is removed afterwards.
func (p *Program) inFolder(do func(folder string) error) error {
	folder, err := os.MkdirTemp("", "roadshow-ask-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	return do(folder)
}

// answerTo runs the program once, and reads its answer to a question.
func (p *Program) answerTo(ctx context.Context, outdir string, in circumstances, question assembly.Question) (*assembly.Answer, error) {
	if p.Command == "" {
		return nil, &Error{
			Reason: fmt.Sprintf("--app is the folder %s, and only a program can be asked this", p.Assembly),
			Fix:    `Write --app "go run .", or leave it out`,
		}
	}
	question.Version = assembly.AskVersion
	text, err := json.Marshal(question)
	if err != nil {
		return nil, err
	}
	arguments := map[string]any{"stage": "all"} // what a program that knows no questions will do
	for key, value := range in.context {
		if key != "stage" {
			arguments[key] = value
		}
	}
	settings, err := json.Marshal(arguments)
	if err != nil {
		return nil, err
	}
	var output child.Tail
	var talk io.Writer = &output
	if p.Talk != nil {
		clean := p.Redactor.Stream(p.Talk)
		defer clean.Close()
		talk = io.MultiWriter(&output, clean)
	}
	command := func() *exec.Cmd {
		command := child.Shell(ctx, p.Command+in.arguments)
		command.Dir = p.Dir
		command.Env = append(slices.Clone(in.environment), assembly.AskVariable+"="+string(text), "CDK_OUTDIR="+outdir, "CDK_CONTEXT_JSON="+string(settings))
		command.Stdout, command.Stderr = &output, talk
		return command
	}
	if in.elsewhere {
		err = elsewhere.Run(func() *exec.Cmd { return child.InGroup(command()) })
	} else {
		err = child.Run(command())
	}
	if err != nil {
		if cause := ctx.Err(); cause != nil {
			return nil, cause
		}
		return nil, &Error{Command: p.Command, Reason: "failed (" + err.Error() + ")", Output: p.Redactor.Text(output.String()), Err: err}
	}
	answer, err := assembly.ReadAnswer(outdir)
	if err != nil {
		return nil, &Error{Command: p.Command, Reason: err.Error(), Err: err}
	}
	if answer.Ask != question.Ask {
		return nil, &Error{
			Command: p.Command, Reason: fmt.Sprintf("was asked for %q, and answered %q", question.Ask, answer.Ask),
			Fix: "Use one version of Roadshow for the command and the program",
		}
	}
	return answer, nil
}
