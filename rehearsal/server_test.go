package rehearsal_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dax"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

func TestAPortThatIsTakenIsPassedOver(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	for range 2 {
		server, err := rehearsal.Start(rehearsal.Config{Port: port})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, server.Close()) })
		require.NotEqual(t, "http://"+taken.Addr().String(), server.URL())
		response, err := http.Get(server.URL())
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
}

func TestStartRefusesAccountsThatCannotBeToldApart(t *testing.T) {
	one := rehearsal.Account{ID: dev, AccessKeyID: "AKIA", SecretAccessKey: "secret"}
	for name, accounts := range map[string][]rehearsal.Account{
		"an id that is no account's":    {{ID: "12", AccessKeyID: "AKIA", SecretAccessKey: "secret"}},
		"no secret":                     {{ID: dev, AccessKeyID: "AKIA"}},
		"the same account twice":        {one, {ID: dev, AccessKeyID: "OTHER", SecretAccessKey: "secret"}},
		"the same access key twice":     {one, {ID: production, AccessKeyID: "AKIA", SecretAccessKey: "secret"}},
		"an id with letters for twelve": {{ID: "11111111111x", AccessKeyID: "AKIA", SecretAccessKey: "secret"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := rehearsal.Start(rehearsal.Config{Accounts: accounts})
			require.ErrorContains(t, err, "want")
		})
	}
}

func TestAnUnknownAccessKeyIsRefusedInTheWordsOfEachProtocol(t *testing.T) {
	server := start(t)
	stranger := with(server, credentials.NewStaticCredentialsProvider("AKIASTRANGER", "secret", ""))

	_, err := sts.NewFromConfig(stranger).GetCallerIdentity(t.Context(), nil)
	requireCode(t, err, "InvalidClientTokenId")
	_, err = dynamodb.NewFromConfig(stranger).ListTables(t.Context(), nil)
	requireCode(t, err, "UnrecognizedClientException")
	_, err = lambda.NewFromConfig(stranger).ListFunctions(t.Context(), nil)
	requireCode(t, err, "UnrecognizedClientException")
	_, err = ec2.NewFromConfig(stranger).DescribeVpcs(t.Context(), nil)
	requireCode(t, err, "AuthFailure")
	_, err = s3.NewFromConfig(stranger).ListBuckets(t.Context(), nil)
	requireCode(t, err, "InvalidAccessKeyId")
}

func TestAWrongSecretIsRefused(t *testing.T) {
	server := start(t)
	wrong := with(server, credentials.NewStaticCredentialsProvider("AKIADEV", "another secret", ""))
	_, err := sts.NewFromConfig(wrong).GetCallerIdentity(t.Context(), nil)
	requireCode(t, err, "SignatureDoesNotMatch")
}

func TestAnUnsignedRequestIsRefused(t *testing.T) {
	server := start(t)
	answer, err := http.Post(server.URL(), "application/x-www-form-urlencoded", strings.NewReader("Action=GetCallerIdentity"))
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusForbidden, answer.StatusCode)
}

func TestAnUnknownOperationAnswers501WithItsName(t *testing.T) {
	server := start(t)
	config := as(server, dev)

	_, err := iam.NewFromConfig(config).CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("someone")})
	requireCode(t, err, "NotImplemented")
	require.ErrorContains(t, err, "CreateUser of iam")
	require.ErrorContains(t, err, "501")

	_, err = dynamodb.NewFromConfig(config).ListBackups(t.Context(), nil)
	requireCode(t, err, "NotImplemented")
	require.ErrorContains(t, err, "ListBackups of dynamodb")

	_, err = dax.NewFromConfig(config).DescribeEvents(t.Context(), nil)
	require.ErrorContains(t, err, "DescribeEvents of dax")

	_, err = s3.NewFromConfig(config).GetBucketCors(t.Context(), &s3.GetBucketCorsInput{Bucket: aws.String("any")})
	require.ErrorContains(t, err, "GetBucketCors of s3")
}

func TestEveryCallIsRecorded(t *testing.T) {
	server := start(t)
	before := time.Now()
	_, err := sts.NewFromConfig(as(server, dev)).GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
	_, err = lambda.NewFromConfig(as(server, production)).GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("none")})
	require.Error(t, err)

	calls := server.Calls()
	require.Len(t, calls, 2)
	require.WithinRange(t, calls[0].Time, before, time.Now())
	for i := range calls {
		calls[i].Time = time.Time{}
	}
	require.Equal(t, []rehearsal.Call{
		{Account: dev, Region: region, Service: "sts", Operation: "GetCallerIdentity", Status: 200},
		{Account: production, Region: region, Service: "lambda", Operation: "GetFunction", Status: 404},
	}, calls)
}

func TestAnInjectedFaultStrikesAsOftenAsAsked(t *testing.T) {
	server := start(t)
	server.InjectFault(rehearsal.Fault{Account: dev, Service: "sts", Operation: "GetCallerIdentity", Count: 2, Status: 400, Code: "Throttling", Message: "Rate exceeded"})
	client, other := sts.NewFromConfig(as(server, dev)), sts.NewFromConfig(as(server, production))

	for range 2 {
		_, err := client.GetCallerIdentity(t.Context(), nil)
		requireCode(t, err, "Throttling")
		_, err = other.GetCallerIdentity(t.Context(), nil)
		require.NoError(t, err, "the fault is dev's")
	}
	_, err := client.GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
}

func TestAFaultCanBeTakenBack(t *testing.T) {
	server := start(t)
	remove := server.InjectFault(rehearsal.Fault{Code: "ServiceUnavailable", Status: 503})
	client := sts.NewFromConfig(as(server, dev))
	_, err := client.GetCallerIdentity(t.Context(), nil)
	requireCode(t, err, "ServiceUnavailable")
	remove()
	_, err = client.GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
}

func TestAClosedAccountsCredentialsAreUnknown(t *testing.T) {
	server := start(t)
	client := sts.NewFromConfig(as(server, dev))
	_, err := client.GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
	server.Account(dev).CloseAccount()
	_, err = client.GetCallerIdentity(t.Context(), nil)
	requireCode(t, err, "InvalidClientTokenId")
	_, err = sts.NewFromConfig(as(server, production)).GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
}
