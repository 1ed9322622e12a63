package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/fleet"
	"github.com/roadshow-go/roadshow/internal/program"
	"github.com/roadshow-go/roadshow/parity"
)

// parityVerb proves that the stages are identical.
func parityVerb(s *settings) *cobra.Command {
	var strict, deployed bool
	verb := &cobra.Command{
		Use:   "parity",
		Short: "Prove that the stages are identical but for what is declared",
		Long: "parity has the program play every stage, and stages play each other's parts, and compares.\n" +
			"A second run, in another environment, must give the same bytes. With --deployed, what is deployed\n" +
			"in each account must be what the program makes of the stage, or of another commit.\n\n" +
			"Exit codes: 0 identical, 1 different, 2 could not tell.",
		Example: "  roadshow parity\n  roadshow parity --strict --json\n  roadshow parity --deployed",
		Args:    cobra.NoArgs,
		RunE: func(verb *cobra.Command, _ []string) error {
			found, err := s.find()
			if err != nil {
				return err
			}
			verdict, err := found.Prove(verb.Context(), strict)
			if err != nil {
				return err
			}
			var live []fleet.Parity
			if deployed {
				if live, err = deployedParity(verb, found); err != nil {
					return err
				}
			}
			out := verb.OutOrStdout()
			if s.json {
				if err := s.printVerdict(verb, verdict, live); err != nil {
					return err
				}
			} else {
				style := good
				if !verdict.Identical() {
					style = bad
				}
				first, rest, _ := strings.Cut(verdict.String(), "\n")
				fmt.Fprintln(out, styled(out, style, first))
				if rest != "" {
					fmt.Fprintln(out, rest)
				}
				if len(verdict.Stale) > 0 {
					fmt.Fprintln(out, "\nstale declarations:")
				}
				for _, one := range verdict.Stale {
					fmt.Fprintf(out, "  %s\n", one)
				}
				writeDeployed(out, live)
			}
			if !verdict.Identical() || len(verdict.Stale) > 0 {
				return finding{}
			}
			return judgeDeployed(live)
		},
	}
	verb.Flags().BoolVar(&strict, "strict", false, "have every stage play every part, and refuse declarations that change nothing in any stage")
	verb.Flags().BoolVar(&deployed, "deployed", false, "compare with what is deployed in the accounts, by the profiles of your AWS config")
	return verb
}

// deployedParity compares the accounts with what the program makes now, functions compiled.
func deployedParity(verb *cobra.Command, found *program.Program) ([]fleet.Parity, error) {
	outdir, err := os.MkdirTemp("", "roadshow-deployed-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(outdir)
	if err := found.Assemble(verb.Context(), outdir); err != nil {
		return nil, err
	}
	assembly, err := fleet.ReadAssembly(outdir)
	if err != nil {
		return nil, err
	}
	profiles, err := fleet.AskProfiles(verb.Context())
	if err != nil {
		return nil, err
	}
	accounts := fleet.Of(assembly.Document, profiles)
	return accounts.Parity(verb.Context(), assembly, accounts.Stages), nil
}

// shownChanges is how many changes of a stage are written for people; the JSON has all.
const shownChanges = 25

func writeDeployed(out io.Writer, live []fleet.Parity) {
	if len(live) == 0 {
		return
	}
	rows := make([][]string, len(live))
	for i, one := range live {
		note := one.Problem
		if len(one.Changes) > 0 {
			note = fmt.Sprintf("%d changes to the program's", len(one.Changes))
		}
		rows[i] = []string{one.Stage, one.Account, string(one.State), cmp.Or(one.Commit, "-"), note}
	}
	fmt.Fprintln(out)
	writeTable(out, []string{"STAGE", "ACCOUNT", "DEPLOYED", "COMMIT", ""}, rows)
	for _, one := range live {
		if one.State != fleet.ParityDifferent {
			continue
		}
		fmt.Fprintf(out, "\n%s is not what its commit makes:\n", one.Stage)
		for _, change := range one.Changes[:min(len(one.Changes), shownChanges)] {
			fmt.Fprintf(out, "  %s\n", change)
		}
		if more := len(one.Changes) - shownChanges; more > 0 {
			fmt.Fprintf(out, "  … and %d more\n", more)
		}
	}
}

// judgeDeployed is the exit code: another commit, and a stage that is not deployed, are shown only.
func judgeDeployed(live []fleet.Parity) error {
	var result error
	for _, one := range live {
		switch one.State {
		case fleet.ParityUnknown:
			return errors.New(one.Problem)
		case fleet.ParityDifferent:
			result = finding{}
		}
	}
	return result
}

// printVerdict prints the verdict, with what is deployed beside it.
func (s *settings) printVerdict(verb *cobra.Command, verdict *parity.Verdict, live []fleet.Parity) error {
	if live == nil {
		return s.print(verb, verdict)
	}
	data, err := json.Marshal(verdict)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	fields["deployed"] = live
	return s.print(verb, fields)
}
