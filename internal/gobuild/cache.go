package gobuild

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"sync"
	"time"
)

const (
	// bootstrap is the file that Lambda starts.
	bootstrap = "bootstrap"

	// maskVersion is part of what is remembered about a binary: count it up
	// when masked changes.
	maskVersion = "1"

	// lifetime is how long an asset is kept that no build asks for. A cloud
	// assembly names asset folders by their path, so it must outlive the time
	// between a synthesis and its deployment.
	lifetime = 14 * 24 * time.Hour
)

// cache is a folder like this, held by one process at a time:
//
//	<digest>/bootstrap   the assets
//	.build/lock          held while a build runs
//	.build/tmp           work in progress, on the same disk as the assets
//	.build/out/…         go build's output, with its build ids, for go build
//	.build/known/<id>    what is known of a binary, by its Go build id
//	.build/used/<digest> when a build last asked for an asset
type cache struct {
	dir, build, tmp string
	unlock          func()
}

// openCache makes the folder if need be and waits until no other process uses it.
func openCache(ctx context.Context, dir string) (*cache, error) {
	c := &cache{dir: dir, build: filepath.Join(dir, ".build")}
	c.tmp = filepath.Join(c.build, "tmp")
	fail := func(err error) (*cache, error) {
		return nil, fmt.Errorf("function cache %s cannot be used: %w.\nMake it a folder that can be written to, or choose another", dir, err)
	}
	if _, err := os.Stat(c.build); errors.Is(err, fs.ErrNotExist) {
		for _, d := range []string{"tmp", "out", "known", "used"} {
			if err := os.MkdirAll(filepath.Join(c.build, d), 0o755); err != nil {
				return fail(err)
			}
		}
		// Binaries never belong into a repository; a cache folder in one says
		// so itself. It is a courtesy: a failure is of no matter.
		_ = os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*\n"), 0o644)
	}
	unlock, err := lock(ctx, filepath.Join(c.build, "lock"))
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("function builds: stopped while waiting for another build: %w", context.Cause(ctx))
		}
		return fail(err)
	}
	c.unlock = unlock
	// Nobody else is at work here, so what lies in tmp is of a run that was
	// killed.
	if left, _ := os.ReadDir(c.tmp); len(left) > 0 {
		_ = os.RemoveAll(c.tmp)
	}
	for _, d := range []string{"tmp", "out", "known", "used"} {
		if err := os.MkdirAll(filepath.Join(c.build, d), 0o755); err != nil {
			unlock()
			return fail(err)
		}
	}
	return c, nil
}

func (c *cache) close() { c.unlock() }

// outputDir is where the n-th go build for an architecture and tags writes.
// Other tags have another folder, so that builds with both do not undo each
// other.
func (c *cache) outputDir(arch, tags string, n int) string {
	sum := sha256.Sum256([]byte(tags))
	return filepath.Join(c.build, "out", fmt.Sprintf("%s-%s-%d", arch, hex.EncodeToString(sum[:4]), n))
}

// known is what is remembered of a binary that go built.
type known struct {
	ImportPath string
	Size       int64 // of the binary and of its masked copy
	Digest     string
}

// asset is a folder to deploy.
type asset struct {
	dir, digest string
	written     bool // by this call
}

// asset makes, or finds, the asset of the binary that go build left in output.
//
// Go's build id holds a hash of the whole binary, and go build itself trusts
// it. So a binary whose id was seen before is not read: ten functions would be
// a hundred megabytes.
func (c *cache) asset(output, importPath string) (asset, error) {
	fail := func(err error) (asset, error) {
		return asset{}, fmt.Errorf("function package %s: %s: %w", importPath, filepath.Base(output), err)
	}
	id, size, err := identify(output)
	if err != nil {
		return fail(err)
	}
	sum := sha256.Sum256([]byte(maskVersion + "\n" + id))
	note := filepath.Join(c.build, "known", hex.EncodeToString(sum[:]))
	if k, ok := readKnown(note); ok && id != "" && k.Size == size && k.ImportPath == importPath && c.holds(k.Digest, size) {
		c.touch(k.Digest)
		return asset{dir: filepath.Join(c.dir, k.Digest), digest: k.Digest}, nil
	}

	info, err := buildinfo.ReadFile(output)
	if err != nil {
		return fail(err)
	}
	if info.Path != importPath {
		return fail(fmt.Errorf("the binary is of %s", info.Path))
	}
	digest, copied, err := c.mask(output, size)
	if err != nil {
		return fail(err)
	}
	defer os.Remove(copied) // after the rename there is nothing to remove
	k := known{ImportPath: importPath, Size: size, Digest: digest}
	a := asset{dir: filepath.Join(c.dir, k.Digest), digest: k.Digest}
	if !c.holds(k.Digest, k.Size) {
		if err := os.MkdirAll(a.dir, 0o755); err != nil {
			return fail(err)
		}
		if err := os.Rename(copied, filepath.Join(a.dir, bootstrap)); err != nil {
			return fail(err)
		}
		a.written = true
	}
	c.touch(k.Digest)
	// What is not remembered is worked out again: no error.
	if text, err := json.Marshal(k); err == nil && id != "" {
		if noted, err := c.draft(bytes.NewReader(text), 0o644); err == nil {
			_ = os.Rename(noted, note)
		}
	}
	return a, nil
}

// mask makes a masked copy of a binary, and its digest. To hash and to write take as long: both at
// once.
func (c *cache) mask(output string, size int64) (digest, copied string, err error) {
	f, err := os.Open(output)
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	toHash, err := masked(f, size)
	if err != nil {
		return "", "", err
	}
	toWrite, err := masked(f, size)
	if err != nil {
		return "", "", err
	}
	var fault error
	var wg sync.WaitGroup
	wg.Go(func() { copied, fault = c.draft(toWrite, 0o755) })
	sum := sha256.New()
	_, err = io.Copy(sum, toHash)
	wg.Wait()
	if err = errors.Join(err, fault); err != nil {
		os.Remove(copied)
		return "", "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), copied, nil
}

// identify reads a binary's Go build id and size.
func identify(file string) (id string, size int64, err error) {
	f, err := os.Open(file)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", 0, err
	}
	id, err = buildID(f, info.Size())
	return id, info.Size(), err
}

// removeBroken removes a file that is not a whole ELF file.
func removeBroken(file string) {
	if _, _, err := identify(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		_ = os.Remove(file)
	}
}

func readKnown(file string) (known, bool) {
	var k known
	text, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(text, &k) != nil || !digestName.MatchString(k.Digest) {
		return known{}, false
	}
	return k, true
}

// holds says whether the asset is there, of the right size and executable.
func (c *cache) holds(digest string, size int64) bool {
	info, err := os.Lstat(filepath.Join(c.dir, digest, bootstrap))
	if err != nil || !info.Mode().IsRegular() || info.Size() != size {
		return false
	}
	// Windows has no such modes; the CDK command zips with its own there.
	return runtime.GOOS == "windows" || info.Mode().Perm() == 0o755
}

// draft writes a file that is to be put in its place by rename, with exactly this mode.
func (c *cache) draft(from io.Reader, mode fs.FileMode) (name string, err error) {
	f, err := os.CreateTemp(c.tmp, "new-*")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, from)
	// Not by OpenFile, whose mode is subject to the umask.
	if err := errors.Join(err, f.Chmod(mode), f.Close()); err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// touch marks an asset as used now, to the hour.
func (c *cache) touch(digest string) {
	file, now := filepath.Join(c.build, "used", digest), time.Now()
	if info, err := os.Stat(file); err == nil {
		if now.Sub(info.ModTime()) > time.Hour {
			_ = os.Chtimes(file, now, now)
		}
		return
	}
	_ = os.WriteFile(file, nil, 0o644)
}

var digestName = regexp.MustCompile(`^[0-9a-f]{64}$`)

// prune removes what no build asked for in a lifetime. It never fails: what
// cannot be removed is left for the next time.
func (c *cache) prune(now time.Time) {
	old := func(info fs.FileInfo, err error) bool { return err == nil && now.Sub(info.ModTime()) > lifetime }
	for _, sub := range []string{"known", "used"} {
		files, _ := os.ReadDir(filepath.Join(c.build, sub))
		for _, f := range files {
			if old(f.Info()) {
				_ = os.Remove(filepath.Join(c.build, sub, f.Name()))
			}
		}
	}
	// go build sets the time of a binary that it finds up to date.
	outputs, _ := filepath.Glob(filepath.Join(c.build, "out", "*", "*"))
	for _, f := range outputs {
		if old(os.Stat(f)) {
			_ = os.Remove(f)
		}
	}
	folders, _ := os.ReadDir(c.dir)
	for _, f := range folders {
		if !f.IsDir() || !digestName.MatchString(f.Name()) || !old(f.Info()) {
			continue
		}
		if _, err := os.Stat(filepath.Join(c.build, "used", f.Name())); errors.Is(err, fs.ErrNotExist) {
			_ = os.RemoveAll(filepath.Join(c.dir, f.Name()))
		}
	}
}
