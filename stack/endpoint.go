package stack

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// Endpoint is a private way from a network to one AWS service, named as the end of the service's endpoint
// name: com.amazonaws.REGION.sqs is "sqs". Any other that AWS lists serves too, such as
// stack.Endpoint("bedrock-runtime").
// https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
type Endpoint string

// The endpoints of the services that grants are on. Those of DynamoDB and S3 are gateways, which cost
// nothing and which every network has; each of the others is paid by the hour in every zone.
const (
	EndpointDynamoDB       Endpoint = "dynamodb"
	EndpointEvents         Endpoint = "events"
	EndpointKMS            Endpoint = "kms"
	EndpointLambda         Endpoint = "lambda"
	EndpointLogs           Endpoint = "logs"
	EndpointS3             Endpoint = "s3"
	EndpointScheduler      Endpoint = "scheduler"
	EndpointSecretsManager Endpoint = "secretsmanager"
	EndpointSNS            Endpoint = "sns"
	EndpointSQS            Endpoint = "sqs"
	EndpointSSM            Endpoint = "ssm"
)

// policedEndpoints are the endpoints whose service's actions in IAM begin with the endpoint's own name: whose policy can be read
// from roles.
var policedEndpoints = []Endpoint{
	EndpointDynamoDB, EndpointEvents, EndpointKMS, EndpointLambda, EndpointLogs, EndpointS3, EndpointScheduler,
	EndpointSecretsManager, EndpointSNS, EndpointSQS, EndpointSSM,
}

// gateways are the endpoints that every network has.
var gateways = []Endpoint{EndpointDynamoDB, EndpointS3}

// endpointOf is the way to a service that grants are on, by the name that people call the service.
var endpointOf = map[string]struct {
	endpoint Endpoint
	constant string // how a program writes it
}{
	"DynamoDB":              {EndpointDynamoDB, "stack.EndpointDynamoDB"},
	"EventBridge":           {EndpointEvents, "stack.EndpointEvents"},
	"EventBridge Scheduler": {EndpointScheduler, "stack.EndpointScheduler"},
	"Lambda":                {EndpointLambda, "stack.EndpointLambda"},
	"S3":                    {EndpointS3, "stack.EndpointS3"},
	"Secrets Manager":       {EndpointSecretsManager, "stack.EndpointSecretsManager"},
	"SNS":                   {EndpointSNS, "stack.EndpointSNS"},
	"SQS":                   {EndpointSQS, "stack.EndpointSQS"},
	"Systems Manager":       {EndpointSSM, "stack.EndpointSSM"},
}

func validateEndpoints(field string, endpoints []Endpoint, made func(Endpoint) bool) *ConfigError {
	for i, one := range endpoints {
		switch {
		case !endpointName.MatchString(string(one)):
			return &ConfigError{Field: field, Got: fmt.Sprintf("%q", string(one)), Want: "the end of an endpoint's name", Fix: "write stack.EndpointSQS or the like"}
		case made(one):
			return &ConfigError{Field: field, Got: fmt.Sprintf("%q", string(one)), Want: "another one: every network has the gateways", Fix: "leave it out"}
		case slices.Contains(endpoints[:i], one):
			return &ConfigError{Field: field, Got: fmt.Sprintf("%q twice", string(one)), Want: "there only once", Fix: "leave one of the two out"}
		}
	}
	return nil
}

// gatewayID is what a gateway's construct is called.
var gatewayID = map[Endpoint]string{EndpointDynamoDB: "DynamoDB", EndpointS3: "S3"}

// newGateway makes the way to a service by the network's routes.
func (s *Stack) newGateway(scope constructs.Construct, n *network, to Endpoint, open bool) {
	gateway := awsec2.NewCfnVPCEndpoint(scope, jsiiconv.String(gatewayID[to]), &awsec2.CfnVPCEndpointProps{
		VpcId: n.vpcID, VpcEndpointType: jsiiconv.String("Gateway"), RouteTableIds: anyOf(n.tableIDs), ServiceName: to.serviceName(),
	})
	s.limit(gateway, n, to, open)
}

// limit has an endpoint that is not open let through what the roles in the network allow, once all of that is known.
func (s *Stack) limit(made awsec2.CfnVPCEndpoint, n *network, to Endpoint, open bool) {
	if open || !slices.Contains(policedEndpoints, to) {
		return
	}
	s.deferredChecks = append(s.deferredChecks, func() { made.SetPolicyDocument(policyOfEndpoint(string(to), n.rights(s))) })
}

// serviceName is the endpoint's in the stack's region.
func (e Endpoint) serviceName() *string {
	return awscdk.Fn_Sub(jsiiconv.String("com.amazonaws.${AWS::Region}."+string(e)), nil)
}

// someZones are the services whose interface endpoints AWS offers in some zones of a region only. Which they are differs by
// account, since each has other names for its zones.
// https://github.com/awslabs/aws-orbit-workbench/issues/320
// https://github.com/terraform-aws-modules/terraform-aws-vpc/issues/462
var someZones = []string{"com.amazonaws.us-east-1.email-smtp", "com.amazonaws.us-east-1.lambda"}

// zonesWithoutService warns of endpoints in zones that CloudFormation chooses, of which AWS may not offer the service in each.
func (t *countedTemplate) zonesWithoutService() (warnings []string) {
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		endpoint := t.Resources[id]
		if endpoint.Type != "AWS::EC2::VPCEndpoint" || endpoint.Properties["VpcEndpointType"] != "Interface" {
			continue
		}
		service, _ := t.evaluated(endpoint.Properties["ServiceName"]).(string)
		if !slices.Contains(someZones, service) {
			continue
		}
		subnets, _ := endpoint.Properties["SubnetIds"].([]any)
		if slices.ContainsFunc(subnets, func(subnet any) bool {
			_, named := t.Resources[t.referredTo(subnet)].Properties["AvailabilityZone"].(string)
			return !named
		}) {
			warnings = append(warnings, fmt.Sprintf("%s: %s has an endpoint of %s in zones that CloudFormation chooses, and AWS offers it in some only; "+
				"write ZoneNames and EndpointZones, with those that `aws ec2 describe-vpc-endpoint-services --service-names %s` lists", t.at(id), t.stack.thingOf(id), service, service))
		}
	}
	return warnings
}

// reaches tells whether functions in the network can call a service.
func (n *network) reaches(service string) bool {
	return n.internet || slices.Contains(n.endpoints, endpointOf[service].endpoint)
}

// reached lists, for an error, the services of grants that the network reaches.
func (n *network) reached() string {
	var names []string
	for _, service := range sortedKeys(endpointOf) {
		if n.reaches(service) {
			names = append(names, service)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// remedy says what to write so that the network reaches a service.
func (n *network) remedy(service string) string {
	constant := endpointOf[service].constant
	switch {
	case constant == "": // AWS offers no endpoint
		return "do that work in another function, or give the network NATGateways"
	case n.of == "":
		return fmt.Sprintf("do that work in another function, or give DAX a Network that has %s in its Endpoints", constant)
	case n.existing:
		return fmt.Sprintf("make that endpoint in the VPC, and write Endpoints: []stack.Endpoint{%s} in Existing of %s", constant, n.of)
	}
	return fmt.Sprintf("write Endpoints: []stack.Endpoint{%s} in %s, or give it NATGateways", constant, n.of)
}

// principal is who acts inside a network: a function, or a DAX cluster.
type principal struct {
	component
	at   stages.Position
	role awsiam.IRole
}

// rights are the statements that allow something in the roles of a network's principals, whoever wrote them. What
// stands in a role does not say whose traffic it is; each role limits its own further. Rights that cannot be read here
// would be refused at run time, so they are a mistake.
func (n *network) rights(s *Stack) []map[string]any {
	if n.allowed != nil || len(n.principals) == 0 {
		return n.allowed
	}
	n.allowed = []map[string]any{}
	policies := s.attachedPolicies()
	read := map[string]bool{} // two functions may share a role
	for _, inside := range n.principals {
		if inside.role == nil {
			n.unreadable(inside, "one that this stack does not make")
		}
		// Of a role of somebody else, what this stack grants is known.
		own, isOwn := inside.role.Node().DefaultChild().(awsiam.CfnRole)
		if isOwn {
			if arns := own.ManagedPolicyArns(); arns != nil && s.CDK.Resolve(arns) != nil {
				n.unreadable(inside, "one with managed policies")
			}
		}
		name := fmt.Sprint(s.CDK.Resolve(inside.role.RoleName()))
		if read[name] {
			continue
		}
		read[name] = true
		if isOwn {
			for _, one := range s.resolved(own.Policies()) {
				n.allowed = append(n.allowed, allowedBy(one.(map[string]any)["policyDocument"])...)
			}
		}
		for _, policy := range policies[name] {
			// With its tokens: those of a document that was resolved could not be joined with others.
			n.allowed = append(n.allowed, allowedBy(policy.Document().ToJSON())...)
		}
	}
	return n.allowed
}

// unreadable refuses a role in a network whose endpoints let through what roles allow.
func (n *network) unreadable(inside principal, role string) {
	fix := "write OpenEndpoints: true in " + n.of
	if n.of == "" {
		fix = "give DAX a Network with OpenEndpoints: true"
	}
	inside.refusal("https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html", inside.at, "role", role+", whose rights the endpoints of its network cannot let through", "a role with policies of this stack alone", fix)
}

// attachedPolicies are the policies of the stack, by the names of the roles that have them.
func (s *Stack) attachedPolicies() map[string][]awsiam.Policy {
	attached := map[string][]awsiam.Policy{}
	for _, one := range *s.CDK.Node().FindAll(constructs.ConstructOrder_PREORDER) {
		policy, ok := one.(awsiam.Policy)
		if !ok {
			continue
		}
		roles := policy.Node().DefaultChild().(awsiam.CfnPolicy).Roles()
		if roles == nil {
			continue
		}
		for _, role := range s.resolved(roles) {
			attached[fmt.Sprint(role)] = append(attached[fmt.Sprint(role)], policy)
		}
	}
	return attached
}

// resolved is a list as the template has it; nil where there is none.
func (s *Stack) resolved(list any) []any {
	if list == nil {
		return nil
	}
	all, _ := s.CDK.Resolve(list).([]any)
	return all
}

// allowedBy are the statements of a document that allow something.
func allowedBy(document any) []map[string]any {
	// No document of the CDK tells its statements one by one.
	written, _ := document.(map[string]any)
	var all []map[string]any
	for _, one := range listed(written["Statement"]) {
		if statement, ok := one.(map[string]any); ok && statement["Effect"] == "Allow" {
			all = append(all, statement)
		}
	}
	return all
}

// policyOfEndpoint lets a network's traffic to a service through as far as the rights in the network go.
// https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
func policyOfEndpoint(service string, rights []map[string]any) awsiam.PolicyDocument {
	document := awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Minimize: jsiiconv.Bool(true)})
	for _, right := range rights {
		allowed := maps.Clone(right)
		allowed["Principal"] = map[string]any{"AWS": "*"}
		if _, inverse := right["NotAction"]; !inverse {
			actions := slices.DeleteFunc(slices.Clone(listed(right["Action"])), func(action any) bool {
				return action != "*" && !strings.HasPrefix(strings.ToLower(fmt.Sprint(action)), service+":") // the case of an action does not count
			})
			if len(actions) == 0 {
				continue
			}
			allowed["Action"] = actions
		}
		document.AddStatements(awsiam.PolicyStatement_FromJson(allowed))
	}
	if *document.IsEmpty() {
		// An endpoint without a policy would let everything through.
		document.AddStatements(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Effect: awsiam.Effect_DENY, Principals: &[]awsiam.IPrincipal{awsiam.NewAnyPrincipal()},
			Actions: jsiiconv.Strings("*"), Resources: jsiiconv.Strings("*"),
		}))
	}
	return document
}
