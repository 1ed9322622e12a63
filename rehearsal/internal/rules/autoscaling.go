package rules

import "strings"

const scalable = "AWS::ApplicationAutoScaling::ScalableTarget"

var autoScalingRules = []rule{
	{id: "autoscaling-capacities", on: scalable, says: func(c *call) string {
		if c.number("MinCapacity", 0) > c.number("MaxCapacity", 0) {
			return "Maximum capacity cannot be less than minimum capacity"
		}
		return ""
	}},
	{id: "autoscaling-resource", on: scalable, says: func(c *call) string {
		name, isTable := strings.CutPrefix(c.text("ResourceId"), "table/")
		name, _, _ = strings.Cut(name, "/")
		if isTable && c.text("ServiceNamespace") == "dynamodb" && c.Find(c.Resource, table, name) == nil {
			return words("DynamoDB table does not exist: %s", c.text("ResourceId"))
		}
		return ""
	}},
	{id: "autoscaling-dimension", on: scalable, says: func(c *call) string {
		if !strings.HasPrefix(c.text("ScalableDimension"), c.text("ServiceNamespace")+":") {
			return "Unsupported service namespace, resource type or scalable dimension"
		}
		return ""
	}},
	{id: "autoscaling-metric", on: "AWS::ApplicationAutoScaling::ScalingPolicy", says: func(c *call) string {
		metric := c.text("TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.PredefinedMetricType")
		dimension := c.text("ScalableDimension")
		if part := strings.Split(c.text("ScalingTargetId"), "|"); len(part) == 3 {
			dimension = part[1]
		}
		wanted := map[string]string{
			"dynamodb:table:ReadCapacityUnits": "DynamoDBReadCapacityUtilization", "dynamodb:table:WriteCapacityUnits": "DynamoDBWriteCapacityUtilization",
			"lambda:function:ProvisionedConcurrency": "LambdaProvisionedConcurrencyUtilization",
		}[dimension]
		if wanted != "" && metric != "" && metric != wanted {
			return words("Scalable dimension %s only supports the following predefined metric types: %s", dimension, wanted)
		}
		return ""
	}},
}
