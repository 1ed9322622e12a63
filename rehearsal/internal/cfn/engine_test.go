package cfn_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal/internal/cfn"
)

// notes is a table, a role, a function that needs both, and an API beside them. Each of the arguments is inserted into
// the properties of the table, the function and the API.
func notes(table, function, api string) string {
	return fmt.Sprintf(`{"Resources": {
	  "Table": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Delete", "Properties": {%s
	    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}},
	  "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17"}}},
	  "Function": {"Type": "AWS::Lambda::Function", "Properties": {%s
	    "Code": {"S3Bucket": "b", "S3Key": "k"}, "Role": {"Fn::GetAtt": ["Role", "Arn"]},
	    "Environment": {"Variables": {"TABLE": {"Ref": "Table"}}}}},
	  "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {%s "ProtocolType": "HTTP", "Name": "api"}}},
	  "Outputs": {"TableName": {"Value": {"Ref": "Table"}}}}`, table, function, api)
}

func TestAStackIsCreatedInTheOrderOfDependencyAndDeletedInReverse(t *testing.T) {
	b := newBench(t)
	s := b.deploy(notes(`"TableName": "dev-notes",`, "", ""))
	assert.Equal(t, "CREATE_COMPLETE", s.Status)
	assert.Equal(t, []string{"create Api", "create Role", "create Table", "create Function"}, b.fake.takeJournal())
	assert.Equal(t, map[string]string{"TableName": "dev-notes"}, b.outputs(s))
	assert.Equal(t, []string{
		"notes REVIEW_IN_PROGRESS User Initiated",
		"notes CREATE_IN_PROGRESS User Initiated",
		"Api CREATE_IN_PROGRESS", "Role CREATE_IN_PROGRESS", "Table CREATE_IN_PROGRESS",
		"Api CREATE_IN_PROGRESS Resource creation Initiated", "Api CREATE_COMPLETE",
		"Role CREATE_IN_PROGRESS Resource creation Initiated", "Role CREATE_COMPLETE",
		"Table CREATE_IN_PROGRESS Resource creation Initiated", "Table CREATE_COMPLETE",
		"Function CREATE_IN_PROGRESS",
		"Function CREATE_IN_PROGRESS Resource creation Initiated", "Function CREATE_COMPLETE",
		"notes CREATE_COMPLETE",
	}, b.story("notes"))

	b.delete("notes")
	assert.Equal(t, []string{"delete Api", "delete Function", "delete Role", "delete Table"}, b.fake.takeJournal())
	assert.Empty(t, b.fake.names())
	_, err := b.engine.DescribeStacks(dev, "notes")
	assert.EqualError(t, err, "ValidationError: Stack with id notes does not exist")
	assert.Equal(t, "DELETE_COMPLETE", b.stack(s.ID).Status)
	require.NoError(t, b.engine.DeleteStack(context.Background(), dev, cfn.DeleteStackInput{StackName: "notes"}), "deleting what is not there succeeds")
}

func TestDeployingAgainChangesNothing(t *testing.T) {
	b := newBench(t)
	b.deploy(notes("", `"MemorySize": 256,`, ""))
	set := b.changeSet(notes("", `"MemorySize": "256",`, ""))
	assert.Equal(t, "FAILED", set.Status)
	assert.Equal(t, "UNAVAILABLE", set.ExecutionStatus)
	assert.Equal(t, "The submitted information didn't contain changes. Submit different information to create a change set.", set.StatusReason)
	err := b.engine.ExecuteChangeSet(context.Background(), dev, cfn.ExecuteChangeSetInput{ChangeSetName: set.ID})
	assert.EqualError(t, err, "InvalidChangeSetStatus: ChangeSet ["+set.ID+"] cannot be executed in its current status of [FAILED]")

	_, err = b.engine.UpdateStack(context.Background(), dev, cfn.CreateStackInput{
		StackName: "notes", Template: cfn.TemplateSource{Previous: true}, Capabilities: allCapabilities(),
	})
	assert.EqualError(t, err, "ValidationError: No updates are to be performed.")
}

func TestAnUpdateInPlaceTouchesOnlyWhatChanges(t *testing.T) {
	b := newBench(t)
	b.deploy(notes("", `"FunctionName": "f", "MemorySize": 256,`, ""))
	b.fake.takeJournal()
	after := notes("", `"FunctionName": "f", "MemorySize": 1024,`, "")
	set := b.changeSet(after)
	require.Len(t, set.Changes, 1)
	change := set.Changes[0]
	assert.Equal(t, []string{"Modify", "Function", "f", "False"}, []string{change.Action, change.LogicalID, change.PhysicalID, change.Replacement})
	assert.Equal(t, []string{"Properties"}, change.Scope)
	assert.Equal(t, []cfn.ChangeDetail{{
		Attribute: "Properties", Name: "MemorySize", RequiresRecreation: "Never", Evaluation: "Static",
		ChangeSource: "DirectModification", Path: "/Properties/MemorySize", Before: "256", After: "1024",
	}}, change.Details)

	s := b.deploy(after)
	assert.Equal(t, "UPDATE_COMPLETE", s.Status)
	assert.Equal(t, []string{"update Function"}, b.fake.takeJournal())
	assert.Equal(t, int64(1024), b.fake.properties("AWS::Lambda::Function", "f")["MemorySize"])
}

func TestAReplacementCreatesTheNewOneFirstAndDeletesTheOldOneInTheCleanup(t *testing.T) {
	b := newBench(t)
	before := b.deploy(notes("", "", ""))
	b.fake.takeJournal()
	after := strings.ReplaceAll(notes("", "", ""), `"HASH"`, `"RANGE"`)
	set := b.changeSet(after)
	require.Len(t, set.Changes, 2)
	function, table := set.Changes[0], set.Changes[1]
	assert.Equal(t, "True", table.Replacement)
	assert.Equal(t, "ReplaceAndDelete", table.PolicyAction)
	assert.Equal(t, "False", function.Replacement, "the function's environment changes in place")
	assert.Equal(t, "ResourceReference", function.Details[0].ChangeSource)
	assert.Equal(t, "Table", function.Details[0].CausingEntity)
	assert.Equal(t, "Dynamic", function.Details[0].Evaluation)

	s := b.deploy(after)
	assert.Equal(t, "UPDATE_COMPLETE", s.Status)
	assert.Equal(t, []string{"create Table", "update Function", "delete Table"}, b.fake.takeJournal())
	assert.NotEqual(t, b.outputs(before), b.outputs(s))
	story := b.story("notes")
	assert.Contains(t, story, "Table UPDATE_IN_PROGRESS Requested update requires the creation of a new physical resource; hence creating one.")
	assert.Equal(t, []string{
		"notes UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "Table DELETE_IN_PROGRESS", "Table DELETE_COMPLETE", "notes UPDATE_COMPLETE",
	}, story[len(story)-4:])
	assert.Len(t, b.fake.names(), 4)
}

func TestAReplacementOfACustomNamedResourceFails(t *testing.T) {
	b := newBench(t)
	b.deploy(notes(`"TableName": "dev-notes",`, "", ""))
	s := b.deploy(strings.ReplaceAll(notes(`"TableName": "dev-notes",`, "", ""), `"HASH"`, `"RANGE"`))
	assert.Equal(t, "UPDATE_ROLLBACK_COMPLETE", s.Status)
	assert.Contains(t, b.story("notes"), "Table UPDATE_FAILED CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename dev-notes and update the stack again.")
	assert.Equal(t, "HASH", b.fake.properties("AWS::DynamoDB::Table", "dev-notes")["KeySchema"].([]any)[0].(map[string]any)["KeyType"])

	s = b.deploy(strings.ReplaceAll(notes(`"TableName": "dev-notes-2",`, "", ""), `"HASH"`, `"RANGE"`))
	assert.Equal(t, "UPDATE_COMPLETE", s.Status, "renamed, it may be replaced")
	assert.Contains(t, b.fake.names(), "dev-notes-2")
	assert.NotContains(t, b.fake.names(), "dev-notes")
}

func TestANameWithinAnotherParentIsAnotherResource(t *testing.T) {
	b := newBench(t)
	template := `{"Resources": {"Alias": {"Type": "AWS::Lambda::Alias", "Properties": {"Name": "live", "FunctionName": "%s", "FunctionVersion": "1"}}}}`
	b.deploy(fmt.Sprintf(template, "f"))
	b.fake.mu.Lock()
	clear(b.fake.exists) // the fake does not know that the two names do not meet
	b.fake.mu.Unlock()
	assert.Equal(t, "UPDATE_COMPLETE", b.deploy(fmt.Sprintf(template, "g")).Status)
}

func TestTheProvisionerMayAskForAReplacement(t *testing.T) {
	b := newBench(t)
	b.deploy(notes("", `"Description": "one",`, ""))
	b.fake.takeJournal()
	s := b.deploy(notes("", `"Description": "needs another",`, ""))
	assert.Equal(t, "UPDATE_COMPLETE", s.Status)
	assert.Equal(t, []string{"update Function", "create Function", "delete Function"}, b.fake.takeJournal())
}

func TestAFailedCreationRollsBackAndTheStackCanOnlyBeDeleted(t *testing.T) {
	b := newBench(t)
	b.fake.setFailure("create Role", "no more roles")
	s := b.deploy(notes("", "", ""))
	assert.Equal(t, "ROLLBACK_COMPLETE", s.Status)
	assert.Empty(t, b.fake.names())
	story := b.story("notes")
	assert.Equal(t, []string{
		"Role CREATE_FAILED no more roles",
		"Table CREATE_FAILED Resource creation cancelled",
		"notes ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Role, Table]. Rollback requested by user.",
		"Api DELETE_IN_PROGRESS", "Role DELETE_COMPLETE", "Table DELETE_COMPLETE",
		"Api DELETE_COMPLETE",
		"notes ROLLBACK_COMPLETE",
	}, story[len(story)-8:])

	assert.Equal(t, "Stack:"+s.ID+" is in ROLLBACK_COMPLETE state and can not be updated.", b.refusal(notes("", "", "")))
	b.delete("notes")
	b.fake.setFailure("create Role", "")
	assert.Equal(t, "CREATE_COMPLETE", b.deploy(notes("", "", "")).Status, "after the cause is removed the next deploy succeeds")
}

func TestWhatAFailedCreationKeeps(t *testing.T) {
	for policy, kept := range map[string]int{"Retain": 1, "RetainExceptOnCreate": 0, "Delete": 0, "Snapshot": 0} {
		b := newBench(t)
		b.fake.setFailure("create Function", "no")
		s := b.deploy(strings.Replace(notes("", "", ""), `"DeletionPolicy": "Delete"`, `"DeletionPolicy": "`+policy+`"`, 1))
		assert.Equal(t, "ROLLBACK_COMPLETE", s.Status)
		assert.Len(t, b.fake.names(), kept, policy)
	}
}

func TestWhatADeletionKeeps(t *testing.T) {
	for policy, kept := range map[string]int{"Retain": 1, "RetainExceptOnCreate": 1, "Delete": 0, "Snapshot": 0} {
		b := newBench(t)
		s := b.deploy(strings.Replace(notes("", "", ""), `"DeletionPolicy": "Delete"`, `"DeletionPolicy": "`+policy+`"`, 1))
		b.delete("notes")
		assert.Equal(t, "DELETE_COMPLETE", b.stack(s.ID).Status)
		assert.Len(t, b.fake.names(), kept, policy)
		if kept == 1 {
			assert.Contains(t, b.story(s.ID), "Table DELETE_SKIPPED")
		}
	}
}

func TestAResourceThatLeavesTheTemplateIsDeletedOrKept(t *testing.T) {
	for policy, kept := range map[string]bool{"Retain": true, "Delete": false} {
		b := newBench(t)
		both := `{"Resources": {"A": {"Type": "AWS::SNS::Topic"}, "B": {"Type": "AWS::SQS::Queue", "DeletionPolicy": "` + policy + `", "Properties": {"QueueName": "q"}}}}`
		b.deploy(both)
		set := b.changeSet(`{"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}`)
		require.Len(t, set.Changes, 1)
		assert.Equal(t, "Remove", set.Changes[0].Action)
		assert.Equal(t, policy, set.Changes[0].PolicyAction)
		s := b.deploy(`{"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}`)
		assert.Equal(t, "UPDATE_COMPLETE", s.Status)
		assert.Equal(t, kept, slices.Contains(b.fake.names(), "q"), policy)
		resources, err := b.engine.DescribeStackResources(dev, "notes", "")
		require.NoError(t, err)
		assert.Len(t, resources, 1)
	}
}

func TestUpdateReplacePolicyKeepsTheOldOfAReplacement(t *testing.T) {
	b := newBench(t)
	template := `{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "UpdateReplacePolicy": "Retain", "Properties": {"QueueName": "%s"}}}}`
	b.deploy(fmt.Sprintf(template, "one"))
	b.deploy(fmt.Sprintf(template, "two"))
	assert.Equal(t, []string{"one", "two"}, b.fake.names())
	assert.Contains(t, b.story("notes"), "Q DELETE_SKIPPED")
}

func TestAFailedUpdateIsReverted(t *testing.T) {
	b := newBench(t)
	b.deploy(notes(`"TableName": "t", "BillingMode": "PAY_PER_REQUEST",`, `"FunctionName": "f", "MemorySize": 256,`, ""))
	b.fake.takeJournal()
	b.fake.setFailure("create Extra", "name taken")
	after := strings.Replace(notes(`"TableName": "t", "BillingMode": "PROVISIONED",`, `"FunctionName": "f2", "MemorySize": 256,`, ""),
		`"Api":`, `"Extra": {"Type": "AWS::SNS::Topic", "DependsOn": ["Function", "Early"]}, "Early": {"Type": "AWS::SNS::Topic"}, "Api":`, 1)
	s := b.deploy(after)
	assert.Equal(t, "UPDATE_ROLLBACK_COMPLETE", s.Status)
	assert.Equal(t, []string{
		"create Early", "update Table", "create Function", "create Extra", "update Table", "delete Early", "delete Function",
	}, withoutOrderOfLastTwo(b.fake.takeJournal()))
	assert.Equal(t, "PAY_PER_REQUEST", b.fake.properties("AWS::DynamoDB::Table", "t")["BillingMode"])
	assert.NotContains(t, b.fake.names(), "f2")
	assert.Contains(t, b.fake.names(), "f")
	assert.Contains(t, b.story("notes"), "notes UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Extra].")
	resources, err := b.engine.DescribeStackResources(dev, "notes", "Function")
	require.NoError(t, err)
	assert.Equal(t, "f", resources[0].PhysicalID)

	body, err := b.engine.GetTemplate(dev, "notes", "")
	require.NoError(t, err)
	assert.NotContains(t, body, "Extra", "the stack has its old template")

	b.fake.setFailure("create Extra", "")
	assert.Equal(t, "UPDATE_COMPLETE", b.deploy(after).Status)
}

func withoutOrderOfLastTwo(list []string) []string {
	if len(list) >= 2 {
		slices.Sort(list[len(list)-2:])
	}
	return list
}

func TestARollbackThatFailsCanBeContinued(t *testing.T) {
	b := newBench(t)
	b.deploy(notes(`"TableName": "t", "BillingMode": "PAY_PER_REQUEST",`, "", ""))
	b.fake.setFailure("update Table", "the table is busy")
	after := notes(`"TableName": "t", "BillingMode": "PROVISIONED",`, "", "")
	assert.Equal(t, "UPDATE_ROLLBACK_FAILED", b.deploy(after).Status)
	assert.Contains(t, b.refusal(after), "is in UPDATE_ROLLBACK_FAILED state and can not be updated.")
	b.fake.setFailure("update Table", "")
	require.NoError(t, b.engine.ContinueUpdateRollback(context.Background(), dev, "notes", nil))
	b.wait()
	assert.Equal(t, "UPDATE_ROLLBACK_COMPLETE", b.stack("notes").Status)
	assert.Equal(t, "UPDATE_COMPLETE", b.deploy(after).Status)
}

func TestARollbackThatFailsCanSkipAResource(t *testing.T) {
	b := newBench(t)
	b.deploy(notes(`"TableName": "t", "BillingMode": "PAY_PER_REQUEST",`, "", ""))
	b.fake.setFailure("update Table", "the table is busy")
	b.deploy(notes(`"TableName": "t", "BillingMode": "PROVISIONED",`, "", ""))
	require.Error(t, b.engine.ContinueUpdateRollback(context.Background(), dev, "notes", []string{"Role"}))
	require.NoError(t, b.engine.ContinueUpdateRollback(context.Background(), dev, "notes", []string{"Table"}))
	b.wait()
	assert.Equal(t, "UPDATE_ROLLBACK_COMPLETE", b.stack("notes").Status)
}

func (b *bench) deployWithoutRollback(body string) cfn.Stack {
	b.Helper()
	in := b.input(body)
	_ = b.engine.DeleteChangeSet(dev, in.StackName, in.ChangeSetName)
	made, err := b.engine.CreateChangeSet(context.Background(), dev, in)
	require.NoError(b, err)
	require.NoError(b, b.engine.ExecuteChangeSet(context.Background(), dev, cfn.ExecuteChangeSetInput{
		ChangeSetName: made.ChangeSetID, DisableRollback: true,
	}))
	b.wait()
	return b.stack(made.StackID)
}

func TestWithoutRollbackAFailedUpdateStaysAndCanBeRepaired(t *testing.T) {
	b := newBench(t)
	b.deploy(notes("", `"MemorySize": 256,`, ""))
	b.fake.setFailure("create Extra", "name taken")
	after := strings.Replace(notes("", `"MemorySize": 512,`, ""), `"Api":`, `"Extra": {"Type": "AWS::SNS::Topic", "DependsOn": "Function"}, "Api":`, 1)
	s := b.deployWithoutRollback(after)
	assert.Equal(t, "UPDATE_FAILED", s.Status)
	b.fake.setFailure("create Extra", "")
	b.fake.takeJournal()
	assert.Equal(t, "UPDATE_COMPLETE", b.deployWithoutRollback(after).Status)
	assert.Equal(t, []string{"create Extra"}, b.fake.takeJournal())
	assert.Len(t, b.fake.names(), 5)
}

func TestWithoutRollbackAFailedUpdateCanBeRolledBackLater(t *testing.T) {
	b := newBench(t)
	b.deploy(notes("", `"FunctionName": "f", "MemorySize": 256,`, ""))
	b.fake.setFailure("create Extra", "name taken")
	b.deployWithoutRollback(strings.Replace(notes("", `"FunctionName": "f", "MemorySize": 512,`, ""), `"Api":`, `"Extra": {"Type": "AWS::SNS::Topic", "DependsOn": "Function"}, "Api":`, 1))
	_, err := b.engine.RollbackStack(context.Background(), dev, "notes", false)
	require.NoError(t, err)
	b.wait()
	assert.Equal(t, "UPDATE_ROLLBACK_COMPLETE", b.stack("notes").Status)
	assert.Equal(t, int64(256), b.fake.properties("AWS::Lambda::Function", "f")["MemorySize"])
	_, err = b.engine.RollbackStack(context.Background(), dev, "notes", false)
	require.Error(t, err)
}

func TestWithoutRollbackAFailedCreationStaysAndCanBeRepaired(t *testing.T) {
	b := newBench(t)
	b.fake.setFailure("create Function", "no")
	assert.Equal(t, "CREATE_FAILED", b.deployWithoutRollback(notes("", "", "")).Status)
	assert.Len(t, b.fake.names(), 3)
	b.fake.setFailure("create Function", "")
	assert.Equal(t, "UPDATE_COMPLETE", b.deploy(notes("", "", "")).Status)
	assert.Len(t, b.fake.names(), 4)
	b.delete("notes")
	assert.Empty(t, b.fake.names())
}

func TestTwoFailedReplacementsLeaveNothingBehind(t *testing.T) {
	b := newBench(t)
	template := `{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "%s"}}, "T": {"Type": "AWS::SNS::Topic", "DependsOn": "Q", "Properties": {"DisplayName": "%s"}}}}`
	b.deploy(fmt.Sprintf(template, "one", "a"))
	b.fake.setFailure("update T", "no")
	assert.Equal(t, "UPDATE_FAILED", b.deployWithoutRollback(fmt.Sprintf(template, "two", "b")).Status)
	assert.Equal(t, "UPDATE_FAILED", b.deployWithoutRollback(fmt.Sprintf(template, "three", "c")).Status)
	b.fake.setFailure("update T", "")
	_, err := b.engine.RollbackStack(context.Background(), dev, "notes", false)
	require.NoError(t, err)
	b.wait()
	assert.Equal(t, "UPDATE_ROLLBACK_COMPLETE", b.stack("notes").Status)
	names := b.fake.names()
	assert.Len(t, names, 2)
	assert.Contains(t, names, "one")
}

func TestTheTableIsAskedBeforeTheProvisioner(t *testing.T) {
	for name, c := range map[string]struct{ resource, reason string }{
		"an unknown property":     {`{"Type": "AWS::SNS::Topic", "Properties": {"Name": "x"}}`, "Encountered unsupported property Name"},
		"a nested one":            {`{"Type": "AWS::S3::Bucket", "Properties": {"VersioningConfiguration": {"State": "Enabled", "Status": "Enabled"}}}`, "Encountered unsupported property State"},
		"two unknown properties":  {`{"Type": "AWS::SNS::Topic", "Properties": {"Name": "x", "Colour": "red"}}`, "Encountered unsupported properties in Colour, Name"},
		"a missing property":      {`{"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "t"}}`, "Properties validation failed for resource X with message:\n#: required key [KeySchema] not found"},
		"a missing nested one":    {`{"Type": "AWS::S3::Bucket", "Properties": {"VersioningConfiguration": {}}}`, "Properties validation failed for resource X with message:\n#/VersioningConfiguration: required key [Status] not found"},
		"a string for an object":  {`{"Type": "AWS::S3::Bucket", "Properties": {"VersioningConfiguration": "on"}}`, "Properties validation failed for resource X with message:\n#/VersioningConfiguration: expected type: JSONObject, found: String"},
		"a word for a number":     {`{"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": "soon"}}`, "Properties validation failed for resource X with message:\n#/DelaySeconds: expected type: Integer, found: String"},
		"a list for a string":     {`{"Type": "AWS::SQS::Queue", "Properties": {"QueueName": ["q"]}}`, "Properties validation failed for resource X with message:\n#/QueueName: expected type: String, found: JSONArray"},
		"two wrongs":              {`{"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {}, "FifoQueue": "perhaps"}}`, "Properties validation failed for resource X with message:\n#/FifoQueue: expected type: Boolean, found: String\n#/QueueName: expected type: String, found: JSONObject"},
		"no service for a custom": {`{"Type": "Custom::Thing", "Properties": {"A": 1}}`, "Properties validation failed for resource X with message:\n#: required key [ServiceToken] not found"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			s := b.deploy(`{"Resources": {"X": ` + c.resource + `}}`)
			assert.Equal(t, "ROLLBACK_COMPLETE", s.Status)
			assert.Contains(t, b.story("notes"), "X CREATE_FAILED "+c.reason)
			assert.Empty(t, b.fake.takeJournal())
		})
	}
}

func TestACustomResourceTakesAndGivesAnything(t *testing.T) {
	b := newBench(t)
	s := b.deploy(`{"Resources": {"C": {"Type": "Custom::Thing", "Properties": {"ServiceToken": "arn", "Any": {"Depth": 1}}}}, "Outputs": {"O": {"Value": {"Fn::GetAtt": ["C", "Arn"]}}}}`)
	assert.Equal(t, "CREATE_COMPLETE", s.Status)
	assert.Contains(t, b.outputs(s)["O"], "arn:aws:fake")
}

func TestTheStacksTagsReachEveryTaggableResource(t *testing.T) {
	b := newBench(t)
	tags := func(value string) func(*cfn.CreateChangeSetInput) {
		return func(in *cfn.CreateChangeSetInput) {
			in.Tags = []cfn.Tag{{Key: "stage", Value: value}, {Key: "own", Value: "of the stack"}}
		}
	}
	template := `{"Resources": {
	  "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q", "Tags": [{"Key": "own", "Value": "of the queue"}]}},
	  "Api": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": {"ApiId": "a", "StageName": "s", "Tags": {"own": "of the api"}}},
	  "Policy": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": {}}}}}`
	b.deploy(template, tags("dev"))
	assert.Equal(t, []any{
		map[string]any{"Key": "own", "Value": "of the queue"}, map[string]any{"Key": "stage", "Value": "dev"},
	}, b.fake.properties("AWS::SQS::Queue", "q")["Tags"])
	assert.Equal(t, map[string]any{"own": "of the api", "stage": "dev"}, b.fake.properties("AWS::ApiGatewayV2::Stage", "s")["Tags"])

	set := b.changeSet(template, tags("test"))
	require.Len(t, set.Changes, 2)
	assert.Equal(t, []string{"Tags"}, set.Changes[0].Scope)
	assert.Equal(t, "FAILED", b.changeSet(template).Status, "without tags the stack keeps its own")
}

func TestAChangeOfAPolicyAloneIsAChange(t *testing.T) {
	b := newBench(t)
	b.deploy(notes("", "", ""))
	b.fake.takeJournal()
	s := b.deploy(strings.Replace(notes("", "", ""), `"DeletionPolicy": "Delete"`, `"DeletionPolicy": "Retain"`, 1))
	assert.Equal(t, "UPDATE_COMPLETE", s.Status)
	assert.Empty(t, b.fake.takeJournal())
	b.delete("notes")
	assert.Len(t, b.fake.names(), 1)
}

func TestAParameterIsTheCauseOfAChange(t *testing.T) {
	b := newBench(t)
	template := `{"Parameters": {"P": {"Type": "String", "Default": "a"}}, "Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "P"}}}}}`
	b.deploy(template)
	set := b.changeSet(template, func(in *cfn.CreateChangeSetInput) { in.Parameters = []cfn.ParameterInput{{Key: "P", Value: "b"}} })
	require.Len(t, set.Changes, 1)
	assert.Equal(t, "ParameterReference", set.Changes[0].Details[0].ChangeSource)
	assert.Equal(t, "P", set.Changes[0].Details[0].CausingEntity)
	b.deploy(template, func(in *cfn.CreateChangeSetInput) { in.Parameters = []cfn.ParameterInput{{Key: "P", Value: "b"}} })
	set = b.changeSet(template, func(in *cfn.CreateChangeSetInput) {
		in.Parameters = []cfn.ParameterInput{{Key: "P", UsePrevious: true}}
	})
	assert.Equal(t, "FAILED", set.Status)
}

func TestDynamicReferencesAreResolvedForTheProvisionerOnly(t *testing.T) {
	b := newBench(t)
	b.store["/size"] = "3"
	template := `{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q", "DelaySeconds": "{{resolve:ssm:/size}}"}},
	  "T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t", "DisplayName": "x {{resolve:secretsmanager:name:SecretString:key}}"}}}}`
	b.deploy(template)
	assert.Equal(t, int64(3), b.fake.properties("AWS::SQS::Queue", "q")["DelaySeconds"])
	assert.Equal(t, "x secret of name:SecretString:key", b.fake.properties("AWS::SNS::Topic", "t")["DisplayName"])
	events, err := b.engine.DescribeStackEvents(dev, "notes")
	require.NoError(t, err)
	for _, event := range events {
		assert.NotContains(t, event.Properties, "secret of")
	}
	b.store["/size"] = "4"
	assert.Equal(t, "FAILED", b.changeSet(template).Status, "a new value alone is no change of the template")
}

func TestAnAttributeThatAppearsWithTheUpdateIsNoObstacle(t *testing.T) {
	b := newBench(t)
	b.fake.hide = "StreamArn"
	table := `{"Resources": {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": {%s "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}}%s}}`
	b.deploy(fmt.Sprintf(table, "", ""))
	b.fake.hide = ""
	s := b.deploy(fmt.Sprintf(table, `"StreamSpecification": {"StreamViewType": "NEW_IMAGE"},`,
		`, "Source": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"FunctionName": "f", "EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]}}}`))
	assert.Equal(t, "UPDATE_COMPLETE", s.Status)
}

func TestAnOutputAloneIsAChange(t *testing.T) {
	b := newBench(t)
	b.deploy(`{"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}`)
	b.fake.takeJournal()
	s := b.deploy(`{"Resources": {"A": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"O": {"Value": "x"}}}`)
	assert.Equal(t, "UPDATE_COMPLETE", s.Status)
	assert.Equal(t, map[string]string{"O": "x"}, b.outputs(s))
	assert.Empty(t, b.fake.takeJournal())
}

func TestTheTypeOfAResourceCannotChange(t *testing.T) {
	b := newBench(t)
	b.deploy(`{"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}`)
	assert.Equal(t, "Update of resource type is not permitted. The new template modifies resource type of the following resources: [A]",
		b.refusal(`{"Resources": {"A": {"Type": "AWS::SQS::Queue"}}}`))
}

func TestTerminationProtectionIsKept(t *testing.T) {
	b := newBench(t)
	b.deploy(notes("", "", ""))
	_, err := b.engine.UpdateTerminationProtection(dev, "notes", true)
	require.NoError(t, err)
	assert.True(t, b.stack("notes").EnableTerminationProtection)
	err = b.engine.DeleteStack(context.Background(), dev, cfn.DeleteStackInput{StackName: "notes"})
	assert.EqualError(t, err, "ValidationError: Stack [notes] cannot be deleted while TerminationProtection is enabled")
	b.deploy(notes("", `"MemorySize": 512,`, ""))
	assert.True(t, b.stack("notes").EnableTerminationProtection, "an update leaves it on")
	_, err = b.engine.UpdateTerminationProtection(dev, "notes", false)
	require.NoError(t, err)
	b.delete("notes")
	assert.Empty(t, b.fake.names())
}

func TestADeletionThatFailsCanRetainWhatFails(t *testing.T) {
	b := newBench(t)
	s := b.deploy(notes("", "", ""))
	b.fake.setFailure("delete Function", "in use")
	b.delete("notes")
	assert.Equal(t, "DELETE_FAILED", b.stack("notes").Status)
	assert.Equal(t, "The following resource(s) failed to delete: [Function]. ", b.stack("notes").StatusReason)
	assert.Len(t, b.fake.names(), 3, "what the function stands on is left alone")
	err := b.engine.DeleteStack(context.Background(), dev, cfn.DeleteStackInput{StackName: "notes", RetainResources: []string{"Function"}})
	require.NoError(t, err)
	b.wait()
	assert.Equal(t, "DELETE_COMPLETE", b.stack(s.ID).Status)
	assert.Len(t, b.fake.names(), 1)
}

func TestAnExportInUseCannotGo(t *testing.T) {
	b := newBench(t)
	producer := func(in *cfn.CreateChangeSetInput) { in.StackName = "producer" }
	consumer := func(in *cfn.CreateChangeSetInput) { in.StackName = "consumer" }
	exporting := `{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "%s"}}}, "Outputs": {"O": {"Value": {"Ref": "A"}, "Export": {"Name": "topic"}}}}`
	b.deploy(fmt.Sprintf(exporting, "one"), producer)
	importing := `{"Resources": {"B": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::ImportValue": "topic"}, "TopicName": "b"}}}}`
	b.deploy(importing, consumer)
	assert.Equal(t, "one", b.fake.properties("AWS::SNS::Topic", "b")["DisplayName"])
	exports := b.engine.ListExports(dev)
	require.Len(t, exports, 1)
	assert.Equal(t, "one", exports[0].Value)
	importers, err := b.engine.ListImports(dev, "topic")
	require.NoError(t, err)
	assert.Equal(t, []string{"consumer"}, importers)

	b.delete("producer")
	s := b.stack("producer")
	assert.Equal(t, "CREATE_COMPLETE", s.Status)
	assert.Equal(t, "Export topic cannot be deleted as it is in use by consumer", s.StatusReason)

	s = b.deploy(fmt.Sprintf(exporting, "two"), producer)
	assert.Equal(t, "UPDATE_ROLLBACK_COMPLETE", s.Status)
	assert.Contains(t, b.story("producer"), "producer UPDATE_ROLLBACK_IN_PROGRESS Export topic cannot be updated as it is in use by consumer")

	s = b.deploy(fmt.Sprintf(exporting, "three"), func(in *cfn.CreateChangeSetInput) { in.StackName = "rival" })
	assert.Equal(t, "ROLLBACK_COMPLETE", s.Status)
	assert.Contains(t, strings.Join(b.story("rival"), "\n"), "Export with name topic is already exported by stack producer")

	b.delete("consumer")
	_, err = b.engine.ListImports(dev, "topic")
	require.EqualError(t, err, "ValidationError: Export 'topic' is not imported by any stack.")
	b.delete("producer")
	_, err = b.engine.DescribeStacks(dev, "producer")
	require.Error(t, err)
}

func TestChangeSetsHaveTheirOwnLife(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	in := b.input(notes("", "", ""))
	made, err := b.engine.CreateChangeSet(ctx, dev, in)
	require.NoError(t, err)
	assert.Equal(t, "REVIEW_IN_PROGRESS", b.stack("notes").Status)
	body, err := b.engine.GetTemplate(dev, "notes", "")
	require.NoError(t, err)
	assert.Empty(t, body)
	set, err := b.engine.DescribeChangeSet(dev, made.StackID, in.ChangeSetName)
	require.NoError(t, err)
	assert.Len(t, set.Changes, 4)
	assert.Equal(t, "Add", set.Changes[0].Action)

	_, err = b.engine.CreateChangeSet(ctx, dev, in)
	var refused *cfn.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "AlreadyExistsException", refused.Code)

	require.NoError(t, b.engine.DeleteChangeSet(dev, "notes", in.ChangeSetName))
	require.NoError(t, b.engine.DeleteChangeSet(dev, "notes", in.ChangeSetName), "one that does not exist is deleted with success")
	_, err = b.engine.DescribeChangeSet(dev, "notes", in.ChangeSetName)
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "ChangeSetNotFound", refused.Code)
	assert.Equal(t, 404, refused.Status)
	assert.Equal(t, "ChangeSet [cdk-deploy-change-set] does not exist", refused.Message)

	in.Type = "UPDATE"
	_, err = b.engine.CreateChangeSet(ctx, dev, in)
	require.EqualError(t, err, "ValidationError: Stack:"+made.StackID+" is in REVIEW_IN_PROGRESS state and can not be updated.")
	b.delete(made.StackID)
	assert.Equal(t, "DELETE_COMPLETE", b.stack(made.StackID).Status)

	_, err = b.engine.CreateChangeSet(ctx, dev, in)
	require.EqualError(t, err, "ValidationError: Stack [notes] does not exist")
	b.deploy(notes("", "", ""))
	in.Type = "CREATE"
	_, err = b.engine.CreateChangeSet(ctx, dev, in)
	require.EqualError(t, err, "ValidationError: Stack [notes] already exists and cannot be created again with the changeSet [cdk-deploy-change-set].")
	executed, err := b.engine.DescribeChangeSet(dev, "notes", in.ChangeSetName)
	require.NoError(t, err)
	assert.Equal(t, "EXECUTE_COMPLETE", executed.ExecutionStatus)
	assert.Equal(t, "CREATE_COMPLETE", executed.Status)
	require.Error(t, b.engine.ExecuteChangeSet(ctx, dev, cfn.ExecuteChangeSetInput{ChangeSetName: executed.ID}), "a change set is executed once")
}

func TestStacksOfOnePlaceAreUnknownInAnother(t *testing.T) {
	b := newBench(t)
	s := b.deploy(notes("", "", ""))
	for _, other := range []cfn.Place{{Account: "222222222222", Region: dev.Region}, {Account: dev.Account, Region: "eu-west-1"}} {
		_, err := b.engine.DescribeStacks(other, s.ID)
		require.EqualError(t, err, "ValidationError: Stack with id "+s.ID+" does not exist")
		stacks, err := b.engine.DescribeStacks(other, "")
		require.NoError(t, err)
		assert.Empty(t, stacks)
	}
}

func TestAStackMayBeMadeWithoutAChangeSet(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	in := cfn.CreateStackInput{
		StackName: "direct", Template: cfn.TemplateSource{Body: notes("", "", "")}, Capabilities: allCapabilities(), EnableTerminationProtection: true,
	}
	id, err := b.engine.CreateStack(ctx, dev, in)
	require.NoError(t, err)
	b.wait()
	assert.Equal(t, "CREATE_COMPLETE", b.stack(id).Status)
	assert.True(t, b.stack(id).EnableTerminationProtection)
	_, err = b.engine.CreateStack(ctx, dev, in)
	require.EqualError(t, err, "AlreadyExistsException: Stack [direct] already exists")
	in.Template.Body = notes("", `"MemorySize": 512,`, "")
	_, err = b.engine.UpdateStack(ctx, dev, in)
	require.NoError(t, err)
	b.wait()
	assert.Equal(t, "UPDATE_COMPLETE", b.stack(id).Status)

	b.fake.setFailure("create Role", "no")
	id, err = b.engine.CreateStack(ctx, dev, cfn.CreateStackInput{
		StackName: "gone", Template: in.Template, Capabilities: allCapabilities(), OnFailure: "DELETE",
	})
	require.NoError(t, err)
	b.wait()
	assert.Equal(t, "DELETE_COMPLETE", b.stack(id).Status)
}

func TestAStackThatIsBeingCreatedCanBeDeleted(t *testing.T) {
	b := newBench(t, func(o *cfn.Options) { o.StepDelay = 20 * time.Millisecond })
	ctx := context.Background()
	id, err := b.engine.CreateStack(ctx, dev, cfn.CreateStackInput{
		StackName: "slow", Template: cfn.TemplateSource{Body: notes("", "", "")}, Capabilities: allCapabilities(),
	})
	require.NoError(t, err)
	assert.Equal(t, "CREATE_IN_PROGRESS", b.stack(id).Status)
	require.NoError(t, b.engine.DeleteStack(ctx, dev, cfn.DeleteStackInput{StackName: "slow"}))
	b.wait()
	assert.Equal(t, "DELETE_COMPLETE", b.stack(id).Status)
	assert.Empty(t, b.fake.names())
}

func TestAStackThatIsBeingUpdatedCannotBeDeleted(t *testing.T) {
	b := newBench(t, func(o *cfn.Options) { o.StepDelay = 20 * time.Millisecond })
	b.deploy(notes("", "", ""))
	_, err := b.engine.UpdateStack(context.Background(), dev, cfn.CreateStackInput{
		StackName: "notes", Template: cfn.TemplateSource{Body: notes("", `"MemorySize": 512,`, "")}, Capabilities: allCapabilities(),
	})
	require.NoError(t, err)
	err = b.engine.DeleteStack(context.Background(), dev, cfn.DeleteStackInput{StackName: "notes"})
	require.EqualError(t, err, "ValidationError: Stack [notes] cannot be deleted while in status UPDATE_IN_PROGRESS")
	b.wait()
}

func TestManyStacksOfManyAccountsAtOnce(t *testing.T) {
	b := newBench(t, func(o *cfn.Options) { o.StepDelay = time.Millisecond })
	ctx := context.Background()
	var group sync.WaitGroup
	problems := make(chan error, 64)
	for account := range 4 {
		for number := range 4 {
			group.Go(func() {
				at := cfn.Place{Account: fmt.Sprintf("%012d", account), Region: "us-east-1"}
				in := cfn.CreateStackInput{
					StackName: fmt.Sprintf("stack%d", number), Template: cfn.TemplateSource{Body: notes("", "", "")}, Capabilities: allCapabilities(),
				}
				id, err := b.engine.CreateStack(ctx, at, in)
				problems <- err
				for err == nil {
					stacks, describeErr := b.engine.DescribeStacks(at, id)
					_, eventsErr := b.engine.DescribeStackEvents(at, id)
					_, resourcesErr := b.engine.DescribeStackResources(at, id, "")
					err = errors.Join(describeErr, eventsErr, resourcesErr)
					if len(stacks) == 1 && stacks[0].Status == "CREATE_COMPLETE" {
						break
					}
					runtime.Gosched()
				}
				problems <- err
				problems <- b.engine.DeleteStack(ctx, at, cfn.DeleteStackInput{StackName: id})
			})
		}
	}
	group.Wait()
	close(problems)
	for err := range problems {
		require.NoError(t, err)
	}
	b.wait()
	assert.Empty(t, b.fake.names())
}

func TestAClosedEngineStartsNothing(t *testing.T) {
	b := newBench(t)
	b.engine.Close()
	_, err := b.engine.CreateStack(context.Background(), dev, cfn.CreateStackInput{
		StackName: "late", Template: cfn.TemplateSource{Body: notes("", "", "")}, Capabilities: allCapabilities(),
	})
	require.Error(t, err)
}

func TestAGeneratedNameFitsItsLimit(t *testing.T) {
	assert.Equal(t, "notes-Table-TOKEN", cfn.GeneratedName("notes", "Table", "TOKEN", 255))
	long := cfn.GeneratedName(strings.Repeat("s", 100), strings.Repeat("l", 100), "ABCDEFGHIJKL", 64)
	assert.Len(t, long, 64)
	assert.True(t, strings.HasSuffix(long, "-ABCDEFGHIJKL"))
	assert.Equal(t, strings.Repeat("s", 40)+"-Short-ABCDEFGHIJKL", cfn.GeneratedName(strings.Repeat("s", 100), "Short", "ABCDEFGHIJKL", 59))
}

func TestWhatIsNotRehearsedSaysSo(t *testing.T) {
	b := newBench(t, func(o *cfn.Options) { o.Provisioner = struct{ cfn.Provisioner }{o.Provisioner} })
	in := b.input(notes("", "", ""))
	in.Type = "IMPORT"
	_, err := b.engine.CreateChangeSet(context.Background(), dev, in)
	require.EqualError(t, err, "NotImplemented: a change set of type IMPORT is not rehearsed")
	var refused *cfn.Error
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, 501, refused.Status)
}

func TestNamesAndTagsAreHeldToTheirLimits(t *testing.T) {
	for message, edit := range map[string]func(*cfn.CreateChangeSetInput){
		"1 validation error detected: Value '1st' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*": func(in *cfn.CreateChangeSetInput) { in.StackName = "1st" },
		"1 validation error detected: Value 'resize' at 'changeSetType' failed to satisfy constraint: Member must satisfy enum value set: [UPDATE, CREATE, IMPORT]":   nil,
		"aws: prefixed tag key names are not allowed for external use.":                                                                                               func(in *cfn.CreateChangeSetInput) { in.Tags = []cfn.Tag{{Key: "aws:x", Value: "y"}} },
		"Duplicate tag key: a": func(in *cfn.CreateChangeSetInput) {
			in.Tags = []cfn.Tag{{Key: "a", Value: "y"}, {Key: "a", Value: "z"}}
		},
		"You cannot specify both TemplateBody and TemplateURL.":    func(in *cfn.CreateChangeSetInput) { in.Template.URL = "https://x" },
		"Either Template URL or Template Body must be specified.":  func(in *cfn.CreateChangeSetInput) { in.Template = cfn.TemplateSource{} },
		"Template must be provided: there is no previous template": func(in *cfn.CreateChangeSetInput) { in.Template = cfn.TemplateSource{Previous: true} },
		"Invalid input for parameter key P. Cannot specify usePreviousValue as true for a parameter key not in the previous template": func(in *cfn.CreateChangeSetInput) {
			in.Template.Body = `{"Parameters": {"P": {"Type": "String"}}, "Resources": {"A": {"Type": "AWS::SNS::Topic"}}}`
			in.Parameters = []cfn.ParameterInput{{Key: "P", UsePrevious: true}}
		},
	} {
		b := newBench(t)
		if edit != nil {
			assert.Equal(t, message, b.refusal(notes("", "", ""), edit))
			continue
		}
		in := b.input(notes("", "", ""))
		in.Type = "resize"
		_, err := b.engine.CreateChangeSet(context.Background(), dev, in)
		assert.EqualError(t, err, "ValidationError: "+message)
	}
}

func TestReadingBack(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	body := notes(`"TableName": "t",`, "", "")
	s := b.deploy(body)
	text, err := b.engine.GetTemplate(dev, "notes", "cdk-deploy-change-set")
	require.NoError(t, err)
	assert.Equal(t, body, text)
	summary, err := b.engine.GetTemplateSummary(ctx, dev, "notes", cfn.TemplateSource{})
	require.NoError(t, err)
	assert.Equal(t, []string{"CAPABILITY_IAM"}, summary.Capabilities)
	sets, err := b.engine.ListChangeSets(dev, "notes")
	require.NoError(t, err)
	assert.Len(t, sets, 1)
	resources, err := b.engine.FindStackOf(dev, "t")
	require.NoError(t, err)
	assert.Len(t, resources, 4)
	_, err = b.engine.FindStackOf(dev, "u")
	require.Error(t, err)
	_, err = b.engine.DescribeStackResources(dev, "notes", "Nothing")
	require.EqualError(t, err, "ValidationError: Resource Nothing does not exist for stack notes")
	b.delete("notes")
	assert.Len(t, b.engine.ListStacks(dev, "DELETE_COMPLETE"), 1)
	assert.Empty(t, b.engine.ListStacks(dev, "CREATE_COMPLETE"))
	for _, call := range []func() error{
		func() error { _, err := b.engine.DescribeStackEvents(dev, "notes"); return err },
		func() error { _, err := b.engine.ListChangeSets(dev, "notes"); return err },
		func() error { _, err := b.engine.UpdateTerminationProtection(dev, "notes", true); return err },
		func() error { return b.engine.ContinueUpdateRollback(ctx, dev, "notes", nil) },
		func() error { _, err := b.engine.RollbackStack(ctx, dev, "notes", false); return err },
		func() error { return b.engine.DeleteChangeSet(dev, "notes", "x") },
	} {
		require.EqualError(t, call(), "ValidationError: Stack [notes] does not exist")
	}
	_, err = b.engine.DescribeStackEvents(dev, s.ID)
	require.NoError(t, err)
}

func TestAnotherPartitionHasItsOwnNames(t *testing.T) {
	b := newBench(t)
	beijing := cfn.Place{Account: dev.Account, Region: "cn-north-1"}
	id, err := b.engine.CreateStack(context.Background(), beijing, cfn.CreateStackInput{StackName: "s", Template: cfn.TemplateSource{
		Body: `{"Resources": {"A": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"O": {"Value": {"Fn::Sub": "${AWS::Partition} ${AWS::URLSuffix}"}}}}`,
	}})
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(id, "arn:aws-cn:cloudformation:cn-north-1:111111111111:stack/s/"))
	b.wait()
	stacks, err := b.engine.DescribeStacks(beijing, "s")
	require.NoError(t, err)
	assert.Equal(t, "aws-cn amazonaws.com.cn", stacks[0].Outputs[0].Value)
}

func TestRulesMayHaveAConditionOfTheirOwn(t *testing.T) {
	template := `{
	  "Parameters": {"Stage": {"Type": "String"}, "Size": {"Type": "CommaDelimitedList", "Default": "s"}},
	  "Rules": {"Big": {
	    "RuleCondition": {"Fn::Equals": [{"Ref": "Stage"}, "production"]},
	    "Assertions": [
	      {"Assert": {"Fn::EachMemberIn": [{"Ref": "Size"}, ["l", "xl"]]}, "AssertDescription": "production is big"},
	      {"Assert": {"Fn::Or": [{"Fn::EachMemberEquals": [{"Ref": "Size"}, "l"]}, {"Fn::And": [{"Fn::Contains": [{"Ref": "Size"}, "xl"]}, {"Fn::Not": [{"Fn::Contains": [{"Ref": "Size"}, "s"]}]}]}]}}]}},
	  "Resources": {"A": {"Type": "AWS::SNS::Topic"}}}`
	with := func(stage, size string) func(*cfn.CreateChangeSetInput) {
		return func(in *cfn.CreateChangeSetInput) {
			in.StackName = "rules"
			in.Parameters = []cfn.ParameterInput{{Key: "Stage", Value: stage}, {Key: "Size", Value: size}}
		}
	}
	b := newBench(t)
	assert.Equal(t, "Rule Big failed: production is big", b.refusal(template, with("production", "l,s")))
	for _, good := range [][2]string{{"dev", "s"}, {"production", "l,l"}, {"production", "l,xl"}} {
		assert.NotContains(t, b.deploy(template, with(good[0], good[1])).Status, "ROLLBACK")
		b.delete("rules")
	}
}

func TestAValueMayFitOneOfSeveralTypes(t *testing.T) {
	b := newBench(t)
	s := b.deploy(`{"Resources": {"T": {"Type": "AWS::DynamoDB::Table", "Properties": {"KeySchema": [{"AttributeName": "id"}]}},
	  "R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": "{}"}}}}`)
	assert.Equal(t, "CREATE_COMPLETE", s.Status, "AWS takes free JSON for a key schema, and text for a policy")
}

func TestAMissingSecretFailsTheResource(t *testing.T) {
	b := newBench(t, func(o *cfn.Options) { o.Secret = nil })
	s := b.deploy(`{"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "{{resolve:secretsmanager:none}}"}}}}`)
	assert.Equal(t, "ROLLBACK_COMPLETE", s.Status)
	assert.Contains(t, b.story("notes"), "T CREATE_FAILED Secrets Manager can't find the specified secret.")

	b = newBench(t)
	b.deploy(`{"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "{{resolve:ssm:/none:3}}"}}}}`)
	assert.Contains(t, b.story("notes"), "T CREATE_FAILED Parameters: [ssm:/none:3] could not be found.")
}

func TestAForcedDeletionLeavesWhatFails(t *testing.T) {
	b := newBench(t)
	s := b.deploy(notes("", "", ""))
	b.fake.setFailure("delete Api", "in use")
	require.NoError(t, b.engine.DeleteStack(context.Background(), dev, cfn.DeleteStackInput{StackName: "notes", Force: true}))
	b.wait()
	assert.Equal(t, "DELETE_COMPLETE", b.stack(s.ID).Status)
	assert.Len(t, b.fake.names(), 1)
}

func TestAFailedReplacementOfAPartlyRepairedStackKeepsTheOldOne(t *testing.T) {
	b := newBench(t)
	template := `{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": %t}}, "T": {"Type": "AWS::SNS::Topic", "DependsOn": "Q"}}}`
	b.fake.setFailure("create T", "no")
	assert.Equal(t, "CREATE_FAILED", b.deployWithoutRollback(fmt.Sprintf(template, false)).Status)
	b.fake.setFailure("create Q", "no")
	assert.Equal(t, "UPDATE_FAILED", b.deployWithoutRollback(fmt.Sprintf(template, true)).Status)
	b.fake.setFailure("create Q", "")
	b.fake.setFailure("create T", "")
	assert.Equal(t, "UPDATE_COMPLETE", b.deploy(fmt.Sprintf(template, false)).Status)
	assert.Len(t, b.fake.names(), 2)

	b.fake.setFailure("delete Q", "busy")
	b.deploy(fmt.Sprintf(template, true))
	assert.Equal(t, "UPDATE_COMPLETE", b.stack("notes").Status, "what cannot be cleaned up is left behind")
	assert.Contains(t, b.story("notes"), "Q DELETE_FAILED busy")
	assert.Len(t, b.fake.names(), 3)
}

func TestAPartlyRepairedCreationRollsBackAllItMade(t *testing.T) {
	b := newBench(t)
	template := `{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": %t}}, "T": {"Type": "AWS::SNS::Topic", "DependsOn": "Q"}}}`
	b.fake.setFailure("create T", "no")
	b.deployWithoutRollback(fmt.Sprintf(template, false))
	s := b.deploy(fmt.Sprintf(template, true))
	assert.Equal(t, "ROLLBACK_COMPLETE", s.Status)
	assert.Empty(t, b.fake.names())
}

func TestAnAttributeThatChangesWithAResourceIsADynamicCause(t *testing.T) {
	b := newBench(t)
	template := `{"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "%s"}},
	  "P": {"Type": "AWS::Lambda::Permission", "Properties": {"Action": "a", "FunctionName": "f", "Principal": "p", "SourceArn": {"Fn::GetAtt": ["T", "TopicArn"]}}}}}`
	b.deploy(fmt.Sprintf(template, "one"))
	b.fake.takeJournal()
	set := b.changeSet(fmt.Sprintf(template, "two"))
	require.Len(t, set.Changes, 2)
	permission := set.Changes[0]
	assert.Equal(t, "Conditional", permission.Replacement)
	assert.Equal(t, "ResourceAttribute", permission.Details[0].ChangeSource)
	assert.Equal(t, "T.TopicArn", permission.Details[0].CausingEntity)
	b.deploy(fmt.Sprintf(template, "two"))
	assert.Equal(t, []string{"update T"}, b.fake.takeJournal(), "the attribute stayed, so the permission did")
}

func TestAPartOfAnAttributeIsAnAttribute(t *testing.T) {
	b := newBench(t)
	in := b.input(`{"Resources": {"B": {"Type": "AWS::S3::Bucket"}}, "Outputs": {"O": {"Value": {"Fn::GetAtt": ["B", "MetadataConfiguration.Destination.TableBucketArn"]}}}}`)
	_, err := b.engine.CreateChangeSet(context.Background(), dev, in)
	require.NoError(t, err)
	assert.Equal(t, "Template error: resource B does not support attribute type MetadataConfiguration.Destination.Nothing in Fn::GetAtt",
		b.refusal(`{"Resources": {"B": {"Type": "AWS::S3::Bucket"}}, "Outputs": {"O": {"Value": {"Fn::GetAtt": "B.MetadataConfiguration.Destination.Nothing"}}}}`))
}
