package cfn

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

// updatable are the states an update may start from.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
var updatable = []string{
	"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE", "CREATE_FAILED",
	"UPDATE_FAILED",
}

func checkUpdatable(s *stack) error {
	if !slices.Contains(updatable, s.status) {
		return validationError(fmt.Sprintf("Stack:%s is in %s state and can not be updated.", s.id, s.status))
	}
	return nil
}

const (
	noChanges = "The submitted information didn't contain changes. Submit different information to create a change set."
	noUpdates = "No updates are to be performed."
)

// submission is what CreateChangeSet, CreateStack and UpdateStack have in common.
type submission struct {
	template     TemplateSource
	parameters   []ParameterInput
	tags         []Tag
	capabilities []string
	roleARN      string
	topics       []string
	importing    importing
}

// prepared is a submission that passed every check of the call.
type prepared struct {
	plan     *plan
	settings settings
	changes  []Change
	differs  bool
	failure  string // why the change set fails
}

// prepare checks a submission against a view of the stack. It holds no lock.
func (e *Engine) prepare(ctx context.Context, at Place, view *stack, in submission) (*prepared, error) {
	body, err := e.body(ctx, at, view, in.template)
	if err != nil {
		return nil, err
	}
	if err := checkTags(in.tags); err != nil {
		return nil, err
	}
	tags, topics := in.tags, in.topics
	if tags == nil {
		tags = view.tags
	}
	if topics == nil {
		topics = view.topics
	}
	p, err := e.plan(ctx, at, view, body, in.parameters, tags, topics)
	if err != nil {
		return nil, err
	}
	if err := p.template.checkCapabilities(in.capabilities); err != nil {
		return nil, err
	}
	if changed := p.typeChanges(view); len(changed) > 0 {
		return nil, validationError("Update of resource type is not permitted. The new template modifies resource type of the following resources: [" +
			strings.Join(changed, ", ") + "]")
	}
	if in.importing.listed != nil {
		if err := e.checkListed(p.template, in.importing.listed); err != nil {
			return nil, err
		}
	}
	changes, outputs, err := e.changes(ctx, view, p)
	if err != nil {
		return nil, err
	}
	failure := ""
	switch {
	case in.importing.listed != nil:
		if err := checkOnlyImports(view, p.template, in.importing.listed, changes, tags, in.roleARN); err != nil {
			return nil, err
		}
		p.adoptions, failure = e.listedImports(ctx, view, in.importing.listed)
	case in.importing.existing && e.canImport():
		p.adoptions, failure = e.autoImports(ctx, view, p)
	}
	if changes = asImports(changes, p.adoptions); failure != "" {
		changes = nil
	}
	return &prepared{
		failure: failure,
		plan:    p,
		settings: settings{
			template: p.template, parameters: p.parameters, tags: slices.Clone(tags), capabilities: slices.Clone(in.capabilities),
			topics: slices.Clone(topics), roleARN: in.roleARN,
		},
		changes: changes,
		differs: len(changes) > 0 || outputs || !slices.Equal(tags, view.tags) || !slices.Equal(topics, view.topics),
	}, nil
}

// checkTags holds a stack's tags to their limits.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Tag.html
func checkTags(tags []Tag) error {
	if len(tags) > 50 {
		return constraintError(fmt.Sprint(len(tags)), "tags", "Member must have length less than or equal to 50")
	}
	seen := map[string]bool{}
	for i, tag := range tags {
		switch {
		case tag.Key == "" || len(tag.Key) > 128:
			return constraintError(tag.Key, fmt.Sprintf("tags.%d.member.key", i+1), "Member must have length between 1 and 128")
		case tag.Value == "" || len(tag.Value) > 256:
			return constraintError(tag.Value, fmt.Sprintf("tags.%d.member.value", i+1), "Member must have length between 1 and 256")
		case strings.HasPrefix(strings.ToLower(tag.Key), "aws:"):
			return validationError("aws: prefixed tag key names are not allowed for external use.")
		case seen[tag.Key]:
			return validationError("Duplicate tag key: " + tag.Key)
		}
		seen[tag.Key] = true
	}
	return nil
}

func notImplemented(what string) *Error {
	return &Error{Code: "NotImplemented", Message: what + " is not rehearsed", Status: http.StatusNotImplemented}
}

// view copies the stack that a change set is for, or makes up the one it would create.
func (e *Engine) view(at Place, in CreateChangeSetInput) (*stack, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(at, in.StackName)
	if s != nil && s.gone {
		return nil, notThere(in.StackName)
	}
	if in.Type == "CREATE" || in.Type == "IMPORT" && (s == nil || s.status == "REVIEW_IN_PROGRESS") {
		switch {
		case s == nil && strings.HasPrefix(in.StackName, "arn:"):
			return nil, notThere(in.StackName)
		case s == nil:
			return newStack(at, in.StackName), checkName("stackName", in.StackName)
		case s.status != "REVIEW_IN_PROGRESS":
			return nil, validationError(fmt.Sprintf("Stack [%s] already exists and cannot be created again with the changeSet [%s].",
				s.name, in.ChangeSetName))
		}
	} else {
		if s == nil {
			return nil, notThere(in.StackName)
		}
		if err := checkUpdatable(s); err != nil {
			return nil, err
		}
	}
	return s.snapshot(), s.checkChangeSetName(in.ChangeSetName)
}

func (s *stack) checkChangeSetName(name string) error {
	if s.changeSet(name) != nil {
		return &Error{
			Code: "AlreadyExistsException", Status: http.StatusBadRequest,
			Message: "ChangeSet " + name + " cannot be created due to a mismatch with existing attribute Template",
		}
	}
	return nil
}

func (e *Engine) createChangeSet(ctx context.Context, at Place, in CreateChangeSetInput) (ChangeSetIdentity, error) {
	var none ChangeSetIdentity
	switch in.Type {
	case "":
		in.Type = "UPDATE"
	case "CREATE", "UPDATE", "IMPORT":
	default:
		return none, constraintError(in.Type, "changeSetType", "Member must satisfy enum value set: [UPDATE, CREATE, IMPORT]")
	}
	what := importing{existing: in.ImportExistingResources}
	if in.Type == "IMPORT" {
		if !e.canImport() {
			return none, notImplemented("a change set of type IMPORT")
		}
		what = importing{listed: append([]ResourceToImport{}, in.ResourcesToImport...)}
	}
	if err := checkName("changeSetName", in.ChangeSetName); err != nil {
		return none, err
	}
	view, err := e.view(at, in)
	if err != nil {
		return none, err
	}
	work, err := e.prepare(ctx, at, view, submission{
		template: in.Template, parameters: in.Parameters, tags: in.Tags, capabilities: in.Capabilities, roleARN: in.RoleARN,
		topics: in.NotificationARNs, importing: what,
	})
	if err != nil {
		return none, err
	}

	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return none, errClosed
	}
	s := e.find(at, in.StackName)
	if s == nil && in.Type != "UPDATE" {
		s = view
		s.created = e.options.Clock()
		e.stacks = append(e.stacks, s)
		e.setStatus(s, "REVIEW_IN_PROGRESS", "User Initiated")
	}
	// The stack may have moved on while the change set was computed.
	if s == nil || s.id != view.id || s.status != view.status && s != view {
		return none, validationError("Stack:" + view.id + " was changed by another operation; create the change set again.")
	}
	if err := s.checkChangeSetName(in.ChangeSetName); err != nil {
		return none, err
	}
	partition := stages.Partition(at.Region)
	set := &changeSet{plan: work.plan, settings: work.settings, shown: ChangeSet{
		ID:   fmt.Sprintf("arn:%s:cloudformation:%s:%s:changeSet/%s/%s", partition, at.Region, at.Account, in.ChangeSetName, newID()),
		Name: in.ChangeSetName, StackID: s.id, StackName: s.name, Description: in.Description, Type: in.Type,
		Status: "CREATE_COMPLETE", ExecutionStatus: "AVAILABLE", Created: e.options.Clock(),
		Parameters: shownParameters(work.plan.template, work.plan.parameters), Tags: work.settings.tags,
		Capabilities: work.settings.capabilities, NotificationARNs: work.settings.topics, OnStackFailure: in.OnStackFailure,
		IncludeNestedStacks: in.IncludeNestedStacks, ImportExistingResources: in.ImportExistingResources, Changes: work.changes,
	}}
	switch {
	case work.failure != "":
		set.shown.Status, set.shown.ExecutionStatus, set.shown.StatusReason = "FAILED", "UNAVAILABLE", work.failure
	case in.Type == "UPDATE" && !work.differs:
		set.shown.Status, set.shown.ExecutionStatus, set.shown.StatusReason = "FAILED", "UNAVAILABLE", noChanges
	case in.Type == "IMPORT":
		set.shown.StatusReason = importReview
	}
	s.changeSets = append(s.changeSets, set)
	return ChangeSetIdentity{ChangeSetID: set.shown.ID, StackID: s.id}, nil
}

func (e *Engine) executeChangeSet(_ context.Context, at Place, in ExecuteChangeSetInput) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	set, err := e.findChangeSet(at, in.StackName, in.ChangeSetName)
	if err != nil {
		return err
	}
	invalid := func(kind, status string) error {
		return &Error{
			Code: "InvalidChangeSetStatus", Status: http.StatusBadRequest,
			Message: fmt.Sprintf("ChangeSet [%s] cannot be executed in its current %s of [%s]", set.shown.ID, kind, status),
		}
	}
	if set.shown.Status != "CREATE_COMPLETE" {
		return invalid("status", set.shown.Status)
	}
	if set.shown.ExecutionStatus != "AVAILABLE" {
		return invalid("execution status", set.shown.ExecutionStatus)
	}
	if e.closed {
		return errClosed
	}
	s := e.find(at, set.shown.StackID)
	create := s.status == "REVIEW_IN_PROGRESS"
	if !create {
		if err := checkUpdatable(s); err != nil {
			return err
		}
	}
	s.changeSets = []*changeSet{set} // executing one deletes the others
	s.changeSetID = set.shown.ID
	set.shown.ExecutionStatus = "EXECUTE_IN_PROGRESS"
	disable := in.DisableRollback || set.shown.OnStackFailure == "DO_NOTHING"
	e.begin(s, beginning{
		plan: set.plan, settings: set.settings, create: create, imports: set.shown.Type == "IMPORT", token: in.ClientToken, disableRollback: disable,
		retainExceptOnCreate: in.RetainExceptOnCreate, deleteOnFailure: create && set.shown.OnStackFailure == "DELETE",
		finished: func(succeeded bool) { // called under mu
			set.shown.ExecutionStatus = "EXECUTE_FAILED"
			if succeeded {
				set.shown.ExecutionStatus = "EXECUTE_COMPLETE"
			}
		},
	})
	return nil
}

func (e *Engine) createStack(ctx context.Context, at Place, in CreateStackInput) (string, error) {
	if err := checkName("stackName", in.StackName); err != nil {
		return "", err
	}
	if in.OnFailure != "" && in.DisableRollback {
		return "", validationError("You can specify either DisableRollback or OnFailure, but not both.")
	}
	exists := func() error {
		if e.find(at, in.StackName) != nil {
			return &Error{
				Code: "AlreadyExistsException", Message: "Stack [" + in.StackName + "] already exists", Status: http.StatusBadRequest,
			}
		}
		return nil
	}
	e.mu.Lock()
	err := exists()
	e.mu.Unlock()
	if err != nil {
		return "", err
	}
	s := newStack(at, in.StackName)
	work, err := e.prepare(ctx, at, s, in.submission())
	if err != nil {
		return "", err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := exists(); err != nil {
		return "", err
	}
	if e.closed {
		return "", errClosed
	}
	s.created, s.protection = e.options.Clock(), in.EnableTerminationProtection
	e.stacks = append(e.stacks, s)
	e.begin(s, beginning{
		plan: work.plan, settings: work.settings, create: true, token: in.ClientToken,
		disableRollback:      in.DisableRollback || in.OnFailure == "DO_NOTHING",
		retainExceptOnCreate: in.RetainExceptOnCreate, deleteOnFailure: in.OnFailure == "DELETE",
	})
	return s.id, nil
}

func (in CreateStackInput) submission() submission {
	return submission{
		template: in.Template, parameters: in.Parameters, tags: in.Tags, capabilities: in.Capabilities, roleARN: in.RoleARN,
		topics: in.NotificationARNs,
	}
}

func (e *Engine) updateStack(ctx context.Context, at Place, in CreateStackInput) (string, error) {
	find := func() (*stack, error) {
		s := e.find(at, in.StackName)
		if s == nil || s.gone {
			return nil, notThere(in.StackName)
		}
		return s, checkUpdatable(s)
	}
	e.mu.Lock()
	s, err := find()
	var view *stack
	if err == nil {
		view = s.snapshot()
	}
	e.mu.Unlock()
	if err != nil {
		return "", err
	}
	work, err := e.prepare(ctx, at, view, in.submission())
	if err != nil {
		return "", err
	}
	if !work.differs {
		return "", validationError(noUpdates)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if s, err = find(); err != nil {
		return "", err
	}
	if e.closed {
		return "", errClosed
	}
	s.changeSets = nil // they were computed against what now changes
	e.begin(s, beginning{
		plan: work.plan, settings: work.settings, token: in.ClientToken, disableRollback: in.DisableRollback,
		retainExceptOnCreate: in.RetainExceptOnCreate,
	})
	return s.id, nil
}

var errClosed = &Error{Code: "ServiceUnavailable", Message: "the rehearsal is closed", Status: http.StatusServiceUnavailable}
