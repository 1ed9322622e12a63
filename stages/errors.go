package stages

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// FieldError says that one field of one thing holds what it may not. Every mistake in a set, a stage, a
// selector or a name is one.
type FieldError struct {
	// Thing is what has the field, such as `stage "dev"`.
	Thing string
	// Field is the Go field or argument.
	Field string
	// Got is the value it has, and follows "is"; Want is what is allowed, and follows "must be"; Fix is what to do, as an
	// order.
	Got, Want, Fix string
	// Docs is AWS's page that states the rule; empty where it is Roadshow's own.
	Docs string
	// At is the user's Go file and line, where known.
	At Position
}

// FieldErrors are all the mistakes of one thing.
type FieldErrors []*FieldError

// Error is each mistake on lines of its own, with an empty line between two.
func (e FieldErrors) Error() string {
	all := make([]string, len(e))
	for i, one := range e {
		all[i] = one.Error()
	}
	return strings.Join(all, "\n\n")
}

// Unwrap has errors.As find a [*FieldError].
func (e FieldErrors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// Error is a sentence with what is wrong, what is allowed and the user's line, the order what to do on a line of its
// own, and AWS's page on another. What is too long to read is cut.
func (e *FieldError) Error() string {
	text := fmt.Sprintf("%s: %s is %s; it must be %s", cut(e.Thing), cut(e.Field), cut(e.Got), cut(e.Want))
	if e.At.File != "" {
		text += " (" + e.At.String() + ")"
	}
	text += ".\n" + sentence(cut(e.Fix))
	if e.Docs != "" {
		text += "\nSee " + e.Docs
	}
	return text
}

// sentence begins a text with a capital letter, and ends it with a full stop.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:] + "."
}

// cut leaves of a text what can be read of it in a message.
func cut(text string) string {
	const readable = 400
	if len(text) <= readable {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(text[:readable], ""), len(text))
}

// WrongAccountError says that the stage asked for lives in another account than the credentials'.
// Nothing is synthesized then, so nothing can be deployed.
type WrongAccountError struct {
	// Stage is the stage asked for; Account is the account of the credentials.
	Stage   Stage
	Account string
}

func (e *WrongAccountError) Error() string {
	return fmt.Sprintf("stage %s belongs to account %s; your credentials are of account %s.\nUse a profile of account %s, as in --profile %s.",
		e.Stage.Name, e.Stage.Account, e.Account, e.Stage.Account, e.Stage.Role()) // an ephemeral stage has no profile of its own
}

// UnknownAccountError says that no stage lives in the account of the credentials.
type UnknownAccountError struct {
	Account string
	Set     Set
}

func (e *UnknownAccountError) Error() string {
	return fmt.Sprintf("account %s belongs to no stage of the set.\nUse a profile of one of these accounts, or add a stage:\n\n%s", e.Account, e.Set.Table())
}

// AmbiguousAccountError says that several stages live in the account of the credentials.
type AmbiguousAccountError struct {
	Account string
	Stages  Set
}

func (e *AmbiguousAccountError) Error() string {
	names := e.Stages.Names()
	return fmt.Sprintf("account %s belongs to several stages: %s.\nName the one you mean, as in -c stage=%s:\n\n%s",
		e.Account, strings.Join(names, ", "), names[0], e.Stages.Table())
}

// UnknownStageError says that the stage asked for is not in the set, nor made by one of its templates.
type UnknownStageError struct {
	Name string
	Set  Set
	// Reason says why a name that a template matches is no stage after all; usually empty.
	Reason string
	// NamedBy is how the stage was named, such as --to. Default: -c stage=.
	NamedBy string
}

func (e *UnknownStageError) Error() string {
	by := cmp.Or(e.NamedBy, "-c stage=")
	if !strings.HasSuffix(by, "=") {
		by += " "
	}
	reason := e.Reason
	if reason == "" {
		reason = fmt.Sprintf("%sWrite %sNAME with one of these", didYouMean(e.Name, e.Set.deployable().Names()), by)
	}
	return fmt.Sprintf("The set has no stage %q (%s%s).\n%s:\n\n%s", cut(e.Name), by, cut(e.Name), strings.TrimSuffix(sentence(reason), "."), e.Set.Table())
}

// NoAccountError says that neither an account nor a stage is known.
type NoAccountError struct {
	Set Set
}

func (e *NoAccountError) Error() string {
	example := "NAME"
	if names := e.Set.deployable().Names(); len(names) > 0 {
		example = names[0]
	}
	return fmt.Sprintf("there are no AWS credentials, and no stage is named.\nUse --profile with a profile of one of "+
		"these accounts (is it spelled as in your AWS config?), or only read, without credentials, with -c stage=%s or -c stage=all:\n\n%s",
		example, e.Set.Table())
}

// DeployFromError says that a deploying account was used without naming a stage.
type DeployFromError struct {
	Account string
	Set     Set
}

func (e *DeployFromError) Error() string {
	return fmt.Sprintf("account %s deploys to other accounts, and no stage is named.\nWrite -c stage=NAME with a name of these:\n\n%s", e.Account, e.Set.Table())
}

// AllWithAccountError says that every stage was asked for with the credentials of one account.
type AllWithAccountError struct {
	Account string
}

func (e *AllWithAccountError) Error() string {
	return fmt.Sprintf("-c stage=all only reads, and your credentials are of account %s.\nRun it without credentials, or name the account's stage.", e.Account)
}
