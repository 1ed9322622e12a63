package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// diffOptions are the flags of `roadshow diff`.
type diffOptions struct {
	anything
	markdown, all bool
}

// diffVerb explains the differences between two stages, or between a stage and what is deployed of it.
func diffVerb(s *settings) *cobra.Command {
	var options diffOptions
	shown := s.command(&cobra.Command{
		Use:   "diff STAGE [STAGE]",
		Short: "Say what a deploy of a stage would change, or which declaration makes two stages differ",
		Long: "With one stage, diff compares what is deployed in its account with what the program makes now: it lists what\n" +
			"changes, and which of it AWS refuses in one deploy, with what to deploy first.\n" +
			"Exit codes: 0 AWS takes it in one deploy, 1 something must be deployed first, 2 it could not be determined.\n\n" +
			"With two stages, diff switches one declaration of the first stage after the other to what the second stage\n" +
			"makes of it, and lists under each what then changes on the way from the first stage to the second. It asks no\n" +
			"account.\n" +
			"Exit codes: 0 every difference is accounted for, 1 something is left, 2 it could not be determined.",
		Example: "  roadshow diff production\n  roadshow diff production --json\n" +
			"  roadshow diff dev production\n  roadshow diff dev production --all\n  roadshow diff staging production --markdown >> comment.md",
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: s.completeStages,
	}, &options)
	shown.Flags().BoolVar(&options.markdown, "markdown", false, "print Markdown, for a pull request")
	shown.Flags().BoolVar(&options.all, "all", false, "print every change, not only their numbers")
	return shown
}

func (o *diffOptions) run(ctx context.Context, s *settings, names []string) (answer, error) {
	if len(names) == 1 {
		return o.deployed(ctx, s, names)
	}
	found, err := s.loadProgram()
	if err != nil {
		return nil, err
	}
	explanation, err := found.Diff(ctx, names[0], names[1])
	return difference{explanation, o}, err
}

// deployed compares a stage with what is deployed of it.
func (o *diffOptions) deployed(ctx context.Context, s *settings, names []string) (answer, error) {
	resolved, remove, err := s.resolveTarget(ctx, names, "roadshow diff")
	if err != nil {
		return nil, err
	}
	defer remove()
	diff, err := resolved.fleet.Diff(ctx, resolved.assembly, resolved.stages[0])
	return deployedDifference{diff, o}, err
}

// deployedDifference is what `roadshow diff` has found of one stage.
type deployedDifference struct {
	fleet.StageDiff
	options *diffOptions
}

// title says in a sentence what a deploy would come to.
func (d deployedDifference) title() string {
	switch {
	case !d.Deployed:
		return fmt.Sprintf("Nothing is deployed of stage %s in account %s: the first deploy makes everything.", d.Stage, d.Account)
	case len(d.Changes) == 0:
		return fmt.Sprintf("Stack %s of account %s is what the program makes.", d.Stack, d.Account)
	}
	return fmt.Sprintf("A deploy makes %s to stack %s of account %s.", counted(len(d.Changes), "change"), d.Stack, d.Account)
}

const stepsTitle = "AWS refuses this in one deploy:"

func (d deployedDifference) write(out, _ io.Writer) {
	if d.options.markdown {
		d.writeMarkdown(out)
		return
	}
	fmt.Fprintln(out, styled(out, heading, d.title()))
	shown := len(d.Changes)
	if !d.options.all {
		shown = min(shown, shownChanges)
	}
	for _, change := range d.Changes[:shown] {
		fmt.Fprintf(out, "  %s\n", change)
	}
	if more := len(d.Changes) - shown; more > 0 {
		fmt.Fprintf(out, "  … and %d more, which --all lists\n", more)
	}
	if len(d.Steps) > 0 {
		fmt.Fprintf(out, "\n%s\n", styled(out, bad, stepsTitle))
	}
	for _, step := range d.Steps {
		fmt.Fprintf(out, "  %s\n    %s\n", report.Line(step.Detail), report.Line(step.Fix))
	}
}

// writeMarkdown is what a deploy would change, for a pull request.
func (d deployedDifference) writeMarkdown(out io.Writer) {
	fmt.Fprintf(out, "### Deploy of %s\n\n%s\n", d.Stage, escaped(d.title()))
	if len(d.Steps) > 0 {
		fmt.Fprintf(out, "\n**%s**\n\n", stepsTitle)
	}
	for _, step := range d.Steps {
		fmt.Fprintf(out, "- %s %s\n", escaped(report.Line(step.Detail)), escaped(report.Line(step.Fix)))
	}
	if len(d.Changes) > 0 {
		fmt.Fprintf(out, "\n<details><summary>%s</summary>\n\n", counted(len(d.Changes), "change"))
		writeFenced(out, d.Changes)
		fmt.Fprint(out, "\n</details>\n")
	}
}

func (d deployedDifference) judge() error {
	if len(d.Steps) > 0 {
		return finding{}
	}
	return nil
}

// difference is what `roadshow diff` has found.
type difference struct {
	*parity.Explanation
	options *diffOptions
}

func (d difference) write(out, _ io.Writer) {
	if d.options.markdown {
		writeMarkdown(out, d.Explanation)
		return
	}
	writeDiff(out, d.Explanation, d.options.all)
}

func (d difference) judge() error {
	if !d.Accounted() {
		return finding{}
	}
	return nil
}

// written is where a declaration stands in the code.
func written(choice stages.Choice) string {
	if choice.At.File == "" {
		return choice.Declaration
	}
	return fmt.Sprintf("%s, %s", choice.Declaration, choice.At)
}

// headline is a group in one line: production adds notes DAX: 11 resources, 3 functions changed (stages.Only(production), app.go:23).
func headline(group parity.Group) (title, code string) {
	places := make([]string, len(group.Declarations))
	for i, one := range group.Declarations {
		places[i] = written(one)
	}
	return fmt.Sprintf("%s: %s", group.Title, group.Summary()), strings.Join(places, "; ")
}

func writeDiff(out io.Writer, explanation *parity.Explanation, all bool) {
	if len(explanation.Groups) == 0 && explanation.Accounted() {
		fmt.Fprintf(out, "Stage %s and stage %s differ in nothing but their identity.\n", explanation.From, explanation.To)
	}
	for _, group := range explanation.Groups {
		title, code := headline(group)
		fmt.Fprintf(out, "%s %s\n", styled(out, heading, title), styled(out, faint, "("+code+")"))
		if all {
			for _, change := range group.Changes {
				fmt.Fprintf(out, "  %s\n", change)
			}
		}
	}
	for _, idle := range explanation.Idle {
		fmt.Fprintf(out, "nothing comes of: %s (%s)\n", strings.TrimSpace(idle.Kind+" "+idle.Of), written(idle))
	}
	if explanation.Accounted() {
		return
	}
	if len(explanation.Left) > 0 {
		fmt.Fprintf(out, "\n%s\n", styled(out, bad, fmt.Sprintf("no declaration explains %d of %d changes:", len(explanation.Left), explanation.Changes)))
	}
	for _, change := range explanation.Left {
		fmt.Fprintf(out, "  %s\n", change)
	}
	if len(explanation.Undeclared) > 0 {
		fmt.Fprintf(out, "\n%s\n", styled(out, bad, "undeclared (`roadshow parity` says more):"))
	}
	for _, difference := range explanation.Undeclared {
		fmt.Fprintf(out, "  %s\n", strings.ReplaceAll(difference.String(), "\n", "\n  "))
	}
}

// writeMarkdown is the diff for a pull request.
func writeMarkdown(out io.Writer, explanation *parity.Explanation) {
	fmt.Fprintf(out, "### From %s to %s\n\n", explanation.From, explanation.To)
	if len(explanation.Groups) == 0 {
		fmt.Fprint(out, "No declared difference.\n")
	}
	for _, group := range explanation.Groups {
		title, code := headline(group)
		fmt.Fprintf(out, "<details><summary>%s</summary>\n\n`%s`\n\n", escaped(title), code)
		writeFenced(out, group.Changes)
		fmt.Fprint(out, "\n</details>\n")
	}
	if explanation.Accounted() {
		fmt.Fprint(out, "\nEvery difference is accounted for.\n")
		return
	}
	fmt.Fprint(out, "\n**Not accounted for:**\n\n```\n")
	for _, change := range explanation.Left {
		fmt.Fprintln(out, change)
	}
	for _, difference := range explanation.Undeclared {
		fmt.Fprintln(out, difference)
	}
	fmt.Fprint(out, "```\n")
}

// writeFenced is changes in a block of code.
func writeFenced(out io.Writer, changes []parity.Change) {
	fmt.Fprintln(out, "```")
	for _, change := range changes {
		fmt.Fprintln(out, strings.ReplaceAll(change.String(), "```", "` ` `"))
	}
	fmt.Fprintln(out, "```")
}

// escaped is a text that HTML shows as it is.
func escaped(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
