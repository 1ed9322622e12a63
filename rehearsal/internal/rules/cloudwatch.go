package rules

import "slices"

const alarm = "AWS::CloudWatch::Alarm"

var statistics = []string{"SampleCount", "Average", "Sum", "Minimum", "Maximum"}

var cloudWatchRules = []rule{
	{id: "cloudwatch-statistic", on: alarm, says: func(c *call) string {
		if statistic := c.text("Statistic"); statistic != "" && !slices.Contains(statistics, statistic) {
			return words("1 validation error detected: Value '%s' at 'statistic' failed to satisfy constraint: Member must satisfy enum value set: [Maximum, SampleCount, Sum, Minimum, Average]", statistic)
		}
		return ""
	}},
	{id: "cloudwatch-period", on: alarm, says: func(c *call) string {
		if period := c.number("Period", 60); c.has("Period") && period != 10 && period != 20 && period != 30 && period%60 != 0 {
			return words("Period must be 10, 20, 30 or a multiple of 60")
		}
		return ""
	}},
	{id: "cloudwatch-evaluation-day", on: alarm, says: func(c *call) string {
		period, times := c.number("Period", 60), c.number("EvaluationPeriods", 1)
		switch {
		case period < 3600 && period*times > 86400:
			return "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400)"
		case period*times > 604800:
			return "Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= 604800)"
		}
		return ""
	}},
	{id: "cloudwatch-action-region", on: alarm, says: func(c *call) string {
		for _, list := range []string{"AlarmActions", "OKActions", "InsufficientDataActions"} {
			for _, action := range c.texts(list) {
				if parsed, is := parseARN(action); is && parsed.region != "" && parsed.region != c.Region {
					return words("Invalid region %s specified. Only %s is supported.", parsed.region, c.Region)
				}
			}
		}
		return ""
	}},
}
