//go:build !unix && !windows

package child

import "os/exec"

// Without process groups the child alone is ended; its own children end when its pipes close.
func bind(*exec.Cmd)        {}
func group(*exec.Cmd)       {}
func hold(*exec.Cmd) func() { return func() {} }
