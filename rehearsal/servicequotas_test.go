package rehearsal_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stretchr/testify/require"
)

// applied are an account's quotas of a service by code, read two to a page.
func applied(t *testing.T, client *servicequotas.Client, service string) map[string]types.ServiceQuota {
	t.Helper()
	found := map[string]types.ServiceQuota{}
	for pages := servicequotas.NewListServiceQuotasPaginator(client, &servicequotas.ListServiceQuotasInput{
		ServiceCode: &service, MaxResults: aws.Int32(2),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Quotas), 2)
		for _, quota := range page.Quotas {
			found[*quota.QuotaCode] = quota
		}
	}
	return found
}

func TestQuotasAreListedInPagesAppliedAndDefault(t *testing.T) {
	server := start(t)
	client := servicequotas.NewFromConfig(as(server, dev))
	require.Len(t, applied(t, client, "codebuild"), 10)
	require.NoError(t, server.Account(dev).SetQuota(region, "lambda", "L-B99A9384", 10))

	got := applied(t, client, "lambda")["L-B99A9384"]
	require.Equal(t, 10.0, *got.Value)
	require.True(t, got.Adjustable)
	require.Equal(t, "arn:aws:servicequotas:us-east-1:111111111111:lambda/L-B99A9384", *got.QuotaArn)
	require.Equal(t, 1000.0, *applied(t, servicequotas.NewFromConfig(as(server, production)), "lambda")["L-B99A9384"].Value, "the other account's is its own")
	standard, err := client.GetAWSDefaultServiceQuota(t.Context(), &servicequotas.GetAWSDefaultServiceQuotaInput{ServiceCode: aws.String("lambda"), QuotaCode: aws.String("L-B99A9384")})
	require.NoError(t, err)
	require.Equal(t, 1000.0, *standard.Quota.Value)

	require.NotContains(t, applied(t, client, "dax"), "L-87AEEBB5", "of some quotas AWS knows the default only")
	defaults, err := client.ListAWSDefaultServiceQuotas(t.Context(), &servicequotas.ListAWSDefaultServiceQuotasInput{ServiceCode: aws.String("dax")})
	require.NoError(t, err)
	require.Len(t, defaults.Quotas, 2)
	_, err = client.GetServiceQuota(t.Context(), &servicequotas.GetServiceQuotaInput{ServiceCode: aws.String("lambda"), QuotaCode: aws.String("L-00000000")})
	requireCode(t, err, "NoSuchResourceException")
	_, err = client.ListServiceQuotas(t.Context(), &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String("none")})
	requireCode(t, err, "NoSuchResourceException")
}

func TestAGlobalQuotaIsSeenInItsHomeRegionOnly(t *testing.T) {
	server := start(t)
	elsewhere := as(server, dev)
	elsewhere.Region = "eu-west-1"
	require.Empty(t, applied(t, servicequotas.NewFromConfig(elsewhere), "iam"))
	require.True(t, applied(t, servicequotas.NewFromConfig(as(server, dev)), "iam")["L-FE177D64"].GlobalQuota)

	require.NoError(t, server.Account(dev).SetQuota("eu-west-1", "iam", "L-FE177D64", 1))
	role(t, server, "one", "lambda.amazonaws.com")
	_, err := server.Account(dev).Create("eu-west-1", "AWS::IAM::Role", map[string]any{"RoleName": "two", "AssumeRolePolicyDocument": map[string]any{}})
	require.ErrorContains(t, err, "Cannot exceed quota for RolesPerAccount: 1 (Service: Iam, Status Code: 409")
	require.ErrorContains(t, err, "HandlerErrorCode: ServiceLimitExceeded")
	summary, err := iam.NewFromConfig(as(server, dev)).GetAccountSummary(t.Context(), nil)
	require.NoError(t, err)
	require.EqualValues(t, 1, summary.SummaryMap["Roles"])
	require.EqualValues(t, 1, summary.SummaryMap["RolesQuota"])
}

func TestARequestForMoreStaysOpenUntilItIsDecided(t *testing.T) {
	server := start(t)
	client, console := servicequotas.NewFromConfig(as(server, dev)), server.Account(dev)
	ask := func(service, code string, desired float64) (*servicequotas.RequestServiceQuotaIncreaseOutput, error) {
		return client.RequestServiceQuotaIncrease(t.Context(), &servicequotas.RequestServiceQuotaIncreaseInput{ServiceCode: &service, QuotaCode: &code, DesiredValue: &desired})
	}
	_, err := ask("vpc", "L-F678F1CE", 20)
	requireCode(t, err, "IllegalArgumentException")
	require.ErrorContains(t, err, "greater than the current quota value")
	_, err = ask("dax", "L-87AEEBB5", 12)
	requireCode(t, err, "IllegalArgumentException")

	asked, err := ask("vpc", "L-F678F1CE", 30)
	require.NoError(t, err)
	require.Equal(t, types.RequestStatusPending, asked.RequestedQuota.Status)
	_, err = ask("vpc", "L-F678F1CE", 40)
	requireCode(t, err, "ResourceAlreadyExistsException")

	var document bytes.Buffer
	require.NoError(t, server.Save(&document))
	again := start(t)
	require.NoError(t, again.Load(&document))
	require.Equal(t, console.QuotaRequests()[0].ID, again.Account(dev).QuotaRequests()[0].ID, "what is asked is saved")

	require.Error(t, console.DecideQuotaRequest("another", true))
	require.NoError(t, console.DecideQuotaRequest(*asked.RequestedQuota.Id, true))
	require.Error(t, console.DecideQuotaRequest(*asked.RequestedQuota.Id, false), "it is decided")
	require.Equal(t, 30.0, *applied(t, client, "vpc")["L-F678F1CE"].Value)
	second, err := ask("vpc", "L-F678F1CE", 50)
	require.NoError(t, err)
	require.NoError(t, console.DecideQuotaRequest(*second.RequestedQuota.Id, false))
	history, err := client.ListRequestedServiceQuotaChangeHistoryByQuota(t.Context(), &servicequotas.ListRequestedServiceQuotaChangeHistoryByQuotaInput{
		ServiceCode: aws.String("vpc"), QuotaCode: aws.String("L-F678F1CE"),
	})
	require.NoError(t, err)
	require.Equal(t, types.RequestStatusDenied, history.RequestedQuotas[0].Status, "the newest first")
	require.Equal(t, types.RequestStatusApproved, history.RequestedQuotas[1].Status)
	open, err := client.ListRequestedServiceQuotaChangeHistory(t.Context(), &servicequotas.ListRequestedServiceQuotaChangeHistoryInput{Status: types.RequestStatusPending})
	require.NoError(t, err)
	require.Empty(t, open.RequestedQuotas)
	one, err := client.GetRequestedServiceQuotaChange(t.Context(), &servicequotas.GetRequestedServiceQuotaChangeInput{RequestId: second.RequestedQuota.Id})
	require.NoError(t, err)
	require.Equal(t, 50.0, *one.RequestedQuota.DesiredValue)
}

func TestWhatIsReservedCannotGoBelowWhatLambdaKeeps(t *testing.T) {
	for limit, want := range map[float64]string{10: "[10]", 50: "[50]", 1000: "[100]"} {
		server := start(t)
		require.NoError(t, server.Account(dev).SetQuota(region, "lambda", "L-B99A9384", limit))
		made := role(t, server, "execution", "lambda.amazonaws.com")
		reserve := func(name string, reserved int64) error {
			_, err := server.Account(dev).Create(region, "AWS::Lambda::Function", map[string]any{
				"FunctionName": name, "Handler": "index.handler", "Runtime": "nodejs24.x", "Role": made.Attributes["Arn"],
				"Code": map[string]any{"ZipFile": "a"}, "ReservedConcurrentExecutions": reserved,
			})
			return err
		}
		if limit > 100 {
			require.NoError(t, reserve("most", int64(limit)-100))
			settings, err := lambda.NewFromConfig(as(server, dev)).GetAccountSettings(t.Context(), nil)
			require.NoError(t, err)
			require.EqualValues(t, 100, *settings.AccountLimit.UnreservedConcurrentExecutions)
			require.EqualValues(t, limit, settings.AccountLimit.ConcurrentExecutions)
			require.EqualValues(t, 1, settings.AccountUsage.TotalCodeSize)
		}
		require.ErrorContains(t, reserve("one", 1), "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of "+want+".")
		require.ErrorContains(t, reserve("one", 1), "HandlerErrorCode: InvalidRequest")
		require.NoError(t, reserve("none", 0), "a function that never runs takes nothing")
	}
}

func TestAnAPIRefusesWhatExceedsAQuotaInItsOwnWords(t *testing.T) {
	server := start(t)
	require.NoError(t, server.Account(dev).SetQuota(region, "s3", "L-DC2B2D3D", 1))
	objects := s3.NewFromConfig(as(server, dev), func(o *s3.Options) { o.UsePathStyle = true })
	_, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("first-bucket")})
	require.NoError(t, err)
	_, err = objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("second-bucket")})
	requireCode(t, err, "TooManyBuckets")
}

func TestWhatQuotasCountIsListedInPages(t *testing.T) {
	server := start(t)
	vpc, subnets, group := network(t, server)
	for i := range 101 {
		makes(t, server, "AWS::SNS::Topic", map[string]any{"TopicName": fmt.Sprintf("topic-%d", i)})
	}
	makes(t, server, "AWS::Events::EventBus", map[string]any{"Name": "orders"})
	makes(t, server, "AWS::Events::Rule", map[string]any{"Name": "placed", "EventBusName": "orders", "EventPattern": map[string]any{"source": []any{"shop"}}})
	makes(t, server, "AWS::EC2::EIP", map[string]any{"Domain": "vpc"})
	makes(t, server, "AWS::EC2::VPCEndpoint", map[string]any{
		"VpcId": vpc.PhysicalID, "ServiceName": "com.amazonaws.us-east-1.sqs", "VpcEndpointType": "Interface", "SubnetIds": subnets, "SecurityGroupIds": []any{group.PhysicalID},
	})
	config := as(server, dev)

	topics := 0
	for pages := sns.NewListTopicsPaginator(sns.NewFromConfig(config), nil); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		topics += len(page.Topics)
	}
	require.Equal(t, 101, topics)
	events := eventbridge.NewFromConfig(config)
	buses, err := events.ListEventBuses(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, buses.EventBuses, 2)
	rules, err := events.ListRules(t.Context(), &eventbridge.ListRulesInput{EventBusName: aws.String("orders")})
	require.NoError(t, err)
	require.Len(t, rules.Rules, 1)
	rules, err = events.ListRules(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, rules.Rules, "those of the default bus")
	computers := ec2.NewFromConfig(config)
	addresses, err := computers.DescribeAddresses(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, addresses.Addresses, 1)
	interfaces := 0
	for pages := ec2.NewDescribeNetworkInterfacesPaginator(computers, &ec2.DescribeNetworkInterfacesInput{MaxResults: aws.Int32(1)}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		require.Len(t, page.NetworkInterfaces, 1)
		interfaces++
	}
	require.Equal(t, 2, interfaces)
}

func TestASeededDocumentIsHeldToTheQuotasInIt(t *testing.T) {
	document := `{"Version": 1, "Accounts": {"111111111111": {
		"Resources": [
			{"Region": "us-east-1", "Type": "AWS::SNS::Topic", "Properties": {"TopicName": "one"}},
			{"Region": "us-east-1", "Type": "AWS::SNS::Topic", "Properties": {"TopicName": "two"}}],
		"Services": {"servicequotas": {"Applied": {"us-east-1/sns/L-61103206": %d}}}}}}`
	require.NoError(t, start(t).Load(bytes.NewBufferString(fmt.Sprintf(document, 2))))
	require.ErrorContains(t, start(t).Load(bytes.NewBufferString(fmt.Sprintf(document, 1))), "Topic limit exceeded")
}
