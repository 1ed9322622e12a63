package rehearse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/internal/child"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/gobuild"
	"github.com/roadshow-go/roadshow/internal/program"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// firstPort is where a session's endpoint listens, and its APIs behind it, where nobody else does.
const firstPort = 4300

// Session is a rehearsal that stays until somebody ends it.
type Session struct {
	*World
	assembly fleet.Assembly
	program  *program.Program
	folder   string
	state    string // the file; empty for none
	build    func(context.Context, string) (string, error)
}

// Streams are those of a command.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Settings say what a session has besides its program.
type Settings struct {
	// State is a file that the session begins with, where it is there, and that it leaves. Default: none.
	State string
	// Log is handed each line that a function, or Lambda about it, logs. Default: nobody is told.
	Log func(Line)
	// Denied is handed each call that a function may not make, in the program's words. Default: nobody is
	// told but the function.
	Denied func(Refused)
}

// Line is a line of a function's log.
type Line struct {
	Stage    string `json:"stage"`
	Function string `json:"function"`
	Version  string `json:"version"`
	// RequestID is empty while an environment starts.
	RequestID string `json:"requestId,omitempty"`
	Text      string `json:"text"`
	// Platform tells that Lambda wrote it.
	Platform bool `json:"platform,omitempty"`
}

// Refused is a call that a function may not make.
type Refused struct {
	Stage    string `json:"stage"`
	Function string `json:"function"`
	Action   string `json:"action"`
	Resource string `json:"resource"`
	// Text says it in the program's words.
	Text string `json:"text"`
}

// Begin starts the accounts of stages, and deploys them. Whoever has begun a session ends it.
func Begin(ctx context.Context, found *program.Program, ready fleet.Assembly, settings Settings, all ...stages.Stage) (*Session, error) {
	root, err := gobuild.ModuleRoot(found.Dir)
	if err != nil {
		return nil, err
	}
	parent := filepath.Join(found.Dir, ".roadshow")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	removeAbandoned(parent)
	folder, err := os.MkdirTemp(parent, "rehearsal-")
	if err != nil {
		return nil, err
	}
	ready.Document.Stages = slices.DeleteFunc(slices.Clone(ready.Document.Stages), func(one assembly.Synthesized) bool {
		return !slices.ContainsFunc(all, func(stage stages.Stage) bool { return stage.Name == one.Name })
	})
	s := &Session{assembly: ready, program: found, folder: folder, state: settings.State, build: Build(root, ready.Document, gobuild.Options{})}
	if err := s.begin(ctx, settings, all); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// endpointFile says in a session's folder where it listens.
const endpointFile = "endpoint"

// removeAbandoned removes the folders of sessions that were killed: nobody listens there any more.
func removeAbandoned(parent string) {
	files, _ := filepath.Glob(filepath.Join(parent, "rehearsal-*", endpointFile))
	for _, file := range files {
		url, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		connection, err := net.Dial("tcp", strings.TrimPrefix(string(url), "http://"))
		if err == nil {
			_ = connection.Close()
			continue
		}
		_ = os.RemoveAll(filepath.Dir(file))
	}
}

func (s *Session) begin(ctx context.Context, settings Settings, all []stages.Stage) error {
	functions := rehearsal.Functions{Build: s.build}
	if settings.Log != nil {
		functions.Log = func(line rehearsal.LogLine) { settings.Log(s.line(line)) }
	}
	if settings.Denied != nil {
		functions.Denied = func(denied rehearsal.Denial) { settings.Denied(s.refused(denied)) }
	}
	var err error
	s.World, err = Open(awsenv.Place{Checkout: s.program.Dir, Folder: s.folder}, rehearsal.Config{Functions: functions, Port: firstPort, ForgetCalls: true}, all...)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.folder, endpointFile), []byte(s.Server.URL()), 0o600); err != nil {
		return err
	}
	if err := s.load(); err != nil {
		return err
	}
	// Most functions are deployed for another processor: they are compiled meanwhile, so that the first
	// request does not wait for it.
	compiled := make(chan error, 1)
	go func() {
		_, err := s.build(ctx, "")
		compiled <- err
	}()
	deployed := s.Deploy(ctx, s.assembly, all...)
	if err := <-compiled; err != nil {
		return errors.Join(deployed, err)
	}
	return deployed
}

// line is a line of the log, in the program's words.
func (s *Session) line(line rehearsal.LogLine) Line {
	made := Line{Function: line.Function, Version: line.Version, RequestID: line.RequestID, Text: line.Text, Platform: line.Platform}
	for _, one := range s.assembly.Document.Stages {
		if one.Account != line.Account || one.Region != line.Region {
			continue
		}
		// Of the stages of one account, it is the one whose stack begins the function's name.
		id, its := strings.CutPrefix(line.Function, one.StackName+"-")
		if its {
			made.Function = id
		}
		if its || made.Stage == "" {
			made.Stage = one.Name
		}
	}
	return made
}

func (s *Session) refused(denied rehearsal.Denial) Refused {
	all := s.index(s.assembly.Document)
	function, _ := all.find(denied.Function)
	return Refused{
		Stage: function.Stage, Function: function.ID, Action: denied.Right.Action, Resource: denied.Right.Resource,
		Text: s.explain(all, denied),
	}
}

// load reads the state that an earlier session has left, if there is one.
func (s *Session) load() error {
	if s.state == "" {
		return nil
	}
	content, err := os.ReadFile(s.state)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.Server.Load(bytes.NewReader(content)); err != nil {
		return fmt.Errorf("%s cannot be used: %w", s.state, err)
	}
	return nil
}

// save leaves the state for a later session: the file is there whole or as it was.
func (s *Session) save() error {
	if s.state == "" {
		return nil
	}
	var content bytes.Buffer
	if err := s.Server.Save(&content); err != nil {
		return err
	}
	next := s.state + ".tmp"
	// Values of secrets are in it.
	if err := os.WriteFile(next, content.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Rename(next, s.state)
}

// Summaries says what each stage has.
func (s *Session) Summaries() ([]Summary, error) { return s.Summarize(s.assembly.Document) }

// Run runs a line of the shell in the program's folder, with the variables that lead to the session, and
// gives its exit code.
func (s *Session) Run(ctx context.Context, line string, streams Streams) (int, error) {
	all, err := s.Summaries()
	if err != nil {
		return 0, err
	}
	process := child.Shell(ctx, line)
	process.Env = append(program.WithoutCredentials(os.Environ()), append(s.Variables(), Variables(all)...)...)
	if len(all) == 1 {
		process.Env = append(process.Env, "AWS_PROFILE="+all[0].Stage)
	}
	process.Stdin, process.Stdout, process.Stderr = streams.In, streams.Out, streams.Err
	err = child.Run(process)
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case errors.As(err, &exit):
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}

// End leaves the state, ends every process of the session, and says which rights were used.
func (s *Session) End() (Rights, error) {
	rights := s.Rights(s.assembly.Document)
	return rights, errors.Join(s.save(), s.close())
}

func (s *Session) close() error {
	var err error
	if s.World != nil {
		err = s.World.Close()
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}
