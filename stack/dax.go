package stack

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsdax"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/internal/offered"
	"github.com/roadshow-go/roadshow/stages"
)

// DAXConfig puts an in-memory cache, a DAX cluster, in front of a table. It is encrypted at rest and in
// transit, acts with a role that may do with the table what the functions together are granted, and stands in a
// network without internet, together with these functions: they get <ID>_DAX_ENDPOINT, and lose every
// service but DynamoDB. Where DAX is absent none of that exists, and the functions are in no network.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DAX.html
type DAXConfig struct {
	// Stages says which of the table's stages have DAX. Default: every stage of the table.
	Stages stages.Selector

	// Nodes of the cluster, 1 to 11, spread over the zones. Each is paid by the hour, used or not. One node
	// is a cache that an outage of its zone takes away. Default: 3.
	Nodes int

	// NodeType is the size of a node, one of those that AWS lists. A change replaces the cluster: it needs another
	// Revision. Default: dax.t3.small.
	// https://aws.amazon.com/dynamodb/pricing/on-demand/#DynamoDB_Accelerator_.28DAX.29
	NodeType string

	// ItemTTL is how long an item stays cached, QueryTTL the result of a query or scan; in whole
	// milliseconds, at most 30 days here. Default: 5 minutes each.
	ItemTTL, QueryTTL time.Duration

	// Network is where the cluster stands, and the functions that are granted the table; every stage that
	// has DAX must have it. Another network, or other zones or addresses of this one, replace the cluster: they need
	// another Revision. Default: a private one that the stack's clusters share, where the functions
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

func (c DAXConfig) validate() *ConfigError {
	switch {
	case c.Revision < 0:
		return &ConfigError{
			Field: "DAX.Revision", Got: strconv.Itoa(c.Revision), Want: "0, or 2 and above", Fix: "leave it out, or count up from the deployed revision",
		}
	case c.NodeType != "" && !slices.Contains(offered.DAXNodes(""), c.NodeType):
		return &ConfigError{
			Field: "DAX.NodeType", Got: fmt.Sprintf("%q", c.NodeType), Want: nodesInWords(""), Docs: daxNodesPage,
			Fix: `write NodeType: "dax.t3.small", or leave it out`,
		}
	}
	return nil
}

// daxNodesPage is AWS's on the node types of DAX.
const daxNodesPage = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DAX.sizing-guide.html"

// nodesInWords are the node types that a region has, by family: dax.t3.{small, medium}.
func nodesInWords(region string) string {
	var families []string
	sizes := map[string][]string{}
	for _, kind := range offered.DAXNodes(region) {
		family, size, _ := strings.Cut(strings.TrimPrefix(kind, "dax."), ".")
		if sizes[family] == nil {
			families = append(families, family)
		}
		sizes[family] = append(sizes[family], size)
	}
	for i, family := range families {
		families[i] = "dax." + family + ".{" + strings.Join(sizes[family], ", ") + "}"
	}
	return "one of " + strings.Join(families, ", ")
}

// dax is a table's cluster in a stage that has one.
type dax struct {
	cluster awsdax.CfnCluster
	group   awsec2.CfnSecurityGroup
	network *network
	role    awsiam.IRole
	rights  map[string]bool // what the role may already
}

// newDAX makes the whole component beside its table.
func newDAX(table *Table, scope constructs.Construct, config DAXConfig, name string) *dax {
	table.requireOffered(table.at, "DAX", "AWS::DAX::Cluster", "https://docs.aws.amazon.com/general/latest/gr/ddb.html")
	if region := table.stack.playedRegion(); config.NodeType != "" && !slices.Contains(offered.DAXNodes(region), config.NodeType) {
		table.refusal(daxNodesPage, table.at, "DAX.NodeType", fmt.Sprintf("%q in region %s", config.NodeType, region), nodesInWords(region),
			`write NodeType: stages.Pick(s, …) with another one for this stage`)
	}
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
	role := newRole(scope, "DAXRole", daxPrincipal())
	// A group that a cluster uses can lose no subnet, and the values of its parameters only change where the nodes
	// restart: so each group's id follows what is in it, and what it was stays until the cluster has the new one.
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_dax_UpdateSubnetGroup.html
	subnets := awsdax.NewCfnSubnetGroup(scope, jsiiconv.String("DAXSubnetGroup-"+shortHash(network.of, network.made)), &awsdax.CfnSubnetGroupProps{
		SubnetIds: jsiiconv.Pointers(network.subnetIDs), Description: jsiiconv.String("DAX of " + table.id),
	})
	item, query := millis(config.ItemTTL), millis(config.QueryTTL)
	parameters := awsdax.NewCfnParameterGroup(scope, jsiiconv.String("DAXParameterGroup-"+item+"-"+query), &awsdax.CfnParameterGroupProps{
		Description:         jsiiconv.String("DAX of " + table.id),
		ParameterNameValues: &map[string]*string{"record-ttl-millis": &item, "query-ttl-millis": &query},
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
	acting := principal{component: table.component, at: table.at, role: role}
	acting.noun = "DAX of " + acting.noun
	if config.Override != nil {
		arn := *props.IamRoleArn
		config.Override(props)
		if props.IamRoleArn == nil || *props.IamRoleArn != arn {
			acting.role = nil // nobody knows what the other may
		}
	}
	network.principals = append(network.principals, acting)
	cluster := awsdax.NewCfnCluster(scope, jsiiconv.String("DAXCluster"), props)
	cluster.Node().AddDependency(role)
	return &dax{cluster: cluster, group: group, network: network, role: role, rights: map[string]bool{}}
}

func millis(ttl time.Duration) string {
	if ttl == 0 {
		ttl = defaultTTL
	}
	return strconv.FormatInt(ttl.Milliseconds(), 10)
}

// shortHash is a short text that other values change.
func shortHash(values ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(values, "\x00")))
	return hex.EncodeToString(sum[:4])
}

// admit places a function beside the cluster and lets it in. The cluster acts with its own role for every client,
// within what each client may do with the cluster; so the role may what the grants together are, and no more.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DAX.access-control.html
func (d *dax) admit(fn *Function, at stages.Position, table *Table, actions []string, direct []statement) {
	for _, st := range direct {
		if key := st.key(); !d.rights[key] {
			d.rights[key] = true
			fn.stack.allow(d.role, st)
		}
	}
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
