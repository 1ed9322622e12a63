package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/parity"
)

// parityOptions are the flags of `roadshow parity`.
type parityOptions struct {
	anything
	strict, deployed bool
}

// parityVerb proves that the stages are identical.
func parityVerb(s *settings) *cobra.Command {
	var options parityOptions
	command := s.command(&cobra.Command{
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
	}, &options)
	command.Flags().BoolVar(&options.strict, "strict", false, "have every stage play every part, and refuse declarations that change nothing in any stage, and what the code reads\nbesides the stage where no comment acknowledges it")
	command.Flags().BoolVar(&options.deployed, "deployed", false, "compare what is deployed in the accounts with the commits that it was made from")
	return command
}

func (o *parityOptions) run(ctx context.Context, s *settings, _ []string) (answer, error) {
	program, err := s.loadProgram()
	if err != nil {
		return nil, err
	}
	verdict, err := program.Prove(ctx, o.strict)
	if err != nil || !o.deployed {
		return proof{Verdict: verdict, strict: o.strict}, err
	}
	deployed := &deployedParity{}
	deployed.Stages, deployed.Commits, err = fleet.CompareDeployed(ctx, program, s.profiles(), func(text string) {
		fmt.Fprintf(s.talk, "roadshow: %s\n", report.Block(text))
	})
	return proof{verdict, deployed, o.strict}, err
}

// proof is the verdict of `roadshow parity`; deployed is nil without --deployed.
type proof struct {
	*parity.Verdict
	deployed *deployedParity
	strict   bool
}

// MarshalJSON is the verdict, with what is deployed beside it.
func (p proof) MarshalJSON() ([]byte, error) {
	verdict, err := json.Marshal(p.Verdict)
	if err != nil || p.deployed == nil {
		return verdict, err
	}
	deployed, err := json.Marshal(p.deployed)
	if err != nil {
		return nil, err
	}
	fields := map[string]json.RawMessage{}
	for _, object := range [][]byte{verdict, deployed} {
		if err := json.Unmarshal(object, &fields); err != nil {
			return nil, err
		}
	}
	return json.Marshal(fields)
}

func (p proof) write(out, _ io.Writer) {
	style := good
	if !p.Identical() {
		style = bad
	}
	first, rest, _ := strings.Cut(p.String(), "\n")
	fmt.Fprintln(out, styled(out, style, first))
	if rest != "" {
		fmt.Fprintln(out, rest)
	}
	if len(p.Stale) > 0 {
		fmt.Fprintln(out, "\nstale declarations:")
	}
	for _, stale := range p.Stale {
		fmt.Fprintf(out, "  %s\n", stale)
	}
	if p.deployed != nil {
		p.deployed.write(out)
	}
}

func (p proof) judge() error {
	switch {
	case p.Outcome() == parity.CouldNotTell:
		return message("It could not be determined whether the stages are identical. What stands in the way is listed above.")
	case !p.Identical() || len(p.Stale) > 0 || p.strict && len(p.BadAcknowledgements) > 0:
		return finding{}
	case p.strict && len(p.Unproven()) > 0:
		return message("It cannot be proven that the stages are identical. The program reads what is listed above, and no comment acknowledges it.")
	case p.deployed != nil:
		return p.deployed.judge()
	}
	return nil
}
