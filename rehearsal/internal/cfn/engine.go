// Package cfn is CloudFormation without its protocol: templates, change sets, stacks and their life. It holds no
// resource itself; a Provisioner makes, changes and deletes them. It is as strict as the service it stands for, since a
// test on a lenient endpoint proves nothing.
package cfn

import (
	"context"
	"time"
)

// Place is one account and one region: stacks, exports and names live in a place.
type Place struct {
	Account string
	Region  string
}

// Environment is the place and the stack a resource belongs to.
type Environment struct {
	Account   string
	Region    string
	Partition string // aws, aws-cn or aws-us-gov
	URLSuffix string // amazonaws.com, amazonaws.com.cn
	StackName string
	StackID   string // the stack's ARN; empty outside a stack
}

// Request is a resource as the template wants it.
type Request struct {
	Type      string
	LogicalID string

	// Properties are resolved and hold string, bool, int64, float64, []any and map[string]any only. Scalars have the kind
	// that the type's table says: a template's "256" is int64 256 in MemorySize. They are the provisioner's to keep.
	// The stack's tags are merged into the type's tag property.
	Properties map[string]any

	// Token is unique for each creation, for names that CloudFormation makes up; see GeneratedName.
	Token string
}

// Resource is a resource that exists.
type Resource struct {
	Type       string
	LogicalID  string
	PhysicalID string
	Properties map[string]any // as last requested
	Attributes map[string]any // as last returned
}

// Outcome is what a provisioner made.
type Outcome struct {
	PhysicalID string         // what Ref gives; required
	Attributes map[string]any // what Fn::GetAtt gives, by attribute name; names may contain dots
}

// Provisioner makes, changes and deletes resources. An error's text becomes the resource's status reason. It is called
// for several stacks at once, never twice at once for one resource. The properties it is given have passed the type's table.
//
// An outcome with a physical id beside an error is something that is there nevertheless, as a custom resource may be: it
// is deleted by that id. An update whose outcome has another physical id has made another resource, and the one before is
// deleted when everything else is done.
type Provisioner interface {
	Create(ctx context.Context, env Environment, desired Request) (Outcome, error)
	Update(ctx context.Context, env Environment, current Resource, desired Request) (Outcome, error)
	// Delete of a resource that is gone already succeeds.
	Delete(ctx context.Context, env Environment, current Resource) error
}

// Options are what an engine needs. Only Provisioner is required.
type Options struct {
	Provisioner Provisioner

	// Parameter reads a parameter of SSM, for AWS::SSM::Parameter::Value<…> and {{resolve:ssm:…}}; version is empty for the
	// latest. None means that there is no such parameter.
	Parameter func(ctx context.Context, at Place, name, version string) (string, error)
	// Secret reads {{resolve:secretsmanager:reference}}; reference is all that follows the service's name.
	Secret func(ctx context.Context, at Place, reference string) (string, error)
	// Fetch reads the object that a TemplateURL names.
	Fetch func(ctx context.Context, at Place, url string) (string, error)
	// Violations are what the schema of a type says of properties' values, each a path with what is wrong; none by default.
	Violations func(typeName string, properties map[string]any) []string
	// Zones lists a region's availability zones; by default REGIONa, REGIONb and REGIONc.
	Zones func(at Place) []string
	// Clock is time.Now unless a test sets it.
	Clock func() time.Time
	// StepDelay is how long each step of a resource takes; zero is no time.
	StepDelay time.Duration
}

// New returns an engine without stacks.
func New(options Options) *Engine { return newEngine(options) }

// TemplateSource is a template by value or by address; with Previous it is the one the stack has.
type TemplateSource struct {
	Body     string
	URL      string
	Previous bool
}

// ParameterInput is a value for a parameter of the template.
type ParameterInput struct {
	Key         string
	Value       string
	UsePrevious bool
}

// CreateChangeSetInput is what CreateChangeSet takes.
type CreateChangeSetInput struct {
	StackName               string // a name or an ARN
	ChangeSetName           string
	Type                    string // CREATE, UPDATE or IMPORT; UPDATE if empty
	Description             string
	Template                TemplateSource
	Parameters              []ParameterInput
	Tags                    []Tag // nil keeps those of the stack
	Capabilities            []string
	RoleARN                 string
	NotificationARNs        []string
	OnStackFailure          string // DO_NOTHING, ROLLBACK or DELETE
	IncludeNestedStacks     bool
	ImportExistingResources bool
	ResourcesToImport       []ResourceToImport // of the type IMPORT
	ClientToken             string
}

// ChangeSetIdentity names a change set and its stack.
type ChangeSetIdentity struct {
	ChangeSetID string
	StackID     string
}

// CreateChangeSet computes what a template would change. With the type CREATE it makes a stack in REVIEW_IN_PROGRESS, and
// so it does with the type IMPORT where there is none.
// A template that is refused is an error; one that changes nothing is a change set with status FAILED.
func (e *Engine) CreateChangeSet(ctx context.Context, at Place, in CreateChangeSetInput) (ChangeSetIdentity, error) {
	return e.createChangeSet(ctx, at, in)
}

// DescribeChangeSet finds a change set. Both stack and changeSet may be a name or an ARN; with the ARN of a change set the
// stack may be empty.
func (e *Engine) DescribeChangeSet(at Place, stack, changeSet string) (ChangeSet, error) {
	return e.describeChangeSet(at, stack, changeSet)
}

// ListChangeSets lists a stack's change sets.
func (e *Engine) ListChangeSets(at Place, stack string) ([]ChangeSet, error) {
	return e.listChangeSets(at, stack)
}

// ExecuteChangeSetInput is what ExecuteChangeSet takes.
type ExecuteChangeSetInput struct {
	StackName            string
	ChangeSetName        string
	DisableRollback      bool
	RetainExceptOnCreate bool
	ClientToken          string
}

// ExecuteChangeSet starts the change and returns; the stack's status tells the rest.
func (e *Engine) ExecuteChangeSet(ctx context.Context, at Place, in ExecuteChangeSetInput) error {
	return e.executeChangeSet(ctx, at, in)
}

// DeleteChangeSet deletes a change set. One that does not exist is a success, as with AWS.
func (e *Engine) DeleteChangeSet(at Place, stack, changeSet string) error {
	return e.deleteChangeSet(at, stack, changeSet)
}

// CreateStackInput is what CreateStack and UpdateStack take.
type CreateStackInput struct {
	StackName                   string
	Template                    TemplateSource
	Parameters                  []ParameterInput
	Tags                        []Tag
	Capabilities                []string
	RoleARN                     string
	NotificationARNs            []string
	OnFailure                   string // DO_NOTHING, ROLLBACK or DELETE; CreateStack only
	DisableRollback             bool
	RetainExceptOnCreate        bool
	EnableTerminationProtection bool // CreateStack only
	ClientToken                 string
}

// CreateStack makes a stack without a change set and returns its ARN.
func (e *Engine) CreateStack(ctx context.Context, at Place, in CreateStackInput) (string, error) {
	return e.createStack(ctx, at, in)
}

// UpdateStack changes a stack without a change set and returns its ARN. Without a change it is the error "No updates are
// to be performed."
func (e *Engine) UpdateStack(ctx context.Context, at Place, in CreateStackInput) (string, error) {
	return e.updateStack(ctx, at, in)
}

// DescribeStacks finds one stack by name or ARN, or with an empty name all that are not deleted. A deleted stack is found by its ARN only.
func (e *Engine) DescribeStacks(at Place, stack string) ([]Stack, error) {
	return e.describeStacks(at, stack)
}

// ListStacks lists the place's stacks, newest first, also deleted ones; only those of the given statuses if there are any.
func (e *Engine) ListStacks(at Place, statuses ...string) []Stack { return e.listStacks(at, statuses) }

// DescribeStackEvents lists a stack's events, newest first.
func (e *Engine) DescribeStackEvents(at Place, stack string) ([]StackEvent, error) {
	return e.describeStackEvents(at, stack)
}

// DescribeStackResources lists a stack's resources, sorted by logical id. With a logical id it finds that one only.
// ListStackResources and DescribeStackResource are this call too.
func (e *Engine) DescribeStackResources(at Place, stack, logicalID string) ([]StackResource, error) {
	return e.describeStackResources(at, stack, logicalID)
}

// FindStackOf finds the stack resources by the physical id of one of them, as DescribeStackResources with
// PhysicalResourceId does.
func (e *Engine) FindStackOf(at Place, physicalID string) ([]StackResource, error) {
	return e.findStackOf(at, physicalID)
}

// GetTemplate returns the template's text as it was submitted, of the stack, or of the change set if one is named.
func (e *Engine) GetTemplate(at Place, stack, changeSet string) (string, error) {
	return e.getTemplate(at, stack, changeSet)
}

// GetTemplateSummary says what a template, or the template of a stack, holds.
func (e *Engine) GetTemplateSummary(ctx context.Context, at Place, stack string, source TemplateSource) (TemplateSummary, error) {
	return e.getTemplateSummary(ctx, at, stack, source)
}

// ValidateTemplate checks a template's form and returns its summary.
func (e *Engine) ValidateTemplate(ctx context.Context, at Place, source TemplateSource) (TemplateSummary, error) {
	return e.validateTemplate(ctx, at, source)
}

// UpdateTerminationProtection switches a stack's protection and returns the stack's ARN.
func (e *Engine) UpdateTerminationProtection(at Place, stack string, enabled bool) (string, error) {
	return e.updateTerminationProtection(at, stack, enabled)
}

// DeleteStackInput is what DeleteStack takes.
type DeleteStackInput struct {
	StackName       string
	RetainResources []string // only for a stack in DELETE_FAILED
	Force           bool     // DeletionMode FORCE_DELETE_STACK
	RoleARN         string
	ClientToken     string
}

// DeleteStack starts the deletion and returns. A stack that does not exist is a success, as with AWS.
func (e *Engine) DeleteStack(ctx context.Context, at Place, in DeleteStackInput) error {
	return e.deleteStack(ctx, at, in)
}

// ContinueUpdateRollback tries again what left the stack in UPDATE_ROLLBACK_FAILED, without the resources of skip.
func (e *Engine) ContinueUpdateRollback(ctx context.Context, at Place, stack string, skip []string) error {
	return e.continueUpdateRollback(ctx, at, stack, skip)
}

// RollbackStack rolls back a stack that failed with its rollback disabled, and returns the stack's ARN.
func (e *Engine) RollbackStack(ctx context.Context, at Place, stack string, retainExceptOnCreate bool) (string, error) {
	return e.rollbackStack(ctx, at, stack, retainExceptOnCreate)
}

// ListExports lists the place's exports, sorted by name.
func (e *Engine) ListExports(at Place) []Export { return e.listExports(at) }

// ListImports names the stacks that import an export.
func (e *Engine) ListImports(at Place, export string) ([]string, error) {
	return e.listImports(at, export)
}

// Wait returns when no operation is running, or when the context ends.
func (e *Engine) Wait(ctx context.Context) error { return e.wait(ctx) }

// Close cancels what is running and waits for it. Afterwards every operation that would start work fails.
func (e *Engine) Close() { e.close() }
