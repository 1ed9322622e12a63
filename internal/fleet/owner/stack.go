package owner

import (
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

// JudgeStack decides whose a live stack is, by its name and its tags: the stage's where both say so. Either of them alone
// anybody can choose. The program of a maker may be empty: any will do.
func JudgeStack(name string, tags map[string]string, of Maker) Verdict {
	var against []string
	if own, err := stages.Stack.Name(stages.Part{Stage: of.Stage, Service: of.Service}); err != nil || own != name {
		against = append(against, "it only carries the tags of stage "+of.Stage+", whose stack has another name")
	}
	if doubt := MakerOf(tags).Doubt(of); doubt != "" {
		against = append(against, doubt)
	}
	if len(against) > 0 {
		return Verdict{Unsure, strings.Join(against, "; "), against}
	}
	return Verdict{Grade: Certain, Why: "it has the name and the tags of stage " + of.Stage}
}

// Doubt is what speaks against it, in words; empty where nothing does.
func (v Verdict) Doubt() string { return strings.Join(v.Against, "; ") }
