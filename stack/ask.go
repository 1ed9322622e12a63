package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/child"
	"github.com/roadshow-go/roadshow/internal/elsewhere"
	"github.com/roadshow-go/roadshow/internal/kernel"
	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// answer is what the program does when the roadshow command runs it: more than a synthesis, in this
// one process. No function is compiled unless that is asked for.
func (a App) answer(ctx context.Context, question assembly.Question) error {
	outdir, err := filepath.Abs(os.Getenv("CDK_OUTDIR"))
	if err != nil || os.Getenv("CDK_OUTDIR") == "" {
		return fmt.Errorf("the variable CDK_OUTDIR is %q, and must be a folder where %s is set.\nLeave %s out: it is for the roadshow command, which sets both",
			os.Getenv("CDK_OUTDIR"), assembly.AskVariable, assembly.AskVariable)
	}
	if question.Folder != "" {
		elsewhere.Enter()
		// Node is looked for from the working folder upwards, and its process outlives what runs on
		// another day.
		if err := kernel.Start(); err != nil {
			return err
		}
		if err := os.Chdir(question.Folder); err != nil {
			return err
		}
	}
	answer := func() error { return a.answerInto(ctx, question, outdir) }
	if question.OtherDate {
		return elsewhere.OnAnotherDay(answer)
	}
	return answer()
}

// answerInto writes the answer into a folder.
func (a App) answerInto(ctx context.Context, question assembly.Question, outdir string) (err error) {
	answer := assembly.Answer{Ask: question.Ask}
	switch question.Ask {
	case assembly.AskAssembly:
		synthesis := Synthesis{Outdir: outdir, Nested: true, StubFunctions: true}
		if question.From != "" {
			stage, err := a.Stages.Find(question.From)
			if err != nil {
				return err
			}
			synthesis.Stages, synthesis.Nested = []stages.Stage{stage}, false
		}
		document, err := a.Synthesize(synthesis)
		if err != nil {
			return err
		}
		answer.Templates = map[string]string{}
		for _, synthesized := range document.Stages {
			answer.Templates[synthesized.Name] = synthesized.File
		}
	case assembly.AskProof:
		answer.Verdict, answer.Templates, err = a.answerProof(ctx, question, outdir)
	case assembly.AskLines:
		answer.Lines, err = a.answerLines(ctx, question.LogicalIDs)
	case assembly.AskDiff:
		answer.Explanation, err = a.answerDiff(ctx, question)
	case assembly.AskProposal:
		answer.Proposal, err = a.answerProposal(question)
	default:
		err = fmt.Errorf("the roadshow command asks for %q, which this program does not know.\nUse one version of Roadshow for both", question.Ask)
	}
	if err != nil {
		return err
	}
	return assembly.WriteAnswer(outdir, answer)
}

// answerProof proves parity, and leaves each stage's own template for a comparison with a second
// run.
func (a App) answerProof(ctx context.Context, question assembly.Question, outdir string) (*parity.Verdict, map[string]string, error) {
	var verdict *parity.Verdict
	templates := map[string]string{}
	environ := os.Environ() // the CDK changes it for a while
	alone := func(ctx context.Context, stage stages.Stage, outdir string) error {
		return askAlone(ctx, environ, stage, outdir)
	}
	err := a.perform(func(player *player) error {
		var err error
		if verdict, err = player.prove(ctx, Proof{Exhaustive: question.Exhaustive, Alone: alone}); err != nil {
			return err
		}
		for _, stage := range a.Stages.Stages() { // those that a second run makes
			templates[stage.Name] = stage.Name + ".template.json"
			if err := os.WriteFile(filepath.Join(outdir, templates[stage.Name]), player.own[stage.Name], 0o644); err != nil {
				return err
			}
		}
		if question.Stale {
			verdict.Stale, err = parity.FindStale(ctx, a.Stages, player)
		}
		return err
	})
	return verdict, templates, err
}

// answerLines finds the lines of what the templates have under these logical ids.
func (a App) answerLines(ctx context.Context, logicalIDs []string) (map[string]stages.Position, error) {
	lines := map[string]stages.Position{}
	err := a.perform(func(player *player) error {
		var names []string
		for _, stage := range a.Stages.Stages() {
			if _, err := player.Play(ctx, stage); err != nil {
				return err
			}
			names = append(names, stage.Name)
		}
		for _, id := range logicalIDs {
			lines[id] = player.locate(names, id)
		}
		return nil
	})
	return lines, err
}

// askAlone runs this very program once more, and has it begin with one stage.
func askAlone(ctx context.Context, environ []string, stage stages.Stage, outdir string) error {
	question, err := json.Marshal(assembly.Question{Version: assembly.AskVersion, Ask: assembly.AskAssembly, From: stage.Name})
	if err != nil {
		return err
	}
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Mkdir(outdir, 0o700); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, executable, os.Args[1:]...)
	command.Env = append(slices.Clone(environ), assembly.AskVariable+"="+string(question), "CDK_OUTDIR="+outdir)
	var output child.Tail
	command.Stdout, command.Stderr = &output, &output
	if err := child.Run(command); err != nil {
		return fmt.Errorf("%w\n%s", err, output.String())
	}
	return nil
}

// Diff explains the differences between two stages by the declarations that make them. The stages
// are named as in -c stage=NAME. The errors are those of [App.Synthesize] and [parity.Explain].
func (a App) Diff(ctx context.Context, from, to string) (*parity.Explanation, error) {
	return a.answerDiff(ctx, assembly.Question{From: from, To: to})
}

func (a App) answerDiff(ctx context.Context, question assembly.Question) (*parity.Explanation, error) {
	if err := a.validate(); err != nil {
		return nil, err
	}
	var both [2]stages.Stage
	for i, name := range []string{question.From, question.To} {
		var err error
		if both[i], err = a.Stages.Find(name); err != nil {
			if unknown, is := errors.AsType[*stages.UnknownStageError](err); is {
				unknown.NamedBy = "roadshow diff"
			}
			return nil, err
		}
	}
	var explanation *parity.Explanation
	err := a.perform(func(player *player) (err error) {
		explanation, err = parity.Explain(ctx, player, both[0], both[1])
		return err
	})
	return explanation, err
}

// answerProposal says what one more stage would add.
func (a App) answerProposal(question assembly.Question) (*assembly.Proposal, error) {
	if err := a.validate(); err != nil {
		return nil, err
	}
	if question.Stage == nil {
		return nil, fmt.Errorf("%s asks for a proposal without a stage.\nLeave this variable out: it is for the roadshow command", assembly.AskVariable)
	}
	asked := *question.Stage
	proposal := a.Stages.With(stages.Stage{Name: asked.Name, Account: asked.Account, Region: asked.Region, Tier: asked.Tier})
	note := ""
	if asked.Region == "" {
		stage, resolved, err := a.Stages.Resolve(asked.Name)
		if err != nil {
			return nil, fmt.Errorf("%w\n\nor write --region, and --tier, for a stage that no template makes", err)
		}
		if !stage.IsEphemeral() {
			return nil, &ConfigError{
				Thing: "--with", Field: "name", Got: fmt.Sprintf("%q, a stage of the set", stage.Name), Want: "a stage that the set does not have",
				Fix: "`roadshow stages` lists those that it has",
			}
		}
		proposal, note = stages.Proposal{Set: a.Stages, Stage: stage}, resolved
	}
	outdir, err := os.MkdirTemp("", "roadshow-proposal-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(outdir)
	if err := kernel.Prepare(); err != nil {
		return nil, err
	}
	// The names of all stages stand in the ledger of any; only defining is needed.
	var addition stages.Addition
	like := []string{}
	for i, stage := range a.Stages.Stages() {
		stack, err := a.define(stage, filepath.Join(outdir, nestedFolder(stage)))
		if err != nil {
			return nil, err
		}
		if i == 0 {
			if addition, err = proposal.Adds(stack.ledger(), stack.choices()); err != nil {
				return nil, err
			}
		}
		if stack.choices().Key() == stack.choices().For(proposal.Stage).Key() {
			like = append(like, stage.Name)
		}
	}
	answer := &assembly.Proposal{Stage: describe(addition.Stage), Note: note, Names: addition.Names, Choices: addition.Choices, Like: like}
	for _, collision := range addition.Collisions {
		answer.Collisions = append(answer.Collisions, collision.Error())
	}
	slices.Sort(answer.Collisions)
	return answer, nil
}
