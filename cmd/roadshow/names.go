package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/stages"
)

// namesOptions are the flags of `roadshow names`.
type namesOptions struct {
	anything
	stage string
}

// namesVerb prints the ledger.
func namesVerb(s *settings) *cobra.Command {
	var options namesOptions
	shown := s.command(&cobra.Command{
		Use:   "names",
		Short: "List every physical name of every stage",
		Long: "names prints the ledger: each name with its kind, its limit and the scope in which AWS allows it once.\n" +
			"A template of ephemeral stages is listed by the example whose names go wrong most easily. What a selector leaves out of\n" +
			"a stage is marked: its name is kept for it.",
		Example: "  roadshow names\n  roadshow names --stage production\n  roadshow names --app cdk.out --json",
		Args:    cobra.NoArgs,
	}, &options)
	shown.Flags().StringVar(&options.stage, "stage", "", "only those of one stage")
	_ = shown.RegisterFlagCompletionFunc("stage", s.completeStages) // fails only where there is no such flag
	return shown
}

func (o *namesOptions) run(ctx context.Context, s *settings, _ []string) (answer, error) {
	_, document, err := s.loadDocument(ctx)
	if err != nil {
		return nil, err
	}
	listed := names{Service: document.Service, Names: document.Ledger}
	if o.stage == "" {
		return listed, nil
	}
	listed.Names = slices.DeleteFunc(listed.Names, func(name stages.LedgerName) bool { return name.Stage != o.stage })
	if len(listed.Names) == 0 {
		if _, err := pick(fleet.Of(document, nil), "--stage", []string{o.stage}); errors.As(err, new(*stages.UnknownStageError)) {
			return nil, err
		}
	}
	return listed, nil
}

// names is what `roadshow names` has found.
type names struct {
	Service string              `json:"service"`
	Names   []stages.LedgerName `json:"names"`
}

func (n names) write(out, _ io.Writer) {
	if len(n.Names) == 0 {
		fmt.Fprintf(out, "Service %s gives no physical names.\n", n.Service)
		return
	}
	rows := make([][]string, len(n.Names))
	for i, name := range n.Names {
		rows[i] = nameRow(name)
	}
	writeTable(out, nameTitles, rows)
}

func (names) judge() error { return nil }

var nameTitles = []string{"STAGE", "KIND", "NAME", "LENGTH", "UNIQUE IN", "MADE AT"}

func nameRow(name stages.LedgerName) []string {
	made := ""
	if name.At.File != "" {
		made = name.At.String()
	}
	length := strconv.Itoa(len(name.Name))
	if name.Limit > 0 {
		length += "/" + strconv.Itoa(name.Limit)
	}
	stage := name.Stage
	if name.Example {
		stage += " (example)"
	}
	physical := name.Name
	if name.Absent {
		physical += " (this stage has none)"
	}
	return []string{stage, name.Kind, physical, length, name.Scope.String(), made}
}
