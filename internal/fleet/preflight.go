package fleet

import (
	"context"
	"errors"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// PreflightError says that a deploy was not begun. Nothing was changed in any account.
type PreflightError struct {
	// Findings are what is wrong, all of it.
	Findings []Finding
}

func (e *PreflightError) Error() string {
	return "The deploy was not begun, and nothing was changed:" + listed(e.Findings)
}

// preflight asks each stage's account whether a deploy can succeed. It changes nothing.
func (d Deployment) preflight(ctx context.Context, all []stages.Stage) error {
	var findings []Finding
	for _, collision := range stages.Collisions(d.Assembly.Document.Ledger) {
		findings = append(findings, Finding{Check: "names", Detail: sentence(collision.Error())})
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
		return &Finding{Check: "parity", Detail: sentence("whether the stages are identical could not be determined: " + err.Error())}
	case !verdict.Identical(): // or it could not be determined, which the first line says
		return &Finding{Check: "parity", Detail: sentence("the stages are " + firstLine(verdict.String())), Fix: "Run `roadshow parity`, which says where."}
	}
	return nil
}

func (d Deployment) preflightOne(ctx context.Context, stage stages.Stage) []Finding {
	one, synthesized := d.Assembly.Stage(stage.Name)
	if !synthesized || one.Account != stage.Account || one.Region != stage.Region {
		return []Finding{{Stage: stage.Name, Check: "assembly", Detail: "The program has not synthesized it.", Fix: "Run `roadshow deploy` again."}}
	}
	there, err := d.deployed(ctx, stage, one.StackName)
	if err != nil {
		check := "account"
		if refused, is := errors.AsType[*ServiceError](err); is && refused.Service == "CloudFormation" {
			check = "stack"
		}
		return []Finding{explained(stage, check, err)}
	}
	version, err := bootstrapVersion(ctx, cloudformation.NewFromConfig(there.config), stage)
	if err != nil {
		return []Finding{explained(stage, "bootstrap", err)}
	}
	var findings []Finding
	if needed := d.Assembly.bootstrapNeeded(one); version < needed {
		findings = append(findings, unbootstrapped(stage, version, needed))
	}
	foreign, adopted := d.owner(stage, there.stack)
	if foreign != nil {
		return append(findings, Finding{Stage: stage.Name, Check: "program", Detail: foreign.Reason(), Fix: foreign.Fix()})
	}
	if adopted != "" && d.Warn != nil {
		d.Warn(Finding{Stage: stage.Name, Check: "program", Detail: adopted})
	}
	taken, unseen := d.taken(ctx, stage, there)
	findings = append(findings, d.takeUps.sort(taken)...)
	if d.Warn != nil {
		for _, finding := range unseen {
			d.Warn(finding)
		}
	}
	if there.stack != nil {
		if fix := stuck(string(there.stack.StackStatus), one.StackName); fix != "" {
			findings = append(findings, Finding{Stage: stage.Name, Check: "stack", Detail: "Stack " + one.StackName + " is " + string(there.stack.StackStatus) + ".", Fix: fix})
		}
	}
	return append(findings, d.steps(stage, one, there)...)
}
