package parity

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/roadshow-go/roadshow/internal/intrinsic"
	"github.com/roadshow-go/roadshow/stages"
)

// deployment is what CloudFormation makes of one side's template, and of those of its nested
// stacks, as far as the template tells.
type deployment struct {
	side Side
	// decides tells that the template holds functions whose outcome depends on the stage; root is
	// then the template with everything computed, else nil.
	decides bool
	root    *object
	reads   []DeployRead
	// nested are the deployments of the nested stacks, by the logical id of each, and keys their
	// digests.
	nested map[string]*deployment
	keys   map[string]string
}

// deploy computes a side's template with the pseudo parameters of its stage. The error is a
// [*PlayError].
func deploy(side Side, played Played) (*deployment, error) {
	d := &deployment{side: side, nested: map[string]*deployment{}, keys: map[string]string{}}
	scan := deployScan{}
	scan.template(side.Template.root)
	d.decides = scan.decides
	if d.decides || scan.reads {
		d.evaluate(played)
	}
	for _, id := range side.Template.Resources() {
		if side.Template.Type(id) != nestedType || len(played.Nested) == 0 {
			continue
		}
		resource, _ := side.Template.root.get("Resources").(*object).get(id).(*object)
		properties, _ := resource.get("Properties").(*object)
		if properties == nil {
			continue
		}
		url := string(compact(properties.get("TemplateURL")))
		for digest, text := range played.Nested {
			if !strings.Contains(url, digest) {
				continue
			}
			template, err := Parse(text)
			if err != nil {
				return nil, &PlayError{Stage: side.Stage, Err: fmt.Errorf("nested stack %s: %w", id, err)}
			}
			inner := side
			inner.Template = template
			made := side.at(id)
			inner.Positions = func(logicalID string) (at stages.Position) {
				if at = side.at(logicalID); at.File == "" {
					at = made
				}
				return at
			}
			if d.nested[id], err = deploy(inner, played); err != nil {
				return nil, err
			}
			d.keys[id] = digest
			for _, read := range d.nested[id].reads {
				read.Path = nestedPath(id).String() + "." + read.Path
				d.reads = append(d.reads, read)
			}
		}
	}
	return d, nil
}

// nestedType is the type of a nested stack.
const nestedType = "AWS::CloudFormation::Stack"

// nestedPath is where the template of a nested stack stands in the paths of differences.
func nestedPath(id string) path { return path{{key: "Resources"}, {key: id}, {key: "Template"}} }

// placedRoot is a template, and the path by which differences name it.
type placedRoot struct {
	path path
	node *object
}

// roots are the templates that are deployed beside the one that was synthesized: its computed form,
// and those of the nested stacks.
func (d *deployment) roots() []placedRoot {
	var all []placedRoot
	if d.root != nil {
		all = append(all, placedRoot{node: d.root})
	}
	for _, id := range slices.Sorted(maps.Keys(d.nested)) {
		inner := append([]placedRoot{{node: d.nested[id].side.Template.root}}, d.nested[id].roots()...)
		for _, root := range inner {
			all = append(all, placedRoot{append(nestedPath(id), root.path...), root.node})
		}
	}
	return all
}

// addNested pairs the digests of nested templates up, which are compared by their content.
func (w *walk) addNested(deployed []*deployment) {
	for _, id := range slices.Sorted(maps.Keys(deployed[0].keys)) {
		token := make([]string, len(deployed))
		for i, d := range deployed {
			token[i] = d.keys[id]
		}
		if !slices.Contains(token, "") {
			w.identity.add(token, KindAnywhere)
		}
		inner := make([]*deployment, len(deployed))
		for i, d := range deployed {
			inner[i] = d.nested[id]
		}
		if !slices.Contains(inner, nil) {
			w.addNested(inner)
		}
	}
}

// deployed compares what would be deployed: what differs in the templates is listed already.
func (w *walk) deployed(sides []*deployment) {
	known := map[string]bool{}
	for _, list := range [][]Difference{w.differences, w.ambiguous} {
		for _, difference := range list {
			known[difference.Path] = true
		}
	}
	listed, unsure := len(w.differences), len(w.ambiguous)
	w.path = nil
	w.deployedAt(sides)
	isKnown := func(d Difference) bool {
		for at := d.Path; at != ""; at = at[:max(0, strings.LastIndexAny(at, ".["))] {
			if known[at] {
				return true
			}
		}
		return false
	}
	w.differences = append(w.differences[:listed:listed], slices.DeleteFunc(slices.Clone(w.differences[listed:]), isKnown)...)
	w.ambiguous = append(w.ambiguous[:unsure:unsure], slices.DeleteFunc(slices.Clone(w.ambiguous[unsure:]), isKnown)...)
}

func (w *walk) deployedAt(sides []*deployment) {
	indices, nodes := everyone(len(sides)), make([]any, len(sides))
	outer, before := w.sides, w.path
	if slices.ContainsFunc(sides, func(d *deployment) bool { return d.root != nil }) {
		for i, d := range sides {
			nodes[i] = any(d.side.Template.root)
			if d.root != nil {
				nodes[i] = d.root
			}
		}
		w.node(indices, nodes)
	}
	for _, id := range slices.Sorted(maps.Keys(sides[0].nested)) {
		inner := make([]*deployment, len(sides))
		w.sides = slices.Clone(outer)
		for i, d := range sides {
			if inner[i] = d.nested[id]; inner[i] != nil {
				nodes[i], w.sides[i] = inner[i].side.Template.root, inner[i].side
			}
		}
		if !slices.Contains(inner, nil) {
			w.path = append(slices.Clone(before), nestedPath(id)...)
			w.base = len(w.path)
			w.node(indices, nodes)
			w.deployedAt(inner)
		}
	}
	w.sides, w.path, w.base = outer, before, len(before)
}

// deployScan finds out whether the text of a template is all that is deployed: decides tells of
// functions whose outcome depends on the stage, reads of values that only a deploy reads.
type deployScan struct {
	parameters map[string]bool
	custom     map[string]bool
	decides    bool
	reads      bool
}

func (s *deployScan) template(root *object) {
	s.parameters, s.custom = map[string]bool{}, map[string]bool{}
	if parameters, ok := root.get("Parameters").(*object); ok {
		for _, name := range parameters.keys {
			s.parameters[name] = true
		}
	}
	if resources, ok := root.get("Resources").(*object); ok {
		for i, id := range resources.keys {
			if resource, ok := resources.values[i].(*object); ok {
				s.custom[id] = isCustom(resource.get("Type"))
			}
		}
	}
	s.decides = root.get("Transform") != nil || root.get("Conditions") != nil || root.get("Mappings") != nil
	for _, section := range []string{"Resources", "Outputs"} {
		if !s.decides {
			s.node(root.get(section))
		}
	}
}

func isCustom(kind any) bool {
	text, _ := kind.(string)
	return text == "AWS::CloudFormation::CustomResource" || strings.HasPrefix(text, "Custom::")
}

func (s *deployScan) node(node any) {
	switch node := node.(type) {
	case *object:
		for i, key := range node.keys {
			if len(node.keys) == 1 {
				s.function(key, node.values[i])
			}
			s.node(node.values[i])
		}
	case []any:
		for _, element := range node {
			s.node(element)
		}
	case string:
		s.reads = s.reads || strings.Contains(node, "{{")
	}
}

func (s *deployScan) function(name string, argument any) {
	switch name {
	case "Ref":
		target, _ := argument.(string)
		s.reads = s.reads || s.parameters[target] || s.custom[target] || target == "AWS::NotificationARNs"
	case "Fn::GetAtt":
		id, _ := argument.(string) // as in "Resource.Attribute"
		if list, ok := argument.([]any); ok && len(list) > 0 {
			id, _ = list[0].(string)
		}
		id, _, _ = strings.Cut(id, ".")
		s.reads = s.reads || s.custom[id]
	case "Fn::Join":
		list, _ := argument.([]any)
		if len(list) != 2 || list[0] != "" {
			s.decides = true
			return
		}
		pieces, isList := list[1].([]any)
		s.decides = s.decides || !isList
		for i, piece := range pieces {
			text, isText := piece.(string)
			if !isText {
				continue
			}
			if i > 0 {
				_, both := pieces[i-1].(string)
				s.decides = s.decides || both
			}
			s.decides = s.decides || strings.HasSuffix(text, "{") || strings.HasPrefix(text, "{")
		}
	case "Fn::Sub":
		s.decides = true
	default:
		s.decides = s.decides || strings.HasPrefix(name, "Fn::")
	}
}

// evaluate computes the template, and lists what it reads only when it is deployed.
func (d *deployment) evaluate(played Played) {
	root, _ := tree(d.side.Template.root).(map[string]any)
	section := func(name string) map[string]any { part, _ := root[name].(map[string]any); return part }
	parameters, resources := section("Parameters"), section("Resources")
	var current path
	read := func(kind, what, id string) {
		d.read(DeployRead{Kind: kind, What: what, Path: current.String(), LogicalID: id}, played, parameters)
	}
	v := &intrinsic.Evaluator{
		Account: d.side.Stage.Account, Region: d.side.Stage.Region, StackName: played.Stack["StackName"],
		Mappings: section("Mappings"), Conditions: section("Conditions"),
		Ref: func(name string) (any, error) {
			if parameters[name] != nil {
				read("parameter", name, name)
			}
			if resource, _ := resources[name].(map[string]any); isCustom(resource["Type"]) {
				read("custom resource", name, name) // it answers with its own id
			}
			return intrinsic.NewUnknown(intrinsic.Reference{Name: name}), nil
		},
		Attribute: func(id, attribute string) (any, error) {
			if resource, _ := resources[id].(map[string]any); isCustom(resource["Type"]) {
				read("custom resource", id+"."+attribute, id)
			}
			return intrinsic.NewUnknown(intrinsic.Reference{Name: id, Attribute: attribute, GetAtt: true}), nil
		},
		Zones: func(region string) (any, error) {
			return intrinsic.Unknown{From: intrinsic.Reference{Name: "the zones of " + region}, Node: map[string]any{"Fn::GetAZs": region}}, nil
		},
		Import: func(export string) (any, error) {
			read("import", export, "")
			return intrinsic.Unknown{From: intrinsic.Reference{Name: export}, Node: map[string]any{"Fn::ImportValue": export}}, nil
		},
		Foreign: func(name string, argument any) (any, error) {
			read("macro", name, "")
			return intrinsic.Unknown{From: intrinsic.Reference{Name: name}, Node: map[string]any{name: argument}}, nil
		},
	}
	if transform := root["Transform"]; transform != nil {
		current = path{{key: "Transform"}}
		read("macro", string(compact(toNode(transform))), "")
	}
	current = path{{key: "Conditions"}}
	if err := v.EvaluateConditions(); err != nil {
		root["Conditions"] = refused(err)
	} else if len(v.Conditions) > 0 {
		holds := map[string]any{}
		for name := range v.Conditions {
			if value, decided := v.Condition(name); decided {
				holds[name] = value
			} else {
				holds[name] = tree(v.Conditions[name])
			}
		}
		root["Conditions"] = holds
	}
	for _, name := range []string{"Resources", "Outputs"} {
		members := section(name)
		for _, id := range slices.Sorted(maps.Keys(members)) {
			current = path{{key: name}, {key: id}}
			member, isObject := members[id].(map[string]any)
			if !isObject {
				continue
			}
			if condition, given := member["Condition"].(string); given {
				if holds, decided := v.Condition(condition); decided && !holds {
					delete(members, id)
					continue
				} else if decided {
					delete(member, "Condition")
				}
			}
			for _, key := range slices.Sorted(maps.Keys(member)) {
				current = path{{key: name}, {key: id}, {key: key}}
				value, err := v.Value(member[key])
				if err != nil {
					member[key] = refused(err)
					continue
				}
				member[key] = intrinsic.Plain(value)
				d.dynamic(&current, member[key], read, false)
			}
		}
	}
	// Their functions are evaluated, so they decide nothing any more.
	delete(root, "Mappings")
	if d.decides {
		d.root, _ = toNode(root).(*object)
	}
}

// refused stands where CloudFormation would refuse the template.
func refused(err error) any { return "CloudFormation refuses this: " + err.Error() }

// dynamic lists the dynamic references in a computed value, and where it depends on how many zones
// a region has. A zone that every account has there is identity, as the region is.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getavailabilityzones.html
func (d *deployment) dynamic(at *path, node any, read func(kind, what, id string), inCall bool) {
	switch node := node.(type) {
	case map[string]any:
		name, argument, isCall := intrinsic.Function(node)
		if !isCall {
			for _, key := range slices.Sorted(maps.Keys(node)) {
				at.down(key)
				d.dynamic(at, node[key], read, false)
				at.up()
			}
			return
		}
		switch {
		case name == "Fn::GetAZs":
			read("zones", string(compact(toNode(argument))), "")
		case name == "Fn::Select" && selectsKnownZone(argument):
			return
		case name == "Fn::Join":
			if list, ok := argument.([]any); ok && len(list) == 2 && list[0] == "" {
				if text := wording(list[1]); strings.Contains(text, "{{resolve:") {
					dynamicReferences(text, read)
					return
				}
			}
		}
		d.dynamic(at, argument, read, true)
	case []any:
		for i, element := range node {
			if !inCall {
				at.downAt(i)
			}
			d.dynamic(at, element, read, inCall)
			if !inCall {
				at.up()
			}
		}
	case string:
		dynamicReferences(node, read)
	}
}

// selectsKnownZone tells whether the arguments of Fn::Select are a zone that every account has in
// the region.
func selectsKnownZone(argument any) bool {
	list, ok := argument.([]any)
	if !ok || len(list) != 2 {
		return false
	}
	from, _ := list[1].(map[string]any)
	name, of, _ := intrinsic.Function(from)
	region, _ := of.(string)
	index, err := strconv.Atoi(fmt.Sprint(list[0]))
	return name == "Fn::GetAZs" && err == nil && index < stages.Zones(region)
}

// wording is the text that Fn::Join makes, with ${…} for each part that is not known.
func wording(pieces any) string {
	list, _ := pieces.([]any)
	var text strings.Builder
	for _, piece := range list {
		if known, ok := piece.(string); ok {
			text.WriteString(known)
			continue
		}
		if call, ok := piece.(map[string]any); ok {
			if name, argument, isCall := intrinsic.Function(call); isCall {
				if target, ok := argument.(string); ok && name == "Ref" {
					text.WriteString("${" + target + "}")
					continue
				}
				if list, ok := argument.([]any); ok && name == "Fn::GetAtt" {
					text.WriteString("${" + strings.Trim(fmt.Sprint(list...), "[]") + "}")
					continue
				}
			}
		}
		text.WriteString(string(compact(toNode(piece))))
	}
	return text.String()
}

func dynamicReferences(text string, read func(kind, what, id string)) {
	for rest := text; ; {
		_, behind, exists := strings.Cut(rest, "{{resolve:")
		if !exists {
			return
		}
		reference, after, _ := strings.Cut(behind, "}}")
		read("dynamic reference", "{{resolve:"+reference+"}}", "")
		rest = after
	}
}

// read lists a value that only a deploy reads, once.
func (d *deployment) read(read DeployRead, played Played, parameters map[string]any) {
	if parameter, ok := parameters[read.LogicalID].(map[string]any); ok && read.Kind == "parameter" {
		if source, _ := parameter["Default"].(string); strings.HasPrefix(fmt.Sprint(parameter["Type"]), "AWS::SSM::Parameter::") {
			read.What, read.Acknowledged = source, played.Declared[source]
		}
	}
	for _, known := range d.reads {
		if known.Kind == read.Kind && known.What == read.What {
			return
		}
	}
	id := read.LogicalID
	if id == "" {
		if at := strings.Split(read.Path, "."); len(at) > 1 && (at[0] == "Resources" || at[0] == "Outputs") {
			id = at[1]
		}
	}
	read.LogicalID, read.Type, read.At, read.Stages = id, d.side.Template.Type(id), d.side.at(id), []string{d.side.String()}
	d.reads = append(d.reads, read)
}

// tree is a node as the evaluator takes it.
func tree(value any) any {
	switch value := value.(type) {
	case *object:
		made := make(map[string]any, len(value.keys))
		for i, key := range value.keys {
			made[key] = tree(value.values[i])
		}
		return made
	case []any:
		list := make([]any, len(value))
		for i, element := range value {
			list[i] = tree(element)
		}
		return list
	}
	return value
}

// toNode is the evaluator's tree as a node.
func toNode(value any) any {
	switch value := value.(type) {
	case map[string]any:
		made := &object{keys: slices.Sorted(maps.Keys(value))}
		for _, key := range made.keys {
			made.values = append(made.values, toNode(value[key]))
		}
		return made
	case []any:
		list := make([]any, len(value))
		for i, element := range value {
			list[i] = toNode(element)
		}
		return list
	}
	return value
}
