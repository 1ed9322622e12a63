package quota

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/stages"
)

// Increase is a quota that should be higher.
type Increase struct {
	// Account and Region are where, Stages whose it is.
	Account string   `json:"account"`
	Region  string   `json:"region"`
	Stages  []string `json:"stages"`
	// Service, Code and Name are the quota's.
	Service string `json:"service"`
	Code    string `json:"code,omitempty"`
	Name    string `json:"name"`
	// Limit is what it is, Desired what it should be, Why says how that comes about.
	Limit   float64 `json:"limit"`
	Desired float64 `json:"desired"`
	Why     string  `json:"why"`
	// Link is where a person asks for it, where AWS takes no request; Advice says what to do there.
	Link   string `json:"link,omitempty"`
	Advice string `json:"advice,omitempty"`
	// Request is the open request, made now or before; nil where there is none. Problem is why none was made.
	Request *Request `json:"request,omitempty"`
	Problem string   `json:"problem,omitempty"`
}

// Askable tells that AWS takes a request for it, and has none that is open.
func (i Increase) Askable() bool { return i.Link == "" && i.Advice == "" && i.Request == nil }

// supportCase is where a person opens a case for a higher limit.
// https://docs.aws.amazon.com/awssupport/latest/user/create-service-quota-increase.html
const supportCase = "https://support.console.aws.amazon.com/support/home#/case/create?issueType=service-limit-increase"

// Increases are what should be asked for: whatever does not fit, or is close and needed. What is asked for
// leaves a fifth of it free after the deploy, and is no less than AWS's default.
func (q Survey) Increases(report *Report) []Increase {
	increases := []Increase{}
	for _, row := range report.Quotas {
		for _, place := range row.Places {
			if place.Verdict != Short && (place.Verdict != Close || !place.Needs()) || place.Limit == nil || place.Need == nil {
				continue
			}
			one := Increase{
				Account: place.Account, Region: place.Region, Stages: place.Stages, Service: row.Service, Code: row.Code, Name: row.Name,
				Limit: *place.Limit, Request: place.Request,
			}
			quota := q.quota(row)
			one.Desired, one.Why = desired(quota, place)
			if place.Verdict == Close && one.Desired <= one.Limit {
				continue
			}
			if !place.Adjustable {
				if one.Advice = quota.Advice; one.Advice == "" {
					one.Link = supportCase
				}
			}
			increases = append(increases, one)
		}
	}
	return increases
}

// quota is the row of the table that a row of the report is of.
func (q Survey) quota(row Row) Quota {
	table := q.table()
	return table[slices.IndexFunc(table, func(quota Quota) bool {
		return quota.Service == row.Service && quota.Code == row.Code && quota.Name == row.Name
	})]
}

// desired is the value to ask for.
func desired(quota Quota, place Place) (value float64, why string) {
	taken, keeps := *place.Need, 0.0
	if place.Used != nil {
		taken += *place.Used
	}
	if quota.Keeps != nil {
		keeps = quota.Keeps(math.Inf(1)) // of a higher limit it may be more than now
	}
	value = math.Ceil(taken/closeShare+keeps) + 1
	why = Amount(&taken) + " are taken after the deploy, which leaves a fifth free"
	if quota.Each {
		value, why = math.Ceil(taken), Amount(&taken)+" are needed at once"
	}
	if keeps > 0 {
		why += ", and AWS keeps " + Amount(&keeps)
	}
	if value < quota.Default {
		value, why = quota.Default, "AWS's default"
	}
	return value, why
}

// Request asks for increases that AWS takes requests for, and returns all of them with what came of it. It asks
// one account after the other what it may have refused before; nothing else remembers it.
// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_RequestServiceQuotaIncrease.html
func (q Survey) Request(ctx context.Context, increases []Increase) []Increase {
	asked := slices.Clone(increases)
	for i := range asked {
		if !asked[i].Askable() {
			continue
		}
		if err := q.request(ctx, &asked[i]); err != nil {
			asked[i].Problem = fleet.Brief(err)
		}
	}
	return asked
}

// MayRequest tells whether the accounts of stages can be asked for more at all: not from another account, whose roles
// there may not. The error has an [*OwnCredentialsError] for each stage.
func (q Survey) MayRequest(ctx context.Context, all ...stages.Stage) error {
	return q.Fleet.OwnCredentials(ctx, "a request for higher quotas", "roadshow quotas --request", all...)
}

func (q Survey) request(ctx context.Context, increase *Increase) error {
	ctx, cancel := q.patient(ctx)
	defer cancel()
	asking, err := q.Fleet.Pick(increase.Stages...)
	if err != nil {
		return err
	}
	stage := asking[0]
	stage.Region = increase.Region
	if err := q.MayRequest(ctx, stage); err != nil {
		return err
	}
	config, _, err := q.Fleet.Reach(ctx, stage)
	if err != nil {
		return err
	}
	config.RetryMode = aws.RetryModeAdaptive
	client := servicequotas.NewFromConfig(config)
	// Somebody may have asked meanwhile.
	if increase.Request, err = openRequest(ctx, client, increase.Service, increase.Code); err != nil || increase.Request != nil {
		return err
	}
	answer, err := client.RequestServiceQuotaIncrease(ctx, &servicequotas.RequestServiceQuotaIncreaseInput{
		ServiceCode: &increase.Service, QuotaCode: &increase.Code, DesiredValue: &increase.Desired,
	})
	if err != nil {
		return err
	}
	increase.Request = requestOf(*answer.RequestedQuota)
	return nil
}

// Preflight asks the accounts whether what would be deployed fits, before anything is changed.
type Preflight struct {
	// Fleet reaches the accounts, Assembly is what would be deployed. Required.
	Fleet    *fleet.Fleet
	Assembly fleet.Assembly
	// Despite goes on where a quota does not suffice, which Warn is told then. Default: that is returned.
	Despite bool
	// Warn is told what may be wrong and stops nothing: also what accounts did not answer. Default: nobody is.
	Warn func(fleet.Finding)
	// Observe is told what happens. Default: nobody is.
	Observe func(fleet.Event)
}

// Fits returns the quotas that do not suffice for stages. The error is that of [Survey.Run].
func (p Preflight) Fits(ctx context.Context, all []stages.Stage) ([]fleet.Finding, error) {
	report, err := Survey{Fleet: p.Fleet, Assembly: p.Assembly, Needed: true, Observe: func(event fleet.Event) {
		if p.Observe != nil && event.State == fleet.Running {
			p.Observe(event)
		}
	}}.Run(ctx, all)
	if err != nil {
		return nil, err
	}
	stop, say := findingsOf(report)
	if p.Despite {
		stop, say = nil, append(say, stop...)
	}
	for _, finding := range say {
		if p.Warn != nil {
			p.Warn(finding)
		}
	}
	return stop, nil
}

// findingsOf are what of a report stops a deploy, and what is only said before it.
func findingsOf(report *Report) (stop, say []fleet.Finding) {
	for _, gap := range report.Gaps {
		say = append(say, fleet.Finding{
			Stage: gap.Stage, Check: "quota", Detail: "Whether the quotas of " + gap.Service + " suffice could not be determined: " + strings.TrimSuffix(gap.Problem, ".") + ".",
			Fix: "Run `roadshow quotas`, which waits longer for an answer.",
		})
	}
	for _, row := range report.Quotas {
		for _, place := range row.Places {
			finding := fleet.Finding{Stage: strings.Join(place.Stages, ", "), Check: "quota", Detail: row.String(place) + "."}
			switch {
			case place.Verdict == Short:
				finding.Fix = place.remedy()
				stop = append(stop, finding)
			case place.Verdict == Unknown && place.Needs() && !place.unanswered:
				finding.Fix = "Whether that suffices could not be determined. Run `roadshow quotas`."
				say = append(say, finding)
			}
		}
	}
	return stop, say
}

// remedy is what to do about a quota that is not enough.
func (p Place) remedy() string {
	switch {
	case p.Request != nil:
		return fmt.Sprintf("Wait for AWS's decision on the request for %s (%s).", Amount(&p.Request.Desired), p.Request.Status)
	case p.Adjustable:
		return "Run `roadshow quotas " + strings.Join(p.Stages, " ") + " --request`."
	}
	return "AWS takes no request for more. Run `roadshow quotas`, which says what to do."
}
