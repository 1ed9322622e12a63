// Package spec is what CloudFormation knows about resource types: their properties with nested types, their attributes,
// what an update replaces, and which property is the physical name. Its table is the text file types.txt, generated
// from the npm package @aws-cdk/aws-service-spec (see generate/), so that a change of AWS's schema is a readable diff.
package spec

//go:generate npm ci --prefix generate --no-audit --no-fund
//go:generate go run ./generate

// Kind is the JSON kind of a property's value.
type Kind int

// The kinds a value may have.
const (
	// Any is free-form JSON: a policy document, an OpenAPI body.
	Any Kind = iota
	// String is a string; CloudFormation also takes numbers and booleans for it.
	String
	// Integer is a whole number; CloudFormation also takes its decimal string.
	Integer
	// Number is a number; CloudFormation also takes its decimal string.
	Number
	// Boolean is true or false; CloudFormation also takes "true" and "false".
	Boolean
	// List is a list of Element.
	List
	// Map is an object with free keys and values of Element.
	Map
	// Object is an object with the properties of Definition.
	Object
	// Tag is an object with a Key and a Value.
	Tag
	// Union is a value of any of Alternatives.
	Union
)

// Type is the type of a property or an attribute.
type Type struct {
	Kind         Kind
	Element      *Type       // of a List or a Map
	Definition   *Definition // of an Object
	Alternatives []*Type     // of a Union
}

// Replacement says whether a change of a property replaces the resource.
type Replacement int

// The three answers.
const (
	// Never is an update in place.
	Never Replacement = iota
	// Maybe depends on the values; CloudFormation reports it as Conditional.
	Maybe
	// Always makes the property immutable.
	Always
)

// Property is one property of a resource type or of a nested object.
type Property struct {
	Name     string
	Type     *Type
	Required bool
	Replaces Replacement
}

// Definition is a nested object type.
type Definition struct {
	Name       string
	Properties map[string]*Property
}

// TagStyle is how a type holds its tags.
type TagStyle string

// The styles of tags.
const (
	// NoTags is a type that takes none.
	NoTags TagStyle = ""
	// TagList is [{Key, Value}].
	TagList TagStyle = "list"
	// TagMap is {key: value}.
	TagMap TagStyle = "map"
	// TagGroup is Auto Scaling's [{Key, Value, PropagateAtLaunch}].
	TagGroup TagStyle = "asg"
)

// ResourceType is all the table holds about one resource type.
type ResourceType struct {
	Name       string // AWS::DynamoDB::Table
	Properties map[string]*Property
	Attributes map[string]*Type // what Fn::GetAtt gives; names may contain dots

	PrimaryIdentifier []string // properties or attributes that identify a resource
	RefIdentifier     []string // what Ref gives, as far as the table knows; the primary identifier if AWS names no other

	NameProperty string   // the property that is the physical name; empty if the type has none
	NameScope    []string // properties the name is unique within, such as an alias's function; empty for account and region

	TagProperty string
	TagStyle    TagStyle

	ARNTemplate string // arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}; may be empty
	Stateful    bool   // holds data: replacing it loses some
}

// Lookup finds a resource type of the table. The table is parsed at the first call, one type at a time.
//
// AWS::CDK::Metadata is in the table; custom resources (Custom::X and AWS::CloudFormation::CustomResource) are open: see
// IsCustom.
func Lookup(name string) (*ResourceType, bool) { return lookup(name) }

// Names returns the names of all types of the table, sorted.
func Names() []string { return names() }

// IsCustom says whether a type is a custom resource, which takes any property and gives any attribute.
func IsCustom(name string) bool { return isCustom(name) }

// PhysicalName is the name that the properties give the resource, if the type has a name property and it is set.
func (t *ResourceType) PhysicalName(properties map[string]any) (string, bool) {
	name, ok := properties[t.NameProperty].(string)
	return name, ok && t.NameProperty != "" && name != ""
}
