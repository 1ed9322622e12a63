package reads

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/ssa"
)

// node is a *ssa.Function, or a *ssa.Global with what gives it its value.
type node any

// edge is that one piece of code leads to another.
type edge struct {
	to node
	at token.Pos
}

// graph is which code leads to which. A function that is named somewhere counts as called there:
// whoever gets a function calls it, and that is what makes callbacks of packages whose code is not
// read safe.
type graph struct {
	*loaded
	edges map[node][]edge
	// written are the functions that write a package variable, which only matters where somebody
	// reads it.
	written map[*ssa.Global][]*ssa.Function
	// initial are the pieces of code that initialize package variables, by their variable.
	initial map[*ssa.Global]initializer
	// interfaceCalls are the calls of interface methods in a function, and interfaceValues the values
	// that it turns into interfaces.
	interfaceCalls  map[*ssa.Function][]interfaceCall
	interfaceValues map[*ssa.Function][]interfaceValue
	// lostIn are the calls that nothing was found for.
	lostIn map[*ssa.Function][]finding
}

// interfaceCall is a call of a method of an interface.
type interfaceCall struct {
	of     *types.Interface
	method *types.Func
	at     token.Pos
}

// interfaceValue is a value that is turned into an interface.
type interfaceValue struct {
	concrete types.Type
	of       *types.Interface
	at       token.Pos
}

// initializer is what initializes package variables, as in `var x = f()`.
type initializer struct {
	*source
	*types.Initializer
}

func newGraph(l *loaded) *graph {
	g := &graph{
		loaded: l, edges: map[node][]edge{}, written: map[*ssa.Global][]*ssa.Function{}, initial: map[*ssa.Global]initializer{},
		interfaceCalls: map[*ssa.Function][]interfaceCall{}, interfaceValues: map[*ssa.Function][]interfaceValue{}, lostIn: map[*ssa.Function][]finding{},
	}
	for _, s := range l.sources {
		for _, order := range s.info.InitOrder {
			for _, variable := range order.Lhs {
				if global, ok := s.ssa.Members[variable.Name()].(*ssa.Global); ok && variable.Name() != "_" {
					g.initial[global] = initializer{s, order}
				}
			}
		}
	}
	return g
}

// sourceOf is the package that a function's code stands in; nil where that is not read.
func (g *graph) sourceOf(fn *ssa.Function) *source {
	if origin := fn.Origin(); origin != nil {
		fn = origin
	}
	if fn.Pkg != nil {
		return g.of[fn.Pkg.Pkg]
	}
	if fn.Object() != nil && fn.Object().Pkg() != nil {
		return g.of[fn.Object().Pkg()]
	}
	return nil
}

// visit finds where a function leads, once.
func (g *graph) visit(fn *ssa.Function) []edge {
	if known, visited := g.edges[fn]; visited {
		return known
	}
	g.edges[fn] = nil
	for _, block := range fn.Blocks {
		for _, instruction := range block.Instrs {
			g.instruction(fn, instruction)
		}
	}
	// What a literal captures was made by the function around it.
	if parent := fn.Parent(); parent != nil && len(fn.FreeVars) > 0 {
		g.lead(fn, parent, parent.Pos())
	}
	return g.edges[fn]
}

func (g *graph) lead(from, to node, at token.Pos) {
	g.edges[from] = append(g.edges[from], edge{to, at})
}

func (g *graph) instruction(fn *ssa.Function, instruction ssa.Instruction) {
	at := instruction.Pos()
	if at == token.NoPos {
		at = fn.Pos()
	}
	switch i := instruction.(type) {
	case ssa.CallInstruction:
		if call := i.Common(); call.IsInvoke() {
			if of, ok := call.Value.Type().Underlying().(*types.Interface); ok {
				g.interfaceCalls[fn] = append(g.interfaceCalls[fn], interfaceCall{of, call.Method, call.Pos()})
			}
		}
	case *ssa.MakeInterface:
		if of, ok := i.Type().Underlying().(*types.Interface); ok {
			g.interfaceValues[fn] = append(g.interfaceValues[fn], interfaceValue{i.X.Type(), of, at})
		}
	}
	for _, operand := range instruction.Operands(nil) {
		if operand == nil {
			continue
		}
		switch value := (*operand).(type) {
		case *ssa.Function:
			g.lead(fn, value, at)
		case *ssa.Global:
			if g.of[value.Pkg.Pkg] != nil {
				g.lead(fn, value, at)
			}
		}
	}
}

// initialEdges is where the initialization of a package variable leads.
func (g *graph) initialEdges(global *ssa.Global) []edge {
	if known, visited := g.edges[global]; visited {
		return known
	}
	g.edges[global] = nil
	if start, ok := g.initial[global]; ok {
		ast.Inspect(start.Rhs, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				switch object := start.info.Uses[n].(type) {
				case *types.Func:
					if target := g.prog.FuncValue(object.Origin()); target != nil {
						g.lead(global, target, n.Pos())
					}
				case *types.Var:
					if s := g.of[object.Pkg()]; s != nil && object.Parent() == object.Pkg().Scope() {
						if other, ok := s.ssa.Members[object.Name()].(*ssa.Global); ok {
							g.lead(global, other, n.Pos())
						}
					}
				}
			}
			return true
		})
		// The literals and the instances of generic functions inside it, as the package's own
		// initialization holds them.
		if init := start.ssa.Func("init"); init != nil {
			g.visit(init)
			for _, block := range init.Blocks {
				for _, instruction := range block.Instrs {
					if pos := instruction.Pos(); pos < start.Rhs.Pos() || pos > start.Rhs.End() {
						continue
					}
					for _, operand := range instruction.Operands(nil) {
						if fn, ok := (*operand).(*ssa.Function); ok {
							g.lead(global, fn, instruction.Pos())
						}
					}
				}
			}
			for _, literal := range init.AnonFuncs {
				if literal.Pos() >= start.Rhs.Pos() && literal.Pos() < start.Rhs.End() {
					g.lead(global, literal, literal.Pos())
				}
			}
		}
	}
	for _, writer := range g.written[global] {
		g.lead(global, writer, writer.Pos())
	}
	return g.edges[global]
}

// out is where a node leads.
func (g *graph) out(n node) []edge {
	if fn, ok := n.(*ssa.Function); ok {
		return g.visit(fn)
	}
	return g.initialEdges(n.(*ssa.Global))
}

// settle finds, for all the code that may run, which methods the calls by interfaces come to, and
// who writes which package variable.
func (g *graph) settle(starts []*ssa.Function) {
	live := map[*ssa.Function]bool{}
	var order []*ssa.Function
	enter := func(fn *ssa.Function) {
		pending := []*ssa.Function{fn}
		for len(pending) > 0 {
			fn := pending[len(pending)-1]
			pending = pending[:len(pending)-1]
			if live[fn] {
				continue
			}
			live[fn] = true
			order = append(order, fn)
			for _, e := range g.visit(fn) {
				if next, ok := e.to.(*ssa.Function); ok {
					pending = append(pending, next)
				}
			}
		}
	}
	for _, start := range starts {
		enter(start)
	}
	// Each round may make code run that makes further values, or asks further interfaces.
	type pair struct {
		fn, method *ssa.Function
	}
	led := map[pair]bool{}
	connect := func(fn, method *ssa.Function, at token.Pos) {
		if method == nil || led[pair{fn, method}] {
			return
		}
		led[pair{fn, method}] = true
		g.lead(fn, method, at)
		enter(method)
	}
	for before := -1; before != len(order)+len(led); {
		before = len(order) + len(led)
		for _, maker := range order[:len(order):len(order)] {
			for _, value := range g.interfaceValues[maker] {
				methods := g.prog.MethodSets.MethodSet(value.concrete)
				for i := range methods.Len() {
					method := methods.At(i)
					if g.of[method.Obj().Pkg()] == nil || !calledFromOutside(value.of, method.Obj().Name()) {
						continue
					}
					connect(maker, g.prog.MethodValue(method), value.at)
				}
			}
		}
		for _, asker := range order[:len(order):len(order)] {
			for _, question := range g.interfaceCalls[asker] {
				for _, maker := range order[:len(order):len(order)] {
					for _, value := range g.interfaceValues[maker] {
						if !types.Implements(value.concrete, question.of) {
							continue
						}
						selection := g.prog.MethodSets.MethodSet(value.concrete).Lookup(question.method.Pkg(), question.method.Name())
						if selection != nil {
							connect(asker, g.prog.MethodValue(selection), question.at)
						}
					}
				}
			}
		}
	}
	for _, fn := range order {
		for _, question := range g.interfaceCalls[fn] {
			if g.isUnanswered(question, order) {
				g.lostIn[fn] = append(g.lostIn[fn], finding{kind: lost, what: "a call of " + question.method.Name() + " by an interface", pos: question.at})
			}
		}
		for global := range writes(fn) {
			if fn.Name() != "init" {
				g.written[global] = append(g.written[global], fn)
			}
		}
	}
}

// isUnanswered tells whether an interface of a package that is read is called, and no value is
// known to be one.
func (g *graph) isUnanswered(question interfaceCall, order []*ssa.Function) bool {
	if question.method.Pkg() == nil || g.of[question.method.Pkg()] == nil {
		return false // what makes such values is reported where it is named
	}
	for _, maker := range order {
		for _, value := range g.interfaceValues[maker] {
			if types.Implements(value.concrete, question.of) {
				return false
			}
		}
	}
	return true
}

// calledFromOutside tells whether code that is not read may call a method of a value that it got as
// an interface: one of the interface's, or one that the standard library looks for in any value.
func calledFromOutside(of *types.Interface, name string) bool {
	for method := range of.Methods() {
		if method.Name() == name {
			return true
		}
	}
	switch name {
	case "String", "GoString", "Format", "Error", "Unwrap", "Is", "As", "LogValue", "AppendText", "AppendBinary", "GobEncode", "GobDecode",
		"MarshalBinary", "MarshalJSON", "MarshalJSONTo", "MarshalText", "MarshalXML", "MarshalXMLAttr", "MarshalYAML", "IsZero",
		"UnmarshalBinary", "UnmarshalJSON", "UnmarshalJSONFrom", "UnmarshalText", "UnmarshalXML", "UnmarshalXMLAttr", "UnmarshalYAML",
		"Scan", "Value", "ReadFrom", "WriteTo", "WriteString", "ReadByte", "ReadRune", "Close", "Flush", "Seek", "Stat":
		return true
	}
	return false
}

// writes are the package variables that a function writes, also in part.
func writes(fn *ssa.Function) map[*ssa.Global]token.Pos {
	written := map[*ssa.Global]token.Pos{}
	note := func(address ssa.Value, at token.Pos) {
		for _, base := range bases(address) {
			if global, ok := base.(*ssa.Global); ok {
				if _, known := written[global]; !known {
					written[global] = at
				}
			}
		}
	}
	for _, block := range fn.Blocks {
		for _, instruction := range block.Instrs {
			for _, target := range places(instruction) {
				note(target, instruction.Pos())
			}
		}
	}
	return written
}

// places are the addresses and the containers that an instruction writes by itself.
func places(instruction ssa.Instruction) []ssa.Value {
	switch i := instruction.(type) {
	case *ssa.Store:
		return []ssa.Value{i.Addr}
	case *ssa.MapUpdate:
		return []ssa.Value{i.Map}
	case *ssa.Send:
		return []ssa.Value{i.Chan}
	case ssa.CallInstruction:
		call := i.Common()
		if call.IsInvoke() {
			if changes(call.Method) {
				return []ssa.Value{call.Value}
			}
			return nil
		}
		switch callee := call.Value.(type) {
		case *ssa.Builtin:
			if (callee.Name() == "delete" || callee.Name() == "clear" || callee.Name() == "copy" || callee.Name() == "close") && len(call.Args) > 0 {
				return call.Args[:1]
			}
		case *ssa.Function:
			if len(call.Args) > 0 && mutates(callee) {
				return call.Args[:1]
			}
			if fills(callee) {
				return slices.DeleteFunc(separate(call), func(argument ssa.Value) bool { return !pointsTo(argument) })
			}
		}
	}
	return nil
}

// mutates tells whether a function of the standard library changes what its first argument, or its
// receiver, holds for somebody to look at later.
func mutates(fn *ssa.Function) bool {
	if origin := fn.Origin(); origin != nil {
		fn = origin
	}
	object, ok := fn.Object().(*types.Func)
	if !ok || object.Pkg() == nil {
		return false
	}
	receiver := ""
	if recv := object.Signature().Recv(); recv != nil {
		if named := namedOf(recv.Type()); named != nil {
			receiver = named.Obj().Name()
		}
	}
	name := object.Name()
	switch object.Pkg().Path() {
	case "sync":
		return receiver == "Once" || receiver == "Map" || receiver == "Pool"
	case "sync/atomic":
		return !strings.HasPrefix(name, "Load")
	case "container/list", "container/ring", "container/heap":
		return true
	case "bytes", "strings":
		return receiver != "" && (strings.HasPrefix(name, "Write") || name == "Reset" || name == "ReadFrom" || name == "Grow")
	case "maps":
		return name == "Copy" || name == "Insert" || name == "DeleteFunc"
	case "math/rand", "math/rand/v2":
		return receiver != ""
	case "slices":
		return name == "Reverse"
	}
	return false
}

// changes tells whether a method of the CDK's changes the object that it belongs to.
func changes(method *types.Func) bool {
	if method.Pkg() == nil || !isSkipped(method.Pkg().Path()) {
		return false
	}
	for _, verb := range []string{"Add", "Append", "Apply", "Attach", "Bind", "Configure", "Grant", "Override", "Put", "Register", "Set"} {
		if strings.HasPrefix(method.Name(), verb) {
			return true
		}
	}
	return false
}

// fills tells whether a function that is not read writes what its arguments point to.
func fills(fn *ssa.Function) bool {
	object, ok := fn.Object().(*types.Func)
	if !ok || object.Pkg() == nil {
		return false
	}
	name := object.Name()
	switch object.Pkg().Path() {
	case "encoding/json", "encoding/xml", "encoding/gob", "encoding/asn1", "encoding/binary":
		return name == "Unmarshal" || name == "Decode" || name == "DecodeElement" || name == "Read"
	case "fmt":
		return strings.Contains(strings.ToLower(name), "scan")
	case "errors":
		return name == "As"
	case "reflect":
		return name == "ValueOf" || name == "Indirect"
	case "github.com/aws/jsii-runtime-go":
		return strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "Static") || name == "Invoke" || name == "UnsafeCast"
	}
	return false
}

// separate are the arguments of a call, each of a variadic parameter by itself behind them.
func separate(call *ssa.CallCommon) []ssa.Value {
	all := slices.Clone(call.Args)
	if !call.Signature().Variadic() || len(all) == 0 {
		return all
	}
	if list, ok := all[len(all)-1].(*ssa.Slice); ok {
		all = append(all, storedIn(list.X)...)
	}
	return all
}

// pointsTo tells whether who gets a value can write what it points to.
func pointsTo(value ssa.Value) bool {
	if made, ok := value.(*ssa.MakeInterface); ok {
		value = made.X
	}
	return holdsPointer(value.Type())
}

func holdsPointer(t types.Type) bool {
	switch t := t.Underlying().(type) {
	case *types.Pointer, *types.Map, *types.Slice:
		return true
	case *types.Array:
		return holdsPointer(t.Elem())
	case *types.Struct:
		for field := range t.Fields() {
			if holdsPointer(field.Type()) {
				return true
			}
		}
	}
	return false
}

// bases are what an address, a map or a pointer was reached from.
func bases(value ssa.Value) []ssa.Value { return basesThrough(value, 8) }

// basesThrough follows a value into as many functions that return it, one in another.
func basesThrough(value ssa.Value, calls int) []ssa.Value {
	var all []ssa.Value
	seen := map[ssa.Value]bool{}
	loaded := false // whether a pointer was followed since
	var follow func(value ssa.Value)
	follow = func(value ssa.Value) {
		if value == nil || seen[value] {
			return
		}
		seen[value] = true
		switch v := value.(type) {
		case *ssa.Call:
			if all = append(all, value); calls > 0 {
				for _, base := range returned(v.Common(), calls-1) {
					follow(base)
				}
			}
		case *ssa.Alloc:
			if all = append(all, value); loaded {
				for _, pointer := range storedIn(v) {
					follow(pointer)
				}
			}
		case *ssa.FieldAddr:
			follow(v.X)
		case *ssa.Field:
			follow(v.X)
		case *ssa.IndexAddr:
			follow(v.X)
		case *ssa.Index:
			follow(v.X)
		case *ssa.Lookup:
			follow(v.X)
		case *ssa.UnOp:
			before := loaded
			loaded = loaded || v.Op == token.MUL
			follow(v.X)
			loaded = before
		case *ssa.Slice:
			follow(v.X)
		case *ssa.ChangeType:
			follow(v.X)
		case *ssa.Convert:
			follow(v.X)
		case *ssa.MakeInterface:
			follow(v.X)
		case *ssa.TypeAssert:
			follow(v.X)
		case *ssa.ChangeInterface:
			follow(v.X)
		case *ssa.Extract:
			follow(v.Tuple)
		case *ssa.Phi:
			for _, edge := range v.Edges {
				follow(edge)
			}
		default:
			all = append(all, value)
		}
	}
	follow(value)
	return all
}

// returned are what the results of a call were reached from, as far as the function is read.
func returned(call *ssa.CallCommon, calls int) []ssa.Value {
	callee := call.StaticCallee()
	if callee == nil {
		return nil
	}
	var all []ssa.Value
	for _, block := range callee.Blocks {
		back, ok := block.Instrs[len(block.Instrs)-1].(*ssa.Return)
		if !ok {
			continue
		}
		for _, result := range back.Results {
			for _, base := range basesThrough(result, calls) {
				parameter, ok := base.(*ssa.Parameter)
				if !ok {
					all = append(all, base)
				} else if n := slices.Index(callee.Params, parameter); n >= 0 && n < len(call.Args) {
					all = append(all, call.Args[n])
				}
			}
		}
	}
	return all
}

// storedIn are the pointers that are put into a local variable, or into its fields and elements.
func storedIn(variable ssa.Value) []ssa.Value {
	var all []ssa.Value
	if variable.Referrers() == nil {
		return nil
	}
	for _, user := range *variable.Referrers() {
		switch u := user.(type) {
		case *ssa.Store:
			if u.Addr == variable && pointsTo(u.Val) {
				all = append(all, u.Val)
			}
		case *ssa.FieldAddr:
			all = append(all, storedIn(u)...)
		case *ssa.IndexAddr:
			all = append(all, storedIn(u)...)
		}
	}
	return all
}

// bodyOf is the code of a function, as it was written; false where nobody wrote it.
func (g *graph) bodyOf(fn *ssa.Function) (body, bool) {
	if origin := fn.Origin(); origin != nil {
		fn = origin
	}
	s := g.sourceOf(fn)
	syntax := fn.Syntax()
	if s == nil || syntax == nil {
		return body{}, false
	}
	at, ok := s.cursor(syntax)
	return body{s, at}, ok
}

// cursor finds a node of the package's files.
func (s *source) cursor(n ast.Node) (inspector.Cursor, bool) {
	if s.inspector == nil {
		s.inspector = inspector.New(s.files)
	}
	return s.inspector.Root().FindNode(n)
}
