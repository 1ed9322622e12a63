package stack

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// Key is an attribute that a table or an index is ordered by: [StringKey], [NumberKey], [BinaryKey].
// The zero value is no key.
type Key struct {
	name string
	kind awsdynamodb.AttributeType
}

// StringKey is an attribute of type S. A name is 1 to 255 bytes.
func StringKey(name string) Key { return Key{name, awsdynamodb.AttributeType_STRING} }

// NumberKey is an attribute of type N.
func NumberKey(name string) Key { return Key{name, awsdynamodb.AttributeType_NUMBER} }

// BinaryKey is an attribute of type B.
func BinaryKey(name string) Key { return Key{name, awsdynamodb.AttributeType_BINARY} }

func (k Key) attribute() *awsdynamodb.Attribute {
	if k == (Key{}) {
		return nil
	}
	return &awsdynamodb.Attribute{Name: jsiiconv.String(k.name), Type: k.kind}
}

// validate checks a key that was given; required also that it was.
func (k Key) validate(field string, required bool) *ConfigError {
	switch {
	case k == (Key{}) && !required:
		return nil
	case k == (Key{}):
		return &ConfigError{Field: field, Got: "missing", Want: "a key", Fix: fmt.Sprintf(`write %s: stack.StringKey("id")`, field)}
	case k.name == "" || len(k.name) > 255:
		return &ConfigError{Field: field, Got: fmt.Sprintf("%q", k.name), Want: "a name of 1 to 255 bytes", Fix: `write stack.StringKey("id")`}
	}
	return nil
}

// StreamView is what a table's stream tells of each change. The zero value is no stream.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
type StreamView string

// The views of a stream.
const (
	StreamKeys        StreamView = "KEYS_ONLY"          // the item's keys
	StreamNew         StreamView = "NEW_IMAGE"          // the item after the change
	StreamOld         StreamView = "OLD_IMAGE"          // the item before the change
	StreamNewAndOld   StreamView = "NEW_AND_OLD_IMAGES" // both
	wantedStreamViews            = "stack.StreamKeys, StreamNew, StreamOld or StreamNewAndOld"
)

// TableConfig says what a DynamoDB table is. It is encrypted at rest and paid by request, unless it says
// otherwise. What its stage's tier does to it stands in docs/tiers.md.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.CoreComponents.html
type TableConfig struct {
	// PartitionKey tells items apart, together with SortKey. A change replaces the table. Required.
	PartitionKey Key

	// SortKey orders the items of one partition. A change replaces the table. Default: none.
	SortKey Key

	// GlobalIndexes order the items by other attributes; at most 20. Default: none.
	GlobalIndexes []GlobalIndexConfig

	// LocalIndexes order the items of one partition in other ways; at most 5, and only where there is a
	// SortKey. A change replaces the table. Default: none.
	LocalIndexes []LocalIndexConfig

	// Stream tells of each change for 24 hours; [Table.StreamTo] has a function read it. Default: none.
	Stream StreamView

	// TTL is the attribute that holds when an item may be deleted, in seconds since 1970; 1 to 255 bytes.
	// DynamoDB deletes it within days. Default: items stay.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
	TTL string

	// MaxRequests limits what the table serves, and so its cost. Not together with Provisioned.
	// Default: no limit but the account's.
	MaxRequests *MaxRequestsConfig

	// Provisioned keeps capacity ready instead of paying by request. Default: by request.
	Provisioned *ProvisionedConfig

	// Encryption is with a key of the account's own. Default: with one that AWS manages.
	Encryption *EncryptionConfig

	// Stages says which stages have the table. Default: every stage.
	Stages stages.Selector

	// DAX puts a cache in front of the table. Default: none.
	DAX *DAXConfig

	// Name is the table's own part of its physical name {stage}-{service}-{name}, or [Generated].
	// Default: the id.
	Name string

	// Revision, 2 and above, enters the physical name, so that CloudFormation can replace the table. The
	// old table's items do not move. Default: none.
	Revision int

	// Override changes the L2's properties just before it is made. Default: none.
	Override func(*awsdynamodb.TableProps)
}

func (c TableConfig) validate() *ConfigError {
	if problem := c.PartitionKey.validate("PartitionKey", true); problem != nil {
		return problem
	}
	if problem := c.SortKey.validate("SortKey", false); problem != nil {
		return problem
	}
	if c.SortKey != (Key{}) && c.SortKey.name == c.PartitionKey.name {
		return &ConfigError{
			Field: "SortKey", Got: fmt.Sprintf("%q, the PartitionKey", c.SortKey.name), Want: "another attribute",
			Fix: "rename it, or leave it out",
		}
	}
	if problem := c.validateIndexes(); problem != nil {
		return problem
	}
	switch c.Stream {
	case "", StreamKeys, StreamNew, StreamOld, StreamNewAndOld:
	default:
		return &ConfigError{Field: "Stream", Got: fmt.Sprintf("%q", c.Stream), Want: wantedStreamViews, Fix: "write stack.StreamNewAndOld, or leave it out"}
	}
	switch {
	case c.MaxRequests != nil && c.Provisioned != nil:
		return &ConfigError{
			Field: "MaxRequests", Got: "together with Provisioned", Want: "the only one of the two: a table is on demand or provisioned", Fix: "remove one of the two",
		}
	}
	if c.MaxRequests != nil {
		if problem := c.MaxRequests.validate("MaxRequests"); problem != nil {
			return problem
		}
	}
	if c.Provisioned != nil {
		if problem := c.Provisioned.validate("Provisioned"); problem != nil {
			return problem
		}
	}
	if c.Encryption != nil {
		if problem := c.Encryption.validate(); problem != nil {
			return problem
		}
	}
	if c.DAX != nil {
		return c.DAX.validate()
	}
	return nil
}

// Table is a DynamoDB table, or knows that its stage has none.
type Table struct {
	component

	// L2 is the CDK's construct; nil where the stage does not have the table. [Table.With] asks first.
	L2 awsdynamodb.Table

	config TableConfig
	key    awskms.IKey // nil where AWS manages the key
	dax    *dax

	arnToken, nameToken *string
}

// NewTable makes a DynamoDB table, with DAX in front of it where asked. A mistake panics with a
// [*ConfigError].
func NewTable(s *Stack, id string, config TableConfig) *Table {
	table := &Table{component: s.begin("table", id, config.Stages, s.faultsIn(config, config.validate())), config: config}
	name := s.record(table.component, stages.DynamoDBTable, config.Name, config.Revision)
	var cluster string
	cached := false
	if config.DAX != nil {
		cache := table.component
		cache.needs = []string{id, id + " DAX"}
		cluster = s.record(cache, stages.DAXCluster, config.Name, config.DAX.Revision)
		cached = s.choices().Includes(id+" DAX", config.DAX.Stages, table.at)
	}
	if !table.present {
		return table
	}
	scope := table.scope()
	if config.Encryption != nil {
		table.key = config.Encryption.key(table.component, scope)
	}
	props := config.props(name, s.retention())
	if table.key != nil {
		props.Encryption, props.EncryptionKey = awsdynamodb.TableEncryption_CUSTOMER_MANAGED, table.key
	}
	if config.Override != nil {
		config.Override(props)
	}
	table.L2 = awsdynamodb.NewTable(scope, jsiiconv.String("Table"), props)
	if capacity := config.Provisioned; capacity != nil {
		capacity.Read.scale(table.L2.AutoScaleReadCapacity)
		capacity.Write.scale(table.L2.AutoScaleWriteCapacity)
	}
	table.addIndexes(config)
	if cached {
		table.dax = newDAX(table, scope, *config.DAX, cluster)
	}
	return table
}

// props maps the config to the L2's.
func (c TableConfig) props(name string, tier tierRetention) *awsdynamodb.TableProps {
	props := &awsdynamodb.TableProps{
		TableName:           jsiiconv.String(name),
		PartitionKey:        c.PartitionKey.attribute(),
		SortKey:             c.SortKey.attribute(),
		Stream:              awsdynamodb.StreamViewType(c.Stream),
		TimeToLiveAttribute: jsiiconv.String(c.TTL),
		BillingMode:         awsdynamodb.BillingMode_PAY_PER_REQUEST,
		Encryption:          awsdynamodb.TableEncryption_AWS_MANAGED,
		RemovalPolicy:       tier.data,
		DeletionProtection:  jsiiconv.Bool(tier.guard),
	}
	if c.MaxRequests != nil {
		props.MaxReadRequestUnits, props.MaxWriteRequestUnits = units(c.MaxRequests.Read), units(c.MaxRequests.Write)
	}
	if c.Provisioned != nil {
		props.BillingMode = awsdynamodb.BillingMode_PROVISIONED
		props.ReadCapacity, props.WriteCapacity = jsiiconv.Number(c.Provisioned.Read.least()), jsiiconv.Number(c.Provisioned.Write.least())
	}
	if tier.backup {
		props.PointInTimeRecoverySpecification = &awsdynamodb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: jsiiconv.Bool(true)}
	}
	return props
}

// Read is the right to read items, by the table and by its indexes; it brings <ID>_TABLE, the table's
// name, and <ID>_DAX_ENDPOINT where DAX is on. Through DAX it reads only, too.
func (t *Table) Read() Grant { return t.grant("Read", tableRead, indexRead, daxRead, keyRead) }

// Write is the right to write items, and not to read them; it brings the variables of [Table.Read].
func (t *Table) Write() Grant { return t.grant("Write", tableWrite, nil, daxWrite, keyReadWrite) }

// ReadWrite is the right to read and write items; it brings the variables of [Table.Read].
func (t *Table) ReadWrite() Grant {
	return t.grant("ReadWrite", union(tableRead, tableWrite), indexRead, union(daxRead, daxWrite), keyReadWrite)
}

func (t *Table) grant(verb string, direct, indexed, cached, key []string) Grant {
	return Grant{on: t, verb: verb, apply: func(fn *Function, at stages.Position) {
		fn.reach(at, t.component, "DynamoDB")
		rights := t.statements(direct, indexed, key)
		for _, st := range rights {
			fn.allow(st)
		}
		fn.setEnvironment(at, t.String(), t.id, "_TABLE", t.physical())
		if t.dax != nil {
			t.dax.admit(fn, at, t, cached, rights)
		}
	}}
}

// statements allow actions on the table, on its indexes where it has any, and with its key.
func (t *Table) statements(direct, indexed, key []string) []statement {
	all := []statement{{actions: direct, resources: []*string{t.arn()}}}
	if len(indexed) > 0 && len(t.config.GlobalIndexes)+len(t.config.LocalIndexes) > 0 {
		all = append(all, statement{actions: indexed, resources: []*string{jsiiconv.String(*t.arn() + "/index/*")}})
	}
	if t.key != nil {
		all = append(all, statement{actions: key, resources: []*string{t.key.KeyArn()}, via: "dynamodb"})
	}
	return all
}

// arn and physical are the CDK's tokens of the table's ARN and name; many functions ask for them.
func (t *Table) arn() *string {
	if t.arnToken == nil {
		t.arnToken = t.L2.TableArn()
	}
	return t.arnToken
}

func (t *Table) physical() *string {
	if t.nameToken == nil {
		t.nameToken = t.L2.TableName()
	}
	return t.nameToken
}

// With reaches the L2 construct; it does nothing where the stage does not have the table.
func (t *Table) With(change func(awsdynamodb.Table)) *Table {
	if t.present {
		change(t.L2)
	}
	return t
}

func (t *Table) construct() constructs.IConstruct { return t.L2 }
