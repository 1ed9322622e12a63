package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/program"
	"github.com/roadshow-go/roadshow/internal/redact"
	"github.com/roadshow-go/roadshow/internal/report"
)

// Exit codes, the same for every verb.
const (
	exitWell    = 0 // done, and nothing found
	exitFinding = 1 // done, and what was found is not as it should be
	exitUnknown = 2 // it could not be done
	exitPartly  = 3 // done for those that answered; what the others would have said is missing
)

// finding ends a verb with exitFinding after it has said what it found.
type finding struct{}

func (finding) Error() string { return "found something" }

// incomplete ends a verb with exitPartly after it has named what did not answer.
type incomplete struct{}

func (incomplete) Error() string { return "some did not answer" }

// settings are the flags that every verb has.
type settings struct {
	app  string
	json bool
	// redactor knows every secret that was met.
	redactor *redact.Redactor
	// person is whoever may be asked for a code; nil where nobody is.
	person *person
}

// The groups of verbs, as the help lists them.
const (
	groupProgram  = "program"
	groupAccounts = "accounts"
	groupShell    = "shell"
)

// newRoot wires the verbs.
func newRoot(s *settings) *cobra.Command {
	root := &cobra.Command{
		Use:   "roadshow",
		Short: "One program, one stack, every account",
		Long: "roadshow looks after one program on many AWS accounts. It proves that the stages are identical but for what is\n" +
			"declared, and says which declaration makes which difference; and it bootstraps, deploys, looks at and clears up\n" +
			"all accounts together, each with its own credentials.\n\n" +
			"Exit codes: 0 is well, 1 is a finding, 2 is that it could not be told, 3 that some accounts did not answer.\n" +
			"Each verb's own help says what they mean there.",
		Example: "  roadshow parity\n  roadshow diff dev production\n" +
			"  roadshow stages\n  roadshow deploy --to dev\n  roadshow status production --json",
		// Errors are said once, below.
		SilenceErrors: true, SilenceUsage: true,
		Version: version(built()),
	}
	root.PersistentFlags().StringVar(&s.app, "app", "", `the program's command, or the folder of an assembly (default: "app" of cdk.json)`)
	root.PersistentFlags().BoolVar(&s.json, "json", false, "print JSON, as documented in docs/parity.md and docs/fleet.md")
	root.AddGroup(
		&cobra.Group{ID: groupProgram, Title: "The program, and the proof of its stages:"},
		&cobra.Group{ID: groupAccounts, Title: "The accounts:"},
		&cobra.Group{ID: groupShell, Title: "The shell:"},
	)
	for _, verb := range []*cobra.Command{initVerb(s), parityVerb(s), diffVerb(s), namesVerb(s), linksVerb(s)} {
		verb.GroupID = groupProgram
		root.AddCommand(verb)
	}
	for _, verb := range append(accountVerbs(s), stagesVerb(s)) {
		verb.GroupID = groupAccounts
		root.AddCommand(verb)
	}
	for _, verb := range root.Commands() {
		if verb.ValidArgsFunction == nil {
			verb.ValidArgsFunction = cobra.NoFileCompletions
		}
	}
	root.SetCompletionCommandGroupID(groupShell)
	root.SetHelpCommandGroupID(groupShell)
	return root
}

// run is the command: it runs a verb, and turns the error into an exit code.
func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) int {
	s := settings{redactor: redact.OfEnvironment()}
	root := newRoot(&s)
	root.SetArgs(arguments)
	// Whatever a verb says goes through these.
	stderr = report.NewWriter(stderr, s.redactor)
	root.SetOut(report.NewWriter(stdout, s.redactor))
	root.SetErr(stderr)
	s.person = newPerson(root)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitWell
	case errors.As(err, new(finding)):
		return exitFinding
	case errors.As(err, new(incomplete)):
		return exitPartly
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "roadshow: interrupted")
		return exitUnknown
	}
	fmt.Fprintf(stderr, "roadshow: %s\n", report.Block(err.Error()))
	return exitUnknown
}

// find is the program that a verb is about.
func (s *settings) find() (*program.Program, error) {
	found, err := program.Find(".", s.app)
	if found != nil {
		found.Redactor = s.redactor
	}
	return found, err
}

// told is that program, and what it says about itself. It is asked without compiling its functions.
func (s *settings) told(ctx context.Context) (*program.Program, assembly.Document, error) {
	found, err := s.find()
	if err != nil {
		return nil, assembly.Document{}, err
	}
	document, err := found.Document(ctx)
	return found, document, err
}

// print writes a verb's data as JSON.
func (s *settings) print(verb *cobra.Command, data any) error {
	return report.JSON(verb.OutOrStdout(), s.redactor, data)
}

// completeStages completes the names of stages that are not written yet, where the verb takes one more; from the
// assembly where that is ready, and else by asking the program. No account is asked.
func (s *settings) completeStages(verb *cobra.Command, already []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(already) > 0 && verb.Args != nil && verb.Args(verb, append(slices.Clone(already), "one more")) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return s.completions(verb, func(stage assembly.Stage) (string, bool) {
		return stage.Name, !stage.Template && !slices.Contains(already, stage.Name)
	}), cobra.ShellCompDirectiveNoFileComp
}

// completeTemplates completes what the names of ephemeral stages begin with.
func (s *settings) completeTemplates(verb *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return s.completions(verb, func(stage assembly.Stage) (string, bool) {
		return strings.TrimSuffix(stage.Name, "*"), stage.Template
	}), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completions are what some of the set's stages and templates are completed to.
func (s *settings) completions(verb *cobra.Command, of func(assembly.Stage) (string, bool)) []string {
	_, document, err := s.told(verb.Context())
	if err != nil {
		return nil
	}
	var names []string
	for _, stage := range document.Set {
		if name, is := of(stage); is {
			names = append(names, name)
		}
	}
	return names
}
