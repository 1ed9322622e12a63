package cost

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// rowLedger sorts the entries of a bill into rows. Each entry is in one row, so that the rows add up to the bill.
type rowLedger struct {
	fleet  *fleet.Fleet
	since  string
	days   []string
	before bool
	rows   map[rowKey]*rowSums
	// tagged are the accounts with a stage's tag on their bill.
	tagged map[string]bool
	// currency is that of what costs nothing, where AWS names none.
	currency string
}

// rowKey is what tells rows apart.
type rowKey struct {
	kind           Kind
	stage, account string
	currency       string
}

// rowSums are the sums of a row, by service and by day.
type rowSums struct {
	amount, before decimal.Decimal
	services       map[string][2]decimal.Decimal // of this period, and of the one before
	days           map[string]decimal.Decimal
}

func newRowLedger(fleet *fleet.Fleet, period Period) *rowLedger {
	return &rowLedger{
		fleet: fleet, since: days(period.Start, period.End)[0], days: days(period.Start, period.End), before: !period.Before.IsZero(),
		rows: map[rowKey]*rowSums{}, tagged: map[string]bool{}, currency: "USD",
	}
}

// open makes the rows of what answered, so that a stage that costs nothing is a row too.
func (l *rowLedger) open(bill accountBill) {
	// An account may be billed in another currency than the last.
	of := map[string]string{}
	for account, entries := range bill.seen() {
		for _, entry := range entries {
			l.tagged[account] = l.tagged[account] || entry.Tag != ""
			l.currency, of[account] = entry.Currency, entry.Currency
		}
	}
	for account := range bill.seen() {
		currency := cmp.Or(of[account], l.currency)
		if crowded(l.fleet, account) && !l.tagged[account] {
			l.row(rowKey{kind: KindAccount, account: account, currency: currency})
			continue
		}
		for _, stage := range l.fleet.Stages {
			if stage.Account == account {
				l.row(rowKey{kind: KindStage, stage: stage.Name, account: account, currency: currency})
			}
		}
		if !crowded(l.fleet, account) {
			for _, name := range stageNames(l.fleet, account) { // a template alone has an account to itself
				l.row(rowKey{kind: KindStage, stage: name, account: account, currency: currency})
			}
		}
	}
}

func (l *rowLedger) row(key rowKey) *rowSums {
	if l.rows[key] == nil {
		l.rows[key] = &rowSums{services: map[string][2]decimal.Decimal{}, days: map[string]decimal.Decimal{}}
	}
	return l.rows[key]
}

// isCharge tells what Cost Explorer lists among the services and no stage uses: AWS has no dimension for it beside
// a service's that groups with an account.
func isCharge(service string) bool {
	return service == "Tax" || strings.HasPrefix(service, "AWS Support") || strings.HasPrefix(service, "AWS Premium Support")
}

// keyOf is the row of an entry.
func (l *rowLedger) keyOf(entry usageEntry) rowKey {
	key := rowKey{account: entry.Account, currency: entry.Currency}
	switch {
	case isCharge(entry.Service):
		key.kind, key.account = KindCharges, ""
	case !crowded(l.fleet, entry.Account):
		key.kind, key.stage = KindStage, stageNames(l.fleet, entry.Account)[0]
	case entry.Tag != "":
		key.kind, key.stage = KindStage, entry.Tag
	case l.tagged[entry.Account]:
		key.kind = KindUntagged
	default:
		key.kind = KindAccount
	}
	return key
}

// take adds an entry to its row.
func (l *rowLedger) take(entry usageEntry) {
	sums := l.row(l.keyOf(entry))
	service := sums.services[entry.Service]
	if entry.Day < l.since {
		sums.before, service[1] = sums.before.Add(entry.Amount), service[1].Add(entry.Amount)
	} else {
		sums.amount, service[0] = sums.amount.Add(entry.Amount), service[0].Add(entry.Amount)
		sums.days[entry.Day] = sums.days[entry.Day].Add(entry.Amount)
	}
	sums.services[entry.Service] = service
}

// mostChanges is how many changes a report names.
const mostChanges = 10

// close makes the rows, their sums, what changed most, and the stages that the others are a share of.
func (l *rowLedger) close() (rows []Row, totals []Total, changed []Change, protected []string) {
	rows, totals = []Row{}, []Total{}
	keys := slices.SortedFunc(maps.Keys(l.rows), l.order)
	sums := map[string][2]decimal.Decimal{}
	for _, key := range keys {
		of := l.rows[key]
		rows = append(rows, l.written(key, of))
		sums[key.currency] = [2]decimal.Decimal{sums[key.currency][0].Add(of.amount), sums[key.currency][1].Add(of.before)}
		changed = append(changed, l.changes(rows[len(rows)-1], of)...)
	}
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		totals = append(totals, l.total(currency, sums[currency][0], sums[currency][1]))
	}
	slices.SortStableFunc(changed, func(a, b Change) int { return b.Difference.Abs().Cmp(a.Difference.Abs()) })
	return rows, totals, changed[:min(len(changed), mostChanges)], l.shares(rows)
}

// order is that of the set, then other stages by name, then what is no one stage's.
func (l *rowLedger) order(a, b rowKey) int {
	place := func(key rowKey) int {
		all := l.fleet.All()
		at := slices.IndexFunc(all, func(stage stages.Stage) bool {
			return stage.Account == key.account && (stage.Name == key.stage || key.kind == KindAccount)
		})
		switch {
		case key.kind == KindCharges:
			return len(all) + 2
		case key.kind == KindUntagged:
			return len(all) + 1
		case at < 0:
			return len(all)
		}
		return at
	}
	return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a.account, b.account), cmp.Compare(a.stage, b.stage), cmp.Compare(a.currency, b.currency))
}

func (l *rowLedger) total(currency string, amount, before decimal.Decimal) Total {
	total := Total{Currency: currency, Amount: amount}
	if l.before {
		total.Before = &before
	}
	return total
}

func (l *rowLedger) written(key rowKey, sums *rowSums) Row {
	row := Row{Kind: key.kind, Stage: key.stage, Account: key.account, Total: l.total(key.currency, sums.amount, sums.before), Days: []decimal.Decimal{}}
	if key.kind == KindAccount {
		row.Stages = stageNames(l.fleet, key.account)
	}
	if l.before {
		row.Change = percent(sums.amount.Sub(sums.before), sums.before.Abs())
	}
	for _, service := range slices.Sorted(maps.Keys(sums.services)) {
		if amount := sums.services[service][0]; amount.IsPositive() && (row.Top == nil || amount.GreaterThan(row.Top.Amount)) {
			row.Top = &TopService{Service: service, Amount: amount}
		}
	}
	for _, day := range l.days {
		row.Days = append(row.Days, sums.days[day])
	}
	return row
}

// changes are the services of a row that cost more or less than in the period before.
func (l *rowLedger) changes(row Row, sums *rowSums) (changed []Change) {
	if !l.before {
		return nil
	}
	for _, service := range slices.Sorted(maps.Keys(sums.services)) {
		amount, before := sums.services[service][0], sums.services[service][1]
		if difference := amount.Sub(before); !difference.IsZero() {
			changed = append(changed, Change{
				Row: row.Name(), Account: row.Account, Service: service, Total: l.total(row.Currency, amount, before), Difference: difference,
			})
		}
	}
	return changed
}

// percent is a share of a whole, to one place; empty where the whole is nothing.
func percent(of, whole decimal.Decimal) string {
	if !whole.IsPositive() {
		return ""
	}
	return of.Mul(decimal.NewFromInt(100)).DivRound(whole, 1).StringFixed(1)
}

// shares says what each row of sandboxes and standard stages is of the protected ones, where all of these are known
// and in one currency.
func (l *rowLedger) shares(rows []Row) (protected []string) {
	whole, currency := decimal.Zero, ""
	for _, stage := range l.fleet.Stages {
		if stage.Tier != stages.Protected {
			continue
		}
		known := 0
		for _, row := range rows {
			if row.Kind == KindStage && row.Stage == stage.Name && row.Account == stage.Account {
				known++
				whole, currency = whole.Add(row.Amount), row.Currency
			}
		}
		if known != 1 || slices.ContainsFunc(rows, func(row Row) bool { return row.Currency != currency }) {
			return nil
		}
		protected = append(protected, stage.Name)
	}
	for i, row := range rows {
		names := []string{row.Stage}
		switch row.Kind {
		case KindAccount:
			names = row.Stages
		case KindStage:
		default:
			continue
		}
		if !slices.ContainsFunc(names, func(name string) bool { return tierOf(l.fleet, name, row.Account) == stages.Protected }) {
			rows[i].Share = percent(row.Amount, whole)
		}
	}
	return protected
}

// notes say what the rows do not.
func (l *rowLedger) notes(bill accountBill) (notes []string) {
	for account, entries := range bill.seen() {
		names := strings.Join(stageNames(l.fleet, account), ", ")
		switch {
		case len(entries) == 0:
			notes = append(notes, fmt.Sprintf("Cost Explorer lists nothing at all of account %s (%s): it is new, or nothing there was charged for", account, names))
		case crowded(l.fleet, account) && !l.tagged[account]:
			notes = append(notes, fmt.Sprintf("account %s has several stages (%s), and no cost of it carries the tag %s: only its sum is known", account, names, stacks.TagStage))
		}
	}
	return append(notes, tagNotes(bill.tags)...)
}

// tagNotes says of each account that pays which tags are not on its bill.
func tagNotes(tags []Tag) (notes []string) {
	of := map[Tag][]string{}
	for _, tag := range tags {
		one := Tag{Account: tag.Account, Status: tag.Status}
		of[one] = append(of[one], tag.Key)
	}
	for _, one := range slices.SortedFunc(maps.Keys(of), func(a, b Tag) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Status, b.Status))
	}) {
		keys := strings.Join(of[one], ", ")
		switch one.Status {
		case TagInactive:
			notes = append(notes, fmt.Sprintf("account %s, which pays, has these cost allocation tags inactive: %s; activate them with `roadshow costs --activate-tags`", one.Account, keys))
		case TagUnseen:
			notes = append(notes, fmt.Sprintf("account %s, which pays, has not seen these tags: %s; AWS does up to 24 hours after what a first deploy made is charged for", one.Account, keys))
		}
	}
	return notes
}
