package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/rehearse"
)

// rehearsing is a running `roadshow rehearse`.
type rehearsing struct {
	process  *exec.Cmd
	urls     map[string]string // by stage
	endpoint string
	folder   string // of its files
}

// rehearsed starts the command on the assembly of the notes service, and waits until it is ready.
func rehearsed(t *testing.T) *rehearsing {
	t.Helper()
	ctx, stop := context.WithCancel(interrupted)
	r := &rehearsing{process: exec.CommandContext(ctx, installed(), "rehearse", "--json", "--app", filepath.Join(folder, "prepared")), urls: map[string]string{}}
	r.process.Dir = checkout
	out, err := r.process.StdoutPipe()
	require.NoError(t, err)
	var said strings.Builder
	r.process.Stderr = &said
	require.NoError(t, r.process.Start())
	t.Cleanup(func() {
		stop()
		_ = r.process.Wait()
	})
	lines := bufio.NewReader(out)
	first, err := lines.ReadBytes('\n')
	require.NoError(t, err, said.String())
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	var ready struct {
		Stages    []rehearse.Summary
		Variables []string
	}
	require.NoError(t, json.Unmarshal(first, &ready), string(first))
	for _, one := range ready.Stages {
		require.Len(t, one.APIs, 1)
		r.urls[one.Stage] = one.APIs[0].URL
	}
	for _, variable := range ready.Variables {
		if endpoint, found := strings.CutPrefix(variable, "AWS_ENDPOINT_URL="); found {
			r.endpoint = endpoint
		}
		if file, found := strings.CutPrefix(variable, "AWS_CONFIG_FILE="); found {
			r.folder = filepath.Dir(file)
		}
	}
	return r
}

// functions counts the processes of its functions that there are.
func (r *rehearsing) functions() int {
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	count := 0
	for _, path := range environments {
		environ, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(environ), "AWS_LAMBDA_RUNTIME_API=") && strings.Contains(string(environ), "AWS_ENDPOINT_URL="+r.endpoint+"\x00") {
			count++
		}
	}
	return count
}

func TestTwoRehearsalsAtOnceDoNotMeetAndLeaveNoProcessHoweverTheyEnd(t *testing.T) {
	if elsewhere() {
		t.Skip("on the rehearsal only: the command under test starts rehearsals of its own, and asks no other endpoint")
	}
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("the processes of functions are found in /proc, which this machine does not have")
	}
	one, other := rehearsed(t), rehearsed(t)
	require.NotEqual(t, one.endpoint, other.endpoint)
	for _, stage := range []string{dev, staging, production} {
		status, content := requests(t, "POST", one.urls[stage]+"/notes", fmt.Sprintf(`{"text":"of %s"}`, stage))
		require.Equal(t, http.StatusCreated, status, content)
		var made struct{ ID string }
		require.NoError(t, json.Unmarshal([]byte(content), &made))
		status, content = requests(t, "GET", one.urls[stage]+"/notes/"+made.ID, "")
		require.Equal(t, http.StatusOK, status, content)
		status, _ = requests(t, "GET", other.urls[stage]+"/notes/"+made.ID, "")
		require.Equal(t, http.StatusNotFound, status, "the other one has no note of this one")
	}
	require.Equal(t, 6, one.functions())
	require.Equal(t, 3, other.functions())

	require.NoError(t, one.process.Process.Signal(os.Interrupt))
	require.NoError(t, one.process.Wait(), "an end by Ctrl-C is as it should be")
	assert.Zero(t, one.functions(), "after Ctrl-C")

	require.NoError(t, other.process.Process.Signal(syscall.SIGKILL))
	require.Error(t, other.process.Wait())
	require.Eventually(t, func() bool { return other.functions() == 0 }, 10*time.Second, 10*time.Millisecond, "after a kill")
	assert.NoDirExists(t, one.folder)
	require.NoError(t, os.RemoveAll(other.folder))
}
