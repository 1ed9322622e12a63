package stack

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// NetworkConfig says what a network is: a VPC with one private subnet in each zone. Its zero value has no
// way to the internet, gateways to DynamoDB and S3, and a log of all its traffic; it costs no more than
// that log. Functions ask for it with [FunctionConfig.Network], DAX with [DAXConfig.Network].
// https://docs.aws.amazon.com/vpc/latest/userguide/what-is-amazon-vpc.html
type NetworkConfig struct {
	// Stages says which stages have the network. Default: every stage.
	Stages stages.Selector

	// Zones that the network spans, 1 to 3, and no more than the stage's region has. Default: 3, or as many as the
	// region has; that is a declared difference between stages of different regions. Other stages of the set change
	// nothing. https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html
	Zones int

	// ZoneNames are the zones that the network spans, 1 to 3 of the stage's region, such as "us-east-1a", instead
	// of Zones; usually a pick. An account that still has default subnets in some zones only needs it: there
	// CloudFormation offers no other zones. Default: the first that CloudFormation offers.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getavailabilityzones.html
	ZoneNames []string

	// NATGateways are the ways to the internet, one in each of so many zones, at most Zones. Each is paid by
	// the hour and by the byte. One for each zone survives the outage of a zone; so it is often a pick:
	// stages.Pick(s, 0, stages.When(Production, 3)). Default: 0, no way to the internet.
	// https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html
	NATGateways int

	// Endpoints are the private ways to further services. Without internet, a grant on a service that has no
	// endpoint is refused. Each is paid by the hour in every zone. Default: the gateways to DynamoDB and S3.
	Endpoints []Endpoint

	// EndpointZones are those of ZoneNames in which an endpoint stands, where AWS does not offer it in all of them, such
	// as Lambda's in us-east-1: `aws ec2 describe-vpc-endpoint-services` lists the account's zones of a service.
	// Functions in the other zones reach it too. Default: every zone of the network, with a warning where AWS is known
	// to lack one.
	// https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
	EndpointZones map[Endpoint][]string

	// CIDR is the network's range of private IPv4 addresses, of 16 to 24 bits. Only a network that is
	// joined to others needs one of its own. A change replaces the network. Default: 10.0.0.0/16.
	// https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
	CIDR string

	// Ports are the TCP ports that functions may open connections to, besides 443, such as 5432 for a
	// database of the VPC; 1 to 65535. Default: none.
	Ports []int

	// NoFlowLogs leaves out the log of the network's traffic, which is kept as long as the tier says.
	// Default: there is one. https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html
	NoFlowLogs bool

	// OpenEndpoints has the endpoints, the gateways too, let everything through, so that roles alone decide. It is
	// for what the CDK places in the network by [Network.With], such as containers, whose images come from buckets
	// of AWS; for functions whose role has managed policies, or is somebody else's with rights that this stack does not
	// grant; and where the functions' rights outgrow the 20480
	// characters of an endpoint's policy. Default: those that have a constant here let through what the roles of the
	// functions and of the DAX clusters in the network allow, and nothing else; any other lets everything through. A
	// role with managed policies is refused.
	// https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
	OpenEndpoints bool

	// Existing is a VPC that is there already, instead of one of the stack's own; usually a pick, because
	// each account has another. The stack makes nothing in it but security groups. Default: none.
	Existing *ExistingNetwork

	// Override changes the VPC's properties just before it is made. Default: none.
	Override func(*awsec2.CfnVPCProps)
}

// ExistingNetwork says which VPC a stage has, and what it can do.
type ExistingNetwork struct {
	// VPC is its id, such as vpc-0a1b2c3d. Required.
	VPC string

	// Subnets are the ids of the private subnets that functions are placed in, one for each zone. Required.
	// A function in a public subnet has no way to the internet either.
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html
	Subnets []string

	// Internet tells that the subnets have a way to the internet, such as a NAT gateway. Default: they have none.
	Internet bool

	// Endpoints are those that the VPC has, the gateways to DynamoDB and S3 among them. Default: none.
	Endpoints []Endpoint

	// SecurityGroups are the ids of groups of the VPC that functions join besides their own, at most 4.
	// Default: none.
	SecurityGroups []string
}

const (
	networkRange = "10.0.0.0/16"
	maxZones     = 3
	// subnetBits more make a subnet's range of the network's: sixteen subnets, private ones from the first,
	// public ones from the ninth.
	subnetBits  = 4
	firstPublic = 8
	// anywhere is every IPv4 address.
	anywhere  = "0.0.0.0/0"
	httpsPort = 443
)

var (
	endpointName  = regexp.MustCompile(`^[a-z][a-z0-9.-]*$`)
	vpcID         = regexp.MustCompile(`^vpc-[0-9a-f]{8,17}$`)
	subnetID      = regexp.MustCompile(`^subnet-[0-9a-f]{8,17}$`)
	securityGroup = regexp.MustCompile(`^sg-[0-9a-f]{8,17}$`)
)

func (c NetworkConfig) validate() *ConfigError {
	if problem := c.validateExisting(); problem != nil {
		return problem
	}
	if c.CIDR != "" {
		prefix, err := netip.ParsePrefix(c.CIDR)
		if err != nil || prefix != prefix.Masked() || !prefix.Addr().Is4() || !prefix.Addr().IsPrivate() || prefix.Bits() < 16 || prefix.Bits() > 24 {
			return &ConfigError{
				Field: "CIDR", Got: fmt.Sprintf("%q", c.CIDR), Want: "a range of private IPv4 addresses of 16 to 24 bits, from its first address",
				Fix: `write CIDR: "10.1.0.0/16", or leave it out`,
			}
		}
	}
	if problem := c.validateZones(); problem != nil {
		return problem
	}
	for i, port := range c.Ports {
		if port == 0 || port == httpsPort || slices.Contains(c.Ports[:i], port) {
			return &ConfigError{
				Field: "Ports", Got: strconv.Itoa(port), Want: "1 to 65535, each once, and not 443, which is always open",
				Fix: "write Ports: []int{5432}, or leave it out",
			}
		}
	}
	return validateEndpoints("Endpoints", c.Endpoints, func(one Endpoint) bool { return slices.Contains(gateways, one) })
}

// zoneOf is a zone as regions of AWS name them: the region and a letter, of which us-east-1 has the most. Local zones have longer names, and neither
// NAT gateways nor endpoints of most services.
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html
var zoneOf = regexp.MustCompile(`^([a-z]+(-[a-z]+)+-[0-9]+)[a-f]$`)

func (c NetworkConfig) validateZones() *ConfigError {
	switch {
	case len(c.ZoneNames) > 0 && c.Zones != 0:
		return &ConfigError{Field: "ZoneNames", Got: fmt.Sprintf("%q, while Zones is %d", c.ZoneNames, c.Zones), Want: "the only one of the two", Fix: "leave Zones out"}
	case len(c.ZoneNames) > maxZones:
		return &ConfigError{Field: "ZoneNames", Got: fmt.Sprintf("%d zones", len(c.ZoneNames)), Want: "1 to 3", Fix: "leave some out"}
	case len(c.EndpointZones) > 0 && len(c.ZoneNames) == 0:
		return &ConfigError{Field: "EndpointZones", Got: "given without ZoneNames", Want: "given with it", Fix: "write ZoneNames, too"}
	}
	for i, name := range c.ZoneNames {
		if !zoneOf.MatchString(name) || slices.Contains(c.ZoneNames[:i], name) {
			return &ConfigError{
				Field: "ZoneNames", Got: fmt.Sprintf("%q", name), Want: "the name of a zone, its region and a letter of a to f, and be there only once", Fix: `write ZoneNames: []string{"us-east-1a", "us-east-1b"}, or leave it out`,
			}
		}
	}
	for _, endpoint := range slices.Sorted(maps.Keys(c.EndpointZones)) {
		if !slices.Contains(c.Endpoints, endpoint) {
			return &ConfigError{Field: "EndpointZones", Got: fmt.Sprintf("%q", string(endpoint)), Want: "one of Endpoints", Fix: "write it in Endpoints, or leave it out here"}
		}
		zones := c.EndpointZones[endpoint]
		for i, zone := range zones {
			if !slices.Contains(c.ZoneNames, zone) || slices.Contains(zones[:i], zone) {
				return &ConfigError{
					Field: "EndpointZones", Got: fmt.Sprintf("%q of %q", zone, string(endpoint)), Want: "a zone of ZoneNames, and be there only once",
					Fix: "write the zone in ZoneNames, or leave it out here",
				}
			}
		}
		if len(zones) == 0 {
			return &ConfigError{Field: "EndpointZones", Got: fmt.Sprintf("no zone of %q", string(endpoint)), Want: "at least one", Fix: "leave the endpoint out here: it is in every zone then"}
		}
	}
	return nil
}

// validateExisting checks an existing VPC, and that nothing else asks for one of the stack's own.
func (c NetworkConfig) validateExisting() *ConfigError {
	if c.Existing == nil {
		return nil
	}
	for _, own := range []struct {
		field string
		set   bool
	}{
		{"Zones", c.Zones != 0},
		{"ZoneNames", len(c.ZoneNames) > 0},
		{"NATGateways", c.NATGateways != 0},
		{"Endpoints", len(c.Endpoints) > 0},
		{"CIDR", c.CIDR != ""},
		{"NoFlowLogs", c.NoFlowLogs},
		{"OpenEndpoints", c.OpenEndpoints},
		{"Override", c.Override != nil},
	} {
		if own.set {
			return &ConfigError{
				Field: own.field, Got: "set beside Existing", Want: "left out: a network is the stack's own, or an existing one",
				Fix: "leave out one of the two; what an existing VPC has stands in Existing",
			}
		}
	}
	existing := *c.Existing
	if !vpcID.MatchString(existing.VPC) {
		return &ConfigError{Field: "Existing.VPC", Got: fmt.Sprintf("%q", existing.VPC), Want: "the id of a VPC: vpc- and 8 to 17 hexadecimal digits", Fix: `write VPC: "vpc-0a1b2c3d4e5f60718"`}
	}
	if len(existing.Subnets) == 0 {
		return &ConfigError{
			Field: "Existing.Subnets", Got: "empty", Want: "the ids of private subnets, one for each zone",
			Fix: `write Subnets: []string{"subnet-0a1b2c3d4e5f60718", …}`,
		}
	}
	for i, subnet := range existing.Subnets {
		if !subnetID.MatchString(subnet) || slices.Contains(existing.Subnets[:i], subnet) {
			return &ConfigError{
				Field: "Existing.Subnets", Got: fmt.Sprintf("%q", subnet), Want: "the id of a subnet, subnet- and 8 to 17 hexadecimal digits, and be there only once",
				Fix: `write Subnets: []string{"subnet-0a1b2c3d4e5f60718", …}`,
			}
		}
	}
	// A function has at most five. https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html
	if len(existing.SecurityGroups) > 4 {
		return &ConfigError{
			Field: "Existing.SecurityGroups", Got: strconv.Itoa(len(existing.SecurityGroups)) + " groups", Want: "at most 4, besides the function's own",
			Fix: "leave some out",
		}
	}
	for i, group := range existing.SecurityGroups {
		if !securityGroup.MatchString(group) || slices.Contains(existing.SecurityGroups[:i], group) {
			return &ConfigError{
				Field: "Existing.SecurityGroups", Got: fmt.Sprintf("%q", group), Want: "the id of a security group, sg- and 8 to 17 hexadecimal digits, and be there only once",
				Fix: `write SecurityGroups: []string{"sg-0a1b2c3d4e5f60718"}, or leave it out`,
			}
		}
	}
	return validateEndpoints("Existing.Endpoints", existing.Endpoints, func(Endpoint) bool { return false })
}

// Network is a VPC that functions and DAX can be placed in, or knows that its stage has none.
type Network struct {
	component

	network *network
	root    constructs.Construct
	vpc     awsec2.IVpc // what With reaches, made when it is first wanted
}

// NewNetwork makes a VPC, or takes an existing one. A mistake panics with a [*ConfigError].
func NewNetwork(s *Stack, id string, config NetworkConfig) *Network {
	n := &Network{component: s.begin("network", id, config.Stages, s.faultsIn(config, config.validate()))}
	zones := n.zones(config)
	if config.NATGateways > zones {
		n.fault(n.at, "NATGateways", strconv.Itoa(config.NATGateways), fmt.Sprintf("at most %d, one for each zone", zones), "write fewer, or more Zones")
	}
	logs := s.record(n.component, stages.LogGroup, "", 0)
	if !n.present {
		return n
	}
	n.root = n.scope()
	if config.Existing != nil {
		n.network = config.Existing.network()
	} else {
		n.network = s.newNetwork(n.root, zones, config)
		if !config.NoFlowLogs {
			s.logTraffic(n.root, n.network, logs)
		}
	}
	n.network.of, n.network.ports = n.String(), config.Ports
	return n
}

// With reaches the VPC as the L2 constructs of others take it; it does nothing where the stage does not
// have the network. The zones of an existing VPC's subnets are not known: they count as the region's first.
func (n *Network) With(change func(awsec2.IVpc)) *Network {
	if !n.present {
		return n
	}
	if n.vpc == nil {
		zones := make([]*string, len(n.network.subnetIDs))
		for zone := range zones {
			zones[zone] = n.network.zoneName(zone)
		}
		attributes := &awsec2.VpcAttributes{VpcId: n.network.vpcID, AvailabilityZones: &zones}
		if n.network.internet {
			attributes.PrivateSubnetIds, attributes.PrivateSubnetRouteTableIds = jsiiconv.Pointers(n.network.subnetIDs), n.network.tables()
		} else {
			attributes.IsolatedSubnetIds, attributes.IsolatedSubnetRouteTableIds = jsiiconv.Pointers(n.network.subnetIDs), n.network.tables()
		}
		n.vpc = awsec2.Vpc_FromVpcAttributes(n.root, jsiiconv.String("Imported"), attributes)
		if n.network.existing {
			// Nobody has told the route tables of an existing VPC.
			awscdk.Annotations_Of(n.vpc).AcknowledgeWarning(jsiiconv.String("@aws-cdk/aws-ec2:noSubnetRouteTableId"), nil)
		}
	}
	change(n.vpc)
	return n
}

// construct holds the CloudFormation resource as its default child, where the stack makes one.
func (n *Network) construct() constructs.IConstruct { return n.root }

// network is a VPC in a stage that has one: of the stack's own, or an existing one.
//
// It is made of CloudFormation's own resources: the CDK's Vpc looks its zones up in the account, which
// makes a template depend on who synthesizes it.
type network struct {
	of        string // the network as an error names it; "" for the shared one
	vpcID     *string
	subnetIDs []*string
	tableIDs  []*string // of their routes; none in an existing VPC
	internet  bool
	existing  bool
	endpoints []Endpoint
	zoneNames []string // of its zones, where they are picked
	// made is what a change of makes other subnets, so that what refers to them can follow.
	made string
	// endpointGroup is the security group of the interface endpoints; nil where there are none.
	endpointGroup awsec2.CfnSecurityGroup
	// joined are groups of an existing VPC that functions are in besides their own.
	joined []*string
	ports  []int
	// principals are the functions and the DAX clusters in it: what these may, its endpoints let through; allowed
	// is that, once it was read.
	principals []principal
	allowed    []map[string]any
}

// network is what the config tells of the VPC.
func (e ExistingNetwork) network() *network {
	n := &network{
		vpcID: jsiiconv.String(e.VPC), internet: e.Internet, existing: true, endpoints: e.Endpoints, made: fmt.Sprintf("%q %q", e.VPC, e.Subnets),
	}
	for _, subnet := range e.Subnets {
		n.subnetIDs = append(n.subnetIDs, jsiiconv.String(subnet))
	}
	for _, group := range e.SecurityGroups {
		n.joined = append(n.joined, jsiiconv.String(group))
	}
	return n
}

// newNetwork makes a VPC of the stack's own: its private subnets, each with routes of its own, because
// each may lead to another NAT gateway.
func (s *Stack) newNetwork(scope constructs.Construct, zones int, config NetworkConfig) *network {
	block := config.CIDR
	if block == "" {
		block = networkRange
	}
	props := &awsec2.CfnVPCProps{
		CidrBlock: jsiiconv.String(block), EnableDnsSupport: jsiiconv.Bool(true), EnableDnsHostnames: jsiiconv.Bool(true),
	}
	if config.Override != nil {
		config.Override(props)
	}
	vpc := awsec2.NewCfnVPC(scope, jsiiconv.String("VPC"), props)
	scope.Node().SetDefaultChild(vpc)
	n := &network{
		vpcID: vpc.AttrVpcId(), internet: config.NATGateways > 0, endpoints: slices.Concat(gateways, config.Endpoints), zoneNames: config.ZoneNames,
		made: fmt.Sprintf("%s %d %q", block, zones, config.ZoneNames),
	}
	ways := s.natGateways(scope, n, block, config.NATGateways)
	for zone := range zones {
		routes := awsec2.NewCfnRouteTable(scope, jsiiconv.String(fmt.Sprintf("Routes%d", zone+1)), &awsec2.CfnRouteTableProps{VpcId: n.vpcID})
		n.subnetIDs = append(n.subnetIDs, newSubnet(scope, n, fmt.Sprintf("Subnet%d", zone+1), subnetRange(block, zone), zone, routes))
		n.tableIDs = append(n.tableIDs, routes.AttrRouteTableId())
		if len(ways) > 0 {
			awsec2.NewCfnRoute(scope, jsiiconv.String(fmt.Sprintf("Internet%d", zone+1)), &awsec2.CfnRouteProps{
				RouteTableId: routes.AttrRouteTableId(), DestinationCidrBlock: jsiiconv.String(anywhere), NatGatewayId: ways[zone%len(ways)].AttrNatGatewayId(),
			})
		}
	}
	for _, gateway := range gateways {
		s.newGateway(scope, n, gateway, config.OpenEndpoints)
	}
	if len(config.Endpoints) > 0 {
		n.endpointGroup = awsec2.NewCfnSecurityGroup(scope, jsiiconv.String("EndpointSecurityGroup"), &awsec2.CfnSecurityGroupProps{
			VpcId: n.vpcID, GroupDescription: jsiiconv.String("Endpoints of network " + *scope.Node().Id()),
			// Endpoints answer, and open no connections; without a rule of ours AWS would let them.
			SecurityGroupEgress: &[]any{&awsec2.CfnSecurityGroup_EgressProperty{
				IpProtocol: jsiiconv.String("icmp"), FromPort: jsiiconv.Number(252), ToPort: jsiiconv.Number(86), CidrIp: jsiiconv.String("255.255.255.255/32"),
				Description: jsiiconv.String("Nothing"),
			}},
		})
	}
	for _, endpoint := range config.Endpoints {
		made := awsec2.NewCfnVPCEndpoint(scope, jsiiconv.String("Endpoint-"+string(endpoint)), &awsec2.CfnVPCEndpointProps{
			VpcId: n.vpcID, VpcEndpointType: jsiiconv.String("Interface"), ServiceName: endpoint.serviceName(),
			SubnetIds: anyOf(n.subnetsIn(config.EndpointZones[endpoint])), SecurityGroupIds: anyOf([]*string{n.endpointGroup.AttrGroupId()}), PrivateDnsEnabled: jsiiconv.Bool(true),
		})
		s.limit(made, n, endpoint, config.OpenEndpoints)
	}
	return n
}

// natGateways makes the network's ways out, each in a public subnet of its own.
func (s *Stack) natGateways(scope constructs.Construct, n *network, block string, count int) []awsec2.CfnNatGateway {
	if count == 0 {
		return nil
	}
	gateway := awsec2.NewCfnInternetGateway(scope, jsiiconv.String("InternetGateway"), nil)
	attachment := awsec2.NewCfnVPCGatewayAttachment(scope, jsiiconv.String("InternetGatewayAttachment"), &awsec2.CfnVPCGatewayAttachmentProps{
		VpcId: n.vpcID, InternetGatewayId: gateway.AttrInternetGatewayId(),
	})
	routes := awsec2.NewCfnRouteTable(scope, jsiiconv.String("PublicRoutes"), &awsec2.CfnRouteTableProps{VpcId: n.vpcID})
	out := awsec2.NewCfnRoute(scope, jsiiconv.String("PublicInternet"), &awsec2.CfnRouteProps{
		RouteTableId: routes.AttrRouteTableId(), DestinationCidrBlock: jsiiconv.String(anywhere), GatewayId: gateway.AttrInternetGatewayId(),
	})
	out.AddResourceDependency(attachment, nil)
	ways := make([]awsec2.CfnNatGateway, count)
	for zone := range count {
		subnet := newSubnet(scope, n, fmt.Sprintf("PublicSubnet%d", zone+1), subnetRange(block, firstPublic+zone), zone, routes)
		address := awsec2.NewCfnEIP(scope, jsiiconv.String(fmt.Sprintf("Address%d", zone+1)), &awsec2.CfnEIPProps{Domain: jsiiconv.String("vpc")})
		address.AddResourceDependency(attachment, nil)
		ways[zone] = awsec2.NewCfnNatGateway(scope, jsiiconv.String(fmt.Sprintf("NAT%d", zone+1)), &awsec2.CfnNatGatewayProps{
			SubnetId: subnet, AllocationId: address.AttrAllocationId(),
		})
		ways[zone].AddResourceDependency(out, nil)
	}
	return ways
}

// newSubnet makes a subnet with routes, and returns its id.
func newSubnet(scope constructs.Construct, n *network, id, block string, zone int, routes awsec2.CfnRouteTable) *string {
	subnet := awsec2.NewCfnSubnet(scope, jsiiconv.String(id), &awsec2.CfnSubnetProps{
		VpcId: n.vpcID, CidrBlock: jsiiconv.String(block), AvailabilityZone: n.zoneName(zone), MapPublicIpOnLaunch: jsiiconv.Bool(false),
	})
	awsec2.NewCfnSubnetRouteTableAssociation(scope, jsiiconv.String(id+"Routes"), &awsec2.CfnSubnetRouteTableAssociationProps{
		RouteTableId: routes.AttrRouteTableId(), SubnetId: subnet.AttrSubnetId(),
	})
	return subnet.AttrSubnetId()
}

// zoneName is a zone that was picked, or one of the region by the template's own function, never by a lookup: see
// [network].
func (n *network) zoneName(zone int) *string {
	if len(n.zoneNames) > 0 {
		return jsiiconv.String(n.zoneNames[zone])
	}
	return awscdk.Fn_Select(jsiiconv.Number(zone), awscdk.Fn_GetAzs(nil))
}

// subnetsIn are the network's subnets in these zones, or all of them.
func (n *network) subnetsIn(zones []string) []*string {
	if len(zones) == 0 {
		return n.subnetIDs
	}
	var ids []*string
	for i, zone := range n.zoneNames {
		if slices.Contains(zones, zone) {
			ids = append(ids, n.subnetIDs[i])
		}
	}
	return ids
}

// subnetRange is the addresses of one of the sixteen subnets of a network's range.
func subnetRange(block string, index int) string {
	prefix := netip.MustParsePrefix(block)
	bits := prefix.Bits() + subnetBits
	first := prefix.Addr().As4()
	binary.BigEndian.PutUint32(first[:], binary.BigEndian.Uint32(first[:])+uint32(index)<<(32-bits))
	return netip.PrefixFrom(netip.AddrFrom4(first), bits).String()
}

// logTraffic makes the log of a network's traffic.
func (s *Stack) logTraffic(scope constructs.Construct, n *network, name string) {
	group := awslogs.NewLogGroup(scope, jsiiconv.String("FlowLogGroup"), &awslogs.LogGroupProps{
		LogGroupName: jsiiconv.String(name), Retention: s.retention().logRetention, RemovalPolicy: s.retention().logs,
	})
	role := s.newServiceRole(scope, "FlowLogRole", "vpc-flow-logs.amazonaws.com", statement{actions: flowLogWrite, resources: []*string{group.LogGroupArn()}})
	awsec2.NewCfnFlowLog(scope, jsiiconv.String("FlowLog"), &awsec2.CfnFlowLogProps{
		ResourceId: n.vpcID, ResourceType: jsiiconv.String("VPC"), TrafficType: jsiiconv.String("ALL"),
		LogDestinationType: jsiiconv.String("cloud-watch-logs"), LogGroupName: group.LogGroupName(), DeliverLogsPermissionArn: role.RoleArn(),
	})
}

// sharedNetwork is the one network that DAX clusters without a network of their own share, because a
// function can be in one network only. It is made when it is first wanted: one subnet in each zone, no way
// to the internet, and a gateway to DynamoDB, which costs nothing.
func (s *Stack) sharedNetwork() *network {
	if s.network != nil {
		return s.network
	}
	scope := constructs.NewConstruct(s.CDK, jsiiconv.String("dax-network"))
	vpc := awsec2.NewCfnVPC(scope, jsiiconv.String("VPC"), &awsec2.CfnVPCProps{
		CidrBlock: jsiiconv.String(networkRange), EnableDnsSupport: jsiiconv.Bool(true), EnableDnsHostnames: jsiiconv.Bool(true),
	})
	routes := awsec2.NewCfnRouteTable(scope, jsiiconv.String("Routes"), &awsec2.CfnRouteTableProps{VpcId: vpc.AttrVpcId()})
	zones := s.defaultZones()
	s.network = &network{
		vpcID: vpc.AttrVpcId(), tableIDs: []*string{routes.AttrRouteTableId()}, endpoints: []Endpoint{EndpointDynamoDB}, made: fmt.Sprintf("%s %d", networkRange, zones),
	}
	for zone := range zones {
		subnet := awsec2.NewCfnSubnet(scope, jsiiconv.String(fmt.Sprintf("Subnet%d", zone+1)), &awsec2.CfnSubnetProps{
			VpcId: vpc.AttrVpcId(), CidrBlock: jsiiconv.String(subnetRange(networkRange, zone)),
			AvailabilityZone: s.network.zoneName(zone), MapPublicIpOnLaunch: jsiiconv.Bool(false),
		})
		awsec2.NewCfnSubnetRouteTableAssociation(scope, jsiiconv.String(fmt.Sprintf("Routes%d", zone+1)), &awsec2.CfnSubnetRouteTableAssociationProps{
			RouteTableId: routes.AttrRouteTableId(), SubnetId: subnet.AttrSubnetId(),
		})
		s.network.subnetIDs = append(s.network.subnetIDs, subnet.AttrSubnetId())
	}
	s.newGateway(scope, s.network, EndpointDynamoDB, false)
	return s.network
}

// zones is how many zones the network spans.
func (n *Network) zones(config NetworkConfig) int {
	region := n.stack.playedRegion()
	for _, name := range config.ZoneNames {
		if of := zoneOf.FindStringSubmatch(name)[1]; of != region {
			n.refusal(zonesPage, n.at, "ZoneNames", fmt.Sprintf("%q, while the stage's region is %s", name, region), "a zone of the stage's region", "write ZoneNames: stages.Pick(s, …) with those of each stage")
		}
	}
	most := stages.Zones(region)
	switch {
	case len(config.ZoneNames) > 0:
		return len(config.ZoneNames)
	case config.Zones > most:
		n.refusal(zonesPage, n.at, "Zones", strconv.Itoa(config.Zones), fmt.Sprintf("at most %d, as many as %s has", most, region), "write Zones: stages.Pick(s, …) with fewer there, or leave it out")
	case config.Zones > 0:
		return config.Zones
	}
	return n.stack.defaultZones()
}

// playedRegion is the region of the stage whose choices are made: an understudy's is that of the stage it plays.
func (s *Stack) playedRegion() string {
	for _, stage := range s.app.Stages {
		if stages.Selects(stage, s.stage()) {
			return stage.Region
		}
	}
	return s.stage().Region
}

// defaultZones is how many zones a network spans by itself: three, or as many as the stage's region has, as if the
// program picked it. What other stages have must not change it: a network that loses a zone loses the subnets
// that functions and clusters stand in.
func (s *Stack) defaultZones() int {
	var fewer []stages.Case[int]
	for _, stage := range s.app.Stages {
		if zones := stages.Zones(stage.Region); zones < maxZones {
			fewer = append(fewer, stages.When(stage, zones))
		}
	}
	if len(fewer) == 0 {
		return maxZones
	}
	return stages.Pick(s, maxZones, fewer...)
}

// securityGroup admits nobody, and lets out HTTPS, which in the shared network leads to DynamoDB only, and
// the ports.
func (n *network) securityGroup(scope constructs.Construct, id, description string, ports ...int) awsec2.CfnSecurityGroup {
	reason := "HTTPS"
	if n.of == "" {
		reason = "HTTPS, by the gateways of the network only"
	}
	out := []any{egress(httpsPort, reason)}
	for _, port := range ports {
		out = append(out, egress(port, "Port "+strconv.Itoa(port)))
	}
	return awsec2.NewCfnSecurityGroup(scope, jsiiconv.String(id), &awsec2.CfnSecurityGroupProps{
		VpcId: n.vpcID, GroupDescription: jsiiconv.String(description), SecurityGroupEgress: &out,
	})
}

func egress(port int, reason string) *awsec2.CfnSecurityGroup_EgressProperty {
	return &awsec2.CfnSecurityGroup_EgressProperty{
		IpProtocol: jsiiconv.String("tcp"), FromPort: jsiiconv.Number(port), ToPort: jsiiconv.Number(port), CidrIp: jsiiconv.String(anywhere),
		Description: jsiiconv.String(reason),
	}
}

// admit lets a function's security group in to the interface endpoints.
func (n *network) admit(fn *Function, group awsec2.CfnSecurityGroup) {
	if n.endpointGroup == nil {
		return
	}
	awsec2.NewCfnSecurityGroupIngress(group, jsiiconv.String("ToEndpoints"), &awsec2.CfnSecurityGroupIngressProps{
		GroupId: n.endpointGroup.AttrGroupId(), IpProtocol: jsiiconv.String("tcp"), FromPort: jsiiconv.Number(httpsPort), ToPort: jsiiconv.Number(httpsPort),
		SourceSecurityGroupId: group.AttrGroupId(), Description: jsiiconv.String("Function " + fn.id),
	})
}

// tables are the route tables as the CDK takes them; nil where they are not known.
func (n *network) tables() *[]*string {
	if len(n.tableIDs) == 0 {
		return nil
	}
	return &n.tableIDs
}

// anyOf is a list as those properties of the CDK take it that hold references too.
func anyOf(values []*string) *[]any {
	list := make([]any, len(values))
	for i, value := range values {
		list[i] = value
	}
	return &list
}
