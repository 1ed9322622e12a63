package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/starter"
)

// initOptions are the flags of `roadshow init`.
type initOptions struct {
	anything
	service starter.Service
	install bool
}

// initVerb writes a new service.
func initVerb(s *settings) *cobra.Command {
	options := initOptions{service: starter.Service{Version: built().Main.Version}}
	shown := s.command(&cobra.Command{
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
	}, &options)
	shown.Flags().StringArrayVar(&options.service.Stages, "stage", nil, "a stage, NAME=ACCOUNT or NAME=ACCOUNT:TIER (sandbox, standard, protected); once for each (default: three examples)")
	shown.Flags().StringVar(&options.service.Region, "region", "us-east-1", "the region of every stage")
	shown.Flags().StringVar(&options.service.Dir, "dir", ".", "the folder to write to, made where it does not exist")
	shown.Flags().StringVar(&options.service.Module, "module", "", "the path of the Go module to begin (default: the module of the folder, else example.com/SERVICE)")
	shown.Flags().BoolVar(&options.install, "install", false, "run the first of the next commands, which fetches what the service needs")
	_ = shown.MarkFlagDirname("dir") // fails only where there is no such flag
	return shown
}

func (o *initOptions) run(ctx context.Context, s *settings, names []string) (answer, error) {
	o.service.Name = names[0]
	written, err := o.service.Write()
	if err != nil {
		return nil, err
	}
	made := initialized{Written: written, next: written.Next}
	if o.install {
		made.failed, made.next = written.Fetch(ctx, s.talk), made.next[1:]
	}
	return made, nil
}

// initialized is what `roadshow init` has written.
type initialized struct {
	*starter.Written
	next   []string
	failed error // of what was fetched
}

func (i initialized) say(talk io.Writer) {
	if i.failed != nil {
		return
	}
	for _, note := range i.Notes {
		fmt.Fprintln(talk, "roadshow:", note)
	}
	fmt.Fprintf(talk, "\n%s\n", styled(talk, heading, "Next, in "+i.Dir+":"))
	for _, line := range i.next {
		fmt.Fprintln(talk, "  "+line)
	}
}

func (i initialized) write(out, _ io.Writer) {
	for _, file := range i.Files {
		fmt.Fprintln(out, file)
	}
}

func (i initialized) judge() error { return i.failed }
