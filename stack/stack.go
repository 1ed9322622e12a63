package stack

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/internal/offered"
	"github.com/roadshow-go/roadshow/stages"
)

// Generated, as a component's Name, leaves the physical name to CloudFormation; see [stages.Generated].
const Generated = stages.Generated

// The tags that every resource of a stack carries, where its type takes tags.
const (
	TagService = "roadshow:service"
	TagStage   = "roadshow:stage"
	// TagProgram is the path of the Go module that the stack was made by, so that `roadshow deploy` puts no other
	// program in its place. It is a tag of the stack, which CloudFormation hands on, and in no template. A tilde
	// of the path is an at sign in it.
	TagProgram = "roadshow:program"
	// TagTimeToLive is how long after its last update the stack expires, as Go writes a duration; only
	// ephemeral stages of a template with [stages.Stage.ExpiresAfter] have it.
	TagTimeToLive = "roadshow:time-to-live"
)

// Stack is the one stack of a service, being defined for one stage. It is the scope of every New<Noun>.
//
// It deliberately does not tell which stage that is: a program that branches on it would make a
// difference that nobody declared. A selector, a pick or a tier says the same and can be listed.
type Stack struct {
	// CDK is the CDK's own stack, for constructs that this package does not offer.
	CDK awscdk.Stack

	// chooser is the choices once more, as [stages.Pick] takes them and nobody else can.
	chooser

	// These stand behind functions: reflection, fmt and encoding/json come to every field, and call no unexported
	// function.
	stage     func() stages.Stage
	choices   func() *stages.Choices
	ledger    func() *stages.Ledger
	retention func() tierRetention
	outdir    func() string // of the CDK's app; nil of an adopted one

	app    App
	cdkApp awscdk.App

	made      []component
	positions map[string]stages.Position
	functions []*Function
	// foreign are the paths of what other services export; each belongs to a stage as a name does.
	foreign []assembly.Import
	// atDeploy maps the paths that CloudFormation reads at each deploy to what reads them.
	atDeploy map[string]string
	// adopted tells that the CDK's stack is the program's own, where tagging all would touch what is not ours.
	adopted bool
	// deferredChecks run once everything is defined: what can only be checked or made when all is known. One may
	// append another.
	deferredChecks []func()
	network        *network
	assets         assets
	// statements are the allowances that were made, each once.
	statements map[string]awsiam.PolicyStatement
	name       string // of the stack; not of an adopted one
}

// chooser is embedded by an unexported name, so that a program cannot put another in its place.
type chooser = stages.Chooser

// Format writes the service's name, whatever the verb: fmt would print every field, and with them the stage.
func (s Stack) Format(state fmt.State, _ rune) {
	fmt.Fprintf(state, "stack of service %q", s.app.Service)
}

// Name is the physical name of something that this package does not make, {stage}-{service}-{name}
// within the kind's rules. It enters the ledger. A bad name panics with a [*ConfigError].
func (s *Stack) Name(kind stages.Kind, name string) string {
	return s.record(component{stack: s, id: name, at: stages.Caller()}, kind, name, 0)
}

// component is what every noun has in common: where it stands, who made it, and whether it is there.
type component struct {
	stack   *Stack
	noun    string
	id      string
	at      stages.Position
	present bool
	// needs are the selectors that its names depend on; by default its own.
	needs []string
}

// Present tells whether this stage has the component.
func (c component) Present() bool { return c.present }

// String is how an error names the component.
func (c component) String() string { return fmt.Sprintf("%s %q", c.noun, c.id) }

// fault panics with a mistake in this component.
func (c component) fault(at stages.Position, field, got, want, fix string) {
	c.refusal("", at, field, got, want, fix)
}

// refusal panics with a mistake in this component that AWS would refuse; page states the rule.
func (c component) refusal(page string, at stages.Position, field, got, want, fix string) {
	panic(&ConfigError{Thing: c.String(), Field: field, Got: got, Want: want, Fix: fix, Docs: page, At: at})
}

// requireOffered refuses a resource of a type that AWS does not offer in the stage's region.
func (c component) requireOffered(at stages.Position, field, resourceType, page string) {
	if region := c.stack.stage().Region; !offered.In(region, resourceType) {
		c.refusal(page, at, field, "set in region "+region, "left out there: the region does not have it", "take a selector that leaves the stage out, or move the stage to another region")
	}
}

// idPattern keeps ids readable in names and distinct in logical ids, which drop every other character.
var idPattern = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)

// maxID leaves room for the stage and the service in the 64 characters of a Lambda function's name;
// longer ids would still work, cut and hashed, but nobody could read them.
const maxID = 64

// begin is the start of every New<Noun>: it checks the id, remembers the user's line and asks the selector.
func (s *Stack) begin(noun, id string, selector stages.Selector, problems faults) component {
	c := component{stack: s, noun: noun, id: id, at: stages.Caller()}
	if !idPattern.MatchString(id) || len(id) > maxID {
		c.fault(c.at, "id", fmt.Sprintf("%q", id),
			fmt.Sprintf("lower-case letters, digits and single hyphens, at most %d", maxID), `write an id such as "create-note"`)
	}
	problems.raise(c.String(), c.at)
	// "a-1" and "a1" would share a logical id, which the CDK only notices at synth, and without the line.
	logical := strings.ReplaceAll(id, "-", "")
	if first, taken := s.positions[logical]; taken {
		c.fault(c.at, "id", fmt.Sprintf("%q again (first at %s)", id, first), "an id of its own, also without its hyphens", "rename one of the two")
	}
	s.positions[logical] = c.at
	c.present = s.choices().Includes(id, selector, c.at)
	s.made = append(s.made, c)
	return c
}

// scope is the construct that a component's resources are children of.
func (c component) scope() constructs.Construct {
	scope := constructs.NewConstruct(c.stack.CDK, jsiiconv.String(c.id))
	if c.stack.adopted {
		c.stack.tag(scope)
	}
	return scope
}

// record enters a physical name in the ledger and returns it; "" where CloudFormation generates it.
// It is called whether or not the component is present: the ledger is that of every stage.
func (s *Stack) record(c component, kind stages.Kind, name string, revision int) string {
	if name == Generated {
		return ""
	}
	if name == "" {
		name = c.id
	}
	s.ledger().Record(stages.Entry{Kind: kind, Owner: c.id, Name: name, Revision: revision, At: c.at, Needs: c.needs})
	physical, err := kind.Name(s.stage().Part(s.app.Service, name, revision))
	if err != nil {
		if problem, ok := err.(*ConfigError); ok {
			problem.At = c.at
			if c.noun != "" {
				problem.Thing = c.String()
			}
		}
		panic(err)
	}
	return physical
}

// environmentName is an id as the beginning of a variable's name: create-note is CREATE_NOTE.
func environmentName(id string) string {
	return strings.ToUpper(strings.ReplaceAll(id, "-", "_"))
}

// outputName is an id as a CloudFormation output's name: create-note is CreateNote.
func outputName(id string) string {
	var name strings.Builder
	for word := range strings.SplitSeq(id, "-") {
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return name.String()
}
