package rehearsal

import (
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

func ec2Service() *service {
	return &service{
		protocol:  ec2XML,
		namespace: "http://ec2.amazonaws.com/doc/2016-11-15/",
		operations: map[string]operation{
			"DescribeVpcs":              describing("AWS::EC2::VPC", "VpcId", "vpcSet", "InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", vpcOf),
			"DescribeSubnets":           describing("AWS::EC2::Subnet", "SubnetId", "subnetSet", "InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", subnetOf),
			"DescribeSecurityGroups":    describing("AWS::EC2::SecurityGroup", "GroupId", "securityGroupInfo", "InvalidGroup.NotFound", "The security group '%s' does not exist", securityGroupOf),
			"DescribeVpcEndpoints":      describing("AWS::EC2::VPCEndpoint", "VpcEndpointId", "vpcEndpointSet", "InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '%s' does not exist", vpcEndpointOf),
			"DescribeRouteTables":       describing("AWS::EC2::RouteTable", "RouteTableId", "routeTableSet", "InvalidRouteTableID.NotFound", "The routeTable ID '%s' does not exist", routeTableOf),
			"DescribeNatGateways":       describing("AWS::EC2::NatGateway", "NatGatewayId", "natGatewaySet", "NatGatewayNotFound", "The Nat Gateway %s was not found", natGatewayOf),
			"DescribeInternetGateways":  describing("AWS::EC2::InternetGateway", "InternetGatewayId", "internetGatewaySet", "InvalidInternetGatewayID.NotFound", "The internetGateway ID '%s' does not exist", internetGatewayOf),
			"DescribeAvailabilityZones": reading(describeAvailabilityZones),
			"DescribeAddresses":         reading(describeAddresses),
			"DescribeRegions":           reading(describeRegions),
			"DescribeNetworkInterfaces": reading(describeNetworkInterfaces),
		},
	}
}

// zones are a region's availability zones: three, as most regions have.
func zones(region string) []string { return []string{region + "a", region + "b", region + "c"} }

// zonesGiven are those that Fn::GetAZs gives: the zones that have a default subnet, and all of them where none has one.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getavailabilityzones.html
func (s *store) zonesGiven(at place) []string {
	all := zones(at.region)
	given := slices.DeleteFunc(slices.Clone(all), func(zone string) bool {
		return !slices.ContainsFunc(s.list(at, "AWS::EC2::Subnet"), func(subnet Resource) bool {
			return subnet.text("DefaultForAz") == "true" && subnet.text("AvailabilityZone") == zone
		})
	})
	if len(given) == 0 {
		return all
	}
	return given
}

// zoneID is a zone's name that is the same in all accounts: use1-az1.
func zoneID(zone string) string {
	if zone == "" {
		return ""
	}
	region, letter := zone[:len(zone)-1], zone[len(zone)-1]
	parts := strings.Split(region, "-")
	if len(parts) < 3 {
		return zone
	}
	return parts[0] + parts[1][:1] + parts[2] + "-az" + string('1'+letter-'a')
}

// describing makes the operation that shows resources of one type, all, by id
// or by filter.
func describing(kind, idParameter, set, missing, message string, show func(*store, *Resource) object) operation {
	return reading(func(r *request) (any, error) {
		// What a VPC brings along is no resource of a template, but is shown.
		all := append(r.store.list(r.at(), kind), r.store.broughtAlong(r.at(), kind)...)
		if ids := r.texts(idParameter); len(ids) > 0 {
			for _, id := range ids {
				if !slices.ContainsFunc(all, func(one Resource) bool { return one.PhysicalID == id }) {
					return nil, refuse(http.StatusBadRequest, missing, message, id)
				}
			}
			all = slices.DeleteFunc(all, func(one Resource) bool { return !slices.Contains(ids, one.PhysicalID) })
		}
		shown := []object{}
		for _, one := range all {
			view := show(r.store, &one)
			view["ownerId"], view["tagSet"] = r.account, lowerTags(&one)
			meets, err := r.filtered(view, &one)
			if err != nil {
				return nil, err
			}
			if meets {
				shown = append(shown, view)
			}
		}
		return object{set: shown}, nil
	})
}

// filtered applies the request's filters: tag:NAME, tag-key, and any scalar
// that the answer shows, whose name is the filter's in another spelling.
func (r *request) filtered(view object, one *Resource) (bool, error) {
	for _, filter := range r.structs("Filter") {
		name, tags := filter["Name"], tagMap(one)
		var value string
		switch key, isTag := strings.CutPrefix(name, "tag:"); {
		case isTag:
			if tags[key] == nil {
				return false, nil
			}
			value = textOf(tags[key])
		case name == "tag-key":
			value = strings.Join(sortedNames(tags), ",")
		default:
			words := strings.Split(name, "-")
			for i, word := range words[1:] {
				words[i+1] = strings.ToUpper(word[:1]) + word[1:]
			}
			shown, known := view[strings.Join(words, "")]
			if !known {
				return false, refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal does not know the filter %s of ec2 %s", name, r.operation)
			}
			value = textOf(shown)
		}
		matched := false
		for field, pattern := range filter {
			if strings.HasPrefix(field, "Value.") {
				met, _ := path.Match(pattern, value)
				matched = matched || met
			}
		}
		if !matched {
			return false, nil
		}
	}
	return true, nil
}

// broughtAlong are the default security groups of a place's VPCs.
func (s *store) broughtAlong(at place, kind string) []Resource {
	if kind != "AWS::EC2::SecurityGroup" {
		return nil
	}
	var out []Resource
	for _, vpc := range s.list(at, "AWS::EC2::VPC") {
		id := vpc.attribute("DefaultSecurityGroup")
		out = append(out, Resource{
			Account: at.account, Region: at.region, Type: kind, PhysicalID: id, Name: "default", Attributes: object{"GroupId": id},
			Properties: object{"VpcId": vpc.PhysicalID, "GroupName": "default", "GroupDescription": "default VPC security group"},
		})
	}
	return out
}

func lowerTags(r *Resource) []object {
	out := []object{}
	for _, each := range tagList(r) {
		tag, _ := each.(object)
		out = append(out, object{"key": tag["Key"], "value": tag["Value"]})
	}
	return out
}

func vpcOf(_ *store, v *Resource) object {
	return object{
		"vpcId": v.PhysicalID, "cidrBlock": v.text("CidrBlock"), "state": "available", "isDefault": false,
		"instanceTenancy": orElse(v.text("InstanceTenancy"), "default"), "dhcpOptionsId": "default",
	}
}

func subnetOf(_ *store, s *Resource) object {
	return object{
		"subnetId": s.PhysicalID, "vpcId": s.text("VpcId"), "cidrBlock": s.text("CidrBlock"), "availabilityZone": s.text("AvailabilityZone"),
		"availabilityZoneId": zoneID(s.text("AvailabilityZone")), "state": "available", "availableIpAddressCount": 251, "defaultForAz": s.text("DefaultForAz") == "true",
		"mapPublicIpOnLaunch": s.text("MapPublicIpOnLaunch") == "true",
		"subnetArn":           "arn:" + stages.Partition(s.Region) + ":ec2:" + s.Region + ":" + s.Account + ":subnet/" + s.PhysicalID,
	}
}

func securityGroupOf(s *store, g *Resource) object {
	permissions := func(property, peerType, peerProperty string) []object {
		out := []object{}
		rules := listOf(g.Properties[property])
		for _, one := range s.list(place{g.Account, g.Region}, peerType) {
			if one.text("GroupId") == g.PhysicalID {
				rules = append(slices.Clip(rules), any(one.Properties))
			}
		}
		for _, each := range rules {
			rule, _ := each.(object)
			shown := object{"ipProtocol": textOf(rule["IpProtocol"]), "fromPort": rule["FromPort"], "toPort": rule["ToPort"]}
			if cidr := textOf(rule["CidrIp"]); cidr != "" {
				shown["ipRanges"] = []object{{"cidrIp": cidr, "description": orNil(textOf(rule["Description"]))}}
			}
			if list := orElse(textOf(rule["SourcePrefixListId"]), textOf(rule["DestinationPrefixListId"])); list != "" {
				shown["prefixListIds"] = []object{{"prefixListId": list}}
			}
			if peer := textOf(rule[peerProperty]); peer != "" {
				shown["groups"] = []object{{"groupId": peer, "userId": g.Account}}
			}
			out = append(out, shown)
		}
		return out
	}
	egress := permissions("SecurityGroupEgress", "AWS::EC2::SecurityGroupEgress", "DestinationSecurityGroupId")
	if g.Properties["SecurityGroupEgress"] == nil {
		// A group that names no egress may reach everything.
		egress = append(egress, object{"ipProtocol": "-1", "ipRanges": []object{{"cidrIp": "0.0.0.0/0"}}})
	}
	return object{
		"groupId": g.PhysicalID, "groupName": g.Name, "groupDescription": g.text("GroupDescription"), "vpcId": g.text("VpcId"),
		"ipPermissions":       permissions("SecurityGroupIngress", "AWS::EC2::SecurityGroupIngress", "SourceSecurityGroupId"),
		"ipPermissionsEgress": egress,
	}
}

func vpcEndpointOf(_ *store, e *Resource) object {
	groups := []object{}
	for _, id := range references(e, "SecurityGroupIds") {
		groups = append(groups, object{"groupId": id})
	}
	return object{
		"vpcEndpointId": e.PhysicalID, "vpcId": e.text("VpcId"), "serviceName": e.text("ServiceName"), "state": "available",
		"vpcEndpointType": orElse(e.text("VpcEndpointType"), "Gateway"), "routeTableIdSet": references(e, "RouteTableIds"),
		"subnetIdSet": references(e, "SubnetIds"), "groupSet": groups, "privateDnsEnabled": e.text("PrivateDnsEnabled") == "true",
		"creationTimestamp": e.Created,
	}
}

func routeTableOf(s *store, t *Resource) object {
	at := place{t.Account, t.Region}
	routes := []object{}
	if vpc, found := s.find(at, "AWS::EC2::VPC", t.text("VpcId")); found {
		routes = append(routes, object{"destinationCidrBlock": vpc.text("CidrBlock"), "gatewayId": "local", "state": "active", "origin": "CreateRouteTable"})
	}
	for _, route := range s.list(at, "AWS::EC2::Route") {
		if route.text("RouteTableId") == t.PhysicalID {
			routes = append(routes, object{
				"destinationCidrBlock": orNil(route.text("DestinationCidrBlock")), "gatewayId": orNil(route.text("GatewayId")),
				"natGatewayId": orNil(route.text("NatGatewayId")), "state": "active", "origin": "CreateRoute",
			})
		}
	}
	associations := []object{}
	for _, a := range s.list(at, "AWS::EC2::SubnetRouteTableAssociation") {
		if a.text("RouteTableId") == t.PhysicalID {
			associations = append(associations, object{
				"routeTableAssociationId": a.PhysicalID, "routeTableId": t.PhysicalID, "subnetId": a.text("SubnetId"), "main": false,
				"associationState": object{"state": "associated"},
			})
		}
	}
	return object{"routeTableId": t.PhysicalID, "vpcId": t.text("VpcId"), "routeSet": routes, "associationSet": associations}
}

func natGatewayOf(_ *store, n *Resource) object {
	return object{"natGatewayId": n.PhysicalID, "subnetId": n.text("SubnetId"), "state": "available", "createTime": n.Created}
}

func internetGatewayOf(s *store, g *Resource) object {
	attachments := []object{}
	for _, a := range s.list(place{g.Account, g.Region}, "AWS::EC2::VPCGatewayAttachment") {
		if a.text("InternetGatewayId") == g.PhysicalID {
			attachments = append(attachments, object{"vpcId": a.text("VpcId"), "state": "available"})
		}
	}
	return object{"internetGatewayId": g.PhysicalID, "attachmentSet": attachments}
}

// describeAddresses shows elastic IP addresses.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAddresses.html
func describeAddresses(r *request) (any, error) {
	shown := []object{}
	for _, address := range r.store.list(r.at(), "AWS::EC2::EIP") {
		shown = append(shown, object{
			"publicIp": address.attribute("PublicIp"), "allocationId": address.attribute("AllocationId"),
			"domain": "vpc", "publicIpv4Pool": "amazon", "tagSet": lowerTags(&address),
		})
	}
	return object{"addressesSet": shown}, nil
}

// describeNetworkInterfaces shows the interfaces that services have put into
// networks.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html
func describeNetworkInterfaces(r *request) (any, error) {
	if len(r.structs("Filter")) > 0 || len(r.texts("NetworkInterfaceId")) > 0 {
		return nil, refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal does not know the filters of ec2 DescribeNetworkInterfaces")
	}
	var holders []*Resource
	for _, kind := range interfaceKinds {
		all := r.store.list(r.at(), kind)
		for i := range all {
			holders = append(holders, &all[i])
		}
	}
	most := 1000
	if given, err := strconv.Atoi(r.text("MaxResults")); err == nil {
		most = given
	}
	interfaces, next, err := page(r, interfacesOf(holders), most)
	shown := []object{}
	for _, one := range interfaces {
		shown = append(shown, object{
			"networkInterfaceId": one.id, "interfaceType": one.kind, "subnetId": orNil(one.subnet), "description": one.description,
			"ownerId": r.account, "status": "in-use",
		})
	}
	return object{"networkInterfaceSet": shown, "nextToken": orNil(next)}, err
}

func describeAvailabilityZones(r *request) (any, error) {
	shown := []object{}
	for _, zone := range zones(r.region) {
		shown = append(shown, object{
			"zoneName": zone, "zoneId": zoneID(zone), "zoneState": "available", "regionName": r.region, "zoneType": "availability-zone",
			"optInStatus": "opt-in-not-required", "groupName": r.region + "-zg-1",
		})
	}
	return object{"availabilityZoneInfo": shown}, nil
}

// enabledRegions are those that every account has without asking for them.
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
var enabledRegions = []string{
	"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1",
	"eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
}

// describeRegions lists the regions that are enabled.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html
func describeRegions(r *request) (any, error) {
	regions := []object{}
	for _, name := range enabledRegions {
		regions = append(regions, object{
			"regionName": name, "regionEndpoint": "ec2." + name + "." + stages.Domain(name), "optInStatus": "opt-in-not-required",
		})
	}
	return object{"regionInfo": regions}, nil
}
