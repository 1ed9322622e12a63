// Package jsiiconv turns plain Go values into the pointers that the CDK's Go bindings take. It is the
// one place that does; a user's code never needs it.
package jsiiconv

import (
	"github.com/aws/jsii-runtime-go"
	"github.com/aws/jsii-runtime-go/runtime"
)

// Do calls a method of a CDK object for what it does, not for what it answers. The generated bindings
// ask for every field of an answer in a message of its own. The method has its name in JavaScript.
func Do(object any, method string, arguments ...any) { runtime.InvokeVoid(object, method, arguments) }

// String is nil for the empty string, which the CDK takes as its own default.
func String(value string) *string {
	if value == "" {
		return nil
	}
	return jsii.String(value)
}

// Number is never nil.
func Number(value int) *float64 { return jsii.Number(value) }

// Bool is never nil.
func Bool(value bool) *bool { return jsii.Bool(value) }

// Strings is nil for an empty list.
func Strings(values ...string) *[]*string {
	if len(values) == 0 {
		return nil
	}
	return jsii.Strings(values...)
}

// Pointers is a list as the CDK takes it, made of values that may be tokens.
func Pointers(values []*string) *[]*string { return &values }

// StringMap is nil for an empty map.
func StringMap(values map[string]string) *map[string]*string {
	if len(values) == 0 {
		return nil
	}
	pointers := make(map[string]*string, len(values))
	for key, value := range values {
		pointers[key] = jsii.String(value)
	}
	return &pointers
}
