package rehearsal_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"
)

func pathStyle(o *s3.Options) { o.UsePathStyle = true }

func TestAVersionedBucketKeepsWhatIsDeletedUntilEachVersionIs(t *testing.T) {
	server := start(t)
	makes(t, server, "AWS::S3::Bucket", map[string]any{"BucketName": "versioned", "VersioningConfiguration": map[string]any{"Status": "Enabled"}})
	client := s3.NewFromConfig(as(server, dev), pathStyle)
	bucket := aws.String("versioned")
	put := func(key, content string) {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader(content)})
		require.NoError(t, err)
	}
	put("a", "1")
	put("a", "2")
	put("b", "3")
	_, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("a")})
	require.NoError(t, err)
	_, err = client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: aws.String("a")})
	requireCode(t, err, "NoSuchKey")
	shown, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket})
	require.NoError(t, err)
	require.Len(t, shown.Contents, 1)
	require.ErrorContains(t, server.Account(dev).Delete(region, "AWS::S3::Bucket", "versioned"), "not empty")

	var reloaded bytes.Buffer
	require.NoError(t, server.Save(&reloaded))
	require.NoError(t, server.Load(&reloaded))

	var seen []string
	for pages := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{Bucket: bucket, MaxKeys: aws.Int32(1)}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		var all []types.ObjectIdentifier
		for _, one := range page.Versions {
			seen, all = append(seen, *one.Key), append(all, types.ObjectIdentifier{Key: one.Key, VersionId: one.VersionId})
		}
		for _, one := range page.DeleteMarkers {
			require.True(t, *one.IsLatest)
			seen, all = append(seen, *one.Key+" deleted"), append(all, types.ObjectIdentifier{Key: one.Key, VersionId: one.VersionId})
		}
		require.Len(t, all, 1)
		_, err = client.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: all}})
		require.NoError(t, err)
	}
	require.Equal(t, []string{"a deleted", "a", "a", "b"}, seen)
	require.NoError(t, server.Account(dev).Delete(region, "AWS::S3::Bucket", "versioned"))
}

func TestDeletingTheMarkerShowsTheObjectAgain(t *testing.T) {
	server := start(t)
	makes(t, server, "AWS::S3::Bucket", map[string]any{"BucketName": "versioned", "VersioningConfiguration": map[string]any{"Status": "Enabled"}})
	client := s3.NewFromConfig(as(server, dev), pathStyle)
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("versioned"), Key: aws.String("a"), Body: strings.NewReader("1")})
	require.NoError(t, err)
	_, err = client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("versioned"), Key: aws.String("a")})
	require.NoError(t, err)
	listed, err := client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String("versioned")})
	require.NoError(t, err)
	_, err = client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("versioned"), Key: aws.String("a"), VersionId: listed.DeleteMarkers[0].VersionId})
	require.NoError(t, err)
	_, err = client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("versioned"), Key: aws.String("a")})
	require.NoError(t, err)
}

func TestLogGroupsAreListedFiftyAPage(t *testing.T) {
	server := start(t)
	for i := range 120 {
		makes(t, server, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": fmt.Sprintf("/notes/%03d", i)})
	}
	var sizes []int
	for pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(cloudwatchlogs.NewFromConfig(as(server, dev)), nil); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		sizes = append(sizes, len(page.LogGroups))
	}
	require.Equal(t, []int{50, 50, 20}, sizes)
}

func TestBucketsAreListedByRegion(t *testing.T) {
	server := start(t)
	for name, place := range map[string]string{"near-1": region, "near-2": region, "far": "eu-west-1"} {
		_, err := server.Account(dev).Create(place, "AWS::S3::Bucket", map[string]any{"BucketName": name})
		require.NoError(t, err)
	}
	var names []string
	for pages := s3.NewListBucketsPaginator(s3.NewFromConfig(as(server, dev), pathStyle), &s3.ListBucketsInput{
		BucketRegion: aws.String(region), MaxBuckets: aws.Int32(1),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Buckets), 1)
		for _, one := range page.Buckets {
			names = append(names, *one.Name)
		}
	}
	require.Equal(t, []string{"near-1", "near-2"}, names)
}
