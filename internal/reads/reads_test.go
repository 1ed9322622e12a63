package reads

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// programs is the module of the programs that are read. In each, a comment `// want "…"` says what
// the line reads, as a regular expression; no other line reads anything that is not acknowledged.
const programs = "testdata/programs"

func read(t *testing.T, program string) *Report {
	t.Helper()
	code, err := Load(t.Context(), Program{Dir: programs, Packages: []string{"./" + program}})
	require.NoError(t, err)
	return code.Find(Start{})
}

var wanted = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)

func TestEachLineReadsWhatItSays(t *testing.T) {
	for _, program := range []string{
		"environment", "world", "maporder", "state", "dispatch", "through", "assigned", "concurrent", "acknowledged", "tagged", "selected", "reflected",
	} {
		t.Run(program, func(t *testing.T) {
			verdict := &parity.Verdict{}
			read(t, program).Apply(verdict)
			byPlace := map[string][]string{}
			for _, read := range verdict.Unproven() {
				at := read.At.String()
				byPlace[at] = append(byPlace[at], strings.TrimPrefix(read.String(), at+": "))
			}
			files, err := filepath.Glob(filepath.Join(programs, program, "*.go"))
			require.NoError(t, err)
			for _, file := range files {
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				for i, line := range strings.Split(string(text), "\n") {
					at := fmt.Sprintf("%s/%s:%d", program, filepath.Base(file), i+1)
					_, wants, _ := strings.Cut(line, "// want ")
					for _, want := range wanted.FindAllString(wants, -1) {
						pattern, err := strconv.Unquote(strings.ReplaceAll(strings.ReplaceAll(want, `\(`, `\\(`), `\)`, `\\)`))
						require.NoError(t, err)
						matched := false
						for n, one := range byPlace[at] {
							if regexp.MustCompile("^" + pattern).MatchString(one) {
								matched = true
								byPlace[at] = append(byPlace[at][:n:n], byPlace[at][n+1:]...)
								break
							}
						}
						assert.True(t, matched, "%s does not read %s, but %q", at, pattern, byPlace[at])
					}
					assert.Empty(t, byPlace[at], "%s reads more", at)
					delete(byPlace, at)
				}
			}
			assert.Empty(t, byPlace)
		})
	}
}

// No comment can stand behind such a directive.
func TestANameThatIsTakenFromAnotherPackageIsFound(t *testing.T) {
	dir := generated(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(`package main

import (
	_ "unsafe"

	"github.com/roadshow-go/roadshow/stack"
)

//go:linkname hidden github.com/roadshow-go/roadshow/stack.hidden
var hidden string

func main() {
	stack.App{Define: func(s *stack.Stack) { stack.NewFunction(s, hidden, stack.FunctionConfig{}) }}.Main()
}
`), 0o600))
	program, err := Load(t.Context(), Program{Dir: dir, Packages: []string{"."}})
	require.NoError(t, err)
	assert.Equal(t, []parity.Read{{
		Kind: lost, What: "//go:linkname hidden github.com/roadshow-go/roadshow/stack.hidden", At: stages.Position{File: "main.go", Line: 9},
	}}, program.Find(Start{}).Reads)
}

// No false alarm: the programs of this project, and what roadshow init writes, read nothing besides
// their stage.
func TestALawfulProgramReadsNothing(t *testing.T) {
	checkout, err := filepath.Abs("../..")
	require.NoError(t, err)
	workspace := t.TempDir()
	work := "go 1.26.0\n"
	for _, module := range []string{"", "examples/organisation"} {
		work += fmt.Sprintf("replace %s => %s\n", path.Join(roadshow, module), filepath.Join(checkout, filepath.FromSlash(module)))
	}
	dirs := map[string]string{}
	for _, example := range []string{"orders", "existing-cdk"} {
		dirs[example] = filepath.Join(checkout, "examples", example)
	}
	for _, begun := range []string{"examples", "typed", "one"} {
		dirs["roadshow init, "+begun] = filepath.Join(workspace, begun)
		require.NoError(t, os.Mkdir(dirs["roadshow init, "+begun], 0o700))
		for _, file := range []string{"go.mod", "app.go"} {
			text, err := os.ReadFile(filepath.Join(checkout, "internal", "starter", "testdata", begun, file))
			require.NoError(t, err)
			// Two modules of one workspace cannot have the same path.
			text = []byte(strings.Replace(string(text), "module ", "module begun.example/"+begun+"/", 1))
			require.NoError(t, os.WriteFile(filepath.Join(workspace, begun, file), text, 0o600))
		}
	}
	for _, dir := range dirs {
		work += "use " + dir + "\n"
	}
	sums, err := os.ReadFile(filepath.Join(checkout, "go.sum"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(workspace, "go.work"), []byte(work), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(workspace, "go.work.sum"), sums, 0o600))
	programs := map[string]Program{"README": {Dir: checkout, Packages: []string{"."}}}
	for name, dir := range dirs {
		programs[name] = Program{Dir: dir, Packages: []string{"."}, Env: append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK="+filepath.Join(workspace, "go.work"))}
	}
	for name, program := range programs {
		t.Run(name, func(t *testing.T) {
			code, err := Load(t.Context(), program)
			require.NoError(t, err)
			report := code.Find(Start{})
			assert.Empty(t, report.Reads)
			assert.NotEmpty(t, report.reached, "its definition was read")
		})
	}
}

// This test shows what docs/parity.md says that a proof cannot prove.
func TestCannotProveForAnotherBuild(t *testing.T) {
	dir := generated(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(`package main

import "github.com/roadshow-go/roadshow/stack"

var description = "of the source"

func main() {
	stack.App{Define: func(s *stack.Stack) { stack.NewFunction(s, "a", stack.FunctionConfig{Description: description}) }}.Main()
}
`), 0o600))
	program, err := Load(t.Context(), Program{Dir: dir, Packages: []string{"."}})
	require.NoError(t, err)
	assert.Empty(t, program.Find(Start{}).Reads, "go build -ldflags '-X main.description=…' is not seen")
}

// BenchmarkReadingTheNotesService is what the proof of the notes service takes for its code: at most
// three seconds, where the packages are compiled.
func BenchmarkReadingTheNotesService(b *testing.B) {
	for b.Loop() {
		code, err := Load(b.Context(), Program{Dir: filepath.Join("..", ".."), Packages: []string{"."}})
		require.NoError(b, err)
		require.Empty(b, code.Find(Start{}).Reads)
	}
}
