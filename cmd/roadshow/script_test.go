package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/rehearsal"
)

var update = flag.Bool("update", false, "write what cmp compares with into the scripts anew")

// TestScripts runs the sessions of testdata/script: each is what a person types and gets, in accounts of its own.
// testdata/script/README.md says what a script may use.
func TestScripts(t *testing.T) {
	t.Cleanup(func() { everyVerbHasPrintedJSON(t) })
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", WorkdirRoot: made.folder, UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: open,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"world": world, "seed": seed, "fault": fault, "fix": fix, "calls": calls, "holds": holds, "plain": plain, "await": await,
			"$": typed, "code": code, "pays": pays, "charge": charge,
		},
	})
}

// The accounts of the program in testdata/show, by the stage that each is for.
var accounts = map[string]string{"dev": "111111111111", "staging": "222222222222", "production": "333333333333"}

// planted begins every secret of the accounts, so that nothing may ever contain it.
const planted = "planted/secret/"

// made is what is made once for all scripts, in a folder of the checkout: what it compiles must be in the module.
var made struct{ checkout, folder, program string }

func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"roadshow": main})
}

// suite makes the program and its assemblies, runs the tests, and removes what it made.
type suite struct{ m *testing.M }

// Run returns the exit code.
func (s suite) Run() int {
	code, err := s.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func (s suite) run() (code int, err error) {
	if made.checkout, err = filepath.Abs("../.."); err != nil {
		return 1, err
	}
	parent := filepath.Join(made.checkout, ".roadshow")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return 1, err
	}
	if made.folder, err = os.MkdirTemp(parent, "scripts-"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(made.folder)
	made.program = filepath.Join(made.folder, "show")
	place := awsenv.Place{Checkout: made.checkout, Folder: filepath.Join(made.folder, "building")}
	if err := child(place, "go", "build", "-ldflags=-w", "-o", made.folder, "./cmd/roadshow/testdata/show", "./cmd/roadshow/testdata/strict"); err != nil {
		return 1, err
	}
	for _, variant := range []string{"", "longer"} {
		if err := child(place, "sh", "-c", "CDK_OUTDIR="+assembled(variant)+` CDK_CONTEXT_JSON='{"stage":"all"}' exec `+made.program+" "+variant); err != nil {
			return 1, err
		}
	}
	return s.m.Run(), nil
}

// assembled is the folder of the program's assembly, of the program as it is or with a change.
func assembled(variant string) string { return filepath.Join(made.folder, "assembly"+variant) }

// child runs a process that needs no account.
func child(place awsenv.Place, name string, arguments ...string) error {
	environ, err := place.BuildEnviron("CDK_VALIDATION=false")
	if err != nil {
		return err
	}
	process := exec.Command(name, arguments...)
	process.Dir, process.Env = place.Checkout, environ
	if output, err := process.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(arguments, " "), err, output)
	}
	return nil
}

// openAccounts starts the accounts, and an environment whose profiles reach them; its files are in a folder.
func openAccounts(folder string) (*rehearsal.Server, *awsenv.Environment, error) {
	var config rehearsal.Config
	var profiles []awsenv.Profile
	for stage, id := range accounts {
		key, secret := "AKIA"+id+"SHOW", planted+id
		config.Accounts = append(config.Accounts, rehearsal.Account{ID: id, AccessKeyID: key, SecretAccessKey: secret, UserName: stage})
		profiles = append(profiles, awsenv.Profile{Name: stage, AccessKeyID: key, SecretAccessKey: secret, Region: "us-east-1"})
	}
	server, err := rehearsal.Start(config)
	if err != nil {
		return nil, nil, err
	}
	environment, err := awsenv.Write(awsenv.Place{Checkout: made.checkout, Folder: folder}, server.URL(), profiles...)
	if err != nil {
		server.Close()
	}
	return server, environment, err
}

// session is what the commands of one script share.
type session struct {
	test   messages.T
	server *rehearsal.Server
	fixes  []func()
	code   int // of the last roadshow
}

type sessionKey struct{}

func of(ts *testscript.TestScript) *session { return ts.Value(sessionKey{}).(*session) }

// open starts the accounts of a script, and makes its folder that of the program.
func open(env *testscript.Env) error {
	server, environment, err := openAccounts(filepath.Join(env.WorkDir, ".aws"))
	if err != nil {
		return err
	}
	env.Defer(func() { server.Close() })
	env.Defer(func() {
		if err := hasNoSecret(env.WorkDir); err != nil {
			env.T().Fatal(err)
		}
	})
	env.Values[sessionKey{}] = &session{server: server, test: env.T().(messages.T)}
	settings, err := json.Marshal(map[string]string{"app": made.program})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(env.WorkDir, "cdk.json"), settings, 0o600); err != nil {
		return err
	}
	env.Vars = append(env.Vars, environment.Environ(
		"WORK="+env.WorkDir, "CI=", "NO_COLOR=", "CDK_VALIDATION=false", "SHOW="+made.program, "STRICT="+filepath.Join(made.folder, "strict"),
		"CHECKOUT="+made.checkout, "ASSEMBLY="+assembled(""), "LONGER="+assembled("longer"),
	)...)
	return nil
}

// hasNoSecret reads whatever a session has written: assemblies, the log of deletions, the cache of costs, what the cdk
// command keeps. Only the file of the AWS credentials may have their secrets.
func hasNoSecret(folder string) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || path == filepath.Join(folder, ".aws", "credentials") {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && bytes.Contains(text, []byte(planted)) {
			err = fmt.Errorf("%s has a secret: %s…", path, planted)
		}
		return err
	})
}

// world is `world bootstrapped` or `world deployed`: the accounts hold what the command itself has made of them.
func world(ts *testscript.TestScript, neg bool, arguments []string) {
	states := map[string]func() ([]byte, error){"bootstrapped": bootstrapped, "deployed": deployed}
	if neg || len(arguments) != 1 || states[arguments[0]] == nil {
		ts.Fatalf("usage: world bootstrapped|deployed")
	}
	state, err := states[arguments[0]]()
	ts.Check(err)
	ts.Check(of(ts).server.Load(bytes.NewReader(state)))
}

// Each state is made where a script asks for it first, once.
var (
	bootstrapped = sync.OnceValues(func() ([]byte, error) { return after(nil, "bootstrap") })
	deployed     = sync.OnceValues(func() ([]byte, error) {
		state, err := bootstrapped()
		if err != nil {
			return nil, err
		}
		return after(state, "deploy", "--yes")
	})
)

// after is what the accounts hold after the command has run.
func after(state []byte, arguments ...string) ([]byte, error) {
	folder, err := os.MkdirTemp(made.folder, "state-")
	if err != nil {
		return nil, err
	}
	server, environment, err := openAccounts(folder)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	if state != nil {
		if err := server.Load(bytes.NewReader(state)); err != nil {
			return nil, err
		}
	}
	process := exec.Command("roadshow", append(arguments, "--app", assembled(""))...)
	process.Dir, process.Env = folder, environment.Environ()
	if output, err := process.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("roadshow %s: %w\n%s", strings.Join(arguments, " "), err, output)
	}
	var saved bytes.Buffer
	err = server.Save(&saved)
	return saved.Bytes(), err
}

// seed is `seed FILE…`: each is a document of rehearsal.Server.Load, of a part or of all.
func seed(ts *testscript.TestScript, neg bool, arguments []string) {
	if neg || len(arguments) == 0 {
		ts.Fatalf("usage: seed FILE…")
	}
	for _, name := range arguments {
		ts.Check(of(ts).server.Load(strings.NewReader(ts.ReadFile(name))))
	}
}

// fault is `fault FIELD=VALUE…`, of rehearsal.Fault.
func fault(ts *testscript.TestScript, neg bool, arguments []string) {
	var armed rehearsal.Fault
	texts := map[string]*string{
		"account": &armed.Account, "region": &armed.Region, "service": &armed.Service, "operation": &armed.Operation,
		"type": &armed.ResourceType, "code": &armed.Code, "message": &armed.Message,
	}
	numbers := map[string]*int{"count": &armed.Count, "status": &armed.Status, "after": &armed.After}
	for _, argument := range arguments {
		name, value, _ := strings.Cut(argument, "=")
		var err error
		switch {
		case texts[name] != nil:
			*texts[name] = value
		case numbers[name] != nil:
			*numbers[name], err = strconv.Atoi(value)
		case name == "delay":
			armed.Delay, err = time.ParseDuration(value)
		default:
			err = fmt.Errorf("a fault has no %q", name)
		}
		ts.Check(err)
	}
	if neg || len(arguments) == 0 {
		ts.Fatalf("usage: fault FIELD=VALUE…")
	}
	session := of(ts)
	session.fixes = append(session.fixes, session.server.InjectFault(armed))
}

// fix takes every fault back.
func fix(ts *testscript.TestScript, neg bool, arguments []string) {
	if neg || len(arguments) > 0 {
		ts.Fatalf("usage: fix")
	}
	for _, remove := range of(ts).fixes {
		remove()
	}
	of(ts).fixes = nil
}

// calls is `calls STAGE|* OPERATION COUNT`: so often was an operation asked of a stage's account, or of all.
func calls(ts *testscript.TestScript, neg bool, arguments []string) {
	if neg || len(arguments) != 3 {
		ts.Fatalf("usage: calls STAGE|* OPERATION COUNT")
	}
	count := 0
	for _, call := range of(ts).server.Calls() {
		if call.Operation == arguments[1] && (arguments[0] == "*" || call.Account == accounts[arguments[0]]) {
			count++
		}
	}
	if want, err := strconv.Atoi(arguments[2]); err != nil || count != want {
		ts.Fatalf("%s of %s: %d calls, want %s", arguments[1], arguments[0], count, arguments[2])
	}
}

// holds is `holds STAGE TYPE NAME`, or with ! before it: whether a stage's account has such a resource.
func holds(ts *testscript.TestScript, neg bool, arguments []string) {
	if len(arguments) != 3 {
		ts.Fatalf("usage: [!] holds STAGE TYPE NAME")
	}
	found := false
	for _, one := range of(ts).server.Resources(accounts[arguments[0]], "us-east-1") {
		found = found || one.Type == arguments[1] && one.Name == arguments[2]
	}
	if found == neg {
		ts.Fatalf("account of %s has %s %s: %t", arguments[0], arguments[1], arguments[2], found)
	}
}

// plain is `plain stdout|stderr|FILE TO`: what was said, without what differs from run to run, for cmp.
func plain(ts *testscript.TestScript, neg bool, arguments []string) {
	if neg || len(arguments) != 2 {
		ts.Fatalf("usage: plain stdout|stderr|FILE TO")
	}
	text := strings.ReplaceAll(ts.ReadFile(arguments[0]), ts.Getenv("WORK"), "WORK")
	text = strings.ReplaceAll(text, made.checkout, "CHECKOUT")
	for _, one := range differing {
		text = one.pattern.ReplaceAllString(text, one.stands)
	}
	ts.Check(os.WriteFile(ts.MkAbs(arguments[1]), []byte(text), 0o600))
}

var differing = []struct {
	pattern *regexp.Regexp
	stands  string
}{
	{regexp.MustCompile(`main\.go:\d+`), "main.go:LINE"},
	{regexp.MustCompile(`"line": \d+`), `"line": 0`},
	{regexp.MustCompile(`"seconds": [\d.e-]+`), `"seconds": 0`},
	{regexp.MustCompile(`\b\d+\.\ds\b`), "SECONDS"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`), "TIME"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d\b`), "DAY"},
	{regexp.MustCompile(`\bjust now\b|\b\d+ (?:min|h|days) ago\b`), "AGO"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "DIGEST"},
	{regexp.MustCompile(`"[A-Za-z0-9+/]{43}="`), `"DIGEST"`},
	{regexp.MustCompile(`\b[0-9a-f]{40}(-dirty)?\b`), "COMMIT"},
	{regexp.MustCompile(`\b[0-9a-f]{9}\+?(\s)`), "COMMIT$1"},
	{regexp.MustCompile(`(COMPLETE .*)\b[0-9a-f]{12}(\s)`), "${1}DIGEST$2"}, // of a template, cut
	{regexp.MustCompile(`\b([a-z]+-)[0-9a-f]{17}\b`), "${1}ID"},
	{regexp.MustCompile(`\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`), "UUID"},
	{regexp.MustCompile(`changeSet/roadshow-[a-z2-7]{26}/`), "changeSet/NAME/"},
	{regexp.MustCompile(`-(?:[A-Z0-9]{12}|[a-z0-9]{12})"`), `-ID"`}, // of a name that CloudFormation has made up
	{regexp.MustCompile(`(?m)[ \t]+$`), ""},
	{regexp.MustCompile(`(\S) {2,}`), "$1  "},
}

// typed is `$ COMMAND ARGUMENT…`, as at a shell: it must end with 0, or with ! before it with another code. Whatever it
// says, it says no secret.
func typed(ts *testscript.TestScript, neg bool, arguments []string) {
	if len(arguments) == 0 {
		ts.Fatalf("usage: [!] $ COMMAND ARGUMENT…")
	}
	err := ts.Exec(arguments[0], arguments[1:]...)
	session := of(ts)
	session.code = 0
	if exit, ended := errors.AsType[*exec.ExitError](err); ended {
		session.code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	for _, stream := range []string{"stdout", "stderr"} {
		for _, secret := range []string{planted, "AKIA", "ASIA"} {
			if strings.Contains(ts.ReadFile(stream), secret) {
				ts.Fatalf("%s has a secret: %s…", stream, secret)
			}
		}
	}
	if arguments[0] == "roadshow" && len(arguments) > 1 && arguments[1] != "completion" && !slices.Contains(arguments, "--help") {
		messages.Written(session.test, ts.ReadFile("stderr"))
		messages.Written(session.test, ts.ReadFile("stdout"))
	}
	hasSchema(ts, arguments)
	if neg == (session.code == 0) {
		ts.Fatalf("it has ended with %d", session.code)
	}
}

// code is `code N`: what was typed last has ended with exit code N.
func code(ts *testscript.TestScript, neg bool, arguments []string) {
	if neg || len(arguments) != 1 {
		ts.Fatalf("usage: code N")
	}
	if got := strconv.Itoa(of(ts).code); got != arguments[0] {
		ts.Fatalf("it has ended with %s, want %s", got, arguments[0])
	}
}

// await is `await FILE`: until something running in the background has written it.
func await(ts *testscript.TestScript, neg bool, arguments []string) {
	if neg || len(arguments) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-ticker.C {
		if _, err := os.Stat(ts.MkAbs(arguments[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s is not there after a minute", arguments[0])
}
