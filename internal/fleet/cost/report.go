package cost

import (
	"strings"

	"github.com/shopspring/decimal"

	"github.com/roadshow-go/roadshow/internal/fleet"
)

// Report lists the costs of a fleet's accounts. Amounts are the decimals of Cost Explorer, never rounded; in JSON they
// are strings.
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
	// Protected lists the protected stages, with whose cost each row's Share compares; empty where there are none, or
	// where they are not known.
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

// Total is an amount of money in one currency.
type Total struct {
	// Currency is AWS's, such as USD.
	Currency string `json:"currency"`
	// Amount is the cost of the period. Before is the cost of the period before it; nil where Cost Explorer was not
	// asked for that period.
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
