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

// note adds what the command's own credentials were used for. What the roles of a bootstrap did is theirs; and what was
// not begun says nothing of a verb.
func (r recorded) note(arguments []string, code int, calls []rehearsal.Call) {
	if r == nil || code == 2 {
		return
	}
	verb := verbOf(arguments)
	if r[verb] == nil {
		r[verb] = map[string]bool{}
	}
	for _, call := range calls {
		// What GetCallerIdentity says needs no permission, and no policy can take it away:
		// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
		if call.Role == "" && call.Operation != "GetCallerIdentity" {
			r[verb][actionOf(call)] = true
		}
		// Without this one S3 refuses an object that is not there, instead of saying so:
		// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
		if call.Role == "" && call.Operation == "GetObject" {
			r[verb]["s3:ListBucket"] = true
		}
	}
}

// add adds what others have recorded.
func (r recorded) add(others recorded) {
	for verb, actions := range others {
		if r[verb] == nil {
			r[verb] = map[string]bool{}
		}
		maps.Copy(r[verb], actions)
	}
}

// verbOf is the row of docs/permissions.md that a command line belongs to: a flag that changes something has its own.
func verbOf(arguments []string) string {
	for _, row := range []string{"costs --activate-tags", "expire --yes", "orphans --delete", "parity --deployed", "quotas --request"} {
		verb, flag, _ := strings.Cut(row, " ")
		if arguments[0] == verb && slices.Contains(arguments, flag) {
			return row
		}
	}
	if arguments[0] == "remove" && arguments[1] == "--account" { // and no stage
		return "remove --account"
	}
	return arguments[0]
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

// permissionsPage is docs/permissions.md.
func permissionsPage(t *testing.T) (file string, page []byte) {
	t.Helper()
	file = filepath.Join(checkout, "docs", "permissions.md")
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	return file, page
}

// requireWithin wants the page to have whatever each verb was seen to use.
func (r recorded) requireWithin(t *testing.T) {
	t.Helper()
	_, page := permissionsPage(t)
	rows := map[string]string{}
	for _, row := range permissionRow.FindAllStringSubmatch(string(page), -1) {
		rows[row[1]] = row[2]
	}
	for _, verb := range sorted(r) {
		has := map[string]bool{}
		for text := rows[verb]; text != ""; {
			for _, action := range permissionAction.FindAllStringSubmatch(text, -1) {
				has[action[1]] = true
			}
			inherited := permissionInherited.FindStringSubmatch(text)
			if text = ""; inherited != nil {
				text = rows[inherited[1]]
			}
		}
		var missing []string
		for _, action := range sorted(r[verb]) {
			if !has[action] {
				missing = append(missing, action)
			}
		}
		assert.Empty(t, missing, "roadshow %s uses what docs/permissions.md does not say", verb)
	}
}

// requireDocumented compares what each verb was seen to use with docs/permissions.md. The rows of the page are written
// anew where ROADSHOW_UPDATE_PERMISSIONS is set; its policies are written by hand.
func (r recorded) requireDocumented(w *world) {
	t, seen := w.t, r
	file, page := permissionsPage(t)
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
	for _, verb := range regexp.MustCompile(`(?m)^  ([a-z]+) `).FindAllStringSubmatch(asking(w), -1) {
		assert.Contains(t, documented, verb[1], "a verb that asks accounts has a row in docs/permissions.md, written from this test")
	}
}

// asking are the lines of the help about verbs that ask accounts.
func asking(w *world) string {
	w.app = ""
	help := w.must("--help").stdout
	_, verbs, found := strings.Cut(help, "The accounts:\n")
	require.True(w.t, found, help)
	verbs, _, _ = strings.Cut(verbs, "\n\n")
	return verbs
}

func firstOf(section string) string {
	line, _, _ := strings.Cut(section, "\n")
	return line
}

func sorted[T any](set map[string]T) []string { return slices.Sorted(maps.Keys(set)) }

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
