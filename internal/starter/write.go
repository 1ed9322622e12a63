package starter

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/roadshow-go/roadshow/stages"
)

// ExistError says that files stand where some would be written. Nothing was written then.
type ExistError struct {
	// Dir is the folder, Files what is there already, from the folder, with slashes.
	Dir   string
	Files []string
}

// Error is a sentence, and an order.
func (e *ExistError) Error() string {
	return fmt.Sprintf("Folder %s has %s already, so nothing was written.\nMove that away, or write --dir with another folder.",
		e.Dir, strings.Join(e.Files, ", "))
}

// write makes all files below a folder, which it makes too, or none: what exists is never written over, and
// what was made is removed where another could not be.
func write(dir string, files []file) (err error) {
	var made made
	defer func() {
		if err != nil {
			made.remove()
		}
	}()
	if err := made.folder(dir); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir) // a link does not lead out of it
	if err != nil {
		return err
	}
	defer root.Close()
	if err := refuseExisting(root, dir, files); err != nil {
		return err
	}
	for _, one := range files {
		for at := range parents(one.path) {
			switch err := root.Mkdir(filepath.FromSlash(at), 0o755); {
			case err == nil:
				made = append(made, filepath.Join(dir, filepath.FromSlash(at)))
			case !errors.Is(err, fs.ErrExist):
				return err
			}
		}
		name := filepath.FromSlash(one.path)
		out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) { // since a moment
			return &ExistError{Dir: dir, Files: []string{one.path}}
		}
		if err != nil {
			return err
		}
		made = append(made, filepath.Join(dir, name))
		_, err = out.Write(one.data)
		if err := errors.Join(err, out.Close()); err != nil {
			return err
		}
	}
	return nil
}

// parents are the folders above a path, the outermost first.
func parents(name string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i, c := range name {
			if c == '/' && !yield(name[:i]) {
				return
			}
		}
	}
}

// refuseExisting finds what stands where a file would be written, or a folder that leads to one.
func refuseExisting(root *os.Root, dir string, files []file) error {
	var there []string
	for _, one := range files {
		for at := range parents(one.path) {
			info, err := root.Stat(filepath.FromSlash(at))
			if err == nil && !info.IsDir() && !slices.Contains(there, at) {
				there = append(there, at)
			}
		}
		_, err := root.Lstat(filepath.FromSlash(one.path))
		switch {
		case err == nil:
			there = append(there, one.path)
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
			return err
		}
	}
	if len(there) > 0 {
		return &ExistError{Dir: dir, Files: there}
	}
	return nil
}

// made is what was made, the outermost first.
type made []string

// folder makes a folder, and those above it.
func (m *made) folder(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && info.IsDir() {
		return nil
	}
	if err == nil || errors.Is(err, syscall.ENOTDIR) {
		return &stages.FieldError{
			Thing: "folder " + dir, Field: "kind", Got: "a file, or below one", Want: "a folder, or nothing yet", Fix: "write --dir with another one",
		}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if up := filepath.Dir(dir); up != dir {
		if err := m.folder(up); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	*m = append(*m, dir)
	return nil
}

// remove takes everything back.
func (m made) remove() {
	for _, name := range slices.Backward(m) {
		_ = os.Remove(name) // a folder stays where somebody else has put something
	}
}
