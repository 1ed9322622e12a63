//go:build linux || darwin

package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
)

// typist sits at a terminal: it reads what is shown, and types.
type typist struct {
	t     *testing.T
	at    *os.File
	mu    sync.Mutex
	shown bytes.Buffer
	ended chan error
}

// sits starts a command at a terminal of its own.
func sits(t *testing.T, process *exec.Cmd) *typist {
	t.Helper()
	at, err := pty.StartWithSize(process, &pty.Winsize{Rows: 24, Cols: 120})
	require.NoError(t, err)
	typing := &typist{t: t, at: at, ended: make(chan error, 1)}
	go func() {
		_, _ = io.Copy(typing, at) // Linux ends it with an error
		typing.ended <- process.Wait()
	}()
	t.Cleanup(func() {
		_ = process.Process.Kill()
		at.Close()
	})
	return typing
}

// Write takes what is shown, and answers what a form asks of the terminal before it draws.
func (p *typist) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if bytes.Contains(data, []byte("\x1b[6n")) {
		_, _ = p.at.WriteString("\x1b[1;1R")
	}
	if bytes.Contains(data, []byte("\x1b[c")) {
		_, _ = p.at.WriteString("\x1b[?62;c")
	}
	return p.shown.Write(data)
}

// text is all that was shown, without colours and movements.
func (p *typist) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return ansi.Strip(p.shown.String())
}

// sees waits until something is shown.
func (p *typist) sees(pattern string) {
	p.t.Helper()
	wanted := regexp.MustCompile(pattern)
	require.Eventually(p.t, func() bool { return wanted.MatchString(p.text()) }, time.Minute, 10*time.Millisecond, "%s is not shown", pattern)
}

// types types a line.
func (p *typist) types(line string) {
	p.t.Helper()
	_, err := p.at.WriteString(line + "\r")
	require.NoError(p.t, err)
}

// ends waits for the command's end, and returns its exit code.
func (p *typist) ends() int {
	p.t.Helper()
	select {
	case err := <-p.ended:
		if exit, is := err.(*exec.ExitError); is {
			return exit.ExitCode()
		}
		require.NoError(p.t, err)
		return 0
	case <-time.After(time.Minute):
		p.t.Fatalf("it does not end:\n%s", p.text())
		return 0
	}
}

// atTerminal is the command in a folder of its own, with the AWS files' text as given.
func atTerminal(t *testing.T, config string, arguments ...string) (process *exec.Cmd, calls func() []string) {
	t.Helper()
	server, environment, err := openAccounts(filepath.Join(t.TempDir(), "files"))
	require.NoError(t, err)
	t.Cleanup(func() { server.Close() })
	_, err = server.Account(accounts["dev"]).Create("us-east-1", "AWS::IAM::Role", map[string]any{
		"RoleName": "developer", "AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": map[string]any{
			"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": "arn:aws:iam::" + accounts["staging"] + ":root"},
		}},
		"Policies": []any{map[string]any{"PolicyName": "all", "PolicyDocument": map[string]any{
			"Version": "2012-10-17", "Statement": map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*"},
		}}},
	})
	require.NoError(t, err)
	process = exec.Command("roadshow", append(arguments, "--app", assembled(""))...)
	process.Dir = t.TempDir()
	process.Env = environment.Environ("CI=", "TERM=xterm-256color")
	for _, variable := range process.Env {
		if name, path, _ := strings.Cut(variable, "="); name == "AWS_CONFIG_FILE" {
			require.NoError(t, os.WriteFile(path, []byte(config), 0o600))
		} else if name == "AWS_SHARED_CREDENTIALS_FILE" {
			require.NoError(t, os.WriteFile(path, []byte("[base]\naws_access_key_id = AKIA"+accounts["staging"]+"SHOW\naws_secret_access_key = "+planted+accounts["staging"]+"\n"), 0o600))
		}
	}
	return process, func() (operations []string) {
		for _, call := range server.Calls() {
			operations = append(operations, call.Operation)
		}
		return operations
	}
}

// byMFA is a profile that needs the code of a device.
const byMFA = "[profile dev]\nregion = us-east-1\nrole_arn = arn:aws:iam::111111111111:role/developer\nsource_profile = base\n" +
	"mfa_serial = arn:aws:iam::222222222222:mfa/ada\n"

const askedForCode = `Code of the MFA device arn:aws:iam::222222222222:mfa/ada, for profile dev:`

func TestTheCodeOfAnMFADeviceIsAskedForOnceInATerminal(t *testing.T) {
	process, calls := atTerminal(t, byMFA, "status", "dev")
	person := sits(t, process)
	person.sees(askedForCode)
	require.NotContains(t, calls(), "AssumeRole", "nothing is asked before the code is there")
	person.types("123456")
	code := person.ends()
	require.Equal(t, 0, code, person.text())
	require.Contains(t, person.text(), askedForCode+" 123456", "what was typed stays to be seen")
	assumed := 0
	for _, operation := range calls() {
		if operation == "AssumeRole" {
			assumed++
		}
	}
	require.Equal(t, 1, assumed, "one code, one session, however often the account is asked")
	require.Regexp(t, `dev +111111111111`, person.text())
	require.NotContains(t, person.text(), planted)
}

func TestWhoInterruptsTheQuestionForACodeEndsTheCommand(t *testing.T) {
	process, calls := atTerminal(t, byMFA, "status", "dev")
	person := sits(t, process)
	person.sees(askedForCode)
	_, err := person.at.WriteString("\x03")
	require.NoError(t, err)
	require.Equal(t, 2, person.ends())
	require.Contains(t, person.text(), "roadshow: interrupted")
	require.NotContains(t, calls(), "AssumeRole")
}

func TestWithoutATerminalACodeIsNotAskedForAndItIsSaidWhatIsNeeded(t *testing.T) {
	process, calls := atTerminal(t, byMFA, "status", "dev")
	output, err := process.CombinedOutput()
	require.Error(t, err)
	require.Equal(t, 2, process.ProcessState.ExitCode())
	require.Contains(t, string(output), "needs a code of the MFA device arn:aws:iam::222222222222:mfa/ada, and there is no terminal to ask for it in")
	require.NotContains(t, calls(), "AssumeRole")
}
