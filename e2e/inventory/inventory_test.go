package inventory_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/e2e/inventory"
	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

var (
	dev        = stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	alice      = stages.Stage{Name: "dev-alice", Account: "111111111111", Region: "us-east-1"}
	production = stages.Stage{Name: "production", Account: "333333333333", Region: "eu-west-1"}
)

// world starts a rehearsal of two accounts, and returns a way to each.
func world(t *testing.T) (*rehearsal.Server, func(stages.Stage) aws.Config) {
	t.Helper()
	server, err := rehearsal.Start(rehearsal.Config{Accounts: []rehearsal.Account{
		{ID: dev.Account, AccessKeyID: "AKIADEV", SecretAccessKey: "dev-secret"},
		{ID: production.Account, AccessKeyID: "AKIAPRODUCTION", SecretAccessKey: "production-secret"},
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	environment, err := awsenv.Write(awsenv.Place{Checkout: t.TempDir(), Folder: t.TempDir()}, server.URL(),
		awsenv.Profile{Name: dev.Account, AccessKeyID: "AKIADEV", SecretAccessKey: "dev-secret", Region: "us-west-2"},
		awsenv.Profile{Name: production.Account, AccessKeyID: "AKIAPRODUCTION", SecretAccessKey: "production-secret", Region: "us-west-2"})
	require.NoError(t, err)
	return server, func(stage stages.Stage) aws.Config {
		config, err := environment.Config(t.Context(), stage.Account)
		require.NoError(t, err)
		config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
		return config
	}
}

func TestAnAccountWithoutTheServiceHoldsNothing(t *testing.T) {
	server, as := world(t)
	fleettest.Table(t, server, dev, "billing", "dev-billing-table")
	holdings, err := inventory.Read(t.Context(), as(dev), dev, "notes")
	require.NoError(t, err)
	require.True(t, holdings.Empty())
	require.Equal(t, &inventory.Holdings{Stage: dev, Service: "notes"}, holdings)
	for _, call := range server.Calls() {
		require.NotEqual(t, 501, call.Status, call)
	}
}

func TestWhatOutlivedItsStackIsFound(t *testing.T) {
	server, as := world(t)
	fleettest.Table(t, server, dev, "notes", "dev-notes-table")
	holdings, err := inventory.Read(t.Context(), as(dev), dev, "notes")
	require.NoError(t, err)
	require.Nil(t, holdings.Stack)
	require.Equal(t, []inventory.Table{{Name: "dev-notes-table", Status: "ACTIVE"}}, holdings.Tables)
	require.False(t, holdings.Empty())
}

func TestAStageDoesNotOwnWhatAnotherOfItsAccountHas(t *testing.T) {
	server, as := world(t)
	fleettest.Table(t, server, dev, "notes", "dev-notes-table")
	fleettest.Table(t, server, alice, "notes", "dev-alice-notes-table-0123456789")
	fleettest.Table(t, server, dev, "alice-notes", "dev-alice-notes-table-9876543210")

	for stage, want := range map[stages.Stage]string{dev: "dev-notes-table", alice: "dev-alice-notes-table-0123456789"} {
		holdings, err := inventory.Read(t.Context(), as(stage), stage, "notes")
		require.NoError(t, err)
		require.Len(t, holdings.Tables, 1)
		require.Equal(t, want, holdings.Tables[0].Name)
	}
}

func TestAnotherAccountsCredentialsAreRefused(t *testing.T) {
	_, as := world(t)
	_, err := inventory.Read(t.Context(), as(dev), production, "notes")
	var wrong *fleet.AccountError
	require.ErrorAs(t, err, &wrong)
	require.EqualError(t, err, "Stage production: The credentials are of account 111111111111, and the stage is in account 333333333333.\nUse a profile of account 333333333333.")
}

// oneOfEach makes what an inventory lists, with the tags of dev's notes.
func oneOfEach(t *testing.T, server *rehearsal.Server) (all []rehearsal.Resource) {
	t.Helper()
	make := func(kind string, properties map[string]any) rehearsal.Resource {
		made, err := server.Account(dev.Account).Create(dev.Region, kind, properties)
		require.NoError(t, err)
		all = append(all, made)
		return made
	}
	mine := map[string]any{"roadshow:stage": "dev", "roadshow:service": "notes"}
	role := func(name, service string) any {
		return make("AWS::IAM::Role", map[string]any{"RoleName": name, "AssumeRolePolicyDocument": map[string]any{"Statement": []any{map[string]any{
			"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": service},
		}}}}).Attributes["Arn"]
	}
	fleettest.Table(t, server, dev, "notes", "dev-notes-table")
	make("AWS::Lambda::Function", map[string]any{
		"FunctionName": "dev-notes-f", "Role": role("f", "lambda.amazonaws.com"), "Runtime": "provided.al2023", "Handler": "bootstrap",
		"MemorySize": 256, "Code": map[string]any{"ZipFile": "x"}, "Tags": fleettest.Tagged("dev", "notes"),
	})
	make("AWS::ApiGatewayV2::Api", map[string]any{"Name": "dev-notes-api", "ProtocolType": "HTTP", "Tags": mine})
	make("AWS::DAX::Cluster", map[string]any{
		"ClusterName": "dev-notes-dax", "IAMRoleARN": role("dax", "dax.amazonaws.com"), "NodeType": "dax.t3.small", "ReplicationFactor": 3, "Tags": mine,
	})
	make("AWS::EC2::VPC", map[string]any{"CidrBlock": "10.0.0.0/16", "Tags": fleettest.Tagged("dev", "notes")})
	return all
}

func TestAnInventoryHasWhatIsTaggedAndThere(t *testing.T) {
	server, as := world(t)
	all := oneOfEach(t, server)
	holdings, err := inventory.Read(t.Context(), as(dev), dev, "notes")
	require.NoError(t, err)
	require.Equal(t, []inventory.Table{{Name: "dev-notes-table", Status: "ACTIVE"}}, holdings.Tables)
	require.Equal(t, []inventory.Function{{Name: "dev-notes-f", Memory: 256, Environment: map[string]string{}}}, holdings.Functions)
	require.Equal(t, "dev-notes-api", holdings.APIs[0].Name)
	require.Equal(t, 3, holdings.Clusters[0].Nodes)
	require.Equal(t, "10.0.0.0/16", holdings.Networks[0].CIDR)

	server.LingerTags(dev.Account, dev.Region)
	for _, kind := range []string{"AWS::DAX::Cluster", "AWS::EC2::VPC", "AWS::ApiGatewayV2::Api", "AWS::Lambda::Function"} {
		for _, one := range all {
			if one.Type == kind {
				require.NoError(t, server.Account(dev.Account).Delete(dev.Region, kind, one.PhysicalID))
			}
		}
	}
	require.NoError(t, server.Account(dev.Account).Delete(dev.Region, "AWS::DynamoDB::Table", "dev-notes-table"))
	holdings, err = inventory.Read(t.Context(), as(dev), dev, "notes")
	require.NoError(t, err)
	require.True(t, holdings.Empty(), "what is listed and gone is nothing")
}

func TestAnErrorNamesTheServiceThatGaveIt(t *testing.T) {
	for service, name := range map[string]string{
		"sts": "STS", "cloudformation": "CloudFormation", "tagging": "Resource Groups Tagging API", "dynamodb": "DynamoDB", "lambda": "Lambda", "apigateway": "API Gateway",
		"dax": "DAX", "ec2": "EC2",
	} {
		t.Run(name, func(t *testing.T) {
			server, as := world(t)
			oneOfEach(t, server)
			server.InjectFault(rehearsal.Fault{Service: service, Status: 403, Code: "AccessDenied", Message: "not you"})
			_, err := inventory.Read(t.Context(), as(dev), dev, "notes")
			var failed *fleet.ServiceError
			require.ErrorAs(t, err, &failed)
			require.Equal(t, name, failed.Service)
			require.ErrorContains(t, err, "not you")
			var refusal smithy.APIError
			require.ErrorAs(t, err, &refusal)
		})
	}
}

func TestAServiceThatCannotBeNamedIsAMistake(t *testing.T) {
	_, as := world(t)
	_, err := inventory.Read(t.Context(), as(dev), dev, "Notes")
	var mistake *stages.FieldError
	require.ErrorAs(t, err, &mistake)
}
