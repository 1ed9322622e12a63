package fleet

import (
	"time"

	"github.com/roadshow-go/roadshow/stages"
)

// State is how far something that is done to a stage is.
type State string

// What is done to a stage goes from Waiting to Running to one of the others.
const (
	// Waiting means that others come first.
	Waiting State = "waiting"
	// Running means that it is under way.
	Running State = "running"
	// Done means that it was done, Unchanged that there was nothing to do.
	Done      State = "done"
	Unchanged State = "unchanged"
	// Failed means that it was tried, Skipped that it was not, because something before it has failed.
	Failed  State = "failed"
	Skipped State = "skipped"
	// Declined means that it needed an approval and got none.
	Declined State = "declined"
	// Kept means that it was left alone, because it is not what was planned any more, or is not surely ours.
	Kept State = "kept"
)

// Event is something that happened to a stage, for whoever shows progress. Events of several stages come
// from several goroutines.
type Event struct {
	// Stage is whose it is.
	Stage stages.Stage
	// State is how far it is.
	State State
	// Text says what is happening, in a few words. Whoever shows it shows its first line.
	Text string
	// Finished and Total count resources; 0 where none are counted.
	Finished, Total int
}

// Outcome is what came of one stage.
type Outcome struct {
	// Stage is its name, Account and Region where it is.
	Stage   string `json:"stage"`
	Account string `json:"account"`
	Region  string `json:"region"`
	// State is Done, Unchanged, Failed, Skipped, Declined or Kept.
	State State `json:"state"`
	// Version is that of the bootstrap, after a bootstrap.
	Version int `json:"version,omitempty"`
	// Stack is the stack's name, after a deploy or a removal.
	Stack string `json:"stack,omitempty"`
	// Outputs are the stack's, URLs first, after a deploy.
	Outputs []Output `json:"outputs,omitempty"`
	// Problem is why it is not done, and what to do.
	Problem string `json:"problem,omitempty"`
	// Seconds is how long it took.
	Seconds float64 `json:"seconds"`

	err error
}

// Err is the error behind Problem.
func (o Outcome) Err() error { return o.err }

// Succeeded tells whether every outcome is Done or Unchanged.
func Succeeded(outcomes []Outcome) bool {
	for _, outcome := range outcomes {
		if outcome.State != Done && outcome.State != Unchanged {
			return false
		}
	}
	return true
}

// attempt measures one stage's work, and tells whoever shows progress.
type attempt struct {
	stage   stages.Stage
	began   time.Time
	observe func(Event)
	outcome Outcome
	// finished and total are the resources that the cdk command counted last.
	finished, total int
}

func begin(stage stages.Stage, observe func(Event)) *attempt {
	if observe == nil {
		observe = func(Event) {}
	}
	return &attempt{
		stage: stage, began: time.Now(), observe: observe,
		outcome: Outcome{Stage: stage.Name, Account: stage.Account, Region: stage.Region},
	}
}

func (a *attempt) say(text string) {
	a.observe(Event{Stage: a.stage, State: Running, Text: text})
}

// line tells what the cdk command printed.
func (a *attempt) line(line string) {
	finished, total, text := progressOf(line)
	if total > 0 {
		a.finished, a.total = finished, total
	}
	if text != "" {
		a.observe(Event{Stage: a.stage, State: Running, Text: text, Finished: a.finished, Total: a.total})
	}
}

func (a *attempt) finish(state State, text string) Outcome {
	a.outcome.State, a.outcome.Seconds = state, time.Since(a.began).Seconds()
	a.observe(Event{Stage: a.stage, State: state, Text: text})
	return a.outcome
}

func (a *attempt) fail(err error) Outcome {
	a.outcome.err, a.outcome.Problem = err, err.Error()
	return a.finish(Failed, a.outcome.Problem)
}
