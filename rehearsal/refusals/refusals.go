package refusals

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed table/*.yaml
var table embed.FS

// The rows that checks of AWS's own find too, each with the rules that do: its validator, see validator_test.go; and its
// schema of resource types, see ../internal/cfn/schema_test.go.
var (
	//go:embed testdata/validator.golden
	validatorMarks string
	//go:embed testdata/schema.golden
	schemaMarks string
)

// Refusal is one row of the book.
type Refusal struct {
	// ID names the row, such as "lambda-memory".
	ID string
	// Service is the service that refuses, such as "Lambda".
	Service string
	// Kind is the kind of mistake, one of Kinds.
	Kind string
	// Moment is when AWS refuses, one of Moments.
	Moment string
	// Words are AWS's, as the last event of the failed resource or the error of the call has them.
	Words string
	// Source is the page of AWS, or the public report, that tells of the refusal.
	Source string
	// Roadshow is what Roadshow does about it, one of Answers.
	Roadshow string
	// How says in one sentence how Roadshow does it.
	How string

	// Validator are the checks of AWS's own that find the mistake without an account, none where only the service does:
	// rules of its validator, the one inside aws-cdk-lib, and "aws-service-spec", its schema of resource types.
	Validator []string

	// Beside is the template of another stack of the account, which is deployed first; empty for
	// most rows.
	Beside string
	// Elsewhere is the template of a stack of the same account in us-east-1, deployed first, where Region is
	// another.
	Elsewhere string
	// Later is the template of another stack, deployed after Template and before what is refused; of a
	// deletion only.
	Later string
	// Before is the template that is deployed before Template; empty unless a step is refused.
	Before string
	// Template is the template that is refused, as JSON.
	Template string
	// Parameters are values for the template's parameters.
	Parameters map[string]string
	// Region is where the stack is deployed; Off tells that the account has not enabled it.
	Region string
	Off    bool
	// Uploaded tells that the template is given by the URL of an object, not with the call.
	Uploaded bool
	// Deleted are resources that a person made and deleted by hand shortly before.
	Deleted []Resource
	// Held are resources that a person made beside the stack.
	Held []Resource
	// Existing tells that the change set imports what exists already; Imports are the resources of a change set of type
	// IMPORT, by logical id, each with the properties that identify it.
	Existing bool
	Imports  map[string]map[string]string
	// Objects are the buckets, by logical id, that hold an object before the stack is deleted.
	Objects []string
	// Lacks is what the call is made without, such as "capabilities".
	Lacks []string
	// Again is how much later the stack is deployed once more after its deletion; zero for most.
	Again time.Duration
}

// Resource is a resource by its type and properties.
type Resource struct {
	Type       string         `yaml:"Type"`
	Properties map[string]any `yaml:"Properties"`
}

// Without says whether the call is made without something.
func (r Refusal) Without(what string) bool { return slices.Contains(r.Lacks, what) }

// Kinds of mistakes.
const (
	Text     = "text"          // a character set or a length
	Number   = "number"        // a number's limits or its unit
	Value    = "value"         // not one of the values there are
	Grammar  = "grammar"       // an expression or a document that a service reads
	Pair     = "pair"          // two properties of one resource
	TwoParts = "two resources" // two resources that do not go together
	Sum      = "sum"           // what many parts come to
	Step     = "step"          // the way from one template to another
	Place    = "place"         // a region, a zone, an account
	Time     = "time"          // what AWS refuses for a while
)

// Kinds are all kinds of mistakes.
var Kinds = []string{Text, Number, Value, Grammar, Pair, TwoParts, Sum, Step, Place, Time}

// Moments at which AWS refuses.
const (
	Validation = "validation" // the call itself: no stack or change set is made
	ChangeSet  = "change set" // the change set fails
	Create     = "create"     // a resource of a new stack fails, and the stack is rolled back
	Update     = "update"     // a resource fails, and the stack is rolled back to what it was
	Cleanup    = "cleanup"    // the stack is updated, and what it leaves behind cannot be deleted
	Delete     = "delete"     // the stack cannot be deleted
)

// Moments are all moments at which AWS refuses.
var Moments = []string{Validation, ChangeSet, Create, Update, Cleanup, Delete}

// What Roadshow does about a refusal.
const (
	Config      = "config"       // a config with the mistake is refused at synth, with its line
	Construct   = "construct"    // the constructs are built so that it cannot arise
	EscapeHatch = "escape hatch" // only Override, With or a construct of the CDK can make it
	Preflight   = "preflight"    // roadshow deploy and roadshow diff find the step before it is tried
	Documented  = "documented"   // nothing can be done at synth: the docs say what to do
)

// Answers are all that Roadshow does about a refusal.
var Answers = []string{Config, Construct, EscapeHatch, Preflight, Documented}

// row is a refusal as a file has it.
type row struct {
	ID, Kind, Moment, Words, Source string
	Roadshow, How                   string
	With                            []string
	Beside, Elsewhere               yaml.Node
	Before, Later                   yaml.Node
	Resources, Template             yaml.Node
	Parameters                      map[string]string
	Region                          string
	Off, Uploaded                   bool
	Again                           time.Duration
	Deleted, Held                   []Resource
	Existing                        bool
	Imports                         map[string]map[string]string
	Lacks, Objects                  []string
}

// file is one file of the table.
type file struct {
	Service  string
	Refusals []row
}

// Load reads the book, sorted by service and in the order of its files.
func Load() ([]Refusal, error) {
	files, err := fs.Glob(table, "table/*.yaml")
	if err != nil {
		return nil, err
	}
	shared := map[string]yaml.Node{}
	if err := read(table, sharedFile, &shared); err != nil {
		return nil, err
	}
	var all []Refusal
	var problems []error
	seen := map[string]string{}
	for _, name := range files {
		if name == sharedFile {
			continue
		}
		var content file
		if err := read(table, name, &content); err != nil {
			return nil, err
		}
		for i, r := range content.Refusals {
			refusal, err := r.refusal(content.Service, shared)
			if other, twice := seen[r.ID]; err == nil && twice {
				err = fmt.Errorf("stands in %s too", other)
			}
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: row %d, %q: %w", path.Base(name), i+1, r.ID, err))
				continue
			}
			seen[r.ID] = path.Base(name)
			all = append(all, refusal)
		}
	}
	for line := range strings.Lines(validatorMarks + schemaMarks) {
		mark := strings.Fields(line)
		for i := range all {
			if len(mark) > 0 && all[i].ID == mark[0] {
				all[i].Validator = append(all[i].Validator, mark[1:]...)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Refusal) int { return cmp.Compare(a.Service, b.Service) })
	return all, errors.Join(problems...)
}

const sharedFile = "table/shared.yaml"

// read decodes a file strictly.
func read(from fs.FS, name string, into any) error {
	content, err := fs.ReadFile(from, name)
	if err != nil {
		return err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", path.Base(name), err)
	}
	return nil
}

var identifier = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)

// refusal checks a row and makes its templates.
func (r *row) refusal(service string, shared map[string]yaml.Node) (Refusal, error) {
	if err := r.check(service); err != nil {
		return Refusal{}, err
	}
	made := Refusal{
		ID: r.ID, Service: service, Kind: r.Kind, Moment: r.Moment, Words: r.Words, Source: r.Source,
		Roadshow: r.Roadshow, How: r.How, Parameters: r.Parameters, Region: cmp.Or(r.Region, "us-east-1"), Off: r.Off, Uploaded: r.Uploaded, Again: r.Again,
		Deleted: r.Deleted, Held: r.Held, Existing: r.Existing, Imports: r.Imports, Lacks: r.Lacks, Objects: r.Objects,
	}
	together := func(resources yaml.Node) (string, error) {
		if resources.IsZero() {
			return "", nil
		}
		parts := []yaml.Node{resources}
		for _, name := range r.With {
			part, known := shared[name]
			if !known {
				return "", fmt.Errorf("with: %q is not in %s", name, path.Base(sharedFile))
			}
			parts = append(parts, part)
		}
		return resourcesTemplate(parts)
	}
	var err error
	if made.Before, err = together(r.Before); err != nil {
		return Refusal{}, err
	}
	if made.Beside, err = resourcesTemplateOrNone(r.Beside); err != nil {
		return Refusal{}, err
	}
	if made.Elsewhere, err = resourcesTemplateOrNone(r.Elsewhere); err != nil {
		return Refusal{}, err
	}
	if made.Later, err = resourcesTemplateOrNone(r.Later); err != nil {
		return Refusal{}, err
	}
	if r.Template.IsZero() {
		made.Template, err = together(r.Resources)
	} else {
		made.Template, err = wholeTemplate(r.Template)
	}
	return made, err
}

func (r *row) check(service string) error {
	for field, value := range map[string]string{"service": service, "words": r.Words, "how": r.How} {
		if strings.TrimSpace(value) == "" {
			return fmt.Errorf("%s is empty", field)
		}
	}
	if !identifier.MatchString(r.ID) {
		return fmt.Errorf("id is %q, want words of lower-case letters and digits, joined by hyphens", r.ID)
	}
	if source, err := url.Parse(r.Source); err != nil || source.Scheme != "https" || source.Host == "" || source.Path == "" {
		return fmt.Errorf("source is %q, want the URL of AWS's page or of the report", r.Source)
	}
	for field, choice := range map[string]struct {
		value string
		of    []string
	}{"kind": {r.Kind, Kinds}, "moment": {r.Moment, Moments}, "roadshow": {r.Roadshow, Answers}} {
		if !slices.Contains(choice.of, choice.value) {
			return fmt.Errorf("%s is %q, want one of %s", field, choice.value, strings.Join(choice.of, ", "))
		}
	}
	switch {
	case r.Resources.IsZero() == r.Template.IsZero():
		return errors.New("want resources or a template, and not both")
	case !r.Template.IsZero() && len(r.With) > 0:
		return errors.New("with goes with resources, not with a whole template")
	case (r.Moment == Update || r.Moment == Cleanup) == r.Before.IsZero() && r.Moment != ChangeSet && r.Moment != Validation:
		return errors.New("before goes with the moment update or cleanup")
	}
	return nil
}

func resourcesTemplateOrNone(resources yaml.Node) (string, error) {
	if resources.IsZero() {
		return "", nil
	}
	return resourcesTemplate([]yaml.Node{resources})
}

// resourcesTemplate is a template of resources alone.
func resourcesTemplate(parts []yaml.Node) (string, error) {
	all := map[string]any{}
	for _, part := range parts {
		value, err := expand(&part, 0)
		if err != nil {
			return "", err
		}
		resources, is := value.(map[string]any)
		if !is {
			return "", fmt.Errorf("line %d: resources are %T, want a mapping", part.Line, value)
		}
		for id, resource := range resources {
			if all[id] != nil {
				return "", fmt.Errorf("line %d: the resource %s is there twice", part.Line, id)
			}
			all[id] = resource
		}
	}
	return written(map[string]any{"Resources": all})
}

func wholeTemplate(template yaml.Node) (string, error) {
	value, err := expand(&template, 0)
	if err != nil {
		return "", err
	}
	return written(value)
}

func written(template any) (string, error) {
	text, err := json.MarshalIndent(template, "", "  ")
	return string(text), err
}
