package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/parity"
)

// source is one program for all tests, since each links ninety megabytes: its argument picks its fault.
const source = `// Command show is the program that the tests of the roadshow command run.
package main

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

var (
	dev        = stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	production = stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: stages.Protected}
)

func main() {
	fault := ""
	if len(os.Args) > 1 {
		fault = os.Args[1]
	}
	if fault == "old" {
		os.Unsetenv("ROADSHOW_ASK")
	}
	app := stack.App{Service: "show", Stages: stages.Set{dev, production, dev.Template("pr-*")}, Define: func(s *stack.Stack) {
		config := stack.FunctionConfig{Package: "./functions/create-note", Environment: map[string]string{}}
		config.Memory = stages.Pick(s, 256, stages.When(production, 1024))
		switch fault {
		case "branch":
			if strings.HasPrefix(*s.CDK.StackName(), "production") {
				config.Description = "undeclared"
			}
		case "time":
			config.Description = time.Now().String()
		case "zone":
			config.Description = time.Local.String()
		case "random":
			config.Description = strconv.Itoa(rand.Int())
		case "variable":
			config.Description = os.Getenv("ROADSHOW_TEST_MODE")
		case "home":
			config.Description, _ = os.UserHomeDir()
		case "folder":
			config.Description, _ = os.Getwd()
		case "map":
			for key := range map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8, "i": 9, "j": 10} {
				config.Description += key
			}
		case "stale":
			config.Timeout = stages.Pick(s, 5*time.Second, stages.When(production, 5*time.Second))
		case "panic":
			panic("the definition panics")
		case "collision":
			s.Name(stages.DynamoDBTable, "x")
			s.Name(stages.DynamoDBTable, "x")
		}
		stack.NewFunction(s, "f", config)
		stack.NewTable(s, "notes", stack.TableConfig{
			PartitionKey: stack.StringKey("id"), DAX: &stack.DAXConfig{Stages: stages.Only(production)},
		})
	}}
	app.Main()
}
`

// built are the binaries of all tests: the command, and the program.
var built struct{ folder, command, program string }

func TestMain(m *testing.M) {
	code, err := withBinaries(m.Run)
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

func withBinaries(run func() int) (int, error) {
	checkout, err := filepath.Abs("../..")
	if err != nil {
		return 1, err
	}
	// The program must be in this module to compile.
	if err := os.MkdirAll(filepath.Join(checkout, ".roadshow"), 0o755); err != nil {
		return 1, err
	}
	if built.folder, err = os.MkdirTemp(filepath.Join(checkout, ".roadshow"), "command-"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(built.folder)
	if err := os.WriteFile(filepath.Join(built.folder, "show.go"), []byte(source), 0o644); err != nil {
		return 1, err
	}
	built.command, built.program = filepath.Join(built.folder, "roadshow"), filepath.Join(built.folder, "show")
	for binary, pkg := range map[string]string{built.command: ".", built.program: filepath.Join(built.folder, "show.go")} {
		if output, err := exec.Command("go", "build", "-o", binary, pkg).CombinedOutput(); err != nil {
			return 1, &exec.Error{Name: string(output), Err: err}
		}
	}
	return run(), nil
}

// result is what a run of the command came to.
type result struct {
	code           int
	stdout, stderr string
}

// roadshow runs the built command on the program with a fault.
func roadshow(t *testing.T, fault string, arguments ...string) result {
	t.Helper()
	return roadshowWithApp(t, strings.TrimSpace(built.program+" "+fault), arguments...)
}

func roadshowWithApp(t *testing.T, app string, arguments ...string) result {
	t.Helper()
	command := exec.Command(built.command, append(arguments, "--app", app)...)
	command.Dir = built.folder
	command.Env = append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true", "CDK_DEFAULT_ACCOUNT=999999999999", "ROADSHOW_TEST_MODE=debug")
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		require.ErrorAs(t, err, new(*exec.ExitError))
	}
	return result{command.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func TestParity(t *testing.T) {
	t.Parallel()
	for fault, tt := range map[string]struct {
		code     int
		contains string
	}{
		"":         {exitWell, "identical: 3 stages, 2 groups, "},
		"branch":   {exitFinding, "Properties.Description"},
		"time":     {exitFinding, "between two runs of the same program"},
		"zone":     {exitFinding, "between two runs of the same program"},
		"random":   {exitFinding, "Properties.Description"},
		"variable": {exitFinding, "between two runs of the same program"},
		"home":     {exitFinding, "between two runs of the same program"},
		"folder":   {exitFinding, "between two runs of the same program"},
		"map":      {exitFinding, "Properties.Description"},
		"panic":    {exitUnknown, "the definition panics"},
		"old":      {exitUnknown, "want roadshow-answer.json; build the program with the version of Roadshow that this command has"},
		"stale":    {exitWell, "identical"},
	} {
		t.Run("with fault "+fault, func(t *testing.T) {
			t.Parallel()
			got := roadshow(t, fault, "parity")
			assert.Equal(t, tt.code, got.code, "%s%s", got.stdout, got.stderr)
			if tt.code == exitUnknown {
				assert.Empty(t, got.stdout, "talk is on standard error")
				assert.Contains(t, got.stderr, tt.contains)
				assert.NotContains(t, got.stderr, "second run", "it fails in both")
				return
			}
			assert.Empty(t, got.stderr)
			assert.Contains(t, got.stdout, tt.contains)
			assert.NotContains(t, got.stdout, "\x1b", "no colour outside a terminal")
		})
	}
}

func TestAFaultOfTheSecondRunAloneIsSaidToBe(t *testing.T) {
	t.Parallel()
	got := roadshowWithApp(t, `test -n "$ROADSHOW_TEST_MODE" && exec `+built.program, "parity")
	assert.Equal(t, exitUnknown, got.code)
	assert.Contains(t, got.stderr, "the second run, in another environment: program")
}

func TestAnInterruptEndsAProofInOneLine(t *testing.T) {
	t.Parallel()
	started := filepath.Join(t.TempDir(), "started")
	command := exec.Command(built.command, "parity", "--app", "touch "+started+"; exec sleep 60")
	var output bytes.Buffer
	command.Dir, command.Stdout, command.Stderr = built.folder, &output, &output
	require.NoError(t, command.Start())
	require.Eventually(t, func() bool {
		_, err := os.Stat(started)
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, command.Process.Signal(os.Interrupt))
	require.ErrorAs(t, command.Wait(), new(*exec.ExitError))
	assert.Equal(t, exitUnknown, command.ProcessState.ExitCode())
	assert.Equal(t, "roadshow: interrupted\n", output.String())
}

func TestStrictParityRefusesWhatChangesNothing(t *testing.T) {
	t.Parallel()
	got := roadshow(t, "", "parity", "--strict")
	assert.Equal(t, exitWell, got.code, got.stdout+got.stderr)
	got = roadshow(t, "stale", "parity", "--strict")
	assert.Equal(t, exitFinding, got.code)
	assert.Contains(t, got.stdout, "stages.Pick(5s, stages.When(production, 5s)) changes nothing in any stage; remove it")
}

func TestParityAsJSON(t *testing.T) {
	t.Parallel()
	got := roadshow(t, "branch", "parity", "--json")
	assert.Equal(t, exitFinding, got.code)
	var verdict struct {
		Identical bool
		parity.Verdict
	}
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &verdict))
	assert.False(t, verdict.Identical)
	require.NotEmpty(t, verdict.Differences)
	assert.True(t, strings.HasSuffix(verdict.Differences[0].At.File, "show.go"), "%v", verdict.Differences[0].At)
}

func TestDiff(t *testing.T) {
	t.Parallel()
	got := roadshow(t, "", "diff", "dev", "production")
	require.Equal(t, exitWell, got.code, got.stderr)
	assert.Contains(t, got.stdout, "production picks 1024, dev 256: 1 function changed (stages.Pick(256, stages.When(production, 1024)), ")
	assert.Contains(t, got.stdout, "production adds notes DAX: ")
	assert.Contains(t, got.stdout, "production has tier protected, dev sandbox: ")

	got = roadshow(t, "", "diff", "production", "dev", "--json")
	require.Equal(t, exitWell, got.code, got.stderr)
	var explanation parity.Explanation
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &explanation))
	changes := 0
	for _, group := range explanation.Groups {
		changes += len(group.Changes)
	}
	assert.Equal(t, explanation.Changes, changes)

	got = roadshow(t, "", "diff", "dev", "pr-417", "--markdown")
	require.Equal(t, exitWell, got.code, got.stderr)
	assert.Contains(t, got.stdout, "### From dev to pr-417\n\nNo declared difference.")

	got = roadshow(t, "branch", "diff", "dev", "production")
	assert.Equal(t, exitFinding, got.code)
	assert.Contains(t, got.stdout, "undeclared")

	got = roadshow(t, "", "diff", "dev", "qa")
	assert.Equal(t, exitUnknown, got.code)
	assert.Contains(t, got.stderr, `name is "qa", want a stage of the set`)
}

func TestNamesAndStages(t *testing.T) {
	t.Parallel()
	got := roadshow(t, "", "names", "--stage", "dev")
	require.Equal(t, exitWell, got.code, got.stderr)
	assert.Contains(t, got.stdout, "dev-show-notes")
	assert.NotContains(t, got.stdout, "production-show-notes")

	got = roadshow(t, "", "names")
	require.Equal(t, exitWell, got.code, got.stderr)
	assert.Regexp(t, `(?m)^pr-show-9+ \(example\) +DynamoDB table +pr-show-9+-show-notes-\w{10} +`, got.stdout)

	got = roadshow(t, "", "stages", "--json")
	require.Equal(t, exitWell, got.code, got.stderr)
	var listed struct{ Stages []assembly.Stage }
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &listed))
	require.Len(t, listed.Stages, 3)
	assert.True(t, listed.Stages[2].Template)

	got = roadshow(t, "collision", "names")
	assert.Equal(t, exitUnknown, got.code)
}

func TestAStageToBe(t *testing.T) {
	t.Parallel()
	got := roadshow(t, "", "stages", "--with", "pr-417")
	require.Equal(t, exitWell, got.code, got.stderr)
	assert.Contains(t, got.stdout, "stage pr-417: account 111111111111, us-east-1, sandbox\nchooses like dev\n")
	assert.Contains(t, got.stdout, "pr-417-show-notes")

	got = roadshow(t, "", "stages", "--with", "canary", "--region", "eu-west-1", "--tier", "protected", "--json")
	require.Equal(t, exitWell, got.code, got.stderr)
	var proposal assembly.Proposal
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &proposal))
	assert.Equal(t, "canary", proposal.Stage.Name)
	assert.NotEmpty(t, proposal.Names)

	for _, arguments := range [][]string{{"--with", "dev"}, {"--with", "nobody"}, {"--with", "x", "--region", "mars-1"}} {
		got = roadshow(t, "", append([]string{"stages"}, arguments...)...)
		assert.Equal(t, exitUnknown, got.code, "%v: %s", arguments, got.stdout)
		assert.Empty(t, got.stdout)
	}
}

func TestTheCommandSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		app       string
		arguments []string
		contains  string
	}{
		"no such command":    {"no-such-command-anywhere", []string{"parity"}, "it has failed"},
		"an empty assembly":  {os.TempDir(), []string{"names"}, "assembly: "},
		"a ready assembly":   {os.TempDir(), []string{"parity"}, "only a program can be asked this"},
		"too few stages":     {"true", []string{"diff", "dev"}, "accepts 2 arg(s)"},
		"an unknown verb":    {"true", []string{"prove"}, `unknown command "prove"`},
		"an unknown flag":    {"true", []string{"parity", "--loud"}, "unknown flag: --loud"},
		"a program that was": {"true", []string{"stages"}, "answer is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := roadshowWithApp(t, tt.app, tt.arguments...)
			assert.Equal(t, exitUnknown, got.code)
			assert.Empty(t, got.stdout)
			assert.Contains(t, got.stderr, tt.contains)
		})
	}
}

func TestEveryVerbHasExamplesAndCompletion(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"parity", "diff", "names", "stages"} {
		got := roadshow(t, "", verb, "--help")
		assert.Equal(t, exitWell, got.code)
		assert.Contains(t, got.stdout, "Examples:\n  roadshow "+verb)
	}
	command := exec.Command(built.command, "__complete", "--app", built.program, "diff", "")
	command.Dir = built.folder
	output, err := command.Output()
	require.NoError(t, err)
	assert.Contains(t, string(output), "dev\nproduction\n")
}
