package rules

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

const (
	vpc    = "AWS::EC2::VPC"
	subnet = "AWS::EC2::Subnet"
	group  = "AWS::EC2::SecurityGroup"
)

// ruleDescription is what a description of a rule or a group may hold.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html
var ruleDescription = regexp.MustCompile(`^[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}$`)

const ruleDescriptionWords = "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"

// zonesWithout are zones that a service of an interface endpoint lacks. AWS gives the names of zones to other zones in each
// account, so in the accounts of a rehearsal us-east-1e is the one.
// https://github.com/awslabs/aws-orbit-workbench/issues/320
// https://github.com/terraform-aws-modules/terraform-aws-vpc/issues/462
var zonesWithout = map[string][]string{
	"com.amazonaws.us-east-1.email-smtp": {"us-east-1e"},
	"com.amazonaws.us-east-1.lambda":     {"us-east-1e"},
}

// gatewayServices are those with endpoints of the gateway kind.
// https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
var gatewayServices = []string{"s3", "dynamodb"}

var ec2Rules = []rule{
	{id: "ec2-network", on: vpc, says: func(c *call) string {
		if block, err := netip.ParsePrefix(c.text("CidrBlock")); c.has("CidrBlock") && (err != nil || block.Bits() < 16 || block.Bits() > 28) {
			if err != nil {
				return words("Value (%s) for parameter cidrBlock is invalid. This is not a valid CIDR block.", c.text("CidrBlock"))
			}
			return words("The CIDR '%s' is invalid.", c.text("CidrBlock"))
		}
		return ""
	}},
	{id: "ec2-subnet-small", on: subnet, says: func(c *call) string {
		if block, err := netip.ParsePrefix(c.text("CidrBlock")); c.has("CidrBlock") && (err != nil || block.Bits() < 16 || block.Bits() > 28) {
			return words("The CIDR '%s' is invalid.", c.text("CidrBlock"))
		}
		return ""
	}},
	{id: "ec2-subnet-outside", on: subnet, says: func(c *call) string {
		block, err := netip.ParsePrefix(c.text("CidrBlock"))
		network := c.Find(c.Resource, vpc, c.text("VpcId"))
		if err != nil || network == nil {
			return ""
		}
		whole, err := netip.ParsePrefix(network.text("CidrBlock"))
		if err == nil && !(whole.Bits() <= block.Bits() && whole.Contains(block.Addr())) && !c.secondary(network, block) {
			return words("The CIDR '%s' is invalid.", c.text("CidrBlock"))
		}
		return ""
	}},
	{id: "ec2-subnet-overlap", on: subnet, when: create, says: func(c *call) string {
		block, err := netip.ParsePrefix(c.text("CidrBlock"))
		if err != nil {
			return ""
		}
		for other := range c.Of(c.Resource, subnet) {
			taken, err := netip.ParsePrefix(other.text("CidrBlock"))
			if err == nil && other.text("VpcId") == c.text("VpcId") && taken.Overlaps(block) {
				return words("The CIDR '%s' conflicts with another subnet", c.text("CidrBlock"))
			}
		}
		return ""
	}},
	{id: "ec2-subnet-zone", on: subnet, says: func(c *call) string {
		zone := c.text("AvailabilityZone")
		if zone == "" || strings.HasPrefix(zone, c.Region) && len(zone) == len(c.Region)+1 && zone[len(zone)-1] <= 'f' {
			return ""
		}
		return words("Value (%s) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: %[2]sa, %[2]sb, %[2]sc.", zone, c.Region)
	}},
	{id: "ec2-group-description", on: group, says: func(c *call) string {
		if !ruleDescription.MatchString(c.text("GroupDescription")) {
			return "Invalid security group description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
		}
		return ""
	}},
	{id: "ec2-group-name", on: group, says: func(c *call) string {
		if strings.HasPrefix(strings.ToLower(c.text("GroupName")), "sg-") {
			return words("Value (%s) for parameter GroupName is invalid. Group names may not be in the format sg-*.", c.text("GroupName"))
		}
		return ""
	}},
	{id: "ec2-rule-description", on: group, says: func(c *call) string {
		for _, rule := range append(c.objects("SecurityGroupIngress"), c.objects("SecurityGroupEgress")...) {
			if !ruleDescription.MatchString(textOf(rule["Description"])) {
				return ruleDescriptionWords
			}
		}
		return ""
	}},
	{id: "ec2-rule-description", on: "AWS::EC2::SecurityGroupIngress", says: describedRule},
	{id: "ec2-rule-description", on: "AWS::EC2::SecurityGroupEgress", says: describedRule},
	{id: "ec2-rule-ports", on: group, says: func(c *call) string {
		for _, rule := range append(c.objects("SecurityGroupIngress"), c.objects("SecurityGroupEgress")...) {
			if words := portRange(rule); words != "" {
				return words
			}
		}
		return ""
	}},
	{id: "ec2-rule-ports", on: "AWS::EC2::SecurityGroupIngress", says: func(c *call) string { return portRange(c.Properties) }},
	{id: "ec2-rule-ports", on: "AWS::EC2::SecurityGroupEgress", says: func(c *call) string { return portRange(c.Properties) }},
	{id: "ec2-rule-cidr", on: group, says: func(c *call) string {
		for _, rule := range append(c.objects("SecurityGroupIngress"), c.objects("SecurityGroupEgress")...) {
			if words := ruleBlock(rule); words != "" {
				return words
			}
		}
		return ""
	}},
	{id: "ec2-rule-cidr", on: "AWS::EC2::SecurityGroupIngress", says: func(c *call) string { return ruleBlock(c.Properties) }},
	{id: "ec2-rule-twice", on: "AWS::EC2::SecurityGroupIngress", when: create, handler: "AlreadyExists", says: func(c *call) string { return sameRule(c) }},
	{id: "ec2-rule-twice", on: "AWS::EC2::SecurityGroupEgress", when: create, handler: "AlreadyExists", says: func(c *call) string { return sameRule(c) }},
	{id: "ec2-rules-per-group", on: group, handler: "ServiceLimitExceeded", says: func(c *call) string {
		if len(c.list("SecurityGroupIngress")) > 60 || len(c.list("SecurityGroupEgress")) > 60 {
			return "The maximum number of rules per security group has been reached."
		}
		return ""
	}},
	{id: "ec2-rules-per-group", on: "AWS::EC2::SecurityGroupIngress", when: create, handler: "ServiceLimitExceeded", says: func(c *call) string {
		return c.fullGroup("SecurityGroupIngress")
	}},
	{id: "ec2-rules-per-group", on: "AWS::EC2::SecurityGroupEgress", when: create, handler: "ServiceLimitExceeded", says: func(c *call) string {
		return c.fullGroup("SecurityGroupEgress")
	}},
	{id: "ec2-endpoint-service", on: "AWS::EC2::VPCEndpoint", says: func(c *call) string {
		name, ours := strings.CutPrefix(c.text("ServiceName"), "com.amazonaws.")
		region, service, _ := strings.Cut(name, ".")
		if !ours {
			return ""
		}
		if region != c.Region && service != "" || c.text("VpcEndpointType") != "Interface" && !slices.Contains(gatewayServices, service) && c.text("VpcEndpointType") != "GatewayLoadBalancer" {
			return words("The Vpc Endpoint Service '%s' does not exist", c.text("ServiceName"))
		}
		return ""
	}},
	{id: "ec2-endpoint-private-dns", on: "AWS::EC2::VPCEndpoint", says: func(c *call) string {
		network := c.Find(c.Resource, vpc, c.text("VpcId"))
		if network == nil || !c.flag("PrivateDnsEnabled") {
			return ""
		}
		if network.text("EnableDnsHostnames") != "true" || network.text("EnableDnsSupport") == "false" {
			return words("Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for %s", c.text("VpcId"))
		}
		return ""
	}},
	{id: "ec2-endpoint-twice", on: "AWS::EC2::VPCEndpoint", when: create, says: func(c *call) string {
		for other := range c.Of(c.Resource, "AWS::EC2::VPCEndpoint") {
			if other.text("VpcId") != c.text("VpcId") || other.text("ServiceName") != c.text("ServiceName") {
				continue
			}
			if c.flag("PrivateDnsEnabled") && other.flag("PrivateDnsEnabled") {
				service := strings.TrimPrefix(c.text("ServiceName"), "com.amazonaws."+c.Region+".")
				return words("private-dns-enabled cannot be set because there is already a conflicting DNS domain for %s.%s.amazonaws.com in the VPC %s", service, c.Region, c.text("VpcId"))
			}
			for _, table := range c.texts("RouteTableIds") {
				if slices.Contains(other.texts("RouteTableIds"), table) {
					return words("route table %s already has a route with destination-prefix-list-id", table)
				}
			}
		}
		return ""
	}},
	{id: "ec2-endpoint-zone-twice", on: "AWS::EC2::VPCEndpoint", says: func(c *call) string {
		zones := map[string]bool{}
		for _, id := range c.texts("SubnetIds") {
			placed := c.Find(c.Resource, subnet, id)
			if placed == nil {
				continue
			}
			if zone := placed.text("AvailabilityZone"); zones[zone] && zone != "" {
				return words("Found another VPC endpoint subnet in the availability zone of %s, the VPC endpoint subnets should be in different availability zones supported by the VPC endpoint service.", id)
			}
			zones[placed.text("AvailabilityZone")] = true
		}
		return ""
	}},
	{id: "ec2-endpoint-zone", on: "AWS::EC2::VPCEndpoint", says: func(c *call) string {
		for _, id := range c.texts("SubnetIds") {
			placed := c.Find(c.Resource, subnet, id)
			if placed != nil && slices.Contains(zonesWithout[c.text("ServiceName")], placed.text("AvailabilityZone")) {
				return words("The VPC endpoint service %s does not support the availability zone of the subnet: %s.", c.text("ServiceName"), id)
			}
		}
		return ""
	}},
	{id: "ec2-route-twice", on: "AWS::EC2::Route", when: create, handler: "AlreadyExists", says: func(c *call) string {
		for other := range c.Of(c.Resource, "AWS::EC2::Route") {
			if other.text("RouteTableId") == c.text("RouteTableId") && c.has("DestinationCidrBlock") && other.text("DestinationCidrBlock") == c.text("DestinationCidrBlock") {
				return words("The route identified by %s already exists.", c.text("DestinationCidrBlock"))
			}
		}
		return ""
	}},
	{id: "ec2-flow-log-role", on: "AWS::EC2::FlowLog", says: func(c *call) string {
		if kind := c.text("LogDestinationType"); (kind == "" || kind == "cloud-watch-logs") && !c.has("DeliverLogsPermissionArn") {
			return "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs."
		}
		return ""
	}},
}

func describedRule(c *call) string {
	if !ruleDescription.MatchString(c.text("Description")) {
		return ruleDescriptionWords
	}
	return ""
}

// secondary says whether a block is inside one that was associated with a network later.
func (c *call) secondary(network *Resource, block netip.Prefix) bool {
	for other := range c.Of(c.Resource, "AWS::EC2::VPCCidrBlock") {
		added, err := netip.ParsePrefix(other.text("CidrBlock"))
		if err == nil && other.text("VpcId") == network.PhysicalID && added.Contains(block.Addr()) {
			return true
		}
	}
	return false
}

func portRange(rule object) string {
	protocol := strings.ToLower(textOf(rule["IpProtocol"]))
	from, hasFrom := whole(rule["FromPort"])
	to, hasTo := whole(rule["ToPort"])
	if protocol != "tcp" && protocol != "udp" && protocol != "6" && protocol != "17" {
		return ""
	}
	switch {
	case !hasFrom || !hasTo:
		return "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange."
	case from < 0 || from > 65535:
		return words("TCP/UDP port (%d) out of range", from)
	case to < 0 || to > 65535:
		return words("TCP/UDP port (%d) out of range", to)
	case from > to:
		return words("Invalid TCP/UDP port range (%d:%d)", from, to)
	}
	return ""
}

func ruleBlock(rule object) string {
	text := textOf(rule["CidrIp"])
	if text == "" {
		return ""
	}
	if _, err := netip.ParsePrefix(text); err != nil {
		return words("CIDR block %s is malformed", text)
	}
	return ""
}

func sameRule(c *call) string {
	for other := range c.Of(c.Resource, c.Type) {
		same := true
		for _, name := range []string{"GroupId", "IpProtocol", "FromPort", "ToPort", "CidrIp", "CidrIpv6", "SourceSecurityGroupId", "DestinationSecurityGroupId", "SourcePrefixListId", "DestinationPrefixListId"} {
			same = same && c.text(name) == other.text(name)
		}
		if same {
			peer := c.text("CidrIp") + c.text("CidrIpv6") + c.text("SourceSecurityGroupId") + c.text("DestinationSecurityGroupId")
			return words("the specified rule \"peer: %s, %s, from port: %s, to port: %s, ALLOW\" already exists", peer, strings.ToUpper(c.text("IpProtocol")), c.text("FromPort"), c.text("ToPort"))
		}
	}
	return ""
}

func (c *call) fullGroup(inline string) string {
	count := 1
	if owner := c.Find(c.Resource, group, c.text("GroupId")); owner != nil {
		count += len(owner.list(inline))
	}
	for other := range c.Of(c.Resource, c.Type) {
		if other.text("GroupId") == c.text("GroupId") {
			count++
		}
	}
	if count > 60 {
		return "The maximum number of rules per security group has been reached."
	}
	return ""
}
