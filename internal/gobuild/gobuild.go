// Package gobuild compiles Go main packages into what AWS Lambda's
// provided.al2023 runtime runs: a folder with one file named bootstrap.
//
// It knows nothing of AWS and nothing of the CDK. What it promises:
//
//   - One go build for all functions of an architecture, because the compiler
//     shares the work between them. Functions whose binaries would have the
//     same file name are spread over more calls.
//   - go build itself decides what is stale: its own cache knows best, and a
//     build that has nothing to do costs a tenth of a second.
//   - The bytes depend on the code and on the Go toolchain, and on nothing
//     else: not on the folder, the user, the HOME or the build cache. Go's
//     linker writes two identifiers that do vary (they hash the way the binary
//     was made); they are zeroed in the copy that is deployed. They are not
//     removed with -ldflags=-buildid=, because without them go build cannot
//     see that a binary is up to date and links it again every time.
//   - A folder that was handed out never changes its content: it is named by
//     the digest of its file. Files arrive by rename, so that a run that was
//     interrupted, or one that goes on at the same time, leaves no half file.
//
// # The environment of the go command
//
// The go command inherits the environment, except for what would change the
// bytes behind the code's back:
//
//   - GOOS, GOARCH, GOARM64 (v8.0), GOAMD64 (v1), CGO_ENABLED=0 and
//     GO111MODULE are set; GO_EXTLINK_ENABLED is removed; GOTMPDIR is a folder
//     of the cache, so that go's output arrives by rename.
//   - GOFLAGS is replaced, also where `go env -w` wrote it: of its flags only
//     -modcacherw survives, and only from the environment. -tags (use
//     Options.Tags), -mod, -modfile, -overlay, -gcflags, -race, -cover and the
//     like would make one machine deploy what another does not. Without -mod
//     go uses the vendor folder if there is one and never edits go.mod.
//   - GOTOOLCHAIN, GOPROXY, GOPRIVATE, GOCACHE, GOEXPERIMENT, GOFIPS140 and
//     the rest are left alone: which toolchain compiles is the user's choice,
//     and go.mod's `toolchain` line is the place to make it the same
//     everywhere.
//   - GOWORK, and a go.work file in a folder above, are respected. The program
//     that calls this package was compiled under the same workspace, and a
//     function that shares a package with it has to see the same code. Where a
//     build must not depend on a workspace, set GOWORK=off.
package gobuild

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
)

// Architectures that AWS Lambda runs, for Function.Arch.
const (
	ARM64 = "arm64"
	AMD64 = "amd64"
)

// slow is how long a build runs before it says so.
const slow = time.Second

// Function is one main package to compile for Lambda.
type Function struct {
	// Package is the main package: an import path, of this module or of one
	// that go.mod requires, or a folder that starts with "./", taken from the
	// module root and not from the working directory. Required.
	Package string

	// Arch is the processor, ARM64 or AMD64. Default: ARM64.
	Arch string
}

// Options are the settings of a build. The zero value is what a deployment uses.
type Options struct {
	// CacheDir holds the asset folders and go's own output, which makes the
	// next build quick. It can be deleted at any time between builds. Asset
	// folders that no build asked for in 14 days are removed when something
	// new is built.
	// Default: .roadshow/functions in the module root.
	CacheDir string

	// Progress gets one line if a build takes longer than a second, and none
	// otherwise. Default: silent.
	Progress io.Writer

	// Tags are build tags beside lambda.norpc, which is always set. They are
	// part of what is built: other tags, other bytes. Default: none.
	Tags []string
}

// Output is what Build made of one Function.
type Output struct {
	// Package is Function.Package as it was given.
	Package string

	// ImportPath is the package's full import path.
	ImportPath string

	// Dir is the absolute path of the asset folder. It holds one file,
	// bootstrap, mode 0755, and never changes its content.
	Dir string

	// Digest is the SHA-256 of the bootstrap file, 64 hexadecimal digits.
	// Equal code has an equal Digest on every machine with the same toolchain.
	Digest string
}

// Build compiles every function, with as few calls of go build as possible
// (one for each architecture, and one more for each further binary of a name
// that is taken), and returns for each of fns, in order, where its asset is.
// The same package may be named twice.
//
// Several processes may build into one cache: they take turns.
//
// Errors are typed: *PackageError and *ArchError for a function that cannot be
// built, *CompileError for code that does not compile, *DownloadError for a
// module that could not be downloaded, *ModuleError for a module that go
// cannot load, *ToolError for a go command that is missing or too old. Where
// several functions are wrong, all of them are reported, with errors.Join. A
// cancelled ctx stops the go command and gives the context's error.
func Build(ctx context.Context, moduleRoot string, fns []Function, opts Options) ([]Output, error) {
	if len(fns) == 0 {
		return nil, nil
	}
	w, err := newWork(moduleRoot, fns, opts)
	if err != nil {
		return nil, err
	}
	outputs := make([]Output, len(fns))
	return outputs, w.inCache(ctx, func(c *cache) error {
		paths, err := w.compile(ctx, c)
		if err != nil {
			return err
		}
		assets, err := w.assets(c, paths)
		if err != nil {
			return err
		}
		for i, f := range fns {
			t := w.byFunction[i]
			outputs[i] = Output{Package: f.Package, ImportPath: paths[w.targets[t].key()], Dir: assets[t].dir, Digest: assets[t].digest}
		}
		return nil
	})
}

// inCache runs a build while no other process uses the cache, and says so where it takes long.
func (w *work) inCache(ctx context.Context, build func(c *cache) error) error {
	said := w.announce()
	defer said.stop()
	c, err := openCache(ctx, w.cacheDir)
	if err != nil {
		return err
	}
	defer c.close()
	said.set(w.sentence())
	return build(c)
}

// assets copies what was compiled into the folders that are handed out.
func (w *work) assets(c *cache, paths map[string]string) ([]asset, error) {
	// Reading and hashing is the processor's work, so one goroutine for each.
	assets := make([]asset, len(w.targets))
	faults := make([]error, len(w.targets))
	gate := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, t := range w.targets {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			assets[i], faults[i] = c.asset(t.output, paths[t.key()])
		})
	}
	wg.Wait()
	written := false
	for i := range w.targets {
		if faults[i] != nil {
			return nil, faults[i]
		}
		written = written || assets[i].written
	}
	if written {
		c.prune(time.Now())
	}
	return assets, nil
}

// Native compiles functions for the machine that this runs on, whatever their Arch is, with the
// flags and tags of a deployment, so that they can be run here. It returns for each of fns, in
// order, the path of its program. The next build may replace the file, which does not disturb a
// process that runs it, but on Windows, where that build fails.
//
// Its errors are those of [Build].
func Native(ctx context.Context, moduleRoot string, fns []Function, opts Options) ([]string, error) {
	if len(fns) == 0 {
		return nil, nil
	}
	fns = slices.Clone(fns)
	for i := range fns {
		fns[i].Arch = ""
	}
	w, err := newWork(moduleRoot, fns, opts)
	if err != nil {
		return nil, err
	}
	w.goos = runtime.GOOS
	for _, t := range w.targets {
		t.arch = runtime.GOARCH
	}
	if err := w.inCache(ctx, func(c *cache) error { _, err := w.compile(ctx, c); return err }); err != nil {
		return nil, err
	}
	paths := make([]string, len(fns))
	for i := range fns {
		paths[i] = w.targets[w.byFunction[i]].output
	}
	return paths, nil
}

// target is one binary: a package for an architecture. Functions that name the
// same package share it.
type target struct {
	pattern string // what the go command is given: an import path, or ./…
	arch    string
	guess   string // the import path it should have, before go was asked
	output  string // the file go build writes
}

// key tells targets apart.
func (t *target) key() string { return t.arch + " " + t.pattern }

// work is one call of Build.
type work struct {
	root       string
	goos       string // that the binaries are for
	cacheDir   string
	goCommand  string
	tags       string
	progress   io.Writer
	targets    []*target
	byFunction []int // index into targets
}

func newWork(moduleRoot string, fns []Function, opts Options) (*work, error) {
	module, root, err := readModule(moduleRoot)
	if err != nil {
		return nil, err
	}
	w := &work{root: root, goos: "linux", cacheDir: opts.CacheDir, progress: opts.Progress, byFunction: make([]int, len(fns))}
	if w.cacheDir == "" {
		w.cacheDir = filepath.Join(root, ".roadshow", "functions")
	}
	if w.cacheDir, err = filepath.Abs(w.cacheDir); err != nil {
		return nil, fmt.Errorf("function cache %s: %w", opts.CacheDir, err)
	}
	if w.tags, err = joinTags(opts.Tags); err != nil {
		return nil, err
	}
	var wrong []error
	seen := map[string]int{}
	for i, f := range fns {
		t, err := newTarget(f, module)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		at, ok := seen[t.key()]
		if !ok {
			at = len(w.targets)
			seen[t.key()] = at
			w.targets = append(w.targets, t)
		}
		w.byFunction[i] = at
	}
	if len(wrong) > 0 {
		return nil, join(wrong)
	}
	if w.goCommand, err = findGo(); err != nil {
		return nil, err
	}
	return w, nil
}

func joinTags(tags []string) (string, error) {
	all := []string{"lambda.norpc"}
	for _, tag := range tags {
		if tag == "" || strings.ContainsAny(tag, ", \t\n'\"") {
			return "", fmt.Errorf("function builds: the build tag %q is not a single word.\nWrite each tag as a string of its own", tag)
		}
		all = append(all, tag)
	}
	sort.Strings(all[1:]) // the order of tags is recorded in the binary
	return strings.Join(all, ","), nil
}

// compile runs go build and, beside it, go list about the targets that are not certain: go build
// does not say whether a package is a main package, nor its import path. It returns the import
// paths by the target's key.
func (w *work) compile(ctx context.Context, c *cache) (map[string]string, error) {
	paths, doubtful := map[string]string{}, []*target{}
	for _, t := range w.targets {
		paths[t.key()] = t.guess
		if !w.certain(t) {
			doubtful = append(doubtful, t)
		}
	}
	buildCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		listed  map[string]string
		listErr error
	)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if listed, listErr = w.list(ctx, doubtful); listErr != nil {
			cancel() // go build cannot succeed, or not with what was asked for
		}
	}()
	buildErr := w.run(buildCtx, c, w.plan(c, paths))
	<-done
	if buildErr != nil && listErr == nil && ctx.Err() == nil {
		_, listErr = w.list(ctx, w.targets) // what go list has to say, it says better
	}
	if listErr != nil {
		return nil, listErr
	}

	// Where a guess was wrong (a module inside the module, in a workspace), two
	// binaries may have had the same name. It is rare, and another go build
	// links only what is missing.
	maps.Copy(paths, listed)
	for _, t := range w.targets {
		if executable(paths[t.key()]) != executable(t.guess) {
			return paths, w.run(ctx, c, w.plan(c, paths))
		}
	}
	return paths, buildErr
}

// call is one go build.
type call struct {
	arch    string
	dir     string
	targets []*target
}

// plan spreads the targets over calls, so that no two binaries of a call have
// the same file name, and tells each target its output. paths holds the import
// path of each target, by its key.
func (w *work) plan(c *cache, paths map[string]string) []*call {
	// Sorted by import path, so that a binary keeps its place when functions
	// are reordered: in another place it would be linked again.
	sorted := append([]*target(nil), w.targets...)
	sort.SliceStable(sorted, func(i, j int) bool { return paths[sorted[i].key()] < paths[sorted[j].key()] })

	var calls []*call
	byDir := map[string]*call{}
	owner := map[string]string{} // import path by output file
	for _, t := range sorted {
		path := paths[t.key()]
		name := executable(path)
		if w.goos == "windows" {
			name += ".exe"
		}
		for n := 1; ; n++ {
			dir := c.outputDir(w.platform(t.arch), w.tags, n)
			// Lower case, because a file system may not tell the cases apart.
			slot := filepath.Join(dir, strings.ToLower(name))
			if o, taken := owner[slot]; taken && o != path {
				continue
			}
			owner[slot] = path
			t.output = filepath.Join(dir, name)
			k, ok := byDir[dir]
			if !ok {
				k = &call{arch: t.arch, dir: dir}
				byDir[dir] = k
				calls = append(calls, k)
			}
			k.targets = append(k.targets, t)
			break
		}
	}
	return calls
}

// run makes the calls, at the same time: most have little to do.
func (w *work) run(ctx context.Context, c *cache, calls []*call) error {
	faults := make([]error, len(calls))
	var wg sync.WaitGroup
	for i, k := range calls {
		wg.Go(func() { faults[i] = w.goBuild(ctx, c, k) })
	}
	wg.Wait()
	for _, err := range faults {
		// The first is enough: the calls mostly fail for the same reason.
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *work) goBuild(ctx context.Context, c *cache, k *call) error {
	args := []string{
		"build",
		"-o", k.dir + string(filepath.Separator),
		"-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w", // no symbol table, no DWARF: a third of the size
		"-tags", w.tags,
		"--",
	}
	for _, t := range k.targets {
		args = append(args, t.pattern)
	}
	// go build takes up a binary whose header is right, so one that was cut
	// short (by a full disk, say) would stay broken.
	for _, t := range k.targets {
		if w.goos == "linux" {
			removeBroken(t.output)
		}
	}
	_, text, err := w.goRun(ctx, k.arch, c.tmp, args)
	if err == nil {
		return nil
	}
	return buildFault(k, text, err)
}

// platform names the outputs of an architecture: of Linux by it alone.
func (w *work) platform(arch string) string {
	if w.goos == "linux" {
		return arch
	}
	return w.goos + "-" + arch
}

// sentence is the progress line.
func (w *work) sentence() string {
	arches := map[string]bool{}
	for _, t := range w.targets {
		arches[w.goos+"/"+t.arch] = true
	}
	n := "1 function"
	if len(w.targets) > 1 {
		n = fmt.Sprintf("%d functions", len(w.targets))
	}
	return fmt.Sprintf("building %s for %s", n, strings.Join(sortedKeys(arches), " and "))
}

func sortedKeys(m map[string]bool) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// announcement writes one line to a writer, if it is not stopped before.
type announcement struct {
	mu   sync.Mutex
	line string
	over bool
	t    *time.Timer
}

func (w *work) announce() *announcement {
	a := &announcement{line: "waiting for another build of these functions"}
	if w.progress != nil {
		a.t = time.AfterFunc(slow, func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			if !a.over {
				fmt.Fprintln(w.progress, a.line)
			}
		})
	}
	return a
}

func (a *announcement) set(line string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.line = line
}

// stop returns when nothing will be written any more.
func (a *announcement) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	if a.t != nil {
		a.t.Stop()
	}
}
