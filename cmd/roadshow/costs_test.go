package main

import (
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

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
