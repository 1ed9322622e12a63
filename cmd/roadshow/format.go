package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
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

// commitCell is the commit that a stack records; a question mark where that could not be read, and a dash where nobody
// asked, for which commits says why.
func commitCell(deployed *fleet.Deployed) string {
	if deployed.CommitProblem != "" {
		return "?"
	}
	return short(deployed.Commit)
}

// unreadCommits says why commits of stages are not shown.
type unreadCommits struct {
	problems []string
	unasked  map[string][]string // the stages, by the reason
}

func (u *unreadCommits) add(stage string, deployed *fleet.Deployed) {
	switch {
	case deployed == nil:
	case deployed.CommitProblem != "":
		u.problems = append(u.problems, "Stage "+stage+": "+deployed.CommitProblem)
	case deployed.CommitUnasked != "":
		if u.unasked == nil {
			u.unasked = map[string][]string{}
		}
		u.unasked[deployed.CommitUnasked] = append(u.unasked[deployed.CommitUnasked], stage)
	}
}

func (u *unreadCommits) say(talk io.Writer) {
	for _, problem := range u.problems {
		fmt.Fprintf(talk, "roadshow: %s\n", report.Block(problem))
	}
	for _, why := range slices.Sorted(maps.Keys(u.unasked)) {
		fmt.Fprintf(talk, "note: the commit of %s was not read: %s.\n", strings.Join(u.unasked[why], ", "), report.Block(why))
	}
}
