package rehearsal_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// goldens are the templates that this project's programs make, by path.
func goldens(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, folder := range []string{".", "stack", "examples/*"} {
		paths, err := filepath.Glob(filepath.Join("..", folder, "testdata", "*.golden.json"))
		require.NoError(t, err)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			found[strings.TrimPrefix(filepath.ToSlash(path), "../")] = string(text)
		}
	}
	require.NotEmpty(t, found)
	return found
}

var (
	assetKey    = regexp.MustCompile(`"S3Key": "([^"]+)"`)
	assetBucket = regexp.MustCompile(`cdk-hnb659fds-assets-([0-9]{12})-([a-z0-9-]+)`)
	imported    = regexp.MustCompile(`"Default": "(/roadshow/[^"]+|/[^"]+)"`)
)

// importedValue is what the parameter of an import holds, by the path that names its kind.
func importedValue(path, place string) string {
	for ending, value := range map[string]string{
		".table": "arn:aws:dynamodb:" + place + ":table/notes", "Key": "arn:aws:kms:" + place + ":key/0123", ".bucket": "arn:aws:s3:::papers",
		".queue": "arn:aws:sqs:" + place + ":work", ".topic": "arn:aws:sns:" + place + ":news", ".bus": "arn:aws:events:" + place + ":event-bus/sold",
		".function": "arn:aws:lambda:" + place + ":function:render", ".secret": "arn:aws:secretsmanager:" + place + ":secret:mail-AbCdEf",
		".parameter": "arn:aws:ssm:" + place + ":parameter/rate", "version": "30",
	} {
		if strings.Contains(path, ending) {
			return value
		}
	}
	return "a value"
}

var networkID = regexp.MustCompile(`"((vpc|subnet|sg)-[0-9a-f]+)"`)

// seed puts what a template takes from the account's network into the account.
func seed(t *testing.T, server *rehearsal.Server, account, region, template string) {
	t.Helper()
	types := map[string]string{"vpc": "AWS::EC2::VPC", "subnet": "AWS::EC2::Subnet", "sg": "AWS::EC2::SecurityGroup"}
	var there []map[string]any
	seen := map[string]bool{}
	for _, id := range networkID.FindAllStringSubmatch(template, -1) {
		if !seen[id[1]] {
			there = append(there, map[string]any{"Region": region, "Type": types[id[2]], "PhysicalID": id[1]})
		}
		seen[id[1]] = true
	}
	document, err := json.Marshal(map[string]any{"Version": 1, "Accounts": map[string]any{account: map[string]any{"Resources": there}}})
	require.NoError(t, err)
	require.NoError(t, server.Load(bytes.NewReader(document)))
}

// What the rules refuse is never what the constructs make.
func TestEveryGoldenIsDeployed(t *testing.T) {
	for path, template := range goldens(t) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			at := assetBucket.FindStringSubmatch(template)
			require.NotNil(t, at)
			server, err := rehearsal.Start(rehearsal.Config{Accounts: []rehearsal.Account{{ID: at[1], AccessKeyID: "AKIADEV", SecretAccessKey: "dev secret"}}})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, server.Close()) })
			seed(t, server, at[1], at[2], template)
			configuration := as(server, dev)
			configuration.Region = at[2]
			objects := s3.NewFromConfig(configuration, func(o *s3.Options) { o.UsePathStyle = true })
			_, err = server.Account(at[1]).Create(at[2], "AWS::S3::Bucket", map[string]any{"BucketName": at[0]})
			require.NoError(t, err)
			for _, key := range append(assetKey.FindAllStringSubmatch(template, -1), []string{"", "template.json"}) {
				_, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &at[0], Key: &key[1], Body: strings.NewReader(template)})
				require.NoError(t, err)
			}
			for _, name := range imported.FindAllStringSubmatch(template, -1) {
				_, err := server.Account(at[1]).Create(at[2], "AWS::SSM::Parameter", map[string]any{
					"Name": name[1], "Type": "String", "Value": importedValue(name[1], at[2]+":"+at[1]),
				})
				require.NoError(t, err)
			}
			// What a stack looks up or imports is there before it.
			_, err = server.Account(at[1]).Create(at[2], "AWS::SNS::Topic", map[string]any{"TopicName": "news"})
			require.NoError(t, err)
			client := cloudformation.NewFromConfig(configuration)
			_, err = client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
				StackName: aws.String("golden"), TemplateURL: aws.String(server.URL() + "/" + at[0] + "/template.json"),
				Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
			})
			require.NoError(t, err)
			a := attempt{T: t, client: client}
			require.Equal(t, types.StackStatusCreateComplete, finished(t, client, "golden").StackStatus, a.reasonsOf("golden", types.ResourceStatusCreateFailed))
			if strings.Contains(template, "ANY /internal/{path+}") {
				t.Run("a browser may call an ANY route that has an authorizer and CORS", func(t *testing.T) { aBrowserMayCall(t, server) })
			}
			for _, f := range server.Resources(at[1], at[2]) {
				if f.Type == "AWS::Lambda::Function" && f.Stack == "golden" {
					mayWhatItIsGranted(t, server, configuration, f)
				}
			}
		})
	}
}

// aBrowserMayCall asks as a browser does before it sends credentials: by OPTIONS, without any. The route itself stays guarded.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
func aBrowserMayCall(t *testing.T, server *rehearsal.Server) {
	apis, err := server.APIs()
	require.NoError(t, err)
	asked := 0
	for _, api := range apis {
		if api.Stage == "" {
			continue
		}
		question := aRequest(t, http.MethodOptions, api.URL+"/internal/notes", "")
		question.Header.Set("Origin", "https://example.com")
		question.Header.Set("Access-Control-Request-Method", http.MethodPost)
		question.Header.Set("Access-Control-Request-Headers", "authorization")
		answer, err := http.DefaultClient.Do(question)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		assert.Equal(t, http.StatusNoContent, answer.StatusCode)
		assert.Equal(t, "https://example.com", answer.Header.Get("Access-Control-Allow-Origin"))
		assert.Contains(t, answer.Header.Get("Access-Control-Allow-Methods"), http.MethodPost)
		assert.Contains(t, answer.Header.Get("Access-Control-Allow-Headers"), "authorization")
		status, _ := sends(t, aRequest(t, http.MethodPost, api.URL+"/internal/notes", "{}"))
		assert.Equal(t, http.StatusForbidden, status, "without credentials the route itself refuses")
		asked++
	}
	assert.Equal(t, 1, asked)
}

// mayWhatItIsGranted makes a call for each action that a function's role is granted and that the
// rehearsal has, with the grant and without it.
func mayWhatItIsGranted(t *testing.T, server *rehearsal.Server, configuration aws.Config, f rehearsal.Resource) {
	t.Helper()
	key, secret, token := server.Session(f)
	configuration.Credentials = credentials.NewStaticCredentialsProvider(key, secret, token)
	role := f.Properties["Role"].(string)
	for _, policy := range server.Resources(f.Account, f.Region) {
		if roles, _ := policy.Properties["Roles"].([]any); policy.Type != "AWS::IAM::Policy" || !slices.Contains(roles, any(role[strings.LastIndex(role, "/")+1:])) {
			continue
		}
		document := policy.Properties["PolicyDocument"].(m)
		statements := document["Statement"].([]any)
		for i, each := range statements {
			statement := each.(m)
			actions, several := statement["Action"].([]any)
			if !several {
				actions = []any{statement["Action"]}
			}
			for j, action := range actions {
				ask, known := granted(server, f, action.(string), statement)
				if statement["Effect"] != "Allow" || !known {
					continue
				}
				require.NotRegexp(t, "^(AccessDenied|NotImplemented)", ask(t, configuration), "%s of %s", action, f.Name)
				less := maps.Clone(statement)
				less["Action"] = slices.Delete(slices.Clone(actions), j, j+1)
				server.Change(policy, m{
					"PolicyName": policy.Properties["PolicyName"], "Roles": policy.Properties["Roles"],
					"PolicyDocument": m{"Version": "2012-10-17", "Statement": slices.Replace(slices.Clone(statements), i, i+1, any(less))},
				})
				require.Regexp(t, "^AccessDenied.* is not authorized to perform: "+action.(string)+" on ", ask(t, configuration), "%s of %s", action, f.Name)
				server.Change(policy, policy.Properties)
			}
		}
	}
}

// granted is a call that an action lets a function make.
func granted(server *rehearsal.Server, f rehearsal.Resource, action string, statement m) (func(*testing.T, aws.Config) string, bool) {
	resources, several := statement["Resource"].([]any)
	if !several {
		resources = []any{statement["Resource"]}
	}
	resource := resources[0].(string)
	service, operation, _ := strings.Cut(action, ":")
	input := m{}
	switch service {
	case "dynamodb":
		table, index, ofIndex := strings.Cut(resource[strings.Index(resource, "table/")+len("table/"):], "/index/")
		at, keys := slices.IndexFunc(server.Resources(f.Account, f.Region), func(r rehearsal.Resource) bool {
			return strings.HasPrefix(r.Type, "AWS::DynamoDB::") && r.Name == table
		}), m{}
		if at < 0 { // an import's
			keys["id"] = m{"S": "a"}
		} else {
			for _, each := range server.Resources(f.Account, f.Region)[at].Properties["KeySchema"].([]any) {
				keys[each.(m)["AttributeName"].(string)] = m{"S": "a"}
			}
		}
		input["TableName"] = table
		switch operation {
		case "DescribeTable":
		case "GetItem", "DeleteItem", "UpdateItem":
			input["Key"] = keys
		case "PutItem":
			input["Item"] = keys
		case "Scan", "Query":
			if ofIndex {
				input["IndexName"] = strings.ReplaceAll(index, "*", "any")
			}
		case "BatchGetItem":
			input = m{"RequestItems": m{table: m{"Keys": []any{keys}}}}
		case "BatchWriteItem":
			input = m{"RequestItems": m{table: []any{m{"PutRequest": m{"Item": keys}}}}}
		case "ConditionCheckItem":
			operation, input = "TransactWriteItems", m{"TransactItems": []any{m{"ConditionCheck": m{"TableName": table, "Key": keys, "ConditionExpression": "attribute_exists(id)"}}}}
		default:
			return nil, false // of streams, which Lambda reads
		}
	case "secretsmanager":
		input["SecretId"] = strings.ReplaceAll(resource, "*", "a")
		input["SecretString"] = "x"
	case "ssm":
		_, path, _ := strings.Cut(resource, ":parameter/")
		input["Name"], input["Names"] = "/"+path, []any{"/" + path}
	default:
		return nil, false
	}
	return func(t *testing.T, config aws.Config) string { return call(t, config, service, operation, input) }, true
}
