package parity

import (
	"fmt"
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

// AcknowledgeDirective begins the comment that acknowledges what the line reads, or the one below,
// in the code or when it is deployed. The rest of the comment is the reason.
const AcknowledgeDirective = "//roadshow:acknowledge"

// Read is something besides its stage that the program's code reads while it defines. Both sides of
// every comparison may have read it alike, and a deploy need not: so it cannot be proven that the
// stages are identical, unless somebody acknowledges the read.
type Read struct {
	// Kind is what is read: "environment", "context", "arguments", "time", "randomness", "files",
	// "working folder", "network", "commands", "host", "the proof itself", "order of a map", "order
	// of goroutines", "state of the package", "build", "the selected stage"; or "could not be
	// followed", where the reading of the code has to give up.
	Kind string `json:"kind"`
	// What is the expression or the name that reads.
	What string `json:"what"`
	// At is the Go file and line, in the program's own module.
	At stages.Position `json:"at"`
	// Through is the function of another module that is called there and reads, and where it does.
	// Default: empty, the program's own code reads.
	Through string `json:"through,omitempty"`
	// Acknowledged is the reason for which the program accepts the read. Default: empty, nobody
	// does.
	Acknowledged string `json:"acknowledged,omitempty"`
}

// String is one line: where, what kind, what.
func (r Read) String() string {
	text := fmt.Sprintf("%s: %s: %s", r.At, r.Kind, r.What)
	if r.Through != "" {
		text += ", through " + r.Through
	}
	if r.Acknowledged != "" {
		text += " (acknowledged: " + r.Acknowledged + ")"
	}
	return text
}

// BadAcknowledgement is a //roadshow:acknowledge comment that acknowledges nothing, or gives no
// reason.
type BadAcknowledgement struct {
	// At is the Go file and line of the comment.
	At stages.Position `json:"at"`
	// Problem is what is wrong with it, in a sentence.
	Problem string `json:"problem"`
}

// String is one line: where, and what is wrong.
func (b BadAcknowledgement) String() string { return fmt.Sprintf("%s: %s", b.At, b.Problem) }

// Unproven lists the reads that nobody has acknowledged.
func (v *Verdict) Unproven() []Read {
	var unproven []Read
	for _, read := range v.Reads {
		if read.Acknowledged == "" {
			unproven = append(unproven, read)
		}
	}
	return unproven
}

// writeReads lists what the code reads, and the comments that acknowledge nothing.
func (v *Verdict) writeReads(text *strings.Builder) {
	var acknowledged []Read
	for _, read := range v.Reads {
		if read.Acknowledged != "" {
			acknowledged = append(acknowledged, read)
		}
	}
	list := func(reads []Read) {
		for _, read := range reads[:min(len(reads), shown)] {
			text.WriteString(indented(read.String()))
		}
		rest(text, len(reads))
	}
	if unproven := v.Unproven(); len(unproven) > 0 {
		fmt.Fprintf(text, "\ncannot be proven: reads %s besides the stage:\n", count(len(unproven), "value"))
		list(unproven)
		text.WriteString("\nWrite the value into the program. Where it cannot make stages differ, say why at the end of the line, or above it:\n" +
			"  " + AcknowledgeDirective + " <reason>\n")
	}
	if len(acknowledged) > 0 {
		fmt.Fprintf(text, "\n%s that the program reads besides the stage, and acknowledges:\n", count(len(acknowledged), "value"))
		list(acknowledged)
	}
	if len(v.BadAcknowledgements) > 0 {
		fmt.Fprintf(text, "\n%s:\n", count(len(v.BadAcknowledgements), "bad acknowledgement"))
		for _, bad := range v.BadAcknowledgements {
			text.WriteString(indented(bad.String()))
		}
	}
}
