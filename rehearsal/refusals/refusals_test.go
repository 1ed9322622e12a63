package refusals

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the page and the goldens anew")

func book(t *testing.T) []Refusal {
	t.Helper()
	all, err := Load()
	require.NoError(t, err)
	return all
}

func TestThePageOfTheDocumentationIsWrittenFromTheBook(t *testing.T) {
	const page = "../../docs/refusals.md"
	made := Markdown(book(t))
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(made), 0o600))
	}
	written, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Equal(t, string(written), made, "run go test ./rehearsal/refusals -update")
}

const wholeRow = `
id: sqs-example
kind: number
moment: create
words: no
source: https://docs.aws.amazon.com/page.html
resources: {Queue: {Type: "AWS::SQS::Queue"}}
roadshow: config
how: by a check
`

func TestARowOfTheWholeFormIsTaken(t *testing.T) {
	read, err := readRow(t, wholeRow)
	require.NoError(t, err)
	assert.JSONEq(t, `{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}`, read.Template)
	assert.Equal(t, "us-east-1", read.Region)
}

func TestARowThatLacksSomethingIsNotTaken(t *testing.T) {
	for name, change := range map[string]struct{ add, says string }{
		"without a source":                 {"source:", "source"},
		"with a source that is no page":    {"source: AWS", "source"},
		"with a source in plain HTTP":      {"source: http://example.com/page", "source"},
		"without words":                    {"words: ' '", "words is empty"},
		"that does not say how":            {"how:", "how is empty"},
		"of an unknown kind":               {"kind: odd", "kind is \"odd\""},
		"of an unknown moment":             {"moment: later", "moment is \"later\""},
		"with an unknown answer":           {"roadshow: none", "roadshow is \"none\""},
		"of an id that is one word":        {"id: sqs", "id is \"sqs\""},
		"with two templates":               {"template: {Resources: {}}", "want resources or a template"},
		"that is a step from nothing":      {"moment: update", "before goes with the moment update"},
		"with a step that is none":         {"before: {Queue: {}}", "before goes with the moment update"},
		"with a resource nobody shares":    {"with: [nothing]", "\"nothing\" is not in shared.yaml"},
		"with !Repeat of nothing":          {"resources: {Queue: !Repeat [0, x]}", "a number of times"},
		"with !Repeat of more than a pair": {"resources: {Queue: !Repeat [1, x, y]}", "a list of two"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readRow(t, wholeRow+change.add)
			require.ErrorContains(t, err, change.says)
		})
	}
}

// readRow reads a row with a field more, which counts if the row has it already.
func readRow(t *testing.T, text string) (Refusal, error) {
	t.Helper()
	fields := map[string]yaml.Node{}
	for line := range strings.Lines(text) {
		require.NoError(t, yaml.Unmarshal([]byte(line), &fields))
	}
	whole, err := yaml.Marshal(fields)
	require.NoError(t, err)
	var r row
	require.NoError(t, yaml.Unmarshal(whole, &r))
	return r.refusal("SQS", map[string]yaml.Node{})
}

func TestTheMarksOfATemplateStandForWhatTheySay(t *testing.T) {
	for name, test := range map[string]struct{ written, means string }{
		"a short form":                   {"{A: !Ref B}", `{"A": {"Ref": "B"}}`},
		"an attribute":                   {"{A: !GetAtt B.Arn}", `{"A": {"Fn::GetAtt": ["B", "Arn"]}}`},
		"another function":               {"{A: !Sub '${B}'}", `{"A": {"Fn::Sub": "${B}"}}`},
		"a text many times":              {"{A: !Repeat [3, ab]}", `{"A": "ababab"}`},
		"a list":                         {"{A: !Repeat [2, 'x-#']}", `{"A": ["x-1", "x-2"]}`},
		"an object":                      {"{A: !Repeat [2, {'K#': v#}]}", `{"A": {"K1": "v1", "K2": "v2"}}`},
		"a list of objects":              {"{A: !Repeat [2, {N: 'x#', M: 1}]}", `{"A": [{"N": "x1", "M": 1}, {"N": "x2", "M": 1}]}`},
		"many resources":                 {"{'T[2]': {Name: 't#'}}", `{"T1": {"Name": "t1"}, "T2": {"Name": "t2"}}`},
		"a reference among many":         {"{'T[1]': {Name: !Ref 'Q#'}}", `{"T1": {"Name": {"Ref": "Q1"}}}`},
		"a number that is none in words": {"{A: 'a#b'}", `{"A": "a#b"}`},
	} {
		t.Run(name, func(t *testing.T) {
			var node yaml.Node
			require.NoError(t, yaml.Unmarshal([]byte(test.written), &node))
			value, err := expand(node.Content[0], 0)
			require.NoError(t, err)
			text, err := written(value)
			require.NoError(t, err)
			assert.JSONEq(t, test.means, text)
		})
	}
}

func TestTheBookIsOfEveryServiceAndEveryKindOfMistake(t *testing.T) {
	services, kinds, moments := map[string]int{}, map[string]int{}, map[string]int{}
	for _, row := range book(t) {
		services[row.Service]++
		kinds[row.Kind]++
		moments[row.Moment]++
	}
	for _, service := range []string{
		"API Gateway", "Application Auto Scaling", "CloudFormation", "CloudWatch", "CloudWatch Logs", "DAX", "DynamoDB", "EC2", "EventBridge",
		"EventBridge Scheduler", "IAM", "KMS", "Lambda", "S3", "SNS", "SQS", "Secrets Manager", "Systems Manager",
	} {
		assert.NotZero(t, services[service], service)
	}
	for _, kind := range Kinds {
		assert.NotZero(t, kinds[kind], kind)
	}
	for _, moment := range Moments {
		assert.NotZero(t, moments[moment], moment)
	}
	assert.Greater(t, len(book(t)), 200)
}
