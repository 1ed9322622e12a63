package steps

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/rehearsal/refusals"
)

var place = Place{Account: "111111111111", Region: "us-east-1", StackName: "dev-notes"}

func between(t *testing.T, before, after string) (ids []string) {
	t.Helper()
	found, err := Between(place, []byte(before), []byte(after))
	require.NoError(t, err)
	for _, step := range found {
		assert.NotEmpty(t, step.Problem)
		assert.Regexp(t, `^https://`, step.Page)
		assert.Regexp(t, `\.$`, step.First)
		ids = append(ids, step.Refusal)
	}
	return ids
}

// elsewhere are the steps of the book that no two templates tell, each with the reason.
var elsewhere = map[string]string{
	"cloudformation-nothing-to-change": "it is refused since there is no step",
	"cloudformation-export-in-use":     "who imports an export stands in other stacks",
	"cloudformation-bucket-not-empty":  "what a bucket holds stands in the account",
	"dynamodb-deletion-protection":     "the stack is deleted, without another template; as a step it has a test of its own",
	"iam-role-in-use":                  "what else uses a role stands in the account",
}

func TestEachStepOfTheBookIsFound(t *testing.T) {
	book, err := refusals.Load()
	require.NoError(t, err)
	steps := 0
	for _, row := range book {
		if row.Kind != refusals.Step {
			continue
		}
		steps++
		t.Run(row.ID, func(t *testing.T) {
			if elsewhere[row.ID] != "" || strings.HasPrefix(row.ID, "cloudformation-import-") {
				return // an import is a change set of its own kind, which no deploy makes by itself
			}
			require.NotEmpty(t, row.Before, "a step has two templates; or elsewhere says why it has none")
			want := row.ID
			if want == "sqs-fifo-toggle" {
				want = "cloudformation-custom-name" // it is refused as one
			}
			assert.Equal(t, []string{want}, between(t, row.Before, row.Template))
			assert.Empty(t, between(t, row.Before, row.Before), "nothing changes")
		})
	}
	assert.Greater(t, steps, len(elsewhere))
}

// No other row of the book is a step: two templates that only one of them refuses are none.
func TestWhatIsDeployedAsItIsHasNoStep(t *testing.T) {
	book, err := refusals.Load()
	require.NoError(t, err)
	for _, row := range book {
		if row.Template != "" && row.Moment != refusals.Validation {
			assert.Empty(t, between(t, row.Template, row.Template), row.ID)
		}
	}
}

func template(resources string) string { return `{"Resources": {` + resources + `}}` }

func table(rest string) string {
	return template(`"Notes": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "dev-notes", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]` + rest + `}}`)
}

func index(name, key string) string {
	return fmt.Sprintf(`{"IndexName": %q, "KeySchema": [{"AttributeName": %q, "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}`, name, key)
}

func withIndexes(all ...string) string {
	return table(`, "GlobalSecondaryIndexes": [` + strings.Join(all, ", ") + `]`)
}

func TestAStepIsFoundAndAWayAroundItIsNone(t *testing.T) {
	function := func(network, policy string) string {
		return template(`"F": {"Type": "AWS::Lambda::Function", "Properties": {"Role": {"Fn::GetAtt": ["R", "Arn"]}` + network + `}},
			"R": {"Type": "AWS::IAM::Role", "Properties": {"ManagedPolicyArns": [` + policy + `]}}`)
	}
	const network, rights = `, "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}`, `"arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"`
	cluster := func(group, node, name string) string {
		return template(fmt.Sprintf(`"C": {"Type": "AWS::DAX::Cluster", "Properties": {"ClusterName": %q, "NodeType": %q, "SubnetGroupName": {"Ref": %q}}},
			%q: {"Type": "AWS::DAX::SubnetGroup", "Properties": {"SubnetIds": ["subnet-1"]}}`, name, node, group, group))
	}
	protected := func(policy, protection string) string {
		return template(`"T": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "` + policy + `", "Properties": {"DeletionProtectionEnabled": ` + protection + `}},
			"Q": {"Type": "AWS::SQS::Queue"}`)
	}
	gone := template(`"Q": {"Type": "AWS::SQS::Queue"}`)
	for name, tt := range map[string]struct {
		before, after string
		want          []string
	}{
		"one index more":                          {withIndexes(), withIndexes(index("a", "x")), nil},
		"one index less":                          {withIndexes(index("a", "x"), index("b", "y")), withIndexes(index("b", "y")), nil},
		"indexes in another order":                {withIndexes(index("a", "x"), index("b", "y")), withIndexes(index("b", "y"), index("a", "x")), nil},
		"three indexes more":                      {withIndexes(), withIndexes(index("a", "x"), index("b", "y"), index("c", "z")), []string{"dynamodb-two-index-changes"}},
		"two indexes less":                        {withIndexes(index("a", "x"), index("b", "y")), table(""), []string{"dynamodb-two-index-changes"}},
		"an index by another name":                {withIndexes(index("a", "x")), withIndexes(index("b", "x")), []string{"dynamodb-index-added-and-removed"}},
		"an index by another key":                 {withIndexes(index("a", "x")), withIndexes(index("a", "y")), []string{"dynamodb-index-change"}},
		"two indexes of a new table":              {gone, withIndexes(index("a", "x"), index("b", "y")), nil},
		"a time to live":                          {table(""), table(`, "TimeToLiveSpecification": {"AttributeName": "a", "Enabled": true}`), nil},
		"a time to live less":                     {table(`, "TimeToLiveSpecification": {"AttributeName": "a", "Enabled": true}`), table(""), nil},
		"a table by another name and another key": {table(""), strings.NewReplacer(`"dev-notes"`, `"dev-notes-2"`, `"id"`, `"by"`).Replace(table("")), nil},
		"a key by the region, which is the same":  {strings.Replace(table(""), `"id"`, `{"Ref": "AWS::Region"}`, 1), strings.Replace(table(""), `"id"`, `"us-east-1"`, 1), nil},
		"other nodes of DAX":                      {cluster("G", "dax.r7i.large", "dev"), cluster("G", "dax.r7i.xlarge", "dev"), []string{"cloudformation-custom-name"}},
		"other nodes of DAX under another name":   {cluster("G", "dax.r7i.large", "dev"), cluster("G", "dax.r7i.xlarge", "dev-2"), nil},
		"another group of DAX's subnets":          {cluster("G", "dax.r7i.large", "dev"), cluster("H", "dax.r7i.large", "dev"), []string{"cloudformation-custom-name"}},
		"a function that leaves its network":      {function(network, rights), function("", ""), []string{"lambda-network-left"}},
		"a function that leaves it with rights":   {function(network, rights), function("", rights), nil},
		"rights that go after the network":        {function("", rights), function("", ""), nil},
		"a protected table that goes":             {protected("Delete", "true"), gone, []string{"dynamodb-deletion-protection"}},
		"a protected table that is retained":      {protected("RetainExceptOnCreate", "true"), gone, nil},
		"a table that is not protected any more":  {protected("Delete", "false"), gone, nil},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt.want, between(t, tt.before, tt.after)) })
	}
}

func TestAStepSaysWhatToDeployFirst(t *testing.T) {
	found, err := Between(place, []byte(withIndexes(index("old", "x"))), []byte(withIndexes(index("a", "x"), index("b", "y"))))
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, "an update makes or deletes one global secondary index, and this one would make a, b and delete old", found[0].Problem)
	assert.Equal(t, "Deploy first without old, then with a, then with b, one in a deploy.", found[0].First)
	assert.Equal(t, "Notes", found[0].LogicalID)
}

func TestWhatIsNoTemplateHasNoStep(t *testing.T) {
	_, err := Between(place, []byte(`no template`), []byte(`{}`))
	messages.ErrorContains(t, err, "the deployed template: ")
	_, err = Between(place, []byte(`{}`), []byte(`[]`))
	messages.ErrorContains(t, err, "the new template: ")
}
