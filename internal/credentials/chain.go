package credentials

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/logincreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/signin"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/roadshow-go/roadshow/internal/awsconfig"
	"github.com/roadshow-go/roadshow/internal/redact"
)

// How long each kind of source may take to answer. A person who is asked for a code may take as long as they like.
const (
	// Limit is for whatever asks AWS.
	Limit = 15 * time.Second
	// ProcessLimit is for a credential_process, which may ask its user; the SDKs have the same.
	ProcessLimit = time.Minute
	// InstanceLimit is for the metadata service of an instance: elsewhere than on one nobody answers there.
	InstanceLimit = 2 * time.Second
)

// sessionName is what an account's own log calls the sessions of roles that are assumed here.
const sessionName = "roadshow"

// Chain gives the credentials of every source. It may be used by several goroutines at once.
type Chain struct {
	// Load reads the AWS files. Default: [awsconfig.Load].
	Load func() *awsconfig.Files
	// Redactor learns each secret. Default: none.
	Redactor *redact.Redactor
	// MFA asks a person for the code of a device. Default: nobody can be asked, and what needs a code says so.
	MFA func(ctx context.Context, source Source, device string) (code string, err error)
	// Terminal is where a credential_process may ask its user. Default: its standard error is dropped.
	Terminal io.Writer
	// Options are for every SDK client. Default: none.
	Options []func(*aws.Config)

	mu       sync.Mutex
	read     *awsconfig.Files
	settings map[string]aws.Config
	given    map[Source]aws.CredentialsProvider
	asking   sync.Mutex // a person is asked for one code at a time
	signing  sync.Mutex // a sign-in is renewed once
}

// files reads the files once.
func (c *Chain) files() *awsconfig.Files {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.read == nil {
		c.reread()
	}
	return c.read
}

func (c *Chain) reread() {
	load := c.Load
	if load == nil {
		load = awsconfig.Load
	}
	c.read = load()
	c.Redactor.Learn(c.read.Secrets()...)
}

// Files are the AWS files as they were last read.
func (c *Chain) Files() *awsconfig.Files { return c.files() }

// Refresh reads the files again where one has changed, and has every source give credentials anew but for those that a
// person was asked for. Before an account is changed it keeps what was true of a profile from being taken for what is.
func (c *Chain) Refresh() {
	files := c.files()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !files.Changed() || c.read != files {
		return
	}
	before := c.read
	c.reread()
	for source := range c.given {
		if chainText(before, source.Name) != chainText(c.read, source.Name) {
			delete(c.given, source)
		}
	}
}

// chainText is all that the files say about a profile's credentials.
func chainText(files *awsconfig.Files, name string) string {
	var text strings.Builder
	write := func(section awsconfig.Profile, exists bool) {
		fmt.Fprintf(&text, "%q %t\n", section.Name, exists)
		for _, setting := range sortedNames(section.Settings) {
			fmt.Fprintf(&text, "%s=%q\n", setting, section.Get(setting))
		}
	}
	for seen := map[string]bool{}; name != "" && !seen[name]; {
		seen[name] = true
		profile, exists := files.Profile(name)
		write(profile, exists)
		write(files.Session(profile.Get("sso_session")))
		name = profile.Get("source_profile")
	}
	return text.String()
}

// Profiles are the sources that the files have, by name. Those without credentials of their own are left out: they are
// settings, such as a region.
func (c *Chain) Profiles() []Source {
	var found []Source
	for _, name := range c.files().Names() {
		if profile, _ := c.files().Profile(name); kindOf(profile, false) != Unknown {
			found = append(found, Source{Kind: kindOf(profile, false), Name: name})
		}
	}
	return found
}

// Account is the account that a profile's settings name: that of its role or its sign-in. It is empty where only AWS can
// tell.
func (c *Chain) Account(source Source) string {
	profile, _ := c.files().Profile(source.Name)
	return declared(profile)
}

// Readable tells whether the cdk command, called with the source's name, finds its credentials: not where a name has letters
// that it does not read.
func (c *Chain) Readable(source Source) bool {
	return c.walk(source, func(profile awsconfig.Profile, kind Kind) bool {
		if session := profile.Get("sso_session"); kind == SSO && session != "" {
			if found, _ := c.files().Session(session); !found.ForCDK {
				return false
			}
		}
		return profile.ForCDK
	})
}

// NeedsPerson tells whether a source needs the code of an MFA device. The cdk command would ask for another one.
func (c *Chain) NeedsPerson(source Source) bool {
	return !c.walk(source, func(profile awsconfig.Profile, kind Kind) bool {
		return kind != Role || profile.Get("mfa_serial") == ""
	})
}

// NeedsVariables tells whether a source assumes its role with credentials that variables of this process lead to. The cdk
// command gets none of them beside a profile, since they would win over others.
func (c *Chain) NeedsVariables(source Source) bool {
	return !c.walk(source, func(profile awsconfig.Profile, kind Kind) bool {
		from := profile.Get("credential_source")
		return kind != Role || from != "Environment" && from != "EcsContainer"
	})
}

// walk goes through the profile of a source and those that it assumes roles with, until one does not hold.
func (c *Chain) walk(source Source, holds func(profile awsconfig.Profile, kind Kind) bool) bool {
	seen := map[string]bool{}
	for name := source.Name; name != "" && !seen[name]; {
		seen[name] = true
		profile, exists := c.files().Profile(name)
		kind := kindOf(profile, name != source.Name)
		if !exists || !holds(profile, kind) {
			return false
		}
		if kind != Role {
			return true
		}
		name = profile.Get("source_profile")
	}
	return true
}

// Config is the configuration of clients that act as a source, in a region; an empty one is the source's own, or
// us-east-1. The credentials are given when they are first used. The error, and that of the credentials, is an [*Error] or
// the context's.
func (c *Chain) Config(ctx context.Context, source Source, region string) (aws.Config, error) {
	profile, exists := c.files().Profile(source.Name)
	if source.Name != "" && !exists {
		return aws.Config{}, &Error{
			Source: source, Reason: "is not in " + c.files().Config + " or " + c.files().Credentials,
			Fix: "Write one of " + c.known(),
		}
	}
	base, err := c.base(ctx, profile)
	if err != nil {
		return aws.Config{}, Explain(ctx, source, profile.At, err)
	}
	switch {
	case region != "":
		base.Region = region
	case base.Region == "":
		base.Region = "us-east-1" // STS answers everywhere alike
	}
	provider, err := c.provider(ctx, source, profile, base)
	if err != nil {
		return aws.Config{}, Explain(ctx, source, profile.At, err)
	}
	base.Credentials = provider
	for _, option := range c.Options {
		option(&base)
	}
	return base, nil
}

// knownNames is how many names an error lists.
const knownNames = 20

// known lists the profiles for an error.
func (c *Chain) known() string {
	names := c.files().Names()
	switch {
	case len(names) == 0:
		return "the profiles there first"
	case len(names) > knownNames:
		return strings.Join(names[:knownNames], ", ") + fmt.Sprintf(", or of %d more", len(names)-knownNames)
	}
	return strings.Join(names, ", ")
}

// provider is a source's, made once: what a person was asked for, and what AWS gave for hours, is not asked for again.
func (c *Chain) provider(ctx context.Context, source Source, profile awsconfig.Profile, base aws.Config) (aws.CredentialsProvider, error) {
	c.mu.Lock()
	given := c.given[source]
	c.mu.Unlock()
	if given != nil {
		return given, nil
	}
	made, err := c.make(ctx, source, profile, base, nil)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.given == nil {
		c.given = map[Source]aws.CredentialsProvider{}
	}
	if c.given[source] == nil {
		c.given[source] = aws.NewCredentialsCache(made)
	}
	return c.given[source], nil
}

// passed are the settings of a profile that the SDK's clients read, but for the credentials, which never are in a file of
// ours. https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
var passed = []string{
	"account_id_endpoint_mode", "ca_bundle", "defaults_mode", "ec2_metadata_service_endpoint", "ec2_metadata_service_endpoint_mode",
	"ec2_metadata_v1_disabled", "endpoint_url", "ignore_configured_endpoint_urls", "region", "retry_mode", "services",
	"use_dualstack_endpoint", "use_fips_endpoint",
}

// base is the configuration of a profile but for its credentials. The SDK reads it from a file of the profile's settings
// alone: of thousands of profiles, those with the same settings are read once.
func (c *Chain) base(ctx context.Context, profile awsconfig.Profile) (aws.Config, error) {
	text := c.settingsText(profile)
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, exists := c.settings[text]; exists {
		return known.Copy(), nil
	}
	loaded, err := loadSettings(ctx, text, true)
	if err != nil {
		return aws.Config{}, err
	}
	if c.settings == nil {
		c.settings = map[string]aws.Config{}
	}
	c.settings[text] = loaded
	return loaded.Copy(), nil
}

func (c *Chain) settingsText(profile awsconfig.Profile) string {
	var text strings.Builder
	text.WriteString("[default]\n")
	for _, name := range passed {
		if value := profile.Get(name); value != "" {
			fmt.Fprintf(&text, "%s = %s\n", name, value)
		}
	}
	services, exists := c.read.Services(profile.Get("services"))
	if !exists {
		return text.String()
	}
	fmt.Fprintf(&text, "[services %s]\n", profile.Get("services"))
	parent := ""
	for _, name := range sortedNames(services.Settings) {
		outer, inner, nested := strings.Cut(name, ".")
		if !nested {
			continue
		}
		if outer != parent {
			fmt.Fprintf(&text, "%s =\n", outer)
			parent = outer
		}
		fmt.Fprintf(&text, "  %s = %s\n", inner, services.Get(name))
	}
	return text.String()
}

func sortedNames(settings map[string]awsconfig.Setting) []string {
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// give makes a provider of a function.
type give func(ctx context.Context) (aws.Credentials, error)

// Retrieve is [aws.CredentialsProvider]'s.
func (g give) Retrieve(ctx context.Context) (aws.Credentials, error) { return g(ctx) }

// within gives a source's credentials within a time, has the redactor learn them, and says what is wrong in words of ours.
func (c *Chain) within(limit time.Duration, source Source, at awsconfig.Place, provider aws.CredentialsProvider) aws.CredentialsProvider {
	return give(func(ctx context.Context) (aws.Credentials, error) {
		inTime, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		credentials, err := provider.Retrieve(inTime)
		if err != nil && inTime.Err() != nil && ctx.Err() == nil {
			err = errors.Join(context.DeadlineExceeded, err)
		}
		c.Redactor.Learn(credentials.SecretAccessKey, credentials.SessionToken)
		return credentials, Explain(ctx, source, at, err)
	})
}

// make is the provider of a source. through are the names of the profiles whose source it is.
func (c *Chain) make(ctx context.Context, source Source, profile awsconfig.Profile, base aws.Config, through []string) (aws.CredentialsProvider, error) {
	fail := func(reason, fix string) error {
		return &Error{Source: source, At: profile.At, Reason: reason, Fix: fix}
	}
	switch source.Kind {
	case Environment:
		return c.environment(base)
	case Container:
		return c.container(ctx, profile, source)
	case Instance:
		return c.instance(base, source, profile.At), nil
	case Role:
		return c.role(ctx, source, profile, base, through)
	case Keys:
		return c.within(Limit, source, profile.At, sdk.NewStaticCredentialsProvider(
			profile.Get("aws_access_key_id"), profile.Get("aws_secret_access_key"), profile.Get("aws_session_token"))), nil
	case WebIdentity:
		return c.webIdentity(source, profile.At, base, profile.Get("role_arn"), profile.Get("web_identity_token_file"), profile.Get("role_session_name")), nil
	case Process:
		return c.within(ProcessLimit, source, profile.Settings["credential_process"].At, process{
			source: source, setting: profile.Settings["credential_process"], account: profile.Get("aws_account_id"),
			redactor: c.Redactor, terminal: c.Terminal,
		}), nil
	case SSO:
		return c.singleSignOn(source, profile, base)
	case Login:
		path, err := logincreds.StandardCachedTokenFilepath(profile.Get("login_session"), os.Getenv("AWS_LOGIN_CACHE_DIRECTORY"))
		if err != nil {
			return nil, err
		}
		login := logincreds.New(signin.NewFromConfig(base), path, func(o *logincreds.Options) { o.RestrictPermissions = true })
		return c.within(Limit, source, profile.At, give(func(ctx context.Context) (aws.Credentials, error) {
			c.signing.Lock()
			defer c.signing.Unlock()
			c.learnFile(path)
			defer c.learnFile(path) // it may have been renewed
			return login.Retrieve(ctx)
		})), nil
	}
	switch {
	case profile.Get("role_arn") != "" && profile.Get("source_profile") != "":
		return nil, fail("has a source_profile and a credential_source", "Leave one of them out")
	case profile.Get("role_arn") != "":
		return nil, fail("has a role_arn, and nothing to assume the role with", "Write a source_profile, a credential_source or a web_identity_token_file")
	case profile.Get("aws_access_key_id") != "":
		return nil, fail("has an access key without its secret", "Write its aws_secret_access_key")
	case profile.Get("aws_secret_access_key") != "":
		return nil, fail("has a secret without its access key", "Write its aws_access_key_id")
	}
	return nil, fail("has no credentials", "Write some, as with `aws configure --profile "+quoted(source.Name)+"`")
}

// learnFile has the redactor learn every text in a file of cached tokens.
func (c *Chain) learnFile(path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return
	}
	var cached any
	if json.Unmarshal(text, &cached) != nil {
		return
	}
	var learn func(name string, value any)
	learn = func(name string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for name, inner := range value {
				learn(name, inner)
			}
		case string:
			lower := strings.ToLower(name)
			if strings.Contains(lower, "token") && lower != "tokentype" || strings.Contains(lower, "secret") || lower == "dpopkey" {
				c.Redactor.Learn(value)
			}
		}
	}
	learn("", cached)
}

// environment is what the variables of this process say: keys, or a web identity.
func (c *Chain) environment(base aws.Config) (aws.CredentialsProvider, error) {
	source := Source{Kind: Environment}
	if id, secret, token := keysOfEnvironment(); id != "" && secret != "" {
		return c.within(Limit, source, awsconfig.Place{}, sdk.NewStaticCredentialsProvider(id, secret, token)), nil
	}
	return c.webIdentity(source, awsconfig.Place{}, base, os.Getenv("AWS_ROLE_ARN"), os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), os.Getenv("AWS_ROLE_SESSION_NAME")), nil
}

// tokenFile is a web identity's token, which is read anew each time.
type tokenFile struct {
	path     string
	redactor *redact.Redactor
}

// GetIdentityToken is [stscreds.IdentityTokenRetriever]'s.
func (f tokenFile) GetIdentityToken() ([]byte, error) {
	token, err := os.ReadFile(f.path)
	if err != nil {
		return nil, err
	}
	f.redactor.Learn(string(token))
	return token, nil
}

func (c *Chain) webIdentity(source Source, at awsconfig.Place, base aws.Config, role, file, session string) aws.CredentialsProvider {
	provider := stscreds.NewWebIdentityRoleProvider(sts.NewFromConfig(base), role, tokenFile{path: file, redactor: c.Redactor}, func(o *stscreds.WebIdentityRoleOptions) {
		o.RoleSessionName = orDefault(session, sessionName)
	})
	return c.within(Limit, source, at, give(func(ctx context.Context) (aws.Credentials, error) {
		if _, err := os.Stat(file); err != nil {
			return aws.Credentials{}, &Error{
				Source: source, At: at, Reason: "has a web identity whose token file cannot be read (" + err.Error() + ")", Fix: "Correct its path", Err: err,
			}
		}
		return provider.Retrieve(ctx)
	}))
}

func orDefault(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// container is what ECS or EKS gives a task or a pod; the SDK knows which hosts may be asked.
func (c *Chain) container(ctx context.Context, profile awsconfig.Profile, source Source) (aws.CredentialsProvider, error) {
	if first("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI") == "" {
		return nil, &Error{
			Source: source, At: profile.At, Reason: "takes the role of a container, and AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI are not set",
			Fix: "Use it in a task of ECS or a pod of EKS",
		}
	}
	if path := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); path != "" {
		if token, err := os.ReadFile(path); err == nil {
			c.Redactor.Learn(string(token))
		}
	}
	c.Redactor.Learn(os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"))
	loaded, err := loadSettings(ctx, "[default]\n", false)
	if err != nil {
		return nil, err
	}
	return c.within(Limit, source, profile.At, loaded.Credentials), nil
}

func (c *Chain) instance(base aws.Config, source Source, at awsconfig.Place) aws.CredentialsProvider {
	return c.within(InstanceLimit, source, at, ec2rolecreds.New(func(o *ec2rolecreds.Options) { o.Client = imds.NewFromConfig(base) }))
}

// singleSignOn is a sign-in of IAM Identity Center, by a session or, as it was before there were any, by the profile alone.
func (c *Chain) singleSignOn(source Source, profile awsconfig.Profile, base aws.Config) (aws.CredentialsProvider, error) {
	fail := func(reason, fix string) (aws.CredentialsProvider, error) {
		return nil, &Error{Source: source, At: profile.At, Reason: reason, Fix: fix}
	}
	region, start, name := profile.Get("sso_region"), profile.Get("sso_start_url"), profile.Get("sso_session")
	if name != "" {
		session, exists := c.files().Session(name)
		if !exists {
			return fail("names the sso-session "+quoted(name)+", which is not in "+c.files().Config, "Write it, as with `aws configure sso-session`")
		}
		region, start = session.Get("sso_region"), session.Get("sso_start_url")
	}
	var missing []string
	for _, setting := range [][2]string{
		{"sso_region", region}, {"sso_start_url", start}, {"sso_account_id", profile.Get("sso_account_id")}, {"sso_role_name", profile.Get("sso_role_name")},
	} {
		if setting[1] == "" {
			missing = append(missing, setting[0])
		}
	}
	if len(missing) > 0 {
		return fail("lacks "+strings.Join(missing, ", "), "Write that, as with `aws configure sso --profile "+quoted(source.Name)+"`")
	}
	portal := base.Copy()
	portal.Region = region
	path, err := ssocreds.StandardCachedTokenFilepath(orDefault(name, start))
	if err != nil {
		return nil, err
	}
	provider := ssocreds.New(sso.NewFromConfig(portal), profile.Get("sso_account_id"), profile.Get("sso_role_name"), start, func(o *ssocreds.Options) {
		o.CachedTokenFilepath = path
	})
	renew := ssocreds.NewSSOTokenProvider(ssooidc.NewFromConfig(portal), path)
	return c.within(Limit, source, profile.At, give(func(ctx context.Context) (aws.Credentials, error) {
		if name != "" { // only a session's token can be renewed
			c.signing.Lock()
			_, err := renew.RetrieveBearerToken(ctx)
			c.signing.Unlock()
			c.learnFile(path)
			if err != nil {
				return aws.Credentials{}, err
			}
		}
		c.learnFile(path)
		return provider.Retrieve(ctx)
	})), nil
}

// role assumes a profile's role with the credentials of another profile, or of the machine.
func (c *Chain) role(ctx context.Context, source Source, profile awsconfig.Profile, base aws.Config, through []string) (aws.CredentialsProvider, error) {
	if region := profile.Get("region"); region != "" {
		base.Region = region
	}
	inner, err := c.roleSource(ctx, source, profile, base, through)
	if err != nil || profile.Get("role_arn") == "" {
		return inner, err
	}
	base.Credentials = aws.NewCredentialsCache(inner)
	client, device := sts.NewFromConfig(base), profile.Get("mfa_serial")
	return give(func(ctx context.Context) (aws.Credentials, error) {
		code := ""
		if device != "" {
			if code, err = c.code(ctx, source, profile.Settings["mfa_serial"]); err != nil {
				return aws.Credentials{}, err
			}
		}
		// Its own words for what the inner credentials lack, before the role is asked for.
		if _, err := base.Credentials.Retrieve(ctx); err != nil {
			return aws.Credentials{}, err
		}
		return c.within(Limit, source, profile.At, stscreds.NewAssumeRoleProvider(client, profile.Get("role_arn"), func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = orDefault(profile.Get("role_session_name"), sessionName)
			o.Duration = time.Hour
			if seconds, err := strconv.Atoi(profile.Get("duration_seconds")); err == nil {
				o.Duration = time.Duration(seconds) * time.Second
			}
			if external := profile.Get("external_id"); external != "" {
				o.ExternalID = &external
			}
			if device != "" {
				o.SerialNumber, o.TokenProvider = &device, func() (string, error) { return code, nil }
			}
		})).Retrieve(ctx)
	}), nil
}

// roleSource are the credentials that a role is assumed with.
func (c *Chain) roleSource(ctx context.Context, source Source, profile awsconfig.Profile, base aws.Config, through []string) (aws.CredentialsProvider, error) {
	fail := func(at awsconfig.Place, reason, fix string) (aws.CredentialsProvider, error) {
		return nil, &Error{Source: source, At: at, Reason: reason, Fix: fix}
	}
	if setting := profile.Settings["source_profile"]; setting.Value != "" {
		next, exists := c.files().Profile(setting.Value)
		if !exists {
			return fail(setting.At, "has the source_profile "+quoted(setting.Value)+", which is in no file", "Write the name of a profile that is")
		}
		if slices.Contains(through, next.Name) {
			return fail(setting.At, "is its own source at last: "+strings.Join(append(through, next.Name), ", "), "Write a source_profile that has credentials")
		}
		return c.make(ctx, Source{Kind: kindOf(next, true), Name: next.Name}, next, base, append(slices.Clone(through), next.Name))
	}
	setting := profile.Settings["credential_source"]
	switch setting.Value {
	case "Ec2InstanceMetadata":
		return c.instance(base, source, setting.At), nil
	case "EcsContainer":
		return c.container(ctx, profile, source)
	case "Environment":
		id, secret, token := keysOfEnvironment()
		if id == "" || secret == "" {
			return fail(setting.At, "takes the environment's credentials, and AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set", "Set both")
		}
		return c.within(Limit, source, setting.At, sdk.NewStaticCredentialsProvider(id, secret, token)), nil
	}
	return fail(setting.At, "has the credential_source "+quoted(setting.Value)+", which is none of Ec2InstanceMetadata, EcsContainer and Environment", "Write one of these")
}

// code asks a person for the code of a device.
func (c *Chain) code(ctx context.Context, source Source, device awsconfig.Setting) (string, error) {
	if c.MFA == nil {
		return "", &Error{
			Source: source, At: device.At, Reason: "needs a code of the MFA device " + device.Value + ", and there is no terminal to ask for it in",
			Fix: "Run this in a terminal, or set credentials in the environment that have one, as `aws sts get-session-token` gives them",
		}
	}
	c.asking.Lock()
	defer c.asking.Unlock()
	return c.MFA(ctx, source, device.Value)
}
