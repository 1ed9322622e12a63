package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/program"
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
}

// run is the command: it wires the verbs, and turns the error into an exit code.
func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) int {
	var s settings
	root := &cobra.Command{
		Use:   "roadshow",
		Short: "One program, one stack, every account",
		Long: "roadshow proves that the stages of a program are identical but for what is declared,\n" +
			"says which declaration makes which difference, and lists names and stages.\n\n" +
			"Exit codes: 0 is well, 1 is a finding, 2 is that it could not be told, 3 that some accounts did not answer.",
		Example: "  roadshow parity\n  roadshow diff dev production\n  roadshow stages --with pr-417",
		// Errors are said once, below.
		SilenceErrors: true, SilenceUsage: true,
		Version: version(built()),
	}
	root.PersistentFlags().StringVar(&s.app, "app", "", `the program's command, or the folder of an assembly (default: "app" of cdk.json)`)
	root.PersistentFlags().BoolVar(&s.json, "json", false, "print JSON, as documented in docs/parity.md and docs/fleet.md")
	root.AddCommand(initVerb(&s), parityVerb(&s), diffVerb(&s), namesVerb(&s), stagesVerb(&s), linksVerb(&s))
	root.AddCommand(accountVerbs(&s)...)
	root.SetArgs(arguments)
	root.SetOut(stdout)
	root.SetErr(stderr)
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
	fmt.Fprintf(stderr, "roadshow: %v\n", err)
	return exitUnknown
}

// find is the program that a verb is about.
func (s *settings) find() (*program.Program, error) { return program.Find(".", s.app) }

// print writes a verb's data as JSON.
func (s *settings) print(verb *cobra.Command, data any) error {
	encoder := json.NewEncoder(verb.OutOrStdout())
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(data)
}

// completeStages completes the names of stages, from the assembly where that is ready and else by asking
// the program.
func (s *settings) completeStages(verb *cobra.Command, already []string, _ string) ([]string, cobra.ShellCompDirective) {
	found, err := s.find()
	if err != nil || len(already) >= 2 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	document, err := found.Document(verb.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, stage := range document.Set {
		if !stage.Template {
			names = append(names, stage.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
