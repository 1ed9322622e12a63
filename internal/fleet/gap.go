package fleet

import (
	"cmp"
	"slices"

	"github.com/roadshow-go/roadshow/stages"
)

// Gap is a question that an account did not answer, so that a report lacks what it would have said. A report
// with gaps is incomplete: what it does not list may still be there.
type Gap struct {
	// Stage is whose account was asked; empty for an account that is no stage's.
	Stage string `json:"stage,omitempty"`
	// Account and Region are where it was asked.
	Account string `json:"account"`
	Region  string `json:"region,omitempty"`
	// Service is AWS's name of the service that was asked, Problem its answer and what to do.
	Service string `json:"service"`
	Problem string `json:"problem"`
}

// GapOf is what a stage's account left open when a service answered with an error.
func GapOf(stage stages.Stage, service string, err error) Gap {
	return Gap{
		Stage: stage.Name, Account: stage.Account, Region: stage.Region,
		Service: service, Problem: Brief(err),
	}
}

// SortGaps orders gaps by account, region, service and stage, so that a report reads alike in every run.
func SortGaps(gaps []Gap) {
	slices.SortFunc(gaps, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region),
			cmp.Compare(a.Service, b.Service), cmp.Compare(a.Stage, b.Stage))
	})
}
