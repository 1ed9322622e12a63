// Package starter writes a new service: a small program with its tests, its first function, and the settings
// of the CDK command. What it writes stands below service, as files that can be read: those whose names end in
// .tmpl are filled in, the others are written as they are.
package starter

import (
	"bytes"
	"embed"
	"fmt"
	"go/format"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/roadshow-go/roadshow/internal/links"
	"github.com/roadshow-go/roadshow/stages"
)

//go:embed all:service
var service embed.FS

// Service is a service to begin.
type Service struct {
	// Name is the service's, as in stack.App: a lower-case DNS label of at most [stages.MaxServiceName]
	// characters. Required.
	Name string
	// Stages is its set as it is typed: NAME=ACCOUNT, or NAME=ACCOUNT:TIER. Default: dev, staging and
	// production, in accounts that nobody has, which the files then say.
	Stages []string
	// Region is that of every stage. Required.
	Region string
	// Dir is the folder to write to; it is made where it does not exist. Default: the working folder.
	Dir string
	// Module is the import path of the Go module to begin. Default: the module that the folder is in, else
	// example.com/NAME.
	Module string
	// Version is that of Roadshow to require, such as v0.1.0; one that no module proxy can have, such as
	// (devel), is not required. Default: none.
	Version string
}

// Written is what was written, and what comes next.
type Written struct {
	// Service is the service's name, Module the path of the Go module that it is in.
	Service string `json:"service"`
	Module  string `json:"module"`
	// Dir is the folder, absolute; Files are those below it that were written, sorted, with slashes.
	Dir   string   `json:"dir"`
	Files []string `json:"files"`
	// Next are lines for a shell in that folder; [Written.Fetch] does the first. Notes are for people.
	Next  []string `json:"next"`
	Notes []string `json:"notes,omitempty"`

	fetch [][]string
}

// Write writes the whole service, or nothing: an [*ExistError] lists files that are there already. Whatever
// else was typed wrong is a [*stages.FieldError].
func (s Service) Write() (*Written, error) {
	if _, changed := stages.Label(s.Name, stages.MaxServiceName); changed {
		return nil, &stages.FieldError{
			Thing: "service", Field: "name", Got: fmt.Sprintf("%q", s.Name),
			Want: fmt.Sprintf("a lower-case DNS label of at most %d characters", stages.MaxServiceName), Fix: "write roadshow init notes",
		}
	}
	set, err := s.set()
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		return nil, err
	}
	module, err := find(dir, s.Module, s.Name)
	if err != nil {
		return nil, err
	}
	p, err := fill(s.Name, set)
	if err != nil {
		return nil, err
	}
	p.Examples = len(s.Stages) == 0
	p.Module, p.Below, p.Require = module.path, module.below, published(s.Version)
	files, err := p.files()
	if err != nil {
		return nil, err
	}
	if !module.fresh {
		files = slices.DeleteFunc(files, func(one file) bool { return one.path == goMod })
	}
	if err := write(dir, files); err != nil {
		return nil, err
	}
	written := &Written{Service: s.Name, Module: module.path, Dir: dir, fetch: module.fetch(p.Require)}
	for _, one := range files {
		written.Files = append(written.Files, one.path)
	}
	var fetch []string
	for _, command := range written.fetch {
		fetch = append(fetch, strings.Join(command, " "))
	}
	written.Next = append([]string{strings.Join(fetch, " && ")}, p.Steps[1:]...)
	if p.Require == "" && !module.requires {
		written.Notes = append(written.Notes, fmt.Sprintf(
			"this command is of version %q, which nobody can download: go.mod requires none, and go mod tidy takes the latest of %s", s.Version, roadshow,
		))
	}
	if p.Examples {
		written.Notes = append(written.Notes, "the accounts are examples: write your own into app.go before you deploy")
	}
	written.Notes = append(written.Notes, "before its first deploy, each account is bootstrapped once: npx cdk bootstrap --profile "+p.First.Name)
	return written, nil
}

// set is the stages that were typed, or the examples.
func (s Service) set() (stages.Set, error) {
	typed := s.Stages
	if len(typed) == 0 {
		typed = []string{"dev=111111111111:sandbox", "staging=222222222222", "production=333333333333:protected"}
	}
	var set stages.Set
	for _, text := range typed {
		stage, err := parse(text)
		if err != nil {
			return nil, err
		}
		stage.Region = s.Region
		set = append(set, stage)
	}
	return set, set.Validate()
}

// parse reads a stage as it is typed. What its name and account may be is the set's matter.
func parse(text string) (stages.Stage, error) {
	name, place, complete := strings.Cut(text, "=")
	if !complete {
		return stages.Stage{}, &stages.FieldError{
			Thing: "--stage", Field: "value", Got: fmt.Sprintf("%q", text), Want: "NAME=ACCOUNT or NAME=ACCOUNT:TIER",
			Fix: "write --stage dev=111111111111:sandbox",
		}
	}
	account, tier, tiered := strings.Cut(place, ":")
	stage := stages.Stage{Name: name, Account: account}
	if tiered && stage.Tier.UnmarshalText([]byte(tier)) != nil {
		return stages.Stage{}, &stages.FieldError{
			Thing: fmt.Sprintf("stage %q", name), Field: "Tier", Got: fmt.Sprintf("%q", tier), Want: "sandbox, standard or protected",
			Fix: fmt.Sprintf("write --stage %s=%s:sandbox, or leave it out for standard", name, account),
		}
	}
	return stage, nil
}

// named is a stage, and the Go variable that holds it.
type named struct {
	stages.Stage
	Variable string
}

// TierConstant is the tier's name in package stages; empty for the default.
func (n named) TierConstant() string {
	if n.Tier == stages.Standard {
		return ""
	}
	return links.GoName(n.Tier.String(), "-")
}

// page is what the files below service are filled in with.
type page struct {
	Name    string
	Stages  []named
	First   named // is deployed first
	Main    named // differs: the first protected stage, else the last
	Define  string
	Below   string // where the service is in its module: empty, or a path that ends in a slash
	Module  string
	Require string   // the version of Roadshow; empty where it is not known
	Steps   []string // what is typed next
	// Function and Stack are the names that the first stage's have in AWS.
	Function, Stack string
	// Examples tells that nobody has the accounts.
	Examples bool
}

// fill names everything in Go.
func fill(name string, set stages.Set) (page, error) {
	p := page{Name: name, Define: links.GoName(name, "-")}
	for _, stage := range set {
		one := named{stage, links.GoName(stage.Name, "-")}
		for _, other := range p.Stages {
			if other.Variable == one.Variable {
				return page{}, &stages.FieldError{
					Thing: fmt.Sprintf("stage %q", one.Name), Field: "Name", Got: fmt.Sprintf("%s in Go, as is %q", one.Variable, other.Name),
					Want: "a name of its own", Fix: "rename one of the two",
				}
			}
		}
		p.Stages = append(p.Stages, one)
	}
	for slices.ContainsFunc(p.Stages, func(n named) bool { return n.Variable == p.Define }) {
		p.Define += "Service"
	}
	p.First, p.Main = p.Stages[0], p.Stages[len(p.Stages)-1]
	if at := slices.IndexFunc(p.Stages, func(n named) bool { return n.Tier == stages.Protected }); at >= 0 {
		p.Main = p.Stages[at]
	}
	var err error
	if p.Function, err = stages.LambdaFunction.Name(p.First.Part(name, "hello", 0)); err != nil {
		return page{}, err
	}
	if p.Stack, err = stages.Stack.Name(p.First.Part(name, "", 0)); err != nil {
		return page{}, err
	}
	p.Steps = []string{"go mod tidy && npm install", "go test . -update", "npx cdk deploy --profile " + p.First.Name}
	return p, nil
}

// file is one to write.
type file struct {
	path string // from the service's folder, with slashes
	data []byte
}

// goMod is written only where there is none.
const goMod = "go.mod"

// files fills in what stands below service, sorted by path.
func (p page) files() ([]file, error) {
	const below, ending = "service", ".tmpl"
	var files []file
	err := fs.WalkDir(service, below, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := service.ReadFile(name)
		if err != nil {
			return err
		}
		inside, isTemplate := strings.CutSuffix(strings.TrimPrefix(name, below+"/"), ending)
		if isTemplate {
			if data, err = p.execute(inside, data); err != nil {
				return err
			}
		}
		files = append(files, file{inside, data})
		return nil
	})
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	return files, err
}

func (p page) execute(name string, text []byte) ([]byte, error) {
	parsed, err := template.New(name).Option("missingkey=error").Parse(string(text))
	if err != nil {
		return nil, err
	}
	var filled bytes.Buffer
	if err := parsed.Execute(&filled, p); err != nil {
		return nil, err
	}
	if path.Ext(name) == ".go" {
		return format.Source(filled.Bytes())
	}
	return filled.Bytes(), nil
}
