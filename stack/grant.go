package stack

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// Grant is a right on one component, made by the component's verbs, such as notes.ReadWrite(). It is
// given to a function by [FunctionConfig.Access] or [Function.Allow], and brings the environment variable
// that says where the component is.
type Grant struct {
	on       granted
	verb     string
	optional bool
	apply    func(to *Function, at stages.Position)
}

// granted is a component that grants are made on.
type granted interface {
	Present() bool
	String() string
}

// Optional makes the grant follow its component: where the stage does not have the component, the
// function gets neither right nor variable, and must do without. A grant that is not optional is refused
// there.
func (g Grant) Optional() Grant {
	g.optional = true
	return g
}

// String names the grant as an error and a declaration do: ReadWrite of table "notes".
func (g Grant) String() string {
	if g.on == nil {
		return "an empty grant"
	}
	text := g.verb + " of " + g.on.String()
	if g.optional {
		text += ", optional"
	}
	return text
}

// to gives the grant to a function. Where the function is absent there is nothing to give.
func (g Grant) to(fn *Function, at stages.Position) {
	if g.apply == nil {
		fn.fault(at, "Access", "an empty grant", "a verb of a component", "write notes.Read(), queue.Send() or the like")
	}
	if !fn.present {
		return
	}
	if !g.on.Present() {
		if !g.optional {
			fn.fault(at, "Access", g.verb+" of "+g.on.String()+", which some stage that has the function does not have", "a component of every stage of the function",
				"give both the same Stages, or write ."+g.verb+"().Optional()")
		}
		return
	}
	g.apply(fn, at)
}

// All that functions may do is below: the actions of each verb, and the statement that grants them.

// logWrite is what a function needs to log to its own group, which the stack makes.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
var logWrite = []string{"logs:CreateLogStream", "logs:PutLogEvents"}

// networkInterfaces is what Lambda needs to place a function in a network. AWS offers no narrower
// resource. https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
var networkInterfaces = []string{
	"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
	"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
}

// noNetworkInterfaces is what the function's own code may not, although Lambda, which places it, may with the same
// role. https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
var noNetworkInterfaces = append([]string{"ec2:DetachNetworkInterface"}, networkInterfaces...)

// flowLogWrite is what a network's log of its traffic needs, on its own group.
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
var flowLogWrite = []string{"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"}

var functionInvoke = []string{"lambda:InvokeFunction"}

// The actions of Secrets Manager. Each may also look for the versions of the one secret.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
var (
	secretRead  = []string{"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"}
	secretWrite = []string{"secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue"}
)

// parameterRead is all there is to read one parameter, also an encrypted one: the account's key for
// parameters lets the Systems Manager decrypt on the reader's behalf.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html
var parameterRead = []string{"ssm:GetParameter", "ssm:GetParameters"}

// functionURLInvoke is what a caller of a function URL needs, besides functionInvoke through the URL.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
var functionURLInvoke = []string{"lambda:InvokeFunctionUrl"}

// traceWrite is what a function needs to be traced. AWS offers no narrower resource.
// https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
var traceWrite = []string{"xray:PutTelemetryRecords", "xray:PutTraceSegments"}

// The actions of SQS. queueTrigger is what Lambda needs to read a queue for a function.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
var (
	queueSend    = []string{"sqs:SendMessage"}
	queueConsume = []string{"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
	queueTrigger = []string{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
)

// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html
var topicPublish = []string{"sns:Publish"}

// topicKeyUse is what publishing to a topic with a key of its own needs on that key.
// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
var topicKeyUse = []string{"kms:Decrypt", "kms:GenerateDataKey"}

// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
var busPublish = []string{"events:PutEvents"}

// The data actions of DynamoDB, and the same of DAX, which names most of them alike.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodbacceleratordax.html
var (
	tableRead = []string{
		"dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:DescribeTable",
		"dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan",
	}
	tableWrite = []string{"dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:DescribeTable", "dynamodb:PutItem", "dynamodb:UpdateItem"}
	daxRead    = []string{"dax:BatchGetItem", "dax:ConditionCheckItem", "dax:GetItem", "dax:Query", "dax:Scan"}
	daxWrite   = []string{"dax:BatchWriteItem", "dax:DeleteItem", "dax:PutItem", "dax:UpdateItem"}
)

// indexRead is what a table's indexes offer. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
var indexRead = []string{"dynamodb:Query", "dynamodb:Scan"}

// streamRead is what Lambda needs to read a table's stream for a function.
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
var streamRead = []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}

// What DynamoDB does with a table's key on a caller's behalf. A write decrypts the table's own key, too.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
var (
	keyRead      = []string{"kms:Decrypt", "kms:DescribeKey"}
	keyReadWrite = []string{
		"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext",
		"kms:ReEncryptFrom", "kms:ReEncryptTo",
	}
)

// apiInvoke is to call a route that IAM decides on.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
var apiInvoke = []string{"execute-api:Invoke"}

// The actions of S3, and what it does with a key on a caller's behalf: an upload in parts reads them again.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
var (
	bucketList     = []string{"s3:ListBucket"}
	objectRead     = []string{"s3:GetObject"}
	objectWrite    = []string{"s3:AbortMultipartUpload", "s3:PutObject"}
	objectDelete   = []string{"s3:DeleteObject"}
	bucketKeyRead  = []string{"kms:Decrypt"}
	bucketKeyWrite = []string{"kms:Decrypt", "kms:GenerateDataKey"}
)

// union is both lists, sorted, each action once.
func union(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

// statement is one allowance: actions on resources.
type statement struct {
	actions   []string
	resources []*string
	// via is the service of AWS that the actions must come through, such as "dynamodb"; empty is any way.
	via string
	// throughURL tells that a function may be invoked by its URL only.
	throughURL bool
}

// key tells statements apart. The text of a value that only a deploy knows is its token, which no other
// value of the stack has.
func (st statement) key() string {
	resources := make([]string, len(st.resources))
	for i, resource := range st.resources {
		resources[i] = *resource
	}
	return fmt.Sprintf("%q %q %q %t", st.actions, resources, st.via, st.throughURL)
}

func (st statement) build() awsiam.PolicyStatement {
	props := &awsiam.PolicyStatementProps{Actions: jsiiconv.Strings(st.actions...), Resources: &st.resources}
	if st.via != "" {
		// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
		props.Conditions = &map[string]any{"StringEquals": map[string]any{
			"kms:ViaService": awscdk.Fn_Sub(jsiiconv.String(st.via+".${AWS::Region}.amazonaws.com"), nil),
		}}
	}
	if st.throughURL {
		props.Conditions = &map[string]any{"Bool": map[string]any{"lambda:InvokedViaFunctionUrl": "true"}}
	}
	return awsiam.NewPolicyStatement(props)
}

// from is the statement in a policy of the resource itself: a service of AWS may, on behalf of these sources.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
func (st statement) from(service string, sources []*string) awsiam.PolicyStatement {
	var source any = sources
	if len(sources) == 1 {
		source = sources[0]
	}
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsiiconv.Strings(st.actions...), Resources: &st.resources,
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsiiconv.String(service), nil)},
		Conditions: &map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": source}},
	})
}

// senders are the sources on whose behalf services of AWS may act on a resource, by the service. They become one
// statement a service, once all of them are known: SQS takes 20 statements in a queue's policy, SNS 100 in a topic's.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
// https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html#sns-policy-quotas
type senders map[string][]*string

// add takes a source up, once.
func (s senders) add(service string, source *string) {
	if !slices.ContainsFunc(s[service], func(known *string) bool { return *known == *source }) {
		s[service] = append(s[service], source)
	}
}

// statements allow the actions on the resource, service by service.
func (s senders) statements(actions []string, resource *string) []awsiam.PolicyStatement {
	var all []awsiam.PolicyStatement
	for _, service := range sortedKeys(s) {
		all = append(all, statement{actions: actions, resources: []*string{resource}}.from(service, s[service]))
	}
	return all
}

// fromAccount is the statement in a policy of the resource itself: a service of AWS may, on behalf of
// anything of this account.
func (st statement) fromAccount(service string, s *Stack) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsiiconv.Strings(st.actions...), Resources: &st.resources, Principals: &[]awsiam.IPrincipal{inAccount(service, s)},
	})
}

// newRole makes the role that a service of AWS assumes, without any right yet.
func newRole(scope constructs.Construct, id string, service awsiam.IPrincipal) awsiam.Role {
	return awsiam.NewRole(scope, jsiiconv.String(id), &awsiam.RoleProps{AssumedBy: service})
}

// newServiceRole makes the role that a service of AWS assumes on behalf of this account, to do these things.
func (s *Stack) newServiceRole(scope constructs.Construct, id, service string, rights ...statement) awsiam.Role {
	role := newRole(scope, id, inAccount(service, s))
	for _, right := range rights {
		role.AddToPrincipalPolicy(right.build())
	}
	return role
}

// daxPrincipal is DAX. It acts not for this account alone, as other services do: AWS's page on DAX's role has no
// condition, and an account can only give DAX roles of its own.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DAX.create-cluster.cli.create-service-role.html
func daxPrincipal() awsiam.IPrincipal {
	return awsiam.NewServicePrincipal(jsiiconv.String("dax.amazonaws.com"), nil)
}

// inAccount is a service of AWS that acts on behalf of this account.
func inAccount(service string, s *Stack) awsiam.IPrincipal {
	return awsiam.NewServicePrincipal(jsiiconv.String(service), &awsiam.ServicePrincipalOpts{
		Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": s.CDK.Account()}},
	})
}

// admit lets a service of AWS invoke the function on behalf of one source. The permission stands in the scope.
func (fn *Function) admit(scope constructs.Construct, id, service string, source *string) {
	awslambda.NewCfnPermission(scope, jsiiconv.String(id), &awslambda.CfnPermissionProps{
		Action: jsiiconv.String(functionInvoke[0]), FunctionName: fn.invoked().FunctionArn(),
		Principal: jsiiconv.String(service), SourceArn: source,
	})
}

// allow adds to a role's policy. Its answer, which nobody reads, would be two more messages. What allows the
// same to many functions is made once: a policy reads its statements, and does not change them.
func (s *Stack) allow(role awsiam.IRole, st statement) {
	key := st.key()
	made, known := s.statements[key]
	if !known {
		made = st.build()
		s.statements[key] = made
	}
	jsiiconv.Do(role, "addToPrincipalPolicy", made)
}

// allow adds a statement to the function's role.
func (fn *Function) allow(st statement) {
	fn.stack.allow(fn.role, st)
}

// allowNetworkInterfaces lets Lambda place the function in a network, and does not let the function's code use that.
//
// The policy is a resource of its own, which the security group depends on. So when the function leaves its network,
// CloudFormation removes the policy last: after the function has left, and after the group is gone, which it cannot
// delete before Lambda has removed the interfaces, with these rights.
// https://github.com/aws/aws-cdk/issues/34400
func (fn *Function) allowNetworkInterfaces(group awsec2.CfnSecurityGroup) {
	name := fn.name
	if name == "" {
		name = "*" // the function's own name would be a circle
	}
	everything := jsiiconv.Strings("*")
	policy := awsiam.NewPolicy(fn.siblings, jsiiconv.String("NetworkPolicy"), &awsiam.PolicyProps{
		Roles: &[]awsiam.IRole{fn.role},
		Statements: &[]awsiam.PolicyStatement{
			awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: jsiiconv.Strings(networkInterfaces...), Resources: everything}),
			awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Effect: awsiam.Effect_DENY, Actions: jsiiconv.Strings(noNetworkInterfaces...), Resources: everything,
				// The key's value has no version. https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
				Conditions: &map[string]any{"ArnEquals": map[string]any{"lambda:SourceFunctionArn": fn.stack.CDK.FormatArn(&awscdk.ArnComponents{
					Service: jsiiconv.String("lambda"), Resource: jsiiconv.String("function"), ResourceName: jsiiconv.String(name),
					ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
				})}},
			}),
		},
	})
	group.Node().AddDependency(policy)
}

// listed is what a policy writes as one value or as a list of them.
func listed(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	return []any{value}
}

var environmentPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]+$`)

// sortedKeys keeps maps from putting their random order into templates and errors.
func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
