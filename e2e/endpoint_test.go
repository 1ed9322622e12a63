package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/internal/child"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/gobuild"
	"github.com/roadshow-go/roadshow/internal/rehearse"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// The variables that name another endpoint than the rehearsal; README.md explains them.
const (
	variableEndpoint = "ROADSHOW_E2E_ENDPOINT"
	variableProfiles = "ROADSHOW_E2E_PROFILES"
	variableAccounts = "ROADSHOW_E2E_ACCOUNTS"
)

// elsewhere says whether another endpoint, or AWS itself, was named.
func elsewhere() bool { return os.Getenv(variableProfiles) != "" }

// byStage reads a variable of the form dev=…,staging=…,production=….
func byStage(variable string) (map[string]string, error) {
	values := map[string]string{}
	for pair := range strings.SplitSeq(os.Getenv(variable), ",") {
		stage, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		values[stage] = value
	}
	for _, stage := range []string{"dev", "staging", "production"} {
		if values[stage] == "" {
			return nil, fmt.Errorf("%s: value is %q, want one for each of dev, staging and production; write %s=dev=…,staging=…,production=…",
				variable, os.Getenv(variable), variable)
		}
	}
	return values, nil
}

// accountsNamed are what to replace in app.go: its accounts, by those that were named.
func accountsNamed() ([]string, error) {
	if !elsewhere() {
		return nil, nil
	}
	accounts, err := byStage(variableAccounts)
	if err != nil {
		return nil, err
	}
	return []string{
		`Account: "111111111111"`, `Account: "` + accounts["dev"] + `"`,
		`Account: "222222222222"`, `Account: "` + accounts["staging"] + `"`,
		`Account: "333333333333"`, `Account: "` + accounts["production"] + `"`,
	}, nil
}

// programSource is what to build: the package of the checkout, or a copy with the accounts that were named.
func programSource() (string, error) {
	accounts, err := accountsNamed()
	if err != nil || accounts == nil {
		return ".", err
	}
	text, err := appWith(accounts...)
	if err != nil {
		return "", err
	}
	return source("elsewhere", text)
}

// appWith is app.go with texts replaced.
func appWith(replacements ...string) (string, error) {
	text, err := os.ReadFile(filepath.Join(checkout, "app.go"))
	if err != nil {
		return "", err
	}
	return replaced(string(text), replacements...)
}

// replaced is a part of app.go with texts replaced (old, new, old, new, …), each of which must be there.
func replaced(text string, replacements ...string) (string, error) {
	for i := 0; i < len(replacements); i += 2 {
		if !strings.Contains(text, replacements[i]) {
			return "", fmt.Errorf("app.go: text is without %q, want it; change the suite like app.go", replacements[i])
		}
		text = strings.ReplaceAll(text, replacements[i], replacements[i+1])
	}
	return text, nil
}

// source writes a program into a folder of its own.
func source(name, text string) (string, error) {
	file := filepath.Join(folder, "sources", name, "app.go")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", err
	}
	return file, os.WriteFile(file, []byte(text), 0o600)
}

// variants are what the tests change in the service (old, new, old, new, …).
var variants = map[string][]string{
	"memory": {"stages.Pick(s, 256, ", "stages.Pick(s, 512, "},
	// Another handler, and a variable of its own.
	"swapped": {
		`Package: "./functions/list-notes",`, `Package: "./functions/get-note", Environment: map[string]string{"MODE": "swapped"},`,
	},
	"provisioned":         {`Package: "./functions/list-notes",`, `Package: "./functions/list-notes", ProvisionedConcurrency: 1,`},
	"provisioned-swapped": {`Package: "./functions/list-notes",`, `Package: "./functions/get-note", ProvisionedConcurrency: 1,`},
	"provisioned-described": {
		`Package: "./functions/list-notes",`, `Package: "./functions/get-note", ProvisionedConcurrency: 1, Description: "once more",`,
	},
}

// varied is app.go with the service in every variant, built once: the name of the program's file says which one it is.
var varied = sync.OnceValues(func() (string, error) {
	accounts, err := accountsNamed()
	if err != nil {
		return "", err
	}
	text, err := appWith(append(accounts, "import (\n", "import (\n\t\"os\"\n\t\"path/filepath\"\n", "Define: Notes}", "Define: named()}")...)
	if err != nil {
		return "", err
	}
	const begin = "\nfunc Notes("
	_, service, found := strings.Cut(text, begin)
	if !found {
		return "", fmt.Errorf("app.go: text is without %q, want it; change the suite like app.go", begin)
	}
	choice := "\nfunc named() func(*stack.Stack) {\n\tfile, err := os.Executable()\n\tif err == nil {\n\t\tfile, err = filepath.EvalSymlinks(file)\n\t}\n" +
		"\tif err != nil {\n\t\tpanic(err)\n\t}\n\tswitch filepath.Base(file) {\n"
	for i, name := range slices.Sorted(maps.Keys(variants)) {
		one, err := replaced(service, variants[name]...)
		if err != nil {
			return "", err
		}
		text += fmt.Sprintf("\nfunc variant%d(%s", i, one)
		choice += fmt.Sprintf("\tcase %q:\n\t\treturn variant%d\n", name, i)
	}
	file, err := source("varied", text+choice+"\t}\n\tpanic(file)\n}\n")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(folder, "varied")
	return binary, Build(interrupted, preparing(), binary, file)
})

// stranger is a stage of no set: its profile is of an account that the program does not know.
var stranger = stages.Stage{Name: "stranger", Account: "999999999999", Region: "us-east-1"}

// rig is a world, the program that is deployed to it, and the commands that do it.
type rig struct {
	*rehearse.World
	place    awsenv.Place
	program  Program
	profiles map[string]string // by stage
	// patience is how long one command may take.
	patience time.Duration
}

// newRig opens the accounts: a rehearsal of its own, or what was named.
func newRig(t *testing.T) *rig {
	t.Helper()
	document, err := assembly.Read(filepath.Join(folder, "prepared"))
	require.NoError(t, err)
	r := &rig{
		place:    awsenv.Place{Checkout: checkout, Folder: filepath.Join(folder, strings.ReplaceAll(t.Name(), "/", "-"))},
		program:  Program{Binary: notesBinary(), Service: document.Service},
		profiles: map[string]string{"stranger": "stranger"},
		patience: 2 * time.Minute,
	}
	for _, stage := range document.Set {
		r.program.Stages = append(r.program.Stages, stages.Stage{Name: stage.Name, Account: stage.Account, Region: stage.Region, Tier: stage.Tier})
		r.profiles[stage.Name] = stage.Name
	}
	if elsewhere() {
		// A DAX cluster alone takes a quarter of an hour.
		r.patience = 45 * time.Minute
		r.profiles, err = byStage(variableProfiles)
		require.NoError(t, err)
		environment, err := awsenv.Borrow(r.place, os.Getenv(variableEndpoint))
		require.NoError(t, err)
		r.World = &rehearse.World{Environment: environment}
		for _, stage := range r.program.Stages {
			who, err := sts.NewFromConfig(r.config(t, stage.Name)).GetCallerIdentity(t.Context(), nil)
			require.NoError(t, err)
			require.Equal(t, stage.Account, *who.Account, "profile %s is not of the account that %s names", r.profiles[stage.Name], variableAccounts)
		}
		return r
	}
	functions := rehearsal.Functions{Build: rehearse.Build(checkout, document, gobuild.Options{})}
	r.World, err = rehearse.Open(r.place, rehearsal.Config{Functions: functions}, append(r.program.Stages, stranger)...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// What the rehearsed accounts hold after `cdk bootstrap`, and after a deploy of notes to every stage besides: the commands
// are run once for all rehearsals. TestTheNotesServiceInThreeAccounts is the test of what they say.
var (
	afterBootstrap, afterDeploy State
	said                        = map[string]string{} // by the command and its stage
)

// inEach runs a command for each stage, and keeps what it says. Not as tests side by side, which could wait for the slots
// of tests that wait for this.
func (r *rig) inEach(t *testing.T, verb string, of func(stage string) command) {
	t.Helper()
	outputs, failures := make([]string, len(r.program.Stages)), make([]error, len(r.program.Stages))
	parallel.ForEach(t.Context(), 2, r.program.Stages, func(_ context.Context, i int, stage stages.Stage) {
		outputs[i], failures[i] = r.cdk(t, of(stage.Name), verb)
	})
	require.NoError(t, errors.Join(failures...))
	for i, stage := range r.program.Stages {
		said[verb+" "+stage.Name] = outputs[i]
	}
}

// bootstrap has the account of every stage bootstrapped by the cdk command.
func (r *rig) bootstrap(t *testing.T) {
	t.Helper()
	run := func(r *rig) { r.inEach(t, "bootstrap", func(stage string) command { return command{stage: stage} }) }
	if r.Server == nil {
		run(r)
		return
	}
	require.NoError(t, afterBootstrap.Load(r.Server, func() *rehearsal.Server {
		first := newRig(t)
		run(first)
		return first.Server
	}))
}

// deployed has notes deployed to every stage, or to the accounts that are named, by the cdk command; what they held is
// gone. One stage is deployed just as people do it: with the app of cdk.json, and with AWS's validator.
func (r *rig) deployed(t *testing.T, accounts ...string) {
	t.Helper()
	run := func(r *rig) {
		r.bootstrap(t)
		r.inEach(t, "deploy", func(stage string) command { return command{stage: stage, ownApp: stage == dev && !elsewhere()} })
	}
	if r.Server == nil {
		run(r)
		return
	}
	require.NoError(t, afterDeploy.Load(r.Server, func() *rehearsal.Server {
		first := newRig(t)
		run(first)
		return first.Server
	}, accounts...))
}

// onlyRehearsed skips what only a rehearsal can show.
func (r *rig) onlyRehearsed(t *testing.T, why string) {
	t.Helper()
	if r.Server == nil {
		t.Skip("on the rehearsal only: " + why)
	}
}

func (r *rig) stage(t *testing.T, name string) stages.Stage {
	t.Helper()
	for _, stage := range r.program.Stages {
		if stage.Name == name {
			return stage
		}
	}
	require.Fail(t, "app.go has no stage "+name)
	return stages.Stage{}
}

// config is for SDK clients of a stage's account.
func (r *rig) config(t *testing.T, stage string) aws.Config {
	t.Helper()
	config, err := r.Config(t.Context(), r.profiles[stage])
	require.NoError(t, err)
	return config
}

// command is one run of the cdk command.
type command struct {
	// stage whose profile is used; empty is none.
	stage string
	// app is the program; the built app.go where it is empty.
	app string
	// ownApp leaves the program to cdk.json.
	ownApp bool
	// dir is the folder of the program's module; the checkout where it is empty.
	dir string
	// environ are further variables.
	environ []string
}

// cdk runs the real command to its end and returns what it wrote.
func (r *rig) cdk(t *testing.T, c command, arguments ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(interrupted, r.patience)
	defer cancel()
	if end, limited := t.Deadline(); limited {
		// Before the go command ends this process, it has to end its children.
		ctx, cancel = context.WithDeadline(ctx, end.Add(-2*child.Grace))
		defer cancel()
	}
	if c.stage != "" {
		arguments = append(arguments, "--profile", r.profiles[c.stage])
	}
	if c.app == "" {
		c.app = r.program.Binary
	}
	// The command reads its options from variables as well, so that what is typed stays what people type.
	outdir, err := os.MkdirTemp(r.place.Folder, "cdk.out-")
	require.NoError(t, err)
	environ := []string{"CI=true", "NO_COLOR=1", "CDK_REQUIRE_APPROVAL=never", "CDK_OUTPUT=" + outdir}
	if !c.ownApp {
		environ = append(environ, "CDK_APP="+c.app, "CDK_VALIDATION=false")
	}
	environ = append(environ, c.environ...)
	result, err := Run(ctx, Child{Command: append([]string{CDK(checkout)}, arguments...), Dir: cmp.Or(c.dir, checkout), Environ: r.Environ(environ...)})
	t.Logf("cdk %s (%.1fs)\n%s", strings.Join(arguments, " "), result.Took.Seconds(), result.Output)
	require.NotContains(t, result.Output, "goroutine ", "no Go trace is ever shown")
	return result.Output, err
}

// must is cdk that has to succeed.
func (r *rig) must(t *testing.T, c command, arguments ...string) string {
	t.Helper()
	output, err := r.cdk(t, c, arguments...)
	require.NoError(t, err)
	return output
}

// each runs a test for each stage, side by side: accounts do not share anything.
func (r *rig) each(t *testing.T, test func(t *testing.T, stage stages.Stage)) {
	t.Helper()
	t.Run("in", func(t *testing.T) {
		for _, stage := range r.program.Stages {
			t.Run(stage.Name, func(t *testing.T) {
				t.Parallel()
				test(t, stage)
			})
		}
	})
}

// variant is a program whose service is so.
func (r *rig) variant(t *testing.T, name string) string {
	t.Helper()
	program, err := varied()
	require.NoError(t, err)
	require.Contains(t, variants, name)
	binary := filepath.Join(folder, name)
	if err := os.Link(program, binary); !errors.Is(err, fs.ErrExist) {
		require.NoError(t, err)
	}
	return binary
}
