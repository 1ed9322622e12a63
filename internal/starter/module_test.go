package starter

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
)

const tidy = "go mod tidy && npm install"

func TestTheModuleIsTheFoldersOrBeginsThere(t *testing.T) {
	for name, tt := range map[string]struct {
		above, inFolder string // go.mod files; empty is none
		asked, version  string
		module, next    string
		fresh           bool
		pkg             string
	}{
		"a new one": {
			module: "example.com/notes", fresh: true, version: "v0.1.0", next: tidy, pkg: "./functions/hello",
		},
		"a new one with a path": {
			asked: "example.com/team/notes", module: "example.com/team/notes", fresh: true, version: "v0.1.0", next: tidy, pkg: "./functions/hello",
		},
		"that of the folder": {
			inFolder: "module example.com/mine\n", module: "example.com/mine", version: "v0.1.0", pkg: "./functions/hello",
			next: "go mod edit -ignore=./node_modules && go get github.com/roadshow-go/roadshow@v0.1.0 && " + tidy,
		},
		"that of a folder above": {
			above: "module example.com/mine\n", module: "example.com/mine", version: "v0.1.0", pkg: "./services/notes/functions/hello",
			next: "go mod edit -ignore=./services/notes/node_modules && go get github.com/roadshow-go/roadshow@v0.1.0 && " + tidy,
		},
		"one that has it all": {
			above:  "module example.com/mine\n\nignore node_modules\n\nrequire github.com/roadshow-go/roadshow v0.2.0\n",
			module: "example.com/mine", version: "v0.1.0", next: tidy, pkg: "./services/notes/functions/hello",
		},
		"one of its own below another": {
			above: "module example.com/mine\n", asked: "example.com/notes", module: "example.com/notes", fresh: true, version: "v0.1.0",
			next: tidy, pkg: "./functions/hello",
		},
		"by a command of no version": {
			inFolder: "module example.com/mine\n\nignore ./node_modules\n", module: "example.com/mine", version: "v0.1.0+dirty", next: tidy, pkg: "./functions/hello",
		},
	} {
		t.Run(name, func(t *testing.T) {
			above := t.TempDir()
			dir := filepath.Join(above, "services", "notes")
			if tt.above != "" {
				put(t, tt.above, above, goMod)
			}
			if tt.inFolder != "" {
				put(t, tt.inFolder, dir, goMod)
			}
			begun := notes(dir)
			begun.Module, begun.Version = tt.asked, tt.version
			written, err := begun.Write()
			require.NoError(t, err)
			assert.Equal(t, tt.module, written.Module)
			assert.Equal(t, []string{tt.next, "go test . -update", "npx cdk deploy --profile dev"}, written.Next)
			if tt.fresh {
				assert.Contains(t, written.Files, goMod)
			} else {
				assert.NotContains(t, written.Files, goMod)
			}
			app, err := os.ReadFile(filepath.Join(dir, "app.go"))
			require.NoError(t, err)
			assert.Contains(t, string(app), `Package: "`+tt.pkg+`"`)
			if tt.inFolder != "" {
				mod, err := os.ReadFile(filepath.Join(dir, goMod))
				require.NoError(t, err)
				assert.Equal(t, tt.inFolder, string(mod), "it is left alone")
			}
		})
	}
}

func TestAModuleOfAnotherPathThanItsFileSaysIsRefused(t *testing.T) {
	dir := t.TempDir()
	file := put(t, "module example.com/mine\n", dir, goMod)
	begun := notes(dir)
	begun.Module = "example.com/notes"
	_, err := begun.Write()
	messages.EqualError(t, err, `--module: path is "example.com/notes"; it must be "example.com/mine", as `+file+" says.\nLeave it out.")

	put(t, "go 1.26\n", dir, goMod)
	_, err = notes(dir).Write()
	messages.EqualError(t, err, file+": module is missing; it must be the path of the module.\nWrite module example.com/notes.")
}

func TestOnlyAVersionThatCanBeDownloadedIsRequired(t *testing.T) {
	for version, want := range map[string]string{
		"v0.1.0": "v0.1.0", "v0.1.1-0.20260101000000-0123456789ab": "v0.1.1-0.20260101000000-0123456789ab",
		"(devel)": "", "": "", "v0.1.0+dirty": "", "v0.1.1-0.20260101000000-0123456789ab+dirty": "",
	} {
		assert.Equal(t, want, published(version), version)
	}
}

// commands writes a go and an npm that say where they were run, with what, and end so.
func commands(t *testing.T, npm string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the commands are shell scripts")
	}
	bin := t.TempDir()
	for name, end := range map[string]string{"go": "true", "npm": npm} {
		script := "#!/bin/sh\necho \"${PWD##*/}: " + name + " $*\"\n" + end + "\n"
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte(script), 0o700))
	}
	t.Setenv("PATH", bin)
}

func TestFetchingRunsTheFirstOfWhatComesNext(t *testing.T) {
	commands(t, "true")
	written, err := notes(filepath.Join(t.TempDir(), "here")).Write()
	require.NoError(t, err)
	var talk bytes.Buffer
	require.NoError(t, written.Fetch(t.Context(), &talk))
	assert.Equal(t, "$ go mod tidy\nhere: go mod tidy\n$ npm install\nhere: npm install\n", talk.String())
}

func TestACommandThatFailsOrIsMissingIsNamed(t *testing.T) {
	commands(t, "exit 7")
	written, err := notes(t.TempDir()).Write()
	require.NoError(t, err)
	err = written.Fetch(t.Context(), new(bytes.Buffer))
	messages.EqualError(t, err, "`npm install` failed (exit status 7); its own message stands above.\nCorrect the cause, and run it again in "+written.Dir+".")

	t.Setenv("PATH", t.TempDir())
	err = written.Fetch(t.Context(), new(bytes.Buffer))
	messages.EqualError(t, err, "The command go was not found on the PATH.\nInstall Go (https://go.dev/dl) and Node with npm (https://nodejs.org).")
}
