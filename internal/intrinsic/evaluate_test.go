package intrinsic

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
)

// read is a node of a template.
func read(t *testing.T, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var node any
	require.NoError(t, decoder.Decode(&node))
	return node
}

// evaluator knows a stack, and nothing of its resources and parameters.
func evaluator(t *testing.T) *Evaluator {
	t.Helper()
	conditions, _ := read(t, `{
		"Europe": {"Fn::Equals": [{"Fn::Select": [0, {"Fn::Split": ["-", {"Ref": "AWS::Region"}]}]}, "eu"]},
		"Account": {"Fn::Equals": [{"Ref": "AWS::AccountId"}, {"Fn::Join": ["", ["111111", "111111"]]}]},
		"Given": {"Fn::Equals": [{"Ref": "Size"}, "large"]},
		"Neither": {"Fn::And": [{"Condition": "Given"}, {"Fn::Not": [{"Condition": "Europe"}]}]},
		"Either": {"Fn::Or": [{"Condition": "Given"}, {"Condition": "Europe"}]},
		"Waits": {"Fn::Not": [{"Condition": "Given"}]}
	}`).(map[string]any)
	mappings, _ := read(t, `{"Size": {"eu-west-1": {"memory": 512}}}`).(map[string]any)
	v := &Evaluator{
		Account: "111111111111", Region: "eu-west-1", StackName: "dev-notes", Conditions: conditions, Mappings: mappings,
		Ref: func(name string) (any, error) { return NewUnknown(Reference{Name: name}), nil },
		Attribute: func(resource, attribute string) (any, error) {
			return NewUnknown(Reference{Name: resource, Attribute: attribute, GetAtt: true}), nil
		},
		Zones:  func(string) (any, error) { return Unknown{Node: map[string]any{"Fn::GetAZs": ""}}, nil },
		Import: func(export string) (any, error) { return Unknown{Node: map[string]any{"Fn::ImportValue": export}}, nil },
	}
	require.NoError(t, v.EvaluateConditions())
	return v
}

func TestAValueIsComputedAsFarAsItIsKnown(t *testing.T) {
	for name, tt := range map[string]struct{ node, want string }{
		"a condition that holds":              {`{"Fn::If": ["Europe", 1, 2]}`, `1`},
		"an account id joined from halves":    {`{"Fn::If": ["Account", 1, 2]}`, `1`},
		"a condition that waits":              {`{"Fn::If": ["Given", {"Ref": "AWS::Region"}, {"Ref": "AWS::NoValue"}]}`, `{"Fn::If": ["Given", "eu-west-1", {"Ref": "AWS::NoValue"}]}`},
		"no value":                            {`{"a": {"Fn::If": ["Europe", {"Ref": "AWS::NoValue"}, 1]}, "b": [{"Ref": "AWS::NoValue"}]}`, `{"b": []}`},
		"a mapping":                           {`{"Fn::FindInMap": ["Size", {"Ref": "AWS::Region"}, "memory"]}`, `512`},
		"a mapping by what waits":             {`{"Fn::FindInMap": ["Size", {"Ref": "Where"}, "memory"]}`, `{"Fn::FindInMap": ["Size", {"Ref": "Where"}, "memory"]}`},
		"a text with a resource in it":        {`{"Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${Queue}-${!X}"}`, `{"Fn::Join": ["", ["arn:aws:sqs:eu-west-1:111111111111:", {"Ref": "Queue"}, "-${X}"]]}`},
		"the same text, joined":               {`{"Fn::Join": [":", ["arn", {"Ref": "AWS::Partition"}, "sqs", {"Ref": "AWS::Region"}, {"Fn::Join": ["", [{"Ref": "AWS::AccountId"}, ":", {"Ref": "Queue"}, "-$", "{X}"]]}]]}`, `{"Fn::Join": ["", ["arn:aws:sqs:eu-west-1:111111111111:", {"Ref": "Queue"}, "-${X}"]]}`},
		"a resource alone":                    {`{"Fn::Sub": "${Queue.Arn}"}`, `{"Fn::GetAtt": ["Queue", "Arn"]}`},
		"one of a list of a resource's":       {`{"Fn::Select": ["1", {"Fn::Split": [":", {"Fn::GetAtt": ["Queue", "Arn"]}]}]}`, `{"Fn::Select": ["1", {"Fn::Split": [":", {"Fn::GetAtt": ["Queue", "Arn"]}]}]}`},
		"the zones of the region":             {`{"Fn::Select": [0, {"Fn::GetAZs": {"Ref": "AWS::Region"}}]}`, `{"Fn::Select": ["0", {"Fn::GetAZs": ""}]}`},
		"an import":                           {`{"Fn::ImportValue": {"Fn::Sub": "${AWS::StackName}-vpc"}}`, `{"Fn::ImportValue": "dev-notes-vpc"}`},
		"the id of a stack that is not there": {`{"Ref": "AWS::StackId"}`, `{"Ref": "AWS::StackId"}`},
		"a text in base64":                    {`{"Fn::Base64": {"Fn::Sub": "${Queue}"}}`, `{"Fn::Base64": {"Ref": "Queue"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			value, err := evaluator(t).Value(read(t, tt.node))
			require.NoError(t, err)
			got, err := json.Marshal(Plain(value))
			require.NoError(t, err)
			assert.JSONEq(t, tt.want, string(got))
		})
	}
}

func TestAConditionIsDecidedWhereItsPartsAre(t *testing.T) {
	v := evaluator(t)
	for name, tt := range map[string]struct{ holds, decided bool }{
		"Europe": {true, true}, "Account": {true, true}, "Given": {false, false}, "Neither": {false, true}, "Either": {true, true},
		"Waits": {false, false}, "": {true, true},
	} {
		holds, decided := v.Condition(name)
		assert.Equal(t, tt.decided, decided, name)
		assert.Equal(t, tt.holds, holds && decided, name)
	}
	_, err := v.Decide(read(t, `{"Fn::Equals": [{"Ref": "Size"}, "large"]}`), nil)
	messages.EqualError(t, err, "a condition waits for Size, which is known only when the stack is deployed")
}
