package cfn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/intrinsic"
	"github.com/roadshow-go/roadshow/internal/spec"
)

// ResourceToImport names a resource that exists, for a change set of type IMPORT.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceToImport.html
type ResourceToImport struct {
	LogicalID string
	Type      string
	// Identifier is the type's primary identifier: the properties that identify a resource, with their values.
	Identifier map[string]string
}

// Importer takes resources into a stack that exist already. A Provisioner that is none has nothing to import.
type Importer interface {
	// Imports tells whether CloudFormation can import resources of a type.
	Imports(typeName string) bool
	// Find finds a resource by its primary identifier, and gives its physical id. The error is in AWS's words.
	Find(ctx context.Context, env Environment, typeName string, identifier map[string]string) (physicalID string, err error)
	// Import makes a resource that exists one of a stack, and leaves its properties as they are: CloudFormation does
	// not check that the template's configuration matches the actual one.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-manually.html
	Import(ctx context.Context, env Environment, desired Request, physicalID string) (Outcome, error)
}

// adoption is a resource that a plan imports, by its physical id.
type adoption struct {
	identifier map[string]string
	physicalID string
}

// importing is what a change set imports: what the template names and the account has, or what is listed.
type importing struct {
	existing bool
	listed   []ResourceToImport
}

// importReview is the status reason of a change set of type IMPORT that can be executed.
const importReview = "Verify that resources and their properties defined in the template match the intended configuration of the resource " +
	"import to avoid unexpected changes."

// Identifiers are the properties that identify a resource of a type to an import; none for a type that cannot be
// imported.
func (e *Engine) identifiers(typeName string) []string {
	table, known := spec.Lookup(typeName)
	if importer, can := e.options.Provisioner.(Importer); !can || !known || spec.IsCustom(typeName) || !importer.Imports(typeName) {
		return nil
	}
	return table.PrimaryIdentifier
}

// autoImports finds what a plan would create and the account has already: what has a name of its own in the template, by
// a primary identifier that the template gives. A name that only a deploy makes known is not looked for. The reason is
// why the change set fails.
//
// AWS's page asks for static names. The command's own bootstrap names its bucket by Fn::Sub of parameters and of the
// account, and CloudFormation imports it, so what is known before the deploy counts as static.
//
//   - https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
//   - https://github.com/aws/aws-cdk-cli/pull/1367 for the words
func (e *Engine) autoImports(ctx context.Context, s *stack, p *plan) (adoptions map[string]adoption, reason string) {
	adoptions = map[string]adoption{}
	var unretained []string
	owned := ""
	for _, id := range sortedKeys(p.graph) {
		if current := s.resources[id]; current != nil && current.exists {
			continue
		}
		declaration := p.template.resources[id]
		identifier := e.staticIdentifier(ctx, s, p, declaration)
		if identifier == nil {
			continue
		}
		physicalID, err := e.options.Provisioner.(Importer).Find(ctx, s.environment(), declaration.typeName, identifier)
		if err != nil {
			continue
		}
		adoptions[id] = adoption{identifier, physicalID}
		if policy := declaration.deletion(); policy != "Retain" && policy != "RetainExceptOnCreate" {
			unretained = append(unretained, fmt.Sprintf("%s ({%s})", id, shownIdentifier(identifier)))
		}
		if owner := e.holder(s.place, declaration.typeName, physicalID); owner != "" && owned == "" {
			owned = physicalID + " already exists in stack " + owner
		}
	}
	if len(unretained) > 0 {
		return nil, "CloudFormation is attempting to import some resources because they already exist in your account. The resources must have " +
			"the DeletionPolicy attribute set to 'Retain' or 'RetainExceptOnCreate' in the template for successful import. The affected " +
			"resources are " + strings.Join(unretained, ", ")
	}
	return adoptions, owned
}

// staticIdentifier is the primary identifier of a resource as the template gives it; nil where it does not, or where the
// type cannot be imported.
func (e *Engine) staticIdentifier(ctx context.Context, s *stack, p *plan, declaration *resourceDeclaration) map[string]string {
	table, known := spec.Lookup(declaration.typeName)
	properties := e.identifiers(declaration.typeName)
	if !known || len(properties) == 0 {
		return nil
	}
	v := e.evaluator(ctx, s, p)
	v.planning = true
	identifier := map[string]string{}
	for _, name := range properties {
		if table.Properties[name] == nil || declaration.properties[name] == nil {
			return nil // only AWS gives it: a read-only identifier, or a name that CloudFormation makes
		}
		value, err := v.Value(declaration.properties[name])
		text, scalar := intrinsic.ScalarText(value)
		if err != nil || !scalar || text == "" {
			return nil
		}
		identifier[name] = text
	}
	return identifier
}

func shownIdentifier(identifier map[string]string) string {
	var parts []string
	for _, name := range sortedKeys(identifier) {
		parts = append(parts, name+"="+identifier[name])
	}
	return strings.Join(parts, ", ")
}

// holder is the id of the live stack of a place that has a resource; empty where none has.
func (e *Engine) holder(at Place, typeName, physicalID string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.stacks {
		if s.place != at || s.gone {
			continue
		}
		for _, r := range s.resources {
			if r.exists && r.typeName == typeName && r.physicalID == physicalID {
				return s.id
			}
		}
	}
	return ""
}

// checkListed refuses a list of resources to import that does not fit the template, in the order in which AWS does.
// The words are those that AWS answers, as the tests of another emulator have measured them:
// https://github.com/ministackorg/ministack, tests of import change sets.
func (e *Engine) checkListed(t *template, listed []ResourceToImport) error {
	if len(listed) == 0 {
		return validationError("Must Provide at least one resource to import")
	}
	seen, undeclared := map[string]bool{}, []string{}
	for i, one := range listed {
		switch {
		case len(one.Identifier) == 0:
			return validationError(fmt.Sprintf("1 validation error detected: Value null at 'resourcesToImport.%d.member.resourceIdentifier' "+
				"failed to satisfy constraint: Member must not be null", i+1))
		case seen[one.LogicalID]:
			return validationError("Every resource to import must have unique LogicalResourceId")
		case t.resources[one.LogicalID] == nil:
			undeclared = append(undeclared, one.LogicalID)
		}
		seen[one.LogicalID] = true
	}
	if len(undeclared) > 0 {
		return validationError(fmt.Sprintf("The logical resource ids [%s] provided in ResourceToImport do not exist in the template.", strings.Join(undeclared, ", ")))
	}
	for _, one := range listed {
		expected := e.identifiers(one.Type)
		if expected == nil {
			// https://github.com/pbudzon/aws-maintenance/issues/16
			return validationError("The following resource types are not supported for resource import: " + one.Type)
		}
		if given := slices.Sorted(maps.Keys(one.Identifier)); !slices.Equal(given, slices.Sorted(slices.Values(expected))) {
			return validationError(fmt.Sprintf("Invalid resource identifier for resource type %s. Expected [%s]", one.Type, strings.Join(expected, ", ")))
		}
		if declared := t.resources[one.LogicalID].typeName; one.Type != declared {
			return validationError(fmt.Sprintf("Resource type of [%s] passed in ResourceToImport does not match with resource type defined in the "+
				"template. Resource type in ResourceToImport: %s; Resource type in Template: %s.", one.LogicalID, one.Type, declared))
		}
	}
	return nil
}

// checkOnlyImports refuses an import that would change anything else.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-manually.html
func checkOnlyImports(s *stack, t *template, listed []ResourceToImport, changes []Change, tags []Tag, role string) error {
	var added, modified, ids []string
	for _, one := range listed {
		ids = append(ids, one.LogicalID)
	}
	for _, change := range changes {
		if change.Action == "Add" {
			added = append(added, change.LogicalID)
		} else {
			modified = append(modified, change.LogicalID)
		}
	}
	without := func(all, others []string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(others, id) })
	}
	unprotected := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return t.resources[id].deletionPolicy != nil })
	named := func(format string, list []string) error {
		return validationError(fmt.Sprintf(format, strings.Join(list, ", ")))
	}
	switch {
	case len(added) == 0:
		return validationError("The template should contain at least one new resource to import.")
	case len(without(ids, added)) > 0:
		return named("Resources [%s] passed in ResourceToImport are already in a stack and cannot be imported.", without(ids, added))
	case len(without(added, ids)) > 0:
		return named("Resources [%s] is missing from ResourceToImport list", without(added, ids))
	case len(modified) > 0:
		return named("You have modified resources [%s] in your template that are not being imported. Update, create or delete operations "+
			"cannot be executed during import operations.", modified)
	case len(unprotected) > 0:
		return named("The following resources to import [%s] must have DeletionPolicy attribute specified in the template.", unprotected)
	}
	var others []string
	if s.template == nil && len(t.outputs) > 0 || s.template != nil && !reflect.DeepEqual(s.template.outputs, t.outputs) {
		others = append(others, "Outputs")
	}
	// The command always sends a role; it is named beside tags that are not the stack's.
	if !slices.Equal(tags, s.tags) {
		if role != s.roleARN {
			others = append(others, "RoleArn")
		}
		others = append(others, "Tags")
	}
	if len(others) > 0 {
		return named("As part of the import operation, you cannot modify or add [%s]", others)
	}
	return nil
}

// listedImports finds what is listed. The reason is why the change set fails.
func (e *Engine) listedImports(ctx context.Context, s *stack, listed []ResourceToImport) (adoptions map[string]adoption, reason string) {
	adoptions = map[string]adoption{}
	for _, one := range listed {
		physicalID, err := e.options.Provisioner.(Importer).Find(ctx, s.environment(), one.Type, one.Identifier)
		if err != nil {
			return nil, err.Error()
		}
		if owner := e.holder(s.place, one.Type, physicalID); owner != "" {
			return nil, physicalID + " already exists in stack " + owner
		}
		adoptions[one.LogicalID] = adoption{one.Identifier, physicalID}
	}
	return adoptions, ""
}

// asImports shows what is imported in place of what would be created.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
func asImports(changes []Change, adoptions map[string]adoption) []Change {
	for i, change := range changes {
		if found, imported := adoptions[change.LogicalID]; imported && change.Action == "Add" {
			changes[i].Action, changes[i].PhysicalID = "Import", found.physicalID
		}
	}
	return changes
}

// take imports one resource, and applies the stack's tags to it. The events are those that people have seen.
//   - https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import-existing-stack.html
//   - https://aws.amazon.com/blogs/aws/new-import-existing-resources-into-a-cloudformation-stack/
func (d *deployment) take(ctx context.Context, w work, request Request) bool {
	importer, can := d.engine.options.Provisioner.(Importer)
	if !can {
		return d.fail(w, errors.New("the provisioner imports nothing"))
	}
	made, err := importer.Import(ctx, d.env, request, d.plan.adoptions[w.id].physicalID)
	if err != nil {
		return d.fail(w, err)
	}
	d.change(w.id, "IMPORT_IN_PROGRESS", "", d.adopt(w, request.Properties, made))
	d.change(w.id, "IMPORT_COMPLETE", "Resource import completed.", nil)
	d.change(w.id, "UPDATE_IN_PROGRESS", "Apply stack-level tags to imported resource if applicable.", nil)
	d.change(w.id, "UPDATE_COMPLETE", "", nil)
	return true
}

// rollBackImport takes what an import has taken out of the stack again, and touches none of it.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
func (e *Engine) rollBackImport(s *stack, reason string) ending {
	e.locked(func() {
		s.operation.becomesRollback()
		e.setStatus(s, "IMPORT_ROLLBACK_IN_PROGRESS", reason)
	})
	for _, id := range sortedKeys(s.resources) {
		if s.before.resources[id] != nil {
			continue
		}
		e.changeResource(s, id, "IMPORT_ROLLBACK_IN_PROGRESS", "", nil)
		e.changeResource(s, id, "IMPORT_ROLLBACK_COMPLETE", "", nil)
		e.locked(func() { delete(s.resources, id) })
	}
	return func() {
		before := s.before
		s.settings, s.outputs, s.imports, s.before = before.settings, before.outputs, before.imports, nil
		e.setStatus(s, "IMPORT_ROLLBACK_COMPLETE", "")
	}
}

// canImport tells whether the provisioner has anything to import.
func (e *Engine) canImport() bool {
	_, can := e.options.Provisioner.(Importer)
	return can
}
