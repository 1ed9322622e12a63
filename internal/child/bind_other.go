//go:build !unix

package child

import "os/exec"

// Without process groups the child alone is ended; its own children end when its pipes close.
func bind(*exec.Cmd)     {}
func group(*exec.Cmd)    {}
func endGroup(*exec.Cmd) {}
