package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// Assembly is a cloud assembly that is ready to be deployed, with what the program says about itself.
type Assembly struct {
	// Dir is its folder. Required.
	Dir string
	// Document is its roadshow.json. Required.
	Document assembly.Document
}

// ReadAssembly reads an assembly that a program has written.
func ReadAssembly(dir string) (Assembly, error) {
	document, err := assembly.Read(dir)
	return Assembly{Dir: dir, Document: document}, err
}

// stage is what was synthesized for a stage.
func (a Assembly) stage(name string) (assembly.Synthesized, bool) {
	for _, one := range a.Document.Stages {
		if one.Name == name && one.Role == name || one.Name == name {
			return one, true
		}
	}
	return assembly.Synthesized{}, false
}

// folder is the assembly of one stage alone, which the cdk command can deploy.
func (a Assembly) folder(one assembly.Synthesized) string {
	return filepath.Join(a.Dir, filepath.Dir(filepath.FromSlash(one.File)))
}

// template is the template of one stage.
func (a Assembly) template(one assembly.Synthesized) ([]byte, error) {
	return os.ReadFile(filepath.Join(a.Dir, filepath.FromSlash(one.File)))
}

// bootstrapNeeded is the version of the bootstrap that a stage's stack asks for.
func (a Assembly) bootstrapNeeded(one assembly.Synthesized) int {
	var manifest struct {
		Artifacts map[string]struct {
			Properties struct {
				RequiresBootstrapStackVersion int `json:"requiresBootstrapStackVersion"`
			} `json:"properties"`
		} `json:"artifacts"`
	}
	needed := minimumBootstrap
	data, err := os.ReadFile(filepath.Join(a.folder(one), "manifest.json"))
	if err != nil || json.Unmarshal(data, &manifest) != nil {
		return needed
	}
	for _, artifact := range manifest.Artifacts {
		needed = max(needed, artifact.Properties.RequiresBootstrapStackVersion)
	}
	return needed
}

// Finding is one thing that is wrong, and what to do about it.
type Finding struct {
	// Stage is whose it is; empty for what concerns all of them.
	Stage string `json:"stage,omitempty"`
	// Check is what was looked at, such as account, bootstrap, stack, names or parity.
	Check string `json:"check"`
	// OK tells that nothing is wrong; then Detail says what is right.
	OK bool `json:"ok"`
	// Detail is what is found, Fix what to do.
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"`
}

func (f Finding) String() string {
	text := f.Check + ": " + f.Detail
	if f.Stage != "" {
		text = "stage " + f.Stage + ": " + text
	}
	if f.Fix != "" {
		text += "; " + f.Fix
	}
	return text
}

// PreflightError says that a deploy was not begun. Nothing was changed in any account.
type PreflightError struct {
	// Findings are what is wrong, all of it.
	Findings []Finding
}

func (e *PreflightError) Error() string {
	lines := make([]string, len(e.Findings))
	for i, finding := range e.Findings {
		lines[i] = "  " + finding.String()
	}
	return fmt.Sprintf("preflight: findings are %d, want none; nothing was changed:\n%s", len(e.Findings), strings.Join(lines, "\n"))
}

// preflight asks each stage's account whether a deploy can succeed. It changes nothing.
func (d Deployment) preflight(ctx context.Context, all []stages.Stage) error {
	var findings []Finding
	for _, collision := range stages.Collisions(d.Assembly.Document.Ledger) {
		findings = append(findings, Finding{Check: "names", Detail: collision.Error()})
	}
	// The proof needs no account, and the accounts take their time.
	var proven *Finding
	var proving sync.WaitGroup
	if d.Prove != nil {
		proving.Go(func() { proven = d.Prove(ctx) })
	}
	defer proving.Wait()
	found := make([][]Finding, len(all))
	parallel.ForEach(ctx, surveyAtOnce, all, func(ctx context.Context, i int, stage stages.Stage) {
		found[i] = d.preflightOne(ctx, stage)
	})
	if err := ctx.Err(); err != nil {
		return err
	}
	var sound []stages.Stage
	for i, some := range found {
		findings = append(findings, some...)
		if len(some) == 0 {
			sound = append(sound, all[i])
		}
	}
	short, err := d.quotas(ctx, sound)
	if err != nil {
		return err
	}
	findings = append(findings, short...)
	if proving.Wait(); proven != nil {
		findings = append(findings, *proven)
	}
	if len(findings) > 0 {
		return &PreflightError{Findings: findings}
	}
	return nil
}

// quotas asks the accounts whether what would be deployed fits. What they do not answer stops nothing.
func (d Deployment) quotas(ctx context.Context, all []stages.Stage) ([]Finding, error) {
	report, err := QuotaSurvey{Fleet: d.Fleet, Assembly: d.Assembly, Needed: true, Observe: func(event Event) {
		if event.State == Running {
			d.observe(event)
		}
	}}.Run(ctx, all)
	if err != nil {
		return nil, err
	}
	stop, say := quotaFindings(report)
	if d.DespiteQuotas {
		stop, say = nil, append(say, stop...)
	}
	for _, finding := range say {
		if d.Warn != nil {
			d.Warn(finding)
		}
	}
	return stop, nil
}

func (d Deployment) preflightOne(ctx context.Context, stage stages.Stage) []Finding {
	one, synthesized := d.Assembly.stage(stage.Name)
	if !synthesized || one.Account != stage.Account || one.Region != stage.Region {
		return []Finding{{Stage: stage.Name, Check: "assembly", Detail: "the program has not synthesized it", Fix: "run `roadshow deploy` again"}}
	}
	config, _, err := d.Fleet.reach(ctx, stage)
	if err != nil {
		return []Finding{{Stage: stage.Name, Check: "account", Detail: strings.TrimPrefix(err.Error(), "stage "+stage.Name+": ")}}
	}
	client := cloudformation.NewFromConfig(config)
	version, err := bootstrapVersion(ctx, client, stage)
	if err != nil {
		return []Finding{unanswered(stage, "bootstrap", err)}
	}
	var findings []Finding
	if needed := d.Assembly.bootstrapNeeded(one); version < needed {
		detail := fmt.Sprintf("version is %d, want %d or newer", version, needed)
		if version == 0 {
			detail = "there is none"
		}
		findings = append(findings, Finding{Stage: stage.Name, Check: "bootstrap", Detail: detail, Fix: "run `roadshow bootstrap " + stage.Name + "`"})
	}
	stack, err := stacks.Describe(ctx, client, one.StackName)
	if err != nil {
		return append(findings, unanswered(stage, "stack", err))
	}
	if stack != nil {
		if fix := stuck(string(stack.StackStatus), one.StackName); fix != "" {
			findings = append(findings, Finding{Stage: stage.Name, Check: "stack", Detail: one.StackName + " is " + string(stack.StackStatus), Fix: fix})
		}
	}
	return findings
}

// unanswered is the finding of a service that refused.
func unanswered(stage stages.Stage, check string, err error) Finding {
	fix := "check the permissions of the profile"
	if isThrottled(err) {
		fix = "wait a minute and run it again"
	}
	return Finding{Stage: stage.Name, Check: check, Detail: "CloudFormation refuses: " + brief(err), Fix: fix}
}

// stuck is what frees a stack from a status that a deploy cannot leave by itself; empty where it can.
func stuck(status, stack string) string {
	switch status {
	case "UPDATE_ROLLBACK_FAILED":
		return "run `aws cloudformation continue-update-rollback --stack-name " + stack + "`"
	case "ROLLBACK_FAILED", "DELETE_FAILED":
		return "delete what CloudFormation could not, then the stack: `aws cloudformation delete-stack --stack-name " + stack + "`"
	}
	return ""
}
