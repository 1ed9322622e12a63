package fleet

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"

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
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &ServiceError{Stage: stage, Service: service, Err: err}
}

// AccountError says that credentials are of another account than the stage's.
type AccountError struct {
	// Stage is the stage asked for, Account that of the credentials.
	Stage   stages.Stage
	Account string
}

func (e *AccountError) Error() string {
	return fmt.Sprintf("stage %s belongs to account %s; your credentials are of account %s.\nUse a profile of account %s.",
		e.Stage.Name, e.Stage.Account, e.Account, e.Stage.Account)
}

// ServiceError says that a service did not answer, or refused.
type ServiceError struct {
	// Stage is the stage asked for, Service AWS's name of the service that was asked.
	Stage   stages.Stage
	Service string
	// Err is what the SDK returned.
	Err error
}

func (e *ServiceError) Error() string {
	return fmt.Sprintf("stage %s: %s answered with an error: %v.\nCheck the credentials and the network.", e.Stage.Name, e.Service, e.Err)
}

// Unwrap gives the SDK's error.
func (e *ServiceError) Unwrap() error { return e.Err }
