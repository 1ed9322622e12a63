// Package quota tells whether the quotas of accounts suffice for what a program would deploy, and asks AWS for higher
// ones. A new quota is one more row of [Table].
package quota

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	quotatypes "github.com/aws/aws-sdk-go-v2/service/servicequotas/types"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/answer"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// Survey asks accounts whether their quotas are enough for what a program would deploy.
type Survey struct {
	// Fleet reaches the accounts, Assembly is what would be deployed. Required.
	Fleet    *fleet.Fleet
	Assembly fleet.Assembly
	// Table is what is asked. Default: [Table].
	Table []Quota
	// Needed asks only for those of which a deploy takes something. Default: all.
	Needed bool
	// Patience is how long one account may take in one region, all its answers together. Default:
	// [Patience].
	Patience time.Duration
	// Observe is told what happens. Default: nobody is.
	Observe func(fleet.Event)
}

// Patience is how long one account may take for its quotas in one region. Service Quotas answers few
// requests a second, and slower still while it throttles.
const Patience = 3 * time.Minute

// point is an account in a region.
type point struct{ account, region string }

// stageDemand is what one stage takes of each row.
type stageDemand struct {
	stage stages.Stage
	needs []map[string]need // by row
	gaps  []fleet.Gap
}

// inquiredPlace is a place of a row while it is asked about.
type inquiredPlace struct {
	row    int
	at     point
	stages []stages.Stage
	needs  map[string]need

	limit      answer.Answer[float64]
	adjustable bool
	used       answer.Answer[map[string]float64] // of what is counted in all; of each single thing nothing is asked
	request    *Request
}

// Run asks the accounts of stages, side by side. What an account did not answer is a gap of the report, and the
// verdict on it is [Unknown]. The error is the context's, or says that the assembly cannot be read.
func (q Survey) Run(ctx context.Context, all []stages.Stage) (*Report, error) {
	table := q.table()
	demands, failed := make([]stageDemand, len(all)), make([]error, len(all))
	parallel.ForEach(ctx, fleet.AccountsAtOnce, all, func(ctx context.Context, i int, stage stages.Stage) {
		ctx, cancel := q.patient(ctx)
		defer cancel()
		demands[i], failed[i] = q.demand(ctx, table, stage)
	})
	if err := cmp.Or(ctx.Err(), errors.Join(failed...)); err != nil {
		return nil, err
	}
	report := &Report{Quotas: []Row{}, Gaps: []fleet.Gap{}}
	for _, demand := range demands {
		report.Gaps = append(report.Gaps, demand.gaps...)
	}
	places := q.places(table, demands)
	points, at := pointsOf(places)
	gaps := make([][]fleet.Gap, len(points))
	parallel.ForEach(ctx, fleet.AccountsAtOnce, points, func(ctx context.Context, i int, point point) {
		ctx, cancel := q.patient(ctx)
		defer cancel()
		gaps[i] = q.ask(ctx, table, at[point])
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, some := range gaps {
		report.Gaps = append(report.Gaps, some...)
	}
	fleet.SortGaps(report.Gaps)
	report.Gaps = slices.Compact(report.Gaps) // an account that does not let anybody in was asked twice
	for i, row := range table {
		if listed := rowOf(i, row, places); len(listed.Places) > 0 {
			report.Quotas = append(report.Quotas, listed)
		}
	}
	for _, stage := range all {
		event := fleet.Event{Stage: stage, State: fleet.Done, Text: "asked"}
		if slices.ContainsFunc(report.Gaps, func(gap fleet.Gap) bool { return gap.Account == stage.Account }) {
			event.State, event.Text = fleet.Failed, "did not answer everything"
		}
		q.observe(event)
	}
	return report, nil
}

func (q Survey) table() []Quota {
	if q.Table == nil {
		return Table()
	}
	return q.Table
}

func (q Survey) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, cmp.Or(q.Patience, Patience))
}

func (q Survey) observe(event fleet.Event) {
	if q.Observe != nil {
		q.Observe(event)
	}
}

// demand compares the template of a stage with the one that is deployed.
func (q Survey) demand(ctx context.Context, table []Quota, stage stages.Stage) (stageDemand, error) {
	q.observe(fleet.Event{Stage: stage, State: fleet.Running, Text: "asking what is deployed"})
	demand := stageDemand{stage: stage, needs: make([]map[string]need, len(table))}
	one, synthesized := q.Assembly.Stage(stage.Name)
	if !synthesized {
		return demand, fmt.Errorf("Stage %s has no template in the assembly.\nSynthesize every stage, with -c stage=all.", stage.Name)
	}
	text, err := q.Assembly.Template(one)
	if err != nil {
		return demand, err
	}
	at := origin{account: stage.Account, region: stage.Region, stack: one.StackName, size: sizesOf(q.Assembly, one)}
	now, parameters, problem := q.deployed(ctx, stage, at)
	if problem != nil {
		demand.gaps = append(demand.gaps, *problem)
	}
	at.parameters = parameters
	next, err := evaluate(text, at)
	if err != nil {
		return demand, fmt.Errorf("Stage %s: %w", stage.Name, err)
	}
	if next.Hidden != "" {
		demand.gaps = append(demand.gaps, fleet.GapOf(stage, "CloudFormation", fmt.Errorf("the template has %s, and what that makes is not counted", next.Hidden)))
	}
	for i, row := range table {
		wanted := row.Demand(next)
		if next.Hidden != "" && !q.Needed { // else the gap is enough, and what is seen is asked for
			wanted = append(wanted, Share{Key: next.Hidden, Most: math.Inf(1), Unknown: next.Hidden})
		}
		switch {
		case row.Each:
			demand.needs[i] = map[string]need{"": largest(wanted)}
		case problem != nil: // at most all of it
			demand.needs[i] = increase(wanted, nil)
			for of, need := range demand.needs[i] {
				need.least, need.unknown = 0, "what is deployed"
				demand.needs[i][of] = need
			}
		case now == nil:
			demand.needs[i] = increase(wanted, nil)
		default:
			demand.needs[i] = increase(wanted, row.Demand(now))
		}
	}
	return demand, nil
}

// deployed is the template that is deployed, with the parameters that stay; nil where there is no stack.
func (q Survey) deployed(ctx context.Context, stage stages.Stage, at origin) (*Template, map[string]string, *fleet.Gap) {
	gap := func(service string, err error) (*Template, map[string]string, *fleet.Gap) {
		problem := gapOfReach(stage, service, err)
		return nil, nil, &problem
	}
	config, _, err := q.Fleet.Reach(ctx, stage)
	if err != nil {
		return gap("STS", err)
	}
	client := cloudformation.NewFromConfig(config)
	stack, err := stacks.Describe(ctx, client, at.stack).Found()
	if err != nil {
		return gap("CloudFormation", err)
	}
	if stack == nil {
		return nil, nil, nil
	}
	status := string(stack.StackStatus)
	if status == stacks.StatusReview || status == stacks.StatusFailedCreate {
		empty, _ := evaluate([]byte("{}"), at) // it is a stack, and has nothing
		return empty, nil, nil
	}
	at.parameters = map[string]string{}
	for _, parameter := range stack.Parameters {
		at.parameters[aws.ToString(parameter.ParameterKey)] = aws.ToString(parameter.ParameterValue)
	}
	answer, err := client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: stack.StackId})
	if err != nil {
		return gap("CloudFormation", err)
	}
	now, err := evaluate([]byte(aws.ToString(answer.TemplateBody)), at)
	if err != nil {
		return gap("CloudFormation", err)
	}
	if !slices.Contains(settledStacks, status) {
		// It has only a part of what its template says.
		held, err := heldBy(ctx, client, at.stack)
		if err != nil {
			return gap("CloudFormation", err)
		}
		now.Resources = slices.DeleteFunc(now.Resources, func(r Resource) bool { return !held[r.ID] })
	}
	return now, at.parameters, nil
}

// settledStacks are the statuses of stacks that have what their template says.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
var settledStacks = []string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"}

// heldBy are the logical ids of the resources that a stack has.
func heldBy(ctx context.Context, client *cloudformation.Client, stack string) (map[string]bool, error) {
	held := map[string]bool{}
	for one, err := range stacks.Resources(ctx, client, stack) {
		if err != nil {
			return nil, err
		}
		switch one.ResourceStatus {
		case cfntypes.ResourceStatusCreateInProgress, cfntypes.ResourceStatusCreateFailed, cfntypes.ResourceStatusDeleteComplete:
		default:
			held[aws.ToString(one.LogicalResourceId)] = true
		}
	}
	return held, nil
}

// gapOfReach is a gap whose service is the one that the error names, if it does.
func gapOfReach(stage stages.Stage, service string, err error) fleet.Gap {
	var known *fleet.ServiceError
	if errors.As(err, &known) {
		service, err = known.Service, known.Err
	}
	return fleet.GapOf(stage, service, err)
}

// places are where each row is asked: the accounts and regions of the stages, and for what is global the home
// of each account's quotas. The needs of stages that share one add up.
func (q Survey) places(table []Quota, demands []stageDemand) []*inquiredPlace {
	var places []*inquiredPlace
	for row, quota := range table {
		known := map[point]*inquiredPlace{}
		for _, demand := range demands {
			at := point{demand.stage.Account, demand.stage.Region}
			if quota.Global {
				at.region = homeOf(at.region)
			}
			place := known[at]
			if place == nil {
				place = &inquiredPlace{row: row, at: at, needs: map[string]need{}}
				known[at] = place
				places = append(places, place)
			}
			place.stages = append(place.stages, demand.stage)
			for of, need := range demand.needs[row] {
				if quota.Each {
					sum := place.needs[of].plus(need)
					place.needs[of] = needMax(place.needs[of], need, sum.unknown)
					continue
				}
				place.needs[of] = place.needs[of].plus(need)
			}
		}
	}
	if q.Needed {
		places = slices.DeleteFunc(places, func(place *inquiredPlace) bool {
			for _, need := range place.needs {
				if need.most > 0 {
					return false
				}
			}
			return true
		})
	}
	return places
}

func needMax(a, b need, unknown string) need {
	return need{max(a.least, b.least), max(a.most, b.most), unknown}
}

// pointsOf lists the places by account and region.
func pointsOf(places []*inquiredPlace) ([]point, map[point][]*inquiredPlace) {
	var points []point
	at := map[point][]*inquiredPlace{}
	for _, place := range places {
		if at[place.at] == nil {
			points = append(points, place.at)
		}
		at[place.at] = append(at[place.at], place)
	}
	return points, at
}

// ask asks one account in one region.
func (q Survey) ask(ctx context.Context, table []Quota, places []*inquiredPlace) []fleet.Gap {
	stage := places[0].stages[0]
	stage.Region = places[0].at.region
	say := func(finished int, text string) {
		for _, stage := range places[0].stages {
			q.observe(fleet.Event{Stage: stage, State: fleet.Running, Text: text, Finished: finished, Total: len(places)})
		}
	}
	var gaps []fleet.Gap
	gap := func(err error) {
		if one := gapOfReach(stage, "", err); !slices.Contains(gaps, one) {
			gaps = append(gaps, one)
		}
	}
	config, _, err := q.Fleet.Reach(ctx, stage)
	if err != nil {
		err = fleet.AsServiceError(stage, "STS", err)
		for _, place := range places {
			place.limit = answer.Untold[float64](err)
		}
		gap(err)
		return gaps
	}
	// What one account is asked, it is asked as slowly as it wants.
	config.RetryMode = aws.RetryModeAdaptive
	limits := &accountLimits{client: servicequotas.NewFromConfig(config)}
	for i, place := range places {
		row := table[place.row]
		say(i, row.Name)
		place.limit, place.adjustable = limits.of(ctx, stage, row)
		if err := place.limit.Untold(); err != nil {
			gap(err)
		}
		if row.Each || place.limit.IsAbsent() { // nor is there a service that could be asked
			continue
		}
		used, err := row.Used(ctx, config)
		if err != nil {
			err = fleet.AsServiceError(stage, row.API, err)
			place.used = answer.Untold[map[string]float64](err)
			gap(err)
			continue
		}
		place.used = answer.Seen(used)
	}
	for _, place := range places {
		row := table[place.row]
		verdict := place.verdict(row).Verdict
		if verdict != Short && verdict != Close || row.Code == "" {
			continue
		}
		if place.request, err = openRequest(ctx, limits.client, row.Service, row.Code); err != nil {
			gap(fleet.AsServiceError(stage, "Service Quotas", err)) // the verdict stands without it
		}
	}
	say(len(places), "asked")
	return gaps
}

// accountLimits are the quotas of one account in one region. Each service is asked once, for all of its quotas.
type accountLimits struct {
	client   *servicequotas.Client
	applied  map[string]serviceLimits
	defaults map[string]serviceLimits
}

type serviceLimits struct {
	quotas map[string]quotatypes.ServiceQuota
	err    error
}

// of is the limit of a row; absent where AWS does not know it there.
func (l *accountLimits) of(ctx context.Context, stage stages.Stage, row Quota) (limit answer.Answer[float64], adjustable bool) {
	if row.Code == "" {
		return answer.Seen(row.Default), false
	}
	if l.applied == nil {
		l.applied, l.defaults = map[string]serviceLimits{}, map[string]serviceLimits{}
	}
	for _, source := range []struct {
		known map[string]serviceLimits
		list  func(context.Context, string) (map[string]quotatypes.ServiceQuota, error)
	}{{l.applied, l.listApplied}, {l.defaults, l.listDefaults}} {
		service, asked := source.known[row.Service]
		if !asked {
			service.quotas, service.err = source.list(ctx, row.Service)
			if isGone(service.err) {
				service.err = nil // a service that the region does not have
			}
			source.known[row.Service] = service
		}
		if service.err != nil {
			return answer.Untold[float64](fleet.AsServiceError(stage, "Service Quotas", service.err)), false
		}
		// A quota may have a default and no applied value.
		if quota, known := service.quotas[row.Code]; known && quota.Value != nil {
			return answer.Seen(*quota.Value), quota.Adjustable
		}
	}
	return answer.Absent[float64](), false
}

func (l *accountLimits) listApplied(ctx context.Context, service string) (map[string]quotatypes.ServiceQuota, error) {
	list := servicequotas.NewListServiceQuotasPaginator(l.client, &servicequotas.ListServiceQuotasInput{ServiceCode: &service})
	return byCode(ctx, list, func(page *servicequotas.ListServiceQuotasOutput) []quotatypes.ServiceQuota { return page.Quotas })
}

func (l *accountLimits) listDefaults(ctx context.Context, service string) (map[string]quotatypes.ServiceQuota, error) {
	list := servicequotas.NewListAWSDefaultServiceQuotasPaginator(l.client, &servicequotas.ListAWSDefaultServiceQuotasInput{ServiceCode: &service})
	return byCode(ctx, list, func(page *servicequotas.ListAWSDefaultServiceQuotasOutput) []quotatypes.ServiceQuota {
		return page.Quotas
	})
}

// byCode are the quotas of a list by their code.
func byCode[Page, Option any](ctx context.Context, list pages[Page, Option], of func(Page) []quotatypes.ServiceQuota) (map[string]quotatypes.ServiceQuota, error) {
	found := map[string]quotatypes.ServiceQuota{}
	err := eachPage(ctx, list, func(page Page) {
		for _, quota := range of(page) {
			found[aws.ToString(quota.QuotaCode)] = quota
		}
	})
	return found, err
}

// rowOf is a row of the report.
func rowOf(number int, row Quota, places []*inquiredPlace) Row {
	listed := Row{
		Service: row.Service, Code: row.Code, Name: row.Name, Unit: row.Unit, Source: row.Source, Default: row.Default,
		Global: row.Global, Each: row.Each, Places: []Place{},
	}
	// Lower is what is lower than in every protected stage.
	lowest := math.Inf(1)
	for _, place := range places {
		protected := slices.ContainsFunc(place.stages, func(stage stages.Stage) bool { return stage.Tier == stages.Protected })
		if limit, seen := place.limit.Seen(); place.row == number && protected && seen {
			lowest = min(lowest, limit)
		}
	}
	for _, place := range places {
		if place.row != number {
			continue
		}
		shown := place.verdict(row)
		limit, seen := place.limit.Seen()
		shown.Lower = !math.IsInf(lowest, 1) && seen && limit < lowest
		listed.Places = append(listed.Places, shown)
	}
	return listed
}

// verdict judges a place.
func (p *inquiredPlace) verdict(row Quota) Place {
	shown := Place{
		Account: p.at.account, Region: p.at.region, Adjustable: p.adjustable, Request: p.request,
	}
	limit, limited := p.limit.Seen()
	used, counted := p.used.Seen()
	for _, stage := range p.stages {
		shown.Stages = append(shown.Stages, stage.Name)
	}
	room := math.Inf(1)
	if limited {
		shown.Limit = &limit
		if row.Keeps != nil {
			shown.Keeps = row.Keeps(limit)
		}
		room = limit - shown.Keeps
	}
	short := func(of string) bool { return p.needs[of].least > 0 && used[of]+p.needs[of].least > room }
	// The one that certainly does not fit, else that with the least room, be it of what is used or of what is needed.
	var some []string
	for of, need := range p.needs {
		if need.most > 0 || row.Each {
			some = append(some, of)
		}
	}
	if len(some) == 0 { // nothing is needed
		some = slices.Collect(maps.Keys(used))
	}
	slices.SortFunc(some, func(a, b string) int {
		if first := short(a); first != short(b) {
			if first {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(used[b]+p.needs[b].most, used[a]+p.needs[a].most), cmp.Compare(a, b))
	})
	if len(some) > 0 {
		shown.Subject = some[0]
	}
	needed := p.needs[shown.Subject]
	if !math.IsInf(needed.most, 1) {
		shown.Need, shown.AtMost = aws.Float64(needed.most), needed.least < needed.most
	}
	if counted {
		shown.Used = aws.Float64(used[shown.Subject])
	}
	if !limited || !counted && !row.Each {
		shown.Verdict = Unknown
		shown.Why, shown.unanswered = p.unseen()
		return shown
	}
	taken := used[shown.Subject]
	var why []string
	if row.Keeps != nil && needed.most > 0 {
		why = append(why, fmt.Sprintf("AWS keeps %s of it for %s", Amount(&shown.Keeps), row.KeepsNote))
	}
	if shown.New = row.New > 0 && limit <= row.New; shown.New {
		why = append(why, row.NewNote)
	}
	switch {
	case short(shown.Subject):
		shown.Verdict = Short
	case needed.most > 0 && taken+needed.most > room:
		shown.Verdict = Unknown
		why = append([]string{"it depends on " + needed.unknown}, why...)
	case limit > 0 && taken+needed.most >= closeShare*room && taken+needed.most > 0:
		shown.Verdict = Close
	default:
		shown.Verdict = Fits
		if !shown.New {
			why = nil
		}
	}
	shown.Why = strings.Join(why, "; ")
	return shown
}

// unseen is why a place has no verdict, and whether a gap of the report says more.
func (p *inquiredPlace) unseen() (why string, unanswered bool) {
	if p.limit.IsAbsent() {
		return "Service Quotas has no such quota in " + p.at.region, false
	}
	untold := cmp.Or(p.limit.Untold(), p.used.Untold())
	if refused, is := errors.AsType[*fleet.ServiceError](untold); is {
		return refused.Service + " did not answer", true
	}
	return untold.Error(), true
}

// zipFloor is how far a zip can shrink what is in it: the method's own limit. zipEntry is more than it adds to
// a file that cannot be shrunk.
// https://www.zlib.net/zlib_tech.html
const (
	zipFloor = 1032
	zipEntry = 1024
)

// sizesOf tells how long the objects are that a stage's assets become. A folder is packed when it is deployed,
// so that only bounds are known of it.
func sizesOf(a fleet.Assembly, one assembly.Synthesized) func(key string) (least, most float64, known bool) {
	assets := map[string]fleet.Asset{}
	for _, each := range a.Assets(one) {
		for _, key := range each.Keys {
			assets[key] = each
		}
	}
	return func(key string) (least, most float64, known bool) {
		source, listed := assets[key]
		if !listed {
			return 0, 0, false
		}
		length, count := 0.0, 0.0
		err := filepath.WalkDir(source.Path, func(_ string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			info, err := entry.Info()
			if err == nil {
				length, count = length+float64(info.Size()), count+1
			}
			return err
		})
		if source.Folder {
			return length / zipFloor, length + count*zipEntry, err == nil
		}
		return length, length, err == nil
	}
}
