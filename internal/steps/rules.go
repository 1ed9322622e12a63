package steps

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/intrinsic"
	"github.com/roadshow-go/roadshow/internal/spec"
)

// rules find the steps of one resource that is deployed.
var rules = []func(c change, id string) []Step{
	anotherType, replacedUnderItsName, indexes, timeToLive, stream, leftNetwork, protected, groupInUse, tierDown,
}

const cloudFormationPages = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"

// findReplaced finds what certainly is made anew: a property has another value that only a new resource can have, or
// refers to what is made anew.
func (c change) findReplaced() {
	for before := -1; before != len(c.replaced); {
		before = len(c.replaced)
		for id, old := range c.before {
			wanted, stays := c.after[id]
			table, known := spec.Lookup(old.kind)
			if !stays || !known || wanted.kind != old.kind {
				continue
			}
			for _, name := range slices.Sorted(maps.Keys(old.properties)) {
				value, given := wanted.properties[name]
				property := table.Properties[name]
				if !given || property == nil || property.Replaces != spec.Always {
					continue
				}
				if !reflect.DeepEqual(old.properties[name], value) || c.refersToReplaced(value) {
					c.replaced[id] = name
					break
				}
			}
		}
	}
}

// refersToReplaced tells whether a value is computed with a resource that is made anew.
func (c change) refersToReplaced(value any) (refers bool) {
	intrinsic.WalkReferences(value, func(to intrinsic.Reference) {
		_, replaced := c.replaced[to.Name]
		refers = refers || replaced
	})
	return refers
}

// both gives the properties of a resource that stays itself, before and after.
func (c change) both(id, kind string) (before, after map[string]any, both bool) {
	old, wanted := c.before[id], c.after[id]
	_, replaced := c.replaced[id]
	return old.properties, wanted.properties, old.kind == kind && wanted.kind == kind && !replaced
}

func anotherType(c change, id string) []Step {
	old, wanted := c.before[id], c.after[id]
	if wanted.kind == "" || wanted.kind == old.kind {
		return nil
	}
	return []Step{{
		Refusal: "cloudformation-type-change", Problem: fmt.Sprintf("it is a %s, and would become a %s", old.kind, wanted.kind),
		First: "Give the new one another id.",
		Page:  "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks.html",
	}}
}

// replacedUnderItsName is that a resource would be made anew beside the old one, which has the name.
func replacedUnderItsName(c change, id string) []Step {
	property, replaced := c.replaced[id]
	old, wanted := c.before[id], c.after[id]
	table, _ := spec.Lookup(old.kind)
	if !replaced || property == table.NameProperty {
		return nil
	}
	name, named := table.PhysicalName(wanted.properties)
	if !named || !reflect.DeepEqual(old.properties[table.NameProperty], wanted.properties[table.NameProperty]) {
		return nil
	}
	for _, scope := range table.NameScope {
		if !reflect.DeepEqual(old.properties[scope], wanted.properties[scope]) || c.refersToReplaced(wanted.properties[scope]) {
			return nil // the same name elsewhere is another resource
		}
	}
	step := Step{
		Refusal: "cloudformation-custom-name",
		Problem: fmt.Sprintf("another %s makes it anew, and the new one cannot have the name %s beside the old one", property, name),
		First:   "Raise Revision in its config, or give it another name.",
		Page:    cloudFormationPages + "aws-properties-name.html",
	}
	if old.kind == tableType && property == "KeySchema" {
		step.Refusal = "dynamodb-key-change"
	}
	if spec, _ := spec.Lookup(old.kind); spec.Stateful {
		step.First += " Then move what the old one holds."
	}
	return []Step{step}
}

const tableType = "AWS::DynamoDB::Table"

// indexes are the global secondary indexes of a table, of which one can be made or deleted in an update.
func indexes(c change, id string) []Step {
	before, after, both := c.both(id, tableType)
	if !both {
		return nil
	}
	old, wanted := indexesOf(before), indexesOf(after)
	var added, removed []string
	var found []Step
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		was, stays := old[name]
		if !stays {
			added = append(added, name)
			continue
		}
		for _, part := range []string{"KeySchema", "Projection"} {
			if !reflect.DeepEqual(at(was, part), at(wanted[name], part)) {
				found = append(found, Step{
					Refusal: "dynamodb-index-change", Problem: fmt.Sprintf("index %s gets another %s, which no index can", name, part),
					First: "Deploy an index of another name beside it. Then deploy what reads the new one, without the old one.",
					Page:  "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html",
				})
				break
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if wanted[name] == nil {
			removed = append(removed, name)
		}
	}
	if len(added)+len(removed) < 2 {
		return found
	}
	step := Step{
		Refusal: "dynamodb-two-index-changes",
		Problem: "an update makes or deletes one global secondary index, and this one would " + actions(added, removed),
		Page:    cloudFormationPages + "aws-resource-dynamodb-table.html",
	}
	if len(added) > 0 && len(removed) > 0 {
		step.Refusal = "dynamodb-index-added-and-removed"
	}
	var orders []string
	for _, name := range removed {
		orders = append(orders, "without "+name)
	}
	for _, name := range added {
		orders = append(orders, "with "+name)
	}
	step.First = "Deploy first " + strings.Join(orders, ", then ") + ", one in a deploy."
	return append(found, step)
}

func actions(added, removed []string) string {
	var all []string
	if len(added) > 0 {
		all = append(all, "make "+strings.Join(added, ", "))
	}
	if len(removed) > 0 {
		all = append(all, "delete "+strings.Join(removed, ", "))
	}
	return strings.Join(all, " and ")
}

func indexesOf(properties map[string]any) map[string]any {
	all := map[string]any{}
	list, _ := properties["GlobalSecondaryIndexes"].([]any)
	for _, index := range list {
		if name := textAt(index, "IndexName"); name != "" {
			all[name] = index
		}
	}
	return all
}

// timeToLive is the attribute that says when an item goes, which changes only where there is none.
func timeToLive(c change, id string) []Step {
	before, after, both := c.both(id, tableType)
	old, wanted := at(before["TimeToLiveSpecification"]), at(after["TimeToLiveSpecification"])
	was, becomes := textAt(old, "AttributeName"), textAt(wanted, "AttributeName")
	if !both || !holds(at(old, "Enabled")) || !holds(at(wanted, "Enabled")) || was == becomes || was == "" || becomes == "" {
		return nil
	}
	return []Step{{
		Refusal: "dynamodb-ttl-attribute-change", Problem: fmt.Sprintf("its items expire by %s, which cannot become %s at once", was, becomes),
		First: "Deploy without TTL, and an hour later with the other attribute.",
		Page:  "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html",
	}}
}

// stream is what a table's stream shows, which changes only where there is none.
func stream(c change, id string) []Step {
	before, after, both := c.both(id, tableType)
	was, becomes := textAt(before["StreamSpecification"], "StreamViewType"), textAt(after["StreamSpecification"], "StreamViewType")
	if !both || was == becomes || was == "" || becomes == "" {
		return nil
	}
	return []Step{{
		Refusal: "dynamodb-stream-view-change", Problem: fmt.Sprintf("its stream shows %s, which cannot become %s at once", was, becomes),
		First: "Deploy without the stream and what it triggers, then with the other view.",
		Page:  "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html",
	}}
}

// leftNetwork is a function that leaves its network while its role loses the rights by which Lambda removes the
// function's network interfaces. The role is updated before the function.
func leftNetwork(c change, id string) []Step {
	before, after, both := c.both(id, "AWS::Lambda::Function")
	subnets := func(properties map[string]any) bool { return at(properties["VpcConfig"], "SubnetIds") != nil }
	if !both || !subnets(before) || subnets(after) {
		return nil
	}
	target, _ := at(before["Role"], "Fn::GetAtt").([]any)
	if len(target) == 0 {
		return nil // a role of another stack
	}
	role, _ := target[0].(string)
	for _, holder := range slices.Sorted(maps.Keys(c.before)) {
		old, wanted := c.before[holder], c.after[holder]
		isRole := holder == role && old.kind == "AWS::IAM::Role"
		isPolicy := (old.kind == "AWS::IAM::Policy" || old.kind == "AWS::IAM::ManagedPolicy") && mentions(old.properties["Roles"], role)
		if (isRole || isPolicy) && wanted.kind == old.kind && removesInterfaces(old.properties) && !removesInterfaces(wanted.properties) {
			return []Step{{
				Refusal: "lambda-network-left",
				Problem: "it leaves its network, and its role loses the rights by which Lambda removes its network interfaces",
				First:   "Deploy the function without the network first, and the role without the rights then.",
				Page:    "https://github.com/aws/aws-cdk/issues/34400",
			}}
		}
	}
	return nil
}

// mentions tells whether a value refers to a resource.
func mentions(value any, id string) bool {
	switch value := value.(type) {
	case map[string]any:
		for _, inner := range value {
			if mentions(inner, id) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(value, func(inner any) bool { return mentions(inner, id) })
	case string:
		return value == id
	}
	return false
}

// removesInterfaces tells whether a role, or a policy, has the right to remove network interfaces.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
func removesInterfaces(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		if value["Effect"] == "Deny" {
			return false
		}
		for _, inner := range value {
			if removesInterfaces(inner) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(value, removesInterfaces)
	case string:
		return value == "ec2:DeleteNetworkInterface" || value == "ec2:*" || value == "ec2:*NetworkInterface*" ||
			strings.HasSuffix(value, "/AWSLambdaVPCAccessExecutionRole") || strings.HasSuffix(value, "/AWSLambdaENIManagementAccess")
	}
	return false
}

// protected is a resource that goes, and that its service does not let go.
func protected(c change, id string) []Step {
	old := c.before[id]
	_, stays := c.after[id]
	if _, replaced := c.replaced[id]; stays && !replaced {
		return nil
	}
	if !holds(old.properties["DeletionProtectionEnabled"]) || strings.HasPrefix(old.policy, "Retain") {
		return nil
	}
	return []Step{{
		Refusal: "dynamodb-deletion-protection", Problem: "it would be deleted, and is protected against that",
		First: "Deploy it without DeletionProtectionEnabled first.",
		Page:  "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html",
	}}
}

// groupInUse is a group of DAX whose values change while a cluster uses it.
func groupInUse(c change, id string) []Step {
	part := map[string]string{"AWS::DAX::ParameterGroup": "ParameterNameValues", "AWS::DAX::SubnetGroup": "SubnetIds"}[c.before[id].kind]
	before, after, both := c.both(id, c.before[id].kind)
	if part == "" || !both || reflect.DeepEqual(before[part], after[part]) {
		return nil
	}
	step := Step{
		Refusal: "dax-parameter-group-in-use", Problem: "its parameters change while a cluster uses them",
		First: "Make another group under another id, which the cluster takes.",
		Page:  "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_dax_UpdateParameterGroup.html",
	}
	if part == "SubnetIds" {
		wanted, _ := after[part].([]any)
		lost := false
		old, _ := before[part].([]any)
		for _, subnet := range old {
			lost = lost || !slices.ContainsFunc(wanted, func(other any) bool { return reflect.DeepEqual(subnet, other) })
		}
		if !lost {
			return nil
		}
		step.Refusal, step.Problem = "dax-subnet-in-use", "it loses a subnet in which a cluster has its nodes"
		step.Page = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_dax_UpdateSubnetGroup.html"
	}
	for _, other := range c.before {
		if other.kind == "AWS::DAX::Cluster" && mentions(other.properties, id) {
			return []Step{step}
		}
	}
	return nil
}

// tierDown is a parameter of the advanced tier, which stays there.
func tierDown(c change, id string) []Step {
	before, after, both := c.both(id, "AWS::SSM::Parameter")
	if !both || before["Tier"] != "Advanced" || after["Tier"] != "Standard" && after["Tier"] != nil {
		return nil
	}
	return []Step{{
		Refusal: "ssm-tier-down", Problem: "a parameter of the advanced tier cannot become one of the standard tier",
		First: "Give the standard one another name.",
		Page:  "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html",
	}}
}
