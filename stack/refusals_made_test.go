package stack_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal/refusals"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// part is a resource of a template, by the keys that CloudFormation gives it.
type part map[string]any

func (p part) kind() string               { kind, _ := p["Type"].(string); return kind }
func (p part) properties() map[string]any { return entries(p["Properties"]) }

// made is a template, and where it is deployed.
type made struct {
	whole     map[string]any
	resources map[string]part
	account   string
	region    string
}

func entries(value any) map[string]any { m, _ := value.(map[string]any); return m }

func listOf(value any) []any {
	switch value := value.(type) {
	case nil:
		return nil
	case []any:
		return value
	}
	return []any{value}
}

func asText(value any) string { text, _ := value.(string); return text }

func readMade(t *testing.T, data []byte, account, region string) made {
	t.Helper()
	m := made{account: account, region: region, resources: map[string]part{}}
	require.NoError(t, json.Unmarshal(data, &m.whole))
	for id, resource := range entries(m.whole["Resources"]) {
		m.resources[id] = entries(resource)
	}
	return m
}

// below are the values at a path: [] is each item of a list, {} each value of a map.
func below(value any, path string) []any {
	if path == "" {
		return []any{value}
	}
	name, rest, _ := strings.Cut(path, ".")
	each := ""
	if at := strings.IndexAny(name, "[{"); at >= 0 {
		name, each = name[:at], name[at:]
	}
	next, has := entries(value)[name]
	if !has {
		return nil
	}
	found := []any{next}
	switch each {
	case "[]":
		found = listOf(next)
	case "{}":
		found = nil
		for _, one := range entries(next) {
			found = append(found, one)
		}
	}
	var all []any
	for _, one := range found {
		all = append(all, below(one, rest)...)
	}
	return all
}

// target is the logical id that a value leads to: the first that it refers to.
func target(value any) string {
	for name, argument := range entries(value) {
		switch name {
		case "Ref":
			return asText(argument)
		case "Fn::GetAtt":
			if list, is := argument.([]any); is {
				return asText(list[0])
			}
			id, _, _ := strings.Cut(asText(argument), ".")
			return id
		case "Fn::Sub":
			for _, match := range substituted.FindAllStringSubmatch(asText(listOf(argument)[0]), -1) {
				if id, _, _ := strings.Cut(match[1], "."); !strings.Contains(id, ":") {
					return id
				}
			}
		default:
			for _, one := range listOf(argument) {
				if list, is := one.([]any); is {
					for _, inner := range list {
						if id := target(inner); id != "" && !strings.HasPrefix(id, "AWS::") {
							return id
						}
					}
				} else if id := target(one); id != "" && !strings.HasPrefix(id, "AWS::") {
					return id
				}
			}
		}
	}
	return ""
}

var substituted = regexp.MustCompile(`\$\{([^}]*)\}`)

func (m made) kindOf(value any) string {
	id := target(value)
	if _, is := entries(m.whole["Parameters"])[id]; is {
		return "Parameter"
	}
	return m.resources[id].kind()
}

// judgement looks for one mistake. kind is the type of resource that the template must have for it to mean something;
// "" is any.
type judgement struct {
	kind string
	bad  func(m made) bool
}

func each(kind string, bad func(m made, properties map[string]any) bool) judgement {
	return judgement{kind, func(m made) bool {
		for _, resource := range m.resources {
			if resource.kind() == kind && bad(m, resource.properties()) {
				return true
			}
		}
		return false
	}}
}

func whole(bad func(m made) bool) judgement { return judgement{"", bad} }

// none is that the constructs make no resource of the type.
func none(kind string) judgement {
	return whole(func(m made) bool {
		return slices.ContainsFunc(kinds(m), func(one string) bool { return one == kind })
	})
}

func kinds(m made) (all []string) {
	for _, resource := range m.resources {
		all = append(all, resource.kind())
	}
	return all
}

// values is a mistake of a value at a path.
func values(kind, path string, bad func(m made, value any) bool) judgement {
	return each(kind, func(m made, properties map[string]any) bool {
		return slices.ContainsFunc(below(properties, path), func(value any) bool { return bad(m, value) })
	})
}

func absent(kind, path string) judgement {
	return values(kind, path, func(made, any) bool { return true })
}

func present(kind, path string) judgement {
	return each(kind, func(_ made, properties map[string]any) bool { return len(below(properties, path)) == 0 })
}

func within(kind, path string, allowed ...string) judgement {
	return values(kind, path, func(_ made, value any) bool {
		return !slices.Contains(allowed, fmt.Sprint(value))
	})
}

// shaped is that each literal text at a path has a form.
func shaped(kind, path, form string) judgement {
	pattern := regexp.MustCompile(`^(?:` + form + `)$`)
	return values(kind, path, func(_ made, value any) bool {
		literal, is := value.(string)
		return is && !pattern.MatchString(literal)
	})
}

func between(kind, path string, least, most float64) judgement {
	return values(kind, path, func(_ made, value any) bool {
		number, is := value.(float64)
		return !is || number < least || number > most
	})
}

func atMost(kind, path string, most int) judgement {
	return each(kind, func(_ made, properties map[string]any) bool {
		return slices.ContainsFunc(below(properties, path), func(value any) bool { return len(listOf(value)) > most })
	})
}

// refers is that each value at a path leads to a resource of the same template, of one of the types.
func refers(kind, path string, to ...string) judgement {
	return values(kind, path, func(m made, value any) bool { return !slices.Contains(to, m.kindOf(value)) })
}

// unique is that no two resources have the same at all of the paths.
func unique(kind string, paths ...string) judgement {
	return judgement{kind, func(m made) bool {
		seen := map[string]bool{}
		for _, resource := range m.resources {
			if resource.kind() != kind {
				continue
			}
			var key []any
			for _, path := range paths {
				key = append(key, below(resource.properties(), path))
			}
			text := fmt.Sprint(key)
			if seen[text] {
				return true
			}
			seen[text] = true
		}
		return false
	}}
}

// statements is a mistake of a statement of a policy; resource has the policy.
func statements(kind, path string, bad func(m made, statement, resource map[string]any) bool) judgement {
	return each(kind, func(m made, properties map[string]any) bool {
		documents := below(properties, path)
		return slices.ContainsFunc(documents, func(document any) bool {
			return slices.ContainsFunc(listOf(entries(document)["Statement"]), func(one any) bool { return bad(m, entries(one), properties) })
		})
	})
}

func granted(bad func(statement map[string]any) bool) judgement {
	return statements("AWS::IAM::Policy", "PolicyDocument", func(_ made, statement, _ map[string]any) bool { return bad(statement) })
}

func trusted(bad func(statement map[string]any) bool) judgement {
	return statements("AWS::IAM::Role", "AssumeRolePolicyDocument", func(_ made, statement, _ map[string]any) bool { return bad(statement) })
}

func has(statement map[string]any, key string) bool { _, is := statement[key]; return is }

func anyItem(value any, bad func(text string) bool) bool {
	return slices.ContainsFunc(listOf(value), func(one any) bool { text, is := one.(string); return is && bad(text) })
}

// toRole tells that a principal is a role or a user by name, which may be missing.
func toRole(statement map[string]any) bool {
	return slices.ContainsFunc(listOf(entries(statement["Principal"])["AWS"]), func(one any) bool {
		return strings.Contains(fmt.Sprint(one), ":role/") || strings.Contains(fmt.Sprint(one), ":user/")
	})
}

// foreign tells that an action is not of the service.
func foreign(service string) func(made, map[string]any, map[string]any) bool {
	return func(_ made, statement, _ map[string]any) bool {
		return anyItem(statement["Action"], func(action string) bool { return action != "*" && !strings.HasPrefix(action, service+":") })
	}
}

func noPrincipal(_ made, statement, _ map[string]any) bool { return !has(statement, "Principal") }

// assumedBy is that the role at a path trusts a service.
func assumedBy(kind, path, service string) judgement {
	return values(kind, path, func(m made, value any) bool {
		trust := below(m.resources[target(value)].properties(), "AssumeRolePolicyDocument.Statement[].Principal.Service")
		return !slices.Contains(trust, any(service))
	})
}

// mayDo tells that a function's role has the right to an action.
func (m made) mayDo(function any, action string) bool {
	fn := m.resources[target(function)]
	if fn.kind() == "AWS::Lambda::Alias" {
		fn = m.resources[target(fn.properties()["FunctionName"])]
	}
	role := target(fn.properties()["Role"])
	policies := below(m.resources[role].properties(), "Policies[].PolicyDocument")
	for _, resource := range m.resources {
		if resource.kind() == "AWS::IAM::Policy" && slices.ContainsFunc(listOf(resource.properties()["Roles"]), func(one any) bool { return target(one) == role }) {
			policies = append(policies, resource.properties()["PolicyDocument"])
		}
	}
	for _, policy := range policies {
		for _, statement := range listOf(entries(policy)["Statement"]) {
			if slices.Contains(listOf(entries(statement)["Action"]), any(action)) {
				return true
			}
		}
	}
	return false
}

// everywhere is a mistake of any value, however deep it stands.
func everywhere(bad func(m made, value any) bool) judgement {
	return whole(func(m made) bool {
		var look func(value any) bool
		look = func(value any) bool {
			if bad(m, value) {
				return true
			}
			for _, one := range entries(value) {
				if look(one) {
					return true
				}
			}
			list, _ := value.([]any)
			return slices.ContainsFunc(list, look)
		}
		return look(m.whole)
	})
}

// function is a mistake of an intrinsic function's argument.
func function(name string, bad func(m made, argument any) bool) judgement {
	return everywhere(func(m made, value any) bool {
		argument, is := entries(value)[name]
		return is && bad(m, argument)
	})
}

// resolves tells that what a value refers to is in the template.
func (m made) resolves(value any) bool {
	id := target(value)
	_, parameter := entries(m.whole["Parameters"])[id]
	_, resource := m.resources[id]
	return id == "" || strings.HasPrefix(id, "AWS::") || parameter || resource
}

func unresolved(section string) judgement {
	return whole(func(m made) bool {
		inside := everywhere(func(_ made, value any) bool {
			keys := entries(value)
			return len(keys) == 1 && (has(keys, "Ref") || has(keys, "Fn::GetAtt") || has(keys, "Fn::Sub")) && !m.resolves(value)
		})
		return inside.bad(made{whole: map[string]any{section: m.whole[section]}})
	})
}

// circular tells that a resource needs itself.
func circular(m made) bool {
	needs := func(id string) (all []string) {
		everywhere(func(_ made, value any) bool {
			if keys := entries(value); len(keys) == 1 {
				all = append(all, target(value))
			}
			return false
		}).bad(made{whole: m.resources[id]})
		for _, one := range listOf(m.resources[id]["DependsOn"]) {
			all = append(all, asText(one))
		}
		return all
	}
	state := map[string]int{}
	var visit func(id string) bool
	visit = func(id string) bool {
		if _, is := m.resources[id]; !is || state[id] == 2 {
			return false
		}
		if state[id] == 1 {
			return true
		}
		state[id] = 1
		found := slices.ContainsFunc(needs(id), visit)
		state[id] = 2
		return found
	}
	return slices.ContainsFunc(slices.Sorted(mapKeys(m.resources)), visit)
}

func mapKeys[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

func resourceKeys(bad func(m made, id string, resource part) bool) judgement {
	return whole(func(m made) bool {
		for id, resource := range m.resources {
			if bad(m, id, resource) {
				return true
			}
		}
		return false
	})
}

// madeTypes are the types of resources that the constructs make.
var madeTypes = strings.Fields(`
AWS::ApiGatewayV2::Api AWS::ApiGatewayV2::ApiMapping AWS::ApiGatewayV2::Authorizer AWS::ApiGatewayV2::DomainName
AWS::ApiGatewayV2::Integration AWS::ApiGatewayV2::Route AWS::ApiGatewayV2::Stage
AWS::ApplicationAutoScaling::ScalableTarget AWS::ApplicationAutoScaling::ScalingPolicy AWS::CloudWatch::Alarm
AWS::DAX::Cluster AWS::DAX::ParameterGroup AWS::DAX::SubnetGroup AWS::DynamoDB::Table AWS::EC2::EIP
AWS::EC2::FlowLog AWS::EC2::InternetGateway AWS::EC2::NatGateway AWS::EC2::Route AWS::EC2::RouteTable
AWS::EC2::SecurityGroup AWS::EC2::SecurityGroupEgress AWS::EC2::SecurityGroupIngress AWS::EC2::Subnet
AWS::EC2::SubnetRouteTableAssociation AWS::EC2::VPC AWS::EC2::VPCEndpoint AWS::EC2::VPCGatewayAttachment
AWS::Events::EventBus AWS::Events::Rule AWS::IAM::Policy AWS::IAM::Role AWS::KMS::Key AWS::Lambda::Alias
AWS::Lambda::EventInvokeConfig AWS::Lambda::EventSourceMapping AWS::Lambda::Function AWS::Lambda::Permission
AWS::Lambda::Url AWS::Lambda::Version AWS::Logs::LogGroup AWS::S3::Bucket AWS::S3::BucketPolicy
AWS::SNS::Subscription AWS::SNS::Topic AWS::SNS::TopicPolicy AWS::SQS::Queue AWS::SQS::QueuePolicy
AWS::SSM::Parameter AWS::Scheduler::Schedule AWS::SecretsManager::Secret`)

// keyAttributes are the attributes that an index or a table has keys of.
func keyAttributes(properties map[string]any) (used []string) {
	for _, path := range []string{"KeySchema[].AttributeName", "GlobalSecondaryIndexes[].KeySchema[].AttributeName", "LocalSecondaryIndexes[].KeySchema[].AttributeName"} {
		for _, name := range below(properties, path) {
			used = append(used, asText(name))
		}
	}
	return used
}

func table(bad func(properties map[string]any) bool) judgement {
	return each("AWS::DynamoDB::Table", func(_ made, properties map[string]any) bool { return bad(properties) })
}

func unusedAttribute(properties map[string]any) bool {
	used := keyAttributes(properties)
	return slices.ContainsFunc(below(properties, "AttributeDefinitions[].AttributeName"), func(name any) bool { return !slices.Contains(used, asText(name)) })
}

func projections(bad func(projection map[string]any) bool) judgement {
	return table(func(properties map[string]any) bool {
		all := slices.Concat(below(properties, "GlobalSecondaryIndexes[].Projection"), below(properties, "LocalSecondaryIndexes[].Projection"))
		return slices.ContainsFunc(all, func(one any) bool { return bad(entries(one)) })
	})
}

// rules is a mistake of a rule of a security group.
func rules(bad func(rule map[string]any) bool) judgement {
	return judgement{"AWS::EC2::SecurityGroupIngress", func(m made) bool {
		for _, resource := range m.resources {
			switch properties := resource.properties(); resource.kind() {
			case "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress":
				if bad(properties) {
					return true
				}
			case "AWS::EC2::SecurityGroup":
				for _, rule := range slices.Concat(listOf(properties["SecurityGroupIngress"]), listOf(properties["SecurityGroupEgress"])) {
					if bad(entries(rule)) {
						return true
					}
				}
			}
		}
		return false
	}}
}

func tcp(rule map[string]any) bool {
	return rule["IpProtocol"] == "tcp" || rule["IpProtocol"] == "udp"
}

var ruleText = regexp.MustCompile(`^[a-zA-Z0-9 ._\-:/()#,@\[\]+=;{}!$*]{0,255}$`)

// subnets is a mistake of a subnet and the others of its network.
func subnets(bad func(m made, network netip.Prefix, one netip.Prefix, others []netip.Prefix) bool) judgement {
	return judgement{"AWS::EC2::Subnet", func(m made) bool {
		ranges := map[string][]netip.Prefix{}
		for _, resource := range m.resources {
			if prefix, err := netip.ParsePrefix(asText(resource.properties()["CidrBlock"])); err == nil && resource.kind() == "AWS::EC2::Subnet" {
				id := target(resource.properties()["VpcId"])
				ranges[id] = append(ranges[id], prefix)
			}
		}
		for id, all := range ranges {
			network, err := netip.ParsePrefix(asText(m.resources[id].properties()["CidrBlock"]))
			if err != nil {
				return true
			}
			for i, one := range all {
				if bad(m, network, one, slices.Delete(slices.Clone(all), i, i+1)) {
					return true
				}
			}
		}
		return false
	}}
}

func endpoints(bad func(m made, properties map[string]any) bool) judgement {
	return each("AWS::EC2::VPCEndpoint", bad)
}

func bucketPolicies(bad func(m made, statement, resource map[string]any) bool) judgement {
	return statements("AWS::S3::BucketPolicy", "PolicyDocument", bad)
}

var address = regexp.MustCompile(`^\d+\.\d+\.\d+\.\d+$`)

func objects(value any) bool { return strings.Contains(fmt.Sprint(value), "/*") }

// impossible has, for each row of the book whose answer is construct or escape hatch, the mistake in the row's own
// template. No template that the constructs make has it.
var impossible = map[string]judgement{
	"apigateway-route-target": refers("AWS::ApiGatewayV2::Route", "Target", "AWS::ApiGatewayV2::Integration"),
	"apigateway-api-missing":  refers("AWS::ApiGatewayV2::Route", "ApiId", "AWS::ApiGatewayV2::Api"),
	"apigateway-route-authorizer": each("AWS::ApiGatewayV2::Route", func(m made, route map[string]any) bool {
		asks := route["AuthorizationType"] == "JWT" || route["AuthorizationType"] == "CUSTOM"
		return asks && m.kindOf(route["AuthorizerId"]) != "AWS::ApiGatewayV2::Authorizer"
	}),
	"apigateway-identity-source":     shaped("AWS::ApiGatewayV2::Authorizer", "IdentitySource[]", `\$(request|context|stageVariables)\..+`),
	"apigateway-integration-timeout": between("AWS::ApiGatewayV2::Integration", "TimeoutInMillis", 50, 30000),
	"apigateway-payload-version":     within("AWS::ApiGatewayV2::Integration", "PayloadFormatVersion", "2.0"),
	"apigateway-stage-route": resourceKeys(func(m made, _ string, stage part) bool {
		for key := range entries(stage.properties()["RouteSettings"]) {
			if stage.kind() == "AWS::ApiGatewayV2::Stage" && !slices.ContainsFunc(listOf(stage["DependsOn"]), func(id any) bool {
				return m.resources[asText(id)].properties()["RouteKey"] == key
			}) {
				return true
			}
		}
		return false
	}),
	"apigateway-stage-name":    within("AWS::ApiGatewayV2::Stage", "StageName", "$default"),
	"apigateway-mapping-twice": unique("AWS::ApiGatewayV2::ApiMapping", "DomainName", "ApiMappingKey"),

	"autoscaling-resource":  refers("AWS::ApplicationAutoScaling::ScalableTarget", "ResourceId", "AWS::DynamoDB::Table"),
	"autoscaling-dimension": shaped("AWS::ApplicationAutoScaling::ScalableTarget", "ScalableDimension", `dynamodb:(table|index):(Read|Write)CapacityUnits`),
	"autoscaling-metric": each("AWS::ApplicationAutoScaling::ScalingPolicy", func(m made, policy map[string]any) bool {
		dimension := asText(m.resources[target(policy["ScalingTargetId"])].properties()["ScalableDimension"])
		if own := asText(policy["ScalableDimension"]); own != "" {
			dimension = own
		}
		metric := fmt.Sprint(below(policy, "TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.PredefinedMetricType"))
		return strings.Contains(metric, "Read") != strings.Contains(dimension, "Read") || !strings.Contains(metric, "DynamoDB")
	}),
	"autoscaling-policy-type": within("AWS::ApplicationAutoScaling::ScalingPolicy", "PolicyType", "TargetTrackingScaling"),

	"cloudformation-unknown-section": whole(func(m made) bool {
		for key := range m.whole {
			if !slices.Contains(strings.Fields("AWSTemplateFormatVersion Conditions Description Mappings Metadata Outputs Parameters Resources Rules Transform"), key) {
				return true
			}
		}
		return false
	}),
	"cloudformation-version": whole(func(m made) bool {
		version, is := m.whole["AWSTemplateFormatVersion"]
		return is && version != "2010-09-09"
	}),
	"cloudformation-logical-id": resourceKeys(func(_ made, id string, _ part) bool {
		return !regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`).MatchString(id)
	}),
	"cloudformation-no-type":      resourceKeys(func(_ made, _ string, resource part) bool { return resource.kind() == "" }),
	"cloudformation-unknown-type": resourceKeys(func(_ made, _ string, resource part) bool { return !slices.Contains(madeTypes, resource.kind()) }),
	"cloudformation-resource-key": resourceKeys(func(_ made, _ string, resource part) bool {
		for key := range resource {
			if !slices.Contains(strings.Fields("Condition CreationPolicy DeletionPolicy DependsOn Metadata Properties Type UpdatePolicy UpdateReplacePolicy"), key) {
				return true
			}
		}
		return false
	}),
	"cloudformation-null": everywhere(func(_ made, value any) bool { return value == nil }),
	"cloudformation-deletion-policy": resourceKeys(func(_ made, _ string, resource part) bool {
		policy, is := resource["DeletionPolicy"]
		return is && !slices.Contains([]any{"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"}, policy)
	}),
	"cloudformation-unresolved": unresolved("Resources"),
	"cloudformation-depends-on-nothing": resourceKeys(func(m made, _ string, resource part) bool {
		return slices.ContainsFunc(listOf(resource["DependsOn"]), func(id any) bool { return m.resources[asText(id)] == nil })
	}),
	"cloudformation-output-of-nothing": unresolved("Outputs"),
	"cloudformation-attribute": function("Fn::GetAtt", func(m made, argument any) bool {
		name := fmt.Sprint(listOf(argument)...)
		if list, is := argument.([]any); is {
			name = asText(list[0]) + "." + asText(list[1])
		}
		id, attribute, _ := strings.Cut(name, ".")
		return !strings.Contains(madeAttributes[m.resources[id].kind()], attribute)
	}),
	"cloudformation-circle": whole(circular),
	"cloudformation-condition": whole(func(m made) bool {
		return has(m.whole, "Conditions") || slices.ContainsFunc(slices.Collect(mapKeys(m.resources)), func(id string) bool { return has(m.resources[id], "Condition") })
	}),
	"cloudformation-mapping":     function("Fn::FindInMap", func(made, any) bool { return true }),
	"cloudformation-mapping-key": function("Fn::FindInMap", func(made, any) bool { return true }),
	"cloudformation-select": function("Fn::Select", func(m made, argument any) bool {
		list := listOf(argument)
		zones := has(entries(list[1]), "Fn::GetAZs")
		index, _ := list[0].(float64)
		return zones && int(index) >= stages.Zones(m.region)
	}),
	"cloudformation-function": everywhere(func(_ made, value any) bool {
		for name := range entries(value) {
			if strings.HasPrefix(name, "Fn::") && !slices.Contains(strings.Fields("Fn::Contains Fn::GetAZs Fn::GetAtt Fn::Join Fn::Not Fn::Select Fn::Split Fn::Sub"), name) {
				return true
			}
		}
		return false
	}),
	"cloudformation-sub": function("Fn::Sub", func(_ made, argument any) bool {
		for _, match := range substituted.FindAllStringSubmatch(asText(listOf(argument)[0]), -1) {
			if !regexp.MustCompile(`^[A-Za-z0-9:.]+$`).MatchString(match[1]) {
				return true
			}
		}
		return false
	}),
	"cloudformation-output-list": whole(func(m made) bool {
		for _, output := range entries(m.whole["Outputs"]) {
			value := entries(output)["Value"]
			if _, list := value.([]any); list || has(entries(value), "Fn::GetAZs") || has(entries(value), "Fn::Split") {
				return true
			}
		}
		return false
	}),
	"cloudformation-import-missing": function("Fn::ImportValue", func(made, any) bool { return true }),
	"cloudformation-export-in-use":  whole(func(m made) bool { return len(below(m.whole, "Outputs{}.Export")) > 0 }),
	"cloudformation-parameter-type": whole(func(m made) bool {
		return slices.ContainsFunc(below(m.whole, "Parameters{}.Type"), func(kind any) bool { return kind != "String" && kind != "AWS::SSM::Parameter::Value<String>" })
	}),
	"cloudformation-parameter-missing": whole(parameterWithoutDefault),
	"cloudformation-parameter-allowed": whole(func(m made) bool { return len(below(m.whole, "Parameters{}.AllowedValues")) > 0 }),
	"cloudformation-parameter-pattern": whole(func(m made) bool { return len(below(m.whole, "Parameters{}.AllowedPattern")) > 0 }),
	"cloudformation-required":          present("AWS::IAM::Policy", "PolicyDocument"),
	"cloudformation-kind-of-value":     between("AWS::SQS::Queue", "VisibilityTimeout", 0, 43200),

	"cloudwatch-statistic":    within("AWS::CloudWatch::Alarm", "Statistic", "Average", "Maximum", "Minimum", "SampleCount", "Sum"),
	"cloudwatch-namespace":    shaped("AWS::CloudWatch::Alarm", "Namespace", `AWS/[A-Za-z0-9]+`),
	"cloudwatch-comparison":   within("AWS::CloudWatch::Alarm", "ComparisonOperator", "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"),
	"cloudwatch-missing-data": within("AWS::CloudWatch::Alarm", "TreatMissingData", "breaching", "notBreaching", "ignore", "missing"),
	"cloudwatch-name-length":  shaped("AWS::CloudWatch::Alarm", "AlarmName", `.{1,255}`),

	"dax-name-length":             shaped("AWS::DAX::Cluster", "ClusterName", `.{1,20}`),
	"dax-name-characters":         shaped("AWS::DAX::Cluster", "ClusterName", `[a-z][a-z0-9-]*`),
	"dax-role-trust":              assumedBy("AWS::DAX::Cluster", "IAMRoleARN", "dax.amazonaws.com"),
	"dax-zones-of-nodes":          absent("AWS::DAX::Cluster", "AvailabilityZones"),
	"dax-subnet-group-missing":    refers("AWS::DAX::Cluster", "SubnetGroupName", "AWS::DAX::SubnetGroup"),
	"dax-parameter-group-missing": refers("AWS::DAX::Cluster", "ParameterGroupName", "AWS::DAX::ParameterGroup"),
	"dax-subnets-of-one-network": each("AWS::DAX::SubnetGroup", func(m made, group map[string]any) bool {
		networks := map[string]bool{}
		for _, subnet := range listOf(group["SubnetIds"]) {
			networks[fmt.Sprint(m.resources[target(subnet)].properties()["VpcId"])] = true
		}
		return len(networks) > 1
	}),

	"dynamodb-name-short":     shaped("AWS::DynamoDB::Table", "TableName", `.{3,255}`),
	"dynamodb-attribute-type": within("AWS::DynamoDB::Table", "AttributeDefinitions[].AttributeType", "S", "N", "B"),
	"dynamodb-billing-mode":   within("AWS::DynamoDB::Table", "BillingMode", "PAY_PER_REQUEST", "PROVISIONED"),
	"dynamodb-attribute-undefined": table(func(properties map[string]any) bool {
		defined := below(properties, "AttributeDefinitions[].AttributeName")
		return slices.ContainsFunc(keyAttributes(properties), func(name string) bool { return !slices.Contains(defined, any(name)) })
	}),
	"dynamodb-attribute-unused":          table(unusedAttribute),
	"dynamodb-attribute-unused-by-index": table(unusedAttribute),
	"dynamodb-on-demand-and-capacity": table(func(properties map[string]any) bool {
		return properties["BillingMode"] == "PAY_PER_REQUEST" && has(properties, "ProvisionedThroughput")
	}),
	"dynamodb-provisioned-without-capacity": table(func(properties map[string]any) bool {
		return properties["BillingMode"] != "PAY_PER_REQUEST" && !has(properties, "ProvisionedThroughput")
	}),
	"dynamodb-index-capacity": table(func(properties map[string]any) bool {
		return properties["BillingMode"] != "PAY_PER_REQUEST" &&
			len(below(properties, "GlobalSecondaryIndexes[].ProvisionedThroughput")) < len(below(properties, "GlobalSecondaryIndexes[].IndexName"))
	}),
	"dynamodb-key-order": table(func(properties map[string]any) bool { return below(properties, "KeySchema[].KeyType")[0] != "HASH" }),
	"dynamodb-key-second": table(func(properties map[string]any) bool {
		return slices.ContainsFunc(below(properties, "KeySchema[].KeyType")[1:], func(kind any) bool { return kind != "RANGE" })
	}),
	"dynamodb-keys": atMost("AWS::DynamoDB::Table", "KeySchema", 2),
	"dynamodb-local-index-partition-key": table(func(properties map[string]any) bool {
		partition := below(properties, "KeySchema[].AttributeName")[0]
		return slices.ContainsFunc(listOf(properties["LocalSecondaryIndexes"]), func(index any) bool { return below(index, "KeySchema[].AttributeName")[0] != partition })
	}),
	"dynamodb-projection-all": projections(func(projection map[string]any) bool {
		return projection["ProjectionType"] == "ALL" && has(projection, "NonKeyAttributes")
	}),
	"dynamodb-projection-include": projections(func(projection map[string]any) bool {
		return projection["ProjectionType"] == "INCLUDE" && !has(projection, "NonKeyAttributes")
	}),
	"dynamodb-table-class":   absent("AWS::DynamoDB::Table", "TableClass"),
	"dynamodb-recovery-days": absent("AWS::DynamoDB::Table", "PointInTimeRecoverySpecification.RecoveryPeriodInDays"),

	"ec2-subnet-small": subnets(func(_ made, _, one netip.Prefix, _ []netip.Prefix) bool { return one.Bits() > 28 }),
	"ec2-subnet-outside": subnets(func(_ made, network, one netip.Prefix, _ []netip.Prefix) bool {
		return !network.Contains(one.Addr()) || one.Bits() < network.Bits()
	}),
	"ec2-subnet-overlap": subnets(func(_ made, _, one netip.Prefix, others []netip.Prefix) bool {
		return slices.ContainsFunc(others, one.Overlaps)
	}),
	"ec2-subnet-network-missing":  refers("AWS::EC2::Subnet", "VpcId", "AWS::EC2::VPC"),
	"ec2-group-description":       shaped("AWS::EC2::SecurityGroup", "GroupDescription", `[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}`),
	"ec2-rule-description":        rules(func(rule map[string]any) bool { return !ruleText.MatchString(asText(rule["Description"])) }),
	"ec2-rule-description-length": rules(func(rule map[string]any) bool { return len(asText(rule["Description"])) > 255 }),
	"ec2-group-name":              absent("AWS::EC2::SecurityGroup", "GroupName"),
	"ec2-rule-ports-missing":      rules(func(rule map[string]any) bool { return tcp(rule) && !(has(rule, "FromPort") && has(rule, "ToPort")) }),
	"ec2-rule-ports-backwards": rules(func(rule map[string]any) bool {
		from, _ := rule["FromPort"].(float64)
		to, _ := rule["ToPort"].(float64)
		return tcp(rule) && from > to
	}),
	"ec2-rule-cidr": rules(func(rule map[string]any) bool {
		literal, is := rule["CidrIp"].(string)
		return is && !strings.Contains(literal, "/")
	}),
	"ec2-rule-twice": unique("AWS::EC2::SecurityGroupIngress", "GroupId", "IpProtocol", "FromPort", "ToPort", "CidrIp", "SourceSecurityGroupId", "SourcePrefixListId"),
	"ec2-endpoint-service": endpoints(func(_ made, endpoint map[string]any) bool {
		gateway := endpoint["VpcEndpointType"] == nil || endpoint["VpcEndpointType"] == "Gateway"
		service := fmt.Sprint(endpoint["ServiceName"])
		return gateway && !strings.Contains(service, ".s3") && !strings.Contains(service, ".dynamodb")
	}),
	"ec2-endpoint-region": endpoints(func(m made, endpoint map[string]any) bool {
		literal, is := endpoint["ServiceName"].(string)
		return is && !strings.Contains(literal, "."+m.region+".")
	}),
	"ec2-endpoint-private-dns": endpoints(func(m made, endpoint map[string]any) bool {
		network := m.resources[target(endpoint["VpcId"])].properties()
		return endpoint["PrivateDnsEnabled"] == true && !(network["EnableDnsSupport"] == true && network["EnableDnsHostnames"] == true)
	}),
	"ec2-endpoint-twice": unique("AWS::EC2::VPCEndpoint", "VpcId", "ServiceName"),
	"ec2-endpoint-zone-twice": endpoints(func(m made, endpoint map[string]any) bool {
		seen := map[string]bool{}
		for _, subnet := range listOf(endpoint["SubnetIds"]) {
			zone := fmt.Sprint(m.resources[target(subnet)].properties()["AvailabilityZone"])
			if seen[zone] {
				return true
			}
			seen[zone] = true
		}
		return false
	}),
	"ec2-endpoint-type": within("AWS::EC2::VPCEndpoint", "VpcEndpointType", "Gateway", "Interface"),
	"ec2-route-twice":   unique("AWS::EC2::Route", "RouteTableId", "DestinationCidrBlock"),
	"ec2-flow-log-role": each("AWS::EC2::FlowLog", func(_ made, log map[string]any) bool {
		return has(log, "LogGroupName") && !has(log, "DeliverLogsPermissionArn")
	}),
	"ec2-flow-log-traffic": within("AWS::EC2::FlowLog", "TrafficType", "ALL"),

	"events-schedule-minute":           absent("AWS::Events::Rule", "ScheduleExpression"),
	"events-schedule-two-days":         absent("AWS::Events::Rule", "ScheduleExpression"),
	"events-schedule-sunday":           absent("AWS::Events::Rule", "ScheduleExpression"),
	"events-schedule-no-question-mark": absent("AWS::Events::Rule", "ScheduleExpression"),
	"events-schedule-five-fields":      absent("AWS::Events::Rule", "ScheduleExpression"),
	"events-schedule-hour":             absent("AWS::Events::Rule", "ScheduleExpression"),
	"events-schedule-month":            absent("AWS::Events::Rule", "ScheduleExpression"),
	"events-schedule-year":             absent("AWS::Events::Rule", "ScheduleExpression"),
	"events-schedule-occurrence":       absent("AWS::Events::Rule", "ScheduleExpression"),
	"events-schedule-rate-plural":      absent("AWS::Events::Rule", "ScheduleExpression"),
	"events-schedule-rate-singular":    absent("AWS::Events::Rule", "ScheduleExpression"),
	"events-schedule-rate-zero":        absent("AWS::Events::Rule", "ScheduleExpression"),
	"events-schedule-rate-seconds":     absent("AWS::Events::Rule", "ScheduleExpression"),
	"events-schedule-on-own-bus":       absent("AWS::Events::Rule", "ScheduleExpression"),
	"events-name-length":               shaped("AWS::Events::Rule", "Name", `.{1,64}`),
	"events-state":                     within("AWS::Events::Rule", "State", "ENABLED", "DISABLED"),
	"events-targets":                   atMost("AWS::Events::Rule", "Targets", 1),
	"events-target-input": values("AWS::Events::Rule", "Targets[]", func(_ made, value any) bool {
		return has(entries(value), "Input") || has(entries(value), "InputPath") || has(entries(value), "InputTransformer")
	}),
	"events-target-arn":        shaped("AWS::Events::Rule", "Targets[].Arn", `arn:.*`),
	"events-target-role":       absent("AWS::Events::Rule", "Targets[].RoleArn"),
	"events-target-fifo":       refers("AWS::Events::Rule", "Targets[].Arn", "AWS::Lambda::Function", "AWS::Lambda::Alias"),
	"events-bus-reserved-name": values("AWS::Events::EventBus", "Name", func(_ made, value any) bool { return value == "default" }),
	"events-bus-name-length":   shaped("AWS::Events::EventBus", "Name", `.{1,256}`),

	"iam-policy-empty":     each("AWS::IAM::Policy", func(_ made, policy map[string]any) bool { return len(below(policy, "PolicyDocument.Statement[]")) == 0 }),
	"iam-policy-version":   within("AWS::IAM::Policy", "PolicyDocument.Version", "2012-10-17"),
	"iam-policy-principal": granted(func(statement map[string]any) bool { return has(statement, "Principal") }),
	"iam-policy-effect": granted(func(statement map[string]any) bool {
		return statement["Effect"] != "Allow" && statement["Effect"] != "Deny"
	}),
	"iam-policy-actions": granted(func(statement map[string]any) bool { return len(listOf(statement["Action"])) == 0 }),
	"iam-policy-vendor": granted(func(statement map[string]any) bool {
		return anyItem(statement["Action"], func(action string) bool { return !strings.Contains(action, ":") })
	}),
	"iam-policy-resources": granted(func(statement map[string]any) bool { return len(listOf(statement["Resource"])) == 0 }),
	"iam-policy-resource-form": granted(func(statement map[string]any) bool {
		return anyItem(statement["Resource"], func(arn string) bool { return arn != "*" && !strings.HasPrefix(arn, "arn:") })
	}),
	"iam-policy-sid": granted(func(statement map[string]any) bool {
		return has(statement, "Sid") && !regexp.MustCompile(`^[A-Za-z0-9]*$`).MatchString(asText(statement["Sid"]))
	}),
	"iam-policy-sid-twice": each("AWS::IAM::Policy", func(_ made, policy map[string]any) bool {
		sids := below(policy, "PolicyDocument.Statement[].Sid")
		return len(sids) != len(slices.Compact(slices.SortedFunc(slices.Values(sids), func(a, b any) int { return strings.Compare(asText(a), asText(b)) })))
	}),
	"iam-policy-name":             shaped("AWS::IAM::Policy", "PolicyName", `[\w+=,.@-]{1,128}`),
	"iam-policy-role-missing":     refers("AWS::IAM::Policy", "Roles[]", "AWS::IAM::Role"),
	"iam-managed-policy-missing":  values("AWS::IAM::Role", "ManagedPolicyArns[]", func(_ made, arn any) bool { return !strings.Contains(fmt.Sprint(arn), ":iam::aws:policy/") }),
	"iam-managed-policy-form":     values("AWS::IAM::Role", "ManagedPolicyArns[]", func(_ made, arn any) bool { return !strings.Contains(fmt.Sprint(arn), "arn:") }),
	"iam-managed-policies":        atMost("AWS::IAM::Role", "ManagedPolicyArns", 2),
	"iam-role-description":        absent("AWS::IAM::Role", "Description"),
	"iam-role-session":            absent("AWS::IAM::Role", "MaxSessionDuration"),
	"iam-role-path":               absent("AWS::IAM::Role", "Path"),
	"iam-trust-resource":          trusted(func(statement map[string]any) bool { return has(statement, "Resource") }),
	"iam-trust-principal-missing": trusted(func(statement map[string]any) bool { return !has(statement, "Principal") }),
	"iam-trust-principal": trusted(func(statement map[string]any) bool {
		return anyItem(entries(statement["Principal"])["Service"], func(service string) bool { return !strings.HasSuffix(service, ".amazonaws.com") })
	}),
	"iam-trust-role-missing": trusted(toRole),
	"iam-trust-action": trusted(func(statement map[string]any) bool {
		return anyItem(statement["Action"], func(action string) bool { return !strings.HasPrefix(action, "sts:") })
	}),
	"iam-trust-size": each("AWS::IAM::Role", func(_ made, role map[string]any) bool {
		data, _ := json.Marshal(role["AssumeRolePolicyDocument"])
		return len(data) > 2048
	}),
	"iam-role-name":   absent("AWS::IAM::Role", "RoleName"),
	"iam-role-taken":  absent("AWS::IAM::Role", "RoleName"),
	"iam-role-in-use": absent("AWS::IAM::Role", "RoleName"),

	"kms-policy-lockout": each("AWS::KMS::Key", func(_ made, key map[string]any) bool {
		return !slices.ContainsFunc(below(key, "KeyPolicy.Statement[]"), func(one any) bool {
			statement := entries(one)
			return statement["Effect"] == "Allow" && statement["Action"] == "kms:*" && strings.Contains(fmt.Sprint(statement["Principal"]), ":root")
		})
	}),
	"kms-policy-deny":         statements("AWS::KMS::Key", "KeyPolicy", func(_ made, statement, _ map[string]any) bool { return statement["Effect"] == "Deny" }),
	"kms-policy-principal":    statements("AWS::KMS::Key", "KeyPolicy", func(_ made, statement, _ map[string]any) bool { return toRole(statement) }),
	"kms-description":         values("AWS::KMS::Key", "Description", func(_ made, text any) bool { return len(asText(text)) > 8192 }),
	"kms-asymmetric-rotation": absent("AWS::KMS::Key", "KeySpec"),
	"kms-alias-prefix":        none("AWS::KMS::Alias"),
	"kms-alias-characters":    none("AWS::KMS::Alias"),
	"kms-alias-of-nothing":    none("AWS::KMS::Alias"),
	"kms-window":              absent("AWS::KMS::Key", "PendingWindowInDays"),
	"kms-rotation-period":     absent("AWS::KMS::Key", "RotationPeriodInDays"),

	"lambda-timeout-least":       between("AWS::Lambda::Function", "Timeout", 1, 900),
	"lambda-architectures":       atMost("AWS::Lambda::Function", "Architectures", 1),
	"lambda-tracing":             within("AWS::Lambda::Function", "TracingConfig.Mode", "Active", "PassThrough"),
	"lambda-name-length":         shaped("AWS::Lambda::Function", "FunctionName", `.{1,64}`),
	"lambda-role-form":           refers("AWS::Lambda::Function", "Role", "AWS::IAM::Role"),
	"lambda-role-trust":          assumedBy("AWS::Lambda::Function", "Role", "lambda.amazonaws.com"),
	"lambda-runtime-and-handler": each("AWS::Lambda::Function", func(_ made, fn map[string]any) bool { return !has(fn, "Runtime") || !has(fn, "Handler") }),
	"lambda-image-and-runtime":   absent("AWS::Lambda::Function", "PackageType"),
	"lambda-runtime-blocked":     within("AWS::Lambda::Function", "Runtime", "provided.al2023", "nodejs24.x"),
	"lambda-network-permission": each("AWS::Lambda::Function", func(m made, fn map[string]any) bool {
		role := map[string]any{"Ref": "f"}
		m.resources["f"] = part{"Type": "AWS::Lambda::Function", "Properties": fn}
		defer delete(m.resources, "f")
		return has(fn, "VpcConfig") && !m.mayDo(role, "ec2:CreateNetworkInterface")
	}),
	"lambda-dead-letter-permission": absent("AWS::Lambda::Function", "DeadLetterConfig"),
	"lambda-async-destination-permission": each("AWS::Lambda::EventInvokeConfig", func(m made, invoke map[string]any) bool {
		return len(below(invoke, "DestinationConfig.OnFailure.Destination")) > 0 && !m.mayDo(invoke["FunctionName"], "sqs:SendMessage")
	}),
	"lambda-provisioned-latest": each("AWS::Lambda::Alias", func(m made, alias map[string]any) bool {
		return has(alias, "ProvisionedConcurrencyConfig") && m.kindOf(alias["FunctionVersion"]) != "AWS::Lambda::Version"
	}),
	"lambda-alias-number":         shaped("AWS::Lambda::Alias", "Name", `[a-zA-Z_-][a-zA-Z0-9_-]*`),
	"lambda-permission-action":    within("AWS::Lambda::Permission", "Action", "lambda:InvokeFunction", "lambda:InvokeFunctionUrl"),
	"lambda-permission-principal": shaped("AWS::Lambda::Permission", "Principal", `[a-z]+\.amazonaws\.com|\*|\d{12}`),
	"lambda-permission-account":   shaped("AWS::Lambda::Permission", "SourceAccount", `\d{12}`),
	"lambda-policy-size": whole(func(m made) bool {
		count := map[string]int{}
		for _, resource := range m.resources {
			if properties := resource.properties(); resource.kind() == "AWS::Lambda::Permission" && properties["Principal"] == "apigateway.amazonaws.com" {
				api := target(properties["SourceArn"])
				count[target(properties["FunctionName"])+" "+api]++
			}
		}
		return slices.ContainsFunc(slices.Collect(mapKeys(count)), func(pair string) bool { return count[pair] > 1 })
	}),
	"lambda-function-missing": refers("AWS::Lambda::Permission", "FunctionName", "AWS::Lambda::Function", "AWS::Lambda::Alias"),
	"lambda-code-object":      values("AWS::Lambda::Function", "Code", outsideBootstrap),
	"lambda-code-region":      values("AWS::Lambda::Function", "Code", outsideBootstrap),
	"lambda-mapping-permission": each("AWS::Lambda::EventSourceMapping", func(m made, mapping map[string]any) bool {
		return m.kindOf(mapping["EventSourceArn"]) == "AWS::SQS::Queue" && !m.mayDo(mapping["FunctionName"], "sqs:ReceiveMessage")
	}),
	"lambda-mapping-stream-permission": each("AWS::Lambda::EventSourceMapping", func(m made, mapping map[string]any) bool {
		return m.kindOf(mapping["EventSourceArn"]) == "AWS::DynamoDB::Table" && !m.mayDo(mapping["FunctionName"], "dynamodb:GetRecords")
	}),
	"lambda-mapping-source": refers("AWS::Lambda::EventSourceMapping", "EventSourceArn", "AWS::SQS::Queue", "AWS::DynamoDB::Table", "Parameter"),
	"lambda-mapping-starting-position": each("AWS::Lambda::EventSourceMapping", func(m made, mapping map[string]any) bool {
		return m.kindOf(mapping["EventSourceArn"]) == "AWS::DynamoDB::Table" && !has(mapping, "StartingPosition")
	}),
	"lambda-mapping-stream-only": each("AWS::Lambda::EventSourceMapping", func(m made, mapping map[string]any) bool {
		return m.kindOf(mapping["EventSourceArn"]) == "AWS::SQS::Queue" && has(mapping, "BisectBatchOnFunctionError")
	}),
	"lambda-mapping-stream-disabled": each("AWS::Lambda::EventSourceMapping", func(m made, mapping map[string]any) bool {
		source := m.resources[target(mapping["EventSourceArn"])]
		return source.kind() == "AWS::DynamoDB::Table" && !(has(source.properties(), "StreamSpecification") && strings.Contains(fmt.Sprint(mapping["EventSourceArn"]), "StreamArn"))
	}),
	"lambda-url-auth":        within("AWS::Lambda::Url", "AuthType", "AWS_IAM", "NONE"),
	"lambda-url-cors-age":    absent("AWS::Lambda::Url", "Cors.MaxAge"),
	"lambda-url-cors-method": values("AWS::Lambda::Url", "Cors.AllowMethods[]", func(_ made, method any) bool { return method != "*" }),

	"logs-retention":            within("AWS::Logs::LogGroup", "RetentionInDays", strings.Fields("1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653")...),
	"logs-name-length":          shaped("AWS::Logs::LogGroup", "LogGroupName", `.{1,512}`),
	"logs-name-characters":      shaped("AWS::Logs::LogGroup", "LogGroupName", `[A-Za-z0-9._/#-]+`),
	"logs-class":                absent("AWS::Logs::LogGroup", "LogGroupClass"),
	"logs-key":                  absent("AWS::Logs::LogGroup", "KmsKeyId"),
	"logs-group-missing":        none("AWS::Logs::SubscriptionFilter"),
	"logs-subscription-filters": none("AWS::Logs::SubscriptionFilter"),

	"s3-name-characters": shaped("AWS::S3::Bucket", "BucketName", `[a-z0-9-]+`),
	"s3-name-two-dots":   values("AWS::S3::Bucket", "BucketName", func(_ made, name any) bool { return strings.Contains(asText(name), ".") }),
	"s3-name-suffix":     shaped("AWS::S3::Bucket", "BucketName", `.*-\d{12}-[a-z0-9-]+-an`),
	"s3-name-short":      shaped("AWS::S3::Bucket", "BucketName", `.{3,}`),
	"s3-name-length":     shaped("AWS::S3::Bucket", "BucketName", `.{1,63}`),
	"s3-name-address":    values("AWS::S3::Bucket", "BucketName", func(_ made, name any) bool { return address.MatchString(asText(name)) }),
	"s3-name-prefix": values("AWS::S3::Bucket", "BucketName", func(_ made, name any) bool {
		return slices.ContainsFunc([]string{"xn--", "sthree-", "amzn-s3-demo-"}, func(prefix string) bool { return strings.HasPrefix(asText(name), prefix) })
	}),
	"s3-regional-name": each("AWS::S3::Bucket", func(_ made, bucket map[string]any) bool {
		return strings.HasSuffix(asText(bucket["BucketName"]), "-an") && !has(bucket, "BucketNamespace")
	}),
	"s3-lifecycle-rule-twice": each("AWS::S3::Bucket", func(_ made, bucket map[string]any) bool {
		ids := below(bucket, "LifecycleConfiguration.Rules[].Id")
		return len(ids) != len(slices.Compact(slices.SortedFunc(slices.Values(ids), func(a, b any) int { return strings.Compare(asText(a), asText(b)) })))
	}),
	"s3-cors-rules":               atMost("AWS::S3::Bucket", "CorsConfiguration.CorsRules", 1),
	"s3-lifecycle-status":         within("AWS::S3::Bucket", "LifecycleConfiguration.Rules[].Status", "Enabled"),
	"s3-encryption":               within("AWS::S3::Bucket", "BucketEncryption.ServerSideEncryptionConfiguration[].ServerSideEncryptionByDefault.SSEAlgorithm", "AES256", "aws:kms"),
	"s3-ownership":                within("AWS::S3::Bucket", "OwnershipControls.Rules[].ObjectOwnership", "BucketOwnerEnforced"),
	"s3-acl-of-enforced-owner":    absent("AWS::S3::Bucket", "AccessControl"),
	"s3-versioning":               within("AWS::S3::Bucket", "VersioningConfiguration.Status", "Enabled", "Suspended"),
	"s3-log-target":               refers("AWS::S3::Bucket", "LoggingConfiguration.DestinationBucketName", "AWS::S3::Bucket"),
	"s3-notification-destination": absent("AWS::S3::Bucket", "NotificationConfiguration.LambdaConfigurations"),
	"s3-notification-queue":       absent("AWS::S3::Bucket", "NotificationConfiguration.QueueConfigurations"),
	"s3-notification-fifo":        absent("AWS::S3::Bucket", "NotificationConfiguration.QueueConfigurations"),
	"s3-notification-overlap":     absent("AWS::S3::Bucket", "NotificationConfiguration.TopicConfigurations"),
	"s3-policy-resource": bucketPolicies(func(_ made, statement, policy map[string]any) bool {
		return slices.ContainsFunc(listOf(statement["Resource"]), func(one any) bool { return target(one) != target(policy["Bucket"]) })
	}),
	"s3-policy-principal": bucketPolicies(func(_ made, statement, _ map[string]any) bool { return toRole(statement) }),
	"s3-policy-action":    bucketPolicies(foreign("s3")),
	"s3-policy-action-of-resource": bucketPolicies(func(_ made, statement, _ map[string]any) bool {
		ofObjects := anyItem(statement["Action"], func(action string) bool { return strings.HasSuffix(action, "Object") })
		return ofObjects && !slices.ContainsFunc(listOf(statement["Resource"]), objects)
	}),
	"s3-policy-public": bucketPolicies(func(_ made, statement, _ map[string]any) bool {
		return statement["Effect"] == "Allow" && (statement["Principal"] == "*" || entries(statement["Principal"])["AWS"] == "*")
	}),
	"s3-bucket-of-policy-missing": refers("AWS::S3::BucketPolicy", "Bucket", "AWS::S3::Bucket"),

	"scheduler-window": each("AWS::Scheduler::Schedule", func(_ made, schedule map[string]any) bool {
		window := entries(schedule["FlexibleTimeWindow"])
		return window["Mode"] == "OFF" && has(window, "MaximumWindowInMinutes")
	}),
	"scheduler-role-trust":  assumedBy("AWS::Scheduler::Schedule", "Target.RoleArn", "scheduler.amazonaws.com"),
	"scheduler-name-length": shaped("AWS::Scheduler::Schedule", "Name", `.{1,64}`),
	"scheduler-state":       within("AWS::Scheduler::Schedule", "State", "ENABLED", "DISABLED"),
	"scheduler-dead-letter-fifo": values("AWS::Scheduler::Schedule", "Target.DeadLetterConfig.Arn", func(m made, arn any) bool {
		queue := m.resources[target(arn)]
		return queue.kind() != "AWS::SQS::Queue" || queue.properties()["FifoQueue"] == true
	}),
	"scheduler-fifo-group":           refers("AWS::Scheduler::Schedule", "Target.Arn", "AWS::Lambda::Function", "AWS::Lambda::Alias"),
	"scheduler-standard-group":       absent("AWS::Scheduler::Schedule", "Target.SqsParameters"),
	"scheduler-parameters-of-target": absent("AWS::Scheduler::Schedule", "Target.KinesisParameters"),
	"scheduler-dates": each("AWS::Scheduler::Schedule", func(_ made, schedule map[string]any) bool {
		return has(schedule, "StartDate") || has(schedule, "EndDate")
	}),
	"scheduler-expression-at-zone":    shaped("AWS::Scheduler::Schedule", "ScheduleExpression", `(cron|rate)\(.*\)|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)`),
	"scheduler-expression-no-keyword": shaped("AWS::Scheduler::Schedule", "ScheduleExpression", `(cron|rate|at)\(.*\)`),

	"secretsmanager-name-length": shaped("AWS::SecretsManager::Secret", "Name", `.{1,512}`),
	"secretsmanager-two-values": each("AWS::SecretsManager::Secret", func(_ made, secret map[string]any) bool {
		return has(secret, "SecretString") && has(secret, "GenerateSecretString")
	}),
	"secretsmanager-generated-key": absent("AWS::SecretsManager::Secret", "GenerateSecretString.SecretStringTemplate"),

	"sns-name-length": shaped("AWS::SNS::Topic", "TopicName", `.{1,256}`),
	"sns-standard-name": each("AWS::SNS::Topic", func(_ made, topic map[string]any) bool {
		return topic["FifoTopic"] != true && strings.Contains(asText(topic["TopicName"]), ".")
	}),
	"sns-fifo-name": each("AWS::SNS::Topic", func(_ made, topic map[string]any) bool {
		return topic["FifoTopic"] == true && !strings.HasSuffix(asText(topic["TopicName"]), ".fifo")
	}),
	"sns-protocol":             within("AWS::SNS::Subscription", "Protocol", "lambda", "sqs"),
	"sns-endpoint-of-protocol": refers("AWS::SNS::Subscription", "Endpoint", "AWS::Lambda::Function", "AWS::Lambda::Alias", "AWS::SQS::Queue"),
	"sns-raw-delivery": each("AWS::SNS::Subscription", func(_ made, subscription map[string]any) bool {
		return subscription["Protocol"] == "lambda" && subscription["RawMessageDelivery"] == true
	}),
	"sns-policy-action":    statements("AWS::SNS::TopicPolicy", "PolicyDocument", foreign("sns")),
	"sns-policy-principal": statements("AWS::SNS::TopicPolicy", "PolicyDocument", noPrincipal),
	"sns-policy-resource": statements("AWS::SNS::TopicPolicy", "PolicyDocument", func(_ made, statement, policy map[string]any) bool {
		topics, resources := listOf(policy["Topics"]), listOf(statement["Resource"])
		return len(topics) != 1 || len(resources) != 1 || target(resources[0]) != target(topics[0])
	}),
	"sns-topic-missing": refers("AWS::SNS::Subscription", "TopicArn", "AWS::SNS::Topic", "Parameter"),

	"sqs-name-length": shaped("AWS::SQS::Queue", "QueueName", `.{1,80}`),
	"sqs-standard-name": each("AWS::SQS::Queue", func(_ made, queue map[string]any) bool {
		return queue["FifoQueue"] != true && strings.Contains(asText(queue["QueueName"]), ".")
	}),
	"sqs-fifo-name": each("AWS::SQS::Queue", func(_ made, queue map[string]any) bool {
		return queue["FifoQueue"] == true && !strings.HasSuffix(asText(queue["QueueName"]), ".fifo")
	}),
	"sqs-fifo-toggle": each("AWS::SQS::Queue", func(_ made, queue map[string]any) bool {
		return (queue["FifoQueue"] == true) != strings.HasSuffix(asText(queue["QueueName"]), ".fifo")
	}),
	"sqs-two-encryptions": each("AWS::SQS::Queue", func(_ made, queue map[string]any) bool {
		return has(queue, "KmsMasterKeyId") && queue["SqsManagedSseEnabled"] == true
	}),
	"sqs-redrive-incomplete": values("AWS::SQS::Queue", "RedrivePolicy", func(_ made, policy any) bool {
		return !has(entries(policy), "maxReceiveCount") || !has(entries(policy), "deadLetterTargetArn")
	}),
	"sqs-dead-letter-no-queue": refers("AWS::SQS::Queue", "RedrivePolicy.deadLetterTargetArn", "AWS::SQS::Queue"),
	"sqs-dead-letter-missing":  refers("AWS::SQS::Queue", "RedrivePolicy.deadLetterTargetArn", "AWS::SQS::Queue"),
	"sqs-dead-letter-region":   refers("AWS::SQS::Queue", "RedrivePolicy.deadLetterTargetArn", "AWS::SQS::Queue"),
	"sqs-dead-letter-type": each("AWS::SQS::Queue", func(m made, queue map[string]any) bool {
		return slices.ContainsFunc(below(queue, "RedrivePolicy.deadLetterTargetArn"), func(arn any) bool {
			return m.resources[target(arn)].properties()["FifoQueue"] != queue["FifoQueue"]
		})
	}),
	"sqs-policy-statements":     atMost("AWS::SQS::QueuePolicy", "PolicyDocument.Statement", 20),
	"sqs-policy-foreign-action": statements("AWS::SQS::QueuePolicy", "PolicyDocument", foreign("sqs")),
	"sqs-policy-principal":      statements("AWS::SQS::QueuePolicy", "PolicyDocument", noPrincipal),
	"sqs-message-size":          absent("AWS::SQS::Queue", "MaximumMessageSize"),
	"sqs-receive-wait":          absent("AWS::SQS::Queue", "ReceiveMessageWaitTimeSeconds"),
	"sqs-key-reuse":             absent("AWS::SQS::Queue", "KmsDataKeyReusePeriodSeconds"),
	"sqs-fifo-only-scope":       absent("AWS::SQS::Queue", "DeduplicationScope"),
	"sqs-high-throughput-scope": absent("AWS::SQS::Queue", "FifoThroughputLimit"),

	"ssm-type":            within("AWS::SSM::Parameter", "Type", "String"),
	"ssm-tier":            absent("AWS::SSM::Parameter", "Tier"),
	"ssm-tier-down":       absent("AWS::SSM::Parameter", "Tier"),
	"ssm-allowed-pattern": absent("AWS::SSM::Parameter", "AllowedPattern"),

	"events-description":      absent("AWS::Events::Rule", "Description"),
	"cloudformation-property": everywhere(func(_ made, value any) bool { return has(entries(value), "Colour") }),
}

// madeAttributes are the attributes that the constructs read.
var madeAttributes = map[string]string{
	"AWS::ApiGatewayV2::Api": "ApiEndpoint ApiId", "AWS::ApiGatewayV2::DomainName": "RegionalHostedZoneId RegionalDomainName", "AWS::CloudWatch::Alarm": "Arn",
	"AWS::DAX::Cluster": "ClusterDiscoveryEndpointURL Arn", "AWS::DynamoDB::Table": "Arn StreamArn", "AWS::EC2::EIP": "AllocationId",
	"AWS::EC2::InternetGateway": "InternetGatewayId", "AWS::EC2::NatGateway": "NatGatewayId", "AWS::EC2::RouteTable": "RouteTableId",
	"AWS::EC2::SecurityGroup": "GroupId", "AWS::EC2::Subnet": "SubnetId", "AWS::EC2::VPC": "VpcId", "AWS::Events::EventBus": "Arn", "AWS::Events::Rule": "Arn",
	"AWS::IAM::Role": "Arn", "AWS::KMS::Key": "Arn", "AWS::Lambda::Function": "Arn", "AWS::Lambda::Url": "FunctionUrl", "AWS::Lambda::Version": "Version",
	"AWS::Logs::LogGroup": "Arn", "AWS::S3::Bucket": "Arn", "AWS::SQS::Queue": "Arn QueueName",
}

func parameterWithoutDefault(m made) bool {
	return len(below(m.whole, "Parameters{}.Default")) < len(entries(m.whole["Parameters"]))
}

// outsideBootstrap tells that code is not in the assets bucket of the stage's own account and region.
func outsideBootstrap(m made, code any) bool {
	return !regexp.MustCompile(`^cdk-[a-z0-9]+-assets-` + m.account + `-` + m.region + `$`).MatchString(asText(entries(code)["S3Bucket"]))
}

// tested are the rows that no single template shows: the test that does.
var tested = map[string]string{
	"cloudformation-template-size":     "rehearsal/cdk_test.go:TestTheRealCommandBootstrapsDeploysChangesAndDestroys",
	"cloudformation-capability":        "rehearsal/cdk_test.go:TestTheRealCommandBootstrapsDeploysChangesAndDestroys",
	"lambda-network-left":              "stack/network_zones_test.go:TestTheRightsToNetworkInterfacesAreTakenAwayAfterTheGroupThatTheInterfacesAreIn",
	"cloudformation-nothing-to-change": "rehearsal/cdk_test.go:TestTheRealCommandBootstrapsDeploysChangesAndDestroys",
	"cloudformation-type-change":       "stack/refusals_made_test.go:TestAnotherTypeOfConstructIsAnotherLogicalID",
	"dax-parameter-group-in-use":       "stack/network_zones_test.go:TestTheGroupsOfADAXClusterAreOtherOnesWithOtherValues",
	"dax-subnet-in-use":                "stack/network_zones_test.go:TestTheGroupsOfADAXClusterAreOtherOnesWithOtherValues",
}

// A logical id is made of the construct's id and of what stands below it, and that is named for what it is.
func TestAnotherTypeOfConstructIsAnotherLogicalID(t *testing.T) {
	// So no update meets cloudformation-type-change.
	seen := map[string]string{}
	for name, define := range map[string]func(s *stack.Stack){
		"a queue":     func(s *stack.Stack) { stack.NewQueue(s, "work", stack.QueueConfig{}) },
		"a topic":     func(s *stack.Stack) { stack.NewTopic(s, "work", stack.TopicConfig{}) },
		"a bucket":    func(s *stack.Stack) { stack.NewBucket(s, "work", stack.BucketConfig{}) },
		"a table":     func(s *stack.Stack) { stack.NewTable(s, "work", key()) },
		"a bus":       func(s *stack.Stack) { stack.NewBus(s, "work", stack.BusConfig{}) },
		"a secret":    func(s *stack.Stack) { stack.NewSecret(s, "work", stack.SecretConfig{}) },
		"a parameter": func(s *stack.Stack) { stack.NewParameter(s, "work", stack.ParameterConfig{Value: "x"}) },
		"a function":  func(s *stack.Stack) { stack.NewFunction(s, "work", code()) },
	} {
		for _, resource := range synth(t, define).Resources("") {
			if other, taken := seen[resource.LogicalID]; taken {
				assert.Equal(t, other, resource.Type, "%s takes the logical id %s", name, resource.LogicalID)
			}
			seen[resource.LogicalID] = resource.Type
		}
	}
}

// corpus are the templates that the programs of this project's goldens make.
func corpus(t *testing.T) map[string]made {
	t.Helper()
	all := map[string]made{}
	for _, pattern := range []string{"testdata/*.golden.json", "../testdata/*.golden.json"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			stage, err := set.Find(strings.Split(filepath.Base(file), ".")[1])
			require.NoError(t, err)
			region := stage.Region
			if strings.HasPrefix(filepath.Base(file), "notes.") {
				region = "us-east-1"
			}
			all[filepath.Base(file)] = readMade(t, data, stage.Account, region)
		}
	}
	require.Len(t, all, 12)
	return all
}

func TestNothingThatTheConstructsMakeHasAMistakeOfTheBook(t *testing.T) {
	templates := corpus(t)
	left := map[string]bool{}
	for id := range impossible {
		left[id] = true
	}
	for _, row := range append(rowsOf(t, refusals.Construct), rowsOf(t, refusals.EscapeHatch)...) {
		t.Run(row.ID, func(t *testing.T) {
			if row.Roadshow == refusals.EscapeHatch {
				assert.Regexp(t, `Override|With|L1|construct of the CDK`, row.How, "the row says which escape hatch makes it")
			}
			if test, elsewhere := tested[row.ID]; elsewhere {
				file, name, _ := strings.Cut(test, ":")
				code, err := os.ReadFile(filepath.Join("..", file))
				require.NoError(t, err)
				_, body, found := strings.Cut(string(code), "func "+name+"(")
				require.True(t, found, "the test that shows it is gone")
				body, _, _ = strings.Cut(body, "\n}\n")
				assert.Contains(t, body, row.ID, "the test names the row that it shows")
				return
			}
			judgement, has := impossible[row.ID]
			require.True(t, has, "nothing is looked for: %s", row.How)
			delete(left, row.ID)
			assert.True(t, judgement.bad(readMade(t, []byte(row.Template), "111111111111", row.Region)), "it is not found in the row's own template: %s", row.Template)
			meant := judgement.kind == ""
			for name, template := range templates {
				meant = meant || slices.Contains(kinds(template), judgement.kind)
				assert.False(t, judgement.bad(template), "%s has it: %s", name, row.How)
			}
			assert.True(t, meant, "no template has a resource of type %s", judgement.kind)
		})
	}
	assert.Empty(t, left, "looked for, and no row of the book")
}
