package starter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// FetchError says that something that the service needs could not be fetched. What was written stays.
type FetchError struct {
	// Command is what was run, in the folder Dir.
	Command []string
	Dir     string
	// Err is its exit code as an *exec.ExitError, or why it did not start.
	Err error
}

// Error is a sentence, and an order.
func (e *FetchError) Error() string {
	if errors.Is(e.Err, exec.ErrNotFound) {
		return fmt.Sprintf("The command %s was not found on the PATH.\nInstall Go (https://go.dev/dl) and Node with npm (https://nodejs.org).", e.Command[0])
	}
	return fmt.Sprintf("`%s` failed (%v); its own message stands above.\nCorrect the cause, and run it again in %s.", strings.Join(e.Command, " "), e.Err, e.Dir)
}

// Unwrap gives the cause.
func (e *FetchError) Unwrap() error { return e.Err }

// grace is how long a command may take to end once it was asked to.
const grace = 5 * time.Second

// Fetch does the first of [Written.Next]: it runs the go command and npm, which ask the network, with their
// output to talk. The error is a [*FetchError], or the context's.
func (w *Written) Fetch(ctx context.Context, talk io.Writer) error {
	for _, command := range w.fetch {
		fmt.Fprintf(talk, "$ %s\n", strings.Join(command, " "))
		process := exec.CommandContext(ctx, command[0], command[1:]...)
		process.Dir, process.Stdout, process.Stderr = w.Dir, talk, talk
		process.Cancel = func() error { return process.Process.Signal(os.Interrupt) }
		process.WaitDelay = grace
		if err := process.Run(); err != nil {
			if cause := ctx.Err(); cause != nil {
				return cause
			}
			return &FetchError{Command: command, Dir: w.Dir, Err: err}
		}
	}
	return nil
}
