// Package awsenv is the one place that gives every child process and every SDK client of a test, of the
// demo or of a rehearsal its AWS environment: which endpoint, which account, which files.
//
// It exists because a mistake here is not a failing test but a stack in somebody's real account. Two
// environments are possible, and there is no third:
//
//   - [Write] makes one from nothing: its own profiles, in files of its own, for an endpoint on this
//     machine. Nothing of whoever runs it is read, and nothing can be sent anywhere else.
//   - [Borrow] is that of whoever runs it, for an endpoint or for real sandbox accounts that were named
//     on purpose.
package awsenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Profile is one entry of the AWS config and credentials files: the access key of a user of one
// account.
type Profile struct {
	// Name is what --profile takes. Required.
	Name string
	// AccessKeyID and SecretAccessKey are the user's. Required.
	AccessKeyID, SecretAccessKey string
	// Region is where the profile's commands go unless they say otherwise. Required.
	Region string
}

// Place is where an environment keeps its files.
type Place struct {
	// Checkout is the folder of package.json; its node_modules/.bin comes first on the PATH. Required.
	Checkout string
	// Folder takes the AWS files, what the cdk command caches, and temporary files. It is made where it
	// does not exist, and belongs to this environment alone: the command caches which account an access
	// key belongs to. Required.
	Folder string
}

// Environment is what a child process or an SDK client sees of AWS.
type Environment struct {
	place    Place
	endpoint string
	borrowed bool
	profiles []Profile
}

// Write makes an environment of profiles that it writes itself, for an endpoint on loopback.
func Write(place Place, endpoint string, profiles ...Profile) (*Environment, error) {
	if err := onLoopback(endpoint); err != nil {
		return nil, err
	}
	e, err := newEnvironment(place, endpoint)
	if err != nil {
		return nil, err
	}
	var settings, keys strings.Builder
	for i, profile := range profiles {
		switch {
		case profile.Name == "" || profile.Region == "" || profile.AccessKeyID == "" || profile.SecretAccessKey == "":
			return nil, fmt.Errorf("profile %q: a field is empty, want Name, Region, AccessKeyID and SecretAccessKey; write all four", profile.Name)
		case slices.ContainsFunc(profiles[:i], func(p Profile) bool { return p.Name == profile.Name }):
			return nil, fmt.Errorf("profile %q: Name is taken, want a name of its own; rename one of the two", profile.Name)
		}
		fmt.Fprintf(&settings, "[profile %s]\nregion = %s\n\n", profile.Name, profile.Region)
		fmt.Fprintf(&keys, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n\n", profile.Name, profile.AccessKeyID, profile.SecretAccessKey)
	}
	e.profiles = slices.Clone(profiles)
	for path, text := range map[string]string{e.configFile(): settings.String(), e.credentialsFile(): keys.String()} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// Borrow is the environment of whoever runs this process: their profiles, their credentials. An empty
// endpoint is AWS itself.
func Borrow(place Place, endpoint string) (*Environment, error) {
	e, err := newEnvironment(place, endpoint)
	if err != nil {
		return nil, err
	}
	e.borrowed = true
	return e, nil
}

func newEnvironment(place Place, endpoint string) (*Environment, error) {
	place, err := place.ready()
	if err != nil {
		return nil, err
	}
	return &Environment{place: place, endpoint: endpoint}, nil
}

// ready makes the folders, and their paths absolute.
func (p Place) ready() (Place, error) {
	for _, folder := range []*string{&p.Checkout, &p.Folder} {
		if *folder == "" {
			return p, errors.New("environment: Checkout or Folder is empty, want both; write the folders")
		}
		absolute, err := filepath.Abs(*folder)
		if err != nil {
			return p, err
		}
		*folder = absolute
	}
	return p, os.MkdirAll(p.temporary(), 0o700)
}

func (e *Environment) configFile() string      { return filepath.Join(e.place.Folder, "config") }
func (e *Environment) credentialsFile() string { return filepath.Join(e.place.Folder, "credentials") }
func (p Place) temporary() string              { return filepath.Join(p.Folder, "tmp") }
func (p Place) cdkHome() string                { return filepath.Join(p.Folder, "cdk") }

// onLoopback refuses an endpoint on another machine.
func onLoopback(endpoint string) error {
	parsed, err := url.Parse(endpoint)
	if err == nil && parsed.Port() != "" {
		if address := net.ParseIP(parsed.Hostname()); address != nil && address.IsLoopback() {
			return nil
		}
	}
	return fmt.Errorf("endpoint: URL is %q, want a port of a loopback address; write http://127.0.0.1:PORT", endpoint)
}

// isAWS says whether a variable would lead a child to another account or another endpoint. Those of the
// cdk command, which reads every option from CDK_…, are dropped beside them: they would change its answers.
func isAWS(name string) bool {
	return strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "AMAZON_")
}

// isProxy says whether a variable would lead a child through a proxy.
func isProxy(name string) bool {
	switch strings.ToUpper(name) {
	case "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY":
		return true
	}
	return false
}

// nowhere is a proxy that does not exist. What would leave this machine is sent there, and fails at once
// instead of reaching somebody's account.
const nowhere = "http://127.0.0.1:1"

// Environ is the whole environment of a child process, for exec.Cmd.Env; extra variables (NAME=value)
// win over all others.
func (e *Environment) Environ(extra ...string) []string {
	environ := e.place.local(func(name string) bool {
		if e.borrowed {
			return strings.HasPrefix(name, "CDK_")
		}
		return isAWS(name) || isProxy(name) || strings.HasPrefix(name, "CDK_")
	})
	if e.borrowed && e.endpoint != "" {
		environ = append(environ, e.endpoints()...)
	}
	if !e.borrowed {
		environ = append(environ, e.Variables()...)
		environ = append(environ,
			"HTTP_PROXY="+nowhere, "http_proxy="+nowhere, "HTTPS_PROXY="+nowhere, "https_proxy="+nowhere,
			"NO_PROXY=127.0.0.1,localhost,::1", "no_proxy=127.0.0.1,localhost,::1",
		)
	}
	return append(environ, extra...)
}

// Variables (NAME=value) lead the AWS tools of a shell to a written environment, and leave the rest of the
// shell's environment alone.
func (e *Environment) Variables() []string {
	return append(e.endpoints(),
		"AWS_CONFIG_FILE="+e.configFile(), "AWS_SHARED_CREDENTIALS_FILE="+e.credentialsFile(), "AWS_EC2_METADATA_DISABLED=true",
		"CDK_HOME="+e.place.cdkHome(),
	)
}

// BuildEnviron is the environment of a child that compiles and synthesizes: it has no credentials, no
// profile and no AWS endpoint, but a Go module that is missing may be downloaded.
func (p Place) BuildEnviron(extra ...string) ([]string, error) {
	p, err := p.ready()
	if err != nil {
		return nil, err
	}
	environ := p.local(func(name string) bool { return isAWS(name) || strings.HasPrefix(name, "CDK_") })
	environ = append(environ, "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true")
	return append(environ, extra...), nil
}

// endpoints are the variables that lead the cdk command and the SDKs to the endpoint. STS is named on its
// own because some SDKs take the role of a profile before they read the general variable; the last is what
// CloudFormation is told to read templates from.
func (e *Environment) endpoints() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + e.endpoint, "AWS_ENDPOINT_URL_STS=" + e.endpoint, "AWS_ENDPOINT_URL_S3_FOR_CLOUDFORMATION=" + e.endpoint,
	}
}

// local is what is the same in every environment: the variables of this process, but for those to drop,
// and where the cdk command keeps what it keeps.
func (p Place) local(drop func(name string) bool) []string {
	var environ []string
	path := ""
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case name == "PATH":
			path = value
		case name != "TMPDIR" && name != "TMP" && name != "TEMP" && !drop(name):
			environ = append(environ, variable)
		}
	}
	return append(environ,
		"PATH="+filepath.Join(p.Checkout, "node_modules", ".bin")+string(os.PathListSeparator)+path,
		"TMPDIR="+p.temporary(), "TMP="+p.temporary(), "TEMP="+p.temporary(),
		// The command finds the home of the operating system's user, whatever HOME says.
		"CDK_HOME="+p.cdkHome(),
		"CDK_DISABLE_CLI_TELEMETRY=true", "CDK_DISABLE_VERSION_CHECK=true", "CDK_NOTICES=false",
	)
}

// Config is the configuration of SDK clients for one profile. In a written environment it is made of that
// profile alone, its clients can connect to the endpoint and to nothing else, and it is the same whatever
// the variables of this process are.
func (e *Environment) Config(ctx context.Context, profile string) (aws.Config, error) {
	if e.borrowed {
		options := []func(*config.LoadOptions) error{config.WithSharedConfigProfile(profile)}
		if e.endpoint != "" {
			options = append(options, config.WithBaseEndpoint(e.endpoint))
		}
		loaded, err := config.LoadDefaultConfig(ctx, options...)
		if err != nil {
			return aws.Config{}, fmt.Errorf("profile %q: %w", profile, err)
		}
		return loaded, nil
	}
	at := slices.IndexFunc(e.profiles, func(p Profile) bool { return p.Name == profile })
	if at < 0 {
		var names []string
		for _, p := range e.profiles {
			names = append(names, p.Name)
		}
		return aws.Config{}, fmt.Errorf("profile: name is %q, want one of %s; write one of these", profile, strings.Join(names, ", "))
	}
	// No ConfigSources: through them a client would find AWS_ENDPOINT_URL_<SERVICE> of this process.
	return aws.Config{
		Region:       e.profiles[at].Region,
		BaseEndpoint: aws.String(e.endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider(e.profiles[at].AccessKeyID, e.profiles[at].SecretAccessKey, ""),
		HTTPClient:   e.client(),
	}, nil
}

// client connects to the endpoint, and refuses every other address before it is asked for.
func (e *Environment) client() aws.HTTPClient {
	allowed := ""
	if parsed, err := url.Parse(e.endpoint); err == nil {
		allowed = parsed.Host
	}
	return awshttp.NewBuildableClient().WithTransportOptions(func(transport *http.Transport) {
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != allowed {
				return nil, &OutsideError{Address: address, Endpoint: e.endpoint}
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	})
}

// OutsideError says that a client wanted to leave the endpoint. Nothing was sent.
type OutsideError struct {
	// Address is where it wanted to go, Endpoint where it may.
	Address, Endpoint string
}

func (e *OutsideError) Error() string {
	return fmt.Sprintf("client: address is %s, want the endpoint %s; ask nothing else in this environment", e.Address, e.Endpoint)
}
