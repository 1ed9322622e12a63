package cfn

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/roadshow-go/roadshow/stages"
)

// Engine holds the stacks of every place. Its methods may be called by many goroutines at once.
type Engine struct {
	options Options

	// mu guards all below and every stack. A stack's resources, outputs, template and parameters are written by the
	// goroutine of its one running operation only, under mu; that goroutine may read them without it. No callback is
	// called under mu, so a server may call the engine with its own locks held.
	mu     sync.Mutex
	stacks []*stack // also deleted ones, oldest first
	active int
	idle   chan struct{} // closed when active falls to zero
	closed bool

	context context.Context // of all operations
	cancel  context.CancelFunc
}

func newEngine(options Options) *Engine {
	if options.Provisioner == nil {
		panic("cfn: Options.Provisioner is nil, want the maker of resources")
	}
	if options.Clock == nil {
		options.Clock = time.Now
	}
	e := &Engine{options: options}
	e.context, e.cancel = context.WithCancel(context.Background())
	return e
}

// resource is a resource of a stack. Copies of it are snapshots: its maps are replaced, never changed.
type resource struct {
	logicalID   string
	typeName    string
	physicalID  string
	exists      bool
	changed     bool // since the stack was last stable
	imported    bool // by the stack: it was there before
	status      string
	reason      string
	updated     time.Time
	description string
	template    map[string]any // the properties as written
	declared    map[string]any // with functions computed; dynamic references stand as they are
	properties  map[string]any // as the provisioner got them
	attributes  map[string]any
	metadata    any

	deletionPolicy      string
	updateReplacePolicy string
	dependsOn           []string
}

func (r *resource) snapshot() *resource { clone := *r; return &clone }

// asResource is what a provisioner sees. The maps are copies.
func (r *resource) asResource() Resource {
	return Resource{
		Type: r.typeName, LogicalID: r.logicalID, PhysicalID: r.physicalID, Properties: cloneMap(r.properties),
		Attributes: cloneMap(r.attributes),
	}
}

type stack struct {
	place   Place
	id      string
	name    string
	status  string
	reason  string
	created time.Time
	updated time.Time
	deleted time.Time
	gone    bool

	settings
	resources map[string]*resource
	outputs   []Output
	imports   map[string]bool

	events      []StackEvent // oldest first
	changeSets  []*changeSet
	changeSetID string

	disableRollback      bool
	retainExceptOnCreate bool
	protection           bool

	operation *operation  // nil if none runs
	discarded []departure // what an operation is done with besides what the stable state has
	before    *stack      // the last stable state, while there is a way back to it; its status is empty for a new stack
}

// settings are what an operation gives a stack besides resources.
type settings struct {
	template     *template // nil in REVIEW_IN_PROGRESS
	parameters   map[string]parameterValue
	tags         []Tag
	capabilities []string
	topics       []string
	roleARN      string
}

// snapshot copies what an operation changes.
func (s *stack) snapshot() *stack {
	clone := *s
	clone.resources = map[string]*resource{}
	for id, r := range s.resources {
		clone.resources[id] = r.snapshot()
	}
	clone.imports = maps.Clone(s.imports)
	clone.events, clone.changeSets, clone.operation, clone.before, clone.discarded = nil, nil, nil, nil, nil
	return &clone
}

type changeSet struct {
	shown    ChangeSet
	plan     *plan
	settings settings
}

func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// GeneratedName makes a physical name as CloudFormation does where the template gives none: STACK-LOGICALID-TOKEN, with
// the first two cut to fit the limit.
func GeneratedName(stackName, logicalID, token string, limit int) string {
	room := max(limit-len(token)-2, 2)
	if len(stackName)+len(logicalID) > room {
		forStack := min(len(stackName), max(room/2, room-len(logicalID)))
		stackName, logicalID = stackName[:forStack], logicalID[:min(len(logicalID), room-forStack)]
	}
	return stackName + "-" + logicalID + "-" + token
}

func newStack(at Place, name string) *stack {
	partition := stages.Partition(at.Region)
	return &stack{
		place: at, name: name,
		id:        fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/%s/%s", partition, at.Region, at.Account, name, newID()),
		resources: map[string]*resource{}, imports: map[string]bool{},
	}
}

func (s *stack) environment() Environment {
	partition, suffix := stages.Partition(s.place.Region), stages.Domain(s.place.Region)
	return Environment{
		Account: s.place.Account, Region: s.place.Region, Partition: partition, URLSuffix: suffix,
		StackName: s.name, StackID: s.id,
	}
}

// find looks a stack up by name or ARN; a deleted one by its ARN only. It is called under mu.
func (e *Engine) find(at Place, nameOrARN string) *stack {
	for _, s := range slices.Backward(e.stacks) {
		if s.place == at && (s.id == nameOrARN || s.name == nameOrARN && !s.gone) {
			return s
		}
	}
	return nil
}

// Both wordings are AWS's; which operation uses which has no rule.
func withID(name string) *Error {
	return validationError("Stack with id " + name + " does not exist")
}

func notThere(name string) *Error {
	return validationError("Stack [" + name + "] does not exist")
}

var stackNamePattern = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]*$`)

func checkName(field, name string) error {
	if len(name) > 128 {
		return constraintError(name, field, "Member must have length less than or equal to 128")
	}
	if !stackNamePattern.MatchString(name) {
		return constraintError(name, field, "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*")
	}
	return nil
}

func constraintError(value, field, constraint string) *Error {
	return validationError("1 validation error detected: Value '" + value + "' at '" + field +
		"' failed to satisfy constraint: " + constraint)
}

// event appends to a stack's history; it is called under mu.
func (e *Engine) event(s *stack, event StackEvent) {
	event.ID, event.StackID, event.StackName, event.Time = newID(), s.id, s.name, e.options.Clock()
	if s.operation != nil {
		event.OperationID, event.OperationType = s.operation.id, s.operation.kind
		event.ClientToken = s.operation.token
	}
	s.events = append(s.events, event)
}

// setStatus moves a stack on; it is called under mu.
func (e *Engine) setStatus(s *stack, status, reason string) {
	s.status, s.reason = status, reason
	e.event(s, StackEvent{
		LogicalID: s.name, PhysicalID: s.id, Type: "AWS::CloudFormation::Stack", Status: status, StatusReason: reason,
	})
}

func (s *stack) shown() Stack {
	shown := Stack{
		ID: s.id, Name: s.name, Status: s.status, StatusReason: s.reason, ChangeSetID: s.changeSetID, Created: s.created,
		Updated: s.updated, Deleted: s.deleted, Outputs: slices.Clone(s.outputs), Tags: slices.Clone(s.tags),
		Capabilities: slices.Clone(s.capabilities), NotificationARNs: slices.Clone(s.topics), RoleARN: s.roleARN,
		DisableRollback: s.disableRollback, EnableTerminationProtection: s.protection,
		RetainExceptOnCreate: s.retainExceptOnCreate,
	}
	if s.template != nil {
		shown.Description = s.template.description
		shown.Parameters = shownParameters(s.template, s.parameters)
	}
	return shown
}

func (e *Engine) describeStacks(at Place, name string) ([]Stack, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if name != "" {
		s := e.find(at, name)
		if s == nil {
			return nil, withID(name)
		}
		return []Stack{s.shown()}, nil
	}
	list := []Stack{}
	for _, s := range slices.Backward(e.stacks) {
		if s.place == at && !s.gone {
			list = append(list, s.shown())
		}
	}
	return list, nil
}

func (e *Engine) listStacks(at Place, statuses []string) []Stack {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := []Stack{}
	for _, s := range slices.Backward(e.stacks) {
		if s.place == at && (len(statuses) == 0 || slices.Contains(statuses, s.status)) {
			list = append(list, s.shown())
		}
	}
	return list
}

func (e *Engine) describeStackEvents(at Place, name string) ([]StackEvent, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(at, name)
	if s == nil {
		return nil, notThere(name)
	}
	events := slices.Clone(s.events)
	slices.Reverse(events)
	return events, nil
}

func (s *stack) shownResource(r *resource) StackResource {
	return StackResource{
		StackID: s.id, StackName: s.name, LogicalID: r.logicalID, PhysicalID: r.physicalID, Type: r.typeName,
		Updated: r.updated, Status: r.status, StatusReason: r.reason, Description: r.description,
		Metadata: encodeJSON(r.metadata),
	}
}

func (e *Engine) describeStackResources(at Place, name, logicalID string) ([]StackResource, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(at, name)
	if s == nil {
		return nil, withID(name)
	}
	list := []StackResource{}
	for _, id := range sortedKeys(s.resources) {
		if logicalID == "" || logicalID == id {
			list = append(list, s.shownResource(s.resources[id]))
		}
	}
	if logicalID != "" && len(list) == 0 {
		return nil, validationError("Resource " + logicalID + " does not exist for stack " + name)
	}
	return list, nil
}

func (e *Engine) findStackOf(at Place, physicalID string) ([]StackResource, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.stacks {
		if s.place != at || s.gone {
			continue
		}
		for _, r := range s.resources {
			if !r.exists || r.physicalID != physicalID {
				continue
			}
			list := []StackResource{}
			for _, id := range sortedKeys(s.resources) {
				list = append(list, s.shownResource(s.resources[id]))
			}
			return list, nil
		}
	}
	return nil, validationError("Stack for " + physicalID + " does not exist")
}

func (e *Engine) getTemplate(at Place, name, changeSetName string) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if changeSetName != "" {
		set, err := e.findChangeSet(at, name, changeSetName)
		if err != nil {
			return "", err
		}
		return set.plan.template.body, nil
	}
	s := e.find(at, name)
	if s == nil {
		return "", withID(name)
	}
	if s.template == nil {
		// A stack in REVIEW_IN_PROGRESS has an empty body; cdk deploy reads it between its change set and the execution.
		return "", nil
	}
	return s.template.body, nil
}

func (e *Engine) getTemplateSummary(ctx context.Context, at Place, name string, source TemplateSource) (TemplateSummary, error) {
	if name == "" {
		return e.validateTemplate(ctx, at, source)
	}
	body, err := e.getTemplate(at, name, "")
	if err != nil {
		return TemplateSummary{}, err
	}
	return e.validateTemplate(ctx, at, TemplateSource{Body: body})
}

func (e *Engine) validateTemplate(ctx context.Context, at Place, source TemplateSource) (TemplateSummary, error) {
	body, err := e.body(ctx, at, nil, source)
	if err != nil {
		return TemplateSummary{}, err
	}
	t, err := parseTemplate(body)
	if err != nil {
		return TemplateSummary{}, err
	}
	summary := t.summary()
	for i, one := range summary.Resources {
		summary.Resources[i].Identifiers = e.identifiers(one.Type)
	}
	return summary, nil
}

// body reads a template from where the call says.
func (e *Engine) body(ctx context.Context, at Place, s *stack, source TemplateSource) (string, error) {
	switch {
	case source.Previous:
		if s == nil || s.template == nil {
			return "", validationError("Template must be provided: there is no previous template")
		}
		return s.template.body, nil
	case source.Body != "" && source.URL != "":
		return "", validationError("You cannot specify both TemplateBody and TemplateURL.")
	case source.URL != "":
		if e.options.Fetch == nil {
			return "", validationError("S3 error: Access Denied")
		}
		body, err := e.options.Fetch(ctx, at, source.URL)
		if err != nil {
			var refused *Error
			if errors.As(err, &refused) {
				return "", refused
			}
			return "", validationError("S3 error: " + err.Error())
		}
		if len(body) > maxObjectBytes {
			return "", validationError("Template may not exceed 1000000 bytes in size.")
		}
		return body, nil
	case source.Body == "":
		return "", validationError("Either Template URL or Template Body must be specified.")
	case len(source.Body) > maxBodyBytes:
		return "", constraintError(source.Body[:64]+"…", "templateBody", "Member must have length less than or equal to 51200")
	}
	return source.Body, nil
}

func (e *Engine) updateTerminationProtection(at Place, name string, enabled bool) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(at, name)
	if s == nil || s.gone {
		return "", notThere(name)
	}
	// AWS's page has the rule, and not the words:
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html
	if s.status == "DELETE_IN_PROGRESS" {
		return "", validationError("TerminationProtection cannot be updated for stack [" + s.name + "] in status DELETE_IN_PROGRESS")
	}
	s.protection = enabled
	return s.id, nil
}

func (e *Engine) exportValue(at Place, name string) (string, bool) {
	for _, export := range e.listExports(at) {
		if export.Name == name {
			return export.Value, true
		}
	}
	return "", false
}

func (e *Engine) listExports(at Place) []Export {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := []Export{}
	for _, s := range e.stacks {
		if s.place != at || s.gone {
			continue
		}
		for _, output := range s.outputs {
			if output.ExportName != "" {
				list = append(list, Export{Name: output.ExportName, Value: output.Value, StackID: s.id})
			}
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list
}

func (e *Engine) listImports(at Place, name string) ([]string, error) {
	if _, exported := e.exportValue(at, name); !exported {
		return nil, validationError("Export '" + name + "' does not exist.")
	}
	importers := e.importers(at, name)
	if len(importers) == 0 {
		return nil, validationError("Export '" + name + "' is not imported by any stack.")
	}
	return importers, nil
}

func (e *Engine) importers(at Place, export string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []string
	for _, s := range e.stacks {
		if s.place == at && !s.gone && s.imports[export] {
			list = append(list, s.name)
		}
	}
	slices.Sort(list)
	return list
}

func (e *Engine) zones(at Place) []string {
	if e.options.Zones != nil {
		return e.options.Zones(at)
	}
	return []string{at.Region + "a", at.Region + "b", at.Region + "c"}
}

func (e *Engine) readParameter(ctx context.Context, at Place, name, version string) (string, error) {
	if e.options.Parameter == nil {
		return "", errors.New("there is no parameter store")
	}
	return e.options.Parameter(ctx, at, name, version)
}

func (e *Engine) findChangeSet(at Place, stackName, name string) (*changeSet, error) {
	missing := &Error{Code: "ChangeSetNotFound", Message: "ChangeSet [" + name + "] does not exist", Status: http.StatusNotFound}
	if stackName == "" {
		for _, s := range e.stacks {
			for _, set := range s.changeSets {
				if s.place == at && set.shown.ID == name {
					return set, nil
				}
			}
		}
		if strings.HasPrefix(name, "arn:") {
			return nil, missing
		}
		return nil, validationError("StackName must be specified if ChangeSetName is not specified as an ARN.")
	}
	s := e.find(at, stackName)
	if s == nil {
		return nil, notThere(stackName)
	}
	for _, set := range s.changeSets {
		if set.shown.ID == name || set.shown.Name == name {
			return set, nil
		}
	}
	return nil, missing
}

func (s *stack) changeSet(name string) *changeSet {
	for _, set := range s.changeSets {
		if set.shown.ID == name || set.shown.Name == name {
			return set
		}
	}
	return nil
}

func (c *changeSet) describe() ChangeSet {
	shown := c.shown
	shown.Changes = slices.Clone(c.shown.Changes)
	for i := range shown.Changes {
		shown.Changes[i].Scope = slices.Clone(shown.Changes[i].Scope)
		shown.Changes[i].Details = slices.Clone(shown.Changes[i].Details)
	}
	shown.Parameters = slices.Clone(shown.Parameters)
	shown.Tags = slices.Clone(shown.Tags)
	shown.Capabilities = slices.Clone(shown.Capabilities)
	shown.NotificationARNs = slices.Clone(shown.NotificationARNs)
	return shown
}

func (e *Engine) describeChangeSet(at Place, stackName, name string) (ChangeSet, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	set, err := e.findChangeSet(at, stackName, name)
	if err != nil {
		return ChangeSet{}, err
	}
	return set.describe(), nil
}

func (e *Engine) listChangeSets(at Place, stackName string) ([]ChangeSet, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(at, stackName)
	if s == nil {
		return nil, notThere(stackName)
	}
	list := []ChangeSet{}
	for _, set := range s.changeSets {
		list = append(list, set.describe())
	}
	return list, nil
}

func (e *Engine) deleteChangeSet(at Place, stackName, name string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	set, err := e.findChangeSet(at, stackName, name)
	if err != nil {
		var refused *Error
		if errors.As(err, &refused) && refused.Code == "ChangeSetNotFound" {
			return nil
		}
		return err
	}
	if set.shown.ExecutionStatus == "EXECUTE_IN_PROGRESS" {
		return &Error{
			Code: "InvalidChangeSetStatus", Status: http.StatusBadRequest,
			Message: "ChangeSet [" + name + "] cannot be deleted in its current execution status of [EXECUTE_IN_PROGRESS]",
		}
	}
	for _, s := range e.stacks {
		s.changeSets = slices.DeleteFunc(s.changeSets, func(one *changeSet) bool { return one == set })
	}
	return nil
}

func (e *Engine) wait(ctx context.Context) error {
	for {
		e.mu.Lock()
		if e.active == 0 {
			e.mu.Unlock()
			return nil
		}
		idle := e.idle
		e.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (e *Engine) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	_ = e.wait(context.Background()) // this context has no end
}
