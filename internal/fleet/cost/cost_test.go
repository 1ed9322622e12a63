package cost_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet/cost"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

const billing = "999999999999"

// ago is a day in UTC.
func ago(days int) string { return time.Now().UTC().AddDate(0, 0, -days).Format(time.DateOnly) }

// openBill is three accounts with stages, two of them in dev's, which billing pays for, with a profile for each.
func openBill(t *testing.T) *accounts {
	t.Helper()
	a := openAccounts(t, fleettest.Sandbox, fleettest.Standard, fleettest.Protected, stages.Stage{Name: "billing", Account: billing})
	require.NoError(t, a.Organize(billing, fleettest.Sandbox.Account, fleettest.Standard.Account, fleettest.Protected.Account))
	charge := func(account string, day int, service, amount, stage string) {
		cost := rehearsal.Cost{Day: ago(day), Service: service, Amount: amount}
		if stage != "" {
			cost.Tags = map[string]string{"roadshow:stage": stage, "roadshow:service": "notes"}
		}
		require.NoError(t, a.Account(account).Charge(cost))
	}
	charge(fleettest.Sandbox.Account, 1, "AWS Lambda", "0.1", "dev")
	charge(fleettest.Sandbox.Account, 2, "AWS Lambda", "0.2", "dev")
	charge(fleettest.Sandbox.Account, 8, "AWS Lambda", "0.1", "dev")
	charge(fleettest.Sandbox.Account, 3, "Amazon DynamoDB", "0.5", "demo")
	charge(fleettest.Sandbox.Account, 3, "Amazon DynamoDB", "0.05", "pr-7")
	charge(fleettest.Sandbox.Account, 3, "AWS Key Management Service", "1", "")
	charge(fleettest.Sandbox.Account, 1, "Tax", "0.0000000001", "")
	charge(fleettest.Standard.Account, 1, "AWS Lambda", "2", "staging")
	charge(fleettest.Protected.Account, 1, "AWS Lambda", "1.5", "production")
	charge(fleettest.Protected.Account, 2, "Amazon DynamoDB", "2.5", "production")
	charge(fleettest.Protected.Account, 9, "Amazon DynamoDB", "8", "production")
	charge(fleettest.Protected.Account, 2, "AWS Support (Business)", "100", "")
	charge(fleettest.Protected.Account, 40, "Amazon DynamoDB", "1000", "production") // before both periods
	charge(billing, 2, "Amazon Elastic Compute Cloud - Compute", "7", "")            // no stage's account
	charge(fleettest.Protected.Account, 0, "AWS Lambda", "55", "production")         // today
	return a
}

// A connection may break off by itself, which the SDK's client does now and then; so once is not enough.
func (a *accounts) costing() cost.Explorer {
	return cost.Explorer{Fleet: a.Fleet(), Cache: filepath.Join(a.Folder, "cache", "costs"), Now: time.Now(), Attempts: 3, Timeout: time.Minute}
}

func week(t *testing.T) cost.Period {
	t.Helper()
	period, err := cost.ParsePeriod("7d", time.Now())
	require.NoError(t, err)
	return period
}

func (a *accounts) costs(c cost.Explorer) cost.Report {
	a.T.Helper()
	report, err := c.Run(a.T.Context(), week(a.T))
	require.NoError(a.T, err)
	return report
}

// rows are name, account, amount and amount before.
func rows(report cost.Report) (all []string) {
	for _, row := range report.Rows {
		all = append(all, strings.Join([]string{row.Name(), row.Account, row.Amount.String(), row.Before.String()}, " "))
	}
	return all
}

// asked counts the requests for an operation, refused ones too.
func (a *accounts) asked(operation string) (count int) {
	for _, call := range a.Calls() {
		if call.Operation == operation {
			count++
		}
	}
	return count
}

var together = []string{
	"dev + demo + pr-* 111111111111 1.85 0.1",
	"staging 222222222222 2 0",
	"production 333333333333 4 8",
	"(tax, support)  100.0000000001 0",
}

func TestThePayingAccountIsFoundAndAskedForAllAccounts(t *testing.T) {
	a := openBill(t)
	report := a.costs(a.costing())
	require.Equal(t, together, rows(report), "the tag is not active")
	require.Empty(t, report.Gaps)
	require.Equal(t, "107.8500000001", report.Totals[0].Amount.String())
	require.Equal(t, "USD", report.Totals[0].Currency)
	require.Equal(t, ago(7), report.Since)
	require.Equal(t, ago(0), report.Until)
	require.Equal(t, ago(14), report.Before)

	require.Equal(t, []string{"production"}, report.Protected)
	require.Equal(t, "46.3", report.Rows[0].Share, "dev as a share of production")
	require.Equal(t, "50.0", report.Rows[1].Share)
	require.Empty(t, report.Rows[2].Share)
	require.Equal(t, "-50.0", report.Rows[2].Change)
	require.Equal(t, "Amazon DynamoDB", report.Rows[2].Top.Service)
	require.Equal(t, "AWS Support (Business)", report.Changed[0].Service)
	require.Equal(t, "production Amazon DynamoDB -5.5", fmt.Sprint(report.Changed[1].Row, " ", report.Changed[1].Service, " ", report.Changed[1].Difference))
	require.Contains(t, strings.Join(report.Notes, "\n"), "account 111111111111 has several stages (dev, demo, pr-*), and no cost of it carries the tag roadshow:stage")
	require.Contains(t, strings.Join(report.Notes, "\n"), "account 999999999999, which pays, has these cost allocation tags inactive: roadshow:service, roadshow:stage; activate them with `roadshow costs --activate-tags`")

	require.Equal(t, 3, report.Calls, "one for accounts of one stage, one for that of several, one for the tags")
	require.Equal(t, "0.03", report.Spent.String())
	for _, call := range a.Calls() {
		if call.Service == "ce" {
			require.Equal(t, billing, call.Account)
			require.Equal(t, "us-east-1", call.Region)
		}
	}
}

func TestStagesOfOneAccountAreToldApartByTheirTag(t *testing.T) {
	a := openBill(t)
	require.NoError(t, a.Account(billing).ActivateCostTag("roadshow:stage", ago(30)))
	report := a.costs(a.costing())
	require.Equal(t, []string{
		"dev 111111111111 0.3 0.1",
		"demo 111111111111 0.5 0",
		"staging 222222222222 2 0",
		"production 333333333333 4 8",
		"pr-7 111111111111 0.05 0",
		"(untagged) 111111111111 1 0",
		"(tax, support)  100.0000000001 0",
	}, rows(report))
	require.Equal(t, "7.5", report.Rows[0].Share)
	require.Equal(t, "200.0", report.Rows[0].Change)
	require.Equal(t, "107.8500000001", report.Totals[0].Amount.String())
}

func TestWithoutAProfileOfThePayerEachAccountIsAskedItself(t *testing.T) {
	a := openBill(t)
	a.forget("billing")
	report := a.costs(a.costing())
	require.Equal(t, together, rows(report))
	require.Equal(t, 3, report.Calls)
	require.Zero(t, a.asked("ListCostAllocationTags"), "a member has none")
	require.Contains(t, strings.Join(report.Notes, "\n"), "account 999999999999 pays for 111111111111, 222222222222, 333333333333, and no profile reaches it")

	_, _, err := a.costing().Tags(t.Context())
	messages.ErrorContains(t, err, "No profile reaches the account that manages the organization, which alone has the cost allocation tags.\nWrite --payer with a profile of that account.")
}

func TestAccountsWithoutAnOrganizationPayForThemselves(t *testing.T) {
	a := openAccounts(t)
	require.NoError(t, a.Account(fleettest.Protected.Account).Charge(rehearsal.Cost{Day: ago(1), Service: "AWS Lambda", Amount: "3"}))
	report := a.costs(a.costing())
	require.Empty(t, report.Gaps)
	require.Equal(t, 6, report.Calls, "for costs and for tags, each")
	require.Contains(t, rows(report), "staging 222222222222 0 0")
	require.Contains(t, strings.Join(report.Notes, "\n"), "Cost Explorer lists nothing at all of account 222222222222 (staging)", "nothing is no zero")
}

func TestAPayerThatIsNamed(t *testing.T) {
	t.Run("alone is asked, whatever the accounts' profiles", func(t *testing.T) {
		a := openBill(t)
		for _, name := range []string{"team-dev", "team-staging", "team-production"} {
			a.forget(name)
		}
		c := a.costing()
		gaps := a.costs(c).Gaps
		require.Len(t, gaps, 5, "nobody knows who pays")
		messages.Provoked(t, gaps[0].Problem)
		require.Contains(t, gaps[0].Problem, "Or write --payer with the paying account's profile.")
		c.Payer = "team-billing"
		report := a.costs(c)
		require.Equal(t, together, rows(report))
		require.Empty(t, report.Gaps)
	})
	t.Run("does not pay for an account outside its organization", func(t *testing.T) {
		a := openBill(t)
		require.NoError(t, a.Organize(fleettest.Standard.Account))
		c := a.costing()
		c.Payer = "team-billing"
		report := a.costs(c)
		require.NotContains(t, strings.Join(rows(report), "\n"), "staging")
		require.Len(t, report.Gaps, 1)
		require.Equal(t, "staging", report.Gaps[0].Stage)
		messages.Provoked(t, report.Gaps[0].Problem)
		require.Contains(t, report.Gaps[0].Problem, "Account 999999999999 does not pay for it. ")
	})
	t.Run("may not list its accounts, and what it has nothing of is a gap", func(t *testing.T) {
		a := openBill(t)
		require.NoError(t, a.Organize(fleettest.Standard.Account))
		a.InjectFault(rehearsal.Fault{Operation: "ListAccounts", Code: "AccessDeniedException"})
		c := a.costing()
		c.Payer = "team-billing"
		report := a.costs(c)
		require.Len(t, report.Gaps, 1)
		messages.Provoked(t, report.Gaps[0].Problem)
		require.Contains(t, report.Gaps[0].Problem, "account 999999999999 has nothing of it, and may not pay for it")
	})
	t.Run("is refused where it pays for nothing", func(t *testing.T) {
		a := openBill(t)
		c := a.costing()
		for payer, says := range map[string]string{
			"nobody":   "Write one of team-billing, team-dev, ",
			"team-dev": "Profile team-dev is of account 111111111111, and account 999999999999 manages the organization.\nWrite --payer with a profile of account 999999999999, or leave --payer out to ask each account itself.",
		} {
			c.Payer = payer
			_, err := c.Run(t.Context(), week(t))
			messages.ErrorContains(t, err, says)
		}
		require.Zero(t, a.asked("GetCostAndUsage"))
	})
}

func TestAnswersAreKeptForTheDay(t *testing.T) {
	a := openBill(t)
	c := a.costing()
	first := a.costs(c)
	before := a.asked("GetCostAndUsage") + a.asked("ListCostAllocationTags")
	again := a.costs(c)
	require.Equal(t, before, a.asked("GetCostAndUsage")+a.asked("ListCostAllocationTags"), "nothing is asked")
	require.Zero(t, again.Calls)
	require.True(t, again.Spent.IsZero())
	require.Equal(t, 3, again.Cached)
	require.Equal(t, rows(first), rows(again))
	require.Equal(t, first.Tags, again.Tags)

	c.Fresh = true
	require.Equal(t, 3, a.costs(c).Calls)
	c.Fresh = false
	longer, err := cost.ParsePeriod("6d", time.Now())
	require.NoError(t, err)
	other, err := c.Run(t.Context(), longer)
	require.NoError(t, err)
	require.Equal(t, 2, other.Calls, "another question")

	c.Now = c.Now.AddDate(0, 0, 1)
	require.Equal(t, 3, a.costs(c).Calls, "another day")
	files := a.kept(c)
	require.Len(t, files, 3, "those of other days are gone")
}

// kept are the files of the cache.
func (a *accounts) kept(c cost.Explorer) (paths []string) {
	a.T.Helper()
	entries, err := os.ReadDir(c.Cache)
	if !os.IsNotExist(err) {
		require.NoError(a.T, err)
	}
	for _, entry := range entries {
		paths = append(paths, filepath.Join(c.Cache, entry.Name()))
	}
	return paths
}

func TestTheCacheIsPrivateHoldsNoCredentialsAndIsNeverTrusted(t *testing.T) {
	a := openBill(t)
	c := a.costing()
	want := rows(a.costs(c))
	info, err := os.Stat(c.Cache)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	originals := map[string][]byte{}
	for _, path := range a.kept(c) {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		originals[path], err = os.ReadFile(path)
		require.NoError(t, err)
		require.NotContains(t, string(originals[path]), "planted-secret")
		require.NotContains(t, string(originals[path]), "AKIA")
	}
	require.Len(t, originals, 3)
	another := func(path string) []byte {
		for other, text := range originals {
			if other != path {
				return text
			}
		}
		return nil
	}
	for name, damage := range map[string]func(path string, text []byte) error{
		"cut off":                   func(path string, text []byte) error { return os.WriteFile(path, text[:len(text)/2], 0o600) },
		"empty":                     func(path string, _ []byte) error { return os.WriteFile(path, nil, 0o600) },
		"no JSON":                   func(path string, _ []byte) error { return os.WriteFile(path, []byte("hello"), 0o600) },
		"more behind it":            func(path string, text []byte) error { return os.WriteFile(path, append(text, '{'), 0o600) },
		"another question's answer": func(path string, _ []byte) error { return os.WriteFile(path, another(path), 0o600) },
		"another account's": func(path string, text []byte) error {
			return os.WriteFile(path, []byte(strings.Replace(string(text), `"Account":"999999999999"`, `"Account":"888888888888"`, 1)), 0o600)
		},
		"another version's": func(path string, text []byte) error {
			return os.WriteFile(path, []byte(strings.Replace(string(text), `"Version":1`, `"Version":2`, 1)), 0o600)
		},
		"with a day less": func(path string, text []byte) error {
			return os.WriteFile(path, []byte(strings.Replace(string(text), `"`+ago(5)+`",`, "", 1)), 0o600)
		},
		"without an answer": func(path string, text []byte) error {
			cut := strings.Index(string(text), `"Answer":`)
			return os.WriteFile(path, append(text[:cut:cut], `"Answer":null}`...), 0o600)
		},
		"open to others": func(path string, _ []byte) error { return os.Chmod(path, 0o644) },
		"a link": func(path string, text []byte) error {
			other := filepath.Join(a.T.TempDir(), "other")
			if err := os.WriteFile(other, text, 0o600); err != nil {
				return err
			}
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Symlink(other, path)
		},
	} {
		t.Run(name, func(t *testing.T) {
			expected := 0
			for path, text := range originals {
				require.NoError(t, os.RemoveAll(path))
				require.NoError(t, os.WriteFile(path, text, 0o600))
				if name == "with a day less" && !strings.Contains(string(text), ago(5)) {
					continue // the tags have no days
				}
				require.NoError(t, damage(path, append([]byte(nil), text...)))
				expected++
			}
			report := a.costs(c)
			require.Equal(t, want, rows(report))
			require.Equal(t, expected, report.Calls, "it is asked again")
			require.Equal(t, 3, a.costs(c).Cached, "and kept again")
		})
	}
}

func TestACacheThatCannotBeWrittenIsSaid(t *testing.T) {
	a := openBill(t)
	c := a.costing()
	require.NoError(t, os.WriteFile(filepath.Join(a.Folder, "cache"), nil, 0o600))
	report := a.costs(c)
	require.Equal(t, together, rows(report))
	require.Contains(t, strings.Join(report.Notes, "\n"), "the answers could not be kept for the day, so asking again costs again: ")
}

// A failure of one account, asked by itself: what the others answered is there, the one is named, and what it
// answered in part is neither shown nor kept.
func TestWhatOneAccountDoesNotAnswerIsAGapBesideTheOthers(t *testing.T) {
	of := func(fault rehearsal.Fault) rehearsal.Fault {
		fault.Account, fault.Service, fault.Operation = fleettest.Protected.Account, "ce", "GetCostAndUsage"
		return fault
	}
	for name, tt := range map[string]struct {
		fault rehearsal.Fault
		says  string
	}{
		"throttled":                  {of(rehearsal.Fault{Status: 400, Code: "LimitExceededException", Message: "Rate exceeded"}), "LimitExceededException: Rate exceeded. Wait a minute, and run it again."},
		"denied":                     {of(rehearsal.Fault{Status: 400, Code: "AccessDeniedException", Message: "not you"}), "not you. Allow it, as docs/permissions.md says"},
		"not enabled":                {of(rehearsal.Fault{Status: 400, Code: "AccessDeniedException", Message: "User not enabled for cost explorer access"}), "Open Cost Explorer once in the console of the paying account"},
		"no data":                    {of(rehearsal.Fault{Status: 400, Code: "DataUnavailableException", Message: "not yet"}), "Wait for a day."},
		"an expired token":           {of(rehearsal.Fault{Status: 400, Code: "ExpiredTokenException", Message: "expired"}), "Sign in again"},
		"a slow page":                {of(rehearsal.Fault{Delay: time.Minute}), "It did not answer in 2s (context deadline exceeded). Run it again."},
		"a slow second page":         {of(rehearsal.Fault{Delay: time.Minute, After: 1}), "It did not answer in 2s"},
		"a page that breaks off":     {of(rehearsal.Fault{BreakOff: true}), "EOF"},
		"a second page breaks off":   {of(rehearsal.Fault{BreakOff: true, After: 1}), "EOF"},
		"a second page is throttled": {of(rehearsal.Fault{Status: 400, Code: "LimitExceededException", After: 1}), "LimitExceededException"},
	} {
		t.Run(name, func(t *testing.T) {
			a := openBill(t)
			a.forget("billing")
			var many []rehearsal.Cost
			for i := range 1200 { // two pages
				many = append(many, rehearsal.Cost{Day: ago(1), Service: fmt.Sprint("Service ", i), Amount: "0.01"})
			}
			require.NoError(t, a.Account(fleettest.Protected.Account).Charge(many...))
			c := a.costing()
			if tt.fault.Delay > 0 {
				c.Timeout = 2 * time.Second
			}
			remove := a.InjectFault(tt.fault)
			report := a.costs(c)
			require.Equal(t, []string{together[0], together[1], "(tax, support)  0.0000000001 0"}, rows(report))
			require.Len(t, report.Gaps, 1)
			require.Equal(t, "production", report.Gaps[0].Stage)
			require.Equal(t, fleettest.Protected.Account, report.Gaps[0].Account)
			require.Equal(t, "Cost Explorer", report.Gaps[0].Service)
			messages.Provoked(t, report.Gaps[0].Problem)
			require.Contains(t, report.Gaps[0].Problem, tt.says)
			require.Empty(t, report.Protected, "there is nothing to be a share of")
			require.Empty(t, report.Rows[0].Share)
			require.Len(t, a.kept(c), 2, "the other accounts'")
			for _, path := range a.kept(c) {
				require.NotContains(t, filepath.Base(path), fleettest.Protected.Account)
			}

			remove()
			report = a.costs(c)
			require.Empty(t, report.Gaps)
			require.Equal(t, 2, report.Cached)
			require.Equal(t, 2, report.Calls, "its pages")
			require.Equal(t, "16", report.Rows[2].Amount.String())
		})
	}
}

func TestAThrottledRequestIsTriedAgainAndCountedOnce(t *testing.T) {
	a := openBill(t)
	a.InjectFault(rehearsal.Fault{Service: "ce", Count: 2, Status: 400, Code: "LimitExceededException"})
	c := a.costing()
	c.Attempts = 0 // as many as by default
	report := a.costs(c)
	require.Empty(t, report.Gaps)
	require.Equal(t, 3, report.Calls, "what AWS refuses it does not charge for")
}

func TestAPayerThatMayNotBeAskedIsNotAskedForTheAccounts(t *testing.T) {
	a := openBill(t)
	a.InjectFault(rehearsal.Fault{Account: billing, Service: "ce", Status: 400, Code: "AccessDeniedException", Message: "not you"})
	report := a.costs(a.costing())
	require.Equal(t, together, rows(report))
	require.Empty(t, report.Gaps)
	notes := strings.Join(report.Notes, "\n")
	require.Equal(t, 1, strings.Count(notes, "account 999999999999 pays, and may not be asked (AccessDeniedException: not you): each account was asked itself"))

	c := a.costing()
	c.Payer, c.Fresh = "team-billing", true
	report = a.costs(c)
	require.Empty(t, report.Rows, "who was named is asked alone")
	require.Len(t, report.Gaps, 6, "every stage and template, and the tags")
	require.Zero(t, report.Calls)
}

func TestWhatThePayerDoesNotAnswerIsAGapOfEachStage(t *testing.T) {
	a := openBill(t)
	a.InjectFault(rehearsal.Fault{Account: billing, Service: "ce", Operation: "GetCostAndUsage", After: 1, Status: 400, Code: "LimitExceededException"})
	report := a.costs(a.costing())
	require.Equal(t, []string{"dev + demo + pr-* 111111111111 1.85 0.1", "(tax, support)  0.0000000001 0"}, rows(report))
	require.Len(t, report.Gaps, 2)
	for i, stage := range []string{"staging", "production"} {
		require.Equal(t, stage, report.Gaps[i].Stage)
		messages.Provoked(t, report.Gaps[i].Problem)
		require.Contains(t, report.Gaps[i].Problem, "asked of account 999999999999: LimitExceededException")
	}
}

func TestTagsThatMayNotBeListedAreAGap(t *testing.T) {
	a := openBill(t)
	a.InjectFault(rehearsal.Fault{Operation: "ListCostAllocationTags", Status: 400, Code: "AccessDeniedException"})
	report := a.costs(a.costing())
	require.Equal(t, together, rows(report))
	require.Len(t, report.Gaps, 1)
	require.Equal(t, billing, report.Gaps[0].Account)
	messages.Provoked(t, report.Gaps[0].Problem)
	require.Contains(t, report.Gaps[0].Problem, "cost allocation tags: AccessDeniedException")
}

func TestAnAccountThatNobodyReachesIsPaidForByTheOthersPayer(t *testing.T) {
	a := openBill(t)
	a.forget("staging")
	report := a.costs(a.costing())
	require.Equal(t, together, rows(report), "the payer lists it among its accounts")

	a.InjectFault(rehearsal.Fault{Operation: "ListAccounts", Code: "AccessDeniedException"})
	c := a.costing()
	c.Fresh = true
	report = a.costs(c)
	require.Len(t, report.Gaps, 1)
	require.Equal(t, "staging", report.Gaps[0].Stage)
	messages.Provoked(t, report.Gaps[0].Problem)
	require.Contains(t, report.Gaps[0].Problem, "No profile is of account 222222222222.")
}

func TestTagsAreActivatedInThePayingAccountAlone(t *testing.T) {
	a := openBill(t)
	c := a.costing()
	require.Equal(t, cost.TagInactive, a.costs(c).Tags[1].Status)
	require.Empty(t, a.Writes(billing), "a report changes nothing")

	tags, gaps, err := c.Tags(t.Context())
	require.NoError(t, err)
	require.Empty(t, gaps)
	require.Equal(t, []cost.Tag{
		{Account: billing, Key: "roadshow:service", Status: cost.TagInactive}, {Account: billing, Key: "roadshow:stage", Status: cost.TagInactive},
	}, tags)
	tags, gaps, err = c.ActivateTags(t.Context(), tags)
	require.NoError(t, err)
	require.Empty(t, gaps)
	require.Equal(t, cost.TagActive, tags[0].Status)
	require.Equal(t, cost.TagActive, tags[1].Status)
	require.Equal(t, []string{"UpdateCostAllocationTagsStatus"}, a.Writes(billing))

	report := a.costs(c)
	require.Equal(t, cost.TagActive, report.Tags[1].Status, "the kept answer was dropped")
	tags, _, err = c.ActivateTags(t.Context(), report.Tags)
	require.NoError(t, err)
	require.Len(t, tags, 2)
	require.Len(t, a.Writes(billing), 1, "what is active is left alone")
}

func TestATagThatAWSHasNotSeenCannotBeActivated(t *testing.T) {
	a := openAccounts(t, fleettest.Sandbox, fleettest.Standard, fleettest.Protected, stages.Stage{Name: "billing", Account: billing})
	require.NoError(t, a.Organize(billing, fleettest.Sandbox.Account, fleettest.Standard.Account, fleettest.Protected.Account))
	c := a.costing()
	tags, _, err := c.Tags(t.Context())
	require.NoError(t, err)
	require.Equal(t, cost.TagUnseen, tags[0].Status)
	require.Contains(t, strings.Join(a.costs(c).Notes, "\n"), "has not seen these tags: roadshow:service, roadshow:stage; AWS does up to 24 hours after")
	_, _, err = c.ActivateTags(t.Context(), tags)
	require.NoError(t, err)
	require.Empty(t, a.Writes(billing))

	// It was seen when it was listed, and is not any more.
	tags[0].Status = cost.TagInactive
	tags, _, err = c.ActivateTags(t.Context(), tags)
	require.NoError(t, err)
	require.Equal(t, cost.TagInactive, tags[0].Status)
	require.Equal(t, "TagKeysNotFoundException: Failed to update Cost Allocation Tag: roadshow:service", tags[0].Problem)
}

func TestAnInterruptionEndsTheQuestions(t *testing.T) {
	a := openBill(t)
	a.InjectFault(rehearsal.Fault{Service: "ce", Delay: time.Minute})
	ctx, stop := context.WithCancel(t.Context())
	c := a.costing()
	go func() {
		defer stop()
		for a.asked("DescribeOrganization") < 3 {
			<-time.After(time.Millisecond)
		}
	}()
	_, err := c.Run(ctx, week(t))
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, a.kept(c))
}

func TestAPeriodThatReachesTooFarBackIsNotCompared(t *testing.T) {
	a := openBill(t)
	period, err := cost.ParsePeriod("300d", time.Now())
	require.NoError(t, err)
	report, err := a.costing().Run(t.Context(), period)
	require.NoError(t, err)
	require.Empty(t, report.Gaps)
	require.Nil(t, report.Rows[0].Before)
	require.Empty(t, report.Rows[0].Change)
	require.Empty(t, report.Changed)
	require.Contains(t, strings.Join(report.Notes, "\n"), "the period before is not compared")
}

// forget drops a profile.
func (a *accounts) forget(stage string) {
	a.T.Helper()
	stage = strings.TrimPrefix(stage, "team-")
	for _, file := range []string{"config", "credentials"} {
		path := filepath.Join(a.Folder, file)
		text, err := os.ReadFile(path)
		require.NoError(a.T, err)
		gone := strings.NewReplacer("[profile team-"+stage+"]", "[profile gone-"+stage+"]", "[team-"+stage+"]", "[gone-"+stage+"]",
			"AKIA"+accountOf(stage)+"TEST", "AKIANOBODY").Replace(string(text))
		require.NoError(a.T, os.WriteFile(path, []byte(gone), 0o600))
	}
}

func accountOf(stage string) string {
	for _, one := range append(fleettest.Everyone[:len(fleettest.Everyone):len(fleettest.Everyone)], stages.Stage{Name: "billing", Account: billing}) {
		if one.Name == stage {
			return one.Account
		}
	}
	return "?"
}
