package cfn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/roadshow-go/roadshow/internal/intrinsic"
	"github.com/roadshow-go/roadshow/internal/spec"
)

// A template's values are string, bool, json.Number, []any and map[string]any. Numbers keep the text they were written
// with, since an account id or a version that is given to a string property must arrive unchanged. Short YAML forms are
// expanded: !Ref X is {"Ref": "X"}.

// Quotas of a template.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const (
	maxBodyBytes   = 51_200
	maxObjectBytes = 1_000_000
	maxResources   = 500
	maxParameters  = 200
	maxOutputs     = 200
	maxMappings    = 200
)

type template struct {
	body        string
	version     string
	description string
	metadata    any
	transforms  []string
	parameters  map[string]*parameterDeclaration
	rules       map[string]*rule
	mappings    map[string]any
	conditions  map[string]any
	resources   map[string]*resourceDeclaration
	outputs     map[string]*outputDeclaration
}

type resourceDeclaration struct {
	logicalID           string
	typeName            string
	description         string
	properties          map[string]any
	dependsOn           []string
	condition           string
	metadata            any
	deletionPolicy      any
	updateReplacePolicy any
}

type outputDeclaration struct {
	key         string
	description string
	value       any
	exportName  any // nil if it is not exported
	condition   string
}

// parseTemplate reads a template and checks all of its form that does not depend on parameters.
func parseTemplate(body string) (*template, error) {
	tree, err := parseTree(body)
	if err != nil {
		return nil, err
	}
	root, ok := tree.(map[string]any)
	if !ok {
		return nil, intrinsic.FormatError("unsupported structure.")
	}
	if path, found := findNull(root, ""); found {
		return nil, validationError("[" + path + "] 'null' values are not allowed in templates")
	}
	t := &template{
		body:       body,
		parameters: map[string]*parameterDeclaration{},
		rules:      map[string]*rule{},
		mappings:   map[string]any{},
		conditions: map[string]any{},
		resources:  map[string]*resourceDeclaration{},
		outputs:    map[string]*outputDeclaration{},
	}
	if err := t.read(root); err != nil {
		return nil, err
	}
	return t, t.checkReferences()
}

var sectionNames = []string{
	"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions", "Transform",
	"Resources", "Outputs",
}

func (t *template) read(root map[string]any) error {
	if unknown := unknownKeys(root, sectionNames...); len(unknown) > 0 {
		return validationError("Invalid template property or properties [" + strings.Join(unknown, ", ") + "]")
	}
	if version, given := root["AWSTemplateFormatVersion"]; given {
		t.version, _ = version.(string)
		if t.version != "2010-09-09" {
			return intrinsic.FormatError("unsupported value for AWSTemplateFormatVersion.")
		}
	}
	if description, given := root["Description"]; given {
		text, ok := description.(string)
		if !ok {
			return intrinsic.FormatError("Description must be a string.")
		}
		if len(text) > 1024 {
			return intrinsic.FormatError("'Description' length is greater than 1024.")
		}
		t.description = text
	}
	t.metadata = root["Metadata"]
	for _, step := range []func(map[string]any) error{
		t.readTransform, t.readParameters, t.readRules, t.readMappings, t.readConditions, t.readResources, t.readOutputs,
	} {
		if err := step(root); err != nil {
			return err
		}
	}
	return nil
}

// readTransform refuses macros: none is rehearsed, and a template that silently skips one is another template.
func (t *template) readTransform(root map[string]any) error {
	switch transform := root["Transform"].(type) {
	case nil:
		return nil
	case string:
		t.transforms = []string{transform}
	case []any:
		for _, one := range transform {
			name, _ := one.(string)
			t.transforms = append(t.transforms, name)
		}
	default:
		return intrinsic.FormatError("unsupported structure.")
	}
	if len(t.transforms) == 0 {
		return nil
	}
	return validationError("No transform named " + t.transforms[0] + " found.")
}

// members gives a section's named members, each of which must be an object.
func members(root map[string]any, name string, limit int) (map[string]map[string]any, error) {
	section, given := root[name]
	if !given {
		return nil, nil
	}
	object, ok := section.(map[string]any)
	if !ok {
		return nil, intrinsic.FormatError("%s must be an object.", name)
	}
	if len(object) > limit {
		return nil, intrinsic.FormatError("Number of %s, %d, is greater than maximum allowed, %d", strings.ToLower(name), len(object), limit)
	}
	result := map[string]map[string]any{}
	for _, key := range sortedKeys(object) {
		member, ok := object[key].(map[string]any)
		if !ok {
			return nil, intrinsic.FormatError("[/%s/%s] Every %s member must be an object.", name, key, name)
		}
		result[key] = member
	}
	return result, nil
}

var alphanumeric = regexp.MustCompile(`^[a-zA-Z0-9]+$`)

func (t *template) readMappings(root map[string]any) error {
	mappings, err := members(root, "Mappings", maxMappings)
	if err != nil {
		return err
	}
	for name, mapping := range mappings {
		if !alphanumeric.MatchString(name) {
			return intrinsic.FormatError("Mappings name '%s' is non alphanumeric.", name)
		}
		for top, second := range mapping {
			values, ok := second.(map[string]any)
			if !ok {
				return intrinsic.FormatError("Every Mappings attribute must be a map: %s.%s", name, top)
			}
			for key, value := range values {
				if _, nested := value.(map[string]any); nested {
					return intrinsic.FormatError("Every Mappings attribute must be a String or a List: %s.%s.%s", name, top, key)
				}
			}
		}
		t.mappings[name] = mapping
	}
	return nil
}

func (t *template) readConditions(root map[string]any) error {
	conditions, err := members(root, "Conditions", 1<<30)
	for name, condition := range conditions {
		t.conditions[name] = condition
	}
	return err
}

var resourceKeys = []string{
	"Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy", "CreationPolicy",
	"UpdatePolicy", "Description",
}

func (t *template) readResources(root map[string]any) error {
	resources, err := members(root, "Resources", maxResources)
	if err != nil {
		return err
	}
	if len(resources) == 0 {
		return intrinsic.FormatError("At least one Resources member must be defined.")
	}
	for _, id := range sortedKeys(resources) {
		if !alphanumeric.MatchString(id) {
			return intrinsic.FormatError("Resource name %s is non alphanumeric.", id)
		}
		if t.parameters[id] != nil {
			return intrinsic.FormatError("Duplicate name %s: a parameter and a resource cannot share it", id)
		}
		if t.resources[id], err = readResource(id, resources[id]); err != nil {
			return err
		}
	}
	return nil
}

func readResource(id string, object map[string]any) (*resourceDeclaration, error) {
	if unknown := unknownKeys(object, resourceKeys...); len(unknown) > 0 {
		return nil, validationError("Invalid template resource property '" + unknown[0] + "'")
	}
	r := &resourceDeclaration{logicalID: id, metadata: object["Metadata"], properties: map[string]any{}}
	r.typeName, _ = object["Type"].(string)
	if r.typeName == "" {
		return nil, intrinsic.FormatError("[/Resources/%s] Every Resources object must contain a Type member.", id)
	}
	r.description, _ = object["Description"].(string)
	if properties, given := object["Properties"]; given {
		var ok bool
		if r.properties, ok = properties.(map[string]any); !ok {
			return nil, intrinsic.FormatError("[/Resources/%s/Properties] must be an object.", id)
		}
	}
	switch on := object["DependsOn"].(type) {
	case nil:
	case string:
		r.dependsOn = []string{on}
	case []any:
		for _, one := range on {
			name, ok := one.(string)
			if !ok {
				return nil, intrinsic.FormatError("DependsOn must be a string or list of strings.")
			}
			r.dependsOn = append(r.dependsOn, name)
		}
	default:
		return nil, intrinsic.FormatError("DependsOn must be a string or list of strings.")
	}
	if condition, given := object["Condition"]; given {
		var ok bool
		if r.condition, ok = condition.(string); !ok {
			return nil, intrinsic.FormatError("Every Condition member must be a string.")
		}
	}
	// Both policies may be a function of parameters since the language extensions; here a plain value is checked at once.
	for key, target := range map[string]*any{"DeletionPolicy": &r.deletionPolicy, "UpdateReplacePolicy": &r.updateReplacePolicy} {
		value, given := object[key]
		if !given {
			continue
		}
		text, ok := value.(string)
		allowed := []string{"Delete", "Retain", "Snapshot"}
		if key == "DeletionPolicy" {
			allowed = append(allowed, "RetainExceptOnCreate")
		}
		if !ok {
			return nil, intrinsic.FormatError("Every %s member must be a string.", key)
		}
		if !slices.Contains(allowed, text) {
			return nil, intrinsic.FormatError("Unrecognized %s %s for resource %s", key, text, id)
		}
		*target = text
	}
	return r, nil
}

func (t *template) readOutputs(root map[string]any) error {
	outputs, err := members(root, "Outputs", maxOutputs)
	if err != nil {
		return err
	}
	for _, key := range sortedKeys(outputs) {
		object := outputs[key]
		if !alphanumeric.MatchString(key) {
			return intrinsic.FormatError("Output name %s is non alphanumeric.", key)
		}
		if unknown := unknownKeys(object, "Value", "Description", "Export", "Condition"); len(unknown) > 0 {
			return validationError("Invalid template output property '" + unknown[0] + "'")
		}
		o := &outputDeclaration{key: key, value: object["Value"]}
		if o.value == nil {
			return intrinsic.FormatError("Every Outputs member must contain a Value object")
		}
		o.description, _ = object["Description"].(string)
		if condition, given := object["Condition"]; given {
			var ok bool
			if o.condition, ok = condition.(string); !ok {
				return intrinsic.FormatError("Every Condition member must be a string.")
			}
		}
		if export, given := object["Export"]; given {
			members, ok := export.(map[string]any)
			if !ok || members["Name"] == nil || len(members) != 1 {
				return intrinsic.FormatError("Output %s is malformed. The Export field of every Outputs member must contain a Name.", key)
			}
			o.exportName = members["Name"]
		}
		t.outputs[key] = o
	}
	return nil
}

// deletion is what happens to a resource that leaves the stack.
func (r *resourceDeclaration) deletion() string {
	if policy, ok := r.deletionPolicy.(string); ok {
		return policy
	}
	return "Delete"
}

// replacement is what happens to the old resource after a replacement.
func (r *resourceDeclaration) replacement() string {
	if policy, ok := r.updateReplacePolicy.(string); ok {
		return policy
	}
	return "Delete"
}

// namedIAM are the properties that make a template need CAPABILITY_NAMED_IAM.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
var namedIAM = map[string]string{
	"AWS::IAM::AccessKey":           "",
	"AWS::IAM::Group":               "GroupName",
	"AWS::IAM::GroupPolicy":         "",
	"AWS::IAM::InstanceProfile":     "InstanceProfileName",
	"AWS::IAM::ManagedPolicy":       "ManagedPolicyName",
	"AWS::IAM::Policy":              "",
	"AWS::IAM::Role":                "RoleName",
	"AWS::IAM::RolePolicy":          "",
	"AWS::IAM::User":                "UserName",
	"AWS::IAM::UserPolicy":          "",
	"AWS::IAM::UserToGroupAddition": "",
}

// capability is what the template must be acknowledged for, and the types that are the reason.
func (t *template) capability() (capability string, types []string) {
	for _, id := range sortedKeys(t.resources) {
		r := t.resources[id]
		property, iam := namedIAM[r.typeName]
		if !iam {
			continue
		}
		if !slices.Contains(types, r.typeName) {
			types = append(types, r.typeName)
		}
		if _, named := r.properties[property]; named {
			capability = "CAPABILITY_NAMED_IAM"
		} else if capability == "" {
			capability = "CAPABILITY_IAM"
		}
	}
	sort.Strings(types)
	return capability, types
}

func (t *template) checkCapabilities(given []string) error {
	needed, _ := t.capability()
	if needed == "" || slices.Contains(given, needed) || slices.Contains(given, "CAPABILITY_NAMED_IAM") {
		return nil
	}
	return &Error{
		Code: "InsufficientCapabilitiesException", Message: "Requires capabilities : [" + needed + "]", Status: 400,
	}
}

func (t *template) summary() TemplateSummary {
	s := TemplateSummary{
		Description: t.description, Version: t.version, Metadata: encodeJSON(t.metadata), DeclaredTransforms: t.transforms,
	}
	for _, key := range sortedKeys(t.parameters) {
		p := t.parameters[key]
		s.Parameters = append(s.Parameters, ParameterDeclaration{
			Key: key, Type: p.typeName, Description: p.description, Default: p.defaultValue, HasDefault: p.hasDefault,
			NoEcho: p.noEcho, AllowedValues: slices.Clone(p.allowedValues),
		})
	}
	for _, id := range sortedKeys(t.resources) {
		r := t.resources[id]
		s.Resources = append(s.Resources, ResourceDeclaration{LogicalID: id, Type: r.typeName, DeletionPolicy: r.deletion()})
		if !slices.Contains(s.ResourceTypes, r.typeName) {
			s.ResourceTypes = append(s.ResourceTypes, r.typeName)
		}
	}
	sort.Strings(s.ResourceTypes)
	if capability, types := t.capability(); capability != "" {
		s.Capabilities = []string{capability}
		s.CapabilitiesReason = "The following resource(s) require capabilities: [" + strings.Join(types, ", ") + "]"
	}
	return s
}

// checkReferences finds what is refused whatever the parameters are: references to nothing, unknown functions,
// attributes that a type does not have.
func (t *template) checkReferences() error {
	for _, name := range sortedKeys(t.conditions) {
		if err := t.checkNode(t.conditions[name], "Conditions", true); err != nil {
			return err
		}
	}
	missing := map[string]bool{}
	for _, id := range sortedKeys(t.resources) {
		r := t.resources[id]
		if r.condition != "" && t.conditions[r.condition] == nil {
			return intrinsic.FormatError("Unresolved condition dependency %s in the Resources block of the template", r.condition)
		}
		for _, on := range r.dependsOn {
			if t.resources[on] == nil {
				missing[on] = true
			}
		}
		t.missingReferences(r.properties, missing)
		if err := t.checkNode(r.properties, "Resources", false); err != nil {
			return err
		}
	}
	if len(missing) > 0 {
		return intrinsic.FormatError("Unresolved resource dependencies [%s] in the Resources block of the template",
			strings.Join(sortedKeys(missing), ", "))
	}
	for _, key := range sortedKeys(t.outputs) {
		o := t.outputs[key]
		if o.condition != "" && t.conditions[o.condition] == nil {
			return intrinsic.FormatError("Unresolved condition dependency %s in the Outputs block of the template", o.condition)
		}
		both := []any{o.value}
		if o.exportName != nil {
			both = append(both, o.exportName)
		}
		t.missingReferences(both, missing)
		if err := t.checkNode(both, "Outputs", false); err != nil {
			return err
		}
	}
	if len(missing) > 0 {
		return intrinsic.FormatError("Unresolved resource dependencies [%s] in the Outputs block of the template",
			strings.Join(sortedKeys(missing), ", "))
	}
	return nil
}

func (t *template) missingReferences(node any, missing map[string]bool) {
	intrinsic.WalkReferences(node, func(r intrinsic.Reference) {
		if !r.GetAtt && !intrinsic.PseudoParameters[r.Name] && t.parameters[r.Name] == nil && t.resources[r.Name] == nil {
			missing[r.Name] = true
		}
	})
}

// supportedFunctions in the order of CloudFormation's own message.
var supportedFunctions = []string{
	"Fn::Base64", "Fn::GetAtt", "Fn::GetAZs", "Fn::ImportValue", "Fn::Join", "Fn::Split", "Fn::FindInMap", "Fn::Select",
	"Ref", "Fn::Equals", "Fn::If", "Fn::Not", "Condition", "Fn::And", "Fn::Or", "Fn::Contains", "Fn::EachMemberEquals",
	"Fn::EachMemberIn", "Fn::ValueOf", "Fn::ValueOfAll", "Fn::RefAll", "Fn::Sub", "Fn::Cidr",
}

func (t *template) checkNode(node any, block string, inCondition bool) error {
	switch node := node.(type) {
	case []any:
		for _, element := range node {
			if err := t.checkNode(element, block, inCondition); err != nil {
				return err
			}
		}
	case map[string]any:
		if err := t.checkFunction(node, block, inCondition); err != nil {
			return err
		}
		for _, key := range sortedKeys(node) {
			if err := t.checkNode(node[key], block, inCondition); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *template) checkFunction(node map[string]any, block string, inCondition bool) error {
	name, argument, ok := intrinsic.Function(node)
	if !ok {
		for key := range node {
			if strings.HasPrefix(key, "Fn::") {
				return intrinsic.TemplateError("%s cannot stand beside other keys [%s]", key, strings.Join(sortedKeys(node), ", "))
			}
		}
		return nil
	}
	if !slices.Contains(supportedFunctions, name) {
		return validationError(fmt.Sprintf("Template Error: Encountered unsupported function: %s Supported functions are: [%s]",
			name, strings.Join(supportedFunctions, ", ")))
	}
	switch name {
	case "Fn::If":
		list, ok := argument.([]any)
		if !ok || len(list) != 3 {
			return intrinsic.TemplateError("Fn::If requires a list argument with three elements")
		}
		condition, ok := list[0].(string)
		if !ok {
			return intrinsic.TemplateError("Fn::If requires a list argument with the first element being a condition")
		}
		if t.conditions[condition] == nil {
			return intrinsic.TemplateError("unresolved condition dependency %s in Fn::If", condition)
		}
	case "Condition":
		condition, ok := argument.(string)
		if inCondition && ok && t.conditions[condition] == nil {
			return intrinsic.FormatError("Unresolved dependencies [%s]. Cannot reference resources in the Conditions block of the template", condition)
		}
	case "Ref":
		target, ok := argument.(string)
		if !ok {
			return intrinsic.FormatError("All Ref's must be a string")
		}
		if inCondition && t.parameters[target] == nil && !intrinsic.PseudoParameters[target] {
			return intrinsic.FormatError("Unresolved dependencies [%s]. Cannot reference resources in the Conditions block of the template", target)
		}
	case "Fn::Sub":
		if err := intrinsic.CheckSub(argument); err != nil {
			return err
		}
	case "Fn::FindInMap":
		list, ok := argument.([]any)
		if !ok || len(list) != 3 {
			return intrinsic.TemplateError("Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value")
		}
		if mapping, ok := list[0].(string); ok && t.mappings[mapping] == nil {
			return intrinsic.TemplateError("Mapping named '%s' is not present in the 'Mappings' section of template.", mapping)
		}
	}
	var problem error
	intrinsic.WalkOwnReferences(name, argument, func(r intrinsic.Reference) {
		if r.GetAtt && problem == nil {
			if inCondition {
				problem = intrinsic.TemplateError("Fn::GetAtt cannot be used in the %s block of the template", block)
			} else {
				problem = t.checkAttribute(r)
			}
		}
	})
	if problem != nil {
		return problem
	}
	if name == "Fn::GetAtt" {
		if _, _, err := intrinsic.GetAttArgument(argument); err != nil {
			return err
		}
	}
	return nil
}

// checkAttribute refuses the attribute of a missing resource, and one that the resource's type does not have.
func (t *template) checkAttribute(r intrinsic.Reference) error {
	target := t.resources[r.Name]
	if target == nil {
		return intrinsic.TemplateError("instance of Fn::GetAtt references undefined resource %s", r.Name)
	}
	if spec.IsCustom(target.typeName) || r.Attribute == "" {
		return nil
	}
	if target.typeName == "AWS::CloudFormation::Stack" && strings.HasPrefix(r.Attribute, "Outputs.") {
		return nil
	}
	resourceType, known := spec.Lookup(target.typeName)
	if !known {
		return nil // the resource itself fails later, as an unknown type does
	}
	if _, has := attributeType(resourceType, r.Attribute); !has {
		return intrinsic.TemplateError("resource %s does not support attribute type %s in Fn::GetAtt", r.Name, r.Attribute)
	}
	return nil
}

// attributeType finds an attribute, or a part of one that is an object: Endpoint.Address of Endpoint.
func attributeType(t *spec.ResourceType, name string) (*spec.Type, bool) {
	if found, ok := t.Attributes[name]; ok {
		return found, true
	}
	for i := range name {
		if name[i] != '.' {
			continue
		}
		outer, ok := t.Attributes[name[:i]]
		if !ok {
			continue
		}
		switch outer.Kind {
		case spec.Any, spec.Map:
			return &spec.Type{Kind: spec.Any}, true
		case spec.Object:
			if inner, ok := outer.Definition.Properties[name[i+1:]]; ok {
				return inner.Type, true
			}
		}
	}
	return nil, false
}

// parseTree reads JSON if the text starts with a brace, as CloudFormation does, and YAML otherwise.
func parseTree(body string) (any, error) {
	if strings.TrimSpace(body) == "" {
		return nil, intrinsic.FormatError("unsupported structure.")
	}
	if strings.HasPrefix(strings.TrimSpace(body), "{") {
		return parseJSON(body)
	}
	return parseYAML(body)
}

func parseJSON(body string) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber()
	fail := func(detail string) error {
		consumed := body[:min(int(decoder.InputOffset()), len(body))]
		line := strings.Count(consumed, "\n") + 1
		return intrinsic.FormatError("JSON not well-formed. (line %d, column %d)%s", line, len(consumed)-strings.LastIndex(consumed, "\n"), detail)
	}
	tree, err := decodeJSON(decoder, 0)
	if err != nil {
		var duplicate duplicateKeyError
		if errors.As(err, &duplicate) {
			return nil, fail(": " + err.Error())
		}
		return nil, fail("")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fail("")
	}
	return tree, nil
}

type duplicateKeyError string

func (e duplicateKeyError) Error() string { return "duplicate key " + strconv.Quote(string(e)) }

// maxDepth keeps a hostile template from exhausting the stack; no real one comes near.
const maxDepth = 500

var errTooDeep = errors.New("nested too deeply")

// decodeJSON reads token by token, because encoding/json keeps the last of two equal keys without a word.
func decodeJSON(decoder *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		object := map[string]any{}
		for decoder.More() {
			key, err := decoder.Token()
			if err != nil {
				return nil, err
			}
			name := key.(string) // the decoder admits no other key
			if _, twice := object[name]; twice {
				return nil, duplicateKeyError(name)
			}
			if object[name], err = decodeJSON(decoder, depth+1); err != nil {
				return nil, err
			}
		}
		_, err := decoder.Token()
		return object, err
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			element, err := decodeJSON(decoder, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, element)
		}
		_, err := decoder.Token()
		return list, err
	}
	return token, nil // string, bool, json.Number or nil
}

func parseYAML(body string) (any, error) {
	var document yaml.Node
	decoder := yaml.NewDecoder(strings.NewReader(body))
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, intrinsic.FormatError("unsupported structure.")
		}
		return nil, intrinsic.FormatError("YAML not well-formed. (%s)", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, intrinsic.FormatError("YAML not well-formed. (a second document)")
	}
	if len(document.Content) != 1 {
		return nil, intrinsic.FormatError("unsupported structure.")
	}
	return fromYAML(document.Content[0], 0)
}

func yamlError(node *yaml.Node, detail string) error {
	return intrinsic.FormatError("YAML not well-formed. (line %d, column %d)%s", node.Line, node.Column, detail)
}

func fromYAML(node *yaml.Node, depth int) (any, error) {
	if depth > maxDepth {
		return nil, yamlError(node, ": nested too deeply")
	}
	value, err := fromYAMLContent(node, depth)
	if err != nil || !strings.HasPrefix(node.Tag, "!") || strings.HasPrefix(node.Tag, "!!") {
		return value, err
	}
	name := strings.TrimPrefix(node.Tag, "!")
	switch name {
	case "Ref", "Condition":
	default:
		name = "Fn::" + name
	}
	if name == "Fn::GetAtt" {
		// !GetAtt A.B is the list ["A", "B"]; the attribute may hold further dots.
		if text, ok := value.(string); ok {
			resource, attribute, _ := strings.Cut(text, ".")
			value = []any{resource, attribute}
		}
	}
	return map[string]any{name: value}, nil
}

// fromYAMLContent leaves out anchors, aliases and merges, which CloudFormation does not take.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
func fromYAMLContent(node *yaml.Node, depth int) (any, error) {
	switch node.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
				return nil, yamlError(key, "")
			}
			if _, twice := object[key.Value]; twice {
				return nil, yamlError(key, ": duplicate key "+strconv.Quote(key.Value))
			}
			value, err := fromYAML(node.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			object[key.Value] = value
		}
		return object, nil
	case yaml.SequenceNode:
		list := []any{}
		for _, element := range node.Content {
			value, err := fromYAML(element, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	case yaml.ScalarNode:
		return fromYAMLScalar(node), nil
	}
	return nil, yamlError(node, ": aliases are not supported")
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

// fromYAMLScalar keeps as text all that JSON has no kind for, such as the date 2012-10-17 of a policy, and digits with a
// leading zero, which are an account id more often than an octal number.
func fromYAMLScalar(node *yaml.Node) any {
	if node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return node.Value
	}
	switch node.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(node.Value, "true")
	case "!!int", "!!float":
		if jsonNumber.MatchString(node.Value) {
			return json.Number(node.Value)
		}
	}
	return node.Value
}

func findNull(node any, path string) (string, bool) {
	switch node := node.(type) {
	case nil:
		return path, true
	case []any:
		for i, element := range node {
			if found, ok := findNull(element, fmt.Sprintf("%s/%d", path, i)); ok {
				return found, true
			}
		}
	case map[string]any:
		for _, key := range sortedKeys(node) {
			if path == "" && key == "Metadata" {
				continue // the template's own metadata is anybody's JSON
			}
			if found, ok := findNull(node[key], path+"/"+key); ok {
				return found, true
			}
		}
	}
	return "", false
}

func unknownKeys(object map[string]any, known ...string) []string {
	var unknown []string
	for _, key := range sortedKeys(object) {
		if !slices.Contains(known, key) {
			unknown = append(unknown, key)
		}
	}
	return unknown
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// encodeJSON renders a value of a template; nil is the empty text.
func encodeJSON(value any) string {
	if value == nil {
		return ""
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Sprintf("%v", value)
	}
	return strings.TrimSuffix(out.String(), "\n")
}
