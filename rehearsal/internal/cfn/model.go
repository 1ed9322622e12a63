package cfn

import (
	"time"

	"github.com/roadshow-go/roadshow/internal/intrinsic"
)

// Error is a refusal in CloudFormation's words.
type Error = intrinsic.Error

func validationError(message string) *Error { return intrinsic.ValidationError(message) }

// Tag is a key with its value.
type Tag struct {
	Key   string
	Value string
}

// Parameter is a parameter's value as a stack shows it.
type Parameter struct {
	Key           string
	Value         string // **** if the parameter is NoEcho
	ResolvedValue string // of a parameter that SSM holds; else empty
}

// Output is an output of a stack.
type Output struct {
	Key         string
	Value       string
	Description string
	ExportName  string
}

// Stack is a stack as DescribeStacks shows it.
type Stack struct {
	ID                          string
	Name                        string
	Description                 string
	Status                      string
	StatusReason                string
	ChangeSetID                 string // of the change set that was executed last
	Created                     time.Time
	Updated                     time.Time // zero if never
	Deleted                     time.Time // zero if not
	Parameters                  []Parameter
	Outputs                     []Output
	Tags                        []Tag
	Capabilities                []string
	NotificationARNs            []string
	RoleARN                     string
	DisableRollback             bool
	EnableTerminationProtection bool
	RetainExceptOnCreate        bool
}

// StackEvent is one line of a stack's history.
type StackEvent struct {
	ID             string
	StackID        string
	StackName      string
	LogicalID      string
	PhysicalID     string
	Type           string
	Time           time.Time
	Status         string
	StatusReason   string
	Properties     string // JSON; empty for the stack's own events
	ClientToken    string
	OperationID    string
	OperationType  string // CREATE_STACK, UPDATE_STACK, DELETE_STACK, ROLLBACK, CONTINUE_ROLLBACK, CREATE_CHANGESET
	DetailedStatus string
}

// StackResource is a resource as DescribeStackResources shows it.
type StackResource struct {
	StackID      string
	StackName    string
	LogicalID    string
	PhysicalID   string
	Type         string
	Updated      time.Time
	Status       string
	StatusReason string
	Description  string
	Metadata     string // JSON, or empty
}

// ChangeSet is a change set as DescribeChangeSet shows it.
type ChangeSet struct {
	ID                      string
	Name                    string
	StackID                 string
	StackName               string
	Description             string
	Type                    string // CREATE, UPDATE or IMPORT
	Status                  string // CREATE_COMPLETE or FAILED …
	StatusReason            string
	ExecutionStatus         string // AVAILABLE, UNAVAILABLE, EXECUTE_IN_PROGRESS, EXECUTE_COMPLETE, EXECUTE_FAILED, OBSOLETE
	Created                 time.Time
	Parameters              []Parameter
	Tags                    []Tag
	Capabilities            []string
	NotificationARNs        []string
	OnStackFailure          string
	IncludeNestedStacks     bool
	ImportExistingResources bool
	Changes                 []Change
}

// Change is what a change set does to one resource.
type Change struct {
	Action       string // Add, Modify, Import or Remove
	LogicalID    string
	PhysicalID   string
	Type         string
	Replacement  string // True, False, Conditional; empty unless Modify
	PolicyAction string // Delete, Retain, Snapshot, ReplaceAndDelete, ReplaceAndRetain, ReplaceAndSnapshot
	Scope        []string
	Details      []ChangeDetail
}

// ChangeDetail is one reason of a change.
type ChangeDetail struct {
	Attribute          string // Properties, Tags, Metadata, DeletionPolicy, UpdateReplacePolicy
	Name               string // of the property
	RequiresRecreation string // Always, Conditionally or Never
	Evaluation         string // Static or Dynamic
	ChangeSource       string // DirectModification, ParameterReference, ResourceReference, ResourceAttribute, Automatic
	CausingEntity      string
	Path               string // of the property, as a JSON pointer
	Before             string
	After              string
}

// Export is an exported output.
type Export struct {
	Name    string
	Value   string
	StackID string
}

// TemplateSummary is what a template says about itself.
type TemplateSummary struct {
	Description        string
	Version            string
	Metadata           string // JSON, or empty
	Parameters         []ParameterDeclaration
	ResourceTypes      []string // sorted
	Resources          []ResourceDeclaration
	DeclaredTransforms []string
	Capabilities       []string
	CapabilitiesReason string
}

// ParameterDeclaration is a parameter of a template.
type ParameterDeclaration struct {
	Key           string
	Type          string
	Description   string
	Default       string
	HasDefault    bool
	NoEcho        bool
	AllowedValues []string
}

// ResourceDeclaration is a resource of a template.
type ResourceDeclaration struct {
	LogicalID      string
	Type           string
	DeletionPolicy string
	Identifiers    []string // by which it can be imported; none where it cannot
}
