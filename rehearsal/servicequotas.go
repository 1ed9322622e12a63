package rehearsal

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/stages"
)

// servicequotas is Service Quotas: what accounts may hold, and how they ask for
// more.
// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/Welcome.html
func serviceQuotasService() *service {
	return &service{protocol: json11, operations: map[string]operation{
		"ListServices":                                  reading(listQuotaServices),
		"ListServiceQuotas":                             reading(listServiceQuotas),
		"ListAWSDefaultServiceQuotas":                   reading(listDefaultQuotas),
		"GetServiceQuota":                               reading(getServiceQuota),
		"GetAWSDefaultServiceQuota":                     reading(getDefaultQuota),
		"RequestServiceQuotaIncrease":                   reading(requestQuotaIncrease),
		"GetRequestedServiceQuotaChange":                reading(getQuotaRequest),
		"ListRequestedServiceQuotaChangeHistory":        reading(listQuotaRequests),
		"ListRequestedServiceQuotaChangeHistoryByQuota": reading(listQuotaRequestsByQuota),
	}}
}

// quotaHome is where quotas of a whole account are asked, and shown.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const quotaHome = "us-east-1"

var serviceNames = map[string]string{
	"lambda": "AWS Lambda", "codebuild": "AWS CodeBuild", "dynamodb": "Amazon DynamoDB", "s3": "Amazon Simple Storage Service (Amazon S3)",
	"iam": "AWS Identity and Access Management (IAM)", "vpc": "Amazon Virtual Private Cloud (Amazon VPC)",
	"ec2": "Amazon Elastic Compute Cloud (Amazon EC2)", "dax": "Amazon DynamoDB Accelerator (DAX)",
	"events": "Amazon EventBridge (CloudWatch Events)", "sns": "Amazon Simple Notification Service (Amazon SNS)",
	"apigateway": "Amazon API Gateway", "cloudformation": "AWS CloudFormation",
}

// quotaState is what an account's quotas are, where they are not what it began
// with, and what it has asked for.
type quotaState struct {
	// Applied are values by region, service code and quota code, with slashes
	// between them.
	Applied map[string]float64 `json:",omitempty"`
	// Requests are the oldest first.
	Requests []QuotaRequest `json:",omitempty"`
}

var quotaStates = keep[quotaState]("servicequotas")

// QuotaRequest is an account's request for a higher quota.
type QuotaRequest struct {
	// ID is Service Quotas', CaseID the support case's, once there is one.
	ID     string
	CaseID string `json:",omitempty"`
	// Region, Service and Code say which quota.
	Region, Service, Code string
	// Desired is the value that is asked for.
	Desired float64
	// Status is PENDING, CASE_OPENED, APPROVED or DENIED.
	Status string
	// Created and Updated are when it was made and last changed.
	Created, Updated time.Time
}

// check refuses quotas that the rehearsal does not know, and what no request is.
func (s *quotaState) check() error {
	for _, key := range slices.Sorted(maps.Keys(s.Applied)) {
		parts := strings.Split(key, "/")
		if len(parts) != 3 || findQuota(parts[1], parts[2]) == nil || findQuota(parts[1], parts[2]).key(parts[0]) != key {
			return fmt.Errorf("field Applied has %q, want the region, service and code of a quota that the rehearsal knows, such as us-east-1/lambda/L-B99A9384; that of a global one is %s", key, quotaHome)
		}
	}
	for _, asked := range s.Requests {
		if findQuota(asked.Service, asked.Code) == nil {
			return fmt.Errorf("field Requests has %s %s, want a quota that the rehearsal knows", asked.Service, asked.Code)
		}
		if !slices.Contains([]string{"PENDING", "CASE_OPENED", "APPROVED", "DENIED"}, asked.Status) {
			return fmt.Errorf("field Requests has the status %q, want PENDING, CASE_OPENED, APPROVED or DENIED", asked.Status)
		}
	}
	return nil
}

func (q QuotaRequest) open() bool { return q.Status == "PENDING" || q.Status == "CASE_OPENED" }

func findQuota(service, code string) *quota {
	for i := range quotas {
		if quotas[i].service == service && quotas[i].code == code {
			return &quotas[i]
		}
	}
	return nil
}

// begin is the value that an account begins with.
func (q *quota) begin() float64 {
	if q.given != 0 {
		return q.given
	}
	return q.standard
}

func (q *quota) key(region string) string {
	if q.global {
		region = quotaHome
	}
	return region + "/" + q.service + "/" + q.code
}

// quotaValue is the applied value. The caller holds the lock.
func (s *store) quotaValue(at place, q *quota) float64 {
	if value, set := quotaStates.of(s, at.account).Applied[q.key(at.region)]; set {
		return value
	}
	return q.begin()
}

// valueOf is quotaValue for those who do not hold the lock.
func (s *store) valueOf(at place, q *quota) float64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.quotaValue(at, q)
}

// SetQuota sets an account's quota, also below AWS's default: a new account has
// 10 concurrent executions of Lambda. The codes are those of Service Quotas,
// such as "lambda" and "L-B99A9384".
func (c Console) SetQuota(region, service, code string, value float64) error {
	q := findQuota(service, code)
	if q == nil || !c.store.accounts[c.account] {
		return fmt.Errorf("rehearsal: there is no quota %s %s in account %q", service, code, c.account)
	}
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	state := quotaStates.of(c.store, c.account)
	if state.Applied == nil {
		state.Applied = map[string]float64{}
	}
	state.Applied[q.key(region)] = value
	return nil
}

// QuotaRequests are the account's requests for higher quotas, the oldest first.
func (c Console) QuotaRequests() []QuotaRequest {
	c.store.mu.RLock()
	defer c.store.mu.RUnlock()
	return slices.Clone(quotaStates.of(c.store, c.account).Requests)
}

// DecideQuotaRequest does what AWS Support does with an open request: approve
// it, which sets the quota, or deny it.
func (c Console) DecideQuotaRequest(id string, approve bool) error {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	state := quotaStates.of(c.store, c.account)
	for i := range state.Requests {
		asked := &state.Requests[i]
		if asked.ID != id || !asked.open() {
			continue
		}
		asked.Status, asked.Updated = "DENIED", time.Now().UTC()
		if approve {
			asked.Status = "APPROVED"
			if state.Applied == nil {
				state.Applied = map[string]float64{}
			}
			state.Applied[findQuota(asked.Service, asked.Code).key(asked.Region)] = asked.Desired
		}
		return nil
	}
	return fmt.Errorf("rehearsal: account %s has no open request %q", c.account, id)
}

func noQuota(message string) *apiError {
	return refuse(http.StatusBadRequest, "NoSuchResourceException", "%s", message)
}

// quotasHere are those of a service that are shown in the request's region.
func (r *request) quotasHere(code string) ([]*quota, error) {
	if serviceNames[code] == "" {
		return nil, noQuota("The request failed because the specified service does not exist.")
	}
	var found []*quota
	for i := range quotas {
		if q := &quotas[i]; q.service == code && (!q.global || r.region == quotaHome) {
			found = append(found, q)
		}
	}
	return found, nil
}

// quotaHere is the quota that a request names.
func (r *request) quotaHere() (*quota, error) {
	found, err := r.quotasHere(r.text("ServiceCode"))
	if err != nil {
		return nil, err
	}
	for _, q := range found {
		if q.code == r.text("QuotaCode") {
			return q, nil
		}
	}
	return nil, noQuota("The request failed because the specified service quota does not exist.")
}

func (r *request) quotaView(q *quota, value float64) object {
	at := r.region + ":" + r.account
	if q.global {
		at = ":" + r.account
	}
	return object{
		"ServiceCode": q.service, "ServiceName": serviceNames[q.service], "QuotaCode": q.code, "QuotaName": q.name,
		"QuotaArn": "arn:" + stages.Partition(r.region) + ":servicequotas:" + at + ":" + q.service + "/" + q.code,
		"Value":    value, "Unit": orElse(q.unit, "None"), "Adjustable": !q.fixed, "GlobalQuota": q.global, "QuotaAppliedAtLevel": "ACCOUNT",
	}
}

// most is the size of a page.
func (r *request) most() int {
	if most, err := strconv.Atoi(r.text("MaxResults")); err == nil && most > 0 {
		return min(most, 100)
	}
	return 100
}

func listQuotaServices(r *request) (any, error) {
	services := []object{}
	for _, code := range slices.Sorted(maps.Keys(serviceNames)) {
		services = append(services, object{"ServiceCode": code, "ServiceName": serviceNames[code]})
	}
	services, next, err := page(r, services, r.most())
	return object{"Services": services, "NextToken": orNil(next)}, err
}

func (r *request) quotaViews(value func(*quota) (float64, bool)) (any, error) {
	found, err := r.quotasHere(r.text("ServiceCode"))
	if err != nil {
		return nil, err
	}
	views := []object{}
	for _, q := range found {
		if value, known := value(q); known {
			views = append(views, r.quotaView(q, value))
		}
	}
	views, next, err := page(r, views, r.most())
	return object{"Quotas": views, "NextToken": orNil(next)}, err
}

func listServiceQuotas(r *request) (any, error) { return r.quotaViews(r.applied) }

// applied is a quota's value for the account, where Service Quotas knows one.
func (r *request) applied(q *quota) (float64, bool) {
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	_, set := quotaStates.of(r.store, r.account).Applied[q.key(r.region)]
	return r.store.quotaValue(r.at(), q), set || !q.unapplied
}

func listDefaultQuotas(r *request) (any, error) {
	return r.quotaViews(func(q *quota) (float64, bool) { return q.standard, true })
}

func getServiceQuota(r *request) (any, error) {
	q, err := r.quotaHere()
	if err != nil {
		return nil, err
	}
	value, known := r.applied(q)
	if !known {
		return nil, noQuota("The request failed because the specified service quota does not exist.")
	}
	return object{"Quota": r.quotaView(q, value)}, nil
}

func getDefaultQuota(r *request) (any, error) {
	q, err := r.quotaHere()
	if err != nil {
		return nil, err
	}
	return object{"Quota": r.quotaView(q, q.standard)}, nil
}

func (r *request) quotaRequestView(asked QuotaRequest) object {
	q := findQuota(asked.Service, asked.Code)
	view := r.quotaView(q, 0)
	delete(view, "Value")
	delete(view, "Adjustable")
	delete(view, "QuotaAppliedAtLevel")
	view["Id"], view["CaseId"], view["DesiredValue"], view["Status"] = asked.ID, orNil(asked.CaseID), asked.Desired, asked.Status
	view["Created"], view["LastUpdated"], view["QuotaRequestedAtLevel"] = epoch(asked.Created), epoch(asked.Updated), "ACCOUNT"
	view["Requester"] = `{"accountId":"` + r.account + `","callerArn":"` + r.caller.arn + `"}`
	return view
}

// requestQuotaIncrease opens a request, which stays open until somebody decides
// it: see Console.DecideQuotaRequest.
// https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_RequestServiceQuotaIncrease.html
func requestQuotaIncrease(r *request) (any, error) {
	q, err := r.quotaHere()
	if err != nil {
		return nil, err
	}
	desired, _ := r.input["DesiredValue"].(float64)
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	state := quotaStates.of(r.store, r.account)
	for _, other := range state.Requests {
		if other.open() && findQuota(other.Service, other.Code) == q && q.key(other.Region) == q.key(r.region) {
			return nil, refuse(http.StatusBadRequest, "ResourceAlreadyExistsException", "Only one open service quota increase request is allowed per quota.")
		}
	}
	switch {
	case q.fixed:
		return nil, refuse(http.StatusBadRequest, "IllegalArgumentException", "The quota is not adjustable.")
	case desired <= r.store.quotaValue(r.at(), q):
		return nil, refuse(http.StatusBadRequest, "IllegalArgumentException", "You must provide a quota value greater than the current quota value.")
	}
	asked := QuotaRequest{
		ID: derived(requestID(), lowerDigits, 40), Region: r.region, Service: q.service, Code: q.code, Desired: desired,
		Status: "PENDING", Created: time.Now().UTC(), Updated: time.Now().UTC(),
	}
	state.Requests = append(state.Requests, asked)
	return object{"RequestedQuota": r.quotaRequestView(asked)}, nil
}

// quotaRequests are the account's requests of a region, newest first.
func (r *request) quotaRequests(meets func(QuotaRequest) bool) []QuotaRequest {
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	var found []QuotaRequest
	for _, asked := range quotaStates.of(r.store, r.account).Requests {
		if asked.Region == r.region && meets(asked) {
			found = append(found, asked)
		}
	}
	slices.Reverse(found)
	return found
}

func getQuotaRequest(r *request) (any, error) {
	for _, asked := range r.quotaRequests(func(q QuotaRequest) bool { return q.ID == r.text("RequestId") }) {
		return object{"RequestedQuota": r.quotaRequestView(asked)}, nil
	}
	return nil, noQuota("The request failed because the specified quota request does not exist.")
}

func (r *request) quotaRequestViews(meets func(QuotaRequest) bool) (any, error) {
	views := []object{}
	for _, asked := range r.quotaRequests(func(q QuotaRequest) bool {
		return meets(q) && (r.text("Status") == "" || r.text("Status") == q.Status)
	}) {
		views = append(views, r.quotaRequestView(asked))
	}
	views, next, err := page(r, views, r.most())
	return object{"RequestedQuotas": views, "NextToken": orNil(next)}, err
}

func listQuotaRequests(r *request) (any, error) {
	return r.quotaRequestViews(func(q QuotaRequest) bool { return r.text("ServiceCode") == "" || r.text("ServiceCode") == q.Service })
}

func listQuotaRequestsByQuota(r *request) (any, error) {
	q, err := r.quotaHere()
	if err != nil {
		return nil, err
	}
	return r.quotaRequestViews(func(asked QuotaRequest) bool { return asked.Service == q.service && asked.Code == q.code })
}
