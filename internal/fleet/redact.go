package fleet

import (
	"context"
	"os"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// redactor takes secrets out of what other programs print. The cdk command is not expected to print any;
// but what it prints may hold what a program, a plugin or a proxy put there, and ends in the logs of CI.
type redactor struct{ secrets *strings.Replacer }

// hidden stands where a secret stood.
const hidden = "(hidden)"

// secretForms are how credentials are written, whoever's they are: with their name before them. The id of
// an access key is no secret, but tells with whose credentials something was tried; it is hidden too.
var secretForms = []*regexp.Regexp{
	regexp.MustCompile(`(?i)((?:aws_?)?(?:secret_?access_?key|session_?token|security[_-]?token)["']?\s*[:=]\s*["']?)[A-Za-z0-9/+=_%-]{8,}`),
	regexp.MustCompile(`(?i)(X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s"']+`),
	regexp.MustCompile(`(\b)(?:AKIA|ASIA)[A-Z0-9]{12,}\b`),
}

// shortestSecret keeps a word of everyday use, as tests and examples have for a password, from being hidden
// wherever it stands.
const shortestSecret = 8

// newRedactor knows the credentials of this process's environment, and those that clients of
// configurations use.
func newRedactor(ctx context.Context, configs ...aws.Config) redactor {
	known := []string{os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN"), os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")}
	for _, config := range configs {
		if config.Credentials == nil {
			continue
		}
		if credentials, err := config.Credentials.Retrieve(ctx); err == nil {
			known = append(known, credentials.SecretAccessKey, credentials.SessionToken)
		}
	}
	var pairs []string
	for _, secret := range known {
		if len(secret) >= shortestSecret {
			pairs = append(pairs, secret, hidden)
		}
	}
	return redactor{secrets: strings.NewReplacer(pairs...)}
}

func (r redactor) redact(text string) string {
	if r.secrets != nil {
		text = r.secrets.Replace(text)
	}
	for _, form := range secretForms {
		text = form.ReplaceAllString(text, "${1}"+hidden)
	}
	return text
}
