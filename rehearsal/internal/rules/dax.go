package rules

import (
	"reflect"
	"slices"

	"github.com/roadshow-go/roadshow/internal/offered"
)

const cluster = "AWS::DAX::Cluster"

var daxRules = []rule{
	{id: "dax-role-trust", on: cluster, says: func(c *call) string {
		role := c.Find(c.Resource, "AWS::IAM::Role", c.text("IAMRoleARN"))
		if role == nil || !admits(role, "dax.amazonaws.com") {
			return words("No permission to assume role: %s", c.text("IAMRoleARN"))
		}
		return ""
	}},
	{id: "dax-nodes", on: cluster, says: func(c *call) string {
		if nodes := c.number("ReplicationFactor", 0); nodes < 1 || nodes > 11 {
			return "You have attempted to exceed the maximum number of nodes for a DAX cluster."
		}
		return ""
	}},
	{id: "dax-node-type", on: cluster, says: func(c *call) string {
		if !slices.Contains(offered.DAXNodes(c.Region), c.text("NodeType")) {
			return "The value for a parameter is invalid."
		}
		return ""
	}},
	{id: "dax-zones-of-nodes", on: cluster, says: func(c *call) string {
		if zones := c.list("AvailabilityZones"); len(zones) > 0 && int64(len(zones)) != c.number("ReplicationFactor", 0) {
			return "Two or more incompatible parameters were specified."
		}
		return ""
	}},
	{id: "dax-parameter-group-in-use", on: "AWS::DAX::ParameterGroup", when: update, says: func(c *call) string {
		for user := range c.Of(c.Resource, cluster) {
			if user.text("ParameterGroupName") == c.PhysicalID && !reflect.DeepEqual(c.before.at("ParameterNameValues"), c.at("ParameterNameValues")) {
				return "One or more parameters in a parameter group are in an invalid state."
			}
		}
		return ""
	}},
	{id: "dax-parameter-value", on: "AWS::DAX::ParameterGroup", says: func(c *call) string {
		values := document(c.at("ParameterNameValues"))
		for name, value := range values {
			// The allowed values are "0-", without an upper bound:
			// https://docs.aws.amazon.com/cli/latest/reference/dax/describe-parameters.html
			number, is := whole(value)
			if (name == "query-ttl-millis" || name == "record-ttl-millis") && (!is || number < 0) {
				return "The value for a parameter is invalid."
			}
		}
		return ""
	}},
	{id: "dax-subnet-in-use", on: "AWS::DAX::SubnetGroup", when: update, says: func(c *call) string {
		kept := map[string]bool{}
		for _, subnet := range c.texts("SubnetIds") {
			kept[subnet] = true
		}
		for user := range c.Of(c.Resource, cluster) {
			if user.text("SubnetGroupName") != c.PhysicalID {
				continue
			}
			for _, subnet := range c.before.texts("SubnetIds") {
				if !kept[subnet] {
					return "The requested subnet is being used by another subnet group."
				}
			}
		}
		return ""
	}},
	{id: "dax-subnets-of-one-network", on: "AWS::DAX::SubnetGroup", says: func(c *call) string {
		network := ""
		for _, id := range c.texts("SubnetIds") {
			subnet := c.Find(c.Resource, "AWS::EC2::Subnet", id)
			if subnet == nil {
				continue
			}
			if network != "" && subnet.text("VpcId") != network {
				return "An invalid subnet identifier was specified."
			}
			network = subnet.text("VpcId")
		}
		return ""
	}},
}
