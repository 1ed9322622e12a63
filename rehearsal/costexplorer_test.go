package rehearsal_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// day is so many days ago, in UTC.
func day(ago int) string { return time.Now().UTC().AddDate(0, 0, -ago).Format(time.DateOnly) }

// charged is a server whose dev account manages an organization with production in it, with costs in both.
func charged(t *testing.T) *rehearsal.Server {
	t.Helper()
	server := start(t)
	require.NoError(t, server.Organize(dev, production))
	require.NoError(t, server.Account(dev).Charge(
		rehearsal.Cost{Day: day(3), Service: "AWS Lambda", Amount: "0.1", Tags: map[string]string{"roadshow:stage": "dev"}},
		rehearsal.Cost{Day: day(3), Service: "AWS Lambda", Amount: "0.2000000001", Tags: map[string]string{"roadshow:stage": "demo"}},
		rehearsal.Cost{Day: day(2), Service: "Tax", Amount: "1.5"},
	))
	require.NoError(t, server.Account(production).Charge(rehearsal.Cost{Day: day(3), Service: "AWS Lambda", Amount: "-4"}))
	return server
}

func costsOf(server *rehearsal.Server, account string) *costexplorer.Client {
	return costexplorer.NewFromConfig(as(server, account))
}

func asked(groups ...types.GroupDefinition) *costexplorer.GetCostAndUsageInput {
	return &costexplorer.GetCostAndUsageInput{
		TimePeriod:  &types.DateInterval{Start: aws.String(day(3)), End: aws.String(day(1))},
		Granularity: types.GranularityDaily, Metrics: []string{"UnblendedCost"}, GroupBy: groups,
	}
}

func by(kind types.GroupDefinitionType, key string) types.GroupDefinition {
	return types.GroupDefinition{Type: kind, Key: &key}
}

// amounts are the groups of an answer, as day, keys and amount.
func amounts(results []types.ResultByTime) (all []string) {
	for _, result := range results {
		for _, group := range result.Groups {
			metric := group.Metrics["UnblendedCost"]
			all = append(all, fmt.Sprint(*result.TimePeriod.Start, " ", group.Keys, " ", *metric.Amount, " ", *metric.Unit))
		}
		for _, metric := range result.Total {
			all = append(all, fmt.Sprint(*result.TimePeriod.Start, " total ", *metric.Amount, " ", *metric.Unit))
		}
	}
	return all
}

// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_GetCostAndUsage.html: "The start date is
// inclusive, but the end date is exclusive"; "You can group Amazon Web Services costs using up to two different
// groups"; "Management account in an organization in Organizations have access to all member accounts".
func TestCostExplorerGroupsWhatAnAccountPaysFor(t *testing.T) {
	server := charged(t)
	account, service := by(types.GroupDefinitionTypeDimension, "LINKED_ACCOUNT"), by(types.GroupDefinitionTypeDimension, "SERVICE")

	answer, err := costsOf(server, dev).GetCostAndUsage(t.Context(), asked(account, service))
	require.NoError(t, err)
	assert.Equal(t, []string{
		day(3) + " [" + dev + " AWS Lambda] 0.3000000001 USD",
		day(3) + " [" + production + " AWS Lambda] -4 USD",
		day(2) + " [" + dev + " Tax] 1.5 USD",
	}, amounts(answer.ResultsByTime))

	answer, err = costsOf(server, production).GetCostAndUsage(t.Context(), asked(account, service))
	require.NoError(t, err)
	assert.Equal(t, []string{day(3) + " [" + production + " AWS Lambda] -4 USD", day(2) + " total 0 USD"}, amounts(answer.ResultsByTime),
		"a member sees itself; a day without groups has a total")

	whole := asked()
	whole.Granularity = types.GranularityMonthly
	whole.TimePeriod = &types.DateInterval{Start: aws.String(time.Now().UTC().AddDate(0, -1, 0).Format("2006-01") + "-01"), End: aws.String(day(0))}
	whole.Filter = &types.Expression{And: []types.Expression{
		{Dimensions: &types.DimensionValues{Key: types.DimensionLinkedAccount, Values: []string{dev}}},
		{Not: &types.Expression{Dimensions: &types.DimensionValues{Key: types.DimensionService, Values: []string{"Tax"}}}},
	}}
	answer, err = costsOf(server, dev).GetCostAndUsage(t.Context(), whole)
	require.NoError(t, err)
	assert.Contains(t, fmt.Sprint(amounts(answer.ResultsByTime)), " total 0.3000000001 USD")
}

// https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/custom-tags.html: only activated tags are on the bill;
// what was charged before is not tagged without a backfill.
func TestATagIsOnTheBillFromItsActivationOn(t *testing.T) {
	server := charged(t)
	tagged := asked(by(types.GroupDefinitionTypeTag, "roadshow:stage"))
	answer, err := costsOf(server, dev).GetCostAndUsage(t.Context(), tagged)
	require.NoError(t, err)
	assert.Equal(t, []string{day(3) + " [roadshow:stage$] -3.6999999999 USD", day(2) + " [roadshow:stage$] 1.5 USD"}, amounts(answer.ResultsByTime))

	require.NoError(t, server.Account(dev).ActivateCostTag("roadshow:stage", day(3)))
	answer, err = costsOf(server, dev).GetCostAndUsage(t.Context(), tagged)
	require.NoError(t, err)
	assert.Equal(t, []string{
		day(3) + " [roadshow:stage$] -4 USD", day(3) + " [roadshow:stage$demo] 0.2000000001 USD", day(3) + " [roadshow:stage$dev] 0.1 USD",
		day(2) + " [roadshow:stage$] 1.5 USD",
	}, amounts(answer.ResultsByTime))
}

func TestCostExplorerRefusesWhatAWSDoes(t *testing.T) {
	server := charged(t)
	client := costsOf(server, dev)
	for name, tt := range map[string]struct {
		change  func(*costexplorer.GetCostAndUsageInput)
		message string
	}{
		"the end before the start": {func(in *costexplorer.GetCostAndUsageInput) { in.TimePeriod.End = in.TimePeriod.Start }, "should be before end date"},
		"no day":                   {func(in *costexplorer.GetCostAndUsageInput) { in.TimePeriod.Start = aws.String("yesterday") }, "Valid format is"},
		"too long ago":             {func(in *costexplorer.GetCostAndUsageInput) { in.TimePeriod.Start = aws.String(day(450)) }, "beyond 14 months"},
		"three groups": {func(in *costexplorer.GetCostAndUsageInput) {
			in.GroupBy = []types.GroupDefinition{by("DIMENSION", "SERVICE"), by("DIMENSION", "LINKED_ACCOUNT"), by("TAG", "a")}
		}, "more than 2"},
	} {
		t.Run(name, func(t *testing.T) {
			input := asked()
			tt.change(input)
			_, err := client.GetCostAndUsage(t.Context(), input)
			requireCode(t, err, "ValidationException")
			require.ErrorContains(t, err, tt.message)
		})
	}
	config := as(server, dev)
	config.Region = "eu-west-1"
	_, err := costexplorer.NewFromConfig(config).GetCostAndUsage(t.Context(), asked())
	requireCode(t, err, "InvalidSignatureException") // one region serves all

	require.NoError(t, server.Account(production).DisableCostExplorer())
	_, err = costsOf(server, production).GetCostAndUsage(t.Context(), asked())
	requireCode(t, err, "AccessDeniedException")
	require.ErrorContains(t, err, "User not enabled for cost explorer access")

	for _, wrong := range []rehearsal.Cost{{Day: "1", Service: "x", Amount: "1"}, {Day: day(1), Amount: "1"}, {Day: day(1), Service: "x", Amount: "1e3"}} {
		require.Error(t, server.Account(dev).Charge(wrong))
	}
}

// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_GetCostAndUsage.html: InvalidNextTokenException
// and RequestChangedException, "Your request parameters changed between pages".
func TestCostExplorerAnswersInPages(t *testing.T) {
	server := charged(t)
	var many []rehearsal.Cost
	for i := range 1500 {
		many = append(many, rehearsal.Cost{Day: day(3), Service: fmt.Sprintf("Service %04d", i), Amount: "0.01"})
	}
	require.NoError(t, server.Account(production).Charge(many...))
	client, input := costsOf(server, production), asked(by(types.GroupDefinitionTypeDimension, "SERVICE"))
	first, err := client.GetCostAndUsage(t.Context(), input)
	require.NoError(t, err)
	require.Len(t, first.ResultsByTime[0].Groups, 1000)

	input.NextPageToken = first.NextPageToken
	second, err := client.GetCostAndUsage(t.Context(), input)
	require.NoError(t, err)
	require.Nil(t, second.NextPageToken)
	require.Len(t, second.ResultsByTime, 2, "a day goes on on the next page")
	require.Len(t, second.ResultsByTime[0].Groups, 501)

	input.TimePeriod.End = aws.String(day(0))
	_, err = client.GetCostAndUsage(t.Context(), input)
	requireCode(t, err, "RequestChangedException")
	input.NextPageToken = aws.String("never given")
	_, err = client.GetCostAndUsage(t.Context(), input)
	requireCode(t, err, "InvalidNextTokenException")
}

// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_UpdateCostAllocationTagsStatus.html has the
// error of a key that was not seen; https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/custom-tags.html:
// "Only a management account in an organization and single accounts … have access".
func TestCostAllocationTagsAreThePayers(t *testing.T) {
	server := charged(t)
	client := costsOf(server, dev)
	status := func() (all []string) {
		answer, err := client.ListCostAllocationTags(t.Context(), &costexplorer.ListCostAllocationTagsInput{TagKeys: []string{"roadshow:stage", "other"}})
		require.NoError(t, err)
		for _, tag := range answer.CostAllocationTags {
			all = append(all, fmt.Sprint(*tag.TagKey, " ", tag.Status, " ", tag.Type))
		}
		return all
	}
	require.Equal(t, []string{"roadshow:stage Inactive UserDefined"}, status())
	update := &costexplorer.UpdateCostAllocationTagsStatusInput{CostAllocationTagsStatus: []types.CostAllocationTagStatusEntry{
		{TagKey: aws.String("roadshow:stage"), Status: types.CostAllocationTagStatusActive},
		{TagKey: aws.String("other"), Status: types.CostAllocationTagStatusActive},
	}}
	answer, err := client.UpdateCostAllocationTagsStatus(t.Context(), update)
	require.NoError(t, err)
	require.Len(t, answer.Errors, 1)
	require.Equal(t, "TagKeysNotFoundException", *answer.Errors[0].Code)
	require.Equal(t, []string{"roadshow:stage Active UserDefined"}, status())

	_, err = costsOf(server, production).ListCostAllocationTags(t.Context(), nil)
	requireCode(t, err, "AccessDeniedException")
	require.ErrorContains(t, err, "Linked account doesn't have access to cost allocation tags")
	_, err = costsOf(server, production).UpdateCostAllocationTagsStatus(t.Context(), update)
	requireCode(t, err, "AccessDeniedException")
}

// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganization.html, "You can call this
// operation from any account in a organization"; API_ListAccounts.html, "only from the organization's management
// account".
func TestAnOrganizationIsKnownToItsAccounts(t *testing.T) {
	server := start(t)
	as := func(account string) *organizations.Client { return organizations.NewFromConfig(as(server, account)) }
	_, err := as(dev).DescribeOrganization(t.Context(), nil)
	requireCode(t, err, "AWSOrganizationsNotInUseException")
	require.NoError(t, server.Organize(dev, production))
	require.Error(t, server.Organize(dev, "999999999999"))
	for _, account := range []string{dev, production} {
		answer, err := as(account).DescribeOrganization(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, dev, *answer.Organization.MasterAccountId)
	}
	_, err = as(production).ListAccounts(t.Context(), nil)
	requireCode(t, err, "AccessDeniedException")

	var found []string
	for pages := organizations.NewListAccountsPaginator(as(dev), &organizations.ListAccountsInput{MaxResults: aws.Int32(1)}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		require.Len(t, page.Accounts, 1)
		found = append(found, *page.Accounts[0].Id)
	}
	require.Equal(t, []string{dev, production}, found)
}

func TestCostsAndOrganizationsAreSavedAndLoaded(t *testing.T) {
	before := charged(t)
	require.NoError(t, before.Account(dev).ActivateCostTag("roadshow:stage", day(3)))
	var document bytes.Buffer
	require.NoError(t, before.Save(&document))
	saved := start(t)
	require.NoError(t, saved.Load(&document))
	account, tag := by(types.GroupDefinitionTypeDimension, "LINKED_ACCOUNT"), by(types.GroupDefinitionTypeTag, "roadshow:stage")
	want, err := costsOf(before, dev).GetCostAndUsage(t.Context(), asked(account, tag))
	require.NoError(t, err)
	got, err := costsOf(saved, dev).GetCostAndUsage(t.Context(), asked(account, tag))
	require.NoError(t, err)
	require.Equal(t, amounts(want.ResultsByTime), amounts(got.ResultsByTime))
	require.NotEmpty(t, amounts(got.ResultsByTime))
}

func TestCostsAreSeededByHand(t *testing.T) {
	server := start(t)
	require.NoError(t, server.Load(strings.NewReader(`{"Version": 1, "Accounts": {
		"`+dev+`": {"Services": {"organizations": {"Management": "`+dev+`"}, "ce": {"Active": {"roadshow:stage": "`+day(5)+`"}}}},
		"`+production+`": {"Services": {"organizations": {"Management": "`+dev+`"}, "ce": {"Costs": [
			{"Day": "`+day(2)+`", "Service": "AWS Lambda", "Amount": "0.25", "Tags": {"roadshow:stage": "production"}}]}}}
	}}`)))
	answer, err := costsOf(server, dev).GetCostAndUsage(t.Context(), asked(by(types.GroupDefinitionTypeTag, "roadshow:stage")))
	require.NoError(t, err)
	require.Equal(t, []string{day(3) + " total 0 USD", day(2) + " [roadshow:stage$production] 0.25 USD"}, amounts(answer.ResultsByTime))
}
