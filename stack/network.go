package stack

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// network is the stack's private network: one subnet in each zone, no way to the internet, and a
// gateway to DynamoDB, which costs nothing. It exists only where something needs it.
//
// It is made of CloudFormation's own resources: the CDK's Vpc looks its zones up in the account, which
// makes a template depend on who synthesizes it.
type network struct {
	vpc       awsec2.CfnVPC
	subnetIDs []*string
	wantedBy  string
}

const (
	networkRange = "10.0.0.0/16"
	// subnetRange is the format of a zone's range: 4096 addresses each.
	subnetRange = "10.0.%d.0/20"
)

// sharedNetwork is the one network of the stack, made when it is first wanted. DAX clusters share it,
// because a function can be in one network only.
func (s *Stack) sharedNetwork(wantedBy string) *network {
	if s.network != nil {
		return s.network
	}
	scope := constructs.NewConstruct(s.CDK, jsiiconv.String("dax-network"))
	vpc := awsec2.NewCfnVPC(scope, jsiiconv.String("VPC"), &awsec2.CfnVPCProps{
		CidrBlock: jsiiconv.String(networkRange), EnableDnsSupport: jsiiconv.Bool(true), EnableDnsHostnames: jsiiconv.Bool(true),
	})
	routes := awsec2.NewCfnRouteTable(scope, jsiiconv.String("Routes"), &awsec2.CfnRouteTableProps{VpcId: vpc.AttrVpcId()})
	s.network = &network{vpc: vpc, wantedBy: wantedBy}
	for zone := range s.zones() {
		subnet := awsec2.NewCfnSubnet(scope, jsiiconv.String(fmt.Sprintf("Subnet%d", zone+1)), &awsec2.CfnSubnetProps{
			VpcId: vpc.AttrVpcId(), CidrBlock: jsiiconv.String(fmt.Sprintf(subnetRange, zone*16)),
			// By the template's own function, never by a lookup: see the type's comment.
			AvailabilityZone: awscdk.Fn_Select(jsiiconv.Number(zone), awscdk.Fn_GetAzs(nil)), MapPublicIpOnLaunch: jsiiconv.Bool(false),
		})
		awsec2.NewCfnSubnetRouteTableAssociation(scope, jsiiconv.String(fmt.Sprintf("Routes%d", zone+1)), &awsec2.CfnSubnetRouteTableAssociationProps{
			RouteTableId: routes.AttrRouteTableId(), SubnetId: subnet.AttrSubnetId(),
		})
		s.network.subnetIDs = append(s.network.subnetIDs, subnet.AttrSubnetId())
	}
	awsec2.NewCfnVPCEndpoint(scope, jsiiconv.String("DynamoDB"), &awsec2.CfnVPCEndpointProps{
		VpcId: vpc.AttrVpcId(), VpcEndpointType: jsiiconv.String("Gateway"), RouteTableIds: &[]any{routes.AttrRouteTableId()},
		ServiceName: awscdk.Fn_Sub(jsiiconv.String("com.amazonaws.${AWS::Region}.dynamodb"), nil),
		PolicyDocument: awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &[]awsiam.PolicyStatement{
			awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Principals: &[]awsiam.IPrincipal{awsiam.NewAnyPrincipal()},
				Actions:    jsiiconv.Strings("dynamodb:*"),
				Resources: &[]*string{s.CDK.FormatArn(&awscdk.ArnComponents{
					Service: jsiiconv.String("dynamodb"), Resource: jsiiconv.String("table"), ResourceName: jsiiconv.String("*"),
				})},
			}),
		}}),
	})
	return s.network
}

// zones is how many zones the network spans: three, or as many as every region of the set has, so that
// two stages in two regions are alike.
func (s *Stack) zones() int {
	zones := 3
	for _, stage := range s.app.Stages {
		zones = min(zones, stages.Zones(stage.Region))
	}
	return zones
}

// securityGroup admits nobody, and lets out HTTPS, which here leads to DynamoDB only.
func (n *network) securityGroup(scope constructs.Construct, id, description string) awsec2.CfnSecurityGroup {
	return awsec2.NewCfnSecurityGroup(scope, jsiiconv.String(id), &awsec2.CfnSecurityGroupProps{
		VpcId: n.vpc.AttrVpcId(), GroupDescription: jsiiconv.String(description),
		SecurityGroupEgress: &[]any{&awsec2.CfnSecurityGroup_EgressProperty{
			IpProtocol: jsiiconv.String("tcp"), FromPort: jsiiconv.Number(443), ToPort: jsiiconv.Number(443), CidrIp: jsiiconv.String("0.0.0.0/0"),
			Description: jsiiconv.String("HTTPS, by the network's gateways only"),
		}},
	})
}
