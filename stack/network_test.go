package stack_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsdax"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

func init() {
	settings = append(settings,
		setting{
			zero: stack.NetworkConfig{},
			make: func(s *stack.Stack, config any) {
				network := config.(stack.NetworkConfig)
				if len(network.EndpointZones) > 0 {
					network.ZoneNames, network.Endpoints = []string{"us-east-1a", "us-east-1b"}, []stack.Endpoint{stack.EndpointSQS}
				}
				inside(s, network)
			},
			values: map[string]any{
				"ZoneNames": []string{"us-east-1b"}, "EndpointZones": map[stack.Endpoint][]string{stack.EndpointSQS: {"us-east-1a"}},
				"Stages": stages.Only(production), "Zones": 2, "NATGateways": 1, "Endpoints": []stack.Endpoint{stack.EndpointSQS},
				"CIDR": "10.1.0.0/16", "Ports": []int{5432}, "NoFlowLogs": true, "OpenEndpoints": true, "Existing": existingVPC(),
				"Override": func(props *awsec2.CfnVPCProps) { props.InstanceTenancy = text("dedicated") },
			},
		},
		setting{
			zero: *existingVPC(),
			make: func(s *stack.Stack, config any) {
				there := config.(stack.ExistingNetwork)
				n := inside(s, stack.NetworkConfig{Existing: &there})
				// What the VPC has is not in the template; what is allowed by it is.
				if there.Internet || len(there.Endpoints) > 0 {
					other, fn := stack.NewFunction(s, "called", code()), code()
					fn.Network, fn.Access = n, []stack.Grant{other.Invoke()}
					stack.NewFunction(s, "caller", fn)
				}
			},
			values: map[string]any{
				"VPC": "vpc-0123456789abcdef0", "Subnets": []string{"subnet-0123456789abcdef0"}, "Internet": true,
				"Endpoints": []stack.Endpoint{stack.EndpointLambda}, "SecurityGroups": []string{"sg-0123456789abcdef0"},
			},
		},
	)
}

// inside is a network with a function in it.
func inside(s *stack.Stack, config stack.NetworkConfig) *stack.Network {
	n, fn := stack.NewNetwork(s, "main", config), code()
	fn.Network = n
	stack.NewFunction(s, "get", fn)
	return n
}

func existingVPC() *stack.ExistingNetwork {
	return &stack.ExistingNetwork{VPC: "vpc-0a1b2c3d", Subnets: []string{"subnet-0a1b2c3d", "subnet-1a1b2c3d"}}
}

func TestANetworkHasNoWayToTheInternetUnlessAsked(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) { inside(s, stack.NetworkConfig{}) }), dev)
	assert.Len(t, template.Resources("AWS::EC2::Subnet"), 3)
	assert.Empty(t, template.Resources("AWS::EC2::InternetGateway"))
	assert.Empty(t, template.Resources("AWS::EC2::NatGateway"))
	assert.Empty(t, template.Resources("AWS::EC2::Route"))
	assert.Len(t, template.Resources("AWS::EC2::VPCEndpoint"), 2, "the gateways to DynamoDB and S3")
	assert.Len(t, template.Resources("AWS::EC2::FlowLog"), 1)
	assert.Len(t, template.Resource(t, "AWS::Lambda::Function", "get").Properties["VpcConfig"].(map[string]any)["SubnetIds"], 3)
}

func TestEachZoneLeadsToItsOwnNATGatewayWhereThereIsOne(t *testing.T) {
	for gateways, want := range map[int][]string{1: {"NAT1", "NAT1", "NAT1"}, 2: {"NAT1", "NAT2", "NAT1"}, 3: {"NAT1", "NAT2", "NAT3"}} {
		template := stacktest.Synth(t, app(func(s *stack.Stack) { inside(s, stack.NetworkConfig{NATGateways: gateways}) }), dev)
		assert.Len(t, template.Resources("AWS::EC2::NatGateway"), gateways)
		assert.Len(t, template.Resources("AWS::EC2::EIP"), gateways)
		assert.Len(t, template.Resources("AWS::EC2::Subnet"), 3+gateways)
		for zone, nat := range want {
			route := template.Resource(t, "AWS::EC2::Route", []string{"mainInternet1", "mainInternet2", "mainInternet3"}[zone])
			assert.Contains(t, route.Properties["NatGatewayId"].(map[string]any)["Fn::GetAtt"].([]any)[0], "main"+nat)
		}
	}
}

func TestSubnetsDoNotOverlap(t *testing.T) {
	for block, want := range map[string][]any{
		"":               {"10.0.128.0/20", "10.0.144.0/20", "10.0.0.0/20", "10.0.16.0/20", "10.0.32.0/20"},
		"192.168.7.0/24": {"192.168.7.128/28", "192.168.7.144/28", "192.168.7.0/28", "192.168.7.16/28", "192.168.7.32/28"},
	} {
		template := stacktest.Synth(t, app(func(s *stack.Stack) { inside(s, stack.NetworkConfig{CIDR: block, NATGateways: 2}) }), dev)
		var ranges []any
		for _, subnet := range template.Resources("AWS::EC2::Subnet") {
			ranges = append(ranges, subnet.Properties["CidrBlock"])
		}
		assert.Equal(t, want, ranges)
	}
}

func TestOnlyFunctionsInsideReachTheEndpoints(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		inside(s, stack.NetworkConfig{Endpoints: []stack.Endpoint{stack.EndpointSQS, "bedrock-runtime"}})
		stack.NewFunction(s, "outside", code())
	}), dev)
	entrance := map[string]any{"Fn::GetAtt": []any{template.Resource(t, "AWS::EC2::SecurityGroup", "main").LogicalID, "GroupId"}}
	for _, id := range []string{"mainEndpointsqs", "mainEndpointbedrockruntime"} {
		endpoint := template.Resource(t, "AWS::EC2::VPCEndpoint", id).Properties
		assert.Equal(t, []any{entrance}, endpoint["SecurityGroupIds"])
		assert.Equal(t, true, endpoint["PrivateDnsEnabled"])
		assert.Len(t, endpoint["SubnetIds"], 3)
	}
	rules := template.Resources("AWS::EC2::SecurityGroupIngress")
	if assert.Len(t, rules, 1) {
		assert.Equal(t, entrance, rules[0].Properties["GroupId"])
		function := template.Resource(t, "AWS::EC2::SecurityGroup", "get").LogicalID
		assert.Equal(t, map[string]any{"Fn::GetAtt": []any{function, "GroupId"}}, rules[0].Properties["SourceSecurityGroupId"])
		assert.Equal(t, 443.0, rules[0].Properties["FromPort"])
	}
	assert.NotContains(t, template.Resource(t, "AWS::Lambda::Function", "outside").Properties, "VpcConfig")
}

func TestAFunctionInANetworkMayOpenHTTPSAndTheNamedPortsOnly(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) { inside(s, stack.NetworkConfig{Ports: []int{5432}}) }), dev)
	group := template.Resource(t, "AWS::EC2::SecurityGroup", "get").Properties
	assert.NotContains(t, group, "SecurityGroupIngress")
	var ports []any
	for _, rule := range group["SecurityGroupEgress"].([]any) {
		ports = append(ports, rule.(map[string]any)["FromPort"])
	}
	assert.Equal(t, []any{443.0, 5432.0}, ports)
}

func TestAnExistingNetworkGetsNothingButSecurityGroups(t *testing.T) {
	there := existingVPC()
	there.SecurityGroups = []string{"sg-0a1b2c3d"}
	template := stacktest.Synth(t, app(func(s *stack.Stack) { inside(s, stack.NetworkConfig{Existing: there}) }), dev)
	for _, resource := range template.Resources("") {
		if resource.Type != "AWS::EC2::SecurityGroup" {
			assert.NotContains(t, resource.Type, "AWS::EC2::")
		}
	}
	group := template.Resource(t, "AWS::EC2::SecurityGroup", "get")
	assert.Equal(t, "vpc-0a1b2c3d", group.Properties["VpcId"])
	placed := template.Resource(t, "AWS::Lambda::Function", "get").Properties["VpcConfig"].(map[string]any)
	assert.Equal(t, []any{"subnet-0a1b2c3d", "subnet-1a1b2c3d"}, placed["SubnetIds"])
	assert.Equal(t, []any{map[string]any{"Fn::GetAtt": []any{group.LogicalID, "GroupId"}}, "sg-0a1b2c3d"}, placed["SecurityGroupIds"])
}

func TestDAXAndItsFunctionsStandInTheNetworkThatIsNamed(t *testing.T) {
	define := func(s *stack.Stack) {
		main := stack.NewNetwork(s, "main", stack.NetworkConfig{Endpoints: []stack.Endpoint{stack.EndpointLambda}, Stages: stages.Only(production)})
		orders := stack.NewTable(s, "orders", withDAX(stack.DAXConfig{Network: main, Stages: stages.Only(production)}))
		other, fn := stack.NewFunction(s, "other", code()), code()
		fn.Network, fn.Access = main, []stack.Grant{orders.Read(), other.Invoke()}
		stack.NewFunction(s, "get", fn)
	}
	template := stacktest.Synth(t, app(define), production)
	assert.Len(t, template.Resources("AWS::EC2::VPC"), 1)
	subnets := template.Resource(t, "AWS::DAX::SubnetGroup", "orders").Properties["SubnetIds"]
	assert.Equal(t, subnets, template.Resource(t, "AWS::Lambda::Function", "get").Properties["VpcConfig"].(map[string]any)["SubnetIds"])

	assert.NotContains(t, stacktest.Synth(t, app(define), dev).Resource(t, "AWS::Lambda::Function", "get").Properties, "VpcConfig",
		"where the stage does not have the network, the function is in none")
}

func TestAGrantThatTheNetworkDoesNotReachIsRefused(t *testing.T) {
	define := func(config stack.NetworkConfig) func(s *stack.Stack) {
		return func(s *stack.Stack) {
			other, fn := stack.NewFunction(s, "other", code()), code()
			fn.Network, fn.Access = stack.NewNetwork(s, "main", config), []stack.Grant{other.Invoke()}
			stack.NewFunction(s, "get", fn)
		}
	}
	blind, internet, reaching := existingVPC(), existingVPC(), existingVPC()
	internet.Internet, reaching.Endpoints = true, []stack.Endpoint{stack.EndpointLambda}
	for name, tt := range map[string]struct {
		config stack.NetworkConfig
		want   string
	}{
		"without an endpoint": {
			stack.NetworkConfig{Endpoints: []stack.Endpoint{stack.EndpointSQS}},
			`it must be a service that the network reaches (DynamoDB, S3, SQS). Write Endpoints: []stack.Endpoint{stack.EndpointLambda} in network "main", or give it NATGateways.`,
		},
		"in an existing VPC that has none": {
			stack.NetworkConfig{Existing: blind},
			`it must be a service that the network reaches (none). Make that endpoint in the VPC, and write Endpoints: []stack.Endpoint{stack.EndpointLambda} in Existing of network "main".`,
		},
		"with the endpoint":                       {stack.NetworkConfig{Endpoints: []stack.Endpoint{stack.EndpointLambda}}, ""},
		"with a NAT gateway":                      {stack.NetworkConfig{NATGateways: 1}, ""},
		"in an existing VPC with a way out":       {stack.NetworkConfig{Existing: internet}, ""},
		"in an existing VPC with the endpoint":    {stack.NetworkConfig{Existing: reaching}, ""},
		"where the stage has no such network":     {stack.NetworkConfig{Stages: stages.Except(dev)}, ""},
		"in an existing VPC of other stages only": {stack.NetworkConfig{Existing: blind, Stages: stages.Except(dev)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.want == "" {
				stacktest.Synth(t, app(define(tt.config)), dev)
				return
			}
			err := refusal(t, dev, define(tt.config))
			assert.Equal(t, `stack/network_test.go:LINE: function "get": Access is Lambda of function "other", while network "main" places the function in a network without internet; `+tt.want,
				withoutLines(err.Error()))
		})
	}
}

func TestATableIsOutOfReachInAnExistingVPCWithoutItsGateway(t *testing.T) {
	err := refusal(t, dev, func(s *stack.Stack) {
		fn := code()
		fn.Network, fn.Access = stack.NewNetwork(s, "main", stack.NetworkConfig{Existing: existingVPC()}), []stack.Grant{stack.NewTable(s, "orders", key()).Read()}
		stack.NewFunction(s, "get", fn)
	})
	messages.ErrorContains(t, err, `Access is DynamoDB of table "orders", while network "main"`)
}

func TestAFunctionCanBeInOneNetworkOnly(t *testing.T) {
	err := refusal(t, dev, func(s *stack.Stack) {
		orders, fn := stack.NewTable(s, "orders", withDAX(stack.DAXConfig{})), code()
		fn.Network, fn.Access = stack.NewNetwork(s, "main", stack.NetworkConfig{}), []stack.Grant{orders.Read()}
		stack.NewFunction(s, "get", fn)
	})
	assert.Equal(t, `stack/network_test.go:LINE: function "get": Network is that of network "main" and that of DAX of table "orders"; it must be one network. `+
		`Give the function and the DAX of its tables the same Network.`, withoutLines(err.Error()))
}

func TestDAXIsNotPlacedInANetworkThatItsStageLacks(t *testing.T) {
	err := refusal(t, dev, func(s *stack.Stack) {
		main := stack.NewNetwork(s, "main", stack.NetworkConfig{Stages: stages.Except(dev)})
		stack.NewTable(s, "orders", withDAX(stack.DAXConfig{Network: main}))
	})
	assert.Equal(t, `stack/network_test.go:LINE: table "orders": DAX.Network is network "main", which some stage that has DAX does not have; `+
		`it must be a network of every stage that has DAX. Give both the same Stages.`, withoutLines(err.Error()))
}

func TestTheDoorsOfANetwork(t *testing.T) {
	define := func(s *stack.Stack) {
		reached := 0
		made := stack.NewNetwork(s, "main", stack.NetworkConfig{Stages: stages.Except(production)})
		made.With(func(vpc awsec2.IVpc) {
			reached++
			awsec2.NewSecurityGroup(s.CDK, text("Database"), &awsec2.SecurityGroupProps{Vpc: vpc})
		}).With(func(awsec2.IVpc) { reached++ })
		if resource, ok := stack.L1[awsec2.CfnVPC](made); ok {
			resource.AddPropertyOverride(text("InstanceTenancy"), "dedicated")
			reached++
		}
		assert.Equal(t, made.Present(), reached == 3)
		there := stack.NewNetwork(s, "there", stack.NetworkConfig{Existing: existingVPC()})
		there.With(func(vpc awsec2.IVpc) { assert.Equal(t, "vpc-0a1b2c3d", *vpc.VpcId()) })
		_, ok := stack.L1[awsec2.CfnVPC](there)
		assert.False(t, ok, "the stack makes no VPC there")
	}
	template := stacktest.Synth(t, app(define), dev)
	vpc := template.Resource(t, "AWS::EC2::VPC", "main")
	assert.Equal(t, "dedicated", vpc.Properties["InstanceTenancy"])
	assert.Equal(t, map[string]any{"Fn::GetAtt": []any{vpc.LogicalID, "VpcId"}}, template.Resource(t, "AWS::EC2::SecurityGroup", "Database").Properties["VpcId"])
	assert.Empty(t, stacktest.Synth(t, app(define), production).Resources("AWS::EC2::VPC"))
}

func TestWrongNetworkConfigsAreRefused(t *testing.T) {
	california := stages.Stage{Name: "california", Account: "444444444444", Region: "us-west-1"}
	for name, tt := range map[string]struct {
		config stack.NetworkConfig
		want   string
	}{
		"too many zones":               {stack.NetworkConfig{Zones: 4}, `Zones is 4; it must be 1 to 3. Write Zones: 2, or leave it out.`},
		"fewer than no zones":          {stack.NetworkConfig{Zones: -1}, `Zones is -1; it must be 1 to 3. Write Zones: 2, or leave it out.`},
		"zones that a region lacks":    {stack.NetworkConfig{Zones: 3}, `Zones is 3; it must be at most 2, as many as us-west-1 has. Write Zones: stages.Pick(s, …) with fewer there, or leave it out.`},
		"too many NAT gateways":        {stack.NetworkConfig{NATGateways: 4}, `NATGateways is 4; it must be 1 to 3 gateways, one for each zone. Write NATGateways: 1, or leave it out.`},
		"fewer than no NAT gateways":   {stack.NetworkConfig{NATGateways: -1}, `NATGateways is -1; it must be 1 to 3 gateways, one for each zone. Write NATGateways: 1, or leave it out.`},
		"more NAT gateways than zones": {stack.NetworkConfig{NATGateways: 3}, `NATGateways is 3; it must be at most 2, one for each zone. Write fewer, or more Zones.`},
		"a range that is none":         {stack.NetworkConfig{CIDR: "10.1.0.0"}, `CIDR is "10.1.0.0"; it must be a range of private IPv4 addresses of 16 to 24 bits, from its first address. Write CIDR: "10.1.0.0/16", or leave it out.`},
		"a range within another":       {stack.NetworkConfig{CIDR: "10.1.1.0/16"}, `CIDR is "10.1.1.0/16"; it must be a range of private IPv4 addresses of 16 to 24 bits, from its first address. Write CIDR: "10.1.0.0/16", or leave it out.`},
		"a public range":               {stack.NetworkConfig{CIDR: "8.8.0.0/16"}, `CIDR is "8.8.0.0/16"; it must be a range of private IPv4 addresses of 16 to 24 bits, from its first address. Write CIDR: "10.1.0.0/16", or leave it out.`},
		"too small a range":            {stack.NetworkConfig{CIDR: "10.1.0.0/25"}, `CIDR is "10.1.0.0/25"; it must be a range of private IPv4 addresses of 16 to 24 bits, from its first address. Write CIDR: "10.1.0.0/16", or leave it out.`},
		"a port that is open anyway":   {stack.NetworkConfig{Ports: []int{443}}, `Ports is 443; it must be 1 to 65535, each once, and not 443, which is always open. Write Ports: []int{5432}, or leave it out.`},
		"a port that is none":          {stack.NetworkConfig{Ports: []int{0}}, `Ports is 0; it must be 1 to 65535, each once, and not 443, which is always open. Write Ports: []int{5432}, or leave it out.`},
		"an endpoint that is none":     {stack.NetworkConfig{Endpoints: []stack.Endpoint{"SQS"}}, `Endpoints is "SQS"; it must be the end of an endpoint's name. Write stack.EndpointSQS or the like.`},
		"an endpoint twice":            {stack.NetworkConfig{Endpoints: []stack.Endpoint{"sqs", "sqs"}}, `Endpoints is "sqs" twice; it must be there only once. Leave one of the two out.`},
		"a gateway as an endpoint":     {stack.NetworkConfig{Endpoints: []stack.Endpoint{stack.EndpointS3}}, `Endpoints is "s3"; it must be another one: every network has the gateways. Leave it out.`},
		"a VPC that is none":           {stack.NetworkConfig{Existing: &stack.ExistingNetwork{VPC: "main"}}, `Existing.VPC is "main"; it must be the id of a VPC: vpc- and 8 to 17 hexadecimal digits. Write VPC: "vpc-0a1b2c3d4e5f60718".`},
		"no subnets":                   {stack.NetworkConfig{Existing: &stack.ExistingNetwork{VPC: "vpc-0a1b2c3d"}}, `Existing.Subnets is empty; it must be the ids of private subnets, one for each zone. Write Subnets: []string{"subnet-0a1b2c3d4e5f60718", …}.`},
		"a subnet that is none": {
			stack.NetworkConfig{Existing: &stack.ExistingNetwork{VPC: "vpc-0a1b2c3d", Subnets: []string{"a"}}},
			`Existing.Subnets is "a"; it must be the id of a subnet, subnet- and 8 to 17 hexadecimal digits, and be there only once. Write Subnets: []string{"subnet-0a1b2c3d4e5f60718", …}.`,
		},
		"a group that is none": {
			stack.NetworkConfig{Existing: &stack.ExistingNetwork{VPC: "vpc-0a1b2c3d", Subnets: existingVPC().Subnets, SecurityGroups: []string{"a"}}},
			`Existing.SecurityGroups is "a"; it must be the id of a security group, sg- and 8 to 17 hexadecimal digits, and be there only once. Write SecurityGroups: []string{"sg-0a1b2c3d4e5f60718"}, or leave it out.`,
		},
		"too many groups": {
			stack.NetworkConfig{Existing: &stack.ExistingNetwork{VPC: "vpc-0a1b2c3d", Subnets: existingVPC().Subnets, SecurityGroups: make([]string, 5)}},
			`Existing.SecurityGroups is 5 groups; it must be at most 4, besides the function's own. Leave some out.`,
		},
		"an endpoint that no VPC has": {
			stack.NetworkConfig{Existing: &stack.ExistingNetwork{VPC: "vpc-0a1b2c3d", Subnets: existingVPC().Subnets, Endpoints: []stack.Endpoint{""}}},
			`Existing.Endpoints is ""; it must be the end of an endpoint's name. Write stack.EndpointSQS or the like.`,
		},
		"an existing VPC and zones":          {stack.NetworkConfig{Existing: existingVPC(), Zones: 1}, `Zones is set beside Existing; it must be left out: a network is the stack's own, or an existing one. Leave out one of the two; what an existing VPC has stands in Existing.`},
		"an existing VPC and open endpoints": {stack.NetworkConfig{Existing: existingVPC(), OpenEndpoints: true}, `OpenEndpoints is set beside Existing; it must be left out: a network is the stack's own, or an existing one. Leave out one of the two; what an existing VPC has stands in Existing.`},
		"an existing VPC and NAT":            {stack.NetworkConfig{Existing: existingVPC(), NATGateways: 1}, `NATGateways is set beside Existing; it must be left out: a network is the stack's own, or an existing one. Leave out one of the two; what an existing VPC has stands in Existing.`},
		"an existing VPC and endpoints":      {stack.NetworkConfig{Existing: existingVPC(), Endpoints: []stack.Endpoint{"sqs"}}, `Endpoints is set beside Existing; it must be left out: a network is the stack's own, or an existing one. Leave out one of the two; what an existing VPC has stands in Existing.`},
		"an existing VPC and a range":        {stack.NetworkConfig{Existing: existingVPC(), CIDR: "10.1.0.0/16"}, `CIDR is set beside Existing; it must be left out: a network is the stack's own, or an existing one. Leave out one of the two; what an existing VPC has stands in Existing.`},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere := stack.App{Service: "shop", Stages: append(stages.Set{california}, set...), Define: func(s *stack.Stack) { stack.NewNetwork(s, "main", tt.config) }}
			_, err := stacktest.TrySynth(t, everywhere, california)
			if assert.Error(t, err) {
				messages.Provoked(t, err.Error())
				assert.Equal(t, `stack/network_test.go:LINE: network "main": `+tt.want, withoutLines(err.Error()))
			}
		})
	}
}

// through is what an endpoint of the network lets through.
func through(t *testing.T, template *stacktest.Template, endpoint string) any {
	t.Helper()
	document, given := template.Resource(t, "AWS::EC2::VPCEndpoint", endpoint).Properties["PolicyDocument"]
	if !given {
		return nil
	}
	return document.(map[string]any)["Statement"]
}

// admitted is a statement of an endpoint.
func admitted(actions, resource any) map[string]any {
	st := allowance(actions, resource)
	st["Principal"] = map[string]any{"AWS": "*"}
	return st
}

func TestAnEndpointLetsThroughWhatTheRolesInTheNetworkAllowAndNothingElse(t *testing.T) {
	nothing := []any{map[string]any{"Action": "*", "Effect": "Deny", "Principal": map[string]any{"AWS": "*"}, "Resource": "*"}}
	t.Run("nothing is granted", func(t *testing.T) {
		template := stacktest.Synth(t, app(func(s *stack.Stack) { inside(s, stack.NetworkConfig{}) }), dev)
		assert.Equal(t, nothing, through(t, template, "mainDynamoDB"))
		assert.Equal(t, nothing, through(t, template, "mainS3"))
	})
	t.Run("a grant after the function, and one outside the network", func(t *testing.T) {
		template := stacktest.Synth(t, app(func(s *stack.Stack) {
			fn := code()
			fn.Network = stack.NewNetwork(s, "main", stack.NetworkConfig{})
			get, outside := stack.NewFunction(s, "get", fn), stack.NewFunction(s, "outside", code())
			get.Allow(stack.NewTable(s, "notes", key()).Write())
			outside.Allow(stack.NewTable(s, "others", key()).Read(), stack.NewBucket(s, "files", stack.BucketConfig{}).Read())
		}), dev)
		table := map[string]any{"Fn::GetAtt": []any{template.Resource(t, "AWS::DynamoDB::Table", "notes").LogicalID, "Arn"}}
		assert.Equal(t, []any{admitted(writeItems, table)}, through(t, template, "mainDynamoDB"))
		assert.Equal(t, nothing, through(t, template, "mainS3"))
	})
	t.Run("what a door grants", func(t *testing.T) {
		template := stacktest.Synth(t, app(func(s *stack.Stack) {
			fn := code()
			fn.Network = stack.NewNetwork(s, "main", stack.NetworkConfig{})
			stack.NewFunction(s, "get", fn).With(func(l2 awslambda.Function) {
				actions, resources := []*string{text("s3:GetObject"), text("sqs:SendMessage")}, []*string{text("arn:aws:s3:::theirs/*")}
				l2.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: &actions, Resources: &resources}))
			})
		}), dev)
		assert.Equal(t, []any{admitted("s3:GetObject", "arn:aws:s3:::theirs/*")}, through(t, template, "mainS3"))
	})
	for name, door := range map[string]func(s *stack.Stack, fn *awslambda.FunctionProps, own awsiam.Role){
		"a policy inside the role that an Override gives": func(s *stack.Stack, fn *awslambda.FunctionProps, _ awsiam.Role) {
			document := awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &[]awsiam.PolicyStatement{getTheirs("s3:GetObject")}})
			fn.Role = awsiam.NewRole(s.CDK, text("Inline"), &awsiam.RoleProps{
				AssumedBy: awsiam.NewServicePrincipal(text("lambda.amazonaws.com"), nil), InlinePolicies: &map[string]awsiam.PolicyDocument{"theirs": document},
			})
		},
		"a policy from elsewhere in the stack": func(s *stack.Stack, _ *awslambda.FunctionProps, own awsiam.Role) {
			own.AttachInlinePolicy(awsiam.NewPolicy(s.CDK, text("Apart"), &awsiam.PolicyProps{Statements: &[]awsiam.PolicyStatement{getTheirs("s3:GetObject")}}))
		},
		"an action in upper case": func(_ *stack.Stack, _ *awslambda.FunctionProps, own awsiam.Role) {
			own.AddToPolicy(getTheirs("S3:GetObject"))
		},
		"all actions but some": func(_ *stack.Stack, _ *awslambda.FunctionProps, own awsiam.Role) {
			own.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{NotActions: &[]*string{text("iam:*")}, Resources: &[]*string{text("arn:aws:s3:::theirs/*")}}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			template := stacktest.Synth(t, app(func(s *stack.Stack) {
				fn := code()
				fn.Network = stack.NewNetwork(s, "main", stack.NetworkConfig{})
				fn.Override = func(props *awslambda.FunctionProps) { door(s, props, props.Role.(awsiam.Role)) }
				stack.NewFunction(s, "get", fn)
			}), dev)
			statements := through(t, template, "mainS3").([]any)
			require.Len(t, statements, 1)
			assert.Equal(t, "Allow", statements[0].(map[string]any)["Effect"])
			assert.Equal(t, "arn:aws:s3:::theirs/*", statements[0].(map[string]any)["Resource"])
		})
	}
	t.Run("DAX, which acts with a role of its own", func(t *testing.T) {
		template := stacktest.Synth(t, app(func(s *stack.Stack) {
			stack.NewFunction(s, "get", code()).Allow(stack.NewTable(s, "notes", withDAX(stack.DAXConfig{})).Read())
		}), dev)
		table := map[string]any{"Fn::GetAtt": []any{template.Resource(t, "AWS::DynamoDB::Table", "notes").LogicalID, "Arn"}}
		assert.Contains(t, through(t, template, "daxnetworkDynamoDB"), admitted(readItems, table))
		for _, st := range through(t, template, "daxnetworkDynamoDB").([]any) {
			assert.Equal(t, table, st.(map[string]any)["Resource"])
		}
	})
	t.Run("an interface, and one of a service that the roles are not read for", func(t *testing.T) {
		template := stacktest.Synth(t, app(func(s *stack.Stack) {
			fn := code()
			fn.Network = stack.NewNetwork(s, "main", stack.NetworkConfig{Endpoints: []stack.Endpoint{stack.EndpointSQS, "bedrock-runtime"}})
			stack.NewFunction(s, "get", fn).Allow(stack.NewQueue(s, "jobs", stack.QueueConfig{}).Send())
		}), dev)
		queue := map[string]any{"Fn::GetAtt": []any{byName(template, "AWS::SQS::Queue", "QueueName")["dev-shop-jobs"].LogicalID, "Arn"}}
		assert.Equal(t, []any{admitted("sqs:SendMessage", queue)}, through(t, template, "mainEndpointsqs"))
		assert.Nil(t, through(t, template, "mainEndpointbedrock"))
	})
	t.Run("open endpoints", func(t *testing.T) {
		template := stacktest.Synth(t, app(func(s *stack.Stack) {
			inside(s, stack.NetworkConfig{OpenEndpoints: true, Endpoints: []stack.Endpoint{stack.EndpointSQS}})
		}), dev)
		for _, endpoint := range []string{"mainDynamoDB", "mainS3", "mainEndpointsqs"} {
			assert.Nil(t, through(t, template, endpoint))
		}
	})
}

// getTheirs allows an action on the objects of a bucket that is not the stack's.
func getTheirs(action string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: &[]*string{&action}, Resources: &[]*string{text("arn:aws:s3:::theirs/*")}})
}

func TestRightsThatAnEndpointCannotLetThroughAreRefusedBeforeADeploy(t *testing.T) {
	in := func(n *stack.Network, override func(*awslambda.FunctionProps)) stack.FunctionConfig {
		fn := code()
		fn.Network, fn.Override = n, override
		return fn
	}
	managed := func(l2 awslambda.Function) {
		l2.Role().AddManagedPolicy(awsiam.ManagedPolicy_FromAwsManagedPolicyName(text("AmazonS3ReadOnlyAccess")))
	}
	const cannot = ", whose rights the endpoints of its network cannot let through; it must be a role with policies of this stack alone. "
	for name, tt := range map[string]struct {
		define func(s *stack.Stack, n *stack.Network)
		want   string
	}{
		"a managed policy": {
			func(s *stack.Stack, n *stack.Network) { stack.NewFunction(s, "get", in(n, nil)).With(managed) },
			`function "get": role is one with managed policies` + cannot + `Write OpenEndpoints: true in network "main".`,
		},
		"a managed policy beside DAX": {
			func(s *stack.Stack, _ *stack.Network) {
				fn := stack.NewFunction(s, "get", code()).With(managed)
				fn.Allow(stack.NewTable(s, "notes", withDAX(stack.DAXConfig{})).Read())
			},
			`function "get": role is one with managed policies` + cannot + `Give DAX a Network with OpenEndpoints: true.`,
		},
		"another role of DAX": {
			func(s *stack.Stack, n *stack.Network) {
				stack.NewTable(s, "notes", withDAX(stack.DAXConfig{Network: n, Override: func(props *awsdax.CfnClusterProps) {
					props.IamRoleArn = text("arn:aws:iam::111111111111:role/theirs")
				}}))
			},
			`DAX of table "notes": role is one that this stack does not make` + cannot + `Write OpenEndpoints: true in network "main".`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, open := range []bool{false, true} {
				_, err := stacktest.TrySynth(t, app(func(s *stack.Stack) {
					tt.define(s, stack.NewNetwork(s, "main", stack.NetworkConfig{OpenEndpoints: open}))
				}), dev)
				if open && !strings.Contains(tt.want, "Give DAX") {
					assert.NoError(t, err)
				} else if assert.Error(t, err) {
					messages.Provoked(t, err.Error())
					assert.Equal(t, "stack/network_test.go:LINE: "+tt.want, withoutLines(err.Error()))
				}
			}
		})
	}
}
