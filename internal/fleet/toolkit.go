package fleet

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/roadshow-go/roadshow/internal/fleet/answer"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// The roles of a bootstrap that the cdk command, and this package, act as in a stage's account.
// https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
const (
	deployRole = "deploy"
	lookupRole = "lookup"
)

// roleARN is a role of a stage's bootstrap.
func roleARN(stage stages.Stage, name string) string {
	return fmt.Sprintf("arn:%s:iam::%s:role/cdk-%s-%s-role-%s-%s", stages.Partition(stage.Region), stage.Account, stage.BootstrapQualifier(), name, stage.Account, stage.Region)
}

// trustLine is the command that makes a stage's account trust another one.
func trustLine(from string, stage stages.Stage) string {
	return strings.Join(append([]string{"cdk", "bootstrap"}, bootstrapArguments(stage, []string{from}, administrator(stage))...), " ")
}

// environmentScheme begins a place.
const environmentScheme = "aws://"

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
		arguments = append(arguments, "--qualifier", stage.Qualifier, "--toolkit-stack-name", BootstrapStackName(stage.Qualifier))
	}
	return append(arguments, environmentScheme+stage.Account+"/"+stage.Region)
}

// IsBootstrapStack tells the stack of `cdk bootstrap`, whatever its name.
func IsBootstrapStack(stack types.Stack) bool {
	return HasBootstrapVersion(stack) || aws.ToString(stack.StackName) == toolkitStack
}

// HasBootstrapVersion tells whether a stack says which version of the bootstrap it is, as `cdk bootstrap` makes it.
func HasBootstrapVersion(stack types.Stack) bool {
	return slices.ContainsFunc(stack.Outputs, func(output types.Output) bool { return aws.ToString(output.OutputKey) == toolkitVersion })
}

// BootstrapStackName is what `roadshow bootstrap` calls the stack of a qualifier's bootstrap.
func BootstrapStackName(qualifier string) string {
	if qualifier == stages.DefaultQualifier {
		return toolkitStack
	}
	return toolkitStack + "-" + qualifier
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
// rights than looking at any other stack. The error is a [*ServiceError] of CloudFormation.
func bootstrapVersion(ctx context.Context, client *cloudformation.Client, stage stages.Stage) (int, error) {
	stack, err := bootstrapStack(ctx, client, stage).Found()
	if err != nil || stack == nil {
		return 0, AsServiceError(stage, "CloudFormation", err)
	}
	return versionOf(*stack), nil
}

// bootstrapStack is the stack of the bootstrap that a stage's stack needs.
func bootstrapStack(ctx context.Context, client *cloudformation.Client, stage stages.Stage) answer.Answer[types.Stack] {
	usual := stacks.Describe(ctx, client, toolkitStack)
	stack, exists := usual.Seen()
	switch {
	case usual.Untold() != nil, exists && qualifies(stack, stage):
		return usual
	case stage.BootstrapQualifier() == stages.DefaultQualifier:
		return answer.Absent[types.Stack]()
	}
	// A bootstrap with its own qualifier usually has a stack of its own name, which nobody told us.
	for stack, err := range stacks.All(ctx, client) {
		if err != nil {
			return answer.Untold[types.Stack](err)
		}
		if qualifies(stack, stage) && versionOf(stack) > 0 {
			return answer.Seen(stack)
		}
	}
	return answer.Absent[types.Stack]()
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
