package repotest

import (
	"fmt"
	"go/types"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	gopackages "golang.org/x/tools/go/packages"
)

// lawful is all that a definition can be told by our own packages, each with the reason why it tells nothing
// that is not recorded. A definition holds a *stack.Stack and what it makes with it; there is no other way to
// the stage that is being defined. A trailing * stands for any end.
//
// "Identity" is what an understudy keeps: name, account, region, and what the rules make of them. A branch on
// it makes production as dev another template than dev, so the proof finds it. What an understudy takes over
// (role, tier, time to live, whether there is a boundary) is a declaration, and has to be recorded.
var lawful = map[string]string{
	"stages.Pick: T": "a declared difference: the choice is recorded with its line",

	"stack.*.Present: bool": "the component's selector, which is recorded; an alarm's is its tier's too, which is recorded for every stage",
	"stack.*.L2: *":         "nil where the selector, which is recorded, leaves the component out; else the CDK's own value",
	"stack.*.L1: *":         "as L2",
	"stack.L1: T":           "as L2",
	"stack.L1: bool":        "as L2",

	"stack.*.String: string":        "the id, as the program wrote it",
	"stack.*.With(func): *":         "the CDK's own value, only where the recorded selector has the component",
	"stack.*.Override(func): *":     "the CDK's properties: identity, and what the recorded tier did to them; only where the recorded selector has the component",
	"stack.Stack.CDK: awscdk.Stack": "identity, and what the tier, the time to live and the boundary did to the stack, which are recorded for every stage",
	"stack.Stack.Name: string":      "identity; it enters the ledger",
	"stack.Imported*.ARN: string":   "a token of the CDK, or empty where the recorded selector leaves the import out",
	"stack.Parameter.Value: string": "a token of the CDK, or empty where the recorded selector leaves the parameter out",
}

// revealing are the types whose values know which stage is being defined: who holds one need not record that it
// was asked.
var revealing = []string{
	"stages.Stage", "stages.Set", "stages.Choices", "stages.Choice", "stages.Ledger", "stages.LedgerName", "stages.Entry",
	"stages.Part", "stages.Proposal", "stages.Addition", "stack.App", "assembly.Document",
}

func TestNoExportedNameTellsADefinitionItsStageUnrecorded(t *testing.T) {
	loaded, err := gopackages.Load(&gopackages.Config{
		Mode: gopackages.NeedName | gopackages.NeedTypes | gopackages.NeedImports | gopackages.NeedExportFile, Dir: root,
	}, module+"/stack", module+"/stages")
	require.NoError(t, err)
	require.Len(t, loaded, 2)
	walk := definitionWalk{ours: map[string]*types.Package{}, seen: map[string]bool{}, leaves: map[string]bool{}}
	for _, pkg := range loaded {
		require.Empty(t, pkg.Errors)
		walk.ours[pkg.PkgPath] = pkg.Types
	}
	walk.know(types.NewPointer(walk.ours[module+"/stack"].Scope().Lookup("Stack").Type()))
	walk.run()

	used := map[string]bool{}
	for _, leaf := range slices.Sorted(maps.Keys(walk.leaves)) {
		reason := ""
		for pattern := range lawful {
			if matches(pattern, leaf) {
				used[pattern], reason = true, pattern
			}
		}
		assert.NotEmpty(t, reason, "a definition is told %s; record the choice, unexport the name, or give the reason why it tells nothing", leaf)
	}
	for pattern := range lawful {
		assert.True(t, used[pattern], "the reason for %s is stale: nothing is called so", pattern)
	}
	for _, name := range revealing {
		assert.False(t, walk.seen[name], "a definition gets a %s, which knows the stage", name)
	}
}

// definitionWalk follows what a definition is given: from *stack.Stack over every exported function that takes
// a value the definition has, to what comes back, into fields and callbacks.
type definitionWalk struct {
	ours   map[string]*types.Package
	known  []*types.Named
	seen   map[string]bool // types of ours that the definition has values of
	leaves map[string]bool // what it is told that is no type of ours
}

func (w *definitionWalk) run() {
	for before := -1; before != len(w.known)+len(w.leaves); {
		before = len(w.known) + len(w.leaves)
		for _, named := range slices.Clone(w.known) {
			label := word(named)
			if fields, ok := named.Underlying().(*types.Struct); ok {
				for field := range fields.Fields() {
					if field.Exported() {
						w.tell(label+"."+field.Name(), field.Type())
					}
				}
			}
			for method := range types.NewMethodSet(types.NewPointer(named)).Methods() {
				if method.Obj().Exported() {
					w.call(label+"."+method.Obj().Name(), method.Type().(*types.Signature))
				}
			}
		}
		for _, pkg := range w.ours {
			for _, name := range pkg.Scope().Names() {
				fn, isFunc := pkg.Scope().Lookup(name).(*types.Func)
				if !isFunc || !fn.Exported() {
					continue
				}
				for parameter := range fn.Signature().Params().Variables() {
					if w.accepts(parameter.Type()) {
						w.call(pkg.Name()+"."+name, fn.Signature())
					}
				}
			}
		}
	}
}

// accepts tells whether a value that the definition has can be handed over.
func (w *definitionWalk) accepts(parameter types.Type) bool {
	if _, generic := parameter.(*types.TypeParam); generic {
		return false // what comes back by it was handed over by it
	}
	return slices.ContainsFunc(w.known, func(named *types.Named) bool {
		return types.AssignableTo(named, parameter) || types.AssignableTo(types.NewPointer(named), parameter)
	})
}

// call is a call with what the definition has.
func (w *definitionWalk) call(label string, signature *types.Signature) {
	for result := range signature.Results().Variables() {
		w.tell(label, result.Type())
	}
	for parameter := range signature.Params().Variables() {
		w.callbacks(label, parameter.Type(), map[types.Type]bool{})
	}
}

// callbacks are functions of the program's that are called: also those in the fields of a config.
func (w *definitionWalk) callbacks(label string, parameter types.Type, entered map[types.Type]bool) {
	switch t := parameter.(type) {
	case *types.Signature:
		for told := range t.Params().Variables() {
			w.tell(label+"(func)", told.Type())
		}
	case *types.Pointer:
		w.callbacks(label, t.Elem(), entered)
	case *types.Slice:
		w.callbacks(label, t.Elem(), entered)
	case *types.Named:
		if entered[t] || w.isOurs(t) == nil {
			return
		}
		entered[t] = true
		if fields, ok := t.Underlying().(*types.Struct); ok {
			for field := range fields.Fields() {
				if field.Exported() {
					w.callbacks(label+"."+field.Name(), field.Type(), entered)
				}
			}
		}
	}
}

// tell is that the definition gets a value.
func (w *definitionWalk) tell(label string, value types.Type) {
	switch t := value.(type) {
	case *types.Pointer:
		if w.isOurs(t.Elem()) != nil {
			w.know(t)
			return
		}
	case *types.Slice:
		w.tell(label, t.Elem())
		return
	case *types.Signature:
		w.call(label, t)
		return
	case *types.Named:
		if named := w.isOurs(t); named != nil {
			if _, basic := named.Underlying().(*types.Basic); !basic {
				w.know(named)
				return
			}
		}
	}
	w.leaves[label+": "+types.TypeString(value, func(pkg *types.Package) string { return pkg.Name() })] = true
}

func (w *definitionWalk) know(t types.Type) {
	if pointer, ok := t.(*types.Pointer); ok {
		t = pointer.Elem()
	}
	if named := w.isOurs(t); named != nil && !w.seen[word(named)] {
		w.seen[word(named)] = true
		w.known = append(w.known, named)
	}
}

// isOurs is the type where it is one of this module's.
func (w *definitionWalk) isOurs(t types.Type) *types.Named {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || named.Obj().Pkg() == nil || !strings.HasPrefix(named.Obj().Pkg().Path(), module+"/") {
		return nil
	}
	return named
}

func word(named *types.Named) string {
	return fmt.Sprintf("%s.%s", named.Obj().Pkg().Name(), named.Obj().Name())
}

// matches tells whether a label is as a pattern with stars says.
func matches(pattern, label string) bool {
	parts := strings.Split(pattern, "*")
	for i, part := range parts {
		switch at := strings.Index(label, part); {
		case at < 0, i == 0 && at > 0:
			return false
		default:
			label = label[at+len(part):]
		}
	}
	return label == "" || strings.HasSuffix(pattern, "*")
}
