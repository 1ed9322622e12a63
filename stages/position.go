package stages

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// Position is a place in the user's Go code. The file is relative to its module's root, with slashes,
// so that it is the same on every machine.
type Position struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// String is file:line, as compilers write it.
func (p Position) String() string {
	if p.File == "" {
		return "unknown position"
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Caller is the place in the user's code that led here: the innermost frame outside this project's
// own packages and the CDK's.
func Caller() Position {
	var pcs [64]uintptr
	n := runtime.Callers(2, pcs[:])
	return FirstUserFrame(pcs[:n])
}

// FirstUserFrame is the innermost of the frames that is the user's own code.
func FirstUserFrame(pcs []uintptr) Position {
	frames := runtime.CallersFrames(pcs)
	for {
		frame, more := frames.Next()
		if frame.Function != "" && !ours(frame.Function) {
			return Position{File: fromModuleRoot(frame.File), Line: frame.Line}
		}
		if !more {
			return Position{}
		}
	}
}

// ourPackages are those whose frames are never the user's, each with its dot so that a package whose
// path only begins alike (a test package, stack/stacktest) is not taken for one.
var ourPackages = []string{
	"github.com/roadshow-go/roadshow/stages.",
	"github.com/roadshow-go/roadshow/stack.",
	"github.com/roadshow-go/roadshow/stack/stacktest.",
	"github.com/roadshow-go/roadshow/internal/",
	"github.com/aws/aws-cdk-go/",
	"github.com/aws/constructs-go/",
	"github.com/aws/jsii-runtime-go",
	"runtime.",
	"reflect.",
}

func ours(function string) bool {
	for _, prefix := range ourPackages {
		if strings.HasPrefix(function, prefix) {
			return true
		}
	}
	return false
}

// moduleRoots remembers the module root of each folder that a frame came from.
var moduleRoots sync.Map

// fromModuleRoot makes a file's path relative to its module. A binary built with -trimpath has no
// absolute paths; they stay as the compiler wrote them.
func fromModuleRoot(file string) string {
	if !filepath.IsAbs(file) {
		return filepath.ToSlash(file)
	}
	dir := filepath.Dir(file)
	root, known := moduleRoots.Load(dir)
	if !known {
		root = moduleRootOf(dir)
		moduleRoots.Store(dir, root)
	}
	relative, err := filepath.Rel(root.(string), file)
	if err != nil {
		return filepath.ToSlash(file)
	}
	return filepath.ToSlash(relative)
}

// moduleRootOf is the nearest folder upwards that holds a go.mod, or the folder itself.
func moduleRootOf(dir string) string {
	for at := dir; ; {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at
		}
		parent := filepath.Dir(at)
		if parent == at {
			return dir
		}
		at = parent
	}
}
