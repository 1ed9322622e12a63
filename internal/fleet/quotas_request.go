package fleet

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas/types"

	"github.com/roadshow-go/roadshow/stages"
)

// QuotaRequest is an open request for a higher quota, as Service Quotas remembers it.
type QuotaRequest struct {
	// ID is Service Quotas', Case that of AWS Support; empty before there is one.
	ID   string `json:"id"`
	Case string `json:"case,omitempty"`
	// Desired is the value that is asked for, Status PENDING or CASE_OPENED.
	Desired float64 `json:"desired"`
	Status  string  `json:"status"`
	// At is when it was made.
	At time.Time `json:"at"`
}

// openRequest is the open request for more of a quota; nil where there is none. AWS takes one at a time.
// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListRequestedServiceQuotaChangeHistoryByQuota.html
func openRequest(ctx context.Context, client *servicequotas.Client, service, code string) (*QuotaRequest, error) {
	pages := servicequotas.NewListRequestedServiceQuotaChangeHistoryByQuotaPaginator(client, &servicequotas.ListRequestedServiceQuotaChangeHistoryByQuotaInput{
		ServiceCode: &service, QuotaCode: &code,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, asked := range page.RequestedQuotas {
			if asked.Status == types.RequestStatusPending || asked.Status == types.RequestStatusCaseOpened {
				return quotaRequestOf(asked), nil
			}
		}
	}
	return nil, nil
}

func quotaRequestOf(asked types.RequestedServiceQuotaChange) *QuotaRequest {
	return &QuotaRequest{
		ID: aws.ToString(asked.Id), Case: aws.ToString(asked.CaseId), Desired: aws.ToFloat64(asked.DesiredValue),
		Status: string(asked.Status), At: aws.ToTime(asked.Created).UTC(),
	}
}

// QuotaIncrease is a quota that should be higher.
type QuotaIncrease struct {
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
	Request *QuotaRequest `json:"request,omitempty"`
	Problem string        `json:"problem,omitempty"`
}

// Askable tells that AWS takes a request for it, and has none that is open.
func (i QuotaIncrease) Askable() bool { return i.Link == "" && i.Advice == "" && i.Request == nil }

// supportCase is where a person opens a case for a higher limit.
// https://docs.aws.amazon.com/awssupport/latest/user/create-service-quota-increase.html
const supportCase = "https://support.console.aws.amazon.com/support/home#/case/create?issueType=service-limit-increase"

// Increases are what should be asked for: whatever does not fit, or is close and needed. What is asked for
// leaves a fifth of it free after the deploy, and is no less than AWS's default.
func (q QuotaSurvey) Increases(report *QuotaReport) []QuotaIncrease {
	increases := []QuotaIncrease{}
	for _, row := range report.Quotas {
		for _, place := range row.Places {
			if place.Verdict != QuotaShort && (place.Verdict != QuotaClose || !place.Needs()) || place.Limit == nil || place.Need == nil {
				continue
			}
			one := QuotaIncrease{
				Account: place.Account, Region: place.Region, Stages: place.Stages, Service: row.Service, Code: row.Code, Name: row.Name,
				Limit: *place.Limit, Request: place.Request,
			}
			quota := q.quota(row)
			one.Desired, one.Why = desired(quota, place)
			if place.Verdict == QuotaClose && one.Desired <= one.Limit {
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
func (q QuotaSurvey) quota(row QuotaRow) Quota {
	table := q.table()
	return table[slices.IndexFunc(table, func(quota Quota) bool {
		return quota.Service == row.Service && quota.Code == row.Code && quota.Name == row.Name
	})]
}

// desired is the value to ask for.
func desired(quota Quota, place QuotaPlace) (value float64, why string) {
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
func (q QuotaSurvey) Request(ctx context.Context, increases []QuotaIncrease) []QuotaIncrease {
	asked := slices.Clone(increases)
	for i := range asked {
		if !asked[i].Askable() {
			continue
		}
		if err := q.request(ctx, &asked[i]); err != nil {
			asked[i].Problem = brief(err)
		}
	}
	return asked
}

// MayRequest tells whether the accounts of stages can be asked for more at all: not from another account, whose roles
// there may not. It asks nobody. The error has an [*OwnCredentialsError] for each stage.
func (q QuotaSurvey) MayRequest(all ...stages.Stage) error {
	return q.Fleet.OwnCredentials("a request for higher quotas", "roadshow quotas --request", all...)
}

func (q QuotaSurvey) request(ctx context.Context, increase *QuotaIncrease) error {
	ctx, cancel := q.patient(ctx)
	defer cancel()
	asking, err := q.Fleet.Pick(increase.Stages...)
	if err != nil {
		return err
	}
	stage := asking[0]
	stage.Region = increase.Region
	if err := q.MayRequest(stage); err != nil {
		return err
	}
	config, _, err := q.Fleet.reach(ctx, stage)
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
	increase.Request = quotaRequestOf(*answer.RequestedQuota)
	return nil
}

// quotaFindings are what of a report stops a deploy, and what is only said before it.
func quotaFindings(report *QuotaReport) (stop, say []Finding) {
	for _, gap := range report.Gaps {
		say = append(say, Finding{
			Stage: gap.Stage, Check: "quota", Detail: gap.Service + " did not answer: " + gap.Problem,
			Fix: "nobody knows whether its quotas are enough; run `roadshow quotas`",
		})
	}
	for _, row := range report.Quotas {
		for _, place := range row.Places {
			finding := Finding{Stage: strings.Join(place.Stages, ", "), Check: "quota", Detail: row.String(place)}
			switch {
			case place.Verdict == QuotaShort:
				finding.Fix = place.remedy()
				stop = append(stop, finding)
			case place.Verdict == QuotaUnknown && place.Needs() && !place.unanswered:
				finding.Fix = "nobody knows whether it is enough; run `roadshow quotas`"
				say = append(say, finding)
			}
		}
	}
	return stop, say
}

// remedy is what to do about a quota that is not enough.
func (p QuotaPlace) remedy() string {
	switch {
	case p.Request != nil:
		return fmt.Sprintf("wait for AWS's decision on the request for %s (%s)", Amount(&p.Request.Desired), p.Request.Status)
	case p.Adjustable:
		return "run `roadshow quotas " + strings.Join(p.Stages, " ") + " --request`"
	}
	return "AWS takes no request for more; run `roadshow quotas`, which says what to do"
}
