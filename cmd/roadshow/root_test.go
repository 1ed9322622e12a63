package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
)

func TestEveryVerbIsInAGroupAndHasExamples(t *testing.T) {
	for _, verb := range newRoot(&settings{}).Commands() {
		require.NotEmpty(t, verb.GroupID, verb.Name())
		require.Contains(t, verb.Example, "  roadshow "+verb.Name(), verb.Name())
		require.Contains(t, verb.Long+verb.Short, " ", verb.Name())
	}
}

// TestWhateverTakesAStageCompletesItsName holds every verb to it, by what its help says that it takes.
func TestWhateverTakesAStageCompletesItsName(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, assembly.Write(dir, assembly.Document{Service: "show", Set: []assembly.Stage{
		{Name: "dev"}, {Name: "staging"}, {Name: "production"}, {Name: "pr-*", Template: true},
	}}))
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
