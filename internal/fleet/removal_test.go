package fleet_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// stack makes a stack with these resources, as JSON members, and the tags of a stage of service
// notes.
func (a *accounts) stack(stage stages.Stage, name, template string, tags ...types.Tag) {
	a.T.Helper()
	_, err := a.CloudFormation(stage).CreateStack(a.T.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: &template, Tags: tags})
	require.NoError(a.T, err)
	a.Settle(stage, name)
}

func ownTags(stage, service string) []types.Tag {
	return []types.Tag{fleettest.Tag("roadshow:stage", stage), fleettest.Tag("roadshow:service", service)}
}

func (a *accounts) describe(stage stages.Stage, name string) types.Stack {
	a.T.Helper()
	answer, err := a.CloudFormation(stage).DescribeStacks(a.T.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
	require.NoError(a.T, err)
	return answer.Stacks[0]
}

// plan plans a removal that is to succeed.
func (a *accounts) plan(f *fleet.Fleet, stage stages.Stage, known bool) fleet.RemovalPlan {
	a.T.Helper()
	planned, err := f.PlanRemoval(a.T.Context(), stage, known)
	require.NoError(a.T, err)
	return planned
}

func TestAStackWithOurNameThatIsTaggedAsAnothersIsNotRemovedWithoutATypedConfirmation(t *testing.T) {
	for name, tt := range map[string]struct {
		tags  []types.Tag
		doubt string
	}{
		"another team's, whose tool has called it so": {[]types.Tag{fleettest.Tag("team", "payments")}, "its tags name no service and no stage"},
		"another program's with the same service":     {append(ownTags("dev", "notes"), fleettest.Tag("roadshow:program", "example.com/other")), "program example.com/other"},
		"another service's":                           {ownTags("dev", "mail"), `service "mail"`},
	} {
		t.Run(name, func(t *testing.T) {
			a := openAccounts(t)
			a.stack(fleettest.Sandbox, "dev-notes", `{"Resources":{"L":{"Type":"AWS::Logs::LogGroup"}}}`, tt.tags...)
			f := a.Fleet()
			f.Program = "example.com/notes"
			planned := a.plan(f, fleettest.Sandbox, true)
			require.Contains(t, planned.Doubt, tt.doubt)
			require.True(t, planned.NeedsConfirmation)
			_, err := fleet.Removal{Fleet: f}.Run(t.Context(), planned)
			var needed *fleet.ConfirmationError
			require.ErrorAs(t, err, &needed)
			messages.ErrorContains(t, err, "has a stack that may be somebody else's")
			messages.ErrorContains(t, err, tt.doubt)
			require.True(t, a.Exists(fleettest.Sandbox))
		})
	}
}

func TestTerminationProtectionIsOnAgainWhereTheStackWasNotDeleted(t *testing.T) {
	confirmed := fleet.Confirmation{Stage: fleettest.Protected.Name, Account: fleettest.Protected.Account}
	for name, fault := range map[string]rehearsal.Fault{
		"CloudFormation refuses the deletion": {Service: "cloudformation", Operation: "DeleteStack", Status: 403, Code: "AccessDenied"},
		"a resource cannot be deleted":        {ResourceType: "AWS::Logs::LogGroup", Operation: "Delete", Code: "InternalFailure"},
		"it is open whether it was switched":  {Service: "cloudformation", Operation: "UpdateTerminationProtection", Count: 1, Status: 403, Code: "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			a := openAccounts(t)
			a.Deployed(fleettest.Protected, "")
			f := a.Fleet()
			planned := a.plan(f, fleettest.Protected, true)
			require.True(t, planned.Protected, "the plan says that it will be switched off")
			fault.Account = fleettest.Protected.Account
			a.InjectFault(fault)
			outcome, err := fleet.Removal{Fleet: f, Confirmation: confirmed, Poll: time.Millisecond}.Run(t.Context(), planned)
			require.NoError(t, err)
			messages.Provoked(t, outcome.Problem)
			require.Equal(t, fleet.Failed, outcome.State, outcome.Problem)
			require.True(t, aws.ToBool(a.describe(fleettest.Protected, "production-notes").EnableTerminationProtection))
		})
	}
}

func TestATerminationProtectionThatStaysOffIsSaid(t *testing.T) {
	a := openAccounts(t)
	a.Deployed(fleettest.Protected, "")
	f := a.Fleet()
	planned := a.plan(f, fleettest.Protected, true)
	a.InjectFault(rehearsal.Fault{Account: fleettest.Protected.Account, Service: "cloudformation", Operation: "DeleteStack", Status: 403, Code: "AccessDenied"})
	a.InjectFault(rehearsal.Fault{Account: fleettest.Protected.Account, Service: "cloudformation", Operation: "UpdateTerminationProtection", After: 1, Status: 403, Code: "AccessDenied"})
	outcome, err := fleet.Removal{
		Fleet: f, Confirmation: fleet.Confirmation{Stage: "production", Account: fleettest.Protected.Account}, Poll: time.Millisecond,
	}.Run(t.Context(), planned)
	require.NoError(t, err)
	messages.Provoked(t, outcome.Problem)
	require.Contains(t, outcome.Problem, "its termination protection could not be switched on again")
	messages.Provoked(t, outcome.Problem)
	require.Contains(t, outcome.Problem, "aws cloudformation update-termination-protection --enable-termination-protection --stack-name arn:")
}

// bucketOf is a stack of dev with a versioned bucket that goes with it.
const bucketOf = `{"Resources":{"B":{"Type":"AWS::S3::Bucket","Properties":{"BucketName":"dev-notes-b","VersioningConfiguration":{"Status":"Enabled"}}}}}`

func TestWhatWouldFailHalfWayIsABlockBeforeAnythingIsDeleted(t *testing.T) {
	put := func(t *testing.T, client *s3.Client) *string {
		t.Helper()
		made, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("dev-notes-b"), Key: aws.String("k"), Body: strings.NewReader("x")})
		require.NoError(t, err)
		return made.VersionId
	}
	erase := func(t *testing.T, client *s3.Client, version *string) {
		t.Helper()
		_, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("dev-notes-b"), Key: aws.String("k"), VersionId: version})
		require.NoError(t, err)
	}
	table := `{"Resources":{"T":` + fleettest.TableOf(fleettest.Sandbox, "dev-notes-t", "Delete", false) + `}}`
	export := `{"Resources":{"L":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"l"}}},"Outputs":{"L":{"Value":{"Ref":"L"},"Export":{"Name":"dev-notes-l"}}}}`
	for name, tt := range map[string]struct {
		template string
		prepare  func(t *testing.T, a *accounts, client *s3.Client)
		want     string
	}{
		"a versioned bucket with an object": {bucketOf, func(t *testing.T, _ *accounts, client *s3.Client) { put(t, client) }, "dev-notes-b is not empty"},
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html: all versions and delete markers must go.
		"a versioned bucket with old versions only": {bucketOf, func(t *testing.T, _ *accounts, client *s3.Client) {
			put(t, client)
			erase(t, client, nil)
		}, "dev-notes-b holds older versions or delete markers"},
		"a versioned bucket with delete markers only": {bucketOf, func(t *testing.T, _ *accounts, client *s3.Client) {
			version := put(t, client)
			erase(t, client, nil)
			erase(t, client, version)
		}, "dev-notes-b holds older versions or delete markers"},
		"a bucket that could not be asked about": {bucketOf, func(_ *testing.T, a *accounts, _ *s3.Client) {
			a.InjectFault(rehearsal.Fault{Account: fleettest.Sandbox.Account, Service: "s3", Status: 403, Code: "AccessDenied"})
		}, "dev-notes-b could not be asked about"},
		"a table that could not be asked about": {table, func(_ *testing.T, a *accounts, _ *s3.Client) {
			a.InjectFault(rehearsal.Fault{Account: fleettest.Sandbox.Account, Service: "dynamodb", Operation: "DescribeTable", Status: 400, Code: "AccessDeniedException"})
		}, "dev-notes-t could not be asked about"},
		"exports that could not be asked about": {export, func(_ *testing.T, a *accounts, _ *s3.Client) {
			a.InjectFault(rehearsal.Fault{Account: fleettest.Sandbox.Account, Service: "cloudformation", Operation: "ListExports", Status: 403, Code: "AccessDenied"})
		}, "The exports of dev-notes could not be asked about"},
		"imports that could not be asked about": {export, func(_ *testing.T, a *accounts, _ *s3.Client) {
			a.InjectFault(rehearsal.Fault{Account: fleettest.Sandbox.Account, Service: "cloudformation", Operation: "ListImports", Status: 403, Code: "AccessDenied"})
		}, "Who imports dev-notes-l could not be asked about"},
		"an export that another stack imports": {export, func(_ *testing.T, a *accounts, _ *s3.Client) {
			a.stack(fleettest.Sandbox, "user", `{"Resources":{"P":{"Type":"AWS::SSM::Parameter","Properties":{"Name":"p","Type":"String","Value":{"Fn::ImportValue":"dev-notes-l"}}}}}`)
		}, "dev-notes-l is imported by user"},
	} {
		t.Run(name, func(t *testing.T) {
			a := openAccounts(t)
			a.stack(fleettest.Sandbox, "dev-notes", tt.template, ownTags("dev", "notes")...)
			f := a.Fleet()
			tt.prepare(t, a, s3.NewFromConfig(a.Config(fleettest.Sandbox), func(o *s3.Options) { o.UsePathStyle = true }))
			planned := a.plan(f, fleettest.Sandbox, true)
			require.NotEmpty(t, planned.Blocks)
			messages.Provoked(t, planned.Blocks[0].String())
			require.Contains(t, planned.Blocks[0].Detail, tt.want)
			confirmed := fleet.Confirmation{Stage: "dev", Account: fleettest.Sandbox.Account}
			_, err := fleet.Removal{Fleet: f, Confirmation: confirmed}.Run(t.Context(), planned)
			var blocked *fleet.BlockedError
			require.ErrorAs(t, err, &blocked)
			messages.Provoked(t, err.Error())
			require.True(t, a.Exists(fleettest.Sandbox))
		})
	}
}

func TestARemovalLooksAgainAtAllThatItWasPlannedBy(t *testing.T) {
	client := func(a *accounts) *cloudformation.Client { return a.CloudFormation(fleettest.Sandbox) }
	const template = `{"Resources":{"B":{"Type":"AWS::S3::Bucket","Properties":{"BucketName":"dev-notes-b"}},
		"P":{"Type":"AWS::SSM::Parameter","Properties":{"Name":"/roadshow/dev/notes/t.table","Type":"String","Value":"%s"}}}}`
	for name, tt := range map[string]struct {
		meanwhile func(t *testing.T, a *accounts)
		want      string
	}{
		"a colleague has deployed": {func(t *testing.T, a *accounts) {
			_, err := client(a).UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
				StackName: aws.String("dev-notes"), TemplateBody: aws.String(fmt.Sprintf(template, "2")), Tags: ownTags("dev", "notes"),
			})
			require.NoError(t, err)
			require.NoError(t, cloudformation.NewStackUpdateCompleteWaiter(client(a), func(o *cloudformation.StackUpdateCompleteWaiterOptions) {
				o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
			}).Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("dev-notes")}, time.Minute))
		}, "since the plan was made, it is UPDATE_COMPLETE now"},
		"it was protected": {func(t *testing.T, a *accounts) {
			_, err := client(a).UpdateTerminationProtection(t.Context(), &cloudformation.UpdateTerminationProtectionInput{
				StackName: aws.String("dev-notes"), EnableTerminationProtection: aws.Bool(true),
			})
			require.NoError(t, err)
		}, "its termination protection was switched"},
		"something was put into its bucket": {func(t *testing.T, a *accounts) {
			_, err := s3.NewFromConfig(a.Config(fleettest.Sandbox), func(o *s3.Options) { o.UsePathStyle = true }).PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String("dev-notes-b"), Key: aws.String("k"), Body: strings.NewReader("x"),
			})
			require.NoError(t, err)
		}, "dev-notes-b is not empty"},
		"another service imports what it has": {func(_ *testing.T, a *accounts) {
			a.stack(fleettest.Sandbox, "dev-mail", importing("/roadshow/dev/notes/t.table"), ownTags("dev", "mail")...)
		}, "stack dev-mail imports what it has"},
	} {
		t.Run(name, func(t *testing.T) {
			a := openAccounts(t)
			a.stack(fleettest.Sandbox, "dev-notes", fmt.Sprintf(template, "1"), ownTags("dev", "notes")...)
			f := a.Fleet()
			planned := a.plan(f, fleettest.Sandbox, true)
			tt.meanwhile(t, a)
			outcome, err := fleet.Removal{Fleet: f, Poll: time.Millisecond}.Run(t.Context(), planned)
			require.NoError(t, err)
			messages.Provoked(t, outcome.Problem)
			require.Equal(t, fleet.Kept, outcome.State, outcome.Problem)
			messages.Provoked(t, outcome.Problem)
			require.Contains(t, outcome.Problem, tt.want)
			require.True(t, a.Exists(fleettest.Sandbox))
		})
	}
}

// importing is a stack that imports as package stack does: by a parameter of the template.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
func importing(path string) string {
	return `{"Parameters":{"FallbackARN":{"Type":"AWS::SSM::Parameter::Value<String>","Default":"` + path + `"}},
		"Resources":{"L":{"Type":"AWS::Logs::LogGroup","Metadata":{"reads":{"Ref":"FallbackARN"}}}}}`
}

func TestAPlanNamesTheServicesThatImportWhatWouldGoAndAsksForIt(t *testing.T) {
	a := openAccounts(t)
	a.stack(fleettest.Sandbox, "dev-notes", `{"Resources":{"T":`+fleettest.TableOf(fleettest.Sandbox, "dev-notes-t", "Delete", false)+`,
		"P":{"Type":"AWS::SSM::Parameter","Properties":{"Name":"/roadshow/dev/notes/t.table","Type":"String","Value":{"Fn::GetAtt":["T","Arn"]}}}}}`, ownTags("dev", "notes")...)
	// pr-417 of another service has no notes of its own, and reads dev's by Fallback. A third reads
	// the table by a parameter that somebody has written by hand, and a fourth reads something
	// else.
	a.stack(fleettest.Sandbox, "pr-417--mail", importing("/roadshow/dev/notes/t.table"), ownTags("pr-417", "mail")...)
	_, err := a.Account(fleettest.Sandbox.Account).Create("us-east-1", "AWS::SSM::Parameter", map[string]any{
		"Name": "/by/hand", "Type": "String", "Value": "arn:aws:dynamodb:us-east-1:111111111111:table/dev-notes-t",
	})
	require.NoError(t, err)
	a.stack(fleettest.Sandbox, "reports", importing("/by/hand"))
	_, err = a.Account(fleettest.Sandbox.Account).Create("us-east-1", "AWS::SSM::Parameter", map[string]any{"Name": "/else", "Type": "String", "Value": "1"})
	require.NoError(t, err)
	a.stack(fleettest.Sandbox, "dev-else", importing("/else"), ownTags("dev", "else")...)

	f := a.Fleet()
	planned := a.plan(f, fleettest.Sandbox, true)
	require.Equal(t, []fleet.Importer{
		{Stack: "pr-417--mail", Service: "mail", Stage: "pr-417", Reads: []string{"/roadshow/dev/notes/t.table"}},
		{Stack: "reports", Reads: []string{"dev-notes-t"}},
	}, planned.Importers)
	require.Empty(t, planned.Blocks)
	require.True(t, planned.NeedsConfirmation)
	_, err = fleet.Removal{Fleet: f}.Run(t.Context(), planned)
	messages.EqualError(t, err, "Stage dev has what others import (service mail of stage pr-417, stack reports) and was not confirmed, so nothing was changed.\n"+
		"Pass --confirm dev/111111111111, its name and its account's id, or type both in a terminal.")
	outcome, err := fleet.Removal{Fleet: f, Poll: time.Millisecond, Confirmation: fleet.Confirmation{Stage: "dev", Account: "111111111111"}}.Run(t.Context(), planned)
	require.NoError(t, err)
	messages.Provoked(t, outcome.Problem)
	require.Equal(t, fleet.Done, outcome.State, outcome.Problem)

	a.stack(fleettest.Sandbox, "dev-notes", `{"Resources":{"L":{"Type":"AWS::Logs::LogGroup"}}}`, ownTags("dev", "notes")...)
	a.InjectFault(rehearsal.Fault{Account: fleettest.Sandbox.Account, Service: "cloudformation", Operation: "DescribeStacks", After: 1, Status: 403, Code: "AccessDenied"})
	planned = a.plan(f, fleettest.Sandbox, true)
	require.NotEmpty(t, planned.Blocks)
	messages.Provoked(t, planned.Blocks[0].String())
	require.Contains(t, planned.Blocks[0].Detail, "The stacks that may import what it has could not be asked about")
}
