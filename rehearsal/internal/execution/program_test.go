package execution

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type packed struct {
	name, content string
	mode          fs.FileMode
}

// zipOf is a deployment package.
func zipOf(t *testing.T, files ...packed) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, file := range files {
		header := &zip.FileHeader{Name: file.name, Method: zip.Deflate}
		header.SetMode(file.mode)
		w, err := archive.CreateHeader(header)
		require.NoError(t, err)
		_, err = w.Write([]byte(file.content))
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	return out.Bytes()
}

func TestAPackageIsUnpackedWithTheRightsOfItsFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "code")
	require.NoError(t, Unpack(zipOf(t,
		packed{"bootstrap", "#!/bin/sh\n", 0o755}, packed{"lib/a/b.txt", "b", 0o644}, packed{"lib/c/", "", fs.ModeDir | 0o755},
	), dir))
	info, err := os.Stat(filepath.Join(dir, "bootstrap"))
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		assert.Equal(t, fs.FileMode(0o755), info.Mode().Perm())
	}
	text, err := os.ReadFile(filepath.Join(dir, "lib", "a", "b.txt"))
	require.NoError(t, err)
	assert.Equal(t, "b", string(text))
	assert.DirExists(t, filepath.Join(dir, "lib", "c"))
}

func TestNoFileOfAPackageLandsOutsideItsFolder(t *testing.T) {
	for name, files := range map[string][]packed{
		"a path that climbs":  {{"../escaped", "x", 0o644}},
		"an absolute path":    {{"/escaped", "x", 0o644}},
		"a link that climbs":  {{"link", "..", fs.ModeSymlink | 0o777}, {"link/escaped", "x", 0o644}},
		"a link to elsewhere": {{"link", "/tmp", fs.ModeSymlink | 0o777}, {"link/escaped", "x", 0o644}},
	} {
		t.Run(name, func(t *testing.T) {
			outside := t.TempDir()
			require.Error(t, Unpack(zipOf(t, files...), filepath.Join(outside, "code")))
			assert.NoFileExists(t, filepath.Join(outside, "escaped"))
		})
	}
	require.ErrorContains(t, Unpack([]byte("no zip"), filepath.Join(t.TempDir(), "code")), "no zip file")
}

func TestWhatThisMachineCannotRunIsSaid(t *testing.T) {
	arm, err := os.ReadFile(filepath.Join(built, "bootstrap"))
	require.NoError(t, err)
	if runtime.GOOS != "linux" {
		t.Skip("the test changes the header of a Linux binary, and its own is built for another system")
	}
	arm = bytes.Clone(arm[:4096]) // the machine's number is in the header
	arm[18], arm[19] = 0xb7, 0    // EM_AARCH64
	if runtime.GOARCH == "arm64" {
		arm[18] = 0x3e // EM_X86_64
	}
	// Without sections: the headers that describe them are cut off.
	for i := 40; i < 48; i++ {
		arm[i] = 0
	}
	arm[60], arm[61], arm[62], arm[63] = 0, 0, 0, 0
	for name, tt := range map[string]struct{ runtime, bootstrap, want string }{
		"a binary for another processor": {"provided.al2023", string(arm), "The binary is for Linux on "},
		"a script without its shell":     {"provided.al2023", "#!/nowhere/shell\n", "The bootstrap file wants /nowhere/shell, which is not here."},
		"a runtime of Java":              {"java21", "", "Runtime java21 is none that runs here"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "bootstrap"), []byte(tt.bootstrap), 0o755))
			_, err := Find(tt.runtime, dir, t.TempDir())
			var cannot *PlatformError
			require.ErrorAs(t, err, &cannot)
			assert.Contains(t, cannot.Reason, tt.want)
		})
	}
	t.Run("an interpreter that is not here", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := Find("python3.14", t.TempDir(), t.TempDir())
		require.ErrorContains(t, err, "Runtime python3.14 needs the command python3, which is not found.")
	})
	program, err := Find("provided.al2023", built, "")
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(built, "bootstrap"), program.Path)
}

func TestHandlersOfOtherRuntimesRunWhereTheirInterpreterIs(t *testing.T) {
	for name, tt := range map[string]struct{ interpreter, runtime, handler, dir, failure string }{
		"Node.js": {"node", "nodejs24.x", "index.handler", "testdata/node", `{"errorType":"TypeError","errorMessage":"no such note","trace":[`},
		"Python":  {"python3", "python3.14", "app.handler", "testdata/python", `{"errorMessage": "no such note", "errorType": "TypeError",`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(tt.interpreter); err != nil {
				t.Skipf("the handler needs the command %s, which this machine does not have", tt.interpreter)
			}
			dir, err := filepath.Abs(tt.dir)
			require.NoError(t, err)
			f := aFunction()
			f.Runtime, f.Handler = tt.runtime, tt.handler
			f.Program, err = Find(tt.runtime, dir, t.TempDir())
			require.NoError(t, err)
			h, j := aHost(t, Config{})
			result, err := h.Invoke(t.Context(), f, Invocation{Payload: []byte(`{"text":"milk"}`)})
			require.NoError(t, err)
			assert.JSONEq(t, `{"text":"milk","id":"`+result.RequestID+`"}`, string(result.Payload))
			assert.Contains(t, j.texts(), "asked for milk")

			result, err = h.Invoke(t.Context(), f, Invocation{Payload: []byte(`{"text":"fail"}`)})
			require.NoError(t, err)
			assert.Equal(t, "Unhandled", result.FunctionError)
			assert.Contains(t, string(result.Payload), tt.failure)
			assert.Equal(t, 1, idleCount(h), "an error leaves the environment alone")

			broken := *f
			broken.Handler, broken.Revision = "nothing.handler", "2"
			result, err = h.Invoke(t.Context(), &broken, Invocation{Payload: []byte(`{}`)})
			require.NoError(t, err)
			assert.Contains(t, string(result.Payload), "Runtime.ImportModuleError")
		})
	}
}
