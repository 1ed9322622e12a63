package stack

import (
	"time"

	"github.com/roadshow-go/roadshow/stages"
)

// vigilance is what a tier wants to be told of: the thresholds of alarms that have none of their own.
// Zero is no alarm. docs/tiers.md is this table for people.
type vigilance struct {
	// errors, throttles and serverErrors are how many within a period are too many.
	errors, throttles, serverErrors int
	// oldest is how long a message may wait.
	oldest time.Duration
}

// vigilances holds one row for each tier.
var vigilances = map[stages.Tier]vigilance{
	stages.Sandbox:   {},
	stages.Standard:  {errors: 5, serverErrors: 5, oldest: time.Hour},
	stages.Protected: {errors: 1, throttles: 1, serverErrors: 1, oldest: 15 * time.Minute},
}
