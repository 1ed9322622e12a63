package main

import (
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/stages"
)

// namesVerb prints the ledger.
func namesVerb(s *settings) *cobra.Command {
	var stage string
	verb := &cobra.Command{
		Use:   "names",
		Short: "List every physical name of every stage",
		Long: "names prints the ledger: each name with its kind, its limit and the scope in which AWS allows it once.\n" +
			"A template of ephemeral stages is listed by the example whose names go wrong most easily. What a selector leaves out of\n" +
			"a stage is marked: its name is kept for it.",
		Example: "  roadshow names\n  roadshow names --stage production\n  roadshow names --app cdk.out --json",
		Args:    cobra.NoArgs,
		RunE: func(verb *cobra.Command, _ []string) error {
			_, document, err := s.told(verb.Context())
			if err != nil {
				return err
			}
			ledger := slices.DeleteFunc(document.Ledger, func(name stages.LedgerName) bool { return stage != "" && name.Stage != stage })
			if s.json {
				return s.print(verb, map[string]any{"service": document.Service, "names": ledger})
			}
			rows := make([][]string, len(ledger))
			for i, name := range ledger {
				rows[i] = nameRow(name)
			}
			writeTable(verb.OutOrStdout(), nameTitles, rows)
			return nil
		},
	}
	verb.Flags().StringVar(&stage, "stage", "", "only those of one stage")
	_ = verb.RegisterFlagCompletionFunc("stage", s.completeStages) // fails only where there is no such flag
	return verb
}

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
