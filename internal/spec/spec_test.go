package spec_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/spec"
)

func lookup(t *testing.T, name string) *spec.ResourceType {
	t.Helper()
	found, ok := spec.Lookup(name)
	require.True(t, ok, name)
	return found
}

func TestEveryTypeOfTheTableParsesWithoutAHole(t *testing.T) {
	require.Greater(t, len(spec.Names()), 400)
	for _, name := range spec.Names() {
		found := lookup(t, name)
		assert.Equal(t, name, found.Name)
		seen := map[*spec.Type]bool{}
		for _, property := range found.Properties {
			walk(t, name, property.Type, seen)
		}
		for _, attribute := range found.Attributes {
			walk(t, name, attribute, seen)
		}
		if found.NameProperty != "" {
			assert.Contains(t, found.Properties, found.NameProperty, name)
		}
		for _, scope := range found.NameScope {
			assert.Contains(t, found.Properties, scope, name)
		}
		if found.TagStyle != spec.NoTags {
			assert.Contains(t, found.Properties, found.TagProperty, name)
		}
	}
}

// walk fails at a nested object that is referred to but has no lines of its own.
func walk(t *testing.T, name string, current *spec.Type, seen map[*spec.Type]bool) {
	t.Helper()
	if current == nil || seen[current] {
		return
	}
	seen[current] = true
	walk(t, name, current.Element, seen)
	for _, alternative := range current.Alternatives {
		walk(t, name, alternative, seen)
	}
	if current.Kind == spec.Object {
		for _, property := range current.Definition.Properties {
			walk(t, name, property.Type, seen)
		}
	}
}

func TestATableKnowsWhatReplacesIt(t *testing.T) {
	table := lookup(t, "AWS::DynamoDB::Table")
	assert.Equal(t, spec.Always, table.Properties["TableName"].Replaces)
	assert.Equal(t, spec.Never, table.Properties["BillingMode"].Replaces)
	assert.True(t, table.Properties["KeySchema"].Required)
	assert.True(t, table.Stateful)
	assert.Equal(t, "TableName", table.NameProperty)
	assert.Equal(t, []string{"TableName"}, table.RefIdentifier)
	assert.Equal(t, spec.TagList, table.TagStyle)
	assert.Contains(t, table.Attributes, "StreamArn")
	assert.NotContains(t, table.Attributes, "TableName")
	assert.Equal(t, "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}", table.ARNTemplate)

	definitions := table.Properties["AttributeDefinitions"].Type
	require.Equal(t, spec.List, definitions.Kind)
	assert.True(t, definitions.Element.Definition.Properties["AttributeName"].Required)
}

func TestARefMayDifferFromThePrimaryIdentifier(t *testing.T) {
	cluster := lookup(t, "AWS::DAX::Cluster")
	assert.Equal(t, []string{"Id"}, cluster.PrimaryIdentifier)
	assert.Equal(t, []string{"ClusterName"}, cluster.RefIdentifier)
	assert.Equal(t, spec.TagMap, cluster.TagStyle)
	assert.Contains(t, cluster.Attributes, "ClusterDiscoveryEndpointURL")
}

func TestANameMayBeUniqueWithinAnotherResourceOnly(t *testing.T) {
	assert.Equal(t, []string{"FunctionName"}, lookup(t, "AWS::Lambda::Alias").NameScope)
	assert.Equal(t, []string{"ApiId"}, lookup(t, "AWS::ApiGatewayV2::Stage").NameScope)
	assert.Empty(t, lookup(t, "AWS::Lambda::Function").NameScope)
}

func TestWhatIsNoName(t *testing.T) {
	for _, name := range []string{
		"AWS::ApiGatewayV2::Api", "AWS::Route53::RecordSet", "AWS::S3::BucketPolicy", "AWS::EC2::VPC", "AWS::IAM::Policy",
	} {
		assert.Empty(t, lookup(t, name).NameProperty, name)
	}
}

func TestThePhysicalNameIsReadFromTheProperties(t *testing.T) {
	bucket := lookup(t, "AWS::S3::Bucket")
	name, ok := bucket.PhysicalName(map[string]any{"BucketName": "dev-notes"})
	assert.True(t, ok)
	assert.Equal(t, "dev-notes", name)
	_, ok = bucket.PhysicalName(map[string]any{})
	assert.False(t, ok)
	_, ok = lookup(t, "AWS::CDK::Metadata").PhysicalName(map[string]any{"": "x"})
	assert.False(t, ok)
}

func TestTheAccountRegionalNamespaceOfBucketsIsKnown(t *testing.T) {
	assert.Contains(t, lookup(t, "AWS::S3::Bucket").Properties, "BucketNamespace")
}

func TestAnUnknownTypeIsNotFound(t *testing.T) {
	_, ok := spec.Lookup("AWS::DynamoDB::Tabel")
	assert.False(t, ok)
	_, ok = spec.Lookup("")
	assert.False(t, ok)
}

func TestCustomResourcesAreOpen(t *testing.T) {
	assert.True(t, spec.IsCustom("Custom::S3AutoDeleteObjects"))
	assert.True(t, spec.IsCustom("AWS::CloudFormation::CustomResource"))
	assert.False(t, spec.IsCustom("AWS::S3::Bucket"))
}

func TestTheTableStaysReviewable(t *testing.T) {
	info, err := os.Stat("types.txt")
	require.NoError(t, err)
	assert.Less(t, info.Size(), int64(600_000))
}
