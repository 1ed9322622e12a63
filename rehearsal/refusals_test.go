package rehearsal_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/rehearsal/refusals"
)

// The rehearsal refuses what AWS refuses, in AWS's words, at the moment AWS does, and rolls back as AWS does.
func TestTheRehearsalRefusesEachRowOfTheBookAsAWSDoes(t *testing.T) {
	book, err := refusals.Load()
	require.NoError(t, err)
	for _, row := range book {
		t.Run(row.ID, func(t *testing.T) {
			t.Parallel()
			refuses(t, row)
		})
	}
}

// attempt deploys a row's templates in an account of its own.
type attempt struct {
	*testing.T
	row    refusals.Refusal
	server *rehearsal.Server
	client *cloudformation.Client
	url    string // of the template, where it is uploaded
}

func refuses(t *testing.T, row refusals.Refusal) {
	server := start(t)
	if row.Off {
		without, err := rehearsal.Start(rehearsal.Config{Accounts: []rehearsal.Account{
			{ID: dev, AccessKeyID: "AKIADEV", SecretAccessKey: "dev secret", RegionsOff: []string{row.Region}},
		}})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, without.Close()) })
		server = without
	}
	configuration := as(server, dev)
	configuration.Region = row.Region
	a := attempt{T: t, row: row, server: server, client: cloudformation.NewFromConfig(configuration)}
	for _, gone := range row.Deleted {
		made, err := server.Account(dev).Create(row.Region, gone.Type, gone.Properties)
		require.NoError(t, err)
		require.NoError(t, server.Account(dev).Delete(row.Region, gone.Type, made.PhysicalID))
	}
	for _, held := range row.Held {
		_, err := server.Account(dev).Create(row.Region, held.Type, held.Properties)
		require.NoError(t, err)
	}
	if row.Elsewhere != "" {
		there := a
		there.client = cloudformation.NewFromConfig(as(server, dev))
		there.succeeds(types.ChangeSetTypeCreate, "elsewhere", row.Elsewhere)
	}
	if row.Beside != "" {
		a.succeeds(types.ChangeSetTypeCreate, "beside", row.Beside)
	}
	kind := types.ChangeSetTypeCreate
	if row.Before != "" {
		a.succeeds(kind, "refused", row.Before)
		kind = types.ChangeSetTypeUpdate
	}
	if row.Imports != nil {
		kind = types.ChangeSetTypeImport
	}
	if row.Again > 0 {
		a.succeeds(kind, "refused", row.Template)
		a.remove()
		server.Advance(row.Again)
	}
	if row.Uploaded {
		a.url = a.upload(row.Template)
	}
	before := a.resources()
	switch row.Moment {
	case refusals.Delete:
		a.succeeds(kind, "refused", row.Template)
		if row.Later != "" {
			a.succeeds(kind, "later", row.Later)
		}
		for _, bucket := range row.Objects {
			a.fill(bucket)
		}
		_, err := a.client.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("refused")})
		require.NoError(t, err)
		stack := finished(t, a.client, "refused")
		require.NotEqual(t, types.StackStatusDeleteComplete, stack.StackStatus)
		a.says(aws.ToString(stack.StackStatusReason) + a.reasons(types.ResourceStatusDeleteFailed))
	case refusals.Cleanup:
		a.deploy(kind, "refused", row.Template)
		require.Equal(t, types.StackStatusUpdateComplete, finished(t, a.client, "refused").StackStatus)
		a.says(a.reasons(types.ResourceStatusDeleteFailed))
	case refusals.Validation:
		_, err := a.change(kind, "refused", row.Template)
		require.Error(t, err)
		a.says(err.Error())
		require.Equal(t, before, a.resources())
	case refusals.ChangeSet:
		set, err := a.change(kind, "refused", row.Template)
		require.NoError(t, err)
		require.Equal(t, types.ChangeSetStatusFailed, set.Status)
		a.says(aws.ToString(set.StatusReason))
		require.Equal(t, before, a.resources())
	default:
		a.deploy(kind, "refused", row.Template)
		wanted, failed := types.StackStatusRollbackComplete, types.ResourceStatusCreateFailed
		if row.Moment == refusals.Update {
			wanted, failed = types.StackStatusUpdateRollbackComplete, types.ResourceStatusUpdateFailed
		}
		stack := finished(t, a.client, "refused")
		words := a.reasons(failed)
		if row.Moment == refusals.Update {
			words += a.reasons(types.ResourceStatusCreateFailed)
		}
		require.Equal(t, wanted, stack.StackStatus, words)
		a.says(words)
		require.Equal(t, before, a.resources(), "the rollback leaves what was there")
	}
}

// fill puts an object into a bucket of the stack.
func (a attempt) fill(bucket string) {
	a.Helper()
	resource, err := a.client.DescribeStackResource(a.Context(), &cloudformation.DescribeStackResourceInput{StackName: aws.String("refused"), LogicalResourceId: &bucket})
	require.NoError(a, err)
	objects := s3.NewFromConfig(as(a.server, dev), func(o *s3.Options) { o.UsePathStyle = true })
	_, err = objects.PutObject(a.Context(), &s3.PutObjectInput{
		Bucket: resource.StackResourceDetail.PhysicalResourceId, Key: aws.String("object"), Body: strings.NewReader("content"),
	})
	require.NoError(a, err)
}

// upload puts a template into a bucket, and returns its URL.
func (a attempt) upload(template string) string {
	a.Helper()
	const bucket = "templates"
	_, err := a.server.Account(dev).Create(a.row.Region, "AWS::S3::Bucket", map[string]any{"BucketName": bucket})
	require.NoError(a, err)
	objects := s3.NewFromConfig(as(a.server, dev), func(o *s3.Options) { o.UsePathStyle = true })
	_, err = objects.PutObject(a.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("template.json"), Body: strings.NewReader(template)})
	require.NoError(a, err)
	return a.server.URL() + "/" + bucket + "/template.json"
}

func (a attempt) says(words string) {
	a.Helper()
	assert.Contains(a, words, a.row.Words)
}

// change makes a change set and waits for it.
func (a attempt) change(kind types.ChangeSetType, stack, template string) (*cloudformation.DescribeChangeSetOutput, error) {
	a.Helper()
	input := &cloudformation.CreateChangeSetInput{
		StackName: &stack, ChangeSetName: aws.String("row-" + string(kind)), ChangeSetType: kind, TemplateBody: &template,
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}
	if stack == "refused" {
		for name, value := range a.row.Parameters {
			input.Parameters = append(input.Parameters, types.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(value)})
		}
		input.ImportExistingResources = aws.Bool(a.row.Existing)
		var declared struct {
			Resources map[string]struct{ Type string }
		}
		require.NoError(a, json.Unmarshal([]byte(template), &declared))
		for id, identifier := range a.row.Imports {
			if kind == types.ChangeSetTypeImport {
				of := declared.Resources[id].Type
				input.ResourcesToImport = append(input.ResourcesToImport, types.ResourceToImport{LogicalResourceId: &id, ResourceType: &of, ResourceIdentifier: identifier})
			}
		}
		if a.row.Without("capabilities") {
			input.Capabilities = nil
		}
	}
	if a.row.Uploaded {
		input.TemplateBody, input.TemplateURL = nil, &a.url
	}
	made, err := a.client.CreateChangeSet(a.Context(), input)
	if err != nil {
		return nil, err
	}
	return a.client.DescribeChangeSet(a.Context(), &cloudformation.DescribeChangeSetInput{ChangeSetName: made.Id})
}

func (a attempt) deploy(kind types.ChangeSetType, stack, template string) {
	a.Helper()
	set, err := a.change(kind, stack, template)
	require.NoError(a, err)
	require.Equal(a, types.ChangeSetStatusCreateComplete, set.Status, aws.ToString(set.StatusReason))
	_, err = a.client.ExecuteChangeSet(a.Context(), &cloudformation.ExecuteChangeSetInput{ChangeSetName: set.ChangeSetId})
	require.NoError(a, err)
}

func (a attempt) succeeds(kind types.ChangeSetType, stack, template string) {
	a.Helper()
	a.deploy(kind, stack, template)
	require.Equal(a, types.StackStatusCreateComplete, finished(a.T, a.client, stack).StackStatus, a.reasonsOf(stack, types.ResourceStatusCreateFailed))
}

func (a attempt) remove() {
	a.Helper()
	stack := finished(a.T, a.client, "refused")
	_, err := a.client.DeleteStack(a.Context(), &cloudformation.DeleteStackInput{StackName: stack.StackId})
	require.NoError(a, err)
	require.Equal(a, types.StackStatusDeleteComplete, finished(a.T, a.client, *stack.StackId).StackStatus)
}

func (a attempt) reasons(status types.ResourceStatus) string { return a.reasonsOf("refused", status) }

// reasonsOf are the reasons of a stack's failures of one status.
func (a attempt) reasonsOf(stack string, status types.ResourceStatus) string {
	a.Helper()
	var said []string
	pages := cloudformation.NewDescribeStackEventsPaginator(a.client, &cloudformation.DescribeStackEventsInput{StackName: &stack})
	for pages.HasMorePages() {
		page, err := pages.NextPage(a.Context())
		require.NoError(a, err)
		for _, event := range page.StackEvents {
			if event.ResourceStatus == status {
				said = append(said, aws.ToString(event.ResourceStatusReason))
			}
		}
	}
	return strings.Join(said, "\n")
}

// resources are what the account holds, by physical id, with its properties.
func (a attempt) resources() map[string]any {
	held := map[string]any{}
	for _, r := range a.server.Resources(dev, a.row.Region) {
		held[r.Type+" "+r.PhysicalID] = r.Properties
	}
	return held
}
