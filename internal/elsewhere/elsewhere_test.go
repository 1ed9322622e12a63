package elsewhere

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func variables(environment []string) map[string]string {
	all := map[string]string{}
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		all[name] = value
	}
	return all
}

func TestWhatIsSetHereIsNotSetThereAndTheOtherWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[A-Z]{2,6}_[A-Z]{2,6}`).Filter(func(name string) bool { return !isKept(name) && always[name] == "" })
		read := rapid.SliceOfDistinct(name, rapid.ID).Draw(t, "read")
		here := []string{"PATH=/bin"}
		set := map[string]bool{}
		for _, variable := range read {
			if set[variable] = rapid.Bool().Draw(t, variable); set[variable] {
				here = append(here, variable+"=here")
			}
		}
		there := variables(Environment(here, "/elsewhere", read))
		for _, variable := range read {
			_, has := there[variable]
			assert.Equal(t, !set[variable], has, variable)
		}
		assert.Equal(t, "/bin", there["PATH"])
		assert.Equal(t, "/elsewhere", there["HOME"])
	})
}

func TestTheCDKsVariablesDifferAndNobodysCredentialsAreThere(t *testing.T) {
	there := variables(Environment([]string{"AWS_PROFILE=production", "AWS_ACCESS_KEY_ID=AKIA", "GOMAXPROCS=3", "GOFLAGS=-mod=mod"}, "/h", nil))
	assert.NotContains(t, there, "AWS_PROFILE")
	assert.NotContains(t, there, "AWS_ACCESS_KEY_ID")
	assert.NotContains(t, there, "GOMAXPROCS")
	assert.Equal(t, "-mod=mod", there["GOFLAGS"])
	assert.Equal(t, "000000000000", there["CDK_DEFAULT_ACCOUNT"])
	assert.Equal(t, os.DevNull, there["AWS_CONFIG_FILE"])
	assert.Equal(t, "understudy", variables(Environment(nil, "/h", nil))["AWS_PROFILE"])
}

func TestTheProgramsContextDiffersAndTheCDKsDoesNot(t *testing.T) {
	there := Context(map[string]any{
		"@aws-cdk/core:flag": true, "availability-zones:account=1:region=r": []any{"a"}, "size": "small", "one": "1", "big": false, "count": 2.0,
	}, []string{"size", "profile"})
	assert.Equal(t, map[string]any{
		"@aws-cdk/core:flag": true, "availability-zones:account=1:region=r": []any{"a"}, "size": "1", "big": true, "count": 3.0, "profile": "1",
	}, there)
}

func TestACommandHasOneProcessorAndAHostOfItsOwn(t *testing.T) {
	if os.Getenv("TEST_ELSEWHERE") != "" {
		Enter()
		host, err := os.Hostname()
		require.NoError(t, err)
		os.Stdout.WriteString("processors " + strconv.Itoa(runtime.NumCPU()) + " host " + host + "\n")
		return
	}
	before, err := os.Hostname()
	require.NoError(t, err)
	var output bytes.Buffer
	require.NoError(t, Run(func() *exec.Cmd {
		command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		command.Env = append(os.Environ(), "TEST_ELSEWHERE=yes")
		command.Stdout = &output
		return command
	}))
	after, err := os.Hostname()
	require.NoError(t, err)
	assert.Equal(t, before, after, "the machine keeps its name")
	assert.Contains(t, output.String(), " host ")
	if runtime.GOOS == "linux" {
		assert.Contains(t, output.String(), "processors 1 ")
	}
	if permitted := exec.Command("unshare", "--map-root-user", "--uts", "true").Run() == nil; permitted {
		assert.Contains(t, output.String(), "host understudy")
	}
}

func TestACommandThatFailsIsRunOnce(t *testing.T) {
	runs := t.TempDir() + "/runs"
	err := Run(func() *exec.Cmd { return exec.Command("sh", "-c", "echo run >> "+runs+"; exit 3") })
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 3, exit.ExitCode())
	text, err := os.ReadFile(runs)
	require.NoError(t, err)
	assert.Equal(t, "run\n", string(text))
}
