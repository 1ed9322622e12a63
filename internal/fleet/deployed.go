package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/roadshow-go/roadshow/internal/fleet/answer"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// Deployed is a service's stack in a stage's account.
type Deployed struct {
	// Stack is its name, Status CloudFormation's.
	Stack  string `json:"stack"`
	Status string `json:"status"`
	// At is when it was last updated or, before any update, created.
	At time.Time `json:"at"`
	// Commit is the Git commit that its template was made from, the first of several that make the same; empty
	// where none is recorded. CommitProblem is why it could not be read. CommitUnasked is why nobody asked for it: the
	// credentials are known not to be allowed.
	Commit        string `json:"commit,omitempty"`
	CommitProblem string `json:"commitProblem,omitempty"`
	CommitUnasked string `json:"commitUnasked,omitempty"`
	// Protected tells whether CloudFormation refuses to delete it.
	Protected bool `json:"terminationProtection"`
	// Condition tells whether the account runs what the stack says, Flaw why it does not, or why nobody knows.
	Condition Condition `json:"condition"`
	Flaw      string    `json:"flaw,omitempty"`
	// Unanswered is why a function of a flawed stack could not be seen.
	Unanswered string `json:"unanswered,omitempty"`

	template []byte
}

// unseen tells whether something of a stack could not be determined; false of none.
func (d *Deployed) unseen() bool {
	return d != nil && (d.Silence() != "" || d.CommitProblem != "")
}

// Silence is why a function could not be seen; empty where all answered.
func (d *Deployed) Silence() string {
	if d.Condition == ConditionUnknown {
		return d.Flaw
	}
	return d.Unanswered
}

// Condition is whether an account runs what its stack says.
type Condition string

// The conditions.
const (
	// ConditionSound means the last change of the stack succeeded, and each function answered with the digest of its
	// code. Only what is sound is deployed, or equal to anything.
	ConditionSound Condition = "sound"
	// ConditionFlawed means the account said otherwise: the stack failed, was rolled back or is being changed, or a
	// function is gone or has failed.
	ConditionFlawed Condition = "flawed"
	// ConditionUnknown means a function did not answer.
	ConditionUnknown Condition = "unknown"
)

// live is what an account says of a stage.
type live struct {
	stack answer.Answer[Deployed]
	// functions are what Lambda runs, by logical id; names are the functions' physical names.
	functions map[string]answer.Answer[function]
	names     map[string]string
}

// function is what Lambda says of one: the digest of the code that it runs, and why it cannot run it.
type function struct{ sha256, failed string }

// report is the stack for a report: nil where there is none, or where the problem says why nobody knows.
func (l live) report() (deployed *Deployed, problem string) {
	if err := l.stack.Untold(); err != nil {
		return nil, err.Error()
	}
	if found, seen := l.stack.Seen(); seen {
		return &found, ""
	}
	return nil, ""
}

// findings are what a doctor says of the stack.
func (l live) findings(stage stages.Stage) []Finding {
	finding := Finding{Stage: stage.Name, Check: "stack", OK: true, Detail: "Nothing is deployed yet."}
	deployed, problem := l.report()
	switch {
	case problem != "":
		finding.OK, finding.Detail = false, "What is deployed could not be determined: "+problem
		finding.Fix = "Allow what docs/permissions.md has for `roadshow status`, and run `roadshow status " + stage.Name + "` again."
	case deployed == nil:
	case deployed.Condition == ConditionSound:
		finding.Detail = "Stack " + deployed.Stack + " is " + deployed.Status + "."
	default:
		finding.OK, finding.Detail = false, sentence(fmt.Sprintf("Stack %s is %s: %s", deployed.Stack, deployed.Status, deployed.Flaw))
		finding.Fix = "Run `roadshow deploy --to " + stage.Name + "`."
		if fix := stuck(deployed.Status, deployed.Stack); fix != "" {
			finding.Fix = fix
		}
	}
	all := []Finding{finding}
	switch commit := (Finding{Stage: stage.Name, Check: "commit"}); {
	case deployed == nil:
	case deployed.CommitProblem != "":
		problem, fix, _ := strings.Cut(deployed.CommitProblem, "\n")
		commit.Detail, commit.Fix = sentence(problem), cmp.Or(fix, "Run `roadshow status "+stage.Name+"` again.")
		all = append(all, commit)
	case deployed.CommitUnasked != "":
		commit.OK, commit.Detail = true, sentence("The commit is not read: "+deployed.CommitUnasked)
		all = append(all, commit)
	}
	return all
}

// functionsAtOnce is how many functions of one account are asked at once: Lambda answers 15 such requests a second.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const functionsAtOnce = 8

// look asks an account for a stage's stack, its template and its functions. What it does not answer is in the
// answers.
func (f *Fleet) look(ctx context.Context, way route, stage stages.Stage) live {
	untold := func(err error) live {
		return live{stack: answer.Untold[Deployed](AsServiceError(stage, "CloudFormation", err))}
	}
	client := cloudformation.NewFromConfig(way.config)
	name, err := f.StackName(stage)
	if err != nil {
		return live{stack: answer.Untold[Deployed](err)}
	}
	described := stacks.Describe(ctx, client, name)
	if err := described.Untold(); err != nil {
		return untold(err)
	}
	stack, exists := described.Seen()
	if !exists {
		return live{stack: answer.Absent[Deployed]()}
	}
	found := Deployed{
		Stack: name, Status: string(stack.StackStatus), At: stacks.LastChange(stack), Protected: aws.ToBool(stack.EnableTerminationProtection),
	}
	if found.Status == stacks.StatusReview { // there is no template yet
		found.Condition, found.Flaw = ConditionFlawed, "its first change set was never executed, so it has no resource"
		return live{stack: answer.Seen(found)}
	}
	if found.template, err = stacks.Template(ctx, client, aws.ToString(stack.StackId)); err != nil {
		return untold(err)
	}
	if len(found.template) == 0 {
		return untold(fmt.Errorf("the template of %s is empty", name))
	}
	found.hear(commitOf(ctx, way, stage, found.template))
	there := live{}
	if there.names, err = stacks.PhysicalNames(ctx, client, aws.ToString(stack.StackId), functionType); err != nil {
		return untold(err)
	}
	there.functions = askFunctions(ctx, lambda.NewFromConfig(way.config), stage, there.names)
	found.judge(there.functions)
	there.stack = answer.Seen(found)
	return there
}

// hear takes over what the account says of the commit.
func (d *Deployed) hear(commit answer.Answer[string]) {
	d.Commit, _ = commit.Seen()
	if err := commit.Untold(); err != nil {
		d.CommitProblem = err.Error()
	}
	if why := commit.Unasked(); why != nil {
		d.CommitUnasked = why.Error()
	}
}

const functionType = "AWS::Lambda::Function"

// askFunctions asks Lambda for the digest of each function's code.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html
func askFunctions(ctx context.Context, client *lambda.Client, stage stages.Stage, names map[string]string) map[string]answer.Answer[function] {
	ids := slices.Sorted(maps.Keys(names))
	answers := make([]answer.Answer[function], len(ids))
	parallel.ForEach(ctx, functionsAtOnce, ids, func(ctx context.Context, i int, id string) {
		answers[i] = askFunction(ctx, client, stage, names[id])
	})
	functions := make(map[string]answer.Answer[function], len(ids))
	for i, id := range ids {
		functions[id] = answers[i]
	}
	return functions
}

func askFunction(ctx context.Context, client *lambda.Client, stage stages.Stage, name string) answer.Answer[function] {
	configuration, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	var gone *lambdatypes.ResourceNotFoundException
	switch {
	case errors.As(err, &gone):
		return answer.Absent[function]()
	case err != nil:
		return answer.Untold[function](AsServiceError(stage, "Lambda", err))
	case aws.ToString(configuration.CodeSha256) == "":
		return answer.Untold[function](fmt.Errorf("Lambda did not say which code function %s runs", name))
	}
	there := function{sha256: aws.ToString(configuration.CodeSha256)}
	switch {
	case configuration.State == lambdatypes.StateFailed:
		there.failed = "function " + name + " has failed: " + aws.ToString(configuration.StateReason)
	case configuration.LastUpdateStatus == lambdatypes.LastUpdateStatusFailed:
		there.failed = "the last update of function " + name + " has failed: " + aws.ToString(configuration.LastUpdateStatusReason)
	}
	return answer.Seen(there)
}

// judge decides the condition by the status and by what the functions answered.
func (d *Deployed) judge(functions map[string]answer.Answer[function]) {
	d.Condition = ConditionSound
	var silence error
	for _, id := range slices.Sorted(maps.Keys(functions)) {
		untold := functions[id].Untold()
		silence = cmp.Or(silence, untold)
		there, _ := functions[id].Seen()
		switch {
		case functions[id].IsAbsent():
			d.Condition, d.Flaw = ConditionFlawed, "function "+id+" is gone: it was deleted outside CloudFormation"
		case there.failed != "":
			d.Condition, d.Flaw = ConditionFlawed, there.failed
		case untold != nil && d.Condition == ConditionSound:
			d.Condition, d.Flaw = ConditionUnknown, untold.Error()
		}
	}
	if !stacks.IsSettled(d.Status) {
		d.Condition, d.Flaw = ConditionFlawed, unsettled(d.Status)
	}
	if silence != nil && d.Condition == ConditionFlawed {
		d.Unanswered = silence.Error()
	}
}

// unsettled says in words what a status means that is not the end of a change that succeeded.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
func unsettled(status string) string {
	switch {
	case status == stacks.StatusFailedCreate:
		return "its first deploy failed and was rolled back, so it has no resource"
	case stacks.IsChanging(status):
		return "it is being changed"
	case strings.HasSuffix(status, "ROLLBACK_COMPLETE"):
		return "its last deploy failed and was rolled back"
	}
	return "its last change failed"
}

// stuck is what frees a stack from a status that a deploy cannot leave by itself; empty where it can.
func stuck(status, stack string) string {
	switch status {
	case "UPDATE_ROLLBACK_FAILED":
		return "Run `aws cloudformation continue-update-rollback --stack-name " + stack + "`."
	case "ROLLBACK_FAILED", "DELETE_FAILED":
		return "Delete what CloudFormation could not, then the stack: `aws cloudformation delete-stack --stack-name " + stack + "`."
	}
	return ""
}
