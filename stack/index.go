package stack

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
)

// GlobalIndexConfig says what a global secondary index is: the table's items once more, ordered by other
// attributes, read by Query and Scan with the index's name. It is eventually consistent. Whoever may read
// the table may read its indexes. CloudFormation makes or removes one index in one deploy.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
type GlobalIndexConfig struct {
	// Name of the index, 3 to 255 letters, digits, hyphens, underscores and dots. Required.
	Name string

	// PartitionKey groups the items. Items without the attribute are not in the index. Required.
	PartitionKey Key

	// SortKey orders the items of one group. Default: none.
	SortKey Key

	// Project is which attributes the index holds. Default: all.
	Project Projection

	// MaxRequests limits what the index serves on demand, apart from its table. Not together with the
	// table's Provisioned. Default: no limit of its own.
	MaxRequests *MaxRequestsConfig

	// Provisioned is the index's own capacity, where its table has Provisioned. Default: as its table.
	Provisioned *ProvisionedConfig
}

// LocalIndexConfig says what a local secondary index is: the items of one partition in another order,
// strongly consistent where asked. It can be made only together with its table, and a partition of a
// table with one holds at most 10 GB.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html
type LocalIndexConfig struct {
	// Name of the index, 3 to 255 letters, digits, hyphens, underscores and dots. A change replaces the
	// table. Required.
	Name string

	// SortKey orders the items of one partition. A change replaces the table. Required.
	SortKey Key

	// Project is which attributes the index holds. A change replaces the table. Default: all.
	Project Projection
}

// Projection is which attributes an index holds: [ProjectKeys], [ProjectOnly]. The zero value is all of
// them. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.Projections
type Projection struct {
	kind       awsdynamodb.ProjectionType
	attributes []string
}

// ProjectKeys has an index hold the keys of the table and of the index only.
func ProjectKeys() Projection { return Projection{kind: awsdynamodb.ProjectionType_KEYS_ONLY} }

// ProjectOnly has an index hold these attributes besides the keys: 1 to 100, over all indexes of a table.
func ProjectOnly(attributes ...string) Projection {
	return Projection{kind: awsdynamodb.ProjectionType_INCLUDE, attributes: attributes}
}

// The quotas of DynamoDB.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
const (
	maxGlobalIndexes = 20
	maxLocalIndexes  = 5
	maxProjected     = 100
)

var indexName = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)

// validateIndexes checks both kinds of index, each by itself and against its table.
func (c TableConfig) validateIndexes() *ConfigError {
	switch {
	case len(c.GlobalIndexes) > maxGlobalIndexes:
		return &ConfigError{
			Field: "GlobalIndexes", Got: fmt.Sprintf("%d indexes", len(c.GlobalIndexes)), Want: fmt.Sprintf("at most %d", maxGlobalIndexes),
			Fix: "remove the ones that nothing queries",
		}
	case len(c.LocalIndexes) > maxLocalIndexes:
		return &ConfigError{
			Field: "LocalIndexes", Got: fmt.Sprintf("%d indexes", len(c.LocalIndexes)), Want: fmt.Sprintf("at most %d", maxLocalIndexes),
			Fix: "write the others as GlobalIndexes",
		}
	case len(c.LocalIndexes) > 0 && c.SortKey == (Key{}):
		return &ConfigError{
			Field: "LocalIndexes", Got: fmt.Sprintf("%q on a table without SortKey", c.LocalIndexes[0].Name), Want: "on a table with a SortKey",
			Fix: "give the table a SortKey, or write a GlobalIndexes",
		}
	}
	names := map[string]string{}
	projected := map[string]bool{}
	check := func(field, name string, project Projection) *ConfigError {
		first, taken := names[name]
		names[name] = field
		switch {
		case !indexName.MatchString(name):
			return &ConfigError{
				Field: field + ".Name", Got: fmt.Sprintf("%q", name), Want: "3 to 255 letters, digits, hyphens, underscores and dots",
				Fix: `write Name: "by-owner"`,
			}
		case taken:
			return &ConfigError{Field: field + ".Name", Got: fmt.Sprintf("%q, the name of %s", name, first), Want: "a name of its own", Fix: "rename one of the two"}
		case project.kind == awsdynamodb.ProjectionType_INCLUDE && len(project.attributes) == 0:
			return &ConfigError{
				Field: field + ".Project", Got: "ProjectOnly of nothing", Want: "of at least one attribute",
				Fix: `write stack.ProjectOnly("title"), or stack.ProjectKeys()`,
			}
		}
		for _, attribute := range project.attributes {
			projected[name+"\x00"+attribute] = true
		}
		return nil
	}
	for i, index := range c.GlobalIndexes {
		field := fmt.Sprintf("GlobalIndexes[%d]", i)
		if problem := check(field, index.Name, index.Project); problem != nil {
			return problem
		}
		if problem := index.validate(field, c); problem != nil {
			return problem
		}
	}
	for i, index := range c.LocalIndexes {
		field := fmt.Sprintf("LocalIndexes[%d]", i)
		if problem := check(field, index.Name, index.Project); problem != nil {
			return problem
		}
		if problem := index.SortKey.validate(field+".SortKey", true); problem != nil {
			return problem
		}
		if index.SortKey.name == c.PartitionKey.name {
			return &ConfigError{
				Field: field + ".SortKey", Got: fmt.Sprintf("%q, the table's PartitionKey", index.SortKey.name), Want: "another attribute", Fix: "order by another",
			}
		}
	}
	if len(projected) > maxProjected {
		return &ConfigError{
			Field: "GlobalIndexes and LocalIndexes", Got: strconv.Itoa(len(projected)) + " projected attributes", Want: "at most 100 over all indexes",
			Fix: "leave Project out of an index, which then holds all",
		}
	}
	return c.validateKinds()
}

func (c GlobalIndexConfig) validate(field string, table TableConfig) *ConfigError {
	if problem := c.PartitionKey.validate(field+".PartitionKey", true); problem != nil {
		return problem
	}
	if problem := c.SortKey.validate(field+".SortKey", false); problem != nil {
		return problem
	}
	switch {
	case c.SortKey != (Key{}) && c.SortKey.name == c.PartitionKey.name:
		return &ConfigError{
			Field: field + ".SortKey", Got: fmt.Sprintf("%q, the PartitionKey", c.SortKey.name), Want: "another attribute",
			Fix: "rename it, or leave it out",
		}
	case c.MaxRequests != nil && table.Provisioned != nil:
		return &ConfigError{
			Field: field + ".MaxRequests", Got: "on a table with Provisioned", Want: "left out there: a table is on demand or provisioned", Fix: "write the index's Provisioned instead",
		}
	case c.Provisioned != nil && table.Provisioned == nil:
		return &ConfigError{
			Field: field + ".Provisioned", Got: "on a table without Provisioned", Want: "left out there: a table is on demand or provisioned", Fix: "give the table Provisioned, or leave it out",
		}
	case c.MaxRequests != nil:
		return c.MaxRequests.validate(field + ".MaxRequests")
	case c.Provisioned != nil:
		return c.Provisioned.validate(field + ".Provisioned")
	}
	return nil
}

// validateKinds finds an attribute that is of one type here and of another there.
func (c TableConfig) validateKinds() *ConfigError {
	type use struct {
		field string
		key   Key
	}
	uses := []use{{"PartitionKey", c.PartitionKey}, {"SortKey", c.SortKey}}
	for i, index := range c.GlobalIndexes {
		uses = append(uses, use{fmt.Sprintf("GlobalIndexes[%d].PartitionKey", i), index.PartitionKey}, use{fmt.Sprintf("GlobalIndexes[%d].SortKey", i), index.SortKey})
	}
	for i, index := range c.LocalIndexes {
		uses = append(uses, use{fmt.Sprintf("LocalIndexes[%d].SortKey", i), index.SortKey})
	}
	first := map[string]use{}
	for _, one := range uses {
		before, known := first[one.key.name]
		if known && before.key.kind != one.key.kind {
			return &ConfigError{
				Field: one.field, Got: fmt.Sprintf("%q of type %s", one.key.name, letters[one.key.kind]),
				Want: fmt.Sprintf("type %s, as in %s", letters[before.key.kind], before.field), Fix: "write the same key in both",
			}
		}
		if !known {
			first[one.key.name] = one
		}
	}
	return nil
}

// letters are DynamoDB's own names of the types.
var letters = map[awsdynamodb.AttributeType]string{
	awsdynamodb.AttributeType_STRING: "S", awsdynamodb.AttributeType_NUMBER: "N", awsdynamodb.AttributeType_BINARY: "B",
}

// addIndexes makes the table's indexes and has their capacity follow the traffic.
func (t *Table) addIndexes(config TableConfig) {
	for _, index := range config.GlobalIndexes {
		props := &awsdynamodb.GlobalSecondaryIndexProps{
			IndexName: jsiiconv.String(index.Name), PartitionKey: index.PartitionKey.attribute(), SortKey: index.SortKey.attribute(),
			ProjectionType: index.Project.kind, NonKeyAttributes: jsiiconv.Strings(index.Project.attributes...),
		}
		if limit := index.MaxRequests; limit != nil {
			props.MaxReadRequestUnits, props.MaxWriteRequestUnits = units(limit.Read), units(limit.Write)
		}
		capacity := config.Provisioned
		if index.Provisioned != nil {
			capacity = index.Provisioned
		}
		if capacity != nil {
			props.ReadCapacity, props.WriteCapacity = jsiiconv.Number(capacity.Read.least()), jsiiconv.Number(capacity.Write.least())
		}
		t.L2.AddGlobalSecondaryIndex(props)
		if capacity != nil {
			name := jsiiconv.String(index.Name)
			capacity.Read.scale(func(limits *awsdynamodb.EnableScalingProps) awsdynamodb.IScalableTableAttribute {
				return t.L2.AutoScaleGlobalSecondaryIndexReadCapacity(name, limits)
			})
			capacity.Write.scale(func(limits *awsdynamodb.EnableScalingProps) awsdynamodb.IScalableTableAttribute {
				return t.L2.AutoScaleGlobalSecondaryIndexWriteCapacity(name, limits)
			})
		}
	}
	for _, index := range config.LocalIndexes {
		t.L2.AddLocalSecondaryIndex(&awsdynamodb.LocalSecondaryIndexProps{
			IndexName: jsiiconv.String(index.Name), SortKey: index.SortKey.attribute(),
			ProjectionType: index.Project.kind, NonKeyAttributes: jsiiconv.Strings(index.Project.attributes...),
		})
	}
}
