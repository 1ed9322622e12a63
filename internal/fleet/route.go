package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/roadshow-go/roadshow/stages"
)

// route is the way to a stage's account. Where there is a profile of that account, it is the profile. Where
// there is none but one of an account that may deploy to it, it is a role of the bootstrap.
type route struct {
	// profile is what the cdk command gets, which takes the roles by itself; others would do as well.
	profile Profile
	others  []Profile
	// role is the ARN of the role that config acts as; empty where the profile is of the account itself.
	role string
	// base is the configuration of the profile, and config that of clients for the stage's account.
	base, config aws.Config
}

// across tells whether the account is reached from another one.
func (r route) across() bool { return r.role != "" }

// Reach is the configuration of clients that read a stage's account, after the account behind the credentials
// was asked again: between two calls a profile may have become another's. The error is a [*NoProfileError], a
// [*RoleError], an [*AccountError] or a [*ServiceError].
func (f *Fleet) Reach(ctx context.Context, stage stages.Stage) (aws.Config, Profile, error) {
	r, err := f.route(ctx, stage, lookupRole, deployRole)
	return r.config, r.profile, err
}

// ReachToChange is [Fleet.Reach] for what changes stacks, which the lookup role may not.
func (f *Fleet) ReachToChange(ctx context.Context, stage stages.Stage) (aws.Config, error) {
	r, err := f.route(ctx, stage, deployRole)
	return r.config, err
}

// AskNow is [Fleet.Now] after an account was asked, if any answers.
func (f *Fleet) AskNow(ctx context.Context) time.Time {
	for _, stage := range f.Stages {
		if _, _, err := f.Reach(ctx, stage); err == nil {
			break
		}
	}
	return f.Now()
}

// route finds the way to a stage's account, and asks for the account at its end. From another account it acts as
// the first of the roles that admits it.
func (f *Fleet) route(ctx context.Context, stage stages.Stage, roles ...string) (route, error) {
	profile, others, from, err := f.choose(ctx, stage)
	r := route{profile: profile, others: others}
	if err != nil {
		return r, err
	}
	if r.base, err = f.Profiles.config(ctx, profile, stage.Region); err != nil {
		return r, &ServiceError{Stage: stage, Service: "the AWS config", Err: err}
	}
	r.config = r.base
	if err := askAccount(ctx, r.base, stage, from); err != nil || from == stage.Account {
		return r, err
	}
	if err := r.assume(ctx, stage, roles); err != nil {
		return r, err
	}
	return r, askAccount(ctx, r.config, stage, stage.Account)
}

// choose is the profile that reaches a stage, and the account that it must be of: the stage's own or, where no
// profile is, the first of those that may deploy to it. What nothing speaks for is asked only after what something does
// speak for: on a build server, the credentials of the deploying account come before every stranger's.
func (f *Fleet) choose(ctx context.Context, stage stages.Stage) (profile Profile, others []Profile, from string, err error) {
	accounts := append([]string{stage.Account}, f.DeployFrom...)
	at := func(account string) stages.Stage {
		place := stage
		place.Account = account
		return place
	}
	for _, account := range accounts {
		if found, others := f.Profiles.likely(ctx, at(account)); found != nil {
			return *found, others, account, nil
		}
	}
	for _, account := range accounts {
		found, others, missing := f.Profiles.For(ctx, at(account))
		if missing == nil {
			return found, others, account, nil
		}
		err = cmp.Or(err, missing)
	}
	var none *NoProfileError
	if errors.As(err, &none) {
		none.Asked, none.DeployFrom = f.Profiles.Asked(), f.DeployFrom
	}
	return Profile{}, nil, "", err
}

// askAccount asks for the account behind credentials, which must be the one that is wanted.
func askAccount(ctx context.Context, config aws.Config, stage stages.Stage, want string) error {
	who, err := sts.NewFromConfig(config).GetCallerIdentity(ctx, nil)
	if err != nil {
		return &ServiceError{Stage: stage, Service: "STS", Err: err}
	}
	if got := aws.ToString(who.Account); got != want {
		stage.Account = want
		return &AccountError{Stage: stage, Account: got}
	}
	return nil
}

// sessionName is what an account's own log calls the sessions of these roles.
const sessionName = "roadshow"

// assume acts as the first role that admits the profile.
func (r *route) assume(ctx context.Context, stage stages.Stage, roles []string) error {
	refused := &RoleError{Stage: stage, From: r.profile}
	for _, name := range roles {
		role := roleARN(stage, name)
		config := r.base.Copy()
		config.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(r.base), role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = sessionName
		}))
		_, err := config.Credentials.Retrieve(ctx)
		if err == nil {
			r.role, r.config = role, config
			return nil
		}
		var refusal smithy.APIError
		if !errors.As(err, &refusal) || refusal.ErrorCode() != "AccessDenied" {
			return &ServiceError{Stage: stage, Service: "STS", Err: err}
		}
		refused.Roles, refused.Err = append(refused.Roles, role), err
	}
	return refused
}

// OwnCredentialsError says that something was to be done with credentials of another account, by the roles of the
// stage's bootstrap, which may not do it. Nothing was changed.
type OwnCredentialsError struct {
	// Stage is the stage, From the profile of the deploying account.
	Stage stages.Stage
	From  Profile
	// What was to be done, Command the line that does it.
	What, Command string
}

func (e *OwnCredentialsError) Error() string {
	return fmt.Sprintf("Account %s (profile %s) may not do %s of stage %s: the roles of the bootstrap do not let it.\nRun `%s` with credentials of account %s itself.",
		e.From.Account, e.From, e.What, e.Stage.Name, e.Command, e.Stage.Account)
}

// OwnCredentials tells whether the accounts of stages are reached with credentials of their own, for what the roles of
// a bootstrap may not do: change anything but stacks. The error has an [*OwnCredentialsError] for each
// stage that another account reaches; what cannot be reached at all is said by whoever tries.
func (f *Fleet) OwnCredentials(ctx context.Context, what, command string, all ...stages.Stage) error {
	var refused []error
	for _, stage := range all {
		if profile, _, from, err := f.choose(ctx, stage); err == nil && from != stage.Account {
			refused = append(refused, &OwnCredentialsError{Stage: stage, From: profile, What: what, Command: command})
		}
	}
	return errors.Join(refused...)
}

// RoleError says that a stage's account does not admit the account that deploys to it: its bootstrap does not
// trust that one, or there is none. AWS does not tell the two apart.
type RoleError struct {
	// Stage is the stage, From the profile of the deploying account, Roles the ARNs of what refused it.
	Stage stages.Stage
	From  Profile
	Roles []string
	// Err is what STS said last.
	Err error
}

func (e *RoleError) Error() string {
	return explain(e.Stage, e)
}

// Reason names the roles, and has STS's own words.
func (e *RoleError) Reason() string {
	return sentence(fmt.Sprintf("Role %s does not admit account %s (profile %s): %s", strings.Join(e.Roles, " or "), e.From.Account, e.From, Brief(e.Err)))
}

// Fix is the line that makes the stage's account trust the other one.
func (e *RoleError) Fix() string {
	return fmt.Sprintf("Run `%s` with credentials of account %s, so that its bootstrap trusts account %s.", trustLine(e.From.Account, e.Stage), e.Stage.Account, e.From.Account)
}

// Unwrap gives the SDK's error.
func (e *RoleError) Unwrap() error { return e.Err }
