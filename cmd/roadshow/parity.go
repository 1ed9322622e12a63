package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/parity"
)

// errUnproven ends a strict proof of a program that reads something besides its stage.
var errUnproven = errors.New("it cannot be proven that the stages are identical: the program reads what is listed above, and no comment acknowledges it")

// errCouldNotTell ends a command whose verdict is neither identical nor different.
var errCouldNotTell = errors.New("it could not be told whether the stages are identical; what stands in the way is listed above")

// parityVerb proves that the stages are identical.
func parityVerb(s *settings) *cobra.Command {
	var strict, deployed bool
	verb := &cobra.Command{
		Use:   "parity",
		Short: "Prove that the stages are identical but for what is declared",
		Long: "parity has the program play every stage, and stages play each other's parts, and compares.\n" +
			"A second run, in another environment, must give the same bytes. What the code reads besides its stage is listed,\n" +
			"with its line: two runs may read alike what a deploy does not.\n\n" +
			"With --deployed, what is deployed in each account must be what the program makes at the commit that is recorded\n" +
			"in it, and that commit must have parity too. Each such commit is checked out into a temporary folder; your files,\n" +
			"index and branches stay as they are.\n\n" +
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
			var live *deployedParity
			if deployed {
				if live, err = s.compareDeployed(verb, found); err != nil {
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
				live.write(verb)
			}
			switch {
			case verdict.Outcome() == parity.CouldNotTell:
				return errCouldNotTell
			case !verdict.Identical() || len(verdict.Stale) > 0 || strict && len(verdict.BadAcknowledgements) > 0:
				return finding{}
			case strict && len(verdict.Unproven()) > 0:
				return errUnproven
			}
			return live.judge()
		},
	}
	verb.Flags().BoolVar(&strict, "strict", false, "have every stage play every part, and refuse declarations that change nothing in any stage, and what the code reads\nbesides the stage where no comment acknowledges it")
	verb.Flags().BoolVar(&deployed, "deployed", false, "compare what is deployed in the accounts with the commits that it was made from")
	return verb
}
