package repotest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bypasses are what would write beside the one writer for people, or beside the one redactor, and the only files of the
// command that may use them.
var bypasses = map[string][]string{
	// The process's own streams go through the writers that run makes of them.
	"os.Stdout": {"cmd/roadshow/main.go"},
	"os.Stderr": {"cmd/roadshow/main.go"},
	// Only run makes those writers.
	"internal/report.NewWriter": {"cmd/roadshow/root.go"},
	// Only report makes JSON that is written; a template is compared as text.
	"encoding/json.NewEncoder": {"internal/report/json.go", "parity/template.go"},
	// What is written to files: never what a service, a program or an error has said, but for the log of deletions, which
	// has the redactor.
	"os.WriteFile":  {"internal/assembly/ask.go", "internal/assembly/assembly.go", "internal/gobuild/cache.go", "internal/links/links.go"},
	"os.Create":     {},
	"os.OpenFile":   {"internal/fleet/orphan/log.go", "internal/gobuild/lock_unix.go", "internal/gobuild/lock_windows.go"},
	"os.CreateTemp": {"internal/credentials/settings.go", "internal/fleet/cost/cache.go", "internal/fleet/pack.go", "internal/gobuild/cache.go"},
}

// rehearses tells the accounts in memory from the command: what they keep and answer is theirs, and nobody's secret.
func rehearses(path string) bool {
	return strings.HasPrefix(path, "rehearsal/") || strings.HasPrefix(path, "internal/rehearse/") || strings.HasPrefix(path, "internal/awsenv/")
}

// printers write to the process's own streams by themselves.
var printers = []string{"fmt.Print", "fmt.Printf", "fmt.Println", "print", "println"}

// TestNoVerbWritesBesideTheOneWriterAndTheOneRedactor reads the command and every package that it is made of. The canaries of
// cmd/roadshow show that the writers hide secrets; this shows that there is no other way out.
func TestNoVerbWritesBesideTheOneWriterAndTheOneRedactor(t *testing.T) {
	all := packages(t)
	at := slices.IndexFunc(all, func(pkg listed) bool { return pkg.ImportPath == module+"/cmd/roadshow" })
	require.GreaterOrEqual(t, at, 0)
	used := map[string]bool{}
	for _, pkg := range all {
		if pkg.ImportPath != all[at].ImportPath && !slices.Contains(all[at].Deps, pkg.ImportPath) {
			continue
		}
		for _, name := range pkg.GoFiles {
			folder := strings.TrimPrefix(strings.TrimPrefix(pkg.ImportPath, module), "/")
			path := filepath.ToSlash(filepath.Join(folder, name))
			for _, what := range mentions(t, filepath.Join(pkg.Dir, name)) {
				assert.NotContainsf(t, printers, what, "%s writes by %s; write to the settings' out or talk", path, what)
				assert.Falsef(t, what == "log" || strings.HasPrefix(what, "log."), "%s writes by %s; write to the settings' out or talk", path, what)
				if allowed, is := bypasses[what]; is && !rehearses(path) {
					assert.Containsf(t, allowed, path, "%s uses %s, so that what it writes has been through no redactor", path, what)
					used[what+" "+path] = true
				}
			}
		}
	}
	for what, allowed := range bypasses {
		for _, path := range allowed {
			if !strings.HasSuffix(path, "_windows.go") {
				assert.Truef(t, used[what+" "+path], "%s does not use %s any more: take it out of the table", path, what)
			}
		}
	}
}

// mentions are the names of other packages that a file uses, as PATH.Name with our own paths below the module, and the
// built-in functions that print.
func mentions(t *testing.T, file string) (names []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	imported := map[string]string{}
	for _, one := range parsed.Imports {
		path, err := strconv.Unquote(one.Path.Value)
		require.NoError(t, err)
		name := path[strings.LastIndex(path, "/")+1:]
		if one.Name != nil {
			name = one.Name.Name
		}
		imported[name] = strings.TrimPrefix(path, module+"/")
	}
	ast.Inspect(parsed, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.SelectorExpr:
			if from, is := node.X.(*ast.Ident); is && imported[from.Name] != "" && from.Obj == nil {
				names = append(names, imported[from.Name]+"."+node.Sel.Name)
			}
		case *ast.CallExpr:
			if called, is := node.Fun.(*ast.Ident); is && (called.Name == "print" || called.Name == "println") && called.Obj == nil {
				names = append(names, called.Name)
			}
		}
		return true
	})
	return names
}
