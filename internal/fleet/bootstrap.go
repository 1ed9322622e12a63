package fleet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
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

// Places reads accounts and regions as the cdk command writes them, aws://ACCOUNT/REGION, for accounts that no
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

// environmentScheme begins a place.
const environmentScheme = "aws://"

// AtOnce is how many cdk commands run at once unless it is said: each is a Node process that mostly waits.
const AtOnce = 6

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
	before, err := bootstrapStack(ctx, client, stage)
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
		return a.fail(fmt.Errorf("account %s of stage %s was not bootstrapped. Read what cdk wrote, and run `roadshow bootstrap %s` again: %w",
			stage.Account, stage.Name, stage.Name, err))
	}
	if a.outcome.Version, err = bootstrapVersion(ctx, client, stage); err != nil {
		return a.fail(AsServiceError(stage, "CloudFormation", err))
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

// administrator is the policy that CloudFormation acts with in a bootstrap that names none.
func administrator(stage stages.Stage) string {
	return "arn:" + stages.Partition(stage.Region) + ":iam::aws:policy/AdministratorAccess"
}

// bootstrapArguments are those of `cdk bootstrap` for a stage. --trust replaces what was trusted before, and
// needs a policy where the bootstrap has none yet.
func bootstrapArguments(stage stages.Stage, trusted []string, policy string) []string {
	var arguments []string
	if len(trusted) > 0 {
		arguments = append(arguments, "--trust", strings.Join(trusted, ","))
	}
	if policy != "" {
		arguments = append(arguments, "--cloudformation-execution-policies", policy)
	}
	if stage.BootstrapQualifier() != stages.DefaultQualifier {
		arguments = append(arguments, "--qualifier", stage.Qualifier, "--toolkit-stack-name", toolkitStack+"-"+stage.Qualifier)
	}
	return append(arguments, environmentScheme+stage.Account+"/"+stage.Region)
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

// IsBootstrapStack tells the stack of `cdk bootstrap`, whatever its name.
func IsBootstrapStack(stack types.Stack) bool {
	for _, output := range stack.Outputs {
		if aws.ToString(output.OutputKey) == toolkitVersion {
			return true
		}
	}
	return aws.ToString(stack.StackName) == toolkitStack
}

// What `cdk bootstrap` calls its stack unless it is told otherwise, the output and the parameter that say
// which bootstrap a stack is.
const (
	toolkitStack     = "CDKToolkit"
	toolkitVersion   = "BootstrapVersion"
	toolkitQualifier = "Qualifier"
	toolkitTrusted   = "TrustedAccounts"
	toolkitPolicies  = "CloudFormationExecutionPolicies"
	minimumBootstrap = 6 // what stacks of the CDK's default synthesizer need
)

// bootstrapVersion is the version of the bootstrap that a stage's stack needs; 0 where there is none. It is
// read from the output of the bootstrap's stack, which says the same as its SSM parameter and needs no more
// rights than looking at any other stack.
func bootstrapVersion(ctx context.Context, client *cloudformation.Client, stage stages.Stage) (int, error) {
	stack, err := bootstrapStack(ctx, client, stage)
	if err != nil || stack == nil {
		return 0, err
	}
	return versionOf(*stack), nil
}

// bootstrapStack is the stack of the bootstrap that a stage's stack needs; nil where there is none.
func bootstrapStack(ctx context.Context, client *cloudformation.Client, stage stages.Stage) (*types.Stack, error) {
	stack, err := stacks.Describe(ctx, client, toolkitStack)
	if err != nil {
		return nil, err
	}
	if stack != nil && qualifies(*stack, stage) {
		return stack, nil
	}
	if stage.Qualifier == "" || stage.Qualifier == stages.DefaultQualifier {
		return nil, nil
	}
	// A bootstrap with its own qualifier usually has a stack of its own name, which nobody told us.
	for stack, err := range stacks.All(ctx, client) {
		if err != nil {
			return nil, err
		}
		if qualifies(stack, stage) && versionOf(stack) > 0 {
			return &stack, nil
		}
	}
	return nil, nil
}

func qualifies(stack types.Stack, stage stages.Stage) bool {
	return parameter(&stack, toolkitQualifier) == stage.BootstrapQualifier()
}

// parameter is the value of a stack's parameter; empty where there is none.
func parameter(stack *types.Stack, key string) string {
	if stack == nil {
		return ""
	}
	for _, one := range stack.Parameters {
		if aws.ToString(one.ParameterKey) == key {
			return aws.ToString(one.ParameterValue)
		}
	}
	return ""
}

// versionOf is 0 for a bootstrap that never was completed: it may have its outputs and no roles.
func versionOf(stack types.Stack) int {
	if status := string(stack.StackStatus); !strings.HasSuffix(status, "_COMPLETE") || status == stacks.StatusFailedCreate {
		return 0
	}
	for _, output := range stack.Outputs {
		if aws.ToString(output.OutputKey) == toolkitVersion {
			version, _ := strconv.Atoi(aws.ToString(output.OutputValue))
			return version
		}
	}
	return 0
}
