package cfn

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"github.com/roadshow-go/roadshow/internal/intrinsic"
	"github.com/roadshow-go/roadshow/internal/spec"
)

// evaluator computes values for one template in one stack.
type evaluator struct {
	*intrinsic.Evaluator
	engine     *Engine
	at         Place
	template   *template
	parameters map[string]parameterValue
	planning   bool // an attribute that a resource lacks may appear with the update

	// resource gives the state of a live resource; false means that it is not made yet.
	resource func(id string) (*resource, bool)
	// imported notes each export that was read.
	imported func(name string)
	// touched, if set, is told of every reference that is evaluated.
	touched func(intrinsic.Reference)
}

func (e *Engine) evaluator(_ context.Context, s *stack, p *plan) *evaluator {
	v := &evaluator{
		engine: e, at: s.place, template: p.template, parameters: p.parameters,
		resource: func(id string) (*resource, bool) { r := s.resources[id]; return r, r != nil && r.exists },
	}
	v.Evaluator = &intrinsic.Evaluator{
		Account: s.place.Account, Region: s.place.Region, StackName: s.name, StackID: s.id, Topics: append([]string{}, p.topics...),
		Mappings: p.template.mappings, Conditions: p.template.conditions,
		Ref: v.ref, Attribute: v.attribute, Zones: v.zones, Import: v.importValue,
	}
	v.SetConditions(p.conditions)
	return v
}

func (v *evaluator) zones(region string) (any, error) {
	zones := []any{}
	for _, zone := range v.engine.zones(Place{Account: v.at.Account, Region: region}) {
		zones = append(zones, zone)
	}
	return zones, nil
}

func (v *evaluator) importValue(export string) (any, error) {
	value, ok := v.engine.exportValue(v.at, export)
	if !ok {
		return nil, validationError("No export named " + export + " found.")
	}
	if v.imported != nil {
		v.imported(export)
	}
	return value, nil
}

func (v *evaluator) touch(r intrinsic.Reference) {
	if v.touched != nil {
		v.touched(r)
	}
}

// ref is what a parameter or a resource gives.
func (v *evaluator) ref(target string) (any, error) {
	v.touch(intrinsic.Reference{Name: target})
	if p := v.template.parameters[target]; p != nil {
		value := v.parameters[target].resolved
		if !p.isList() {
			return value, nil
		}
		list := []any{}
		for _, element := range splitList(value) {
			list = append(list, element)
		}
		return list, nil
	}
	r, made, err := v.target(target)
	if err != nil {
		return nil, err
	}
	if !made {
		return intrinsic.NewUnknown(intrinsic.Reference{Name: target}), nil
	}
	return r.physicalID, nil
}

// target finds a resource that is referred to. One whose condition is false is as good as absent.
func (v *evaluator) target(id string) (*resource, bool, error) {
	declaration := v.template.resources[id]
	if declaration == nil || !v.Live(declaration.condition) || v.resource == nil {
		return nil, false, intrinsic.FormatError("Unresolved resource dependencies [%s] in the Resources block of the template", id)
	}
	r, made := v.resource(id)
	return r, made, nil
}

func (v *evaluator) attribute(id, name string) (any, error) {
	from := intrinsic.Reference{Name: id, Attribute: name, GetAtt: true}
	v.touch(from)
	r, made, err := v.target(id)
	if err != nil {
		return nil, err
	}
	if err := v.template.checkAttribute(from); err != nil {
		return nil, err // a computed name was not checked with the template
	}
	if !made {
		return intrinsic.NewUnknown(from), nil
	}
	if value, ok := attributeValue(r.attributes, name); ok {
		return intrinsic.Clone(value), nil
	}
	if v.planning {
		return intrinsic.NewUnknown(from), nil
	}
	if spec.IsCustom(r.typeName) {
		// These are the words of https://github.com/aws/aws-cdk/issues/29949.
		return nil, validationError("CustomResource attribute error: Vendor response doesn't contain " + name + " attribute in object " + r.physicalID)
	}
	return nil, validationError("Attribute '" + name + "' does not exist") // the words of a handler that returned none
}

// attributeValue finds an attribute, or a part of one: Endpoint.Address in Endpoint.
func attributeValue(attributes map[string]any, name string) (any, bool) {
	if value, ok := attributes[name]; ok && value != nil {
		return value, true
	}
	for i := range name {
		if name[i] != '.' {
			continue
		}
		if inner, ok := attributes[name[:i]].(map[string]any); ok {
			return attributeValue(inner, name[i+1:])
		}
	}
	return nil, false
}

var dynamicReference = regexp.MustCompile(`\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]+)\}\}`)

func hasDynamicReference(text string) bool { return strings.Contains(text, "{{resolve:") }

// resolveDynamic replaces {{resolve:…}} in the strings of a value. CloudFormation does so when it makes the resource, not
// when it compares templates.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
func (e *Engine) resolveDynamic(ctx context.Context, at Place, node any) (any, error) {
	switch node := node.(type) {
	case []any:
		list := make([]any, len(node))
		for i, element := range node {
			value, err := e.resolveDynamic(ctx, at, element)
			if err != nil {
				return nil, err
			}
			list[i] = value
		}
		return list, nil
	case map[string]any:
		object := make(map[string]any, len(node))
		for key, element := range node {
			value, err := e.resolveDynamic(ctx, at, element)
			if err != nil {
				return nil, err
			}
			object[key] = value
		}
		return object, nil
	case string:
		if !hasDynamicReference(node) {
			return node, nil
		}
		var problem error
		text := dynamicReference.ReplaceAllStringFunc(node, func(match string) string {
			parts := dynamicReference.FindStringSubmatch(match)
			value, err := e.dynamicValue(ctx, at, parts[1], parts[2])
			problem = errors.Join(problem, err)
			return value
		})
		if problem == nil && hasDynamicReference(text) {
			problem = validationError("Incorrect format is used in the following SSM reference: [" + text + "]")
		}
		return text, problem
	}
	return node, nil
}

func (e *Engine) dynamicValue(ctx context.Context, at Place, service, rest string) (string, error) {
	if service == "secretsmanager" {
		if e.options.Secret == nil {
			return "", reasonError("Secrets Manager can't find the specified secret.")
		}
		return e.options.Secret(ctx, at, rest)
	}
	name, version, _ := strings.Cut(rest, ":")
	value, err := e.readParameter(ctx, at, name, version)
	if err != nil {
		return "", validationError("Parameters: [" + service + ":" + rest + "] could not be found.")
	}
	return value, nil
}

func cloneMap(object map[string]any) map[string]any {
	clone, _ := intrinsic.Clone(object).(map[string]any)
	return clone
}

// plainNumbers turns a template's numbers into int64 and float64, for values that no table describes.
func plainNumbers(value any) any {
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = plainNumbers(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = plainNumbers(value[key])
		}
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return whole
		}
		if fraction, err := value.Float64(); err == nil {
			return fraction
		}
		return value.String()
	}
	return value
}

// containsUnknown says whether a part of a value is not known yet.
func containsUnknown(value any) bool {
	waits, _ := intrinsic.Waits(value)
	return waits
}
