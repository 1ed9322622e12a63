package fleet

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/stages"
)

// Finding is one thing that is wrong, and what to do about it.
type Finding struct {
	// Stage is whose it is; empty for what concerns all of them.
	Stage string `json:"stage,omitempty"`
	// Check is what was looked at, such as account, bootstrap, stack, names or parity.
	Check string `json:"check"`
	// OK tells that nothing is wrong; then Detail says what is right.
	OK bool `json:"ok"`
	// Detail is what is found, in sentences; Fix what to do, as an order.
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"`
	// Taken is the name that something in the account has already; nil for any other finding.
	Taken *TakenName `json:"taken,omitempty"`
}

func (f Finding) String() string {
	text := f.Detail
	if f.Stage != "" {
		text = "Stage " + f.Stage + ": " + text
	}
	if f.Fix != "" {
		text += "\n" + f.Fix
	}
	return text
}

// listed are findings below a sentence, each indented, what to do below what is wrong.
func listed(findings []Finding) string {
	var text strings.Builder
	for _, finding := range findings {
		text.WriteString("\n  " + strings.ReplaceAll(finding.String(), "\n", "\n    "))
	}
	return text.String()
}

// TakenName is a name that a deploy would give to something new, and that something in the account has already.
type TakenName struct {
	// Stage is whose deploy it is, LogicalID the new resource's in its template, Component the component's path in the
	// stack; empty where no component of package stack gives the name.
	Stage     string `json:"stage"`
	LogicalID string `json:"logicalId"`
	Component string `json:"component,omitempty"`
	// Type is its CloudFormation type, Name its physical name, ARN its ARN where that is known.
	Type string `json:"type"`
	Name string `json:"name"`
	ARN  string `json:"arn,omitempty"`
	// Own tells whether it is this stage's, as far as CloudFormation's tags and the stage's tell; By is whose it is, in words.
	Own bool   `json:"own"`
	By  string `json:"by"`
	// Stack is the live stack that has it; empty where none has.
	Stack string `json:"stack,omitempty"`
	// Created is when it was made, Left when the stack that made it was deleted; nil where AWS does not say.
	Created *time.Time `json:"created,omitempty"`
	Left    *time.Time `json:"left,omitempty"`
	// Holds is what it holds, in words. Items and Bytes count it; nil where AWS does not tell cheaply. DynamoDB counts
	// the items of a table about every six hours.
	Holds string `json:"holds,omitempty"`
	Items *int64 `json:"items,omitempty"`
	Bytes *int64 `json:"bytes,omitempty"`
	// Obstacle is why the deploy cannot take it up; empty where it can.
	Obstacle string `json:"obstacle,omitempty"`
	// Changed are the properties that the program gives other values than the stack did that left it. CloudFormation
	// takes a resource up as it is.
	Changed []string `json:"changed,omitempty"`
	// FreeIn is in how many seconds the name is free again, of something that was deleted; 0 of what is there.
	FreeIn int `json:"freeInSeconds,omitempty"`

	noun string
	// proven tells that CloudFormation's own tag says that it is this stage's, which nobody else can write.
	proven bool
}

// unbootstrapped is the finding of a bootstrap that is missing, or too old.
func unbootstrapped(stage stages.Stage, version, needed int) Finding {
	finding := Finding{Stage: stage.Name, Check: "bootstrap", Fix: "Run `roadshow bootstrap " + stage.Name + "`."}
	finding.Detail = fmt.Sprintf("The bootstrap is version %d; version %d or newer is needed.", version, needed)
	if version == 0 {
		finding.Detail = fmt.Sprintf("Account %s is not bootstrapped in %s.", stage.Account, stage.Region)
	}
	return finding
}

// explained is the finding of an error.
func explained(stage stages.Stage, check string, err error) Finding {
	finding := Finding{Stage: stage.Name, Check: check, Detail: sentence(err.Error())}
	var known Explained
	if errors.As(err, &known) {
		finding.Detail, finding.Fix = known.Reason(), known.Fix()
	}
	return finding
}

// unanswered is the finding of CloudFormation's refusal.
func unanswered(stage stages.Stage, check string, err error) Finding {
	return explained(stage, check, AsServiceError(stage, "CloudFormation", err))
}
