package gobuild

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	gopackage "go/build"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

// newTarget refuses what the go command would take for something else: a
// pattern of many packages, a file, a flag.
func newTarget(f Function, module string) (*target, error) {
	t := &target{pattern: f.Package, arch: f.Arch}
	if t.arch == "" {
		t.arch = ARM64
	}
	if t.arch != ARM64 && t.arch != AMD64 {
		return nil, &ArchError{Package: f.Package, Arch: f.Arch}
	}
	refuse := func(got string) (*target, error) {
		return nil, &PackageError{
			Package: f.Package, Got: got,
			Want:   "an import path, or a folder of the module that starts with ./",
			Advice: "write ./functions/NAME, from the module root",
		}
	}
	p := f.Package
	local := p == "." || strings.HasPrefix(p, "./")
	switch {
	case p == "":
		return refuse("empty")
	case strings.Contains(p, "..."):
		return refuse("a pattern of many packages")
	case strings.HasPrefix(p, "../") || p == ".." || local && strings.HasPrefix(path.Clean(p), ".."):
		return refuse("a folder outside the module")
	case strings.HasPrefix(p, "/") || strings.Contains(p, `\`) || len(p) > 1 && p[1] == ':':
		return refuse("an absolute path or one with backslashes")
	case strings.HasSuffix(p, ".go"):
		return refuse("a file")
	case strings.Contains(p, "@"):
		return refuse("a path with a version, which belongs into go.mod")
	case strings.HasPrefix(p, "-") || strings.ContainsAny(p, " \t\r\n\x00"):
		return refuse("not a path")
	case p == "all" || p == "std" || p == "cmd" || p == "tool" || p == "work" || p == "main":
		return refuse("a word that go reserves")
	}
	if !local {
		t.guess = p
		return t, nil
	}
	clean := path.Clean(p)
	t.pattern = "./" + clean
	if clean == "." {
		t.pattern = "."
	}
	t.guess = path.Join(module, clean)
	return t, nil
}

// executable is the name that go build gives a binary: the last element of the
// import path, or the one before a major version.
func executable(importPath string) string {
	dir, name := path.Split(importPath)
	if dir != "" && isMajorVersion(name) {
		name = path.Base(dir)
	}
	return name
}

// isMajorVersion accepts v2, v3 and so on, as the go command does.
func isMajorVersion(s string) bool {
	if len(s) < 2 || s[0] != 'v' || s[1] == '0' || s == "v1" {
		return false
	}
	return strings.Trim(s[1:], "0123456789") == ""
}

// listedPackage is what is read of go list's answer.
type listedPackage struct {
	ImportPath string
	Name       string
	GoFiles    []string
	Match      []string
	Error      *struct {
		Pos string
		Err string
	}
}

// certain tells, without starting a go command, that a target is what it looks like: a main package
// in a folder of this module, whose import path is as guessed. With go list for all of them a build
// with one changed function would take a tenth longer.
func (w *work) certain(t *target) bool {
	if !strings.HasPrefix(t.pattern, ".") {
		return false
	}
	folder := filepath.Join(w.root, filepath.FromSlash(t.pattern))
	for above := folder; above != w.root; above = filepath.Dir(above) {
		if _, err := os.Lstat(filepath.Join(above, "go.mod")); err == nil {
			return false // a module inside the module
		}
	}
	linux := gopackage.Default
	linux.GOOS, linux.GOARCH, linux.CgoEnabled, linux.BuildTags = "linux", t.arch, false, strings.Split(w.tags, ",")
	pkg, err := linux.ImportDir(folder, 0)
	return err == nil && pkg.Name == "main" && len(pkg.GoFiles) > 0
}

// list asks go list about targets, one call for each architecture (a file may be for one of them
// only), and returns their import paths by the target's key.
func (w *work) list(ctx context.Context, targets []*target) (map[string]string, error) {
	patterns := map[string][]string{}
	for _, t := range targets {
		patterns[t.arch] = append(patterns[t.arch], t.pattern)
	}
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		all   = map[string]listedPackage{}
		fault error
	)
	for arch, ps := range patterns {
		wg.Go(func() {
			answer, err := w.goList(ctx, arch, ps)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				fault = err
				return
			}
			for _, p := range answer {
				for _, m := range p.Match {
					all[arch+" "+m] = p
				}
			}
		})
	}
	wg.Wait()
	if fault != nil {
		return nil, fault
	}
	var wrong []error
	paths := map[string]string{}
	for _, t := range targets {
		if err := judge(t, all); err != nil {
			wrong = append(wrong, err)
		}
		paths[t.key()] = all[t.key()].ImportPath
	}
	if len(wrong) > 0 {
		return nil, join(wrong)
	}
	return paths, nil
}

func (w *work) goList(ctx context.Context, arch string, patterns []string) ([]listedPackage, error) {
	// -find: the imports are go build's business, and take ten times as long.
	args := append([]string{"list", "-e", "-find", "-json=ImportPath,Name,GoFiles,Match,Error", "-tags", w.tags, "--"}, patterns...)
	out, text, err := w.goRun(ctx, arch, "", args)
	if err != nil {
		return nil, listFault(w.root, text, err)
	}
	var answer []listedPackage
	for d := json.NewDecoder(strings.NewReader(out)); ; {
		var p listedPackage
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return answer, nil
		}
		if err != nil {
			return nil, fmt.Errorf("function packages: go list answered what is not JSON: %w", err)
		}
		answer = append(answer, p)
	}
}

// judge says what is wrong with a listed target, or nil.
func judge(t *target, all map[string]listedPackage) error {
	const want = "a main package"
	p, ok := all[t.key()]
	if !ok {
		return &PackageError{
			Package: t.pattern, Got: "unknown to go list", Want: want,
			Advice: "write an import path, or a folder that starts with ./",
		}
	}
	if p.Error != nil && p.Name != "main" || p.Name == "" {
		text := ""
		if p.Error != nil {
			text = strings.TrimSpace(p.Error.Err)
		}
		if isDownload(text) {
			return &DownloadError{Packages: []string{t.pattern}, Output: text}
		}
		e := &PackageError{Package: t.pattern, Want: want, Output: text}
		switch {
		case strings.Contains(text, "directory not found"):
			e.Got = "a folder that does not exist"
			e.Advice = "write an existing folder, from the module root, not from the working directory"
			e.Output = "" // a longer way to say the same, with this machine's path
		case strings.HasPrefix(text, "no Go files in"):
			e.Got = "a folder without Go files"
			e.Advice = "write the folder that holds func main"
			e.Output = ""
		case strings.Contains(text, "build constraints exclude all Go files"):
			e.Got = "a folder whose Go files are all excluded by build constraints"
			e.Advice = "make one of them build for linux/" + t.arch + " with the tags in use"
		case strings.Contains(text, "no required module provides package"), strings.Contains(text, "cannot find module providing package"):
			e.Got = "an import path that no module in go.mod provides"
			e.Advice = "run go get with the module's version, or, for a folder of this module, start with ./"
		case strings.Contains(text, "is not in std"):
			e.Got = "neither of this module nor of one that go.mod requires"
			e.Advice = "for a folder of this module, start with ./"
		default:
			e.Got = "a package that go cannot read"
			e.Advice = "fix what go says"
		}
		return e
	}
	if p.Name != "main" {
		return &PackageError{
			Package: t.pattern, Got: "package " + p.Name, Want: want,
			Advice: "write package main with a func main that calls lambda.Start, or name the folder that has one",
		}
	}
	if len(p.GoFiles) == 0 {
		return &PackageError{
			Package: t.pattern, Got: "a folder of tests only", Want: want,
			Advice: "write the folder that holds func main",
		}
	}
	return nil
}
