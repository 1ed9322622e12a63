package cost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/stages"
)

// credentialSource is credentials that are asked for the costs of some accounts.
type credentialSource struct {
	// fleet reaches the account that is asked, at is where.
	fleet *fleet.Fleet
	at    stages.Stage
	// accounts are those asked for, sorted.
	accounts []string
	// pays is whether the account pays for them, so that it has the cost allocation tags.
	pays bool
	// unsure is why it is not known that it pays for them.
	unsure string
}

// credentialSources is who is asked for what, and what nobody can be asked for.
type credentialSources struct {
	sources []credentialSource
	gaps    []fleet.Gap
	notes   []string
}

// billingRegion is where Cost Explorer and Organizations are: one region of each partition.
// https://docs.aws.amazon.com/general/latest/gr/billing.html
// https://docs.aws.amazon.com/general/latest/gr/ao.html
func billingRegion(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "cn-northwest-1"
	case strings.HasPrefix(region, "us-gov-"):
		return "us-gov-west-1"
	}
	return "us-east-1"
}

// billed are the accounts of the fleet, sorted, each with one of its stages.
func billed(f *fleet.Fleet) (accounts []string, of map[string]stages.Stage) {
	of = map[string]stages.Stage{}
	for _, stage := range f.All() {
		if _, known := of[stage.Account]; !known {
			of[stage.Account] = stage
		}
	}
	return slices.Sorted(maps.Keys(of)), of
}

// membership is what an account says of its organization.
type membership struct {
	// management is the account that pays; the account itself where it is in no organization.
	management string
	// unreachable is why its credentials cannot be used, unknown why it did not tell.
	unreachable, unknown error
}

// findSources finds who pays: the profile that was named, or the account that manages the organization of the
// stages' accounts. What nobody pays for whom a profile reaches, is asked itself.
func (c Explorer) findSources(ctx context.Context) (credentialSources, error) {
	if c.Payer != "" {
		return c.namedPayer(ctx)
	}
	accounts, of := billed(c.Fleet)
	told := make([]membership, len(accounts))
	parallel.ForEach(ctx, fleet.AccountsAtOnce, accounts, func(ctx context.Context, i int, account string) {
		told[i] = c.askMembership(ctx, c.Fleet, of[account])
	})
	if err := ctx.Err(); err != nil {
		return credentialSources{}, err
	}
	var found credentialSources
	left := map[string]membership{}
	payers := map[string][]string{}
	for i, account := range accounts {
		left[account] = told[i]
		if told[i].unknown != nil {
			found.notes = append(found.notes, fmt.Sprintf("account %s did not say who pays for it (Organizations: %s)", account, fleet.Brief(told[i].unknown)))
		}
		if management := told[i].management; management != "" {
			payers[management] = append(payers[management], account)
		}
	}
	for _, management := range slices.Sorted(maps.Keys(payers)) {
		near, is := of[management]
		if !is {
			near = of[payers[management][0]]
		}
		at := payerAt(management, near)
		if _, _, err := c.Fleet.Profiles.For(ctx, at); err != nil {
			found.notes = append(found.notes, fmt.Sprintf("account %s pays for %s, and no profile reaches it: each is asked itself", management, strings.Join(payers[management], ", ")))
			continue
		}
		covered := payers[management]
		if lacking := without(accounts, covered, left); len(lacking) > 0 {
			if members, err := c.members(ctx, c.Fleet, at); err == nil {
				covered = append(covered, intersect(lacking, members)...)
			}
		}
		slices.Sort(covered)
		found.sources = append(found.sources, credentialSource{fleet: c.Fleet, at: at, accounts: covered, pays: true})
		for _, account := range covered {
			delete(left, account)
		}
	}
	for _, account := range slices.Sorted(maps.Keys(left)) {
		if err := left[account].unreachable; err != nil {
			found.gaps = append(found.gaps, c.gaps(account, "its credentials", strings.TrimPrefix(err.Error(), "Stage "+of[account].Name+": ")+"\nOr write --payer with the paying account's profile.")...)
			continue
		}
		found.sources = append(found.sources, c.own(of[account]))
	}
	return found, nil
}

// own is an account that is asked for itself.
func (c Explorer) own(stage stages.Stage) credentialSource {
	at := stage
	at.Region = billingRegion(stage.Region)
	return credentialSource{fleet: c.Fleet, at: at, accounts: []string{stage.Account}}
}

// payerAt is the account that pays for a stage's, as a place to ask.
func payerAt(account string, of stages.Stage) stages.Stage {
	name := "of the paying account"
	if account == of.Account {
		name = of.Name // so that the profile called like the stage is taken
	}
	return stages.Stage{Name: name, Account: account, Region: billingRegion(of.Region)}
}

// without are the accounts that are not covered and did not say who pays for them.
func without(accounts, covered []string, told map[string]membership) (lacking []string) {
	for _, account := range accounts {
		if one, left := told[account]; left && one.management == "" && !slices.Contains(covered, account) {
			lacking = append(lacking, account)
		}
	}
	return lacking
}

func intersect(some, others []string) (both []string) {
	for _, one := range some {
		if slices.Contains(others, one) {
			both = append(both, one)
		}
	}
	return both
}

// namedPayer is the profile of --payer, which must be the management account's, or that of an account on its own.
func (c Explorer) namedPayer(ctx context.Context) (credentialSources, error) {
	profile, err := c.Fleet.Profiles.Named(ctx, c.Payer)
	if err != nil {
		return credentialSources{}, err
	}
	accounts, of := billed(c.Fleet)
	only := &fleet.Fleet{Service: c.Fleet.Service, Profiles: c.Fleet.Profiles.Only(profile)}
	at := payerAt(profile.Account, of[accounts[0]])
	told := c.askMembership(ctx, only, at)
	if told.unreachable != nil {
		return credentialSources{}, told.unreachable
	}
	source := credentialSource{fleet: only, at: at, accounts: accounts, pays: true}
	var found credentialSources
	switch {
	case told.unknown != nil:
		source.unsure = "Organizations: " + fleet.Brief(told.unknown)
	case told.management != profile.Account:
		return credentialSources{}, &PayerError{Profile: profile, Manager: told.management}
	default:
		members, err := c.members(ctx, only, at)
		if err != nil {
			source.unsure = "Organizations: " + fleet.Brief(err)
			break
		}
		source.accounts = intersect(accounts, members)
		for _, account := range accounts {
			if !slices.Contains(members, account) {
				found.gaps = append(found.gaps, c.gaps(account, "Cost Explorer", "Account "+profile.Account+" does not pay for it. Leave --payer out to ask it itself.")...)
			}
		}
	}
	if len(source.accounts) > 0 {
		found.sources = append(found.sources, source)
	}
	return found, nil
}

// PayerError says that no account that pays for others was found: that of --payer pays for none, or no profile reaches one.
type PayerError struct {
	// Profile is what --payer names; its zero value where no profile reaches an account that pays.
	Profile fleet.Profile
	// Manager is the account that manages the organization; empty where it is not known.
	Manager string
}

// Error is a sentence, and an order.
func (e *PayerError) Error() string {
	if e.Manager == "" {
		return "No profile reaches the account that manages the organization, which alone has the cost allocation tags.\n" +
			"Write --payer with a profile of that account."
	}
	return fmt.Sprintf("Profile %s is of account %s, and account %s manages the organization.\n"+
		"Write --payer with a profile of account %s, or leave --payer out to ask each account itself.", e.Profile, e.Profile.Account, e.Manager, e.Manager)
}

// askMembership asks an account who pays for it.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganization.html
func (c Explorer) askMembership(ctx context.Context, fleet *fleet.Fleet, stage stages.Stage) membership {
	stage.Region = billingRegion(stage.Region)
	config, _, err := fleet.Reach(ctx, stage)
	if err != nil {
		return membership{unreachable: err}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	answer, err := organizations.NewFromConfig(config, c.retriesOfOrganizations).DescribeOrganization(ctx, nil)
	var alone *types.AWSOrganizationsNotInUseException
	switch {
	case errors.As(err, &alone):
		return membership{management: stage.Account}
	case err != nil:
		return membership{unknown: err}
	case answer.Organization == nil || aws.ToString(answer.Organization.MasterAccountId) == "":
		return membership{unknown: errors.New("the answer names no management account")}
	}
	return membership{management: aws.ToString(answer.Organization.MasterAccountId)}
}

// members are the accounts that a paying account pays for.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html
func (c Explorer) members(ctx context.Context, fleet *fleet.Fleet, at stages.Stage) ([]string, error) {
	config, _, err := fleet.Reach(ctx, at)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	members := []string{at.Account} // one without an organization pays for itself
	for pages := organizations.NewListAccountsPaginator(organizations.NewFromConfig(config, c.retriesOfOrganizations), nil); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		var alone *types.AWSOrganizationsNotInUseException
		if errors.As(err, &alone) {
			return members, nil
		}
		if err != nil {
			return nil, err
		}
		for _, account := range page.Accounts {
			members = append(members, aws.ToString(account.Id))
		}
	}
	return members, nil
}

func (c Explorer) retriesOfOrganizations(options *organizations.Options) {
	options.RetryMaxAttempts = cmp.Or(c.Attempts, fleet.Attempts)
}

// gaps are what is missing for every stage of an account.
func (c Explorer) gaps(account, service, problem string) (gaps []fleet.Gap) {
	for _, stage := range c.Fleet.All() {
		if stage.Account == account {
			gaps = append(gaps, fleet.Gap{Stage: stage.Name, Account: account, Region: stage.Region, Service: service, Problem: problem})
		}
	}
	return gaps
}
