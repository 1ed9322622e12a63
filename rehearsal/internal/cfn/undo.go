package cfn

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// rollBack brings a stack back to its last stable state. The reason is that of the failure. Resources in skip are taken
// to be back already.
func (e *Engine) rollBack(ctx context.Context, s *stack, reason string, skip []string) ending {
	e.locked(func() { s.operation.becomesRollback() })
	if s.before.status == "" {
		return e.rollBackCreation(ctx, s, reason)
	}
	e.locked(func() { e.setStatus(s, "UPDATE_ROLLBACK_IN_PROGRESS", reason) })
	failed := e.restore(ctx, s, skip)
	if len(failed) > 0 {
		return func() {
			e.setStatus(s, "UPDATE_ROLLBACK_FAILED", "The following resource(s) failed to update: ["+strings.Join(failed, ", ")+"]. ")
		}
	}
	leaving := e.strays(s)
	e.locked(func() { e.setStatus(s, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "") })
	e.cleanUp(ctx, s, leaving)
	return func() {
		before := s.before
		s.settings, s.outputs, s.imports = before.settings, before.outputs, before.imports
		for id, old := range before.resources {
			now := s.resources[id]
			status, updated := now.status, now.updated
			*now = *old
			now.status, now.reason, now.updated, now.changed = status, "", updated, false
		}
		s.before = nil
		e.setStatus(s, "UPDATE_ROLLBACK_COMPLETE", "")
	}
}

// restore gives every changed resource its old properties, in the order of the old template's dependencies, and lists
// those that failed.
func (e *Engine) restore(ctx context.Context, s *stack, skip []string) []string {
	graph := map[string][]string{}
	for id, old := range s.before.resources {
		graph[id] = old.dependsOn
	}
	var failed []string
	done := map[string]bool{}
	for wave := ready(graph, done); len(wave) > 0; wave = ready(graph, done) {
		for _, id := range wave {
			done[id] = true
			now, old := s.resources[id], s.before.resources[id]
			if !now.changed && now.status != "UPDATE_FAILED" {
				continue
			}
			if now.exists && now.physicalID != old.physicalID {
				// The old resource was never touched: it only counts again.
				e.locked(func() {
					s.discarded = append(s.discarded, departure{resource: now.snapshot(), policy: "Delete"})
				})
				e.changeResource(s, id, "UPDATE_COMPLETE", "", func(r *resource) { *r = *old })
				continue
			}
			same := reflect.DeepEqual(now.properties, old.properties) && now.status != "UPDATE_FAILED"
			if slices.Contains(skip, id) || !old.exists || !now.changed || same {
				e.changeResource(s, id, "UPDATE_COMPLETE", "", func(r *resource) { r.changed = false })
				continue
			}
			e.changeResource(s, id, "UPDATE_IN_PROGRESS", "", nil)
			e.pause(ctx)
			request := Request{Type: old.typeName, LogicalID: id, Properties: cloneMap(old.properties)}
			made, err := e.options.Provisioner.Update(ctx, s.environment(), now.asResource(), request)
			if err != nil {
				failed = append(failed, id)
				e.changeResource(s, id, "UPDATE_FAILED", err.Error(), nil)
				continue
			}
			e.locked(func() { old.attributes = cloneMap(madeOf(made, old).Attributes) })
			e.changeResource(s, id, "UPDATE_COMPLETE", "", func(r *resource) {
				r.declared, r.properties, r.changed = old.declared, old.properties, false
			})
		}
	}
	return failed
}

// strays lists what a failed update made: new resources, and the new halves of replacements.
func (e *Engine) strays(s *stack) []departure {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := s.discarded
	s.discarded = nil
	for _, id := range sortedKeys(s.resources) {
		if now := s.resources[id]; s.before.resources[id] == nil {
			list = append(list, departure{resource: now, policy: s.policyAfterFailure(now), last: true})
		}
	}
	return list
}

// policyAfterFailure is what happens to a resource that was made by an operation that failed. One that it imported stays
// under any policy: RetainExceptOnCreate deletes newly created resources, but retains existing ones.
//   - https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
//   - https://docs.aws.amazon.com/boto3/latest/reference/services/cloudformation/client/describe_stacks.html
func (s *stack) policyAfterFailure(r *resource) string {
	if r.imported || r.deletionPolicy == "Retain" && !s.retainExceptOnCreate {
		return "Retain"
	}
	return "Delete"
}

func (e *Engine) rollBackCreation(ctx context.Context, s *stack, reason string) ending {
	e.locked(func() { e.setStatus(s, "ROLLBACK_IN_PROGRESS", reason+"Rollback requested by user.") })
	failed := e.deleteAll(ctx, s, s.policyAfterFailure)
	// A creation that failed without rollback may have been repaired in part by updates, which replaced resources.
	var discarded []departure
	e.locked(func() { discarded, s.discarded = s.discarded, nil })
	e.cleanUp(ctx, s, discarded)
	return func() {
		s.outputs, s.imports = nil, map[string]bool{}
		if len(failed) > 0 {
			e.setStatus(s, "ROLLBACK_FAILED", "The following resource(s) failed to delete: ["+strings.Join(failed, ", ")+"]. ")
			return
		}
		s.before = nil
		e.setStatus(s, "ROLLBACK_COMPLETE", "")
	}
}

// deleteAll deletes a stack's resources, each after those that need it, and lists those that failed. What a failed one
// stands on is left alone.
func (e *Engine) deleteAll(ctx context.Context, s *stack, policy func(*resource) string) []string {
	graph := map[string][]string{}
	for id, r := range s.resources {
		graph[id] = r.dependsOn
	}
	order, done := reversed(graph), map[string]bool{}
	stuck := map[string]bool{}
	var failed []string
	for {
		wave := slices.DeleteFunc(ready(order, done), func(id string) bool { return stuck[id] })
		if len(wave) == 0 && len(failed) == 0 {
			wave = undone(order, done)
		}
		if len(wave) == 0 {
			slices.Sort(failed)
			return failed
		}
		var todo []string
		for _, id := range wave {
			r := s.resources[id]
			switch kept := policy(r); {
			case !r.exists:
				done[id] = true
				if r.status != "DELETE_COMPLETE" && r.status != "DELETE_SKIPPED" {
					e.changeResource(s, id, "DELETE_COMPLETE", "", nil)
				}
			case kept == "Retain" || kept == "RetainExceptOnCreate":
				done[id] = true
				e.changeResource(s, id, "DELETE_SKIPPED", "", func(r *resource) { r.exists = false })
			default:
				e.changeResource(s, id, "DELETE_IN_PROGRESS", "", nil)
				todo = append(todo, id)
			}
		}
		if len(todo) > 0 {
			e.pause(ctx)
		}
		for _, id := range todo {
			if err := e.options.Provisioner.Delete(ctx, s.environment(), s.resources[id].asResource()); err != nil {
				e.changeResource(s, id, "DELETE_FAILED", err.Error(), nil)
				failed, stuck[id] = append(failed, id), true
				continue
			}
			e.changeResource(s, id, "DELETE_COMPLETE", "", func(r *resource) { r.exists = false })
			done[id] = true
		}
	}
}

func (e *Engine) deleteStack(_ context.Context, at Place, in DeleteStackInput) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(at, in.StackName)
	if s == nil || s.gone {
		return nil
	}
	if s.protection {
		return validationError("Stack [" + s.name + "] cannot be deleted while TerminationProtection is enabled")
	}
	if len(in.RetainResources) > 0 {
		if s.status != "DELETE_FAILED" {
			return validationError("Invalid operation on stack [" + s.id + "]. When you delete a stack, specify which resources to retain only when the stack is in the DELETE_FAILED state.")
		}
		for _, id := range in.RetainResources {
			if s.resources[id] == nil {
				return validationError("Invalid operation on stack [" + s.id + "]. The following resources do not exist: [" + id + "]")
			}
		}
	}
	if e.closed {
		return errClosed
	}
	switch {
	case s.status == "DELETE_IN_PROGRESS":
		return nil
	case s.status == "REVIEW_IN_PROGRESS":
		e.setStatus(s, "DELETE_IN_PROGRESS", "User Initiated")
		e.finishDeletion(s)
		return nil
	}
	// The deletion is not over when this returns, but the status says at once that it has begun.
	d := deletion{retain: slices.Clone(in.RetainResources), force: in.Force, previous: s.status}
	running := s.operation
	if running != nil {
		if s.status != "CREATE_IN_PROGRESS" {
			return validationError(fmt.Sprintf("Stack [%s] cannot be deleted while in status %s", s.name, s.status))
		}
		running.cancelled = true
	}
	e.start(s, "DELETE_STACK", in.ClientToken, func(ctx context.Context, _ *operation) ending {
		if running != nil {
			<-running.done
		}
		return e.deleteResources(ctx, s, d)
	})
	e.setStatus(s, "DELETE_IN_PROGRESS", "User Initiated")
	return nil
}

// deletion is how a stack is deleted.
type deletion struct {
	retain   []string
	force    bool
	previous string // the status to return to if an export is in use
}

// deleteResources deletes a stack that is in DELETE_IN_PROGRESS, from within its operation.
func (e *Engine) deleteResources(ctx context.Context, s *stack, d deletion) ending {
	for _, output := range s.outputs {
		if output.ExportName == "" {
			continue
		}
		if users := e.importers(s.place, output.ExportName); len(users) > 0 {
			// Nothing was deleted, and the stack is what it was.
			return func() {
				e.setStatus(s, d.previous, "Export "+output.ExportName+" cannot be deleted as it is in use by "+strings.Join(users, " and "))
			}
		}
	}
	// A stack in the middle of a failed update also has the old halves of its replacements.
	if s.before != nil {
		var old []departure
		e.locked(func() {
			for _, id := range sortedKeys(s.before.resources) {
				was, now := s.before.resources[id], s.resources[id]
				if was.exists && (now == nil || now.physicalID != was.physicalID) {
					old = append(old, departure{resource: was, policy: was.deletionPolicy})
				}
			}
			old = append(old, s.discarded...)
			s.before, s.discarded = nil, nil
		})
		e.cleanUp(ctx, s, old)
	}
	failed := e.deleteAll(ctx, s, func(r *resource) string {
		if slices.Contains(d.retain, r.logicalID) {
			return "Retain"
		}
		return r.deletionPolicy
	})
	return func() {
		if len(failed) > 0 && !d.force {
			e.setStatus(s, "DELETE_FAILED", "The following resource(s) failed to delete: ["+strings.Join(failed, ", ")+"]. ")
			return
		}
		e.finishDeletion(s)
	}
}

// finishDeletion is called under mu.
func (e *Engine) finishDeletion(s *stack) {
	s.gone, s.deleted = true, e.options.Clock()
	s.outputs, s.changeSets, s.imports, s.before = nil, nil, map[string]bool{}, nil
	e.setStatus(s, "DELETE_COMPLETE", "")
}

func (e *Engine) continueUpdateRollback(_ context.Context, at Place, name string, skip []string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(at, name)
	if s == nil || s.gone {
		return notThere(name)
	}
	if s.status != "UPDATE_ROLLBACK_FAILED" {
		return validationError(fmt.Sprintf("Stack:%s is in %s state and can not continue rolling back.", s.id, s.status))
	}
	for _, id := range skip {
		if r := s.resources[id]; r == nil || r.status != "UPDATE_FAILED" {
			return validationError("Resource [" + id + "] cannot be skipped, it is not in UPDATE_FAILED state")
		}
	}
	if e.closed {
		return errClosed
	}
	skip = slices.Clone(skip)
	e.start(s, "CONTINUE_ROLLBACK", "", func(ctx context.Context, _ *operation) ending { return e.rollBack(ctx, s, "User Initiated", skip) })
	s.status = "UPDATE_ROLLBACK_IN_PROGRESS" // at once, so that a second call is refused
	return nil
}

func (e *Engine) rollbackStack(_ context.Context, at Place, name string, retainExceptOnCreate bool) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(at, name)
	if s == nil || s.gone {
		return "", notThere(name)
	}
	if s.before == nil || s.status != "CREATE_FAILED" && s.status != "UPDATE_FAILED" {
		return "", validationError(fmt.Sprintf("Stack:%s is in %s state and can not be rolled back.", s.id, s.status))
	}
	if e.closed {
		return "", errClosed
	}
	s.retainExceptOnCreate = retainExceptOnCreate
	status := "UPDATE_ROLLBACK_IN_PROGRESS"
	if s.before.status == "" {
		status = "ROLLBACK_IN_PROGRESS"
	}
	e.start(s, "ROLLBACK", "", func(ctx context.Context, _ *operation) ending { return e.rollBack(ctx, s, "User Initiated. ", nil) })
	s.status = status
	return s.id, nil
}
