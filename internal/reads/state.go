package reads

import (
	"fmt"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"
)

// keptState reports the package variables, and the captured ones, that a definition writes and
// reads: what the first definition leaves there, the second finds. So a program counts its runs, or
// keeps the first stage's answer.
func (r *reading) keptState(defines, defining []*ssa.Function) {
	k := keeper{reading: r, defining: map[*ssa.Function]bool{}, parameters: map[ssa.Value]token.Pos{}, globals: map[*ssa.Global]token.Pos{}}
	for _, fn := range defining {
		k.defining[fn] = true
	}
	for before := -1; before != len(k.parameters)+len(k.globals); {
		before = len(k.parameters) + len(k.globals)
		for _, fn := range defining {
			k.look(fn)
		}
	}
	for global, at := range k.globals {
		if s := r.of[global.Pkg.Pkg]; s != nil && s.own && isRead(global, defining) {
			r.add(finding{kind: state, what: r.described(global.Name(), global.Pos()), pos: at}, "")
		}
	}
	for _, define := range defines {
		for _, captured := range define.FreeVars {
			if at, written := k.parameters[captured]; written && isRead(captured, defining) {
				r.add(finding{kind: state, what: r.described(captured.Name(), captured.Pos()), pos: at}, "")
			}
		}
	}
}

func (r *reading) described(name string, at token.Pos) string {
	where := r.position(at)
	return fmt.Sprintf("%s (%s) keeps what one definition writes for the next", name, where)
}

// defining lists the functions that run while the program defines.
func (r *reading) defining(defines []*ssa.Function) []*ssa.Function {
	var all []*ssa.Function
	entered := map[*ssa.Function]bool{}
	pending := slices.Clone(defines)
	for len(pending) > 0 {
		fn := pending[0]
		pending = pending[1:]
		if entered[fn] {
			continue
		}
		entered[fn] = true
		all = append(all, fn)
		for _, e := range r.visit(fn) {
			if next, ok := e.to.(*ssa.Function); ok && next != fn.Parent() {
				pending = append(pending, next)
			}
		}
	}
	return all
}

// keeper collects what functions write through their parameters and captured variables, and which
// package variables.
type keeper struct {
	*reading
	defining   map[*ssa.Function]bool
	parameters map[ssa.Value]token.Pos
	globals    map[*ssa.Global]token.Pos
}

func (k *keeper) look(fn *ssa.Function) {
	for _, block := range fn.Blocks {
		for _, instruction := range block.Instrs {
			for _, target := range places(instruction) {
				k.note(target, instruction.Pos())
			}
			switch i := instruction.(type) {
			case ssa.CallInstruction:
				call := i.Common()
				given := call.Args
				if call.IsInvoke() {
					given = append([]ssa.Value{call.Value}, given...)
				}
				for _, callee := range k.callees(fn, call) {
					for n, parameter := range callee.Params {
						if _, written := k.parameters[parameter]; !written || n >= len(given) {
							continue
						}
						k.note(given[n], i.Pos())
						if callee.Signature.Variadic() && n == len(given)-1 {
							for _, argument := range separate(call)[len(call.Args):] {
								k.note(argument, i.Pos())
							}
						}
					}
				}
			case *ssa.MakeClosure:
				literal := i.Fn.(*ssa.Function)
				for n, captured := range literal.FreeVars {
					if at, written := k.parameters[captured]; written {
						k.note(i.Bindings[n], at)
					}
				}
			}
		}
	}
}

// callees are the functions that a call may come to.
func (k *keeper) callees(fn *ssa.Function, call *ssa.CallCommon) []*ssa.Function {
	var all []*ssa.Function
	switch {
	case call.IsInvoke():
		for _, e := range k.visit(fn) {
			if method, ok := e.to.(*ssa.Function); ok && method.Signature.Recv() != nil && method.Name() == call.Method.Name() {
				all = append(all, method)
			}
		}
	case call.StaticCallee() != nil:
		all = append(all, call.StaticCallee())
	default:
		for candidate := range k.defining {
			if types.Identical(candidate.Signature, call.Signature()) {
				all = append(all, candidate)
			}
		}
	}
	return all
}

func (k *keeper) note(address ssa.Value, at token.Pos) {
	for _, base := range bases(address) {
		switch base := base.(type) {
		case *ssa.Global:
			if _, known := k.globals[base]; !known {
				k.globals[base] = at
			}
		case *ssa.Parameter, *ssa.FreeVar:
			if _, known := k.parameters[base]; !known {
				k.parameters[base] = at
			}
		}
	}
}

// isRead tells whether any of the functions does more with a variable than to give it another
// value.
func isRead(variable ssa.Value, functions []*ssa.Function) bool {
	name, isCaptured := "", false
	if captured, ok := variable.(*ssa.FreeVar); ok {
		name, isCaptured = captured.Name(), true
	}
	for _, fn := range functions {
		for _, block := range fn.Blocks {
			for _, instruction := range block.Instrs {
				for _, operand := range instruction.Operands(nil) {
					if *operand == nil {
						continue
					}
					same := *operand == variable
					if captured, ok := (*operand).(*ssa.FreeVar); ok && isCaptured {
						same = captured.Name() == name && types.Identical(captured.Type(), variable.Type())
					}
					if !same {
						continue
					}
					if store, ok := instruction.(*ssa.Store); ok && store.Addr == *operand {
						continue
					}
					if _, ok := instruction.(*ssa.MakeClosure); ok {
						continue
					}
					return true
				}
			}
		}
	}
	return false
}
