package reads

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/parity"
)

// programs is the module of the programs that are read. In each, a comment `// want "…"` says what the line reads, as a
// regular expression; no other line reads anything that is not acknowledged.
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
		"environment", "world", "maporder", "state", "dispatch", "through", "assigned", "concurrent", "acknowledged", "tagged", "selected",
	} {
		t.Run(program, func(t *testing.T) {
			verdict := &parity.Verdict{}
			read(t, program).Apply(verdict)
			found := map[string][]string{}
			for _, read := range verdict.Unproven() {
				at := read.At.String()
				found[at] = append(found[at], strings.TrimPrefix(read.String(), at+": "))
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
						for n, one := range found[at] {
							if regexp.MustCompile("^" + pattern).MatchString(one) {
								matched = true
								found[at] = append(found[at][:n:n], found[at][n+1:]...)
								break
							}
						}
						assert.True(t, matched, "%s does not read %s, but %q", at, pattern, found[at])
					}
					assert.Empty(t, found[at], "%s reads more", at)
					delete(found, at)
				}
			}
			assert.Empty(t, found)
		})
	}
}
