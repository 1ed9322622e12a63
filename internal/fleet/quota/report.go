package quota

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/roadshow-go/roadshow/internal/fleet"
)

// closeShare is the share of a limit from which on a need that fits is close.
const closeShare = 0.8

// Verdict is whether a quota suffices.
type Verdict string

// The verdicts.
const (
	// Fits means the quota suffices.
	Fits Verdict = "fits"
	// Close means the quota suffices, and at least 80 percent of it are used after the deploy.
	Close Verdict = "close"
	// Short means the quota does not suffice.
	Short Verdict = "does not fit"
	// Unknown means it could not be determined whether the quota suffices.
	Unknown Verdict = "unknown"
)

// Report is every quota side by side over the accounts.
type Report struct {
	// Quotas are the rows, in the order of the table.
	Quotas []Row `json:"quotas"`
	// Gaps are what accounts did not answer.
	Gaps []fleet.Gap `json:"gaps"`
}

// Row is one quota in all accounts.
type Row struct {
	// Service and Code are those of Service Quotas; Code is empty for what Service Quotas does not have.
	Service string `json:"service"`
	Code    string `json:"code,omitempty"`
	// Name and Unit say what is counted, Source is the page of AWS that states it, Default AWS's default.
	Name    string  `json:"name"`
	Unit    string  `json:"unit"`
	Source  string  `json:"source"`
	Default float64 `json:"default"`
	// Global tells that one value holds for all regions of an account, Each that it holds for each single
	// thing.
	Global bool `json:"global,omitempty"`
	Each   bool `json:"each,omitempty"`
	// Places are the accounts, each with its region, in the order of their stages.
	Places []Place `json:"places"`
}

// Place is one quota of one account, in one region unless it is global.
type Place struct {
	// Account and Region are where it is asked, Stages whose needs add up there.
	Account string   `json:"account"`
	Region  string   `json:"region"`
	Stages  []string `json:"stages"`
	// Subject is the resource the quota applies to, such as a bus; empty for the account. Of several resources it is
	// the one with the least room.
	Subject string `json:"subject,omitempty"`
	// Need is what a deploy takes, Used what is taken, Limit the quota; nil where it could not be told. AtMost
	// tells that Need is no more than a bound, since it depends on something that only a deploy can tell.
	Need   *float64 `json:"need"`
	AtMost bool     `json:"atMost,omitempty"`
	Used   *float64 `json:"used"`
	Limit  *float64 `json:"limit"`
	// Keeps is what AWS keeps of the limit.
	Keeps float64 `json:"keeps,omitempty"`
	// Verdict is one of the four; Why explains it where it is not Fits.
	Verdict Verdict `json:"verdict"`
	Why     string  `json:"why,omitempty"`
	// Lower tells that the limit is lower than that of every protected stage.
	Lower bool `json:"lower"`
	// New tells that the limit is that of a new account.
	New bool `json:"new"`
	// Adjustable tells that AWS takes requests for more.
	Adjustable bool `json:"adjustable"`
	// Request is the open request for more; nil where there is none.
	Request *Request `json:"request,omitempty"`

	unanswered bool // a gap says why
}

// Needs tells whether a deploy takes something of it, as far as that is known.
func (p Place) Needs() bool { return p.Need == nil || *p.Need > 0 }

// Needed is the need for people.
func (p Place) Needed() string {
	if p.AtMost {
		return "<= " + Amount(p.Need)
	}
	return Amount(p.Need)
}

// String is a row of one place in words.
func (r Row) String(place Place) string {
	name := r.Name
	if place.Subject != "" {
		name += " " + place.Subject
	}
	text := fmt.Sprintf("%s: the deploy needs %s", name, place.Needed())
	if !r.Each {
		text += ", " + Amount(place.Used) + " are used"
	}
	text += ", and the limit is " + Amount(place.Limit)
	if place.Why != "" {
		text += " (" + place.Why + ")"
	}
	return text
}

// Amount is a number for people; a question mark where there is none.
func Amount(number *float64) string {
	if number == nil {
		return "?"
	}
	rounded := math.Round(*number*1000) / 1000
	if *number > 0 && rounded == 0 {
		return "<0.001"
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

// Verdicts counts the places by verdict. Where nothing is needed, what could not be told is not counted.
func (r *Report) Verdicts() map[Verdict]int {
	count := map[Verdict]int{}
	for _, row := range r.Quotas {
		for _, place := range row.Places {
			if place.Verdict != Unknown || place.Needs() {
				count[place.Verdict]++
			}
		}
	}
	return count
}

// Request is an open request for a higher quota, as Service Quotas remembers it.
type Request struct {
	// ID is Service Quotas', Case that of AWS Support; empty before there is one.
	ID   string `json:"id"`
	Case string `json:"case,omitempty"`
	// Desired is the value that is asked for, Status PENDING or CASE_OPENED.
	Desired float64 `json:"desired"`
	Status  string  `json:"status"`
	// At is when it was made.
	At time.Time `json:"at"`
}
