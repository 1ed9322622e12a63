package reads

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"
)

// finding is one read, where the code has it.
type finding struct {
	kind, what string
	pos        token.Pos
	// variable is the environment variable, or the key of the context, where the code names it.
	variable string
}

// body is a piece of code that runs as a whole: a function without the literals inside it, or what
// initializes a package variable.
type body struct {
	*source
	at inspector.Cursor
}

// direct lists what a piece of code reads by itself.
func (b body) direct() []finding {
	var all []finding
	b.at.Inspect(nil, func(c inspector.Cursor) bool {
		switch node := c.Node().(type) {
		case *ast.FuncLit:
			return c == b.at // else a body of its own
		case *ast.Ident:
			if read, reads := b.byName(c, node); reads {
				all = append(all, read)
			}
		case *ast.CallExpr:
			if argument := b.address(node); argument != nil && !b.isOnlyPrinted(c, map[types.Object]bool{}) {
				all = append(all, finding{kind: randomness, what: "the address that " + text(node.Fun) + " writes of " + text(argument), pos: node.Pos()})
			}
		case *ast.RangeStmt:
			if b.rangesOverMap(node) && !b.anyOrderWillDo(c, node) {
				all = append(all, finding{kind: mapOrder, what: "range " + text(node.X), pos: node.For})
			}
		case *ast.GoStmt:
			all = append(all, finding{kind: goroutines, what: "go " + text(node.Call.Fun), pos: node.Go})
		case *ast.SelectStmt:
			if len(node.Body.List) > 1 {
				all = append(all, finding{kind: goroutines, what: "select", pos: node.Select})
			}
		}
		return true
	})
	return all
}

// byName is what an identifier reads by naming it.
func (b body) byName(c inspector.Cursor, name *ast.Ident) (finding, bool) {
	object := b.info.Uses[name]
	if object == nil {
		return finding{}, false
	}
	if isMapSequence(object) {
		return finding{kind: mapOrder, what: text(callOf(c).Node()), pos: name.Pos()}, !b.sequenceIsSorted(c)
	}
	kind := kindOf(object)
	if kind == "" {
		return finding{}, false
	}
	call := callOf(c)
	read := finding{kind: kind, what: text(call.Node()), pos: name.Pos()}
	if kind == environment || kind == cdkContext {
		read.variable = b.firstText(call.Node())
	}
	if kind == environment {
		if strings.HasPrefix(read.variable, "ROADSHOW_") || strings.HasPrefix(read.variable, "CDK_OUTDIR") || strings.HasPrefix(read.variable, "CDK_CONTEXT_JSON") {
			read.kind = itself
		}
	}
	return read, !b.isOnlyPrinted(call, map[types.Object]bool{})
}

// address is the argument of which a call of package fmt writes an address, which each process has
// otherwise.
func (b body) address(call *ast.CallExpr) ast.Expr {
	fn, ok := typeutil.Callee(b.info, call).(*types.Func)
	if !ok || fn.Pkg() == nil || fn.Pkg().Path() != "fmt" || strings.Contains(strings.ToLower(fn.Name()), "scan") || b.prints(fn, call) {
		return nil
	}
	for _, argument := range call.Args {
		if value := b.info.Types[argument]; value.Value != nil {
			if value.Value.Kind() == constant.String && strings.Contains(constant.StringVal(value.Value), "%T") {
				return nil // of the type; which argument it is for does not matter much
			}
			continue
		}
		if writer := fn.Signature().Params(); writer.Len() > 0 && argument == call.Args[0] && writer.At(0).Name() == "w" {
			continue
		}
		if writesAddress(b.info.TypeOf(argument), 0) {
			return argument
		}
	}
	return nil
}

// writesAddress tells whether package fmt writes a value of the type as an address, or an address
// in it.
// https://pkg.go.dev/fmt#hdr-Printing
func writesAddress(t types.Type, depth int) bool {
	if t == nil || depth > 8 {
		return false
	}
	methods := types.NewMethodSet(t)
	for _, name := range []string{"Format", "String", "Error", "GoString"} {
		if methods.Lookup(nil, name) != nil {
			return false
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Chan, *types.Signature:
		return true
	case *types.Basic:
		return u.Kind() == types.UnsafePointer
	case *types.Pointer:
		switch u.Elem().Underlying().(type) {
		case *types.Struct, *types.Array, *types.Slice, *types.Map:
			return depth > 0 || writesAddress(u.Elem(), depth+1)
		}
		return true
	case *types.Slice:
		return writesAddress(u.Elem(), depth+1)
	case *types.Array:
		return writesAddress(u.Elem(), depth+1)
	case *types.Map:
		return writesAddress(u.Key(), depth+1) || writesAddress(u.Elem(), depth+1)
	case *types.Struct:
		for field := range u.Fields() {
			if writesAddress(field.Type(), depth+1) {
				return true
			}
		}
	}
	return false
}

// callOf is the call of what an identifier names, or the whole name where it is not called.
func callOf(c inspector.Cursor) inspector.Cursor {
	if selector, ok := c.Parent().Node().(*ast.SelectorExpr); ok && selector.Sel == c.Node() {
		c = c.Parent()
	}
	for {
		switch parent := c.Parent().Node().(type) {
		case *ast.IndexExpr, *ast.IndexListExpr, *ast.ParenExpr: // of a generic function
			if _, isIndex := parent.(*ast.ParenExpr); !isIndex && c.Node() != unindexed(parent) {
				return c
			}
			if _, isCalled := c.Parent().Parent().Node().(*ast.CallExpr); !isCalled {
				return c
			}
			c = c.Parent()
		case *ast.CallExpr:
			if parent.Fun == c.Node() {
				return c.Parent()
			}
			return c
		default:
			return c
		}
	}
}

func unindexed(node ast.Node) ast.Node {
	switch index := node.(type) {
	case *ast.IndexExpr:
		return index.X
	case *ast.IndexListExpr:
		return index.X
	}
	return nil
}

// firstText is the first argument of a call, where it is a constant.
func (s *source) firstText(node ast.Node) string {
	call, ok := node.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return ""
	}
	argument := call.Args[0]
	if pointed, ok := argument.(*ast.CallExpr); ok && len(pointed.Args) == 1 {
		argument = pointed.Args[0] // as the CDK takes texts: new("key")
	}
	if value := s.info.Types[argument].Value; value != nil && value.Kind() == constant.String {
		return constant.StringVal(value)
	}
	return ""
}

// text is an expression in one line of a message.
func text(node ast.Node) string {
	expression, ok := node.(ast.Expr)
	if !ok {
		return ""
	}
	if call, isCall := expression.(*ast.CallExpr); isCall && len(types.ExprString(call)) > 60 {
		return types.ExprString(call.Fun) + "(…)"
	}
	return types.ExprString(expression)
}

// isOnlyPrinted tells whether an expression's value goes nowhere but to people: it is logged, or
// decides what is logged. Whatever is not simple to follow does not count.
func (s *source) isOnlyPrinted(c inspector.Cursor, followed map[types.Object]bool) bool {
	for {
		parent := c.Parent()
		switch node := parent.Node().(type) {
		case *ast.ParenExpr, *ast.SelectorExpr, *ast.BinaryExpr, *ast.StarExpr, *ast.TypeAssertExpr, *ast.SliceExpr, *ast.IndexExpr:
		case *ast.UnaryExpr:
			if node.Op == token.AND || node.Op == token.ARROW {
				return false
			}
		case *ast.CallExpr:
			if node.Fun == c.Node() || s.info.Types[node.Fun].IsType() {
				break
			}
			switch callee := typeutil.Callee(s.info, node).(type) {
			case *types.Builtin:
				switch callee.Name() {
				case "print", "println":
					return true
				case "len", "cap", "min", "max", "append":
				default:
					return false
				}
			case *types.Func:
				if s.prints(callee, node) {
					return true
				}
				if !passes(callee) {
					return false
				}
			default:
				return false
			}
		case *ast.AssignStmt:
			for _, left := range node.Lhs {
				name, isName := left.(*ast.Ident)
				if !isName || !s.isOnlyPrintedVariable(parent, name, followed) {
					return false
				}
			}
			return true
		case *ast.ValueSpec:
			for _, name := range node.Names {
				if !s.isOnlyPrintedVariable(parent, name, followed) {
					return false
				}
			}
			return true
		case *ast.IfStmt:
			return node.Cond == c.Node() && s.onlyPrints(node.Body) && (node.Else == nil || s.onlyPrints(node.Else))
		default:
			return false
		}
		c = parent
	}
}

// isOnlyPrintedVariable tells the same of every use of a local variable.
func (s *source) isOnlyPrintedVariable(c inspector.Cursor, name *ast.Ident, followed map[types.Object]bool) bool {
	if name.Name == "_" {
		return true
	}
	variable, isVariable := s.info.ObjectOf(name).(*types.Var)
	if !isVariable || variable.Kind() != types.LocalVar {
		return false // a result, for instance, goes to whoever calls
	}
	if followed[variable] {
		return true
	}
	followed[variable] = true
	for use := range enclosingFunction(c).Preorder((*ast.Ident)(nil)) {
		if s.info.Uses[use.Node().(*ast.Ident)] != variable {
			continue
		}
		if assignment, ok := use.Parent().Node().(*ast.AssignStmt); ok && contains(assignment.Lhs, use.Node()) {
			continue
		}
		if !s.isOnlyPrinted(use, followed) {
			return false
		}
	}
	return true
}

func contains(list []ast.Expr, node ast.Node) bool {
	for _, expression := range list {
		if expression == node {
			return true
		}
	}
	return false
}

// enclosingFunction is the declaration that a node stands in, or its file.
func enclosingFunction(c inspector.Cursor) inspector.Cursor {
	for {
		switch c.Node().(type) {
		case *ast.FuncDecl, *ast.File, nil:
			return c
		}
		c = c.Parent()
	}
}

// onlyPrints tells whether a statement does nothing but to print.
func (s *source) onlyPrints(statement ast.Stmt) bool {
	switch node := statement.(type) {
	case *ast.BlockStmt:
		for _, inner := range node.List {
			if !s.onlyPrints(inner) {
				return false
			}
		}
		return true
	case *ast.ExprStmt:
		call, ok := node.X.(*ast.CallExpr)
		if !ok {
			return false
		}
		fn, ok := typeutil.Callee(s.info, call).(*types.Func)
		return ok && s.prints(fn, call)
	}
	return false
}

// prints tells whether a call only writes for people, so that what it is given reaches no
// definition.
func (s *source) prints(fn *types.Func, call *ast.CallExpr) bool {
	if fn.Pkg() == nil {
		return false
	}
	switch fn.Pkg().Path() {
	case "log", "log/slog":
		return true
	case "fmt":
		if strings.HasPrefix(fn.Name(), "Print") {
			return true
		}
		if !strings.HasPrefix(fn.Name(), "Fprint") || len(call.Args) == 0 {
			return false
		}
		writer, ok := call.Args[0].(*ast.SelectorExpr)
		if !ok {
			return false
		}
		variable := s.info.Uses[writer.Sel]
		return variable != nil && variable.Pkg() != nil && variable.Pkg().Path() == "os" && (variable.Name() == "Stderr" || variable.Name() == "Stdout")
	}
	return false
}
