package credentials

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/roadshow-go/roadshow/internal/awsconfig"
	"github.com/roadshow-go/roadshow/internal/child"
	"github.com/roadshow-go/roadshow/internal/redact"
)

// process runs a profile's credential_process. Neither what it prints nor its command line is in any error: both may hold
// secrets.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
type process struct {
	source   Source
	setting  awsconfig.Setting
	account  string
	redactor *redact.Redactor
	// terminal is where it may ask its user, and is answered from standard input; nil where there is nobody.
	terminal io.Writer
}

// printed is what a process prints.
type printed struct {
	Version         int
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

// errTooLong ends a process that prints more than any credentials are.
var errTooLong = errors.New("too long")

// atMost keeps what is written to it, and refuses what is more than [child.Limit].
type atMost struct {
	text []byte // not a [bytes.Buffer], which would read by itself, past the limit
	over bool
}

func (w *atMost) Write(data []byte) (int, error) {
	if len(w.text)+len(data) > child.Limit {
		w.over = true
		return 0, errTooLong
	}
	w.text = append(w.text, data...)
	return len(data), nil
}

// secretValues are the secrets in what is no JSON as a whole, such as after a notice.
var secretValues = regexp.MustCompile(`"(?:SecretAccessKey|SessionToken)"\s*:\s*"([^"]+)"`)

// Retrieve is [aws.CredentialsProvider]'s.
func (p process) Retrieve(ctx context.Context) (aws.Credentials, error) {
	fail := func(reason string, err error) (aws.Credentials, error) {
		return aws.Credentials{}, &Error{
			Source: p.source, At: p.setting.At, Reason: reason,
			Fix: "Run its credential_process yourself, and see what it prints", Err: err,
		}
	}
	command := child.Shell(ctx, p.setting.Value)
	var output atMost
	command.Stdout = &output
	if p.terminal != nil {
		faults := p.redactor.Stream(p.terminal)
		defer faults.Close()
		command.Stderr, command.Stdin = faults, os.Stdin
	}
	err := child.Run(command)
	text := bytes.TrimSpace(output.text)
	for _, found := range secretValues.FindAllSubmatch(text, -1) {
		p.redactor.Learn(string(found[1]))
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return aws.Credentials{}, ctx.Err()
	case output.over:
		return fail("has a credential_process that prints more than "+strconv.Itoa(child.Limit>>20)+" MB, which are no credentials", nil)
	case errors.As(err, &exit):
		return fail("has a credential_process that failed ("+exit.Error()+")", nil)
	case err != nil:
		return fail("has a credential_process that does not run", nil)
	}
	if runtime.GOOS == "windows" {
		text = bytes.ReplaceAll(text, []byte(`\"`), []byte(`"`)) // its shell adds them
	}
	var answer printed
	if json.Unmarshal(text, &answer) != nil {
		return fail("has a credential_process that prints something else than one JSON object", nil)
	}
	p.redactor.Learn(answer.SecretAccessKey, answer.SessionToken)
	switch {
	case answer.Version != 1:
		return fail("has a credential_process whose JSON has another Version than 1", nil)
	case answer.AccessKeyID == "" || answer.SecretAccessKey == "":
		return fail("has a credential_process whose JSON lacks AccessKeyId or SecretAccessKey", nil)
	}
	credentials := aws.Credentials{
		AccessKeyID: answer.AccessKeyID, SecretAccessKey: answer.SecretAccessKey, SessionToken: answer.SessionToken,
		AccountID: p.account, Source: string(Process),
	}
	if answer.Expiration != "" {
		expires, err := time.Parse(time.RFC3339, answer.Expiration)
		if err != nil {
			return fail("has a credential_process whose JSON has an Expiration that is no time of RFC 3339", nil)
		}
		if expires.Before(time.Now()) {
			return fail("has a credential_process that prints credentials which have expired", nil)
		}
		credentials.CanExpire, credentials.Expires = true, expires
	}
	return credentials, nil
}
