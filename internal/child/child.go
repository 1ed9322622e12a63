// Package child keeps hold of the processes that are started here: what one has started ends with it, and what one
// prints takes no more memory than [Limit].
package child

import (
	"os/exec"
	"runtime"
	"time"
)

// Grace is how long a child may take to end once it was asked to.
const Grace = 5 * time.Second

// InGroup prepares a child that somebody else starts to lead a group of its own, which ends with the child's context.
func InGroup(process *exec.Cmd) *exec.Cmd {
	process.WaitDelay = Grace
	group(process)
	return process
}

// Run runs a child to its end, and ends what it has left behind. The child leads a group of its own, so that an
// interruption at the terminal is for this process, which then ends the group.
func Run(process *exec.Cmd) error {
	bind(process)
	if process.WaitDelay == 0 {
		process.WaitDelay = Grace
	}
	// Where the kernel ends a child with its parent, it watches the thread that has started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := process.Start(); err != nil {
		return err
	}
	end := hold(process)
	err := process.Wait()
	end()
	return err
}
