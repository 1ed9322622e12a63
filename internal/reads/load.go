package reads

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/gcexportdata"
	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/go/ssa"
)

// source is one package whose code is read: of the program's own module, or of one that it calls.
type source struct {
	*packages.Package
	own   bool // of the program's module, where a line can be acknowledged
	types *types.Package
	info  *types.Info
	files []*ast.File
	ssa   *ssa.Package

	inspector *inspector.Inspector // of the files, once somebody looks
}

// loaded is the program: its packages from source, all others as the compiler has left them.
type loaded struct {
	fset    *token.FileSet
	sources []*source // what is imported stands before what imports it
	of      map[*types.Package]*source
	prog    *ssa.Program
}

// notRead are the modules whose code is not read: Roadshow's, whose exported names are held to tell
// nothing by a test of its own, and the CDK's, which is generated and asks another process. What
// they read for a program stands in the table of known reads.
var notRead = []string{
	roadshow + "/stack", roadshow + "/stages", roadshow + "/parity", roadshow + "/rehearsal", roadshow + "/internal", roadshow + "/cmd",
	"github.com/aws/aws-cdk-go", "github.com/aws/constructs-go", "github.com/aws/jsii-runtime-go", "github.com/cdklabs", "golang.org/x/sys", "golang.org/x/exp",
}

const roadshow = "github.com/roadshow-go/roadshow"

// load reads the packages that the patterns name, and what they import, as far as its code is read.
func load(ctx context.Context, program Program) (*loaded, error) {
	roots, err := packages.Load(&packages.Config{
		Context: ctx, Dir: program.Dir, Env: program.Env, Tests: program.Tests, BuildFlags: program.BuildFlags,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedDeps |
			packages.NeedModule | packages.NeedExportFile | packages.NeedForTest,
	}, program.Packages...)
	if err != nil {
		return nil, err
	}
	roots = slices.DeleteFunc(roots, func(pkg *packages.Package) bool {
		// Its variant for the tests has the same files, and more.
		return isTestMain(pkg) || slices.ContainsFunc(roots, func(other *packages.Package) bool {
			return other != pkg && other.ForTest == pkg.PkgPath && other.PkgPath == pkg.PkgPath
		})
	})
	l := &loaded{fset: token.NewFileSet(), of: map[*types.Package]*source{}}
	byPath := map[string]*packages.Package{}
	read := map[*packages.Package]bool{}
	packages.Visit(roots, func(pkg *packages.Package) bool {
		isProgram := pkg.Name == "main" && slices.Contains(roots, pkg) // also one of this module, such as a test's
		read[pkg] = pkg.Module != nil && (isProgram || !isSkipped(pkg.PkgPath))
		return read[pkg]
	}, nil)
	var faults []string
	packages.Visit(roots, nil, func(pkg *packages.Package) {
		byPath[pkg.ID] = pkg
		for _, fault := range pkg.Errors {
			faults = append(faults, fault.Error())
		}
		if !read[pkg] {
			return
		}
		l.sources = append(l.sources, &source{Package: pkg, own: pkg.Module.Main || slices.Contains(roots, pkg)})
	})
	if len(faults) > 0 {
		return nil, fmt.Errorf("the program does not compile:\n  %s", strings.Join(faults, "\n  "))
	}
	if len(l.sources) == 0 {
		return nil, fmt.Errorf("no Go package is called %s in %s", strings.Join(program.Packages, " "), program.Dir)
	}
	return l, l.check(byPath)
}

// isTestMain tells whether a package is the main package that go test generates.
func isTestMain(pkg *packages.Package) bool {
	return pkg.Name == "main" && strings.HasSuffix(pkg.ID, ".test")
}

func isSkipped(path string) bool {
	return slices.ContainsFunc(notRead, func(family string) bool { return path == family || strings.HasPrefix(path, family+"/") })
}

// check type-checks the sources and builds their SSA form. Of all else the compiler's export data
// is enough.
func (l *loaded) check(byID map[string]*packages.Package) error {
	known := map[string]*types.Package{"unsafe": types.Unsafe}
	l.prog = ssa.NewProgram(l.fset, ssa.InstantiateGenerics)
	checked := map[*packages.Package]*types.Package{}
	for _, s := range l.sources {
		for _, name := range s.CompiledGoFiles {
			file, err := parser.ParseFile(l.fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			s.files = append(s.files, file)
		}
		s.info = &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Instances: map[*ast.Ident]types.Instance{}, Defs: map[*ast.Ident]types.Object{},
			Uses: map[*ast.Ident]types.Object{}, Implicits: map[ast.Node]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
			Scopes: map[ast.Node]*types.Scope{}, FileVersions: map[*ast.File]string{},
		}
		config := types.Config{
			Sizes: types.SizesFor("gc", runtime.GOARCH),
			Importer: importerFunc(func(path string) (*types.Package, error) {
				imported := s.Imports[path]
				if imported == nil {
					if path == "unsafe" {
						return types.Unsafe, nil
					}
					return nil, fmt.Errorf("%s does not import %s", s.ID, path)
				}
				if pkg := checked[imported]; pkg != nil {
					return pkg, nil
				}
				return exported(l.fset, known, imported)
			}),
		}
		if s.Module != nil && s.Module.GoVersion != "" {
			config.GoVersion = "go" + s.Module.GoVersion
		}
		pkg, err := config.Check(s.PkgPath, l.fset, s.files, s.info)
		if err != nil {
			return err
		}
		s.types = pkg
		checked[s.Package] = pkg
		l.of[pkg] = s
		known[s.PkgPath] = pkg
	}
	fromSource := map[*types.Package]bool{}
	for pkg := range l.of {
		fromSource[pkg] = true
	}
	for _, pkg := range known {
		if !fromSource[pkg] {
			l.prog.CreatePackage(pkg, nil, nil, true)
		}
	}
	for _, s := range l.sources {
		s.ssa = l.prog.CreatePackage(s.types, s.files, s.info, true)
	}
	for _, s := range l.sources {
		s.ssa.Build()
	}
	return nil
}

// exported is a package as the compiler has left it in its cache.
func exported(fset *token.FileSet, known map[string]*types.Package, pkg *packages.Package) (*types.Package, error) {
	if is := known[pkg.PkgPath]; is != nil && is.Complete() {
		return is, nil
	}
	file, err := os.Open(pkg.ExportFile)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader, err := gcexportdata.NewReader(file)
	if err != nil {
		return nil, err
	}
	return gcexportdata.Read(reader, fset, known, pkg.PkgPath)
}

type importerFunc func(path string) (*types.Package, error)

func (f importerFunc) Import(path string) (*types.Package, error) { return f(path) }
