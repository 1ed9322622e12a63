// Package examples builds and tests the programs in the folders below, each a Go module of its own, as
// their users would: against a downloaded Roadshow, without replace.
package examples

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/modproxy"
)

const checkout = ".."

var update = flag.Bool("update", false, "write the go.mod, go.sum, goldens and links of the examples anew")

// published is the version of our own modules that the examples' go.mod files name. The tests replace it
// by what they pack.
const published = "v0.1.0"

// place is where copies and packed modules are kept: the wildcards of the go command do not look there,
// git neither, and the pinned Node of the checkout is found from it. The copies always stand in the same
// folders, so that the go command finds what it has built.
func place(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join(checkout, ".roadshow", "examples"))
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(folder, 0o755))
	// What this test depends on is read by git, which the go command does not see: a result is not cached
	// when it read a file this young.
	seen := filepath.Join(folder, "last-run")
	require.NoError(t, os.WriteFile(seen, []byte(time.Now().String()), 0o600))
	_, err = os.ReadFile(seen)
	require.NoError(t, err)
	return folder
}

func TestEachExampleIsBuiltAndTestedAgainstTheDownloadedModules(t *testing.T) {
	folder := place(t)
	proxy, err := modproxy.Pack(checkout, filepath.Join(folder, "proxy"), ".", "examples/organisation")
	require.NoError(t, err)
	environ, err := proxy.Environ()
	require.NoError(t, err)
	tools, err := filepath.Abs(filepath.Join(checkout, "node_modules", ".bin"))
	require.NoError(t, err)
	environ = append(environ, "PATH="+tools+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, name := range []string{"organisation", "orders", "existing-cdk"} {
		t.Run(name, func(t *testing.T) {
			copied := filepath.Join(folder, name)
			require.NoError(t, proxy.Copy("examples/"+name, copied))
			run := func(arguments ...string) {
				t.Helper()
				command := exec.CommandContext(t.Context(), "go", arguments...)
				command.Dir, command.Env = copied, append(os.Environ(), environ...)
				output, err := command.CombinedOutput()
				require.NoErrorf(t, err, "go %s in examples/%s:\n%s", strings.Join(arguments, " "), name, output)
			}
			if *update {
				if name == "orders" { // the one with goldens and links, which its handlers import
					run("test", "-mod=mod", ".", "-update")
				}
				run("mod", "tidy")
				takeBack(t, copied, name)
			}
			run("vet", "./...")
			run("test", "-vet=off", "./...")
		})
	}
}

// packedVersion is a version that modproxy gives.
var packedVersion = regexp.MustCompile(`v0\.0\.0-example\.h[0-9a-f]+`)

// takeBack writes to the checkout what an update has changed in a copy.
func takeBack(t *testing.T, copied, name string) {
	t.Helper()
	mod, err := os.ReadFile(filepath.Join(copied, "go.mod"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(name, "go.mod"), packedVersion.ReplaceAll(mod, []byte(published)), 0o644))
	sums, err := os.ReadFile(filepath.Join(copied, "go.sum"))
	require.NoError(t, err)
	var others strings.Builder
	for line := range strings.Lines(string(sums)) {
		if !packedVersion.MatchString(line) {
			others.WriteString(line)
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(name, "go.sum"), []byte(others.String()), 0o644))
	for _, pattern := range []string{"testdata/*.golden.json", "functions/*/links/links.go"} {
		written, err := filepath.Glob(filepath.Join(copied, filepath.FromSlash(pattern)))
		require.NoError(t, err)
		for _, file := range written {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			inside, err := filepath.Rel(copied, file)
			require.NoError(t, err)
			to := filepath.Join(name, inside)
			require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
			require.NoError(t, os.WriteFile(to, data, 0o644))
		}
	}
}

func TestNoExampleReplacesAModule(t *testing.T) {
	mods, err := filepath.Glob("*/go.mod")
	require.NoError(t, err)
	assert.Len(t, mods, 3)
	for _, file := range mods {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.NotContains(t, string(text), "replace", file)
		sums, err := os.ReadFile(filepath.Join(filepath.Dir(file), "go.sum"))
		require.NoError(t, err)
		assert.NotContains(t, string(sums), "roadshow-go", "%s: the sums of what is packed are added", file)
	}
}

func TestTheOrdersServiceHasTheSettingsOfTheNotesService(t *testing.T) {
	var settings [2]map[string]any
	for i, file := range []string{"../cdk.json", "orders/cdk.json"} {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &settings[i]))
	}
	assert.Equal(t, settings[0], settings[1])
}
