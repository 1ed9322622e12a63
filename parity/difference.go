package parity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

// Difference is one place where templates differ by more than identity and declared choices.
type Difference struct {
	// Path is where: a JSON path from the template's root, such as
	// Resources.createnote1234.Properties.MemorySize or Resources.api.Properties.Tags["a b"][0]. It
	// begins with Functions for a function's bytes, with Stack for what is said of the stack
	// outside its template, with Names for a physical name that not all stages have (its value is
	// true where they do), and is Choices where a choice itself depends on the identity.
	Path string `json:"path"`
	// LogicalID is the resource's, and Type its CloudFormation type; empty outside resources.
	LogicalID string `json:"logicalId,omitempty"`
	Type      string `json:"type,omitempty"`
	// At is the Go file and line that made the resource; zero where it is not known. AlsoAt lists
	// the other lines that set what differs, where the program has several.
	At     stages.Position   `json:"at,omitzero"`
	AlsoAt []stages.Position `json:"alsoAt,omitempty"`
	// Values is what stands there, in the order of the stages compared: at least two entries, which
	// differ. Stages that agree but for identity share one.
	Values []Value `json:"values"`
}

// Value is what some of the compared stages have at the place of a difference.
type Value struct {
	// Stages lists them as [stages.Stage.String] does: "dev", or "dev as production" for an
	// understudy.
	Stages []string `json:"stages"`
	// JSON is the value, compact, as the first of the stages has it; nil where they have nothing
	// there.
	JSON json.RawMessage `json:"value,omitempty"`
}

// String is the value in one line, cut where it is long; "nothing" where it is absent.
func (v Value) String() string {
	if v.JSON == nil {
		return "nothing"
	}
	return cut(string(v.JSON), 160)
}

// String is the difference in several lines: the path, what and where it is, and the value by
// stage.
func (d Difference) String() string {
	var text strings.Builder
	text.WriteString(d.Path)
	for _, note := range d.notes() {
		text.WriteString("\n  " + note)
	}
	width := 0
	labels := make([]string, len(d.Values))
	for i, value := range d.Values {
		labels[i] = cut(strings.Join(value.Stages, ", "), 60) + ":"
		width = max(width, len(labels[i]))
	}
	for i, value := range d.Values {
		fmt.Fprintf(&text, "\n  %-*s %s", width, labels[i], value)
	}
	return text.String()
}

// notes says what differs and who made it.
func (d Difference) notes() []string {
	var parts []string
	if d.Type != "" {
		parts = append(parts, d.Type)
	}
	if d.At.File != "" {
		made := "made at " + d.At.String()
		for _, at := range d.AlsoAt {
			made += " or " + at.String()
		}
		parts = append(parts, made)
	}
	if len(parts) == 0 {
		return nil
	}
	return []string{strings.Join(parts, ", ")}
}

// cut shortens a text to about the given length, from the middle: the ends tell the most.
func cut(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	half := (limit - 3) / 2
	return string(runes[:half]) + " … " + string(runes[len(runes)-half:])
}

// compact is a node of a template as JSON, as people would write it: without HTML escapes.
func compact(node any) json.RawMessage {
	var out bytes.Buffer
	writeJSON(&out, node)
	return out.Bytes()
}
