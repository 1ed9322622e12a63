package rules

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

const (
	table   = "AWS::DynamoDB::Table"
	invalid = "One or more parameter values were invalid: "
)

// tableProtected is DynamoDB's refusal to delete a protected table.
const tableProtected = "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."

var dynamoDBRules = []rule{
	{id: "dynamodb-attribute-undefined", on: table, says: func(c *call) string {
		defined := attributes(c.Resource)
		for _, name := range keyNames(c.Resource) {
			if defined[name] == "" {
				return words(invalid+"Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: %s", name, sortedKeys(defined))
			}
		}
		return ""
	}},
	{id: "dynamodb-attribute-unused", on: table, says: func(c *call) string {
		defined, used := attributes(c.Resource), map[string]string{}
		for _, name := range keyNames(c.Resource) {
			used[name] = name
		}
		if len(used) != len(defined) {
			if len(c.list("GlobalSecondaryIndexes"))+len(c.list("LocalSecondaryIndexes")) == 0 {
				return invalid + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions"
			}
			return words(invalid+"Some AttributeDefinitions are not used. AttributeDefinitions: %s, keys used: %s", sortedKeys(defined), sortedKeys(used))
		}
		return ""
	}},
	{id: "dynamodb-on-demand-and-capacity", on: table, says: func(c *call) string {
		if c.text("BillingMode") == "PAY_PER_REQUEST" && c.has("ProvisionedThroughput") {
			return invalid + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
		}
		return ""
	}},
	{id: "dynamodb-provisioned-without-capacity", on: table, says: func(c *call) string {
		if c.text("BillingMode") != "PAY_PER_REQUEST" && !c.has("ProvisionedThroughput") {
			return invalid + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
		}
		return ""
	}},
	{id: "dynamodb-key-order", on: table, says: func(c *call) string {
		for _, schema := range schemas(c.Resource) {
			if len(schema) > 0 && textOf(schema[0]["KeyType"]) != "HASH" {
				return "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"
			}
		}
		return ""
	}},
	{id: "dynamodb-key-second", on: table, says: func(c *call) string {
		if schema := c.objects("KeySchema"); len(schema) == 2 && textOf(schema[1]["KeyType"]) != "RANGE" {
			return "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type"
		}
		return ""
	}},
	{id: "dynamodb-key-twice", on: table, says: func(c *call) string {
		if schema := c.objects("KeySchema"); len(schema) == 2 && textOf(schema[0]["AttributeName"]) == textOf(schema[1]["AttributeName"]) {
			return "Both the Hash Key and the Range Key element in the KeySchema have the same name"
		}
		return ""
	}},
	{id: "dynamodb-local-index-without-sort-key", on: table, says: func(c *call) string {
		if len(c.list("LocalSecondaryIndexes")) > 0 && len(c.list("KeySchema")) < 2 {
			return invalid + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
		}
		return ""
	}},
	{id: "dynamodb-local-index-partition-key", on: table, says: func(c *call) string {
		keys := c.objects("KeySchema")
		for _, index := range c.objects("LocalSecondaryIndexes") {
			if own := objectsOf(index["KeySchema"]); len(own) > 0 && len(keys) > 0 && textOf(own[0]["AttributeName"]) != textOf(keys[0]["AttributeName"]) {
				return words(invalid+"Index KeySchema does not have the same leading hash key as table KeySchema for index: %s", textOf(index["IndexName"]))
			}
		}
		return ""
	}},
	{id: "dynamodb-local-indexes", on: table, says: func(c *call) string {
		if len(c.list("LocalSecondaryIndexes")) > 5 {
			return invalid + "Number of LocalSecondaryIndexes exceeds per-table limit of 5"
		}
		return ""
	}},
	{id: "dynamodb-global-indexes", on: table, handler: "ServiceLimitExceeded", says: func(c *call) string {
		if len(c.list("GlobalSecondaryIndexes")) > 20 {
			return invalid + "GlobalSecondaryIndex count exceeds the per-table limit of 20"
		}
		return ""
	}},
	{id: "dynamodb-index-twice", on: table, says: func(c *call) string {
		seen := map[string]bool{}
		for _, index := range append(c.objects("GlobalSecondaryIndexes"), c.objects("LocalSecondaryIndexes")...) {
			name := textOf(index["IndexName"])
			if seen[name] {
				return invalid + "Duplicate index name: " + name
			}
			seen[name] = true
		}
		return ""
	}},
	{id: "dynamodb-projection", on: table, says: func(c *call) string {
		for _, index := range append(c.objects("GlobalSecondaryIndexes"), c.objects("LocalSecondaryIndexes")...) {
			projection := document(index["Projection"])
			kind, given := textOf(projection["ProjectionType"]), projection["NonKeyAttributes"] != nil
			switch {
			case kind != "INCLUDE" && kind != "" && given:
				return words(invalid+"ProjectionType is %s, but NonKeyAttributes is specified", kind)
			case kind == "INCLUDE" && !given:
				return invalid + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified"
			case kind == "":
				return invalid + "Unknown ProjectionType: null"
			}
		}
		return ""
	}},
	{id: "dynamodb-index-capacity", on: table, says: func(c *call) string {
		for _, index := range c.objects("GlobalSecondaryIndexes") {
			onDemand := c.text("BillingMode") == "PAY_PER_REQUEST"
			switch given := index["ProvisionedThroughput"] != nil; {
			case onDemand && given:
				return invalid + "ProvisionedThroughput should not be specified for index: " + textOf(index["IndexName"]) + " when BillingMode is PAY_PER_REQUEST"
			case !onDemand && !given:
				return invalid + "ProvisionedThroughput is not specified for index: " + textOf(index["IndexName"])
			}
		}
		return ""
	}},
	{id: "dynamodb-stream-view", on: table, says: func(c *call) string {
		if c.flag("StreamSpecification.StreamEnabled") && !c.has("StreamSpecification.StreamViewType") {
			return invalid + "StreamViewType is required when StreamEnabled is true"
		}
		return ""
	}},
	{id: "dynamodb-stream-view-change", on: table, when: update, says: func(c *call) string {
		was, is := c.before.text("StreamSpecification.StreamViewType"), c.text("StreamSpecification.StreamViewType")
		if was != "" && is != "" && was != is {
			return "Table already has an enabled stream: TableName: " + c.Name
		}
		return ""
	}},
	{id: "dynamodb-two-index-changes", on: table, when: update, says: func(c *call) string {
		before, after := indexes(c.before), indexes(c.Resource)
		changes := 0
		for name := range before {
			if after[name] == nil {
				changes++
			}
		}
		for name := range after {
			if before[name] == nil {
				changes++
			}
		}
		if changes > 1 {
			return "Cannot perform more than one GSI creation or deletion in a single update"
		}
		return ""
	}},
	{id: "dynamodb-index-change", on: table, when: update, says: func(c *call) string {
		before := indexes(c.before)
		for name, index := range indexes(c.Resource) {
			was := before[name]
			if was != nil && (!reflect.DeepEqual(was["KeySchema"], index["KeySchema"]) || !reflect.DeepEqual(was["Projection"], index["Projection"])) {
				return "Cannot update GSI's properties other than Provisioned Throughput and Contributor Insights Specification. You can create a new GSI with a different name."
			}
		}
		return ""
	}},
	{id: "dynamodb-ttl-attribute-change", on: table, when: update, says: func(c *call) string {
		was, is := c.before.text("TimeToLiveSpecification.AttributeName"), c.text("TimeToLiveSpecification.AttributeName")
		if c.before.flag("TimeToLiveSpecification.Enabled") && c.flag("TimeToLiveSpecification.Enabled") && was != is {
			return words("TimeToLive is active on a different AttributeName: current AttributeName is %s", was)
		}
		return ""
	}},
	{id: "dynamodb-deletion-protection", on: table, when: remove, handler: "GeneralServiceException", says: func(c *call) string {
		if c.flag("DeletionProtectionEnabled") {
			return tableProtected
		}
		return ""
	}},
}

// attributes are a table's attribute definitions, by name.
func attributes(r *Resource) map[string]string {
	defined := map[string]string{}
	for _, definition := range r.objects("AttributeDefinitions") {
		defined[textOf(definition["AttributeName"])] = textOf(definition["AttributeType"])
	}
	return defined
}

// schemas are the key schemas of a table and of its indexes.
func schemas(r *Resource) [][]object {
	all := [][]object{r.objects("KeySchema")}
	for _, index := range append(r.objects("GlobalSecondaryIndexes"), r.objects("LocalSecondaryIndexes")...) {
		all = append(all, objectsOf(index["KeySchema"]))
	}
	return all
}

// keyNames are the attributes in a table's key schemas.
func keyNames(r *Resource) []string {
	var names []string
	for _, schema := range schemas(r) {
		for _, element := range schema {
			names = append(names, textOf(element["AttributeName"]))
		}
	}
	return names
}

// indexes are a table's global secondary indexes, by name.
func indexes(r *Resource) map[string]object {
	found := map[string]object{}
	for _, index := range r.objects("GlobalSecondaryIndexes") {
		found[textOf(index["IndexName"])] = index
	}
	return found
}

func sortedKeys(set map[string]string) string {
	return fmt.Sprintf("[%s]", strings.Join(slices.Sorted(maps.Keys(set)), ", "))
}
