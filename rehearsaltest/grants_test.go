package rehearsaltest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/rehearse"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

var laptop = stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}

// everything has each noun twice, once to be granted and once beside it, and a function for each verb.
var everything = stack.App{Service: "everything", Stages: stages.Set{laptop}, Define: func(s *stack.Stack) {
	caller := func(id string, access ...stack.Grant) *stack.Function {
		return stack.NewFunction(s, id, stack.FunctionConfig{Package: "./rehearsaltest/testdata/caller", Access: access})
	}
	var beside []stack.Grant
	for _, prefix := range []string{"", "other-"} {
		table := stack.NewTable(s, prefix+"notes", stack.TableConfig{
			PartitionKey: stack.StringKey("id"), Encryption: &stack.EncryptionConfig{},
			GlobalIndexes: []stack.GlobalIndexConfig{{Name: "byAuthor", PartitionKey: stack.StringKey("author")}},
		})
		bucket := stack.NewBucket(s, prefix+"papers", stack.BucketConfig{Encryption: &stack.EncryptionConfig{}})
		queue, topic, bus := stack.NewQueue(s, prefix+"work", stack.QueueConfig{}), stack.NewTopic(s, prefix+"news", stack.TopicConfig{}), stack.NewBus(s, prefix+"events", stack.BusConfig{})
		secret, limit := stack.NewSecret(s, prefix+"token", stack.SecretConfig{Generate: 20}), stack.NewParameter(s, prefix+"limit", stack.ParameterConfig{Value: "7"})
		target := stack.NewFunction(s, prefix+"target", stack.FunctionConfig{Package: "./rehearsaltest/testdata/caller", URL: &stack.URLConfig{}})
		api := stack.NewHTTPAPI(s, prefix+"api", stack.HTTPAPIConfig{})
		api.Route("GET /notes", target, stack.RouteConfig{Authorizer: stack.IAM()})
		grants := map[string]stack.Grant{
			"table-read": table.Read(), "table-write": table.Write(), "table-both": table.ReadWrite(),
			"bucket-read": bucket.Read(), "bucket-write": bucket.Write(), "bucket-both": bucket.ReadWrite(), "bucket-delete": bucket.Delete(),
			"queue-send": queue.Send(), "queue-consume": queue.Consume(), "topic-publish": topic.Publish(), "bus-publish": bus.Publish(),
			"secret-read": secret.Read(), "secret-write": secret.Write(), "parameter-read": limit.Read(),
			"function-invoke": target.Invoke(), "url-invoke": target.InvokeURL(), "api-invoke": api.Invoke(),
		}
		for _, id := range slices.Sorted(maps.Keys(grants)) {
			if prefix == "" {
				caller(id, grants[id])
			} else if !strings.HasSuffix(id, "-both") && id != "url-invoke" && id != "table-write" && id != "queue-consume" && id != "secret-write" && !strings.HasPrefix(id, "bucket-w") && id != "bucket-delete" {
				beside = append(beside, grants[id])
			}
		}
	}
	caller("beside", beside...)
}}

// use is a call that a function makes, and the right that it needs for it.
type use struct {
	function, action string
	// on is the component, as an explanation names it; grant what the explanation says to grant.
	on, grant string
	call      map[string]any
	status    int // 200 where it is not given
}

// uses are a call for each action that a verb grants, but for those of unasked.
func uses() []use {
	var all []use
	in := func(service, target, version string) func(operation, body string) map[string]any {
		return func(operation, body string) map[string]any {
			return map[string]any{"Service": service, "Target": target + "." + operation, "Method": "POST", "URL": "/", "ContentType": "application/x-amz-json-" + version, "Body": body}
		}
	}
	add := func(function, on, grant string, call map[string]any, status int, actions ...string) {
		for _, action := range actions {
			named := on
			if strings.HasPrefix(action, "kms:") {
				_, id, _ := strings.Cut(on, " ")
				named = "the key of " + id
			}
			all = append(all, use{function, action, named, grant, call, status})
		}
	}
	const key = `"Key":{"id":{"S":"a"}}`
	const item = `{"id":{"S":"a"},"author":{"S":"x"}}`
	table := in("dynamodb", "DynamoDB_20120810", "1.0")
	writing := map[string]map[string]any{
		"BatchWriteItem": table("BatchWriteItem", `{"RequestItems":{"$NOTES_TABLE":[{"PutRequest":{"Item":`+item+`}}]}}`),
		"PutItem":        table("PutItem", `{"TableName":"$NOTES_TABLE","Item":`+item+`}`),
		"UpdateItem":     table("UpdateItem", `{"TableName":"$NOTES_TABLE",`+key+`}`),
		"DeleteItem":     table("DeleteItem", `{"TableName":"$NOTES_TABLE",`+key+`}`),
	}
	reading := map[string]map[string]any{
		"BatchGetItem":       table("BatchGetItem", `{"RequestItems":{"$NOTES_TABLE":{"Keys":[{"id":{"S":"a"}}]}}}`),
		"ConditionCheckItem": table("TransactWriteItems", `{"TransactItems":[{"ConditionCheck":{"TableName":"$NOTES_TABLE",`+key+`,"ConditionExpression":"attribute_not_exists(nothere)"}}]}`),
		"GetItem":            table("GetItem", `{"TableName":"$NOTES_TABLE",`+key+`}`),
		"Query":              table("Query", `{"TableName":"$NOTES_TABLE","KeyConditionExpression":"id = :i","ExpressionAttributeValues":{":i":{"S":"a"}}}`),
		"Scan":               table("Scan", `{"TableName":"$NOTES_TABLE"}`),
	}
	describing := table("DescribeTable", `{"TableName":"$NOTES_TABLE"}`)
	for _, function := range []string{"table-read", "table-both"} {
		for _, operation := range slices.Sorted(maps.Keys(reading)) {
			add(function, "table notes", "notes.Read()", reading[operation], 200, "dynamodb:"+operation)
		}
		add(function, "table notes", "notes.Read()", reading["GetItem"], 200, "kms:Decrypt")
		add(function, "table notes", "notes.Read()", describing, 200, "dynamodb:DescribeTable")
	}
	for _, function := range []string{"table-write", "table-both"} {
		for _, operation := range slices.Sorted(maps.Keys(writing)) {
			add(function, "table notes", "notes.Write()", writing[operation], 200, "dynamodb:"+operation)
		}
	}
	add("table-write", "table notes", "notes.Read()", writing["PutItem"], 200, "kms:Decrypt")
	add("table-write", "table notes", "notes.Read()", describing, 200, "dynamodb:DescribeTable")

	object := func(method, url string) map[string]any {
		return map[string]any{"Service": "s3", "Method": method, "URL": url, "ContentType": "text/plain"}
	}
	const file = "/$PAPERS_BUCKET/a"
	for _, function := range []string{"bucket-both", "bucket-write"} { // which write what the reader reads
		add(function, "bucket papers", "papers.Write()", object("PUT", file), 200, "s3:PutObject", "kms:GenerateDataKey")
		add(function, "bucket papers", "papers.Read()", object("POST", file+"?uploads"), 200, "kms:Decrypt")
		add(function, "bucket papers", "papers.Write()", object("DELETE", file+"?uploadId=none"), 404, "s3:AbortMultipartUpload")
	}
	for _, function := range []string{"bucket-both", "bucket-read"} {
		add(function, "bucket papers", "papers.Read()", object("GET", "/$PAPERS_BUCKET?list-type=2"), 200, "s3:ListBucket")
		add(function, "bucket papers", "papers.Read()", object("GET", file), 200, "s3:GetObject")
	}
	add("bucket-read", "bucket papers", "papers.Read()", object("GET", file), 200, "kms:Decrypt")
	add("bucket-delete", "bucket papers", "papers.Delete()", object("DELETE", "/$PAPERS_BUCKET/none"), 204, "s3:DeleteObject")

	queue := in("sqs", "AmazonSQS", "1.0")
	const handle = `"ReceiptHandle":"00000000-0000-0000-0000-000000000000"`
	add("queue-send", "queue work", "work.Send()", queue("SendMessage", `{"QueueUrl":"$WORK_QUEUE_URL","MessageBody":"x"}`), 200, "sqs:SendMessage")
	add("queue-consume", "queue work", "work.Consume()", queue("ReceiveMessage", `{"QueueUrl":"$WORK_QUEUE_URL"}`), 200, "sqs:ReceiveMessage")
	add("queue-consume", "queue work", "work.Consume()", queue("DeleteMessage", `{"QueueUrl":"$WORK_QUEUE_URL",`+handle+`}`), 200, "sqs:DeleteMessage")
	add("queue-consume", "queue work", "work.Consume()", queue("ChangeMessageVisibility", `{"QueueUrl":"$WORK_QUEUE_URL","VisibilityTimeout":1,`+handle+`}`), 400, "sqs:ChangeMessageVisibility")
	add("queue-consume", "queue work", "work.Consume()", queue("GetQueueAttributes", `{"QueueUrl":"$WORK_QUEUE_URL"}`), 200, "sqs:GetQueueAttributes")
	add("topic-publish", "topic news", "news.Publish()", map[string]any{
		"Service": "sns", "Method": "POST", "URL": "/", "ContentType": "application/x-www-form-urlencoded", "Body": "Action=Publish&Message=x&TopicArn=$NEWS_TOPIC",
	}, 200, "sns:Publish")
	add("bus-publish", "bus events", "events.Publish()", in("events", "AWSEvents", "1.1")("PutEvents", `{"Entries":[{"EventBusName":"$EVENTS_BUS","Source":"s","DetailType":"d","Detail":"{}"}]}`), 200, "events:PutEvents")

	secret := in("secretsmanager", "secretsmanager", "1.1")
	for _, function := range []string{"secret-read", "secret-write"} {
		add(function, "secret token", "token.Read()", secret("DescribeSecret", `{"SecretId":"$TOKEN_SECRET_ARN"}`), 200, "secretsmanager:DescribeSecret")
	}
	add("secret-read", "secret token", "token.Read()", secret("GetSecretValue", `{"SecretId":"$TOKEN_SECRET_ARN"}`), 200, "secretsmanager:GetSecretValue")
	add("secret-write", "secret token", "token.Write()", secret("PutSecretValue", `{"SecretId":"$TOKEN_SECRET_ARN","SecretString":"x"}`), 200, "secretsmanager:PutSecretValue")
	parameter := in("ssm", "AmazonSSM", "1.1")
	add("parameter-read", "parameter limit", "limit.Read()", parameter("GetParameter", `{"Name":"$LIMIT_PARAMETER"}`), 200, "ssm:GetParameter")
	add("parameter-read", "parameter limit", "limit.Read()", parameter("GetParameters", `{"Names":["$LIMIT_PARAMETER"]}`), 200, "ssm:GetParameters")

	add("function-invoke", "function target", "target.Invoke()", map[string]any{
		"Service": "lambda", "Method": "POST", "URL": "/2015-03-31/functions/$TARGET_FUNCTION/invocations", "ContentType": "application/json", "Body": "{}",
	}, 200, "lambda:InvokeFunction")
	add("url-invoke", "function target", "target.InvokeURL()", map[string]any{"Service": "lambda", "Method": "GET", "URL": "$TARGET_URL"}, 200, "lambda:InvokeFunctionUrl")
	add("url-invoke", "function target", "target.Invoke()", map[string]any{"Service": "lambda", "Method": "GET", "URL": "$TARGET_URL"}, 200, "lambda:InvokeFunction")
	add("api-invoke", "API api", "api.Invoke()", map[string]any{"Service": "execute-api", "Method": "GET", "URL": "$API_URL/notes"}, 200, "execute-api:Invoke")
	return all
}

// unasked are the granted actions that no call of the rehearsal needs, and why they are granted.
var unasked = map[string]string{
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
	"kms:DescribeKey": "DynamoDB", "kms:Encrypt": "DynamoDB", "kms:GenerateDataKey": "DynamoDB", "kms:GenerateDataKeyWithoutPlaintext": "DynamoDB",
	"kms:ReEncryptFrom": "DynamoDB", "kms:ReEncryptTo": "DynamoDB",
}

// asks has a function make its call, with variables before its own, and gives the status of the answer and what
// was denied meanwhile.
func (w *World) asks(t *testing.T, one use, variables map[string]string) (status int, denied []string) {
	t.Helper()
	before := len(w.Denials())
	event := maps.Clone(one.call)
	event["Variables"] = variables
	var answer struct {
		Status int
		Body   string
	}
	w.With(t).Stage(laptop).Invoke(one.function, event).Into(&answer)
	if answer.Status != max(one.status, 200) {
		t.Logf("%s %s: %d %s", one.function, one.action, answer.Status, answer.Body)
	}
	return answer.Status, w.Denials()[before:]
}

func TestOfEveryNounEachGrantIsNeededAndNoneAllowsMore(t *testing.T) {
	w := Run(t, everything)
	stage := w.Stage(laptop)
	local := map[string]string{"API_URL": stage.API("api").URL, "TARGET_URL": stage.API("target").URL}
	besides := map[string]string{"API_URL": stage.API("other-api").URL, "TARGET_URL": stage.API("other-target").URL}
	for _, one := range w.Server().Resources(laptop.Account, laptop.Region) {
		if one.Type == "AWS::Lambda::Function" && strings.HasSuffix(one.Name, "-beside") {
			for name, value := range one.Properties["Environment"].(map[string]any)["Variables"].(map[string]any) {
				if own := strings.TrimPrefix(name, "OTHER_"); besides[own] == "" {
					besides[own] = value.(string)
				}
			}
		}
	}
	all := uses()
	explained := func(one use) string {
		return "^" + regexp.QuoteMeta(fmt.Sprintf("%s may not %s on %s; grant %s (", one.function, one.action, one.on, one.grant)) + `rehearsaltest/grants_test\.go:\d+\)$`
	}
	edit := func(t *testing.T, function string, change func(statement map[string]any) bool) (restore func()) {
		before, err := w.world.EditStatements(w.all, stage.arn(function), change)
		require.NoError(t, err)
		require.NotEmpty(t, before)
		return func() { require.NoError(t, w.world.Restore(before)) }
	}
	each := func(value any) []any {
		if list, is := value.([]any); is {
			return list
		}
		return []any{value}
	}

	t.Run("with all grants no call is denied", func(t *testing.T) {
		for _, one := range all {
			status, denied := w.asks(t, one, local)
			assert.Equal(t, max(one.status, 200), status, "%s for %s", one.function, one.action)
			assert.Empty(t, denied)
		}
	})
	t.Run("all that is granted is asked, and nothing is granted more widely than it is asked", func(t *testing.T) {
		rights := w.world.Rights(w.all)
		assert.Empty(t, rights.Wide)
		for _, one := range rights.Unused {
			if one.Function != "beside" && !strings.HasPrefix(one.On, "arn:aws:dynamodb:") { // of its indexes
				assert.Contains(t, unasked, one.Action, "%s has it on %s", one.Function, one.On)
			}
		}
	})
	t.Run("each action that is taken away makes its call fail, with its line", func(t *testing.T) {
		for _, one := range all {
			restore := edit(t, one.function, func(statement map[string]any) bool {
				if one.action == "lambda:InvokeFunction" && one.function == "url-invoke" && statement["Condition"] == nil {
					return false
				}
				actions := each(statement["Action"])
				left := slices.DeleteFunc(slices.Clone(actions), func(action any) bool { return action == one.action })
				statement["Action"] = left
				return len(left) < len(actions)
			})
			_, denied := w.asks(t, one, local)
			if assert.Len(t, denied, 1, "%s without %s", one.function, one.action) {
				assert.Regexp(t, explained(one), denied[0])
			}
			restore()
		}
	})
	t.Run("each grant that is taken away makes a call of it fail", func(t *testing.T) {
		seen := map[string]bool{}
		for _, one := range all {
			_, component, _ := strings.Cut(strings.TrimPrefix(one.on, "the key of"), " ")
			if seen[one.function] {
				continue
			}
			seen[one.function] = true
			restore := stage.Revoke(one.function, component)
			_, denied := w.asks(t, one, local)
			assert.Len(t, denied, 1, one.function)
			restore()
			_, denied = w.asks(t, one, local)
			assert.Empty(t, denied)
		}
		assert.Len(t, seen, 17)
	})
	index := use{function: "table-read", action: "dynamodb:Query", on: "table notes", grant: "notes.Read()", call: map[string]any{
		"Service": "dynamodb", "Target": "DynamoDB_20120810.Query", "Method": "POST", "URL": "/", "ContentType": "application/x-amz-json-1.0",
		"Body": `{"TableName":"$NOTES_TABLE","IndexName":"byAuthor","KeyConditionExpression":"author = :a","ExpressionAttributeValues":{":a":{"S":"x"}}}`,
	}}
	t.Run("an index less is seen", func(t *testing.T) {
		status, denied := w.asks(t, index, local)
		assert.Equal(t, 200, status)
		assert.Empty(t, denied)
		restore := edit(t, "table-read", func(statement map[string]any) bool {
			resources := each(statement["Resource"])
			left := slices.DeleteFunc(slices.Clone(resources), func(resource any) bool { return strings.Contains(resource.(string), "/index/") })
			statement["Resource"] = left
			return len(left) < len(resources)
		})
		defer restore()
		_, denied = w.asks(t, index, local)
		if assert.Len(t, denied, 1) {
			assert.Regexp(t, explained(index), denied[0])
		}
	})
	t.Run("no call reaches what stands beside", func(t *testing.T) {
		for _, one := range all {
			_, denied := w.asks(t, one, besides)
			assert.Len(t, denied, 1, "%s for %s", one.function, one.action)
		}
	})
	t.Run("a wildcard more is seen", func(t *testing.T) {
		// By who asks for what stands beside, and by the list of what is wider than it was used.
		changed := map[string]bool{}
		for _, one := range all {
			if !changed[one.function] {
				edit(t, one.function, func(statement map[string]any) bool {
					statement["Resource"] = []any{"*"}
					return true
				})
				changed[one.function] = true
			}
			_, denied := w.asks(t, one, local)
			assert.Empty(t, denied)
		}
		wide := map[string]bool{}
		for _, one := range w.world.Rights(w.all).Wide {
			assert.Equal(t, "*", one.On)
			wide[one.Function+" "+one.Action] = true
		}
		for _, one := range all {
			assert.True(t, wide[one.function+" "+one.action], "%s may %s on everything, and used it on %s", one.function, one.action, one.on)
			_, denied := w.asks(t, one, besides)
			assert.Empty(t, denied, "%s for %s", one.function, one.action)
		}
		edit(t, "queue-send", func(statement map[string]any) bool {
			changed := strings.HasPrefix(fmt.Sprint(each(statement["Action"])[0]), "sqs:")
			if changed {
				statement["Action"] = []any{"sqs:*"}
			}
			return changed
		})
		rights := w.world.Rights(w.all)
		assert.True(t, slices.ContainsFunc(rights.Wide, func(one rehearse.Wide) bool { return one.Function == "queue-send" && one.Action == "sqs:*" }), "a wildcard for the action")
	})
}
