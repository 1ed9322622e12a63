package cost

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"
	"github.com/aws/smithy-go"
	"github.com/shopspring/decimal"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
)

// unblendedCost is what is asked: what each day was charged, before any of it is spread over other days.
const unblendedCost = "UnblendedCost"

// usageQuery is one question to Cost Explorer: what accounts cost on each day, by service and either by account or
// by the stage's tag. Cost Explorer groups by two things at most.
type usageQuery struct {
	// Accounts are asked for, sorted.
	Accounts []string
	// ByTag groups by the stage's tag, which is for one account; else by account.
	ByTag bool
	// Start is the first day, End the day after the last.
	Start, End string
}

// usageEntry is one amount of an answer.
type usageEntry struct {
	Day     string
	Account string
	// Tag is the stage's tag; empty where there is none, or where it was not asked.
	Tag      string `json:",omitempty"`
	Service  string
	Currency string
	Amount   decimal.Decimal
}

// usageAnswer is the whole answer to a question.
type usageAnswer struct {
	// Days are those that it covers, sorted.
	Days    []string
	Entries []usageEntry
}

// check refuses an answer that is not whole: a missing day would look like one that costs nothing.
func (a usageAnswer) check(q usageQuery) error {
	want := q.days()
	if !slices.Equal(a.Days, want) {
		return fmt.Errorf("The answer has %d of %d days. Run it again.", len(a.Days), len(want))
	}
	for _, entry := range a.Entries {
		if !slices.Contains(q.Accounts, entry.Account) || entry.Currency == "" {
			return fmt.Errorf("The answer has an amount of account %q in %q, which was not asked for.", entry.Account, entry.Currency)
		}
	}
	return nil
}

func (q usageQuery) days() []string {
	start, _ := time.Parse(time.DateOnly, q.Start)
	end, _ := time.Parse(time.DateOnly, q.End)
	return days(start, end)
}

// input is the question in the words of the API.
// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_GetCostAndUsage.html
func (q usageQuery) input() *costexplorer.GetCostAndUsageInput {
	first := types.GroupDefinition{Type: types.GroupDefinitionTypeDimension, Key: aws.String(string(types.DimensionLinkedAccount))}
	if q.ByTag {
		first = types.GroupDefinition{Type: types.GroupDefinitionTypeTag, Key: aws.String(stacks.TagStage)}
	}
	return &costexplorer.GetCostAndUsageInput{
		Granularity: types.GranularityDaily, Metrics: []string{unblendedCost},
		TimePeriod: &types.DateInterval{Start: &q.Start, End: &q.End},
		// Also where an account asks for itself: one that manages an organization would be told of all its accounts.
		Filter: &types.Expression{Dimensions: &types.DimensionValues{Key: types.DimensionLinkedAccount, Values: q.Accounts}},
		GroupBy: []types.GroupDefinition{
			first, {Type: types.GroupDefinitionTypeDimension, Key: aws.String(string(types.DimensionService))},
		},
	}
}

// asker asks Cost Explorer, or the cache, and counts what that costs.
type asker struct {
	cache   dayCache
	fresh   bool
	timeout time.Duration

	mu           sync.Mutex
	calls, reads int
	unkept       error
}

// request gives one request its time, and counts it once it is answered: AWS charges for these.
func (a *asker) request(ctx context.Context, send func(context.Context) error) error {
	timed, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	err := send(timed)
	if err != nil && ctx.Err() == nil && timed.Err() != nil {
		return fmt.Errorf("It did not answer in %s (%w).", a.timeout, context.DeadlineExceeded)
	}
	if err == nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.calls++
	}
	return err
}

// kept reads an answer from the cache.
func (a *asker) kept(question cacheKey, answer any, check func() error) bool {
	if a.fresh {
		return false
	}
	data := a.cache.read(question)
	if data == nil || json.Unmarshal(data, answer) != nil || check() != nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reads++
	return true
}

// keep writes an answer that is whole.
func (a *asker) keep(question cacheKey, answer any) {
	if err := a.cache.write(question, answer); err != nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.unkept = cmp.Or(a.unkept, err)
	}
}

// costs answers a question, page by page. Nothing of an answer that breaks off is returned or kept.
func (a *asker) costs(ctx context.Context, client *costexplorer.Client, account string, q usageQuery) ([]usageEntry, error) {
	question := questionTo(client, account, q)
	var answer usageAnswer
	if a.kept(question, &answer, func() error { return answer.check(q) }) {
		return answer.Entries, nil
	}
	answer = usageAnswer{}
	input, seen := q.input(), map[string]bool{}
	for {
		var page *costexplorer.GetCostAndUsageOutput
		if err := a.request(ctx, func(ctx context.Context) (err error) {
			page, err = client.GetCostAndUsage(ctx, input)
			return err
		}); err != nil {
			return nil, err
		}
		for _, result := range page.ResultsByTime {
			if err := answer.add(q, result); err != nil {
				return nil, err
			}
		}
		token := aws.ToString(page.NextPageToken)
		if token == "" {
			break
		}
		if seen[token] {
			return nil, errors.New("The answer does not end: a page leads to one that was there.")
		}
		seen[token], input.NextPageToken = true, &token
	}
	slices.Sort(answer.Days)
	if err := answer.check(q); err != nil {
		return nil, err
	}
	a.keep(question, answer)
	return answer.Entries, nil
}

// questionTo says who is asked what.
func questionTo(client *costexplorer.Client, account string, query any) cacheKey {
	return cacheKey{account: account, endpoint: aws.ToString(client.Options().BaseEndpoint), query: query}
}

// add takes one day of a page; a day may go on on the next.
func (a *usageAnswer) add(q usageQuery, result types.ResultByTime) error {
	if result.TimePeriod == nil {
		return errors.New("The answer has an amount without a day.")
	}
	day := aws.ToString(result.TimePeriod.Start)
	if !slices.Contains(a.Days, day) {
		a.Days = append(a.Days, day)
	}
	for _, group := range result.Groups {
		metric, measured := group.Metrics[unblendedCost]
		if len(group.Keys) != 2 || !measured {
			return fmt.Errorf("The answer of %s has a group of %d keys; it must have 2 keys and %s.", day, len(group.Keys), unblendedCost)
		}
		amount, err := decimal.NewFromString(aws.ToString(metric.Amount))
		if err != nil {
			return fmt.Errorf("The answer of %s has the amount %q, which is no decimal.", day, aws.ToString(metric.Amount))
		}
		entry := usageEntry{Day: day, Account: group.Keys[0], Service: group.Keys[1], Currency: aws.ToString(metric.Unit), Amount: amount}
		if q.ByTag {
			// A group by a tag is its key and its value; without the tag the value is empty.
			value, is := strings.CutPrefix(group.Keys[0], stacks.TagStage+"$")
			if !is {
				return fmt.Errorf("The answer of %s has the group %q, which is none of tag %s.", day, group.Keys[0], stacks.TagStage)
			}
			entry.Account, entry.Tag = q.Accounts[0], value
		}
		a.Entries = append(a.Entries, entry)
	}
	return nil
}

// advised is what is wrong, as a sentence, and what to do.
func advised(wrong, fix string) string { return strings.TrimSuffix(wrong, ".") + ". " + fix }

// problemOf is why Cost Explorer did not answer, and what to do.
func problemOf(err error) string {
	var refusal smithy.APIError
	code := ""
	if errors.As(err, &refusal) {
		code = refusal.ErrorCode()
	}
	text := fleet.Brief(err)
	switch {
	case code == "LimitExceededException" || fleet.IsThrottled(err):
		return advised(text, "Wait a minute, and run it again.")
	case isNotEnabled(err):
		return advised(text, "Open Cost Explorer once in the console of the paying account, then wait for a day.")
	case code == "DataUnavailableException":
		return advised(text, "Cost Explorer has no data yet, or none of these days. Wait for a day.")
	case isDenied(err):
		return advised(text, "Allow it, as docs/permissions.md says, or write --payer with the paying account's profile.")
	case strings.Contains(code, "Expired") || strings.Contains(code, "UnrecognizedClient") || strings.Contains(code, "InvalidClientToken"):
		return advised(text, "Sign in again, or renew the credentials.")
	case errors.Is(err, context.DeadlineExceeded):
		return advised(err.Error(), "Run it again.")
	}
	return text
}

// isNotEnabled tells Cost Explorer's answer where nobody has ever opened it.
// https://docs.aws.amazon.com/cost-management/latest/userguide/ce-enable.html
func isNotEnabled(err error) bool {
	var refusal smithy.APIError
	return errors.As(err, &refusal) && strings.Contains(refusal.ErrorMessage(), "not enabled for cost explorer")
}

// isDenied tells that the credentials may not ask this.
func isDenied(err error) bool {
	var refusal smithy.APIError
	return errors.As(err, &refusal) && strings.Contains(refusal.ErrorCode(), "AccessDenied")
}
