package main

import (
	"cmp"
	"fmt"
	"io"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/report"
)

// writeGaps names what did not answer, so that a short list is never taken for a whole one.
func writeGaps(talk io.Writer, gaps []fleet.Gap) {
	if len(gaps) == 0 {
		return
	}
	fmt.Fprintln(talk, styled(talk, bad, fmt.Sprintf("incomplete: %d did not answer, and what they hold is not listed", len(gaps))))
	for _, gap := range gaps {
		fmt.Fprintf(talk, "  %s\n", report.Block(fmt.Sprintf("%s (%s %s), %s: %s", cmp.Or(gap.Stage, "no stage"), gap.Account, gap.Region, gap.Service, gap.Problem)))
	}
}

// judgeGaps is incomplete where there are gaps.
func judgeGaps(gaps []fleet.Gap) error {
	if len(gaps) > 0 {
		return incomplete{}
	}
	return nil
}
