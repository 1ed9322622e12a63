package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/quota"
	"github.com/roadshow-go/roadshow/internal/messages"
)

func TestTheExitCodeOfQuotasSaysWhatIsKnown(t *testing.T) {
	amount := 1.0
	report := func(gaps int, verdicts ...quota.Verdict) *quota.Report {
		made := &quota.Report{Gaps: make([]fleet.Gap, gaps)}
		for _, verdict := range verdicts {
			place := quota.Place{Verdict: verdict, Limit: &amount, Need: &amount}
			made.Quotas = append(made.Quotas, quota.Row{Places: []quota.Place{place}})
		}
		return made
	}
	silent := report(1, quota.Unknown)
	silent.Quotas[0].Places[0].Limit = nil
	unneeded := report(0, quota.Unknown)
	none := 0.0
	unneeded.Quotas[0].Places[0].Need = &none
	judged := func(report *quota.Report, increases []quota.Increase) error {
		return quotas{Quotas: report.Quotas, Gaps: report.Gaps, Increases: increases, report: report}.judge()
	}
	for what, is := range map[string]struct {
		report *quota.Report
		want   error
	}{
		"everything fits or is close":          {report(0, quota.Fits, quota.Close), nil},
		"what is not needed is not known":      {unneeded, nil},
		"one does not fit":                     {report(0, quota.Fits, quota.Short), finding{}},
		"one does not fit, others say nothing": {report(1, quota.Unknown, quota.Short), finding{}},
		"one is not known":                     {report(0, quota.Fits, quota.Unknown), incomplete{}},
		"a gap beside what fits":               {report(1, quota.Fits), incomplete{}},
		"limits are known, and nothing to fit": {report(1, quota.Unknown), incomplete{}},
	} {
		assert.Equal(t, is.want, judged(is.report, nil), what)
	}
	messages.ErrorContains(t, judged(silent, nil), "No account has answered.")
	assert.Equal(t, finding{}, judged(report(0, quota.Fits), []quota.Increase{{Problem: "refused"}}), "a request that AWS refuses")
}
