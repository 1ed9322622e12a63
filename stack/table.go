package stack

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
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

// TableConfig says what a DynamoDB table is. It is encrypted at rest and paid by request. What its
// stage's tier does to it stands in docs/tiers.md.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.CoreComponents.html
type TableConfig struct {
	// PartitionKey tells items apart, together with SortKey. A change replaces the table. Required.
	PartitionKey Key

	// SortKey orders the items of one partition. A change replaces the table. Default: none.
	SortKey Key

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

	dax *dax
}

// NewTable makes a DynamoDB table, with DAX in front of it where asked. A mistake panics with a
// [*ConfigError].
func NewTable(s *Stack, id string, config TableConfig) *Table {
	table := &Table{component: s.begin("table", id, config.Stages, config.validate())}
	name := s.record(table.component, stages.DynamoDBTable, config.Name, config.Revision)
	var cluster string
	cached := false
	if config.DAX != nil {
		cluster = s.record(table.component, stages.DAXCluster, config.Name, config.DAX.Revision)
		cached = s.choices.Includes(id+" DAX", config.DAX.Stages, table.at)
	}
	if !table.present {
		return table
	}
	props := config.props(name, s.survival)
	if config.Override != nil {
		config.Override(props)
	}
	scope := table.scope()
	table.L2 = awsdynamodb.NewTable(scope, jsiiconv.String("Table"), props)
	if cached {
		table.dax = newDAX(table, scope, *config.DAX, cluster)
	}
	return table
}

// props maps the config to the L2's.
func (c TableConfig) props(name string, tier survival) *awsdynamodb.TableProps {
	props := &awsdynamodb.TableProps{
		TableName:          jsiiconv.String(name),
		PartitionKey:       c.PartitionKey.attribute(),
		SortKey:            c.SortKey.attribute(),
		BillingMode:        awsdynamodb.BillingMode_PAY_PER_REQUEST,
		Encryption:         awsdynamodb.TableEncryption_AWS_MANAGED,
		RemovalPolicy:      tier.data,
		DeletionProtection: jsiiconv.Bool(tier.guard),
	}
	if tier.backup {
		props.PointInTimeRecoverySpecification = &awsdynamodb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: jsiiconv.Bool(true)}
	}
	return props
}

// arns are the table's own; what indexes it gets are granted with it.
func (t *Table) arns() []*string { return []*string{t.L2.TableArn()} }

// Read is the right to read items; it brings <ID>_TABLE, the table's name, and <ID>_DAX_ENDPOINT where
// DAX is on. Through DAX it reads only, too.
func (t *Table) Read() Grant { return t.grant("Read", tableRead, daxRead) }

// Write is the right to write items, and not to read them; it brings the variables of [Table.Read].
func (t *Table) Write() Grant { return t.grant("Write", tableWrite, daxWrite) }

// ReadWrite is the right to read and write items; it brings the variables of [Table.Read].
func (t *Table) ReadWrite() Grant {
	return t.grant("ReadWrite", union(tableRead, tableWrite), union(daxRead, daxWrite))
}

func (t *Table) grant(verb string, direct, cached []string) Grant {
	return Grant{on: t, verb: verb, apply: func(fn *Function, at stages.Position) {
		fn.reach(at, t.component, "DynamoDB")
		fn.allow(statement{actions: direct, resources: t.arns()})
		fn.setEnvironment(at, t.String(), environmentName(t.id)+"_TABLE", t.L2.TableName())
		if t.dax != nil {
			t.dax.admit(fn, at, t, cached)
		}
	}}
}

// With reaches the L2 construct; it does nothing where the stage does not have the table.
func (t *Table) With(change func(awsdynamodb.Table)) *Table {
	if t.present {
		change(t.L2)
	}
	return t
}

func (t *Table) construct() constructs.IConstruct { return t.L2 }
