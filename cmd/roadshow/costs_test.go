package main

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/internal/fleet/cost"
	"github.com/roadshow-go/roadshow/rehearsal"
)

// pays is `pays STAGE`: its account manages an organization of all accounts, and pays for them.
func pays(ts *testscript.TestScript, neg bool, arguments []string) {
	if neg || len(arguments) != 1 || accounts[arguments[0]] == "" {
		ts.Fatalf("usage: pays STAGE")
	}
	var members []string
	for stage, account := range accounts {
		if stage != arguments[0] {
			members = append(members, account)
		}
	}
	ts.Check(of(ts).server.Organize(accounts[arguments[0]], members...))
}

// charge is `charge STAGE DAYS-AGO SERVICE AMOUNT [TAG]`: a stage's account was charged, maybe for something with a
// stage's tag.
func charge(ts *testscript.TestScript, neg bool, arguments []string) {
	if neg || len(arguments) < 4 || len(arguments) > 5 {
		ts.Fatalf("usage: charge STAGE DAYS-AGO SERVICE AMOUNT [TAG]")
	}
	ago, err := strconv.Atoi(arguments[1])
	ts.Check(err)
	cost := rehearsal.Cost{Day: time.Now().UTC().AddDate(0, 0, -ago).Format(time.DateOnly), Service: arguments[2], Amount: arguments[3]}
	if len(arguments) > 4 {
		cost.Tags = map[string]string{"roadshow:stage": arguments[4], "roadshow:service": "show"}
	}
	ts.Check(of(ts).server.Account(accounts[arguments[0]]).Charge(cost))
}

func TestAnAmountShowsItsSignAlsoBelowACent(t *testing.T) {
	for amount, want := range map[string]string{
		"0": "0.00", "0.004": "<0.01", "-0.004": "-<0.01", "0.005": "0.01", "-0.005": "-0.01", "-12.345": "-12.35", "1234567.891": "1234567.89",
	} {
		assert.Equal(t, want, money(decimal.RequireFromString(amount)), amount)
	}
	assert.Equal(t, "-<0.01", signed(money(decimal.RequireFromString("-0.004"))))
	assert.Equal(t, "+<0.01", signed(money(decimal.RequireFromString("0.004"))))
}

func TestAChartIsNoWiderThanItsTerminal(t *testing.T) {
	for columns, want := range map[int]int{200: 72, 87: 72, 80: 65, 40: 25, 30: 15, 25: 10, 5: 10} {
		assert.Equal(t, want, chartWithin(columns), columns)
	}
}

// A day that cost much must not fall between two columns.
func TestAChartShowsEveryDay(t *testing.T) {
	for _, count := range []int{2, 7, 29, 30, 60, 72, 73, 144, 400, 425} {
		days := make([]decimal.Decimal, count)
		sum := 0.0
		for i := range days {
			days[i] = decimal.NewFromInt(int64(i % 5))
		}
		days[count/2] = decimal.NewFromInt(1000)
		for _, day := range days {
			sum += day.InexactFloat64()
		}
		points, each := chartPoints(days, chartWidth)
		assert.LessOrEqual(t, len(points), chartWidth, count)
		drawn, last := 0.0, count-(len(points)-1)*each
		for _, point := range points[:len(points)-1] {
			drawn += point * float64(each)
		}
		assert.InDelta(t, sum, drawn+points[len(points)-1]*float64(last), 0.001, count)
	}
	for _, count := range []int{2, 5, 7, 30, 60} {
		row := cost.Row{Kind: cost.KindStage, Stage: "dev", Total: cost.Total{Currency: "USD", Amount: decimal.NewFromInt(9)}, Days: make([]decimal.Decimal, count)}
		row.Days[count/2] = decimal.NewFromInt(9)
		var chart strings.Builder
		writeCostChart(&chart, cost.Report{Rows: []cost.Row{row}})
		assert.Contains(t, chart.String(), " 9.00 ", count)
	}
}

// Days are counted by the Date of AWS's answers, so that this machine's clock refuses nothing.
func TestHowFarBackCostsAreAskedForIsNotHeldAgainstThisMachinesClock(t *testing.T) {
	given := func(string) bool { return false }
	for _, since := range []string{"30d", "500d", "1w", "1999-01-01", "2999-01-01", time.Now().Format(time.DateOnly)} {
		assert.NoError(t, (&costsOptions{since: since}).validate(nil, given), since)
	}
	for _, since := range []string{"", "2y", "30", "2026-02-30"} {
		assert.ErrorContains(t, (&costsOptions{since: since}).validate(nil, given), "it must be days, weeks or a day", since)
	}
}
