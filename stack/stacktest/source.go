package stacktest

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"

	"github.com/roadshow-go/roadshow/internal/program"
	"github.com/roadshow-go/roadshow/internal/reads"
	"github.com/roadshow-go/roadshow/stack"
)

// readCode reads the code of an app for what it reads besides its stage: from the app's Define and,
// where that stands in no test, from the main function of the nearest cdk.json's program. environ
// is the go command's environment.
func readCode(ctx context.Context, app stack.App, environ []string) (*reads.Report, error) {
	define := runtime.FuncForPC(reflect.ValueOf(app.Define).Pointer())
	file, line := define.FileLine(define.Entry())
	if !filepath.IsAbs(file) {
		// A method's value has no line of its own, and a trimmed binary no files: all of the test's
		// package counts.
		return readFrom(ctx, reads.Program{Dir: ".", Packages: []string{"."}, Tests: true, Env: environ}, reads.Start{})
	}
	dir, start := filepath.Dir(file), reads.Start{File: file, Line: line}
	if strings.HasSuffix(file, "_test.go") {
		return readFrom(ctx, reads.Program{Dir: dir, Packages: []string{"."}, Tests: true, Env: environ}, start)
	}
	source := reads.Program{Dir: dir, Packages: []string{"."}, Env: environ}
	if found, err := program.Find(dir, ""); err == nil {
		main := found.Source()
		if relative, err := filepath.Rel(main.Dir, dir); err == nil {
			main.Env = environ
			main.Packages = append(main.Packages, "./"+filepath.ToSlash(relative))
			source = main
		}
	}
	return readFrom(ctx, source, start)
}

// codes are the programs that this process has read: the tests of one package often prove several
// apps.
var codes sync.Map

func readFrom(ctx context.Context, source reads.Program, start reads.Start) (*reads.Report, error) {
	key := fmt.Sprint(source.Dir, source.Packages, source.BuildFlags, source.Tests)
	code, known := codes.Load(key)
	if !known {
		loaded, err := reads.Load(ctx, source)
		if err != nil {
			return nil, err
		}
		code = loaded
		codes.Store(key, code)
	}
	return code.(reads.Code).Find(start), nil
}
