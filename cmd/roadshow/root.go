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
	"github.com/roadshow-go/roadshow/internal/redact"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/internal/terminal"
	"github.com/roadshow-go/roadshow/stages"
)

// Exit codes, the same for every verb.
const (
	exitWell    = 0 // everything is as it should be
	exitFinding = 1 // something was found
	exitUnknown = 2 // it could not be determined
	exitPartly  = 3 // done for those that answered; what the others would have said is missing
)

// finding ends a verb with exitFinding after it has said what it found.
type finding struct{}

func (finding) Error() string { return "found something" }

// incomplete ends a verb with exitPartly after it has named what did not answer.
type incomplete struct{}

func (incomplete) Error() string { return "some did not answer" }

// exited ends a verb with the exit code of a command that it has run.
type exited int

func (e exited) Error() string { return fmt.Sprintf("the command ended with exit code %d", int(e)) }

// settings are the flags that every verb has.
type settings struct {
	app  string
	json bool
	// in is where answers come from, out is for data, talk for all else.
	in        io.Reader
	out, talk io.Writer
	// data is what out writes to.
	data *output
	// showing is the progress that is shown, if any.
	showing *terminal.Board
	// redactor knows every secret that was met.
	redactor *redact.Redactor
	// interrupt ends the command as Ctrl-C does.
	interrupt context.CancelFunc
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
			"Exit codes: 0 everything is as it should be, 1 something was found, 2 it could not be determined, 3 some accounts\n" +
			"did not answer.\n" +
			"Each verb's own help says what they mean there.",
		Example: "  roadshow parity\n  roadshow diff dev production\n" +
			"  roadshow rehearse\n  roadshow stages\n  roadshow deploy --to dev\n  roadshow status production --json",
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
	for _, verb := range []*cobra.Command{initVerb(s), parityVerb(s), diffVerb(s), namesVerb(s), linksVerb(s), rehearseVerb(s)} {
		verb.GroupID = groupProgram
		root.AddCommand(verb)
	}
	for _, verb := range []*cobra.Command{
		bootstrapVerb(s), deployVerb(s), statusVerb(s), removeVerb(s), orphansVerb(s), doctorVerb(s), expireVerb(s), quotasVerb(s), costsVerb(s), stagesVerb(s),
	} {
		verb.GroupID = groupAccounts
		root.AddCommand(verb)
	}
	about := versionVerb(s)
	about.GroupID = groupShell
	root.AddCommand(about)
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
	ctx, interrupt := context.WithCancel(ctx)
	defer interrupt()
	s := settings{redactor: redact.OfEnvironment(), interrupt: interrupt}
	root := newRoot(&s)
	root.SetArgs(arguments)
	// Whatever a verb says goes through these.
	data := &output{Writer: stdout}
	s.data = data
	stderr = report.NewWriter(stderr, s.redactor)
	root.SetOut(report.NewWriter(data, s.redactor))
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	code, said := exitCode(err)
	switch {
	case data.err != nil:
		fmt.Fprintf(stderr, "roadshow: The output could not be written: %v\n", data.err)
		return exitUnknown
	case said:
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "roadshow: interrupted")
	default:
		fmt.Fprintf(stderr, "roadshow: %s\n", report.Block(err.Error()))
	}
	return code
}

// exitCode is that of a verb's error; said tells whether the verb has said already what there is to say.
func exitCode(err error) (code int, said bool) {
	var other exited
	switch {
	case err == nil:
		return exitWell, true
	case errors.As(err, new(finding)):
		return exitFinding, true
	case errors.As(err, new(incomplete)):
		return exitPartly, true
	case errors.As(err, &other):
		return int(other), true
	}
	return exitUnknown, false
}

// unwritten is why something could not be written; nil where everything was.
func (s *settings) unwritten() error { return s.data.err }

// person is whoever may be asked.
func (s *settings) person() *terminal.Person {
	return &terminal.Person{In: s.in, Out: s.talk, Interrupt: s.interrupt}
}

// board shows how far stages are, until it is closed.
func (s *settings) board(all []stages.Stage) *terminal.Board {
	s.showing = terminal.NewBoard(s.talk, all)
	return s.showing
}

// aside does something that needs the terminal, such as to ask, while progress may be shown.
func (s *settings) aside(do func()) {
	if s.showing == nil {
		do()
		return
	}
	s.showing.Pause(do)
}

// printJSON writes data as JSON.
func (s *settings) printJSON(data any) error {
	return report.JSON(s.out, s.redactor, data)
}

// streamLine writes one line of JSON, where JSON is wanted. That it cannot be written is known where all output goes.
func (s *settings) streamLine(one any) {
	if s.json && one != nil {
		_ = report.JSONLine(s.out, s.redactor, one)
	}
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
	_, document, err := s.loadDocument(verb.Context())
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
