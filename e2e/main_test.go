package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roadshow-go/roadshow/internal/awsenv"
)

// Variables between the two processes of a run; those for people stand in endpoint_test.go.
const (
	// variableFolder is the folder of the run: the first process prepares it, the second one tests.
	variableFolder = "ROADSHOW_E2E_FOLDER"
	// variableRun marks every child of the run, so that one left behind can be found.
	variableRun = "ROADSHOW_E2E_RUN"
	// variableProbe asks a process only whether it can use loopback.
	variableProbe = "ROADSHOW_E2E_PROBE"
)

var (
	// interrupted ends with the first Ctrl-C: children have process groups of their own, so the terminal
	// does not end them.
	interrupted context.Context
	// folder is where the run keeps what it makes; checkout is that of the module.
	folder, checkout string
	// notAlone is why this process has more than loopback; nil where it has not.
	notAlone error
)

// TestMain runs the suite where only loopback exists, so that nothing can leave the machine. It prepares
// first, with the network that there is: an empty module cache has to be filled. Then it starts itself
// again in a network namespace of its own, where one can be made, and tests there.
func TestMain(m *testing.M) {
	code, err := suite(m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "e2e: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

func suite(m *testing.M) (code int, err error) {
	if os.Getenv(variableProbe) != "" {
		return 0, useLoopback()
	}
	var stop context.CancelFunc
	interrupted, stop = signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if checkout, err = Checkout(); err != nil {
		return 1, err
	}
	if folder = os.Getenv(variableFolder); folder != "" {
		if err := useLoopback(); err != nil {
			return 1, err
		}
		return m.Run(), nil
	}
	if folder, err = newFolder(); err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder)
	if err := prepare(interrupted); err != nil {
		return 1, err
	}
	os.Setenv(variableRun, folder)
	if elsewhere() {
		notAlone = errors.New("another endpoint was named")
	} else {
		notAlone = probe()
	}
	if notAlone == nil {
		code, err = alone()
	} else {
		code = m.Run()
		// A result is not cached when it read a file this young. It has to be run again: what it depends
		// on is read by children, which the go command does not see.
		seen := filepath.Join(filepath.Dir(folder), "last-run")
		err = errors.Join(os.WriteFile(seen, []byte(time.Now().String()), 0o600), firstError(os.Stat(seen)))
	}
	if left := leftBehind(); len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("processes: left is %s, want none; end them, and have the test wait for them", strings.Join(left, "; ")))
	}
	return code, err
}

func firstError[T any](_ T, err error) error { return err }

// newFolder makes the folder of the run, where wildcards of the go command do not look and git neither,
// and removes those that runs left which were killed.
func newFolder() (string, error) {
	parent := filepath.Join(checkout, ".roadshow", "e2e")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	old, err := filepath.Glob(filepath.Join(parent, "run-*"))
	if err != nil {
		return "", err
	}
	for _, dir := range old {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > 3*time.Hour {
			os.RemoveAll(dir)
		}
	}
	return os.MkdirTemp(parent, "run-")
}

// prepare builds the program and its functions.
func prepare(ctx context.Context) error {
	if _, err := os.Stat(CDK(checkout)); err != nil {
		return errors.New("cdk: command is not installed, want the one of package.json; run `make e2e`, which installs it")
	}
	source, err := programSource()
	if err != nil {
		return err
	}
	if err := Build(ctx, preparing(), notesBinary(), source); err != nil {
		return err
	}
	if _, err = Read(ctx, preparing(), notesBinary(), filepath.Join(folder, "prepared"), nil); err != nil {
		return err
	}
	if err := prepareExamples(ctx); err != nil {
		return err
	}
	return prepareStarted(ctx)
}

// preparing is the place for what needs no account.
func preparing() awsenv.Place {
	return awsenv.Place{Checkout: checkout, Folder: filepath.Join(folder, "preparing")}
}

func notesBinary() string { return filepath.Join(folder, "notes") }

// alone runs this test again where only loopback exists, and returns its exit code.
func alone() (int, error) {
	again := exec.CommandContext(interrupted, os.Args[0])
	// It ends its own children before it ends.
	again.Cancel = func() error { return again.Process.Signal(os.Interrupt) }
	for _, argument := range os.Args[1:] {
		// That file is how the go command learns what a cached result depends on. It must not exist: what
		// the suite depends on is read by children, which the go command does not see.
		if !strings.HasPrefix(argument, "-test.testlogfile") {
			again.Args = append(again.Args, argument)
		}
	}
	again.Env = append(os.Environ(), variableFolder+"="+folder)
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	isolate(again)
	var exit *exec.ExitError
	err := again.Run()
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}

// probe says why no network namespace can be made, or nothing.
func probe() error {
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), variableProbe+"=yes")
	isolate(process)
	if output, err := process.CombinedOutput(); err != nil {
		return fmt.Errorf("no network namespace can be made here: %w %s", err, strings.TrimSpace(string(output)))
	}
	return nil
}
