package stack

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// kernelEntry is what Node is started with instead of jsii's relay.
//
//go:embed kernel.js
var kernelEntry []byte

// kernelDigest is that of the jsii kernel that kernel.js was written for. Another one is started as jsii
// starts it.
const kernelDigest = "93b9fa5130f1dc3acd7784ed90875079f27aa991271b299e9cfec6407333888c"

// directKernel is the command that starts jsii's kernel without its relay, as the JSII_RUNTIME variable of
// jsii takes it; empty where that is not known to work. jsii has unpacked the kernel into the folder, from
// where it is taken.
func directKernel(folder, node string) string {
	if runtime.GOOS == "windows" {
		return "" // a command there cannot pass descriptors 3 and 4 on
	}
	unpacked, err := filepath.Glob(filepath.Join(folder, "jsii-runtime.*", "lib"))
	if err != nil || len(unpacked) != 1 {
		return ""
	}
	program, err := os.ReadFile(filepath.Join(unpacked[0], "program.js"))
	if err != nil {
		return ""
	}
	if digest := sha256.Sum256(program); hex.EncodeToString(digest[:]) != kernelDigest {
		return ""
	}
	kernel := filepath.Join(folder, "kernel")
	if os.Rename(unpacked[0], kernel) != nil {
		return ""
	}
	command, err := writeKernelEntry(kernel, node)
	if err != nil {
		return ""
	}
	linkCompiled(folder)
	return command
}

// linkCompiled lets V8 keep what it has compiled in the user's cache folder: a tenth of a short run. It is best
// effort: kernel.js looks for the link.
func linkCompiled(folder string) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return
	}
	compiled := filepath.Join(cache, "roadshow", "compiled") // Node adds its version
	if os.MkdirAll(compiled, 0o700) == nil {
		_ = os.Symlink(compiled, filepath.Join(folder, "compiled"))
	}
}

// writeKernelEntry puts the entry beside the kernel, and returns the command for a POSIX shell. What the
// kernel prints goes where its errors go: its standard output is the way to Go.
func writeKernelEntry(kernel, node string) (command string, err error) {
	entry := filepath.Join(kernel, "kernel.js")
	return "exec " + quoted(node) + " --preserve-symlinks " + quoted(entry) + " 3<&0 4>&1 1>&2 0</dev/null", os.WriteFile(entry, kernelEntry, 0o600)
}

// quoted is a word of the shell's.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
