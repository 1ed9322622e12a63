package fleet

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// StageStatus is what is live in one stage's account, beside what the program would deploy there.
type StageStatus struct {
	// Stage is its name, Account and Region where it is, Tier what it may lose.
	Stage   string      `json:"stage"`
	Account string      `json:"account"`
	Region  string      `json:"region"`
	Tier    stages.Tier `json:"tier"`
	// Problem is why the account has not answered; empty where it has.
	Problem string `json:"problem,omitempty"`
	// Deployed is the stack; nil where there is none.
	Deployed *Deployed `json:"deployed,omitempty"`
	// Template is the digest of the live template, Program that of the program's; equal digests mean that
	// a deploy has nothing to do.
	Template string `json:"template,omitempty"`
	Program  string `json:"program"`
	// Functions are the functions of either.
	Functions []FunctionStatus `json:"functions"`
	// Behind is how far the account is behind the program; nil where nothing is deployed.
	Behind *Behind `json:"behind,omitempty"`
}

// Current tells whether the account has what the program has.
func (s StageStatus) Current() bool { return s.Template != "" && s.Template == s.Program }

// FunctionStatus is one function's code.
type FunctionStatus struct {
	// LogicalID is the function's in the template, Name its physical name where it is live.
	LogicalID string `json:"logicalId"`
	Name      string `json:"name,omitempty"`
	// Live is the digest of the code in the deployed template, Program that of the program's; empty where
	// it is in one of the two only.
	Live    string `json:"live,omitempty"`
	Program string `json:"program,omitempty"`
	// SHA256 is what Lambda says of the bytes that it runs.
	SHA256 string `json:"sha256,omitempty"`
}

// Behind is the way from what is live to the program.
type Behind struct {
	// Added, Changed and Removed count resources that a deploy would add, change and remove.
	Added   int `json:"added"`
	Changed int `json:"changed"`
	Removed int `json:"removed"`
	// Commits counts the commits from the live one to the program's; -1 where Git cannot tell.
	Commits int `json:"commits"`
}

// String is the distance for people.
func (b Behind) String() string {
	if b.Added+b.Changed+b.Removed == 0 {
		return "current"
	}
	text := fmt.Sprintf("+%d ~%d -%d resources", b.Added, b.Changed, b.Removed)
	if b.Commits > 0 {
		text += fmt.Sprintf(", %d commits", b.Commits)
	}
	return text
}

// Status asks the account of each stage what is live, and compares with an assembly. project is the folder
// of the program, for its Git history.
func (f *Fleet) Status(ctx context.Context, assembly Assembly, project string, all []stages.Stage) []StageStatus {
	found := make([]StageStatus, len(all))
	parallel.ForEach(ctx, AccountsAtOnce, all, func(ctx context.Context, i int, stage stages.Stage) {
		found[i] = f.statusOf(ctx, assembly, project, stage)
	})
	return found
}

func (f *Fleet) statusOf(ctx context.Context, assembly Assembly, project string, stage stages.Stage) StageStatus {
	status := StageStatus{Stage: stage.Name, Account: stage.Account, Region: stage.Region, Tier: stage.Tier}
	fail := func(err error) StageStatus {
		status.Problem = err.Error()
		return status
	}
	var program template
	if one, synthesized := assembly.Stage(stage.Name); synthesized {
		text, err := assembly.Template(one)
		if err != nil {
			return fail(err)
		}
		if program, err = readTemplate(text); err != nil {
			return fail(err)
		}
		status.Program = program.digest
	}
	config, _, err := f.Reach(ctx, stage)
	if err != nil {
		return fail(err)
	}
	client := cloudformation.NewFromConfig(config)
	if status.Deployed, err = f.deployed(ctx, config, stage); err != nil {
		return fail(AsServiceError(stage, "CloudFormation", err))
	}
	var live template
	names := map[string]string{}
	if status.Deployed != nil && len(status.Deployed.template) > 0 {
		if live, err = readTemplate(status.Deployed.template); err != nil {
			return fail(fmt.Errorf("stage %s: template is not one of this program's, want JSON; deploy it again: %w", stage.Name, err))
		}
		status.Template = live.digest
		behind := live.behind(program)
		behind.Commits, _ = distance(ctx, project, status.Deployed.Commit, assembly.Document.Commit)
		status.Behind = &behind
		if names, err = stacks.PhysicalNames(ctx, client, status.Deployed.Stack, "AWS::Lambda::Function"); err != nil {
			return fail(AsServiceError(stage, "CloudFormation", err))
		}
	}
	status.Functions = functionsOf(live, program, names)
	return f.codeOf(ctx, lambda.NewFromConfig(config), stage, status)
}

// codeOf adds what Lambda runs.
func (f *Fleet) codeOf(ctx context.Context, client *lambda.Client, stage stages.Stage, status StageStatus) StageStatus {
	for i, function := range status.Functions {
		if function.Name == "" {
			continue
		}
		answer, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function.Name})
		if err != nil {
			status.Problem = AsServiceError(stage, "Lambda", err).Error()
			return status
		}
		status.Functions[i].SHA256 = aws.ToString(answer.CodeSha256)
	}
	return status
}

func functionsOf(live, program template, names map[string]string) []FunctionStatus {
	found := map[string]FunctionStatus{}
	for id, one := range live.resources {
		if one.kind == "AWS::Lambda::Function" {
			found[id] = FunctionStatus{LogicalID: id, Name: names[id], Live: one.code}
		}
	}
	for id, one := range program.resources {
		if one.kind == "AWS::Lambda::Function" {
			function := found[id]
			function.LogicalID, function.Program = id, one.code
			found[id] = function
		}
	}
	functions := make([]FunctionStatus, 0, len(found))
	for _, function := range found {
		functions = append(functions, function)
	}
	slices.SortFunc(functions, func(a, b FunctionStatus) int { return strings.Compare(a.LogicalID, b.LogicalID) })
	return functions
}

// distance counts the commits of the program that the live one does not have, and those that only the live one
// has; -1 where Git cannot tell.
func distance(ctx context.Context, project, live, program string) (behind, ahead int) {
	live, program = cleanCommit(live), cleanCommit(program)
	if live == "" || program == "" || strings.HasPrefix(live, "-") || strings.HasPrefix(program, "-") {
		return -1, -1
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	git := exec.CommandContext(ctx, "git", "rev-list", "--left-right", "--count", live+"..."+program, "--")
	git.Dir = project
	output, err := git.Output()
	if err != nil {
		return -1, -1
	}
	if _, err := fmt.Sscan(string(output), &ahead, &behind); err != nil {
		return -1, -1
	}
	return behind, ahead
}
