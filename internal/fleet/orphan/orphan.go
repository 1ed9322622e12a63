// Package orphan finds the orphaned resources of a fleet, which no stack has any more, and deletes them after a plan.
package orphan

import (
	"time"

	"github.com/roadshow-go/roadshow/internal/fleet/arn"
	"github.com/roadshow-go/roadshow/stages"
)

// Grade is how sure it is that something is an orphan: that no stack has it, and none will.
type Grade string

// The grades, by their evidence. Whatever a live stack has, of any service, is no orphan of any grade.
const (
	// Certain is what carries our tags for a stage and service whose stack is gone, what a deleted stack of
	// the service has retained, and a stack of the service that can only be deleted any more.
	Certain Grade = "certain"
	// Likely is what has a name of the ledger and none of our tags; what a live stack of the service made
	// and does not have any more; what a deleted stack has retained while the stage has a stack again; and a
	// stack of a stage that is not in the set, or that has waited for its first change set for a day.
	Likely Grade = "likely"
	// Unsure is what only has a name that begins like a stage's, what carries our tags though its stack
	// lives and never had it, and whatever could not be looked at.
	Unsure Grade = "unsure"
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
	// Grade is how sure that is, Why the evidence.
	Grade Grade  `json:"grade"`
	Why   string `json:"why"`
	// Created is when it was made; nil where AWS does not say.
	Created *time.Time `json:"created,omitempty"`
	// Loses is what its deletion would lose, in words. Items and Bytes count it; nil where AWS does not
	// tell cheaply. DynamoDB counts the items of a table about every six hours.
	Loses string `json:"loses"`
	Items *int64 `json:"items,omitempty"`
	Bytes *int64 `json:"bytes,omitempty"`
	// Protected is why it is never deleted here; empty where nothing protects it.
	Protected string `json:"protected,omitempty"`

	kind   *arn.Kind
	ids    []string // by which Cloud Control may know it; the first is the likeliest
	label  string   // what people call it, where that is not its id
	stack  string   // id, of a stack
	status string   // of a stack, when it was found
	tagged bool     // with our tags
	tier   stages.Tier
	region string // of its ARN; empty for what belongs to the whole account
}

// where is a thing's key: two rows with one key are one thing.
func (o *Orphan) where() string { return o.Account + " " + o.Region + " " + o.Type + " " + o.Name }

// in is the stage's place, for messages and for reaching it.
func (o *Orphan) in() stages.Stage {
	return stages.Stage{Name: o.Stage, Account: o.Account, Region: o.Region, Tier: o.tier}
}
