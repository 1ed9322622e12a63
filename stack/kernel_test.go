package stack

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheKernelOfTheRequiredJsiiIsStartedWithoutItsRelay(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a command there cannot pass descriptors 3 and 4 on")
	}
	require.NoError(t, prepareNode())
	require.FileExists(t, filepath.Join(ownRuntimeFolder(), "kernel", "kernel.js"),
		"where jsii was updated: read how its program.js uses descriptor 3, and write its digest into kernel.go")
}

// unpacked is a folder in which jsii has unpacked a kernel, or several.
func unpacked(t *testing.T, program string, folders ...string) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range folders {
		lib := filepath.Join(folder, name, "lib")
		require.NoError(t, os.MkdirAll(lib, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(lib, "program.js"), []byte(program), 0o600))
	}
	return folder
}

func TestAKernelThatIsNotAsExpectedIsStartedAsJsiiStartsIt(t *testing.T) {
	require.NoError(t, prepareNode())
	known, err := os.ReadFile(filepath.Join(ownRuntimeFolder(), "kernel", "program.js"))
	require.NoError(t, err)
	for name, folder := range map[string]string{
		"none is unpacked": unpacked(t, ""),
		"two are unpacked": unpacked(t, string(known), "jsii-runtime.1", "jsii-runtime.2"),
		"another kernel":   unpacked(t, "another kernel", "jsii-runtime.1"),
	} {
		require.Empty(t, directKernel(folder, "node"), name)
	}
	require.NotEmpty(t, directKernel(unpacked(t, string(known), "jsii-runtime.1"), "node"))
}

func TestWhatTheKernelPrintsDoesNotMixWithItsAnswers(t *testing.T) {
	node, _, err := findNode()
	require.NoError(t, err)
	folder := filepath.Join(t.TempDir(), "a folder with a space and a 'quote'")
	require.NoError(t, os.MkdirAll(folder, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "program.js"), []byte(`
		const fs = require("node:fs");
		const asked = Buffer.alloc(100);
		const length = fs.readSync(3, asked, 0, 100, null);
		console.log("printed");
		fs.writeSync(3, "the answer to " + asked.toString("utf8", 0, length));
	`), 0o600))
	start, err := writeKernelEntry(folder, node)
	require.NoError(t, err)
	command := exec.Command("/bin/sh", "-c", start)
	var answered, printed strings.Builder
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader("the question"), &answered, &printed
	require.NoError(t, command.Run(), printed.String())
	require.Equal(t, "the answer to the question", answered.String())
	require.Equal(t, "printed\n", printed.String())
}

func TestWhatIsCompiledOfTheCDKIsKeptForTheNextProcess(t *testing.T) {
	require.NoError(t, prepareNode())
	compiled, err := os.Readlink(filepath.Join(ownRuntimeFolder(), "compiled"))
	require.NoError(t, err)
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	require.Equal(t, filepath.Join(cache, "roadshow", "compiled"), compiled)
	node, _, err := findNode()
	require.NoError(t, err)
	run := func() string {
		folder := t.TempDir()
		kernel := filepath.Join(folder, "kernel")
		require.NoError(t, os.Mkdir(kernel, 0o755))
		require.NoError(t, os.Symlink(cache, filepath.Join(folder, "compiled")))
		require.NoError(t, os.WriteFile(filepath.Join(kernel, "program.js"), []byte(`
			const fs = require("node:fs"), os = require("node:os"), path = require("node:path");
			const modules = fs.mkdtempSync(path.join(os.tmpdir(), "jsii-kernel-"));
			fs.writeFileSync(path.join(modules, "cdk.js"), "module.exports = 1");
			require(path.join(modules, "cdk.js"));
			const compiled = path.join(__dirname, "..", "compiled");
			let looks = 100;
			const look = setInterval(() => {
				const [version] = fs.readdirSync(compiled);
				if (fs.readdirSync(path.join(compiled, version)).length >= 2 || looks-- === 0) clearInterval(look);
			}, 50);
		`), 0o600))
		start, err := writeKernelEntry(kernel, node)
		require.NoError(t, err)
		command := exec.Command("/bin/sh", "-c", start)
		command.Env = append(os.Environ(), "NODE_DEBUG_NATIVE=COMPILE_CACHE")
		said, err := command.CombinedOutput()
		require.NoError(t, err, string(said))
		require.NoFileExists(t, filepath.Join(folder, "compiled"), "at its end it writes nothing: Go has ended before")
		return string(said)
	}
	cache = t.TempDir()
	require.NotContains(t, run(), "cdk.js was accepted")
	require.Contains(t, run(), "cdk.js was accepted", "as in another process, below another folder")
}
