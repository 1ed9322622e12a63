package fleet

import "github.com/roadshow-go/roadshow/stages"

// Finding is one thing that is wrong, and what to do about it.
type Finding struct {
	// Stage is whose it is; empty for what concerns all of them.
	Stage string `json:"stage,omitempty"`
	// Check is what was looked at, such as account, bootstrap, stack, names or parity.
	Check string `json:"check"`
	// OK tells that nothing is wrong; then Detail says what is right.
	OK bool `json:"ok"`
	// Detail is what is found, Fix what to do.
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"`
	// Taken is the name that something in the account has already; nil for any other finding.
	Taken *TakenName `json:"taken,omitempty"`
}

func (f Finding) String() string {
	text := f.Check + ": " + f.Detail
	if f.Stage != "" {
		text = "stage " + f.Stage + ": " + text
	}
	if f.Fix != "" {
		text += "; " + f.Fix
	}
	return text
}

// unanswered is the finding of a service that refused.
func unanswered(stage stages.Stage, check string, err error) Finding {
	fix := "check the permissions of the profile"
	if IsThrottled(err) {
		fix = "wait a minute and run it again"
	}
	return Finding{Stage: stage.Name, Check: check, Detail: "CloudFormation refuses: " + Brief(err), Fix: fix}
}
