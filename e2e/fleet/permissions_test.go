package fleet_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// recorded is which actions each verb was seen to need, of the credentials that it was given.
type recorded map[string]map[string]bool

// record runs the command, whatever it comes to, and notes what its own credentials were used for. What the roles of a
// bootstrap did is theirs.
func (r recorded) record(w *world, verb string, arguments ...string) {
	w.t.Helper()
	before := len(w.Server.Calls())
	got := w.run(append(strings.Fields(verb), arguments...)...)
	require.NotEqual(w.t, 2, got.code, "%s was not begun: %s", verb, got.stderr)
	if r[verb] == nil {
		r[verb] = map[string]bool{}
	}
	for _, call := range w.Server.Calls()[before:] {
		// What GetCallerIdentity says needs no permission, and no policy can take it away:
		// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
		if call.Role == "" && call.Operation != "GetCallerIdentity" {
			r[verb][actionOf(call)] = true
		}
	}
}

// actionOf is the IAM action that an operation needs; most are called alike.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
func actionOf(call rehearsal.Call) string {
	service, operation := call.Service, call.Operation
	switch service {
	case "tagging":
		service = "tag"
	case "cloudcontrolapi":
		service = "cloudformation"
	case "apigateway": // its actions are the methods of HTTP
		operation = regexp.MustCompile(`^[A-Z][a-z]+`).FindString(operation)
		operation = map[string]string{"Get": "GET", "Create": "POST", "Delete": "DELETE", "Update": "PATCH"}[operation]
	case "s3":
		if another, is := map[string]string{
			"ListBuckets": "ListAllMyBuckets", "ListObjectsV2": "ListBucket", "HeadBucket": "ListBucket", "HeadObject": "GetObject",
			"ListObjectVersions": "ListBucketVersions", "GetObjectVersions": "ListBucketVersions", "DeleteObjects": "DeleteObjectVersion", "GetBucketEncryption": "GetEncryptionConfiguration",
		}[operation]; is {
			operation = another
		}
	}
	return service + ":" + operation
}

// besides is what a verb uses, without what another uses whose row it refers to: which of these it uses depends on the
// program.
func (r recorded) besides(verb, row string) map[string]bool {
	left := maps.Clone(r[verb])
	if inherited := permissionInherited.FindStringSubmatch(row); inherited != nil {
		maps.DeleteFunc(left, func(action string, _ bool) bool { return r[inherited[1]][action] })
	}
	return left
}

// Each row of a table of the page is a verb and its actions, maybe besides those of another; each policy is that of the
// table before it.
var (
	permissionInherited = regexp.MustCompile("those of `roadshow ([a-z -]+)`, and ")
	permissionRow       = regexp.MustCompile("(?m)^\\| `roadshow ([a-z -]+)` \\| (.*?) \\|$")
	permissionAction    = regexp.MustCompile("`([a-z0-9]+:[A-Za-z0-9]+)`")
	permissionPolicy    = regexp.MustCompile("(?s)```json\n(.+?)```")
)

// The rows of the page are written anew where ROADSHOW_UPDATE_PERMISSIONS is set; its policies are written by hand.
func TestThePermissionsThatAreDocumentedAreThoseThatEachVerbUses(t *testing.T) {
	seen := recorded{}
	seen.withThreeStages(t)
	seen.withEphemeralStages(t)

	file := filepath.Join(checkout, "docs", "permissions.md")
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	if os.Getenv("ROADSHOW_UPDATE_PERMISSIONS") != "" {
		page = permissionRow.ReplaceAllFunc(page, func(text []byte) []byte {
			row := permissionRow.FindStringSubmatch(string(text))
			inherited := permissionInherited.FindString(row[2])
			return fmt.Appendf(nil, "| `roadshow %s` | %s`%s` |", row[1], inherited, strings.Join(sorted(seen.besides(row[1], row[2])), "`, `"))
		})
		require.NoError(t, os.WriteFile(file, page, 0o644))
	}
	documented, own := recorded{}, recorded{}
	for _, section := range strings.Split(string(page), "\n## ")[1:] {
		needed := map[string]bool{}
		for _, row := range permissionRow.FindAllStringSubmatch(section, -1) {
			documented[row[1]], own[row[1]] = map[string]bool{}, seen.besides(row[1], row[2])
			for _, action := range permissionAction.FindAllStringSubmatch(row[2], -1) {
				documented[row[1]][action[1]], needed[action[1]] = true, true
			}
		}
		if len(needed) == 0 {
			continue
		}
		policy := permissionPolicy.FindStringSubmatch(section)
		require.NotNil(t, policy, "section %s has a policy", firstOf(section))
		var document struct {
			Statement []struct {
				Effect   string
				Action   []string
				Resource any
			}
		}
		require.NoError(t, json.Unmarshal([]byte(policy[1]), &document), policy[1])
		allowed := map[string]bool{}
		for _, statement := range document.Statement {
			require.Equal(t, "Allow", statement.Effect)
			require.NotEmpty(t, statement.Resource)
			for _, action := range statement.Action {
				require.NotContains(t, action, "*", "least privilege names each")
				allowed[action] = true
			}
		}
		assert.Equal(t, sorted(needed), sorted(allowed), "the policy of section %s allows what its verbs use, and nothing else", firstOf(section))
	}
	for _, verb := range slices.Sorted(maps.Keys(seen)) {
		assert.Equal(t, sorted(own[verb]), sorted(documented[verb]), "roadshow %s, as seen and as documented", verb)
	}
	assert.Equal(t, sorted(seen), sorted(documented), "verbs")
	for _, verb := range regexp.MustCompile(`(?m)^  ([a-z]+) `).FindAllStringSubmatch(seen.help(t), -1) {
		assert.Contains(t, documented, verb[1], "a verb that asks accounts has a row in docs/permissions.md, written from this test")
	}
}

func (recorded) help(t *testing.T) string {
	help := open(t, "", 0).must("--help").stdout
	_, verbs, found := strings.Cut(help, "The accounts:\n")
	require.True(t, found, help)
	verbs, _, _ = strings.Cut(verbs, "\n\n")
	return verbs
}

func firstOf(section string) string {
	line, _, _ := strings.Cut(section, "\n")
	return line
}

func sorted[T any](set map[string]T) []string { return slices.Sorted(maps.Keys(set)) }

// withThreeStages goes once through what is done with a service of three accounts, which production pays for.
func (r recorded) withThreeStages(t *testing.T) {
	w := open(t, program("notes"), 0)
	require.NoError(t, w.Server.Organize(productionAccount, devAccount, stagingAccount))
	for _, account := range []string{devAccount, stagingAccount, productionAccount} {
		require.NoError(t, w.Server.Account(account).Charge(rehearsal.Cost{
			Day: time.Now().UTC().AddDate(0, 0, -2).Format(time.DateOnly), Service: "AWS Lambda", Amount: "1",
			Tags: map[string]string{"roadshow:stage": "some", "roadshow:service": "notes"},
		}))
	}
	r.record(w, "stages")
	r.record(w, "doctor")
	r.record(w, "bootstrap")
	r.record(w, "quotas")
	production := w.Server.Account(productionAccount)
	require.NoError(t, production.SetQuota("us-east-1", "dax", "L-AB139030", 2))
	r.record(w, "quotas --request", "--yes")
	require.Len(t, production.QuotaRequests(), 1)
	require.NoError(t, production.DecideQuotaRequest(production.QuotaRequests()[0].ID, true))
	w.Server.InjectFault(rehearsal.Fault{Account: devAccount, ResourceType: "AWS::DynamoDB::Table", Operation: "Create", Count: 1, Code: "InternalServerError"})
	r.record(w, "deploy") // dev fails
	r.record(w, "deploy") // production is not approved, and its stack is new
	r.record(w, "deploy", "--yes")
	w.update("prod-admin", "production-notes")
	r.record(w, "deploy") // nor is its change
	r.record(w, "stages")
	r.record(w, "doctor")
	r.record(w, "quotas")
	r.record(w, "status")
	r.record(w, "parity --deployed")
	r.record(w, "costs")
	r.record(w, "costs", "--payer", "prod-admin", "--fresh")
	r.record(w, "costs --activate-tags", "--yes", "--payer", "prod-admin")
	r.record(w, "remove", "dev", "--yes")
	w.create("dev", "dev-notes")
	r.record(w, "remove", "dev", "--yes", "--sweep")
	r.record(w, "remove", "staging", "--yes")
	w.leaveBehind()
	r.record(w, "orphans")
	r.record(w, "orphans --delete", "--likely", "--yes", "--log", filepath.Join(w.folder, "deleted.jsonl"))
	r.record(w, "remove", "production", "--yes", "--confirm", "production/"+productionAccount)
	r.record(w, "deploy", "--to", "production", "--yes", "--take-up", "production")
}

// leaveBehind puts something of each kind that is looked at in a way of its own into dev's account, in no stack, and a
// stack whose making has failed into staging's.
func (w *world) leaveBehind() {
	w.t.Helper()
	tags := []any{
		map[string]any{"Key": "roadshow:stage", "Value": "dev"},
		map[string]any{"Key": "roadshow:service", "Value": "notes"},
		map[string]any{"Key": "aws:cloudformation:stack-id", "Value": "arn:aws:cloudformation:us-east-1:" + devAccount + ":stack/dev-notes/forgotten"},
	}
	account := w.Server.Account(devAccount)
	for kind, properties := range map[string]map[string]any{
		"AWS::DynamoDB::Table": {
			"TableName": "dev-notes-left", "BillingMode": "PAY_PER_REQUEST", "DeletionProtectionEnabled": true,
			"KeySchema":            []any{map[string]any{"AttributeName": "id", "KeyType": "HASH"}},
			"AttributeDefinitions": []any{map[string]any{"AttributeName": "id", "AttributeType": "S"}},
		},
		"AWS::S3::Bucket":     {"BucketName": "dev-notes-left"},
		"AWS::Logs::LogGroup": {"LogGroupName": "/aws/lambda/dev-notes-left"},
		"AWS::SQS::Queue":     {"QueueName": "dev-notes-left"},
	} {
		properties["Tags"] = tags
		_, err := account.Create("us-east-1", kind, properties)
		require.NoError(w.t, err)
	}
	config, err := w.Environment.Config(w.t.Context(), "dev")
	require.NoError(w.t, err)
	config.Region = "us-east-1"
	_, err = s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }).PutObject(w.t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("dev-notes-left"), Key: aws.String("report"), Body: strings.NewReader("something"),
	})
	require.NoError(w.t, err)
	w.Server.InjectFault(rehearsal.Fault{Account: stagingAccount, ResourceType: "AWS::S3::Bucket", Operation: "Create", Count: 1, Code: "InternalServerError"})
	config, err = w.Environment.Config(w.t.Context(), "team-staging")
	require.NoError(w.t, err)
	config.Region = "us-east-1"
	client := cloudformation.NewFromConfig(config)
	stack := &cloudformation.CreateStackInput{
		StackName: aws.String("staging-notes"), TemplateBody: aws.String(`{"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}`),
		Tags: []types.Tag{{Key: aws.String("roadshow:stage"), Value: aws.String("staging")}, {Key: aws.String("roadshow:service"), Value: aws.String("notes")}},
	}
	_, err = client.CreateStack(w.t.Context(), stack)
	require.NoError(w.t, err)
	require.Eventually(w.t, func() bool {
		answer, err := client.DescribeStacks(w.t.Context(), &cloudformation.DescribeStacksInput{StackName: stack.StackName})
		return err == nil && answer.Stacks[0].StackStatus == types.StackStatusRollbackComplete
	}, time.Minute, 10*time.Millisecond)
}

// somethingOfEach is a stack with all that a removal looks at: a bucket, an export, a table that stays.
const somethingOfEach = `{
	"Resources": {
		"Bucket": {"Type": "AWS::S3::Bucket"},
		"Table": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain", "Properties": {
			"TableName": "dev-notes-notes", "BillingMode": "PAY_PER_REQUEST", "DeletionProtectionEnabled": true,
			"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}}},
	"Outputs": {"Bucket": {"Value": {"Ref": "Bucket"}, "Export": {"Name": "dev-notes-bucket"}}}
}`

// create makes a stack of the service by hand.
func (w *world) create(profile, stack string) {
	w.t.Helper()
	config, err := w.Environment.Config(w.t.Context(), profile)
	require.NoError(w.t, err)
	config.Region = "us-east-1"
	client := cloudformation.NewFromConfig(config)
	stage, service, _ := strings.Cut(stack, "-")
	_, err = client.CreateStack(w.t.Context(), &cloudformation.CreateStackInput{
		StackName: &stack, TemplateBody: aws.String(somethingOfEach),
		Tags: []types.Tag{{Key: aws.String("roadshow:stage"), Value: &stage}, {Key: aws.String("roadshow:service"), Value: &service}},
	})
	require.NoError(w.t, err)
	waiter := cloudformation.NewStackCreateCompleteWaiter(client, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
	})
	require.NoError(w.t, waiter.Wait(w.t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack}, time.Minute))
}

// update changes a stack by hand, so that the next deploy has something to change back.
func (w *world) update(profile, stack string) {
	w.t.Helper()
	config, err := w.Environment.Config(w.t.Context(), profile)
	require.NoError(w.t, err)
	config.Region = "us-east-1"
	client := cloudformation.NewFromConfig(config)
	template, err := client.GetTemplate(w.t.Context(), &cloudformation.GetTemplateInput{StackName: &stack, TemplateStage: types.TemplateStageOriginal})
	require.NoError(w.t, err)
	var document map[string]any
	require.NoError(w.t, json.Unmarshal([]byte(*template.TemplateBody), &document))
	document["Resources"].(map[string]any)["ByHand"] = map[string]any{"Type": "AWS::Logs::LogGroup"}
	changed, err := json.Marshal(document)
	require.NoError(w.t, err)
	_, err = client.UpdateStack(w.t.Context(), &cloudformation.UpdateStackInput{
		StackName: &stack, TemplateBody: aws.String(string(changed)), Capabilities: []types.Capability{types.CapabilityCapabilityIam, types.CapabilityCapabilityNamedIam},
	})
	require.NoError(w.t, err)
	waiter := cloudformation.NewStackUpdateCompleteWaiter(client, func(o *cloudformation.StackUpdateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
	})
	require.NoError(w.t, waiter.Wait(w.t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack}, time.Minute))
}

// withEphemeralStages removes one that has expired.
func (r recorded) withEphemeralStages(t *testing.T) {
	w := open(t, program("twins"), 0)
	w.must("bootstrap")
	w.must("deploy", "--to", "pr-7", "--yes")
	r.record(w, "expire")
	r.record(w, "expire --yes")
}
