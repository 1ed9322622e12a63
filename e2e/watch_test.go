package e2e

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// transcript is what a process has written so far, safe to read while it goes on.
type transcript struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (w *transcript) Write(text []byte) (int, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.text.Write(text)
}

func (w *transcript) String() string {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.text.String()
}

// Without hotswaps: the rehearsal changes functions by CloudFormation only.
func TestWatchDeploysWhenAFileChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.onlyRehearsed(t, "a watch is stopped while it may be deploying")
	r.must(t, command{stage: dev}, "bootstrap")

	// A folder of its own with the cdk.json of the checkout, in which nobody else changes files; the program runs
	// in the checkout.
	dir := filepath.Join(r.place.Folder, "watched")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	text, err := os.ReadFile(filepath.Join(checkout, "cdk.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cdk.json"), text, 0o600))

	ctx, cancel := context.WithTimeout(interrupted, r.patience)
	defer cancel()
	var said transcript
	done := make(chan error, 1)
	go func() {
		_, err := Run(ctx, Child{
			Command: []string{CDK(checkout), "watch", "--no-hotswap", "--no-logs", "--profile", r.profiles[dev]}, Dir: dir, Also: &said,
			Environ: r.Environ("CI=true", "NO_COLOR=1", "CDK_REQUIRE_APPROVAL=never", "CDK_OUTPUT="+filepath.Join(dir, "cdk.out"), "CDK_APP=cd "+checkout+" && "+notesBinary(), "CDK_VALIDATION=false"),
		})
		done <- err
	}()
	says := func(text string) {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Contains(said.String(), text) }, r.patience, 10*time.Millisecond, "%q: %v", text, &said)
	}
	says("✅  notes (dev-notes)\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n"), 0o600))
	says("main.go")
	says("✅  notes (dev-notes) (no changes)")
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}
