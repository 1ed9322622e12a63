// Package fleettest is the accounts that tests of the fleet's rooms ask: a rehearsal, and the AWS files that lead there
// and nowhere else.
package fleettest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// The stages of these tests: one of each tier, and a second one in dev's account.
var (
	Sandbox   = stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	Neighbour = stages.Stage{Name: "demo", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	Standard  = stages.Stage{Name: "staging", Account: "222222222222", Region: "us-east-1"}
	Protected = stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: stages.Protected}
	Preview   = stages.Stage{Name: "pr-*", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	Everyone  = []stages.Stage{Sandbox, Neighbour, Standard, Protected}
)

// Accounts is a rehearsal, and this process's way there and nowhere else.
type Accounts struct {
	// Server is the rehearsal.
	*rehearsal.Server
	// T is the test, Folder holds its AWS files, Env is the environment that names them.
	T      *testing.T
	Folder string
	Env    *awsenv.Environment
}

// Open starts a rehearsal with the account of each of some stages, and a profile team-NAME for it; without stages,
// of one of each tier. It ends with the test.
func Open(t *testing.T, some ...stages.Stage) *Accounts {
	t.Helper()
	if len(some) == 0 {
		some = []stages.Stage{Sandbox, Standard, Protected}
	}
	var config rehearsal.Config
	var profiles []awsenv.Profile
	for _, stage := range some {
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
	a := &Accounts{Server: server, T: t, Folder: folder, Env: env}
	for _, name := range []string{
		"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_REGION", "AWS_DEFAULT_REGION",
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

// DateAhead has the answers' Date ahead of this machine's clock from now on, or behind it.
func (a *Accounts) DateAhead(by time.Duration) {
	a.T.Helper()
	proxy := a.proxy()
	proxy.ModifyResponse = func(answer *http.Response) error {
		answer.Header.Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat))
		return nil
	}
	a.front(proxy)
}

// Answers has some requests answered by a handler from now on, and all others by the rehearsal.
func (a *Accounts) Answers(which func(*http.Request) bool, handler http.HandlerFunc) {
	a.T.Helper()
	proxy := a.proxy()
	a.front(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if which(r) {
			handler(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
}

func (a *Accounts) proxy() *httputil.ReverseProxy {
	a.T.Helper()
	target, err := url.Parse(a.URL())
	require.NoError(a.T, err)
	return httputil.NewSingleHostReverseProxy(target)
}

func (a *Accounts) front(handler http.Handler) {
	a.T.Helper()
	front := httptest.NewServer(handler)
	a.T.Cleanup(front.Close)
	for _, variable := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"} {
		a.T.Setenv(variable, front.URL)
	}
}

// Replace writes one of the AWS files anew.
func (a *Accounts) Replace(file, text string) {
	a.T.Helper()
	require.NoError(a.T, os.WriteFile(filepath.Join(a.Folder, file), []byte(text), 0o600))
}

// Write adds to one of the AWS files.
func (a *Accounts) Write(file, text string) {
	a.T.Helper()
	path := filepath.Join(a.Folder, file)
	before, err := os.ReadFile(path)
	require.NoError(a.T, err)
	require.NoError(a.T, os.WriteFile(path, append(before, text...), 0o600))
}

// Ask is the way to the accounts by the AWS files as they are now.
func (a *Accounts) Ask() *fleet.Profiles {
	a.T.Helper()
	return fleet.NewProfiles(fleet.ProfileOptions{})
}

// Fleet is the fleet of service notes, with every stage of these tests.
func (a *Accounts) Fleet() *fleet.Fleet {
	a.T.Helper()
	return &fleet.Fleet{Service: "notes", Stages: Everyone, Templates: []stages.Stage{Preview}, Profiles: a.Ask()}
}

// CloudFormation is a client of a stage's account.
func (a *Accounts) CloudFormation(stage stages.Stage) *cloudformation.Client {
	a.T.Helper()
	return cloudformation.NewFromConfig(a.Config(stage))
}

// Config is that of a client of a stage's account.
func (a *Accounts) Config(stage stages.Stage) aws.Config {
	a.T.Helper()
	for _, profile := range []stages.Stage{Sandbox, Standard, Protected} {
		if profile.Account == stage.Account {
			config, err := a.Env.Config(a.T.Context(), "team-"+profile.Name)
			require.NoError(a.T, err)
			config.Region = stage.Region
			return config
		}
	}
	a.T.Fatalf("no account %s", stage.Account)
	return aws.Config{}
}

// Bootstrapped makes a stack that says what the stack of `cdk bootstrap` does.
func (a *Accounts) Bootstrapped(stage stages.Stage, name, qualifier string, version int) {
	a.T.Helper()
	template := fmt.Sprintf(`{"Parameters":{"Qualifier":{"Type":"String","Default":"hnb659fds"}},
		"Resources":{"Log":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":%q}}},"Outputs":{"BootstrapVersion":{"Value":"%d"}}}`, name, version)
	_, err := a.CloudFormation(stage).CreateStack(a.T.Context(), &cloudformation.CreateStackInput{
		StackName: &name, TemplateBody: &template,
		Parameters: []types.Parameter{{ParameterKey: aws.String("Qualifier"), ParameterValue: &qualifier}},
	})
	require.NoError(a.T, err)
	a.Settle(stage, name)
}

// TableOf is a template's table, with the tags of a stage.
func TableOf(stage stages.Stage, name, policy string, guarded bool) string {
	return fmt.Sprintf(`{"Type":"AWS::DynamoDB::Table","DeletionPolicy":%q,"Properties":{"TableName":%q,"BillingMode":"PAY_PER_REQUEST",
		"DeletionProtectionEnabled":%t,"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],
		"Tags":[{"Key":"roadshow:service","Value":"notes"},{"Key":"roadshow:stage","Value":%q}]}}`, policy, name, guarded, stage.Name)
}

// Roles makes the roles of a bootstrap in a stage's account, each of which trusts an account.
func (a *Accounts) Roles(stage stages.Stage, trusted string, names ...string) {
	a.T.Helper()
	for _, name := range names {
		_, err := a.Account(stage.Account).Create(stage.Region, "AWS::IAM::Role", map[string]any{
			"RoleName": fmt.Sprintf("cdk-hnb659fds-%s-role-%s-%s", name, stage.Account, stage.Region),
			"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{
				map[string]any{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": trusted}},
			}},
		})
		require.NoError(a.T, err)
	}
}

// WithFunction is a template with one function, and a log group whose retention tells two versions of it apart. Its digest is
// the retention's, too.
func WithFunction(retention int) string {
	return fmt.Sprintf(`{"Metadata":{"roadshow:digest":"retention-%[1]d"},"Resources":{
		"Log":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"/notes/dev","RetentionInDays":%[1]d}},
		"Role":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"}}]}}},
		"Fn":{"Type":"AWS::Lambda::Function","Properties":{"FunctionName":"dev-notes-fn","Handler":"bootstrap","Runtime":"provided.al2023",
			"Role":{"Fn::GetAtt":["Role","Arn"]},"Code":{"S3Bucket":"assets","S3Key":"code.zip"}}}}}`, retention)
}

// Program is an assembly that makes this template for [Sandbox].
func Program(t *testing.T, template string) fleet.Assembly {
	t.Helper()
	ready := fleet.Assembly{Dir: t.TempDir(), Document: assembly.Document{Service: "notes", Commit: Commit}}
	require.NoError(t, os.WriteFile(filepath.Join(ready.Dir, "dev.template.json"), []byte(template), 0o600))
	ready.Document.Stages = []assembly.Synthesized{{
		Stage: assembly.Stage{Name: "dev", Account: Sandbox.Account, Region: Sandbox.Region}, Role: "dev", File: "dev.template.json", StackName: "dev-notes",
	}}
	return ready
}

// Deployed makes a stage's stack as a deploy would: with a log group and, if given, a table.
func (a *Accounts) Deployed(stage stages.Stage, table string, tags ...types.Tag) {
	a.T.Helper()
	name := stackName(stage)
	resources := fmt.Sprintf(`"Log":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"/notes/%s"}}`, stage.Name)
	if table != "" {
		resources += `,"Table":` + table
	}
	_, err := a.CloudFormation(stage).CreateStack(a.T.Context(), &cloudformation.CreateStackInput{
		StackName: &name, TemplateBody: aws.String(`{"Metadata":{"roadshow:digest":"` + name + `"},"Resources":{` + resources + `}}`),
		EnableTerminationProtection: aws.Bool(stage.Tier == stages.Protected),
		Tags: append(tags, types.Tag{Key: aws.String("roadshow:service"), Value: aws.String("notes")},
			types.Tag{Key: aws.String("roadshow:stage"), Value: &stage.Name}),
	})
	require.NoError(a.T, err)
	a.Settle(stage, name)
}

// Commit is what [Accounts.Committed] records for the stack of [Accounts.Deployed], where a test says so.
const Commit = "0123456789abcdef0123456789abcdef01234567"

// Committed lays a commit into the bucket of a stage's bootstrap, as a deploy of the template with that digest does.
func (a *Accounts) Committed(stage stages.Stage, digest, commit string) {
	a.T.Helper()
	bucket := assembly.Bucket(stage)
	_, err := a.Account(stage.Account).Create(stage.Region, "AWS::S3::Bucket", map[string]any{"BucketName": bucket})
	if err != nil {
		require.ErrorContains(a.T, err, "already")
	}
	client := s3.NewFromConfig(a.Config(stage), func(o *s3.Options) { o.UsePathStyle = true })
	_, err = client.PutObject(a.T.Context(), &s3.PutObjectInput{
		Bucket: &bucket, Key: aws.String(assembly.CommitObject(digest, commit)), Body: strings.NewReader(commit + "\n"),
	})
	require.NoError(a.T, err)
}

// Settle waits until a stack is created.
func (a *Accounts) Settle(stage stages.Stage, name string) {
	a.T.Helper()
	waiter := cloudformation.NewStackCreateCompleteWaiter(a.CloudFormation(stage), func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
	})
	require.NoError(a.T, waiter.Wait(a.T.Context(), &cloudformation.DescribeStacksInput{StackName: &name}, time.Minute))
}

// stackName is the name of a stage's stack.
func stackName(stage stages.Stage) string {
	name, err := stages.Stack.Name(stages.Part{Stage: stage.Name, Service: "notes"})
	if err != nil {
		panic(err)
	}
	return name
}

// Exists tells whether a stage has its stack.
func (a *Accounts) Exists(stage stages.Stage) bool {
	a.T.Helper()
	_, err := a.CloudFormation(stage).DescribeStacks(a.T.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String(stackName(stage))})
	return err == nil
}

// Writes counts the requests that change an account.
func (a *Accounts) Writes(account string) (operations []string) {
	for _, call := range a.Calls() {
		for _, verb := range []string{"Create", "Delete", "Execute", "Update", "Put"} {
			if call.Account == account && strings.HasPrefix(call.Operation, verb) {
				operations = append(operations, call.Operation)
			}
		}
	}
	return operations
}

// LedgerOf is an assembly of service notes that has these names.
func LedgerOf(names ...stages.LedgerName) fleet.Assembly {
	return fleet.Assembly{Document: assembly.Document{Service: "notes", Ledger: names}}
}

// Table makes a table as a stack of that stage and service would.
func Table(t *testing.T, server *rehearsal.Server, stage stages.Stage, service, name string) {
	t.Helper()
	_, err := server.Account(stage.Account).Create(stage.Region, "AWS::DynamoDB::Table", map[string]any{
		"TableName": name, "BillingMode": "PAY_PER_REQUEST",
		"KeySchema":            []any{map[string]any{"AttributeName": "id", "KeyType": "HASH"}},
		"AttributeDefinitions": []any{map[string]any{"AttributeName": "id", "AttributeType": "S"}},
		"Tags": []any{
			map[string]any{"Key": "roadshow:stage", "Value": stage.Name}, map[string]any{"Key": "roadshow:service", "Value": service},
		},
	})
	require.NoError(t, err)
}

// Tagged are the tags of a stage and a service, for a resource of the console.
func Tagged(stage, service string) []any {
	return []any{map[string]any{"Key": "roadshow:stage", "Value": stage}, map[string]any{"Key": "roadshow:service", "Value": service}}
}

// Made are the tags of what a stack of a stage and a service has made in a place, by CloudFormation's own word: of a stack that is gone
// for so long that CloudFormation has forgotten it.
func Made(place stages.Stage, stage, service string) []any {
	name, err := stages.Stack.Name(stages.Part{Stage: stage, Service: service})
	if err != nil {
		panic(err)
	}
	return append(Tagged(stage, service), map[string]any{
		"Key": "aws:cloudformation:stack-id", "Value": "arn:aws:cloudformation:" + place.Region + ":" + place.Account + ":stack/" + name + "/forgotten",
	})
}

// Tag is a tag of a stack.
func Tag(key, value string) types.Tag {
	return types.Tag{Key: aws.String(key), Value: aws.String(value)}
}
