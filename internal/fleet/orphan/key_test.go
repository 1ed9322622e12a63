package orphan_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/fleet/orphan"
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/rehearsal"
)

// keyed makes a key as an earlier stack of dev has left it, and dev's stack with a table that it encrypts, or not.
func (a *accounts) keyed(encrypts bool) (key string) {
	a.T.Helper()
	key = a.makes(fleettest.Sandbox, "AWS::KMS::Key", map[string]any{
		"KeyPolicy": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::" + fleettest.Sandbox.Account + ":root"}, "Action": "kms:*", "Resource": "*",
		}}}, "Tags": fleettest.Made(fleettest.Sandbox, "dev", "notes"),
	}).PhysicalID
	encryption := ""
	if encrypts {
		encryption = fmt.Sprintf(`"SSESpecification":{"SSEEnabled":true,"SSEType":"KMS","KMSMasterKeyId":%q},`, key)
	}
	a.stack(fleettest.Sandbox, "dev-notes", `"Notes":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"dev-notes-notes","BillingMode":"PAY_PER_REQUEST",`+encryption+`
		"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}]}}`, ownTags("dev", "notes")...)
	return key
}

func TestAKeyThatEncryptsWhatTheStackHasIsNoOrphanWhicheverStackMadeIt(t *testing.T) {
	a := openAccounts(t)
	key := a.keyed(true)
	found, gaps := a.look(a.Fleet(), nil)
	require.Empty(t, gaps)
	require.NotContains(t, found, key)
}

func TestAKeyThatEncryptsNothingIsAnOrphanAndIsKeptWhereItCameIntoUseAfterThePlan(t *testing.T) {
	a := openAccounts(t)
	key, f := a.keyed(false), a.Fleet()
	found, _ := a.look(f, nil)
	require.Contains(t, found, key)
	require.Equal(t, owner.Likely, found[key].Grade)
	planned := orphan.PlanDeletion(f, []orphan.Orphan{found[key]}, nil, true)
	require.Len(t, planned.Deletes, 1)

	_, err := a.CloudFormation(fleettest.Sandbox).UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
		StackName: aws.String("dev-notes"), TemplateBody: aws.String(fmt.Sprintf(`{"Resources":{
			"Jobs":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"dev-notes-jobs","KmsMasterKeyId":%q}}}}`, key)),
	})
	require.NoError(t, err)
	a.until(fleettest.Sandbox, "dev-notes", func(status string) bool { return status == "UPDATE_COMPLETE" })
	steps, err := orphan.Deletion{Fleet: f}.Run(t.Context(), planned)
	require.NoError(t, err)
	require.Len(t, steps, 1)
	messages.Provoked(t, steps[0].Problem)
	require.Equal(t, orphan.StepKept, steps[0].State, steps[0].Problem)
	require.Equal(t, "Jobs of stack dev-notes is encrypted by it", steps[0].Problem)
}

func TestAKeyOfWhichNobodyKnowsWhetherItEncryptsAnythingIsUnsure(t *testing.T) {
	a := openAccounts(t)
	key := a.keyed(false)
	// The key itself answers, the table does not.
	a.InjectFault(rehearsal.Fault{Account: fleettest.Sandbox.Account, Service: "cloudcontrolapi", Operation: "GetResource", After: 1, Status: 400, Code: "AccessDeniedException", Message: "not you"})
	found, gaps := a.look(a.Fleet(), nil)
	require.Len(t, gaps, 1)
	require.Equal(t, owner.Unsure, found[key].Grade, found[key].Why)
}
