package cost

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/shopspring/decimal"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/answer"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
)

// Run asks what the accounts cost, with as few requests as Cost Explorer allows: one for all accounts that one
// account pays for and that have one stage, and one for each account that has several, each for this period and the
// one before. What does not answer is a gap of the report. The error is a [*stages.FieldError] of Payer, or the
// context's.
func (c Explorer) Run(ctx context.Context, period Period) (Report, error) {
	found, err := c.findSources(ctx)
	if err != nil {
		return Report{}, err
	}
	asker := c.asker()
	bills := make([]accountBill, len(found.sources))
	parallel.ForEach(ctx, fleet.AccountsAtOnce, found.sources, func(ctx context.Context, i int, source credentialSource) {
		bills[i] = c.bill(ctx, asker, source, period)
	})
	if err := ctx.Err(); err != nil {
		return Report{}, err
	}
	whole := accountBill{gaps: found.gaps, notes: found.notes, costs: map[string]answer.Answer[[]usageEntry]{}}
	for _, bill := range bills {
		whole.add(bill)
	}
	report := c.compose(whole, period)
	report.Calls, report.Cached = asker.calls, asker.reads
	report.Spent = pricePerCall.Mul(decimal.NewFromInt(int64(asker.calls)))
	if asker.unkept != nil {
		report.Notes = append(report.Notes, fmt.Sprintf("the answers could not be kept for the day, so asking again costs again: %v", asker.unkept))
	}
	return report, nil
}

// queries are the questions about accounts: one for those of one stage, and one for each of several.
func (c Explorer) queries(accounts []string, period Period) (all []usageQuery) {
	query := usageQuery{Start: period.asked().Format(time.DateOnly), End: period.End.Format(time.DateOnly)}
	together := query
	for _, account := range accounts {
		if crowded(c.Fleet, account) {
			apart := query
			apart.Accounts, apart.ByTag = []string{account}, true
			all = append(all, apart)
			continue
		}
		together.Accounts = append(together.Accounts, account)
	}
	if len(together.Accounts) > 0 {
		all = append(all, together)
	}
	return all
}

// bill asks one source for all its accounts. What a payer that was found may not be asked, its accounts are asked
// themselves.
func (c Explorer) bill(ctx context.Context, asker *asker, source credentialSource, period Period) accountBill {
	bill := accountBill{costs: map[string]answer.Answer[[]usageEntry]{}}
	lost := func(accounts []string, err error) {
		for _, account := range accounts {
			bill.costs[account] = answer.Untold[[]usageEntry](err)
			bill.gaps = append(bill.gaps, c.gaps(account, "Cost Explorer", c.said(source, account, err))...)
		}
	}
	config, _, err := source.fleet.Reach(ctx, source.at)
	if err != nil {
		lost(source.accounts, err)
		return bill
	}
	client := costexplorer.NewFromConfig(config, func(options *costexplorer.Options) { options.RetryMaxAttempts = cmp.Or(c.Attempts, fleet.Attempts) })
	denied := false
	for _, query := range c.queries(source.accounts, period) {
		entries, err := asker.costs(ctx, client, source.at.Account, query)
		switch {
		case err == nil:
			of := map[string][]usageEntry{}
			for _, entry := range entries {
				of[entry.Account] = append(of[entry.Account], entry)
			}
			for _, account := range query.Accounts {
				if len(of[account]) == 0 && source.unsure != "" {
					bill.gaps = append(bill.gaps, c.gaps(account, "Cost Explorer",
						fmt.Sprintf("account %s has nothing of it, and may not pay for it (%s)", source.at.Account, source.unsure))...)
					continue
				}
				bill.costs[account] = answer.Seen(of[account])
			}
		case source.pays && c.Payer == "" && isDenied(err):
			denied = true
			c.askThemselves(ctx, asker, &bill, query.Accounts, source, err, period)
		default:
			lost(query.Accounts, err)
		}
	}
	if source.pays && !denied {
		tags, err := asker.tags(ctx, client, source.at.Account)
		if err != nil {
			bill.gaps = append(bill.gaps, fleet.Gap{
				Account: source.at.Account, Region: source.at.Region, Service: "Cost Explorer", Problem: "cost allocation tags: " + problemOf(err),
			})
		}
		bill.tags = tags
	}
	return bill
}

// askThemselves asks accounts whose payer may not be asked. The payer's own account has been.
func (c Explorer) askThemselves(ctx context.Context, asker *asker, bill *accountBill, accounts []string, payer credentialSource, refusal error, period Period) {
	_, of := billed(c.Fleet)
	bill.note(fmt.Sprintf("account %s pays, and may not be asked (%s): each account was asked itself", payer.at.Account, fleet.Brief(refusal)))
	for _, account := range accounts {
		if _, _, err := c.Fleet.Profiles.For(ctx, of[account]); err != nil || account == payer.at.Account {
			bill.gaps = append(bill.gaps, c.gaps(account, "Cost Explorer", c.said(payer, account, refusal))...)
			continue
		}
		bill.add(c.bill(ctx, asker, c.own(of[account]), period))
	}
}

// said is the problem of an account, with who was asked where that was another.
func (c Explorer) said(source credentialSource, account string, err error) string {
	text := strings.TrimPrefix(problemOf(err), "Stage "+source.at.Name+": ")
	if source.at.Account != account {
		text = "asked of account " + source.at.Account + ": " + text
	}
	return text
}

// compose makes a report of what was answered.
func (c Explorer) compose(bill accountBill, period Period) Report {
	report := Report{
		Since: period.Start.Format(time.DateOnly), Until: period.End.Format(time.DateOnly),
		Tags: bill.tags, Notes: bill.notes, Gaps: bill.gaps,
	}
	if !period.Before.IsZero() {
		report.Before = period.Before.Format(time.DateOnly)
	} else {
		report.Notes = append(report.Notes, fmt.Sprintf("the period before is not compared: it begins before what Cost Explorer keeps, which is %d months", keptMonths))
	}
	ledger := newRowLedger(c.Fleet, period)
	ledger.open(bill)
	for _, entries := range bill.seen() {
		for _, entry := range entries {
			ledger.take(entry)
		}
	}
	report.Rows, report.Totals, report.Changed, report.Protected = ledger.close()
	report.Notes = append(report.Notes, ledger.notes(bill)...)
	fleet.SortGaps(report.Gaps)
	return report
}
