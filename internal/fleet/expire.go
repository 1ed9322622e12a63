package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/roadshow-go/roadshow/internal/fleet/answer"
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/plan"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// Ephemeral is an ephemeral stage that an account has.
type Ephemeral struct {
	// Stage is its name, in Account and Region.
	Stage   string `json:"stage"`
	Account string `json:"account"`
	Region  string `json:"region"`
	// Template is the pattern it was made from, and Tier that template's; empty and standard where
	// the program has none that fits.
	Template string      `json:"template,omitempty"`
	Tier     stages.Tier `json:"tier"`
	// Stack is its stack, last updated At, which expires at Expires.
	Stack   string    `json:"stack"`
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires"`
	// Identity is what the stack is compared with before it is deleted.
	Identity plan.Identity `json:"identity"`
	// Expired tells whether its time is over; Removable whether it is surely the service's and in a
	// sandbox, so that it may be removed without asking anybody; Reason is why it may not.
	Expired   bool   `json:"expired"`
	Removable bool   `json:"removable"`
	Reason    string `json:"reason,omitempty"`
}

// AsStage is the stage, for a removal.
func (e Ephemeral) AsStage() stages.Stage {
	return stages.Stage{Name: e.Stage, Account: e.Account, Region: e.Region, Tier: e.Tier}
}

// EphemeralStages lists the service's stages that have a time to live, in every account of the set,
// those first that expire first. They are found by the tags of their stacks, and are expired by
// AWS's clock (see [Fleet.Now]). A stage of the set is none, whatever its stack's tags say. An
// account that does not answer is in the error, beside what the others have.
func (f *Fleet) EphemeralStages(ctx context.Context) ([]Ephemeral, error) {
	var places []stages.Stage
	for _, stage := range f.All() {
		if !slices.ContainsFunc(places, func(s stages.Stage) bool { return s.Account == stage.Account && s.Region == stage.Region }) {
			places = append(places, stage)
		}
	}
	found := make([]answer.Answer[[]Ephemeral], len(places))
	parallel.ForEach(ctx, AccountsAtOnce, places, func(ctx context.Context, i int, place stages.Stage) {
		found[i] = f.ephemeralOf(ctx, place)
	})
	all, silent := []Ephemeral{}, []error{ctx.Err()}
	for _, one := range found {
		listed, _ := one.Seen()
		all, silent = append(all, listed...), append(silent, one.Untold())
	}
	slices.SortFunc(all, func(a, b Ephemeral) int {
		if a.Expires.Equal(b.Expires) {
			return strings.Compare(a.Stage, b.Stage)
		}
		return a.Expires.Compare(b.Expires)
	})
	return all, errors.Join(silent...)
}

func (f *Fleet) ephemeralOf(ctx context.Context, place stages.Stage) answer.Answer[[]Ephemeral] {
	config, _, err := f.Reach(ctx, place)
	if err != nil {
		return answer.Untold[[]Ephemeral](err)
	}
	var found []Ephemeral
	for stack, err := range stacks.All(ctx, cloudformation.NewFromConfig(config)) {
		if err != nil {
			return answer.Untold[[]Ephemeral](AsServiceError(place, "CloudFormation", err))
		}
		tags := stacks.Tags(stack.Tags)
		ttl, err := time.ParseDuration(tags[stacks.TagTimeToLive])
		name := tags[stacks.TagStage]
		if err != nil || ttl <= 0 || tags[stacks.TagService] != f.Service || stack.ParentId != nil || f.InSet(name) {
			continue
		}
		one := Ephemeral{
			Stage: name, Account: place.Account, Region: place.Region, Stack: aws.ToString(stack.StackName), At: stacks.LastChange(stack),
			Identity: stacks.Identity(stack),
		}
		one.Expires = one.At.Add(ttl)
		one.Expired = f.Now().After(one.Expires)
		template, fits := f.TemplateOf(one.AsStage())
		if fits {
			one.Template, one.Tier = template.Name, template.Tier
		}
		one.Reason = f.whyNotRemovable(one, fits, tags)
		one.Removable = one.Reason == ""
		found = append(found, one)
	}
	return answer.Seen(found)
}

// whyNotRemovable is why nobody but a person may remove an ephemeral stage; empty where expire may.
// Tags can be copied: the stack must also have the name of the stage, and the program a template
// that makes it.
func (f *Fleet) whyNotRemovable(one Ephemeral, fits bool, tags map[string]string) string {
	switch doubt := owner.JudgeStack(one.Stack, tags, f.maker(one.Stage)).Doubt(); {
	case doubt != "":
		return doubt
	case !fits:
		return "the program has no template that makes it"
	case one.Tier != stages.Sandbox:
		return "it is in no sandbox"
	}
	return ""
}

// Expiry removes ephemeral stages whose time is over.
type Expiry struct {
	// Fleet reaches the accounts. Required.
	Fleet *Fleet
	// Observe is told what happens. Default: nobody is.
	Observe func(Event)
	// Poll is how often a stack is looked at. Default: [stacks.Poll].
	Poll time.Duration
}

// Remove removes the very stack that was looked at. One that was deployed since, is not expired,
// may not be removed without asking, is protected, or has what others import, is kept, which the
// outcome says.
func (e Expiry) Remove(ctx context.Context, one Ephemeral) Outcome {
	a := begin(one.AsStage(), e.Observe)
	a.outcome.Stack = one.Stack
	keep := func(err error) Outcome {
		a.outcome.err, a.outcome.Problem = err, err.Error()
		return a.finish(Kept, a.outcome.Problem)
	}
	switch {
	case !one.Expired:
		return keep(fmt.Errorf("Stage %s was kept: it expires on %s.", one.Stage, one.Expires.UTC().Format(time.RFC3339)))
	case !one.Removable:
		return keep(fmt.Errorf("Stage %s was kept: %s.\nRun `roadshow remove %s`, which asks before it removes it.", one.Stage, one.Reason, one.Stage))
	}
	planned, err := e.Fleet.planRemoval(ctx, one.AsStage(), true, one.Identity.ID)
	if err != nil {
		return a.fail(err)
	}
	if planned.Identity == nil {
		return a.finish(Unchanged, "there is no stack")
	}
	if what := one.Identity.Difference(*planned.Identity); what != "" {
		return keep(fmt.Errorf("Stage %s was kept: since stack %s was looked at, %w.", one.Stage, one.Stack, &plan.ChangedError{What: what}))
	}
	outcome, err := Removal{Fleet: e.Fleet, Observe: e.Observe, Poll: e.Poll}.Run(ctx, planned)
	if err != nil { // it is protected, imported or blocked
		return keep(err)
	}
	return outcome
}
