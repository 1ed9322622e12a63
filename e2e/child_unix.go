//go:build unix

package e2e

import (
	"os/exec"
	"syscall"
)

// inGroup gives a child a process group of its own: the cdk command starts a shell, which starts the
// program, which starts Node, and all of them are to end together.
func inGroup(process *exec.Cmd) {
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	process.Cancel = func() error { return syscall.Kill(-process.Process.Pid, syscall.SIGTERM) }
}

// endGroup ends what a child left behind; usually there is nothing.
func endGroup(process *exec.Cmd) {
	_ = syscall.Kill(-process.Process.Pid, syscall.SIGKILL)
}
