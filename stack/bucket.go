package stack

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// BucketConfig says what an S3 bucket is. Nobody else can reach it, it is encrypted, takes TLS only, and
// forgets uploads that were never finished. What its stage's tier does to it stands in docs/tiers.md.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingBucket.html
type BucketConfig struct {
	// Stages says which stages have the bucket. Default: every stage.
	Stages stages.Selector

	// OldVersions is how long the versions of an object are kept that were overwritten or deleted, in whole
	// days, where the tier keeps versions. Default: 30 days.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html
	OldVersions time.Duration

	// Lifecycle moves objects to cheaper storage, or deletes them, by their age; at most 1000 rules with those of
	// the construct. Default: objects stay.
	Lifecycle []LifecycleConfig

	// CORS lets pages of other origins use the bucket with signed URLs. Default: none, and browsers do not
	// let them.
	CORS *BucketCORSConfig

	// Encryption is with a key of the account's own. Default: with one that S3 manages.
	Encryption *EncryptionConfig

	// AccessLog is the bucket that gets a log of all requests, below <id>/. It may not have Encryption.
	// Default: no log. https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
	AccessLog *Bucket

	// Name is the bucket's own part of its physical name {stage}-{service}-{name}-{account}-{region}-an, or
	// [Generated]. No other account can take such a name. Default: the id.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
	Name string

	// Revision, 2 and above, enters the physical name, so that CloudFormation can replace the bucket. The
	// old bucket's objects do not move. Default: none.
	Revision int

	// Override changes the L2's properties just before it is made. Default: none.
	Override func(*awss3.BucketProps)
}

// BucketCORSConfig says which pages a browser lets use a bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
type BucketCORSConfig struct {
	// Origins are those of the pages, such as "https://example.com", or "*" for all. Required.
	Origins []string

	// Methods that pages may use: DELETE, GET, HEAD, POST, PUT. Required.
	Methods []string

	// Headers that pages may send, "*" for all. Default: all.
	Headers []string

	// ExposedHeaders are those of a response that pages may read, such as ETag. Default: those that every
	// page may.
	ExposedHeaders []string

	// MaxAge is how long a browser remembers the answer, in whole seconds; browsers have limits of their own.
	// Default: as the browser likes.
	MaxAge time.Duration
}

const (
	day                = 24 * time.Hour
	defaultOldVersions = 30 * day
	// unfinished is how long the parts of an upload are kept that nobody completes.
	unfinished = 7 * day
)

func (c BucketConfig) validate() *ConfigError {
	for i, rule := range c.Lifecycle {
		if problem := rule.validate(fmt.Sprintf("Lifecycle[%d]", i)); problem != nil {
			return problem
		}
	}
	if c.CORS != nil {
		if problem := c.CORS.validate(); problem != nil {
			return problem
		}
	}
	if c.AccessLog != nil && c.AccessLog.config.Encryption != nil {
		return &ConfigError{
			Field: "AccessLog", Got: c.AccessLog.String() + ", which has Encryption", Want: "a bucket with the key that S3 manages, the only one logs are written with",
			Fix: "leave Encryption out there",
		}
	}
	if c.Encryption != nil {
		return c.Encryption.validate()
	}
	return nil
}

// bucketMethods are those that S3 knows.
var bucketMethods = map[string]awss3.HttpMethods{
	"DELETE": awss3.HttpMethods_DELETE, "GET": awss3.HttpMethods_GET, "HEAD": awss3.HttpMethods_HEAD, "POST": awss3.HttpMethods_POST,
	"PUT": awss3.HttpMethods_PUT,
}

func (c BucketCORSConfig) validate() *ConfigError {
	switch {
	case len(c.Origins) == 0:
		return &ConfigError{Field: "CORS.Origins", Got: "empty", Want: "a list of at least one origin", Fix: `write Origins: []string{"https://example.com"}`}
	case len(c.Methods) == 0:
		return &ConfigError{Field: "CORS.Methods", Got: "empty", Want: "a list of at least one method", Fix: `write Methods: []string{"GET", "PUT"}`}
	}
	for _, origin := range c.Origins {
		if !originPattern.MatchString(origin) {
			return &ConfigError{
				Field: "CORS.Origins", Got: fmt.Sprintf("%q", origin), Want: "the scheme and host of a page, or *", Fix: `write Origins: []string{"https://example.com"}`,
			}
		}
	}
	for _, method := range c.Methods {
		if _, known := bucketMethods[method]; !known {
			return &ConfigError{
				Field: "CORS.Methods", Got: fmt.Sprintf("%q", method), Want: "DELETE, GET, HEAD, POST or PUT", Fix: `write Methods: []string{"GET", "PUT"}`,
			}
		}
	}
	return nil
}

// Bucket is an S3 bucket, or knows that its stage has none.
type Bucket struct {
	component

	// L2 is the CDK's construct; nil where the stage does not have the bucket. [Bucket.With] asks first.
	L2 awss3.Bucket

	config BucketConfig
	key    awskms.IKey // nil where S3 manages the key
	// rules counts the triggers of a function.
	rules map[*Function]int
}

// NewBucket makes an S3 bucket. A mistake panics with a [*ConfigError].
func NewBucket(s *Stack, id string, config BucketConfig) *Bucket {
	bucket := &Bucket{component: s.begin("bucket", id, config.Stages, s.faultsIn(config, config.validate())), config: config, rules: map[*Function]int{}}
	name := s.record(bucket.component, stages.S3Bucket, config.Name, config.Revision)
	if !bucket.present {
		return bucket
	}
	if log := config.AccessLog; log != nil && !log.present {
		bucket.fault(bucket.at, "AccessLog", log.String()+", which some stage that has the bucket does not have", "a bucket of every stage of this one",
			"give both the same Stages, or leave it out")
	}
	scope := bucket.scope()
	if config.Encryption != nil {
		bucket.key = config.Encryption.key(bucket.component, scope)
	}
	props := config.props(id, name, s.retention())
	if bucket.key != nil {
		// Fewer requests to the key, which are paid.
		props.Encryption, props.EncryptionKey, props.BucketKeyEnabled = awss3.BucketEncryption_KMS, bucket.key, jsiiconv.Bool(true)
	}
	if config.Override != nil {
		config.Override(props)
	}
	bucket.L2 = awss3.NewBucket(scope, jsiiconv.String("Bucket"), props)
	if name != "" && props.BucketName != nil && *props.BucketName == name { // an Override may give another
		// The L2 knows the namespace only with names that CloudFormation completes.
		bucket.resource().SetBucketNamespace(jsiiconv.String("account-regional"))
	}
	return bucket
}

// props maps the config to the L2's.
func (c BucketConfig) props(id, name string, tier tierRetention) *awss3.BucketProps {
	old := c.OldVersions
	if old == 0 {
		old = defaultOldVersions
	}
	rules := []*awss3.LifecycleRule{{
		Id: jsiiconv.String("leftovers"), AbortIncompleteMultipartUploadAfter: inDays(unfinished), NoncurrentVersionExpiration: inDays(old),
		ExpiredObjectDeleteMarker: jsiiconv.Bool(true),
	}}
	for i, rule := range c.Lifecycle {
		rules = append(rules, rule.props(fmt.Sprintf("lifecycle-%d", i+1)))
	}
	props := &awss3.BucketProps{
		BucketName:        jsiiconv.String(name),
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		EnforceSSL:        jsiiconv.Bool(true),
		Versioned:         jsiiconv.Bool(tier.versions),
		LifecycleRules:    &rules,
		RemovalPolicy:     tier.data,
	}
	if c.CORS != nil {
		props.Cors = &[]*awss3.CorsRule{c.CORS.props()}
	}
	if c.AccessLog != nil {
		props.ServerAccessLogsBucket, props.ServerAccessLogsPrefix = c.AccessLog.L2, jsiiconv.String(id+"/")
	}
	return props
}

func (c BucketCORSConfig) props() *awss3.CorsRule {
	allowed := make([]awss3.HttpMethods, len(c.Methods))
	for i, method := range c.Methods {
		allowed[i] = bucketMethods[method]
	}
	headers := c.Headers
	if len(headers) == 0 {
		headers = []string{"*"}
	}
	rule := &awss3.CorsRule{
		AllowedOrigins: jsiiconv.Strings(c.Origins...), AllowedMethods: &allowed, AllowedHeaders: jsiiconv.Strings(headers...),
		ExposedHeaders: jsiiconv.Strings(c.ExposedHeaders...),
	}
	if c.MaxAge != 0 {
		rule.MaxAge = jsiiconv.Number(int(c.MaxAge.Seconds()))
	}
	return rule
}

// resource is the CloudFormation resource.
func (b *Bucket) resource() awss3.CfnBucket {
	return b.L2.Node().DefaultChild().(awss3.CfnBucket)
}

// BucketEvent is something that happens to an object.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
type BucketEvent string

// The events that trigger functions.
const (
	ObjectCreated  BucketEvent = "Object Created"
	ObjectDeleted  BucketEvent = "Object Deleted" // a version, a delete marker, or by the lifecycle
	ObjectRestored BucketEvent = "Object Restore Completed"
	ObjectMoved    BucketEvent = "Object Storage Class Changed"
	ObjectTagged   BucketEvent = "Object Tags Added"
)

// BucketTriggerConfig says which events of a bucket reach a function.
type BucketTriggerConfig struct {
	// Events are those that invoke the function. Default: [ObjectCreated].
	Events []BucketEvent

	// Prefix begins, and Suffix ends, the keys of the objects. Default: every object.
	Prefix, Suffix string

	// Override changes the rule's properties just before it is made. Default: none.
	Override func(*awsevents.CfnRuleProps)
}

func (c BucketTriggerConfig) validate() *ConfigError {
	for _, event := range c.Events {
		if !slices.Contains([]BucketEvent{ObjectCreated, ObjectDeleted, ObjectRestored, ObjectMoved, ObjectTagged}, event) {
			return &ConfigError{
				Field: "Events", Got: fmt.Sprintf("%q", event), Want: "stack.ObjectCreated, ObjectDeleted, ObjectRestored, ObjectMoved or ObjectTagged",
				Fix: "write Events: []stack.BucketEvent{stack.ObjectCreated}, or leave it out",
			}
		}
	}
	return nil
}

// Triggers has the function handle what happens to the bucket's objects, one event (events.EventBridgeEvent)
// each; what does not arrive, or what it cannot handle, is kept, see [FunctionConfig.Async]. A function
// can have several triggers of one bucket. Where the stage does not have the bucket, or the function,
// there is no trigger. A mistake panics with a [*ConfigError].
//
// The events come by the account's own event bus; docs/design.md says why. They are paid as the
// account's own events are.
func (b *Bucket) Triggers(fn *Function, config BucketTriggerConfig) {
	at := stages.Caller()
	both := fn.triggeredBy(b.component, at, config, config.validate(), false)
	fn.catchFailures(at, b.id)
	b.rules[fn]++
	if !both {
		return
	}
	b.resource().SetNotificationConfiguration(&awss3.CfnBucket_NotificationConfigurationProperty{
		EventBridgeConfiguration: &awss3.CfnBucket_EventBridgeConfigurationProperty{EventBridgeEnabled: jsiiconv.Bool(true)},
	})
	props := &awsevents.CfnRuleProps{EventPattern: config.pattern(*b.L2.BucketName()).fields()}
	fn.onEvents(b.id, b.rules[fn], props, &awsevents.CfnRule_TargetProperty{}, config.Override)
}

// pattern selects the events as EventBridge spells it.
func (c BucketTriggerConfig) pattern(bucket string) Pattern {
	detailTypes := c.Events
	if len(detailTypes) == 0 {
		detailTypes = []BucketEvent{ObjectCreated}
	}
	detail := Pattern{"bucket": Pattern{"name": []string{bucket}}}
	if key := c.keys(); key != nil {
		detail["object"] = Pattern{"key": []Pattern{key}}
	}
	return Pattern{"source": []string{"aws.s3"}, "detail-type": detailTypes, "detail": detail}
}

// wildcard writes text that holds no wildcard.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-wildcard-matching
var wildcard = strings.NewReplacer(`\`, `\\`, `*`, `\*`)

// keys selects objects by their keys; nil is every object.
func (c BucketTriggerConfig) keys() Pattern {
	switch {
	case c.Prefix != "" && c.Suffix != "":
		// The values of a list are alternatives: two conditions on one field are one wildcard.
		return Pattern{"wildcard": wildcard.Replace(c.Prefix) + "*" + wildcard.Replace(c.Suffix)}
	case c.Prefix != "":
		return Pattern{"prefix": c.Prefix}
	case c.Suffix != "":
		return Pattern{"suffix": c.Suffix}
	}
	return nil
}

// Read is the right to read and list objects; it brings <ID>_BUCKET, the bucket's name.
func (b *Bucket) Read() Grant { return b.grant("Read", bucketList, objectRead, bucketKeyRead) }

// Write is the right to write objects, and not to read, list or delete them; it brings <ID>_BUCKET.
func (b *Bucket) Write() Grant { return b.grant("Write", nil, objectWrite, bucketKeyWrite) }

// ReadWrite is the right to read, list and write objects, and not to delete them; it brings <ID>_BUCKET.
func (b *Bucket) ReadWrite() Grant {
	return b.grant("ReadWrite", bucketList, union(objectRead, objectWrite), bucketKeyWrite)
}

// Delete is the right to delete objects; it brings <ID>_BUCKET. Where the tier keeps versions, what is
// deleted can be brought back, and nothing granted here deletes versions.
func (b *Bucket) Delete() Grant { return b.grant("Delete", nil, objectDelete, nil) }

func (b *Bucket) grant(verb string, whole, objects, key []string) Grant {
	return Grant{on: b, verb: verb, apply: func(fn *Function, at stages.Position) {
		fn.reach(at, b.component, "S3")
		for _, st := range b.statements(whole, objects, key) {
			fn.allow(st)
		}
		fn.setEnvironment(at, b.String(), b.id, "_BUCKET", b.L2.BucketName())
	}}
}

// statements allow actions on the bucket, on its objects, and with its key.
func (b *Bucket) statements(whole, objects, key []string) []statement {
	var all []statement
	if len(whole) > 0 {
		all = append(all, statement{actions: whole, resources: []*string{b.L2.BucketArn()}})
	}
	all = append(all, statement{actions: objects, resources: []*string{b.L2.ArnForObjects(jsiiconv.String("*"))}})
	if b.key != nil && len(key) > 0 {
		all = append(all, statement{actions: key, resources: []*string{b.key.KeyArn()}, via: "s3"})
	}
	return all
}

// With reaches the L2 construct; it does nothing where the stage does not have the bucket.
func (b *Bucket) With(change func(awss3.Bucket)) *Bucket {
	if b.present {
		change(b.L2)
	}
	return b
}

func (b *Bucket) construct() constructs.IConstruct { return b.L2 }
