package fleet

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

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
	return fmt.Sprintf("The deploy was not begun, and nothing was changed:\n%s", strings.Join(lines, "\n"))
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
		proving.Go(func() { proven = unproven(d.Prove(ctx)) })
	}
	defer proving.Wait()
	found := make([][]Finding, len(all))
	parallel.ForEach(ctx, AccountsAtOnce, all, func(ctx context.Context, i int, stage stages.Stage) {
		found[i] = d.preflightOne(ctx, stage)
	})
	if err := ctx.Err(); err != nil {
		return err
	}
	findings = append(findings, d.takeUps.unknown()...)
	var sound []stages.Stage
	for i, some := range found {
		findings = append(findings, some...)
		if len(some) == 0 {
			sound = append(sound, all[i])
		}
	}
	if d.Fits != nil {
		short, err := d.Fits(ctx, sound)
		if err != nil {
			return err
		}
		findings = append(findings, short...)
	}
	if proving.Wait(); proven != nil {
		findings = append(findings, *proven)
	}
	if len(findings) > 0 {
		return &PreflightError{Findings: findings}
	}
	return nil
}

// unproven is what is wrong with the parity of the stages; nil where it is proven.
func unproven(verdict *parity.Verdict, err error) *Finding {
	switch {
	case err != nil:
		return &Finding{Check: "parity", Detail: "it could not be determined: " + err.Error()}
	case !verdict.Identical(): // or it could not be determined, which the first line says
		return &Finding{Check: "parity", Detail: firstLine(verdict.String()), Fix: "run `roadshow parity`, which says where"}
	}
	return nil
}

func (d Deployment) preflightOne(ctx context.Context, stage stages.Stage) []Finding {
	one, synthesized := d.Assembly.Stage(stage.Name)
	if !synthesized || one.Account != stage.Account || one.Region != stage.Region {
		return []Finding{{Stage: stage.Name, Check: "assembly", Detail: "the program has not synthesized it", Fix: "run `roadshow deploy` again"}}
	}
	config, _, err := d.Fleet.Reach(ctx, stage)
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
	foreign, adopted := d.owner(stage, stack)
	if foreign != nil {
		return append(findings, Finding{Stage: stage.Name, Check: "program", Detail: foreign.detail(), Fix: foreign.fix()})
	}
	if adopted != "" && d.Warn != nil {
		d.Warn(Finding{Stage: stage.Name, Check: "program", Detail: adopted})
	}
	taken, unseen := d.taken(ctx, config, stage, stack)
	findings = append(findings, d.takeUps.sort(taken)...)
	if d.Warn != nil {
		for _, finding := range unseen {
			d.Warn(finding)
		}
	}
	if stack != nil {
		if fix := stuck(string(stack.StackStatus), one.StackName); fix != "" {
			findings = append(findings, Finding{Stage: stage.Name, Check: "stack", Detail: one.StackName + " is " + string(stack.StackStatus), Fix: fix})
		}
	}
	return append(findings, d.steps(ctx, stage, one, stack)...)
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
