package kernel

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheKernelOfTheRequiredJsiiIsStartedWithoutItsRelay(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a command there cannot pass descriptors 3 and 4 on")
	}
	require.NoError(t, Prepare())
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
	require.NoError(t, Prepare())
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

// kernelFolder is a process's folder as directKernel leaves it.
func kernelFolder(t *testing.T) (kernel string) {
	t.Helper()
	require.NoError(t, Prepare())
	known, err := os.ReadFile(filepath.Join(ownRuntimeFolder(), "kernel", "program.js"))
	require.NoError(t, err)
	kernel = filepath.Join(t.TempDir(), "a folder with a space and a 'quote'", "kernel")
	require.NoError(t, os.MkdirAll(kernel, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(kernel, "program.js"), known, 0o600))
	return kernel
}

func TestWhatTheKernelPrintsDoesNotMixWithItsAnswers(t *testing.T) {
	node, _, err := findNode()
	require.NoError(t, err)
	kernel := kernelFolder(t)
	require.NoError(t, os.WriteFile(filepath.Join(kernel, "program.js"), []byte(`
		const fs = require("node:fs");
		const asked = Buffer.alloc(100);
		const length = fs.readSync(3, asked, 0, 100, null);
		console.log("printed");
		fs.writeSync(3, "the answer to " + asked.toString("utf8", 0, length));
	`), 0o600))
	start, err := kernelCommand(kernel, node, "")
	require.NoError(t, err)
	command := exec.Command("/bin/sh", "-c", start)
	var answered, printed strings.Builder
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader("the question"), &answered, &printed
	require.NoError(t, command.Run(), printed.String())
	require.Equal(t, "the answer to the question", answered.String())
	require.Equal(t, "printed\n", printed.String())
}

// conversation is what a kernel says to each request, its hello first.
func conversation(t *testing.T, kernel, command string, requests ...string) (answers []string, printed string) {
	t.Helper()
	shell := exec.Command("/bin/sh", "-c", command)
	shell.Env = append(os.Environ(), "CDK_VALIDATION=false", "TMPDIR="+filepath.Dir(kernel))
	stdin, err := shell.StdinPipe()
	require.NoError(t, err)
	answered, err := shell.StdoutPipe()
	require.NoError(t, err)
	var errors strings.Builder
	shell.Stderr = &errors
	require.NoError(t, shell.Start())
	lines := bufio.NewScanner(answered)
	lines.Buffer(nil, 1<<20)
	for _, request := range append(requests, `{"exit":0}`) {
		require.True(t, lines.Scan(), "no answer before %s\n%s", request, &errors)
		answers = append(answers, lines.Text())
		_, err := io.WriteString(stdin, request+"\n")
		require.NoError(t, err)
	}
	require.NoError(t, shell.Wait(), errors.String())
	return answers, errors.String()
}

// loads are the requests that load the CDK's packages, in the order of Go's.
func loads(t *testing.T) (requests []string) {
	t.Helper()
	for _, tt := range []struct{ module, name string }{
		{"github.com/cdklabs/awscdk-asset-awscli-go/awscliv1/v2", "@aws-cdk/asset-awscli-v1"},
		{"github.com/cdklabs/awscdk-asset-node-proxy-agent-go/nodeproxyagentv6/v2", "@aws-cdk/asset-node-proxy-agent-v6"},
		{"github.com/cdklabs/cloud-assembly-schema-go/awscdkcloudassemblyschema/v54", "@aws-cdk/cloud-assembly-schema"},
		{"github.com/aws/constructs-go/constructs/v10", "constructs"},
		{"github.com/aws/aws-cdk-go/awscdk/v2", "aws-cdk-lib"},
	} {
		folder, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", tt.module).Output()
		require.NoError(t, err)
		tarballs, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(folder)), "jsii", "*.tgz"))
		require.NoError(t, err)
		require.Len(t, tarballs, 1)
		_, version, _ := strings.Cut(strings.TrimSuffix(filepath.Base(tarballs[0]), ".tgz"), path.Base(tt.name)+"-")
		requests = append(requests, fmt.Sprintf(`{"api":"load","name":%q,"version":%q,"tarball":%q}`, tt.name, version, tarballs[0]))
	}
	return requests
}

// snapshotOf starts a kernel twice: the second time there is a snapshot.
func snapshotOf(t *testing.T, node, name string) {
	t.Helper()
	kernel := kernelFolder(t)
	start, err := kernelCommand(kernel, node, name)
	require.NoError(t, err)
	_, printed := conversation(t, kernel, start, append(loads(t), `{"api":"stats"}`)...)
	require.Empty(t, printed)
	file, made := keptSnapshot(name)
	require.True(t, made)
	require.NotEmpty(t, file, "it could not be made")
	t.Cleanup(func() { os.Remove(file) })
}

// service are requests that make a stack and synthesize it.
func service(outdir string) []string {
	return []string{
		fmt.Sprintf(`{"api":"create","fqn":"aws-cdk-lib.App","args":[{"outdir":%q,"analyticsReporting":false}]}`, outdir),
		`{"api":"create","fqn":"aws-cdk-lib.Stack","args":[{"$jsii.byref":"aws-cdk-lib.App@10000"},"Stack"]}`,
		`{"api":"create","fqn":"aws-cdk-lib.aws_sqs.Queue","args":[{"$jsii.byref":"aws-cdk-lib.Stack@10001"},"Queue",{"queueName":"jobs"}]}`,
		`{"api":"create","fqn":"aws-cdk-lib.aws_sqs.Queue","args":[{"$jsii.byref":"aws-cdk-lib.Stack@10001"},"Queue"]}`,
		`{"api":"create","fqn":"aws-cdk-lib.aws_dynamodb.Table","args":[{"$jsii.byref":"aws-cdk-lib.Stack@10001"},"Table",` +
			`{"partitionKey":{"name":"id","type":{"$jsii.enum":"aws-cdk-lib.aws_dynamodb.AttributeType/STRING"}},"pointInTimeRecovery":true}]}`,
		`{"api":"invoke","method":"synth","args":[null],"objref":{"$jsii.byref":"aws-cdk-lib.App@10000"}}`,
	}
}

func TestAProcessFromASnapshotSaysAndWritesWhatOneWithoutDoes(t *testing.T) {
	node, _, err := findNode()
	require.NoError(t, err)
	name := ".roadshow.test" + strconv.Itoa(os.Getpid())
	snapshotOf(t, node, name)
	folders := regexp.MustCompile(`\([^()]*(/node_modules/|/kernel/)`) // of stack traces
	converse := func(name string) (answers, printed, template string) {
		outdir := t.TempDir()
		kernel := kernelFolder(t)
		command, err := kernelCommand(kernel, node, name)
		require.NoError(t, err)
		require.Equal(t, name != "", strings.Contains(command, "--snapshot-blob"))
		said, printed := conversation(t, kernel, command, append(loads(t), service(outdir)...)...)
		written, err := os.ReadFile(filepath.Join(outdir, "Stack.template.json"))
		require.NoError(t, err)
		return folders.ReplaceAllString(strings.Join(said, "\n"), "("), printed, string(written)
	}
	said, printed, written := converse("")
	saidAgain, printedAgain, writtenAgain := converse(name)
	require.Contains(t, said, "already a Construct with name 'Queue'")
	require.Equal(t, said, saidAgain)
	require.Contains(t, printed, "TableOptions#pointInTimeRecovery is deprecated")
	require.Equal(t, printed, printedAgain)
	require.Equal(t, written, writtenAgain)
}

func TestASnapshotOfOtherPackagesHandsOverBeforeAnythingIsMade(t *testing.T) {
	node, _, err := findNode()
	require.NoError(t, err)
	name := ".roadshow.test" + strconv.Itoa(os.Getpid())
	snapshotOf(t, node, name)
	other := loads(t)
	other[3] = strings.Replace(other[3], `"version":"10.`, `"version":"10.9`, 1)
	kernel := kernelFolder(t)
	command, err := kernelCommand(kernel, node, name)
	require.NoError(t, err)
	outdir := t.TempDir()
	said, _ := conversation(t, kernel, command, append(other, service(outdir)...)...)
	require.Equal(t, `{"hello":"@jsii/runtime@1.139.0"}`, said[0])
	require.Contains(t, said[4], `"assembly":"constructs"`)
	require.Contains(t, said[6], "App@10000")
	require.FileExists(t, filepath.Join(outdir, "Stack.template.json"))
}

func TestASnapshotThatIsDamagedIsNoSnapshot(t *testing.T) {
	node, _, err := findNode()
	require.NoError(t, err)
	name := ".roadshow.test" + strconv.Itoa(os.Getpid())
	snapshotOf(t, node, name)
	snapshot, _ := keptSnapshot(name)
	keep := func(name, text string) {
		file := filepath.Join(filepath.Dir(snapshot), name+".new")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, checksum, err := checksumOf(file)
		require.NoError(t, err)
		named := filepath.Join(filepath.Dir(snapshot), name+"."+checksum)
		require.NoError(t, os.Rename(file, named))
		t.Cleanup(func() { os.Remove(named) })
	}

	t.Run("V8 refuses it: the kernel starts without, and makes another", func(t *testing.T) {
		refused := name + "refused"
		keep(refused, "no snapshot")
		kernel := kernelFolder(t)
		command, err := kernelCommand(kernel, node, refused)
		require.NoError(t, err)
		require.Contains(t, command, "--snapshot-blob")
		said, _ := conversation(t, kernel, command, loads(t)...)
		require.Contains(t, said[5], `"ok"`)
		again, made := keptSnapshot(refused)
		require.True(t, made)
		t.Cleanup(func() { os.Remove(again) })
		require.NotContains(t, command, again)
	})
	t.Run("it could not be made: that is not tried again", func(t *testing.T) {
		keep(name+"empty", "")
		file, made := keptSnapshot(name + "empty")
		require.Empty(t, file)
		require.True(t, made)
	})
	t.Run("another process is making it: it is not made twice", func(t *testing.T) {
		busy := name + "busy"
		making := filepath.Join(filepath.Dir(snapshot), busy+"-making")
		require.NoError(t, os.WriteFile(making, nil, 0o600))
		t.Cleanup(func() { os.Remove(making) })
		kernel := kernelFolder(t)
		command, err := kernelCommand(kernel, node, busy)
		require.NoError(t, err)
		conversation(t, kernel, command, append(loads(t), `{"api":"stats"}`)...)
		_, made := keptSnapshot(busy)
		require.False(t, made)
		require.FileExists(t, making)
	})
	t.Run("its checksum is another: it is removed, and made again", func(t *testing.T) {
		require.NoError(t, os.Truncate(snapshot, 1<<20))
		file, made := keptSnapshot(name)
		require.Empty(t, file)
		require.False(t, made)
		require.NoFileExists(t, snapshot)
	})
}

func TestWhatTheEnvironmentAsksOfNodeOrTheKernelIsNotInASnapshot(t *testing.T) {
	node, _, err := findNode()
	require.NoError(t, err)
	t.Setenv("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1")
	require.NotEmpty(t, snapshotName(node))
	for _, variable := range []string{"NODE_OPTIONS", "NODE_DEBUG", "CDK_DEBUG", "JSII_DEBUG", "JSII_RUNTIME_PACKAGE_CACHE"} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, "1")
			require.Empty(t, snapshotName(node))
		})
	}
}
