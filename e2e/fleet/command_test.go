package fleet_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/e2e"
	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/internal/rehearse"
	"github.com/roadshow-go/roadshow/rehearsal"
)

// The accounts, and what nobody may ever read of them: each account's secret begins so.
const (
	devAccount, stagingAccount, productionAccount = "111111111111", "222222222222", "333333333333"
	planted                                       = "planted/secret/"
)

// world is accounts, and the command that looks after them: in the checkout, or in dir, on the program app, or
// on the one of the cdk.json there.
type world struct {
	*rehearse.World
	t      *testing.T
	folder string
	app    string
	dir    string
	// uses is what each verb's credentials were used for. Nothing is recorded where it is nil.
	uses recorded
}

// open starts the three accounts; each change of a resource takes them a moment.
func open(t *testing.T, app string, moment time.Duration) *world {
	t.Helper()
	config := rehearsal.Config{StepDelay: moment}
	var profiles []awsenv.Profile
	for name, id := range map[string]string{"dev": devAccount, "team-staging": stagingAccount, "prod-admin": productionAccount} {
		key, secret := "AKIA"+id+"SHOW", planted+id
		config.Accounts = append(config.Accounts, rehearsal.Account{ID: id, AccessKeyID: key, SecretAccessKey: secret, UserName: name})
		profiles = append(profiles, awsenv.Profile{Name: name, AccessKeyID: key, SecretAccessKey: secret, Region: "us-east-1"})
	}
	server, err := rehearsal.Start(config)
	require.NoError(t, err)
	dir := t.TempDir()
	environment, err := awsenv.Write(awsenv.Place{Checkout: checkout, Folder: dir}, server.URL(), profiles...)
	require.NoError(t, err)
	w := &world{World: &rehearse.World{Environment: environment, Server: server}, t: t, folder: dir, app: app}
	t.Cleanup(func() {
		for _, call := range server.Calls() {
			require.NotEqual(t, 501, call.Status, "%+v", call)
		}
		require.NoError(t, w.Close())
	})
	return w
}

// What the accounts hold after `roadshow bootstrap`, and after the notes service was deployed there from [packed]. The
// commands are run once for all tests; made is what their credentials were used for, shown what `roadshow status` then
// said.
var (
	afterBootstrap, afterDeploy e2e.State
	made                        = recorded{}
	shown                       answer
)

// bootstrap brings the bootstraps into the accounts; cmd/roadshow's script of bootstrap is the test of the command.
func (w *world) bootstrap() {
	w.t.Helper()
	require.NoError(w.t, afterBootstrap.Load(w.Server, func() *rehearsal.Server {
		first := open(w.t, prepared(), 0)
		first.uses = made
		first.must("bootstrap")
		return first.Server
	}))
}

// deployed brings the deployed service into the accounts, or into those that are named; cmd/roadshow's script of deploy
// is the test of a deploy on its way. What the accounts held is gone.
func (w *world) deployed(accounts ...string) {
	w.t.Helper()
	require.NoError(w.t, afterDeploy.Load(w.Server, func() *rehearsal.Server {
		first := open(w.t, packed(), 0)
		first.bootstrap()
		first.uses = made
		got := first.must("deploy", "--yes", "--json")
		require.Equal(w.t, map[string]string{"dev": "done", "staging": "done", "production": "done"}, states(w.t, got))
		shown = first.must("status", "--json")
		return first.Server
	}, accounts...))
}

// answer is what the command came to.
type answer struct {
	code           int
	stdout, stderr string
}

func (w *world) command(ctx context.Context, arguments ...string) *exec.Cmd {
	if w.app != "" {
		arguments = append(arguments, "--app", w.app)
	}
	command := exec.CommandContext(ctx, program("roadshow"), arguments...)
	command.Dir, command.Env = cmp.Or(w.dir, checkout), w.Environ("CDK_VALIDATION=false")
	command.WaitDelay = 5 * time.Second
	return command
}

// run runs the command to its end. Whatever it says, it says no secret.
func (w *world) run(arguments ...string) answer {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Minute)
	defer cancel()
	command := w.command(ctx, arguments...)
	before := len(w.Server.Calls())
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(w.t, err)
	}
	got := answer{code: command.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	w.t.Logf("roadshow %s: %d\n%s%s", strings.Join(arguments, " "), got.code, got.stderr, got.stdout)
	require.NoError(w.t, ctx.Err())
	w.uses.note(arguments, got.code, w.Server.Calls()[before:])
	for _, secret := range []string{planted, "AKIA", "ASIA"} {
		require.NotContains(w.t, got.stdout+got.stderr, secret)
	}
	return got
}

// must runs the command, and wants it to end well.
func (w *world) must(arguments ...string) answer {
	w.t.Helper()
	got := w.run(arguments...)
	require.Zero(w.t, got.code, got.stderr)
	return got
}

// calls counts the requests of an operation to an account.
func (w *world) calls(account, operation string) int {
	count := 0
	for _, call := range w.Server.Calls() {
		if call.Account == account && call.Operation == operation {
			count++
		}
	}
	return count
}

// changes counts the requests that change what accounts hold, in all of them.
func (w *world) changes() int {
	count := 0
	for _, call := range w.Server.Calls() {
		switch call.Operation {
		case "ExecuteChangeSet", "DeleteStack", "CreateStack", "UpdateStack", "PutObject", "CreateChangeSet", "UpdateTerminationProtection":
			count++
		}
	}
	return count
}

// holds tells whether an account has a resource of this type and name.
func (w *world) holds(account, kind, name string) bool {
	for _, one := range w.Server.Resources(account, "us-east-1") {
		if one.Type == kind && one.Name == name {
			return true
		}
	}
	return false
}

// states are the states of the stages in an answer's JSON.
func states(t *testing.T, got answer) map[string]string {
	t.Helper()
	var read struct {
		Stages []struct{ Stage, State string }
	}
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &read), got.stdout)
	found := map[string]string{}
	for _, one := range read.Stages {
		found[one.Stage] = one.State
	}
	return found
}

// TestTheLifeOfAFleet takes one set of accounts, which production pays for, from nothing to nothing, and records the
// permissions that each verb uses on the way.
func TestTheLifeOfAFleet(t *testing.T) {
	t.Parallel()
	w := open(t, prepared(), 0)
	w.uses = recorded{}
	organize := func() { require.NoError(t, w.Server.Organize(productionAccount, devAccount, stagingAccount)) }
	organize()

	t.Run("before anything is there", func(t *testing.T) {
		w.t = t
		w.run("stages")
		got := w.run("deploy", "--yes")
		require.Equal(t, 2, got.code)
		for _, stage := range []string{"dev", "staging", "production"} {
			require.Regexp(t, "Stage "+stage+": Account [0-9]+ is not bootstrapped in us-east-1\\.\n +Run `roadshow bootstrap "+stage+"`\\.", got.stderr)
		}
		require.Zero(t, w.changes(), "nothing was changed")
		require.Equal(t, 1, w.run("doctor").code)
	})

	t.Run("a deploy waits for the quota that it needs", func(t *testing.T) {
		w.t = t
		w.bootstrap()
		w.waitForQuota()
	})

	t.Run("what is live", func(t *testing.T) {
		w.t = t
		w.deployed()
		organize()
		w.uses.add(made)
		got := w.must("status", "--check")
		for _, line := range strings.Split(strings.TrimSpace(got.stdout), "\n")[1:] {
			require.Regexp(t, `_COMPLETE .* current; \d of \d functions the same$`, line)
		}
		got = w.must("status", "production", "--json")
		require.Contains(t, got.stdout, `"sha256"`)
		got = w.must("stages")
		require.Regexp(t, `production +333333333333 +us-east-1 +protected +prod-admin +yes +version \d+ +(just now|\d+ min ago)`, got.stdout)
	})

	t.Run("no secret is in what the program sees or writes", func(t *testing.T) {
		w.t = t
		kept := t.TempDir()
		script := filepath.Join(kept, "program")
		defer func(app string) { w.app = app }(w.app)
		require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\n"+program("notes")+" || exit\nkeep=$(mktemp -d "+kept+"/XXXXXX)\n"+
			"cp -R \"$CDK_OUTDIR\" $keep/\nenv > $keep/environ\n"), 0o700))
		w.app = script
		require.Regexp(t, `\ndev\n  ApiURL +https://`, w.must("deploy", "--to", "dev").stdout, "outputs are told, also of what is unchanged")
		read := 0
		require.NoError(t, filepath.WalkDir(kept, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			read++
			for _, secret := range []string{planted, "AKIA" + devAccount} {
				require.False(t, bytes.Contains(text, []byte(secret)), path)
			}
			return err
		}))
		require.Greater(t, read, 10, "the assembly was there")
	})

	t.Run("what the accounts cost, and are", func(t *testing.T) {
		w.t = t
		for _, account := range []string{devAccount, stagingAccount, productionAccount} {
			require.NoError(t, w.Server.Account(account).Charge(rehearsal.Cost{
				Day: time.Now().UTC().AddDate(0, 0, -2).Format(time.DateOnly), Service: "AWS Lambda", Amount: "1",
				Tags: map[string]string{"roadshow:stage": "some", "roadshow:service": "notes"},
			}))
		}
		w.run("costs")
		w.run("costs", "--payer", "prod-admin", "--fresh")
		w.must("costs", "--activate-tags", "--yes", "--payer", "prod-admin")
		w.must("doctor")
		w.must("quotas")
		w.must("diff", "production")
		defer func(app string) { w.app = app }(w.app)
		w.app = program("notes")
		w.must("parity", "--deployed")
	})

	data := map[string]string{"team-staging": "staging-notes-notes", "prod-admin": "production-notes-notes"}
	t.Run("somebody writes notes", func(t *testing.T) {
		for profile, table := range data {
			w.put(t, profile, table, "kept")
		}
		w.put(t, "dev", "dev-notes-notes", "gone")
	})

	t.Run("remove in each tier", func(t *testing.T) {
		w.t = t
		require.Contains(t, w.must("remove", "dev", "--plan").stderr, "deletes AWS::DynamoDB::Table")
		require.Equal(t, 2, w.run("remove", "dev").code, "nobody has agreed")
		require.Contains(t, w.must("remove", "dev", "--yes", "--sweep").stdout, "dev: done, 0 left")
		w.create("dev", "dev-notes")
		w.must("remove", "dev", "--yes", "--sweep")

		require.Regexp(t, `(?s)staging: done, 1 left.*AWS::DynamoDB::Table`, w.must("remove", "staging", "--yes").stdout)
		require.Equal(t, 2, w.run("remove", "staging", "--yes", "--sweep").code, "only sandboxes are swept")

		before := w.changes()
		for _, arguments := range [][]string{{"--yes"}, {"--yes", "--confirm", "production"}, {"--yes", "--confirm", "production/" + devAccount}, {"--confirm", "staging/" + productionAccount, "--yes"}} {
			got := w.run(append([]string{"remove", "production"}, arguments...)...)
			require.Equal(t, 2, got.code)
			require.Contains(t, got.stderr, "its name and its account's id, or type both in a terminal")
		}
		require.Equal(t, before, w.changes(), "nothing was changed")
		got := w.must("remove", "production", "--yes", "--confirm", "production/"+productionAccount)
		require.Contains(t, got.stderr, "stays   AWS::DynamoDB::Table")
		require.Contains(t, got.stdout, "production: done")
		got = w.run("status", "--check")
		require.Equal(t, 1, got.code)
		require.Equal(t, 3, strings.Count(got.stdout, "not deployed"))
	})

	t.Run("what the removals left stands in the way of another deploy, and is told", func(t *testing.T) {
		w.t = t
		before := w.changes()
		got := w.run("deploy", "--yes", "--json")
		require.Equal(t, 2, got.code)
		require.Equal(t, before, w.changes(), "nothing was changed")
		for profile, table := range data {
			stage, _, _ := strings.Cut(table, "-")
			require.Contains(t, got.stderr, "Stage "+stage+": DynamoDB table "+table+" exists already. This stage left it when its stack was deleted on", profile)
			require.Contains(t, got.stderr, "It holds 1 item, ")
			require.Contains(t, got.stderr, "Take it up again with `roadshow deploy --take-up "+table+"`")
		}
		require.NotContains(t, got.stderr, "Stage dev: DynamoDB", "a sandbox's data goes with its stack")
		require.Regexp(t, "log group /aws/lambda/production-notes-create-note exists already\\. This stage left it", got.stderr)
		var read struct {
			Findings []struct{ Taken *struct{ Name, Stage string } }
		}
		require.NoError(t, json.Unmarshal([]byte(got.stdout), &read), got.stdout)
		names := []string{}
		for _, finding := range read.Findings {
			names = append(names, finding.Taken.Name)
		}
		require.Subset(t, names, []string{"staging-notes-notes", "production-notes-notes"})

		got = w.run("deploy", "--yes", "--take-up", "staging-notes-notes")
		require.Equal(t, 2, got.code, "production's was not named")
		require.NotContains(t, got.stderr, "staging-notes-notes exists already")
		require.Equal(t, before, w.changes(), "nothing was changed")
	})

	t.Run("it is taken up again, with what it holds", func(t *testing.T) {
		w.t = t
		got := w.must("deploy", "--yes", "--take-up", "staging-notes-notes", "--take-up", "production", "--json")
		require.Equal(t, map[string]string{"dev": "done", "staging": "done", "production": "done"}, states(t, got))
		require.Contains(t, got.stderr, "take up AWS::DynamoDB::Table production-notes-notes, holds data")
		for profile, table := range data {
			require.Equal(t, []string{"kept"}, w.scan(t, profile, table))
		}
		require.Empty(t, w.scan(t, "dev", "dev-notes-notes"), "a sandbox begins anew")
		require.Equal(t, map[string]string{"staging": "unchanged"}, states(t, w.must("deploy", "--to", "staging", "--json")))
	})

	t.Run("what is left behind is found and deleted", func(t *testing.T) {
		w.t = t
		w.must("remove", "staging", "--yes")
		w.leaveBehind()
		require.Equal(t, 1, w.run("orphans").code)
		w.run("orphans", "--delete", "--likely", "--yes", "--log", filepath.Join(w.folder, "deleted.jsonl"))
		require.False(t, w.holds(devAccount, "AWS::S3::Bucket", "dev-notes-left"))
	})

	t.Run("an ephemeral stage expires", func(t *testing.T) {
		twins := open(t, program("twins"), 0)
		twins.bootstrap()
		require.Equal(t, map[string]string{"pr-7": "done"}, states(t, twins.must("deploy", "--to", "pr-7", "--json")))
		require.NotEmpty(t, twins.table("pr-7--twins--things"))
		twins.uses = w.uses
		require.Contains(t, twins.must("expire").stdout, "expired")
		require.Contains(t, twins.must("expire", "--yes").stdout, "removed")
		require.Empty(t, twins.table("pr-7--twins--things"))
	})

	t.Run("the permissions that are documented are those that each verb has used", func(t *testing.T) {
		w.t = t
		w.uses.add(usesOfWhatIsLeft(t))
		w.uses.requireDocumented(w)
	})
}

// tables is a client of the tables of a profile's account.
func (w *world) tables(t *testing.T, profile string) *dynamodb.Client {
	t.Helper()
	config, err := w.Environment.Config(t.Context(), profile)
	require.NoError(t, err)
	config.Region = "us-east-1"
	return dynamodb.NewFromConfig(config)
}

// put writes an item with that id, scan reads the ids of all.
func (w *world) put(t *testing.T, profile, table, id string) {
	t.Helper()
	_, err := w.tables(t, profile).PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: &table, Item: map[string]dynamodbtypes.AttributeValue{"id": &dynamodbtypes.AttributeValueMemberS{Value: id}},
	})
	require.NoError(t, err)
}

func (w *world) scan(t *testing.T, profile, table string) (ids []string) {
	t.Helper()
	all, err := w.tables(t, profile).Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
	require.NoError(t, err)
	for _, item := range all.Items {
		ids = append(ids, item["id"].(*dynamodbtypes.AttributeValueMemberS).Value)
	}
	return ids
}
