// Package kernel starts the CDK's process: jsii's kernel on a usable Node, without jsii's relay,
// from a snapshot where there is one.
package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/aws/jsii-runtime-go/runtime"

	"github.com/roadshow-go/roadshow/internal/child"
)

// oldestNode is the oldest major version of Node that is still maintained.
// https://nodejs.org/en/about/previous-releases
const oldestNode = 22

// Prepare makes the CDK's runtime ready, once in a process: on a usable Node, and with a temporary
// folder of its own. The error is a [*NodeError], or of the file system.
func Prepare() error {
	runtimeOnce.Do(func() { errRuntime = replaceRuntime() })
	return errRuntime
}

// Start has the CDK's process run, which otherwise starts when the program first asks something of
// it. The error is that of [Prepare].
func Start() error {
	if err := Prepare(); err != nil {
		return err
	}
	awscdk.Aws_REGION()
	return nil
}

var (
	runtimeOnce sync.Once
	errRuntime  error
)

// replaceRuntime drops the runtime that the CDK's packages prepared when they were initialized, and
// has another prepared in an environment that is right. Neither is started here: dropping one that
// was started would print noise.
func replaceRuntime() error {
	node, version, err := findNode()
	if err != nil {
		return err
	}
	if majorOf(version) < oldestNode {
		return &NodeError{Got: version}
	}
	folder, err := runtimeFolder()
	if err != nil {
		return err
	}
	// https://github.com/aws/jsii-runtime-go#environment-variables
	defer setenv(map[string]string{
		"JSII_NODE": node, "TMPDIR": folder, "TMP": folder, "TEMP": folder,
		// It would run at every synth, on every template; package stack runs it where it is worth
		// its seconds.
		"CDK_VALIDATION": "false",
	})()
	prepareRuntime()
	if command := directKernel(folder, node); command != "" {
		// jsii gives the command to the user's shell, which may be one that does not know the
		// redirections.
		defer setenv(map[string]string{"JSII_RUNTIME": command, "SHELL": "/bin/sh"})()
		prepareRuntime()
	}
	return nil
}

// prepareRuntime drops the runtime that is prepared, and has another prepared in the environment of
// now.
func prepareRuntime() {
	jsii.Close()
	runtime.IsAnonymousProxy(nil)
}

// NodeError says that there is no usable Node, on which the CDK's own code runs.
type NodeError struct {
	// Got is the version found, or "not found".
	Got string
}

func (e *NodeError) Error() string {
	return fmt.Sprintf("Node is %s; the CDK needs version %d or newer.\nRun `npm ci` in the folder of package.json, which installs the pinned one.",
		e.Got, oldestNode)
}

// setenv sets variables of this process, and returns what puts them back.
func setenv(environment map[string]string) (restore func()) {
	before := map[string]*string{}
	for name, value := range environment {
		before[name] = nil
		if old, set := os.LookupEnv(name); set {
			before[name] = &old
		}
		os.Setenv(name, value)
	}
	return func() {
		for name, old := range before {
			if old == nil {
				os.Unsetenv(name)
			} else {
				os.Setenv(name, *old)
			}
		}
	}
}

// findNode prefers the pinned Node of the nearest node_modules over whatever the PATH has: a test
// then runs on the same one as the cdk command.
func findNode() (node, version string, err error) {
	if node := os.Getenv("JSII_NODE"); node != "" {
		return askNode(node)
	}
	working, err := os.Getwd()
	if err != nil {
		return "", "", err
	}
	for dir := working; ; dir = filepath.Dir(dir) {
		node := filepath.Join(dir, "node_modules", ".bin", "node")
		if _, err := os.Stat(node); err == nil {
			if version := pinnedVersion(filepath.Join(dir, "node_modules", "node", "package.json")); version != "" {
				return node, version, nil
			}
			return askNode(node)
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return askNode("node")
}

// pinnedVersion reads the version without starting Node, which would cost a tenth of a synthesis.
func pinnedVersion(packageJSON string) string {
	data, err := os.ReadFile(packageJSON)
	if err != nil {
		return ""
	}
	var manifest struct {
		Version string `json:"version"`
	}
	if json.Unmarshal(data, &manifest) != nil || manifest.Version == "" {
		return ""
	}
	return "v" + manifest.Version
}

func askNode(command string) (node, version string, err error) {
	node, err = exec.LookPath(command)
	if err != nil {
		return "", "", &NodeError{Got: "not found"}
	}
	ctx, cancel := context.WithTimeout(context.Background(), versionLimit)
	defer cancel()
	process := exec.CommandContext(ctx, node, "--version")
	var output child.Tail
	process.Stdout = &output
	if err := child.Run(process); err != nil {
		return "", "", &NodeError{Got: fmt.Sprintf("unknown (%s --version: %v)", node, err)}
	}
	return node, strings.TrimSpace(output.String()), nil
}

// versionLimit is how long Node may take to say its version.
const versionLimit = 30 * time.Second

func majorOf(version string) int {
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	number, err := strconv.Atoi(major)
	if err != nil {
		return 0
	}
	return number
}

// runtimePrefix begins the name of the folder that the CDK's runtime unpacks itself into; the id of
// its process follows.
const runtimePrefix = "roadshow-runtime-"

// runtimeFolder makes this process's folder, and removes those of processes that are gone. The
// runtime's own clean-up is not usable: it races with its watcher and prints to the user's
// terminal.
func runtimeFolder() (string, error) {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), runtimePrefix+"*"))
	if err != nil {
		return "", err
	}
	for _, folder := range left {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(folder), runtimePrefix))
		if err == nil && !alive(pid) {
			os.RemoveAll(folder)
		}
	}
	own := ownRuntimeFolder()
	// A process that is gone may have had this one's id.
	if err := os.RemoveAll(own); err != nil {
		return "", err
	}
	return own, os.MkdirAll(own, 0o700)
}

func ownRuntimeFolder() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("%s%d", runtimePrefix, os.Getpid()))
}

func alive(pid int) bool {
	process, err := os.FindProcess(pid)
	return err == nil && !errors.Is(process.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

// Discard leaves nothing of the runtime behind, at the end of the program. One that was never
// replaced was never started either, and cleans up after itself.
func Discard() {
	prepared := true
	runtimeOnce.Do(func() { prepared = false })
	if !prepared || errRuntime != nil {
		jsii.Close()
		return
	}
	os.RemoveAll(ownRuntimeFolder())
}
