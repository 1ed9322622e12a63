package stack

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
)

// MaxRequestsConfig limits what a table, or a global index, serves on demand, and so what it can cost.
// What comes above is refused by DynamoDB, as best it can.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode-max-throughput.html
type MaxRequestsConfig struct {
	// Read and Write are request units per second, 1 to 40000. Default: no limit.
	Read, Write int
}

func (c MaxRequestsConfig) validate(field string) *ConfigError {
	if c == (MaxRequestsConfig{}) {
		return &ConfigError{Field: field, Got: "no limit", Want: "Read, Write or both", Fix: "write Read: 1000, or leave it out"}
	}
	return nil
}

// units is nil where there is no limit.
func units(value int) *float64 {
	if value == 0 {
		return nil
	}
	return jsiiconv.Number(value)
}

// ProvisionedConfig has a table, or a global index, keep capacity ready, which is paid by the hour and
// follows the traffic. It is the cheaper way where traffic is steady.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/provisioned-capacity-mode.html
type ProvisionedConfig struct {
	// Read and Write are the capacity for each. Default: as in [CapacityConfig].
	Read, Write CapacityConfig
}

// CapacityConfig is how much capacity there is, in units: one is a strongly consistent read of 4 KB, or a
// write of 1 KB, per second.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html
type CapacityConfig struct {
	// Min is the least, and what there is at first; 1 to 40000. Default: 5.
	Min int

	// Max is the most, up to 40000; where it is Min, the capacity does not follow the traffic. Default: ten
	// times Min.
	Max int

	// Target is the use in percent, 20 to 90, at which the capacity follows. Default: 70.
	Target int
}

const (
	// maxUnits is the quota of a table that nobody has raised.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
	maxUnits      = 40000
	defaultMin    = 5
	defaultTarget = 70
)

func (c ProvisionedConfig) validate(field string) *ConfigError {
	if problem := c.Read.validate(field + ".Read"); problem != nil {
		return problem
	}
	return c.Write.validate(field + ".Write")
}

func (c CapacityConfig) validate(field string) *ConfigError {
	switch {
	case c.Max != 0 && c.Max < c.least():
		return &ConfigError{Field: field + ".Max", Got: strconv.Itoa(c.Max), Want: fmt.Sprintf("at least Min (%d)", c.least()), Fix: "raise Max, or lower Min"}
	}
	return nil
}

func (c CapacityConfig) least() int {
	if c.Min == 0 {
		return defaultMin
	}
	return c.Min
}

// scale has the capacity follow the traffic, where it may.
func (c CapacityConfig) scale(enable func(*awsdynamodb.EnableScalingProps) awsdynamodb.IScalableTableAttribute) {
	most, target := c.Max, c.Target
	if most == 0 {
		most = min(10*c.least(), maxUnits)
	}
	if target == 0 {
		target = defaultTarget
	}
	if most == c.least() {
		return
	}
	enable(&awsdynamodb.EnableScalingProps{MinCapacity: jsiiconv.Number(c.least()), MaxCapacity: jsiiconv.Number(most)}).
		ScaleOnUtilization(&awsdynamodb.UtilizationScalingProps{TargetUtilizationPercent: jsiiconv.Number(target)})
}
