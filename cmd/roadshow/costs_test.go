package main

import (
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"

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
