package repotest

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	gopackages "golang.org/x/tools/go/packages"
)

// layered are the folders whose packages have their files on floors, too.
var layered = []string{"internal/fleet/...", "internal/report", "internal/terminal"}

// TestNoFileOfARoomReachesBackUp holds the files of each package to one direction: a file that another one uses, directly
// or not, uses nothing of that one. Whose method a function is does not count: a type's methods may stand where they are
// needed.
func TestNoFileOfARoomReachesBackUp(t *testing.T) {
	var patterns []string
	for _, folder := range layered {
		patterns = append(patterns, module+"/"+folder)
	}
	loaded, err := gopackages.Load(&gopackages.Config{
		Dir: root,
		Mode: gopackages.NeedName | gopackages.NeedFiles | gopackages.NeedSyntax | gopackages.NeedTypes | gopackages.NeedTypesInfo |
			gopackages.NeedImports | gopackages.NeedExportFile,
	}, patterns...)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(loaded), len(layered))
	for _, pkg := range loaded {
		require.Empty(t, pkg.Errors, pkg.PkgPath)
		used := usedFiles(pkg)
		require.NotEmpty(t, used, pkg.PkgPath)
		for _, file := range slices.Sorted(maps.Keys(used)) {
			if way := wayBack(used, file); way != nil {
				assert.Failf(t, "a file reaches back up", "%s: %s; move what one of them uses into a file below both", pkg.PkgPath, strings.Join(way, " uses "))
				break // one of a circle is enough
			}
		}
	}
}

// usedFiles are the files of a package, each with those whose names it uses.
func usedFiles(pkg *gopackages.Package) map[string]map[string]bool {
	used, receivers := map[string]map[string]bool{}, map[*ast.Ident]bool{}
	for _, file := range pkg.Syntax {
		used[fileOf(pkg, file)] = map[string]bool{}
		for _, declaration := range file.Decls {
			if method, is := declaration.(*ast.FuncDecl); is && method.Recv != nil {
				ast.Inspect(method.Recv, func(node ast.Node) bool {
					if name, is := node.(*ast.Ident); is {
						receivers[name] = true
					}
					return true
				})
			}
		}
	}
	for name, object := range pkg.TypesInfo.Uses {
		if receivers[name] || object.Pkg() != pkg.Types || !object.Pos().IsValid() {
			continue
		}
		method, isFunction := object.(*types.Func)
		if object.Parent() != pkg.Types.Scope() && (!isFunction || method.Signature().Recv() == nil) {
			continue // a field, or something inside a function
		}
		if from, to := fileOf(pkg, name), fileOf(pkg, object); from != to {
			used[from][to] = true
		}
	}
	return used
}

// fileOf is the name of the file in which something stands.
func fileOf(pkg *gopackages.Package, at interface{ Pos() token.Pos }) string {
	return filepath.Base(pkg.Fset.Position(at.Pos()).Filename)
}

// wayBack is a way from a file by those that it uses back to it; nil where there is none.
func wayBack(used map[string]map[string]bool, file string) []string {
	seen := map[string]bool{}
	var walk func(at string, way []string) []string
	walk = func(at string, way []string) []string {
		for _, next := range slices.Sorted(maps.Keys(used[at])) {
			if next == file {
				return append(way, next)
			}
			if seen[next] {
				continue
			}
			seen[next] = true
			if found := walk(next, append(slices.Clone(way), next)); found != nil {
				return found
			}
		}
		return nil
	}
	return walk(file, []string{file})
}
