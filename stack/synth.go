package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/internal/kernel"
	"github.com/roadshow-go/roadshow/stages"
)

// Synthesis says what [App.Synthesize] makes.
type Synthesis struct {
	// Stages are those to synthesize, understudies among them. Default: every stage of the set.
	Stages []stages.Stage

	// Outdir is the folder of the cloud assembly. Required.
	Outdir string

	// Nested gives each stage a folder of its own below Outdir and a manifest above them, as it
	// must be for several stages. Default: only where there are several.
	Nested bool

	// Commit is the Git commit of the program, which the assembly holds. Default: none.
	Commit string

	// Record has each template say what it is, and the assembly carry the commit to the account
	// beside the template, so that the account can be asked later. A deploy wants it, a test does
	// not. Default: no.
	Record bool

	// StubFunctions gives every function the same tiny code instead of compiling it, as unit tests
	// want.
	StubFunctions bool

	// Validation says when AWS's validator runs on the templates, which costs seconds.
	// Default: [ValidateNever].
	Validation Validation

	// Progress gets a line when something takes long. Default: none.
	Progress io.Writer

	// switches are choices that are made as another stage makes them; see [stages.Switch].
	switches []stages.Switch
}

// synthesizedStage is one stage's part of an [Assembly].
type synthesizedStage = assembly.Synthesized

// Assembly is what was synthesized: roadshow.json, as the roadshow command reads it.
type Assembly = assembly.Document

// Synthesize defines and synthesizes stages, one after the other in one process. Everything is
// defined, checked and compiled before anything is written. It is not safe for concurrent use: the
// CDK's runtime is not. The error is a [*ConfigError], a [*DefineError], a [*NodeError], a
// collision of names, a fault of the Go compiler as it wrote it, or of the file system.
func (a App) Synthesize(synthesis Synthesis) (*Assembly, error) {
	return a.synthesize(synthesis, newCompiler(synthesis.StubFunctions, synthesis.Progress))
}

func (a App) synthesize(synthesis Synthesis, compiler *compiler) (made *Assembly, err error) {
	if err := a.validate(); err != nil {
		return nil, err
	}
	if err := kernel.Prepare(); err != nil {
		return nil, err
	}
	if len(synthesis.Stages) == 0 {
		synthesis.Stages = a.Stages.Stages()
	}
	synthesis.Nested = synthesis.Nested || len(synthesis.Stages) > 1

	stacks := make([]*Stack, len(synthesis.Stages))
	defer removeEmptyFolders(synthesis)
	for i, stage := range synthesis.Stages {
		outdir := synthesis.Outdir
		if synthesis.Nested {
			outdir = filepath.Join(outdir, nestedFolder(stage))
		}
		stack, err := a.define(stage, outdir, synthesis.switches...)
		if err != nil {
			return nil, err
		}
		stacks[i] = stack
	}
	document := a.document(synthesis.Commit)
	if document.Recorded, err = stacks[0].ledger().All(synthesis.Stages...); err != nil {
		return nil, err
	}
	for _, collision := range stages.Collisions(document.Recorded) {
		return nil, collision
	}
	document.Ledger = document.Recorded
	if err := compiler.compile(stacks); err != nil {
		return nil, err
	}
	defer func() {
		if err == nil {
			return
		}
		if failed := discardManifests(stacks); failed != nil {
			err = errors.Join(err, failed)
		}
	}()
	templates := make([][]byte, len(stacks))
	for i, stack := range stacks {
		synthesized, err := stack.synthesize(compiler)
		if err == nil {
			err = stack.onlyOne()
		}
		if err != nil {
			return nil, err
		}
		if synthesis.Nested {
			synthesized.File = nestedFolder(stack.stage()) + "/" + synthesized.File
		}
		document.Stages = append(document.Stages, synthesized)
		if templates[i], err = os.ReadFile(filepath.Join(synthesis.Outdir, filepath.FromSlash(synthesized.File))); err != nil {
			return nil, err
		}
		if stack.choices().ForProof() {
			continue // nobody deploys it: a longer name than that of the stage may make a sum too great
		}
		warnings, err := stack.checkSums(templates[i], positions(synthesized))
		report(synthesis, warnings)
		if err != nil {
			return nil, err
		}
	}
	if err := readBack(stacks, &document, templates, synthesis.Stages...); err != nil {
		return nil, err
	}
	if err := validateTemplates(synthesis, document); err != nil {
		return nil, err
	}
	if synthesis.Record {
		for _, synthesized := range document.Stages {
			if err := record(synthesis.Outdir, synthesized, synthesis.Commit); err != nil {
				return nil, err
			}
		}
	}
	if synthesis.Nested {
		if err := writeManifest(synthesis.Outdir, stacks); err != nil {
			return nil, err
		}
	}
	return &document, assembly.Write(synthesis.Outdir, document)
}

// newStack is a stack that has nothing yet, not even the CDK's.
func (a App) newStack(stage stages.Stage, switches ...stages.Switch) *Stack {
	choices := stages.NewChoices(a.Stages, stage, switches...)
	stage = choices.Stage()
	ledger := stages.NewLedger(a.Stages, a.Service)
	ledger.Choices = choices
	return &Stack{
		stage: func() stages.Stage { return stage }, choices: func() *stages.Choices { return choices }, chooser: choices.Chooser(),
		retention: func() tierRetention { return tierRetentions[stage.Tier] }, app: a, positions: map[string]stages.Position{},
		ledger: func() *stages.Ledger { return ledger }, statements: map[string]awsiam.PolicyStatement{},
		atDeploy: map[string]string{},
	}
}

// define runs the user's Define for one stage, in a stack of its own.
func (a App) define(stage stages.Stage, outdir string, switches ...stages.Switch) (*Stack, error) {
	return a.defineAfter(func(*Stack) {}, stage, outdir, switches...)
}

// defineAfter is define with something done before the user's Define runs.
func (a App) defineAfter(first func(*Stack), stage stages.Stage, outdir string, switches ...stages.Switch) (*Stack, error) {
	context, err := settings(stage.BootstrapQualifier())
	if err != nil {
		return nil, err
	}
	s := a.newStack(stage, switches...)
	stage, s.outdir = s.stage(), func() string { return outdir }
	return s, s.protect(func() {
		s.ledger().Record(stages.Entry{Kind: stages.Stack, Owner: "the stack"})
		var err error
		if s.name, err = stages.Stack.Name(stages.Part{Stage: stage.Name, Service: a.Service}); err != nil {
			panic(err)
		}
		s.assets = bootstrapped(stage)
		s.cdkApp = awscdk.NewApp(&awscdk.AppProps{
			Outdir: jsiiconv.String(outdir), PostCliContext: context, AnalyticsReporting: jsiiconv.Bool(false), TreeMetadata: jsiiconv.Bool(false),
			// Where CDK_OUTDIR is set, each app would be synthesized once more when Node ends.
			AutoSynth: jsiiconv.Bool(false),
		})
		tags := s.tags()
		if program := a.program(); program != "" {
			// Of the stack alone: CloudFormation hands it on to every resource, and no template has
			// to hold it.
			tags[TagProgram] = assembly.ProgramTag(program)
		}
		props := &awscdk.StackProps{
			StackName: jsiiconv.String(s.name), Env: &awscdk.Environment{Account: jsiiconv.String(stage.Account), Region: jsiiconv.String(stage.Region)},
			Tags: jsiiconv.StringMap(tags), TerminationProtection: jsiiconv.Bool(s.retention().guard),
		}
		if stage.PermissionsBoundary != "" {
			props.PermissionsBoundary = awscdk.PermissionsBoundary_FromName(jsiiconv.String(stage.PermissionsBoundary))
		}
		// The construct's id must not hold the stage: L2s put their path into logical ids.
		s.CDK = awscdk.NewStack(s.cdkApp, jsiiconv.String(a.Service), props)
		s.tag(s.CDK)
		first(s)
		s.run()
	})
}

// run is the user's Define, and then what can only be checked when all is known.
func (s *Stack) run() {
	s.app.Define(s)
	for i := 0; i < len(s.deferredChecks); i++ {
		s.deferredChecks[i]()
	}
}

// tags are what every resource carries.
func (s *Stack) tags() map[string]string {
	tags := map[string]string{TagService: s.app.Service, TagStage: s.stage().Name}
	if ttl := s.stage().TimeToLive(); ttl > 0 {
		tags[TagTimeToLive] = ttl.String()
	}
	return tags
}

// tag puts the tags on everything in the scope that takes tags.
func (s *Stack) tag(scope constructs.IConstruct) {
	tags := s.tags()
	put := awscdk.Tags_Of(scope)
	for _, name := range sortedKeys(tags) {
		put.Add(jsiiconv.String(name), jsiiconv.String(tags[name]), nil)
	}
}

// protect is the only recover. A [*ConfigError] comes back as it is, with the user's line; so does
// an error that a value below the CDK panicked with. Anything else (the CDK panics with strings and
// with errors, the user's code with whatever it likes) becomes a [*DefineError].
func (s *Stack) protect(run func()) (err error) {
	defer func() {
		fault := recover()
		if fault == nil {
			return
		}
		// The frames of the panic are still on the stack here, below this function's.
		var pcs [128]uintptr
		at := stages.FirstUserFrame(pcs[:runtime.Callers(2, pcs[:])])
		switch problem := fault.(type) {
		case *ConfigError:
			if problem.At.File == "" {
				problem.At = at
			}
			err = problem
			return
		case ConfigErrors:
			err = problem
			return
		}
		last := component{at: at}
		if len(s.made) > 0 {
			last = s.made[len(s.made)-1]
		}
		if at.File == "" {
			at = last.at
		}
		err = &DefineError{Stage: s.stage().String(), Construct: last.id, At: at, Reason: reason(fault)}
	}()
	run()
	return nil
}

// reason is what a panic says, without the stack trace of the CDK's JavaScript, which names no line
// of the user's.
func reason(fault any) string {
	text := fmt.Sprint(fault)
	if cut := strings.Index(text, "\n    at "); cut >= 0 {
		text = text[:cut]
	}
	text = strings.TrimPrefix(strings.TrimSpace(text), "@jsii/kernel.RuntimeError: ")
	return strings.TrimPrefix(text, "Error: ")
}

// synthesize writes one defined stack.
func (s *Stack) synthesize(compiler *compiler) (synthesizedStage, error) {
	synthesized := synthesizedStage{
		Stage: describe(s.stage()), StackName: s.name, Role: s.stage().Role(), File: s.app.templateFile(),
		Choices: s.choices().Made(), Key: s.choices().Key(),
	}
	err := s.protect(func() {
		for _, fn := range s.functions {
			output := compiler.code[fn.source()]
			fn.setCode(output, compiler.stub)
			synthesized.Functions = append(synthesized.Functions, assembly.Function{
				Construct: fn.id, Package: fn.source().String(), Prebuilt: fn.config.Prebuilt != nil, Digest: output.Digest, Links: fn.links,
			})
		}
		jsiiconv.Do(s.cdkApp, "synth")
		// A program may have changed it by s.CDK.
		protected := s.CDK.TerminationProtection()
		synthesized.TerminationProtection = protected != nil && *protected
	})
	if err != nil {
		return synthesized, err
	}
	for _, c := range s.made {
		synthesized.Constructs = append(synthesized.Constructs, assembly.Construct{ID: c.id, At: c.at})
	}
	synthesized.Identity, err = s.ledger().Identity(s.stage())
	for _, path := range s.foreign {
		synthesized.Identity = append(synthesized.Identity, path.Path)
	}
	synthesized.Imports, synthesized.AtDeploy = s.foreign, s.atDeploy
	return synthesized, err
}

// onlyOne refuses whatever a program has put beside the one stack, or below it without nesting it:
// it would be deployed with the stage, and no proof would see it.
func (s *Stack) onlyOne() error {
	written, err := readManifest(s.outdir())
	if err != nil {
		return err
	}
	for _, id := range sortedKeys(written.Artifacts) {
		artifact := written.Artifacts[id]
		kind := map[string]string{"aws:cloudformation:stack": "stack", "cdk:cloud-assembly": "stage of the CDK"}[artifact.Type]
		if kind == "" || artifact.Properties["templateFile"] == s.app.templateFile() {
			continue
		}
		name := artifact.DisplayName
		if kind != "stack" || name == "" {
			name = strings.TrimPrefix(id, "assembly-")
		}
		return &ConfigError{
			Thing: fmt.Sprintf("%s %q", kind, name), Field: "scope", Got: "made beside the stack of the service",
			Want: "one stack for each stage", Fix: "make it a nested stack (awscdk.NewNestedStack), or a service of its own",
			At: s.app.lineOf(s.stage(), strings.Split(name, "/")),
		}
	}
	return nil
}

// nestedFolder is a stage's folder in an assembly of several stages.
func nestedFolder(stage stages.Stage) string {
	return "assembly-" + strings.ReplaceAll(stage.String(), " ", "-")
}

// discardManifests makes an assembly that was refused one that nothing can deploy.
func discardManifests(stacks []*Stack) error {
	var failed error
	for _, stack := range stacks {
		if err := os.Remove(filepath.Join(stack.outdir(), "manifest.json")); !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// removeEmptyFolders removes what the CDK made for stages that were then not written, because of a
// mistake.
func removeEmptyFolders(synthesis Synthesis) {
	if synthesis.Nested {
		for _, stage := range synthesis.Stages {
			os.Remove(filepath.Join(synthesis.Outdir, nestedFolder(stage)))
		}
	}
	os.Remove(synthesis.Outdir)
}

// templateFile is the template's name in a stage's folder; the CDK derives it from the stack's id.
func (a App) templateFile() string { return a.Service + templateSuffix }

// writeManifest joins the stages' assemblies to one that the cdk command reads.
// https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.cx_api-readme.html
func writeManifest(outdir string, stacks []*Stack) error {
	type manifest struct {
		Version   string         `json:"version"`
		Artifacts map[string]any `json:"artifacts"`
	}
	root := manifest{Artifacts: map[string]any{}}
	for _, stack := range stacks {
		folder := nestedFolder(stack.stage())
		data, err := os.ReadFile(filepath.Join(outdir, folder, "manifest.json"))
		if err != nil {
			return err
		}
		var own manifest
		if err := json.Unmarshal(data, &own); err != nil {
			return fmt.Errorf("%s/manifest.json: %w", folder, err)
		}
		root.Version = own.Version
		root.Artifacts[folder] = map[string]any{
			"type":       "cdk:cloud-assembly",
			"properties": map[string]any{"directoryName": folder, "displayName": stack.stage().Name},
		}
	}
	data, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(outdir, "manifest.json"), append(data, '\n'), 0o644)
}

// document begins roadshow.json.
func (a App) document(commit string) Assembly {
	document := Assembly{Service: a.Service, Program: a.program(), Commit: commit, DeployFrom: a.DeployFrom}
	for _, stage := range a.Stages {
		document.Set = append(document.Set, describe(stage))
	}
	return document
}

func describe(stage stages.Stage) assembly.Stage {
	return assembly.Stage{Name: stage.Name, Account: stage.Account, Region: stage.Region, Tier: stage.Tier, Template: stage.IsTemplate()}
}
