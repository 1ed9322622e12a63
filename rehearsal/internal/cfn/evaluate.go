package cfn

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// pseudoParameters are the names that CloudFormation gives to every template.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
var pseudoParameters = map[string]bool{
	"AWS::AccountId": true, "AWS::NotificationARNs": true, "AWS::NoValue": true, "AWS::Partition": true,
	"AWS::Region": true, "AWS::StackId": true, "AWS::StackName": true, "AWS::URLSuffix": true,
}

// function recognises an intrinsic function: an object whose only key is Ref, Condition with a string, or Fn::….
func function(node map[string]any) (name string, argument any, ok bool) {
	if len(node) != 1 {
		return "", nil, false
	}
	for key, value := range node {
		name, argument = key, value
	}
	switch {
	case name == "Ref", strings.HasPrefix(name, "Fn::"):
		return name, argument, true
	case name == "Condition":
		// A policy document has a Condition too, but an object.
		_, text := argument.(string)
		return name, argument, text
	}
	return "", nil, false
}

// reference is a use of a parameter or a resource.
type reference struct {
	name          string
	attributeName string // of Fn::GetAtt; may be empty if it is computed
	getAtt        bool
}

func (r reference) attribute() bool { return r.getAtt }

// walkReferences finds the references in a value, in dead branches of Fn::If too.
func walkReferences(node any, visit func(reference)) {
	switch node := node.(type) {
	case []any:
		for _, element := range node {
			walkReferences(element, visit)
		}
	case map[string]any:
		if name, argument, ok := function(node); ok {
			walkOwnReferences(name, argument, visit)
		}
		for _, key := range sortedKeys(node) {
			walkReferences(node[key], visit)
		}
	}
}

// walkOwnReferences finds the references that a function makes itself, not those inside its arguments.
func walkOwnReferences(name string, argument any, visit func(reference)) {
	switch name {
	case "Ref":
		if target, ok := argument.(string); ok {
			visit(reference{name: target})
		}
	case "Fn::GetAtt":
		if resource, attribute, err := getAttArgument(argument); err == nil {
			text, _ := attribute.(string)
			visit(reference{name: resource, attributeName: text, getAtt: true})
		}
	case "Fn::Sub":
		text, variables, err := subArgument(argument)
		if err != nil {
			return
		}
		for _, part := range splitSub(text) {
			if _, own := variables[part.variable]; !own && part.variable != "" {
				visit(subReference(part.variable))
			}
		}
	}
}

func subReference(variable string) reference {
	resource, attribute, dotted := strings.Cut(variable, ".")
	return reference{name: resource, attributeName: attribute, getAtt: dotted}
}

// getAttArgument reads ["A", "B.C"] and "A.B.C".
func getAttArgument(argument any) (resource string, attribute any, err error) {
	malformed := templateError("Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
	switch argument := argument.(type) {
	case string:
		resource, attribute, ok := strings.Cut(argument, ".")
		if !ok || resource == "" || attribute == "" {
			return "", nil, malformed
		}
		return resource, attribute, nil
	case []any:
		if len(argument) < 2 {
			return "", nil, malformed
		}
		resource, ok := argument[0].(string)
		if !ok || resource == "" {
			return "", nil, malformed
		}
		if len(argument) == 2 {
			if _, object := argument[1].(map[string]any); object {
				return resource, argument[1], nil // the attribute may be a Ref
			}
		}
		var parts []string
		for _, part := range argument[1:] {
			text, ok := part.(string)
			if !ok || text == "" {
				return "", nil, malformed
			}
			parts = append(parts, text)
		}
		return resource, strings.Join(parts, "."), nil
	}
	return "", nil, malformed
}

func subArgument(argument any) (text string, variables map[string]any, err error) {
	malformed := templateError("One or more Fn::Sub intrinsic functions don't specify expected arguments. " +
		"Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string")
	switch argument := argument.(type) {
	case string:
		return argument, nil, nil
	case []any:
		if len(argument) != 2 {
			return "", nil, malformed
		}
		text, ok := argument[0].(string)
		variables, okToo := argument[1].(map[string]any)
		if ok && okToo {
			return text, variables, nil
		}
	}
	return "", nil, malformed
}

type subPart struct {
	literal  string
	variable string // if it is not empty, it stands instead of the literal
}

var subVariable = regexp.MustCompile(`\$\{([^{}]*)\}`)

// splitSub splits at ${Name}; ${!Literal} is the text ${Literal}.
func splitSub(text string) []subPart {
	var parts []subPart
	end := 0
	for _, match := range subVariable.FindAllStringSubmatchIndex(text, -1) {
		parts = append(parts, subPart{literal: text[end:match[0]]})
		end = match[1]
		name := text[match[2]:match[3]]
		if literal, escaped := strings.CutPrefix(name, "!"); escaped {
			parts = append(parts, subPart{literal: "${" + literal + "}"})
		} else {
			parts = append(parts, subPart{variable: strings.TrimSpace(name)})
		}
	}
	return append(parts, subPart{literal: text[end:]})
}

var subName = regexp.MustCompile(`^[a-zA-Z0-9_.:]+$`)

func checkSub(argument any) error {
	text, _, err := subArgument(argument)
	if err != nil {
		return err
	}
	for _, match := range subVariable.FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(match[1], "!") && !subName.MatchString(strings.TrimSpace(match[1])) {
			return templateError("variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons")
		}
	}
	return nil
}

// unknown stands for a value that is known only when a resource has been made. It is contagious.
type unknown struct{ from reference }

// noValue removes the property or the list element it is given to.
type noValue struct{}

// evaluator computes values for one template in one stack.
type evaluator struct {
	ctx        context.Context
	engine     *Engine
	at         Place
	template   *template
	parameters map[string]parameterValue
	conditions map[string]bool
	stackName  string
	stackID    string
	topics     []string // the notification ARNs
	planning   bool     // an attribute that a resource lacks may appear with the update

	// resource gives the state of a live resource; false means that it is not made yet.
	resource func(id string) (*resource, bool)
	// imported notes each export that was read.
	imported func(name string)
	// touched, if set, is told of every reference that is evaluated.
	touched func(reference)
}

// evaluateConditions computes all conditions. It is done once, since they depend on parameters only.
func (v *evaluator) evaluateConditions() error {
	v.conditions = map[string]bool{}
	visiting := map[string]bool{}
	var visit func(name string) (bool, error)
	visit = func(name string) (bool, error) {
		if value, done := v.conditions[name]; done {
			return value, nil
		}
		body, declared := v.template.conditions[name]
		if !declared {
			return false, formatError("Unresolved condition dependency %s in the Conditions block of the template", name)
		}
		if visiting[name] {
			return false, formatError("Circular dependency between conditions: [%s]", strings.Join(sortedKeys(visiting), ", "))
		}
		visiting[name] = true
		defer delete(visiting, name)
		value, err := v.condition(body, visit)
		if err == nil {
			v.conditions[name] = value
		}
		return value, err
	}
	for _, name := range sortedKeys(v.template.conditions) {
		if _, err := visit(name); err != nil {
			return err
		}
	}
	return nil
}

// condition computes a value that must be true or false.
func (v *evaluator) condition(node any, named func(string) (bool, error)) (bool, error) {
	object, ok := node.(map[string]any)
	if !ok {
		if text, ok := scalarText(node); ok && (text == "true" || text == "false") {
			return text == "true", nil
		}
		return false, templateError("every condition must be a condition function")
	}
	name, argument, ok := function(object)
	if !ok {
		return false, templateError("every condition must be a condition function")
	}
	list, _ := argument.([]any)
	all := func(least, most int) ([]bool, error) {
		if len(list) < least || len(list) > most {
			return nil, validationError(fmt.Sprintf("Template validation error: Template error: every %s object requires a list of at least %d and at most %d boolean parameters.", name, least, most))
		}
		var results []bool
		for _, element := range list {
			result, err := v.condition(element, named)
			if err != nil {
				return nil, err
			}
			results = append(results, result)
		}
		return results, nil
	}
	switch name {
	case "Condition":
		return named(argument.(string))
	case "Fn::Not":
		results, err := all(1, 1)
		return err == nil && !results[0], err
	case "Fn::And":
		results, err := all(2, 10)
		return err == nil && !slices.Contains(results, false), err
	case "Fn::Or":
		results, err := all(2, 10)
		return err == nil && slices.Contains(results, true), err
	case "Fn::Equals":
		if len(list) != 2 {
			return false, templateError("every Fn::Equals object requires a list of 2 string parameters.")
		}
		left, err := v.value(list[0])
		if err != nil {
			return false, err
		}
		right, err := v.value(list[1])
		if err != nil {
			return false, err
		}
		return equalValues(left, right), nil
	case "Fn::Contains", "Fn::EachMemberIn", "Fn::EachMemberEquals":
		return v.ruleFunction(name, list)
	}
	return false, templateError("%s is no condition function", name)
}

// equalValues compares as CloudFormation does: a number and its text are equal.
func equalValues(left, right any) bool {
	leftText, ok := scalarText(left)
	rightText, okToo := scalarText(right)
	if ok && okToo {
		return leftText == rightText
	}
	return reflect.DeepEqual(left, right)
}

// value computes a value. Maps and lists are new; the template's own are left as they are.
func (v *evaluator) value(node any) (any, error) {
	switch node := node.(type) {
	case []any:
		list := make([]any, 0, len(node))
		for _, element := range node {
			value, err := v.value(element)
			if err != nil {
				return nil, err
			}
			if _, removed := value.(noValue); !removed {
				list = append(list, value)
			}
		}
		return list, nil
	case map[string]any:
		if name, argument, ok := function(node); ok && name != "Condition" {
			return v.call(name, argument)
		}
		object := make(map[string]any, len(node))
		for _, key := range sortedKeys(node) {
			value, err := v.value(node[key])
			if err != nil {
				return nil, err
			}
			if _, removed := value.(noValue); !removed {
				object[key] = value
			}
		}
		return object, nil
	}
	return node, nil
}

func (v *evaluator) call(name string, argument any) (any, error) {
	switch name {
	case "Ref":
		target, ok := argument.(string)
		if !ok {
			return nil, formatError("All Ref's must be a string")
		}
		return v.ref(target)
	case "Fn::GetAtt":
		return v.getAtt(argument)
	case "Fn::Sub":
		return v.sub(argument)
	case "Fn::If":
		return v.branch(argument)
	case "Fn::Join":
		return v.join(argument)
	case "Fn::Select":
		return v.selectOne(argument)
	case "Fn::Split":
		return v.split(argument)
	case "Fn::FindInMap":
		return v.findInMap(argument)
	case "Fn::Base64":
		return v.text(argument, "Fn::Base64", func(text string) (any, error) {
			return base64.StdEncoding.EncodeToString([]byte(text)), nil
		})
	case "Fn::GetAZs":
		return v.text(argument, "Fn::GetAZs", func(region string) (any, error) {
			if region == "" {
				region = v.at.Region
			}
			zones := []any{}
			for _, zone := range v.engine.zones(Place{Account: v.at.Account, Region: region}) {
				zones = append(zones, zone)
			}
			return zones, nil
		})
	case "Fn::ImportValue":
		return v.text(argument, "Fn::ImportValue", func(export string) (any, error) {
			value, ok := v.engine.exportValue(v.at, export)
			if !ok {
				return nil, validationError("No export named " + export + " found.")
			}
			if v.imported != nil {
				v.imported(export)
			}
			return value, nil
		})
	case "Fn::Cidr":
		return v.cidr(argument)
	case "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or":
		return nil, templateError("%s can stand in conditions only", name)
	}
	return nil, templateError("%s can stand in rules only", name)
}

func (v *evaluator) touch(r reference) {
	if v.touched != nil {
		v.touched(r)
	}
}

func (v *evaluator) ref(target string) (any, error) {
	partition, suffix := partitionOf(v.at.Region)
	switch target {
	case "AWS::AccountId":
		return v.at.Account, nil
	case "AWS::NoValue":
		return noValue{}, nil
	case "AWS::NotificationARNs":
		topics := []any{}
		for _, topic := range v.topics {
			topics = append(topics, topic)
		}
		return topics, nil
	case "AWS::Partition":
		return partition, nil
	case "AWS::Region":
		return v.at.Region, nil
	case "AWS::StackId":
		return v.stackID, nil
	case "AWS::StackName":
		return v.stackName, nil
	case "AWS::URLSuffix":
		return suffix, nil
	}
	v.touch(reference{name: target})
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
		return unknown{reference{name: target}}, nil
	}
	return r.physicalID, nil
}

// target finds a resource that is referred to. One whose condition is false is as good as absent.
func (v *evaluator) target(id string) (*resource, bool, error) {
	declaration := v.template.resources[id]
	if declaration == nil || !v.live(declaration.condition) || v.resource == nil {
		return nil, false, formatError("Unresolved resource dependencies [%s] in the Resources block of the template", id)
	}
	r, made := v.resource(id)
	return r, made, nil
}

func (v *evaluator) live(condition string) bool { return condition == "" || v.conditions[condition] }

func (v *evaluator) getAtt(argument any) (any, error) {
	id, attribute, err := getAttArgument(argument)
	if err != nil {
		return nil, err
	}
	computed, err := v.value(attribute)
	if err != nil {
		return nil, err
	}
	name, ok := computed.(string)
	if !ok {
		return nil, templateError("Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
	}
	return v.attribute(id, name)
}

func (v *evaluator) attribute(id, name string) (any, error) {
	from := reference{name: id, attributeName: name, getAtt: true}
	v.touch(from)
	r, made, err := v.target(id)
	if err != nil {
		return nil, err
	}
	if err := v.template.checkAttribute(from); err != nil {
		return nil, err // a computed name was not checked with the template
	}
	if !made {
		return unknown{from}, nil
	}
	if value, ok := attributeValue(r.attributes, name); ok {
		return cloneValue(value), nil
	}
	if v.planning {
		return unknown{from}, nil
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

func (v *evaluator) sub(argument any) (any, error) {
	text, variables, err := subArgument(argument)
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	for _, part := range splitSub(text) {
		if part.variable == "" {
			out.WriteString(part.literal)
			continue
		}
		var value any
		if own, ok := variables[part.variable]; ok {
			value, err = v.value(own)
		} else if r := subReference(part.variable); r.getAtt {
			value, err = v.attribute(r.name, r.attributeName)
		} else {
			value, err = v.ref(r.name)
		}
		if err != nil {
			return nil, err
		}
		if pending, ok := value.(unknown); ok {
			return pending, nil
		}
		piece, ok := scalarText(value)
		if !ok {
			return nil, templateError("Fn::Sub expression does not resolve to a string: %s", part.variable)
		}
		out.WriteString(piece)
	}
	return out.String(), nil
}

func (v *evaluator) branch(argument any) (any, error) {
	list, ok := argument.([]any)
	if !ok || len(list) != 3 {
		return nil, templateError("Fn::If requires a list argument with three elements")
	}
	name, _ := list[0].(string)
	if v.conditions[name] {
		return v.value(list[1])
	}
	return v.value(list[2])
}

// text computes an argument that must be a string and hands it on; an unknown stays one.
func (v *evaluator) text(argument any, name string, use func(string) (any, error)) (any, error) {
	value, err := v.value(argument)
	if err != nil {
		return nil, err
	}
	if pending, ok := value.(unknown); ok {
		return pending, nil
	}
	text, ok := scalarText(value)
	if !ok {
		return nil, templateError("every %s object must have a String-typed value.", name)
	}
	return use(text)
}

// list computes an argument that must be a list.
func (v *evaluator) list(argument any) (elements []any, pending *unknown, ok bool, err error) {
	value, err := v.value(argument)
	if err != nil {
		return nil, nil, false, err
	}
	if p, isPending := value.(unknown); isPending {
		return nil, &p, true, nil
	}
	elements, ok = value.([]any)
	return elements, nil, ok, nil
}

func (v *evaluator) join(argument any) (any, error) {
	malformed := templateError("every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.")
	arguments, ok := argument.([]any)
	if !ok || len(arguments) != 2 {
		return nil, malformed
	}
	delimiter, ok := arguments[0].(string)
	if !ok {
		return nil, malformed
	}
	elements, pending, ok, err := v.list(arguments[1])
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, malformed
	}
	if pending != nil {
		return *pending, nil
	}
	var parts []string
	for _, element := range elements {
		if p, isPending := element.(unknown); isPending {
			return p, nil
		}
		text, ok := scalarText(element)
		if !ok {
			return nil, malformed
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, delimiter), nil
}

func (v *evaluator) selectOne(argument any) (any, error) {
	malformed := templateError("Fn::Select requires a list argument with two elements: an integer index and a list")
	arguments, ok := argument.([]any)
	if !ok || len(arguments) != 2 {
		return nil, malformed
	}
	position, err := v.value(arguments[0])
	if err != nil {
		return nil, err
	}
	text, _ := scalarText(position)
	index, err := strconv.Atoi(text)
	if err != nil {
		return nil, malformed
	}
	elements, pending, ok, err := v.list(arguments[1])
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, malformed
	}
	if pending != nil {
		return *pending, nil
	}
	if index < 0 || index >= len(elements) {
		return nil, templateError("Fn::Select cannot select nonexistent value at index %d", index)
	}
	return elements[index], nil
}

func (v *evaluator) split(argument any) (any, error) {
	malformed := templateError("every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.")
	arguments, ok := argument.([]any)
	if !ok || len(arguments) != 2 {
		return nil, malformed
	}
	delimiter, ok := arguments[0].(string)
	if !ok || delimiter == "" {
		return nil, malformed
	}
	return v.text(arguments[1], "Fn::Split", func(text string) (any, error) {
		list := []any{}
		for part := range strings.SplitSeq(text, delimiter) {
			list = append(list, part)
		}
		return list, nil
	})
}

func (v *evaluator) findInMap(argument any) (any, error) {
	arguments, ok := argument.([]any)
	if !ok || len(arguments) != 3 {
		return nil, templateError("Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value")
	}
	var names []string
	for _, one := range arguments {
		value, err := v.value(one)
		if err != nil {
			return nil, err
		}
		text, ok := scalarText(value)
		if !ok {
			return nil, templateError("Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value")
		}
		names = append(names, text)
	}
	mapping, _ := v.template.mappings[names[0]].(map[string]any)
	top, _ := mapping[names[1]].(map[string]any)
	value, ok := top[names[2]]
	if !ok {
		return nil, templateError("Unable to get mapping for %s", strings.Join(names, "::"))
	}
	return cloneValue(value), nil
}

// cidr gives count blocks of the size 2^bits out of a block.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-cidr.html
func (v *evaluator) cidr(argument any) (any, error) {
	value, err := v.value(argument)
	if err != nil {
		return nil, err
	}
	arguments, ok := value.([]any)
	if !ok || len(arguments) < 2 || len(arguments) > 3 {
		return nil, templateError("Fn::Cidr requires an ipBlock, a count and optional cidrBits")
	}
	if pending, ok := arguments[0].(unknown); ok {
		return pending, nil
	}
	text, _ := scalarText(arguments[0])
	block, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, templateError("Fn::Cidr ipBlock %s is not a valid CIDR block", text)
	}
	numbers := []int{0, 8}
	if block.Addr().Is6() {
		numbers[1] = 64
	}
	for i, one := range arguments[1:] {
		text, _ := scalarText(one)
		if numbers[i], err = strconv.Atoi(text); err != nil {
			return nil, templateError("Fn::Cidr requires whole numbers for count and cidrBits")
		}
	}
	count, bits := numbers[0], numbers[1]
	length := block.Addr().BitLen() - bits
	if count < 1 || count > 256 || bits < 1 || length < block.Bits() || count > 1<<min(length-block.Bits(), 9) {
		return nil, templateError("Fn::Cidr cannot make %d blocks of %d bits out of %s", count, bits, text)
	}
	address := new(big.Int).SetBytes(block.Masked().Addr().AsSlice())
	step := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	list := []any{}
	for range count {
		bytes := address.FillBytes(make([]byte, block.Addr().BitLen()/8))
		start, _ := netip.AddrFromSlice(bytes)
		list = append(list, netip.PrefixFrom(start, length).String())
		address.Add(address, step)
	}
	return list, nil
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

func cloneValue(value any) any {
	switch value := value.(type) {
	case []any:
		list := make([]any, len(value))
		for i, element := range value {
			list[i] = cloneValue(element)
		}
		return list
	case map[string]any:
		return cloneMap(value)
	}
	return value
}

func cloneMap(object map[string]any) map[string]any {
	if object == nil {
		return nil
	}
	clone := make(map[string]any, len(object))
	for key, value := range object {
		clone[key] = cloneValue(value)
	}
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
	switch value := value.(type) {
	case unknown:
		return true
	case []any:
		return slices.ContainsFunc(value, containsUnknown)
	case map[string]any:
		for _, element := range value {
			if containsUnknown(element) {
				return true
			}
		}
	}
	return false
}

func partitionOf(region string) (partition, suffix string) {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn", "amazonaws.com.cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov", "amazonaws.com"
	}
	return "aws", "amazonaws.com"
}
