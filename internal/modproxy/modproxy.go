// Package modproxy packs modules of a checkout, as it stands, into a folder that the go command takes
// modules from. So the examples are built as their users build them: from a downloaded module, without
// replace, and with nothing that a module leaves behind.
package modproxy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// Proxy is a folder of packed modules.
type Proxy struct {
	checkout, folder string
	files            []string // of the checkout, with slashes
	packed           []packed
}

// packed is one module: its version, and what go.sum says of it.
type packed struct {
	module.Version
	sum, sumOfMod string
}

// versionPrefix begins the versions of packed modules. What follows is a digest of the content: the
// module cache never forgets what it has seen under a version.
const versionPrefix = "v0.0.0-example.h"

// forgotten is how old a packed version in the module cache has to be before it is removed.
const forgotten = 24 * time.Hour

// Pack packs the modules in folders of the checkout ("." is the main one) into a folder that is made where
// it does not exist. A module that requires another one comes after it. What git ignores stays behind, and
// so does what a module leaves out.
func Pack(checkout, folder string, dirs ...string) (*Proxy, error) {
	p := &Proxy{checkout: checkout, folder: folder}
	var err error
	if p.files, err = list(checkout); err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		if err := p.pack(dir); err != nil {
			return nil, fmt.Errorf("module of %s: %w", dir, err)
		}
	}
	return p, p.forget()
}

// list is the files of a checkout that git knows or would.
func list(checkout string) ([]string, error) {
	command := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	command.Dir = checkout
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	files := strings.Split(strings.TrimRight(string(output), "\x00"), "\x00")
	slices.Sort(files)
	return slices.Compact(files), nil
}

// file is one of a module. Its content may differ from the checkout's: go.mod requires what was packed.
type file struct {
	path string // in the module
	data []byte
}

// Path, Lstat and Open fulfil [zip.File].
func (f file) Path() string { return f.path }

// Lstat says what a plain file of this content would.
func (f file) Lstat() (os.FileInfo, error) { return f, nil }

// Open reads the content.
func (f file) Open() (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(string(f.data))), nil
}

// Name and the methods below fulfil [fs.FileInfo].
func (f file) Name() string { return path.Base(f.path) }

// Size is in bytes.
func (f file) Size() int64 { return int64(len(f.data)) }

// Mode is that of a plain file.
func (f file) Mode() fs.FileMode { return 0o644 }

// ModTime is none: a module's zip has no times.
func (f file) ModTime() time.Time { return time.Time{} }

// IsDir tells that it is none.
func (f file) IsDir() bool { return false }

// Sys is nothing.
func (f file) Sys() any { return nil }

// module reads the module in a folder of the checkout, without those in folders below it.
func (p *Proxy) module(dir string) ([]file, error) {
	prefix := ""
	if dir != "." {
		prefix = dir + "/"
	}
	var below []string
	for _, name := range p.files {
		if inside, ok := strings.CutPrefix(name, prefix); ok && inside != "go.mod" && path.Base(inside) == "go.mod" {
			below = append(below, path.Dir(inside)+"/")
		}
	}
	var files []file
	for _, name := range p.files {
		inside, ok := strings.CutPrefix(name, prefix)
		if !ok || slices.ContainsFunc(below, func(other string) bool { return strings.HasPrefix(inside, other) }) {
			continue
		}
		full := filepath.Join(p.checkout, filepath.FromSlash(name))
		if info, err := os.Lstat(full); errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			continue // deleted and not yet committed, or a link, which no module holds
		}
		data, err := os.ReadFile(full)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		switch inside {
		case "go.mod":
			data, err = p.require(data)
		case "go.sum":
			data = p.addSums(data)
		}
		if err != nil {
			return nil, err
		}
		files = append(files, file{inside, data})
	}
	if !slices.ContainsFunc(files, func(f file) bool { return f.path == "go.mod" }) {
		return nil, errors.New("go.mod is missing, want a module; name its folder")
	}
	return files, nil
}

// require has a go.mod require what was packed, where it requires these modules at all.
func (p *Proxy) require(data []byte) ([]byte, error) {
	parsed, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		return nil, err
	}
	for _, one := range p.packed {
		if slices.ContainsFunc(parsed.Require, func(r *modfile.Require) bool { return r.Mod.Path == one.Path }) {
			if err := parsed.AddRequire(one.Path, one.Version.Version); err != nil {
				return nil, err
			}
		}
	}
	return parsed.Format()
}

// addSums adds to a go.sum what was packed. Everything else has to be in it already.
func (p *Proxy) addSums(data []byte) []byte {
	for _, one := range p.packed {
		data = fmt.Appendf(data, "%s %s %s\n%s %s/go.mod %s\n", one.Path, one.Version.Version, one.sum, one.Path, one.Version.Version, one.sumOfMod)
	}
	return data
}

func (p *Proxy) pack(dir string) error {
	files, err := p.module(dir)
	if err != nil {
		return err
	}
	digest := sha256.New()
	zipped := make([]zip.File, len(files))
	var mod []byte
	for i, one := range files {
		fmt.Fprintf(digest, "%s\x00%d\x00%s", one.path, len(one.data), one.data)
		zipped[i] = one
		if one.path == "go.mod" {
			mod = one.data
		}
	}
	this := packed{Version: module.Version{Path: modfile.ModulePath(mod), Version: versionPrefix + hex.EncodeToString(digest.Sum(nil))[:12]}}
	escaped, err := module.EscapePath(this.Path)
	if err != nil {
		return err
	}
	// https://go.dev/ref/mod#goproxy-protocol
	at := filepath.Join(p.folder, filepath.FromSlash(escaped), "@v", this.Version.Version)
	archive := at + ".zip"
	now := time.Now()
	if os.Chtimes(archive, now, now) != nil { // it is not there yet
		err := write(archive, func(to io.Writer) error { return zip.Create(to, this.Version, zipped) })
		if err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		at + ".mod":  string(mod),
		at + ".info": fmt.Sprintf("{\"Version\":%q,\"Time\":\"2026-01-01T00:00:00Z\"}\n", this.Version.Version),
		// What is installed by version is asked about in the latest one, too.
		filepath.Join(filepath.Dir(at), "list"): this.Version.Version + "\n",
	} {
		if err := write(name, func(to io.Writer) error { _, err := io.WriteString(to, text); return err }); err != nil {
			return err
		}
	}
	if this.sum, err = dirhash.HashZip(archive, dirhash.Hash1); err != nil {
		return err
	}
	this.sumOfMod, err = dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(string(mod))), nil
	})
	p.packed = append(p.packed, this)
	return err
}

// write makes a file whole or not at all: two runs may do so at the same time.
func write(name string, content func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	fresh, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(fresh.Name())
	err = errors.Join(content(fresh), fresh.Chmod(0o644), fresh.Close())
	if err != nil {
		return err
	}
	return os.Rename(fresh.Name(), name)
}

// Copy writes the module in a folder of the checkout to another folder, where it requires what was packed.
// Files that are there as they shall be are left alone; those that the module does not have are removed.
func (p *Proxy) Copy(dir, to string) error {
	files, err := p.module(dir)
	if err != nil {
		return fmt.Errorf("module of %s: %w", dir, err)
	}
	for _, one := range files {
		name := filepath.Join(to, filepath.FromSlash(one.path))
		if before, err := os.ReadFile(name); err == nil && string(before) == string(one.data) {
			continue
		}
		if err := write(name, func(to io.Writer) error { _, err := to.Write(one.data); return err }); err != nil {
			return err
		}
	}
	return filepath.WalkDir(to, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		inside, err := filepath.Rel(to, name)
		if err != nil || slices.ContainsFunc(files, func(f file) bool { return f.path == filepath.ToSlash(inside) }) {
			return err
		}
		return os.Remove(name)
	})
}

// Environ are the variables (NAME=value) with which the go command finds the packed modules, and all others
// where it finds them else. No checksum database knows the packed ones.
func (p *Proxy) Environ() ([]string, error) {
	settings, err := goEnv("GOPROXY", "GONOSUMDB")
	if err != nil {
		return nil, err
	}
	folder, err := filepath.Abs(p.folder)
	if err != nil {
		return nil, err
	}
	address := "file://" + filepath.ToSlash(folder)
	if !strings.HasPrefix(filepath.ToSlash(folder), "/") {
		address = "file:///" + filepath.ToSlash(folder)
	}
	unknown := settings[1]
	for _, one := range p.packed {
		unknown = strings.TrimPrefix(unknown+","+one.Path, ",")
	}
	return []string{"GOPROXY=" + address + "," + settings[0], "GONOSUMDB=" + unknown, "GONOPROXY=none", "GOWORK=off"}, nil
}

func goEnv(names ...string) ([]string, error) {
	output, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	return strings.Split(strings.TrimRight(string(output), "\r\n")+strings.Repeat("\n", len(names)), "\n")[:len(names)], nil
}

// forget removes what earlier runs have packed and nobody will ask for again, from the module cache too.
func (p *Proxy) forget() error {
	settings, err := goEnv("GOMODCACHE")
	if err != nil {
		return err
	}
	for _, one := range p.packed {
		escaped, err := module.EscapePath(one.Path)
		if err != nil {
			return err
		}
		cached := filepath.Join(settings[0], filepath.FromSlash(escaped))
		download := filepath.Join(settings[0], "cache", "download", filepath.FromSlash(escaped), "@v")
		own := filepath.Join(p.folder, filepath.FromSlash(escaped), "@v")
		for _, pattern := range []string{
			cached + "@" + versionPrefix + "*", filepath.Join(download, versionPrefix+"*"), filepath.Join(own, versionPrefix+"*"),
		} {
			old, err := filepath.Glob(pattern)
			if err != nil {
				return err
			}
			for _, name := range old {
				info, err := os.Stat(name)
				if err != nil || time.Since(info.ModTime()) < forgotten || strings.Contains(name, one.Version.Version) {
					continue
				}
				discard(name)
			}
		}
	}
	return nil
}

// discard removes a folder of the module cache, whose folders are read-only. What stays is tried again.
func discard(name string) {
	_ = filepath.WalkDir(name, func(at string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			return os.Chmod(at, 0o755)
		}
		return err
	})
	_ = os.RemoveAll(name)
}
