package stages

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
)

func TestEveryRowOfTheKindsIsWhole(t *testing.T) {
	goName := regexp.MustCompile(`(?m)^\t([A-Z]\w+) = Kind\{`)
	source, err := os.ReadFile("limits.go")
	require.NoError(t, err)
	var rows []string
	for _, found := range goName.FindAllStringSubmatch(string(source), -1) {
		rows = append(rows, found[1])
	}
	assert.Len(t, Kinds(), len(rows), "Kinds lists every row")
	assert.True(t, slices.IsSortedFunc(rows, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) }), rows)
	for _, kind := range Kinds() {
		t.Run(kind.Title, func(t *testing.T) {
			assert.NotEmpty(t, kind.Title)
			assert.Positive(t, kind.Min)
			assert.Greater(t, kind.Max, kind.Min)
			assert.Regexp(t, `^https://docs\.aws\.amazon\.com/\S+\.html$`, kind.Docs)
			assert.Equal(t, kind.Refused == nil, kind.Allowed == "", "what is refused is explained")
			if kind.Type != "" && kind.Type != "AWS::CloudFormation::Stack" {
				assert.NotEmpty(t, kind.Property)
			}
			assert.NotEqual(t, "unknown scope", kind.Scope.String())
		})
	}
}

func TestKindsThatAWSTakesForOneShareANamespace(t *testing.T) {
	for _, pair := range [][2]Kind{{Alarm, CompositeAlarm}, {LogGroup, LambdaLogGroup}, {SQSQueue, SQSFIFOQueue}, {SNSTopic, SNSFIFOTopic}} {
		assert.Equal(t, pair[0].namespace(), pair[1].namespace())
	}
	assert.NotEqual(t, SQSQueue.namespace(), SNSTopic.namespace())
	assert.NotEqual(t, DAXSubnetGroup.namespace(), DAXParameterGroup.namespace())
}

func TestScopesAreReadAndWritten(t *testing.T) {
	for _, scope := range []Scope{ScopeRegion, ScopeAccount, ScopeWorld, ScopeNone, ScopeParent} {
		text, err := json.Marshal(scope)
		require.NoError(t, err)
		var read Scope
		require.NoError(t, json.Unmarshal(text, &read))
		assert.Equal(t, scope, read)
	}
	assert.Equal(t, "unknown scope", Scope(9).String())
	messages.EqualError(t, new(Scope).UnmarshalText([]byte("galaxy")),
		`scope: name is "galaxy"; it must be region, account, world, none, parent or region of every account.`+"\n"+`Correct the name.`)
}

// measured is one name as AWS's own validator takes it; see testdata/validator/generate.mjs.
type measured struct {
	Type, Property, Prefix, Suffix string
	Min, Max                       int
	Characters                     string
}

// alphabet is every character that a component's name can bring into a physical one.
const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

// The reasons why a row may differ from the validator.
const (
	noRule    = "the schema has no rule for this name; the row is the page's"
	looser    = "the schema is looser than the page, and the service enforces the page"
	ownChoice = "the row is tighter than AWS on purpose; its comment says why"
)

// disagreements are all differences between the rows and the validator, with the reason of each.
var disagreements = map[string]string{
	"CloudFormation export":              "no resource: the validator has no schema of it",
	"CloudFormation stack":               "the stack is not in its own template, and a nested one has no name of its own",
	"CloudWatch dashboard: characters":   noRule,
	"CloudWatch dashboard: length":       noRule,
	"CodeBuild project: characters":      noRule,
	"CodeBuild project: length":          noRule,
	"DAX cluster: characters":            noRule,
	"DAX cluster: length":                noRule,
	"DAX parameter group: characters":    noRule,
	"DAX parameter group: length":        ownChoice,
	"DAX subnet group: characters":       noRule,
	"DAX subnet group: length":           ownChoice,
	"DynamoDB table: length":             "the schema allows for an ARN, as in a global table's replica",
	"HTTP API: length":                   noRule,
	"IAM policy: length":                 noRule,
	"Lambda layer: characters":           looser,
	"log group /aws/lambda/: characters": "the row follows the function's name, and no other log group's",
	"log group /aws/lambda/: length":     "the row follows the function's name, and no other log group's",
	"S3 bucket: characters":              ownChoice,
	"security group: length":             noRule,
	"SNS FIFO topic: characters":         looser,
	"SNS topic: characters":              looser,
	"SQS FIFO queue: characters":         noRule,
	"SQS FIFO queue: length":             noRule,
	"SQS queue: characters":              noRule,
	"SQS queue: length":                  noRule,
	"SSM parameter /roadshow/: length":   "the page counts the ARN before the name, and 1037 characters are the service's own",
	"state machine: characters":          ownChoice,
}

func TestTheRowsAgreeWithTheValidator(t *testing.T) {
	text, err := os.ReadFile("testdata/validator/names.json")
	require.NoError(t, err)
	var table struct{ Names []measured }
	require.NoError(t, json.Unmarshal(text, &table))
	found := map[string]string{}
	for _, kind := range Kinds() {
		at := slices.IndexFunc(table.Names, func(m measured) bool {
			return m.Type == kind.Type && m.Property == kind.Property && (m.Suffix == kind.Suffix || m.Suffix == "" && kind == S3Bucket)
		})
		if at < 0 {
			found[kind.Title] = "not asked"
			continue
		}
		for what, difference := range differences(kind, table.Names[at]) {
			key := kind.Title
			if kind.Prefix != "" {
				key += " " + kind.Prefix
			}
			found[key+": "+what] = difference
		}
	}
	for what, difference := range found {
		assert.Contains(t, disagreements, what, difference)
	}
	for what := range disagreements {
		assert.Contains(t, found, what, "this disagreement is gone; remove it from the table")
	}
}

// differences says where the row and the validator part. A row that allows what the validator refuses is
// never lawful.
func differences(kind Kind, m measured) map[string]string {
	found := map[string]string{}
	if kind.Max != m.Max {
		found["length"] = fmt.Sprintf("the row says at most %d, the validator %d (0 is no limit)", kind.Max, m.Max)
		if m.Max != 0 && kind.Max > m.Max {
			found["too long"] = found["length"] // never in the table: AWS would refuse our names
		}
	}
	tighter := ""
	for _, c := range alphabet {
		asIs := kind.fit("a"+string(c)+"a") == "a"+string(c)+"a"
		accepts := strings.ContainsRune(m.Characters, c)
		if asIs && !accepts {
			found["refused"] += string(c) // never in the table either
		}
		if !asIs && accepts {
			tighter += string(c)
		}
	}
	if tighter != "" {
		found["characters"] = "the validator also accepts " + tighter
	}
	return found
}

func TestAResourceIsOfTheKindThatItsNameTells(t *testing.T) {
	for name, tt := range map[string]struct{ resource, property, name, want string }{
		"a standard queue":                   {"AWS::SQS::Queue", "QueueName", "jobs", "SQS queue"},
		"a FIFO queue":                       {"AWS::SQS::Queue", "QueueName", "jobs.fifo", "SQS FIFO queue"},
		"a standard topic":                   {"AWS::SNS::Topic", "TopicName", "news", "SNS topic"},
		"a FIFO topic":                       {"AWS::SNS::Topic", "TopicName", "news.fifo", "SNS FIFO topic"},
		"the log group of a function":        {"AWS::Logs::LogGroup", "LogGroupName", "/aws/lambda/get", LambdaLogGroup.Title},
		"any other log group":                {"AWS::Logs::LogGroup", "LogGroupName", "get", "log group"},
		"a bucket that the ledger names":     {"AWS::S3::Bucket", "BucketName", "dev-notes-files-111111111111-us-east-1-an", "S3 bucket"},
		"a bucket of any other name":         {"AWS::S3::Bucket", "BucketName", "files", "S3 bucket"},
		"a parameter of any path":            {"AWS::SSM::Parameter", "Name", "/limit", "SSM parameter"},
		"the domain of an API":               {"AWS::ApiGatewayV2::DomainName", "DomainName", "notes.example.com", APIDomain.Title},
		"a name in another property":         {"AWS::SQS::Queue", "Name", "jobs", ""},
		"an empty name":                      {"AWS::SQS::Queue", "QueueName", "", ""},
		"a type that has names of no kind":   {"AWS::EC2::VPC", "Name", "x", ""},
		"a stack, whose name stands nowhere": {"AWS::CloudFormation::Stack", "", "x", ""},
	} {
		t.Run(name, func(t *testing.T) {
			kind, got, named := Named(tt.resource, map[string]any{tt.property: tt.name})
			assert.Equal(t, tt.want, kind.Title)
			if assert.Equal(t, tt.want != "", named); named {
				assert.Equal(t, tt.name, got)
			}
		})
	}
	_, _, named := Named("AWS::SQS::Queue", map[string]any{"QueueName": map[string]any{"Ref": "x"}})
	assert.False(t, named, "a name that the template computes")
}
