// Package intrinsic evaluates the intrinsic functions of a CloudFormation template: conditions,
// mappings, Fn::If, Fn::Join and the others. The rehearsal deploys with it, and the proof of parity
// compares with it what each stage would deploy. It is pure Go.
//
// A template's values are string, bool, json.Number, []any and map[string]any.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
package intrinsic

import (
	"fmt"
	"net/http"
)

// Error is a refusal in CloudFormation's words.
type Error struct {
	Code    string // ValidationError, ChangeSetNotFound, AlreadyExistsException …
	Message string
	Status  int // of HTTP
}

// Error returns the message with its code.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// ValidationError is the refusal of a request or a template.
func ValidationError(message string) *Error {
	return &Error{Code: "ValidationError", Message: message, Status: http.StatusBadRequest}
}

// FormatError refuses a template that is not well-formed.
func FormatError(format string, arguments ...any) *Error {
	return ValidationError("Template format error: " + fmt.Sprintf(format, arguments...))
}

// TemplateError refuses a use of a function.
func TemplateError(format string, arguments ...any) *Error {
	return ValidationError("Template error: " + fmt.Sprintf(format, arguments...))
}
