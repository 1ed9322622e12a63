package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/report"
)

// ago is when something was, for people.
func ago(at, now time.Time) string {
	switch passed := now.Sub(at); {
	case at.IsZero():
		return "-"
	case passed < time.Minute:
		return "just now"
	case passed < time.Hour:
		return fmt.Sprintf("%d min ago", int(passed.Minutes()))
	case passed < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(passed.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(passed.Hours()/24))
	}
}

// short is a commit for people.
func short(commit string) string {
	hash, dirty := strings.CutSuffix(commit, assembly.DirtySuffix)
	if hash == "" {
		return "-"
	}
	hash = hash[:min(len(hash), 9)]
	if dirty {
		hash += "+"
	}
	return hash
}

// commitCell is the commit that a stack records; a question mark where that could not be read, for which sayCommit says
// why.
func commitCell(deployed *fleet.Deployed) string {
	if deployed.CommitProblem != "" {
		return "?"
	}
	return short(deployed.Commit)
}

func sayCommit(talk io.Writer, stage string, deployed *fleet.Deployed) {
	if deployed != nil && deployed.CommitProblem != "" {
		fmt.Fprintf(talk, "roadshow: %s\n", report.Block("Stage "+stage+": "+deployed.CommitProblem))
	}
}
