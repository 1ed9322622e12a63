package cfn_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal/internal/cfn"
)

// kept is a template with a named table under a policy, and a topic whose name is given.
func kept(policy, topic string) string {
	return fmt.Sprintf(`{"Parameters": {"Stage": {"Type": "String", "Default": "dev"}}, "Resources": {
	  "Table": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": %q, "Properties": {
	    "TableName": {"Fn::Sub": "${Stage}-notes"}, "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}},
	  "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": %q}}}}`, policy, topic)
}

func existing(in *cfn.CreateChangeSetInput) { in.ImportExistingResources = true }

func listing(list ...cfn.ResourceToImport) func(*cfn.CreateChangeSetInput) {
	return func(in *cfn.CreateChangeSetInput) { in.ResourcesToImport = list }
}

// leftBehind is a bench whose account has the table of a stack that is gone.
func leftBehind(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.deploy(kept("Retain", "news"))
	b.delete("notes")
	require.Equal(t, []string{"dev-notes"}, b.fake.names())
	b.fake.takeJournal()
	return b
}

func TestWhatADeletedStackHasLeftIsImportedWhereThatIsAskedFor(t *testing.T) {
	for _, policy := range []string{"Retain", "RetainExceptOnCreate"} {
		b := leftBehind(t)
		set := b.changeSet(kept(policy, "news"), existing)
		require.Equal(t, "CREATE_COMPLETE", set.Status, set.StatusReason)
		assert.True(t, set.ImportExistingResources)
		require.Len(t, set.Changes, 2)
		assert.Equal(t, cfn.Change{Action: "Import", LogicalID: "Table", PhysicalID: "dev-notes", Type: "AWS::DynamoDB::Table"}, set.Changes[0])
		assert.Equal(t, "Add", set.Changes[1].Action)

		s := b.deploy(kept(policy, "news"), existing)
		assert.Equal(t, "CREATE_COMPLETE", s.Status, "the stack is created, whatever it imports")
		assert.Equal(t, []string{"import Table", "create Topic"}, b.fake.takeJournal())
		assert.Subset(t, b.story("notes"), []string{
			"Table IMPORT_IN_PROGRESS Resource import started.", "Table IMPORT_COMPLETE Resource import completed.",
			"Table UPDATE_IN_PROGRESS Apply stack-level tags to imported resource if applicable.", "Table UPDATE_COMPLETE",
		})
		assert.Equal(t, "FAILED", b.changeSet(kept(policy, "news"), existing).Status, "it belongs to the stack, and there is nothing to change")
	}
}

func TestWithoutTheFlagANameThatIsTakenFailsAsEver(t *testing.T) {
	b := leftBehind(t)
	s := b.deploy(kept("Retain", "news"))
	assert.Equal(t, "ROLLBACK_COMPLETE", s.Status)
	assert.Contains(t, b.story("notes"), "Table CREATE_FAILED dev-notes already exists")
}

func TestAnImportThatWouldDeleteOrTakeFromAnotherStackFailsTheChangeSet(t *testing.T) {
	b := leftBehind(t)
	set := b.changeSet(kept("Delete", "news"), existing)
	assert.Equal(t, []string{"FAILED", "UNAVAILABLE"}, []string{set.Status, set.ExecutionStatus})
	assert.Equal(t, "CloudFormation is attempting to import some resources because they already exist in your account. The resources must have "+
		"the DeletionPolicy attribute set to 'Retain' or 'RetainExceptOnCreate' in the template for successful import. The affected resources are "+
		"Table ({TableName=dev-notes})", set.StatusReason)
	assert.Empty(t, set.Changes)

	other := b.deploy(kept("Retain", "other"), existing, func(in *cfn.CreateChangeSetInput) { in.StackName, in.Type = "other", "CREATE" })
	set = b.changeSet(kept("Retain", "news"), existing)
	assert.Equal(t, "dev-notes already exists in stack "+other.ID, set.StatusReason)
}

func TestARollbackKeepsWhatWasImportedAndDeletesWhatWasMade(t *testing.T) {
	for _, policy := range []string{"Retain", "RetainExceptOnCreate"} {
		b := leftBehind(t)
		b.fake.setFailure("create Topic", "no topic")
		s := b.deploy(kept(policy, "news"), existing)
		assert.Equal(t, "ROLLBACK_COMPLETE", s.Status)
		assert.Contains(t, b.story("notes"), "Table DELETE_SKIPPED")
		assert.Equal(t, []string{"dev-notes"}, b.fake.names())

		b = leftBehind(t)
		b.deploy(`{"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}}}}`)
		b.fake.setFailure("create Zebra", "no topic")
		s = b.deploy(fmt.Sprintf(`{"Resources": {
		  "Table": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": %q, "Properties": {"TableName": "dev-notes", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}},
		  "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}}, "Zebra": {"Type": "AWS::SNS::Topic"}}}`, policy), existing)
		assert.Equal(t, "UPDATE_ROLLBACK_COMPLETE", s.Status)
		assert.Contains(t, b.fake.names(), "dev-notes")
		resources, err := b.engine.DescribeStackResources(dev, "notes", "")
		require.NoError(t, err)
		assert.Len(t, resources, 1, "the stack is what it was")
	}
}

func TestAnImportThatFailsIsRolledBack(t *testing.T) {
	b := leftBehind(t)
	b.fake.setFailure("import Table", "not now")
	s := b.deploy(kept("RetainExceptOnCreate", "news"), existing)
	assert.Equal(t, "ROLLBACK_COMPLETE", s.Status)
	assert.Contains(t, b.story("notes"), "Table IMPORT_FAILED not now")
	assert.Equal(t, []string{"dev-notes"}, b.fake.names())
}

// importOf is a template of nothing but the table.
const importOf = `{"Resources": {"Table": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Delete", "Properties": {
	"TableName": "dev-notes", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}}}}`

var table = cfn.ResourceToImport{LogicalID: "Table", Type: "AWS::DynamoDB::Table", Identifier: map[string]string{"TableName": "dev-notes"}}

// asImport makes a change set of type IMPORT.
func (b *bench) asImport(body string, list ...cfn.ResourceToImport) cfn.ChangeSet {
	b.Helper()
	in := b.input(body, listing(list...))
	in.Type = "IMPORT"
	made, err := b.engine.CreateChangeSet(context.Background(), dev, in)
	require.NoError(b, err)
	set, err := b.engine.DescribeChangeSet(dev, "", made.ChangeSetID)
	require.NoError(b, err)
	return set
}

func TestAChangeSetOfTypeImportMakesAStackOfWhatExists(t *testing.T) {
	b := leftBehind(t)
	set := b.asImport(importOf, table)
	require.Equal(t, "CREATE_COMPLETE", set.Status, set.StatusReason)
	assert.Equal(t, []cfn.Change{{Action: "Import", LogicalID: "Table", PhysicalID: "dev-notes", Type: "AWS::DynamoDB::Table"}}, set.Changes)
	assert.Equal(t, "REVIEW_IN_PROGRESS", b.stack("notes").Status)
	require.NoError(t, b.engine.ExecuteChangeSet(context.Background(), dev, cfn.ExecuteChangeSetInput{ChangeSetName: set.ID}))
	b.wait()
	assert.Equal(t, "IMPORT_COMPLETE", b.stack("notes").Status)
	assert.Equal(t, []string{
		"notes REVIEW_IN_PROGRESS User Initiated", "notes IMPORT_IN_PROGRESS User Initiated",
		"Table IMPORT_IN_PROGRESS Resource import started.", "Table IMPORT_IN_PROGRESS", "Table IMPORT_COMPLETE Resource import completed.",
		"Table UPDATE_IN_PROGRESS Apply stack-level tags to imported resource if applicable.", "Table UPDATE_COMPLETE", "notes IMPORT_COMPLETE",
	}, b.story("notes"))
	assert.Equal(t, "UPDATE_COMPLETE", b.deploy(kept("Delete", "news")).Status, "an imported stack is updated as any other")
}

func TestAnImportThatFailsLeavesTheStackAsItWas(t *testing.T) {
	b := leftBehind(t)
	b.fake.setFailure("import Table", "not now")
	set := b.asImport(importOf, table)
	require.NoError(t, b.engine.ExecuteChangeSet(context.Background(), dev, cfn.ExecuteChangeSetInput{ChangeSetName: set.ID}))
	b.wait()
	assert.Equal(t, "IMPORT_ROLLBACK_COMPLETE", b.stack("notes").Status)
	assert.Equal(t, []string{"dev-notes"}, b.fake.names())
}

func TestWhatCannotBeImportedFailsTheChangeSet(t *testing.T) {
	b := leftBehind(t)
	gone := table
	gone.Identifier = map[string]string{"TableName": "gone"}
	set := b.asImport(importOf, gone)
	assert.Equal(t, []string{"FAILED", "UNAVAILABLE", "AWS::DynamoDB::Table is not there"}, []string{set.Status, set.ExecutionStatus, set.StatusReason})
}

func TestAListOfImportsIsHeldToTheTemplate(t *testing.T) {
	other := cfn.ResourceToImport{LogicalID: "Topic", Type: "AWS::SNS::Topic", Identifier: map[string]string{"TopicArn": "x"}}
	with := func(edit func(*cfn.ResourceToImport)) []cfn.ResourceToImport {
		one := table
		edit(&one)
		return []cfn.ResourceToImport{one}
	}
	for message, list := range map[string][]cfn.ResourceToImport{
		"Must Provide at least one resource to import":                                                nil,
		"Every resource to import must have unique LogicalResourceId":                                 {table, table},
		"The logical resource ids [Topic] provided in ResourceToImport do not exist in the template.": {table, other},
		"1 validation error detected: Value null at 'resourcesToImport.1.member.resourceIdentifier' failed to satisfy constraint: Member must not be null": with(func(r *cfn.ResourceToImport) {
			r.Identifier = nil
		}),
		"Invalid resource identifier for resource type AWS::DynamoDB::Table. Expected [TableName]": with(func(r *cfn.ResourceToImport) {
			r.Identifier = map[string]string{"TableArn": "x"}
		}),
		"The following resource types are not supported for resource import: AWS::DAX::Cluster": with(func(r *cfn.ResourceToImport) { r.Type = "AWS::DAX::Cluster" }),
		"Resource type of [Table] passed in ResourceToImport does not match with resource type defined in the template. " +
			"Resource type in ResourceToImport: AWS::SNS::Topic; Resource type in Template: AWS::DynamoDB::Table.": with(func(r *cfn.ResourceToImport) {
			r.Type, r.Identifier = "AWS::SNS::Topic", map[string]string{"TopicArn": "x"}
		}),
	} {
		b := leftBehind(t)
		in := b.input(importOf, listing(list...))
		in.Type = "IMPORT"
		_, err := b.engine.CreateChangeSet(context.Background(), dev, in)
		assert.EqualError(t, err, "ValidationError: "+message)
		_, err = b.engine.DescribeStacks(dev, "notes")
		assert.Error(t, err, "a refused import makes no stack")
	}
	b := leftBehind(t)
	in := b.input(importOf, listing(table))
	in.Type, in.Tags, in.RoleARN = "IMPORT", []cfn.Tag{{Key: "team", Value: "a"}}, "arn:aws:iam::111111111111:role/exec"
	_, err := b.engine.CreateChangeSet(context.Background(), dev, in)
	assert.EqualError(t, err, "ValidationError: As part of the import operation, you cannot modify or add [RoleArn, Tags]")
}

func TestAWaitingImportIsSavedAndExecutedAfterwards(t *testing.T) {
	b := leftBehind(t)
	set := b.changeSet(kept("Retain", "news"), existing)
	text, err := json.Marshal(b.engine.State(dev.Account))
	require.NoError(t, err)
	var state []cfn.StackState
	require.NoError(t, json.Unmarshal(text, &state))
	require.NoError(t, b.engine.SetState(map[string][]cfn.StackState{dev.Account: state}))
	require.NoError(t, b.engine.ExecuteChangeSet(context.Background(), dev, cfn.ExecuteChangeSetInput{ChangeSetName: set.ID}))
	b.wait()
	assert.Equal(t, "CREATE_COMPLETE", b.stack("notes").Status)
	assert.Contains(t, b.fake.takeJournal(), "import Table")
}
