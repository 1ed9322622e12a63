//go:build unix

package program

import (
	"os/exec"
	"syscall"
)

// inGroup makes the shell lead a group of processes, so that what it started ends with it.
func inGroup(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
}
