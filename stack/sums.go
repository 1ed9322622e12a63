package stack

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/intrinsic"
	"github.com/roadshow-go/roadshow/stages"
)

// limit is what AWS allows of something that many parts of a program make together.
type limit struct {
	most  int
	unit  string // of what is counted
	where string // as a sentence goes on behind the number and the unit
	fix   string
	page  string // AWS's
	// raised is what AWS raises a quota to where it is asked; 0 is no quota, but a limit. Between the two there is a
	// warning: what an account has, its deploy knows.
	raised int
}

// What AWS allows in one template and in each of its resources. What it allows in an account, roadshow quotas knows.
var (
	limitVariables = limit{
		4096, "bytes", "of variables", "keep some in a parameter, a secret or a bucket",
		"https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html", 0,
	}
	limitRole = limit{
		10240, "characters", "of inline policies in its role", "give the work to two functions, or give the role a managed policy by Override",
		"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html", 0,
	}
	limitManaged = limit{
		10, "managed policies", "of its role", "join some of them",
		"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html", 20,
	}
	limitFilters = limit{
		200, "subscriptions with a filter", "of its messages", "filter in the handlers, or have another topic tell some of them",
		"https://docs.aws.amazon.com/general/latest/gr/sns.html", math.MaxInt,
	}
	limitManagedPolicy = limit{
		6144, "characters", "of a managed policy", "make two of it",
		"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html", 0,
	}
	limitPermissions = limit{
		20480, "bytes", "of permissions to invoke it", "have a queue, or one pattern, in place of many triggers, or give some of them to another function",
		"https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html", 0,
	}
	limitQueuePolicy = limit{
		8192, "bytes", "of its policy", "deliver to two queues, or have one topic deliver what many do",
		"https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html", 0,
	}
	limitQueueStatements = limit{
		20, "statements", "of its policy", "join the statements that one service needs",
		"https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html", 0,
	}
	limitQueuePrincipals = limit{
		50, "principals", "of its policy", "name an organization in a condition in place of them",
		"https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html", 0,
	}
	// Policies of twenty statements with a condition each are taken: the quota is one of a statement.
	// https://github.com/dapr/components-contrib/issues/1780
	limitQueueConditions = limit{
		10, "conditions", "of one statement of its policy", "make two statements of it",
		"https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html", 0,
	}
	limitQueueActions = limit{
		7, "actions", "of one statement of its policy", "make two statements of it",
		"https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html", 0,
	}
	limitTopicPolicy = limit{
		30720, "bytes", "of its policy", "have some of them tell another topic",
		"https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html#sns-policy-quotas", 0,
	}
	limitTopicStatements = limit{
		100, "statements", "of its policy", "join the statements that one service needs",
		"https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html#sns-policy-quotas", 0,
	}
	limitTopicPrincipals = limit{
		200, "principals", "of one statement of its policy", "name an organization in a condition in place of them",
		"https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html#sns-policy-quotas", 0,
	}
	limitBucketPolicy = limit{
		20480, "bytes", "of its policy", "join statements",
		"https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html", 0,
	}
	limitKeyPolicy = limit{
		32768, "bytes", "of its key's policy", "join statements",
		"https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html", 0,
	}
	limitEndpointPolicy = limit{
		20480, "characters", "of an endpoint's policy, which the rights of all in the network make", "write OpenEndpoints: true in the network, or give some functions another network",
		"https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html", 0,
	}
	limitLifecycle = limit{
		1000, "rules", "of its lifecycle, with those of the construct", "let one prefix stand for several",
		"https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleConfiguration.html", 0,
	}
	limitPattern = limit{
		2048, "characters", "of an event pattern", "make two rules of it, or select by a prefix",
		"https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html", 4096,
	}
	limitGroupRules = limit{
		60, "rules", "of a security group in one direction", "place some functions in another network",
		"https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html", 1000,
	}
	limitRoutes = limit{
		300, "routes", "of an API", "let a route with {proxy+} lead to a function that chooses",
		"https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html", math.MaxInt,
	}
	limitAuthorizers = limit{
		10, "authorizers", "of an API", "let several routes ask the same one",
		"https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html", math.MaxInt,
	}
	limitTargets = limit{
		5, "targets", "of a rule", "make a second rule",
		"https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html", 0,
	}
	limitTags = limit{
		50, "tags", "of a resource", "leave some out",
		"https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html", 0,
	}
	limitResources = limit{
		500, "resources", "of a template", "make a second service of some components, and export what both need",
		"https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html", 0,
	}
	limitOutputs = limit{
		200, "outputs", "of a template", "make a second service of some components",
		"https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html", 0,
	}
	limitParameters = limit{
		200, "parameters", "of a template", "make a second service of some components",
		"https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html", 0,
	}
	// AWS's page says 1 MB, and its error says which: https://github.com/aws-samples/aws-vpc-cidr-mgmt/issues/10
	limitTemplate = limit{
		1_000_000, "bytes", "of a template", "make a second service of some components, and export what both need",
		"https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html", 0,
	}
)

// close is the part of a limit, in percent, from which on a program is warned.
const closeToLimit = 80

// count is what was counted of one thing, and what each part added.
type count struct {
	limit
	thing string
	at    stages.Position
	sum   int
	parts map[string]int
}

// most is what adds most, in words.
func (c count) most() string {
	names := slices.SortedFunc(maps.Keys(c.parts), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.parts[b], c.parts[a]), strings.Compare(a, b))
	})
	var words []string
	for _, name := range names[:min(3, len(names))] {
		words = append(words, fmt.Sprintf("%s (%d)", name, c.parts[name]))
	}
	return strings.Join(words, ", ")
}

// problem is the mistake of a sum above its limit.
func (c count) problem() *ConfigError {
	got := fmt.Sprintf("%d %s %s", c.sum, c.unit, c.where)
	if len(c.parts) > 0 {
		got += ", to which " + c.most() + " add most"
	}
	return &ConfigError{Thing: c.thing, Field: "sum", Got: got, Want: fmt.Sprintf("at most %d", max(c.limit.most, c.raised)), Fix: c.fix, Docs: c.page, At: c.at}
}

// warning says that a sum is close to its limit.
func (c count) warning() string {
	text := fmt.Sprintf("%s: %s has %d %s %s, and AWS takes %d", c.at, c.thing, c.sum, c.unit, c.where, c.limit.most)
	if c.raised > 0 {
		text += " unless the account's quota was raised"
	}
	if len(c.parts) > 0 {
		text += "; " + c.most() + " add most"
	}
	return text
}

// checkSums counts what the parts of a synthesized template make together. Where AWS would refuse it, the error
// joins a [*ConfigError] for each sum; close to a limit there is a warning. What only a deploy knows counts with the
// length that it has at least.
func (s *Stack) checkSums(template []byte, at lineOf) (warnings []string, err error) {
	t, err := s.counted(template, at)
	if err != nil {
		return nil, err
	}
	var problems []error
	for _, one := range t.counts() {
		switch {
		case one.sum > max(one.limit.most, one.raised):
			problems = append(problems, one.problem())
		case one.sum*100 > one.limit.most*closeToLimit:
			warnings = append(warnings, one.warning())
		}
	}
	return append(warnings, t.zonesWithoutService()...), errors.Join(problems...)
}

// countedTemplate is a template, and what its references come to at least.
type countedTemplate struct {
	Resources  map[string]countedResource
	Outputs    map[string]any
	Parameters map[string]any
	Conditions map[string]any
	Mappings   map[string]any

	stack *Stack
	size  int
	at    lineOf
	value *intrinsic.Evaluator
	found []count
}

type countedResource struct {
	Type       string
	Properties map[string]any
}

func (s *Stack) counted(data []byte, at lineOf) (*countedTemplate, error) {
	// Of what a construct of the CDK makes no line is known but that of the definition.
	line := func(logicalID string) stages.Position {
		if known := at(logicalID); known.File != "" {
			return known
		}
		return s.app.position()
	}
	t := &countedTemplate{stack: s, size: len(data), at: line}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(t); err != nil {
		return nil, err
	}
	t.value = &intrinsic.Evaluator{
		Account: s.stage().Account, Region: s.stage().Region, StackName: s.name, Mappings: t.Mappings, Conditions: t.Conditions,
		StackID: "arn:aws:cloudformation:" + s.stage().Region + ":" + s.stage().Account + ":stack/" + s.name + "/01234567-89ab-cdef-0123-456789abcdef",
		Ref:     func(name string) (any, error) { return t.ref(name), nil },
		Attribute: func(resource, attribute string) (any, error) {
			if attribute == "Arn" || strings.HasSuffix(attribute, "Arn") {
				return t.arn(resource), nil
			}
			return shortID, nil
		},
		Zones:   func(region string) (any, error) { return []any{region + "a", region + "b", region + "c"}, nil },
		Import:  func(string) (any, error) { return "", nil },
		Foreign: func(string, any) (any, error) { return "", nil },
	}
	return t, t.value.EvaluateConditions()
}

// shortID stands for what AWS makes up, such as the id of an API: not longer than any of them.
const shortID = "0123456789"

// arns are how the ARNs of types go on behind the account, and which property holds their names.
var arns = map[string]struct{ name, service, prefix, suffix string }{
	"AWS::CloudWatch::Alarm":      {"AlarmName", "cloudwatch", "alarm:", ""},
	"AWS::DAX::Cluster":           {"ClusterName", "dax", "cache/", ""},
	"AWS::DynamoDB::Table":        {"TableName", "dynamodb", "table/", ""},
	"AWS::Events::EventBus":       {"Name", "events", "event-bus/", ""},
	"AWS::Events::Rule":           {"Name", "events", "rule/", ""},
	"AWS::KMS::Key":               {"", "kms", "key/", "01234567-89ab-cdef-0123-456789"},
	"AWS::Lambda::Function":       {"FunctionName", "lambda", "function:", ""},
	"AWS::Logs::LogGroup":         {"LogGroupName", "logs", "log-group:", ":*"},
	"AWS::S3::Bucket":             {"BucketName", "s3", "", ""},
	"AWS::SecretsManager::Secret": {"Name", "secretsmanager", "secret:", "-abcdef"},
	"AWS::SNS::Topic":             {"TopicName", "sns", "", ""},
	"AWS::SQS::Queue":             {"QueueName", "sqs", "", ""},
	"AWS::Scheduler::Schedule":    {"Name", "scheduler", "schedule/", ""},
}

// name is a resource's physical name; one that CloudFormation generates begins with the stack's.
func (t *countedTemplate) name(logicalID string) string {
	resource := t.Resources[logicalID]
	if property := arns[resource.Type].name; property != "" {
		if name, is := resource.Properties[property].(string); is {
			return name
		}
	}
	return shortID
}

func (t *countedTemplate) ref(logicalID string) string {
	place := t.stack.stage()
	switch t.Resources[logicalID].Type {
	case "AWS::SNS::Topic", "AWS::SecretsManager::Secret":
		return t.arn(logicalID)
	case "AWS::SQS::Queue":
		return "https://sqs." + place.Region + ".amazonaws.com/" + place.Account + "/" + t.name(logicalID)
	}
	return t.name(logicalID)
}

func (t *countedTemplate) arn(logicalID string) string {
	kind, known := arns[t.Resources[logicalID].Type]
	if !known {
		return "arn:aws:iam::" + t.stack.stage().Account + ":" + shortID
	}
	place := t.stack.stage().Region + ":" + t.stack.stage().Account
	if kind.service == "s3" {
		place = ":"
	}
	return "arn:aws:" + kind.service + ":" + place + ":" + kind.prefix + t.name(logicalID) + kind.suffix
}

// evaluated is a value with its references; nil where this package cannot tell.
func (t *countedTemplate) evaluated(value any) any {
	known, err := t.value.Value(value)
	if err != nil {
		return nil
	}
	return intrinsic.Plain(known)
}

// length is that of a value as compact JSON.
func length(value any) int { return len(asJSON(value)) }

// counts are all sums of the template.
func (t *countedTemplate) counts() []count {
	t.template()
	for _, logicalID := range slices.Sorted(maps.Keys(t.Resources)) {
		resource := t.Resources[logicalID]
		t.tags(logicalID, resource)
		properties := resource.Properties
		switch resource.Type {
		case "AWS::Lambda::Function":
			t.variables(logicalID, properties)
		case "AWS::IAM::Role":
			t.role(logicalID, properties)
		case "AWS::IAM::ManagedPolicy":
			t.policy(logicalID, properties["PolicyDocument"], limitManagedPolicy)
		case "AWS::SQS::QueuePolicy":
			t.policy(logicalID, properties["PolicyDocument"], limitQueuePolicy,
				statementLimit{limitQueueStatements, oneStatement, false}, statementLimit{limitQueuePrincipals, principalsIn, false},
				statementLimit{limitQueueConditions, conditionsIn, true}, statementLimit{limitQueueActions, actionsIn, true})
		case "AWS::SNS::TopicPolicy":
			t.policy(logicalID, properties["PolicyDocument"], limitTopicPolicy,
				statementLimit{limitTopicStatements, oneStatement, false}, statementLimit{limitTopicPrincipals, principalsIn, true})
		case "AWS::S3::Bucket":
			lifecycle, _ := properties["LifecycleConfiguration"].(map[string]any)
			rules, _ := lifecycle["Rules"].([]any)
			t.add(logicalID, limitLifecycle, len(rules), nil)
		case "AWS::S3::BucketPolicy":
			t.policy(logicalID, properties["PolicyDocument"], limitBucketPolicy)
		case "AWS::KMS::Key":
			t.policy(logicalID, properties["KeyPolicy"], limitKeyPolicy)
		case "AWS::EC2::VPCEndpoint":
			t.policy(logicalID, properties["PolicyDocument"], limitEndpointPolicy)
		case "AWS::Events::Rule":
			targets, _ := properties["Targets"].([]any)
			t.add(logicalID, limitTargets, len(targets), nil)
			if pattern := properties["EventPattern"]; pattern != nil {
				t.add(logicalID, limitPattern, length(t.evaluated(pattern)), nil)
			}
		}
	}
	t.permissions()
	t.filters()
	t.held("AWS::ApiGatewayV2::Route", "ApiId", limitRoutes, "")
	t.held("AWS::ApiGatewayV2::Authorizer", "ApiId", limitAuthorizers, "")
	t.held("AWS::EC2::SecurityGroupIngress", "GroupId", limitGroupRules, "SecurityGroupIngress")
	t.held("AWS::EC2::SecurityGroupEgress", "GroupId", limitGroupRules, "SecurityGroupEgress")
	return t.found
}

// add remembers a sum.
func (t *countedTemplate) add(logicalID string, of limit, sum int, parts map[string]int) {
	t.found = append(t.found, count{limit: of, thing: t.stack.thingOf(logicalID), at: t.at(logicalID), sum: sum, parts: parts})
}

// thingOf names the component that a resource belongs to.
func (s *Stack) thingOf(logicalID string) string {
	thing, longest := "resource "+logicalID, 0
	for _, one := range s.made {
		if prefix := strings.ReplaceAll(one.id, "-", ""); len(prefix) > longest && strings.HasPrefix(logicalID, prefix) {
			thing, longest = one.String(), len(prefix)
		}
	}
	return thing
}

// template counts the template itself.
func (t *countedTemplate) template() {
	parts, bytes := map[string]int{}, map[string]int{}
	// What adds most is said close to the limit only.
	large := t.size*100 > limitTemplate.most*closeToLimit
	for logicalID, resource := range t.Resources {
		thing := t.stack.thingOf(logicalID)
		parts[thing]++
		if large {
			bytes[thing] += length(resource.Properties)
		}
	}
	for _, one := range []struct {
		limit
		sum   int
		parts map[string]int
	}{
		{limitResources, len(t.Resources), parts}, {limitOutputs, len(t.Outputs), nil}, {limitParameters, len(t.Parameters), nil}, {limitTemplate, t.size, bytes},
	} {
		t.found = append(t.found, count{limit: one.limit, thing: fmt.Sprintf("app %q", t.stack.app.Service), at: t.stack.app.position(), sum: one.sum, parts: one.parts})
	}
}

func (t *countedTemplate) tags(logicalID string, resource countedResource) {
	switch tags := resource.Properties["Tags"].(type) {
	case []any:
		t.add(logicalID, limitTags, len(tags), nil)
	case map[string]any:
		t.add(logicalID, limitTags, len(tags), nil)
	}
}

// variables counts them as Lambda does, which measures their JSON.
func (t *countedTemplate) variables(logicalID string, properties map[string]any) {
	environment, _ := properties["Environment"].(map[string]any)
	variables, _ := t.evaluated(environment["Variables"]).(map[string]any)
	if len(variables) == 0 {
		return
	}
	parts := map[string]int{}
	for name, value := range variables {
		parts[name] = length(name) + length(value) + 2
	}
	t.add(logicalID, limitVariables, length(variables), parts)
}

// role counts the policies inside a role, and those that the stack attaches to it. IAM does not count white space.
func (t *countedTemplate) role(logicalID string, properties map[string]any) {
	sum, parts := 0, map[string]int{}
	document := func(value any) {
		policy, _ := t.evaluated(value).(map[string]any)
		sum += length(policy)
		for _, one := range listed(policy["Statement"]) {
			statement, _ := one.(map[string]any)
			service, _, _ := strings.Cut(firstText(statement["Action"]), ":")
			parts["rights on "+service] += length(statement)
		}
	}
	for _, policy := range listed(properties["Policies"]) {
		if inline, is := policy.(map[string]any); is {
			document(inline["PolicyDocument"])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		resource := t.Resources[id]
		if resource.Type != "AWS::IAM::Policy" && resource.Type != "AWS::IAM::RolePolicy" {
			continue
		}
		for _, role := range append(listed(resource.Properties["Roles"]), resource.Properties["RoleName"]) {
			if to, is := role.(map[string]any); is && to["Ref"] == logicalID {
				document(resource.Properties["PolicyDocument"])
			}
		}
	}
	if sum > 0 {
		t.add(logicalID, limitRole, sum, parts)
	}
	if managed, is := properties["ManagedPolicyArns"].([]any); is {
		t.add(logicalID, limitManaged, len(managed), nil)
	}
}

// statementLimit is a limit of what the statements of a policy hold: together, or the largest of them.
type statementLimit struct {
	limit
	count func(statement map[string]any) int
	each  bool
}

func oneStatement(map[string]any) int { return 1 }

func actionsIn(statement map[string]any) int { return len(listed(statement["Action"])) }

// principalsIn counts those of each kind.
func principalsIn(statement map[string]any) (principals int) {
	kinds, is := statement["Principal"].(map[string]any)
	if !is {
		return 1 // everybody
	}
	for _, names := range kinds {
		principals += len(listed(names))
	}
	return principals
}

// conditionsIn counts the keys that a statement has conditions on, each as often as an operator has it.
func conditionsIn(statement map[string]any) (conditions int) {
	operators, _ := statement["Condition"].(map[string]any)
	for _, operator := range operators {
		keys, _ := operator.(map[string]any)
		conditions += len(keys)
	}
	return conditions
}

// policy counts the policy of a resource, and what its statements hold.
func (t *countedTemplate) policy(logicalID string, document any, size limit, held ...statementLimit) {
	policy, _ := t.evaluated(document).(map[string]any)
	if len(policy) == 0 {
		return
	}
	parts, all := map[string]int{}, listed(policy["Statement"])
	for _, one := range all {
		statement, _ := one.(map[string]any)
		parts[principalOf(statement)] += length(statement)
	}
	t.add(logicalID, size, length(policy), parts)
	for _, of := range held {
		sum, parts := 0, map[string]int{}
		for _, one := range all {
			statement, _ := one.(map[string]any)
			count := of.count(statement)
			if !of.each {
				sum += count
				parts[principalOf(statement)] += count
			} else if count > sum {
				sum, parts = count, map[string]int{principalOf(statement): count}
			}
		}
		t.add(logicalID, of.limit, sum, parts)
	}
}

// principalOf names whom a statement is about.
func principalOf(statement map[string]any) string {
	principal, _ := statement["Principal"].(map[string]any)
	for _, kind := range []string{"Service", "AWS"} {
		if name := firstText(principal[kind]); name != "" && name != "*" {
			return name
		}
	}
	return "statements on " + firstText(statement["Action"])
}

// firstText is the text that a policy writes as one value, or the first of a list.
func firstText(value any) string {
	for _, one := range listed(value) {
		text, _ := one.(string)
		return text
	}
	return ""
}

// permissions counts the policy of each function, which is that of its permissions together.
func (t *countedTemplate) permissions() {
	type policy struct {
		count
		logicalID string
	}
	policies := map[string]*policy{}
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		resource := t.Resources[id]
		if resource.Type != "AWS::Lambda::Permission" {
			continue
		}
		permission, _ := t.evaluated(resource.Properties).(map[string]any)
		function, principal := asJSON(permission["FunctionName"]), fmt.Sprint(permission["Principal"])
		if policies[function] == nil {
			policies[function] = &policy{count: count{sum: length(map[string]any{"Version": "2012-10-17", "Id": "default", "Statement": []any{}}), parts: map[string]int{}}, logicalID: id}
		}
		// Lambda names a statement as CloudFormation names the permission.
		name := t.stack.name + "-" + id + "-" + shortID
		statement := map[string]any{
			"Sid": name[:min(len(name), 100)], "Effect": "Allow", "Principal": map[string]any{"Service": principal}, "Action": permission["Action"],
			"Resource": permission["FunctionName"], "Condition": map[string]any{"ArnLike": map[string]any{"AWS:SourceArn": permission["SourceArn"]}},
		}
		policies[function].sum += length(statement) + 1
		policies[function].parts[principal] += length(statement)
		if target := t.referredTo(resource.Properties["FunctionName"]); target != "" {
			policies[function].logicalID = target
		}
	}
	for _, function := range slices.Sorted(maps.Keys(policies)) {
		t.add(policies[function].logicalID, limitPermissions, policies[function].sum, policies[function].parts)
	}
}

// filters counts the subscriptions of each topic that have one.
func (t *countedTemplate) filters() {
	sums := map[string]int{}
	for _, resource := range t.Resources {
		if topic, is := resource.Properties["TopicArn"].(map[string]any); is && resource.Type == "AWS::SNS::Subscription" && resource.Properties["FilterPolicy"] != nil {
			if id, own := topic["Ref"].(string); own {
				sums[id]++
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(sums)) {
		t.add(id, limitFilters, sums[id], nil)
	}
}

// held counts the resources of a type by the one that they refer to, together with those in a list of that one.
func (t *countedTemplate) held(kind, property string, of limit, list string) {
	sums, parts := map[string]int{}, map[string]map[string]int{}
	for id, resource := range t.Resources {
		owner := t.referredTo(resource.Properties[property])
		if resource.Type != kind || owner == "" {
			continue
		}
		if parts[owner] == nil {
			parts[owner] = map[string]int{}
		}
		sums[owner]++
		parts[owner][t.stack.thingOf(id)]++
	}
	for _, owner := range slices.Sorted(maps.Keys(sums)) {
		own, _ := t.Resources[owner].Properties[list].([]any)
		t.add(owner, of, sums[owner]+len(own), parts[owner])
	}
}

// referredTo is the resource that a value refers to; empty where it is no reference.
func (t *countedTemplate) referredTo(value any) string {
	reference, _ := value.(map[string]any)
	if attribute, is := reference["Fn::GetAtt"].([]any); is {
		return fmt.Sprint(attribute[0])
	}
	if target, is := reference["Ref"].(string); is {
		return target
	}
	return ""
}
