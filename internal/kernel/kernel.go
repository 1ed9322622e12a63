package kernel

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/roadshow-go/roadshow/internal/jsiicache"
)

// kernelEntry is what Node is started with instead of jsii's relay, and snapshotEntry makes what
// the next process starts from.
var (
	//go:embed kernel.js
	kernelEntry []byte
	//go:embed snapshot.js
	snapshotEntry []byte
)

// kernelDigest is that of the jsii kernel that kernel.js and snapshot.js were written for. Another
// one is started as jsii starts it.
const kernelDigest = "93b9fa5130f1dc3acd7784ed90875079f27aa991271b299e9cfec6407333888c"

// directKernel is the command that starts jsii's kernel without its relay, as the JSII_RUNTIME
// variable of jsii takes it; empty where that is not known to work. jsii has unpacked the kernel
// into the folder, from where it is taken.
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
	command, err := kernelCommand(kernel, node, snapshotName(node))
	if err != nil {
		return ""
	}
	return command
}

// kernelCommand puts the entries beside the kernel, and returns the command for a POSIX shell. What
// the kernel prints goes where its errors go: its standard output is the way to Go. A process that
// begins from the snapshot removes the link to it; one that cannot leaves it, and the next begins
// without.
func kernelCommand(kernel, node, snapshot string) (command string, err error) {
	for name, entry := range map[string][]byte{"kernel.js": kernelEntry, "snapshot.js": snapshotEntry} {
		if err := os.WriteFile(filepath.Join(kernel, name), entry, 0o600); err != nil {
			return "", err
		}
	}
	start := func(arguments ...string) string {
		words := []string{quoted(node), "--preserve-symlinks"}
		for _, argument := range arguments {
			words = append(words, quoted(argument))
		}
		return strings.Join(words, " ") + " 3<&0 4>&1 1>&2 0</dev/null"
	}
	folder, entry := filepath.Dir(kernel), filepath.Join(kernel, "kernel.js")
	link := filepath.Join(folder, "snapshot")
	switch file, made := keptSnapshot(snapshot); {
	case !made:
		return "exec " + start(entry, snapshot), nil
	case file == "" || os.Symlink(file, link) != nil:
		return "exec " + start(entry), nil
	default:
		return fmt.Sprintf("%s; status=$?; test -e %s || exit $status; rm %s; exec %s",
			start("--snapshot-blob", link, folder), quoted(link), quoted(file), start(entry, snapshot)), nil
	}
}

// quoted is a word of the shell's.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// snapshotName begins the name of the file that holds the CDK's process as this program would have
// it: of this Node and of these packages. It is empty where the environment asks something of Node
// or of the kernel that a snapshot does not know, or where a package is not of a version that never
// changes.
func snapshotName(node string) string {
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case value == "" || name == "JSII_NODE" || name == "JSII_AGENT" || name == jsiicache.Variable:
		case strings.HasPrefix(name, "JSII_SILENCE_"): // warnings of the relay, about the version of Node
		case name == "NODE_OPTIONS" || name == "NODE_DEBUG" || name == "CDK_DEBUG" || strings.HasPrefix(name, "JSII_"):
			return ""
		}
	}
	executable, err := filepath.EvalSymlinks(node)
	if err != nil {
		return ""
	}
	info, err := os.Stat(executable)
	if err != nil {
		return ""
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\x00%s\x00%d\x00%d", snapshotEntry, executable, info.Size(), info.ModTime().UnixNano())
	for _, function := range []any{awscdk.NewApp, constructs.NewNode, jsii.Close} {
		code := runtime.FuncForPC(reflect.ValueOf(function).Pointer())
		file, _ := code.FileLine(code.Entry())
		module := filepath.Base(filepath.Dir(file))
		if !strings.Contains(module, "@v") {
			return ""
		}
		fmt.Fprintf(sum, "\x00%s", module)
	}
	return ".roadshow." + hex.EncodeToString(sum.Sum(nil))[:32]
}

// keptSnapshot is the file of the snapshot that an earlier process has made, beside the package
// that it is of; empty where there is none, or where it could not be made. Its name ends with a
// checksum, because V8 looks at none.
func keptSnapshot(name string) (file string, made bool) {
	if name == "" {
		return "", false
	}
	files, err := filepath.Glob(filepath.Join(jsiicache.Root(), "aws-cdk-lib", "*", "*", name+".*"))
	if err != nil {
		return "", false
	}
	for _, file := range files {
		size, checksum, err := checksumOf(file)
		switch {
		case err != nil || filepath.Ext(file) != "."+checksum:
			os.Remove(file)
		case size == 0:
			return "", true
		default:
			return file, true
		}
	}
	return "", false
}

func checksumOf(file string) (size int64, checksum string, err error) {
	opened, err := os.Open(file)
	if err != nil {
		return 0, "", err
	}
	defer opened.Close()
	sum := crc32.NewIEEE()
	size, err = io.Copy(sum, opened)
	return size, fmt.Sprintf("%08x", sum.Sum32()), err
}
