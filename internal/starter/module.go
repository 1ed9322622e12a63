package starter

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/roadshow-go/roadshow/internal/gobuild"
	"github.com/roadshow-go/roadshow/stages"
)

// roadshow is this module's path.
const roadshow = "github.com/roadshow-go/roadshow"

// place is the Go module that a service is in.
type place struct {
	path string
	// below is where the service is in it: empty, or a path with slashes that ends in one.
	below string
	// fresh tells that it begins here.
	fresh bool
	// requires tells that it has Roadshow already, ignores that the go command does not look into node_modules.
	requires, ignores bool
}

// find is the module that a folder is in, or one that begins there: where none is, or where another path is
// asked for than that of a module above.
func find(dir, asked, name string) (place, error) {
	root, err := gobuild.ModuleRoot(dir)
	none := errors.As(err, new(*gobuild.ModuleError))
	if err != nil && !none {
		return place{}, err
	}
	own := root == dir
	if none || asked != "" && !own {
		p := place{path: asked, fresh: true, ignores: true}
		if asked == "" {
			p.path = "example.com/" + name
		}
		if err := module.CheckImportPath(p.path); err != nil {
			return place{}, &stages.FieldError{
				Thing: "--module", Field: "path", Got: fmt.Sprintf("%q", p.path), Want: "the import path of a Go module",
				Fix: fmt.Sprintf("write --module example.com/%s, or where it will be kept", name),
			}
		}
		return p, nil
	}
	file := filepath.Join(root, goMod)
	data, err := os.ReadFile(file)
	if err != nil {
		return place{}, err
	}
	parsed, err := modfile.Parse(file, data, nil)
	if err != nil {
		return place{}, err
	}
	if parsed.Module == nil {
		return place{}, &stages.FieldError{Thing: file, Field: "module", Got: "missing", Want: "the path of the module", Fix: "write module example.com/" + name}
	}
	p := place{path: parsed.Module.Mod.Path}
	if asked != "" && asked != p.path {
		return place{}, &stages.FieldError{
			Thing: "--module", Field: "path", Got: fmt.Sprintf("%q", asked), Want: fmt.Sprintf("%q, as %s says", p.path, file), Fix: "leave it out",
		}
	}
	inside, err := filepath.Rel(root, dir)
	if err != nil {
		return place{}, err
	}
	if !own {
		p.below = filepath.ToSlash(inside) + "/"
	}
	p.requires = p.path == roadshow || slices.ContainsFunc(parsed.Require, func(r *modfile.Require) bool { return r.Mod.Path == roadshow })
	p.ignores = slices.ContainsFunc(parsed.Ignore, func(i *modfile.Ignore) bool {
		return i.Path == nodeModules || i.Path == "./"+p.below+nodeModules // https://go.dev/ref/mod#go-mod-file-ignore
	})
	return p, nil
}

const nodeModules = "node_modules"

// published is the version, where a module proxy can have it; else empty. The command has another where it was
// built from a checkout: (devel), or one of uncommitted changes.
// https://pkg.go.dev/runtime/debug#Module
func published(version string) string {
	if semver.Canonical(version) == version && semver.IsValid(version) {
		return version
	}
	return ""
}

// fetch are the commands that fetch what the service needs, run in its folder.
func (p place) fetch(version string) [][]string {
	var all [][]string
	if !p.ignores { // npm packages hold Go files of their own
		all = append(all, []string{"go", "mod", "edit", "-ignore=./" + p.below + nodeModules})
	}
	if !p.fresh && !p.requires && version != "" {
		all = append(all, []string{"go", "get", roadshow + "@" + version})
	}
	return append(all, []string{"go", "mod", "tidy"}, []string{"npm", "install"})
}
