// Package orphan finds the orphaned resources of a fleet, which no stack has any more, and deletes
// them after a plan.
package orphan

import (
	"cmp"
	"slices"
	"time"

	"github.com/roadshow-go/roadshow/internal/fleet/arn"
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/internal/fleet/plan"
	"github.com/roadshow-go/roadshow/stages"
)

// Orphan is something that a stage has left behind.
type Orphan struct {
	// Type is its CloudFormation type; empty where its ARN tells of none that is known here.
	Type string `json:"type,omitempty"`
	// Name is its physical name or id, ARN its ARN where that is known.
	Name string `json:"name"`
	ARN  string `json:"arn,omitempty"`
	// Account and Region are where it is.
	Account string `json:"account"`
	Region  string `json:"region"`
	// Stage and Service are whose it was. Known tells whether the program has that stage here, or a
	// template of it.
	Stage   string `json:"stage"`
	Service string `json:"service"`
	Known   bool   `json:"known"`
	// Grade is how sure it is that it is the stage's, and that no stack has it or will have it; Why
	// is the evidence. See [owner.Judge].
	Grade owner.Grade `json:"grade"`
	Why   string      `json:"why"`
	// Tags are all that it carries.
	Tags map[string]string `json:"tags,omitempty"`
	// Created is when it was made; nil where AWS does not say.
	Created *time.Time `json:"created,omitempty"`
	// Loses is what its deletion would lose, in words. Items and Bytes count it; nil where AWS does
	// not tell cheaply. DynamoDB counts the items of a table about every six hours.
	Loses string `json:"loses"`
	Items *int64 `json:"items,omitempty"`
	Bytes *int64 `json:"bytes,omitempty"`
	// Protected is why it is never deleted here; empty where nothing protects it.
	Protected string `json:"protected,omitempty"`
	// SwitchesOff is what its deletion switches off before, in words; empty where nothing. It is
	// switched on again where the deletion fails.
	SwitchesOff string `json:"switchesOff,omitempty"`

	kind   *arn.Kind
	ids    []string       // by which Cloud Control may know it; the first is the likeliest
	label  string         // what people call it, where that is not its id
	stack  *plan.Identity // of a stack, when it was found; nil of anything else
	tagged bool           // with our tags
	tier   stages.Tier
	region string // of its ARN; empty for what belongs to the whole account

	evidence owner.Evidence
}

// identity is what it is compared with before it is deleted.
func (o *Orphan) identity() plan.Identity {
	if o.stack != nil {
		return *o.stack
	}
	one := plan.Identity{ID: cmp.Or(o.ARN, o.Type+" "+o.Name), Tags: o.Tags}
	if o.Created != nil {
		one.Created = *o.Created
	}
	return one
}

// doubt adds something that makes it unsure.
func (o *Orphan) doubt(why string) {
	if !slices.Contains(o.evidence.Doubts, why) {
		o.evidence.Doubts = append(o.evidence.Doubts, why)
	}
}

// merge takes over what another row knows about the same thing.
func (o *Orphan) merge(other *Orphan) {
	o.ARN, o.Created, o.Bytes = cmp.Or(o.ARN, other.ARN), cmp.Or(o.Created, other.Created), cmp.Or(o.Bytes, other.Bytes)
	if o.Tags == nil {
		o.Tags = other.Tags
	}
	o.protect(other.Protected)
	o.tagged = o.tagged || other.tagged
	mine, theirs := &o.evidence, other.evidence
	mine.Left, mine.Made = cmp.Or(mine.Left, theirs.Left), cmp.Or(mine.Made, theirs.Made)
	mine.Listed = mine.Listed || theirs.Listed
	for _, why := range theirs.Doubts {
		o.doubt(why)
	}
}

// where is a thing's key: two rows with one key are one thing.
func (o *Orphan) where() string { return o.Account + " " + o.Region + " " + o.Type + " " + o.Name }

// in is the stage's place, for messages and for reaching it.
func (o *Orphan) in() stages.Stage {
	return stages.Stage{Name: o.Stage, Account: o.Account, Region: o.Region, Tier: o.tier}
}

// protect says why a thing is kept, unless something said so already.
func (o *Orphan) protect(why string) {
	if o.Protected == "" {
		o.Protected = why
	}
}
