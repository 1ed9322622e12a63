package rehearsal

import (
	"encoding/xml"
	"maps"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/rehearsal/internal/policy"
	"github.com/roadshow-go/roadshow/stages"
)

// right is one action on one resource that a call needs, with what is known of it.
type right struct {
	action, resource string
	// owner is the account of the resource; empty for an action on none.
	owner string
	// context are the keys of the service itself.
	context policy.Context
	// of gives the policies of the resource, as documents; decides means that nothing is allowed without
	// them. holder is what they are of, where that is not the resource: a bucket, of an object.
	of      func() []any
	holder  string
	decides bool
	// tags are the resource's.
	tags object
}

// rightsOf says what each operation needs, by service. An operation without a row cannot be decided,
// and is refused when a function calls it.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
var rightsOf map[string]map[string]func(*request) []right

func init() {
	rightsOf = map[string]map[string]func(*request) []right{
		"dynamodb":       dynamoDBRights(),
		"events":         busRights(),
		"kms":            kmsRights(),
		"lambda":         lambdaRights(),
		"s3":             s3Rights(),
		"secretsmanager": secretRights(),
		"sns":            topicRights(),
		"sqs":            queueRights(),
		"ssm":            parameterRights(),
		"sts": {
			// No rights are needed. https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
			"GetCallerIdentity": func(*request) []right { return nil },
			"AssumeRole":        assumeRoleRights,
		},
	}
}

// onNothing is a right on no resource.
func onNothing(action string) func(*request) []right {
	return func(*request) []right { return []right{{action: action, resource: "*"}} }
}

// arnOf is the ARN of a resource in a place.
func arnOf(at place, service, resource string) string {
	return "arn:" + stages.Partition(at.region) + ":" + service + ":" + at.region + ":" + at.account + ":" + resource
}

// homeOf is the place that an ARN names; the request's own for what is no ARN.
func (r *request) homeOf(reference string) place {
	if parts := strings.SplitN(reference, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		return place{parts[4], parts[3]}
	}
	return r.at()
}

// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
func dynamoDBRights() map[string]func(*request) []right {
	on := func(parameter string, suffix func(*request) string, keyActions ...string) func(*request) []right {
		return func(r *request) []right {
			return r.tableRights("dynamodb:"+r.operation, r.text(parameter), suffix(r), keyActions...)
		}
	}
	whole := func(*request) string { return "" }
	index := func(r *request) string {
		if name := r.text("IndexName"); name != "" {
			return "/index/" + name
		}
		return ""
	}
	rows := map[string]func(*request) []right{
		"ListTables":         onNothing("dynamodb:ListTables"),
		"ListTagsOfResource": on("ResourceArn", whole),
		"Query":              on("TableName", index, "kms:Decrypt"),
		"Scan":               on("TableName", index, "kms:Decrypt"),
		"BatchGetItem":       batchRights,
		"BatchWriteItem":     batchRights,
		"TransactGetItems":   transactionRights,
		"TransactWriteItems": transactionRights,
	}
	for _, name := range []string{"DescribeTable", "CreateTable", "UpdateTable", "DeleteTable", "DescribeContinuousBackups", "DescribeTimeToLive"} {
		rows[name] = on("TableName", whole)
	}
	for _, name := range []string{"GetItem", "PutItem", "UpdateItem", "DeleteItem"} {
		rows[name] = on("TableName", whole, "kms:Decrypt")
	}
	return rows
}

// tableRights are the rights on a table, or on what a suffix names of it, and on the table's key.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
func (r *request) tableRights(action, reference, suffix string, keyActions ...string) []right {
	at, name := r.homeOf(reference), reference[strings.LastIndex(reference, "/")+1:]
	needed := right{action: action, resource: arnOf(at, "dynamodb", "table/"+name+suffix), owner: at.account, context: policy.Context{
		"dynamodb:returnconsumedcapacity": optional(r.text("ReturnConsumedCapacity")), "dynamodb:returnvalues": optional(r.text("ReturnValues")),
		"dynamodb:select": optional(r.text("Select")), "dynamodb:enclosingoperation": nil,
	}}
	r.store.mu.RLock()
	t := r.store.tableNamed(at, name)
	key := ""
	if t != nil {
		needed.tags = tagMap(t)
		if resourcePolicy, _ := t.Properties["ResourcePolicy"].(object); resourcePolicy != nil {
			needed.holder, needed.of = t.attribute("Arn"), func() []any { return []any{resourcePolicy["PolicyDocument"]} }
		}
		if encryption, _ := t.Properties["SSESpecification"].(object); encryption != nil {
			key = textOf(encryption["KMSMasterKeyId"])
		}
	}
	r.store.mu.RUnlock()
	if t == nil {
		needed.tags = object{}
	}
	// https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html#dynamodb-encryption-context
	encryption := map[string]string{"aws:dynamodb:tableName": name, "aws:dynamodb:subscriberId": at.account}
	return append([]right{needed}, r.keyRights(key, encryption, keyActions...)...)
}

// optional is a key's value, or that it has none.
func optional(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

func batchRights(r *request) []right {
	tables, _ := r.input["RequestItems"].(object)
	var needed []right
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		needed = append(needed, r.tableRights("dynamodb:"+r.operation, name, "", "kms:Decrypt")...)
	}
	return needed
}

// transactionRights are those of the single actions; a transaction has none of its own.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
func transactionRights(r *request) []right {
	actions := map[string]string{
		"Get": "dynamodb:GetItem", "Put": "dynamodb:PutItem", "Update": "dynamodb:UpdateItem", "Delete": "dynamodb:DeleteItem",
		"ConditionCheck": "dynamodb:ConditionCheckItem",
	}
	var needed []right
	for _, each := range listOf(r.input["TransactItems"]) {
		action, _ := each.(object)
		for _, name := range slices.Sorted(maps.Keys(action)) {
			if part, is := action[name].(object); is && actions[name] != "" {
				rights := r.tableRights(actions[name], textOf(part["TableName"]), "", "kms:Decrypt")
				rights[0].context["dynamodb:enclosingoperation"] = []string{r.operation}
				needed = append(needed, rights...)
			}
		}
	}
	return needed
}

// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
func lambdaRights() map[string]func(*request) []right {
	rows := map[string]func(*request) []right{
		"ListFunctions":           onNothing("lambda:ListFunctions"),
		"GetAccountSettings":      onNothing("lambda:GetAccountSettings"),
		"ListEventSourceMappings": onNothing("lambda:ListEventSourceMappings"),
		"Invoke":                  func(r *request) []right { return r.functionRights("lambda:InvokeFunction") },
	}
	for _, name := range []string{
		"GetFunction", "GetFunctionConfiguration", "GetPolicy", "GetFunctionConcurrency", "UpdateFunctionCode", "UpdateFunctionConfiguration",
		"PublishVersion", "GetAlias", "UpdateAlias", "DeleteFunction",
	} {
		rows[name] = func(r *request) []right { return r.functionRights("lambda:" + r.operation) }
	}
	return rows
}

// functionRights are the rights on the function, the version or the alias that a request names.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
func (r *request) functionRights(action string) []right {
	return []right{r.functionRight(action, r.function("FunctionName"))}
}

// functionRight is the right to do something with a function, whether it is there or not.
func (r *request) functionRight(action string, named functionReference) right {
	needed := right{
		action: action, resource: named.qualified(), owner: named.account, tags: object{}, of: func() []any { return r.store.policyOfFunction(named) },
		context: policy.Context{"lambda:invokedviafunctionurl": nil, "lambda:functionurlauthtype": nil, "lambda:eventsourcetoken": nil},
	}
	if f, found := r.store.find(named.place, lambdaFunction, named.name); found {
		needed.tags = tagMap(&f)
	}
	return needed
}

// s3Rights are the actions of S3's operations, many of which have another name.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
func s3Rights() map[string]func(*request) []right {
	onObject := func(action string, keyActions ...string) func(*request) []right {
		return func(r *request) []right {
			named := action
			if r.form.Get("versionId") != "" {
				named += "Version"
			}
			return r.objectRights(named, r.path["Key"], keyActions...)
		}
	}
	onBucket := func(action string) func(*request) []right {
		return func(r *request) []right {
			return r.bucketRights(action, "", policy.Context{
				"s3:prefix": optional(r.form.Get("prefix")), "s3:delimiter": optional(r.form.Get("delimiter")), "s3:max-keys": optional(r.form.Get("max-keys")),
			})
		}
	}
	return map[string]func(*request) []right{
		"ListBuckets":             onNothing("s3:ListAllMyBuckets"),
		"CreateBucket":            onBucket("s3:CreateBucket"),
		"DeleteBucket":            onBucket("s3:DeleteBucket"),
		"HeadBucket":              onBucket("s3:ListBucket"),
		"ListObjects":             onBucket("s3:ListBucket"),
		"ListObjectsV2":           onBucket("s3:ListBucket"),
		"GetObjectVersions":       onBucket("s3:ListBucketVersions"),
		"GetBucketLocation":       onBucket("s3:GetBucketLocation"),
		"GetBucketEncryption":     onBucket("s3:GetEncryptionConfiguration"),
		"GetBucketVersioning":     onBucket("s3:GetBucketVersioning"),
		"GetBucketTagging":        onBucket("s3:GetBucketTagging"),
		"GetPublicAccessBlock":    onBucket("s3:GetBucketPublicAccessBlock"),
		"GetObject":               readObjectRights,
		"HeadObject":              readObjectRights,
		"PutObject":               onObject("s3:PutObject", "kms:GenerateDataKey"),
		"DeleteObject":            onObject("s3:DeleteObject"),
		"DeleteObjects":           deleteObjectsRights,
		"CreateMultipartUpload":   onObject("s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey"),
		"UploadPart":              onObject("s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey"),
		"CompleteMultipartUpload": onObject("s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey"),
		"AbortMultipartUpload":    onObject("s3:AbortMultipartUpload"),
	}
}

// readObjectRights also asks whether the caller may list, where the object is not there: without that
// right nobody is told so.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func readObjectRights(r *request) []right {
	action := "s3:GetObject"
	if r.form.Get("versionId") != "" {
		action = "s3:GetObjectVersion"
	}
	needed := r.objectRights(action, r.path["Key"], "kms:Decrypt")
	r.store.mu.RLock()
	missing := r.store.objects[r.path["Bucket"]][r.path["Key"]] == nil
	r.store.mu.RUnlock()
	if missing && action == "s3:GetObject" {
		needed = append(needed, r.bucketRights("s3:ListBucket", "", policy.Context{"s3:prefix": nil, "s3:delimiter": nil, "s3:max-keys": nil})...)
	}
	return needed
}

func deleteObjectsRights(r *request) []right {
	var asked struct {
		Object []struct{ Key, VersionId string }
	}
	_ = xml.Unmarshal(r.body, &asked) // a body that cannot be read is refused by the operation
	var needed []right
	for _, each := range asked.Object {
		action := "s3:DeleteObject"
		if each.VersionId != "" {
			action = "s3:DeleteObjectVersion"
		}
		needed = append(needed, r.objectRights(action, each.Key)...)
	}
	return needed
}

func (r *request) objectRights(action, key string, keyActions ...string) []right {
	context := policy.Context{"s3:versionid": optional(r.form.Get("versionId"))}
	for _, header := range []string{"x-amz-acl", "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-storage-class"} {
		context["s3:"+header] = optional(r.http.Header.Get(header))
	}
	needed := r.bucketRights(action, "/"+key, context)
	if bucket, found := r.store.find(place{}, "AWS::S3::Bucket", r.path["Bucket"]); found {
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context
		encryption := map[string]string{"aws:s3:arn": needed[0].resource}
		if bucketKeyEnabled(&bucket) {
			encryption["aws:s3:arn"] = bucket.attribute("Arn")
		}
		needed = append(needed, r.keyRights(bucketKey(&bucket), encryption, keyActions...)...)
	}
	return needed
}

// bucketEncryption is how a bucket encrypts.
func bucketEncryption(bucket *Resource) object {
	encryption, _ := bucket.Properties["BucketEncryption"].(object)
	for _, each := range listOf(encryption["ServerSideEncryptionConfiguration"]) {
		rule, _ := each.(object)
		return rule
	}
	return nil
}

// bucketKey is the key with which a bucket encrypts, if it is not S3's own.
func bucketKey(bucket *Resource) string {
	byDefault, _ := bucketEncryption(bucket)["ServerSideEncryptionByDefault"].(object)
	return textOf(byDefault["KMSMasterKeyID"])
}

// bucketKeyEnabled says whether S3 asks for a key by the bucket, not by the object.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
func bucketKeyEnabled(bucket *Resource) bool {
	return textOf(bucketEncryption(bucket)["BucketKeyEnabled"]) == "true"
}

func (r *request) bucketRights(action, suffix string, context policy.Context) []right {
	name := r.path["Bucket"]
	needed := right{action: action, resource: "arn:" + stages.Partition(r.region) + ":s3:::" + name + suffix, owner: r.account, context: context, tags: object{}}
	if bucket, found := r.store.find(place{}, "AWS::S3::Bucket", name); found {
		needed.owner = bucket.Account
		needed.tags = tagMap(&bucket)
		needed.holder = bucket.attribute("Arn")
		needed.of = r.store.attachedPolicies(&bucket, "AWS::S3::BucketPolicy", "Bucket", "PolicyDocument")
	}
	return []right{needed}
}

// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
func secretRights() map[string]func(*request) []right {
	on := func(keyActions ...string) func(*request) []right {
		return func(r *request) []right {
			needed := right{
				action: "secretsmanager:" + r.operation, resource: orElse(r.text("SecretId"), "*"), owner: r.homeOf(r.text("SecretId")).account, tags: object{},
				context: policy.Context{"secretsmanager:versionid": optional(r.text("VersionId")), "secretsmanager:versionstage": optional(r.text("VersionStage"))},
			}
			secret, err := r.secret()
			if err != nil { // the secret's ARN is not known; the operation refuses it, if the caller may ask at all
				if !strings.HasPrefix(needed.resource, "arn:") {
					needed.resource = arnOf(r.at(), "secretsmanager", "secret:"+needed.resource)
				}
				return []right{needed}
			}
			needed.resource, needed.tags = secret.PhysicalID, tagMap(&secret)
			needed.of = r.store.attachedPolicies(&secret, "AWS::SecretsManager::ResourcePolicy", "SecretId", "ResourcePolicy")
			// https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html#security-encryption-encryption-context
			encryption := map[string]string{"SecretARN": secret.PhysicalID}
			if version, _, err := r.store.secretVersion(&secret, r.text("VersionId"), r.text("VersionStage")); err == nil {
				encryption["SecretVersionId"] = version.ID
			}
			return append([]right{needed}, r.keyRights(secret.text("KmsKeyId"), encryption, keyActions...)...)
		}
	}
	return map[string]func(*request) []right{
		"DescribeSecret": on(),
		"GetSecretValue": on("kms:Decrypt"),
		"ListSecrets":    onNothing("secretsmanager:ListSecrets"),
		"PutSecretValue": on("kms:Decrypt", "kms:GenerateDataKey"),
	}
}

// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
func parameterRights() map[string]func(*request) []right {
	one := func(r *request, name string) right {
		at := r.homeOf(name)
		if _, path, isARN := strings.Cut(name, ":parameter/"); isARN {
			name = path
		}
		bare, _, _ := strings.Cut(strings.TrimPrefix(name, "/"), ":") // a version or a label is no part of the ARN
		needed := right{action: "ssm:" + r.operation, resource: arnOf(at, "ssm", "parameter/"+bare), owner: at.account, tags: object{}}
		if p, found := r.store.findParameter(at, name); found {
			needed.tags = tagMap(&p)
		}
		return needed
	}
	named := func(parameter string) func(*request) []right {
		return func(r *request) []right { return []right{one(r, r.text(parameter))} }
	}
	return map[string]func(*request) []right{
		"GetParameter": named("Name"), "PutParameter": named("Name"), "DeleteParameter": named("Name"), "GetParametersByPath": named("Path"),
		"GetParameters": func(r *request) []right {
			var needed []right
			for _, name := range r.texts("Names") {
				needed = append(needed, one(r, name))
			}
			return needed
		},
		"DescribeParameters": onNothing("ssm:DescribeParameters"),
	}
}

// assumeRoleRights need the trust policy of the role, and more than that where it leaves it to the
// account. A role that does not exist admits nobody, as with AWS, which does not tell the two apart.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-user.html
func assumeRoleRights(r *request) []right {
	if !isRoleARN(r.text("RoleArn")) {
		return nil // the operation refuses it
	}
	needed := right{action: "sts:AssumeRole", resource: r.text("RoleArn"), owner: r.homeOf(r.text("RoleArn")).account, decides: true, tags: object{}, context: policy.Context{
		"sts:externalid": optional(r.text("ExternalId")), "sts:rolesessionname": optional(r.text("RoleSessionName")),
	}}
	if role, found := r.store.roleNamed(needed.resource); found {
		needed.of, needed.tags = func() []any { return []any{role.Properties["AssumeRolePolicyDocument"]} }, tagMap(&role)
	}
	if len(r.structs("Tags")) == 0 {
		return []right{needed}
	}
	tagging := needed // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
	tagging.action = "sts:TagSession"
	return []right{needed, tagging}
}
