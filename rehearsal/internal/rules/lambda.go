package rules

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/rehearsal/internal/policy"
)

const (
	function = "AWS::Lambda::Function"
	mapping  = "AWS::Lambda::EventSourceMapping"
)

// reservedVariables cannot be set by a function's configuration.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
var reservedVariables = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
	"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API",
	"LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// blockedRuntimes can no longer be given to a new function.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html#runtimes-deprecated
var blockedRuntimes = map[string]string{
	"go1.x": "provided.al2023", "nodejs14.x": "nodejs22.x", "nodejs12.x": "nodejs22.x", "python3.7": "python3.13",
	"provided": "provided.al2023", "java8": "java21", "dotnetcore3.1": "dotnet8", "ruby2.7": "ruby3.3",
}

// sourceActions are what a function's role needs to read a source of events, in the order in which
// Lambda asks, with the service's name in Lambda's words.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-permissions.html
var sourceActions = map[string]struct {
	says    string
	actions []string
}{
	"sqs":      {"The function execution role does not have permissions to call %s on SQS", []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}},
	"dynamodb": {"Cannot access stream %[2]s. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.", []string{"dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"}},
}

// destinationActions are what a function's role needs to hand results over.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
var destinationActions = map[string]string{
	"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction", "events": "events:PutEvents",
}

// LeavesInterfaces tells whether a function leaves its network while its role may not delete the function's network
// interfaces any more, so that these stay in their subnets and groups. A managed policy of AWS that lets a function be in a
// network has the right.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
func LeavesInterfaces(w World, before, after *Resource) bool {
	if len(before.list("VpcConfig.SubnetIds")) == 0 || len(after.list("VpcConfig.SubnetIds")) > 0 {
		return false
	}
	role := w.Find(after, "AWS::IAM::Role", after.text("Role"))
	if role == nil || slices.ContainsFunc(role.texts("ManagedPolicyArns"), func(reference string) bool {
		return strings.HasSuffix(reference, "/AWSLambdaVPCAccessExecutionRole")
	}) {
		return false
	}
	return !may(w, role, "ec2:DeleteNetworkInterface", "*")
}

var lambdaRules = []rule{
	{id: "lambda-role-trust", on: function, says: func(c *call) string {
		role := c.Find(c.Resource, "AWS::IAM::Role", c.text("Role"))
		if role == nil || !admits(role, "lambda.amazonaws.com") {
			return "The role defined for the function cannot be assumed by Lambda."
		}
		return ""
	}},
	{id: "lambda-runtime-and-handler", on: function, says: func(c *call) string {
		if c.text("PackageType") != "Image" && (c.text("Runtime") == "" || c.text("Handler") == "") {
			return "Runtime and Handler are mandatory parameters for functions created with deployment packages."
		}
		return ""
	}},
	{id: "lambda-image-and-runtime", on: function, says: func(c *call) string {
		if c.text("PackageType") == "Image" && (c.has("Runtime") || c.has("Handler") || c.has("Layers")) {
			return "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."
		}
		return ""
	}},
	{id: "lambda-timeout", on: function, says: func(c *call) string {
		if timeout := c.number("Timeout", 3); timeout > 900 && !c.has("CapacityProviderConfig") {
			return words("1 validation error detected: Value '%d' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900", timeout)
		}
		return ""
	}},
	{id: "lambda-memory", on: function, says: func(c *call) string {
		switch memory := c.number("MemorySize", 128); {
		case memory < 128: // CloudFormation finds it first, an SDK's client does not
			return "'MemorySize' value failed to satisfy constraint: Member must have value greater than or equal to 128"
		case memory > 10240 && !c.has("CapacityProviderConfig"):
			return "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 10240"
		}
		return ""
	}},
	{id: "lambda-runtime-blocked", on: function, when: create, says: func(c *call) string {
		if instead := blockedRuntimes[c.text("Runtime")]; instead != "" {
			return words("The runtime parameter of %s is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime (for example, %s) while creating or updating functions.", c.text("Runtime"), instead)
		}
		return ""
	}},
	{id: "lambda-reserved-variable", on: function, says: func(c *call) string {
		var reserved []string
		for name := range document(c.at("Environment.Variables")) {
			if slices.Contains(reservedVariables, name) {
				reserved = append(reserved, name)
			}
		}
		if len(reserved) == 0 {
			return ""
		}
		slices.Sort(reserved)
		return "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: " + strings.Join(reserved, ", ")
	}},
	{id: "lambda-variables-size", on: function, says: func(c *call) string {
		variables := document(c.at("Environment.Variables"))
		if measured, err := json.Marshal(variables); err == nil && len(measured) > 4096 {
			return words("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: %s", measured)
		}
		return ""
	}},
	{id: "lambda-layers", on: function, says: func(c *call) string {
		if len(c.list("Layers")) > 5 {
			return "Cannot reference more than 5 layers."
		}
		return ""
	}},
	{id: "lambda-layer-twice", on: function, says: func(c *call) string {
		seen := map[string]string{}
		for _, layer := range c.texts("Layers") {
			name := layer[:max(0, strings.LastIndex(layer, ":"))]
			if other, twice := seen[name]; twice && name != "" {
				return words("Two different versions of the same layer are not allowed to be referenced in the same function. %s and %s are versions of the same layer.", other, layer)
			}
			seen[name] = layer
		}
		return ""
	}},
	{id: "lambda-layer-region", on: function, says: func(c *call) string {
		for _, layer := range c.texts("Layers") {
			if parsed, is := parseARN(layer); is && parsed.region != c.Region {
				return words("Layers are not in the same region as the function. Layers are expected to be in region %s.", c.Region)
			}
		}
		return ""
	}},
	{id: "lambda-network-permission", on: function, says: func(c *call) string {
		role := c.Find(c.Resource, "AWS::IAM::Role", c.text("Role"))
		if len(c.list("VpcConfig.SubnetIds")) == 0 || role == nil {
			return ""
		}
		for _, reference := range role.texts("ManagedPolicyArns") {
			if strings.HasSuffix(reference, "/AWSLambdaVPCAccessExecutionRole") {
				return ""
			}
		}
		if !may(c, role, "ec2:CreateNetworkInterface", "*") {
			return "The provided execution role does not have permissions to call CreateNetworkInterface on EC2"
		}
		return ""
	}},
	{id: "lambda-dead-letter-permission", on: function, says: func(c *call) string {
		target := c.text("DeadLetterConfig.TargetArn")
		role := c.Find(c.Resource, "AWS::IAM::Role", c.text("Role"))
		service := serviceOf(target)
		action, known := map[string]string{"sqs": "sqs:SendMessage", "sns": "sns:Publish"}[service]
		if !known || role == nil || may(c, role, action, target) {
			return ""
		}
		return words("The provided execution role does not have permissions to call %s on %s", strings.Split(action, ":")[1], strings.ToUpper(service))
	}},
	{id: "lambda-reserved-concurrency-and-provisioned", on: "AWS::Lambda::Alias", says: func(c *call) string {
		owner := c.Find(c.Resource, function, c.text("FunctionName"))
		if owner == nil || !owner.has("ReservedConcurrentExecutions") {
			return ""
		}
		if c.number("ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions", 0) > owner.number("ReservedConcurrentExecutions", 0) {
			return "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
		}
		return ""
	}},
	{id: "lambda-provisioned-latest", on: "AWS::Lambda::Alias", says: func(c *call) string {
		if c.has("ProvisionedConcurrencyConfig") && c.text("FunctionVersion") == "$LATEST" {
			return "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
		}
		return ""
	}},
	{id: "lambda-alias-number", on: "AWS::Lambda::Alias", says: func(c *call) string {
		if c.Name != "" && strings.Trim(c.Name, "0123456789") == "" {
			return words("1 validation error detected: Value '%s' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)", c.Name)
		}
		return ""
	}},
	{id: "lambda-permission-principal", on: "AWS::Lambda::Permission", says: func(c *call) string {
		principal := c.text("Principal")
		known := principal == "*" || isAccount(principal) || strings.HasPrefix(principal, "arn:") ||
			strings.HasSuffix(principal, ".amazonaws.com") || strings.HasSuffix(principal, ".amazonaws.com.cn")
		if !known {
			return words("The provided principal was invalid. Please check the principal and try again.")
		}
		return ""
	}},
	{id: "lambda-policy-size", on: "AWS::Lambda::Permission", handler: "ServiceLimitExceeded", says: func(c *call) string {
		owner := c.Find(c.Resource, function, c.text("FunctionName"))
		if owner == nil {
			return ""
		}
		total := permissionSize(c.Resource, owner)
		for other := range c.Of(c.Resource, "AWS::Lambda::Permission") {
			if c.Find(other, function, other.text("FunctionName")) == owner || other.text("FunctionName") == c.text("FunctionName") {
				total += permissionSize(other, owner)
			}
		}
		if total > 20480 {
			return words("The final policy size (%d) is bigger than the limit (20480).", total)
		}
		return ""
	}},
	{id: "lambda-async-destination-permission", on: "AWS::Lambda::EventInvokeConfig", says: func(c *call) string {
		owner := c.Find(c.Resource, function, c.text("FunctionName"))
		if owner == nil {
			return ""
		}
		for _, end := range []string{"OnSuccess", "OnFailure"} {
			if words := c.destination(owner, c.text("DestinationConfig."+end+".Destination")); words != "" {
				return words
			}
		}
		return ""
	}},
	{id: "lambda-mapping-visibility", on: mapping, says: func(c *call) string {
		source, owner := c.mapped()
		if source == nil || source.Type != queue || owner == nil {
			return ""
		}
		visibility, timeout := source.number("VisibilityTimeout", 30), owner.number("Timeout", 3)
		if visibility < timeout {
			return words("Invalid request provided: Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", visibility, timeout)
		}
		return ""
	}},
	{id: "lambda-mapping-permission", on: mapping, says: func(c *call) string {
		_, owner := c.mapped()
		source := c.text("EventSourceArn")
		need, known := sourceActions[serviceOf(source)]
		if owner == nil || !known {
			return ""
		}
		role := c.Find(owner, "AWS::IAM::Role", owner.text("Role"))
		if role == nil {
			return ""
		}
		for _, action := range need.actions {
			if !may(c, role, action, source) {
				return "Invalid request provided: " + words(need.says+"%.0s%.0s", strings.Split(action, ":")[1], source)
			}
		}
		return ""
	}},
	{id: "lambda-mapping-window", on: mapping, says: func(c *call) string {
		if serviceOf(c.text("EventSourceArn")) == "sqs" && c.number("BatchSize", 10) > 10 && c.number("MaximumBatchingWindowInSeconds", 0) == 0 {
			return "Invalid request provided: Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
		}
		return ""
	}},
	{id: "lambda-mapping-fifo-window", on: mapping, says: func(c *call) string {
		if source := c.text("EventSourceArn"); strings.HasSuffix(source, ".fifo") && c.number("MaximumBatchingWindowInSeconds", 0) > 0 {
			return "Invalid request provided: Batching window is not supported for FIFO queues"
		}
		return ""
	}},
	{id: "lambda-mapping-starting-position", on: mapping, says: func(c *call) string {
		switch service := serviceOf(c.text("EventSourceArn")); {
		case (service == "dynamodb" || service == "kinesis") && !c.has("StartingPosition"):
			return "Invalid request provided: 1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."
		case service == "sqs" && c.has("StartingPosition"):
			return "Invalid request provided: StartingPosition is not valid for SQS event sources"
		}
		return ""
	}},
	{id: "lambda-mapping-stream-only", on: mapping, says: func(c *call) string {
		if serviceOf(c.text("EventSourceArn")) != "sqs" {
			return ""
		}
		for _, name := range []string{"BisectBatchOnFunctionError", "MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "ParallelizationFactor", "TumblingWindowInSeconds"} {
			if c.has(name) {
				return words("Invalid request provided: Unsupported %s parameter for given event source mapping type.", name)
			}
		}
		return ""
	}},
	{id: "lambda-mapping-filter", on: mapping, says: func(c *call) string {
		for _, filter := range c.objects("FilterCriteria.Filters") {
			text := textOf(filter["Pattern"])
			var pattern object
			if json.Unmarshal([]byte(text), &pattern) != nil || eventPattern(pattern) != "" {
				return "Invalid request provided: Invalid filter pattern definition."
			}
		}
		return ""
	}},
	{id: "lambda-mapping-twice", on: mapping, when: create, handler: "AlreadyExists", status: 409, says: func(c *call) string {
		for other := range c.Of(c.Resource, mapping) {
			if other.text("EventSourceArn") == c.text("EventSourceArn") && sameFunction(c, other) {
				return words("An event source mapping with SQS arn (\" %s \") and function (\" %s \") already exists. Please update or delete the existing mapping with UUID %s", c.text("EventSourceArn"), functionName(c.text("FunctionName")), other.PhysicalID)
			}
		}
		return ""
	}},
	{id: "lambda-mapping-stream-disabled", on: mapping, says: func(c *call) string {
		source, is := parseARN(c.text("EventSourceArn"))
		if is && source.service == "dynamodb" && !strings.Contains(source.resource, "/stream/") {
			return "Invalid request provided: Unrecognized event source."
		}
		return ""
	}},
}

func isAccount(text string) bool { return len(text) == 12 && strings.Trim(text, "0123456789") == "" }

func functionName(reference string) string {
	if parsed, is := parseARN(reference); is {
		reference = strings.TrimPrefix(parsed.resource, "function:")
	}
	return reference
}

func sameFunction(c *call, other *Resource) bool {
	return functionName(c.text("FunctionName")) == functionName(other.text("FunctionName"))
}

// mapped are the source and the function of an event source mapping, as far as they are in the account.
func (c *call) mapped() (source, owner *Resource) {
	reference := c.text("EventSourceArn")
	if serviceOf(reference) == "sqs" {
		source = c.Find(c.Resource, queue, reference)
	}
	return source, c.Find(c.Resource, function, c.text("FunctionName"))
}

// destination is the refusal of a destination that the function's role may not reach.
func (c *call) destination(owner *Resource, target string) string {
	action := destinationActions[serviceOf(target)]
	role := c.Find(owner, "AWS::IAM::Role", owner.text("Role"))
	if target == "" || action == "" || role == nil || may(c, role, action, target) {
		return ""
	}
	return words("The function's execution role does not have permissions to call %s on %s", strings.Split(action, ":")[1], target)
}

// permissionSize is what one statement takes of a function's policy, as Lambda writes it.
func permissionSize(permission, owner *Resource) int {
	statement := object{
		"Sid": permission.Name, "Effect": "Allow", "Action": permission.text("Action"),
		"Principal": object{"Service": permission.text("Principal")}, "Resource": owner.Attributes["Arn"],
	}
	conditions := object{}
	for property, key := range map[string]string{"SourceAccount": "AWS:SourceAccount", "PrincipalOrgID": "aws:PrincipalOrgID"} {
		if permission.has(property) {
			conditions["StringEquals"] = object{key: permission.text(property)}
		}
	}
	if permission.has("SourceArn") {
		conditions["ArnLike"] = object{"AWS:SourceArn": permission.text("SourceArn")}
	}
	if len(conditions) > 0 {
		statement["Condition"] = conditions
	}
	return size(statement) + 1
}

// functionAllows says whether a function's policy lets a service invoke it for a source.
func functionAllows(w World, target *Resource, service, source string) bool {
	for permission := range w.Of(target, "AWS::Lambda::Permission") {
		if functionName(permission.text("FunctionName")) != target.Name && w.Find(permission, function, permission.text("FunctionName")) != target {
			continue
		}
		if permission.text("Principal") == service && (!permission.has("SourceArn") || policy.Matches(permission.text("SourceArn"), source)) {
			return true
		}
	}
	return false
}
