package fleet

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/internal/program"
	"github.com/roadshow-go/roadshow/internal/redact"
)

// leaks are ways in which a program or a plugin may print credentials. None has a secret that is in use.
const leaks = `aws_secret_access_key = wJalrXUtnFEMIPLANTEDEXAMPLEKEY
{"AccessKeyId":"AKIAIOSFODNN7PLANTED","SecretAccessKey":"wJalrXUtnFEMI/PLANTED","SessionToken":"FwoGZXIvYXdzPLANTED=="}
export AWS_SESSION_TOKEN=FwoGZXIvYXdzPLANTED
GET https://bucket.s3.amazonaws.com/x?X-Amz-Credential=AKIAPLANTED%2F2026&X-Amz-Signature=PLANTED01&X-Amz-Security-Token=PLANTED%3D%3D
the password is known-PLANTED-value, it says
`

func TestWhatAChildPrintsHasNoSecret(t *testing.T) {
	redactor := redact.New("known-PLANTED-value", "a-session-PLANTED-token")
	clean := redactor.Text(leaks)
	require.NotContains(t, clean, "PLANTED")
	require.Contains(t, clean, "the password is (hidden), it says", "and everything else stays")
	require.Equal(t, "stage dev: version is 5, want 6", redactor.Text("stage dev: version is 5, want 6"))
}

func TestNeitherTheLinesNorTheErrorOfACommandHaveASecret(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "cdk")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\ncat <<'end'\n"+leaks+"end\nexit 3\n"), 0o700))
	var lines strings.Builder
	err := CDK{Command: script, Dir: dir}.run(t.Context(), Profile{Name: "dev"}, redact.New("known-PLANTED-value"), dir, func(line string) { lines.WriteString(line) }, "deploy")
	var failed *CommandError
	require.ErrorAs(t, err, &failed)
	messages.ErrorContains(t, err, "exit status 3")
	messages.Provoked(t, err.Error())
	require.NotContains(t, err.Error()+lines.String(), "PLANTED")
}

func TestTheCommandGetsOneSourceOfCredentials(t *testing.T) {
	for _, name := range append([]string{"AWS_PROFILE", "CDK_APP"}, program.CredentialVariables...) {
		t.Setenv(name, "PLANTED")
	}
	// No failure prints the environment.
	has := func(environ []string, name string) bool {
		return slices.ContainsFunc(environ, func(variable string) bool { return strings.HasPrefix(variable, name+"=") })
	}
	for _, name := range program.CredentialVariables {
		require.False(t, has(CDK{Command: "/x/cdk"}.environ(Profile{Name: "dev"}), name), name)
		require.True(t, has(CDK{Command: "/x/cdk"}.environ(Profile{}), name), "%s may be the source", name)
	}
	for _, name := range []string{"AWS_PROFILE", "CDK_APP"} {
		require.False(t, has(CDK{Command: "/x/cdk"}.environ(Profile{}), name), name)
	}
}

func TestALineOfTheCommandSaysHowFarAStackIs(t *testing.T) {
	for line, want := range map[string][3]any{
		"dev-notes |  3/20 | 10:11:12 AM | CREATE_COMPLETE      | AWS::DynamoDB::Table     | notes/notes/Table (notesTableEE608FBC)": {3, 20, "create complete notes/notes/Table"},
		"✨  Synthesis time: 0.01s":                               {0, 0, ""},
		"dev-notes: creating CloudFormation changeset...":        {0, 0, "creating CloudFormation changeset..."},
		"Stack selection is ambiguous, please choose a specific": {0, 0, "Stack selection is ambiguous, please choose a specific"},
	} {
		done, total, text := progressOf(line)
		require.Equal(t, want, [3]any{done, total, text}, line)
	}
}

func TestOnlyTheLastLinesAreKept(t *testing.T) {
	kept := readLines(strings.NewReader(strings.Repeat("x\n", 100)+"last"), nil, func(string) {})
	require.Len(t, kept, keptLines)
	require.Equal(t, "last", kept[len(kept)-1])
	require.Equal(t, []string{"not you"}, readLines(strings.NewReader("    at f (/x/index.js:1:2)\n    at async g\nnot you\n"), nil, func(string) {}))
	require.Empty(t, readLines(io.LimitReader(strings.NewReader(""), 0), nil, nil))
}

func TestVersionsAreComparedByNumber(t *testing.T) {
	require.True(t, older("1.9.3", "1.26"))
	require.False(t, older("1.26.0", "1.26"))
	require.False(t, older("24", "22"))
	require.True(t, older("2.200.1", "2.1100"))
	require.True(t, older("", "22"))
}
