// Package reads finds, in the source of a program, what its definition reads besides its stage: the
// environment, the time, files, the order of a map, and whatever else may be one thing when parity
// is proven and another when a stage is deployed. Two runs that happen to read alike cannot show
// that; the code can.
//
// It starts from the functions that are given to stack.App.Define and from whoever calls App.Main,
// and follows every function that is named there, every method that a call by an interface may come
// to, and every package variable back to what gave it its value. The code of the program's own
// module is read, and that of other modules as far as it leads there; of the standard library, the
// CDK and Roadshow a table says which names read what.
package reads

import (
	"cmp"
	"context"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"

	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// Program is the code that is read.
type Program struct {
	// Dir is the folder in which the go command finds the packages.
	Dir string
	// Packages are patterns as go list takes them. BuildFlags are those that the program is built
	// with, and Env the environment of the go command; default: this process's.
	Packages   []string
	BuildFlags []string
	Env        []string
	// Tests takes the packages' tests in, for a definition that stands in one.
	Tests bool
}

// Start is the file (an absolute path) and the line where a function begins.
type Start struct {
	File string
	Line int
}

// Report is what was found.
type Report struct {
	// Reads lists what is read, in the order of the files.
	Reads []parity.Read
	// Variables are the environment variables, and Context the keys of the CDK's context, that the
	// code names where it reads them and nobody has acknowledged it.
	Variables, Context []string

	settings         []setting
	acknowledgements []*acknowledgement
	reached          []lines
}

// lines are those of a piece of code that runs.
type lines struct {
	file        string
	first, last int
}

// Code is a program, type-checked; it can be read from more than one start.
type Code struct{ *loaded }

// Load finds the program's code. The error is the go command's or the compiler's, where the program
// does not build.
func Load(ctx context.Context, program Program) (Code, error) {
	l, err := load(ctx, program)
	return Code{l}, err
}

// Find reads the code from where the definition begins. Where no function begins there, as nowhere
// in the zero start, it is read from whatever may be an App's Define.
func (c Code) Find(start Start) *Report {
	r := reading{graph: newGraph(c.loaded), from: start, entered: map[node]bool{}, known: map[parity.Read]bool{}, report: &Report{}}
	for _, s := range c.sources {
		if s.own {
			r.report.acknowledgements = append(r.report.acknowledgements, s.acknowledgements(c.fset)...)
		}
	}
	r.read()
	slices.SortFunc(r.report.Reads, func(a, b parity.Read) int {
		return cmp.Or(strings.Compare(a.At.File, b.At.File), a.At.Line-b.At.Line, strings.Compare(a.Kind, b.Kind), strings.Compare(a.What, b.What))
	})
	for i := range r.report.Reads {
		read := &r.report.Reads[i]
		read.Acknowledged = r.report.reason(read.At, read.Through)
	}
	for _, name := range r.named {
		switch {
		case r.report.reason(name.at, name.through) != "":
		case name.kind == cdkContext:
			r.report.Context = append(r.report.Context, name.name)
		default:
			r.report.Variables = append(r.report.Variables, name.name)
		}
	}
	for _, names := range []*[]string{&r.report.Variables, &r.report.Context} {
		slices.Sort(*names)
		*names = slices.Compact(*names)
	}
	return r.report
}

// reading is one reading of a program, while it runs.
type reading struct {
	*graph
	from    Start
	entered map[node]bool
	known   map[parity.Read]bool
	named   []named
	report  *Report
}

// named is what a read names: an environment variable, or a key.
type named struct {
	kind, name, through string
	at                  stages.Position
}

// HasUnacknowledged tells whether the code reads something of a kind that nobody has acknowledged.
func (r *Report) HasUnacknowledged(kind string) bool {
	return slices.ContainsFunc(r.Reads, func(read parity.Read) bool { return read.Kind == kind && read.Acknowledged == "" })
}

// AllowsOtherDate tells whether the definition can run on another day. Over the network it could
// not: certificates are of today.
func (r *Report) AllowsOtherDate() bool {
	return !slices.ContainsFunc(r.Reads, func(read parity.Read) bool { return read.Kind == network })
}

func (r *reading) read() {
	var starts []*ssa.Function
	for _, s := range r.sources {
		if init := s.ssa.Func("init"); init != nil {
			starts = append(starts, init)
		}
		if main := s.ssa.Func("main"); main != nil && s.Name == "main" {
			starts = append(starts, main)
		}
	}
	defines := r.start()
	known := len(defines) > 0
	r.settle(append(starts, defines...))
	// What was found to run may hold further definitions, such as a literal in main.
	var roots []node
	for _, fn := range r.running() {
		if !known {
			defines = append(defines, r.definitions(fn)...)
		}
		if r.runsTheApp(fn) {
			roots = append(roots, fn)
		}
	}
	for _, define := range defines {
		roots = append(roots, define)
	}
	if len(defines) == 0 {
		r.report.Reads = append(r.report.Reads, parity.Read{Kind: lost, What: "no function of the program takes a *stack.Stack", At: stages.Position{File: "go.mod", Line: 1}})
	}
	for len(roots) > 0 {
		n := roots[0]
		roots = roots[1:]
		if r.entered[n] {
			continue
		}
		r.entered[n] = true
		roots = append(roots, r.enter(n)...)
	}
	defining := r.defining(defines)
	r.keptState(defines, defining)
	r.caughtPanics(defining)
	r.linkedNames()
}

// caughtPanics reports where a definition catches a panic: what is refused of a stage's own part
// may not be refused of an understudy's, so that a refusal tells that the part is played.
func (r *reading) caughtPanics(defining []*ssa.Function) {
	for _, fn := range defining {
		if s := r.sourceOf(fn); s != nil && s.own {
			for _, read := range recoversIn(fn) {
				r.add(read, "")
			}
		}
	}
}

func recoversIn(fn *ssa.Function) []finding {
	var all []finding
	for _, block := range fn.Blocks {
		for _, instruction := range block.Instrs {
			if call, ok := instruction.(ssa.CallInstruction); ok {
				if builtin, ok := call.Common().Value.(*ssa.Builtin); ok && builtin.Name() == "recover" {
					all = append(all, finding{kind: itself, what: "recover()", pos: call.Pos()})
				}
			}
		}
	}
	return all
}

// guardsCallback tells whether a function, or the one that it stands in, is given a function: what
// that panics with may be the definition's.
func guardsCallback(fn *ssa.Function) bool {
	for fn.Parent() != nil {
		fn = fn.Parent()
	}
	for parameter := range fn.Signature.Params().Variables() {
		if _, ok := parameter.Type().Underlying().(*types.Signature); ok {
			return true
		}
	}
	return false
}

// linkedNames reports the directives by which the program's code takes a name of another package
// that is not exported.
func (r *reading) linkedNames() {
	for _, s := range r.sources {
		if !s.own {
			continue
		}
		for _, file := range s.files {
			for _, group := range file.Comments {
				for _, comment := range group.List {
					if strings.HasPrefix(comment.Text, "//go:linkname ") {
						r.add(finding{kind: lost, what: comment.Text, pos: comment.Pos()}, "")
					}
				}
			}
		}
	}
}

// running lists the functions that were visited.
func (r *reading) running() []*ssa.Function {
	var all []*ssa.Function
	for n := range r.edges {
		if fn, ok := n.(*ssa.Function); ok {
			all = append(all, fn)
		}
	}
	slices.SortFunc(all, func(a, b *ssa.Function) int {
		return cmp.Or(int(a.Pos()-b.Pos()), strings.Compare(a.String(), b.String()))
	})
	return all
}

// start is the one definition that counts, where there is one.
func (r *reading) start() []*ssa.Function {
	if r.from == (Start{}) {
		return nil
	}
	var functions []*ssa.Function
	var look func(fn *ssa.Function)
	look = func(fn *ssa.Function) {
		at := r.fset.Position(fn.Pos())
		if syntax := fn.Syntax(); syntax != nil {
			at = r.fset.Position(syntax.Pos())
		}
		if isDefinition(fn) && at.Filename == r.from.File && at.Line == r.from.Line {
			functions = append(functions, fn)
		}
		for _, literal := range fn.AnonFuncs {
			look(literal)
		}
	}
	for _, s := range r.sources {
		for _, member := range s.ssa.Members {
			switch member := member.(type) {
			case *ssa.Function:
				look(member)
			case *ssa.Type:
				methods := r.prog.MethodSets.MethodSet(types.NewPointer(member.Type()))
				for i := range methods.Len() {
					if fn := r.prog.MethodValue(methods.At(i)); fn != nil {
						look(fn)
					}
				}
			}
		}
	}
	return functions
}

// isDefinition tells whether a function can be an App's Define.
func isDefinition(fn *ssa.Function) bool {
	parameters := fn.Signature.Params()
	return fn.Signature.Results().Len() == 0 && parameters.Len() == 1 && isStack(parameters.At(0).Type())
}

func isStack(t types.Type) bool {
	if _, ok := types.Unalias(t).(*types.Pointer); !ok {
		return false
	}
	named := namedOf(t)
	return named != nil && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == roadshow+"/stack" && named.Obj().Name() == "Stack"
}

// definitions are the functions that a function hands on as values, and that can be an App's
// Define.
func (r *reading) definitions(fn *ssa.Function) []*ssa.Function {
	var functions []*ssa.Function
	for _, block := range fn.Blocks {
		for _, instruction := range block.Instrs {
			var callee ssa.Value
			if call, ok := instruction.(ssa.CallInstruction); ok {
				callee = call.Common().Value
			}
			for _, operand := range instruction.Operands(nil) {
				if value, ok := (*operand).(*ssa.Function); ok && (value != callee || isLiteral(callee)) && isDefinition(value) {
					functions = append(functions, value)
				}
			}
		}
	}
	return functions
}

func isLiteral(value ssa.Value) bool {
	fn, ok := value.(*ssa.Function)
	return ok && fn.Parent() != nil
}

// runsTheApp tells whether a function calls App.Main.
func (r *reading) runsTheApp(fn *ssa.Function) bool {
	if r.sourceOf(fn) == nil {
		return false
	}
	for _, e := range r.visit(fn) {
		if callee, ok := e.to.(*ssa.Function); ok {
			if object, isFunc := callee.Object().(*types.Func); isFunc && object.FullName() == "("+roadshow+"/stack.App).Main" {
				return true
			}
		}
	}
	return false
}

// enter reports what one piece of code reads, and says where it leads.
func (r *reading) enter(n node) []node {
	var next []node
	s := r.sourceOfNode(n)
	if s == nil || s.own {
		r.reach(n)
		if fn, ok := n.(*ssa.Function); ok && s != nil {
			r.settingsOf(fn, token.NoPos)
		}
		for _, read := range r.readsOf(n) {
			r.add(read, "")
		}
	}
	for _, e := range r.out(n) {
		target := r.sourceOfNode(e.to)
		if s != nil && s.own && target != nil && !target.own {
			r.through(e)
		}
		next = append(next, e.to)
	}
	return next
}

// reach notes which lines run.
func (r *reading) reach(n node) {
	var code ast.Node
	switch n := n.(type) {
	case *ssa.Function:
		code = n.Syntax()
	case *ssa.Global:
		if start, ok := r.initial[n]; ok {
			code = start.Rhs
		}
	}
	if code != nil {
		first, last := r.position(code.Pos()), r.position(code.End())
		r.report.reached = append(r.report.reached, lines{first.File, first.Line, last.Line})
	}
}

func (r *reading) sourceOfNode(n node) *source {
	switch n := n.(type) {
	case *ssa.Function:
		return r.sourceOf(n)
	case *ssa.Global:
		return r.of[n.Pkg.Pkg]
	}
	return nil
}

// readsOf lists what the code of one node reads.
func (r *reading) readsOf(n node) []finding {
	switch n := n.(type) {
	case *ssa.Function:
		all := slices.Clone(r.lostIn[n])
		code, ok := r.bodyOf(n)
		if !ok {
			if s := r.sourceOf(n); s != nil && n.Synthetic == "" && len(n.Blocks) == 0 && n.Object() != nil {
				all = append(all, finding{kind: lost, what: n.Name() + ", which is not written in Go", pos: n.Pos()})
			}
			return all
		}
		if condition := code.condition(n.Pos()); condition != "" {
			all = append(all, finding{kind: build, what: "//go:build " + condition, pos: n.Pos()})
		}
		return append(all, code.direct()...)
	case *ssa.Global:
		if start, ok := r.initial[n]; ok {
			if at, ok := start.cursor(start.Rhs); ok {
				return body{start.source, at}.direct()
			}
		}
	}
	return nil
}

// through reports what another module's function reads, at the line that calls it.
func (r *reading) through(e edge) {
	entered := map[node]bool{}
	kinds := map[string]bool{}
	pending := []node{e.to}
	for len(pending) > 0 {
		n := pending[0]
		pending = pending[1:]
		if s := r.sourceOfNode(n); entered[n] || s != nil && s.own {
			continue
		}
		entered[n] = true
		if fn, ok := n.(*ssa.Function); ok && r.sourceOf(fn) != nil {
			r.settingsOf(fn, e.at)
		}
		own := r.readsOf(n)
		if fn, ok := n.(*ssa.Function); ok && guardsCallback(fn) {
			own = append(own, recoversIn(fn)...)
		}
		for _, read := range own {
			through := fmt.Sprintf("%s (%s)", nameOf(e.to), r.elsewhere(n, r.fset.Position(read.pos)))
			r.name(read, e.at, through)
			if kinds[read.kind] {
				continue
			}
			kinds[read.kind] = true
			r.add(finding{kind: read.kind, what: read.what, pos: e.at}, through)
		}
		for _, next := range r.out(n) {
			pending = append(pending, next.to)
		}
	}
}

// elsewhere is a place in another module: its path, version and file.
func (r *reading) elsewhere(n node, at token.Position) string {
	s := r.sourceOfNode(n)
	if s == nil || s.Module == nil {
		return fmt.Sprintf("%s:%d", filepath.Base(at.Filename), at.Line)
	}
	module := s.Module.Path
	if s.Module.Version != "" {
		module += "@" + s.Module.Version
	}
	file, err := filepath.Rel(s.Module.Dir, at.Filename)
	if err != nil {
		file = filepath.Base(at.Filename)
	}
	return fmt.Sprintf("%s/%s:%d", module, filepath.ToSlash(file), at.Line)
}

func nameOf(n node) string {
	switch n := n.(type) {
	case *ssa.Function:
		if origin := n.Origin(); origin != nil {
			n = origin
		}
		return n.RelString(nil)
	case *ssa.Global:
		return n.RelString(nil)
	}
	return ""
}

// add reports a read of the program's own code.
func (r *reading) add(read finding, through string) {
	r.name(read, read.pos, through)
	entry := parity.Read{Kind: read.kind, What: read.what, At: r.position(read.pos), Through: through}
	if r.known[entry] {
		return
	}
	r.known[entry] = true
	r.report.Reads = append(r.report.Reads, entry)
}

// name notes what a read names.
func (r *reading) name(read finding, at token.Pos, through string) {
	if read.variable != "" {
		r.named = append(r.named, named{read.kind, read.variable, through, r.position(at)})
	}
}

// position is a place as the rest of Roadshow names it.
func (r *reading) position(pos token.Pos) stages.Position {
	return r.positionOf(r.fset.Position(pos))
}

func (l *loaded) positionOf(at token.Position) stages.Position {
	file := filepath.ToSlash(at.Filename)
	for _, s := range l.sources {
		if s.Module == nil || s.Module.Dir == "" {
			continue
		}
		if relative, err := filepath.Rel(s.Module.Dir, at.Filename); err == nil && filepath.IsLocal(relative) {
			file = filepath.ToSlash(relative)
			break
		}
	}
	return stages.Position{File: file, Line: at.Line}
}
