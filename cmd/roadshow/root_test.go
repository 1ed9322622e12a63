package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

func TestEveryVerbIsInAGroupAndHasExamples(t *testing.T) {
	for _, verb := range newRoot(&settings{}).Commands() {
		require.NotEmpty(t, verb.GroupID, verb.Name())
		require.Contains(t, verb.Example, "  roadshow "+verb.Name(), verb.Name())
		require.Contains(t, verb.Long+verb.Short, " ", verb.Name())
	}
}

// showAssembly is the folder of an assembly: three stages and a template of more, of which dev is synthesized.
func showAssembly(t *testing.T) string {
	dir := t.TempDir()
	stage := func(name, account string) assembly.Stage {
		return assembly.Stage{Name: name, Account: account, Region: "eu-central-1", Tier: stages.Standard}
	}
	pattern := stage("pr-*", "111111111111")
	pattern.Template, pattern.Tier = true, stages.Sandbox
	dev := stage("dev", "111111111111")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "dev.template.json"), []byte("{}"), 0o600))
	require.NoError(t, assembly.Write(dir, assembly.Document{
		Service: "show", Set: []assembly.Stage{dev, stage("staging", "222222222222"), stage("production", "333333333333"), pattern},
		Stages: []assembly.Synthesized{{Stage: dev, StackName: "dev-show", File: "dev.template.json"}},
	}))
	return dir
}

// TestWhateverTakesAStageCompletesItsName holds every verb to it, by what its help says that it takes.
func TestWhateverTakesAStageCompletesItsName(t *testing.T) {
	dir := showAssembly(t)
	complete := func(arguments ...string) []string {
		var stdout, stderr bytes.Buffer
		require.Zero(t, run(t.Context(), append([]string{cobra.ShellCompRequestCmd, "--app", dir}, arguments...), &stdout, &stderr), stderr.String())
		lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
		// The last one tells the shell what else to do.
		require.Contains(t, []string{":4", ":6"}, lines[len(lines)-1], "%v: never the name of a file", arguments)
		return lines[:len(lines)-1]
	}
	all := []string{"dev", "staging", "production"}
	flags := map[string]string{"deploy": "--to", "names": "--stage"}
	taking := 0
	for _, verb := range newRoot(&settings{}).Commands() {
		if strings.Contains(verb.Use, "STAGE") {
			taking++
			require.Equal(t, all, complete(verb.Name(), ""), verb.Name())
			want := []string{"dev", "production"}
			if verb.Args != nil && verb.Args(verb, []string{"staging", "one more"}) != nil {
				want = []string{}
			}
			require.Equal(t, want, complete(verb.Name(), "staging", ""), "%s: what is written already, or no more", verb.Name())
		}
		if flag := flags[verb.Name()]; flag != "" {
			taking++
			require.Equal(t, all, complete(verb.Name(), flag, ""), verb.Name())
		}
		complete(verb.Name(), "")
	}
	require.Equal(t, 9, taking, "diff, bootstrap, doctor, orphans, quotas, remove, status; deploy --to, names --stage")
	require.Empty(t, complete("diff", "dev", "staging", ""))
	require.Equal(t, []string{"pr-"}, complete("stages", "--with", ""))
	require.Equal(t, []string{"sandbox", "standard", "protected"}, complete("stages", "--tier", ""))
}

// full is a device without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// The accounts are empty: what a verb says of them cannot be written either.
func TestWhicheverVerbCannotWriteItsOutputSaysSoAndEndsWithTwo(t *testing.T) {
	folder := t.TempDir()
	server, environment, err := openAccounts(filepath.Join(folder, "files"))
	require.NoError(t, err)
	defer server.Close()
	for _, variable := range environment.Environ("CDK_VALIDATION=false") {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	// The cdk command itself is not run: it would take its time to be refused.
	server.InjectFault(rehearsal.Fault{Account: accounts["production"], Service: "cloudformation", Status: 403, Code: "AccessDenied", Message: "not you"})
	require.NoError(t, os.WriteFile(filepath.Join(folder, "go.mod"), []byte("module example.com/show\n"), 0o600))
	t.Chdir(folder)
	program, written := "--app="+made.program, "--app="+assembled("")
	lines := [][]string{
		{"--help"},
		{"--version"},
		{"completion", "bash"},
		{"version"},
		{"version", "--json"},
		{"init", "notes", "--dir", filepath.Join(t.TempDir(), "notes")},
		{"names", written},
		{"names", "--json", written},
		{"links", "--check", "--json", written},
		{"parity", program},
		{"diff", "dev", "production", program},
		{"rehearse", "--help"},
		{"stages", "--offline", written},
		{"stages", "--json", written},
		{"status", written},
		{"status", "--json", written},
		{"doctor", written},
		{"bootstrap", "production", written},
		{"quotas", written},
		{"costs", written},
		{"expire", written},
		{"orphans", written},
		{"orphans", "--json", written},
		{"deploy", "--json", written},
		{"remove", "--account", "111111111111", written},
		{"remove", "dev", "--yes", written},
	}
	for _, verb := range newRoot(new(settings)).Commands() {
		require.True(t, slices.ContainsFunc(lines, func(line []string) bool { return line[0] == verb.Name() }) || verb.Name() == "help", verb.Name())
	}
	for _, arguments := range lines {
		t.Run(strings.Join(arguments[:len(arguments)-1], " "), func(t *testing.T) {
			var stderr bytes.Buffer
			require.Equal(t, exitUnknown, run(t.Context(), arguments, full{}, &stderr), stderr.String())
			require.Contains(t, stderr.String(), "roadshow: The output could not be written: no space left on device\n")
		})
	}
}

func TestAReaderThatGoesAwayIsNoSignalThatEndsTheCommand(t *testing.T) {
	reading, writing, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, reading.Close())
	defer writing.Close()
	process := exec.Command("roadshow", "names", "--app", showAssembly(t))
	var stderr bytes.Buffer
	process.Stdout, process.Stderr = writing, &stderr
	ended, is := errors.AsType[*exec.ExitError](process.Run())
	require.True(t, is)
	require.Equal(t, exitUnknown, ended.ExitCode(), "%v: %s", ended, stderr.String())
	require.Regexp(t, "The output could not be written: .*broken pipe\\n$", stderr.String())
}

func TestAMisspeltStageIsAnsweredWithTheFlagThatNamedIt(t *testing.T) {
	dir := showAssembly(t)
	for _, arguments := range [][]string{
		{"names", "--stage", "prod"},
		{"doctor", "prod"},
		{"bootstrap", "prod"},
		{"status", "prod"},
		{"quotas", "prod"},
		{"deploy", "--to", "prod"},
		{"remove", "prod"},
	} {
		var stderr bytes.Buffer
		require.Equal(t, exitUnknown, run(t.Context(), append(arguments, "--app", dir), io.Discard, &stderr), arguments)
		require.Contains(t, stderr.String(), `Did you mean "production"?`, arguments)
		require.NotContains(t, stderr.String(), "-c stage", arguments)
	}
}
