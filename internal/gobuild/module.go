package gobuild

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// ModuleRoot walks up from dir (absolute, or relative to the working directory)
// to the nearest folder with a go.mod and returns its absolute path. It gives a
// *ModuleError if there is none up to the root of the file system.
func ModuleRoot(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("module root from %s: %w", dir, err)
	}
	for at := start; ; {
		info, err := os.Stat(filepath.Join(at, "go.mod"))
		if err == nil && info.Mode().IsRegular() {
			return at, nil
		}
		up := filepath.Dir(at)
		if up == at {
			return "", &ModuleError{
				Dir: start, Got: "in no Go module",
				Want:   "a folder in or under one with a go.mod",
				Advice: "run the command in your module's folder, or make one with go mod init",
			}
		}
		at = up
	}
}

// readModule returns the module's path and the absolute root.
func readModule(root string) (module, abs string, err error) {
	if abs, err = filepath.Abs(root); err != nil {
		return "", "", fmt.Errorf("module root %s: %w", root, err)
	}
	text, err := os.ReadFile(filepath.Join(abs, "go.mod"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", &ModuleError{
			Dir: abs, Got: "a folder without a go.mod",
			Want:   "the root of a Go module",
			Advice: "name the folder that holds go.mod",
		}
	}
	if err != nil {
		return "", "", fmt.Errorf("module root %s: %w", abs, err)
	}
	// An unreadable go.mod gives an empty path here and go's own words later.
	return modfile.ModulePath(text), abs, nil
}
