package credentials

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"

	"github.com/roadshow-go/roadshow/internal/awsconfig"
)

// Error says that a source of credentials gives none, or none that AWS takes, and what to do.
type Error struct {
	// Source is which; At where its settings stand, empty for one that is in no file.
	Source Source
	At     awsconfig.Place
	// Reason goes on from the source's name: "is not signed in". It never has the output of a child, nor a line of a
	// file. Fix is an order.
	Reason, Fix string
	// Err is the cause, if there is one.
	Err error
}

// Error is a sentence, and one that says what to do.
func (e *Error) Error() string {
	text := e.Source.Title()
	if e.At.File != "" {
		text += " (" + e.At.String() + ")"
	}
	return text + " " + e.Reason + ". " + e.Fix + "."
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Answer is the part of an SDK's error that says something to people: AWS's own words.
func Answer(err error) string {
	var refusal smithy.APIError
	if errors.As(err, &refusal) {
		if refusal.ErrorMessage() == "" {
			return refusal.ErrorCode()
		}
		return refusal.ErrorCode() + ": " + refusal.ErrorMessage()
	}
	text := err.Error()
	if at := strings.LastIndex(text, "exceeded maximum number of attempts"); at >= 0 {
		text = text[at:]
	}
	return text
}

// Explain is an error of AWS, or of the SDK, as an [*Error] of a source: err itself where it is one already, or the
// caller's own end.
func Explain(ctx context.Context, source Source, at awsconfig.Place, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) || ctx.Err() != nil {
		return err
	}
	e := &Error{Source: source, At: at, Err: err}
	var refusal smithy.APIError
	code := ""
	if errors.As(err, &refusal) {
		code = refusal.ErrorCode()
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.Reason, e.Fix = "did not answer in time", "Check the network"
		if source.Kind == Process {
			e.Fix = "Run its credential_process yourself, and see what it waits for"
		}
	case source.Kind == SSO && (isUnsigned(err) || code == "UnauthorizedException" || code == "InvalidGrantException" || code == "ExpiredTokenException"):
		e.Reason, e.Fix = "is not signed in", "Run `aws sso login --profile "+quoted(source.Name)+"`"
	case source.Kind == Login && code == "":
		e.Reason, e.Fix = "is not signed in", "Run `aws login --profile "+quoted(source.Name)+"`"
	case source.Kind == Login:
		e.Reason, e.Fix = "is not signed in any more ("+Answer(err)+")", "Run `aws login --profile "+quoted(source.Name)+"`"
	case strings.Contains(code, "AccessDenied") && strings.Contains(refusal.ErrorMessage(), "MultiFactorAuthentication failed"):
		e.Reason, e.Fix = "has an MFA code that AWS does not take ("+Answer(err)+")", "Run this again with the device's next code"
	case strings.Contains(code, "Expired"):
		e.Reason, e.Fix = "has credentials that are expired ("+Answer(err)+")", renewal(source, true)
	case code != "":
		e.Reason, e.Fix = "is refused by AWS ("+Answer(err)+")", renewal(source, false)
	default:
		e.Reason, e.Fix = "gives no credentials ("+Answer(err)+")", "Check the network, and the profile's settings"
	}
	return e
}

// isUnsigned tells the errors of a sign-in that never was, or is over.
func isUnsigned(err error) bool {
	var invalid *ssocreds.InvalidTokenError
	text := err.Error()
	return errors.As(err, &invalid) || errors.Is(err, os.ErrNotExist) ||
		strings.Contains(text, "cached SSO token") || strings.Contains(text, "refresh SSO token")
}

// renewal is what to do about credentials that AWS does not take.
func renewal(source Source, expired bool) string {
	switch source.Kind {
	case SSO:
		return "Run `aws sso login --profile " + quoted(source.Name) + "`"
	case Login:
		return "Run `aws login --profile " + quoted(source.Name) + "`"
	case Role:
		return "Check that its role exists, and that its trust policy admits the source profile"
	case WebIdentity:
		return "Check the role's trust policy, and that the token is a new one"
	case Process:
		return "Run its credential_process yourself, and see that its credentials are new"
	case Environment:
		return "Set new credentials in the environment"
	case Container, Instance:
		return "Check the role of this machine or task"
	case Keys:
		if expired {
			return "Sign in again, or write new keys"
		}
	}
	return "Renew its access key"
}

// quoted is a name as a shell takes it.
func quoted(name string) string {
	if strings.ContainsFunc(name, func(letter rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-@+.%:/", letter)
	}) {
		return fmt.Sprintf("%q", name)
	}
	return name
}
