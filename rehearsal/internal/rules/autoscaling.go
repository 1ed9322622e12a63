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
	{id: "autoscaling-negative", on: scalable, says: func(c *call) string {
		if c.number("MinCapacity", 0) < 0 {
			return "Minimum capacity must be greater than or equal to 0"
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
	{id: "autoscaling-on-demand", on: scalable, says: func(c *call) string {
		name, isTable := strings.CutPrefix(c.text("ResourceId"), "table/")
		owner := c.Find(c.Resource, table, name)
		if isTable && owner != nil && owner.text("BillingMode") == "PAY_PER_REQUEST" {
			return words("DynamoDB table is in PAY_PER_REQUEST billing mode: %s", c.text("ResourceId"))
		}
		return ""
	}},
	{id: "autoscaling-dimension", on: scalable, says: func(c *call) string {
		if !strings.HasPrefix(c.text("ScalableDimension"), c.text("ServiceNamespace")+":") {
			return words("Unsupported service namespace, resource type or scalable dimension")
		}
		return ""
	}},
	{id: "autoscaling-metric", on: "AWS::ApplicationAutoScaling::ScalingPolicy", says: func(c *call) string {
		metric := c.text("TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.PredefinedMetricType")
		target := c.text("ScalingTargetId")
		if strings.HasSuffix(target, "|dynamodb") && metric != "" && !strings.HasPrefix(metric, "DynamoDB") {
			return words("PredefinedMetricType %s is not supported for dynamodb", metric)
		}
		return ""
	}},
}
