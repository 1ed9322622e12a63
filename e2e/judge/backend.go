package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudcontrol"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
)

// backend is an account of an endpoint, where trials are deployed.
type backend struct {
	name, account string
	endpoint      string // empty is AWS
	config        aws.Config
	pause         time.Duration // between two looks at a stack
}

// refusedCall is the moment at which CloudFormation refuses the call itself.
const refusedCall = "validation"

// outcome is what came back of a trial, without what differs from run to run.
type outcome struct {
	// moment is where the last step ended: refusedCall, the status of its change set, or the stack's.
	moment string
	// refused tells that the reasons hold the words that were expected.
	refused bool
	// reasons are AWS's, of what failed.
	reasons string
	// statuses, ids and outputs are of the resources and outputs of each stack, by stack and logical id: the ids and
	// values as shapes.
	statuses, ids, outputs map[string]string
}

// try deploys a trial, looks at what came of it, and removes it, whatever happened.
func (b backend) try(ctx context.Context, one trial) (result outcome, err error) {
	result = outcome{statuses: map[string]string{}, ids: map[string]string{}, outputs: map[string]string{}}
	// What was made is removed also where the user stops the command.
	clean := context.WithoutCancel(ctx)
	var made []step
	defer func() {
		for _, made := range slices.Backward(made) {
			err = errors.Join(err, b.remove(clean, made))
		}
	}()
	for i, s := range one.steps {
		if s.uploaded {
			defer func() { err = errors.Join(err, b.empty(clean, s.region)) }()
			if err := b.upload(ctx, s); err != nil {
				return result, err
			}
		}
		update := slices.ContainsFunc(made, func(other step) bool { return other.stack == s.stack && other.region == s.region })
		if !update {
			made = append(made, s)
		}
		moment, reasons, err := b.deploy(ctx, s, update, one.parameters, i == len(one.steps)-1)
		if err != nil {
			return result, err
		}
		if moment == refusedCall && !update {
			made = made[:len(made)-1] // there is no stack, and a region that is off does not even say so
		}
		result.moment, result.reasons = moment, strings.Join(reasons, "\n")
		if i < len(one.steps)-1 && moment != string(types.StackStatusCreateComplete) {
			result.moment = fmt.Sprintf("step %d of %d: %s", i+1, len(one.steps), moment)
			break
		}
	}
	result.refused = one.words != "" && strings.Contains(result.reasons, one.words)
	for _, s := range made {
		if err := b.describe(ctx, s, one, &result); err != nil {
			return result, err
		}
	}
	return result, nil
}

func (b backend) cloudFormation(region string) *cloudformation.Client {
	config := b.config.Copy()
	config.Region = region
	return cloudformation.NewFromConfig(config)
}

// deploy makes or updates a stack by a change set, as the cdk command does.
func (b backend) deploy(ctx context.Context, s step, update bool, parameters map[string]string, last bool) (moment string, reasons []string, err error) {
	client := b.cloudFormation(s.region)
	input := &cloudformation.CreateChangeSetInput{
		StackName: &s.stack, ChangeSetName: aws.String("judge"), ChangeSetType: types.ChangeSetTypeCreate, TemplateBody: &s.template,
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}
	if update {
		input.ChangeSetType = types.ChangeSetTypeUpdate
	}
	if s.uploaded {
		input.TemplateBody, input.TemplateURL = nil, aws.String(b.objectURL(s.region, templateObject))
	}
	for name, value := range parameters {
		if last {
			input.Parameters = append(input.Parameters, types.Parameter{ParameterKey: &name, ParameterValue: &value})
		}
	}
	since := time.Now()
	set, err := client.CreateChangeSet(ctx, input)
	if refusal, refused := errors.AsType[smithy.APIError](err); refused && refusal.ErrorFault() != smithy.FaultServer {
		return refusedCall, []string{err.Error()}, nil
	}
	if err != nil {
		return "", nil, err // nobody knows what it has done
	}
	for {
		seen, err := client.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{ChangeSetName: set.Id})
		if err != nil {
			return "", nil, err
		}
		if seen.Status == types.ChangeSetStatusCreateComplete {
			break
		}
		if seen.Status != types.ChangeSetStatusCreatePending && seen.Status != types.ChangeSetStatusCreateInProgress {
			return "change set " + string(seen.Status), []string{aws.ToString(seen.StatusReason)}, nil
		}
		if err := parallel.Wait(ctx, b.pause); err != nil {
			return "", nil, err
		}
	}
	if _, err := client.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{ChangeSetName: set.Id}); err != nil {
		return "", nil, err
	}
	stack, err := b.finished(ctx, client, *set.StackId)
	if err != nil {
		return "", nil, err
	}
	reasons, err = failures(ctx, client, *set.StackId, since.Add(-time.Minute))
	return string(stack.StackStatus), reasons, err
}

func (b backend) finished(ctx context.Context, client *cloudformation.Client, id string) (types.Stack, error) {
	for {
		seen, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &id})
		if err != nil {
			return types.Stack{}, err
		}
		if stack := seen.Stacks[0]; !strings.HasSuffix(string(stack.StackStatus), "_IN_PROGRESS") {
			return stack, nil
		}
		if err := parallel.Wait(ctx, b.pause); err != nil {
			return types.Stack{}, err
		}
	}
}

// failures are the reasons of what failed of its own accord, the first first.
func failures(ctx context.Context, client *cloudformation.Client, id string, since time.Time) (reasons []string, err error) {
	pages := cloudformation.NewDescribeStackEventsPaginator(client, &cloudformation.DescribeStackEventsInput{StackName: &id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, event := range page.StackEvents {
			reason := aws.ToString(event.ResourceStatusReason)
			failed := strings.HasSuffix(string(event.ResourceStatus), "_FAILED") && !strings.Contains(reason, "cancelled")
			if failed && aws.ToTime(event.Timestamp).After(since) {
				reasons = append([]string{reason}, reasons...)
			}
		}
	}
	return reasons, nil
}

// describe reads back a stack, where there is one.
func (b backend) describe(ctx context.Context, s step, one trial, into *outcome) error {
	client := b.cloudFormation(s.region)
	stack, err := stacks.Describe(ctx, client, s.stack).Found()
	if err != nil || stack == nil {
		return err // where there is none, the refusal came before it
	}
	shape := shaper{account: b.account, known: knownTokens(one)}
	for _, output := range stack.Outputs {
		into.outputs[s.stack+" "+aws.ToString(output.OutputKey)] = shape.of(aws.ToString(output.OutputValue))
	}
	for resource, err := range stacks.Resources(ctx, client, s.stack) {
		if err != nil {
			return err
		}
		key := s.stack + " " + aws.ToString(resource.LogicalResourceId)
		into.statuses[key] = string(resource.ResourceStatus)
		if strings.HasSuffix(string(resource.ResourceStatus), "_COMPLETE") && resource.ResourceStatus != types.ResourceStatusDeleteComplete {
			into.ids[key] = shape.of(aws.ToString(resource.PhysicalResourceId))
		}
	}
	return nil
}

// remove deletes a stack, and what its templates have it leave behind.
func (b backend) remove(ctx context.Context, s step) error {
	client := b.cloudFormation(s.region)
	stack, err := stacks.Describe(ctx, client, s.stack).Found()
	if err != nil || stack == nil {
		return err
	}
	id := stack.StackId
	if err := stacks.Delete(ctx, client, *id, b.pause, func(string) {}); err != nil {
		return fmt.Errorf("stack %s is not deleted: %w. Delete it by hand", s.stack, err)
	}
	config := b.config.Copy()
	config.Region = s.region
	resources := cloudcontrol.NewFromConfig(config)
	left := map[string]string{}
	pages := cloudformation.NewDescribeStackEventsPaginator(client, &cloudformation.DescribeStackEventsInput{StackName: id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, event := range page.StackEvents {
			if event.ResourceStatus == types.ResourceStatusDeleteSkipped {
				left[aws.ToString(event.PhysicalResourceId)] = aws.ToString(event.ResourceType)
			}
		}
	}
	for physical, kind := range left {
		if _, err := resources.DeleteResource(ctx, &cloudcontrol.DeleteResourceInput{TypeName: &kind, Identifier: &physical}); err != nil {
			return fmt.Errorf("%s %s is left: %w. Delete it by hand", kind, physical, err)
		}
	}
	return nil
}

// What is uploaded for a program, into a bucket of its own.
const (
	templateObject = "template.json"
	codeObject     = "code.zip"
)

func bucketOf(account, region string) string { return "roadshow-judge-" + account + "-" + region }

func (b backend) objects(region string) *s3.Client {
	config := b.config.Copy()
	config.Region = region
	return s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = b.endpoint != "" })
}

func (b backend) objectURL(region, key string) string {
	if b.endpoint != "" {
		return b.endpoint + "/" + bucketOf(b.account, region) + "/" + key
	}
	return "https://" + bucketOf(b.account, region) + ".s3." + region + ".amazonaws.com/" + key
}

func (b backend) upload(ctx context.Context, s step) error {
	client, bucket := b.objects(s.region), bucketOf(b.account, s.region)
	input := &s3.CreateBucketInput{Bucket: &bucket}
	if s.region != "us-east-1" {
		input.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(s.region)}
	}
	if _, err := client.CreateBucket(ctx, input); err != nil {
		return fmt.Errorf("bucket %s cannot be made: %w", bucket, err)
	}
	code, err := handler()
	if err != nil {
		return err
	}
	for key, body := range map[string][]byte{templateObject: []byte(s.template), codeObject: code} {
		if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)}); err != nil {
			return err
		}
	}
	return nil
}

// handler is code that can be deployed under every runtime, and is never called.
func handler() ([]byte, error) {
	var packed bytes.Buffer
	archive := zip.NewWriter(&packed)
	for name, text := range map[string]string{"bootstrap": "#!/bin/sh\nexit 1\n", "index.js": "exports.handler = async () => ({ statusCode: 501 })\n"} {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		header.SetMode(0o755)
		file, err := archive.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := file.Write([]byte(text)); err != nil {
			return nil, err
		}
	}
	err := archive.Close()
	return packed.Bytes(), err
}

// empty deletes the bucket and what is in it.
func (b backend) empty(ctx context.Context, region string) error {
	client, bucket := b.objects(region), bucketOf(b.account, region)
	var problems []error
	for _, key := range []string{templateObject, codeObject} {
		if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
			problems = append(problems, err)
		}
	}
	if _, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &bucket}); err != nil {
		problems = append(problems, fmt.Errorf("bucket %s is left: %w. Delete it by hand", bucket, err))
	}
	return errors.Join(problems...)
}
