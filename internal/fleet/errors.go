package fleet

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/smithy-go"

	"github.com/roadshow-go/roadshow/internal/fleet/plan"
	"github.com/roadshow-go/roadshow/stages"
)

// IsThrottled tells an answer that asks for patience.
func IsThrottled(err error) bool {
	var refusal smithy.APIError
	return errors.As(err, &refusal) && strings.Contains(refusal.ErrorCode(), "Thrott")
}

// AsServiceError says which service an error came from, unless it already says more.
func AsServiceError(stage stages.Stage, service string, err error) error {
	var known *ServiceError
	var unguarded *plan.GuardError
	if err == nil || errors.As(err, &known) || errors.As(err, &unguarded) {
		return err
	}
	return &ServiceError{Stage: stage, Service: service, Err: err}
}

// Explained is an error that tells apart what is wrong and what to do about it.
type Explained interface {
	error
	// Reason is what is wrong, in sentences.
	Reason() string
	// Fix is what to do, as an order.
	Fix() string
}

// explain is the text of such an error.
func explain(stage stages.Stage, e Explained) string {
	return "Stage " + stage.Name + ": " + e.Reason() + "\n" + e.Fix()
}

// AccountError says that credentials are of another account than the stage's.
type AccountError struct {
	// Stage is the stage asked for, Account that of the credentials.
	Stage   stages.Stage
	Account string
}

func (e *AccountError) Error() string { return explain(e.Stage, e) }

// Reason names both accounts.
func (e *AccountError) Reason() string {
	return fmt.Sprintf("The credentials are of account %s, and the stage is in account %s.", e.Account, e.Stage.Account)
}

// Fix is to use others.
func (e *AccountError) Fix() string { return "Use a profile of account " + e.Stage.Account + "." }

// ServiceError says that a service did not answer, or refused.
type ServiceError struct {
	// Stage is the stage asked for, Service AWS's name of the service that was asked.
	Stage   stages.Stage
	Service string
	// Err is what the SDK returned.
	Err error
}

func (e *ServiceError) Error() string { return explain(e.Stage, e) }

// Reason has the service's own words.
func (e *ServiceError) Reason() string {
	var refusal smithy.APIError
	if errors.As(e.Err, &refusal) {
		return sentence(e.Service + " refuses: " + Brief(e.Err))
	}
	return sentence(e.Service + " did not answer: " + Brief(e.Err))
}

// Fix is by what the service said.
func (e *ServiceError) Fix() string {
	var refusal smithy.APIError
	switch {
	case IsThrottled(e.Err):
		return "Wait a minute, and run it again."
	case errors.As(e.Err, &refusal) && refusal.ErrorCode() == "InvalidClientTokenId":
		// An account knows no key in a region that it has not enabled.
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html
		return "Check the access key, and that region " + e.Stage.Region + " is enabled in the account: where it is off, AWS says the same."
	case errors.As(e.Err, &refusal):
		return "Check the permissions of the profile."
	}
	return "Check the credentials and the network."
}

// Unwrap gives the SDK's error.
func (e *ServiceError) Unwrap() error { return e.Err }

// sentence begins a text with a capital letter, and ends it with a full stop.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[size:], ".") + "."
}

// firstLine is the first line of a text.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
