package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// StageReport is what is known of one stage's account, for `roadshow stages`.
type StageReport struct {
	// Stage is its name; Account, Region and Tier are the set's.
	Stage   string      `json:"stage"`
	Account string      `json:"account"`
	Region  string      `json:"region"`
	Tier    stages.Tier `json:"tier"`
	// Template tells that it is a template of ephemeral stages, which has no stack and is never asked about.
	Template bool `json:"template,omitempty"`
	// Asked tells whether the account was asked; what follows is not known where it was not.
	Asked bool `json:"asked"`
	// Profile reaches the account; AlsoBy lists the other profiles that do.
	// Through is the role of the bootstrap that lets a profile of another account in; empty where the profile
	// is of the account itself.
	Profile string   `json:"profile,omitempty"`
	AlsoBy  []string `json:"alsoBy,omitempty"`
	Through string   `json:"through,omitempty"`
	// Reachable tells whether the account has answered; Problem is why it has not.
	Reachable bool   `json:"reachable"`
	Problem   string `json:"problem,omitempty"`
	// Bootstrap is the version of the account's CDK bootstrap; 0 is none.
	Bootstrap int `json:"bootstrap"`
	// Deployed is what the account has of the service; nil where it has nothing.
	Deployed *Deployed `json:"deployed,omitempty"`
}

// Deployed is a service's stack in a stage's account.
type Deployed struct {
	// Stack is its name, Status CloudFormation's.
	Stack  string `json:"stack"`
	Status string `json:"status"`
	// At is when it was last updated or, before any update, created.
	At time.Time `json:"at"`
	// Commit is the Git commit that it was deployed from; empty where the program had none.
	Commit string `json:"commit,omitempty"`
	// Protected tells whether CloudFormation refuses to delete it.
	Protected bool `json:"terminationProtection"`

	template []byte
	role     string
}

// surveyAtOnce is how many accounts are asked at once.
const surveyAtOnce = 16

// List is what the program itself says of the fleet's stages, and then of its templates. No account is asked.
func (f *Fleet) List() []StageReport {
	reports := make([]StageReport, 0, len(f.Stages)+len(f.Templates))
	for _, stage := range f.Stages {
		reports = append(reports, listed(stage))
	}
	for _, template := range f.Templates {
		report := listed(template)
		report.Template = true
		reports = append(reports, report)
	}
	return reports
}

func listed(stage stages.Stage) StageReport {
	return StageReport{Stage: stage.Name, Account: stage.Account, Region: stage.Region, Tier: stage.Tier}
}

// Survey asks the account of each stage what it has, all at once, and tells an observer, if there is one. What
// one account does not answer is in its report.
func (f *Fleet) Survey(ctx context.Context, all []stages.Stage, observe func(Event)) []StageReport {
	reports := make([]StageReport, len(all))
	parallel.ForEach(ctx, surveyAtOnce, all, func(ctx context.Context, i int, stage stages.Stage) {
		a := begin(stage, observe)
		a.say("asking the account")
		if reports[i] = f.surveyOne(ctx, stage); reports[i].Problem != "" {
			a.end(Failed, reports[i].Problem)
			return
		}
		a.end(Done, "has answered")
	})
	return reports
}

func (f *Fleet) surveyOne(ctx context.Context, stage stages.Stage) StageReport {
	report := listed(stage)
	report.Asked = true
	way, err := f.route(ctx, stage, lookupRole, deployRole)
	var none *NoProfileError
	if !errors.As(err, &none) {
		report.Profile = way.profile.String()
	}
	for _, other := range way.others {
		report.AlsoBy = append(report.AlsoBy, other.String())
	}
	if err != nil {
		report.Problem = err.Error()
		return report
	}
	report.Reachable, report.Through = true, way.role
	client := cloudformation.NewFromConfig(way.config)
	if report.Bootstrap, err = bootstrapVersion(ctx, client, stage); err == nil {
		report.Deployed, err = f.deployed(ctx, client, stage)
	}
	if err != nil {
		report.Problem = asServiceError(stage, "CloudFormation", err).Error()
	}
	return report
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
	metadataCommit   = "roadshow:commit"
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

// deployed is a stage's stack with its template; nil where there is none.
func (f *Fleet) deployed(ctx context.Context, client *cloudformation.Client, stage stages.Stage) (*Deployed, error) {
	name, err := f.stackName(stage)
	if err != nil {
		return nil, err
	}
	stack, err := stacks.Describe(ctx, client, name)
	if err != nil || stack == nil {
		return nil, err
	}
	found := &Deployed{
		Stack: name, Status: string(stack.StackStatus), At: stacks.LastChange(*stack), Protected: aws.ToBool(stack.EnableTerminationProtection),
		role: aws.ToString(stack.RoleARN),
	}
	if found.Status == stacks.StatusReview {
		return found, nil // a change set waits for approval; there is no template yet
	}
	template, err := client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: stack.StackId, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return nil, err
	}
	found.template = []byte(aws.ToString(template.TemplateBody))
	var read struct{ Metadata map[string]any }
	if json.Unmarshal(found.template, &read) == nil { // YAML was deployed by somebody else
		found.Commit, _ = read.Metadata[metadataCommit].(string)
	}
	return found, nil
}
