package gobuild

import (
	"errors"
	"fmt"
	"strings"
)

// PackageError says that a Function's Package is not a main package that can be
// built: it does not exist, is another kind of package, or is no path at all.
type PackageError struct {
	Package string // as given, a folder cleaned
	Got     string // what it is, and follows "is"
	Want    string // what it must be
	Advice  string // what to do, as an order
	Output  string // what go said, if that adds something
}

// Error gives the message, with go's own words on the lines after it.
func (e *PackageError) Error() string {
	return withOutput(fmt.Sprintf("function package %s is %s; it must be %s.\n%s", quoteEmpty(e.Package), e.Got, e.Want, sentence(e.Advice)), e.Output)
}

// ArchError says that a Function's Arch is none that AWS Lambda runs.
type ArchError struct {
	Package string
	Arch    string // as given
}

// Error gives the message.
func (e *ArchError) Error() string {
	return fmt.Sprintf("function package %s has the architecture %q; Lambda has %s and %s.\nLeave Arch empty for %s.", quoteEmpty(e.Package), e.Arch, ARM64, AMD64, ARM64)
}

// CompileError says that go build failed.
type CompileError struct {
	// Packages are the functions that do not compile, as they were given; all
	// of the failed go build if the fault is in a package they share.
	Packages []string

	// Output is what the go command wrote, unchanged but for the lines that
	// only tell of a download. File names are relative to the module root.
	Output string
}

// Error gives the message and, on the lines after it, Output.
func (e *CompileError) Error() string {
	return withOutput(packagesOf(e.Packages)+": the code does not compile.\nFix what go says:", e.Output)
}

// DownloadError says that go could not download a module.
type DownloadError struct {
	Packages []string // the functions that were listed or built
	Output   string   // what the go command wrote
}

// Error gives the message and, on the lines after it, Output.
func (e *DownloadError) Error() string {
	return withOutput(packagesOf(e.Packages)+": a Go module is not in the module cache, and cannot be downloaded.\n"+
		"Check the network, the proxy and GOPROXY, or run go mod download where there is a network.", e.Output)
}

// ModuleError says that a folder is in no Go module, or in one that the go
// command cannot load.
type ModuleError struct {
	Dir    string // absolute
	Got    string
	Want   string
	Advice string
	Output string // what go said, if it was asked
}

// Error gives the message, with go's own words on the lines after it.
func (e *ModuleError) Error() string {
	return withOutput(fmt.Sprintf("module root %s is %s; it must be %s.\n%s", e.Dir, e.Got, e.Want, sentence(e.Advice)), e.Output)
}

// ToolError says that the go command is missing, cannot be started, or is not
// the version that the module wants.
type ToolError struct {
	Got    string
	Output string // what go said, if it was started
	Err    error  // the operating system's error, if there is one
}

// Error gives the message, with go's own words on the lines after it.
func (e *ToolError) Error() string {
	text := e.Output
	if text == "" && e.Err != nil {
		text = e.Err.Error()
	}
	return withOutput(fmt.Sprintf("function builds: the go command is %s; it must be the version that go.mod asks for.\n"+
		"Install it from https://go.dev/dl, and put its bin folder on the PATH.", e.Got), text)
}

// Unwrap gives the operating system's error.
func (e *ToolError) Unwrap() error { return e.Err }

func withOutput(message, output string) string {
	if output = strings.TrimRight(output, "\n"); output == "" {
		return message
	}
	return message + "\n" + output
}

// sentence begins a text with a capital letter, and ends it with a full stop.
func sentence(text string) string {
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func quoteEmpty(s string) string {
	if s == "" {
		return `""`
	}
	return s
}

func packagesOf(ps []string) string {
	if len(ps) == 0 {
		return "function packages"
	}
	if len(ps) == 1 {
		return "function package " + ps[0]
	}
	return "function packages " + strings.Join(ps, ", ")
}

// join returns a single error as it is, so that a type assertion finds it.
func join(all []error) error {
	if len(all) == 1 {
		return all[0]
	}
	return errors.Join(all...)
}

// isDownload tells a failed download from other faults, by the words of the go
// command and of Go's network library, which have been stable for years.
func isDownload(text string) bool {
	for _, sign := range []string{
		"dial tcp", "dial udp", "no such host", "connection refused", "connection reset",
		"i/o timeout", "TLS handshake timeout", "network is unreachable", "proxyconnect",
		"Client.Timeout exceeded", "lookup disabled by GOPROXY", "server misbehaving",
		"tls: failed to verify certificate", "bad gateway", "502 Bad Gateway", "503 Service", "403 Forbidden",
	} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// isVersion tells a toolchain that is too old, or that could not be fetched.
func isVersion(text string) bool {
	return strings.Contains(text, "requires go >= ") || strings.Contains(text, "toolchain not available") ||
		strings.Contains(text, "invalid toolchain")
}

// buildFault turns a failed go build into a typed error.
func buildFault(k *call, text string, err error) error {
	var exit *exitError
	if !errors.As(err, &exit) {
		return err
	}
	var patterns, named []string
	for _, t := range k.targets {
		patterns = append(patterns, t.pattern)
	}
	// A fault that names a file first names its package, in a line of its own.
	for _, t := range k.targets {
		if strings.Contains("\n"+text, "\n# "+t.guess+"\n") {
			named = append(named, t.pattern)
		}
	}
	switch {
	case isDownload(text):
		return &DownloadError{Packages: patterns, Output: text}
	case isVersion(text):
		return &ToolError{Got: "of another version", Output: text}
	case len(named) > 0:
		return &CompileError{Packages: named, Output: text}
	default:
		return &CompileError{Packages: patterns, Output: text}
	}
}

// listFault turns a failed go list into a typed error. With -e it fails only
// where the module as a whole cannot be loaded.
func listFault(root, text string, err error) error {
	var exit *exitError
	if !errors.As(err, &exit) {
		return err
	}
	switch {
	case isDownload(text):
		return &DownloadError{Output: text}
	case isVersion(text):
		return &ToolError{Got: "of another version", Output: text}
	default:
		return &ModuleError{
			Dir: root, Got: "a module that go cannot load", Want: "one that go list accepts",
			Advice: "fix what go says", Output: text,
		}
	}
}
