package rehearsal_test

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// seeds is a stack with a custom resource behind the test's function.
type seeds struct {
	t      *testing.T
	server *rehearsal.Server
	client *cloudformation.Client
	id     string // of the stack

	mu    sync.Mutex
	asked []string
}

func seeding(t *testing.T) *seeds {
	s := &seeds{t: t}
	var err error
	s.server, err = rehearsal.Start(rehearsal.Config{
		Accounts: []rehearsal.Account{{ID: dev, AccessKeyID: "AKIADEV", SecretAccessKey: "dev secret", UserName: "dev"}},
		Functions: rehearsal.Functions{Log: func(line rehearsal.LogLine) {
			if text, is := strings.CutPrefix(line.Text, "asked: "); is {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.asked = append(s.asked, strings.TrimSpace(text))
			}
		}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.server.Close()) })
	deploys(t, s.server, nil)
	s.client = cloudformation.NewFromConfig(as(s.server, dev))
	return s
}

// template is one of the custom resource with these properties, and of what else there is.
func (s *seeds) template(properties m, more m) *string {
	all := m{"ServiceToken": "arn:aws:lambda:us-east-1:111111111111:function:create-note", "Count": 3}
	for name, value := range properties {
		all[name] = value
	}
	resources := m{"Seed": m{"Type": "Custom::Seed", "Properties": all}}
	for name, value := range more {
		resources[name] = value
	}
	text, err := json.Marshal(m{"Resources": resources, "Outputs": m{
		"Value": m{"Value": m{"Fn::GetAtt": []any{"Seed", "Value"}}}, "Kind": m{"Value": m{"Fn::GetAtt": []any{"Seed", "Kind"}}}, "ID": m{"Value": m{"Ref": "Seed"}},
	}})
	require.NoError(s.t, err)
	return aws.String(string(text))
}

// settles waits until the stack has this status and the function was asked a number of times, and gives the stack's
// outputs, what the function was asked, and why what failed has failed.
func (s *seeds) settles(status types.StackStatus, times int) (outputs map[string]string, asked []string, why string) {
	s.t.Helper()
	var stack types.Stack
	require.Eventually(s.t, func() bool {
		described, err := s.client.DescribeStacks(s.t.Context(), &cloudformation.DescribeStacksInput{StackName: &s.id})
		require.NoError(s.t, err)
		stack = described.Stacks[0]
		return !strings.HasSuffix(string(stack.StackStatus), "_IN_PROGRESS")
	}, time.Minute, 5*time.Millisecond)
	events, err := s.client.DescribeStackEvents(s.t.Context(), &cloudformation.DescribeStackEventsInput{StackName: stack.StackId})
	require.NoError(s.t, err)
	for _, event := range events.StackEvents { // newest first
		if strings.HasSuffix(string(event.ResourceStatus), "_FAILED") && *event.LogicalResourceId == "Seed" {
			why = *event.ResourceStatusReason
			break
		}
	}
	require.Equal(s.t, status, stack.StackStatus, why)
	outputs = map[string]string{}
	for _, output := range stack.Outputs {
		outputs[*output.OutputKey] = *output.OutputValue
	}
	s.waits(times) // a line of a log may come after the answer
	s.mu.Lock()
	defer s.mu.Unlock()
	asked, s.asked = s.asked, nil
	return outputs, asked, why
}

// waits until the function was asked a number of times.
func (s *seeds) waits(times int) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.asked) >= times
	}, time.Minute, 5*time.Millisecond)
}

func (s *seeds) create(name string, template *string) {
	made, err := s.client.CreateStack(s.t.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: template})
	require.NoError(s.t, err)
	s.id = *made.StackId
}

func (s *seeds) update(template *string) {
	_, err := s.client.UpdateStack(s.t.Context(), &cloudformation.UpdateStackInput{StackName: &s.id, TemplateBody: template})
	require.NoError(s.t, err)
}

func (s *seeds) delete() {
	_, err := s.client.DeleteStack(s.t.Context(), &cloudformation.DeleteStackInput{StackName: &s.id})
	require.NoError(s.t, err)
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
func TestACustomResourceLivesByTheAnswersOfItsFunction(t *testing.T) {
	s := seeding(t)
	s.create("notes", s.template(m{"ID": "a", "Value": "1"}, nil))
	outputs, asked, _ := s.settles("CREATE_COMPLETE", 1)
	assert.Equal(t, map[string]string{"ID": "a", "Value": "1", "Kind": "string"}, outputs, "all scalars are texts")
	assert.Equal(t, []string{"Create  1 <nil>"}, asked)

	s.update(s.template(m{"ID": "a", "Value": "2"}, nil))
	outputs, asked, _ = s.settles("UPDATE_COMPLETE", 1)
	assert.Equal(t, map[string]string{"ID": "a", "Value": "2", "Kind": "string"}, outputs)
	assert.Equal(t, []string{"Update a 2 1"}, asked)

	s.update(s.template(m{"ID": "b", "Value": "3"}, nil))
	outputs, asked, _ = s.settles("UPDATE_COMPLETE", 2)
	assert.Equal(t, "b", outputs["ID"])
	assert.ElementsMatch(t, []string{"Update a 3 2", "Delete a 2 <nil>"}, asked, "another physical id is another resource, and the one before is deleted")

	s.update(s.template(m{"ID": "b", "Value": "4", "Fails": "Update"}, nil))
	_, asked, why := s.settles("UPDATE_ROLLBACK_COMPLETE", 2)
	assert.Regexp(t, `^Received response status \[FAILED\] from custom resource\. Message returned: no such seed \(RequestId: [0-9a-f-]{36}\)$`, why)
	slices.Sort(asked) // the lines of two environments come in any order
	require.Len(t, asked, 2)
	assert.Contains(t, asked[0], "Update b 3 ", "what may have changed is changed back")
	assert.Equal(t, "Update b 4 3", asked[1])

	// https://github.com/aws/aws-cdk/pull/29581
	taken := m{"Type": "AWS::SSM::Parameter", "DependsOn": "Seed", "Properties": m{"Name": "/none", "Type": "String", "Value": m{"Fn::Join": []any{"", []any{"{{resolve:ssm:", "/missing}}"}}}}}
	s.update(s.template(m{"ID": "c", "Value": "5"}, m{"After": taken}))
	_, asked, _ = s.settles("UPDATE_ROLLBACK_COMPLETE", 2)
	assert.ElementsMatch(t, []string{"Update b 5 3", "Delete c 5 <nil>"}, asked, "the new one is deleted, the old one was never touched")

	s.update(s.template(m{"ServiceToken": "arn:aws:lambda:us-east-1:111111111111:function:other", "ID": "b", "Value": "3"}, nil))
	_, asked, why = s.settles("UPDATE_ROLLBACK_COMPLETE", 1)
	assert.Equal(t, "Modifying service token is not allowed.", why)
	assert.Len(t, asked, 1, "it is put back")

	s.delete()
	_, asked, _ = s.settles("DELETE_COMPLETE", 1)
	assert.Equal(t, []string{"Delete b 3 <nil>"}, asked)
}

func TestACustomResourceThatFailsIsDeletedWithItsStack(t *testing.T) {
	s := seeding(t)
	const silent = "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId ["
	for name, tt := range map[string]struct {
		properties m
		why        string
		asked      []string
		deleted    types.StackStatus // after the rollback
	}{
		"the function says so":      {m{"ID": "a", "Fails": "Create"}, "Message returned: no such seed (RequestId: ", []string{"Create   <nil>", "Delete a  <nil>"}, "ROLLBACK_COMPLETE"},
		"also when it is deleted":   {m{"ID": "a", "Fails": "Create Delete"}, "Message returned: no such seed (RequestId: ", []string{"Create   <nil>", "Delete a  <nil>"}, "ROLLBACK_FAILED"},
		"the answer is too long":    {m{"ID": "a", "Long": strings.Repeat("x", 4000)}, "Response object is too long.", []string{"Create   <nil>", "Delete "}, "ROLLBACK_FAILED"},
		"the function is not there": {m{"ServiceToken": "arn:aws:lambda:us-east-1:111111111111:function:none"}, "Function not found: arn:aws:lambda:us-east-1:111111111111:function:none (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; ", nil, "ROLLBACK_COMPLETE"},
		"it is of another region":   {m{"ServiceToken": "arn:aws:lambda:eu-west-1:111111111111:function:create-note"}, "Invalid service token.", nil, "ROLLBACK_COMPLETE"},
		"the function breaks down":  {m{"Do": "break"}, silent, []string{"Create   <nil>", "Delete notes-the-function-breaks-down-Seed-"}, "ROLLBACK_FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			s.create("notes-"+strings.ReplaceAll(name, " ", "-"), s.template(tt.properties, nil))
			_, asked, why := s.settles(tt.deleted, len(tt.asked))
			assert.Contains(t, why, tt.why)
			slices.Sort(asked)
			require.Len(t, asked, len(tt.asked))
			for i, want := range tt.asked {
				assert.True(t, strings.HasPrefix(asked[i], want), asked[i])
			}
		})
	}
}

func TestCloudFormationWaitsForAnAnswerUntilItsTimeIsOver(t *testing.T) {
	s := seeding(t)
	s.create("notes", s.template(m{"Do": "wait", "ServiceTimeout": "60"}, nil))
	s.waits(1)
	answer, err := http.DefaultClient.Do(aRequest(t, "PUT", s.server.URL()+"/cloudformation-custom-resource-response-useast1/x?Signature=y", "{}"))
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	assert.Equal(t, http.StatusForbidden, answer.StatusCode, "an answer to a question that nobody has asked")
	s.server.Advance(time.Minute)
	s.waits(2) // to delete it
	s.server.Advance(time.Minute)
	_, _, why := s.settles("ROLLBACK_FAILED", 2)
	assert.Contains(t, why, "CloudFormation did not receive a response from your Custom Resource.")
}

// AWS's own modules and the handlers of the CDK answer by https, to a port that they do not read in the URL.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-lambda-function-code-cfnresponsemodule.html
func TestSourceInATemplateAnswersForACustomResource(t *testing.T) {
	s := seeding(t)
	for name, tt := range map[string]struct{ interpreter, runtime, source string }{
		"Node.js, by the module": {"node", "nodejs22.x", `const response = require("cfn-response");
			exports.handler = (event, context) => response.send(event, context, response.SUCCESS, { Value: event.ResourceProperties.Value, Kind: "k" }, "a");`},
		"Node.js, as the CDK does": {"node", "nodejs22.x", `const https = require("https"), url = require("url");
			exports.handler = (event) => new Promise((resolve, reject) => {
				const body = JSON.stringify({ Status: "SUCCESS", PhysicalResourceId: "a", Data: { Value: event.ResourceProperties.Value, Kind: "k" } });
				const where = url.parse(event.ResponseURL);
				const request = https.request({ hostname: where.hostname, path: where.path, method: "PUT", headers: { "content-length": Buffer.byteLength(body) } }, resolve);
				request.on("error", reject);
				request.end(body);
			}).then(() => {});`},
		"Python, by the module": {"python3", "python3.13", "import cfnresponse\n" +
			`def handler(event, context): cfnresponse.send(event, context, cfnresponse.SUCCESS, {"Value": event["ResourceProperties"]["Value"], "Kind": "k"}, "a")`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(tt.interpreter); err != nil {
				t.Skip(tt.interpreter + " is not found")
			}
			made := makes(t, s.server, "AWS::Lambda::Function", m{
				"Handler": "index.handler", "Runtime": tt.runtime, "Role": "arn:aws:iam::111111111111:role/create-note-role", "Timeout": 20, "Code": m{"ZipFile": tt.source},
			})
			s.create("notes", s.template(m{"ServiceToken": made.Attributes["Arn"], "Value": "milk"}, nil))
			outputs, _, _ := s.settles("CREATE_COMPLETE", 0)
			assert.Equal(t, map[string]string{"Value": "milk", "Kind": "k", "ID": "a"}, outputs)
			s.delete()
			s.settles("DELETE_COMPLETE", 0)
		})
	}
}
