package rehearsal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// ask sends a request of a JSON service for which no SDK client is among the
// module's dependencies, signed by the SDK's own signer.
func ask(t *testing.T, server *rehearsal.Server, service, target string, input map[string]any) (int, map[string]any) {
	t.Helper()
	body, err := json.Marshal(input)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL()+"/", bytes.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	config := as(server, dev)
	credentials, err := config.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), credentials, r, fmt.Sprintf("%x", sha256.Sum256(body)), service, region, time.Now()))
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	var output map[string]any
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&output))
	return answer.StatusCode, output
}

func TestParametersArePutReadByPathAndDeleted(t *testing.T) {
	server := start(t)
	put := func(name, value string, overwrite bool) (int, map[string]any) {
		return ask(t, server, "ssm", "AmazonSSM.PutParameter", map[string]any{"Name": name, "Value": value, "Type": "String", "Overwrite": overwrite})
	}
	put("/notes/a", "1", false)
	put("/notes/deep/b", "2", false)
	status, refusal := put("/notes/a", "3", false)
	require.Equal(t, 400, status)
	require.Equal(t, "ParameterAlreadyExists", refusal["__type"])
	_, changed := put("/notes/a", "3", true)
	require.EqualValues(t, 2, changed["Version"])

	_, got := ask(t, server, "ssm", "AmazonSSM.GetParameter", map[string]any{"Name": "/notes/a"})
	require.Equal(t, "3", got["Parameter"].(map[string]any)["Value"])
	_, below := ask(t, server, "ssm", "AmazonSSM.GetParametersByPath", map[string]any{"Path": "/notes"})
	require.Len(t, below["Parameters"], 1)
	_, below = ask(t, server, "ssm", "AmazonSSM.GetParametersByPath", map[string]any{"Path": "/notes", "Recursive": true})
	require.Len(t, below["Parameters"], 2)
	_, many := ask(t, server, "ssm", "AmazonSSM.GetParameters", map[string]any{"Names": []string{"/notes/a", "/none"}})
	require.Equal(t, []any{"/none"}, many["InvalidParameters"])

	ask(t, server, "ssm", "AmazonSSM.DeleteParameter", map[string]any{"Name": "/notes/a"})
	status, refusal = ask(t, server, "ssm", "AmazonSSM.GetParameter", map[string]any{"Name": "/notes/a"})
	require.Equal(t, 400, status)
	require.Equal(t, "ParameterNotFound", refusal["__type"])
}

func TestLogGroupsAndRepositoriesAreListed(t *testing.T) {
	server := start(t)
	makes(t, server, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/aws/lambda/dev-notes", "RetentionInDays": int64(30)})
	makes(t, server, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/other"})
	_, groups := ask(t, server, "logs", "Logs_20140328.DescribeLogGroups", map[string]any{"logGroupNamePrefix": "/aws/"})
	require.Len(t, groups["logGroups"], 1)
	require.EqualValues(t, 30, groups["logGroups"].([]any)[0].(map[string]any)["retentionInDays"])

	makes(t, server, "AWS::ECR::Repository", map[string]any{"RepositoryName": "images"})
	_, repositories := ask(t, server, "ecr", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories", map[string]any{"repositoryNames": []string{"images"}})
	require.Len(t, repositories["repositories"], 1)
	status, refusal := ask(t, server, "ecr", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories", map[string]any{"repositoryNames": []string{"none"}})
	require.Equal(t, 400, status)
	require.Equal(t, "RepositoryNotFoundException", refusal["__type"])
}

func TestAServiceThatIsNotThereAnswers501WithItsName(t *testing.T) {
	server := start(t)
	status, refusal := ask(t, server, "kinesis", "Kinesis_20131202.ListStreams", nil)
	require.Equal(t, 501, status)
	require.Contains(t, refusal["message"], "ListStreams of kinesis")
}

func TestAPresignedURLReadsAnObjectUntilItIsTamperedWith(t *testing.T) {
	server := start(t)
	makes(t, server, "AWS::S3::Bucket", map[string]any{"BucketName": "assets"})
	client := s3.NewFromConfig(as(server, dev), func(o *s3.Options) { o.UsePathStyle = true })
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("assets"), Key: aws.String("a b"), Body: strings.NewReader("content")})
	require.NoError(t, err)
	signed, err := s3.NewPresignClient(client).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("assets"), Key: aws.String("a b")})
	require.NoError(t, err)
	for url, want := range map[string]string{signed.URL: "content", strings.Replace(signed.URL, "/a%20b", "/other", 1): "SignatureDoesNotMatch"} {
		answer, err := http.Get(url)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Contains(t, string(body), want)
	}
}

func TestABucketIsUsedFromItsOwnRegion(t *testing.T) {
	server := start(t)
	_, err := server.Account(dev).Create("eu-west-1", "AWS::S3::Bucket", map[string]any{"BucketName": "assets"})
	require.NoError(t, err)
	client := s3.NewFromConfig(as(server, dev), func(o *s3.Options) { o.UsePathStyle = true })
	located, err := client.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: aws.String("assets")})
	require.NoError(t, err)
	require.EqualValues(t, "eu-west-1", located.LocationConstraint)
	_, err = client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("assets")})
	requireCode(t, err, "AuthorizationHeaderMalformed")
}
