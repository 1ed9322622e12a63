package dynamo

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// Value is the value of an attribute.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
type Value struct {
	// kind is DynamoDB's name of the type, such as "S" or "NS".
	kind string
	// text is of S and N, and the bytes of B; numbers are written in one way only.
	text string
	flag bool
	list []Value
	item Item
	// set holds the texts, numbers or bytes of a set, in order.
	set []string
}

// Item is what a table holds, by the names of attributes.
type Item map[string]Value

const (
	kindString  = "S"
	kindNumber  = "N"
	kindBinary  = "B"
	kindBoolean = "BOOL"
	kindNull    = "NULL"
	kindList    = "L"
	kindMap     = "M"
	kindStrings = "SS"
	kindNumbers = "NS"
	kindBytes   = "BS"
)

// kinds are in the order in which refusals list them.
var kinds = []string{kindBinary, kindNull, kindStrings, kindBoolean, kindList, kindBytes, kindNumber, kindNumbers, kindString, kindMap}

// elementKinds are the types of what sets hold.
var elementKinds = map[string]string{kindStrings: kindString, kindNumbers: kindNumber, kindBytes: kindBinary}

const invalidValues = "One or more parameter values were invalid: "

// maxDepth is how deep lists and maps may be nested.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-attributes
const maxDepth = 32

// readItem reads an item as requests have it.
func readItem(text json.RawMessage) (Item, error) {
	var written map[string]json.RawMessage
	if err := json.Unmarshal(text, &written); err != nil {
		return nil, serialization(err)
	}
	return readMembers(written, 0)
}

func readMembers(written map[string]json.RawMessage, depth int) (Item, error) {
	item := make(Item, len(written))
	for _, name := range slices.Sorted(maps.Keys(written)) {
		value, err := readValue(written[name], depth)
		if err != nil {
			return nil, err
		}
		item[name] = value
	}
	return item, nil
}

// readValue reads one value: an object with one member, which is named after the type.
func readValue(text json.RawMessage, depth int) (Value, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return Value{}, serialization(err)
	}
	maps.DeleteFunc(members, func(_ string, content json.RawMessage) bool { return string(content) == "null" })
	switch {
	case len(members) == 0:
		return Value{}, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	case len(members) > 1:
		return Value{}, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	case depth > maxDepth:
		return Value{}, invalid("Nesting Levels have exceeded supported limits")
	}
	for kind, content := range members {
		switch kind {
		case kindString, kindNumber, kindBinary:
			var scalar string
			if err := json.Unmarshal(content, &scalar); err != nil {
				return Value{}, serialization(err)
			}
			stored, err := readScalar(kind, scalar)
			return Value{kind: kind, text: stored}, err
		case kindBoolean, kindNull:
			var flag bool
			if err := json.Unmarshal(content, &flag); err != nil {
				return Value{}, serialization(err)
			}
			if kind == kindNull && !flag {
				return Value{}, invalid(invalidValues + "Null attribute value types must have the value of true")
			}
			return Value{kind: kind, flag: flag}, nil
		case kindList:
			var elements []json.RawMessage
			if err := json.Unmarshal(content, &elements); err != nil {
				return Value{}, serialization(err)
			}
			list := make([]Value, 0, len(elements))
			for _, element := range elements {
				value, err := readValue(element, depth+1)
				if err != nil {
					return Value{}, err
				}
				list = append(list, value)
			}
			return Value{kind: kind, list: list}, nil
		case kindMap:
			var nested map[string]json.RawMessage
			if err := json.Unmarshal(content, &nested); err != nil {
				return Value{}, serialization(err)
			}
			item, err := readMembers(nested, depth+1)
			return Value{kind: kind, item: item}, err
		case kindStrings, kindNumbers, kindBytes:
			return readSet(kind, content)
		}
	}
	return Value{}, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
}

func readScalar(kind, text string) (string, error) {
	switch kind {
	case kindNumber:
		return readNumber(text)
	case kindBinary:
		content, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return "", serialization(err)
		}
		return string(content), nil
	}
	return text, nil
}

// readSet reads a set, which is neither empty nor has anything twice.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.SetTypes
func readSet(kind string, content json.RawMessage) (Value, error) {
	var elements []string
	if err := json.Unmarshal(content, &elements); err != nil {
		return Value{}, serialization(err)
	}
	if len(elements) == 0 {
		return Value{}, invalid(invalidValues + map[string]string{
			kindStrings: "An string set  may not be empty", kindNumbers: "An number set  may not be empty", kindBytes: "Binary sets should not be empty",
		}[kind])
	}
	set := make([]string, 0, len(elements))
	for _, element := range elements {
		stored, err := readScalar(elementKinds[kind], element)
		if err != nil {
			return Value{}, err
		}
		set = append(set, stored)
	}
	sortSet(kind, set)
	if len(slices.Compact(slices.Clone(set))) < len(set) {
		suffix := " contains duplicates."
		if kind == kindBytes {
			suffix = "of type BS contains duplicates."
		}
		return Value{}, invalid(invalidValues + "Input collection [" + strings.Join(elements, ", ") + "]" + suffix)
	}
	return Value{kind: kind, set: set}, nil
}

func sortSet(kind string, set []string) {
	slices.SortFunc(set, func(a, b string) int { return compareScalars(elementKinds[kind], a, b) })
}

// MarshalJSON writes a value as DynamoDB does.
func (v Value) MarshalJSON() ([]byte, error) { return v.appendJSON(nil), nil }

// MarshalJSON writes the attributes in the order of their names.
func (item Item) MarshalJSON() ([]byte, error) { return item.appendJSON(nil), nil }

func (item Item) appendJSON(out []byte) []byte {
	if item == nil {
		return append(out, "null"...)
	}
	out = append(out, '{')
	for i, name := range slices.Sorted(maps.Keys(item)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendText(out, name), ':')
		out = item[name].appendJSON(out)
	}
	return append(out, '}')
}

func (v Value) appendJSON(out []byte) []byte {
	out = append(out, `{"`...)
	out = append(append(out, v.kind...), `":`...)
	switch v.kind {
	case kindString, kindNumber:
		out = appendText(out, v.text)
	case kindBinary:
		out = appendBytes(out, v.text)
	case kindBoolean, kindNull:
		out = strconv.AppendBool(out, v.flag)
	case kindList:
		out = appendList(out, v.list, func(out []byte, each Value) []byte { return each.appendJSON(out) })
	case kindMap:
		out = v.item.appendJSON(out)
	case kindBytes:
		out = appendList(out, v.set, appendBytes)
	default:
		out = appendList(out, v.set, appendText)
	}
	return append(out, '}')
}

func appendList[T any](out []byte, all []T, one func([]byte, T) []byte) []byte {
	out = append(out, '[')
	for i, each := range all {
		if i > 0 {
			out = append(out, ',')
		}
		out = one(out, each)
	}
	return append(out, ']')
}

func appendBytes(out []byte, content string) []byte {
	return append(base64.StdEncoding.AppendEncode(append(out, '"'), []byte(content)), '"')
}

// appendText writes a text as package json does.
func appendText(out []byte, text string) []byte {
	for i := range len(text) {
		if letter := text[i]; letter < ' ' || letter > '~' || strings.IndexByte(`"\\<>&`, letter) >= 0 {
			quoted, _ := json.Marshal(text) // of a text it does not fail
			return append(out, quoted...)
		}
	}
	return append(append(append(out, '"'), text...), '"')
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Value) UnmarshalJSON(text []byte) (err error) {
	*v, err = readValue(text, 0)
	return err
}

func (v Value) String() string {
	text, _ := json.Marshal(v)
	return string(bytes.ReplaceAll(text, []byte(`"`), nil))
}

// copied shares nothing that an update changes.
func (v Value) copied() Value {
	v.list = slices.Clone(v.list)
	for i := range v.list {
		v.list[i] = v.list[i].copied()
	}
	if v.item != nil {
		v.item = v.item.copied()
	}
	v.set = slices.Clone(v.set)
	return v
}

func (item Item) copied() Item {
	out := make(Item, len(item))
	for name, value := range item {
		out[name] = value.copied()
	}
	return out
}

// equal says whether two values are of one type and the same.
func equal(a, b Value) bool {
	return a.kind == b.kind && a.text == b.text && a.flag == b.flag && slices.Equal(a.set, b.set) &&
		slices.EqualFunc(a.list, b.list, equal) && maps.EqualFunc(a.item, b.item, equal)
}

// compareScalars orders numbers by their value, and texts and bytes by their bytes.
func compareScalars(kind, a, b string) int {
	if kind == kindNumber {
		return decimal.RequireFromString(a).Cmp(decimal.RequireFromString(b))
	}
	return strings.Compare(a, b)
}

// length is what size() gives; a number, a boolean and null have none.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html#Expressions.OperatorsAndFunctions.Functions
func (v Value) length() (Value, bool) {
	n := 0
	switch v.kind {
	case kindString, kindBinary:
		n = len(v.text)
	case kindList:
		n = len(v.list)
	case kindMap:
		n = len(v.item)
	case kindStrings, kindNumbers, kindBytes:
		n = len(v.set)
	default:
		return Value{}, false
	}
	return Value{kind: kindNumber, text: strconv.Itoa(n)}, true
}

// size is what an item takes, in bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (item Item) size() int {
	total := 0
	for name, value := range item {
		total += len(name) + value.size()
	}
	return total
}

func (v Value) size() int {
	switch v.kind {
	case kindString, kindBinary:
		return len(v.text)
	case kindNumber:
		return numberSize(v.text)
	case kindBoolean, kindNull:
		return 1
	case kindList:
		total := 3
		for _, element := range v.list {
			total += 1 + element.size()
		}
		return total
	case kindMap:
		return 3 + len(v.item) + v.item.size()
	}
	total := 0
	for _, element := range v.set {
		if v.kind == kindNumbers {
			total += numberSize(element)
		} else {
			total += len(element)
		}
	}
	return total
}
