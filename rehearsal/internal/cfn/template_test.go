package cfn_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/rehearsal/internal/cfn"
)

func TestATemplateIsRefusedInCloudFormationsWords(t *testing.T) {
	topic := `{"Type": "AWS::SNS::Topic"}`
	for name, c := range map[string]struct{ template, message string }{
		"nothing":                                  {" ", "Template format error: unsupported structure."},
		"a list":                                   {"- a", "Template format error: unsupported structure."},
		"broken JSON":                              {"{\"Resources\": ", "Template format error: JSON not well-formed. (line 1, column 14)"},
		"broken YAML":                              {"Resources: [", "Template format error: YAML not well-formed. (line 1: did not find expected node content)"},
		"a key twice in JSON":                      {`{"Resources": {}, "Resources": {}}`, `Template format error: JSON not well-formed. (line 1, column 30): duplicate key "Resources"`},
		"a key twice in YAML":                      {"Resources: {}\nResources: {}", `Template format error: YAML not well-formed. (line 2, column 1): duplicate key "Resources"`},
		"an alias":                                 {"Description: &a b\nMetadata: *a\nResources: {}", "Template format error: YAML not well-formed. (line 2, column 11): aliases are not supported"},
		"an unknown section":                       {`{"Resource": {}, "Resources": {}}`, "Invalid template property or properties [Resource]"},
		"no resources":                             {`{"Description": "x"}`, "Template format error: At least one Resources member must be defined."},
		"an unknown version":                       {`{"AWSTemplateFormatVersion": "2011-01-01", "Resources": {"A": ` + topic + `}}`, "Template format error: unsupported value for AWSTemplateFormatVersion."},
		"a macro":                                  {`{"Transform": "AWS::Serverless-2016-10-31", "Resources": {"A": ` + topic + `}}`, "No transform named AWS::Serverless-2016-10-31 found."},
		"a logical id with a dash":                 {`{"Resources": {"my-topic": ` + topic + `}}`, "Template format error: Resource name my-topic is non alphanumeric."},
		"no type":                                  {`{"Resources": {"A": {}}}`, "Template format error: [/Resources/A] Every Resources object must contain a Type member."},
		"an unknown type":                          {`{"Resources": {"A": {"Type": "AWS::SNS::Tropic"}}}`, "Template format error: Unrecognized resource types: [AWS::SNS::Tropic]"},
		"an unknown resource key":                  {`{"Resources": {"A": {"Type": "AWS::SNS::Topic", "TopicName": "x"}}}`, "Invalid template resource property 'TopicName'"},
		"null":                                     {`{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": null}}}}`, "[/Resources/A/Properties/TopicName] 'null' values are not allowed in templates"},
		"an unknown policy":                        {`{"Resources": {"A": {"Type": "AWS::SNS::Topic", "DeletionPolicy": "Keep"}}}`, "Template format error: Unrecognized DeletionPolicy Keep for resource A"},
		"a reference to nothing":                   {`{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "B"}}}}}`, "Template format error: Unresolved resource dependencies [B] in the Resources block of the template"},
		"two references to nothing":                {`{"Resources": {"A": {"Type": "AWS::SNS::Topic", "DependsOn": "Z", "Properties": {"TopicName": {"Fn::Sub": "${B}-x"}}}}}`, "Template format error: Unresolved resource dependencies [B, Z] in the Resources block of the template"},
		"an output of nothing":                     {`{"Resources": {"A": ` + topic + `}, "Outputs": {"O": {"Value": {"Ref": "B"}}}}`, "Template format error: Unresolved resource dependencies [B] in the Outputs block of the template"},
		"an attribute of nothing":                  {`{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::GetAtt": ["B", "Arn"]}}}}}`, "Template error: instance of Fn::GetAtt references undefined resource B"},
		"an unknown attribute":                     {`{"Resources": {"A": ` + topic + `, "B": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::GetAtt": ["A", "Url"]}}}}}`, "Template error: resource A does not support attribute type Url in Fn::GetAtt"},
		"an unknown attribute in Sub":              {`{"Resources": {"A": ` + topic + `}, "Outputs": {"O": {"Value": {"Fn::Sub": "${A.Url}"}}}}`, "Template error: resource A does not support attribute type Url in Fn::GetAtt"},
		"an unknown condition":                     {`{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Condition": "C"}}}`, "Template format error: Unresolved condition dependency C in the Resources block of the template"},
		"an unknown condition in If":               {`{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::If": ["C", "a", "b"]}}}}}`, "Template error: unresolved condition dependency C in Fn::If"},
		"a resource in a condition":                {`{"Conditions": {"C": {"Fn::Equals": [{"Ref": "A"}, "x"]}}, "Resources": {"A": ` + topic + `}}`, "Template format error: Unresolved dependencies [A]. Cannot reference resources in the Conditions block of the template"},
		"a circle":                                 {`{"Resources": {"A": {"Type": "AWS::SNS::Topic", "DependsOn": "B"}, "B": {"Type": "AWS::SNS::Topic", "DependsOn": ["A"]}, "C": {"Type": "AWS::SNS::Topic", "DependsOn": "A"}}}`, "Circular dependency between resources: [A, B]"},
		"a resource on itself":                     {`{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "A"}}}}}`, "Circular dependency between resources: [A]"},
		"an unknown parameter type":                {`{"Parameters": {"P": {"Type": "Text"}}, "Resources": {"A": ` + topic + `}}`, "Template format error: Unrecognized parameter type: Text"},
		"an unknown parameter key":                 {`{"Parameters": {"P": {"Type": "String", "Value": "x"}}, "Resources": {"A": ` + topic + `}}`, "Invalid template parameter property 'Value'"},
		"a parameter without a value":              {`{"Parameters": {"P": {"Type": "String"}, "Q": {"Type": "String"}}, "Resources": {"A": ` + topic + `}}`, "Parameters: [P, Q] must have values"},
		"an unknown mapping":                       {`{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::FindInMap": ["M", "a", "b"]}}}}}`, "Template error: Mapping named 'M' is not present in the 'Mappings' section of template."},
		"a missing mapping key":                    {`{"Mappings": {"M": {"a": {"b": "c"}}}, "Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::FindInMap": ["M", "a", "x"]}}}}}`, "Template error: Unable to get mapping for M::a::x"},
		"a missing export":                         {`{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::ImportValue": "E"}}}}}`, "No export named E found."},
		"a missing resource by a condition":        {`{"Conditions": {"C": {"Fn::Equals": ["a", "b"]}}, "Resources": {"A": {"Type": "AWS::SNS::Topic", "Condition": "C"}, "B": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "A"}}}}}`, "Template format error: Unresolved resource dependencies [A] in the Resources block of the template"},
		"an output of a resource that is not made": {`{"Conditions": {"C": {"Fn::Equals": ["a", "b"]}}, "Resources": {"A": {"Type": "AWS::SNS::Topic", "Condition": "C"}, "B": ` + topic + `}, "Outputs": {"O": {"Value": {"Fn::GetAtt": "A.TopicArn"}}}}`, "Template format error: Unresolved resource dependencies [A] in the Outputs block of the template"},
		"a list as an output":                      {`{"Resources": {"A": ` + topic + `}, "Outputs": {"O": {"Value": {"Fn::GetAZs": ""}}}}`, "Template format error: The Value field of every Outputs member must evaluate to a String."},
		"a resource and a parameter of one name":   {`{"Parameters": {"A": {"Type": "String", "Default": "x"}}, "Resources": {"A": ` + topic + `}}`, "Template format error: Duplicate name A: a parameter and a resource cannot share it"},
		"bad characters in Sub":                    {`{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::Sub": "${a b}"}}}}}`, "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons"},
		"an index out of range":                    {`{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::Select": [2, ["a", "b"]]}}}}}`, "Template error: Fn::Select cannot select nonexistent value at index 2"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			assert.Equal(t, c.message, b.refusal(c.template))
			assert.Empty(t, b.engine.ListStacks(dev), "a refused change set makes no stack")
		})
	}
}

func TestAnUnknownFunctionIsRefusedWithTheListOfThoseThatAre(t *testing.T) {
	message := newBench(t).refusal(`{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::Upper": "x"}}}}}`)
	assert.True(t, strings.HasPrefix(message, "Template Error: Encountered unsupported function: Fn::Upper Supported functions are: [Fn::Base64, "), message)
}

// everyFunction has a parameter of its own in each output, so that a failure names the function.
const everyFunction = `
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Stage: {Type: String, Default: dev}
  Size: {Type: Number, Default: 7}
  Zones: {Type: CommaDelimitedList, Default: "a, b,c"}
  Version: {Type: "AWS::SSM::Parameter::Value<String>", Default: /cdk-bootstrap/hnb659fds/version}
Mappings:
  Sizes:
    dev: {memory: 256, zones: [x, y]}
Conditions:
  IsDev: !Equals [!Ref Stage, dev]
  NotDev: !Not [!Condition IsDev]
  Both: !And [!Condition IsDev, !Equals [!Ref Size, "7"]]
  Either: !Or [!Condition NotDev, !Condition Both]
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      TopicName: !Sub "${Stage}-topic"
      DisplayName: !If [NotDev, production, !Ref "AWS::NoValue"]
  Absent:
    Type: AWS::SNS::Topic
    Condition: NotDev
Outputs:
  Ref: {Value: !Ref Topic}
  GetAtt: {Value: !GetAtt Topic.TopicArn}
  Sub: {Value: !Sub ["${Topic}/${Topic.TopicName}/${Own}/${!Kept}/${AWS::Region}", {Own: !Ref Size}]}
  Join: {Value: !Join ["-", [a, !Ref Stage, 1]]}
  JoinList: {Value: !Join ["+", !Ref Zones]}
  Select: {Value: !Select [1, !Ref Zones]}
  Split: {Value: !Select [2, !Split ["/", "a/b/c"]]}
  If: {Value: !If [Either, "yes", "no"]}
  FindInMap: {Value: !FindInMap [Sizes, !Ref Stage, memory]}
  FindList: {Value: !Select [1, !FindInMap [Sizes, dev, zones]]}
  GetAZs: {Value: !Select [0, !GetAZs ""]}
  Base64: {Value: !Base64 hello}
  Cidr: {Value: !Join [",", !Cidr ["10.0.0.0/16", 3, 8]]}
  CidrSix: {Value: !Select [1, !Cidr ["fd00::/56", 2, 64]]}
  Account: {Value: !Sub "${AWS::AccountId} ${AWS::Partition} ${AWS::URLSuffix} ${AWS::StackName}"}
  Parameter: {Value: !Ref Version}
  Hidden: {Condition: NotDev, Value: x}
`

func TestEveryFunction(t *testing.T) {
	b := newBench(t)
	s := b.deploy(everyFunction)
	assert.Equal(t, map[string]string{
		"Ref": "dev-topic", "GetAtt": "dev-topic/TopicArn",
		"Sub":  "dev-topic/dev-topic/TopicName/7/${Kept}/us-east-1",
		"Join": "a-dev-1", "JoinList": "a+b+c", "Select": "b", "Split": "c", "If": "yes", "FindInMap": "256", "FindList": "y",
		"GetAZs": "us-east-1a", "Base64": "aGVsbG8=", "Cidr": "10.0.0.0/24,10.0.1.0/24,10.0.2.0/24",
		"CidrSix": "fd00:0:0:1::/64", "Account": "111111111111 aws amazonaws.com notes", "Parameter": "30",
	}, func() map[string]string {
		got := b.outputs(s)
		return got
	}())
	assert.Equal(t, map[string]any{"TopicName": "dev-topic"}, b.fake.properties("AWS::SNS::Topic", "dev-topic"))
}

func TestYAMLKeepsWhatLooksLikeANumberButIsNone(t *testing.T) {
	b := newBench(t)
	b.deploy(`
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: r
      Description: 012345678901
      MaxSessionDuration: "3600"
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement: []
`)
	assert.Equal(t, map[string]any{
		"RoleName": "r", "Description": "012345678901", "MaxSessionDuration": int64(3600),
		"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{}},
	}, b.fake.properties("AWS::IAM::Role", "r"))
}

func TestParametersAreHeldToTheirConstraints(t *testing.T) {
	template := `{"Parameters": {"P": %s}, "Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "P"}}}}}`
	for name, c := range map[string]struct{ declaration, value, message string }{
		"allowed values": {`{"Type": "String", "AllowedValues": ["a", "b"]}`, "c", "Parameter 'P' must be one of AllowedValues"},
		"pattern":        {`{"Type": "String", "AllowedPattern": "[a-z]+"}`, "ab1", "Parameter 'P' must match pattern [a-z]+"},
		"described":      {`{"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "letters only"}`, "1", "Parameter P failed to satisfy constraint: letters only"},
		"too short":      {`{"Type": "String", "MinLength": 2}`, "a", "Parameter 'P' must contain at least 2 characters"},
		"too long":       {`{"Type": "String", "MaxLength": "2"}`, "abc", "Parameter 'P' must contain at most 2 characters"},
		"no number":      {`{"Type": "Number"}`, "many", "Parameter 'P' must be a number"},
		"too small":      {`{"Type": "Number", "MinValue": 3}`, "2", "Parameter 'P' must be a number not less than 3"},
		"too large":      {`{"Type": "Number", "MaxValue": 3}`, "4", "Parameter 'P' must be a number not greater than 3"},
		"not in SSM":     {`{"Type": "AWS::SSM::Parameter::Value<String>"}`, "/none", "Unable to fetch parameters [/none] from parameter store for this account."},
	} {
		t.Run(name, func(t *testing.T) {
			message := newBench(t).refusal(fmt.Sprintf(template, c.declaration), func(in *cfn.CreateChangeSetInput) {
				in.Parameters = []cfn.ParameterInput{{Key: "P", Value: c.value}}
			})
			assert.Equal(t, c.message, message)
		})
	}
	message := newBench(t).refusal(fmt.Sprintf(template, `{"Type": "String"}`), func(in *cfn.CreateChangeSetInput) {
		in.Parameters = []cfn.ParameterInput{{Key: "P", Value: "x"}, {Key: "Q", Value: "y"}}
	})
	assert.Equal(t, "Parameters: [Q] do not exist in the template", message)
}

func TestANoEchoParameterIsNotShown(t *testing.T) {
	b := newBench(t)
	s := b.deploy(`{"Parameters": {"P": {"Type": "String", "NoEcho": true, "Default": "s3cret"}},
		"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "P"}}}}}`)
	assert.Equal(t, []cfn.Parameter{{Key: "P", Value: "****"}}, s.Parameters)
	assert.Equal(t, []string{"s3cret"}, b.fake.names())
}

func TestTheBootstrapRuleOfTheCDKIsEvaluated(t *testing.T) {
	template := `{
	  "Parameters": {"BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk-bootstrap/hnb659fds/version"}},
	  "Rules": {"CheckBootstrapVersion": {"Assertions": [{
	    "Assert": {"Fn::Not": [{"Fn::Contains": [["1", "2", "3", "4", "5"], {"Ref": "BootstrapVersion"}]}]},
	    "AssertDescription": "CDK bootstrap stack version 6 required."}]}},
	  "Resources": {"A": {"Type": "AWS::SNS::Topic"}}}`
	b := newBench(t)
	b.store["/cdk-bootstrap/hnb659fds/version"] = "5"
	assert.Contains(t, b.refusal(template), "CDK bootstrap stack version 6 required.")
	b.store["/cdk-bootstrap/hnb659fds/version"] = "6"
	s := b.deploy(template)
	assert.Equal(t, "CREATE_COMPLETE", s.Status)
	assert.Equal(t, []cfn.Parameter{{Key: "BootstrapVersion", Value: "/cdk-bootstrap/hnb659fds/version", ResolvedValue: "6"}}, s.Parameters)
}

func TestIAMResourcesNeedACapability(t *testing.T) {
	template := `{"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {%s "AssumeRolePolicyDocument": {}}}}}`
	for properties, capability := range map[string]string{"": "CAPABILITY_IAM", `"RoleName": "r",`: "CAPABILITY_NAMED_IAM"} {
		b := newBench(t)
		in := b.input(fmt.Sprintf(template, properties))
		in.Capabilities = nil
		_, err := b.engine.CreateChangeSet(context.Background(), dev, in)
		assert.EqualError(t, err, "InsufficientCapabilitiesException: Requires capabilities : ["+capability+"]")
		in.Capabilities = []string{capability}
		_, err = b.engine.CreateChangeSet(context.Background(), dev, in)
		assert.NoError(t, err)
	}
}

func TestTheSummarySaysWhatATemplateHolds(t *testing.T) {
	b := newBench(t)
	summary, err := b.engine.ValidateTemplate(context.Background(), dev, cfn.TemplateSource{Body: everyFunction})
	require.NoError(t, err)
	assert.Equal(t, []string{"AWS::SNS::Topic"}, summary.ResourceTypes)
	assert.Len(t, summary.Parameters, 4)
	assert.Equal(t, cfn.ParameterDeclaration{Key: "Size", Type: "Number", Default: "7", HasDefault: true}, summary.Parameters[0])
	assert.Empty(t, summary.Capabilities)
}

func TestATemplateBodyHasALimitAndAnObjectAnother(t *testing.T) {
	big := `{"Description": "` + strings.Repeat("x", 1000) + `", "Resources": {"A": {"Type": "AWS::SNS::Topic"}}}` + strings.Repeat(" ", 51_200)
	b := newBench(t, func(o *cfn.Options) {
		o.Fetch = func(_ context.Context, _ cfn.Place, url string) (string, error) { return big, nil }
	})
	assert.Contains(t, b.refusal(big), "Member must have length less than or equal to 51200")
	s := b.deploy("", func(in *cfn.CreateChangeSetInput) {
		in.Template = cfn.TemplateSource{URL: "https://s3.us-east-1.amazonaws.com/b/k"}
	})
	assert.Equal(t, "CREATE_COMPLETE", s.Status)
}

// drawValue makes a value that a template may hold.
func drawValue(t *rapid.T, depth int) any {
	kinds := []string{"text", "number", "bool", "ref", "sub", "join"}
	if depth > 0 {
		kinds = append(kinds, "list", "object", "if")
	}
	text := rapid.SampledFrom([]string{"", "a", "0", "007", "1e3", "yes", "null", "~", "2012-10-17", "a: b", "- x", "ü", "line\nline", "${!x}", "#", "'", "\"", "true", "!Ref A", "<<"})
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "number":
		return rapid.IntRange(-1000, 1_000_000).Draw(t, "number")
	case "bool":
		return rapid.Bool().Draw(t, "bool")
	case "ref":
		return map[string]any{"Ref": rapid.SampledFrom([]string{"Stage", "Zones", "AWS::Region", "AWS::NoValue"}).Draw(t, "ref")}
	case "sub":
		return map[string]any{"Fn::Sub": "${Stage}-" + strings.ReplaceAll(text.Draw(t, "sub"), "$", "")}
	case "join":
		return map[string]any{"Fn::Join": []any{text.Draw(t, "by"), []any{text.Draw(t, "left"), map[string]any{"Ref": "Stage"}}}}
	case "list":
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			list = append(list, drawValue(t, depth-1))
		}
		return list
	case "object":
		object := map[string]any{}
		for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "1", "on", "x y"}), rapid.ID[string]).Draw(t, "names") {
			object[name] = drawValue(t, depth-1)
		}
		return object
	case "if":
		return map[string]any{"Fn::If": []any{rapid.SampledFrom([]string{"Yes", "No"}).Draw(t, "condition"), drawValue(t, depth-1), drawValue(t, depth-1)}}
	}
	return text.Draw(t, "text")
}

func TestJSONAndYAMLOfOneTemplateEvaluateAlike(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		template := map[string]any{
			"Parameters": map[string]any{"Stage": map[string]any{"Type": "String", "Default": "dev"}, "Zones": map[string]any{"Type": "CommaDelimitedList", "Default": "a,b"}},
			"Conditions": map[string]any{"Yes": map[string]any{"Fn::Equals": []any{1, "1"}}, "No": map[string]any{"Fn::Equals": []any{"1", "2"}}},
			"Resources": map[string]any{"P": map[string]any{"Type": "AWS::IAM::ManagedPolicy", "Properties": map[string]any{
				"ManagedPolicyName": "p", "PolicyDocument": map[string]any{"Value": drawValue(rt, 3)},
			}}},
		}
		asJSON, err := json.Marshal(template)
		require.NoError(rt, err)
		asYAML, err := yaml.Marshal(template)
		require.NoError(rt, err)
		b := newBench(t)
		b.deploy(string(asJSON))
		fromJSON := b.fake.properties("AWS::IAM::ManagedPolicy", "p")
		again := b.changeSet(string(asYAML))
		require.Equal(rt, "FAILED", again.Status, "the YAML changes something: %s", asYAML)
		b.delete("notes")
		b.deploy(string(asYAML))
		require.Equal(rt, fromJSON, b.fake.properties("AWS::IAM::ManagedPolicy", "p"))
	})
}

func FuzzTemplate(f *testing.F) {
	f.Add(everyFunction)
	f.Add(`{"Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::Sub": ["${A}", {"A": "b"}]}}}}}`)
	f.Add("Resources: {A: {Type: AWS::SNS::Topic, Properties: {TopicName: !Join [a, [!Ref A]]}}}")
	f.Add("Resources: !Ref A")
	f.Add("{\"Resources\": {\"A\": {\"Type\": \"Custom::X\", \"Properties\": {\"ServiceToken\": {\"Fn::Cidr\": [\"::/0\", 256, 128]}}}}}")
	f.Fuzz(func(t *testing.T, body string) {
		b := newBench(t)
		_, err := b.engine.ValidateTemplate(context.Background(), dev, cfn.TemplateSource{Body: body})
		in := b.input(body)
		made, createErr := b.engine.CreateChangeSet(context.Background(), dev, in)
		if err != nil {
			require.Error(t, createErr, "a change set takes what validation refuses")
		}
		if createErr == nil {
			require.NoError(t, b.engine.ExecuteChangeSet(context.Background(), dev, cfn.ExecuteChangeSetInput{
				StackName: made.StackID, ChangeSetName: made.ChangeSetID,
			}))
			b.wait()
		}
	})
}
