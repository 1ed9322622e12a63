package intrinsic

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

// Unknown stands for a value that is known only when the stack is deployed. It is contagious: what
// is computed with it is Unknown too.
type Unknown struct {
	// From is what the value waits for; the first, where there are several.
	From Reference
	// Node is the value as a template words it, with everything computed that can be.
	Node any
}

// NewUnknown is the value of a parameter, a resource or an attribute that is not known yet.
func NewUnknown(from Reference) Unknown {
	if from.GetAtt {
		return Unknown{From: from, Node: map[string]any{"Fn::GetAtt": []any{from.Name, from.Attribute}}}
	}
	return Unknown{From: from, Node: map[string]any{"Ref": from.Name}}
}

// NoValue removes the property or the list element it is given to.
type NoValue struct{}

// Evaluator computes the values of one template for one stack.
type Evaluator struct {
	// Account and Region are where the stack is deployed.
	Account, Region string
	// StackName, StackID and Topics (the notification ARNs) are what the pseudo parameters of these
	// names give. Without a StackID, AWS::StackId is Unknown; with nil Topics, so is
	// AWS::NotificationARNs.
	StackName, StackID string
	Topics             []string
	// Mappings and Conditions are the template's sections.
	Mappings, Conditions map[string]any

	// Ref gives the value of a parameter or a resource, Attribute that of Fn::GetAtt; either may be
	// Unknown.
	Ref       func(name string) (any, error)
	Attribute func(resource, attribute string) (any, error)
	// Zones lists the availability zones of a region, Import reads an export; either may be
	// Unknown.
	Zones  func(region string) (any, error)
	Import func(export string) (any, error)
	// Foreign gives the value of a function that this package does not know. Default: it is
	// refused.
	Foreign func(name string, argument any) (any, error)
	// KeepBase64 leaves the text of Fn::Base64 as it is, for whoever compares it. Default: it is
	// encoded.
	KeepBase64 bool

	// holds is what each condition came to; undecided is what the others wait for.
	holds     map[string]bool
	undecided map[string]Reference
}

// UndecidedError says that a condition waits for a value that is Unknown.
type UndecidedError struct{ From Reference }

// Error names what the condition waits for.
func (e *UndecidedError) Error() string {
	return fmt.Sprintf("a condition waits for %s, which is known only when the stack is deployed", e.From.Name)
}

// EvaluateConditions computes all conditions. It is done once, since they depend on parameters
// only. One that waits for a value that is Unknown stays undecided; see [Evaluator.Condition].
func (v *Evaluator) EvaluateConditions() error {
	v.holds, v.undecided = map[string]bool{}, map[string]Reference{}
	visiting := map[string]bool{}
	var visit func(name string) (bool, error)
	visit = func(name string) (bool, error) {
		if from, known := v.undecided[name]; known {
			return false, &UndecidedError{from}
		}
		if value, done := v.holds[name]; done {
			return value, nil
		}
		body, declared := v.Conditions[name]
		if !declared {
			return false, FormatError("Unresolved condition dependency %s in the Conditions block of the template", name)
		}
		if visiting[name] {
			return false, FormatError("Circular dependency between conditions: [%s]", strings.Join(slices.Sorted(maps.Keys(visiting)), ", "))
		}
		visiting[name] = true
		defer delete(visiting, name)
		value, err := v.Decide(body, visit)
		var undecided *UndecidedError
		switch {
		case err == nil:
			v.holds[name] = value
		case errors.As(err, &undecided):
			v.undecided[name] = undecided.From
		}
		return value, err
	}
	for _, name := range slices.Sorted(maps.Keys(v.Conditions)) {
		if _, err := visit(name); err != nil && !errors.As(err, new(*UndecidedError)) {
			return err
		}
	}
	return nil
}

// SetConditions takes what an earlier evaluation of the same conditions came to.
func (v *Evaluator) SetConditions(holds map[string]bool) { v.holds = holds }

// Holds is what each condition came to.
func (v *Evaluator) Holds() map[string]bool { return v.holds }

// Condition tells whether a condition holds; the empty name always does. decided is false where it
// waits for a value that is Unknown.
func (v *Evaluator) Condition(name string) (holds, decided bool) {
	_, waits := v.undecided[name]
	return name == "" || v.holds[name], !waits
}

// Live tells whether what has this condition is made.
func (v *Evaluator) Live(condition string) bool { return condition == "" || v.holds[condition] }

// Decide computes a value that must be true or false; named gives the value of another condition.
// The error is an [*UndecidedError] where it waits for a value that is Unknown.
func (v *Evaluator) Decide(node any, named func(string) (bool, error)) (bool, error) {
	object, ok := node.(map[string]any)
	if !ok {
		if text, ok := ScalarText(node); ok && (text == "true" || text == "false") {
			return text == "true", nil
		}
		return false, TemplateError("every condition must be a condition function")
	}
	name, argument, ok := Function(object)
	if !ok {
		return false, TemplateError("every condition must be a condition function")
	}
	list, _ := argument.([]any)
	// all decides each of a list; one that is the given value decides the whole, whatever the
	// others wait for.
	all := func(least, most int, decides bool) (bool, error) {
		if len(list) < least || len(list) > most {
			return false, ValidationError(fmt.Sprintf("Template validation error: Template error: every %s object requires a list of at least %d and at most %d boolean parameters.", name, least, most))
		}
		var waits error
		decided := false
		for _, element := range list {
			result, err := v.Decide(element, named)
			if errors.As(err, new(*UndecidedError)) {
				waits = err
				continue
			}
			if err != nil {
				return false, err
			}
			decided = decided || result == decides
		}
		if decided {
			return decides, nil
		}
		return !decides, waits
	}
	switch name {
	case "Condition":
		return named(argument.(string))
	case "Fn::Not":
		result, err := all(1, 1, true)
		return !result && err == nil, err
	case "Fn::And":
		return all(2, 10, false)
	case "Fn::Or":
		return all(2, 10, true)
	case "Fn::Equals":
		if len(list) != 2 {
			return false, TemplateError("every Fn::Equals object requires a list of 2 string parameters.")
		}
		sides, err := v.sides(list)
		return err == nil && equalValues(sides[0], sides[1]), err
	case "Fn::Contains", "Fn::EachMemberIn", "Fn::EachMemberEquals":
		return v.ruleFunction(name, list)
	}
	return false, TemplateError("%s is no condition function", name)
}

// sides computes the two values that are compared.
func (v *Evaluator) sides(list []any) (sides [2]any, err error) {
	for i := range sides {
		if sides[i], err = v.Value(list[i]); err != nil {
			return sides, err
		}
		if waits, from := Waits(sides[i]); waits {
			return sides, &UndecidedError{from}
		}
	}
	return sides, nil
}

// ruleFunction computes the functions that stand in rules only. Fn::RefAll, Fn::ValueOf and
// Fn::ValueOfAll read lists of real VPCs and the like, which nobody has asked of the rehearsal.
func (v *Evaluator) ruleFunction(name string, arguments []any) (bool, error) {
	if len(arguments) != 2 {
		return false, TemplateError("every %s object requires two parameters", name)
	}
	sides, err := v.sides(arguments)
	if err != nil {
		return false, err
	}
	var lists [2][]any
	for i, value := range sides {
		if list, ok := value.([]any); ok {
			lists[i] = list
		} else {
			lists[i] = []any{value}
		}
	}
	in := func(list []any, wanted any) bool {
		return slices.ContainsFunc(list, func(element any) bool { return equalValues(element, wanted) })
	}
	switch name {
	case "Fn::Contains":
		return len(lists[1]) == 1 && in(lists[0], lists[1][0]), nil
	case "Fn::EachMemberIn":
		for _, member := range lists[0] {
			if !in(lists[1], member) {
				return false, nil
			}
		}
		return true, nil
	default: // Fn::EachMemberEquals
		for _, member := range lists[0] {
			if len(lists[1]) != 1 || !equalValues(member, lists[1][0]) {
				return false, nil
			}
		}
		return true, nil
	}
}

// equalValues compares as CloudFormation does: a number and its text are equal.
func equalValues(left, right any) bool {
	leftText, ok := ScalarText(left)
	rightText, okToo := ScalarText(right)
	if ok && okToo {
		return leftText == rightText
	}
	return reflect.DeepEqual(left, right)
}

// Value computes a value. Maps and lists are new; the template's own are left as they are.
func (v *Evaluator) Value(node any) (any, error) {
	switch node := node.(type) {
	case []any:
		list := make([]any, 0, len(node))
		for _, element := range node {
			value, err := v.Value(element)
			if err != nil {
				return nil, err
			}
			if _, removed := value.(NoValue); !removed {
				list = append(list, value)
			}
		}
		return list, nil
	case map[string]any:
		if name, argument, ok := Function(node); ok && name != "Condition" {
			return v.call(name, argument)
		}
		object := make(map[string]any, len(node))
		for _, key := range slices.Sorted(maps.Keys(node)) {
			value, err := v.Value(node[key])
			if err != nil {
				return nil, err
			}
			if _, removed := value.(NoValue); !removed {
				object[key] = value
			}
		}
		return object, nil
	}
	return node, nil
}

func (v *Evaluator) call(name string, argument any) (any, error) {
	switch name {
	case "Ref":
		target, ok := argument.(string)
		if !ok {
			return nil, FormatError("All Ref's must be a string")
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
			if v.KeepBase64 {
				return waiting(Reference{Name: name}, name, text), nil
			}
			return base64.StdEncoding.EncodeToString([]byte(text)), nil
		})
	case "Fn::GetAZs":
		return v.text(argument, "Fn::GetAZs", func(region string) (any, error) {
			if region == "" {
				region = v.Region
			}
			return v.Zones(region)
		})
	case "Fn::ImportValue":
		return v.text(argument, "Fn::ImportValue", v.Import)
	case "Fn::Cidr":
		return v.cidr(argument)
	case "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or":
		return nil, TemplateError("%s can stand in conditions only", name)
	}
	if v.Foreign != nil {
		return v.Foreign(name, argument)
	}
	return nil, TemplateError("%s can stand in rules only", name)
}

func (v *Evaluator) ref(target string) (any, error) {
	partition, suffix := stages.Partition(v.Region), stages.Domain(v.Region)
	switch target {
	case "AWS::AccountId":
		return v.Account, nil
	case "AWS::NoValue":
		return NoValue{}, nil
	case "AWS::NotificationARNs":
		if v.Topics == nil {
			return NewUnknown(Reference{Name: target}), nil
		}
		topics := []any{}
		for _, topic := range v.Topics {
			topics = append(topics, topic)
		}
		return topics, nil
	case "AWS::Partition":
		return partition, nil
	case "AWS::Region":
		return v.Region, nil
	case "AWS::StackId":
		if v.StackID == "" {
			return NewUnknown(Reference{Name: target}), nil
		}
		return v.StackID, nil
	case "AWS::StackName":
		return v.StackName, nil
	case "AWS::URLSuffix":
		return suffix, nil
	}
	return v.Ref(target)
}

// waiting is the value of a function whose argument is known only as far as it is given here.
func waiting(from Reference, name string, argument any) Unknown {
	return Unknown{From: from, Node: map[string]any{name: Plain(argument)}}
}

// Plain is a value with each Unknown in it as a template words it.
func Plain(value any) any {
	switch value := value.(type) {
	case Unknown:
		return value.Node
	case []any:
		list := make([]any, len(value))
		for i, element := range value {
			list[i] = Plain(element)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(value))
		for key, element := range value {
			object[key] = Plain(element)
		}
		return object
	}
	return value
}

// Waits tells whether a part of a value is Unknown, and for what it waits.
func Waits(value any) (bool, Reference) {
	switch value := value.(type) {
	case Unknown:
		return true, value.From
	case []any:
		for _, element := range value {
			if waits, from := Waits(element); waits {
				return true, from
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if waits, from := Waits(value[key]); waits {
				return true, from
			}
		}
	}
	return false, Reference{}
}

func (v *Evaluator) getAtt(argument any) (any, error) {
	id, attribute, err := GetAttArgument(argument)
	if err != nil {
		return nil, err
	}
	computed, err := v.Value(attribute)
	if err != nil {
		return nil, err
	}
	if waits, from := Waits(computed); waits {
		return waiting(from, "Fn::GetAtt", []any{id, computed}), nil
	}
	name, ok := computed.(string)
	if !ok {
		return nil, TemplateError("Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
	}
	return v.Attribute(id, name)
}

func (v *Evaluator) sub(argument any) (any, error) {
	text, variables, err := subArgument(argument)
	if err != nil {
		return nil, err
	}
	var pieces []any
	for _, part := range splitSub(text) {
		if part.variable == "" {
			pieces = append(pieces, part.literal)
			continue
		}
		var value any
		if own, ok := variables[part.variable]; ok {
			value, err = v.Value(own)
		} else if r := subReference(part.variable); r.GetAtt {
			value, err = v.Attribute(r.Name, r.Attribute)
		} else {
			value, err = v.ref(r.Name)
		}
		if err != nil {
			return nil, err
		}
		if _, pending := value.(Unknown); !pending {
			if _, scalar := ScalarText(value); !scalar {
				return nil, TemplateError("Fn::Sub expression does not resolve to a string: %s", part.variable)
			}
		}
		pieces = append(pieces, value)
	}
	return joined("", pieces), nil
}

// joined joins texts, some of which may be Unknown: then those that are known and stand together
// become one, so that two wordings of one text are the same.
func joined(delimiter string, elements []any) any {
	var pieces []any
	var from *Reference
	add := func(piece any) {
		text, known := ScalarText(piece)
		if last := len(pieces) - 1; known && last >= 0 {
			if before, ok := pieces[last].(string); ok {
				pieces[last] = before + text
				return
			}
		}
		if known {
			piece = text
		}
		pieces = append(pieces, piece)
	}
	for i, element := range elements {
		if i > 0 && delimiter != "" {
			add(delimiter)
		}
		pending, isPending := element.(Unknown)
		if !isPending {
			if text, _ := ScalarText(element); text != "" {
				add(text)
			}
			continue
		}
		if from == nil {
			from = &pending.From
		}
		for _, piece := range joinPieces(pending.Node) {
			add(piece)
		}
	}
	if from != nil {
		if len(pieces) == 1 {
			return Unknown{From: *from, Node: pieces[0]}
		}
		return waiting(*from, "Fn::Join", []any{"", pieces})
	}
	if len(pieces) == 0 {
		return ""
	}
	return pieces[0]
}

// joinPieces are the pieces of a text that was joined before, or the value itself.
func joinPieces(node any) []any {
	if object, ok := node.(map[string]any); ok {
		if name, argument, isCall := Function(object); isCall && name == "Fn::Join" {
			if list, ok := argument.([]any); ok && len(list) == 2 && list[0] == "" {
				if pieces, ok := list[1].([]any); ok {
					return pieces
				}
			}
		}
	}
	return []any{node}
}

func (v *Evaluator) branch(argument any) (any, error) {
	list, ok := argument.([]any)
	if !ok || len(list) != 3 {
		return nil, TemplateError("Fn::If requires a list argument with three elements")
	}
	name, _ := list[0].(string)
	holds, decided := v.Condition(name)
	if !decided {
		var branches [2]any
		for i := range branches {
			value, err := v.Value(list[i+1])
			if err != nil {
				return nil, err
			}
			if _, removed := value.(NoValue); removed {
				value = map[string]any{"Ref": "AWS::NoValue"}
			}
			branches[i] = value
		}
		return waiting(v.undecided[name], "Fn::If", []any{name, branches[0], branches[1]}), nil
	}
	if holds {
		return v.Value(list[1])
	}
	return v.Value(list[2])
}

// text computes an argument that must be a string and hands it on; an Unknown stays one.
func (v *Evaluator) text(argument any, name string, use func(string) (any, error)) (any, error) {
	value, err := v.Value(argument)
	if err != nil {
		return nil, err
	}
	if pending, ok := value.(Unknown); ok {
		return waiting(pending.From, name, pending), nil
	}
	text, ok := ScalarText(value)
	if !ok {
		return nil, TemplateError("every %s object must have a String-typed value.", name)
	}
	return use(text)
}

// list computes an argument that must be a list.
func (v *Evaluator) list(argument any) (elements []any, pending *Unknown, ok bool, err error) {
	value, err := v.Value(argument)
	if err != nil {
		return nil, nil, false, err
	}
	if p, isPending := value.(Unknown); isPending {
		return nil, &p, true, nil
	}
	elements, ok = value.([]any)
	return elements, nil, ok, nil
}

func (v *Evaluator) join(argument any) (any, error) {
	malformed := TemplateError("every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.")
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
		return waiting(pending.From, "Fn::Join", []any{delimiter, *pending}), nil
	}
	for _, element := range elements {
		_, isPending := element.(Unknown)
		if _, scalar := ScalarText(element); !scalar && !isPending {
			return nil, malformed
		}
	}
	return joined(delimiter, elements), nil
}

func (v *Evaluator) selectOne(argument any) (any, error) {
	malformed := TemplateError("Fn::Select requires a list argument with two elements: an integer index and a list")
	arguments, ok := argument.([]any)
	if !ok || len(arguments) != 2 {
		return nil, malformed
	}
	position, err := v.Value(arguments[0])
	if err != nil {
		return nil, err
	}
	elements, pending, ok, err := v.list(arguments[1])
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, malformed
	}
	if waits, from := Waits(position); waits {
		var list any = elements
		if pending != nil {
			list = *pending
		}
		return waiting(from, "Fn::Select", []any{position, list}), nil
	}
	text, _ := ScalarText(position)
	index, err := strconv.Atoi(text)
	if err != nil {
		return nil, malformed
	}
	if pending != nil {
		return waiting(pending.From, "Fn::Select", []any{text, *pending}), nil // "0" and 0 are one index
	}
	if index < 0 || index >= len(elements) {
		return nil, TemplateError("Fn::Select cannot select nonexistent value at index %d", index)
	}
	return elements[index], nil
}

func (v *Evaluator) split(argument any) (any, error) {
	malformed := TemplateError("every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.")
	arguments, ok := argument.([]any)
	if !ok || len(arguments) != 2 {
		return nil, malformed
	}
	delimiter, ok := arguments[0].(string)
	if !ok || delimiter == "" {
		return nil, malformed
	}
	value, err := v.Value(arguments[1])
	if err != nil {
		return nil, err
	}
	if pending, ok := value.(Unknown); ok {
		return waiting(pending.From, "Fn::Split", []any{delimiter, pending}), nil
	}
	text, ok := ScalarText(value)
	if !ok {
		return nil, TemplateError("every Fn::Split object must have a String-typed value.")
	}
	list := []any{}
	for part := range strings.SplitSeq(text, delimiter) {
		list = append(list, part)
	}
	return list, nil
}

func (v *Evaluator) findInMap(argument any) (any, error) {
	malformed := TemplateError("Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value")
	arguments, ok := argument.([]any)
	if !ok || len(arguments) != 3 {
		return nil, malformed
	}
	var names []string
	values := make([]any, len(arguments))
	var waits *Reference
	for i, element := range arguments {
		value, err := v.Value(element)
		if err != nil {
			return nil, err
		}
		values[i] = value
		if pending, from := Waits(value); pending {
			waits = &from
			continue
		}
		text, ok := ScalarText(value)
		if !ok {
			return nil, malformed
		}
		names = append(names, text)
	}
	if waits != nil {
		return waiting(*waits, "Fn::FindInMap", values), nil
	}
	mapping, _ := v.Mappings[names[0]].(map[string]any)
	top, _ := mapping[names[1]].(map[string]any)
	value, ok := top[names[2]]
	if !ok {
		return nil, TemplateError("Unable to get mapping for %s", strings.Join(names, "::"))
	}
	return Clone(value), nil
}

// cidr gives count blocks of the size 2^bits out of a block.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-cidr.html
func (v *Evaluator) cidr(argument any) (any, error) {
	value, err := v.Value(argument)
	if err != nil {
		return nil, err
	}
	if waits, from := Waits(value); waits {
		return waiting(from, "Fn::Cidr", value), nil
	}
	arguments, ok := value.([]any)
	if !ok || len(arguments) < 2 || len(arguments) > 3 {
		return nil, TemplateError("Fn::Cidr requires an ipBlock, a count and optional cidrBits")
	}
	text, _ := ScalarText(arguments[0])
	block, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, TemplateError("Fn::Cidr ipBlock %s is not a valid CIDR block", text)
	}
	numbers := []int{0, 8}
	if block.Addr().Is6() {
		numbers[1] = 64
	}
	for i, element := range arguments[1:] {
		text, _ := ScalarText(element)
		if numbers[i], err = strconv.Atoi(text); err != nil {
			return nil, TemplateError("Fn::Cidr requires whole numbers for count and cidrBits")
		}
	}
	count, bits := numbers[0], numbers[1]
	length := block.Addr().BitLen() - bits
	if count < 1 || count > 256 || bits < 1 || length < block.Bits() || count > 1<<min(length-block.Bits(), 9) {
		return nil, TemplateError("Fn::Cidr cannot make %d blocks of %d bits out of %s", count, bits, text)
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

// ScalarText is the text that CloudFormation makes of a scalar.
func ScalarText(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case bool:
		return strconv.FormatBool(value), true
	case json.Number:
		return value.String(), true
	case int64:
		return strconv.FormatInt(value, 10), true
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64), true
	}
	return "", false
}

// Clone is a copy of a value that shares nothing with it.
func Clone(value any) any {
	switch value := value.(type) {
	case []any:
		list := make([]any, len(value))
		for i, element := range value {
			list[i] = Clone(element)
		}
		return list
	case map[string]any:
		if value == nil {
			return value
		}
		clone := make(map[string]any, len(value))
		for key, element := range value {
			clone[key] = Clone(element)
		}
		return clone
	}
	return value
}
