package reads

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// carriers bring a value from an expression to a definition. Each is a declaration of a function
// %[1]s(s) that gives the value of %[2]s, a text, and what it needs besides.
var carriers = map[string]string{
	"a call":                               `func %[1]s(s *stack.Stack) string { return %[2]s }`,
	"a literal":                            `func %[1]s(s *stack.Stack) string { return func() string { return %[2]s }() }`,
	"a literal in another":                 `func %[1]s(s *stack.Stack) string { f := func() func() string { return func() string { return %[2]s } }; return f()() }`,
	"a deferred call":                      `func %[1]s(s *stack.Stack) (out string) { defer func() { out = %[2]s }(); return "" }`,
	"a package variable":                   "var v%[1]s = %[2]s\n\nfunc %[1]s(s *stack.Stack) string { return v%[1]s }",
	"a package variable of another":        "var w%[1]s = %[2]s\n\nvar v%[1]s = w%[1]s + \"\"\n\nfunc %[1]s(s *stack.Stack) string { return v%[1]s }",
	"a package variable that is set early": "var v%[1]s string\n\nfunc init() { v%[1]s = %[2]s }\n\nfunc %[1]s(s *stack.Stack) string { return v%[1]s }",
	"a function in a package variable":     "var v%[1]s = func() string { return %[2]s }\n\nfunc %[1]s(s *stack.Stack) string { return v%[1]s() }",
	"a table of functions":                 "var v%[1]s = map[string]func() string{\"a\": func() string { return %[2]s }}\n\nfunc %[1]s(s *stack.Stack) string { return v%[1]s[\"a\"]() }",
	"a once value":                         "var v%[1]s = sync.OnceValue(func() string { return %[2]s })\n\nfunc %[1]s(s *stack.Stack) string { return v%[1]s() }",
	"a method":                             "type T%[1]s struct{}\n\nfunc (T%[1]s) get() string { return %[2]s }\n\nfunc %[1]s(s *stack.Stack) string { return T%[1]s{}.get() }",
	"a method's value":                     "type T%[1]s struct{}\n\nfunc (*T%[1]s) get() string { return %[2]s }\n\nfunc %[1]s(s *stack.Stack) string { f := (&T%[1]s{}).get; return f() }",
	"a method's expression":                "type T%[1]s struct{}\n\nfunc (T%[1]s) get() string { return %[2]s }\n\nfunc %[1]s(s *stack.Stack) string { return T%[1]s.get(T%[1]s{}) }",
	"an embedded method":                   "type E%[1]s struct{}\n\nfunc (E%[1]s) get() string { return %[2]s }\n\ntype T%[1]s struct{ E%[1]s }\n\nfunc %[1]s(s *stack.Stack) string { return T%[1]s{}.get() }",
	"an interface":                         "type T%[1]s struct{}\n\nfunc (T%[1]s) Get%[1]s() string { return %[2]s }\n\nfunc %[1]s(s *stack.Stack) string { var i interface{ Get%[1]s() string } = T%[1]s{}; return i.Get%[1]s() }",
	"a stringer":                           "type T%[1]s struct{}\n\nfunc (T%[1]s) String() string { return %[2]s }\n\nfunc %[1]s(s *stack.Stack) string { return fmt.Sprint(T%[1]s{}) }",
	"a generic function":                   "func g%[1]s[T any](t T) string { return %[2]s }\n\nfunc %[1]s(s *stack.Stack) string { return g%[1]s(1) }",
	"a method of a generic type":           "type T%[1]s[T any] struct{}\n\nfunc (T%[1]s[T]) get() string { return %[2]s }\n\nfunc %[1]s(s *stack.Stack) string { return T%[1]s[int]{}.get() }",
	"a callback of the standard library":   `func %[1]s(s *stack.Stack) (out string) { slices.SortFunc([]int{1, 2}, func(a, b int) int { out += %[2]s; return 0 }); return out }`,
	"a sequence":                           `func %[1]s(s *stack.Stack) (out string) { for one := range func(yield func(string) bool) { yield(%[2]s) } { out += one }; return out }`,
	"a door":                               `func %[1]s(s *stack.Stack) string { stack.NewFunction(s, "d", stack.FunctionConfig{Override: func(n *int) { *n = len(%[2]s) }}); return "" }`,
	"a panic that is caught":               `func %[1]s(s *stack.Stack) (out string) { defer func() { out = fmt.Sprint(recover()) }(); panic(fmt.Sprint(1, len(%[2]s))) }`,
	"an error":                             `func %[1]s(s *stack.Stack) string { return fmt.Errorf("%%s", %[2]s).Error() }`,
	"a branch":                             `func %[1]s(s *stack.Stack) string { if %[2]s == "x" { return "a" }; return "b" }`,
	"a switch":                             `func %[1]s(s *stack.Stack) string { switch %[2]s { case "x": return "a" }; return "b" }`,
	"a printed text":                       `func %[1]s(s *stack.Stack) string { var out strings.Builder; fmt.Fprint(&out, %[2]s); return out.String() }`,
	"a log, and a use":                     `func %[1]s(s *stack.Stack) string { value := %[2]s; log.Println(value); return value }`,
}

// expressions are texts that read, by their kind, and one that does not.
var expressions = map[string]string{
	`os.Getenv("X")`:                                  environment,
	`strings.Join(os.Args, "")`:                       arguments,
	`time.Now().String()`:                             clock,
	`crand.Text()`:                                    randomness,
	`fmt.Sprint(rand.Int())`:                          randomness,
	`fmt.Sprint(os.ReadFile("size"))`:                 files,
	`fmt.Sprint(os.Getwd())`:                          folder,
	`fmt.Sprint(net.LookupHost("a"))`:                 network,
	`exec.Command("hostname").String()`:               commands,
	`fmt.Sprint(runtime.NumCPU())`:                    host,
	`fmt.Sprint(testing.Testing())`:                   itself,
	`fmt.Sprint(s0.TryGetContext("size"))`:            cdkContext,
	`strings.Join(slices.Collect(maps.Keys(m0)), "")`: mapOrder,
	`fmt.Sprint(os.Mkdir("size", 0o700))`:             files,
	`strings.ToUpper("constant")`:                     "",
	`strings.Join(slices.Sorted(maps.Keys(m0)), "")`:  "",
}

// Every expression by every carrier, in one program, so that they are type-checked together.
func TestAReadIsFoundHoweverItIsCarriedAndNothingElse(t *testing.T) {
	var code strings.Builder
	code.WriteString("package main\n\nimport (\n\tcrand \"crypto/rand\"\n")
	for _, path := range []string{
		"fmt", "log", "maps", "math/rand", "net", "os", "os/exec", "runtime", "slices", "strings", "sync", "testing", "time",
		"github.com/aws/constructs-go/constructs/v10", "github.com/roadshow-go/roadshow/stack",
	} {
		fmt.Fprintf(&code, "\t%q\n", path)
	}
	code.WriteString(")\n\nvar s0 constructs.Node\n\nvar m0 = map[string]int{}\n\nfunc main() { stack.App{Define: define}.Main() }\n\n")
	uses := ""
	kinds, names := map[int]string{}, map[int]string{}
	for _, carrier := range slices.Sorted(maps.Keys(carriers)) {
		for _, expression := range slices.Sorted(maps.Keys(expressions)) {
			name := fmt.Sprintf("F%d", len(kinds))
			for line := range strings.SplitSeq(fmt.Sprintf(carriers[carrier], name, expression), "\n") {
				if strings.Contains(line, expression) {
					at := strings.Count(code.String(), "\n") + 1
					kinds[at], names[at] = expressions[expression], carrier+" of "+expression
					if kinds[at] == "" && strings.Contains(line, "recover()") {
						kinds[at] = itself
					}
				}
				code.WriteString(line + "\n")
			}
			uses += fmt.Sprintf("\tstack.NewFunction(s, %s(s), stack.FunctionConfig{})\n", name)
		}
	}
	code.WriteString("\nfunc define(s *stack.Stack) {\n" + uses + "}\n")
	require.Len(t, kinds, len(carriers)*len(expressions))

	dir := generated(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(code.String()), 0o600))
	program, err := Load(t.Context(), Program{Dir: dir, Packages: []string{"."}})
	require.NoError(t, err)
	byLine := map[int][]string{}
	for _, read := range program.Find(Start{}).Reads {
		byLine[read.At.Line] = append(byLine[read.At.Line], read.Kind)
	}
	for line, kind := range kinds {
		if kind == "" {
			assert.Empty(t, byLine[line], names[line])
		} else {
			assert.Contains(t, byLine[line], kind, names[line])
		}
		delete(byLine, line)
	}
	assert.Empty(t, byLine, "nothing else reads")
}

// generated is a module for a program that is generated, beside what stands for Roadshow and the
// CDK.
func generated(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join(programs, "go.mod"))
	require.NoError(t, err)
	here, err := filepath.Abs(programs)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(strings.ReplaceAll(string(text), "=> ./", "=> "+here+"/")), 0o600))
	return dir
}
