package rules

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// at is the value at a path of names, such as "RedrivePolicy.deadLetterTargetArn"; nil if there is
// none. A JSON document in a string is read as what it holds.
func (r *Resource) at(path string) any {
	var value any = r.Properties
	for name := range strings.SplitSeq(path, ".") {
		value = document(value)[name]
	}
	return value
}

// has says whether there is a value at a path.
func (r *Resource) has(path string) bool { return r.at(path) != nil }

// text is a scalar at a path, as text; empty if there is none.
func (r *Resource) text(path string) string { return textOf(r.at(path)) }

// flag is a boolean at a path.
func (r *Resource) flag(path string) bool { return r.text(path) == "true" }

// number is a whole number at a path, or the default where there is none.
func (r *Resource) number(path string, otherwise int64) int64 {
	value, is := whole(r.at(path))
	if !is {
		return otherwise
	}
	return value
}

// list is a list at a path.
func (r *Resource) list(path string) []any {
	list, _ := r.at(path).([]any)
	return list
}

// objects are the objects of a list at a path.
func (r *Resource) objects(path string) []object { return objectsOf(r.at(path)) }

func objectsOf(value any) []object {
	var out []object
	list, _ := value.([]any)
	for _, element := range list {
		out = append(out, document(element))
	}
	return out
}

// texts are the scalars of a list at a path, or the one scalar that stands there.
func (r *Resource) texts(path string) []string { return textsOf(r.at(path)) }

func textsOf(value any) []string {
	switch value := value.(type) {
	case nil:
		return nil
	case []any:
		out := make([]string, 0, len(value))
		for _, element := range value {
			out = append(out, textOf(element))
		}
		return out
	}
	return []string{textOf(value)}
}

// textOf writes a scalar.
func textOf(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}

// whole is a whole number in any of the forms that a template may give it.
func whole(value any) (int64, bool) {
	number, err := strconv.ParseInt(textOf(value), 10, 64)
	return number, err == nil
}

// document is an object, or the object that a JSON text holds; nil if it is neither.
func document(value any) object {
	switch value := value.(type) {
	case object:
		return value
	case string:
		if strings.HasPrefix(strings.TrimSpace(value), "{") {
			var read object
			if json.Unmarshal([]byte(value), &read) == nil {
				return read
			}
		}
	}
	return nil
}

// size is the length of a value as compact JSON, in bytes.
func size(value any) int {
	if text, is := value.(string); is {
		return len(text)
	}
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(value) != nil {
		return 0
	}
	return out.Len() - 1 // the encoder ends with a newline
}

// arn is an Amazon Resource Name in its parts.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
type arn struct{ partition, service, region, account, resource string }

func parseARN(text string) (arn, bool) {
	part := strings.SplitN(text, ":", 6)
	if len(part) != 6 || part[0] != "arn" {
		return arn{}, false
	}
	return arn{part[1], part[2], part[3], part[4], part[5]}, true
}

// serviceOf is the service of an ARN; empty if it is none.
func serviceOf(text string) string {
	parsed, _ := parseARN(text)
	return parsed.service
}
