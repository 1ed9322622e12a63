package fleet_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// The stages of these tests: one of each tier, and a second one in dev's account.
var (
	sandbox   = stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	neighbour = stages.Stage{Name: "demo", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	standard  = stages.Stage{Name: "staging", Account: "222222222222", Region: "us-east-1"}
	protected = stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: stages.Protected}
	preview   = stages.Stage{Name: "pr-*", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	everyone  = []stages.Stage{sandbox, neighbour, standard, protected}
)

// accounts is a rehearsal, and this process's way there and nowhere else.
type accounts struct {
	*rehearsal.Server
	t      *testing.T
	folder string
	env    *awsenv.Environment
}

func openAccounts(t *testing.T) *accounts {
	t.Helper()
	return openAccountsOf(t, sandbox, standard, protected)
}

// openAccountsOf is a rehearsal with the account of each of some stages, and a profile for it.
func openAccountsOf(t *testing.T, all ...stages.Stage) *accounts {
	t.Helper()
	var config rehearsal.Config
	var profiles []awsenv.Profile
	for _, stage := range all {
		key, secret := "AKIA"+stage.Account+"TEST", "planted-secret-of-"+stage.Name
		config.Accounts = append(config.Accounts, rehearsal.Account{ID: stage.Account, AccessKeyID: key, SecretAccessKey: secret, UserName: stage.Name})
		profiles = append(profiles, awsenv.Profile{Name: "team-" + stage.Name, AccessKeyID: key, SecretAccessKey: secret, Region: "eu-west-1"})
	}
	server, err := rehearsal.Start(config)
	require.NoError(t, err)
	t.Cleanup(func() {
		for _, call := range server.Calls() {
			require.NotEqual(t, 501, call.Status, "%+v", call)
		}
		require.NoError(t, server.Close())
	})
	folder := t.TempDir()
	env, err := awsenv.Write(awsenv.Place{Checkout: t.TempDir(), Folder: folder}, server.URL(), profiles...)
	require.NoError(t, err)
	a := &accounts{Server: server, t: t, folder: folder, env: env}
	for _, name := range []string{
		"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_REGION", "AWS_DEFAULT_REGION",
	} {
		t.Setenv(name, "")
	}
	for _, variable := range env.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "AWS_") || strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			t.Setenv(name, value)
		}
	}
	return a
}

// write adds to one of the AWS files.
func (a *accounts) write(file, text string) {
	a.t.Helper()
	path := filepath.Join(a.folder, file)
	before, err := os.ReadFile(path)
	require.NoError(a.t, err)
	require.NoError(a.t, os.WriteFile(path, append(before, text...), 0o600))
}

func (a *accounts) ask() *fleet.Profiles {
	a.t.Helper()
	profiles, err := fleet.AskProfiles(a.t.Context())
	require.NoError(a.t, err)
	return profiles
}

func (a *accounts) fleet() *fleet.Fleet {
	a.t.Helper()
	return &fleet.Fleet{Service: "notes", Stages: everyone, Templates: []stages.Stage{preview}, Profiles: a.ask()}
}

func (a *accounts) cloudFormation(stage stages.Stage) *cloudformation.Client {
	a.t.Helper()
	for _, profile := range []stages.Stage{sandbox, standard, protected} {
		if profile.Account == stage.Account {
			config, err := a.env.Config(a.t.Context(), "team-"+profile.Name)
			require.NoError(a.t, err)
			config.Region = stage.Region
			return cloudformation.NewFromConfig(config)
		}
	}
	a.t.Fatalf("no account %s", stage.Account)
	return nil
}

// bootstrapped makes a stack that says what the stack of `cdk bootstrap` does.
func (a *accounts) bootstrapped(stage stages.Stage, name, qualifier string, version int) {
	a.t.Helper()
	template := fmt.Sprintf(`{"Parameters":{"Qualifier":{"Type":"String","Default":"hnb659fds"}},
		"Resources":{"Log":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":%q}}},"Outputs":{"BootstrapVersion":{"Value":"%d"}}}`, name, version)
	_, err := a.cloudFormation(stage).CreateStack(a.t.Context(), &cloudformation.CreateStackInput{
		StackName: &name, TemplateBody: &template,
		Parameters: []types.Parameter{{ParameterKey: aws.String("Qualifier"), ParameterValue: &qualifier}},
	})
	require.NoError(a.t, err)
	a.settle(stage, name)
}

// table is a template's table, with the tags of a stage.
func tableOf(stage stages.Stage, name, policy string, guarded bool) string {
	return fmt.Sprintf(`{"Type":"AWS::DynamoDB::Table","DeletionPolicy":%q,"Properties":{"TableName":%q,"BillingMode":"PAY_PER_REQUEST",
		"DeletionProtectionEnabled":%t,"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],
		"Tags":[{"Key":"roadshow:service","Value":"notes"},{"Key":"roadshow:stage","Value":%q}]}}`, policy, name, guarded, stage.Name)
}

// deployed makes a stage's stack as a deploy would: with a log group and, if given, a table.
func (a *accounts) deployed(stage stages.Stage, table string, tags ...types.Tag) {
	a.t.Helper()
	name := stage.Name + "-notes"
	resources := fmt.Sprintf(`"Log":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"/notes/%s"}}`, stage.Name)
	if table != "" {
		resources += `,"Table":` + table
	}
	_, err := a.cloudFormation(stage).CreateStack(a.t.Context(), &cloudformation.CreateStackInput{
		StackName: &name, TemplateBody: aws.String(`{"Metadata":{"roadshow:commit":"0123456789abcdef0123456789abcdef01234567"},"Resources":{` + resources + `}}`),
		EnableTerminationProtection: aws.Bool(stage.Tier == stages.Protected),
		Tags: append(tags, types.Tag{Key: aws.String("roadshow:service"), Value: aws.String("notes")},
			types.Tag{Key: aws.String("roadshow:stage"), Value: &stage.Name}),
	})
	require.NoError(a.t, err)
	a.settle(stage, name)
}

func (a *accounts) settle(stage stages.Stage, name string) {
	a.t.Helper()
	waiter := cloudformation.NewStackCreateCompleteWaiter(a.cloudFormation(stage), func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
	})
	require.NoError(a.t, waiter.Wait(a.t.Context(), &cloudformation.DescribeStacksInput{StackName: &name}, time.Minute))
}

func (a *accounts) exists(stage stages.Stage) bool {
	a.t.Helper()
	_, err := a.cloudFormation(stage).DescribeStacks(a.t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String(stage.Name + "-notes")})
	return err == nil
}

// writes counts the requests that change an account.
func (a *accounts) writes(account string) (operations []string) {
	for _, call := range a.Calls() {
		for _, verb := range []string{"Create", "Delete", "Execute", "Update", "Put"} {
			if call.Account == account && strings.HasPrefix(call.Operation, verb) {
				operations = append(operations, call.Operation)
			}
		}
	}
	return operations
}

func ledgerOf(names ...stages.LedgerName) fleet.Assembly {
	return fleet.Assembly{Document: assembly.Document{Service: "notes", Ledger: names}}
}
