package fleet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/stages"
)

// Bootstrap prepares accounts for the CDK, side by side, with the real `cdk bootstrap`.
type Bootstrap struct {
	// Fleet reaches the accounts, CDK does it. Required.
	Fleet *Fleet
	CDK   CDK
	// Force bootstraps also what is bootstrapped, which brings it to the command's version.
	// Default: what is done is left alone.
	Force bool
	// AtOnce is how many accounts are done at once. Default: [AtOnce].
	AtOnce int
	// Observe is told what happens. Default: nobody is.
	Observe func(Event)
}

// ParseEnvironments reads accounts and regions as the cdk command writes them, aws://ACCOUNT/REGION, for accounts that no
// program has yet: each is a stage of that name. It returns none where none of the names is one, and a
// [*stages.FieldError] where only some are, or one is wrong.
func ParseEnvironments(names []string) ([]stages.Stage, error) {
	var places []stages.Stage
	for _, name := range names {
		account, region, found := strings.Cut(strings.TrimPrefix(name, environmentScheme), "/")
		if !strings.HasPrefix(name, environmentScheme) {
			continue
		}
		if !found || len(account) != 12 || strings.Trim(account, "0123456789") != "" || stages.Zones(region) == 0 {
			return nil, &stages.FieldError{
				Thing: "bootstrap", Field: "place", Got: fmt.Sprintf("%q", name), Want: "an account of 12 digits and a region", Fix: "write aws://444444444444/us-east-1",
			}
		}
		places = append(places, stages.Stage{Name: name, Account: account, Region: region})
	}
	if len(places) > 0 && len(places) < len(names) {
		return nil, &stages.FieldError{
			Thing: "bootstrap", Field: "arguments", Got: strings.Join(names, " "), Want: "stages, or places", Fix: "name them in two commands",
		}
	}
	return places, nil
}

// Run bootstraps the accounts of stages, and returns what came of each, in their order. Two stages of one
// account and region share a bootstrap, which is done once.
func (b Bootstrap) Run(ctx context.Context, all []stages.Stage) []Outcome {
	outcomes := make([]Outcome, len(all))
	type place struct{ account, region, qualifier string }
	placeOf := func(stage stages.Stage) place {
		return place{stage.Account, stage.Region, stage.BootstrapQualifier()}
	}
	first := map[place]int{}
	var order []int
	for i, stage := range all {
		if _, seen := first[placeOf(stage)]; !seen {
			first[placeOf(stage)] = i
			order = append(order, i)
		}
	}
	parallel.ForEach(ctx, cmp.Or(b.AtOnce, AtOnce), order, func(ctx context.Context, _, i int) {
		outcomes[i] = b.one(ctx, all[i])
	})
	for i, stage := range all {
		if done := first[placeOf(stage)]; done != i {
			a := begin(stage, b.Observe)
			a.outcome.Version, a.outcome.Problem, a.outcome.err = outcomes[done].Version, outcomes[done].Problem, outcomes[done].err
			state := outcomes[done].State
			if state == Done {
				state = Unchanged
			}
			outcomes[i] = a.finish(state, "shares the bootstrap of "+all[done].Name)
		}
	}
	skipMissing(outcomes, all, b.Observe)
	return outcomes
}

func (b Bootstrap) one(ctx context.Context, stage stages.Stage) Outcome {
	a := begin(stage, b.Observe)
	a.say("asking the account")
	way, err := b.Fleet.route(ctx, stage, lookupRole, deployRole)
	if err != nil {
		return a.fail(err)
	}
	client := cloudformation.NewFromConfig(way.config)
	before, err := bootstrapStack(ctx, client, stage).Found()
	if err != nil {
		return a.fail(AsServiceError(stage, "CloudFormation", err))
	}
	if before != nil {
		a.outcome.Version = versionOf(*before)
	}
	trusted, missing := b.Fleet.trust(stage, before)
	if a.outcome.Version >= minimumBootstrap && !missing && !b.Force {
		return a.finish(Unchanged, fmt.Sprintf("bootstrapped already, version %d", a.outcome.Version))
	}
	if way.across() {
		return a.fail(&OwnCredentialsError{Stage: stage, From: way.profile, What: "the bootstrap", Command: "roadshow bootstrap " + stage.Name})
	}
	dir, remove, err := neutralDir()
	if err != nil {
		return a.fail(err)
	}
	defer remove()
	policy := ""
	if len(trusted) > 0 && parameter(before, toolkitPolicies) == "" {
		policy = administrator(stage) // what it has without one; the command wants it said
	}
	arguments := append([]string{"bootstrap"}, bootstrapArguments(stage, trusted, policy)...)
	// From a folder without cdk.json, so that the program is not run: one that does not compile, or does
	// not know the account yet, must not keep the account from being bootstrapped.
	if err := b.CDK.run(ctx, way.profile, b.Fleet.Profiles.Redactor(), dir, a.line, arguments...); err != nil {
		return a.fail(fmt.Errorf("Account %s of stage %s was not bootstrapped.\nRead what the cdk command wrote, and run `roadshow bootstrap %s` again: %w",
			stage.Account, stage.Name, stage.Name, err))
	}
	if a.outcome.Version, err = bootstrapVersion(ctx, client, stage); err != nil {
		return a.fail(err)
	}
	text := fmt.Sprintf("bootstrapped, version %d", a.outcome.Version)
	if len(trusted) > 0 {
		text += ", trusting " + strings.Join(trusted, ", ")
	}
	return a.finish(Done, text)
}

// trust is the accounts that a stage's bootstrap is to trust: those that it trusts, and those that deploy to the
// stage. missing tells whether some of these are new to it.
func (f *Fleet) trust(stage stages.Stage, before *types.Stack) (trusted []string, missing bool) {
	for _, account := range strings.Split(parameter(before, toolkitTrusted), ",") {
		if account = strings.TrimSpace(account); account != "" {
			trusted = append(trusted, account)
		}
	}
	for _, account := range f.DeployFrom {
		if account != stage.Account && !slices.Contains(trusted, account) {
			trusted, missing = append(trusted, account), true
		}
	}
	return trusted, missing
}

// skipMissing fills in the stages that an interruption has left out.
func skipMissing(outcomes []Outcome, all []stages.Stage, observe func(Event)) {
	for i := range outcomes {
		if outcomes[i].State == "" {
			a := begin(all[i], observe)
			a.outcome.Problem = "not begun"
			outcomes[i] = a.finish(Skipped, "not begun")
		}
	}
}
