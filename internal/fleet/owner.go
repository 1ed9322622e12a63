package fleet

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// NoProgram stands for the program of a stack that names none.
const NoProgram = "none"

// OwnerError says that a stack which a deploy would change was made by another program.
type OwnerError struct {
	// Stage is the stage, Stack its stack.
	Stage stages.Stage
	Stack string
	// Program is the path of the module that made the stack, or [NoProgram]; Service and Made are the service and
	// the stage that it says it is, empty where it says none.
	Program, Service, Made string
	// Ours is the module of the program that would be deployed, or [NoProgram]; OurService its service.
	Ours, OurService string
}

func (e *OwnerError) Error() string {
	return explain(e.Stage, e)
}

// Reason names both programs.
func (e *OwnerError) Reason() string {
	by := "program " + e.Program
	if e.Program == NoProgram {
		by = "something that names no program"
	}
	if e.Service != "" {
		by += fmt.Sprintf(" as service %q, stage %q", e.Service, e.Made)
	}
	return fmt.Sprintf("Stack %s was made by %s, and this is program %s, service %q, which would replace what it holds.", e.Stack, by, e.Ours, e.OurService)
}

// Fix is another name, or to say that the stack is taken over.
func (e *OwnerError) Fix() string {
	return fmt.Sprintf("Give this program another Service. Where it is the same program under a new path, or is to have that stack, pass --takes-over %s.", e.Program)
}

// owner is the error for a stack that a deploy must not change; nil for one that this program made, and for none.
// A stack with the tags of this service and stage that names no program is adopted, which adopted says.
func (d Deployment) owner(stage stages.Stage, stack *types.Stack) (foreign *OwnerError, adopted string) {
	if stack == nil || string(stack.StackStatus) == stacks.StatusReview {
		return nil, ""
	}
	return d.ownerByTags(stage, stacks.Tags(stack.Tags))
}

// ownerByTags is the same by the tags of a stage's stack, or those that a change set gives it.
func (d Deployment) ownerByTags(stage stages.Stage, tags map[string]string) (foreign *OwnerError, adopted string) {
	one, _ := d.Assembly.Stage(stage.Name)
	said, wanted := owner.MakerOf(tags), owner.Maker{
		Program: d.Assembly.Document.Program, Service: d.Assembly.Document.Service, Stage: stage.Name,
	}
	found := &OwnerError{
		Stage: stage, Stack: one.StackName, Program: orNoProgram(said.Program), Service: said.Service, Made: said.Stage,
		Ours: orNoProgram(wanted.Program), OurService: wanted.Service,
	}
	relation := said.Relation(wanted)
	switch {
	case relation == owner.Same:
		return nil, ""
	case d.TakesOver == found.Program:
		return nil, fmt.Sprintf("Stack %s is taken over from program %s.", found.Stack, found.Program)
	case relation == owner.Unnamed:
		return nil, fmt.Sprintf("Stack %s has the tags of this stage and names no program. It is taken for this one's, and will name %s.", found.Stack, found.Ours)
	}
	return found, ""
}

func orNoProgram(module string) string {
	if module == "" {
		return NoProgram
	}
	return module
}
