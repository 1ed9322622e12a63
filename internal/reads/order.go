package reads

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"
)

// rangesOverMap tells whether a loop comes in the order of a map.
func (s *source) rangesOverMap(loop *ast.RangeStmt) bool {
	if loop.Key == nil && loop.Value == nil {
		return false // each turn is like the other
	}
	if over := s.info.TypeOf(loop.X); over != nil {
		if _, isMap := coreType(over).(*types.Map); isMap {
			return true
		}
	}
	call, isCall := ast.Unparen(loop.X).(*ast.CallExpr)
	if !isCall {
		return false
	}
	callee := typeutil.Callee(s.info, call)
	return callee != nil && isMapSequence(callee)
}

// coreType is the underlying type, also of a type parameter whose types all have the same.
func coreType(t types.Type) types.Type {
	parameter, generic := types.Unalias(t).(*types.TypeParam)
	if !generic {
		return t.Underlying()
	}
	if bound, ok := parameter.Constraint().Underlying().(*types.Interface); ok {
		for embedded := range bound.EmbeddedTypes() {
			if union, isUnion := embedded.(*types.Union); isUnion && union.Len() == 1 {
				return union.Term(0).Type().Underlying()
			}
			return embedded.Underlying()
		}
	}
	return t.Underlying()
}

// isMapSequence tells whether a function gives what a map holds in the map's order.
func isMapSequence(object types.Object) bool {
	if object.Pkg() == nil {
		return false
	}
	switch object.Pkg().Path() {
	case "maps":
		return object.Name() == "Keys" || object.Name() == "Values" || object.Name() == "All"
	case "golang.org/x/exp/maps":
		return object.Name() == "Keys" || object.Name() == "Values"
	}
	return false
}

// sequenceIsSorted tells whether a sequence of a map's is put in order at once, or goes where there
// is none.
func (s *source) sequenceIsSorted(c inspector.Cursor) bool {
	c = callOf(c)
	for {
		parent := c.Parent()
		switch node := parent.Node().(type) {
		case *ast.RangeStmt:
			return node.X == c.Node() // judged with the loop
		case *ast.CallExpr:
			fn, ok := typeutil.Callee(s.info, node).(*types.Func)
			if !ok || fn.Pkg() == nil || node.Fun == c.Node() {
				return false
			}
			switch fn.Pkg().Path() + "." + fn.Name() {
			case "slices.Sorted", "slices.SortedFunc", "slices.SortedStableFunc", "maps.Collect", "maps.Insert", "slices.Max", "slices.Min":
				return true
			case "slices.Collect":
				c = parent
				continue
			}
			return false
		case *ast.AssignStmt:
			if len(node.Lhs) != 1 {
				return false
			}
			name, isName := node.Lhs[0].(*ast.Ident)
			return isName && s.isSortedAfter(parent, name)
		}
		return false
	}
}

// anyOrderWillDo tells whether a loop over a map does the same in whatever order it runs, where
// that is simple to tell: it counts, it fills another map, it collects what is sorted before
// anybody looks, it looks for something.
func (s *source) anyOrderWillDo(c inspector.Cursor, loop *ast.RangeStmt) bool {
	l := turn{source: s, loop: loop, written: map[types.Object]bool{}, writing: map[ast.Node]bool{}}
	if loop.Tok == token.ASSIGN || !l.block(loop.Body) {
		return false
	}
	if l.leaves && l.gathers || l.looksAtWhatItWrites() {
		return false // what was gathered until then follows the order
	}
	for _, name := range l.collected {
		if !s.isSortedAfter(c, name) {
			return false
		}
	}
	return true
}

// turn is one turn of a loop, while it is looked at.
type turn struct {
	*source
	loop      *ast.RangeStmt
	collected []*ast.Ident // slices that are appended to
	gathers   bool         // something adds up over the turns
	leaves    bool         // the loop may end early
	// written are the variables that outlive the turn, and writing the places where it writes them.
	written map[types.Object]bool
	writing map[ast.Node]bool
}

// writes notes that a place writes what outlives the turn.
func (l *turn) writes(target ast.Expr) {
	for {
		switch node := target.(type) {
		case *ast.Ident:
			l.writing[node], l.written[l.info.ObjectOf(node)] = true, true
			return
		case *ast.IndexExpr:
			target = node.X
		case *ast.SelectorExpr:
			target = node.X
		case *ast.ParenExpr:
			target = node.X
		case *ast.StarExpr:
			target = node.X
		default:
			return
		}
	}
}

// looksAtWhatItWrites tells whether a turn depends on the turns before it.
func (l *turn) looksAtWhatItWrites() bool {
	looks := false
	ast.Inspect(l.loop.Body, func(node ast.Node) bool {
		if name, ok := node.(*ast.Ident); ok && l.written[l.info.Uses[name]] && !l.writing[name] {
			looks = true
		}
		return !looks
	})
	return looks
}

func (l *turn) block(block *ast.BlockStmt) bool {
	for _, statement := range block.List {
		if !l.statement(statement) {
			return false
		}
	}
	return true
}

func (l *turn) statement(statement ast.Stmt) bool {
	switch node := statement.(type) {
	case nil, *ast.EmptyStmt:
		return true
	case *ast.BlockStmt:
		return l.block(node)
	case *ast.IfStmt:
		return l.statement(node.Init) && l.pure(node.Cond) && l.block(node.Body) && l.statement(node.Else)
	case *ast.ForStmt:
		return l.statement(node.Init) && l.pure(node.Cond) && l.statement(node.Post) && l.block(node.Body)
	case *ast.RangeStmt:
		return l.pure(node.X) && node.Tok != token.ASSIGN && l.block(node.Body)
	case *ast.SwitchStmt:
		if !l.statement(node.Init) || !l.pure(node.Tag) {
			return false
		}
		for _, clause := range node.Body.List {
			clause := clause.(*ast.CaseClause)
			for _, expression := range clause.List {
				if !l.pure(expression) {
					return false
				}
			}
			for _, inner := range clause.Body {
				if !l.statement(inner) {
					return false
				}
			}
		}
		return true
	case *ast.DeclStmt:
		declaration, ok := node.Decl.(*ast.GenDecl)
		if !ok {
			return false
		}
		for _, spec := range declaration.Specs {
			if value, isValue := spec.(*ast.ValueSpec); isValue && !l.allPure(value.Values) {
				return false
			}
		}
		return true
	case *ast.BranchStmt:
		l.leaves = l.leaves || node.Tok == token.BREAK || node.Tok == token.GOTO
		return node.Tok != token.GOTO
	case *ast.ReturnStmt:
		l.leaves = true
		for _, result := range node.Results {
			if !l.isConstant(result) {
				return false
			}
		}
		return true
	case *ast.IncDecStmt:
		return l.addsUp(node.X)
	case *ast.ExprStmt:
		call, ok := node.X.(*ast.CallExpr)
		if !ok {
			return false
		}
		switch callee := typeutil.Callee(l.info, call).(type) {
		case *types.Builtin:
			return (callee.Name() == "delete" || callee.Name() == "panic" || callee.Name() == "println") && l.allPure(call.Args)
		case *types.Func:
			return l.prints(callee, call) && l.allPure(call.Args)
		}
		return false
	case *ast.AssignStmt:
		return l.assignment(node)
	}
	return false
}

func (l *turn) assignment(node *ast.AssignStmt) bool {
	if node.Tok == token.DEFINE {
		return l.allPure(node.Rhs)
	}
	for i, left := range node.Lhs {
		var right ast.Expr
		if len(node.Lhs) == len(node.Rhs) {
			right = node.Rhs[i]
		}
		name, isName := left.(*ast.Ident)
		if !isName || !l.isInside(name) {
			l.writes(left)
		}
		switch {
		case isName && (name.Name == "_" || l.isInside(name)):
			if right != nil && !l.pure(right) || right == nil && !l.allPure(node.Rhs) {
				return false
			}
		case right == nil:
			return false
		case node.Tok == token.ASSIGN && isName && l.appendsTo(name, right):
			l.collected, l.gathers = append(l.collected, name), true
		case node.Tok == token.ASSIGN && isName && l.isExtreme(name, right):
			l.gathers = true
		case node.Tok == token.ASSIGN && l.isMapElement(left):
			// A turn has a key of its own, and so does what is stored by it; two turns that store
			// by one key do not follow the order only where they store the same.
			if !l.pure(right) || !l.storesByOwnKey(left) && !l.isConstant(right) {
				return false
			}
			l.gathers = true
		case node.Tok == token.ASSIGN:
			if !isName || !l.isConstant(right) {
				return false
			}
		case node.Tok == token.ADD_ASSIGN || node.Tok == token.SUB_ASSIGN || node.Tok == token.OR_ASSIGN || node.Tok == token.AND_ASSIGN || node.Tok == token.XOR_ASSIGN || node.Tok == token.MUL_ASSIGN:
			if !l.addsUp(left) || !l.pure(right) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// isInside tells whether a variable lives for one turn only.
func (l *turn) isInside(name *ast.Ident) bool {
	object := l.info.ObjectOf(name)
	return object != nil && object.Pos() >= l.loop.Pos() && object.Pos() < l.loop.End()
}

// addsUp tells whether something is a whole number, whose sum is the same in any order.
func (l *turn) addsUp(expression ast.Expr) bool {
	l.gathers = true
	l.writes(expression)
	if !l.pure(expression) {
		return false
	}
	basic, ok := l.info.TypeOf(expression).Underlying().(*types.Basic)
	return ok && basic.Info()&types.IsInteger != 0
}

func (l *turn) appendsTo(name *ast.Ident, right ast.Expr) bool {
	call, ok := right.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return false
	}
	builtin, isBuiltin := typeutil.Callee(l.info, call).(*types.Builtin)
	first, isName := call.Args[0].(*ast.Ident)
	l.writing[first] = true
	return isBuiltin && builtin.Name() == "append" && isName && l.info.ObjectOf(first) == l.info.ObjectOf(name) && l.allPure(call.Args)
}

func (l *turn) isExtreme(name *ast.Ident, right ast.Expr) bool {
	call, ok := right.(*ast.CallExpr)
	if !ok {
		return false
	}
	builtin, isBuiltin := typeutil.Callee(l.info, call).(*types.Builtin)
	for _, argument := range call.Args {
		if own, isName := argument.(*ast.Ident); isName && l.info.ObjectOf(own) == l.info.ObjectOf(name) {
			l.writing[own] = true
		}
	}
	return isBuiltin && (builtin.Name() == "max" || builtin.Name() == "min") && l.allPure(call.Args)
}

func (l *turn) isMapElement(left ast.Expr) bool {
	index, ok := left.(*ast.IndexExpr)
	if !ok || !l.pure(index) {
		return false
	}
	_, isMap := coreType(l.info.TypeOf(index.X)).(*types.Map)
	return isMap
}

// storesByOwnKey tells whether a map is filled by the very keys of the one that is ranged over.
func (l *turn) storesByOwnKey(left ast.Expr) bool {
	key, isName := left.(*ast.IndexExpr).Index.(*ast.Ident)
	own, hasKey := l.loop.Key.(*ast.Ident)
	return isName && hasKey && l.info.ObjectOf(key) == l.info.ObjectOf(own)
}

func (l *turn) isConstant(expression ast.Expr) bool {
	value := l.info.Types[expression]
	return value.Value != nil || value.IsNil() || l.isEmptyStruct(expression)
}

func (l *turn) isEmptyStruct(expression ast.Expr) bool {
	literal, ok := expression.(*ast.CompositeLit)
	return ok && len(literal.Elts) == 0
}

func (l *turn) allPure(expressions []ast.Expr) bool {
	for _, expression := range expressions {
		if !l.pure(expression) {
			return false
		}
	}
	return true
}

// pure tells whether an expression does nothing but to compute.
func (l *turn) pure(expression ast.Expr) bool {
	if expression == nil {
		return true
	}
	pure := true
	ast.Inspect(expression, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncLit:
			pure = false
		case *ast.UnaryExpr:
			pure = pure && node.Op != token.ARROW
		case *ast.CallExpr:
			if l.info.Types[node.Fun].IsType() {
				return true
			}
			switch callee := typeutil.Callee(l.info, node).(type) {
			case *types.Builtin:
				switch callee.Name() {
				case "len", "cap", "append", "make", "new", "min", "max", "complex", "real", "imag":
				default:
					pure = false
				}
			case *types.Func:
				pure = pure && passes(callee)
			default:
				pure = false
			}
		}
		return pure
	})
	return pure
}

// isSortedAfter tells whether the next use of a local slice, behind a statement, puts it in order.
func (s *source) isSortedAfter(c inspector.Cursor, name *ast.Ident) bool {
	variable, isVariable := s.info.ObjectOf(name).(*types.Var)
	if !isVariable || variable.Kind() == types.PackageVar {
		return false
	}
	function := enclosingFunction(c)
	after := c.Node().End()
	var next inspector.Cursor
	for use := range function.Preorder((*ast.Ident)(nil)) {
		if use.Node().Pos() >= after && s.info.Uses[use.Node().(*ast.Ident)] == variable {
			next = use
			break
		}
	}
	if next.Node() == nil {
		// Nobody looks, unless the slice is a parameter or a result.
		return variable.Kind() == types.LocalVar
	}
	for at := next.Parent(); at.Node() != nil; at = at.Parent() {
		switch node := at.Node().(type) {
		case *ast.CallExpr:
			if fn, ok := typeutil.Callee(s.info, node).(*types.Func); ok && sorts(fn) {
				return true
			}
			builtin, ok := typeutil.Callee(s.info, node).(*types.Builtin)
			if ok && builtin.Name() == "len" {
				return false
			}
		case ast.Stmt:
			return false
		}
	}
	return false
}

func sorts(fn *types.Func) bool {
	if fn.Pkg() == nil {
		return false
	}
	switch fn.Pkg().Path() + "." + fn.Name() {
	case "slices.Sort", "slices.SortFunc", "slices.SortStableFunc", "sort.Strings", "sort.Ints", "sort.Float64s", "sort.Slice", "sort.SliceStable",
		"sort.Sort", "sort.Stable":
		return true
	}
	return false
}
