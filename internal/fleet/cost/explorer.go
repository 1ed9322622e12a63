// Package cost asks AWS Cost Explorer what the accounts of a fleet cost, as rarely as it can: each answer costs a cent,
// and is kept for the day.
package cost

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/shopspring/decimal"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/stages"
)

// Costing asks AWS Cost Explorer what the accounts of a fleet cost. It changes nothing but by [Costing.ActivateTags].
// https://docs.aws.amazon.com/cost-management/latest/userguide/ce-api.html
type Explorer struct {
	// Fleet is whose accounts are asked for, all of them. Required.
	Fleet *fleet.Fleet
	// Payer is the profile of the account that pays for them. Default: it is found, by asking each account for its
	// organization; an account whose payer no profile reaches is asked itself.
	Payer string
	// Cache is a folder of the user's, where answers are kept for the day. Default: none are kept.
	Cache string
	// Fresh asks again what was asked today.
	Fresh bool
	// Now is the time. Required.
	Now time.Time
	// Timeout is how long one request may take, with all its attempts. Default: 2 minutes.
	Timeout time.Duration
	// Attempts is how often a request is tried where AWS asks for patience. Default: 6.
	Attempts int
}

func (c Explorer) timeout() time.Duration { return cmp.Or(c.Timeout, 2*time.Minute) }

// pricePerCall is what AWS charges for each request to Cost Explorer that it answers, and so for each page of an
// answer, in US dollars. One that is refused costs nothing.
// https://aws.amazon.com/aws-cost-management/aws-cost-explorer/pricing/
var pricePerCall = decimal.New(1, -2)

// Report is what the accounts of a fleet cost, exact to the last place that AWS gives. In JSON amounts are
// strings.
type Report struct {
	// Since is the first day, Until the day after the last; Before is the first day of the period before, which ends
	// where this one starts, and empty where Cost Explorer does not reach back so far.
	Since  string `json:"since"`
	Until  string `json:"until"`
	Before string `json:"before,omitempty"`
	// Totals are the bill of all accounts that answered, one for each currency. The rows add up to it.
	Totals []Total `json:"totals"`
	// Rows are the stages, in the set's order, then what is no one stage's.
	Rows []Row `json:"rows"`
	// Changed are the services that changed most against the period before, the largest change first.
	Changed []Change `json:"changed,omitempty"`
	// Protected are the stages that Share is a share of; empty where there are none, or where they are not known.
	Protected []string `json:"protected,omitempty"`
	// Tags are the cost allocation tags of the accounts that pay.
	Tags []Tag `json:"tags,omitempty"`
	// Notes say what a reader has to know of this report.
	Notes []string `json:"notes,omitempty"`
	// Gaps are what did not answer.
	Gaps []fleet.Gap `json:"gaps,omitempty"`
	// Calls counts the requests that Cost Explorer answered, and Spent is what AWS charges for them in US dollars;
	// Cached counts the answers that were read from the cache.
	Calls  int             `json:"calls"`
	Spent  decimal.Decimal `json:"spent"`
	Cached int             `json:"cached"`
}

// Total is a sum of one currency, as AWS names it.
type Total struct {
	// Currency is AWS's, such as USD.
	Currency string `json:"currency"`
	// Amount is that of the period, Before that of the period before; nil where that was not asked.
	Amount decimal.Decimal  `json:"amount"`
	Before *decimal.Decimal `json:"before,omitempty"`
}

// Row is what one stage costs, or what is no one stage's.
type Row struct {
	// Kind is one of the constants below.
	Kind Kind `json:"kind"`
	// Stage is the stage of [KindStage]; Stages are those of [KindAccount], which cannot be told apart.
	Stage  string   `json:"stage,omitempty"`
	Stages []string `json:"stages,omitempty"`
	// Account is whose bill it is on; empty for [KindCharges], which are those of all accounts.
	Account string `json:"account,omitempty"`
	Total
	// Change is by how many percent Amount differs from Before, to one place; empty where Before is nothing.
	Change string `json:"change,omitempty"`
	// Top is the service that costs most; nil where nothing does.
	Top *TopService `json:"top,omitempty"`
	// Share is how many percent Amount is of the protected stages', to one place; empty for these themselves.
	Share string `json:"share,omitempty"`
	// Days are the amounts of each day of the period.
	Days []decimal.Decimal `json:"days"`
}

// TopService is the cost of one service, by the name that Cost Explorer gives it.
type TopService struct {
	Service string          `json:"service"`
	Amount  decimal.Decimal `json:"amount"`
}

// Kind is what a row is of.
type Kind string

// What a row is of.
const (
	// KindStage is one stage.
	KindStage Kind = "stage"
	// KindAccount is an account with several stages, none of whose costs carry the tag of one.
	KindAccount Kind = "account"
	// KindUntagged is what carries no stage's tag, in an account with several stages.
	KindUntagged Kind = "untagged"
	// KindCharges is tax and support.
	KindCharges Kind = "charges"
)

// Name is the row's, for people.
func (r Row) Name() string {
	switch r.Kind {
	case KindAccount:
		return strings.Join(r.Stages, " + ")
	case KindUntagged:
		return "(untagged)"
	case KindCharges:
		return "(tax, support)"
	}
	return r.Stage
}

// Change is by how much a service of a row differs from the period before.
type Change struct {
	// Row is the row's name, Account its account.
	Row     string `json:"row"`
	Account string `json:"account,omitempty"`
	// Service is the service that changed, from Before to Amount; Difference is Amount less Before.
	Service string `json:"service"`
	Total
	Difference decimal.Decimal `json:"difference"`
}

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
	whole := accountBill{gaps: found.gaps, notes: found.notes, answered: map[string]bool{}}
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

func (c Explorer) asker() *asker {
	return &asker{cache: dayCache{folder: c.Cache, day: c.Now.UTC().Format(time.DateOnly)}, fresh: c.Fresh, timeout: c.timeout()}
}

// accountBill is what sources have answered.
type accountBill struct {
	entries []usageEntry
	// answered are the accounts whose costs are all in entries.
	answered map[string]bool
	tags     []Tag
	notes    []string
	gaps     []fleet.Gap
}

func (b *accountBill) add(other accountBill) {
	b.entries = append(b.entries, other.entries...)
	for account := range other.answered {
		b.answered[account] = true
	}
	b.tags, b.gaps = append(b.tags, other.tags...), append(b.gaps, other.gaps...)
	for _, note := range other.notes {
		b.note(note)
	}
}

// note says something once.
func (b *accountBill) note(text string) {
	if !slices.Contains(b.notes, text) {
		b.notes = append(b.notes, text)
	}
}

// crowded tells whether an account has several stages, or may have by a template.
func crowded(f *fleet.Fleet, account string) bool {
	count := 0
	for _, stage := range append(slices.Clone(f.Stages), f.Templates...) {
		if stage.Account == account {
			count++
		}
	}
	return count > 1
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
	bill := accountBill{answered: map[string]bool{}}
	lost := func(accounts []string, err error) {
		for _, account := range accounts {
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
			for _, account := range query.Accounts {
				listed := slices.ContainsFunc(entries, func(e usageEntry) bool { return e.Account == account })
				if !listed && source.unsure != "" {
					bill.gaps = append(bill.gaps, c.gaps(account, "Cost Explorer",
						fmt.Sprintf("account %s has nothing of it, and may not pay for it (%s)", source.at.Account, source.unsure))...)
					continue
				}
				bill.answered[account] = true
			}
			bill.entries = append(bill.entries, entries...)
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
	text := strings.TrimPrefix(problemOf(err), "stage "+source.at.Name+": ")
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
	for _, entry := range bill.entries {
		// What is asked of an account that did not answer whole is not shown at all.
		if bill.answered[entry.Account] {
			ledger.take(entry)
		}
	}
	report.Rows, report.Totals, report.Changed, report.Protected = ledger.close()
	report.Notes = append(report.Notes, ledger.notes(bill)...)
	fleet.SortGaps(report.Gaps)
	return report
}

// stageNames are the names of an account's stages and templates, in the set's order.
func stageNames(f *fleet.Fleet, account string) (names []string) {
	for _, stage := range append(slices.Clone(f.Stages), f.Templates...) {
		if stage.Account == account {
			names = append(names, stage.Name)
		}
	}
	return names
}

// tierOf is the tier of a stage of an account, which a template may have made.
func tierOf(f *fleet.Fleet, name, account string) stages.Tier {
	for _, stage := range f.Stages {
		if stage.Name == name && stage.Account == account {
			return stage.Tier
		}
	}
	for _, template := range f.Templates {
		if template.Account != account {
			continue
		}
		if made, fits := f.TemplateOf(stages.Stage{Name: name, Account: account, Region: template.Region}); fits {
			return made.Tier
		}
	}
	return stages.Standard
}
