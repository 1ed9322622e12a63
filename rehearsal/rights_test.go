package rehearsal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

const (
	notesARN = "arn:aws:dynamodb:us-east-1:111111111111:table/notes"
	asWorker = "User: arn:aws:sts::111111111111:assumed-role/worker/create-note is not authorized to perform: "
)

// worker makes a role that Lambda may assume, and gives the configuration of its session for the
// function create-note.
func worker(t *testing.T, server *rehearsal.Server, role m, statements ...any) aws.Config {
	t.Helper()
	properties := m{"RoleName": "worker", "AssumeRolePolicyDocument": m{"Statement": []any{
		m{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": m{"Service": "lambda.amazonaws.com", "AWS": dev}},
	}}}
	for name, value := range role {
		properties[name] = value
	}
	if statements != nil {
		properties["Policies"] = []any{m{"PolicyName": "own", "PolicyDocument": m{"Version": "2012-10-17", "Statement": statements}}}
	}
	makes(t, server, "AWS::IAM::Role", properties)
	given, err := sts.NewFromConfig(as(server, dev)).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::111111111111:role/worker"), RoleSessionName: aws.String("create-note"),
	})
	require.NoError(t, err)
	return with(server, credentials.NewStaticCredentialsProvider(*given.Credentials.AccessKeyId, *given.Credentials.SecretAccessKey, *given.Credentials.SessionToken))
}

func allow(resource any, actions ...any) m {
	return m{"Effect": "Allow", "Action": actions, "Resource": resource}
}

// call asks a JSON service in its protocol, with the real signature, and gives the answer, or the error
// as "Code: message".
func call(t *testing.T, config aws.Config, service, operation string, input m) string {
	t.Helper()
	body, err := json.Marshal(input)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, *config.BaseEndpoint, bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", service+"."+operation)
	keys, err := config.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	sum := sha256.Sum256(body)
	require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), keys, request, hex.EncodeToString(sum[:]), service, config.Region, time.Now()))
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	content, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	if service == "dynamodb" { // the SDKs compare
		require.Equal(t, strconv.FormatUint(uint64(crc32.ChecksumIEEE(content)), 10), answer.Header.Get("X-Amz-Crc32"))
	}
	if answer.StatusCode == http.StatusOK {
		return string(content)
	}
	var refused struct {
		Type    string `json:"__type"`
		Message string
	}
	require.NoError(t, json.Unmarshal(content, &refused), string(content))
	return refused.Type + ": " + refused.Message
}

// furnished has what the calls of this file are about.
func furnished(t *testing.T) *rehearsal.Server {
	server := start(t)
	notes := table("notes")
	notes["AttributeDefinitions"] = append(notes["AttributeDefinitions"].([]any), m{"AttributeName": "author", "AttributeType": "S"})
	notes["GlobalSecondaryIndexes"] = []any{m{"IndexName": "byAuthor", "KeySchema": []any{m{"AttributeName": "author", "KeyType": "HASH"}}, "Projection": m{"ProjectionType": "ALL"}}}
	makes(t, server, "AWS::DynamoDB::Table", notes)
	makes(t, server, "AWS::DynamoDB::Table", table("other"))
	makes(t, server, "AWS::S3::Bucket", m{"BucketName": "notes-bucket"})
	makes(t, server, "AWS::SSM::Parameter", m{"Name": "/notes/limit", "Type": "String", "Value": "7"})
	makes(t, server, "AWS::SecretsManager::Secret", m{"Name": "token", "SecretString": "first"})
	return server
}

// Each call may be made with the grants of all, and not without its own.
func TestEachGrantThatIsTakenAwayMakesItsCallFail(t *testing.T) {
	item := m{"id": m{"S": "a"}, "author": m{"S": "x"}}
	key := m{"id": m{"S": "a"}}
	const (
		index     = notesARN + "/index/byAuthor"
		secret    = "arn:aws:secretsmanager:us-east-1:111111111111:secret:token-*"
		parameter = "arn:aws:ssm:us-east-1:111111111111:parameter/notes/limit"
		object    = "arn:aws:s3:::notes-bucket/a"
	)
	objects := func(config aws.Config) *s3.Client {
		return s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	}
	failure := func(err error) string {
		if err != nil {
			return err.Error()
		}
		return "{}"
	}
	calls := []struct {
		action, resource string
		call             func(t *testing.T, config aws.Config) string
	}{
		{"dynamodb:PutItem", notesARN, func(t *testing.T, c aws.Config) string {
			return call(t, c, "dynamodb", "PutItem", m{"TableName": "notes", "Item": item})
		}},
		{"dynamodb:GetItem", notesARN, func(t *testing.T, c aws.Config) string {
			return call(t, c, "dynamodb", "GetItem", m{"TableName": "notes", "Key": key})
		}},
		{"dynamodb:UpdateItem", notesARN, func(t *testing.T, c aws.Config) string {
			return call(t, c, "dynamodb", "UpdateItem", m{"TableName": "notes", "Key": key})
		}},
		{"dynamodb:DescribeTable", notesARN, func(t *testing.T, c aws.Config) string {
			return call(t, c, "dynamodb", "DescribeTable", m{"TableName": "notes"})
		}},
		{"dynamodb:Scan", notesARN, func(t *testing.T, c aws.Config) string {
			return call(t, c, "dynamodb", "Scan", m{"TableName": "notes"})
		}},
		{"dynamodb:Query", index, func(t *testing.T, c aws.Config) string {
			return call(t, c, "dynamodb", "Query", m{"TableName": "notes", "IndexName": "byAuthor", "KeyConditionExpression": "author = :a", "ExpressionAttributeValues": m{":a": m{"S": "x"}}})
		}},
		{"dynamodb:BatchGetItem", notesARN, func(t *testing.T, c aws.Config) string {
			return call(t, c, "dynamodb", "BatchGetItem", m{"RequestItems": m{"notes": m{"Keys": []any{key}}}})
		}},
		{"dynamodb:BatchWriteItem", notesARN, func(t *testing.T, c aws.Config) string {
			return call(t, c, "dynamodb", "BatchWriteItem", m{"RequestItems": m{"notes": []any{m{"PutRequest": m{"Item": item}}}}})
		}},
		{"dynamodb:ConditionCheckItem", notesARN, func(t *testing.T, c aws.Config) string {
			return call(t, c, "dynamodb", "TransactWriteItems", m{"TransactItems": []any{m{"ConditionCheck": m{"TableName": "notes", "Key": key, "ConditionExpression": "attribute_exists(id)"}}}})
		}},
		{"dynamodb:DeleteItem", notesARN, func(t *testing.T, c aws.Config) string {
			return call(t, c, "dynamodb", "TransactWriteItems", m{"TransactItems": []any{m{"Delete": m{"TableName": "notes", "Key": key}}}})
		}},
		{"s3:PutObject", object, func(t *testing.T, c aws.Config) string {
			_, err := objects(c).PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("notes-bucket"), Key: aws.String("a"), Body: strings.NewReader("x")})
			return failure(err)
		}},
		{"s3:GetObject", object, func(t *testing.T, c aws.Config) string {
			_, err := objects(c).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("notes-bucket"), Key: aws.String("a")})
			return failure(err)
		}},
		{"s3:ListBucket", "arn:aws:s3:::notes-bucket", func(t *testing.T, c aws.Config) string {
			_, err := objects(c).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("notes-bucket")})
			return failure(err)
		}},
		{"s3:DeleteObject", object, func(t *testing.T, c aws.Config) string {
			_, err := objects(c).DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("notes-bucket"), Key: aws.String("a")})
			return failure(err)
		}},
		{"ssm:GetParameter", parameter, func(t *testing.T, c aws.Config) string {
			return call(t, c, "ssm", "GetParameter", m{"Name": "/notes/limit"})
		}},
		{"ssm:GetParameters", parameter, func(t *testing.T, c aws.Config) string {
			return call(t, c, "ssm", "GetParameters", m{"Names": []any{"/notes/limit"}})
		}},
		{"secretsmanager:GetSecretValue", secret, func(t *testing.T, c aws.Config) string {
			return call(t, c, "secretsmanager", "GetSecretValue", m{"SecretId": "token"})
		}},
		{"secretsmanager:PutSecretValue", secret, func(t *testing.T, c aws.Config) string {
			return call(t, c, "secretsmanager", "PutSecretValue", m{"SecretId": "token", "SecretString": "second"})
		}},
		{"secretsmanager:DescribeSecret", secret, func(t *testing.T, c aws.Config) string {
			return call(t, c, "secretsmanager", "DescribeSecret", m{"SecretId": "token"})
		}},
	}
	var all []any
	for _, each := range calls {
		all = append(all, allow(each.resource, each.action))
	}
	t.Run("with all grants no call is denied", func(t *testing.T) {
		config := worker(t, furnished(t), nil, all...)
		for _, each := range calls {
			require.True(t, strings.HasPrefix(each.call(t, config), "{"), "%s: %s", each.action, each.call(t, config))
		}
	})
	for i, each := range calls {
		t.Run("without "+each.action, func(t *testing.T) {
			config := worker(t, furnished(t), nil, slices.Delete(slices.Clone(all), i, i+1)...)
			got := each.call(t, config)
			require.Contains(t, got, "AccessDenied")
			require.Contains(t, got, asWorker+each.action+" on resource: ")
			require.Contains(t, got, "because no identity-based policy allows the "+each.action+" action")
		})
	}
}

func TestARefusalNamesTheKindOfPolicyAsAWSDoes(t *testing.T) {
	get := func(t *testing.T, config aws.Config) string {
		return call(t, config, "dynamodb", "GetItem", m{"TableName": "notes", "Key": m{"id": m{"S": "a"}}})
	}
	all := allow("*", "dynamodb:*")
	t.Run("an explicit denial", func(t *testing.T) {
		config := worker(t, furnished(t), nil, all, m{"Effect": "Deny", "Action": "dynamodb:*", "Resource": notesARN})
		require.Equal(t, "AccessDeniedException: "+asWorker+"dynamodb:GetItem on resource: "+notesARN+" with an explicit deny in an identity-based policy", get(t, config))
	})
	t.Run("a permissions boundary", func(t *testing.T) {
		server := furnished(t)
		boundary := makes(t, server, "AWS::IAM::ManagedPolicy", m{"ManagedPolicyName": "limit", "PolicyDocument": m{"Version": "2012-10-17", "Statement": []any{allow("*", "s3:*")}}})
		config := worker(t, server, m{"PermissionsBoundary": boundary.PhysicalID}, all)
		require.Equal(t, "AccessDeniedException: "+asWorker+"dynamodb:GetItem on resource: "+notesARN+" because no permissions boundary allows the dynamodb:GetItem action", get(t, config))
	})
	t.Run("a policy of a resource of its own, which is seen at once", func(t *testing.T) {
		server := furnished(t)
		config := worker(t, server, nil)
		require.Contains(t, get(t, config), "AccessDeniedException")
		makes(t, server, "AWS::IAM::Policy", m{"PolicyName": "later", "Roles": []any{"worker"}, "PolicyDocument": m{"Version": "2012-10-17", "Statement": []any{all}}})
		require.Equal(t, "{}", get(t, config))
	})
	t.Run("an index is no table", func(t *testing.T) {
		config := worker(t, furnished(t), nil, allow(notesARN, "dynamodb:*"))
		got := call(t, config, "dynamodb", "Scan", m{"TableName": "notes", "IndexName": "byAuthor"})
		require.Equal(t, "AccessDeniedException: "+asWorker+"dynamodb:Scan on resource: "+notesARN+"/index/byAuthor because no identity-based policy allows the dynamodb:Scan action", got)
	})
	t.Run("another table", func(t *testing.T) {
		config := worker(t, furnished(t), nil, allow(notesARN, "dynamodb:*"))
		require.Contains(t, call(t, config, "dynamodb", "Scan", m{"TableName": "other"}), "table/other because no identity-based policy")
	})
	t.Run("the accounts' users may everything", func(t *testing.T) {
		server := furnished(t)
		require.Equal(t, "{}", get(t, as(server, dev)))
		calls := server.Calls()
		require.Nil(t, calls[len(calls)-1].Rights)
	})
	t.Run("calls have their rights", func(t *testing.T) {
		server := furnished(t)
		config := worker(t, server, nil, allow(notesARN, "dynamodb:GetItem"))
		get(t, config)
		call(t, config, "dynamodb", "DeleteItem", m{"TableName": "notes", "Key": m{"id": m{"S": "a"}}})
		calls := server.Calls()
		require.Equal(t, []rehearsal.Right{{Action: "dynamodb:GetItem", Resource: notesARN, Allowed: true}}, calls[len(calls)-2].Rights)
		require.Equal(t, []rehearsal.Right{{Action: "dynamodb:DeleteItem", Resource: notesARN}}, calls[len(calls)-1].Rights)
	})
}

// What a service does with a customer's key it does on behalf of who asks, who needs the right to it, through
// that service. https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
func TestWhoMayNotUseAKeyMayNotUseWhatItEncrypts(t *testing.T) {
	server := start(t)
	key := makes(t, server, "AWS::KMS::Key", m{}).Attributes["Arn"].(string)
	makes(t, server, "AWS::KMS::Alias", m{"AliasName": "alias/ours", "TargetKeyId": key})
	properties := table("notes")
	properties["SSESpecification"] = m{"SSEEnabled": true, "SSEType": "KMS", "KMSMasterKeyId": key}
	makes(t, server, "AWS::DynamoDB::Table", properties)
	makes(t, server, "AWS::S3::Bucket", m{"BucketName": "notes-bucket", "BucketEncryption": m{"ServerSideEncryptionConfiguration": []any{m{"ServerSideEncryptionByDefault": m{"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}}}})
	makes(t, server, "AWS::SecretsManager::Secret", m{"Name": "token", "SecretString": "first", "KmsKeyId": key})
	queue := makes(t, server, "AWS::SQS::Queue", m{"QueueName": "work", "KmsMasterKeyId": "alias/ours"}).PhysicalID
	topic := makes(t, server, "AWS::SNS::Topic", m{"TopicName": "news", "KmsMasterKeyId": "alias/ours"}).PhysicalID
	config := worker(t, server, nil, allow("*", "dynamodb:*", "s3:*", "secretsmanager:*", "sqs:*", "sns:*"))
	const of = " on resource: "
	noPolicy := func(action string) string {
		return asWorker + action + of + key + " because no identity-based policy allows the " + action + " action"
	}
	objects := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	for name, tt := range map[string]struct {
		service string
		actions []any
		call    func(t *testing.T) string
		says    string
	}{
		// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
		"a table": {"dynamodb", []any{"kms:Decrypt"}, func(t *testing.T) string {
			return call(t, config, "dynamodb", "GetItem", m{"TableName": "notes", "Key": m{"id": m{"S": "a"}}})
		}, "AccessDeniedException: " + noPolicy("kms:Decrypt")},
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
		"a bucket": {"s3", []any{"kms:GenerateDataKey"}, func(t *testing.T) string {
			if _, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("notes-bucket"), Key: aws.String("a"), Body: strings.NewReader("x")}); err != nil {
				return err.Error()
			}
			return "{}"
		}, "AccessDenied: " + noPolicy("kms:GenerateDataKey")},
		// https://github.com/aws-samples/aws-secrets-manager-rotation-lambdas/issues/53
		"a secret": {"secretsmanager", []any{"kms:Decrypt"}, func(t *testing.T) string {
			return call(t, config, "secretsmanager", "GetSecretValue", m{"SecretId": "token"})
		}, "AccessDeniedException: Access to KMS is not allowed"},
		// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
		"a queue, to send": {"sqs", []any{"kms:GenerateDataKey", "kms:Decrypt"}, func(t *testing.T) string {
			return call(t, config, "sqs", "SendMessage", m{"QueueUrl": queue, "MessageBody": "x"})
		}, "com.amazonaws.sqs#KmsAccessDenied: " + noPolicy("kms:GenerateDataKey") + " (Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException; "},
		// https://github.com/opensearch-project/data-prepper/issues/2422
		"a queue, to receive": {"sqs", []any{"kms:Decrypt"}, func(t *testing.T) string {
			return call(t, config, "sqs", "ReceiveMessage", m{"QueueUrl": queue})
		}, "com.amazonaws.sqs#KmsAccessDenied: The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access. (Service: AWSKMS; "},
		// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#sns-what-permissions-for-sse
		"a topic": {"sns", []any{"kms:GenerateDataKey", "kms:Decrypt"}, func(t *testing.T) string {
			if _, err := sns.NewFromConfig(config).Publish(t.Context(), &sns.PublishInput{TopicArn: &topic, Message: aws.String("x")}); err != nil {
				return err.Error()
			}
			return "{}"
		}, noPolicy("kms:GenerateDataKey") + " (Service: AWSKMS; "},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, tt.call(t), tt.says)
			for through, may := range map[string]bool{"ec2.us-east-1.amazonaws.com": false, tt.service + ".us-east-1.amazonaws.com": true} {
				granted := makes(t, server, "AWS::IAM::Policy", m{"PolicyName": "key", "Roles": []any{"worker"}, "PolicyDocument": m{"Version": "2012-10-17", "Statement": []any{m{
					"Effect": "Allow", "Action": tt.actions, "Resource": key, "Condition": m{"StringEquals": m{"kms:ViaService": through}},
				}}}})
				if may {
					require.Equal(t, byte('{'), tt.call(t)[0], tt.call(t))
				} else {
					require.Contains(t, tt.call(t), tt.says)
				}
				require.NoError(t, server.Account(dev).Delete(region, granted.Type, granted.PhysicalID))
			}
		})
	}
}

// https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html
func TestAKeyIsUsedByWhomItsPolicyAndTheirOwnLetIn(t *testing.T) {
	server := start(t)
	root := m{"Effect": "Allow", "Principal": m{"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:*", "Resource": "*"}
	policy := func(statements ...any) m { return m{"KeyPolicy": m{"Version": "2012-10-17", "Statement": statements}} }
	config := worker(t, server, nil, allow("*", "kms:Encrypt"), m{
		"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": m{"StringEquals": m{"kms:EncryptionContext:of": "notes"}},
	})
	ofAccount := makes(t, server, "AWS::KMS::Key", m{}).PhysicalID
	makes(t, server, "AWS::KMS::Alias", m{"AliasName": "alias/ours", "TargetKeyId": ofAccount})
	onlyWorker := policy(m{"Effect": "Allow", "Principal": m{"AWS": "arn:aws:iam::111111111111:role/worker"}, "Action": "kms:*", "Resource": "*"})
	onlyWorker["BypassPolicyLockoutSafetyCheck"] = true
	ofWorker := makes(t, server, "AWS::KMS::Key", onlyWorker).PhysicalID
	denied := makes(t, server, "AWS::KMS::Key", policy(root, m{"Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*"})).PhysicalID
	foreign, err := server.Account(production).Create(region, "AWS::KMS::Key", policy(m{"Effect": "Allow", "Principal": m{"AWS": []any{dev, production}}, "Action": "kms:*", "Resource": "*"}))
	require.NoError(t, err)
	closed, err := server.Account(production).Create(region, "AWS::KMS::Key", m{})
	require.NoError(t, err)

	user := as(server, dev)
	seals := func(config aws.Config, key any) string {
		return call(t, config, "kms", "Encrypt", m{"KeyId": key, "Plaintext": []byte("milk"), "EncryptionContext": m{"of": "notes"}})
	}
	for name, tt := range map[string]struct {
		config aws.Config
		key    any
		says   string
	}{
		"a role, by its own policy":           {config, ofAccount, `"CiphertextBlob"`},
		"a role, by an alias":                 {config, "alias/ours", `"CiphertextBlob"`},
		"a role, by the key's policy":         {config, ofWorker, `"CiphertextBlob"`},
		"a role, denied by the key's policy":  {config, denied, "kms:Encrypt on resource: arn:aws:kms:us-east-1:111111111111:key/" + denied + " with an explicit deny in a resource-based policy"},
		"a user whom the account lets in":     {user, ofAccount, `"CiphertextBlob"`},
		"a user whom the key does not let in": {user, ofWorker, "AccessDeniedException: User: arn:aws:iam::111111111111:user/dev is not authorized to perform: kms:Encrypt"},
		"another account's key":               {config, foreign.Attributes["Arn"], `"CiphertextBlob"`},
		"another account's closed key":        {config, closed.Attributes["Arn"], "because no resource-based policy allows the kms:Encrypt action"},
		"no key":                              {config, "1234", "NotFoundException: Key 'arn:aws:kms:us-east-1:111111111111:key/1234' does not exist"},
		"no alias":                            {config, "alias/none", "NotFoundException: Alias arn:aws:kms:us-east-1:111111111111:alias/none is not found."},
	} {
		t.Run(name, func(t *testing.T) { require.Contains(t, seals(tt.config, tt.key), tt.says) })
	}

	var sealed struct{ CiphertextBlob []byte }
	require.NoError(t, json.Unmarshal([]byte(seals(config, "alias/ours")), &sealed))
	opens := func(context, key any) string {
		input := m{"CiphertextBlob": sealed.CiphertextBlob, "EncryptionContext": context}
		if key != nil {
			input["KeyId"] = key
		}
		return call(t, config, "kms", "Decrypt", input)
	}
	// https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
	require.Contains(t, opens(m{"of": "notes"}, nil), `"Plaintext":"bWlsaw=="`)
	require.Contains(t, opens(m{"of": "orders"}, nil), "AccessDeniedException: The ciphertext refers to a customer master key that does not exist", "the policy is of another context")
	require.Contains(t, call(t, user, "kms", "Decrypt", m{"CiphertextBlob": sealed.CiphertextBlob}), "InvalidCiphertextException")
	require.Contains(t, call(t, user, "kms", "Decrypt", m{"CiphertextBlob": []byte("x")}), "InvalidCiphertextException")
	require.Contains(t, opens(m{"of": "notes"}, ofWorker), "IncorrectKeyException")
	again := call(t, user, "kms", "ReEncrypt", m{"CiphertextBlob": sealed.CiphertextBlob, "SourceEncryptionContext": m{"of": "notes"}, "DestinationKeyId": foreign.Attributes["Arn"]})
	require.Contains(t, again, `"KeyId":"`+foreign.Attributes["Arn"].(string))
	require.Contains(t, call(t, config, "kms", "ReEncrypt", m{"CiphertextBlob": sealed.CiphertextBlob, "SourceEncryptionContext": m{"of": "notes"}, "DestinationKeyId": ofWorker}), "kms:ReEncryptFrom")
	var data struct{ Plaintext, CiphertextBlob []byte }
	require.NoError(t, json.Unmarshal([]byte(call(t, user, "kms", "GenerateDataKey", m{"KeyId": ofAccount, "KeySpec": "AES_256"})), &data))
	require.Len(t, data.Plaintext, 32)
	require.NotContains(t, call(t, user, "kms", "GenerateDataKeyWithoutPlaintext", m{"KeyId": ofAccount, "NumberOfBytes": 8}), "Plaintext\":")
	require.Contains(t, call(t, user, "kms", "GenerateDataKey", m{"KeyId": ofAccount}), "Please specify either number of bytes or key spec.")
	require.Contains(t, call(t, user, "kms", "DescribeKey", m{"KeyId": ofAccount}), `"KeyState":"Enabled"`)
	require.Contains(t, call(t, user, "kms", "GetKeyPolicy", m{"KeyId": ofAccount}), "arn:aws:iam::111111111111:root")
	require.Contains(t, call(t, user, "kms", "GetKeyRotationStatus", m{"KeyId": ofAccount}), `"KeyRotationEnabled":false`)
	require.Contains(t, call(t, user, "kms", "ListAliases", m{"KeyId": ofAccount}), `"AliasName":"alias/ours"`)
	require.Contains(t, call(t, user, "kms", "ListKeys", m{"Limit": 1}), `"Truncated":true`)
}

// https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
func TestAnEndpointsPolicyHoldsForTheFunctionsOfItsNetwork(t *testing.T) {
	server := furnished(t)
	vpc := makes(t, server, "AWS::EC2::VPC", m{"CidrBlock": "10.0.0.0/16"})
	subnet := makes(t, server, "AWS::EC2::Subnet", m{"VpcId": vpc.PhysicalID, "CidrBlock": "10.0.0.0/24", "AvailabilityZone": "us-east-1a"})
	group := makes(t, server, "AWS::EC2::SecurityGroup", m{"VpcId": vpc.PhysicalID, "GroupDescription": "d"})
	makes(t, server, "AWS::EC2::VPCEndpoint", m{"VpcId": vpc.PhysicalID, "ServiceName": "com.amazonaws.us-east-1.dynamodb", "PolicyDocument": m{
		"Version": "2012-10-17", "Statement": []any{m{"Effect": "Allow", "Principal": "*", "Action": "dynamodb:GetItem", "Resource": "*"}},
	}})
	own := "arn:aws:lambda:us-east-1:111111111111:function:create-note"
	config := worker(t, server, nil, allow("*", "dynamodb:*", "ec2:*"), m{
		"Effect": "Deny", "Action": "dynamodb:Scan", "Resource": "*", "Condition": m{"ArnEquals": m{"lambda:SourceFunctionArn": own}},
	})
	makes(t, server, "AWS::Lambda::Function", m{
		"FunctionName": "create-note", "Role": "arn:aws:iam::111111111111:role/worker", "Runtime": "provided.al2023", "Handler": "bootstrap",
		"Code": m{"ZipFile": "x"}, "VpcConfig": m{"SubnetIds": []any{subnet.PhysicalID}, "SecurityGroupIds": []any{group.PhysicalID}},
	})
	key := m{"id": m{"S": "a"}}
	require.Equal(t, "{}", call(t, config, "dynamodb", "GetItem", m{"TableName": "notes", "Key": key}))
	require.Equal(t, "AccessDeniedException: "+asWorker+"dynamodb:DeleteItem on resource: "+notesARN+" because no VPC endpoint policy allows the dynamodb:DeleteItem action",
		call(t, config, "dynamodb", "DeleteItem", m{"TableName": "notes", "Key": key}))
	require.Contains(t, call(t, config, "dynamodb", "Scan", m{"TableName": "notes"}), "with an explicit deny in an identity-based policy", "the denial is for this function's own code")
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html
func TestABucketsPolicyAllowsAndDenies(t *testing.T) {
	server := furnished(t)
	makes(t, server, "AWS::S3::BucketPolicy", m{"Bucket": "notes-bucket", "PolicyDocument": m{"Version": "2012-10-17", "Statement": []any{
		m{"Effect": "Deny", "Principal": m{"AWS": "*"}, "Action": "s3:*", "Resource": []any{"arn:aws:s3:::notes-bucket", "arn:aws:s3:::notes-bucket/*"}, "Condition": m{"Bool": m{"aws:SecureTransport": "false"}}},
		m{"Effect": "Allow", "Principal": m{"AWS": dev}, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::notes-bucket/by-account"},
	}}})
	config := worker(t, server, nil, allow("arn:aws:s3:::notes-bucket/own", "s3:PutObject", "s3:GetObject"))
	client := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	put := func(key string) error {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("notes-bucket"), Key: &key, Body: strings.NewReader("x")})
		return err
	}
	require.NoError(t, put("own"))
	require.ErrorContains(t, put("by-account"), `s3:PutObject on resource: "arn:aws:s3:::notes-bucket/by-account" because no identity-based policy allows`)
	_, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("notes-bucket"), Key: aws.String("own")})
	require.NoError(t, err)
	require.NoError(t, func() error {
		_, err := s3.NewFromConfig(as(server, dev), func(o *s3.Options) { o.UsePathStyle = true }).DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("notes-bucket"), Key: aws.String("own")})
		return err
	}())
	// Who may not list is not told what is not there. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
	_, err = client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("notes-bucket"), Key: aws.String("own")})
	require.ErrorContains(t, err, "s3:ListBucket")
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
func TestWhatAnotherAccountHasIsDenied(t *testing.T) {
	server := furnished(t)
	_, err := server.Account(production).Create(region, "AWS::DynamoDB::Table", table("notes"))
	require.NoError(t, err)
	foreign := strings.Replace(notesARN, dev, production, 1)
	config := worker(t, server, nil, allow("*", "*"))
	for name, tt := range map[string]struct {
		config aws.Config
		who    string
	}{
		"a function that may everything": {config, asWorker},
		"a user":                         {as(server, dev), "User: arn:aws:iam::111111111111:user/dev is not authorized to perform: "},
	} {
		t.Run(name, func(t *testing.T) {
			for service, each := range map[string]struct {
				operation, action, resource string
				input                       m
			}{
				"dynamodb":       {"GetItem", "dynamodb:GetItem", foreign, m{"TableName": foreign, "Key": m{"id": m{"S": "a"}}}},
				"ssm":            {"GetParameter", "ssm:GetParameter", "arn:aws:ssm:us-east-1:333333333333:parameter/notes/limit", m{"Name": "arn:aws:ssm:us-east-1:333333333333:parameter/notes/limit"}},
				"secretsmanager": {"GetSecretValue", "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:333333333333:secret:token-abcdef", m{"SecretId": "arn:aws:secretsmanager:us-east-1:333333333333:secret:token-abcdef"}},
			} {
				require.Equal(t, "AccessDeniedException: "+tt.who+each.action+" on resource: "+each.resource+" because no resource-based policy allows the "+each.action+" action",
					call(t, tt.config, service, each.operation, each.input))
			}
			_, err := lambda.NewFromConfig(tt.config).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("arn:aws:lambda:us-east-1:333333333333:function:create-note")})
			requireCode(t, err, "AccessDeniedException")
			require.ErrorContains(t, err, "because no resource-based policy allows the lambda:InvokeFunction action")
		})
	}
}

func TestWhatCannotBeDecidedIsRefusedLoudly(t *testing.T) {
	scan := m{"TableName": "notes"}
	t.Run("a key of which nothing is known", func(t *testing.T) {
		config := worker(t, furnished(t), nil, m{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": m{"StringEquals": m{"aws:PrincipalOrgID": "o-1"}}})
		require.Contains(t, call(t, config, "dynamodb", "Scan", scan), "NotImplemented: the rehearsal cannot decide dynamodb:Scan on "+notesARN+": a policy has a condition on aws:principalorgid")
	})
	t.Run("a managed policy of AWS", func(t *testing.T) {
		config := worker(t, furnished(t), m{"ManagedPolicyArns": []any{"arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess"}})
		require.Contains(t, call(t, config, "dynamodb", "Scan", scan), "it has the policy arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess, whose document is not known")
	})
	t.Run("an operation without a row", func(t *testing.T) {
		config := worker(t, furnished(t), nil, allow("*", "*"))
		require.Contains(t, call(t, config, "organizations", "ListAccounts", m{}), "NotImplemented: the rehearsal does not know which rights a function needs for ListAccounts of organizations")
	})
	t.Run("a session policy", func(t *testing.T) {
		server := furnished(t)
		worker(t, server, nil)
		_, err := sts.NewFromConfig(as(server, dev)).AssumeRole(t.Context(), &sts.AssumeRoleInput{
			RoleArn: aws.String("arn:aws:iam::111111111111:role/worker"), RoleSessionName: aws.String("x"), Policy: aws.String("{}"),
		})
		require.ErrorContains(t, err, "the rehearsal does not know session policies")
	})
}

// https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html#term_version
func TestASecretHasTheValueThatWasPutLast(t *testing.T) {
	server := start(t)
	config := as(server, dev)
	made := makes(t, server, "AWS::SecretsManager::Secret", m{"Name": "token"})
	makes(t, server, "AWS::SecretsManager::Secret", m{"Name": "login", "GenerateSecretString": m{"SecretStringTemplate": `{"user": "a"}`, "GenerateStringKey": "password", "PasswordLength": int64(20)}})
	value := func(id string, more ...string) string {
		input := m{"SecretId": id}
		for _, stage := range more {
			input["VersionStage"] = stage
		}
		return call(t, config, "secretsmanager", "GetSecretValue", input)
	}
	require.Equal(t, "ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSCURRENT", value("token"))
	require.Equal(t, "ResourceNotFoundException: Secrets Manager can't find the specified secret.", value("none"))
	for _, each := range []string{"first", "second"} {
		require.Contains(t, call(t, config, "secretsmanager", "PutSecretValue", m{"SecretId": "token", "SecretString": each}), `"VersionStages":["AWSCURRENT"]`)
	}
	require.Contains(t, value(made.PhysicalID), `"SecretString":"second"`)
	require.Contains(t, value(made.PhysicalID[:len(made.PhysicalID)-7]), `"SecretString":"second"`)
	require.Contains(t, value("token", "AWSPREVIOUS"), `"SecretString":"first"`)
	var login struct{ SecretString string }
	require.NoError(t, json.Unmarshal([]byte(value("login")), &login))
	var parts map[string]string
	require.NoError(t, json.Unmarshal([]byte(login.SecretString), &parts))
	require.Equal(t, "a", parts["user"])
	require.Len(t, parts["password"], 20)

	second := start(t)
	require.NoError(t, second.Load(strings.NewReader(saved(t, server))))
	config = as(second, dev)
	require.Contains(t, value("token"), `"SecretString":"second"`)
}

func BenchmarkRightsOfACall(b *testing.B) {
	for _, decided := range []bool{false, true} {
		b.Run(fmt.Sprintf("decided=%t", decided), func(b *testing.B) {
			server, err := rehearsal.Start(rehearsal.Config{Accounts: []rehearsal.Account{{ID: dev, AccessKeyID: "AKIADEV", SecretAccessKey: "dev secret"}}})
			require.NoError(b, err)
			defer func() { require.NoError(b, server.Close()) }()
			trust := m{"Statement": []any{m{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": m{"AWS": dev}}}}
			if decided {
				trust["Statement"].([]any)[0].(m)["Principal"].(m)["Service"] = "lambda.amazonaws.com"
			}
			for kind, properties := range map[string]m{
				"AWS::DynamoDB::Table": table("notes"),
				"AWS::IAM::Role": {"RoleName": "worker", "AssumeRolePolicyDocument": trust, "Policies": []any{m{"PolicyName": "own", "PolicyDocument": m{"Version": "2012-10-17", "Statement": []any{
					allow(notesARN, "dynamodb:GetItem"), allow("arn:aws:logs:us-east-1:111111111111:log-group:x", "logs:PutLogEvents"),
				}}}}},
			} {
				_, err := server.Account(dev).Create(region, kind, properties)
				require.NoError(b, err)
			}
			given, err := sts.NewFromConfig(as(server, dev)).AssumeRole(b.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111111111111:role/worker"), RoleSessionName: aws.String("x")})
			require.NoError(b, err)
			client := dynamodb.NewFromConfig(with(server, credentials.NewStaticCredentialsProvider(*given.Credentials.AccessKeyId, *given.Credentials.SecretAccessKey, *given.Credentials.SessionToken)))
			for b.Loop() {
				_, err := client.GetItem(b.Context(), &dynamodb.GetItemInput{TableName: aws.String("notes"), Key: map[string]types.AttributeValue{"id": text("a")}})
				require.NoError(b, err)
			}
		})
	}
}

func TestTheServerTellsWhatFunctionsMayAndHaveUsed(t *testing.T) {
	var mu sync.Mutex
	var denials []rehearsal.Denial
	server, err := rehearsal.Start(rehearsal.Config{
		Accounts: []rehearsal.Account{{ID: dev, AccessKeyID: "AKIADEV", SecretAccessKey: "dev secret"}},
		Functions: rehearsal.Functions{Denied: func(denied rehearsal.Denial) {
			mu.Lock()
			defer mu.Unlock()
			denials = append(denials, denied)
		}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	makes(t, server, "AWS::DynamoDB::Table", table("notes"))
	config := worker(t, server, nil, allow(notesARN, "dynamodb:GetItem", "dynamodb:PutItem"), allow("*", "states:StartExecution"))
	arn := makes(t, server, "AWS::Lambda::Function", m{
		"FunctionName": "create-note", "Handler": "a", "Runtime": "provided.al2023", "Role": "arn:aws:iam::111111111111:role/worker", "Code": m{"ZipFile": "x"},
	}).Attributes["Arn"].(string)
	key := m{"id": m{"S": "a"}}
	require.Equal(t, "{}", call(t, config, "dynamodb", "GetItem", m{"TableName": "notes", "Key": key}))
	require.Contains(t, call(t, config, "dynamodb", "DeleteItem", m{"TableName": "notes", "Key": key}), "AccessDenied")
	require.Equal(t, []rehearsal.Denial{{Function: arn, Right: rehearsal.Right{Action: "dynamodb:DeleteItem", Resource: notesARN}}}, denials)
	grant := rehearsal.Grant{Account: dev, Region: region, Function: arn, Resource: notesARN, Served: true}
	grant.Used = []rehearsal.Right{}
	get, put, send := grant, grant, grant
	get.Action, get.Used = "dynamodb:GetItem", []rehearsal.Right{{Action: "dynamodb:GetItem", Resource: notesARN, Allowed: true}}
	put.Action = "dynamodb:PutItem"
	send.Action, send.Resource, send.Served = "states:StartExecution", "*", false
	require.Equal(t, []rehearsal.Grant{get, put, send}, server.Grants())
}
