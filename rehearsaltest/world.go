package rehearsaltest

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/gobuild"
	"github.com/roadshow-go/roadshow/internal/rehearse"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// World is every stage of some services. Its methods, and those of what they return, fail the test where
// there is no answer.
type World struct {
	t     testing.TB
	world *rehearse.World
	all   assembly.Document // the stages of all services
	log   *testLog
}

// Run deploys services to a rehearsal, which ends with the test. Of several, one that imports from another
// comes after it. The functions are compiled from the module of the working folder, as for a deploy, but for
// this machine.
func Run(t testing.TB, apps ...stack.App) *World {
	t.Helper()
	root, err := gobuild.ModuleRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	w := &World{t: t}
	var assemblies []fleet.Assembly
	var set []stages.Stage
	for _, app := range apps {
		ready := fleet.Assembly{Dir: t.TempDir()}
		document, err := app.Synthesize(stack.Synthesis{Outdir: ready.Dir, Nested: true, Record: true})
		if err != nil {
			t.Fatal(err)
		}
		ready.Document = *document
		assemblies = append(assemblies, ready)
		w.all.Service = strings.TrimPrefix(w.all.Service+" and "+app.Service, " and ")
		w.all.Stages = append(w.all.Stages, document.Stages...)
		for _, stage := range rehearse.Stages(*document) {
			if !slices.ContainsFunc(set, func(known stages.Stage) bool { return known.Name == stage.Name }) {
				set = append(set, stage)
			}
		}
	}
	w.log = &testLog{t: t}
	config := rehearsal.Config{Functions: rehearsal.Functions{Build: rehearse.Build(root, w.all, gobuild.Options{}), Log: w.log.line}}
	config.Functions.Denied = func(denied rehearsal.Denial) { w.log.denial(w.world.Explain(w.all, denied)) }
	if w.world, err = rehearse.Open(awsenv.Place{Checkout: root, Folder: t.TempDir()}, config, set...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := w.world.Close()
		w.log.close()
		if err != nil {
			t.Error(err)
		}
	})
	for _, ready := range assemblies {
		if err := w.world.Deploy(t.Context(), ready, rehearse.Stages(ready.Document)...); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// With is the same world for another test, such as a subtest, which fails where there is no answer.
func (w *World) With(t testing.TB) *World {
	other := *w
	other.t = t
	return &other
}

// Denials are the calls so far that a function may not make, each in the program's words: "create-note may not
// dynamodb:PutItem on table notes; grant notes.Write() (app.go:24)".
func (w *World) Denials() []string {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	return slices.Clone(w.log.denials)
}

// Server is the rehearsal itself, for faults, the clock and what else it can.
func (w *World) Server() *rehearsal.Server { return w.world.Server }

// Token signs a JSON Web Token with the claims, such as iss, aud, exp and scope, which the APIs take for one
// of the issuer that the claims name.
func (w *World) Token(claims map[string]any) string {
	w.t.Helper()
	token, err := w.world.Server.Token(claims)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// Stage is one stage of the services.
type Stage struct {
	w    *World
	name string
}

// Stage is the stage of the set.
func (w *World) Stage(stage stages.Stage) *Stage {
	w.t.Helper()
	if !slices.ContainsFunc(w.all.Stages, func(one assembly.Synthesized) bool { return one.Name == stage.Name }) {
		w.t.Fatalf("rehearsaltest: There is no stage %q of %s.", stage.Name, w.all.Service)
	}
	return &Stage{w, stage.Name}
}

// Config is for SDK clients of the stage's account, which reach the rehearsal and nothing else.
func (s *Stage) Config() aws.Config {
	s.w.t.Helper()
	config, err := s.w.world.Config(s.w.t.Context(), s.name)
	if err != nil {
		s.w.t.Fatal(err)
	}
	return config
}

// physical is the physical name of a component of one of some types; the test fails where no service
// has one, or several do.
func (s *Stage) physical(noun, id string, kinds ...string) string {
	s.w.t.Helper()
	var names []string
	for _, one := range s.w.all.Stages {
		if one.Name == s.name {
			names = append(names, s.w.world.Names(one, id, kinds...)...)
		}
	}
	if len(names) != 1 {
		s.w.t.Fatalf("rehearsaltest: Stage %s has %d components %q that are a %s, and not one.", s.name, len(names), id, noun)
	}
	return names[0]
}

// testLog writes into the log of a test for as long as it runs.
type testLog struct {
	t       testing.TB
	mu      sync.Mutex
	closed  bool
	denials []string
}

func (l *testLog) denial(text string) {
	l.print(text)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.denials = append(l.denials, text)
}

func (l *testLog) line(line rehearsal.LogLine) {
	if !line.Platform {
		l.print(line.Function + " " + line.RequestID + " " + line.Text)
	}
}

func (l *testLog) print(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.t.Log(text)
	}
}

func (l *testLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}
