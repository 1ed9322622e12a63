//go:build unix && !linux

package child

import (
	"os/exec"
	"syscall"
)

// bind gives a child a process group of its own, so that whatever it starts ends with it. Here a
// child outlives this process when that is killed; the next run waits for what it has begun.
func bind(process *exec.Cmd) {
	group(process)
}

// group gives a child a process group of its own, and has its context end that.
func group(process *exec.Cmd) {
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	process.Cancel = func() error { return syscall.Kill(-process.Process.Pid, syscall.SIGTERM) }
}

// hold gives what ends all that a child has left behind; usually there is nothing.
func hold(process *exec.Cmd) (end func()) {
	return func() { _ = syscall.Kill(-process.Process.Pid, syscall.SIGKILL) }
}
