package owner

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet/arn"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// Grade is how sure it is that a thing is a stage's, and that no stack has it or will have it.
type Grade string

// The grades.
const (
	// Certain means that a stack of the stage has made it, by CloudFormation's own word, or that it
	// has a name of the ledger and the stage's tags; that nothing in its tags is anybody else's;
	// and that it is older than the stack's end.
	Certain Grade = "certain"
	// Likely means that nothing speaks against it, and that something is missing for more: the
	// stage has a stack again, nobody says when it was made, or it has a name of the ledger and no
	// tags.
	Likely Grade = "likely"
	// Unsure means that only what anybody can write speaks for it (a tag, a name that begins like a
	// stage's), or that something speaks against it.
	Unsure Grade = "unsure"
)

// Verdict is a grade, and the evidence in words.
type Verdict struct {
	// Grade is how sure it is, Why what speaks for it and what keeps it from a better grade.
	Grade Grade
	Why   string
	// Against is what speaks against it alone.
	Against []string
}

// Stack is a stack that has to do with a thing.
type Stack struct {
	// ID is CloudFormation's, Name the stack's.
	ID, Name string
	// Live tells whether it is there. Deleted is when it was deleted; zero of a live one, and where
	// CloudFormation has forgotten it, 90 days later.
	Live    bool
	Deleted time.Time
	// Tags are its own; nil where CloudFormation does not tell them any more.
	Tags map[string]string
}

// Evidence is what is known about a thing that no live stack has.
type Evidence struct {
	// Of is who it would be of. The program may be empty: any will do.
	Of Maker
	// Bootstrap is the name of the stack of a bootstrap, for what would be of that one, and of no stage: Of is empty then.
	Bootstrap string
	// Account is where it is.
	Account string
	// Tags are all that it carries.
	Tags map[string]string
	// Made is the stack in CloudFormation's own tag, which nobody else can write; nil where it has
	// none.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
	Made *Stack
	// Left is the deleted stack that has it among what it has left by policy, or the live one that
	// has it and is about to leave it; nil where none has.
	Left *Stack
	// Ended is the stack of the stage that was deleted last; nil where none is known.
	Ended *Stack
	// Again is the name of the live stack of the stage; empty where there is none.
	Again string
	// Listed tells whether the ledger has its name, for a thing of its type.
	Listed bool
	// Created is when it was made; zero where AWS does not say.
	Created time.Time
	// Doubts are what could not be asked, or speaks against it, in words.
	Doubts []string
}

// Judge decides. Whatever is certain here, a deletion without a further word deletes.
func Judge(e Evidence) Verdict {
	why, proven := e.proof()
	doubts := append(e.against(), e.Doubts...)
	if !proven || len(doubts) > 0 {
		return Verdict{Unsure, strings.Join(append([]string{why}, doubts...), "; "), doubts}
	}
	if missing := e.missing(); len(missing) > 0 {
		return Verdict{Grade: Likely, Why: strings.Join(append([]string{why}, missing...), "; ")}
	}
	return Verdict{Grade: Certain, Why: why}
}

// isOwn tells whether a stack is called as the one of the stage, in this account.
func (e *Evidence) isOwn(s *Stack) bool {
	if s == nil {
		return false
	}
	name, err := e.Bootstrap, error(nil)
	if name == "" {
		name, err = stages.Stack.Name(stages.Part{Stage: e.Of.Stage, Service: e.Of.Service})
	}
	parsed, ok := arn.Parse(s.ID)
	return err == nil && name == s.Name && ok && parsed.AccountID == e.Account
}

// whose is whose it would be, in words.
func (e *Evidence) whose() string {
	if e.Bootstrap != "" {
		return "a bootstrap"
	}
	return "stage " + e.Of.Stage
}

// carries tells whether the tags are the stage's and the service's.
func (e *Evidence) carries() bool {
	said := MakerOf(e.Tags)
	return said.Stage == e.Of.Stage && said.Service == e.Of.Service
}

// untagged tells whether the tags name nobody.
func (e *Evidence) untagged() bool {
	said := MakerOf(e.Tags)
	return said.Stage == "" && said.Service == ""
}

// proof is what speaks for it, and whether that is more than anybody can write.
func (e *Evidence) proof() (why string, proven bool) {
	switch {
	case e.isOwn(e.Left) && e.Left.Live:
		return "stack " + e.Left.Name + " has it, and leaves it by policy", true
	case e.isOwn(e.Left):
		return "stack " + e.Left.Name + " has left it by policy when it was deleted on " + e.Left.Deleted.UTC().Format(time.DateOnly), true
	case e.isOwn(e.Made) && e.Made.Live:
		return "stack " + e.Made.Name + " made it", true
	case e.isOwn(e.Made):
		return "stack " + e.Made.Name + " made it, and is gone", true
	case e.Bootstrap != "":
		return "only its name says that it is of a bootstrap, and anybody can choose that", false
	case e.Listed && e.carries():
		return "the ledger has its name, and it carries the tags of its stage", true
	case e.Listed && e.untagged():
		return "the ledger has its name, and it carries none of our tags", true
	case e.carries():
		return "only its tags say that it is of stage " + e.Of.Stage + ", and anybody can write those", false
	}
	return "its name begins like those of stage " + e.Of.Stage, false
}

// against is what speaks against it.
func (e *Evidence) against() (doubts []string) {
	if e.Made != nil && !e.isOwn(e.Made) {
		doubts = append(doubts, "stack "+e.Made.Name+" made it, which is not the one of "+e.whose())
	}
	if e.Left != nil && !e.isOwn(e.Left) {
		doubts = append(doubts, "stack "+e.Left.Name+" has left it, which is not the one of "+e.whose())
	}
	for _, s := range []*Stack{e.Left, e.Made} {
		if s == nil || s.Tags == nil || len(doubts) > 0 {
			continue
		}
		if doubt := MakerOf(s.Tags).Doubt(e.Of); doubt != "" {
			doubts = append(doubts, "of that stack: "+doubt)
		}
	}
	if !e.untagged() && !e.carries() {
		doubts = append(doubts, "its tags say "+MakerOf(e.Tags).String())
	} else if tag := e.foreignTag(); tag != "" {
		doubts = append(doubts, tag)
	}
	// The logs of a function that is there again may be younger: Lambda makes them.
	if end := e.end(); end != nil && e.Created.After(end.Deleted) && (e.Again == "" || !e.untagged()) {
		doubts = append(doubts, fmt.Sprintf("it was made on %s, after stack %s was deleted on %s",
			e.Created.UTC().Format(time.DateTime), end.Name, end.Deleted.UTC().Format(time.DateTime)))
	}
	return doubts
}

// end is the stack that the thing must be older than; nil where none is known, or its end is not.
func (e *Evidence) end() *Stack {
	for _, s := range []*Stack{e.Made, e.Left} {
		if s != nil && !s.Deleted.IsZero() {
			return s
		}
	}
	if e.Made == nil && e.Left == nil && e.Ended != nil && !e.Ended.Deleted.IsZero() {
		return e.Ended // an earlier stack of the stage is no measure of what a later one made
	}
	return nil
}

// foreignTag is a tag that the stage's stack has not brought, in words; empty where there is none.
func (e *Evidence) foreignTag() string {
	for _, key := range slices.Sorted(maps.Keys(e.Tags)) {
		value := e.Tags[key]
		brought, told := false, false
		for _, s := range []*Stack{e.Left, e.Made} {
			if s != nil && s.Tags != nil {
				of, has := s.Tags[key]
				brought, told = brought || has && of == value, true
			}
		}
		switch {
		case brought, strings.HasPrefix(key, "aws:"), key == stacks.TagStage, key == stacks.TagService, key == stacks.TagTimeToLive:
		case key == stacks.TagProgram && (e.Of.Program == "" || assembly.ModuleOf(value) == e.Of.Program):
		case told:
			return fmt.Sprintf("it carries the tag %s=%s, which its stack did not have", key, value)
		default:
			return fmt.Sprintf("it carries the tag %s=%s, and nobody knows whether its stack had that", key, value)
		}
	}
	return ""
}

// missing is what keeps it from being certain, though nothing speaks against it.
func (e *Evidence) missing() (missing []string) {
	if e.isOwn(e.Left) && e.Left.Live { // it has it now
		return nil
	}
	if e.Again != "" && (e.Made == nil || !e.Made.Live) {
		missing = append(missing, "the stage has a stack again, which does not have it")
	}
	made := e.isOwn(e.Made)
	switch {
	case made && e.Made.Live:
		missing = append(missing, "that stack lives, and does not have it any more")
	case made: // by CloudFormation's own word, whenever that was
	case e.Created.IsZero():
		missing = append(missing, "nobody says when it was made")
	case e.end() == nil:
		missing = append(missing, "nobody knows when the stage's stack was deleted")
	case e.Left == nil && e.untagged():
		missing = append(missing, "a name alone is not enough")
	}
	return missing
}
