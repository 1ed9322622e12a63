package execution

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// Program is what an environment starts.
type Program struct {
	// Path is the file that is executed, with Args.
	Path string
	Args []string
	// Dir is the unpacked deployment package, where the process starts. RuntimeDir holds the
	// runtime's own files.
	Dir, RuntimeDir string
}

// PlatformError says that a function's code cannot run on this machine.
type PlatformError struct{ Reason string }

func (e *PlatformError) Error() string { return e.Reason }

// packageLimit is how much a deployment package may hold, unpacked, in bytes.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const packageLimit = 250 << 20

// Unpack unpacks a deployment package into a new folder. No file of it lands outside.
func Unpack(content []byte, folder string) error {
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return fmt.Errorf("the deployment package is no zip file: %w", err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	left := int64(packageLimit)
	for _, file := range archive.File {
		name := filepath.FromSlash(file.Name)
		if !filepath.IsLocal(name) {
			return fmt.Errorf("the deployment package has a file %q, which is not below its folder", file.Name)
		}
		if strings.HasSuffix(file.Name, "/") {
			err = root.MkdirAll(name, 0o755)
		} else {
			err = unpackFile(root, file, name, &left)
		}
		if err != nil {
			return fmt.Errorf("unpack %s: %w", file.Name, err)
		}
	}
	return nil
}

// unpackFile unpacks one file, with its rights to be executed.
func unpackFile(root *os.Root, file *zip.File, name string, left *int64) (err error) {
	if dir := filepath.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	from, err := file.Open()
	if err != nil {
		return err
	}
	defer from.Close()
	if file.Mode()&fs.ModeSymlink != 0 {
		target, err := io.ReadAll(io.LimitReader(from, 4096))
		if err != nil {
			return err
		}
		return root.Symlink(string(target), name)
	}
	to, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, file.Mode().Perm()|0o400)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	written, err := io.Copy(to, io.LimitReader(from, *left+1))
	if *left -= written; *left < 0 {
		return fmt.Errorf("the deployment package holds more than %d bytes", packageLimit)
	}
	return err
}

// Find finds how the unpacked deployment package in dir is run on this machine. The runtimes' own
// files go to runtimeDir. The error is a [*PlatformError] where it cannot be run here.
func Find(runtimeName, dir, runtimeDir string) (Program, error) {
	program := Program{Dir: dir, RuntimeDir: runtimeDir}
	switch {
	case strings.HasPrefix(runtimeName, "provided"):
		program.Path = filepath.Join(dir, "bootstrap")
		return program, runnable(program.Path)
	case strings.HasPrefix(runtimeName, "nodejs"):
		return interpreted(program, runtimeName, "node", "bootstrap.mjs", nodeBootstrap)
	case strings.HasPrefix(runtimeName, "python"):
		command := "python3"
		if runtime.GOOS == "windows" { // where python3 is often what offers to install it
			command = "python"
		}
		return interpreted(program, runtimeName, command, "bootstrap.py", pythonBootstrap, "-B") // writes nothing beside the code
	}
	return Program{}, &PlatformError{fmt.Sprintf("Runtime %s is none that runs here; those of Go, Node.js and Python do, and custom ones.", runtimeName)}
}

// The loops around handlers of Node.js and Python: Lambda has its own in its images, which are not
// to be had.
var (
	//go:embed bootstrap.mjs
	nodeBootstrap []byte
	//go:embed bootstrap.py
	pythonBootstrap []byte
	//go:embed cfn-response.js
	nodeResponse []byte
	//go:embed cfnresponse.py
	pythonResponse []byte
)

// WriteSource writes the one file of source that stands in a template, and beside it what Lambda puts there for
// custom resources.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html
func WriteSource(source []byte, folder, runtimeName string) error {
	var files map[string][]byte
	switch {
	case strings.HasPrefix(runtimeName, "nodejs"):
		files = map[string][]byte{"index.js": source, "node_modules/cfn-response/index.js": nodeResponse}
	case strings.HasPrefix(runtimeName, "python"):
		files = map[string][]byte{"index.py": source, "cfnresponse.py": pythonResponse}
	default:
		return fmt.Errorf("a template holds source of Node.js and Python only, and its runtime is %q", runtimeName)
	}
	for name, content := range files {
		file := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// interpreted runs a handler with an interpreter of this machine.
func interpreted(program Program, runtimeName, interpreter, name string, bootstrap []byte, options ...string) (Program, error) {
	path, err := exec.LookPath(interpreter)
	if err != nil {
		return Program{}, &PlatformError{fmt.Sprintf("Runtime %s needs the command %s, which is not found. Install it, or leave the function to AWS.", runtimeName, interpreter)}
	}
	if path, err = filepath.Abs(path); err != nil {
		return Program{}, err
	}
	file := filepath.Join(program.RuntimeDir, name)
	if err := os.MkdirAll(program.RuntimeDir, 0o755); err != nil {
		return Program{}, err
	}
	if err := os.WriteFile(file, bootstrap, 0o644); err != nil {
		return Program{}, err
	}
	program.Path, program.Args = path, append(options, file)
	return program, nil
}

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

var shebang = regexp.MustCompile(`^#![ \t]*(\S+)`)

// runnable says whether this machine runs a bootstrap file: a Linux binary for its processor, or a
// script.
func runnable(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the start fails in Lambda's words
	}
	if err != nil {
		return err
	}
	defer file.Close()
	if binary, err := elf.NewFile(file); err == nil {
		if runtime.GOOS != "linux" || machines[runtime.GOARCH] != binary.Machine {
			return &PlatformError{fmt.Sprintf("The binary is for Linux on %s, and this machine is %s on %s.", processor(binary.Machine), runtime.GOOS, runtime.GOARCH)}
		}
		return nil
	}
	head := make([]byte, 256)
	n, _ := file.ReadAt(head, 0)
	if script := shebang.FindSubmatch(head[:n]); script != nil {
		if runtime.GOOS == "windows" {
			return &PlatformError{fmt.Sprintf("The bootstrap file is a script for %s, and Windows starts none.", script[1])}
		}
		if _, err := os.Stat(string(script[1])); err != nil {
			return &PlatformError{fmt.Sprintf("The bootstrap file wants %s, which is not here.", script[1])}
		}
	}
	return nil
}

func processor(machine elf.Machine) string {
	for name, known := range machines {
		if known == machine {
			return name
		}
	}
	return machine.String()
}
