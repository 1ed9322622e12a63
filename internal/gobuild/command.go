package gobuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/internal/child"
)

// exitError is a go command that ran and failed; what it wrote is beside it.
type exitError struct{ error }

func findGo() (string, error) {
	p, err := exec.LookPath("go")
	if err != nil {
		return "", &ToolError{Got: "not found", Err: err}
	}
	return p, nil
}

// goRun runs the go command in the module root. It returns its standard output
// and what it wrote to standard error, without the lines that tell of a
// download. tmp, if not empty, is go's folder for work in progress.
func (w *work) goRun(ctx context.Context, arch, tmp string, args []string) (out, text string, err error) {
	cmd := exec.CommandContext(ctx, w.goCommand, args...)
	cmd.Dir = w.root
	cmd.Env = environment(os.Environ(), w.goos, arch, tmp)
	var stdout bytes.Buffer // of go list, which is read whole
	var stderr child.Tail
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// Interrupted, go removes its work folder and its children; killed, it
	// leaves both.
	cmd.Cancel = func() error {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			return cmd.Process.Kill()
		}
		return nil
	}
	cmd.WaitDelay = 10 * time.Second

	err = cmd.Run()
	text = withoutDownloads(stderr.String())
	if err == nil {
		return stdout.String(), text, nil
	}
	if ctx.Err() != nil {
		return "", text, fmt.Errorf("function builds: go %s stopped: %w", args[0], context.Cause(ctx))
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return "", text, &exitError{err}
	}
	return "", text, &ToolError{Got: "one that cannot be run", Output: text, Err: err}
}

// environment is the package comment's section on it, in code.
func environment(inherited []string, goos, arch, tmp string) []string {
	env := make([]string, 0, len(inherited)+8)
	flags := ""
	for _, kv := range inherited {
		key, value, _ := strings.Cut(kv, "=")
		switch key {
		case "GOFLAGS":
			flags = value
		case "GO_EXTLINK_ENABLED":
		default:
			env = append(env, kv)
		}
	}
	// Of several values of a key the last one counts. An empty GOFLAGS would
	// let through what `go env -w` wrote, so it repeats a flag that is given
	// anyway.
	goFlags := "-buildvcs=false"
	for _, f := range strings.Fields(flags) {
		if f == "-modcacherw" || f == "--modcacherw" {
			goFlags += " -modcacherw"
		}
	}
	env = append(env,
		"GOOS="+goos, "GOARCH="+arch, "GOARM64=v8.0", "GOAMD64=v1",
		"CGO_ENABLED=0", "GO111MODULE=on", "GOFLAGS="+goFlags)
	if tmp != "" {
		env = append(env, "GOTMPDIR="+tmp)
	}
	return env
}

func withoutDownloads(text string) string {
	if !strings.Contains(text, "go: downloading ") {
		return text
	}
	var lines []string
	for line := range strings.SplitAfterSeq(text, "\n") {
		if !strings.HasPrefix(line, "go: downloading ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}
