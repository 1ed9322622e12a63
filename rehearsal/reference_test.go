package rehearsal

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal/internal/cfn"
	"github.com/roadshow-go/roadshow/rehearsal/internal/execution"
)

// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestParameters
func TestAFunctionIsReadTheSameWayWhereverItIsNamed(t *testing.T) {
	at := place{account: "111111111111", region: "us-east-1"}
	arn := "arn:aws:lambda:us-east-1:111111111111:function:create-note"
	for reference, want := range map[string]string{
		"create-note":                            arn,
		"create-note:1":                          arn + ":1",
		"function:create-note":                   arn,
		"111111111111:function:create-note:live": arn + ":live",
		"222222222222:function:create-note":      "arn:aws:lambda:us-east-1:222222222222:function:create-note",
		arn:                                      arn,
		arn + ":$LATEST":                         arn + ":$LATEST",
		"arn:aws-cn:lambda:cn-north-1:3:function:a:b":      "arn:aws-cn:lambda:cn-north-1:3:function:a:b",
		"arn:aws:lambda:eu-west-1:222222222222:function:a": "arn:aws:lambda:eu-west-1:222222222222:function:a",
	} {
		assert.Equal(t, want, readFunction(at, reference).qualified(), reference)
	}
}

// https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
func TestAPermissionIsTheSameStatementWhereverItIsRead(t *testing.T) {
	for name, tt := range map[string]struct{ properties, principal, condition string }{
		"a service for a source": {
			`{"Principal": "sns.amazonaws.com", "SourceArn": "arn:aws:sns:us-east-1:111111111111:a", "SourceAccount": "111111111111"}`,
			`{"Service": "sns.amazonaws.com"}`, `{"ArnLike": {"AWS:SourceArn": "arn:aws:sns:us-east-1:111111111111:a"}, "StringEquals": {"AWS:SourceAccount": "111111111111"}}`,
		},
		"an account": {`{"Principal": "222222222222"}`, `{"AWS": "arn:aws:iam::222222222222:root"}`, `null`},
		"a role":     {`{"Principal": "arn:aws:iam::222222222222:role/a"}`, `{"AWS": "arn:aws:iam::222222222222:role/a"}`, `null`},
		"anybody of an organization": {
			`{"Principal": "*", "PrincipalOrgID": "o-a"}`, `"*"`, `{"StringEquals": {"aws:PrincipalOrgID": "o-a"}}`,
		},
		"anybody by a URL": {
			`{"Principal": "*", "FunctionUrlAuthType": "NONE"}`, `"*"`, `{"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}`,
		},
		"anybody who comes by a URL": {
			`{"Principal": "*", "InvokedViaFunctionUrl": true}`, `"*"`, `{"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			properties := object{}
			require.NoError(t, json.Unmarshal([]byte(tt.properties), &properties))
			made := permission(&Resource{Region: "us-east-1", Properties: properties}, "a")
			principal, err := json.Marshal(made["Principal"])
			require.NoError(t, err)
			condition, err := json.Marshal(made["Condition"])
			require.NoError(t, err)
			assert.JSONEq(t, tt.principal, string(principal))
			assert.JSONEq(t, tt.condition, string(condition))
		})
	}
}

func TestAPanicInAnInvocationIsALineOfTheLogAndNotTheEnd(t *testing.T) {
	server, err := Start(Config{Accounts: []Account{{ID: "111111111111", AccessKeyID: "AKIADEV", SecretAccessKey: "dev secret"}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	at := place{account: "111111111111", region: "us-east-1"}
	named := readFunction(at, "broken")
	server.runner.later(deployed{
		functionReference: named, version: "1", properties: object{},
		function: Resource{Account: at.account, Region: at.region, Name: "broken", Attributes: object{"Arn": named.arn()}},
	}, execution.Invocation{RequestID: "an id"}) // it has no code
	server.runner.events.Wait()
	server.logs.mu.Lock()
	defer server.logs.mu.Unlock()
	group := server.logs.groups[groupKey(at, "/aws/lambda/broken")]
	require.NotNil(t, group)
	require.Len(t, group.events, 1)
	assert.Contains(t, group.events[0].text, "the rehearsal failed: ")
}

func TestAnImportIsAChange(t *testing.T) {
	s := newStore()
	s.addAccount("111111111111")
	made := &Resource{Account: "111111111111", Region: "us-east-1", Type: "AWS::SNS::Topic", Properties: object{"TopicName": "news"}, seed: "a"}
	require.NoError(t, s.make(made))
	before := s.changes.Load()
	p := provisioner{store: s, fault: func(target) *Fault { return nil }}
	_, err := p.Import(t.Context(), cfn.Environment{Account: "111111111111", Region: "us-east-1"}, cfn.Request{Type: made.Type, Properties: object{}}, made.PhysicalID)
	require.NoError(t, err)
	assert.Greater(t, s.changes.Load(), before, "what was worked out from the resource is worked out again")
}
