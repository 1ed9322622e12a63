//go:build linux

package fleet_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
)

// pseudoTerminal opens a terminal: what a person sees and types on one side, what a process has on the other.
func pseudoTerminal(t *testing.T) (person, process *os.File) {
	t.Helper()
	person, process, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminal can be opened here: %v", err)
	}
	t.Cleanup(func() { person.Close() })
	require.NoError(t, pty.Setsize(person, &pty.Winsize{Rows: 40, Cols: 120}))
	return person, process
}

// screen is what a person has seen.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(text)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// What a terminal is told: a heading in bold, and the cursor hidden.
const colour, overwriting = "\x1b[1m", "\x1b[?25l"

// escape is the key that stops a question. Whatever follows at once would make another key of it.
const escape = "\x1b"

// inTerminal runs the command in a terminal, and types each answer when its question is there.
func (w *world) inTerminal(answers [][2]string, arguments ...string) (seen string, code int) {
	w.t.Helper()
	return w.inTerminalWith(nil, answers, arguments...)
}

// inTerminalWith is inTerminal with variables of the environment.
func (w *world) inTerminalWith(environ []string, answers [][2]string, arguments ...string) (seen string, code int) {
	w.t.Helper()
	person, process := pseudoTerminal(w.t)
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Minute)
	defer cancel()
	command := w.command(ctx, arguments...)
	command.Env = append(append(command.Env, "CI=", "TERM=xterm-256color", "NO_COLOR="), environ...)
	command.Stdin, command.Stdout, command.Stderr = process, process, process
	require.NoError(w.t, command.Start())
	process.Close()
	var shown screen
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(&shown, person) // ends with an error once the other side is closed
	}()
	for _, answer := range answers {
		require.Eventually(w.t, func() bool { return strings.Contains(shown.String(), answer[0]) }, 5*time.Minute, 10*time.Millisecond, answer[0])
		typed := answer[1]
		if typed != escape {
			typed += "\r"
		}
		_, err := person.WriteString(typed)
		require.NoError(w.t, err)
	}
	_ = command.Wait()
	<-read
	w.t.Log(shown.String())
	require.NotContains(w.t, shown.String(), planted)
	return shown.String(), command.ProcessState.ExitCode()
}

// TestAPersonAtATerminal approves a change of production, and confirms its removal.
func TestAPersonAtATerminal(t *testing.T) {
	t.Parallel()
	w := open(t, prepared(), 20*time.Millisecond)
	w.deployed()
	w.update("prod-admin", "production-notes")

	seen, code := w.inTerminal([][2]string{{"Deploy this to production, account 333333333333? Type yes to confirm:", "no"}}, "deploy", "--to", "production")
	require.Equal(t, 1, code)
	require.Contains(t, seen, "declined")
	require.Zero(t, w.calls(productionAccount, "ExecuteChangeSet"))

	seen, code = w.inTerminal([][2]string{{"Type yes to confirm:", "yes"}}, "deploy", "--to", "production")
	require.Zero(t, code)
	require.Contains(t, seen, overwriting, "lines are written over, so the cursor is hidden")
	require.Contains(t, seen, colour)
	require.Regexp(t, `remove +AWS::Logs::LogGroup ByHand`, seen, "what was changed by hand is changed back")

	_, code = w.inTerminal([][2]string{{"Type its name:", "production"}, {"Type the id of its account:", devAccount}, {"That is not " + productionAccount, escape}}, "remove", "production")
	require.Equal(t, 2, code)
	_, code = w.inTerminal([][2]string{{"Type its name:", "production"}, {"Type the id of its account:", productionAccount}}, "remove", "production")
	require.Zero(t, code)
	require.Contains(t, w.must("status", "production").stdout, "not deployed")
}

// TestATerminalIsNotAlwaysOne asks for what NO_COLOR, CI and a simple terminal change, of a verb that has nothing to do and
// shows it as a deploy does.
func TestATerminalIsNotAlwaysOne(t *testing.T) {
	t.Parallel()
	w := open(t, prepared(), 0)
	const question = "Type yes to confirm:"
	w.deployed()
	bootstrap := []string{"bootstrap", "dev"}

	seen, code := w.inTerminal(nil, bootstrap...)
	require.Zero(t, code)
	require.Contains(t, seen, colour)
	require.Contains(t, seen, overwriting)
	seen, _ = w.inTerminalWith([]string{"NO_COLOR=1"}, nil, bootstrap...)
	require.NotRegexp(t, `\x1b\[[0-9;]+m`, seen)
	require.Contains(t, seen, overwriting, "lines may be written over without colour")
	for _, variable := range []string{"CI=true", "TERM=dumb"} {
		seen, code = w.inTerminalWith([]string{variable}, nil, bootstrap...)
		require.Zero(t, code)
		require.NotContains(t, seen, "\x1b", variable)
	}

	// Nobody is asked in CI, whatever it runs in.
	seen, code = w.inTerminalWith([]string{"CI=true"}, nil, "remove", "dev")
	require.Equal(t, 2, code)
	require.NotContains(t, seen, question)
	require.Contains(t, seen, "Not confirmed, nothing was removed.")
	seen, code = w.inTerminal([][2]string{{question, "yes"}}, "remove", "dev")
	require.Zero(t, code)
	require.Contains(t, seen, "Remove dev from account 111111111111?")
}
