package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/internal/fleet"
)

func TestTheExitCodeOfQuotasSaysWhatIsKnown(t *testing.T) {
	amount := 1.0
	report := func(gaps int, verdicts ...fleet.QuotaVerdict) *fleet.QuotaReport {
		made := &fleet.QuotaReport{Gaps: make([]fleet.Gap, gaps)}
		for _, verdict := range verdicts {
			place := fleet.QuotaPlace{Verdict: verdict, Limit: &amount, Need: &amount}
			made.Quotas = append(made.Quotas, fleet.QuotaRow{Places: []fleet.QuotaPlace{place}})
		}
		return made
	}
	silent := report(1, fleet.QuotaUnknown)
	silent.Quotas[0].Places[0].Limit = nil
	unneeded := report(0, fleet.QuotaUnknown)
	none := 0.0
	unneeded.Quotas[0].Places[0].Need = &none
	for what, is := range map[string]struct {
		report *fleet.QuotaReport
		want   error
	}{
		"everything fits or is close":          {report(0, fleet.QuotaFits, fleet.QuotaClose), nil},
		"what is not needed is not known":      {unneeded, nil},
		"one does not fit":                     {report(0, fleet.QuotaFits, fleet.QuotaShort), finding{}},
		"one does not fit, others say nothing": {report(1, fleet.QuotaUnknown, fleet.QuotaShort), finding{}},
		"one is not known":                     {report(0, fleet.QuotaFits, fleet.QuotaUnknown), incomplete{}},
		"a gap beside what fits":               {report(1, fleet.QuotaFits), incomplete{}},
		"limits are known, and nothing to fit": {report(1, fleet.QuotaUnknown), incomplete{}},
	} {
		assert.Equal(t, is.want, judged(is.report, nil), what)
	}
	assert.ErrorContains(t, judged(silent, nil), "accounts that answered are 0")
	assert.Equal(t, finding{}, judged(report(0, fleet.QuotaFits), []fleet.QuotaIncrease{{Problem: "refused"}}), "a request that AWS refuses")
}
