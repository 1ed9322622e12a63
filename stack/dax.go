package stack

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsdax"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// DAXConfig puts an in-memory cache, a DAX cluster, in front of a table. It is encrypted at rest and in
// transit, acts with a role that is limited to the table, and stands in a network without internet,
// together with the functions that are granted the table: they get <ID>_DAX_ENDPOINT, and lose every
// service but DynamoDB. Where DAX is absent none of that exists, and the functions are in no network.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DAX.html
type DAXConfig struct {
	// Stages says which of the table's stages have DAX. Default: every stage of the table.
	Stages stages.Selector

	// Nodes of the cluster, 1 to 11, spread over the zones. Each is paid by the hour, used or not. One node
	// is a cache that an outage of its zone takes away. Default: 3.
	Nodes int

	// NodeType is the size of a node. Default: dax.t3.small.
	// https://aws.amazon.com/dynamodb/pricing/on-demand/#DynamoDB_Accelerator_.28DAX.29
	NodeType string

	// ItemTTL is how long an item stays cached, QueryTTL the result of a query or scan; in whole
	// milliseconds, at most 30 days here. Default: 5 minutes each.
	ItemTTL, QueryTTL time.Duration

	// Network is where the cluster stands, and the functions that are granted the table; every stage that
	// has DAX must have it. Default: a private one that the stack's clusters share, where the functions
	// lose every service but DynamoDB.
	Network *Network

	// Revision, 2 and above, enters the cluster's name, so that CloudFormation can replace it.
	// Default: none.
	Revision int

	// Override changes the cluster's properties just before it is made. Default: none.
	Override func(*awsdax.CfnClusterProps)
}

const (
	defaultNodes    = 3
	defaultNodeType = "dax.t3.small"
	defaultTTL      = 5 * time.Minute
	maxTTL          = 30 * 24 * time.Hour
	// daxPort is that of clusters with encryption in transit.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DAX.create-cluster.console.configure-inbound-rules.html
	daxPort = 9111
)

var nodeType = regexp.MustCompile(`^dax\.[a-z0-9]+\.[a-z0-9]+$`)

func (c DAXConfig) validate() *ConfigError {
	switch {
	case c.Nodes < 0 || c.Nodes > 11:
		return &ConfigError{Field: "DAX.Nodes", Got: strconv.Itoa(c.Nodes), Want: "1 to 11", Fix: "write Nodes: 3, or leave it out"}
	case c.Revision < 0:
		return &ConfigError{
			Field: "DAX.Revision", Got: strconv.Itoa(c.Revision), Want: "0, or 2 and above", Fix: "leave it out, or count up from the deployed revision",
		}
	case c.NodeType != "" && !nodeType.MatchString(c.NodeType):
		return &ConfigError{Field: "DAX.NodeType", Got: fmt.Sprintf("%q", c.NodeType), Want: "a DAX node type", Fix: `write NodeType: "dax.t3.small", or leave it out`}
	}
	for _, ttl := range []struct {
		field string
		value time.Duration
	}{{"DAX.ItemTTL", c.ItemTTL}, {"DAX.QueryTTL", c.QueryTTL}} {
		if ttl.value < 0 || ttl.value > maxTTL || ttl.value%time.Millisecond != 0 {
			return &ConfigError{
				Field: ttl.field, Got: ttl.value.String(), Want: "whole milliseconds, at most 720h", Fix: "write 5 * time.Minute, or leave it out",
			}
		}
	}
	return nil
}

// dax is a table's cluster in a stage that has one.
type dax struct {
	cluster awsdax.CfnCluster
	group   awsec2.CfnSecurityGroup
	network *network
}

// newDAX makes the whole component beside its table.
func newDAX(table *Table, scope constructs.Construct, config DAXConfig, name string) *dax {
	var network *network
	switch {
	case config.Network == nil:
		network = table.stack.sharedNetwork()
	case !config.Network.present:
		table.fault(table.at, "DAX.Network", config.Network.String()+", which some stage that has DAX does not have", "a network of every stage that has DAX",
			"give both the same Stages")
	default:
		network = config.Network.network
	}
	group := network.securityGroup(scope, "DAXSecurityGroup", "DAX of "+table.id)
	role := awsiam.NewRole(scope, jsiiconv.String("DAXRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsiiconv.String("dax.amazonaws.com"), nil),
	})
	// A client acts with the cluster's rights on the data, limited by its own on the cluster; so these are
	// all of them, on this table and its indexes alone.
	for _, st := range table.statements(union(tableRead, tableWrite), indexRead, keyReadWrite) {
		role.AddToPrincipalPolicy(st.build())
	}
	subnets := awsdax.NewCfnSubnetGroup(scope, jsiiconv.String("DAXSubnetGroup"), &awsdax.CfnSubnetGroupProps{
		SubnetIds: jsiiconv.Pointers(network.subnetIDs), Description: jsiiconv.String("DAX of " + table.id),
	})
	parameters := awsdax.NewCfnParameterGroup(scope, jsiiconv.String("DAXParameterGroup"), &awsdax.CfnParameterGroupProps{
		Description: jsiiconv.String("DAX of " + table.id),
		ParameterNameValues: &map[string]*string{
			"record-ttl-millis": millis(config.ItemTTL), "query-ttl-millis": millis(config.QueryTTL),
		},
	})
	nodes, kind := config.Nodes, config.NodeType
	if nodes == 0 {
		nodes = defaultNodes
	}
	if kind == "" {
		kind = defaultNodeType
	}
	props := &awsdax.CfnClusterProps{
		ClusterName: jsiiconv.String(name), Description: jsiiconv.String("Cache of table " + table.id), IamRoleArn: role.RoleArn(),
		NodeType: jsiiconv.String(kind), ReplicationFactor: jsiiconv.Number(nodes), SubnetGroupName: subnets.Ref(),
		ParameterGroupName: parameters.Ref(), SecurityGroupIds: &[]*string{group.AttrGroupId()},
		SseSpecification: &awsdax.CfnCluster_SSESpecificationProperty{SseEnabled: jsiiconv.Bool(true)},
		// It cannot be changed later, so it is on from the start.
		ClusterEndpointEncryptionType: jsiiconv.String("TLS"),
	}
	acting := resident{component: table.component, at: table.at, role: role}
	acting.noun = "DAX of " + acting.noun
	if config.Override != nil {
		arn := *props.IamRoleArn
		config.Override(props)
		if props.IamRoleArn == nil || *props.IamRoleArn != arn {
			acting.role = nil // nobody knows what the other may
		}
	}
	network.residents = append(network.residents, acting)
	cluster := awsdax.NewCfnCluster(scope, jsiiconv.String("DAXCluster"), props)
	cluster.Node().AddDependency(role)
	return &dax{cluster: cluster, group: group, network: network}
}

func millis(ttl time.Duration) *string {
	if ttl == 0 {
		ttl = defaultTTL
	}
	return jsiiconv.String(strconv.FormatInt(ttl.Milliseconds(), 10))
}

// admit places a function beside the cluster and lets it in.
func (d *dax) admit(fn *Function, at stages.Position, table *Table, actions []string) {
	placed := fn.place(at, d.network, "DAX of "+table.String())
	awsec2.NewCfnSecurityGroupIngress(placed.group, jsiiconv.String("To-"+table.id), &awsec2.CfnSecurityGroupIngressProps{
		GroupId: d.group.AttrGroupId(), IpProtocol: jsiiconv.String("tcp"), FromPort: jsiiconv.Number(daxPort), ToPort: jsiiconv.Number(daxPort),
		SourceSecurityGroupId: placed.group.AttrGroupId(), Description: jsiiconv.String("Function " + fn.id),
	})
	awsec2.NewCfnSecurityGroupEgress(placed.group, jsiiconv.String("From-"+table.id), &awsec2.CfnSecurityGroupEgressProps{
		GroupId: placed.group.AttrGroupId(), IpProtocol: jsiiconv.String("tcp"), FromPort: jsiiconv.Number(daxPort), ToPort: jsiiconv.Number(daxPort),
		DestinationSecurityGroupId: d.group.AttrGroupId(), Description: jsiiconv.String("DAX of " + table.id),
	})
	fn.allow(statement{actions: actions, resources: []*string{d.cluster.AttrArn()}})
	fn.setEnvironment(at, table.String(), table.id, "_DAX_ENDPOINT", d.cluster.AttrClusterDiscoveryEndpointUrl())
}
