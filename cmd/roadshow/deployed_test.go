package main

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/rehearsal"
)

func TestDeployedParityReadsTheAccounts(t *testing.T) {
	t.Parallel()
	var config rehearsal.Config
	var profiles []awsenv.Profile
	for name, account := range map[string]string{"one": "111111111111", "two": "333333333333"} {
		key, secret := "AKIA"+account+"TEST", "planted-secret-of-"+name
		config.Accounts = append(config.Accounts, rehearsal.Account{ID: account, AccessKeyID: key, SecretAccessKey: secret, UserName: name})
		profiles = append(profiles, awsenv.Profile{Name: name, AccessKeyID: key, SecretAccessKey: secret, Region: "us-east-1"})
	}
	server, err := rehearsal.Start(config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	checkout, err := filepath.Abs("../..")
	require.NoError(t, err)
	environment, err := awsenv.Write(awsenv.Place{Checkout: checkout, Folder: t.TempDir()}, server.URL(), profiles...)
	require.NoError(t, err)

	loaded, err := environment.Config(t.Context(), "one")
	require.NoError(t, err)
	client := cloudformation.NewFromConfig(loaded)
	_, err = client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName:    aws.String("dev-show"),
		TemplateBody: aws.String(`{"Metadata":{"roadshow:commit":"0123abcd"},"Resources":{"Log":{"Type":"AWS::Logs::LogGroup"}}}`),
	})
	require.NoError(t, err)
	waiter := cloudformation.NewStackCreateCompleteWaiter(client, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
	})
	require.NoError(t, waiter.Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("dev-show")}, time.Minute))

	command := exec.Command(built.command, "parity", "--deployed", "--app", built.program)
	// The caches are this process's, the accounts the rehearsal's.
	command.Dir, command.Env = built.folder, environment.Environ()
	output, err := command.CombinedOutput()
	require.NoError(t, err, "another commit and an absent stage are no fault: %s", output)
	assert.Regexp(t, `dev +111111111111 +behind +0123abcd +\d+ changes`, string(output))
	assert.Regexp(t, `production +333333333333 +absent`, string(output))
	assert.NotContains(t, string(output), "planted-secret")
}
