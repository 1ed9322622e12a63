package stages

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Stage is one environment: a name, and the one account and region it lives in. A second region is a
// second stage. The same program runs on every stage; what makes stages differ is declared with a
// [Selector], a [Pick] or a [Tier].
//
// A Stage is a plain comparable value. It is validated by [Set.Validate], not when it is made, so that a
// package variable can hold one.
//
// A Stage is a [Selector]: it selects itself.
type Stage struct {
	// Name is a lower-case DNS label: letters, digits and single hyphens, at most [MaxStageName]
	// characters, first a letter. It begins every physical name of the stage. "all" is reserved.
	// Required.
	Name string

	// Account is the 12-digit id of the AWS account that hosts the stage. Two stages may share one.
	// Required. https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html
	Account string

	// Region is the code of an AWS region, such as us-east-1. Required.
	// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
	Region string

	// Tier says what the stage may lose. Default: [Standard].
	Tier Tier

	// PermissionsBoundary is the name of the IAM managed policy, in the stage's account, that every role
	// of the stage gets as its permissions boundary; a path stands before it, as in "team/boundary". At
	// most 128 characters without the path. Default: none.
	//
	// Its value is identity: the account's organisation demands it, and two stages whose boundaries have
	// two names are still identical. Whether there is one is a choice, since it adds a property to every
	// role; it is recorded with the others, and an understudy ([Stage.As]) plays it.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
	PermissionsBoundary string

	// Qualifier is that of the account's CDK bootstrap (cdk bootstrap --qualifier), which begins the names
	// of the bucket and the roles that deploy: 1 to 10 lower-case letters and digits. It is identity.
	// Default: [DefaultQualifier], the CDK's own.
	// https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html
	Qualifier string

	// role is the name whose choices the stage plays; empty is its own. See [Stage.As].
	role string
	// family is the pattern of the template whose choices the stage plays; usually its own template.
	family string
	// template is the pattern that this stage is (in a set), or was made from (once selected).
	template string
	// expires is how long a stage made from the template lives after its last update; 0 is for ever.
	expires time.Duration
}

// MaxStageName is the greatest length of a stage's name. It leaves room for a service and a component
// in the 64 characters of a Lambda function's name.
const MaxStageName = 32

// MaxServiceName is the greatest length of a service's name, which is a lower-case DNS label as a stage's is.
const MaxServiceName = 32

// DefaultQualifier is the qualifier of a bootstrap that was given none.
const DefaultQualifier = "hnb659fds"

// BootstrapQualifier is the stage's [Stage.Qualifier], or the default.
func (s Stage) BootstrapQualifier() string { return cmp.Or(s.Qualifier, DefaultQualifier) }

// As is the stage's understudy: its own identity (name, account, region, the name of its permissions
// boundary, its bootstrap), playing the choices of another (its selectors, picks and tier, its time to
// live, and whether it has a boundary). Parity compares Production.As(Dev) with Dev: whatever still
// differs then was not declared.
//
// An understudy is for proofs only. A set refuses one.
func (s Stage) As(other Stage) Stage {
	s.role = other.Role()
	s.family = other.family
	s.Tier = other.Tier
	s.expires = other.expires
	if other.PermissionsBoundary == "" {
		s.PermissionsBoundary = ""
	} else {
		s.PermissionsBoundary = cmp.Or(s.PermissionsBoundary, other.PermissionsBoundary)
	}
	return s
}

// Role is the name of the stage whose choices this one makes: its own, unless it is an understudy
// ([Stage.As]) or was made from a template ([Stage.Template]).
func (s Stage) Role() string {
	if s.role != "" {
		return s.role
	}
	return s.Name
}

// Template is a family of ephemeral stages in this stage's account and region, with its choices:
//
//	stages.Set{Dev, Production, Dev.Template("pr-*")}
//
// The pattern is a lower-case DNS label, shorter than [MaxStageName], and one "*", best behind a hyphen. A
// template is no stage itself: nothing deploys "pr-*", and it does not count when an account selects its
// stage. `-c stage=pr-417` makes the stage; see [Set.Resolve].
func (s Stage) Template(pattern string) Stage {
	s.role = s.Role()
	s.family = pattern
	s.template = pattern
	s.Name = pattern
	return s
}

// ExpiresAfter gives the stages of a template a time to live, counted from the last update of their
// stack. It is a constant of the template, so that a deploy of unchanged code changes nothing.
// Default: none, the stage lives until it is removed.
func (s Stage) ExpiresAfter(ttl time.Duration) Stage {
	s.expires = ttl
	return s
}

// Expiry is when an ephemeral stage expires whose stack was last updated (or, before any update, created)
// at the given time; false where it never does.
func (s Stage) Expiry(lastUpdate time.Time) (time.Time, bool) {
	return lastUpdate.Add(s.expires), s.expires > 0
}

// TimeToLive is how long after its stack's last update an ephemeral stage expires; 0 is never.
func (s Stage) TimeToLive() time.Duration { return s.expires }

// IsTemplate tells whether this is a template rather than a stage that can be deployed.
func (s Stage) IsTemplate() bool { return s.template != "" && s.Name == s.template }

// IsEphemeral tells whether the stage was made from a template.
func (s Stage) IsEphemeral() bool { return s.template != "" && s.Name != s.template }

// FromTemplate is the pattern the stage was made from, or is; empty for an ordinary stage.
func (s Stage) FromTemplate() string { return s.template }

// prefix is what the names of a template's stages begin with.
func (s Stage) prefix() string { return strings.TrimSuffix(s.template, "*") }

// instance is the stage that a template makes of a matching name. Behind a prefix that is nearly as long
// as a name may be, a cut name no longer matches: then there is none.
func (s Stage) instance(name string) (made Stage, matches, fits bool) {
	if !s.IsTemplate() || len(name) <= len(s.prefix()) || !strings.HasPrefix(name, s.prefix()) {
		return Stage{}, false, false
	}
	made = s
	made.Name, _ = Label(name, MaxStageName)
	return made, true, len(made.Name) > len(s.prefix()) && strings.HasPrefix(made.Name, s.prefix())
}

// example is the name of this template that most easily goes wrong: as long as a name may be, with
// separators, and with the service's name where it could be taken for the service.
func (s Stage) example(service string) Stage {
	longest := s.prefix() + service + "-" + strings.Repeat("9", MaxStageName)
	s.Name = strings.TrimRight(longest[:MaxStageName], "-")
	return s
}

// String is the stage's name, and whose choices it plays where they are not its own. A template is its
// pattern.
func (s Stage) String() string {
	if s.Role() == s.Name || s.IsTemplate() {
		return s.Name
	}
	return fmt.Sprintf("%s as %s", s.Name, s.role)
}

var (
	accountID  = regexp.MustCompile(`^[0-9]{12}$`)
	policyName = regexp.MustCompile(`^([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,128}$`)
	qualifier  = regexp.MustCompile(`^[a-z0-9]{1,10}$`)
)

// validate checks the fields of one stage. index names it where it has no name.
func (s Stage) validate(index int) error {
	thing := fmt.Sprintf("stage %q", s.Name)
	if s.Name == "" {
		thing = fmt.Sprintf("stage %d of the set", index+1)
	}
	name := s.Name
	if s.template != "" {
		thing = fmt.Sprintf("template %q", s.template)
		prefix, isPattern := strings.CutSuffix(s.template, "*")
		prefix, _ = strings.CutSuffix(prefix, "-")
		if !isPattern || !isLabel(prefix) || len(s.prefix()) >= MaxStageName {
			return &FieldError{
				Thing: thing, Field: "pattern", Got: quote(s.template),
				Want: fmt.Sprintf(`a lower-case DNS label of at most %d characters and one "*"`, MaxStageName-1),
				Fix:  fmt.Sprintf(`write Template("%s-*")`, suggestLabel(s.template, MaxStageName-2)),
			}
		}
		if s.IsTemplate() {
			name = prefix // whether any name can match is what matters
		}
		if s.expires < 0 {
			return &FieldError{
				Thing: thing, Field: "ExpiresAfter", Got: s.expires.String(), Want: "a duration above zero",
				Fix: "write ExpiresAfter(72 * time.Hour), or leave it out",
			}
		}
	} else if s.expires != 0 {
		return &FieldError{
			Thing: thing, Field: "ExpiresAfter", Got: s.expires.String(), Want: "left out: only ephemeral stages expire",
			Fix: fmt.Sprintf(`write %s.Template("pr-*").ExpiresAfter(…)`, s.Name),
		}
	}
	switch {
	case s.template == "" && s.Role() != s.Name:
		return &FieldError{
			Thing: thing, Field: "role", Got: quote(s.role), Want: "its own: an understudy is not deployed",
			Fix: "put the stage itself into the set; As is for proofs",
		}
	case s.template == "" && name == All:
		return &FieldError{
			Thing: thing, Field: "Name", Got: `"all"`, Want: `any other name ("-c stage=all" means every stage)`,
			Fix: "choose another name",
		}
	case !isLabel(name) || len(name) > MaxStageName:
		return &FieldError{
			Thing: thing, Field: "Name", Got: fmt.Sprintf("%q", s.Name),
			Want: fmt.Sprintf("a lower-case DNS label of at most %d characters", MaxStageName),
			Fix:  fmt.Sprintf("write Name: %q", suggestLabel(s.Name, MaxStageName)),
		}
	case !accountID.MatchString(s.Account):
		return &FieldError{
			Thing: thing, Field: "Account", Got: fmt.Sprintf("%q", s.Account), Want: "the 12 digits of an AWS account id",
			Fix: "`aws sts get-caller-identity --profile …` prints it; keep leading zeros",
		}
	case Zones(s.Region) == 0:
		fix := `write Region: "us-east-1"`
		if near := nearestRegion(s.Region); near != "" {
			fix = fmt.Sprintf("write Region: %q", near)
		}
		return &FieldError{Thing: thing, Field: "Region", Got: fmt.Sprintf("%q", s.Region), Want: "the code of an AWS region", Fix: fix}
	case !s.Tier.valid():
		return &FieldError{
			Thing: thing, Field: "Tier", Got: fmt.Sprintf("%d", int(s.Tier)), Want: "Sandbox, Standard or Protected",
			Fix: "write Tier: stages.Standard, or leave it out",
		}
	case s.PermissionsBoundary != "" && !policyName.MatchString(s.PermissionsBoundary):
		return &FieldError{
			Thing: thing, Field: "PermissionsBoundary", Got: quote(s.PermissionsBoundary), Want: "the name of an IAM policy in the stage's account",
			Fix: "write what stands after policy/ in its ARN, or leave it out",
		}
	case s.Qualifier != "" && !qualifier.MatchString(s.Qualifier):
		return &FieldError{
			Thing: thing, Field: "Qualifier", Got: quote(s.Qualifier), Want: "1 to 10 lower-case letters and digits",
			Fix: "write what cdk bootstrap --qualifier was given, or leave it out",
		}
	}
	return nil
}
