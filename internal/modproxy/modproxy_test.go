package modproxy

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkout is one with a module inside a module.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":           "module example.com/outer\n\ngo 1.26\n",
		"outer.go":         "package outer\n",
		".gitignore":       "ignored.txt\n",
		"ignored.txt":      "ignored",
		"inner/go.mod":     "module example.com/outer/inner\n\ngo 1.26\n\nrequire example.com/outer v0.1.0\n",
		"inner/go.sum":     "",
		"inner/inner.go":   "package inner\n\nimport _ \"example.com/outer\"\n",
		"inner/sub/sub.go": "package sub\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	command := exec.Command("git", "init", "--quiet")
	command.Dir = dir
	require.NoError(t, command.Run())
	return dir
}

func TestAModuleIsPackedAsItWouldBeDownloaded(t *testing.T) {
	dir, folder, copied := checkout(t), t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(copied, "gone.go"), []byte("package gone\n"), 0o600))
	proxy, err := Pack(dir, folder, ".", "inner")
	require.NoError(t, err)
	outer := proxy.packed[0]
	assert.Equal(t, "example.com/outer", outer.Path)

	versions, err := os.ReadFile(filepath.Join(folder, "example.com", "outer", "@v", "list"))
	require.NoError(t, err)
	assert.Equal(t, outer.Version.Version+"\n", string(versions), "go install asks which there are")

	archive, err := zip.OpenReader(filepath.Join(folder, "example.com", "outer", "@v", outer.Version.Version+".zip"))
	require.NoError(t, err)
	defer archive.Close()
	var names []string
	for _, one := range archive.File {
		names = append(names, one.Name)
	}
	prefix := "example.com/outer@" + outer.Version.Version + "/"
	assert.Equal(t, []string{prefix + ".gitignore", prefix + "go.mod", prefix + "outer.go"}, names)

	require.NoError(t, proxy.Copy("inner", copied))
	mod, err := os.ReadFile(filepath.Join(copied, "go.mod"))
	require.NoError(t, err)
	assert.Contains(t, string(mod), "require example.com/outer "+outer.Version.Version)
	assert.NoFileExists(t, filepath.Join(copied, "gone.go"))
	assert.FileExists(t, filepath.Join(copied, "sub", "sub.go"))

	environ, err := proxy.Environ()
	require.NoError(t, err)
	// A module cache of its own: nothing else of it is needed.
	build := exec.Command("go", "build", "./...")
	build.Dir = copied
	build.Env = append(append(os.Environ(), environ...), "GOMODCACHE="+t.TempDir(), "GOFLAGS=-modcacherw")
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))
}

func TestAVersionIsOfTheContent(t *testing.T) {
	dir, folder := checkout(t), t.TempDir()
	versions := func() (all [2]string) {
		proxy, err := Pack(dir, folder, ".", "inner")
		require.NoError(t, err)
		for i, one := range proxy.packed {
			all[i] = one.Version.Version
		}
		return all
	}
	first := versions()
	assert.Equal(t, first, versions())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ignored.txt"), []byte("changed"), 0o600))
	assert.Equal(t, first, versions())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "outer.go"), []byte("package outer // changed\n"), 0o600))
	second := versions()
	assert.NotEqual(t, first[0], second[0])
	assert.NotEqual(t, first[1], second[1], "it requires the other")
}

func TestAFolderWithoutAModuleIsRefused(t *testing.T) {
	_, err := Pack(checkout(t), t.TempDir(), "inner/sub")
	assert.EqualError(t, err, "module of inner/sub: go.mod is missing, want a module; name its folder")
}
