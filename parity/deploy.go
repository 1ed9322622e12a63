package parity

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

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
	// stackName is the name of the stack, and given are the values of a nested stack's parameters,
	// as the stack around it has them.
	stackName string
	given     map[string]any
}

// deploy computes a side's template with the pseudo parameters of its stage. The error is a
// [*PlayError].
func deploy(side Side, played Played) (*deployment, error) {
	d := &deployment{side: side, stackName: played.Stack["StackName"]}
	return d, d.deploy(played)
}

func (d *deployment) deploy(played Played) error {
	side := d.side
	d.nested, d.keys = map[string]*deployment{}, map[string]string{}
	scan := deployScan{}
	scan.template(side.Template.root)
	d.decides = scan.decides
	// Most templates need none, which is half of the work.
	evaluation := sync.OnceValue(func() *evaluation { return d.evaluation(played) })
	if d.decides || scan.reads {
		evaluation().run()
	}
	for _, id := range side.Template.Resources() {
		if strings.HasSuffix(side.Template.Type(id), moduleSuffix) {
			evaluation().readAt(path{{key: "Resources"}, {key: id}}, "macro", side.Template.Type(id))
		}
		if side.Template.Type(id) != nestedType {
			continue
		}
		resource, _ := side.Template.root.get("Resources").(*object).get(id).(*object)
		properties, _ := resource.get("Properties").(*object)
		if properties == nil {
			continue
		}
		url := string(compact(properties.get("TemplateURL")))
		isHere := false
		for digest, text := range played.Nested {
			if !strings.Contains(url, digest) {
				continue
			}
			isHere = true
			template, err := Parse(text)
			if err != nil {
				return &PlayError{Stage: side.Stage, Err: fmt.Errorf("nested stack %s: %w", id, err)}
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
			d.nested[id] = &deployment{side: inner, stackName: d.stackName + "-" + id, given: evaluation().given(id, properties)}
			if err := d.nested[id].deploy(played); err != nil {
				return err
			}
			d.keys[id] = digest
			for _, read := range d.nested[id].reads {
				read.Path = nestedPath(id).String() + "." + read.Path
				d.reads = append(d.reads, read)
			}
		}
		if !isHere {
			evaluation().readAt(path{{key: "Resources"}, {key: id}, {key: "Properties"}, {key: "TemplateURL"}}, "template", url)
		}
	}
	return nil
}

// nestedType is the type of a nested stack, and the types of modules, which the registry of an
// account expands, end in moduleSuffix.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/modules.html
const (
	nestedType   = "AWS::CloudFormation::Stack"
	moduleSuffix = "::MODULE"
)

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
		s.reads = s.reads || s.parameters[target] || s.custom[target] || target == notificationTopics
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

// evaluation computes one template.
type evaluation struct {
	*deployment
	*intrinsic.Evaluator
	played Played
	root   map[string]any
	at     path // of what is computed
}

// section is a section of the template, empty where it has none.
func (e *evaluation) section(name string) map[string]any {
	section, _ := e.root[name].(map[string]any)
	return section
}

// read lists a value that only a deploy reads, at the current place.
func (e *evaluation) read(kind, what, id string) {
	e.deployment.read(DeployRead{Kind: kind, What: what, Path: e.at.String(), LogicalID: id}, e.played, e.section("Parameters"))
}

// readAt lists a value that only a deploy reads.
func (e *evaluation) readAt(at path, kind, what string) {
	e.at = at
	e.read(kind, what, "")
}

// evaluation prepares the computation of the template.
func (d *deployment) evaluation(played Played) *evaluation {
	e := &evaluation{deployment: d, played: played}
	e.root, _ = tree(d.side.Template.root).(map[string]any)
	stage := d.side.Stage
	isCustomResource := func(id string) bool {
		resource, _ := e.section("Resources")[id].(map[string]any)
		return isCustom(resource["Type"])
	}
	e.Evaluator = &intrinsic.Evaluator{
		Account: stage.Account, Region: stage.Region, StackName: d.stackName,
		// Its last part is another one in each stack, and nobody chooses it.
		StackID: fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/%s/00000000-0000-0000-0000-000000000000",
			stages.Partition(stage.Region), stage.Region, stage.Account, d.stackName),
		Mappings: e.section("Mappings"), Conditions: e.section("Conditions"),
		Ref: func(name string) (any, error) {
			if value, given := d.given[name]; given {
				return value, nil
			}
			if e.section("Parameters")[name] != nil {
				e.read("parameter", name, name)
			}
			if isCustomResource(name) {
				e.read("custom resource", name, name) // it answers with its own id
			}
			return intrinsic.NewUnknown(intrinsic.Reference{Name: name}), nil
		},
		Attribute: func(id, attribute string) (any, error) {
			if isCustomResource(id) {
				e.read("custom resource", id+"."+attribute, id)
			}
			return intrinsic.NewUnknown(intrinsic.Reference{Name: id, Attribute: attribute, GetAtt: true}), nil
		},
		Zones: func(region string) (any, error) {
			return intrinsic.Unknown{From: intrinsic.Reference{Name: "the zones of " + region}, Node: map[string]any{"Fn::GetAZs": region}}, nil
		},
		Import: func(export string) (any, error) {
			e.read("import", export, "")
			return intrinsic.Unknown{From: intrinsic.Reference{Name: export}, Node: map[string]any{"Fn::ImportValue": export}}, nil
		},
		Foreign: func(name string, argument any) (any, error) {
			e.read("macro", name, "")
			return intrinsic.Unknown{From: intrinsic.Reference{Name: name}, Node: map[string]any{name: argument}}, nil
		},
		KeepBase64: true,
	}
	return e
}

// refused stands where CloudFormation would refuse the template, as far as can be told here.
func (e *evaluation) refused(err error) any {
	e.read("refused function", err.Error(), "")
	return "CloudFormation refuses this: " + err.Error()
}

// given are the values of the parameters of a nested stack, by its logical id and its properties.
func (e *evaluation) given(id string, properties *object) map[string]any {
	given := map[string]any{}
	parameters, _ := properties.get("Parameters").(*object)
	if parameters == nil {
		return given
	}
	e.at = path{{key: "Resources"}, {key: id}, {key: "Properties"}, {key: "Parameters"}}
	for i, name := range parameters.keys {
		value, err := e.Value(tree(parameters.values[i]))
		if err != nil {
			value = e.refused(err)
		}
		given[name] = value
	}
	return given
}

// run computes the template, and lists what it reads only when it is deployed.
func (e *evaluation) run() {
	if transform := e.root["Transform"]; transform != nil {
		e.at = path{{key: "Transform"}}
		e.read("macro", string(compact(toNode(transform))), "")
	}
	e.at = path{{key: "Conditions"}}
	if err := e.EvaluateConditions(); err != nil {
		e.root["Conditions"] = e.refused(err)
	} else if len(e.Conditions) > 0 {
		holds := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(e.Conditions)) {
			if value, decided := e.Condition(name); decided {
				holds[name] = value
				continue
			}
			holds[name] = tree(e.Conditions[name])
			e.dynamic(holds[name], true)
			// What a nested stack is given may be a name that a stage has to itself.
			intrinsic.WalkReferences(holds[name], func(to intrinsic.Reference) {
				if _, given := e.deployment.given[to.Name]; given {
					e.read("condition", name, "")
				}
			})
		}
		e.root["Conditions"] = holds
	}
	for _, name := range []string{"Resources", "Outputs"} {
		members := e.section(name)
		for _, id := range slices.Sorted(maps.Keys(members)) {
			e.at = path{{key: name}, {key: id}}
			member, isObject := members[id].(map[string]any)
			if !isObject {
				continue
			}
			if condition, given := member["Condition"].(string); given {
				if holds, decided := e.Condition(condition); decided && !holds {
					delete(members, id)
					continue
				} else if decided {
					delete(member, "Condition")
				}
			}
			for _, key := range slices.Sorted(maps.Keys(member)) {
				e.at = path{{key: name}, {key: id}, {key: key}}
				value, err := e.Value(member[key])
				if err != nil {
					member[key] = e.refused(err)
					continue
				}
				member[key] = intrinsic.Plain(value)
				e.dynamic(member[key], false)
			}
		}
	}
	// Their functions are evaluated, so they decide nothing any more.
	delete(e.root, "Mappings")
	if e.decides {
		e.deployment.root, _ = toNode(e.root).(*object)
	}
}

// dynamic lists the dynamic references in a computed value, the topics that a deploy is given, and
// where it depends on how many zones a region has. A zone that every account has there is identity,
// as the region is.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getavailabilityzones.html
func (e *evaluation) dynamic(node any, inCall bool) {
	switch node := node.(type) {
	case map[string]any:
		name, argument, isCall := intrinsic.Function(node)
		if !isCall {
			for _, key := range slices.Sorted(maps.Keys(node)) {
				e.at.down(key)
				e.dynamic(node[key], false)
				e.at.up()
			}
			return
		}
		switch {
		case name == "Ref" && argument == notificationTopics:
			e.read("parameter", notificationTopics, "")
		case name == "Fn::FindInMap":
			e.read("mapping", string(compact(toNode(argument))), "") // by what only the deploy knows
		case name == "Fn::GetAZs":
			e.read("zones", string(compact(toNode(argument))), "")
		case name == "Fn::Select" && selectsKnownZone(argument):
			return
		case name == "Fn::Join":
			if list, ok := argument.([]any); ok && len(list) == 2 && list[0] == "" {
				if text := wording(list[1]); strings.Contains(text, "{{resolve:") {
					e.references(text)
					return
				}
			}
		}
		e.dynamic(argument, true)
	case []any:
		for i, element := range node {
			if !inCall {
				e.at.downAt(i)
			}
			e.dynamic(element, inCall)
			if !inCall {
				e.at.up()
			}
		}
	case string:
		e.references(node)
	}
}

// notificationTopics is the pseudo parameter that `deploy --notification-arns` gives.
const notificationTopics = "AWS::NotificationARNs"

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

// references lists the dynamic references in a text.
func (e *evaluation) references(text string) {
	for rest := text; ; {
		_, behind, exists := strings.Cut(rest, "{{resolve:")
		if !exists {
			return
		}
		reference, after, _ := strings.Cut(behind, "}}")
		e.read("dynamic reference", "{{resolve:"+reference+"}}", "")
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
