//go:build !linux

package e2e

import (
	"errors"
	"os/exec"
	"testing"
)

// Network namespaces exist on Linux only.
func isolate(process *exec.Cmd) { process.Err = errors.New("this is not Linux") }

func useLoopback() error { return nil }

func leftBehind() []string { return nil }

func requireOnlyLoopback(t *testing.T) { t.Helper() }
