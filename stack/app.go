package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/kernel"
	"github.com/roadshow-go/roadshow/stages"
)

// App is a service: one program, one stack, every stage. It is a plain value: [App.Main] runs it, a test
// proves it. Mistakes in it are found when it is synthesized, and reported as errors.
type App struct {
	// Service is a lower-case DNS label of at most [stages.MaxServiceName] characters. It stands after the
	// stage in every physical name, and in the stack's: {stage}-{service}. Required.
	Service string

	// Stages is where the service can be deployed. Required.
	Stages stages.Set

	// Define makes the components. It runs once for every stage and must do the same for each: it gets no
	// stage to look at. Required. Values of the CDK are made in it, not in package variables: those would
	// be made before the CDK's runtime is ready.
	Define func(*Stack)

	// DeployFrom lists accounts that deploy to the stages of other accounts: a tools or CI account that
	// the bootstraps trust (cdk bootstrap --trust). There, -c stage=NAME is needed. Default: none.
	// https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
	DeployFrom []string
}

// validate checks the value without the CDK, so that no mistake in it costs a start of Node.
func (a App) validate() error {
	if !idPattern.MatchString(a.Service) || len(a.Service) > stages.MaxServiceName {
		return &ConfigError{
			Thing: "app", Field: "Service", Got: fmt.Sprintf("%q", a.Service),
			Want: fmt.Sprintf("a lower-case DNS label of at most %d characters", stages.MaxServiceName), Fix: `write Service: "notes"`,
		}
	}
	if a.Define == nil {
		return &ConfigError{
			Thing: fmt.Sprintf("app %q", a.Service), Field: "Define", Got: "nil", Want: "the function that makes the components",
			Fix: "write Define: Notes, with func Notes(s *stack.Stack)",
		}
	}
	for _, account := range a.DeployFrom {
		if len(account) != 12 || strings.Trim(account, "0123456789") != "" {
			return &ConfigError{
				Thing: fmt.Sprintf("app %q", a.Service), Field: "DeployFrom", Got: fmt.Sprintf("%q", account),
				Want: "the 12 digits of an AWS account id", Fix: "keep leading zeros",
			}
		}
	}
	return a.Stages.Validate()
}

// Main is the program that the cdk command runs: it selects the stage by the account of the
// credentials, synthesizes it into the command's folder, and exits. A refusal or a mistake is one message
// on standard error and exit code 1; nothing is written then.
//
// The command passes what it knows in the environment: CDK_DEFAULT_ACCOUNT, CDK_CONTEXT_JSON (with
// `-c stage=NAME`) and CDK_OUTDIR. https://docs.aws.amazon.com/cdk/v2/guide/environments.html
func (a App) Main() {
	err := a.run(os.Stderr)
	kernel.Discard()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\nroadshow: %v\n", err)
		os.Exit(1)
	}
}

func (a App) run(talk io.Writer) error {
	if err := a.validate(); err != nil {
		return err
	}
	if question, err := assembly.Asked(); err != nil || question != nil {
		if err == nil {
			err = a.answer(context.Background(), *question)
		}
		return err
	}
	asked, err := readContext()
	if err != nil {
		return err
	}
	selected, err := a.selected(asked)
	if err != nil {
		return err
	}
	if _, note, err := a.Stages.Resolve(asked.stage); err == nil && note != "" {
		fmt.Fprintln(talk, "roadshow:", note)
	}
	for _, stage := range selected {
		fmt.Fprintf(talk, "roadshow: %s, stage %s (account %s, %s, %s)\n", a.Service, stage.Name, stage.Account, stage.Region, stage.Tier)
	}
	outdir := os.Getenv("CDK_OUTDIR")
	if outdir == "" {
		outdir = "cdk.out"
	}
	_, err = a.Synthesize(Synthesis{
		Stages: selected, Outdir: outdir, Nested: asked.stage == stages.All, Commit: commit(), Record: true, Validation: asked.validation, Progress: talk,
	})
	return err
}

// selected is which stages the command asks for.
func (a App) selected(asked asked) ([]stages.Stage, error) {
	selected, err := a.Stages.Select(stages.Request{Account: os.Getenv("CDK_DEFAULT_ACCOUNT"), Name: asked.stage, DeployFrom: a.DeployFrom})
	if unknown, is := errors.AsType[*stages.UnknownStageError](err); is {
		unknown.NamedBy = asked.namedBy
	}
	return selected, err
}

// asked is what the user asked for with `-c`.
type asked struct {
	stage      string
	namedBy    string // the roadshow command's own flag; empty for -c stage
	validation Validation
}

// contextValidate is the context key that says when AWS's validator runs.
const contextValidate = "roadshow:validate"

// readContext reads `-c stage=NAME` and `-c roadshow:validate=…`, as the command passes them.
func readContext() (asked, error) {
	asked := asked{validation: ValidateChanged}
	text := os.Getenv("CDK_CONTEXT_JSON")
	// The command writes a context too large for the environment to a file.
	if overflow := os.Getenv("CONTEXT_OVERFLOW_LOCATION_ENV"); overflow != "" {
		data, err := os.ReadFile(filepath.Clean(overflow))
		if err != nil {
			return asked, fmt.Errorf("context: %w", err)
		}
		text = string(data)
	}
	if text == "" {
		return asked, nil
	}
	var context map[string]any
	if err := json.Unmarshal([]byte(text), &context); err != nil {
		return asked, fmt.Errorf("context: CDK_CONTEXT_JSON is not JSON: %w", err)
	}
	if value, given := context["stage"]; given {
		name, isText := value.(string)
		if !isText || name == "" {
			return asked, &ConfigError{Thing: "-c stage", Field: "name", Got: fmt.Sprintf("%q", fmt.Sprint(value)), Want: "the name of a stage", Fix: "write -c stage=NAME"}
		}
		asked.stage = name
	}
	asked.namedBy, _ = context[assembly.ContextNamedBy].(string)
	if value, given := context[contextValidate]; given {
		switch value {
		case "always":
			asked.validation = ValidateAlways
		case "never":
			asked.validation = ValidateNever
		default:
			return asked, &ConfigError{
				Thing: "-c " + contextValidate, Field: "value", Got: fmt.Sprintf("%q", fmt.Sprint(value)), Want: "always or never",
				Fix: "leave it out to validate what has changed",
			}
		}
	} else if os.Getenv("CDK_VALIDATION") == "false" {
		// The CDK's own switch.
		asked.validation = ValidateNever
	}
	return asked, nil
}

// position is where the definition stands in the user's code.
func (a App) position() stages.Position {
	return stages.FirstUserFrame([]uintptr{reflect.ValueOf(a.Define).Pointer() + 1})
}
