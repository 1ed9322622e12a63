package stack_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

// west is a stage of a region with two zones.
var west = stages.Stage{Name: "west", Account: "444444444444", Region: "us-west-1"}

func withWest(define func(s *stack.Stack)) stack.App {
	grown := app(define)
	grown.Stages = append(slices.Clone(grown.Stages), west)
	return grown
}

func cachedTable(s *stack.Stack) {
	config := key()
	config.DAX = &stack.DAXConfig{}
	fn := code()
	fn.Access = []stack.Grant{stack.NewTable(s, "orders", config).Read()}
	stack.NewFunction(s, "get", fn)
	stack.NewNetwork(s, "main", stack.NetworkConfig{})
}

func TestAStageOfARegionWithTwoZonesTakesNoZoneFromTheOthers(t *testing.T) {
	alone := stacktest.Synth(t, app(cachedTable), production)
	among := stacktest.Synth(t, withWest(cachedTable), production)
	assert.JSONEq(t, string(alone.JSON), string(among.JSON))
	assert.Len(t, stacktest.Synth(t, withWest(cachedTable), west).Resources("AWS::EC2::Subnet"), 2*2)
}

func TestTheZonesOfARegionAreADeclaredDifference(t *testing.T) {
	grown := withWest(cachedTable)
	requireIdentical(t, grown)
	var declared []string
	for _, choice := range stacktest.Synth(t, grown, west).Assembly.Stages[0].Choices {
		if choice.Kind == "pick" {
			declared = append(declared, choice.Declaration+" is "+choice.Outcome)
		}
	}
	assert.Equal(t, slices.Repeat([]string{"stages.Pick(3, stages.When(west, 2)) is 2"}, 2), declared)
}

func TestZonesThatAreNamedAreThoseOfTheSubnets(t *testing.T) {
	template := synth(t, func(s *stack.Stack) {
		stack.NewNetwork(s, "main", stack.NetworkConfig{
			ZoneNames: []string{"us-east-1a", "us-east-1c", "us-east-1d"}, Endpoints: []stack.Endpoint{stack.EndpointLambda, stack.EndpointSQS},
			EndpointZones: map[stack.Endpoint][]string{stack.EndpointLambda: {"us-east-1a", "us-east-1c"}},
		})
	})
	zones := map[any]any{}
	for _, subnet := range template.Resources("AWS::EC2::Subnet") {
		zones[subnet.Properties["AvailabilityZone"]] = map[string]any{"Fn::GetAtt": []any{subnet.LogicalID, "SubnetId"}}
	}
	assert.ElementsMatch(t, []any{"us-east-1a", "us-east-1c", "us-east-1d"}, slices.Collect(maps.Keys(zones)))
	in := map[string]int{}
	for _, endpoint := range template.Resources("AWS::EC2::VPCEndpoint") {
		if subnets, interfaces := endpoint.Properties["SubnetIds"].([]any); interfaces {
			in[strings.TrimPrefix(endpoint.LogicalID, "mainEndpoint")[:3]] = len(subnets)
			assert.NotContains(t, subnets[:2], zones["us-east-1d"])
		}
	}
	assert.Equal(t, map[string]int{"lam": 2, "sqs": 3}, in)
}

func TestZonesThatANetworkCannotHaveAreRefused(t *testing.T) {
	for name, wrong := range map[string]struct {
		config stack.NetworkConfig
		field  string
	}{
		"both ways":                  {stack.NetworkConfig{Zones: 2, ZoneNames: []string{"us-east-1a"}}, "ZoneNames"},
		"four":                       {stack.NetworkConfig{ZoneNames: []string{"us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d"}}, "ZoneNames"},
		"a region":                   {stack.NetworkConfig{ZoneNames: []string{"us-east-1"}}, "ZoneNames"},
		"an id":                      {stack.NetworkConfig{ZoneNames: []string{"use1-az1"}}, "ZoneNames"},
		"a local zone":               {stack.NetworkConfig{ZoneNames: []string{"us-east-1-bos-1a"}}, "ZoneNames"},
		"another region's":           {stack.NetworkConfig{ZoneNames: []string{"eu-west-1a"}}, "ZoneNames"},
		"one twice":                  {stack.NetworkConfig{ZoneNames: []string{"us-east-1a", "us-east-1a"}}, "ZoneNames"},
		"an endpoint's without":      {stack.NetworkConfig{EndpointZones: map[stack.Endpoint][]string{"sqs": {"us-east-1a"}}}, "EndpointZones"},
		"those of no endpoint":       {stack.NetworkConfig{ZoneNames: []string{"us-east-1a"}, EndpointZones: map[stack.Endpoint][]string{"sqs": {"us-east-1a"}}}, "EndpointZones"},
		"an endpoint's elsewhere":    {stack.NetworkConfig{ZoneNames: []string{"us-east-1a"}, Endpoints: []stack.Endpoint{"sqs"}, EndpointZones: map[stack.Endpoint][]string{"sqs": {"us-east-1b"}}}, "EndpointZones"},
		"an endpoint in no zone":     {stack.NetworkConfig{ZoneNames: []string{"us-east-1a"}, Endpoints: []stack.Endpoint{"sqs"}, EndpointZones: map[stack.Endpoint][]string{"sqs": nil}}, "EndpointZones"},
		"those of an existing VPC":   {stack.NetworkConfig{Existing: existingVPC(), ZoneNames: []string{"us-east-1a"}}, "ZoneNames"},
		"more than the region's own": {stack.NetworkConfig{Zones: 4}, "Zones"},
	} {
		t.Run(name, func(t *testing.T) {
			var problem *stack.ConfigError
			require.ErrorAs(t, refusal(t, dev, func(s *stack.Stack) { stack.NewNetwork(s, "main", wrong.config) }), &problem)
			assert.Equal(t, wrong.field, problem.Field)
		})
	}
}

// A parameter group in use does not change, a subnet group in use loses no subnet, and a cluster can be replaced by
// its Revision only if the group that it leaves stays as it is.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_dax_UpdateSubnetGroup.html
func TestTheGroupsOfADAXClusterAreOtherOnesWithOtherValues(t *testing.T) {
	// So no update meets dax-parameter-group-in-use or dax-subnet-in-use.
	groups := func(change func(s *stack.Stack, config *stack.DAXConfig)) (parameters, subnets string) {
		template := synth(t, func(s *stack.Stack) {
			config := key()
			config.DAX = &stack.DAXConfig{}
			change(s, config.DAX)
			stack.NewTable(s, "orders", config)
		})
		return template.Resource(t, "AWS::DAX::ParameterGroup", "orders").LogicalID, template.Resource(t, "AWS::DAX::SubnetGroup", "orders").LogicalID
	}
	network := func(config stack.NetworkConfig) func(*stack.Stack, *stack.DAXConfig) {
		return func(s *stack.Stack, dax *stack.DAXConfig) { dax.Network = stack.NewNetwork(s, "main", config) }
	}
	parameters, subnets := groups(func(*stack.Stack, *stack.DAXConfig) {})
	for name, ttl := range map[string]*stack.DAXConfig{"items": {ItemTTL: time.Minute}, "queries": {QueryTTL: time.Minute}} {
		otherParameters, sameSubnets := groups(func(_ *stack.Stack, config *stack.DAXConfig) { *config = *ttl })
		assert.NotEqual(t, parameters, otherParameters, name)
		assert.Equal(t, subnets, sameSubnets, name)
	}
	seen := []string{subnets}
	for _, config := range []stack.NetworkConfig{
		{}, {CIDR: "10.1.0.0/16"}, {Zones: 2}, {ZoneNames: []string{"us-east-1a", "us-east-1b"}}, {Existing: existingVPC()},
	} {
		sameParameters, otherSubnets := groups(network(config))
		assert.Equal(t, parameters, sameParameters)
		assert.NotContains(t, seen, otherSubnets)
		seen = append(seen, otherSubnets)
	}
	_, sameSubnets := groups(network(stack.NetworkConfig{NATGateways: 1, Endpoints: []stack.Endpoint{stack.EndpointSQS}, NoFlowLogs: true}))
	assert.Equal(t, seen[1], sameSubnets, "what does not touch the subnets touches no group")
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DAX.access-control.html
func TestTheRoleOfADAXClusterMayDoWhatTheGrantsAre(t *testing.T) {
	actions := func(grants ...func(*stack.Table) stack.Grant) []string {
		template := synth(t, func(s *stack.Stack) {
			config := key()
			config.DAX = &stack.DAXConfig{}
			orders := stack.NewTable(s, "orders", config)
			for i, grant := range grants {
				stack.NewFunction(s, "f-"+string(rune('a'+i)), code()).Allow(grant(orders))
			}
		})
		var all []string
		for _, policy := range template.Resources("AWS::IAM::Policy") {
			if strings.HasPrefix(policy.LogicalID, "orders") {
				for _, one := range policyStatements(policy) {
					for _, action := range one.(map[string]any)["Action"].([]any) {
						all = append(all, action.(string))
					}
				}
			}
		}
		return all
	}
	read, write := (*stack.Table).Read, (*stack.Table).Write
	assert.Empty(t, actions())
	assert.NotContains(t, actions(read, read), "dynamodb:PutItem")
	assert.NotContains(t, actions(write), "dynamodb:GetItem")
	both := actions(read, write)
	assert.Contains(t, both, "dynamodb:PutItem")
	assert.Contains(t, both, "dynamodb:GetItem")
}

// https://github.com/aws/aws-cdk/issues/34400
func TestTheRightsToNetworkInterfacesAreTakenAwayAfterTheGroupThatTheInterfacesAreIn(t *testing.T) {
	// So no update meets lambda-network-left.
	template := synth(t, cachedTable)
	var network stacktest.Resource
	for _, policy := range template.Resources("AWS::IAM::Policy") {
		if strings.HasPrefix(policy.LogicalID, "getNetworkPolicy") {
			network = policy
		} else {
			assert.NotContains(t, mustJSON(t, policy.Properties), "NetworkInterface")
		}
	}
	assert.Contains(t, template.Resource(t, "AWS::EC2::SecurityGroup", "get").DependsOn, network.LogicalID)
	statements := policyStatements(network)
	require.Len(t, statements, 2)
	assert.Equal(t, "Allow", statements[0].(map[string]any)["Effect"])
	denied := statements[1].(map[string]any)
	assert.Equal(t, "Deny", denied["Effect"])
	assert.Equal(t, map[string]any{"ArnEquals": map[string]any{"lambda:SourceFunctionArn": "arn:aws:lambda:us-east-1:111111111111:function:dev-shop-get"}}, denied["Condition"])
	assert.Subset(t, denied["Action"], statements[0].(map[string]any)["Action"])
}

// The page on the resource says that another qualifier replaces a URL.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-url.html
func TestAFunctionsURLIsTheSameWithAndWithoutProvisionedConcurrency(t *testing.T) {
	url := func(provisioned int) stacktest.Resource {
		return synth(t, func(s *stack.Stack) {
			config := code()
			config.URL, config.ProvisionedConcurrency = &stack.URLConfig{}, provisioned
			stack.NewFunction(s, "get", config)
		}).Resource(t, "AWS::Lambda::Url", "get")
	}
	assert.Equal(t, url(0), url(2))
}

// Interface endpoints of Lambda are not offered in every zone of us-east-1, and which zone lacks them differs by account.
// https://github.com/awslabs/aws-orbit-workbench/issues/320
func TestAnEndpointThatAWSOffersInSomeZonesOnlyIsAWarningUntilItsZonesAreNamed(t *testing.T) {
	var told bytes.Buffer
	_, err := app(func(s *stack.Stack) {
		stack.NewNetwork(s, "main", stack.NetworkConfig{Endpoints: []stack.Endpoint{stack.EndpointLambda, stack.EndpointSQS}})
		stack.NewNetwork(s, "named", stack.NetworkConfig{
			ZoneNames: []string{"us-east-1a", "us-east-1e"}, Endpoints: []stack.Endpoint{stack.EndpointLambda},
			EndpointZones: map[stack.Endpoint][]string{stack.EndpointLambda: {"us-east-1a"}},
		})
	}).Synthesize(stack.Synthesis{Stages: []stages.Stage{dev}, Outdir: t.TempDir(), StubFunctions: true, Progress: &told})
	require.NoError(t, err)
	assert.Equal(t, "roadshow: warning: stack/network_zones_test.go:LINE: network \"main\" has an endpoint of com.amazonaws.us-east-1.lambda in zones that CloudFormation chooses, "+
		"and AWS offers it in some only; write ZoneNames and EndpointZones, with those that `aws ec2 describe-vpc-endpoint-services --service-names com.amazonaws.us-east-1.lambda` lists\n",
		withoutLines(told.String()))
}

// AWS's pages on DAX's role and on DAX's access control have no condition on an account, and a service that sends none would
// be refused by one: so the trust names DAX alone. An account can only give DAX roles of its own, and only with the right
// to pass them.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DAX.create-cluster.cli.create-service-role.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DAX.access-control.html
func TestTheRoleOfADAXClusterTrustsDAXAsAWSsPageDoes(t *testing.T) {
	template := synth(t, cachedTable)
	trust := template.Resource(t, "AWS::IAM::Role", "ordersDAX").Properties["AssumeRolePolicyDocument"].(map[string]any)["Statement"]
	assert.Equal(t, []any{map[string]any{"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": map[string]any{"Service": "dax.amazonaws.com"}}}, trust)
}

func TestTheLogOfANetworkIsWrittenForThisAccountOnly(t *testing.T) {
	template := synth(t, func(s *stack.Stack) { stack.NewNetwork(s, "main", stack.NetworkConfig{}) })
	trust := template.Resource(t, "AWS::IAM::Role", "main").Properties["AssumeRolePolicyDocument"].(map[string]any)["Statement"].([]any)
	assert.Equal(t, map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": "111111111111"}}, trust[0].(map[string]any)["Condition"])
}
