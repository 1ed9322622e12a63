package fleet

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/stages"
)

// Profile is one way to credentials, and what AWS said about it.
type Profile struct {
	// Name is that of the AWS config, for --profile; empty for the credentials in the environment, which
	// no profile stands behind.
	Name string
	// Account is that of the credentials; empty where Err says why it is not known.
	Account string
	// ARN is who the credentials are.
	ARN string
	// Err is why the profile has no account.
	Err error
}

// String is the profile's name, for people.
func (p Profile) String() string { return cmp.Or(p.Name, "(environment)") }

// Profiles is every profile of the AWS config, each asked for its account.
type Profiles struct {
	all []Profile
	// preferred is the profile that AWS_PROFILE names.
	preferred string
}

// How long one profile may take to answer, and how many are asked at once. A profile may run a command
// of its own for credentials, so that some are slow.
const (
	askTimeout = 15 * time.Second
	askAtOnce  = 16
)

// AskProfiles asks each profile of the AWS config for its account, and the credentials in the environment
// for theirs. A profile that cannot say is none of the errors: it is listed with its own.
func AskProfiles(ctx context.Context) (*Profiles, error) {
	names, err := profileNames(configFiles())
	if err != nil {
		return nil, err
	}
	if os.Getenv("AWS_ACCESS_KEY_ID") != "" || os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE") != "" ||
		os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") != "" || os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI") != "" {
		names = append(names, "")
	}
	profiles := &Profiles{all: make([]Profile, len(names)), preferred: os.Getenv("AWS_PROFILE")}
	parallel.ForEach(ctx, askAtOnce, names, func(ctx context.Context, i int, name string) {
		profiles.all[i] = askProfile(ctx, name)
	})
	return profiles, ctx.Err()
}

// All lists the profiles, sorted by name.
func (p *Profiles) All() []Profile { return slices.Clone(p.all) }

// Only are the profiles of which one is left.
func (p *Profiles) Only(one Profile) *Profiles {
	return &Profiles{all: []Profile{one}, preferred: p.preferred}
}

// For is the profile that reaches a stage's account. Where several do, the one that is called like the
// stage wins, then the one of AWS_PROFILE, then the credentials of the environment, then the first by
// name; the others are returned too. The error is a [*NoProfileError].
func (p *Profiles) For(stage stages.Stage) (chosen Profile, others []Profile, err error) {
	var fits []Profile
	for _, profile := range p.all {
		if profile.Err == nil && profile.Account == stage.Account {
			fits = append(fits, profile)
		}
	}
	if len(fits) == 0 {
		return Profile{}, nil, &NoProfileError{Stage: stage, Asked: p.All()}
	}
	rank := func(profile Profile) int {
		switch {
		case profile.Name == stage.Name:
			return 0
		case profile.Name != "" && profile.Name == p.preferred:
			return 1
		case profile.Name == "":
			return 2
		}
		return 3
	}
	slices.SortStableFunc(fits, func(a, b Profile) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Name, b.Name))
	})
	return fits[0], fits[1:], nil
}

// NoProfileError says that no profile reaches a stage's account.
type NoProfileError struct {
	// Stage is the stage that cannot be reached, Asked every profile, each with its account or its error.
	Stage stages.Stage
	Asked []Profile
	// DeployFrom lists the accounts that may deploy to the stage, of which there is no profile either.
	DeployFrom []string
}

func (e *NoProfileError) Error() string {
	want := e.Stage.Account
	if len(e.DeployFrom) > 0 {
		want += ", or of " + strings.Join(e.DeployFrom, ", ") + ", which may deploy to it"
	}
	text := fmt.Sprintf("stage %s: profile is none of %d, want one of account %s; add one to the AWS config, as with `aws configure sso --profile %s`",
		e.Stage.Name, len(e.Asked), want, e.Stage.Name)
	// A profile that could not answer may be the one, above all where it is called like the stage.
	var silent []string
	for _, profile := range e.Asked {
		if profile.Err == nil {
			continue
		}
		if profile.Name == e.Stage.Name {
			return fmt.Sprintf("stage %s: profile %s is not usable, want credentials of account %s; %s (%s)",
				e.Stage.Name, profile, e.Stage.Account, Remedy(profile.Err), Brief(profile.Err))
		}
		silent = append(silent, profile.String())
	}
	if len(silent) > 0 {
		text += "; not usable now: " + strings.Join(silent, ", ")
	}
	return text
}

// Remedy is what to do about credentials that do not work.
func Remedy(err error) string {
	var refusal smithy.APIError
	text := err.Error()
	switch {
	case errors.As(err, &refusal) && strings.Contains(refusal.ErrorCode(), "Expired"), strings.Contains(text, "SSO"), strings.Contains(text, "sso"):
		return "sign in again, as with `aws sso login`"
	case errors.Is(err, context.DeadlineExceeded):
		return "check the network, and what the profile runs for its credentials"
	case errors.As(err, &refusal):
		return "renew its access key"
	}
	return "correct it in the AWS config"
}

// Brief is the part of an SDK's error that says something to people: AWS's own words.
func Brief(err error) string {
	var refusal smithy.APIError
	if errors.As(err, &refusal) {
		return refusal.ErrorCode() + ": " + refusal.ErrorMessage()
	}
	text := err.Error()
	if at := strings.LastIndex(text, "exceeded maximum number of attempts"); at >= 0 {
		text = text[at:]
	}
	return text
}

func askProfile(ctx context.Context, name string) Profile {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	profile := Profile{Name: name}
	loaded, err := load(ctx, name, "")
	if err != nil {
		profile.Err = err
		return profile
	}
	if loaded.Region == "" {
		loaded.Region = "us-east-1" // STS answers everywhere alike
	}
	who, err := sts.NewFromConfig(loaded).GetCallerIdentity(ctx, nil)
	if err != nil {
		profile.Err = err
		return profile
	}
	profile.Account, profile.ARN = aws.ToString(who.Account), aws.ToString(who.Arn)
	return profile
}

// Attempts is how often a request is tried: an account that throttles is asked again, each time later.
const Attempts = 6

// load is the configuration of SDK clients for a profile, or for the environment's credentials.
func load(ctx context.Context, profile, region string) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{config.WithRetryMaxAttempts(Attempts), config.WithLogger(logging.Nop{})}
	if region != "" {
		options = append(options, config.WithRegion(region))
	}
	if profile != "" {
		options = append(options, config.WithSharedConfigProfile(profile))
	}
	return config.LoadDefaultConfig(ctx, options...)
}

// configFiles are the AWS config and credentials files, as every AWS tool finds them.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-location.html
func configFiles() (settings, keys string) {
	home, _ := os.UserHomeDir()
	return cmp.Or(os.Getenv("AWS_CONFIG_FILE"), filepath.Join(home, ".aws", "config")),
		cmp.Or(os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), filepath.Join(home, ".aws", "credentials"))
}

// profileNames lists the profiles of both files, sorted. Only the names of sections are read: what stands
// in them is the SDK's business.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
func profileNames(settings, keys string) ([]string, error) {
	found := map[string]bool{}
	read := func(path string, isProfile func(section string) (string, bool)) error {
		file, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("AWS config: %w", err)
		}
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			line := strings.TrimSpace(lines.Text())
			section, isSection := strings.CutPrefix(line, "[")
			section, _, closed := strings.Cut(section, "]")
			if !isSection || !closed {
				continue
			}
			if name, is := isProfile(strings.TrimSpace(section)); is {
				found[name] = true
			}
		}
		return nil
	}
	err := errors.Join(
		read(settings, func(section string) (string, bool) {
			if section == "default" {
				return section, true
			}
			name, is := strings.CutPrefix(section, "profile")
			trimmed := strings.TrimSpace(name)
			return trimmed, is && trimmed != name && trimmed != ""
		}),
		read(keys, func(section string) (string, bool) { return section, section != "" }),
	)
	names := make([]string, 0, len(found))
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, err
}
