// Package messages holds what the tests provoke of what the product says against testdata/messages.golden, which a person
// reads. Only tests import it: their helpers hand each message to [Provoked]. internal/repotest compares the golden with
// the source: every message that the source can build has an example there, and every example is built by the source.
package messages

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// rooms are the folders whose messages are looked at, the ones below them too.
var rooms = []string{
	"cmd/roadshow", "stack", "stages", "parity", "internal/assembly", "internal/awsconfig", "internal/credentials", "internal/fleet", "internal/gobuild",
	"internal/jsonfile", "internal/kernel", "internal/links", "internal/program", "internal/reads", "internal/starter", "internal/steps", "internal/terminal",
}

// furniture are folders of tests below these.
var furniture = []string{"testdata", "fleettest", "credentialstest", "stacktest"}

// Form is one place in the source that builds a message.
type Form struct {
	// File is the file, from the module's root; Line where it stands there.
	File string
	Line int
	// Texts are the texts in it, in the order of the source, with the verbs of formats as they are.
	Texts []string

	// parts are the pieces of each text between its verbs, in small letters.
	parts [][]string
}

// String names the form by its file and its texts, which stay when lines move.
func (f Form) String() string { return f.File + ": " + strings.Join(f.Texts, " | ") }

// Builds tells whether a message may be this form's: all texts are in it, whatever stands for their verbs, and however a
// sentence begins.
func (f Form) Builds(message string) bool {
	message = strings.ToLower(flat(message))
	return !slices.ContainsFunc(f.parts, func(pieces []string) bool {
		rest := message
		for _, piece := range pieces {
			at := strings.Index(rest, piece)
			if at < 0 {
				return true
			}
			rest = rest[at+len(piece):]
		}
		return false
	})
}

// flat is a text on one line, without the indentation that a writer gave it.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

// Forms reads every form of the product's rooms.
func Forms(root string) ([]Form, error) {
	var all []Form
	for _, room := range rooms {
		err := filepath.WalkDir(filepath.Join(root, room), func(path string, entry os.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && slices.Contains(furniture, entry.Name()):
				return filepath.SkipDir
			case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			files := token.NewFileSet()
			parsed, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			r := reader{file: filepath.ToSlash(name), files: files}
			for _, declared := range parsed.Decls {
				if function, is := declared.(*ast.FuncDecl); is && function.Body != nil {
					r.function(function)
				}
			}
			all = append(all, r.forms...)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// reader reads the forms of a file.
type reader struct {
	file  string
	files *token.FileSet
	forms []Form
}

// Names that messages go by: functions that take one, fields and variables that hold a part of one, methods that are one.
var (
	takers  = []string{"Errorf", "New", "fail", "refuse", "refused", "raise", "message", "keep", "block", "problem", "untold", "lacks"}
	holders = []string{"Detail", "Fix", "Reason", "Problem", "Want", "Got", "detail", "fix", "reason", "want", "got", "problem"}
	methods = []string{"Error", "Reason", "Fix"}
	// unsaid are fields that are not printed.
	unsaid = []string{"Check", "Docs", "Page", "Stage", "Service", "Command"}
)

func (r *reader) function(function *ast.FuncDecl) {
	if function.Recv != nil && slices.Contains(methods, function.Name.Name) {
		ast.Inspect(function.Body, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.ReturnStmt, *ast.AssignStmt:
				r.add(node)
				return false
			}
			return true
		})
		return
	}
	ast.Inspect(function.Body, func(node ast.Node) bool {
		if !isMessage(node) {
			return true
		}
		r.add(node)
		return false
	})
}

// isMessage tells whether a node builds a message, or a part of one.
func isMessage(node ast.Node) bool {
	switch node := node.(type) {
	case *ast.CallExpr:
		switch name := lastName(node.Fun); name {
		case "New", "Errorf":
			from, is := node.Fun.(*ast.SelectorExpr)
			return is && slices.Contains([]string{"errors", "fmt"}, lastName(from.X))
		default:
			return slices.Contains(takers, name)
		}
	case *ast.CompositeLit:
		name := lastName(node.Type)
		return strings.HasSuffix(name, "Error") || name == "Finding"
	case *ast.AssignStmt:
		return slices.ContainsFunc(node.Lhs, func(left ast.Expr) bool { return slices.Contains(holders, lastName(left)) })
	}
	return false
}

// lastName is the name that an expression ends with.
func lastName(expr ast.Expr) string {
	switch expr := expr.(type) {
	case *ast.Ident:
		return expr.Name
	case *ast.SelectorExpr:
		return expr.Sel.Name
	case *ast.StarExpr:
		return lastName(expr.X)
	}
	return ""
}

// add adds the form of a node, where it has words.
func (r *reader) add(node ast.Node) {
	form := Form{File: r.file, Line: r.files.Position(node.Pos()).Line}
	r.texts(&form, node)
	if len(form.parts) > 0 {
		r.forms = append(r.forms, form)
	}
}

func (r *reader) texts(form *Form, node ast.Node) {
	ast.Inspect(node, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.KeyValueExpr:
			return !slices.Contains(unsaid, lastName(node.Key))
		case *ast.FuncLit:
			return false
		case *ast.CaseClause, *ast.BinaryExpr:
			if compared, is := node.(*ast.BinaryExpr); is && compared.Op != token.ADD {
				return false
			}
		case *ast.BasicLit:
			if node.Kind == token.STRING {
				form.text(node.Value)
			}
		}
		return true
	})
}

// verb is a verb of a format.
var verb = regexp.MustCompile(`%[-+# 0]*[\d.]*(\[\d\])?[a-zA-Z]`)

// text adds a literal's lines. What has no three words is no message, nor is what is fetched or run.
func (f *Form) text(literal string) {
	value, err := strconv.Unquote(literal)
	if err != nil {
		return
	}
	for line := range strings.Lines(value) {
		line = strings.TrimRight(flat(line), ".:;,")
		words := strings.FieldsFunc(verb.ReplaceAllString(line, " "), func(letter rune) bool { return strings.ContainsRune(" .,;:()`\"'", letter) })
		if len(words) < 3 || strings.Contains(line, "://") {
			continue
		}
		f.Texts = append(f.Texts, line)
		f.parts = append(f.parts, verb.Split(strings.ToLower(line), -1))
	}
}
