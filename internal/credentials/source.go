// Package credentials gives the credentials of a profile, of the environment or of the machine, as the cdk command
// would find them: whatever `cdk --profile` can use can be used here. docs/credentials.md says what happens for each
// kind.
//
// The SDK's own chain is not used for profiles, because it reads the files anew for each, takes some names otherwise
// than the cdk command, puts the whole output of a credential_process into its error, and bounds none of it. Each kind
// is given by the SDK's provider for it.
package credentials

import (
	"cmp"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/roadshow-go/roadshow/internal/awsconfig"
)

// Kind is where credentials come from.
type Kind string

// The kinds, in the order in which the cdk command looks for them in a profile.
const (
	// Role is a role that is assumed with other credentials (role_arn with source_profile or credential_source).
	Role Kind = "role"
	// Keys are access keys in a file.
	Keys Kind = "access keys"
	// WebIdentity is a role that is assumed with a token of a file (role_arn with web_identity_token_file).
	WebIdentity Kind = "web identity"
	// Process is a command that prints credentials (credential_process).
	Process Kind = "credential_process"
	// SSO is a sign-in of `aws sso login` (sso_session, or sso_start_url).
	SSO Kind = "IAM Identity Center"
	// Login is a sign-in of `aws login` (login_session).
	Login Kind = "aws login"
	// Environment are access keys in variables, or a web identity there.
	Environment Kind = "environment"
	// Container is the role of a task or a pod, by the variables that ECS and EKS set.
	Container Kind = "container"
	// Instance is the role of an EC2 instance, by its metadata service.
	Instance Kind = "instance"
	// Unknown is a profile in which no credentials are.
	Unknown Kind = ""
)

// Source is one way to credentials.
type Source struct {
	// Kind is where they come from; Name the profile's, empty where there is none.
	Kind Kind
	Name string
}

// String is the source's name, for people: the profile's, or "(environment)".
func (s Source) String() string { return cmp.Or(s.Name, "("+string(s.Kind)+")") }

// Title begins a sentence about the source.
func (s Source) Title() string {
	switch {
	case s.Name != "":
		return "Profile " + quoted(s.Name)
	case s.Kind == Instance:
		return "The role of this EC2 instance"
	case s.Kind == Container:
		return "The role of this container"
	}
	return "The environment"
}

// kindOf is the kind of a profile, in the cdk command's order. nested tells that it is another profile's source, of which
// its own keys come first. (resolveProfileData of @aws-sdk/credential-provider-ini.)
func kindOf(p awsconfig.Profile, nested bool) Kind {
	hasKeys := p.Get("aws_access_key_id") != "" && p.Get("aws_secret_access_key") != ""
	switch {
	case nested && hasKeys:
		return Keys
	case p.Get("role_arn") != "" && (p.Get("source_profile") == "") != (p.Get("credential_source") == ""):
		return Role
	case nested && p.Get("role_arn") == "" && p.Get("credential_source") != "":
		return Role // of no role: the credentials of the machine
	case hasKeys:
		return Keys
	case p.Get("role_arn") != "" && p.Get("web_identity_token_file") != "":
		return WebIdentity
	case p.Get("credential_process") != "":
		return Process
	case p.Get("sso_session") != "" || p.Get("sso_start_url") != "" || p.Get("sso_account_id") != "" || p.Get("sso_region") != "" || p.Get("sso_role_name") != "":
		return SSO
	case p.Get("login_session") != "":
		return Login
	}
	return Unknown
}

// declared is the account that the settings of a profile name, so that nobody has to be asked; empty where they name
// none.
func declared(p awsconfig.Profile) string {
	switch kindOf(p, false) {
	case Role, WebIdentity:
		return accountOf(p.Get("role_arn"))
	case SSO:
		return p.Get("sso_account_id")
	case Login:
		return accountOf(p.Get("login_session"))
	}
	return ""
}

func accountOf(text string) string {
	parsed, err := arn.Parse(text)
	if err != nil {
		return ""
	}
	return parsed.AccountID
}

// first is the value of the first of some variables that is set.
func first(names ...string) string {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

// Preferred is the profile that the environment names, as the cdk command takes it.
func Preferred() string { return first("AWS_PROFILE", "AWS_DEFAULT_PROFILE") }

// keysOfEnvironment are the access keys in variables, whose older names the cdk command takes too.
func keysOfEnvironment() (id, secret, token string) {
	return first("AWS_ACCESS_KEY_ID", "AMAZON_ACCESS_KEY_ID"), first("AWS_SECRET_ACCESS_KEY", "AMAZON_SECRET_ACCESS_KEY"),
		first("AWS_SESSION_TOKEN", "AMAZON_SESSION_TOKEN")
}

// Ambient are the sources that are in no file: the environment's, the container's, the instance's, as far as there may be
// any. The instance is not asked where AWS_EC2_METADATA_DISABLED says so.
func Ambient() []Source {
	var found []Source
	id, secret, _ := keysOfEnvironment()
	if id != "" && secret != "" || os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE") != "" && os.Getenv("AWS_ROLE_ARN") != "" {
		found = append(found, Source{Kind: Environment})
	}
	if first("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI") != "" {
		found = append(found, Source{Kind: Container})
	}
	if disabled := os.Getenv("AWS_EC2_METADATA_DISABLED"); disabled == "" || strings.EqualFold(disabled, "false") {
		found = append(found, Source{Kind: Instance})
	}
	return found
}

// Leftovers are what the environment says about credentials that cannot be meant.
func (c *Chain) Leftovers() []string {
	var found []string
	id, secret, _ := keysOfEnvironment()
	switch {
	case id != "" && secret == "":
		found = append(found, "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not.")
	case id == "" && secret != "":
		found = append(found, "AWS_SECRET_ACCESS_KEY is set, AWS_ACCESS_KEY_ID is not.")
	}
	if name := Preferred(); name != "" {
		if _, exists := c.files().Profile(name); !exists {
			found = append(found, "AWS_PROFILE is "+quoted(name)+", and no such profile is in "+c.files().Config+" or "+c.files().Credentials+".")
		}
	}
	return found
}
