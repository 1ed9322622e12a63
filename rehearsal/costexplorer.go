package rehearsal

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func costExplorerService() *service {
	return &service{protocol: json11, operations: map[string]operation{
		"GetCostAndUsage":                globally(getCostAndUsage),
		"ListCostAllocationTags":         globally(listCostAllocationTags),
		"UpdateCostAllocationTagsStatus": globally(updateCostAllocationTagsStatus),
	}}
}

// Cost is what an account was charged on one day for one service.
type Cost struct {
	// Day is the day in UTC, such as "2026-10-31". Required.
	Day string
	// Service is its name as Cost Explorer writes it, such as "AWS Lambda" or "Tax". Required.
	Service string
	// Amount is a decimal of at most ten places, as Cost Explorer gives them; negative for a credit. Required.
	Amount string
	// Unit is the currency; "USD" when it is empty.
	Unit string `json:",omitempty"`
	// Tags are those of what was charged for.
	Tags map[string]string `json:",omitempty"`
}

// costState is what Cost Explorer keeps of an account.
type costState struct {
	// Off is that Cost Explorer was never enabled.
	Off bool `json:",omitempty"`
	// Costs are the account's own; those of its organization are the other accounts'.
	Costs []Cost `json:",omitempty"`
	// Active has the day from which each active cost allocation tag is on the bill, by its key. It is that of
	// the account that pays.
	Active map[string]string `json:",omitempty"`
}

var costs = keep[costState]("ce")

var decimal = regexp.MustCompile(`^-?[0-9]+(\.[0-9]{1,10})?$`)

// check refuses what Cost Explorer could not have.
func (c Cost) check() error {
	switch {
	case !isDay(c.Day):
		return fmt.Errorf("rehearsal: Cost.Day is %q, want a day such as 2026-10-31", c.Day)
	case c.Service == "":
		return fmt.Errorf("rehearsal: Cost.Service is empty, want a name such as AWS Lambda")
	case !decimal.MatchString(c.Amount):
		return fmt.Errorf("rehearsal: Cost.Amount is %q, want a decimal of at most ten places", c.Amount)
	}
	return nil
}

// check refuses what Cost Explorer could not keep.
func (s *costState) check() error {
	for _, one := range s.Costs {
		if err := one.check(); err != nil {
			return err
		}
	}
	for key, from := range s.Active {
		if !isDay(from) {
			return fmt.Errorf("rehearsal: Active has %q of %s, want a day such as 2026-10-31", from, key)
		}
	}
	return nil
}

// Charge adds costs to the account's bill.
func (c Console) Charge(charged ...Cost) error {
	for _, one := range charged {
		if err := one.check(); err != nil {
			return err
		}
	}
	return c.costs(func(state *costState) { state.Costs = append(state.Costs, charged...) })
}

// ActivateCostTag makes a tag a cost allocation tag of whatever the account pays for, from a day on; AWS does not
// put tags on what was charged before.
func (c Console) ActivateCostTag(key, from string) error {
	if !isDay(from) {
		return fmt.Errorf("rehearsal: the day is %q, want one such as 2026-10-31", from)
	}
	return c.costs(func(state *costState) { state.activate(key, from) })
}

// DisableCostExplorer makes the account one that has never enabled Cost Explorer.
func (c Console) DisableCostExplorer() error {
	return c.costs(func(state *costState) { state.Off = true })
}

func (c Console) costs(change func(*costState)) error {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	if !c.store.accounts[c.account] {
		return fmt.Errorf("rehearsal: there is no account %q", c.account)
	}
	change(costs.of(c.store, c.account))
	return nil
}

func (s *costState) activate(key, from string) {
	if s.Active == nil {
		s.Active = map[string]string{}
	}
	if _, already := s.Active[key]; !already {
		s.Active[key] = from
	}
}

func isDay(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

// What one request may ask for, and what a page holds. AWS does not say how many groups its pages have.
const (
	mostGroupings  = 2
	groupsPerPage  = 1000
	costMonthsBack = 14
)

func invalid(format string, args ...any) *apiError {
	return refuse(http.StatusBadRequest, "ValidationException", format, args...)
}

// unrehearsed refuses what AWS may answer and the rehearsal does not.
func unrehearsed(what string) *apiError {
	return refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal does not know %s of ce GetCostAndUsage", what)
}

// costQuery is a request of GetCostAndUsage.
type costQuery struct {
	TimePeriod struct{ Start, End string }
	// Granularity is DAILY or MONTHLY.
	Granularity string
	Metrics     []string
	GroupBy     []costGrouping
	Filter      *costFilter
	// NextPageToken is no part of what is asked.
	NextPageToken string `json:",omitempty"`
}

type costGrouping struct{ Type, Key string }

// costFilter is an Expression.
// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_Expression.html
type costFilter struct {
	And, Or          []costFilter
	Not              *costFilter
	Dimensions, Tags *costValues
}

type costValues struct {
	Key                  string
	Values, MatchOptions []string
}

// costItem is a cost as who pays sees it.
type costItem struct {
	Cost
	account string
}

// value is what a grouping or a filter asks of an item.
func (i costItem) value(kind, key string) (string, *apiError) {
	switch {
	case kind == "TAG":
		return i.Tags[key], nil
	case key == "LINKED_ACCOUNT":
		return i.account, nil
	case key == "SERVICE":
		return i.Service, nil
	}
	return "", unrehearsed("the dimension " + key)
}

// admits tells whether an item meets a filter.
func (f *costFilter) admits(item costItem) (bool, *apiError) {
	if f == nil {
		return true, nil
	}
	switch {
	case f.Not != nil:
		meets, err := f.Not.admits(item)
		return !meets, err
	case len(f.And) > 0, len(f.Or) > 0:
		for _, one := range append(slices.Clone(f.And), f.Or...) {
			meets, err := one.admits(item)
			if err != nil || meets != (len(f.And) > 0) {
				return meets, err
			}
		}
		return len(f.And) > 0, nil
	case f.Dimensions != nil:
		value, err := item.value("DIMENSION", f.Dimensions.Key)
		return slices.Contains(f.Dimensions.Values, value), err
	case f.Tags != nil:
		value, err := item.value("TAG", f.Tags.Key)
		if slices.Contains(f.Tags.MatchOptions, "ABSENT") {
			return value == "", err
		}
		return slices.Contains(f.Tags.Values, value), err
	}
	return false, invalid("Expression must have a dimension, a tag, And, Or or Not")
}

// readCostQuery reads a request and refuses what AWS would.
// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_GetCostAndUsage.html
func readCostQuery(body []byte, now time.Time) (costQuery, *apiError) {
	var query costQuery
	if err := json.Unmarshal(body, &query); err != nil {
		return query, refuse(http.StatusBadRequest, "SerializationException", "%v", err)
	}
	start, end := query.TimePeriod.Start, query.TimePeriod.End
	today := now.UTC().Format(time.DateOnly)
	switch {
	case !isDay(start) || !isDay(end):
		return query, invalid("Start time %s or end time %s is invalid. Valid format is: yyyy-MM-dd.", start, end)
	case start >= end:
		return query, invalid("Start date (and hour) should be before end date (and hour)")
	case start > today:
		return query, invalid("Start time %s is in the future", start)
	case start < now.UTC().AddDate(0, -costMonthsBack, 0).Format(time.DateOnly):
		return query, invalid("You haven't enabled historical data beyond %d months", costMonthsBack)
	case query.Granularity != "DAILY" && query.Granularity != "MONTHLY":
		return query, unrehearsed("the granularity " + query.Granularity)
	case len(query.Metrics) == 0:
		return query, invalid("Metrics is required")
	case !slices.Equal(query.Metrics, []string{"UnblendedCost"}):
		return query, unrehearsed("the metrics " + strings.Join(query.Metrics, ", "))
	case len(query.GroupBy) > mostGroupings:
		return query, invalid("Group by cannot have more than %d groups", mostGroupings)
	}
	return query, nil
}

// getCostAndUsage answers an account for what it pays: the one that manages an organization for all of it, any
// other for itself.
func getCostAndUsage(r *request) (any, error) {
	query, err := readCostQuery(r.body, time.Now())
	if err != nil {
		return nil, err
	}
	items, err := r.bill()
	if err != nil {
		return nil, err
	}
	token := query.NextPageToken
	query.NextPageToken = ""
	asked, _ := json.Marshal(query)
	start := 0
	if token != "" {
		digest, at, _ := strings.Cut(token, "-")
		n, broken := strconv.Atoi(at)
		switch {
		case broken != nil || n < 0:
			return nil, refuse(http.StatusBadRequest, "InvalidNextTokenException", "Invalid next page token")
		case digest != hashed(asked):
			return nil, refuse(http.StatusBadRequest, "RequestChangedException", "Your request parameters changed between pages. Try again with the old parameters or without a pagination token.")
		}
		start = n
	}
	periods, err := query.results(items)
	if err != nil {
		return nil, err
	}
	out := object{"GroupDefinitions": definitionsOf(query.GroupBy), "DimensionValueAttributes": []object{}}
	results, rest := cutResults(periods, start)
	if out["ResultsByTime"] = results; rest > 0 {
		out["NextPageToken"] = fmt.Sprintf("%s-%d", hashed(asked), rest)
	}
	return out, nil
}

// bill is what the caller's account pays, with the tags that are active on it.
func (r *request) bill() ([]costItem, *apiError) {
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	payer := r.account
	accounts := []string{r.account}
	if r.store.linked(r.account) {
		payer = organizations.of(r.store, r.account).Management
	} else {
		accounts = r.store.members(r.account)
	}
	if costs.of(r.store, r.account).Off || costs.of(r.store, payer).Off {
		return nil, refuse(http.StatusBadRequest, "AccessDeniedException", "User not enabled for cost explorer access")
	}
	active := costs.of(r.store, payer).Active
	var items []costItem
	for _, account := range accounts {
		for _, cost := range costs.of(r.store, account).Costs {
			cost.Tags = maps.Clone(cost.Tags)
			maps.DeleteFunc(cost.Tags, func(key, _ string) bool {
				from, is := active[key]
				return !is || cost.Day < from
			})
			items = append(items, costItem{cost, account})
		}
	}
	return items, nil
}

// costPeriod is a day or a month of an answer.
type costPeriod struct {
	start, end string
	groups     []costGroup
}

// costGroup is an amount of one currency.
type costGroup struct {
	keys []string
	unit string
	sum  *big.Rat
}

// results are the sums of each period, groups sorted by their keys.
func (q costQuery) results(items []costItem) ([]costPeriod, *apiError) {
	var periods []costPeriod
	for at, _ := time.Parse(time.DateOnly, q.TimePeriod.Start); at.Format(time.DateOnly) < q.TimePeriod.End; {
		next := at.AddDate(0, 0, 1)
		if q.Granularity == "MONTHLY" {
			next = time.Date(at.Year(), at.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		}
		period := costPeriod{start: at.Format(time.DateOnly), end: min(next.Format(time.DateOnly), q.TimePeriod.End)}
		periods, at = append(periods, period), next
	}
	for _, item := range items {
		at := slices.IndexFunc(periods, func(p costPeriod) bool { return p.start <= item.Day && item.Day < p.end })
		if at < 0 {
			continue
		}
		meets, err := q.Filter.admits(item)
		if err != nil {
			return nil, err
		}
		if !meets {
			continue
		}
		keys := []string{}
		for _, grouping := range q.GroupBy {
			value, err := item.value(grouping.Type, grouping.Key)
			if err != nil {
				return nil, err
			}
			if grouping.Type == "TAG" {
				value = grouping.Key + "$" + value
			}
			keys = append(keys, value)
		}
		periods[at].add(keys, orElse(item.Unit, "USD"), item.Amount)
	}
	for i := range periods {
		slices.SortFunc(periods[i].groups, func(a, b costGroup) int { return cmp.Or(slices.Compare(a.keys, b.keys), cmp.Compare(a.unit, b.unit)) })
	}
	return periods, nil
}

func (p *costPeriod) add(keys []string, unit, amount string) {
	at := slices.IndexFunc(p.groups, func(g costGroup) bool { return slices.Equal(g.keys, keys) && g.unit == unit })
	if at < 0 {
		at = len(p.groups)
		p.groups = append(p.groups, costGroup{keys, unit, new(big.Rat)})
	}
	value, _ := new(big.Rat).SetString(amount)
	p.groups[at].sum.Add(p.groups[at].sum, value)
}

// metrics are an amount as Cost Explorer writes it: exact, without zeros at its end.
func (g costGroup) metrics() object {
	amount := strings.TrimSuffix(strings.TrimRight(g.sum.FloatString(10), "0"), ".")
	return object{"UnblendedCost": object{"Amount": amount, "Unit": g.unit}}
}

// cutResults is the page that starts at a group, counted over all periods, and where the next one starts; 0 where
// there is none. A period without groups has a total of zero and counts as one.
func cutResults(periods []costPeriod, start int) ([]object, int) {
	results, seen := []object{}, 0
	month := time.Now().UTC().Format("2006-01")
	for _, period := range periods {
		size := max(len(period.groups), 1)
		from, to := max(start-seen, 0), min(start+groupsPerPage-seen, size)
		seen += size
		if from >= to {
			continue
		}
		one := object{
			"TimePeriod": object{"Start": period.start, "End": period.end}, "Estimated": period.start >= month, "Groups": []object{}, "Total": object{},
		}
		switch {
		case len(period.groups) == 0:
			one["Total"] = costGroup{unit: "USD", sum: new(big.Rat)}.metrics()
		case len(period.groups[0].keys) == 0:
			one["Total"] = period.groups[0].metrics()
		default:
			groups := []object{}
			for _, group := range period.groups[from:to] {
				groups = append(groups, object{"Keys": group.keys, "Metrics": group.metrics()})
			}
			one["Groups"] = groups
		}
		results = append(results, one)
	}
	if start+groupsPerPage < seen {
		return results, start + groupsPerPage
	}
	return results, 0
}

func definitionsOf(groupings []costGrouping) []object {
	definitions := []object{}
	for _, one := range groupings {
		definitions = append(definitions, object{"Type": one.Type, "Key": one.Key})
	}
	return definitions
}

// payerOnly refuses an account for which another pays.
func (r *request) payerOnly(verb string) *apiError {
	if r.store.linked(r.account) {
		return refuse(http.StatusBadRequest, "AccessDeniedException", "Failed to %s: Linked account doesn't have access to cost allocation tags.", verb)
	}
	return nil
}

// seenCostTags are the tags of whatever an account pays for: AWS knows a key once it was on something that was
// charged for. The caller holds the lock.
func (s *store) seenCostTags(payer string) []string {
	seen := map[string]bool{}
	for _, account := range s.members(payer) {
		for _, cost := range costs.of(s, account).Costs {
			for key := range cost.Tags {
				seen[key] = true
			}
		}
	}
	for key := range costs.of(s, payer).Active {
		seen[key] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// listCostAllocationTags lists the tags and whether they are active.
// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_ListCostAllocationTags.html
func listCostAllocationTags(r *request) (any, error) {
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	if err := r.payerOnly("list Cost Allocation Tags"); err != nil {
		return nil, err
	}
	wanted, tags := r.texts("TagKeys"), []object{}
	for _, key := range r.store.seenCostTags(r.account) {
		from, active := costs.of(r.store, r.account).Active[key]
		status := "Inactive"
		if active {
			status = "Active"
		}
		kind := "UserDefined"
		if strings.HasPrefix(key, "aws:") {
			kind = "AWSGenerated"
		}
		if len(wanted) > 0 && !slices.Contains(wanted, key) || !slices.Contains([]string{"", status}, r.text("Status")) || !slices.Contains([]string{"", kind}, r.text("Type")) {
			continue
		}
		one := object{"TagKey": key, "Status": status, "Type": kind}
		if active {
			one["LastUpdatedDate"] = from + "T00:00:00Z"
		}
		tags = append(tags, one)
	}
	most := 100
	if asked, err := strconv.Atoi(r.text("MaxResults")); err == nil && asked > 0 {
		most = min(asked, 1000)
	}
	tags, next, err := page(r, tags, most)
	return object{"CostAllocationTags": tags, "NextToken": orNil(next)}, err
}

// updateCostAllocationTagsStatus activates tags from today on, and deactivates them. A key that AWS has not seen is
// an error beside the others, not a refusal.
// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_UpdateCostAllocationTagsStatus.html
func updateCostAllocationTagsStatus(r *request) (any, error) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	if err := r.payerOnly("update Cost Allocation Tag"); err != nil {
		return nil, err
	}
	entries, _ := r.input["CostAllocationTagsStatus"].([]any)
	if len(entries) < 1 || len(entries) > 20 {
		return nil, invalid("CostAllocationTagsStatus must have 1 to 20 entries")
	}
	seen, state, failed := r.store.seenCostTags(r.account), costs.of(r.store, r.account), []object{}
	for _, each := range entries {
		entry, _ := each.(object)
		key, status := textOf(entry["TagKey"]), textOf(entry["Status"])
		switch {
		case !slices.Contains(seen, key):
			failed = append(failed, object{"TagKey": key, "Code": "TagKeysNotFoundException", "Message": "Failed to update Cost Allocation Tag: " + key})
		case status == "Active":
			state.activate(key, time.Now().UTC().Format(time.DateOnly))
		case status == "Inactive":
			delete(state.Active, key)
		default:
			return nil, invalid("Status is %s, want Active or Inactive", status)
		}
	}
	return object{"Errors": failed}, nil
}
