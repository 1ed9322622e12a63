package rehearsal

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/roadshow-go/roadshow/stages"
)

func organizationsService() *service {
	return &service{protocol: json11, operations: map[string]operation{
		"DescribeOrganization": globally(describeOrganization),
		"ListAccounts":         globally(listOrganizationAccounts),
	}}
}

// organizationState is what an account knows of its organization. Its zero value is an account on its own.
type organizationState struct {
	// Management is the id of the organization's management account, which pays for all its accounts.
	Management string `json:",omitempty"`
	// Joined is when the account became a member.
	Joined time.Time `json:",omitzero"`
}

var organizations = keep[organizationState]("organizations")

// Organize makes an organization of accounts that the server has: the first manages it, and pays for them all.
// An account that was in another organization leaves that.
func (s *Server) Organize(management string, members ...string) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	all := append([]string{management}, members...)
	for _, id := range all {
		if !s.store.accounts[id] {
			return fmt.Errorf("rehearsal: there is no account %q", id)
		}
	}
	for _, id := range all {
		*organizations.of(s.store, id) = organizationState{Management: management, Joined: time.Now().UTC().Truncate(time.Second)}
	}
	return nil
}

// members are the accounts that an account pays for, itself among them, sorted. The caller holds the lock.
func (s *store) members(payer string) []string {
	found := []string{payer}
	for id := range s.accounts {
		if id != payer && organizations.of(s, id).Management == payer {
			found = append(found, id)
		}
	}
	slices.Sort(found)
	return found
}

// linked tells whether another account pays for this one. The caller holds the lock.
func (s *store) linked(account string) bool {
	management := organizations.of(s, account).Management
	return management != "" && management != account
}

// globally refuses what was not signed for the one region of a partition that such a service is in.
// https://docs.aws.amazon.com/general/latest/gr/ao.html
// https://docs.aws.amazon.com/general/latest/gr/billing.html
func globally(f func(*request) (any, error)) operation {
	return reading(func(r *request) (any, error) {
		home := map[string]string{"aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1"}[stages.Partition(r.region)]
		if home = orElse(home, "us-east-1"); r.region != home {
			return nil, refuse(http.StatusForbidden, "InvalidSignatureException", "Credential should be scoped to a valid region.")
		}
		return f(r)
	})
}

// describeOrganization answers any account of an organization.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganization.html
func describeOrganization(r *request) (any, error) {
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	management := organizations.of(r.store, r.account).Management
	if management == "" {
		return nil, noOrganization()
	}
	id := organizationID(management)
	return object{"Organization": object{
		"Id": id, "Arn": organizationARN(r.region, management, "organization/"+id), "FeatureSet": "ALL", "AvailablePolicyTypes": []object{},
		"MasterAccountId": management, "MasterAccountEmail": accountEmail(management),
		"MasterAccountArn": organizationARN(r.region, management, "account/"+id+"/"+management),
	}}, nil
}

// mostAccounts is the largest page of ListAccounts.
const mostAccounts = 20

// listOrganizationAccounts answers the management account alone: the rehearsal delegates no administration.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html
func listOrganizationAccounts(r *request) (any, error) {
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	management := organizations.of(r.store, r.account).Management
	switch {
	case management == "":
		return nil, noOrganization()
	case management != r.account:
		return nil, refuse(http.StatusBadRequest, "AccessDeniedException", "You don't have permissions to access this resource.")
	}
	accounts := []object{}
	for _, id := range r.store.members(management) {
		status := "ACTIVE"
		if r.store.closed[id] {
			status = "SUSPENDED"
		}
		joined := organizations.of(r.store, id).Joined
		one := object{
			"Id": id, "Name": "account-" + id, "Email": accountEmail(id), "Status": status, "State": status, "JoinedMethod": "CREATED",
			"Arn": organizationARN(r.region, management, "account/"+organizationID(management)+"/"+id),
		}
		if !joined.IsZero() {
			one["JoinedTimestamp"] = epoch(joined)
		}
		accounts = append(accounts, one)
	}
	most := mostAccounts
	if asked := r.text("MaxResults"); asked != "" {
		n, err := strconv.Atoi(asked)
		if err != nil || n < 1 || n > mostAccounts {
			return nil, refuse(http.StatusBadRequest, "InvalidInputException", "You specified an invalid value for MaxResults.")
		}
		most = n
	}
	accounts, next, err := page(r, accounts, most)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "InvalidInputException", "You specified an invalid value for NextToken.")
	}
	return object{"Accounts": accounts, "NextToken": orNil(next)}, nil
}

func noOrganization() *apiError {
	return refuse(http.StatusBadRequest, "AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
}

func organizationID(management string) string { return "o-" + derived(management, lowerDigits, 10) }

func accountEmail(id string) string { return "account-" + id + "@example.com" }

func organizationARN(region, management, resource string) string {
	return "arn:" + stages.Partition(region) + ":organizations::" + management + ":" + resource
}
