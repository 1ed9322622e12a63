package quota

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

// Template is a stack's template as quotas count it: with its parameters, conditions and Fn::If worked out as
// far as they can be before a deploy.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
type Template struct {
	// Resources are those whose condition holds, or whose condition cannot be known; sorted by id.
	Resources []Resource
	// Declared, Outputs, Parameters and Mappings count what the template declares, whatever the conditions
	// say; Bytes is the length of its text.
	Declared, Outputs, Parameters, Mappings, Bytes int
	// Hidden is what makes resources that are not among these: a transform or a nested stack. Empty where nothing does.
	Hidden string

	values     map[string]any
	mappings   map[string]any
	conditions map[string]any
	asking     map[string]bool // conditions that are being worked out
	size       func(key string) (least, most float64, known bool)
}

// Resource is one resource of a [Template].
type Resource struct {
	// ID is its logical id, Type its CloudFormation type.
	ID, Type string
	// Properties are worked out; what only a deploy can tell, such as the Ref of a resource, stays as it is
	// written.
	Properties map[string]any
	// Condition is the name of its condition where that cannot be known; else empty.
	Condition string

	template *Template
}

// origin is where a template is deployed, and with which parameters.
type origin struct {
	account, region, stack string
	parameters             map[string]string
	// size is the length in bytes of an object among the assets, by its key. Default: none is known.
	size func(key string) (least, most float64, known bool)
}

// nestedStack is the type of a stack in a stack, whose template is another.
const nestedStack = "AWS::CloudFormation::Stack"

// masked is what CloudFormation tells of the value of a parameter with NoEcho.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
const masked = "****"

// absent is the value of AWS::NoValue.
type absent struct{}

// evaluate reads a template. The error says what of it cannot be read.
func evaluate(text []byte, at origin) (*Template, error) {
	var root map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&root); err != nil {
		return nil, fmt.Errorf("the template is not JSON (%w).\nDeploy it again.", err)
	}
	resources, parameters := members(root["Resources"]), members(root["Parameters"])
	t := &Template{
		Declared: len(resources), Outputs: len(members(root["Outputs"])), Parameters: len(parameters), Mappings: len(members(root["Mappings"])), Bytes: len(text),
		mappings: members(root["Mappings"]), conditions: members(root["Conditions"]), asking: map[string]bool{}, size: at.size,
		values: map[string]any{
			"AWS::AccountId": at.account, "AWS::Region": at.region, "AWS::StackName": at.stack, "AWS::Partition": stages.Partition(at.region), "AWS::NoValue": absent{},
		},
	}
	if root["Transform"] != nil {
		t.Hidden = "the transform " + canonical(root["Transform"])
	}
	for name, declared := range parameters {
		kind, _ := members(declared)["Type"].(string)
		value, given := at.parameters[name]
		switch standard := members(declared)["Default"]; {
		case strings.HasPrefix(kind, "AWS::SSM::Parameter::Value"): // SSM knows
		case value == masked:
		case given:
			t.values[name] = value
		case standard != nil:
			t.values[name] = scalar(standard)
		}
		if list, isText := t.values[name].(string); isText && (kind == "CommaDelimitedList" || strings.HasPrefix(kind, "List<")) {
			var items []any
			for item := range strings.SplitSeq(list, ",") {
				items = append(items, strings.TrimSpace(item))
			}
			t.values[name] = items
		}
	}
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		one := members(resources[id])
		resource := Resource{ID: id, template: t}
		resource.Type, _ = one["Type"].(string)
		if condition, _ := one["Condition"].(string); condition != "" {
			holds, known := t.condition(condition)
			if known && !holds {
				continue
			}
			if !known {
				resource.Condition = condition
			}
		}
		resource.Properties = members(t.value(one["Properties"]))
		if resource.Type == nestedStack {
			t.Hidden = cmp.Or(t.Hidden, "the nested stack "+id)
		}
		t.Resources = append(t.Resources, resource)
	}
	return t, nil
}

func members(value any) map[string]any {
	object, _ := value.(map[string]any)
	return object
}

// scalar is a number or a boolean as the text that CloudFormation takes it for.
func scalar(value any) any {
	switch v := value.(type) {
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return value
}

// value works a value out. What cannot be is returned as it is written.
func (t *Template) value(written any) any {
	switch v := written.(type) {
	case []any:
		var items []any
		for _, item := range v {
			if worked := t.value(item); worked != (absent{}) {
				items = append(items, worked)
			}
		}
		return items
	case map[string]any:
		if len(v) == 1 {
			for name, argument := range v {
				if worked, is := t.function(name, argument); is {
					return worked
				}
			}
		}
		object := map[string]any{}
		for name, member := range v {
			if worked := t.value(member); worked != (absent{}) {
				object[name] = worked
			}
		}
		return object
	}
	return written
}

// function works an intrinsic function out; is tells whether it is one that could be.
func (t *Template) function(name string, argument any) (worked any, is bool) {
	switch name {
	case "Ref":
		of, _ := argument.(string)
		worked, is = t.values[of]
		return worked, is
	case "Fn::If":
		parts, _ := argument.([]any)
		if len(parts) != 3 {
			return nil, false
		}
		condition, _ := parts[0].(string)
		holds, known := t.condition(condition)
		switch {
		case !known:
			return nil, false
		case holds:
			return t.value(parts[1]), true
		}
		return t.value(parts[2]), true
	case "Fn::FindInMap":
		path, _ := t.value(argument).([]any)
		var found any = t.mappings
		for _, step := range path[:min(3, len(path))] {
			key, isText := scalar(step).(string)
			if found, is = members(found)[key]; !isText || !is {
				return nil, false
			}
		}
		return found, len(path) > 0
	case "Fn::Join":
		parts, _ := t.value(argument).([]any)
		if len(parts) != 2 {
			return nil, false
		}
		between, isText := parts[0].(string)
		items, isList := parts[1].([]any)
		words := make([]string, len(items))
		for i, item := range items {
			word, isText := scalar(item).(string)
			if !isText {
				return nil, false
			}
			words[i] = word
		}
		return strings.Join(words, between), isText && isList
	case "Fn::Sub":
		return t.substitute(argument)
	case "Fn::Select":
		parts, _ := t.value(argument).([]any)
		if len(parts) != 2 {
			return nil, false
		}
		at, known := number(parts[0])
		items, isList := parts[1].([]any)
		if !known || !isList || at < 0 || int(at) >= len(items) {
			return nil, false
		}
		return items[int(at)], true
	}
	return nil, false
}

// substitute is Fn::Sub, where every variable is known.
func (t *Template) substitute(argument any) (any, bool) {
	given := map[string]any{}
	if parts, isList := argument.([]any); isList && len(parts) == 2 {
		given = members(t.value(parts[1]))
		argument = parts[0]
	}
	text, isText := argument.(string)
	var made strings.Builder
	for isText {
		before, rest, more := strings.Cut(text, "${")
		made.WriteString(before)
		if !more {
			return made.String(), true
		}
		name, after, _ := strings.Cut(rest, "}")
		text = after
		if literal, is := strings.CutPrefix(name, "!"); is {
			made.WriteString("${" + literal + "}")
			continue
		}
		value, known := given[name]
		if !known {
			value = t.values[name]
		}
		word, isWord := scalar(value).(string)
		if !isWord {
			return nil, false
		}
		made.WriteString(word)
	}
	return nil, false
}

// condition works a named condition out.
func (t *Template) condition(name string) (holds, known bool) {
	if t.asking[name] {
		return false, false
	}
	t.asking[name] = true
	defer delete(t.asking, name)
	return t.holds(t.conditions[name])
}

func (t *Template) holds(written any) (holds, known bool) {
	for name, argument := range members(written) {
		parts, _ := argument.([]any)
		switch name {
		case "Condition":
			of, _ := argument.(string)
			return t.condition(of)
		case "Fn::Not":
			if len(parts) != 1 {
				return false, false
			}
			holds, known = t.holds(parts[0])
			return !holds, known
		case "Fn::And", "Fn::Or":
			// One part decides, whatever the others are.
			decides, all := name == "Fn::Or", true
			for _, part := range parts {
				holds, known := t.holds(part)
				if known && holds == decides {
					return decides, true
				}
				all = all && known
			}
			return !decides, all
		case "Fn::Equals":
			if len(parts) != 2 {
				return false, false
			}
			first, isText := scalar(t.value(parts[0])).(string)
			second, alsoText := scalar(t.value(parts[1])).(string)
			return first == second, isText && alsoText
		}
	}
	return false, false
}

// number is a value that counts, which a template may write as a text.
func number(value any) (float64, bool) {
	text, isText := scalar(value).(string)
	amount, err := strconv.ParseFloat(text, 64)
	return amount, isText && err == nil
}

// canonical is the text of a value, the same for the same value.
func canonical(value any) string {
	text, _ := json.Marshal(value) // what was read from JSON
	return string(text)
}

// property is the value at a path with dots. Where something on the way is only known to a deploy, it is that.
func (r Resource) property(path string) any {
	var value any = r.Properties
	for name := range strings.SplitSeq(path, ".") {
		if isFunction(value) {
			return value
		}
		value = members(value)[name]
	}
	return value
}

// isFunction tells whether a value is an intrinsic function that could not be worked out.
func isFunction(value any) bool {
	object := members(value)
	for name := range object {
		return len(object) == 1 && (name == "Ref" || strings.HasPrefix(name, "Fn::"))
	}
	return false
}

// text is a property that is a text, else empty.
func (r Resource) text(path string) string {
	text, _ := r.property(path).(string)
	return text
}

// identity is what stays of a resource while none of these properties changes: CloudFormation makes a new one
// then, before it deletes the old.
func (r Resource) identity(replaced ...string) string {
	values := make([]any, len(replaced))
	for i, path := range replaced {
		values[i] = r.template.referring(r.property(path))
	}
	return r.ID + canonical(values)
}

// referring is a value in which what refers to a resource changes where that resource is replaced: then so is
// whatever would be replaced for another value.
func (t *Template) referring(value any) any {
	switch v := value.(type) {
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = t.referring(item)
		}
		return items
	case map[string]any:
		if of := t.resource(reference(v)); of != nil {
			return []any{v, of.identity(replacing[of.Type]...)}
		}
		object := map[string]any{}
		for name, member := range v {
			object[name] = t.referring(member)
		}
		return object
	}
	return value
}

// replacing are the properties of which CloudFormation makes a new resource where they change, by the types that
// counted resources refer to.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
var replacing = map[string][]string{
	"AWS::EC2::VPC":           {"CidrBlock", "Ipv4IpamPoolId", "Ipv4NetmaskLength"},
	"AWS::EC2::Subnet":        {"VpcId", "CidrBlock", "AvailabilityZone"},
	"AWS::EC2::SecurityGroup": {"VpcId", "GroupName", "GroupDescription"},
	"AWS::EC2::EIP":           {"NetworkBorderGroup", "Address", "IpamPoolId"},
	"AWS::DAX::SubnetGroup":   {"SubnetGroupName"},
	"AWS::IAM::Role":          {"RoleName", "Path"},
	"AWS::Events::EventBus":   {"Name"},
	functionType:              {"FunctionName", "PackageType"},
}

// share is what the resource takes of a quota: nothing, perhaps, where its condition cannot be known.
func (r Resource) share(amount float64, replaced ...string) Share {
	share := Share{Key: r.identity(replaced...), Least: amount, Most: amount}
	if r.Condition != "" {
		share.Least, share.Unknown = 0, "condition "+r.Condition
	}
	return share
}

// unknown is what it takes by something that cannot be known.
func (r Resource) unknown(what string, value any, replaced ...string) Share {
	return Share{Key: r.identity(replaced...), Most: math.Inf(1), Unknown: what + " of " + r.ID + ", " + canonical(value)}
}

// numbered is what it takes by a property that is a number; otherwise is for one that is not written.
func (r Resource) numbered(path string, otherwise float64, replaced ...string) Share {
	written := r.property(path)
	if written == nil {
		return r.share(otherwise, replaced...)
	}
	amount, known := number(written)
	if !known {
		return r.unknown(path, written, replaced...)
	}
	return r.share(amount, replaced...)
}

// listed is what it takes by the length of a list.
func (r Resource) listed(path string, replaced ...string) Share {
	written := r.property(path)
	list, isList := written.([]any)
	if written != nil && !isList {
		return r.unknown(path, written, replaced...)
	}
	return r.share(float64(len(list)), replaced...)
}

// reference is the logical id that a Ref or an Fn::GetAtt names; empty where a value is neither.
func reference(value any) string {
	id, _ := members(value)["Ref"].(string)
	switch attribute := members(value)["Fn::GetAtt"].(type) {
	case string:
		id, _, _ = strings.Cut(attribute, ".")
	case []any:
		if len(attribute) > 0 {
			id, _ = attribute[0].(string)
		}
	}
	return id
}

// resource is the one with a logical id; nil where there is none.
func (t *Template) resource(id string) *Resource {
	at, found := slices.BinarySearchFunc(t.Resources, id, func(r Resource, id string) int { return strings.Compare(r.ID, id) })
	if !found {
		return nil
	}
	return &t.Resources[at]
}

// referred is the resource of the template that a value refers to, by Ref, by one of its attributes, or by its
// name; nil where it is none of them.
func (t *Template) referred(value any, kind, name string) *Resource {
	if of := t.resource(reference(value)); of != nil && of.Type == kind {
		return of
	}
	for i, r := range t.Resources {
		if r.Type == kind && r.text(name) != "" && r.text(name) == value {
			return &t.Resources[i]
		}
	}
	return nil
}

// Share is what one thing in a template takes of a quota.
type Share struct {
	// Subject is the resource the quota applies to, such as a bus, by its name; empty for the account.
	Subject string
	// Key tells the same thing in two templates. Things with one key are one.
	Key string
	// Least and Most are how much it takes, in the quota's unit: the same, unless Unknown says what it depends
	// on that cannot be known before a deploy.
	Least, Most float64
	Unknown     string
}

// increase is what one template takes more than another, by what the quota is of. Only what is added counts:
// CloudFormation deletes what a template has no more after it has made what is new.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
func increase(next, now []Share) map[string]need {
	type thing struct{ of, key string }
	collect := func(shares []Share) map[thing]Share {
		things := map[thing]Share{}
		for _, share := range shares {
			at := thing{share.Subject, share.Key}
			if other, twice := things[at]; twice {
				share.Least, share.Most = max(share.Least, other.Least), max(share.Most, other.Most)
			}
			things[at] = share
		}
		return things
	}
	before, needs := collect(now), map[string]need{}
	for at, share := range collect(next) {
		was := before[at]
		if was == share {
			continue // also where neither is known: it is the same expression
		}
		needs[at.of] = needs[at.of].plus(need{max(0, share.Least-was.Most), max(0, share.Most-was.Least), cmp.Or(share.Unknown, was.Unknown)})
	}
	return needs
}

// need is what a deploy takes of a quota: at least and at most, and what it depends on where these differ.
type need struct {
	least, most float64
	unknown     string
}

func (n need) plus(other need) need {
	unknown := n.unknown
	if unknown == "" || other.unknown != "" && other.unknown < unknown { // one of them, the same in every run
		unknown = other.unknown
	}
	return need{n.least + other.least, n.most + other.most, unknown}
}

// largest is the largest share of one template.
func largest(shares []Share) need {
	var found need
	for _, share := range shares {
		unknown := need{unknown: share.Unknown}.plus(found).unknown
		found = need{max(found.least, share.Least), max(found.most, share.Most), unknown}
	}
	return found
}

// homeOf is the region where a region's part of AWS keeps the quotas of whole accounts.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func homeOf(region string) string {
	return map[string]string{"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1", "aws-eusc": "eusc-de-east-1"}[stages.Partition(region)]
}

const functionType = "AWS::Lambda::Function"
