package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
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

func TestOutputThatCannotBeWrittenIsSaidAndExitCodeTwo(t *testing.T) {
	dir := showAssembly(t)
	for _, arguments := range [][]string{
		{"names"},
		{"names", "--json"},
		{"stages", "--offline"},
		{"stages", "--offline", "--json"},
		{"version"},
		{"--version"},
		{"--help"},
		{"completion", "bash"},
	} {
		var stderr bytes.Buffer
		code := run(t.Context(), append(arguments, "--app="+dir), full{}, &stderr)
		require.Equal(t, exitUnknown, code, arguments)
		require.Equal(t, "roadshow: The output could not be written: no space left on device\n", stderr.String(), arguments)
	}
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
