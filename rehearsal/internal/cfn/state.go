package cfn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// StackState is a stack as it is saved: with its history, its change sets and,
// after a failed update, the way back. Only a stack at rest has one.
type StackState struct {
	Region       string
	Name         string
	ID           string `json:",omitempty"` // the ARN; made up where a document by hand has none
	Status       string
	StatusReason string    `json:",omitempty"`
	Created      time.Time `json:",omitzero"`
	Updated      time.Time `json:",omitzero"`
	Deleted      time.Time `json:",omitzero"`

	Settings  SettingsState   `json:",omitzero"`
	Resources []ResourceState `json:",omitempty"`
	Outputs   []Output        `json:",omitempty"`
	Imports   []string        `json:",omitempty"`

	Events      []StackEvent     `json:",omitempty"` // oldest first
	ChangeSets  []ChangeSetState `json:",omitempty"`
	ChangeSetID string           `json:",omitempty"` // of the one that was executed last

	DisableRollback             bool `json:",omitempty"`
	RetainExceptOnCreate        bool `json:",omitempty"`
	EnableTerminationProtection bool `json:",omitempty"`

	Discarded []DepartureState `json:",omitempty"`
	Before    *StackState      `json:",omitempty"` // the last stable state; its status is empty for a new stack
}

// SettingsState is what an operation gives a stack besides resources.
type SettingsState struct {
	Template         string                    `json:",omitempty"` // its text
	Parameters       map[string]ParameterState `json:",omitempty"`
	Tags             []Tag                     `json:",omitempty"`
	Capabilities     []string                  `json:",omitempty"`
	NotificationARNs []string                  `json:",omitempty"`
	RoleARN          string                    `json:",omitempty"`
}

// ParameterState is a parameter as it was given and as it was read.
type ParameterState struct{ Given, Resolved string }

// ResourceState is a resource of a stack.
type ResourceState struct {
	LogicalID           string
	Type                string
	PhysicalID          string    `json:",omitempty"`
	Exists              bool      `json:",omitempty"`
	Changed             bool      `json:",omitempty"` // since the stack was last stable
	Imported            bool      `json:",omitempty"` // it was there before the stack had it
	Status              string    `json:",omitempty"`
	StatusReason        string    `json:",omitempty"`
	Updated             time.Time `json:",omitzero"`
	Description         string    `json:",omitempty"`
	Template            written   `json:",omitzero"` // the properties as written
	Declared            Values    `json:",omitempty"`
	Properties          Values    `json:",omitempty"`
	Attributes          Values    `json:",omitempty"`
	Metadata            written   `json:",omitzero"`
	DeletionPolicy      string    `json:",omitempty"`
	UpdateReplacePolicy string    `json:",omitempty"`
	DependsOn           []string  `json:",omitempty"`
}

// DepartureState is a resource that a failed update is done with.
type DepartureState struct {
	Resource ResourceState
	Policy   string
	Last     bool `json:",omitempty"`
}

// ChangeSetState is a change set with what it would give the stack.
type ChangeSetState struct {
	Shown    ChangeSet
	Settings SettingsState
	Imports  map[string]ImportState `json:",omitempty"` // by logical id
}

// ImportState is a resource that a change set imports.
type ImportState struct {
	Identifier map[string]string
	PhysicalID string
}

// Values are properties or attributes, as a Request has them. Their JSON keeps
// whole and other numbers apart: 2 is an int64, 2.0 a float64.
type Values map[string]any

// MarshalJSON writes a float64 with a point or an exponent.
func (v Values) MarshalJSON() ([]byte, error) { return json.Marshal(pointed(map[string]any(v))) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Values) UnmarshalJSON(data []byte) error {
	tree, err := tokens(data)
	if err != nil || tree == nil {
		return err
	}
	members, isObject := tree.(map[string]any)
	if !isObject {
		return errors.New("properties are an object")
	}
	*v, _ = plainNumbers(members).(map[string]any)
	return nil
}

// pointed copies a value; each float64 in it gets its point.
func pointed(value any) any {
	switch value := value.(type) {
	case []any:
		list := make([]any, len(value))
		for i, element := range value {
			list[i] = pointed(element)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(value))
		for name, member := range value {
			object[name] = pointed(member)
		}
		return object
	case float64:
		text := strconv.FormatFloat(value, 'g', -1, 64)
		if value == math.Trunc(value) && !strings.ContainsAny(text, ".eIN") {
			text += ".0"
		}
		return json.Number(text)
	}
	return value
}

// written is a value of a template: its numbers keep their text.
type written struct{ value any }

// IsZero says whether there is none.
func (w written) IsZero() bool { return w.value == nil }

// MarshalJSON writes the value.
func (w written) MarshalJSON() ([]byte, error) { return json.Marshal(w.value) }

// UnmarshalJSON reads the value.
func (w *written) UnmarshalJSON(data []byte) (err error) {
	w.value, err = tokens(data)
	return err
}

func tokens(data []byte) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.UseNumber()
	return decodeJSON(decoder, 0)
}

// State returns an account's stacks, also deleted ones, oldest first. The
// caller sees to it that no operation runs.
func (e *Engine) State(account string) []StackState {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := []StackState{}
	for _, s := range e.stacks {
		if s.place.Account == account {
			list = append(list, s.state())
		}
	}
	return list
}

// SetState replaces the stacks of the accounts that are named, or, where one
// cannot be read, none. The caller sees to it that no operation runs.
func (e *Engine) SetState(accounts map[string][]StackState) error {
	var restored []*stack
	for _, account := range sortedKeys(accounts) {
		seen := map[string]bool{}
		for _, saved := range accounts[account] {
			s, err := e.restoreStack(account, saved)
			if err != nil {
				return fmt.Errorf("account %s: stack %q: %w", account, saved.Name, err)
			}
			for _, unique := range []string{s.id, s.place.Region + "|" + s.name} {
				if seen[unique] && !(s.gone && unique != s.id) {
					return fmt.Errorf("account %s: stack %q is there twice", account, saved.Name)
				}
				seen[unique] = seen[unique] || !s.gone || unique == s.id
			}
			restored = append(restored, s)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stacks = slices.DeleteFunc(slices.Clone(e.stacks), func(s *stack) bool {
		_, replaced := accounts[s.place.Account]
		return replaced
	})
	e.stacks = append(e.stacks, restored...)
	return nil
}

// Idle says whether no operation runs.
func (e *Engine) Idle() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.active == 0
}

func (s *stack) state() StackState {
	saved := StackState{
		Region: s.place.Region, Name: s.name, ID: s.id, Status: s.status, StatusReason: s.reason, Created: s.created, Updated: s.updated,
		Deleted: s.deleted, Settings: s.settings.state(), Outputs: s.outputs, Imports: sortedKeys(s.imports), Events: s.events,
		ChangeSetID: s.changeSetID, DisableRollback: s.disableRollback, RetainExceptOnCreate: s.retainExceptOnCreate,
		EnableTerminationProtection: s.protection,
	}
	for _, id := range sortedKeys(s.resources) {
		saved.Resources = append(saved.Resources, s.resources[id].state())
	}
	for _, set := range s.changeSets {
		waiting := ChangeSetState{Shown: set.describe(), Settings: set.settings.state()}
		for id, one := range set.plan.adoptions {
			if waiting.Imports == nil {
				waiting.Imports = map[string]ImportState{}
			}
			waiting.Imports[id] = ImportState{one.identifier, one.physicalID}
		}
		saved.ChangeSets = append(saved.ChangeSets, waiting)
	}
	for _, one := range s.discarded {
		saved.Discarded = append(saved.Discarded, DepartureState{Resource: one.resource.state(), Policy: one.policy, Last: one.last})
	}
	if s.before != nil {
		before := s.before.state()
		saved.Before = &before
	}
	return saved
}

func (s settings) state() SettingsState {
	saved := SettingsState{Tags: s.tags, Capabilities: s.capabilities, NotificationARNs: s.topics, RoleARN: s.roleARN}
	if s.template != nil {
		saved.Template = s.template.body
	}
	for name, value := range s.parameters {
		if saved.Parameters == nil {
			saved.Parameters = map[string]ParameterState{}
		}
		saved.Parameters[name] = ParameterState{Given: value.given, Resolved: value.resolved}
	}
	return saved
}

func (r *resource) state() ResourceState {
	saved := ResourceState{
		LogicalID: r.logicalID, Type: r.typeName, PhysicalID: r.physicalID, Exists: r.exists, Changed: r.changed,
		Imported: r.imported, Status: r.status, StatusReason: r.reason, Updated: r.updated, Description: r.description, Declared: r.declared, Properties: r.properties,
		Attributes: r.attributes, Metadata: written{r.metadata}, DeletionPolicy: r.deletionPolicy, UpdateReplacePolicy: r.updateReplacePolicy,
		DependsOn: r.dependsOn,
	}
	if r.template != nil {
		saved.Template.value = r.template
	}
	return saved
}

func (e *Engine) restoreStack(account string, saved StackState) (*stack, error) {
	at := Place{Account: account, Region: saved.Region}
	switch {
	case saved.Region == "":
		return nil, errors.New("stack: Region is empty, want one")
	case saved.Status == "" || strings.HasSuffix(saved.Status, "_IN_PROGRESS") && saved.Status != "REVIEW_IN_PROGRESS":
		return nil, fmt.Errorf("stack: Status is %q, want that of a stack at rest", saved.Status)
	case saved.Settings.Template == "" && saved.Deleted.IsZero() && saved.Status != "REVIEW_IN_PROGRESS" && saved.Status != "IMPORT_ROLLBACK_COMPLETE":
		return nil, errors.New("stack: Settings.Template is empty, want a template, or Deleted")
	}
	if err := checkName("stackName", saved.Name); err != nil {
		return nil, err
	}
	return e.rebuild(at, saved)
}

// rebuild does not check what only the whole stack must have.
func (e *Engine) rebuild(at Place, saved StackState) (*stack, error) {
	s := newStack(at, saved.Name)
	if saved.ID != "" {
		s.id = saved.ID
	}
	s.status, s.reason, s.created, s.updated = saved.Status, saved.StatusReason, saved.Created, saved.Updated
	s.deleted, s.gone = saved.Deleted, !saved.Deleted.IsZero()
	s.outputs, s.events, s.changeSetID = saved.Outputs, saved.Events, saved.ChangeSetID
	s.disableRollback, s.retainExceptOnCreate = saved.DisableRollback, saved.RetainExceptOnCreate
	s.protection = saved.EnableTerminationProtection
	for _, export := range saved.Imports {
		s.imports[export] = true
	}
	var err error
	if s.settings, err = saved.Settings.restore(); err != nil {
		return nil, err
	}
	for _, one := range saved.Resources {
		if s.resources[one.LogicalID] != nil {
			return nil, fmt.Errorf("resource %q is there twice", one.LogicalID)
		}
		if s.resources[one.LogicalID], err = one.restore(); err != nil {
			return nil, err
		}
	}
	for _, one := range saved.Discarded {
		r, err := one.Resource.restore()
		if err != nil {
			return nil, err
		}
		s.discarded = append(s.discarded, departure{resource: r, policy: one.Policy, last: one.Last})
	}
	for _, one := range saved.ChangeSets {
		set, err := e.restoreChangeSet(s, one)
		if err != nil {
			return nil, fmt.Errorf("change set %q: %w", one.Shown.Name, err)
		}
		s.changeSets = append(s.changeSets, set)
	}
	if saved.Before != nil {
		if s.before, err = e.rebuild(at, *saved.Before); err != nil {
			return nil, fmt.Errorf("before: %w", err)
		}
	}
	return s, nil
}

func (saved SettingsState) restore() (settings, error) {
	restored := settings{
		parameters: map[string]parameterValue{}, tags: saved.Tags, capabilities: saved.Capabilities, topics: saved.NotificationARNs,
		roleARN: saved.RoleARN,
	}
	for name, value := range saved.Parameters {
		restored.parameters[name] = parameterValue{given: value.Given, resolved: value.Resolved}
	}
	if saved.Template == "" {
		return restored, nil
	}
	var err error
	restored.template, err = parseTemplate(saved.Template)
	return restored, err
}

func (saved ResourceState) restore() (*resource, error) {
	template, isObject := saved.Template.value.(map[string]any)
	if saved.LogicalID == "" || saved.Type == "" || saved.Template.value != nil && !isObject {
		return nil, fmt.Errorf("resource %q: LogicalID, Type or Template is missing or no such thing", saved.LogicalID)
	}
	return &resource{
		logicalID: saved.LogicalID, typeName: saved.Type, physicalID: saved.PhysicalID, exists: saved.Exists, changed: saved.Changed,
		imported: saved.Imported, status: saved.Status, reason: saved.StatusReason, updated: saved.Updated, description: saved.Description, template: template,
		declared: saved.Declared, properties: saved.Properties, attributes: saved.Attributes, metadata: saved.Metadata.value,
		deletionPolicy: saved.DeletionPolicy, updateReplacePolicy: saved.UpdateReplacePolicy, dependsOn: saved.DependsOn,
	}, nil
}

// restoreChangeSet computes the plan anew: what it reads besides the template
// was read when the change set was made, and is saved.
func (e *Engine) restoreChangeSet(s *stack, saved ChangeSetState) (*changeSet, error) {
	given, err := saved.Settings.restore()
	if err != nil {
		return nil, err
	}
	if given.template == nil {
		return nil, errors.New("stack: Settings.Template is empty, want a template")
	}
	p := &plan{template: given.template, parameters: given.parameters, tags: given.tags, topics: given.topics}
	for id, one := range saved.Imports {
		if p.adoptions == nil {
			p.adoptions = map[string]adoption{}
		}
		p.adoptions[id] = adoption{one.Identifier, one.PhysicalID}
	}
	return &changeSet{shown: saved.Shown, plan: p, settings: given}, e.arrange(context.Background(), s, p)
}
