package fleet

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// Ephemeral is an ephemeral stage that an account has.
type Ephemeral struct {
	// Stage is its name, in Account and Region.
	Stage   string `json:"stage"`
	Account string `json:"account"`
	Region  string `json:"region"`
	// Template is the pattern it was made from, and Tier that template's; empty and standard where the
	// program has none that fits.
	Template string      `json:"template,omitempty"`
	Tier     stages.Tier `json:"tier"`
	// Stack is its stack, last updated At, which expires at Expires.
	Stack   string    `json:"stack"`
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires"`
	// Expired tells whether its time is over; Removable whether it is in a sandbox, so that it may be
	// removed without asking anybody.
	Expired   bool `json:"expired"`
	Removable bool `json:"removable"`
}

// AsStage is the stage, for a removal.
func (e Ephemeral) AsStage() stages.Stage {
	return stages.Stage{Name: e.Stage, Account: e.Account, Region: e.Region, Tier: e.Tier}
}

// EphemeralStages lists the service's stages that have a time to live, in every account of the set, those
// first that expire first. They are found by the tags of their stacks, and are expired by AWS's clock (see [Fleet.Now]). An account that does not answer is in
// the error, beside what the others have.
func (f *Fleet) EphemeralStages(ctx context.Context) ([]Ephemeral, error) {
	var places []stages.Stage
	for _, stage := range append(slices.Clone(f.Templates), f.Stages...) {
		if !slices.ContainsFunc(places, func(s stages.Stage) bool { return s.Account == stage.Account && s.Region == stage.Region }) {
			places = append(places, stage)
		}
	}
	found, failed := make([][]Ephemeral, len(places)), make([]error, len(places))
	parallel.ForEach(ctx, AccountsAtOnce, places, func(ctx context.Context, i int, place stages.Stage) {
		found[i], failed[i] = f.ephemeralOf(ctx, place)
	})
	all := append([]Ephemeral{}, slices.Concat(found...)...)
	slices.SortFunc(all, func(a, b Ephemeral) int {
		if a.Expires.Equal(b.Expires) {
			return strings.Compare(a.Stage, b.Stage)
		}
		return a.Expires.Compare(b.Expires)
	})
	return all, errors.Join(append(failed, ctx.Err())...)
}

func (f *Fleet) ephemeralOf(ctx context.Context, place stages.Stage) ([]Ephemeral, error) {
	config, _, err := f.Reach(ctx, place)
	if err != nil {
		return nil, err
	}
	var found []Ephemeral
	for stack, err := range stacks.All(ctx, cloudformation.NewFromConfig(config)) {
		if err != nil {
			return nil, AsServiceError(place, "CloudFormation", err)
		}
		tags := stacks.Tags(stack.Tags)
		ttl, err := time.ParseDuration(tags[stacks.TagTimeToLive])
		name := tags[stacks.TagStage]
		if err != nil || ttl <= 0 || tags[stacks.TagService] != f.Service || string(stack.StackStatus) == stacks.StatusDeleted {
			continue
		}
		one := Ephemeral{
			Stage: name, Account: place.Account, Region: place.Region, Stack: aws.ToString(stack.StackName), At: stacks.LastChange(stack),
		}
		one.Expires = one.At.Add(ttl)
		one.Expired = f.Now().After(one.Expires)
		if template, fits := f.TemplateOf(one.AsStage()); fits {
			one.Template, one.Tier = template.Name, template.Tier
			one.Removable = template.Tier == stages.Sandbox
		}
		found = append(found, one)
	}
	return found, nil
}
