package child

import (
	"os/exec"
	"syscall"
)

// bind gives a child a process group of its own, so that whatever it starts ends with it, and has
// the kernel end it when this process is killed: a cdk command that nobody watches would go on deploying
// beside the one that the next run starts.
//
// The kernel watches the thread that started the child, so its goroutine must stay on that thread.
func bind(process *exec.Cmd) {
	group(process)
	process.SysProcAttr.Pdeathsig = syscall.SIGKILL
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
