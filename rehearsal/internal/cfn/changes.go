package cfn

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/intrinsic"
	"github.com/roadshow-go/roadshow/internal/offered"
	"github.com/roadshow-go/roadshow/internal/spec"
)

// plan is a template with its parameters, ready to be carried out on a stack.
type plan struct {
	template   *template
	parameters map[string]parameterValue
	tags       []Tag
	conditions map[string]bool
	graph      map[string][]string
	adoptions  map[string]adoption // what is imported, by logical id
	topics     []string
}

// plan checks all that is refused before anything starts. Its errors are those of the call.
func (e *Engine) plan(
	ctx context.Context, at Place, s *stack, body string, inputs []ParameterInput, tags []Tag, topics []string,
) (*plan, error) {
	t, err := parseTemplate(body)
	if err != nil {
		return nil, err
	}
	if unknown := t.unknownTypes(at.Region); len(unknown) > 0 {
		return nil, validationError("Template format error: Unrecognized resource types: [" + strings.Join(unknown, ", ") + "]")
	}
	values, err := e.resolveParameters(ctx, at, t, inputs, s.parameters)
	if err != nil {
		return nil, err
	}
	p := &plan{template: t, parameters: values, tags: tags, topics: topics}
	if err := e.evaluator(ctx, s, p).checkRules(); err != nil {
		return nil, err
	}
	return p, e.arrange(ctx, s, p)
}

// unknownTypes are the resource types that are in no table, or that the region lacks. CloudFormation refuses both in the same
// words, before it looks any further.
// https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/904
func (t *template) unknownTypes(region string) []string {
	var unknown []string
	for _, id := range sortedKeys(t.resources) {
		name := t.resources[id].typeName
		_, known := spec.Lookup(name)
		if (!known && !spec.IsCustom(name) || !offered.In(region, name)) && !slices.Contains(unknown, name) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// arrange computes a plan's conditions, and from them its order.
func (e *Engine) arrange(ctx context.Context, s *stack, p *plan) (err error) {
	v := e.evaluator(ctx, s, p)
	if err := v.EvaluateConditions(); err != nil {
		return err
	}
	p.conditions = v.Holds()
	p.graph, err = v.dependencies()
	return err
}

// typeChanges are the resources whose type a plan would change, which CloudFormation refuses.
func (p *plan) typeChanges(s *stack) []string {
	var changed []string
	for _, id := range sortedKeys(p.graph) {
		if current := s.resources[id]; current != nil && current.exists && current.typeName != p.template.resources[id].typeName {
			changed = append(changed, id)
		}
	}
	return changed
}

// comparison is what a plan means for one resource.
type comparison struct {
	change   Change
	replaces bool // for certain
	err      error
}

// changes computes what a plan does to a stack, resource by resource in the order of dependency, so that what a
// replacement drags along is known. other says whether something else changes: outputs.
func (e *Engine) changes(ctx context.Context, s *stack, p *plan) (list []Change, other bool, err error) {
	results := map[string]comparison{}
	done := map[string]bool{}
	for wave := ready(p.graph, done); len(wave) > 0; wave = ready(p.graph, done) {
		for _, id := range wave {
			result := e.compare(ctx, s, p, id, results)
			if result.err != nil {
				return nil, false, result.err
			}
			results[id] = result
		}
		for _, id := range wave {
			done[id] = true
		}
	}
	for _, id := range sortedKeys(results) {
		if results[id].change.Action != "" {
			list = append(list, results[id].change)
		}
	}
	for _, id := range sortedKeys(s.resources) {
		current := s.resources[id]
		if _, stays := p.graph[id]; stays || !current.exists {
			continue
		}
		list = append(list, Change{
			Action: "Remove", LogicalID: id, PhysicalID: current.physicalID, Type: current.typeName,
			PolicyAction: policyAction(current.deletionPolicy),
		})
	}
	v := e.evaluator(ctx, s, p)
	v.planning = true
	v.resource = func(id string) (*resource, bool) {
		r := s.resources[id]
		return r, r != nil && r.exists && !results[id].replaces
	}
	outputs, pending, err := v.outputs()
	// Where an output waits for a resource, that resource's change speaks for it.
	return list, pending == "" && !slices.Equal(outputs, s.outputs), err
}

func policyAction(policy string) string {
	switch policy {
	case "Retain", "RetainExceptOnCreate":
		return "Retain"
	case "Snapshot":
		return "Snapshot"
	}
	return "Delete"
}

// compare finds how one resource of a plan differs from what the stack has.
func (e *Engine) compare(ctx context.Context, s *stack, p *plan, id string, earlier map[string]comparison) comparison {
	declaration := p.template.resources[id]
	current := s.resources[id]
	exists := current != nil && current.exists
	v := e.evaluator(ctx, s, p)
	v.planning = true
	v.resource = func(other string) (*resource, bool) {
		r := s.resources[other]
		return r, r != nil && r.exists && !earlier[other].replaces
	}
	values := map[string]any{}
	touched := map[string][]intrinsic.Reference{}
	for _, name := range sortedKeys(declaration.properties) {
		v.touched = func(r intrinsic.Reference) { touched[name] = append(touched[name], r) }
		value, err := v.Value(declaration.properties[name])
		if err != nil {
			return comparison{err: err}
		}
		if _, removed := value.(intrinsic.NoValue); !removed {
			values[name] = value
		}
	}
	if !exists {
		return comparison{change: Change{Action: "Add", LogicalID: id, Type: declaration.typeName}}
	}
	result := comparison{change: Change{LogicalID: id, PhysicalID: current.physicalID, Type: declaration.typeName}}
	desired, err := declaredProperties(id, declaration.typeName, values, p.tags)
	if err != nil {
		// Wrong properties fail the resource, not the change set; until then they are compared as they are.
		desired = plainNumbers(cloneMap(values)).(map[string]any)
	}
	table, _ := spec.Lookup(declaration.typeName)
	var replacement spec.Replacement
	note := func(detail ChangeDetail, scope string, replaces spec.Replacement) {
		if replaces == spec.Always && detail.Evaluation == "Dynamic" {
			replaces = spec.Maybe
		}
		replacement = max(replacement, replaces)
		result.change.Details = append(result.change.Details, detail)
		if !slices.Contains(result.change.Scope, scope) {
			result.change.Scope = append(result.change.Scope, scope)
		}
	}
	for _, name := range unionKeys(current.declared, desired) {
		before, after := current.declared[name], desired[name]
		// A resource that failed has properties nobody knows, so that it is tried again.
		same := reflect.DeepEqual(before, after) && current.status != "UPDATE_FAILED"
		causes := causesOf(touched[name], earlier, p, s)
		if same && !slices.ContainsFunc(causes, func(c cause) bool { return c.dynamic }) {
			continue
		}
		detail := ChangeDetail{
			Attribute: "Properties", Name: name, RequiresRecreation: "Never", Evaluation: "Static",
			ChangeSource: "DirectModification", Path: "/Properties/" + name,
		}
		replaces := spec.Never
		if table != nil && table.Properties[name] != nil {
			replaces = table.Properties[name].Replaces
			if table.TagProperty == name {
				detail.Attribute, detail.Name, detail.Path = "Tags", "", "/Properties/"+name
			}
		}
		detail.RequiresRecreation = map[spec.Replacement]string{
			spec.Never: "Never", spec.Maybe: "Conditionally", spec.Always: "Always",
		}[replaces]
		if !containsUnknown(before) && !containsUnknown(after) {
			detail.Before, detail.After = shownValue(before), shownValue(after)
		}
		direct := !reflect.DeepEqual(current.template[name], declaration.properties[name])
		// A change in the template's own text is static, unless what it came to is not known.
		if same || containsUnknown(after) {
			detail.Evaluation = "Dynamic"
		}
		if len(causes) > 0 && !direct {
			for _, c := range causes {
				one := detail
				one.ChangeSource, one.CausingEntity = c.source, c.entity
				if !c.dynamic {
					one.Evaluation = "Static"
				}
				note(one, detail.Attribute, replaces)
			}
			continue
		}
		note(detail, detail.Attribute, replaces)
	}
	for attribute, changed := range map[string]bool{
		"DeletionPolicy":      current.deletionPolicy != declaration.deletion(),
		"UpdateReplacePolicy": current.updateReplacePolicy != declaration.replacement(),
		"Metadata":            !reflect.DeepEqual(current.metadata, declaration.metadata),
	} {
		if changed {
			note(ChangeDetail{
				Attribute: attribute, RequiresRecreation: "Never", Evaluation: "Static", ChangeSource: "DirectModification",
				Path: "/" + attribute,
			}, attribute, spec.Never)
		}
	}
	if len(result.change.Details) == 0 {
		return comparison{}
	}
	slices.Sort(result.change.Scope)
	slices.SortStableFunc(result.change.Details, func(a, b ChangeDetail) int {
		if a.Path < b.Path {
			return -1
		}
		return boolToInt(a.Path > b.Path)
	})
	result.change.Action = "Modify"
	result.change.Replacement = map[spec.Replacement]string{spec.Never: "False", spec.Maybe: "Conditional", spec.Always: "True"}[replacement]
	result.replaces = replacement == spec.Always
	if replacement != spec.Never {
		result.change.PolicyAction = "ReplaceAnd" + policyAction(declaration.replacement())
	}
	return result
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

type cause struct {
	source  string
	entity  string
	dynamic bool
}

// causesOf explains a property's change by what it refers to.
func causesOf(references []intrinsic.Reference, earlier map[string]comparison, p *plan, s *stack) []cause {
	var causes []cause
	add := func(c cause) {
		if !slices.Contains(causes, c) {
			causes = append(causes, c)
		}
	}
	for _, r := range references {
		if p.template.parameters[r.Name] != nil {
			if old, had := s.parameters[r.Name]; had && old.resolved != p.parameters[r.Name].resolved {
				add(cause{source: "ParameterReference", entity: r.Name})
			}
			continue
		}
		other, compared := earlier[r.Name]
		switch {
		case !compared || other.change.Action != "Modify":
		case r.GetAtt && modifiesProperties(other.change):
			add(cause{source: "ResourceAttribute", entity: r.Name + "." + r.Attribute, dynamic: true})
		case !r.GetAtt && other.replaces:
			add(cause{source: "ResourceReference", entity: r.Name, dynamic: true})
		}
	}
	return causes
}

// modifiesProperties says whether a change can move an attribute; new metadata cannot.
func modifiesProperties(c Change) bool { return slices.Contains(c.Scope, "Properties") }

func shownValue(value any) string {
	if text, ok := intrinsic.ScalarText(value); ok {
		return text
	}
	return encodeJSON(value)
}

func unionKeys(a, b map[string]any) []string {
	both := map[string]bool{}
	for key := range a {
		both[key] = true
	}
	for key := range b {
		both[key] = true
	}
	return sortedKeys(both)
}

// outputs computes the outputs whose condition holds, sorted by key, as far as nothing is pending: a resource that one of
// them waits for.
func (v *evaluator) outputs() (list []Output, pending string, err error) {
	for _, key := range sortedKeys(v.template.outputs) {
		declaration := v.template.outputs[key]
		if !v.Live(declaration.condition) {
			continue
		}
		output := Output{Key: key, Description: declaration.description}
		for target, node := range map[*string]any{&output.Value: declaration.value, &output.ExportName: declaration.exportName} {
			if node == nil {
				continue
			}
			value, err := v.Value(node)
			if err != nil {
				return nil, "", err
			}
			if waits, ok := value.(intrinsic.Unknown); ok {
				pending = waits.From.Name
				continue
			}
			text, ok := intrinsic.ScalarText(value)
			if !ok {
				return nil, "", intrinsic.FormatError("The Value field of every Outputs member must evaluate to a String.")
			}
			*target = text
		}
		list = append(list, output)
	}
	return list, pending, nil
}
