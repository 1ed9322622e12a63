package stack_test

import (
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

const day = 24 * time.Hour

func init() {
	settings = append(settings, setting{
		zero: stack.BucketConfig{},
		make: func(s *stack.Stack, config any) { stack.NewBucket(s, "b", config.(stack.BucketConfig)) },
		values: map[string]any{
			"Stages": stages.Only(production), "OldVersions": day, "Lifecycle": []stack.LifecycleConfig{{Expire: day}},
			"CORS": &stack.BucketCORSConfig{Origins: []string{"*"}, Methods: []string{"GET"}}, "Encryption": &stack.EncryptionConfig{},
			"AccessLog": componentValue(func(s *stack.Stack) any { return stack.NewBucket(s, "log", stack.BucketConfig{}) }),
			"Name":      "renamed", "Revision": 2, "Override": func(props *awss3.BucketProps) { props.TransferAcceleration = props.EnforceSSL },
		},
	}, setting{
		zero: stack.LifecycleConfig{Expire: 90 * day},
		make: func(s *stack.Stack, config any) {
			stack.NewBucket(s, "b", stack.BucketConfig{Lifecycle: []stack.LifecycleConfig{config.(stack.LifecycleConfig)}})
		},
		values: map[string]any{
			"Prefix": "tmp/", "Expire": 2 * day, "Transitions": []stack.TransitionConfig{{To: stack.IntelligentTiering, After: day}},
		},
	}, setting{
		zero: stack.TransitionConfig{To: stack.Glacier, After: 90 * day},
		make: func(s *stack.Stack, config any) {
			stack.NewBucket(s, "b", stack.BucketConfig{Lifecycle: []stack.LifecycleConfig{{Transitions: []stack.TransitionConfig{config.(stack.TransitionConfig)}}}})
		},
		values: map[string]any{"To": stack.DeepArchive, "After": 91 * day},
	}, setting{
		zero: stack.BucketCORSConfig{Origins: []string{"https://example.com"}, Methods: []string{"GET"}},
		make: func(s *stack.Stack, config any) {
			cors := config.(stack.BucketCORSConfig)
			stack.NewBucket(s, "b", stack.BucketConfig{CORS: &cors})
		},
		values: map[string]any{
			"Origins": []string{"*"}, "Methods": []string{"PUT"}, "Headers": []string{"content-type"}, "ExposedHeaders": []string{"ETag"}, "MaxAge": time.Hour,
		},
	}, setting{
		zero: stack.BucketTriggerConfig{},
		make: func(s *stack.Stack, config any) {
			stack.NewBucket(s, "b", stack.BucketConfig{}).Triggers(stack.NewFunction(s, "f", code()), config.(stack.BucketTriggerConfig))
		},
		values: map[string]any{
			"Events": []stack.BucketEvent{stack.ObjectDeleted}, "Prefix": "in/", "Suffix": ".csv",
			"Override": func(props *awsevents.CfnRuleProps) { props.Description = text("x") },
		},
	})
}

func TestABucketThatAnOverrideNamesIsInNoNamespaceOfTheAccounts(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		stack.NewBucket(s, "files", stack.BucketConfig{Override: func(props *awss3.BucketProps) { props.BucketName = text("legacy-files") }})
	}), dev)
	bucket := template.Resource(t, "AWS::S3::Bucket", "files").Properties
	assert.Equal(t, "legacy-files", bucket["BucketName"])
	assert.NotContains(t, bucket, "BucketNamespace", "S3 takes no other names there than those that end in account and region")
}

func TestABucketIsClosedEncryptedAndItsAccountsOwn(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) { stack.NewBucket(s, "files", stack.BucketConfig{}) }), staging)
	bucket := template.Resource(t, "AWS::S3::Bucket", "files").Properties
	assert.Equal(t, "staging-shop-files-222222222222-eu-west-1-an", bucket["BucketName"])
	assert.Equal(t, "account-regional", bucket["BucketNamespace"])
	assert.Equal(t, map[string]any{"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true}, bucket["PublicAccessBlockConfiguration"])
	assert.Equal(t, map[string]any{"Rules": []any{map[string]any{"ObjectOwnership": "BucketOwnerEnforced"}}}, bucket["OwnershipControls"])
	assert.Equal(t, map[string]any{"ServerSideEncryptionConfiguration": []any{
		map[string]any{"ServerSideEncryptionByDefault": map[string]any{"SSEAlgorithm": "AES256"}},
	}}, bucket["BucketEncryption"])
	assert.Equal(t, map[string]any{"Rules": []any{map[string]any{
		"Id": "leftovers", "Status": "Enabled", "AbortIncompleteMultipartUpload": map[string]any{"DaysAfterInitiation": 7.0},
		"NoncurrentVersionExpiration": map[string]any{"NoncurrentDays": 30.0}, "ExpiredObjectDeleteMarker": true,
	}}}, bucket["LifecycleConfiguration"])

	policy := template.Resource(t, "AWS::S3::BucketPolicy", "files").Properties["PolicyDocument"].(map[string]any)["Statement"].([]any)
	st := policy[0].(map[string]any)
	assert.Equal(t, "Deny", st["Effect"])
	assert.Equal(t, map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}}, st["Condition"])
	assert.Empty(t, template.Resources("AWS::Lambda::Function"), "no function that nobody declared")
}

func TestAVerbOfABucketGrantsExactlyItsActions(t *testing.T) {
	for _, tt := range []struct {
		name           string
		verb           func(*stack.Bucket) stack.Grant
		whole, objects any
		key            any
	}{
		{"Read reads and lists", (*stack.Bucket).Read, "s3:ListBucket", "s3:GetObject", "kms:Decrypt"},
		{"Write writes, and cannot read", (*stack.Bucket).Write, nil, []any{"s3:AbortMultipartUpload", "s3:PutObject"}, []any{"kms:Decrypt", "kms:GenerateDataKey"}},
		{
			"ReadWrite does both, and cannot delete", (*stack.Bucket).ReadWrite, "s3:ListBucket",
			[]any{"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"},
			[]any{"kms:Decrypt", "kms:GenerateDataKey"},
		},
		{"Delete deletes, and no versions", (*stack.Bucket).Delete, nil, "s3:DeleteObject", nil},
	} {
		for _, encryption := range []*stack.EncryptionConfig{nil, {KeyARN: someKey}} {
			t.Run(tt.name, func(t *testing.T) {
				template := stacktest.Synth(t, app(func(s *stack.Stack) {
					fn := code()
					fn.Access = []stack.Grant{tt.verb(stack.NewBucket(s, "files", stack.BucketConfig{Encryption: encryption}))}
					stack.NewFunction(s, "get", fn)
				}), dev)
				arn := map[string]any{"Fn::GetAtt": []any{template.Resource(t, "AWS::S3::Bucket", "files").LogicalID, "Arn"}}
				var want []any
				if tt.whole != nil {
					want = append(want, allowance(tt.whole, arn))
				}
				want = append(want, allowance(tt.objects, map[string]any{"Fn::Join": []any{"", []any{arn, "/*"}}}))
				if encryption != nil && tt.key != nil {
					st := allowance(tt.key, someKey)
					st["Condition"] = map[string]any{"StringEquals": map[string]any{"kms:ViaService": map[string]any{"Fn::Sub": "s3.${AWS::Region}.amazonaws.com"}}}
					want = append(want, st)
				}
				assert.Equal(t, want, rights(t, template, "get")[1:])
				assert.Equal(t, []string{"FILES_BUCKET"}, variables(template.Resource(t, "AWS::Lambda::Function", "get").Properties))
			})
		}
	}
}

func TestABucketsEventsComeByTheEventBus(t *testing.T) {
	key := func(pattern map[string]any) map[string]any {
		return map[string]any{"key": []any{pattern}}
	}
	for name, tt := range map[string]struct {
		config stack.BucketTriggerConfig
		events []any
		object any
	}{
		"what is created, by default": {stack.BucketTriggerConfig{}, []any{"Object Created"}, nil},
		"below a prefix":              {stack.BucketTriggerConfig{Prefix: "in/"}, []any{"Object Created"}, key(map[string]any{"prefix": "in/"})},
		"of a suffix":                 {stack.BucketTriggerConfig{Suffix: ".csv"}, []any{"Object Created"}, key(map[string]any{"suffix": ".csv"})},
		"both, where a star is a star": {
			stack.BucketTriggerConfig{Prefix: "a*b/", Suffix: ".csv", Events: []stack.BucketEvent{stack.ObjectDeleted, stack.ObjectTagged}},
			[]any{"Object Deleted", "Object Tags Added"},
			key(map[string]any{"wildcard": `a\*b/*.csv`}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			template := stacktest.Synth(t, app(func(s *stack.Stack) {
				stack.NewBucket(s, "files", stack.BucketConfig{}).Triggers(stack.NewFunction(s, "load", code()), tt.config)
			}), dev)
			bucket := template.Resource(t, "AWS::S3::Bucket", "files")
			assert.Equal(t, map[string]any{"EventBridgeConfiguration": map[string]any{"EventBridgeEnabled": true}}, bucket.Properties["NotificationConfiguration"])
			rule := template.Resource(t, "AWS::Events::Rule", "load")
			detail := map[string]any{"bucket": map[string]any{"name": []any{map[string]any{"Ref": bucket.LogicalID}}}}
			if tt.object != nil {
				detail["object"] = tt.object
			}
			assert.Equal(t, map[string]any{"source": []any{"aws.s3"}, "detail-type": tt.events, "detail": detail}, rule.Properties["EventPattern"])
			permission := template.Resource(t, "AWS::Lambda::Permission", "load").Properties
			assert.Equal(t, "events.amazonaws.com", permission["Principal"])
			assert.Equal(t, map[string]any{"Fn::GetAtt": []any{rule.LogicalID, "Arn"}}, permission["SourceArn"])
			assert.Len(t, template.Resources("AWS::Lambda::Function"), 1, "no function that nobody declared")
		})
	}
}

func TestABucketTriggerFollowsItsBucketAndItsFunction(t *testing.T) {
	define := func(s *stack.Stack) {
		there := code()
		there.Stages = stages.Except(dev)
		bucket, fn := stack.NewBucket(s, "files", stack.BucketConfig{Stages: stages.Except(production)}), stack.NewFunction(s, "load", there)
		bucket.Triggers(fn, stack.BucketTriggerConfig{Prefix: "in/"})
		bucket.Triggers(fn, stack.BucketTriggerConfig{Prefix: "more/"})
	}
	for stage, want := range map[stages.Stage]int{dev: 0, staging: 2, production: 0} {
		assert.Len(t, stacktest.Synth(t, app(define), stage).Resources("AWS::Events::Rule"), want, stage.Name)
	}
}

func TestABucketKeepsWhatAStreamTriggerGaveUp(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		lost := stack.NewBucket(s, "lost", stack.BucketConfig{})
		stack.NewTable(s, "orders", streamed()).StreamTo(stack.NewFunction(s, "index", code()), stack.StreamConfig{OnFailure: lost})
	}), dev)
	arn := map[string]any{"Fn::GetAtt": []any{template.Resource(t, "AWS::S3::Bucket", "lost").LogicalID, "Arn"}}
	assert.Equal(t, []any{
		allowance("s3:ListBucket", arn),
		allowance([]any{"s3:AbortMultipartUpload", "s3:PutObject"}, map[string]any{"Fn::Join": []any{"", []any{arn, "/*"}}}),
	}, rights(t, template, "index")[2:])
}

func TestABucketLogsRequestsToAnother(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		stack.NewBucket(s, "files", stack.BucketConfig{AccessLog: stack.NewBucket(s, "requests", stack.BucketConfig{})})
	}), dev)
	assert.Equal(t, map[string]any{
		"DestinationBucketName": map[string]any{"Ref": template.Resource(t, "AWS::S3::Bucket", "requests").LogicalID}, "LogFilePrefix": "files/",
	}, template.Resource(t, "AWS::S3::Bucket", "files").Properties["LoggingConfiguration"])
}

func TestWrongBucketConfigsAreRefused(t *testing.T) {
	page := []string{"https://example.com"}
	move := func(transitions ...stack.TransitionConfig) stack.BucketConfig {
		return stack.BucketConfig{Lifecycle: []stack.LifecycleConfig{{Transitions: transitions}}}
	}
	for name, tt := range map[string]struct {
		config stack.BucketConfig
		want   string
	}{
		"half a day":      {stack.BucketConfig{OldVersions: 12 * time.Hour}, `OldVersions is 12h0m0s; it must be whole days, at least one. Write OldVersions: 30 * 24 * time.Hour, or leave it out.`},
		"an empty rule":   {stack.BucketConfig{Lifecycle: []stack.LifecycleConfig{{}}}, `Lifecycle[0] is without Expire and Transitions; it must be given one of the two at least. Write Expire: 365 * 24 * time.Hour, or leave it out.`},
		"an age below 0":  {stack.BucketConfig{Lifecycle: []stack.LifecycleConfig{{Expire: -day}}}, `Lifecycle[0].Expire is -24h0m0s; it must be whole days, at least one. Write Expire: 30 * 24 * time.Hour, or leave it out.`},
		"no class":        {move(stack.TransitionConfig{After: day}), `Lifecycle[0].Transitions[0].To is ""; it must be a storage class, such as stack.IntelligentTiering. Write To: stack.IntelligentTiering.`},
		"an hour":         {move(stack.TransitionConfig{To: stack.Glacier, After: time.Hour}), `Lifecycle[0].Transitions[0].After is 1h0m0s; it must be whole days, at least one. Write After: 30 * 24 * time.Hour, or leave it out.`},
		"at once":         {move(stack.TransitionConfig{To: stack.Glacier}), `Lifecycle[0].Transitions[0].After is 0 days; it must be at least 1 days. Write After: 30 * 24 * time.Hour.`},
		"rarely too soon": {move(stack.TransitionConfig{To: stack.InfrequentAccess, After: day}), `Lifecycle[0].Transitions[0].After is 1 days; it must be at least 30 days. Write After: 30 * 24 * time.Hour.`},
		"out of order": {
			move(stack.TransitionConfig{To: stack.Glacier, After: 90 * day}, stack.TransitionConfig{To: stack.DeepArchive, After: 60 * day}),
			`Lifecycle[0].Transitions[1].After is 60 days; it must be more than 90 days, that of the one before. Order them by age.`,
		},
		"gone before it moves": {
			stack.BucketConfig{Lifecycle: []stack.LifecycleConfig{{Expire: 30 * day, Transitions: []stack.TransitionConfig{{To: stack.Glacier, After: 90 * day}}}}},
			`Lifecycle[0].Expire is 30 days; it must be more than 90 days, the last of Transitions. Raise it, or leave the last out.`,
		},
		"CORS for nobody":     {stack.BucketConfig{CORS: &stack.BucketCORSConfig{Methods: []string{"GET"}}}, `CORS.Origins is empty; it must be a list of at least one origin. Write Origins: []string{"https://example.com"}.`},
		"CORS for nothing":    {stack.BucketConfig{CORS: &stack.BucketCORSConfig{Origins: page}}, `CORS.Methods is empty; it must be a list of at least one method. Write Methods: []string{"GET", "PUT"}.`},
		"CORS for a path":     {stack.BucketConfig{CORS: &stack.BucketCORSConfig{Origins: []string{"https://example.com/x"}, Methods: []string{"GET"}}}, `CORS.Origins is "https://example.com/x"; it must be the scheme and host of a page, or *. Write Origins: []string{"https://example.com"}.`},
		"CORS for any method": {stack.BucketConfig{CORS: &stack.BucketCORSConfig{Origins: page, Methods: []string{"PATCH"}}}, `CORS.Methods is "PATCH"; it must be DELETE, GET, HEAD, POST or PUT. Write Methods: []string{"GET", "PUT"}.`},
		"CORS for days": {
			stack.BucketConfig{CORS: &stack.BucketCORSConfig{Origins: page, Methods: []string{"GET"}, MaxAge: time.Millisecond}},
			`CORS.MaxAge is 1ms; it must be whole seconds, at least one. Write MaxAge: time.Hour, or leave it out.`,
		},
		"a key that is none": {
			stack.BucketConfig{Encryption: &stack.EncryptionConfig{KeyARN: "mine"}},
			`Encryption.KeyARN is "mine"; it must be the ARN of a KMS key. Write "arn:aws:kms:REGION:ACCOUNT:key/ID", or leave it out.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) { stack.NewBucket(s, "files", tt.config) })
			assert.Equal(t, `stack/bucket_test.go:LINE: bucket "files": `+tt.want, withoutLines(err.Error()))
		})
	}
	for name, tt := range map[string]struct {
		define func(s *stack.Stack)
		want   string
	}{
		"a log that is not there, naming both ends": {func(s *stack.Stack) {
			stack.NewBucket(s, "files", stack.BucketConfig{AccessLog: stack.NewBucket(s, "requests", stack.BucketConfig{Stages: stages.Only(production)})})
		}, `bucket "files": AccessLog is bucket "requests", which some stage that has the bucket does not have; it must be a bucket of every stage of this one. Give both the same Stages, or leave it out.`},
		"a log that S3 cannot write": {func(s *stack.Stack) {
			stack.NewBucket(s, "files", stack.BucketConfig{AccessLog: stack.NewBucket(s, "requests", stack.BucketConfig{Encryption: &stack.EncryptionConfig{}})})
		}, `bucket "files": AccessLog is bucket "requests", which has Encryption; it must be a bucket with the key that S3 manages, the only one logs are written with. Leave Encryption out there.`},
		"an event of nothing": {func(s *stack.Stack) {
			stack.NewBucket(s, "files", stack.BucketConfig{}).Triggers(stack.NewFunction(s, "load", code()), stack.BucketTriggerConfig{Events: []stack.BucketEvent{"s3:ObjectCreated:*"}})
		}, `trigger of function "load" by bucket "files": Events is "s3:ObjectCreated:*"; it must be stack.ObjectCreated, ObjectDeleted, ObjectRestored, ObjectMoved or ObjectTagged. Write Events: []stack.BucketEvent{stack.ObjectCreated}, or leave it out.`},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, `stack/bucket_test.go:LINE: `+tt.want, withoutLines(refusal(t, dev, tt.define).Error()))
		})
	}
}
