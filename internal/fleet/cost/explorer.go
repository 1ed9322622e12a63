// Package cost asks AWS Cost Explorer what the accounts of a fleet cost, as rarely as it can: each answer costs a cent,
// and is kept for the day.
package cost

import (
	"cmp"
	"time"

	"github.com/shopspring/decimal"

	"github.com/roadshow-go/roadshow/internal/fleet"
)

// Explorer asks AWS Cost Explorer what the accounts of a fleet cost. It changes nothing but by [Explorer.ActivateTags].
// https://docs.aws.amazon.com/cost-management/latest/userguide/ce-api.html
type Explorer struct {
	// Fleet is whose accounts are asked for, all of them. Required.
	Fleet *fleet.Fleet
	// Payer is the profile of the account that pays for them. Default: it is found, by asking each account for its
	// organization; an account whose payer no profile reaches is asked itself.
	Payer string
	// Cache is a folder of the user's, where answers are kept for the day. Default: none are kept.
	Cache string
	// Fresh asks again what was asked today.
	Fresh bool
	// Now is the time. Required.
	Now time.Time
	// Timeout is how long one request may take, with all its attempts. Default: 2 minutes.
	Timeout time.Duration
	// Attempts is how often a request is tried where AWS asks for patience. Default: 6.
	Attempts int
}

func (c Explorer) timeout() time.Duration { return cmp.Or(c.Timeout, 2*time.Minute) }

// pricePerCall is what AWS charges for each request to Cost Explorer that it answers, and so for each page of an
// answer, in US dollars. One that is refused costs nothing.
// https://aws.amazon.com/aws-cost-management/aws-cost-explorer/pricing/
var pricePerCall = decimal.New(1, -2)

func (c Explorer) asker() *asker {
	return &asker{cache: dayCache{folder: c.Cache, day: c.Now.UTC().Format(time.DateOnly)}, fresh: c.Fresh, timeout: c.timeout()}
}
