package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/credentials"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// Deployment deploys a ready assembly to the accounts of its stages, in waves: the sandboxes, then the
// standard stages, then the protected ones. The stages of a wave are deployed side by side; where one
// fails, the waves after it are not begun.
//
// It keeps no record. A stack that is being changed is waited for, one that is as it should be is left
// alone, so a deployment that was interrupted is taken up by running it again.
type Deployment struct {
	// Fleet reaches the accounts, CDK deploys, Assembly is what. Required.
	Fleet    *Fleet
	CDK      CDK
	Assembly Assembly
	// Approve is asked before a protected stage is changed, for one stage at a time. Default: none is
	// approved.
	Approve func(ctx context.Context, proposal Proposal) (bool, error)
	// Prove is the proof of parity; what it returns stops the deployment before anything is changed.
	// Default: not proven.
	Prove func(ctx context.Context) *Finding
	// Fits asks the accounts of stages whether what would be deployed fits their quotas; what it returns stops the
	// deployment before anything is changed. Default: not asked.
	Fits func(ctx context.Context, all []stages.Stage) ([]Finding, error)
	// AtOnce is how many stages are deployed at once. Default: [AtOnce].
	AtOnce int
	// Observe is told what happens. Default: nobody is.
	Observe func(Event)
	// Poll is how often a stack that is being changed is looked at. Default: [stacks.Poll].
	Poll time.Duration
}

// Waves lists stages by tier, in the order in which they are deployed.
func Waves(all []stages.Stage) [][]stages.Stage {
	var waves [][]stages.Stage
	for _, tier := range []stages.Tier{stages.Sandbox, stages.Standard, stages.Protected} {
		wave := slices.DeleteFunc(slices.Clone(all), func(stage stages.Stage) bool { return stage.Tier != tier })
		if len(wave) > 0 {
			waves = append(waves, wave)
		}
	}
	return waves
}

// Run deploys stages, and returns what came of each, in their order. The error is a [*PreflightError] or
// the context's, and nothing was changed then; what failed after that is in the outcomes.
func (d Deployment) Run(ctx context.Context, all []stages.Stage) ([]Outcome, error) {
	for _, stage := range all {
		d.observe(Event{Stage: stage, State: Waiting})
	}
	packing, stop := context.WithCancel(ctx)
	defer stop()
	var packed sync.WaitGroup
	packed.Go(func() { d.pack(packing, all) })
	if err := d.preflight(ctx, all); err != nil {
		stop()
		packed.Wait()
		return nil, err
	}
	packed.Wait()
	outcomes := map[string]Outcome{}
	failed := ""
	for _, wave := range Waves(all) {
		if failed != "" || ctx.Err() != nil {
			for _, stage := range wave {
				a := begin(stage, d.Observe)
				a.outcome.Problem = "not begun: the deployment was interrupted"
				if failed != "" {
					a.outcome.Problem = fmt.Sprintf("not begun: stage %s has failed", failed)
				}
				outcomes[stage.Name] = a.finish(Skipped, a.outcome.Problem)
			}
			continue
		}
		for _, outcome := range d.wave(ctx, wave) {
			outcomes[outcome.Stage] = outcome
			if outcome.State != Done && outcome.State != Unchanged && failed == "" {
				failed = outcome.Stage
			}
		}
	}
	ordered := make([]Outcome, len(all))
	for i, stage := range all {
		ordered[i] = outcomes[stage.Name]
	}
	return ordered, nil
}

func (d Deployment) observe(event Event) {
	if d.Observe != nil {
		d.Observe(event)
	}
}

// work is one stage on its way through a wave.
type work struct {
	*attempt
	one      assembly.Synthesized
	profile  Profile
	client   *cloudformation.Client
	before   *stacks.State
	proposal *Proposal
	done     bool
}

// wave deploys the stages of one tier. A protected stage's changes are prepared first, then each is
// approved, one after the other, and what is approved is executed.
func (d Deployment) wave(ctx context.Context, wave []stages.Stage) []Outcome {
	works := make([]*work, len(wave))
	atOnce := cmp.Or(d.AtOnce, AtOnce)
	parallel.ForEach(ctx, atOnce, wave, func(ctx context.Context, i int, stage stages.Stage) {
		works[i] = d.enter(ctx, stage)
		if stage.Tier == stages.Protected && !works[i].done {
			d.prepare(ctx, works[i])
		} else if !works[i].done {
			d.deploy(ctx, works[i])
		}
	})
	for i, w := range works {
		if w == nil {
			works[i] = &work{attempt: begin(wave[i], d.Observe), done: true}
			works[i].outcome.Problem = "not begun: the deployment was interrupted"
			works[i].attempt.finish(Skipped, "not begun")
		}
	}
	for _, w := range works {
		if !w.done {
			d.ask(ctx, w)
		}
	}
	parallel.ForEach(ctx, atOnce, works, func(ctx context.Context, _ int, w *work) {
		if !w.done {
			d.execute(ctx, w)
		}
	})
	outcomes := make([]Outcome, len(works))
	for i, w := range works {
		if !w.done {
			w.finish(Skipped, "not begun: the deployment was interrupted")
		}
		outcomes[i] = w.outcome
	}
	return outcomes
}

func (w *work) finish(state State, text string) {
	w.done = true
	if state != Done && state != Unchanged {
		w.outcome.Problem = text
	}
	w.attempt.finish(state, text)
}

func (w *work) fail(err error) {
	w.done = true
	w.attempt.fail(err)
}

// enter asks for the account again, and waits until nobody changes the stack.
func (d Deployment) enter(ctx context.Context, stage stages.Stage) *work {
	w := &work{attempt: begin(stage, d.Observe)}
	w.one, _ = d.Assembly.Stage(stage.Name)
	w.outcome.Stack = w.one.StackName
	w.say("asking the account")
	way, err := d.Fleet.route(ctx, stage, deployRole)
	if err != nil {
		w.fail(err)
		return w
	}
	w.profile, w.client = way.profile, cloudformation.NewFromConfig(way.config)
	if w.before, err = d.settled(ctx, w); err != nil {
		w.fail(err)
	}
	return w
}

// settled waits until a stack is not being changed any more; nil is a stack that does not exist. What an
// interrupted deploy has begun goes on without it, and is not begun again.
func (d Deployment) settled(ctx context.Context, w *work) (*stacks.State, error) {
	for {
		stack, err := stacks.Describe(ctx, w.client, w.one.StackName)
		if err != nil {
			return nil, AsServiceError(w.stage, "CloudFormation", err)
		}
		if stack == nil {
			return nil, nil
		}
		status := string(stack.StackStatus)
		if !stacks.IsChanging(status) {
			return stacks.StateOf(*stack), nil
		}
		w.say("waiting for what is under way: " + status)
		if err := parallel.Wait(ctx, cmp.Or(d.Poll, stacks.Poll)); err != nil {
			return nil, err
		}
	}
}

// cdk runs `cdk deploy` on the stage's own assembly, with no other stage in reach.
func (d Deployment) cdk(ctx context.Context, w *work, arguments ...string) error {
	arguments = append([]string{"deploy", "--app", d.Assembly.folder(w.one), "--require-approval", "never", "--progress", "events"}, arguments...)
	return d.CDK.run(ctx, w.profile, d.Fleet.Profiles.Redactor(), d.CDK.Dir, w.line, arguments...)
}

// deploy deploys a stage that needs no approval.
func (d Deployment) deploy(ctx context.Context, w *work) {
	err := d.cdk(ctx, w)
	if err != nil && ctx.Err() == nil {
		// An earlier deploy that was killed may have been executed between our look and the command's.
		after, settleErr := d.settled(ctx, w)
		if settleErr == nil && !w.before.Same(after) && after.Succeeded() {
			w.say("trying again")
			err = d.cdk(ctx, w)
		}
	}
	d.finish(ctx, w, err)
}

// prepare makes the change set of a protected stage.
func (d Deployment) prepare(ctx context.Context, w *work) {
	if err := d.cdk(ctx, w, "--method", "prepare-change-set", "--change-set-name", approvalSet); err != nil {
		d.finish(ctx, w, err)
		return
	}
	var err error
	if w.proposal, err = d.Fleet.readProposal(ctx, w.client, w.stage, w.profile); err != nil {
		w.fail(AsServiceError(w.stage, "CloudFormation", err))
		return
	}
	if w.proposal == nil {
		w.finish(Unchanged, "no changes")
		return
	}
	w.observe(Event{Stage: w.stage, State: Waiting, Text: "waiting for approval"})
}

// ask asks for the approval of one stage, and withdraws what is not approved.
func (d Deployment) ask(ctx context.Context, w *work) {
	approved := false
	var err error
	if d.Approve != nil && ctx.Err() == nil {
		approved, err = d.Approve(ctx, *w.proposal)
	}
	if approved && err == nil {
		return
	}
	// Also after an interruption: nothing that waits for an approval is left behind.
	cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), credentials.Limit)
	defer cancel()
	if undone := w.proposal.withdraw(cleanup, w.client); undone != nil {
		err = errors.Join(err, AsServiceError(w.stage, "CloudFormation", undone))
	}
	if err != nil {
		w.fail(err)
		return
	}
	w.finish(Declined, "not approved; nothing was changed in account "+w.stage.Account)
}

// execute executes what was approved. Between the question and the answer hours may have passed, so the
// account is asked again.
func (d Deployment) execute(ctx context.Context, w *work) {
	if _, err := d.Fleet.ReachToChange(ctx, w.stage); err != nil {
		w.fail(err)
		return
	}
	// It wants exactly one stack selected; the assembly has no other.
	err := d.cdk(ctx, w, "*", "--method", "execute-change-set", "--change-set-name", approvalSet)
	if err != nil && ctx.Err() == nil {
		// The command was lost after it had begun: what CloudFormation executes is what was approved.
		if after, lookErr := d.settled(ctx, w); lookErr == nil && !w.before.Same(after) && after.Succeeded() {
			err = nil
		}
	}
	d.finish(ctx, w, err)
}

// finish asks the account what came of it.
func (d Deployment) finish(ctx context.Context, w *work, err error) {
	if err != nil {
		w.fail(d.explain(ctx, w, err))
		return
	}
	after, lookErr := d.settled(ctx, w)
	switch {
	case lookErr != nil:
		w.fail(lookErr)
	case !after.Succeeded() && !w.before.Same(after):
		w.fail(d.explain(ctx, w, errors.New("the stack is not as it was deployed")))
	case w.before.Same(after):
		w.finish(Unchanged, "no changes")
	default:
		w.finish(Done, "deployed")
	}
}

// DeployError says why a stage's deploy failed.
type DeployError struct {
	// Stage is the stage, Stack its stack, Status what CloudFormation says of it; empty where there is none.
	Stage  stages.Stage
	Stack  string
	Status string
	// Reason is the resource that failed and why, in CloudFormation's words; empty where none has.
	Reason string
	// Err is what the cdk command came to.
	Err error
}

func (e *DeployError) Error() string {
	thing := fmt.Sprintf("stage %s: stack %s", e.Stage.Name, e.Stack)
	if e.Reason != "" {
		return fmt.Sprintf("%s is %s, want it deployed; %s, then run `roadshow deploy` again: %s", thing, orNone(e.Status), advice(e.Reason), e.Reason)
	}
	first := "read what the command wrote"
	if e.Err != nil && strings.Contains(e.Err.Error(), "token") && strings.Contains(e.Err.Error(), "expired") {
		first = "the credentials have expired: sign in again"
	}
	return fmt.Sprintf("%s is %s, want it deployed; %s, then run `roadshow deploy` again: %v", thing, orNone(e.Status), first, e.Err)
}

// Unwrap gives what the cdk command came to.
func (e *DeployError) Unwrap() error { return e.Err }

func orNone(status string) string {
	if status == "" {
		return "not there"
	}
	return status
}

// explain finds out from the account why a deploy failed.
func (d Deployment) explain(ctx context.Context, w *work, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("stage %s: deploy is interrupted, want it finished; run `roadshow deploy` again, which goes on from what the account says: %w", w.stage.Name, ctx.Err())
	}
	failed := &DeployError{Stage: w.stage, Stack: w.one.StackName, Err: err}
	if stack, lookErr := stacks.Describe(ctx, w.client, w.one.StackName); lookErr == nil && stack != nil {
		failed.Status = string(stack.StackStatus)
		after := stacks.StateOf(*stack)
		if !w.before.Same(after) { // otherwise its last failure is an older one
			failed.Reason = d.Fleet.Profiles.Redactor().Text(stacks.Failure(ctx, w.client, aws.ToString(stack.StackId)))
		}
	}
	return failed
}
