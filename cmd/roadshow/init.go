package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/starter"
)

// initVerb writes a new service.
func initVerb(s *settings) *cobra.Command {
	begun := starter.Service{Version: built().Main.Version}
	var install bool
	verb := &cobra.Command{
		Use:   "init SERVICE",
		Short: "Write a new service: program, tests, first function",
		Long: "init writes a small service that can be deployed as it is: app.go with its stages, a function behind an HTTP API,\n" +
			"an alarm that one stage has, tests of both, and the pinned settings of the CDK command. It writes all files or\n" +
			"none: where one is there already, it lists them. Inside a Go module the service becomes a part of that; elsewhere\n" +
			"it begins one. It asks nothing of the network, unless --install is given.\n\n" +
			"Exit codes: 0 all is written (and fetched), 2 it could not be.",
		Example: "  roadshow init notes\n" +
			"  roadshow init notes --dir notes --module example.com/team/notes --install\n" +
			"  roadshow init ext-resources --stage dev=111111111111:sandbox --stage production=333333333333:protected --region eu-west-1",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(verb *cobra.Command, names []string) error {
			begun.Name = names[0]
			written, err := begun.Write()
			if err != nil {
				return err
			}
			if s.json {
				if err := s.print(verb, written); err != nil {
					return err
				}
			} else {
				for _, file := range written.Files {
					fmt.Fprintln(verb.OutOrStdout(), file)
				}
			}
			next, talk := written.Next, verb.ErrOrStderr()
			if install {
				if err := written.Fetch(verb.Context(), talk); err != nil {
					return err
				}
				next = next[1:]
			}
			for _, note := range written.Notes {
				fmt.Fprintln(talk, "roadshow:", note)
			}
			fmt.Fprintf(talk, "\n%s\n", styled(talk, heading, "Next, in "+written.Dir+":"))
			for _, line := range next {
				fmt.Fprintln(talk, "  "+line)
			}
			return nil
		},
	}
	verb.Flags().StringArrayVar(&begun.Stages, "stage", nil, "a stage, NAME=ACCOUNT or NAME=ACCOUNT:TIER (sandbox, standard, protected); once for each (default: three examples)")
	verb.Flags().StringVar(&begun.Region, "region", "us-east-1", "the region of every stage")
	verb.Flags().StringVar(&begun.Dir, "dir", ".", "the folder to write to, made where it does not exist")
	verb.Flags().StringVar(&begun.Module, "module", "", "the path of the Go module to begin (default: the module of the folder, else example.com/SERVICE)")
	verb.Flags().BoolVar(&install, "install", false, "run the first of the next commands, which fetches what the service needs")
	_ = verb.MarkFlagDirname("dir") // fails only where there is no such flag
	return verb
}
