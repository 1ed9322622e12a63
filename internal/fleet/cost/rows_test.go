package cost

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/answer"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stages"
)

// sampleFleet has an account for each of production, staging and an account with a stage and a template, in some set.
func sampleFleet(t *rapid.T) *fleet.Fleet {
	f := &fleet.Fleet{Service: "notes"}
	accounts := []string{"111111111111", "222222222222", "333333333333"}
	tiers := []stages.Tier{stages.Sandbox, stages.Standard, stages.Protected}
	for i := range rapid.IntRange(1, 5).Draw(t, "stages") {
		f.Stages = append(f.Stages, stages.Stage{
			Name: fmt.Sprintf("s%d", i), Account: rapid.SampledFrom(accounts).Draw(t, "account"), Region: "us-east-1", Tier: rapid.SampledFrom(tiers).Draw(t, "tier"),
		})
	}
	if rapid.Bool().Draw(t, "template") {
		f.Templates = []stages.Stage{{Name: "pr-*", Account: f.Stages[0].Account, Region: "us-east-1", Tier: stages.Sandbox}}
	}
	return f
}

func TestRowsAddUpToTheBillWhateverIsOnIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := sampleFleet(t)
		accounts, _ := billed(f)
		now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
		period, err := ParsePeriod("5d", now)
		require.NoError(t, err)
		charged := map[string][]usageEntry{}
		all := days(period.Before, period.End)
		want := map[string][2]decimal.Decimal{}
		for range rapid.IntRange(0, 60).Draw(t, "entries") {
			entry := usageEntry{
				Day: rapid.SampledFrom(all).Draw(t, "day"), Account: rapid.SampledFrom(accounts).Draw(t, "account"),
				Service:  rapid.SampledFrom([]string{"AWS Lambda", "Amazon DynamoDB", "Tax", "AWS Support (Business)"}).Draw(t, "service"),
				Currency: rapid.SampledFrom([]string{"USD", "USD", "USD", "CNY"}).Draw(t, "currency"),
				Amount:   decimal.New(rapid.Int64Range(-1e12, 1e12).Draw(t, "amount"), -10),
			}
			if crowded(f, entry.Account) {
				entry.Tag = rapid.SampledFrom([]string{"", "", "s0", "s1", "s4", "pr-7", "somebody's"}).Draw(t, "tag")
			}
			charged[entry.Account] = append(charged[entry.Account], entry)
			sum := want[entry.Currency]
			if entry.Day < period.Start.Format(time.DateOnly) {
				sum[1] = sum[1].Add(entry.Amount)
			} else {
				sum[0] = sum[0].Add(entry.Amount)
			}
			want[entry.Currency] = sum
		}

		bill := accountBill{costs: map[string]answer.Answer[[]usageEntry]{}}
		for _, account := range accounts {
			bill.costs[account] = answer.Seen(charged[account])
		}
		report := Explorer{Fleet: f}.compose(bill, period)
		got := map[string][2]decimal.Decimal{}
		for _, row := range report.Rows {
			sum := got[row.Currency]
			got[row.Currency] = [2]decimal.Decimal{sum[0].Add(row.Amount), sum[1].Add(*row.Before)}
			of := decimal.Zero
			for _, day := range row.Days {
				of = of.Add(day)
			}
			require.True(t, of.Equal(row.Amount), "the days of %s add up to it", row.Name())
		}
		for _, total := range report.Totals {
			require.True(t, total.Amount.Equal(want[total.Currency][0]), "%s: %s, want %s", total.Currency, total.Amount, want[total.Currency][0])
			require.True(t, total.Before.Equal(want[total.Currency][1]))
			require.True(t, total.Amount.Equal(got[total.Currency][0]))
			require.True(t, total.Before.Equal(got[total.Currency][1]))
		}
		for currency := range want {
			require.Contains(t, got, currency)
		}
		for _, stage := range f.Stages {
			require.True(t, named(report.Rows, stage), "%s has a row", stage.Name)
		}
	})
}

func named(rows []Row, stage stages.Stage) bool {
	for _, row := range rows {
		if row.Account == stage.Account && (row.Stage == stage.Name || strings.Contains(row.Name(), stage.Name)) {
			return true
		}
	}
	return false
}

func TestAmountsInJSONAreExactDecimalsInStrings(t *testing.T) {
	text, err := json.Marshal(Total{Currency: "USD", Amount: decimal.RequireFromString("1E-10").Add(decimal.RequireFromString("123456789012345.1"))})
	require.NoError(t, err)
	require.JSONEq(t, `{"currency":"USD","amount":"123456789012345.1000000001"}`, string(text))
}

func TestSinceIsDaysWeeksOrADay(t *testing.T) {
	now := time.Date(2026, 11, 23, 23, 30, 0, 0, time.FixedZone("elsewhere", -5*3600)) // already the 24th in UTC
	for since, want := range map[string][3]string{
		"30d":        {"2026-10-25", "2026-11-24", "2026-09-25"},
		"1d":         {"2026-11-23", "2026-11-24", "2026-11-22"},
		"12w":        {"2026-09-01", "2026-11-24", "2026-06-09"},
		"2026-10-01": {"2026-10-01", "2026-11-24", "2026-08-08"},
		"300d":       {"2026-01-28", "2026-11-24", "0001-01-01"}, // the period before begins too early
		"2025-09-24": {"2025-09-24", "2026-11-24", "0001-01-01"}, // the earliest day
	} {
		t.Run(since, func(t *testing.T) {
			period, err := ParsePeriod(since, now)
			require.NoError(t, err)
			require.Equal(t, want, [3]string{period.Start.Format(time.DateOnly), period.End.Format(time.DateOnly), period.Before.Format(time.DateOnly)})
		})
	}
	for since, says := range map[string]string{
		"":                        `since is ""; it must be days, weeks or a day, such as 30d, 12w or 2026-10-31.` + "\n" + `Write --since 30d.`,
		"30":                      `since is "30"; it must be days, weeks or a day`,
		"-3d":                     `since is "-3d"; it must be days, weeks or a day`,
		"0d":                      `since is "0d"; it must be at least one whole day before today in UTC, which is 2026-11-24.` + "\n" + `Write --since 1d.`,
		"2026-11-24":              `it must be at least one whole day before today`,
		"2030-01-01":              `it must be at least one whole day before today`,
		"2026-02-30":              `it must be days, weeks or a day`,
		"2y":                      `it must be days, weeks or a day`,
		"427d":                    `since is "427d"; it must be 2025-09-24 or later, since Cost Explorer keeps 14 months.` + "\n" + `Write --since 2025-09-24.`,
		"2025-09-23":              `it must be 2025-09-24 or later`,
		"99999999999d":            `it must be 2025-09-24 or later`,
		"9999999999999999999999w": `it must be 2025-09-24 or later`,
	} {
		t.Run("refused "+since, func(t *testing.T) {
			_, err := ParsePeriod(since, now)
			var mistake *stages.FieldError
			require.ErrorAs(t, err, &mistake)
			messages.ErrorContains(t, err, says)
		})
	}
}
