package stack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
)

// Validation says when AWS's validator runs on the synthesized templates. It checks them against AWS's
// schemas and rules, which takes a second or more to start.
// https://docs.aws.amazon.com/cdk/v2/guide/policy-validation-synthesis.html
type Validation int

const (
	// ValidateNever skips the validator, as unit tests want. The default.
	ValidateNever Validation = iota
	// ValidateChanged runs it on templates that were not seen to pass before, by this version of the CDK.
	// What [App.Main] does; `-c roadshow:validate=always` or `=never` changes it.
	ValidateChanged
	// ValidateAlways runs it on every template.
	ValidateAlways
)

// ValidationError says what AWS's validator refuses. The assembly cannot be deployed.
type ValidationError struct {
	// Findings are the errors, one a line.
	Findings []string
}

func (e *ValidationError) Error() string {
	return "AWS's validator refuses the template:\n\n  " + strings.Join(e.Findings, "\n  ")
}

// verdict is what the validator said of a template that it did not refuse; the cache holds it.
type verdict struct {
	Key      string   `json:"key"`
	Warnings []string `json:"warnings"`
}

// validateTemplates runs the validator where it has to, and repeats the warnings of templates that passed
// before: they are as true as they were. A template that is refused is refused every time.
func validateTemplates(synthesis Synthesis, document Assembly) error {
	if synthesis.Validation == ValidateNever {
		return nil
	}
	cache := passedTemplates()
	var unknown []template
	for _, synthesized := range document.Stages {
		path := filepath.Join(synthesis.Outdir, filepath.FromSlash(synthesized.File))
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		t := template{stage: synthesized, path: path, key: templateKey(data, synthesized)}
		if before, passed := cache.read(t.key); passed && synthesis.Validation == ValidateChanged {
			report(synthesis, before.Warnings)
			continue
		}
		unknown = append(unknown, t)
	}
	if len(unknown) == 0 {
		return nil
	}
	if synthesis.Progress != nil {
		what := "a changed template"
		if len(unknown) > 1 {
			what = fmt.Sprintf("%d changed templates", len(unknown))
		}
		fmt.Fprintf(synthesis.Progress, "roadshow: AWS's validator checks %s; -c %s=never skips it\n", what, contextValidate)
	}
	var refused []string
	for _, t := range unknown {
		errors, warnings := runValidator(t)
		report(synthesis, warnings)
		refused = append(refused, errors...)
		if len(errors) == 0 {
			cache.write(verdict{Key: t.key, Warnings: warnings})
		}
	}
	if len(refused) > 0 {
		return &ValidationError{Findings: refused}
	}
	return nil
}

func report(synthesis Synthesis, warnings []string) {
	if synthesis.Progress == nil {
		return
	}
	for _, warning := range warnings {
		fmt.Fprintf(synthesis.Progress, "roadshow: warning: %s\n", warning)
	}
}

// template is one that the validator has to see.
type template struct {
	stage synthesizedStage
	path  string
	key   string
}

// templateKey is of all that the validator's answer depends on: the template but for the digests in it
// of the code, which change often and mean nothing to it, its place, and the CDK.
func templateKey(data []byte, synthesized synthesizedStage) string {
	for _, fn := range synthesized.Functions {
		if fn.Digest != "" {
			data = bytes.ReplaceAll(data, []byte(fn.Digest), nil)
		}
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "1\x00%s\x00%s\x00%s\x00%s\x00%s", cdkVersion(), synthesized.Account, synthesized.Region, flagsJSON, data)
	return hex.EncodeToString(sum.Sum(nil))
}

// cdkVersion is that of the module this program is built with.
func cdkVersion() string {
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, module := range build.Deps {
			if module.Path == "github.com/aws/aws-cdk-go/awscdk/v2" {
				return module.Version + module.Sum
			}
		}
	}
	return ""
}

// validatedStack is the question to the validator: the one template that it shall look at.
type validatedStack struct{ template }

// AccountId is part of the validator's interface.
func (v *validatedStack) AccountId() *string { return jsiiconv.String(v.stage.Account) }

// Region is part of the validator's interface.
func (v *validatedStack) Region() *string { return jsiiconv.String(v.stage.Region) }

// AppConstruct is part of the validator's interface, which asks for it in rules that need one; AWS's do not.
func (v *validatedStack) AppConstruct() constructs.IConstruct { return nil }

// TemplatePaths is part of the validator's interface.
func (v *validatedStack) TemplatePaths() *[]*string { return jsiiconv.Strings(v.path) }

// StackTemplates is part of the validator's interface.
func (v *validatedStack) StackTemplates() *[]*awscdk.PolicyValidationStack {
	return &[]*awscdk.PolicyValidationStack{{
		StackConstructPath: jsiiconv.String(v.stage.StackName), TemplatePath: jsiiconv.String(v.path),
		AccountId: v.AccountId(), Region: v.Region(),
	}}
}

// validator is AWS's, started once: that is what takes long.
var validator = sync.OnceValue(func() awscdk.CloudFormationValidatePlugin { return awscdk.NewCloudFormationValidatePlugin(nil) })

// runValidator is AWS's validator on one template.
func runValidator(t template) (refused, warnings []string) {
	findings := validator().Validate(&validatedStack{t})
	at := positions(t.stage)
	for _, violation := range *findings.Violations {
		for _, resource := range *violation.ViolatingResources {
			finding := fmt.Sprintf("%s: %s [%s]", place(resource, at), *violation.Description, *violation.RuleName)
			if violation.Fix != nil && *violation.Fix != "" {
				finding += "; " + *violation.Fix
			}
			if violation.Severity != nil && (*violation.Severity == "error" || *violation.Severity == "fatal") {
				refused = append(refused, finding)
			} else {
				warnings = append(warnings, finding)
			}
		}
	}
	slices.Sort(refused)
	slices.Sort(warnings)
	return slices.Compact(refused), slices.Compact(warnings)
}

// place names the resource of a finding, with the user's line where it is known.
func place(resource *awscdk.PolicyViolatingResource, at lineOf) string {
	if resource.ResourceLogicalId == nil {
		return "the template"
	}
	name := *resource.ResourceLogicalId
	if line := at(name); line.File != "" {
		name += " (made at " + line.String() + ")"
	}
	return name
}

// templateCache is the folder of verdicts; an empty one is none. Whatever in it cannot be read as the
// verdict that is looked for is as if it were not there.
type templateCache string

func passedTemplates() templateCache {
	folder, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return templateCache(filepath.Join(folder, "roadshow", "validated"))
}

func (c templateCache) read(key string) (verdict, bool) {
	var known verdict
	data, err := os.ReadFile(filepath.Join(string(c), key+".json"))
	if c == "" || err != nil || json.Unmarshal(data, &known) != nil || known.Key != key {
		return verdict{}, false
	}
	return known, true
}

// write is best effort: a verdict that is not kept is asked for again.
func (c templateCache) write(passed verdict) {
	data, err := json.Marshal(passed)
	if c == "" || err != nil || os.MkdirAll(string(c), 0o700) != nil {
		return
	}
	file, err := os.CreateTemp(string(c), "new-*")
	if err != nil {
		return
	}
	_, err = file.Write(data)
	if closed := file.Close(); err != nil || closed != nil || os.Rename(file.Name(), filepath.Join(string(c), passed.Key+".json")) != nil {
		os.Remove(file.Name())
	}
}
