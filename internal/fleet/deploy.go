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
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/credentials"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/plan"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/parity"
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
	// Approve is asked before a protected stage is changed, and before a standard one may lose data, for one
	// stage at a time. Default: none is approved.
	Approve func(ctx context.Context, proposal Proposal) (bool, error)
	// Show is told what is removed or replaced in a stage that needs no approval, before it is. Default: nobody is.
	Show func(proposal Proposal)
	// Warn is told what may be wrong and does not stop the deployment. Default: nobody is.
	Warn func(Finding)
	// TakesOver is the program whose stacks this one takes over, as after its module was renamed: the path of the
	// other's module, or [NoProgram]. Default: a stack that another program made stops the deployment.
	TakesOver string
	// TakeUp are the names of what the account has already and the stages' stacks take up again, or the names of stages,
	// whose own leftovers they take up. CloudFormation imports them as they are, by the real cdk command. Default: nothing;
	// a name that is taken stops the deployment.
	TakeUp []string
	// Prove is the proof of parity; a verdict that is not identical stops the deployment before anything is changed.
	// Default: not proven.
	Prove func(ctx context.Context) (*parity.Verdict, error)
	// Fits asks the accounts of stages whether what would be deployed fits their quotas; what it returns stops the
	// deployment before anything is changed. Default: not asked.
	Fits func(ctx context.Context, all []stages.Stage) ([]Finding, error)
	// AtOnce is how many stages are deployed at once. Default: [AtOnce].
	AtOnce int
	// Observe is told what happens. Default: nobody is.
	Observe func(Event)
	// Poll is how often a stack that is being changed is looked at. Default: [stacks.Poll].
	Poll time.Duration

	takeUps *takeUps
	looks   *looksBefore
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
	d.serialize()
	d.takeUps, d.looks = newTakeUps(d.TakeUp), &looksBefore{each: map[string]func() (before, error){}}
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
				a.outcome.Problem = notBegun(stage, "the deploy was interrupted")
				if failed != "" {
					a.outcome.Problem = notBegun(stage, "stage "+failed+" was not deployed")
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

// notBegun says why a stage was left as it is.
func notBegun(stage stages.Stage, why string) string {
	return "Stage " + stage.Name + " was not begun, because " + why + "."
}

// serialize has what people are told come one at a time, from however many stages.
func (d *Deployment) serialize() {
	var mu sync.Mutex
	if show := d.Show; show != nil {
		d.Show = func(proposal Proposal) {
			mu.Lock()
			defer mu.Unlock()
			show(proposal)
		}
	}
	if warn := d.Warn; warn != nil {
		d.Warn = func(finding Finding) {
			mu.Lock()
			defer mu.Unlock()
			warn(finding)
		}
	}
}

func (d Deployment) observe(event Event) {
	if d.Observe != nil {
		d.Observe(event)
	}
}

// work is one stage on its way through a wave.
type work struct {
	*attempt
	one     assembly.Synthesized
	profile Profile
	client  *cloudformation.Client
	before  *stacks.State
	// waiting is the change set of this run, until it is executed or withdrawn; proposal is nil until CloudFormation
	// has said what is in it.
	waiting  *changeSetRow
	proposal *Proposal
	outputs  []Output // as of the last look
	// left is why something of this run is still there.
	left error
	done bool
}

// wave deploys the stages of one tier. What needs an approval is prepared first, then each is approved, one after
// the other, and what is approved is executed.
func (d Deployment) wave(ctx context.Context, wave []stages.Stage) []Outcome {
	works := make([]*work, len(wave))
	atOnce := cmp.Or(d.AtOnce, AtOnce)
	parallel.ForEach(ctx, atOnce, wave, func(ctx context.Context, i int, stage stages.Stage) {
		works[i] = d.enter(ctx, stage)
		if !works[i].done {
			d.begin(ctx, works[i])
		}
	})
	for i, w := range works {
		if w == nil {
			works[i] = &work{attempt: begin(wave[i], d.Observe)}
			works[i].finish(Skipped, notBegun(wave[i], "the deploy was interrupted"))
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
			d.withdraw(ctx, w)
			w.finish(Skipped, notBegun(w.stage, "the deploy was interrupted"))
		}
		outcomes[i] = w.outcome
	}
	return outcomes
}

func (w *work) finish(state State, text string) {
	w.done = true
	if state == Done || state == Unchanged {
		w.outcome.Outputs = w.outputs
	} else {
		w.outcome.Problem = text
	}
	w.attempt.finish(state, text)
}

func (w *work) fail(err error) {
	w.done = true
	w.attempt.fail(errors.Join(err, w.left))
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
	stack, err := d.settledStack(ctx, w)
	if err != nil {
		w.fail(err)
		return w
	}
	if foreign, _ := d.owner(stage, stack); foreign != nil { // somebody was there since the preflight
		w.fail(foreign)
		return w
	}
	if stack == nil {
		return w
	}
	w.before = stacks.StateOf(*stack)
	if err := d.abandoned(ctx, w, *stack); err != nil {
		w.fail(AsServiceError(stage, "CloudFormation", err))
	}
	return w
}

// abandoned withdraws the change sets that killed runs of this program have left, and says which other ones wait.
func (d Deployment) abandoned(ctx context.Context, w *work, stack types.Stack) error {
	others, err := waitingChangeSets(ctx, w.client, stack)
	if err != nil {
		return err
	}
	for _, other := range others {
		if foreign, _ := d.ownerByTags(w.stage, other.tags); foreign != nil {
			continue
		}
		age := d.Fleet.Now().Sub(other.made)
		detail := fmt.Sprintf("Change set %s of stack %s waits since %s. ", other.row.name, other.row.stack, other.made.Format(time.DateTime+" MST"))
		if age < abandonedAfter {
			d.warn(Finding{Stage: w.stage.Name, Check: "change set", Detail: detail + "Another `roadshow deploy` waits for its approval, or was killed."})
			continue
		}
		if err := other.row.delete(ctx, w.client); err != nil {
			return err
		}
		d.warn(Finding{Stage: w.stage.Name, Check: "change set", Detail: detail + "The `roadshow deploy` that made it was killed, so it was deleted now."})
	}
	return nil
}

func (d Deployment) warn(finding Finding) {
	if d.Warn != nil {
		d.Warn(finding)
	}
}

// settled is the state of a stack that is not being changed any more; nil is a stack that does not exist.
func (d Deployment) settled(ctx context.Context, w *work) (*stacks.State, error) {
	stack, err := d.settledStack(ctx, w)
	if err != nil || stack == nil {
		return nil, err
	}
	return stacks.StateOf(*stack), nil
}

// settledStack waits until a stack is not being changed any more. What an interrupted deploy has begun goes on
// without it, and is not begun again.
func (d Deployment) settledStack(ctx context.Context, w *work) (*types.Stack, error) {
	for {
		stack, err := stacks.Describe(ctx, w.client, w.one.StackName).Found()
		if err != nil {
			return nil, AsServiceError(w.stage, "CloudFormation", err)
		}
		if stack == nil {
			return nil, nil
		}
		status := string(stack.StackStatus)
		if !stacks.IsChanging(status) {
			w.outputs = outputsOf(*stack)
			return stack, nil
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

// changeSet runs `cdk deploy` with a change set of its own name. Where the command does not come to its end, none is
// left waiting.
func (d Deployment) changeSet(ctx context.Context, w *work, arguments ...string) error {
	w.waiting = &changeSetRow{stack: w.one.StackName, name: newChangeSetName(), unfinished: true}
	if err := d.cdk(ctx, w, append(arguments, "--change-set-name", w.waiting.name)...); err != nil {
		d.withdraw(ctx, w)
		return err
	}
	w.waiting.unfinished = false
	return nil
}

// deploy deploys a stage that needs no approval.
func (d Deployment) deploy(ctx context.Context, w *work) {
	err := d.changeSet(ctx, w)
	if err != nil && ctx.Err() == nil {
		// An earlier deploy that was killed may have been executed between our look and the command's.
		after, settleErr := d.settled(ctx, w)
		if settleErr == nil && !w.before.Same(after) && after.Succeeded() {
			w.say("trying again")
			err = d.changeSet(ctx, w)
		}
	}
	w.waiting = nil // executed
	d.finish(ctx, w, err)
}

// begin deploys a stage, or prepares it where somebody has to approve first. CloudFormation says what it would remove
// and replace in a change set only, which costs a run of the cdk command; so it is asked where the template of a stack
// changes in more than code.
func (d Deployment) begin(ctx context.Context, w *work) {
	protected := w.stage.Tier == stages.Protected
	if !protected && len(d.takeUps.of(w.stage.Name)) == 0 {
		changes, err := d.changesMoreThanCode(ctx, w)
		if err != nil {
			w.fail(err)
			return
		}
		if !changes {
			d.deploy(ctx, w)
			return
		}
	}
	d.prepare(ctx, w)
	if w.done {
		return
	}
	if protected || w.stage.Tier != stages.Sandbox && w.proposal.MayLose() {
		w.observe(Event{Stage: w.stage, State: Waiting, Text: "waiting for approval"})
		return
	}
	if d.Show != nil && (w.proposal.Hurts() || w.proposal.Imports()) {
		d.Show(*w.proposal)
	}
	d.execute(ctx, w)
}

// changesMoreThanCode tells whether a deploy would change a stack's template in anything but the code of functions.
func (d Deployment) changesMoreThanCode(ctx context.Context, w *work) (bool, error) {
	if !w.before.HasResources() {
		return false, nil
	}
	deployed, err := stacks.Template(ctx, w.client, w.one.StackName)
	if err != nil {
		return false, AsServiceError(w.stage, "CloudFormation", err)
	}
	program, err := d.Assembly.Template(w.one)
	if err != nil {
		return false, err
	}
	if drift, err := parity.Drift(w.stage, deployed, program, nil); err != nil || len(drift) == 0 {
		return err != nil, nil // what is not JSON is another template
	}
	_, onlyCode, err := parity.Recompiled(w.stage, deployed, program)
	return err != nil || !onlyCode, nil
}

// prepare makes the change set of a stage.
func (d Deployment) prepare(ctx context.Context, w *work) {
	arguments := []string{"--method", "prepare-change-set"}
	named := d.takeUps.of(w.stage.Name)
	if len(named) > 0 {
		arguments = append(arguments, "--import-existing-resources")
	}
	if err := d.changeSet(ctx, w, arguments...); err != nil {
		d.finish(ctx, w, err)
		return
	}
	var err error
	if w.proposal, err = d.Fleet.readProposal(ctx, w.client, w.stage, w.profile, w.waiting.name); err != nil {
		d.withdraw(ctx, w)
		w.fail(AsServiceError(w.stage, "CloudFormation", err))
		return
	}
	if w.proposal == nil {
		d.withdraw(ctx, w)
		d.unchanged(ctx, w)
		return
	}
	w.waiting.id = w.proposal.Identity.ID
	if err := checkImports(w.proposal, named); err != nil {
		d.withdraw(ctx, w)
		w.fail(fmt.Errorf("Stage %s was not deployed: %w", w.stage.Name, err))
	}
}

// unchanged ends a stage whose change set has no changes, unless it has none because another deploy, which deletes all
// change sets of the stack, was executed meanwhile.
func (d Deployment) unchanged(ctx context.Context, w *work) {
	after, err := d.settled(ctx, w)
	switch {
	case err != nil:
		w.fail(err)
	case !w.before.Same(after):
		w.fail(&ChangedError{Stage: w.stage, Stack: w.one.StackName})
	default:
		w.finish(Unchanged, "no changes")
	}
}

// withdraw leaves no change set of this run waiting, also after an interruption.
func (d Deployment) withdraw(ctx context.Context, w *work) {
	if w.waiting == nil {
		return
	}
	cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), credentials.Limit)
	defer cancel()
	if err := w.waiting.withdraw(cleanup, w.client, cmp.Or(d.Poll, stacks.Poll)); err != nil {
		w.left = fmt.Errorf("Change set %s of stack %s may still wait, since it could not be deleted: %w\nDelete it in the console of CloudFormation, or run `roadshow deploy` again in an hour.",
			w.waiting.name, w.one.StackName, AsServiceError(w.stage, "CloudFormation", err))
	}
	w.waiting = nil
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
	d.withdraw(ctx, w)
	if err = errors.Join(err, w.left); err != nil {
		w.fail(err)
		return
	}
	w.finish(Declined, "not approved; nothing was changed in account "+w.stage.Account)
}

// execute executes what was approved. Between the question and the answer hours may have passed, so the
// account is asked again, and the change set is executed by its id.
func (d Deployment) execute(ctx context.Context, w *work) {
	_, err := d.Fleet.ReachToChange(ctx, w.stage)
	begun := false
	if err == nil {
		err = w.proposal.Identity.Do(ctx, w.waiting.look(w.client), func(ctx context.Context) error {
			begun = true
			// It wants exactly one stack selected; the assembly has no other.
			return d.cdk(ctx, w, "*", "--method", "execute-change-set", "--change-set-name", w.waiting.id)
		})
	}
	if !begun && err != nil {
		d.withdraw(ctx, w)
		w.fail(notExecuted(w.stage, w.one.StackName, err))
		return
	}
	if err != nil {
		d.withdraw(ctx, w) // where the command did not come so far
	}
	if err != nil && ctx.Err() == nil {
		// The command was lost after it had begun: what CloudFormation executes is what was approved.
		if after, lookErr := d.settled(ctx, w); lookErr == nil && !w.before.Same(after) && after.Succeeded() {
			err = nil
		}
	}
	d.finish(ctx, w, err)
}

// notExecuted says why what was approved was not begun.
func notExecuted(stage stages.Stage, stack string, err error) error {
	var changed *plan.ChangedError
	if errors.As(err, &changed) || errors.Is(err, plan.ErrGone) {
		return &ChangedError{Stage: stage, Stack: stack, Err: err}
	}
	return AsServiceError(stage, "CloudFormation", err)
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
		w.fail(d.explain(ctx, w, errors.New("The stack is in another status than after a deploy that succeeded.")))
	case w.before.Same(after):
		w.finish(Unchanged, "no changes")
	default:
		w.finish(Done, "deployed")
	}
}

// DeployError says why a stage's deploy failed.
type DeployError struct {
	// Stage is the stage, Stack its stack.
	Stage stages.Stage
	Stack string
	// Status is what this deploy has brought the stack to, in CloudFormation's words. It is empty where the deploy
	// did not change the stack: what it is then was an earlier deploy's doing.
	Status string
	// Reason is the resource that failed and why, in CloudFormation's words; empty where none has.
	Reason string
	// Err is what the cdk command came to.
	Err error
}

func (e *DeployError) Error() string {
	thing := fmt.Sprintf("Stage %s was not deployed: stack %s was not changed.", e.Stage.Name, e.Stack)
	if e.Status != "" {
		thing = fmt.Sprintf("Stage %s was not deployed: stack %s is %s.", e.Stage.Name, e.Stack, e.Status)
	}
	if e.Reason != "" {
		return fmt.Sprintf("%s\n%s\nTo fix it, %s, then run `roadshow deploy` again.", thing, e.Reason, advice(e.Reason))
	}
	first := "read what the command wrote"
	switch text := fmt.Sprint(e.Err); {
	case strings.Contains(text, "token") && strings.Contains(text, "expired"):
		first = "sign in again, since the credentials have expired"
	case strings.Contains(text, nameConflict):
		first = advice("already exists") // somebody has made it since the preflight
	}
	return fmt.Sprintf("%s\nTo fix it, %s, then run `roadshow deploy` again.\n%v", thing, first, e.Err)
}

// Unwrap gives what the cdk command came to.
func (e *DeployError) Unwrap() error { return e.Err }

// InterruptedError says that a stage's deploy was interrupted, and may go on in CloudFormation.
type InterruptedError struct {
	// Stage is the stage, Err the context's error.
	Stage stages.Stage
	Err   error
}

func (e *InterruptedError) Error() string {
	return "The deploy of stage " + e.Stage.Name + " was interrupted.\n" +
		"Run `roadshow deploy` again, which goes on from what the account says."
}

// Unwrap gives the context's error.
func (e *InterruptedError) Unwrap() error { return e.Err }

// explain finds out from the account why a deploy failed.
func (d Deployment) explain(ctx context.Context, w *work, err error) error {
	if ctx.Err() != nil {
		return &InterruptedError{Stage: w.stage, Err: ctx.Err()}
	}
	failed := &DeployError{Stage: w.stage, Stack: w.one.StackName, Err: err}
	if stack, exists := stacks.Describe(ctx, w.client, w.one.StackName).Seen(); exists {
		after := stacks.StateOf(stack)
		if !w.before.Same(after) { // otherwise its status and its last failure are older ones
			failed.Status = after.Status
			failed.Reason = d.Fleet.Profiles.Redactor().Text(stacks.Failure(ctx, w.client, aws.ToString(stack.StackId)))
		}
	}
	return failed
}
