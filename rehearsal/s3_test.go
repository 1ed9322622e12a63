package rehearsal_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
)

func TestObjectsArePutListedReadAndDeletedInEitherURLStyle(t *testing.T) {
	for name, style := range map[string]bool{"path style": true, "virtual-host style": false} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			config := as(server, dev)
			// A bucket's own host name would need a resolver; a proxy is how
			// both styles reach loopback by one address.
			config.HTTPClient = &http.Client{Transport: toLoopback{server.URL()}}
			client := s3.NewFromConfig(config, func(o *s3.Options) {
				o.UsePathStyle = style
				if !style {
					o.BaseEndpoint = nil
				}
			})
			bucket := aws.String("assets-of-dev")
			_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket})
			require.NoError(t, err)

			for _, key := range []string{"a/one", "a/two words+plus", "b"} {
				_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String(key), Body: strings.NewReader("content of " + key)})
				require.NoError(t, err, key)
			}
			listed, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("a/")})
			require.NoError(t, err)
			require.Len(t, listed.Contents, 2)
			require.Equal(t, "a/two words+plus", *listed.Contents[1].Key)

			grouped, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket, Delimiter: aws.String("/")})
			require.NoError(t, err)
			require.Len(t, grouped.Contents, 1)
			require.Equal(t, "a/", *grouped.CommonPrefixes[0].Prefix)

			read, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: aws.String("a/two words+plus")})
			require.NoError(t, err)
			content, err := io.ReadAll(read.Body)
			require.NoError(t, err)
			require.Equal(t, "content of a/two words+plus", string(content))

			_, err = client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: bucket})
			requireCode(t, err, "BucketNotEmpty")
			for _, key := range []string{"a/one", "a/two words+plus", "b"} {
				_, err = client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String(key)})
				require.NoError(t, err)
			}
			_, err = client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: bucket})
			require.NoError(t, err)
		})
	}
}

// toLoopback sends every request to the endpoint, whatever host it names.
type toLoopback struct{ url string }

func (l toLoopback) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(l.url, "http://")
	return http.DefaultTransport.RoundTrip(r)
}

func TestABucketsNameIsTakenInTheWholeWorld(t *testing.T) {
	server := start(t)
	style := func(o *s3.Options) { o.UsePathStyle = true }
	mine, theirs := s3.NewFromConfig(as(server, dev), style), s3.NewFromConfig(as(server, production), style)
	bucket := aws.String("one-of-a-kind")
	_, err := mine.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket})
	require.NoError(t, err)

	_, err = theirs.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket})
	requireCode(t, err, "BucketAlreadyExists")
	_, err = mine.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket})
	requireCode(t, err, "BucketAlreadyOwnedByYou")
	_, err = theirs.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket})
	requireCode(t, err, "AccessDenied")
	for _, account := range []string{dev, production} {
		_, err = server.Account(account).Create("eu-west-1", "AWS::S3::Bucket", map[string]any{"BucketName": *bucket})
		require.ErrorContains(t, err, "one-of-a-kind already exists", "a stack of account %s", account)
	}
}

func TestListingObjectsGoesOnWhereThePageEnded(t *testing.T) {
	server := start(t)
	client := s3.NewFromConfig(as(server, dev), func(o *s3.Options) { o.UsePathStyle = true })
	bucket := aws.String("assets-of-dev")
	_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket})
	require.NoError(t, err)
	for _, key := range []string{"1", "2", "3", "4", "5"} {
		_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String(key), Body: strings.NewReader(key)})
		require.NoError(t, err)
	}
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: bucket, MaxKeys: aws.Int32(2)})
	var keys []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, object := range page.Contents {
			keys = append(keys, *object.Key)
		}
	}
	require.Equal(t, []string{"1", "2", "3", "4", "5"}, keys)
}
