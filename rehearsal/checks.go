package rehearsal

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// codeImage is a function's deployment package as Lambda saw it. A later change
// of the object in S3 does not change the function.
type codeImage struct {
	sha256 string
	size   int
}

func imageOf(content []byte) *codeImage {
	sum := sha256.Sum256(content)
	return &codeImage{sha256: base64.StdEncoding.EncodeToString(sum[:]), size: len(content)}
}

// lambdaRefusal is Lambda's refusal, as CloudFormation reports it.
func lambdaRefusal(format string, args ...any) error {
	return handlerError("InvalidRequest", format+" (Service: Lambda, Status Code: 400, Request ID: {request})", args...)
}

// reservedVariables cannot be set by a function's configuration.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
var reservedVariables = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
	"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API",
	"LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// checkFunction asks what Lambda asks before it makes or changes a function.
func checkFunction(s *store, r *Resource) error {
	role := s.referred(r, "AWS::IAM::Role", r.text("Role"))
	if role == nil || !admits(role, assumption{principal: principal{service: "lambda.amazonaws.com"}, action: "sts:AssumeRole"}) {
		return lambdaRefusal("The role defined for the function cannot be assumed by Lambda.")
	}
	if r.text("PackageType") != "Image" && (r.text("Runtime") == "" || r.text("Handler") == "") {
		return lambdaRefusal("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	if memory := r.text("MemorySize"); memory != "" {
		if size, err := strconv.Atoi(memory); err != nil || size < 128 || size > 10240 {
			return lambdaRefusal("'MemorySize' value failed to satisfy constraint: Member must have value between 128 and 10240")
		}
	}
	if err := checkVariables(r); err != nil {
		return err
	}
	return s.loadCode(r, "Code")
}

func checkVariables(r *Resource) error {
	environment, _ := r.Properties["Environment"].(object)
	variables, _ := environment["Variables"].(object)
	var reserved []string
	for name := range variables {
		if slices.Contains(reservedVariables, name) {
			reserved = append(reserved, name)
		}
	}
	if len(reserved) > 0 {
		slices.Sort(reserved)
		return lambdaRefusal("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(reserved, ", "))
	}
	if measured, err := json.Marshal(variables); err == nil && len(measured) > 4096 {
		return lambdaRefusal("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: %s", measured)
	}
	return nil
}

// checkVersion gives a version the code that its function has then. A function
// that has not changed since its latest version has nothing to publish.
// https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
func checkVersion(s *store, r *Resource) error {
	if r.code != nil {
		return nil
	}
	f := s.referred(r, lambdaFunction, r.text("FunctionName"))
	if latest := s.latestVersion(f); latest != nil && functions.of(s, f.Account).Published[latest.PhysicalID] == publishable(f) {
		return handlerError("AlreadyExists", "Version already exists: [%s]. Please modify the function to create a new version. (Service: Lambda, Status Code: 409, Request ID: {request})", latest.PhysicalID)
	}
	r.code = f.code
	functions.of(s, f.Account).publish(r.PhysicalID, publishable(f))
	return nil
}

// loadCode reads the deployment package in a property, which must be there.
func (s *store) loadCode(r *Resource, property string) error {
	code, _ := r.Properties[property].(object)
	bucket, key := textOf(code["S3Bucket"]), textOf(code["S3Key"])
	if bucket == "" {
		r.code = imageOf([]byte(textOf(code["ZipFile"]) + textOf(code["ImageUri"])))
		return nil
	}
	held := s.get(place{r.Account, r.Region}, "AWS::S3::Bucket", bucket)
	if held == nil {
		return lambdaRefusal("Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist")
	}
	if held.Region != r.Region {
		return lambdaRefusal("Error occurred while GetObject. S3 Error Code: PermanentRedirect. S3 Error Message: The bucket is in this region: %s. Please use this region to retry the request", held.Region)
	}
	stored := s.objects[bucket][key]
	if stored == nil {
		return lambdaRefusal("Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.")
	}
	r.code = imageOf(stored.content)
	return nil
}

// checkTable compares a table's keys with its attributes, as DynamoDB does.
func checkTable(_ *store, r *Resource) error {
	refusal := func(format string, args ...any) error {
		return handlerError("InvalidRequest", format+" (Service: DynamoDb, Status Code: 400, Request ID: {request})", args...)
	}
	defined, used := map[string]bool{}, map[string]bool{}
	for _, each := range listOf(r.Properties["AttributeDefinitions"]) {
		definition, _ := each.(object)
		defined[textOf(definition["AttributeName"])] = true
	}
	schemas := []any{r.Properties["KeySchema"]}
	for _, indexes := range []string{"GlobalSecondaryIndexes", "LocalSecondaryIndexes"} {
		for _, each := range listOf(r.Properties[indexes]) {
			index, _ := each.(object)
			schemas = append(schemas, index["KeySchema"])
		}
	}
	for _, schema := range schemas {
		for _, each := range listOf(schema) {
			element, _ := each.(object)
			name := textOf(element["AttributeName"])
			if used[name] = true; !defined[name] {
				return refusal("One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: %s", name, sortedKeys(defined))
			}
		}
	}
	if len(used) != len(defined) {
		return refusal("One or more parameter values were invalid: Some AttributeDefinitions are not used. AttributeDefinitions: %s, keys used: %s", sortedKeys(defined), sortedKeys(used))
	}
	provisioned := r.Properties["ProvisionedThroughput"] != nil
	if onDemand := r.text("BillingMode") == "PAY_PER_REQUEST"; onDemand && provisioned {
		return refusal("One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	} else if !onDemand && !provisioned {
		return refusal("One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	return nil
}

func sortedKeys(set map[string]bool) []string {
	var out []string
	for name := range set {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// tableProtected is DynamoDB's refusal to delete a protected table.
const tableProtected = "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."

func keepProtectedTable(_ *store, r *Resource) error {
	if r.text("DeletionProtectionEnabled") == "true" {
		return handlerError("GeneralServiceException", tableProtected+" (Service: DynamoDb, Status Code: 400, Request ID: {request})")
	}
	return nil
}

func keepFullBucket(s *store, r *Resource) error {
	if !s.isEmpty(r) {
		return handlerError("GeneralServiceException", "The bucket you tried to delete is not empty (Service: S3, Status Code: 409, Request ID: {request})")
	}
	return nil
}

// nodeType is the form of DAX's and of no other service's node types.
var nodeType = regexp.MustCompile(`^dax\.[a-z0-9]+\.[a-z0-9]+$`)

// checkCluster asks what DAX asks.
func checkCluster(s *store, r *Resource) error {
	refusal := func(format string, args ...any) error {
		return handlerError("InvalidRequest", format+" (Service: Dax, Status Code: 400, Request ID: {request})", args...)
	}
	role := s.referred(r, "AWS::IAM::Role", r.text("IAMRoleARN"))
	if role == nil || !admits(role, assumption{principal: principal{service: "dax.amazonaws.com"}, action: "sts:AssumeRole"}) {
		return refusal("No permission to assume role: %s", r.text("IAMRoleARN"))
	}
	if nodes, err := strconv.Atoi(r.text("ReplicationFactor")); err != nil || nodes < 1 || nodes > 11 {
		return refusal("The replication factor must be between 1 and 11.")
	}
	if !nodeType.MatchString(r.text("NodeType")) {
		return refusal("Invalid node type: %s.", r.text("NodeType"))
	}
	return nil
}

// checkRoute refuses a route of which the API has one already, and a target
// that does not exist.
func checkRoute(s *store, r *Resource) error {
	refusal := func(format string, args ...any) error {
		return handlerError("InvalidRequest", format+" (Service: ApiGatewayV2, Status Code: 400, Request ID: {request})", args...)
	}
	if id, found := strings.CutPrefix(r.text("Target"), "integrations/"); found && s.referred(r, "AWS::ApiGatewayV2::Integration", id) == nil {
		return refusal("Invalid Integration identifier specified %s", id)
	}
	for _, other := range s.resources {
		if other.Type == r.Type && other.PhysicalID != r.PhysicalID && within(place{r.Account, r.Region}, other) &&
			other.text("ApiId") == r.text("ApiId") && other.text("RouteKey") == r.text("RouteKey") {
			return handlerError("AlreadyExists", "Route with key %s already exists for this API (Service: ApiGatewayV2, Status Code: 409, Request ID: {request})", r.text("RouteKey"))
		}
	}
	return nil
}

// regionalBucket is the form of the names that only their own account and
// region may use.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
var regionalBucket = regexp.MustCompile(`-([0-9]{12})-([a-z]{2}(?:-[a-z]+)+-[0-9])-an$`)

// checkBucket keeps the names of an account's regional namespace to itself.
func checkBucket(_ *store, r *Resource) error {
	refusal := func(message string) error {
		return handlerError("InvalidRequest", "%s (Service: S3, Status Code: 400, Request ID: {request})", message)
	}
	owner := regionalBucket.FindStringSubmatch(r.Name)
	switch regional := r.text("BucketNamespace") == "account-regional"; {
	case strings.Contains(r.Name, ".."):
		return refusal("The specified bucket is not valid.")
	case regional && (owner == nil || owner[1] != r.Account || owner[2] != r.Region):
		return refusal("The specified bucket name does not follow the naming rules of the account regional namespace: it must end in -" + r.Account + "-" + r.Region + "-an.")
	case !regional && owner != nil:
		return refusal("The specified bucket name is reserved for an account regional namespace.")
	}
	return nil
}
