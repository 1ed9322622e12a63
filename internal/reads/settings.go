package reads

import (
	"cmp"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// setting is a line that sets something of the stack as a whole, which is no construct and so has
// no line in the CDK's own record.
type setting struct {
	path string // of what it sets, as in a difference
	at   stages.Position
}

// settings maps the methods of the CDK that set something of a stack to where that stands. What
// ends in a dot goes on with the call's first text, such as a tag's name.
var settings = map[string][]string{
	"SetTerminationProtection": {"Stack.TerminationProtection"},
	"SetTag":                   {"Stack.Tags."}, "RemoveTag": {"Stack.Tags."}, // of a TagManager
	"Add": {"Stack.Tags."}, "Remove": {"Stack.Tags."}, // of Tags
	"AddStackTag": {"Stack.Tags."}, "RemoveStackTag": {"Stack.Tags."},
	"SetDescription": {"Description", "Stack.Description"},
	"AddMetadata":    {"Metadata."}, "SetMetadata": {"Metadata"},
	"AddTransform": {"Transform"}, "SetTransforms": {"Transform"},
	"SetTemplateFormatVersion": {"AWSTemplateFormatVersion"},
}

// ofStack are the types of the CDK that have those methods for a stack.
var ofStack = map[string]bool{"Stack": true, "TagManager": true, "Tags": true, "ITemplateOptions": true}

// settingsOf lists what a function sets of a stack.
func (r *reading) settingsOf(fn *ssa.Function, at token.Pos) {
	for _, block := range fn.Blocks {
		for _, instruction := range block.Instrs {
			call, ok := instruction.(ssa.CallInstruction)
			if !ok || !call.Common().IsInvoke() {
				continue
			}
			method := call.Common().Method
			of := namedOf(call.Common().Value.Type())
			if method.Pkg() == nil || method.Pkg().Path() != awscdk || of == nil || !ofStack[of.Obj().Name()] {
				continue
			}
			line := at
			if line == token.NoPos {
				line = call.Pos()
			}
			for _, path := range settings[method.Name()] {
				if strings.HasSuffix(path, ".") {
					path += firstConstant(call.Common())
				}
				set := setting{path, r.position(line)}
				if !slices.Contains(r.report.settings, set) {
					r.report.settings = append(r.report.settings, set)
				}
			}
		}
	}
}

// firstConstant is the text that a call has as its first argument, as the CDK takes texts: by
// jsii.String or new. Empty where it is no constant.
func firstConstant(call *ssa.CallCommon) string {
	if len(call.Args) == 0 {
		return ""
	}
	value := call.Args[0]
	if made, ok := value.(*ssa.Call); ok && len(made.Call.Args) == 1 {
		value = made.Call.Args[0]
	}
	if variable, ok := value.(*ssa.Alloc); ok {
		for _, user := range *variable.Referrers() {
			if store, ok := user.(*ssa.Store); ok && store.Addr == variable {
				value = store.Val
			}
		}
	}
	if text, ok := value.(*ssa.Const); ok && text.Value != nil && text.Value.Kind() == constant.String && types.Identical(text.Type().Underlying(), types.Typ[types.String]) {
		return constant.StringVal(text.Value)
	}
	return ""
}

// locate gives what differs of the stack as a whole, and what is read there at deploy time, the
// lines that set it, where the code has any.
func (r *Report) locate(verdict *parity.Verdict) {
	for _, list := range [][]parity.Difference{verdict.Differences, verdict.Unstable, verdict.Alone, verdict.Ambiguous} {
		for i := range list {
			if d := &list[i]; d.LogicalID == "" {
				r.setAt(d.Path, &d.At, &d.AlsoAt)
			}
		}
	}
	for i := range verdict.DeployReads {
		if read := &verdict.DeployReads[i]; read.LogicalID == "" {
			r.setAt(read.Path, &read.At, &read.AlsoAt)
		}
	}
}

// setAt finds the lines that set what stands at a path or, where none names it, those that may.
func (r *Report) setAt(path string, first *stages.Position, others *[]stages.Position) {
	path = strings.NewReplacer(`["`, ".", `"]`, "").Replace(path)
	if at := strings.LastIndex(path, ".Template."); at >= 0 {
		path = path[at+len(".Template."):] // of a nested stack
	}
	names := func(set setting) bool {
		return path == set.path || strings.HasPrefix(path, set.path+".") || strings.HasPrefix(set.path, path+".")
	}
	may := func(set setting) bool { return strings.HasSuffix(set.path, ".") && strings.HasPrefix(path, set.path) }
	for _, fits := range []func(setting) bool{names, may} {
		var lines []stages.Position
		for _, set := range r.settings {
			if fits(set) && !slices.Contains(lines, set.at) {
				lines = append(lines, set.at)
			}
		}
		if len(lines) > 0 {
			slices.SortFunc(lines, func(a, b stages.Position) int { return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line) })
			*first, *others = lines[0], lines[1:]
			return
		}
	}
}
