// Package owner decides whose a stack or any other thing of an account is, and how sure that is. It
// is the one place where that is decided, and it asks nobody: whoever has looked hands it the
// evidence.
package owner

import (
	"fmt"
	"strings"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
)

// Maker is who has made a stack, as its tags say.
type Maker struct {
	// Program is the path of the program's module; empty where none is named.
	Program string
	// Service and Stage are what the program says it is; empty where it says none.
	Service, Stage string
}

// MakerOf reads the tags of a stack, or of anything that has them from a stack.
func MakerOf(tags map[string]string) Maker {
	return Maker{Program: assembly.ModuleOf(tags[stacks.TagProgram]), Service: tags[stacks.TagService], Stage: tags[stacks.TagStage]}
}

// Relation is what a maker is to another one.
type Relation int

// The relations. The zero value is nobody's claim.
const (
	// Foreign means another program, service or stage.
	Foreign Relation = iota
	// Bare means that the tags name nobody.
	Bare
	// Unnamed means the same service and stage, by a program that does not name itself.
	Unnamed
	// Same means the same program, service and stage.
	Same
)

// Relation is what a maker is to the one that is wanted.
func (m Maker) Relation(wanted Maker) Relation {
	switch {
	case m == wanted:
		return Same
	case m == Maker{}:
		return Bare
	case m.Service == wanted.Service && m.Stage == wanted.Stage && m.Program == "":
		return Unnamed
	}
	return Foreign
}

// Doubt is why a stack is not, or not surely, of the maker that is wanted, in words; empty where it
// is. One that names no program is of whoever has its service and its stage.
func (m Maker) Doubt(wanted Maker) string {
	if wanted.Program == "" {
		wanted.Program = m.Program
	}
	switch m.Relation(wanted) {
	case Bare:
		return "its tags name no service and no stage"
	case Foreign:
		return "its tags say " + m.String()
	}
	return ""
}

// String tells who it is, for people.
func (m Maker) String() string {
	said := []string{say("service", m.Service), say("stage", m.Stage)}
	if m.Program != "" {
		said = append(said, "program "+m.Program)
	}
	return strings.Join(said, ", ")
}

func say(what, value string) string {
	if value == "" {
		return "no " + what
	}
	return fmt.Sprintf("%s %q", what, value)
}
