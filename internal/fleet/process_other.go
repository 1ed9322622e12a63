//go:build !unix

package fleet

import "os/exec"

// Without process groups the child alone is ended; its own children end when its pipes close.
func bindProcess(*exec.Cmd) {}
func endGroup(*exec.Cmd)    {}
