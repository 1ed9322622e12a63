package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/internal/child"
)

// Child is a process that this one starts, waits for, and ends.
type Child struct {
	// Command is the program and its arguments. Required.
	Command []string
	// Dir is its working folder. Required.
	Dir string
	// Environ is its whole environment; see internal/awsenv. Required.
	Environ []string
	// Also gets what it writes while it runs, beside [Result]. Default: none.
	Also io.Writer
}

// Result is what a child came to.
type Result struct {
	// Output is what it wrote to standard output and to standard error, in order.
	Output string
	// Took is how long it ran.
	Took time.Duration
}

// ChildError says that a child did not start, or did not end well.
type ChildError struct {
	// Command is the program and its arguments, Output what it wrote.
	Command []string
	Output  string
	// Err is the context's error, the exit code as an *exec.ExitError, or why it did not start.
	Err error
}

func (e *ChildError) Error() string {
	command := append([]string{filepath.Base(e.Command[0])}, e.Command[1:]...)
	return fmt.Sprintf("%s: end is %v, want success; read what it wrote:\n%s", strings.Join(command, " "), e.Err, strings.TrimRight(e.Output, "\n"))
}

// Unwrap gives the cause.
func (e *ChildError) Unwrap() error { return e.Err }

// Run starts a child and waits for it. When the context ends, so does the child; and whatever it started
// and left behind is ended with it. The error is a [*ChildError].
func Run(ctx context.Context, c Child) (Result, error) {
	var output bytes.Buffer
	var sink io.Writer = &output
	if c.Also != nil {
		sink = io.MultiWriter(&output, c.Also)
	}
	process := exec.CommandContext(ctx, c.Command[0], c.Command[1:]...)
	process.Dir, process.Env = c.Dir, c.Environ
	process.Stdout, process.Stderr = sink, sink
	began := time.Now()
	err := child.Run(process)
	if cause := ctx.Err(); cause != nil && err != nil {
		err = errors.Join(cause, err)
	}
	result := Result{Output: output.String(), Took: time.Since(began)}
	if err != nil {
		return result, &ChildError{Command: c.Command, Output: result.Output, Err: err}
	}
	return result, nil
}
