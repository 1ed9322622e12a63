package fleet_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
)

func TestWhateverAVerbLooksAtOrDeletesNeedsNoMoreThanIsDocumented(t *testing.T) {
	t.Parallel()
	usesOfWhatIsLeft(t).requireWithin(t)
}

// ofWhatIsLeft is what verbs were seen to use, once for all tests.
var ofWhatIsLeft struct {
	once sync.Once
	uses recorded
}

// usesOfWhatIsLeft is what verbs use in accounts that hold something of each kind that they look at, or delete, in a way of
// its own: a bucket with objects and older versions, a secret, exports, a DAX cluster, an address, a function. No cdk command
// runs here; what it is handed is there already, or made by hand.
func usesOfWhatIsLeft(t *testing.T) recorded {
	ofWhatIsLeft.once.Do(func() {
		w := open(t, enriched(t), 0)
		w.uses = recorded{}
		account := w.Server.Account(devAccount)
		tags := map[string]string{
			"roadshow:stage": "dev", "roadshow:service": "notes",
			"aws:cloudformation:stack-id": "arn:aws:cloudformation:us-east-1:" + devAccount + ":stack/dev-notes/forgotten",
		}
		var list []any
		for key, value := range tags {
			list = append(list, map[string]any{"Key": key, "Value": value})
		}
		leave := func(kind string, properties map[string]any) {
			t.Helper()
			_, err := account.Create("us-east-1", kind, properties)
			require.NoError(t, err)
		}
		leave("AWS::IAM::Role", map[string]any{"RoleName": "cluster", "AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{
			map[string]any{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": "dax.amazonaws.com"}},
		}}})
		leave("AWS::EC2::EIP", map[string]any{"Domain": "vpc", "Tags": list})
		leave("AWS::S3::Bucket", map[string]any{"BucketName": "dev-notes-left", "VersioningConfiguration": map[string]any{"Status": "Enabled"}, "Tags": list})
		leave("AWS::DynamoDB::Table", map[string]any{
			"TableName": "dev-notes-notes", "BillingMode": "PAY_PER_REQUEST", "DeletionProtectionEnabled": true, "Tags": list,
			"KeySchema":            []any{map[string]any{"AttributeName": "id", "KeyType": "HASH"}},
			"AttributeDefinitions": []any{map[string]any{"AttributeName": "id", "AttributeType": "S"}},
		})
		leave("AWS::SQS::Queue", map[string]any{"QueueName": "dev-notes-left", "Tags": list})
		config, err := w.Environment.Config(t.Context(), "dev")
		require.NoError(t, err)
		config.Region = "us-east-1"
		for range 2 {
			_, err = s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }).PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String("dev-notes-left"), Key: aws.String("report"), Body: strings.NewReader("something"),
			})
			require.NoError(t, err)
		}

		stack := func(name, template string, tags map[string]string) {
			t.Helper()
			client := cloudformation.NewFromConfig(config)
			input := &cloudformation.CreateStackInput{StackName: &name, TemplateBody: &template}
			for key, value := range tags {
				input.Tags = append(input.Tags, types.Tag{Key: aws.String(key), Value: aws.String(value)})
			}
			_, err := client.CreateStack(t.Context(), input)
			require.NoError(t, err)
			waiter := cloudformation.NewStackCreateCompleteWaiter(client, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
				o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
			})
			require.NoError(t, waiter.Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name}, time.Minute))
		}
		// What a deleted stack has left by policy.
		stack("dev-notes", `{"Resources":{"Cluster":{"Type":"AWS::DAX::Cluster","DeletionPolicy":"Retain","Properties":{
			"ClusterName":"dev-notes-notes","NodeType":"dax.t3.small","ReplicationFactor":1,"IAMRoleARN":"arn:aws:iam::`+devAccount+`:role/cluster"}}}}`,
			map[string]string{"roadshow:stage": "dev", "roadshow:service": "notes"})
		client := cloudformation.NewFromConfig(config)
		_, err = client.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("dev-notes")})
		require.NoError(t, err)
		gone := cloudformation.NewStackDeleteCompleteWaiter(client, func(o *cloudformation.StackDeleteCompleteWaiterOptions) {
			o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
		})
		require.NoError(t, gone.Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("dev-notes")}, time.Minute))

		require.Equal(t, 1, w.run("orphans").code)
		require.Contains(t, w.uses["orphans"], "dax:DescribeClusters")
		require.Equal(t, 1, w.run("remove", "--account", devAccount).code)
		require.Equal(t, 1, w.run("remove", "dev", "--yes", "--sweep").code, "an address and a cluster are for a person")
		require.False(t, w.holds(devAccount, "AWS::S3::Bucket", "dev-notes-left"))
		require.False(t, w.holds(devAccount, "AWS::SQS::Queue", "dev-notes-left"))

		// An ephemeral stage past its time, with what a removal asks about.
		stack("pr-7--notes", strings.ReplaceAll(somethingOfEach, "dev-notes", "pr-7-notes"),
			map[string]string{"roadshow:stage": "pr-7", "roadshow:service": "notes", "roadshow:time-to-live": "1ns"})
		require.Eventually(t, func() bool { return strings.Contains(w.must("expire").stdout, "expired") }, time.Minute, 10*time.Millisecond,
			"the Date of an answer has whole seconds")
		require.Contains(t, w.must("expire", "--yes").stdout, "removed")

		// A deploy that has a secret to make looks for its name, whatever becomes of the cdk command.
		stack("CDKToolkit", `{"Parameters":{"Qualifier":{"Type":"String","Default":"hnb659fds"}},"Resources":{"Log":{"Type":"AWS::Logs::LogGroup"}},
			"Outputs":{"BootstrapVersion":{"Value":"33"}}}`, nil)
		w.dir = t.TempDir()
		bin := filepath.Join(w.dir, "node_modules", ".bin")
		require.NoError(t, os.MkdirAll(bin, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(w.dir, "cdk.json"), []byte("{}"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(bin, "cdk"), []byte("#!/bin/sh\nexit 1\n"), 0o700))
		require.Equal(t, 1, w.run("deploy", "--to", "dev", "--yes").code)
		require.Contains(t, w.uses["deploy"], "cloudformation:ListResources")
		for _, verb := range sorted(w.uses) {
			t.Logf("roadshow %s: %s", verb, strings.Join(sorted(w.uses[verb]), " "))
		}
		ofWhatIsLeft.uses = w.uses
	})
	require.NotEmpty(t, ofWhatIsLeft.uses, "the run that records it has failed")
	return ofWhatIsLeft.uses
}

// enriched is the assembly of the notes program, with a secret and a bucket in dev, whose names are in the ledger, and a
// template of ephemeral stages. It stands beside the other, whose files it refers to.
func enriched(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(folder, "enriched")
	require.NoError(t, os.CopyFS(dir, os.DirFS(untouched())))
	edit := func(name string, change func(document map[string]any)) {
		t.Helper()
		file := filepath.Join(dir, filepath.FromSlash(name))
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var document map[string]any
		require.NoError(t, json.Unmarshal(text, &document))
		change(document)
		text, err = json.Marshal(document)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, text, 0o600))
	}
	var template string
	edit("roadshow.json", func(document map[string]any) {
		for _, stage := range document["stages"].([]any) {
			if one := stage.(map[string]any); one["name"] == "dev" {
				template = one["file"].(string)
			}
		}
		document["set"] = append(document["set"].([]any), map[string]any{"name": "pr-*", "account": devAccount, "region": "us-east-1", "tier": "sandbox", "template": true})
		for kind, name := range map[string]string{"S3 bucket": "dev-notes-left", "SQS queue": "dev-notes-left", "secret": "dev-notes-secret"} {
			document["ledger"] = append(document["ledger"].([]any), map[string]any{
				"stage": "dev", "account": devAccount, "region": "us-east-1", "service": "notes", "kind": kind, "owner": "left", "name": name,
				"limit": 63, "scope": "region", "at": map[string]any{"file": "", "line": 0},
			})
		}
	})
	edit(template, func(document map[string]any) {
		document["Resources"].(map[string]any)["Secret"] = map[string]any{"Type": "AWS::SecretsManager::Secret", "Properties": map[string]any{"Name": "dev-notes-secret"}}
	})
	return dir
}
