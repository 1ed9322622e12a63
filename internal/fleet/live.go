package fleet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// Comparison compares what is deployed in the accounts with what the program makes at the commit that is
// recorded in it, and with what the program makes now.
type Comparison struct {
	// Fleet reaches the accounts, Program is what the program makes now, its functions compiled. Required.
	Fleet   *Fleet
	Program Assembly
	// Project is the folder of the program, for its Git history. Required.
	Project string
	// Make has the program of another commit make the same. It is asked once for each commit. Required.
	Make func(ctx context.Context, commit string) (Made, error)
	// Say is told what is being done. Default: nobody is.
	Say func(text string)
}

// Made is what the program of a commit makes: every stage, and the proof that they are identical.
type Made struct {
	Assembly Assembly
	Verdict  *parity.Verdict
}

// Parity is how a stage's account compares with the program.
type Parity struct {
	// Stage is its name, Account where it is.
	Stage   string `json:"stage"`
	Account string `json:"account"`
	// State is one of the constants below.
	State ParityState `json:"state"`
	// Commit is the one that is recorded in what is deployed, with "-dirty" where it was deployed with changes
	// that were not committed; Program is the program's now. Empty where there is none.
	Commit  string `json:"commit,omitempty"`
	Program string `json:"program,omitempty"`
	// Behind counts the commits of the program that the deployed one does not have, Ahead those that only the
	// deployed one has; -1 where Git cannot tell.
	Behind int `json:"behind"`
	Ahead  int `json:"ahead"`
	// Drift leads from what is deployed to what its commit makes, Changes to what the program makes now.
	Drift   []parity.Change `json:"drift,omitempty"`
	Changes []parity.Change `json:"changes,omitempty"`
	// Problem says why it could not be told, or what is wrong, and what to do; Note what else there is to know.
	Problem string `json:"problem,omitempty"`
	Note    string `json:"note,omitempty"`

	deployed *Deployed
	stage    stages.Stage
}

// Unseen tells whether something that the account was asked for could not be determined.
func (p Parity) Unseen() bool {
	return p.State == ParityUnknown || p.deployed.unseen()
}

// ParityState is the outcome of a comparison.
type ParityState string

// The outcomes.
const (
	// ParityIdentical means the deployed template is the one that the program makes now.
	ParityIdentical ParityState = "identical"
	// ParityBehind means the deployed template is the one that its commit makes, and the program now makes another.
	ParityBehind ParityState = "behind"
	// ParityDrifted means its commit makes another: it was changed by hand, or deployed with changes that
	// Git did not know.
	ParityDrifted ParityState = "drifted"
	// ParityDirty means it was deployed with changes that were not committed, so that nobody can make it
	// again.
	ParityDirty ParityState = "dirty"
	// ParityFailed means the account does not run what its stack says: the last deploy failed, was rolled back or goes
	// on, or a function is gone.
	ParityFailed ParityState = "failed"
	// ParityAbsent means nothing is deployed.
	ParityAbsent ParityState = "absent"
	// ParityUnknown means it cannot be determined; Problem says why.
	ParityUnknown ParityState = "unknown"
)

// CommitParity is the proof of a commit that is deployed.
type CommitParity struct {
	// Commit is the one; Stages are those it is deployed to.
	Commit string   `json:"commit"`
	Stages []string `json:"stages"`
	// Behind and Ahead are as of [Parity].
	Behind int `json:"behind"`
	Ahead  int `json:"ahead"`
	// Verdict is nil where Problem says why there is none.
	Verdict *parity.Verdict `json:"verdict,omitempty"`
	Problem string          `json:"problem,omitempty"`

	made Made
	err  error
}

// Run asks the account of each stage for its template, has each recorded commit made that is not the
// program's, and compares. Whatever cannot be told is in the answers; the error is the context's.
func (c Comparison) Run(ctx context.Context, all []stages.Stage) ([]Parity, []CommitParity, error) {
	found := make([]Parity, len(all))
	parallel.ForEach(ctx, AccountsAtOnce, all, func(ctx context.Context, i int, stage stages.Stage) {
		found[i] = c.read(ctx, stage)
	})
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	commits := []CommitParity{}
	for _, one := range found {
		commit := cleanCommit(one.Commit)
		if commit == "" || commit == c.Program.Document.Commit {
			continue
		}
		at := slices.IndexFunc(commits, func(known CommitParity) bool { return known.Commit == commit })
		if at < 0 {
			at = len(commits)
			commits = append(commits, CommitParity{Commit: commit, Behind: one.Behind, Ahead: one.Ahead})
		}
		commits[at].Stages = append(commits[at].Stages, one.Stage)
	}
	for i := range commits {
		commits[i].make(ctx, c)
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
	}
	for i := range found {
		if err := found[i].judge(c, commits); err != nil {
			found[i].State, found[i].Problem = ParityUnknown, err.Error()
		}
	}
	return found, commits, nil
}

// read asks an account for what is deployed there.
func (c Comparison) read(ctx context.Context, stage stages.Stage) Parity {
	found := Parity{Stage: stage.Name, Account: stage.Account, Program: c.Program.Document.Commit, Behind: -1, Ahead: -1, stage: stage}
	way, err := c.Fleet.route(ctx, stage, lookupRole, deployRole)
	if err != nil {
		found.State, found.Problem = ParityUnknown, err.Error()
		return found
	}
	found.deployed, found.Problem = c.Fleet.look(ctx, way, stage).report()
	switch {
	case found.Problem != "":
		found.State = ParityUnknown
	case found.deployed == nil:
		found.State = ParityAbsent
	case found.deployed.Condition == ConditionUnknown:
		found.State, found.Problem = ParityUnknown, found.deployed.Flaw
	case found.deployed.Condition != ConditionSound:
		found.State = ParityFailed
		found.Problem = fmt.Sprintf("Stage %s does not run what stack %s says: it is %s, %s. Run `roadshow deploy --to %s`.",
			stage.Name, found.deployed.Stack, found.deployed.Status, found.deployed.Flaw, stage.Name)
		if silence := found.deployed.Silence(); silence != "" {
			found.Problem += "\n" + silence
		}
	default:
		found.Commit = found.deployed.Commit
		found.Behind, found.Ahead = distance(ctx, c.Project, found.Commit, found.Program)
	}
	return found
}

// make has a commit made, and proven.
func (p *CommitParity) make(ctx context.Context, c Comparison) {
	if c.Say != nil {
		c.Say(fmt.Sprintf("commit %.9s of %s: checking it out, proving its parity, and compiling its functions", p.Commit, strings.Join(p.Stages, ", ")))
	}
	if p.made, p.err = c.Make(ctx, p.Commit); p.err != nil {
		p.Problem = p.err.Error()
		return
	}
	p.Verdict = p.made.Verdict
}

// judge compares what an account has told. The error is why it cannot be compared.
func (p *Parity) judge(c Comparison, commits []CommitParity) error {
	if p.State != "" {
		return nil
	}
	var err error
	if p.Changes, err = c.Program.drift(p.stage, p.deployed.template); err != nil {
		return err
	}
	isProgram := len(p.Changes) == 0
	made := c.Program
	if p.Commit == "" && p.Program != "" {
		unread := cmp.Or(p.deployed.CommitProblem, p.deployed.CommitUnasked)
		switch {
		case isProgram && p.deployed.CommitProblem != "":
			p.State, p.Problem = ParityIdentical, fmt.Sprintf("Stage %s: %s", p.Stage, unread)
			return nil
		case isProgram:
			p.State, p.Note = ParityIdentical, cmp.Or(unread, "no commit is recorded for it")
			return nil
		case unread != "":
			return fmt.Errorf("Stage %s: %s", p.Stage, unread)
		}
		return fmt.Errorf("Stage %s: no commit is recorded for what is deployed, so it cannot be compared with one.\nDeploy it from a checkout.", p.Stage)
	}
	if at := slices.IndexFunc(commits, func(one CommitParity) bool { return one.Commit == cleanCommit(p.Commit) }); at >= 0 {
		if err := commits[at].err; err != nil {
			if isProgram {
				p.State, p.Note = ParityIdentical, err.Error()
				return nil
			}
			return fmt.Errorf("Stage %s: %w", p.Stage, err)
		}
		made = commits[at].made.Assembly
	}
	if p.Drift, err = made.drift(p.stage, p.deployed.template); err != nil {
		return err
	}
	switch {
	case isProgram:
		p.State = ParityIdentical
		if len(p.Drift) > 0 {
			p.Note = "its commit makes another template; what is deployed is the program's"
		}
		p.Drift = nil
	case len(p.Drift) == 0:
		p.State = ParityBehind
	case strings.HasSuffix(p.Commit, assembly.DirtySuffix):
		p.State = ParityDirty
		p.Problem = fmt.Sprintf("Stage %s was deployed with changes that were not committed, which nobody can make again.\nCommit them, and deploy it.", p.Stage)
	default:
		return p.drifted(made)
	}
	return nil
}

// drifted is the state of a template that its commit does not make, unless another Go would.
func (p *Parity) drifted(made Assembly) error {
	text, err := made.templateOf(p.stage)
	if err != nil {
		return err
	}
	functions, onlyCode, err := parity.Recompiled(p.stage, p.deployed.template, text)
	switch {
	case err != nil:
		return err
	case onlyCode:
		return fmt.Errorf("Stage %s: the code of %s is not what commit %.9s compiles to here, and all else is the same. Each version of Go compiles other bytes.\n"+
			"Name the one that it was deployed with, as in `GOTOOLCHAIN=go1.26.0 roadshow parity --deployed`, or deploy it again.",
			p.Stage, strings.Join(functions, ", "), p.Commit)
	}
	p.State = ParityDrifted
	p.Problem = fmt.Sprintf("Stage %s is not what its commit makes. It was changed by hand, or deployed with files that Git did not know.\nDeploy it again.", p.Stage)
	return nil
}
