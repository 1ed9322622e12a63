package stack

import (
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// Ref names a component that another service of the same stage exports, as that service's program does.
type Ref struct {
	// Service is the other service's name, [App.Service]. Required.
	Service string

	// ID is the component's id there. It names the environment variables of grants here. Required.
	ID string
}

// ImportConfig says how a component of another service is imported. Its zero value reads, at each deploy,
// the ARN from the stage's own path, /roadshow/{stage}/{service}/…; the deploy fails, and names the path,
// where the other service has not exported it. So every stage's template is the same.
type ImportConfig struct {
	// Stages says which stages import the component. Default: every stage.
	Stages stages.Selector

	// Fallback has ephemeral stages read the path of the stage that their template is made of, for a service
	// that is not deployed for each of them: pr-417, of Dev.Template("pr-*"), shares what dev has.
	// Default: they read their own.
	Fallback bool

	// Key tells that the component is encrypted with a key of its own, which grants then include; buckets only. A
	// topic's key always comes with it. Default: it is not.
	Key bool
}

// ImportTableConfig says how a table of another service is imported; see [ImportConfig]. An import never
// carries DAX.
type ImportTableConfig struct {
	// Stages says which stages import the table. Default: every stage.
	Stages stages.Selector

	// Fallback has ephemeral stages read the path of the stage that their template is made of.
	// Default: they read their own.
	Fallback bool

	// Key tells that the table has [TableConfig.Encryption]; grants then include its key. Default: it has not.
	Key bool

	// Indexes tells that the table has indexes; grants that read then include them. Default: it has none.
	Indexes bool
}

// validate checks a reference, in the service that makes it.
func (r Ref) validate(own string) *ConfigError {
	switch {
	case !idPattern.MatchString(r.Service) || len(r.Service) > stages.MaxServiceName:
		return &ConfigError{
			Field: "Ref.Service", Got: fmt.Sprintf("%q", r.Service), Want: fmt.Sprintf("a lower-case DNS label of at most %d characters", stages.MaxServiceName),
			Fix: `write Service: "notes", as in its stack.App`,
		}
	case !idPattern.MatchString(r.ID) || len(r.ID) > maxID:
		return &ConfigError{
			Field: "Ref.ID", Got: fmt.Sprintf("%q", r.ID), Want: fmt.Sprintf("lower-case letters, digits and single hyphens, at most %d", maxID),
			Fix: `write ID: "notes", as in its service`,
		}
	case r.Service == own:
		return &ConfigError{Field: "Ref.Service", Got: fmt.Sprintf("%q, this service", r.Service), Want: "another service", Fix: "use what stack.New… returned"}
	}
	return nil
}

// keyed are the kinds that a program says have a key of their own.
var keyed = []string{exportedTable, exportedBucket}

// imported is what every import has in common.
type imported struct {
	component

	ref  Ref
	tree string               // the id of what it is made of, which no other component has
	root constructs.Construct // what its own things stand in; nil where absent
	arn  *string              // nil where absent
	key  *string              // nil without
}

// ARN is the component's, a token of the CDK, for its own constructs; "" where the stage does not import it.
func (i imported) ARN() string {
	if i.arn == nil {
		return ""
	}
	return *i.arn
}

// imports makes an import: parameters of the template, which CloudFormation reads at each deploy. They are
// named by what is imported and from where, never by the stage; see [fromPath].
func (s *Stack) imports(noun, kind string, ref Ref, config ImportConfig) imported {
	i := imported{component: component{stack: s, noun: fmt.Sprintf("%s %q of service", noun, ref.ID), id: ref.Service, at: stages.Caller()}, ref: ref}
	if problem := ref.validate(s.app.Service); problem != nil {
		problem.Thing, problem.At = "import of "+i.String(), i.at
		panic(problem)
	}
	if config.Key && !slices.Contains(keyed, kind) {
		i.fault(i.at, "Key", "true", "left out but for tables and buckets: a topic's key always comes with it, and nothing else has one of its own", "leave it out")
	}
	// Whether a topic has a key of its own is another stage's business in each stage: it has one where an alarm is.
	// So what encrypts it is always exported.
	withKey := config.Key || kind == exportedTopic
	tree := component{stack: s, noun: "import", id: ref.Service + "-" + ref.ID + "-" + kind, at: i.at}
	if first, taken := s.positions[tree.id]; taken {
		i.fault(i.at, "Ref", fmt.Sprintf("imported again (first at %s)", first), "imported only once", "keep what the first import returned")
	}
	s.positions[tree.id], i.tree = i.at, tree.id
	s.made = append(s.made, tree)
	stage, prefix := s.stage().Name, ""
	if config.Fallback {
		// Named in every stage alike, and not as without Fallback: CloudFormation keeps the path of a
		// parameter that it knows.
		prefix = "Fallback"
		if s.stage().IsEphemeral() {
			stage = s.stage().Role()
		}
	}
	path := func(kind string) string {
		path, err := stages.SSMParameter.Name(stages.Part{Stage: stage, Service: ref.Service, Name: ref.ID + "." + kind})
		if err != nil {
			panic(err)
		}
		s.foreign = append(s.foreign, assembly.Import{Path: path, Chosen: ref.Service + " " + ref.ID + "." + kind, At: i.at})
		s.atDeploy[path] = fmt.Sprintf("an import, declared at %s", i.at)
		return path
	}
	paths := []string{path(kind)}
	if withKey {
		paths = append(paths, path(kind+exportedKey))
	}
	i.present = s.choices().Includes(tree.id, config.Stages, i.at)
	if !i.present {
		return i
	}
	i.root = tree.scope()
	i.arn = fromPath(i.root, prefix+"ARN", paths[0]).ValueAsString()
	if withKey {
		i.key = fromPath(i.root, prefix+"KeyARN", paths[1]).ValueAsString()
	}
	return i
}

// part is what stands in the ARN, at an index, between separators.
func (i imported) part(separator string, index int) *string {
	return awscdk.Fn_Select(jsiiconv.Number(index), awscdk.Fn_Split(jsiiconv.String(separator), i.arn, nil))
}

// allow is a grant on what is imported: the same actions and variables as on a component of the stack's own.
func (i imported) allow(verb, service, variable string, value func() *string, statements ...statement) Grant {
	return Grant{on: i, verb: verb, apply: func(fn *Function, at stages.Position) {
		fn.reach(at, i.component, service)
		for _, st := range statements {
			fn.allow(st)
		}
		fn.setEnvironment(at, i.String(), i.ref.ID, variable, value())
	}}
}

// ImportedTable is a table of another service, or knows that its stage does not import it.
type ImportedTable struct {
	imported

	indexes bool
}

// ImportTable imports a table that another service exports with [Table.Export]. A mistake panics with a
// [*ConfigError].
func ImportTable(s *Stack, ref Ref, config ImportTableConfig) *ImportedTable {
	return &ImportedTable{
		imported: s.imports("table", exportedTable, ref, ImportConfig{Stages: config.Stages, Fallback: config.Fallback, Key: config.Key}),
		indexes:  config.Indexes,
	}
}

// Read is the right to read items; it brings <ID>_TABLE, the table's name.
func (t *ImportedTable) Read() Grant { return t.grant("Read", tableRead, indexRead, keyRead) }

// Write is the right to write items, and not to read them; it brings <ID>_TABLE.
func (t *ImportedTable) Write() Grant { return t.grant("Write", tableWrite, nil, keyReadWrite) }

// ReadWrite is the right to read and write items; it brings <ID>_TABLE.
func (t *ImportedTable) ReadWrite() Grant {
	return t.grant("ReadWrite", union(tableRead, tableWrite), indexRead, keyReadWrite)
}

func (t *ImportedTable) grant(verb string, direct, indexed, key []string) Grant {
	statements := []statement{{actions: direct, resources: []*string{t.arn}}}
	if t.indexes && len(indexed) > 0 {
		statements = append(statements, statement{actions: indexed, resources: []*string{jsiiconv.String(t.ARN() + "/index/*")}})
	}
	if t.key != nil {
		statements = append(statements, statement{actions: key, resources: []*string{t.key}, via: "dynamodb"})
	}
	return t.allow(verb, "DynamoDB", "_TABLE", func() *string { return t.part("/", 1) }, statements...)
}

// ImportedBucket is a bucket of another service, or knows that its stage does not import it.
type ImportedBucket struct{ imported }

// ImportBucket imports a bucket that another service exports with [Bucket.Export]. A mistake panics with a
// [*ConfigError].
func ImportBucket(s *Stack, ref Ref, config ImportConfig) *ImportedBucket {
	return &ImportedBucket{s.imports("bucket", exportedBucket, ref, config)}
}

// Read is the right to read and list objects; it brings <ID>_BUCKET, the bucket's name.
func (b *ImportedBucket) Read() Grant { return b.grant("Read", bucketList, objectRead, bucketKeyRead) }

// Write is the right to write objects, and not to read, list or delete them; it brings <ID>_BUCKET.
func (b *ImportedBucket) Write() Grant { return b.grant("Write", nil, objectWrite, bucketKeyWrite) }

// ReadWrite is the right to read, list and write objects, and not to delete them; it brings <ID>_BUCKET.
func (b *ImportedBucket) ReadWrite() Grant {
	return b.grant("ReadWrite", bucketList, union(objectRead, objectWrite), bucketKeyWrite)
}

// Delete is the right to delete objects; it brings <ID>_BUCKET.
func (b *ImportedBucket) Delete() Grant { return b.grant("Delete", nil, objectDelete, nil) }

func (b *ImportedBucket) grant(verb string, whole, objects, key []string) Grant {
	var statements []statement
	if len(whole) > 0 {
		statements = append(statements, statement{actions: whole, resources: []*string{b.arn}})
	}
	statements = append(statements, statement{actions: objects, resources: []*string{jsiiconv.String(b.ARN() + "/*")}})
	if b.key != nil && len(key) > 0 {
		statements = append(statements, statement{actions: key, resources: []*string{b.key}, via: "s3"})
	}
	return b.allow(verb, "S3", "_BUCKET", func() *string { return b.part(":", 5) }, statements...)
}

// ImportedQueue is a queue of another service, or knows that its stage does not import it.
type ImportedQueue struct{ imported }

// ImportQueue imports a queue that another service exports with [Queue.Export]. A mistake panics with a
// [*ConfigError].
func ImportQueue(s *Stack, ref Ref, config ImportConfig) *ImportedQueue {
	return &ImportedQueue{s.imports("queue", exportedQueue, ref, config)}
}

// Send is the right to send messages; it brings <ID>_QUEUE_URL.
func (q *ImportedQueue) Send() Grant { return q.grant("Send", queueSend) }

// Consume is the right to receive and delete messages; it brings <ID>_QUEUE_URL.
func (q *ImportedQueue) Consume() Grant { return q.grant("Consume", queueConsume) }

func (q *ImportedQueue) grant(verb string, actions []string) Grant {
	return q.allow(verb, "SQS", "_QUEUE_URL", func() *string {
		cdk := q.stack.CDK
		return jsiiconv.String("https://sqs." + *cdk.Region() + "." + *cdk.UrlSuffix() + "/" + *cdk.Account() + "/" + *q.part(":", 5))
	}, statement{actions: actions, resources: []*string{q.arn}})
}

// ImportedTopic is a topic of another service, or knows that its stage does not import it.
type ImportedTopic struct {
	imported

	delivered map[*Queue]stages.Position
}

// ImportTopic imports a topic that another service exports with [Topic.Export]. A mistake panics with a
// [*ConfigError].
func ImportTopic(s *Stack, ref Ref, config ImportConfig) *ImportedTopic {
	return &ImportedTopic{s.imports("topic", exportedTopic, ref, config), map[*Queue]stages.Position{}}
}

// Triggers has the function handle the topic's messages, as [Topic.Triggers] does. A FIFO topic delivers to queues
// only, and the deploy fails. A mistake panics with a [*ConfigError].
func (t *ImportedTopic) Triggers(fn *Function, config TopicTriggerConfig) {
	config.trigger(fn, stages.Caller(), t.component, t.tree, nil, func() *string { return t.arn })
}

// Delivers sends the topic's messages to a queue of this stack, as [Topic.Delivers] does. To a FIFO queue only a
// FIFO topic delivers, or the deploy fails. A mistake panics with a [*ConfigError].
func (t *ImportedTopic) Delivers(queue *Queue, config TopicDeliveryConfig) {
	config.deliver(queue, stages.Caller(), t.component, t.delivered, func() (constructs.Construct, *string) { return t.root, t.arn })
}

// Publish is the right to publish messages; it brings <ID>_TOPIC, the topic's ARN.
func (t *ImportedTopic) Publish() Grant {
	statements := []statement{{actions: topicPublish, resources: []*string{t.arn}}, {actions: topicKeyUse, resources: []*string{t.key}}}
	return t.allow("Publish", "SNS", "_TOPIC", func() *string { return t.arn }, statements...)
}

// ImportedFunction is a function of another service, or knows that its stage does not import it.
type ImportedFunction struct{ imported }

// ImportFunction imports a function that another service exports with [Function.Export]. A mistake panics
// with a [*ConfigError].
func ImportFunction(s *Stack, ref Ref, config ImportConfig) *ImportedFunction {
	return &ImportedFunction{s.imports("function", exportedFunction, ref, config)}
}

// Invoke is the right to call the function; it brings <ID>_FUNCTION, its ARN, which Lambda takes for a name.
func (fn *ImportedFunction) Invoke() Grant {
	return fn.allow("Invoke", "Lambda", "_FUNCTION", func() *string { return fn.arn }, statement{actions: functionInvoke, resources: []*string{fn.arn}})
}

// ImportedBus is a bus of another service, or knows that its stage does not import it.
type ImportedBus struct {
	imported

	rules map[*Function]int
}

// ImportBus imports a bus that another service exports with [Bus.Export]. A mistake panics with a
// [*ConfigError].
func ImportBus(s *Stack, ref Ref, config ImportConfig) *ImportedBus {
	return &ImportedBus{s.imports("bus", exportedBus, ref, config), map[*Function]int{}}
}

// Triggers has the function handle the events that the pattern selects, as [Bus.Triggers] does. A mistake panics
// with a [*ConfigError].
func (b *ImportedBus) Triggers(fn *Function, pattern EventPattern) {
	pattern.trigger(fn, stages.Caller(), b.component, b.tree, b.rules, b.name)
}

// Publish is the right to put events on the bus; it brings <ID>_BUS, the bus's name.
func (b *ImportedBus) Publish() Grant {
	return b.allow("Publish", "EventBridge", "_BUS", b.name, statement{actions: busPublish, resources: []*string{b.arn}})
}

func (b *ImportedBus) name() *string { return b.part("/", 1) }

// ImportedSecret is a secret of another service, or knows that its stage does not import it.
type ImportedSecret struct{ imported }

// ImportSecret imports a secret that another service exports with [Secret.Export]. A mistake panics with a
// [*ConfigError].
func ImportSecret(s *Stack, ref Ref, config ImportConfig) *ImportedSecret {
	return &ImportedSecret{s.imports("secret", exportedSecret, ref, config)}
}

// Read is the right to read the value; it brings <ID>_SECRET_ARN.
func (secret *ImportedSecret) Read() Grant { return secret.grant("Read", secretRead) }

// Write is the right to set another value, and not to read it; it brings <ID>_SECRET_ARN.
func (secret *ImportedSecret) Write() Grant { return secret.grant("Write", secretWrite) }

func (secret *ImportedSecret) grant(verb string, actions []string) Grant {
	return secret.allow(verb, "Secrets Manager", "_SECRET_ARN", func() *string { return secret.arn },
		statement{actions: actions, resources: []*string{secret.arn}})
}

// ImportedParameter is a parameter of another service, or knows that its stage does not import it.
type ImportedParameter struct{ imported }

// ImportParameter imports a parameter that another service exports with [Parameter.Export], to be read at run
// time. A mistake panics with a [*ConfigError].
func ImportParameter(s *Stack, ref Ref, config ImportConfig) *ImportedParameter {
	return &ImportedParameter{s.imports("parameter", exportedParameter, ref, config)}
}

// Read is the right to read the value at run time; it brings <ID>_PARAMETER, the parameter's path.
func (p *ImportedParameter) Read() Grant {
	return p.allow("Read", "Systems Manager", "_PARAMETER", func() *string { return p.part(":parameter", 1) },
		statement{actions: parameterRead, resources: []*string{p.arn}})
}
