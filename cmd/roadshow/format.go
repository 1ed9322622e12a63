package main

import (
	"fmt"
	"strings"
	"time"
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
	hash, dirty := strings.CutSuffix(commit, "-dirty")
	if hash == "" {
		return "-"
	}
	hash = hash[:min(len(hash), 9)]
	if dirty {
		hash += "+"
	}
	return hash
}
