package awsenv_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/rehearsal"
)

var (
	dev        = awsenv.Profile{Name: "dev", AccessKeyID: "AKIADEV", SecretAccessKey: "dev-secret", Region: "us-east-1"}
	production = awsenv.Profile{Name: "production", AccessKeyID: "AKIAPRODUCTION", SecretAccessKey: "production-secret", Region: "eu-west-1"}
)

func place(t *testing.T) awsenv.Place {
	t.Helper()
	return awsenv.Place{Checkout: t.TempDir(), Folder: filepath.Join(t.TempDir(), "new", "folder")}
}

// hostile is a process whose every variable leads elsewhere.
func hostile(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_PROFILE": "mine", "AWS_ACCESS_KEY_ID": "MINE", "AWS_SECRET_ACCESS_KEY": "MINE", "AWS_SESSION_TOKEN": "MINE",
		"AWS_REGION": "ap-south-1", "AWS_CONFIG_FILE": "/nowhere", "AWS_CA_BUNDLE": "/nowhere", "AWS_ROLE_ARN": "mine",
		"AWS_ENDPOINT_URL": "http://192.0.2.1", "AWS_ENDPOINT_URL_LAMBDA": "http://192.0.2.1", "AWS_ENDPOINT_URL_STS": "http://192.0.2.1",
		"AWS_USE_FIPS_ENDPOINT": "true", "AMAZON_REGION": "ap-south-1", "CDK_DEFAULT_ACCOUNT": "999999999999", "CDK_APP": "mine",
		"HTTPS_PROXY": "http://192.0.2.1", "https_proxy": "http://192.0.2.1", "HTTP_PROXY": "http://192.0.2.1", "NO_PROXY": "nobody",
	} {
		t.Setenv(name, value)
	}
}

// lookup is the value that a child would see: the last one given.
func lookup(environ []string, name string) (string, bool) {
	for _, variable := range slices.Backward(environ) {
		if key, value, _ := strings.Cut(variable, "="); key == name {
			return value, true
		}
	}
	return "", false
}

func TestNothingOfTheCallersAWSReachesAChild(t *testing.T) {
	hostile(t)
	at := place(t)
	e, err := awsenv.Write(at, "http://127.0.0.1:4711", dev)
	require.NoError(t, err)
	environ := e.Environ("AWS_PROFILE=extra")

	for name, want := range map[string]string{
		"AWS_ENDPOINT_URL": "http://127.0.0.1:4711", "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:4711",
		"AWS_ENDPOINT_URL_S3_FOR_CLOUDFORMATION": "http://127.0.0.1:4711", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": filepath.Join(at.Folder, "config"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(at.Folder, "credentials"),
		"CDK_HOME": filepath.Join(at.Folder, "cdk"), "CDK_DISABLE_CLI_TELEMETRY": "true", "CDK_DISABLE_VERSION_CHECK": "true",
		"HTTPS_PROXY": "http://127.0.0.1:1", "TMPDIR": filepath.Join(at.Folder, "tmp"), "AWS_PROFILE": "extra", "HOME": os.Getenv("HOME"),
	} {
		got, _ := lookup(environ, name)
		require.Equal(t, want, got, name)
	}
	for _, variable := range environ {
		require.NotContains(t, variable, "192.0.2.1")
		require.NotContains(t, variable, "MINE")
		require.NotContains(t, strings.ToLower(variable), "=mine")
		require.NotContains(t, variable, "999999999999")
		require.NotContains(t, variable, "ap-south-1")
	}
	_, found := lookup(environ, "AWS_CA_BUNDLE")
	require.False(t, found)
}

func TestTheCheckoutsCommandsComeFirstOnThePath(t *testing.T) {
	at := place(t)
	e, err := awsenv.Write(at, "http://127.0.0.1:4711", dev)
	require.NoError(t, err)
	path, _ := lookup(e.Environ(), "PATH")
	require.Equal(t, filepath.Join(at.Checkout, "node_modules", ".bin")+string(os.PathListSeparator)+os.Getenv("PATH"), path)
}

func TestAChildFindsItsOwnTemporaryFolder(t *testing.T) {
	e, err := awsenv.Write(place(t), "http://127.0.0.1:4711", dev)
	require.NoError(t, err)
	child := exec.Command("mktemp")
	child.Env = e.Environ()
	output, err := child.CombinedOutput()
	require.NoError(t, err, string(output))
	require.Contains(t, string(output), filepath.Join("folder", "tmp"))
}

func TestTheFilesHoldEachProfileAndAreTheOwnersAlone(t *testing.T) {
	at := place(t)
	_, err := awsenv.Write(at, "http://127.0.0.1:4711", dev, production)
	require.NoError(t, err)
	settings, err := os.ReadFile(filepath.Join(at.Folder, "config"))
	require.NoError(t, err)
	require.Equal(t, "[profile dev]\nregion = us-east-1\n\n[profile production]\nregion = eu-west-1\n\n", string(settings))
	keys, err := os.ReadFile(filepath.Join(at.Folder, "credentials"))
	require.NoError(t, err)
	require.Equal(t, "[dev]\naws_access_key_id = AKIADEV\naws_secret_access_key = dev-secret\n\n"+
		"[production]\naws_access_key_id = AKIAPRODUCTION\naws_secret_access_key = production-secret\n\n", string(keys))
	info, err := os.Stat(filepath.Join(at.Folder, "credentials"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestAnEnvironmentForAnotherMachineIsRefused(t *testing.T) {
	for _, endpoint := range []string{"", "https://sts.amazonaws.com", "http://192.0.2.1:80", "http://localhost.example.com:80", "http://127.0.0.1", "127.0.0.1:80"} {
		_, err := awsenv.Write(place(t), endpoint, dev)
		require.ErrorContains(t, err, "want a port of a loopback address", endpoint)
	}
}

func TestProfilesThatCannotBeToldApartAreRefused(t *testing.T) {
	_, err := awsenv.Write(place(t), "http://127.0.0.1:4711", dev, dev)
	require.EqualError(t, err, `profile "dev": Name is taken, want a name of its own; rename one of the two`)
	_, err = awsenv.Write(place(t), "http://127.0.0.1:4711", awsenv.Profile{Name: "dev"})
	require.ErrorContains(t, err, "a field is empty")
}

func TestAClientReachesItsOwnAccountWhateverTheVariablesSay(t *testing.T) {
	server, err := rehearsal.Start(rehearsal.Config{Accounts: []rehearsal.Account{
		{ID: "111111111111", AccessKeyID: dev.AccessKeyID, SecretAccessKey: dev.SecretAccessKey},
		{ID: "333333333333", AccessKeyID: production.AccessKeyID, SecretAccessKey: production.SecretAccessKey},
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	hostile(t)
	e, err := awsenv.Write(place(t), server.URL(), dev, production)
	require.NoError(t, err)

	for profile, account := range map[string]string{"dev": "111111111111", "production": "333333333333"} {
		config, err := e.Config(t.Context(), profile)
		require.NoError(t, err)
		who, err := sts.NewFromConfig(config).GetCallerIdentity(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, account, *who.Account)
		_, err = lambda.NewFromConfig(config).ListFunctions(t.Context(), nil)
		require.NoError(t, err, "AWS_ENDPOINT_URL_LAMBDA must not count")
	}
	_, err = e.Config(t.Context(), "staging")
	require.EqualError(t, err, `profile: name is "staging", want one of dev, production; write one of these`)
}

func TestAClientCannotLeaveTheEndpoint(t *testing.T) {
	e, err := awsenv.Write(place(t), "http://127.0.0.1:4711", dev)
	require.NoError(t, err)
	config, err := e.Config(t.Context(), "dev")
	require.NoError(t, err)
	config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	config.BaseEndpoint = nil
	var outside *awsenv.OutsideError

	_, err = sts.NewFromConfig(config).GetCallerIdentity(t.Context(), nil)
	require.ErrorAs(t, err, &outside)
	require.Equal(t, "sts.us-east-1.amazonaws.com:443", outside.Address)

	// The role of a profile is taken by an STS client that the SDK makes itself.
	role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(config), "arn:aws:iam::111111111111:role/deploy")
	_, err = role.Retrieve(t.Context())
	require.ErrorAs(t, err, &outside)
}

func TestABorrowedEnvironmentIsThatOfWhoeverRunsIt(t *testing.T) {
	t.Setenv("AWS_PROFILE", "mine")
	t.Setenv("CDK_APP", "mine")
	at := place(t)
	e, err := awsenv.Borrow(at, "")
	require.NoError(t, err)
	environ := e.Environ()
	profile, _ := lookup(environ, "AWS_PROFILE")
	require.Equal(t, "mine", profile)
	_, found := lookup(environ, "CDK_APP")
	require.False(t, found, "options of the cdk command are the suite's own")
	_, found = lookup(environ, "AWS_ENDPOINT_URL")
	require.False(t, found)
	home, _ := lookup(environ, "CDK_HOME")
	require.Equal(t, filepath.Join(at.Folder, "cdk"), home)

	e, err = awsenv.Borrow(at, "https://aws.example.com")
	require.NoError(t, err)
	endpoint, _ := lookup(e.Environ(), "AWS_ENDPOINT_URL_STS")
	require.Equal(t, "https://aws.example.com", endpoint)
}

func TestABuildMayDownloadButHasNoCredentials(t *testing.T) {
	hostile(t)
	at := place(t)
	environ, err := at.BuildEnviron("CDK_OUTDIR=out")
	require.NoError(t, err)
	for name, want := range map[string]string{
		"HTTPS_PROXY": "http://192.0.2.1", "AWS_CONFIG_FILE": os.DevNull, "CDK_OUTDIR": "out", "CDK_HOME": filepath.Join(at.Folder, "cdk"),
	} {
		got, _ := lookup(environ, name)
		require.Equal(t, want, got, name)
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "CDK_DEFAULT_ACCOUNT", "CDK_APP"} {
		_, found := lookup(environ, name)
		require.False(t, found, name)
	}
}

func TestAPlaceWithoutFoldersIsRefused(t *testing.T) {
	_, err := awsenv.Write(awsenv.Place{}, "http://127.0.0.1:4711", dev)
	require.ErrorContains(t, err, "Checkout or Folder is empty")
	_, err = awsenv.Place{}.BuildEnviron()
	require.ErrorContains(t, err, "Checkout or Folder is empty")
}
