package stages

import (
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

	// role is the name whose choices the stage plays; empty is its own. See [Stage.As].
	role string
	// template is the pattern that this stage is (in a set), or was made from (once selected).
	template string
	// expires is how long a stage made from the template lives after its last update; 0 is for ever.
	expires time.Duration
}

// MaxStageName is the greatest length of a stage's name. It leaves room for a service and a component
// in the 64 characters of a Lambda function's name.
const MaxStageName = 32

// As is the stage's understudy: its own identity (name, account, region), playing the choices of
// another (its selectors, picks and tier). Parity compares Production.As(Dev) with Dev: whatever still
// differs then was not declared.
func (s Stage) As(other Stage) Stage {
	s.role = other.Role()
	s.Tier = other.Tier
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
// The pattern is a stage name that ends in a single "*". A template is no stage itself: nothing deploys
// "pr-*", and it does not count when an account selects its stage. `-c stage=pr-417` makes the stage.
func (s Stage) Template(pattern string) Stage {
	s.role = s.Role()
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

// TimeToLive is how long after its stack's last update an ephemeral stage expires; 0 is never.
func (s Stage) TimeToLive() time.Duration { return s.expires }

// IsTemplate tells whether this is a template rather than a stage that can be deployed.
func (s Stage) IsTemplate() bool { return s.template != "" && s.Name == s.template }

// IsEphemeral tells whether the stage was made from a template.
func (s Stage) IsEphemeral() bool { return s.template != "" && s.Name != s.template }

// FromTemplate is the pattern the stage was made from, or is; empty for an ordinary stage.
func (s Stage) FromTemplate() string { return s.template }

// instance is the stage that a template makes of a matching name.
func (s Stage) instance(name string) (Stage, bool) {
	prefix, isPattern := strings.CutSuffix(s.template, "*")
	if !s.IsTemplate() || !isPattern || len(name) <= len(prefix) || !strings.HasPrefix(name, prefix) {
		return Stage{}, false
	}
	s.Name = name
	return s, true
}

// String is the stage's name, and whose choices it plays where they are not its own.
func (s Stage) String() string {
	if s.Role() == s.Name {
		return s.Name
	}
	return fmt.Sprintf("%s as %s", s.Name, s.role)
}

// label is a DNS label as names are built from: no doubled and no outer hyphen.
var label = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

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
		if !isPattern || strings.Contains(prefix, "*") {
			return &FieldError{
				Thing: thing, Field: "pattern", Got: fmt.Sprintf("%q", s.template), Want: `a name that ends in one "*"`,
				Fix: `write Template("pr-*")`,
			}
		}
		if s.IsTemplate() {
			// Whether any name can match is what matters; a letter stands for what the star will be.
			name = strings.TrimSuffix(prefix, "-") + "x"
		}
		if s.expires < 0 {
			return &FieldError{
				Thing: thing, Field: "ExpiresAfter", Got: s.expires.String(), Want: "a duration above zero",
				Fix: "write ExpiresAfter(72 * time.Hour), or leave it out",
			}
		}
	} else if s.expires != 0 {
		return &FieldError{
			Thing: thing, Field: "ExpiresAfter", Got: s.expires.String(), Want: "none: only ephemeral stages expire",
			Fix: fmt.Sprintf(`write %s.Template("pr-*").ExpiresAfter(…)`, s.Name),
		}
	}
	switch {
	case name == "all":
		return &FieldError{
			Thing: thing, Field: "Name", Got: `"all"`, Want: `any other name ("-c stage=all" means every stage)`,
			Fix: "choose another name",
		}
	case !label.MatchString(name) || len(name) > MaxStageName:
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
			fix = fmt.Sprintf("did you mean %q?", near)
		}
		return &FieldError{Thing: thing, Field: "Region", Got: fmt.Sprintf("%q", s.Region), Want: "the code of an AWS region", Fix: fix}
	case !s.Tier.valid():
		return &FieldError{
			Thing: thing, Field: "Tier", Got: fmt.Sprintf("%d", int(s.Tier)), Want: "Sandbox, Standard or Protected",
			Fix: "write Tier: stages.Standard, or leave it out",
		}
	}
	return nil
}

// suggestLabel makes of any text the nearest name that would be accepted, for an error message only.
func suggestLabel(text string, limit int) string {
	text = strings.ToLower(text)
	text = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(text, "-")
	text = strings.TrimLeft(text, "-0123456789")
	text = strings.TrimRight(text[:min(len(text), limit)], "-")
	if text == "" || text == "all" {
		return "dev"
	}
	return text
}
