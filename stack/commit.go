package stack

import (
	"os/exec"
	"strings"
)

// commit is the Git commit of the working folder, with "-dirty" where files differ from it; empty
// outside a repository, or without Git: a program can be deployed without either.
func commit() string {
	output, err := exec.Command("git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(output))
}
