package fleet_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/internal/rehearse"
	"github.com/roadshow-go/roadshow/rehearsal"
)

// toolsAccount deploys to the accounts of all stages, and has no stage of its own.
const toolsAccount = "999999999999"

// openTools starts the three accounts and the tools account. People have a profile of each stage's account, CI
// has credentials of the tools account and nothing else.
func openTools(t *testing.T) (people, ci *world) {
	t.Helper()
	var config rehearsal.Config
	var own, tools []awsenv.Profile
	for name, id := range map[string]string{"dev": devAccount, "staging": stagingAccount, "production": productionAccount, "ci": toolsAccount} {
		key, secret := "AKIA"+id+"SHOW", planted+id
		config.Accounts = append(config.Accounts, rehearsal.Account{ID: id, AccessKeyID: key, SecretAccessKey: secret, UserName: name})
		profile := awsenv.Profile{Name: name, AccessKeyID: key, SecretAccessKey: secret, Region: "us-east-1"}
		if id == toolsAccount {
			tools = append(tools, profile)
		} else {
			own = append(own, profile)
		}
	}
	server, err := rehearsal.Start(config)
	require.NoError(t, err)
	t.Cleanup(func() {
		for _, call := range server.Calls() {
			require.NotEqual(t, 501, call.Status, "%+v", call)
			if call.Account == toolsAccount {
				require.Equal(t, "sts", call.Service, "the tools account itself holds nothing: %+v", call)
			}
		}
		require.NoError(t, server.Close())
	})
	with := func(profiles []awsenv.Profile) *world {
		dir := t.TempDir()
		environment, err := awsenv.Write(awsenv.Place{Checkout: checkout, Folder: dir}, server.URL(), profiles...)
		require.NoError(t, err)
		return &world{World: &rehearse.World{Environment: environment, Server: server}, t: t, folder: dir, app: program("tools")}
	}
	return with(own), with(tools)
}

// TestAToolsAccountDeploysByTheRolesOfTheBootstraps has credentials of one account only, which is no stage's. Some accounts
// trust it, then all; at last it is asked for what the roles of a bootstrap may not do.
func TestAToolsAccountDeploysByTheRolesOfTheBootstraps(t *testing.T) {
	t.Parallel()
	people, ci := openTools(t)
	const trustProduction = "`cdk bootstrap --trust 999999999999 --cloudformation-execution-policies arn:aws:iam::aws:policy/AdministratorAccess " +
		"aws://333333333333/us-east-1` with credentials of account 333333333333"

	require.Contains(t, people.must("bootstrap", "dev", "staging").stderr, "trusting 999999999999", "the program declares it")
	people.must("bootstrap", "aws://"+productionAccount+"/us-east-1")

	before := ci.changes()
	got := ci.run("deploy", "--yes")
	require.Equal(t, 2, got.code)
	require.Contains(t, got.stderr, "Stage production: Role arn:aws:iam::333333333333:role/cdk-hnb659fds-lookup-role-333333333333-us-east-1 or ")
	require.Contains(t, got.stderr, trustProduction)
	require.Contains(t, got.stderr, "The deploy was not begun, and nothing was changed:")
	require.Equal(t, before, ci.changes(), "nothing was changed")

	// The roles are taken away between the last question and the cdk command, which must not fall back to the credentials
	// that it was given. https://github.com/aws/aws-cdk/issues/30236
	t.Run("a deploy role that is lost reaches no other account", func(t *testing.T) {
		people.t, ci.t, ci.dir = t, t, t.TempDir()
		asked, answered := filepath.Join(ci.dir, "asked"), filepath.Join(ci.dir, "answered")
		bin := filepath.Join(ci.dir, "node_modules", ".bin")
		require.NoError(t, os.MkdirAll(bin, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(ci.dir, "cdk.json"), []byte("{}"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(bin, "cdk"), []byte("#!/bin/sh\ntouch "+asked+"\nwhile [ ! -e "+answered+" ]; do sleep 0.02; done\nexec "+
			filepath.Join(checkout, "node_modules", ".bin", "cdk")+" \"$@\"\n"), 0o700))

		before := ci.changes()
		var talk bytes.Buffer
		command := ci.command(t.Context(), "deploy", "--to", "dev")
		command.Stdout, command.Stderr = &talk, &talk
		require.NoError(t, command.Start())
		require.Eventually(t, func() bool {
			_, err := os.Stat(asked)
			return err == nil
		}, time.Minute, 10*time.Millisecond)
		fix := ci.Server.InjectFault(rehearsal.Fault{Account: toolsAccount, Service: "sts", Operation: "AssumeRole", Status: 403, Code: "AccessDenied", Message: "not any more"})
		require.NoError(t, os.WriteFile(answered, nil, 0o600))
		require.Error(t, command.Wait())
		fix()
		require.Equal(t, 1, command.ProcessState.ExitCode(), talk.String())
		require.Contains(t, talk.String(), "Stage dev was not deployed: stack dev-tools was not changed.")
		require.Contains(t, talk.String(), "not any more")
		require.Equal(t, before, ci.changes(), "neither account was changed")
		require.False(t, strings.Contains(talk.String(), planted))
	})
	people.t, ci.t, ci.dir = t, t, ""

	got = ci.must("deploy", "--to", "dev", "--to", "staging", "--json")
	require.Equal(t, map[string]string{"dev": "done", "staging": "done"}, states(t, got))
	require.True(t, ci.holds(devAccount, "AWS::DynamoDB::Table", "dev-tools-things"))
	require.True(t, ci.holds(stagingAccount, "AWS::DynamoDB::Table", "staging-tools-things"))
	require.Regexp(t, `(?m)^staging +222222222222 +staging-tools .*current`, ci.must("status", "dev", "staging", "--check").stdout)
	got = ci.run("stages")
	require.Equal(t, 2, got.code, "production could not be asked")
	require.Regexp(t, `(?m)^staging +222222222222 +us-east-1 +standard +ci by lookup role +yes +version \d+ +(just now|\d+ min ago)`, got.stdout)
	require.Regexp(t, `(?m)^production +333333333333 +us-east-1 +protected +ci +no +\? +\?`, got.stdout)
	require.Contains(t, got.stderr, trustProduction)
	got = ci.run("status")
	require.Equal(t, 2, got.code)
	require.Contains(t, got.stderr, trustProduction)

	got = ci.run("bootstrap", "--json")
	require.Equal(t, 1, got.code)
	require.Equal(t, map[string]string{"dev": "unchanged", "staging": "unchanged", "production": "failed"}, states(t, got))
	require.Contains(t, got.stderr, trustProduction)
	got = ci.run("bootstrap", "--force", "dev")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.stderr, "Run `roadshow bootstrap dev` with credentials of account 111111111111 itself.")

	got = people.must("bootstrap", "--json")
	require.Equal(t, map[string]string{"dev": "unchanged", "staging": "unchanged", "production": "done"}, states(t, got), "what was bootstrapped before now trusts too")
	got = ci.must("deploy", "--to", "production", "--yes", "--json")
	require.Equal(t, map[string]string{"production": "done"}, states(t, got))
	require.Contains(t, got.stderr, "production: account 333333333333 (profile ci), new stack production-tools")
	require.Equal(t, map[string]string{"dev": "unchanged"}, states(t, people.must("deploy", "--to", "dev", "--json")))
	require.Contains(t, ci.must("remove", "staging", "--yes").stdout, "staging: done, 1 left")

	t.Run("what the roles of a bootstrap may not do is refused before anything is changed", func(t *testing.T) {
		people.t, ci.t = t, t
		require.Equal(t, 1, ci.run("orphans").code, "staging's table has stayed")

		const changing = "DeleteStack UpdateTerminationProtection DeleteTable UpdateTable DeleteResource DeleteObjects RequestServiceQuotaIncrease"
		changes := func() (count int) {
			for _, call := range ci.Server.Calls() {
				if strings.Contains(changing, call.Operation) {
					count++
				}
			}
			return count
		}
		before := changes()
		for _, one := range []struct {
			line    []string
			refusal string
		}{
			{[]string{"remove", "dev", "--yes", "--sweep"}, "Account 999999999999 (profile ci) may not do the sweep of stage dev"},
			{[]string{"orphans", "--delete", "--yes"}, "Account 999999999999 (profile ci) may not do the deletion of what is in no stack of stage staging"},
			{[]string{"quotas", "--request", "--yes"}, "Account 999999999999 (profile ci) may not do a request for higher quotas of stage production"},
			{[]string{"costs", "--activate-tags", "--yes"}, "No profile reaches the account that manages the organization"},
		} {
			got := ci.run(one.line...)
			require.Equal(t, 2, got.code, one.line)
			require.Contains(t, got.stderr, one.refusal)
		}
		require.Equal(t, before, changes(), "nothing was changed")
		require.True(t, ci.holds(devAccount, "AWS::DynamoDB::Table", "dev-tools-things"))

		// With credentials of the accounts themselves each is done.
		people.must("orphans", "--delete", "--yes")
		require.False(t, ci.holds(stagingAccount, "AWS::DynamoDB::Table", "staging-tools-things"))
		people.must("remove", "dev", "--yes", "--sweep")
	})
}
