package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
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

// Unseen tells whether something that the account was asked for could not be determined.
func (s StageStatus) Unseen() bool {
	return s.Problem != "" || s.Deployed.unseen()
}

// Current tells whether the account has what the program has, all of which was seen.
func (s StageStatus) Current() bool {
	return s.Problem == "" && s.Deployed != nil && s.Deployed.Condition == ConditionSound && s.Template != "" && s.Template == s.Program
}

// SameFunctions counts the functions that run what the program would deploy.
func (s StageStatus) SameFunctions() int {
	same := 0
	for _, function := range s.Functions {
		if function.Same() {
			same++
		}
	}
	return same
}

// FunctionStatus is one function's code.
type FunctionStatus struct {
	// LogicalID is the function's in the template, Name its physical name where it is live.
	LogicalID string `json:"logicalId"`
	Name      string `json:"name,omitempty"`
	// Live is the digest of the code in the deployed template, Program that of the program's; empty where
	// it is in one of the two only.
	Live    string `json:"live,omitempty"`
	Program string `json:"program,omitempty"`
	// SHA256 is what Lambda says of the bytes that it runs; empty where Lambda has no such function, or Problem says
	// why it did not answer.
	SHA256  string `json:"sha256,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// Same tells whether Lambda was seen to run the function, and its template has the code of the program.
func (f FunctionStatus) Same() bool {
	return f.SHA256 != "" && f.Live != "" && f.Live == f.Program
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
	way, err := f.route(ctx, stage, lookupRole, deployRole)
	if err != nil {
		return fail(err)
	}
	there := f.look(ctx, way, stage)
	if status.Deployed, status.Problem = there.report(); status.Problem != "" {
		return status
	}
	var deployed template
	if status.Deployed != nil && len(status.Deployed.template) > 0 {
		if deployed, err = readTemplate(status.Deployed.template); err != nil {
			return fail(fmt.Errorf("Stage %s: the deployed template is not JSON, so another program made it: %w\nLook at stack %s in the account.", stage.Name, err, status.Deployed.Stack))
		}
		status.Template = deployed.digest
		behind := deployed.behind(program)
		behind.Commits, _ = distance(ctx, project, status.Deployed.Commit, assembly.Document.Commit)
		status.Behind = &behind
		if status.Deployed.Condition == ConditionUnknown {
			status.Problem = status.Deployed.Flaw
		}
	}
	status.Functions = functionsOf(deployed, program, there)
	return status
}

// functionsOf are the functions that the deployed template has, or the program's.
func functionsOf(deployed, program template, there live) []FunctionStatus {
	found := map[string]FunctionStatus{}
	for id, one := range deployed.resources {
		if one.kind == functionType {
			function := FunctionStatus{LogicalID: id, Name: there.names[id], Live: one.code}
			if answer, asked := there.functions[id]; asked {
				running, _ := answer.Seen()
				function.SHA256 = running.sha256
				if err := answer.Untold(); err != nil {
					function.Problem = err.Error()
				}
			}
			found[id] = function
		}
	}
	for id, one := range program.resources {
		if one.kind == functionType {
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
