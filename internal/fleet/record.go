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

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/child"
	"github.com/roadshow-go/roadshow/internal/fleet/answer"
	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// longestCommit is more than a commit's hash takes, with what may stand after it.
const longestCommit = 128

// commitOf is the Git commit that a deployed template was made from, as the deploy has laid it beside the template;
// absent where none was recorded. Of a template that was made of several commits it is the first. A commit goes before
// changed files that made the same: it can be checked out.
//
// The lookup role of a bootstrap is not asked. The bucket is encrypted, and the role has an explicit Deny of
// kms:Decrypt ("DontReadSecrets" of lib/api/bootstrap/bootstrap-template.yaml in the aws-cdk package). The deploy role
// reads that bucket whenever the cdk command deploys ("CliStagingBucket").
func commitOf(ctx context.Context, way route, stage stages.Stage, template []byte) answer.Answer[string] {
	var read struct{ Metadata map[string]any }
	if json.Unmarshal(template, &read) != nil {
		return answer.Absent[string]() // YAML was deployed by somebody else
	}
	digest, _ := read.Metadata[parity.DigestKey].(string)
	if digest == "" {
		return answer.Absent[string]()
	}
	if way.role == roleARN(stage, lookupRole) {
		if err := way.assume(ctx, stage, []string{deployRole}); err != nil {
			if _, refused := errors.AsType[*RoleError](err); refused {
				return answer.Unasked[string](fmt.Errorf("the lookup role of a bootstrap may not decrypt the bucket in which it is recorded, "+
					"and the deploy role, which may, does not admit profile %s", way.profile))
			}
			if refused, is := errors.AsType[*ServiceError](err); is { // whoever shows it names the stage
				err = errors.New(refused.Reason() + "\n" + refused.Fix())
			}
			return answer.Untold[string](err)
		}
	}
	client := s3.NewFromConfig(way.config)
	for _, suffix := range []string{"", assembly.DirtySuffix} {
		bucket, key := assembly.Bucket(stage), assembly.CommitObject(digest, suffix)
		object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key, ExpectedBucketOwner: &stage.Account})
		if _, missing := errors.AsType[*types.NoSuchKey](err); missing {
			continue
		}
		// Who may not list a bucket is refused what is not there, too.
		// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
		if refusal, is := errors.AsType[smithy.APIError](err); is && refusal.ErrorCode() == "AccessDenied" {
			return answer.Untold[string](fmt.Errorf("S3 does not say whether a commit is recorded in s3://%s/%s: %s\n"+
				"Allow s3:GetObject for it, and s3:ListBucket for the bucket.", bucket, key, Brief(err)))
		}
		if err != nil {
			return answer.Untold[string](fmt.Errorf("the commit recorded in s3://%s/%s could not be read: %s", bucket, key, Brief(err)))
		}
		text, err := io.ReadAll(io.LimitReader(object.Body, longestCommit))
		if err := errors.Join(err, object.Body.Close()); err != nil {
			return answer.Untold[string](fmt.Errorf("the commit recorded in s3://%s/%s could not be read: %s", bucket, key, Brief(err)))
		}
		return answer.Seen(strings.TrimSpace(string(text)))
	}
	return answer.Absent[string]()
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
	var output child.Tail
	git.Dir, git.Stdout = project, &output
	if err := child.Run(git); err != nil {
		return -1, -1
	}
	if _, err := fmt.Sscan(output.String(), &ahead, &behind); err != nil {
		return -1, -1
	}
	return behind, ahead
}
