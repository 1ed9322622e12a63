package cfn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	crand "crypto/rand"

	"github.com/roadshow-go/roadshow/internal/spec"
)

// ErrReplace, returned by a Provisioner's Update, asks for a replacement: the values, not the table, say that the
// resource cannot change in place.
var ErrReplace = errors.New("the change needs a replacement")

// operation is the one thing a stack is doing.
type operation struct {
	id    string
	kind  string // of the events' OperationType
	token string
	done  chan struct{}
	// cancelled stops a creation, because the stack is to be deleted.
	cancelled bool
}

// becomesRollback makes what follows an operation of its own: a deployment that fails and is rolled back has two ids. By
// them the cdk command tells the failures of this deployment from those of the one before.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html
func (o *operation) becomesRollback() {
	if o.kind == "CREATE_STACK" || o.kind == "UPDATE_STACK" {
		o.id, o.kind = newID(), "ROLLBACK"
	}
}

// ending is the last step of an operation, called under mu. A stack gets its final status in the same moment in which the
// operation is over, so that whoever sees the status may start the next one.
type ending func()

// start runs an operation in a goroutine of its own; it is called under mu.
func (e *Engine) start(s *stack, kind, token string, run func(ctx context.Context, op *operation) ending) {
	op := &operation{id: newID(), kind: kind, token: token, done: make(chan struct{})}
	s.operation = op
	if e.active == 0 {
		e.idle = make(chan struct{})
	}
	e.active++
	go func() {
		end := run(e.context, op)
		e.mu.Lock()
		defer e.mu.Unlock()
		end()
		if s.operation == op {
			s.operation = nil
		}
		close(op.done)
		if e.active--; e.active == 0 {
			close(e.idle)
		}
	}()
}

// locked changes state.
func (e *Engine) locked(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
}

// pause lets a step take its time; false means that the engine closes.
func (e *Engine) pause(ctx context.Context) bool {
	if e.options.StepDelay <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(e.options.StepDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// beginning is how a creation or an update starts.
type beginning struct {
	plan                 *plan
	settings             settings
	create               bool
	imports              bool // nothing but imports
	token                string
	disableRollback      bool
	retainExceptOnCreate bool
	deleteOnFailure      bool
	finished             func(succeeded bool)
}

// begin starts a creation or an update; it is called under mu.
func (e *Engine) begin(s *stack, b beginning) {
	if s.before == nil {
		s.before = s.snapshot()
		if b.create {
			s.before.status = ""
		}
		for _, r := range s.resources {
			r.changed = false
		}
	}
	s.disableRollback, s.retainExceptOnCreate = b.disableRollback, b.retainExceptOnCreate
	s.settings = b.settings
	kind, status := "UPDATE_STACK", "UPDATE_IN_PROGRESS"
	if b.create {
		kind, status = "CREATE_STACK", "CREATE_IN_PROGRESS"
	} else {
		s.updated = e.options.Clock()
	}
	if b.imports {
		status = "IMPORT_IN_PROGRESS"
	}
	e.start(s, kind, b.token, func(ctx context.Context, op *operation) ending {
		d := &deployment{engine: e, stack: s, operation: op, plan: b.plan, create: b.create, only: b.imports, env: s.environment()}
		succeeded, end := d.run(ctx, b.deleteOnFailure)
		return func() {
			end()
			if b.finished != nil {
				b.finished(succeeded)
			}
		}
	})
	e.setStatus(s, status, "User Initiated")
}

// deployment carries a plan out.
type deployment struct {
	engine    *Engine
	stack     *stack
	operation *operation
	plan      *plan
	create    bool
	only      bool // imports
	env       Environment

	imports      map[string]bool
	createFailed []string
	updateFailed []string
	importFailed []string
}

func (d *deployment) run(ctx context.Context, deleteOnFailure bool) (succeeded bool, end ending) {
	e, s := d.engine, d.stack
	d.imports = map[string]bool{}
	reason := d.forward(ctx)
	if reason == "" {
		reason = d.publishOutputs(ctx)
	}
	switch {
	case d.operation.isCancelled(e):
		return false, func() {} // the deletion that waits has given the stack its status already
	case reason == "":
		return true, d.complete(ctx)
	case d.only:
		return false, e.rollBackImport(s, reason)
	case deleteOnFailure:
		e.locked(func() {
			e.setStatus(s, "CREATE_FAILED", reason)
			e.setStatus(s, "DELETE_IN_PROGRESS", "")
		})
		return false, e.deleteResources(ctx, s, deletion{})
	case s.disableRollback:
		status := "UPDATE_FAILED"
		if d.create {
			status = "CREATE_FAILED"
		}
		return false, func() { e.setStatus(s, status, reason) }
	}
	return false, e.rollBack(ctx, s, reason, nil)
}

func (o *operation) isCancelled(e *Engine) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return o.cancelled
}

// work is what one resource needs.
type work struct {
	id       string
	action   string // create, import, update, replace, note or none
	declared map[string]any
	err      error // found before anything was done
}

// forward makes and changes resources, wave by wave: a wave is all that waits for nothing any more. CloudFormation works
// on a wave at the same time; here its resources take their turn in the order of their names, so that two runs of a test
// fail alike. It returns the reason of a failure, or nothing.
func (d *deployment) forward(ctx context.Context) string {
	e := d.engine
	done := map[string]bool{}
	for wave := ready(d.plan.graph, done); len(wave) > 0; wave = ready(d.plan.graph, done) {
		if d.operation.isCancelled(e) {
			return "Stack creation cancelled"
		}
		var todo []work
		for _, id := range wave {
			w := d.decide(ctx, id)
			if w.action == "none" {
				done[id] = true
				continue
			}
			d.announce(w)
			todo = append(todo, w)
		}
		if len(todo) > 0 && !e.pause(ctx) {
			return "the rehearsal is closed"
		}
		for i, w := range todo {
			if d.carryOut(ctx, w) {
				done[w.id] = true
				continue
			}
			for _, rest := range todo[i+1:] {
				if rest.err == nil {
					d.cancelled(rest)
				} else {
					d.carryOut(ctx, rest)
				}
			}
			return d.failureReason()
		}
	}
	return ""
}

func (d *deployment) failureReason() string {
	var parts []string
	if len(d.createFailed) > 0 {
		parts = append(parts, "The following resource(s) failed to create: ["+strings.Join(d.createFailed, ", ")+"]. ")
	}
	if len(d.updateFailed) > 0 {
		parts = append(parts, "The following resource(s) failed to update: ["+strings.Join(d.updateFailed, ", ")+"]. ")
	}
	if len(d.importFailed) > 0 {
		parts = append(parts, "The following resource(s) failed to import: ["+strings.Join(d.importFailed, ", ")+"]. ")
	}
	return strings.Join(parts, "")
}

// evaluator computes with the stack as it now is.
func (d *deployment) evaluator(ctx context.Context) *evaluator {
	v := d.engine.evaluator(ctx, d.stack, d.plan)
	v.imported = func(name string) {
		d.imports[name] = true
		d.engine.locked(func() { d.stack.imports[name] = true })
	}
	return v
}

// decide computes a resource's properties and what they ask for.
func (d *deployment) decide(ctx context.Context, id string) work {
	declaration := d.plan.template.resources[id]
	current := d.stack.resources[id]
	exists := current != nil && current.exists
	if exists && current.status == "CREATE_FAILED" {
		// What may be there of an attempt that failed is deleted in the end, and made anew.
		d.discardIntermediate(id)
		exists = false
	}
	w := work{id: id, action: "create"}
	if exists {
		w.action = "update"
	} else if _, imported := d.plan.adoptions[id]; imported {
		w.action = "import"
	}
	value, err := d.evaluator(ctx).Value(declaration.properties)
	if err != nil {
		w.err = plainError(err)
		return w
	}
	properties, ok := value.(map[string]any)
	if !ok {
		w.err = reasonError("Properties must be an object")
		return w
	}
	w.declared, w.err = declaredProperties(id, declaration.typeName, properties, d.plan.tags)
	if violations := d.engine.violations(declaration.typeName, w.declared); w.err == nil && len(violations) > 0 {
		w.err = validationFailed(id, violations...)
	}
	if w.err != nil || !exists {
		return w
	}
	table, _ := spec.Lookup(declaration.typeName)
	replaces, differs := spec.Never, current.status == "UPDATE_FAILED"
	for _, name := range unionKeys(current.declared, w.declared) {
		if reflect.DeepEqual(current.declared[name], w.declared[name]) {
			continue
		}
		differs = true
		if table != nil && table.Properties[name] != nil {
			replaces = max(replaces, table.Properties[name].Replaces)
		}
	}
	switch {
	case differs && replaces == spec.Always:
		w.action = "replace"
		w.err = customNamed(table, current, w.declared)
	case differs:
	case current.deletionPolicy != declaration.deletion(), current.updateReplacePolicy != declaration.replacement(),
		!reflect.DeepEqual(current.metadata, declaration.metadata):
		w.action = "note"
	default:
		w.action = "none"
		d.keep(id)
	}
	return w
}

// violations are what the schema of a type says of values, if anybody knows it.
func (e *Engine) violations(typeName string, properties map[string]any) []string {
	if e.options.Violations == nil {
		return nil
	}
	return e.options.Violations(typeName, properties)
}

// reasonError is a sentence of CloudFormation's, with its capitals and full stops.
type reasonError string

func (e reasonError) Error() string { return string(e) }

// plainError takes the code off an error that becomes a resource's reason.
func plainError(err error) error {
	var refused *Error
	if errors.As(err, &refused) {
		return reasonError(refused.Message)
	}
	return err
}

// customNamed refuses a replacement under the same name: the new resource cannot stand beside the old one.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
func customNamed(table *spec.ResourceType, current *resource, desired map[string]any) error {
	name, named := table.PhysicalName(desired)
	if !named || !reflect.DeepEqual(current.declared[table.NameProperty], desired[table.NameProperty]) {
		return nil
	}
	for _, scope := range table.NameScope {
		if !reflect.DeepEqual(current.declared[scope], desired[scope]) {
			return nil // the same name elsewhere is another resource
		}
	}
	return reasonError("CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename " +
		name + " and update the stack again.")
}

// keep takes over what a template says of an unchanged resource without its being seen.
func (d *deployment) keep(id string) {
	declaration := d.plan.template.resources[id]
	d.engine.locked(func() {
		r := d.stack.resources[id]
		r.template, r.dependsOn = declaration.properties, d.plan.graph[id]
	})
}

// change moves a resource on and writes the event.
func (d *deployment) change(id, status, reason string, edit func(r *resource)) {
	d.engine.changeResource(d.stack, id, status, reason, edit)
}

func (e *Engine) changeResource(s *stack, id, status, reason string, edit func(r *resource)) {
	e.locked(func() {
		r := s.resources[id]
		if edit != nil {
			edit(r)
		}
		r.status, r.reason, r.updated = status, reason, e.options.Clock()
		e.resourceEvent(s, r, r.physicalID, status, reason)
	})
}

// resourceEvent is called under mu.
func (e *Engine) resourceEvent(s *stack, r *resource, physicalID, status, reason string) {
	properties := r.declared
	if properties == nil {
		properties = map[string]any{}
	}
	e.event(s, StackEvent{
		LogicalID: r.logicalID, PhysicalID: physicalID, Type: r.typeName, Status: status, StatusReason: reason,
		Properties: encodeJSON(properties),
	})
}

// announce writes that work on a resource begins.
func (d *deployment) announce(w work) {
	declaration := d.plan.template.resources[w.id]
	switch w.action {
	case "create", "import":
		d.engine.locked(func() {
			d.stack.resources[w.id] = &resource{
				logicalID: w.id, typeName: declaration.typeName, template: declaration.properties, declared: w.declared,
				description: declaration.description, metadata: declaration.metadata, deletionPolicy: declaration.deletion(),
				updateReplacePolicy: declaration.replacement(), dependsOn: d.plan.graph[w.id], changed: true, imported: w.action == "import",
			}
		})
		if w.action == "import" {
			d.change(w.id, "IMPORT_IN_PROGRESS", "Resource import started.", nil)
			return
		}
		d.change(w.id, "CREATE_IN_PROGRESS", "", nil)
	case "update":
		d.change(w.id, "UPDATE_IN_PROGRESS", "", nil)
	case "replace":
		d.change(w.id, "UPDATE_IN_PROGRESS", "Requested update requires the creation of a new physical resource; hence creating one.", nil)
	}
}

func (d *deployment) fail(w work, err error) bool { return d.failWith(w, err, nil) }

// failWith also changes the resource.
func (d *deployment) failWith(w work, err error, edit func(*resource)) bool {
	switch w.action {
	case "create":
		d.createFailed = append(d.createFailed, w.id)
		d.change(w.id, "CREATE_FAILED", err.Error(), edit)
	case "import":
		d.importFailed = append(d.importFailed, w.id)
		d.change(w.id, "IMPORT_FAILED", err.Error(), nil)
	default:
		d.updateFailed = append(d.updateFailed, w.id)
		d.change(w.id, "UPDATE_FAILED", err.Error(), edit)
	}
	return false
}

func (d *deployment) cancelled(w work) {
	switch w.action {
	case "create":
		_ = d.fail(w, reasonError("Resource creation cancelled"))
	case "import":
		_ = d.fail(w, reasonError("Resource import cancelled"))
	case "update", "replace":
		_ = d.fail(w, reasonError("Resource update cancelled"))
	}
}

// adopt writes what a successful step made of a resource.
func (d *deployment) adopt(w work, properties map[string]any, made Outcome) func(*resource) {
	declaration := d.plan.template.resources[w.id]
	return func(r *resource) {
		r.exists, r.changed = true, true
		r.physicalID, r.attributes = made.PhysicalID, cloneMap(made.Attributes)
		r.template, r.declared, r.properties = declaration.properties, w.declared, properties
		r.metadata, r.description = declaration.metadata, declaration.description
		r.deletionPolicy, r.updateReplacePolicy = declaration.deletion(), declaration.replacement()
		r.dependsOn = d.plan.graph[w.id]
	}
}

// carryOut does the work of one resource; false means that it failed.
func (d *deployment) carryOut(ctx context.Context, w work) bool {
	if w.err != nil {
		return d.fail(w, w.err)
	}
	if w.action == "note" {
		current := d.stack.resources[w.id]
		made := Outcome{PhysicalID: current.physicalID, Attributes: current.attributes}
		d.change(w.id, "UPDATE_COMPLETE", "", d.adopt(w, current.properties, made))
		return true
	}
	resolved, err := d.engine.resolveDynamic(ctx, d.stack.place, w.declared)
	if err != nil {
		return d.fail(w, plainError(err))
	}
	properties, err := afterDynamic(w.id, d.plan.template.resources[w.id].typeName, resolved.(map[string]any))
	if err != nil {
		return d.fail(w, err)
	}
	request := Request{
		Type: d.plan.template.resources[w.id].typeName, LogicalID: w.id, Properties: cloneMap(properties),
		Token: crand.Text()[:12],
	}
	if w.action == "import" {
		return d.take(ctx, w, request)
	}
	if w.action == "update" {
		current := d.stack.resources[w.id]
		d.engine.locked(func() { current.changed = true })
		made, err := d.engine.options.Provisioner.Update(ctx, d.env, current.asResource(), request)
		switch {
		case errors.Is(err, ErrReplace):
			w.action = "replace"
			if table, known := spec.Lookup(request.Type); known {
				if err := customNamed(table, current, w.declared); err != nil {
					return d.fail(w, err)
				}
			}
			d.announce(w)
		case err != nil && made.PhysicalID != "" && made.PhysicalID != current.physicalID:
			d.discardIntermediate(w.id)
			return d.failWith(w, err, func(r *resource) { r.physicalID, r.properties = made.PhysicalID, properties })
		case err != nil:
			return d.fail(w, err)
		default:
			if made.PhysicalID != "" && made.PhysicalID != current.physicalID {
				d.discardIntermediate(w.id)
				d.change(w.id, "UPDATE_IN_PROGRESS", "Requested update required the provider to create a new physical resource", nil)
			}
			d.change(w.id, "UPDATE_COMPLETE", "", d.adopt(w, properties, madeOf(made, current)))
			return true
		}
	}
	request.Properties = cloneMap(properties)
	made, err := d.engine.options.Provisioner.Create(ctx, d.env, request)
	if err != nil && made.PhysicalID != "" {
		return d.failWith(w, err, d.adopt(w, properties, made))
	}
	if err != nil {
		return d.fail(w, err)
	}
	if made.PhysicalID == "" {
		return d.fail(w, errors.New("the provisioner gave no physical id"))
	}
	if w.action == "replace" {
		d.discardIntermediate(w.id)
	}
	verb := strings.ToUpper(map[string]string{"create": "create", "replace": "update"}[w.action])
	d.change(w.id, verb+"_IN_PROGRESS", "Resource creation Initiated", d.adopt(w, properties, made))
	d.change(w.id, verb+"_COMPLETE", "", nil)
	return true
}

// discardIntermediate remembers a resource that neither the stable state nor the next one has: one that an earlier, failed
// update made, and that is now replaced in turn.
func (d *deployment) discardIntermediate(id string) {
	d.engine.locked(func() {
		now, old := d.stack.resources[id], d.stack.before.resources[id]
		if old == nil || old.physicalID != now.physicalID {
			d.stack.discarded = append(d.stack.discarded, departure{resource: now.snapshot(), policy: "Delete"})
		}
	})
}

// madeOf fills in what an update did not say.
func madeOf(made Outcome, current *resource) Outcome {
	if made.PhysicalID == "" {
		made.PhysicalID = current.physicalID
	}
	if made.Attributes == nil {
		made.Attributes = current.attributes
	}
	return made
}

// afterDynamic checks the kinds once more, for the properties that were dynamic references until now.
func afterDynamic(id, typeName string, properties map[string]any) (map[string]any, error) {
	table, known := spec.Lookup(typeName)
	if !known || spec.IsCustom(typeName) {
		return properties, nil
	}
	return checkProperties(id, table, properties)
}

// publishOutputs computes the outputs and guards the exports.
func (d *deployment) publishOutputs(ctx context.Context) string {
	e, s := d.engine, d.stack
	outputs, _, err := d.evaluator(ctx).outputs()
	if err != nil {
		return plainError(err).Error()
	}
	now := map[string]string{}
	for _, output := range outputs {
		if output.ExportName == "" {
			continue
		}
		if _, twice := now[output.ExportName]; twice {
			return "Duplicate export names: " + output.ExportName
		}
		now[output.ExportName] = output.Value
	}
	for _, export := range e.listExports(s.place) {
		if _, ours := now[export.Name]; ours && export.StackID != s.id {
			name := strings.Split(export.StackID, "/")[1]
			return "Export with name " + export.Name + " is already exported by stack " + name + ". Rename and update the stack again."
		}
	}
	for _, old := range s.outputs {
		if old.ExportName == "" {
			continue
		}
		value, stays := now[old.ExportName]
		if stays && value == old.Value {
			continue
		}
		importers := slices.DeleteFunc(e.importers(s.place, old.ExportName), func(name string) bool { return name == s.name })
		if len(importers) == 0 {
			continue
		}
		verb := "deleted"
		if stays {
			verb = "updated"
		}
		return fmt.Sprintf("Export %s cannot be %s as it is in use by %s", old.ExportName, verb, strings.Join(importers, ", "))
	}
	e.locked(func() { s.outputs, s.imports = outputs, maps.Clone(d.imports) })
	return ""
}

// complete ends a deployment that succeeded: what left the template and what was replaced is deleted.
func (d *deployment) complete(ctx context.Context) ending {
	e, s := d.engine, d.stack
	status := "CREATE_COMPLETE"
	if d.only {
		status = "IMPORT_COMPLETE"
	} else if !d.create {
		status = "UPDATE_COMPLETE"
		leaving := d.leaving()
		e.locked(func() { e.setStatus(s, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "") })
		e.cleanUp(ctx, s, leaving)
	}
	return func() {
		s.before = nil
		e.setStatus(s, status, "")
	}
}

// leaving lists the old resources that the stack no longer has, and takes those without a successor out of it.
func (d *deployment) leaving() []departure {
	e, s := d.engine, d.stack
	e.mu.Lock()
	defer e.mu.Unlock()
	list := s.discarded
	s.discarded = nil
	for _, id := range sortedKeys(s.before.resources) {
		old, now := s.before.resources[id], s.resources[id]
		if old.exists && now != nil && now.exists && now.physicalID != old.physicalID {
			list = append(list, departure{resource: old, policy: now.updateReplacePolicy})
		}
	}
	// What the template does not have any more, also if an earlier, failed update made it.
	for _, id := range sortedKeys(s.resources) {
		if _, stays := d.plan.graph[id]; stays {
			continue
		}
		list = append(list, departure{resource: s.resources[id], policy: s.resources[id].deletionPolicy, last: true})
	}
	return list
}

// departure is a physical resource on its way out.
type departure struct {
	resource *resource
	policy   string
	last     bool // the stack has no resource of this logical id any more
}

// cleanUp deletes departed resources, those first that others waited for last. A failure does not stop it: the stack is
// complete all the same, and the resource is left behind.
func (e *Engine) cleanUp(ctx context.Context, s *stack, list []departure) {
	byID := map[string][]departure{}
	graph := map[string][]string{}
	for _, one := range list {
		byID[one.resource.logicalID] = append(byID[one.resource.logicalID], one)
		graph[one.resource.logicalID] = append(graph[one.resource.logicalID], one.resource.dependsOn...)
	}
	order, done := reversed(graph), map[string]bool{}
	for len(done) < len(order) {
		wave := ready(order, done)
		if len(wave) == 0 {
			wave = undone(order, done)
		}
		delayed := false
		for _, id := range wave {
			done[id] = true
			for _, one := range byID[id] {
				if one.resource.exists && !delayed {
					delayed = true
					e.pause(ctx)
				}
				e.depart(ctx, s, one)
			}
		}
	}
}

func (e *Engine) depart(ctx context.Context, s *stack, one departure) {
	r := one.resource
	write := func(status, reason string) {
		e.locked(func() { e.resourceEvent(s, r, r.physicalID, status, reason) })
	}
	switch {
	case r.exists && (one.policy == "Retain" || one.policy == "RetainExceptOnCreate"):
		write("DELETE_SKIPPED", "")
	case !r.exists:
		write("DELETE_COMPLETE", "")
	default:
		write("DELETE_IN_PROGRESS", "")
		if err := e.options.Provisioner.Delete(ctx, s.environment(), r.asResource()); err != nil {
			write("DELETE_FAILED", err.Error())
		} else {
			write("DELETE_COMPLETE", "")
		}
	}
	if one.last {
		e.locked(func() { delete(s.resources, r.logicalID) })
	}
}
