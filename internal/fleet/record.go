package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// longestCommit is more than a commit's hash takes, with what may stand after it.
const longestCommit = 128

// recordedCommit is the Git commit that a deployed template was made from, as the deploy has laid it beside the
// template; empty where none was recorded. Of a template that was made of several commits it is the first. A
// commit goes before changed files that made the same: it can be checked out.
func recordedCommit(ctx context.Context, config aws.Config, stage stages.Stage, template []byte) (string, error) {
	var read struct{ Metadata map[string]any }
	if json.Unmarshal(template, &read) != nil {
		return "", nil // YAML was deployed by somebody else
	}
	digest, _ := read.Metadata[parity.DigestKey].(string)
	if digest == "" {
		return "", nil
	}
	client := s3.NewFromConfig(config)
	for _, suffix := range []string{"", assembly.DirtySuffix} {
		bucket, key := assembly.Bucket(stage), assembly.CommitObject(digest, suffix)
		object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key, ExpectedBucketOwner: &stage.Account})
		if _, missing := errors.AsType[*types.NoSuchKey](err); missing {
			continue
		}
		// Who may not list a bucket is refused what is not there, too.
		// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
		if refusal, is := errors.AsType[smithy.APIError](err); is && refusal.ErrorCode() == "AccessDenied" {
			return "", fmt.Errorf("S3 does not say whether a commit is recorded in s3://%s/%s.\nAllow s3:GetObject for it, and s3:ListBucket for the bucket: %w", bucket, key, err)
		}
		if err != nil {
			return "", fmt.Errorf("the commit recorded in s3://%s/%s could not be read: %w", bucket, key, err)
		}
		text, err := io.ReadAll(io.LimitReader(object.Body, longestCommit))
		if err := errors.Join(err, object.Body.Close()); err != nil {
			return "", fmt.Errorf("s3://%s/%s: %w", bucket, key, err)
		}
		return strings.TrimSpace(string(text)), nil
	}
	return "", nil
}

// cleanCommit is the commit that was checked out, whether or not there were changes to it.
func cleanCommit(recorded string) string {
	commit, _ := strings.CutSuffix(recorded, assembly.DirtySuffix)
	return commit
}

// distance counts the commits of the program that the live one does not have, and those that only the live one
// has; -1 where Git cannot tell.
func distance(ctx context.Context, project, live, program string) (behind, ahead int) {
	live, program = cleanCommit(live), cleanCommit(program)
	if live == "" || program == "" || strings.HasPrefix(live, "-") || strings.HasPrefix(program, "-") {
		return -1, -1
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	git := exec.CommandContext(ctx, "git", "rev-list", "--left-right", "--count", live+"..."+program, "--")
	git.Dir = project
	output, err := git.Output()
	if err != nil {
		return -1, -1
	}
	if _, err := fmt.Sscan(string(output), &ahead, &behind); err != nil {
		return -1, -1
	}
	return behind, ahead
}
