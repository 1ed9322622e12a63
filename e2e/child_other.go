//go:build !unix

package e2e

import "os/exec"

// Without process groups the child alone is ended; its own children end when its pipes close.
func inGroup(*exec.Cmd)  {}
func endGroup(*exec.Cmd) {}
