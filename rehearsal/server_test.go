package rehearsal_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
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

// Neither who sends no headers nor who sends no body holds anybody up.
func TestAThousandSlowClientsHoldNobodyElseUp(t *testing.T) {
	server := start(t)
	makes(t, server, "AWS::DynamoDB::Table", table("notes"))
	deploys(t, server, nil)
	url, _ := exposes(t, server, map[string]any{"RouteKey": "POST /notes"})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL(), nil)
	require.NoError(t, err)
	request.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	keys, err := as(server, dev).Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), keys, request, strings.Repeat("0", 64), "dynamodb", region, time.Now()))
	signed := "POST / HTTP/1.1\r\nHost: " + request.Host + "\r\nContent-Length: 100\r\n"
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Target"} {
		signed += name + ": " + request.Header.Get(name) + "\r\n"
	}
	for i := range 1000 {
		slow := []struct{ address, text string }{
			{server.URL(), "POST / HTTP/1.1\r\nHost: a"},
			{server.URL(), signed + "\r\n{"},
			{url, "POST /notes HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"},
		}[i%3]
		connection, err := net.Dial("tcp", strings.TrimPrefix(slow.address, "http://"))
		require.NoError(t, err)
		defer connection.Close()
		_, err = connection.Write([]byte(slow.text))
		require.NoError(t, err)
	}
	_, err = dynamodb.NewFromConfig(as(server, dev)).ListTables(t.Context(), &dynamodb.ListTablesInput{})
	require.NoError(t, err)
	status, content := sends(t, aRequest(t, "POST", url+"/notes", "{}"))
	require.Equal(t, 200, status, content)
	var state bytes.Buffer
	require.NoError(t, server.Save(&state), "nothing is under way")
}

func TestABodyIsReadOnlyOfWhomIsKnownAndOnlyToALimit(t *testing.T) {
	server := start(t)
	endless := func() io.Reader { return io.LimitReader(zeros{}, 64<<30) }
	sends := func(header http.Header, body io.Reader) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL()+"/a/b", body)
		require.NoError(t, err)
		request.Header = header
		response, err := http.DefaultTransport.RoundTrip(request)
		require.NoError(t, err)
		defer response.Body.Close()
		content, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(content)
	}
	authorization := func(key, service string) http.Header {
		return http.Header{
			"Authorization": {"AWS4-HMAC-SHA256 Credential=" + key + "/20260101/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=00"},
			"X-Amz-Date":    {"20260101T000000Z"},
		}
	}
	status, content := sends(http.Header{}, endless())
	require.Equal(t, 403, status)
	require.Contains(t, content, "MissingAuthenticationToken")
	status, content = sends(authorization("AKIANOBODY", "s3"), endless())
	require.Equal(t, 403, status)
	require.Contains(t, content, "InvalidAccessKeyId")
	ours := authorization("AKIADEV", "s3")
	ours.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	status, content = sends(ours, endless())
	require.Equal(t, 403, status, "the signature is another's, whatever the body")
	require.Contains(t, content, "SignatureDoesNotMatch")
	status, content = sends(authorization("AKIADEV", "dynamodb"), endless())
	require.Equal(t, 413, status)
	require.Contains(t, content, "The request has more than 17825792 bytes, which is more than dynamodb takes.")
}

// zeros is text without an end.
type zeros struct{}

func (zeros) Read(text []byte) (int, error) { return len(text), nil }
