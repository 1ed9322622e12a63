package reads

import (
	"bytes"
	"go/ast"
	"go/token"
	"os"
	"strings"

	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// acknowledgement is one comment that acknowledges reads.
type acknowledgement struct {
	at          stages.Position
	reason      string
	first, last int    // the lines that it is for
	through     string // the package that it is for, where it stands at an import
	used        bool
}

// acknowledgements lists the comments of a package that acknowledge something.
func (s *source) acknowledgements(fset *token.FileSet) []*acknowledgement {
	var all []*acknowledgement
	for _, file := range s.files {
		for _, group := range file.Comments {
			for _, comment := range group.List {
				rest, is := strings.CutPrefix(comment.Text, parity.AcknowledgeDirective)
				if !is || rest != "" && rest[0] != ' ' && rest[0] != '\t' {
					continue
				}
				l := &loaded{sources: []*source{s}}
				at := fset.Position(comment.Pos())
				made := &acknowledgement{at: l.positionOf(at), reason: strings.TrimSpace(rest), first: at.Line, last: at.Line}
				if startsLine(at) {
					// The code begins below the comment, which may go on.
					made.first = fset.Position(group.List[len(group.List)-1].End()).Line + 1
				}
				made.cover(fset, file)
				all = append(all, made)
			}
		}
	}
	return all
}

// startsLine tells whether nothing but space stands before a place in its line.
func startsLine(at token.Position) bool {
	text, err := os.ReadFile(at.Filename)
	if err != nil || at.Offset > len(text) {
		return false
	}
	line := text[bytes.LastIndexByte(text[:at.Offset], '\n')+1 : at.Offset]
	return len(bytes.TrimSpace(line)) == 0
}

// cover widens an acknowledgement to the statement that begins in its line, whose parts may stand
// in several lines; but not to the statements inside it. At an import it is for all that is read
// through that package.
func (a *acknowledgement) cover(fset *token.FileSet, file *ast.File) {
	for _, imported := range file.Imports {
		if fset.Position(imported.Pos()).Line == a.first {
			a.through = strings.Trim(imported.Path.Value, `"`)
		}
	}
	a.last = a.first
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ExprStmt, *ast.AssignStmt, *ast.ReturnStmt, *ast.DeclStmt, *ast.GoStmt, *ast.DeferStmt, *ast.ValueSpec, *ast.SendStmt, *ast.IncDecStmt, *ast.KeyValueExpr:
			if fset.Position(n.Pos()).Line == a.first {
				a.last = max(a.last, endOfHead(fset, n))
			}
		}
		return true
	})
}

// endOfHead is the last line of a statement before the first function literal in it.
func endOfHead(fset *token.FileSet, n ast.Node) int {
	end := fset.Position(n.End()).Line
	ast.Inspect(n, func(inside ast.Node) bool {
		if literal, ok := inside.(*ast.FuncLit); ok {
			end = min(end, fset.Position(literal.Body.Lbrace).Line)
			return false
		}
		return true
	})
	return end
}

// covers tells whether an acknowledgement is for a place, which may be reached through a package.
func (a *acknowledgement) covers(at stages.Position, through string) bool {
	if a.at.File != at.File {
		return false
	}
	if a.through != "" {
		name := strings.TrimLeft(through, "(*")
		return strings.HasPrefix(name, a.through+".") || strings.HasPrefix(name, a.through+"/")
	}
	return at.Line >= a.first && at.Line <= a.last
}

// Apply enters the reads into a verdict. It gives what is of the stack as a whole the line that
// sets it, and reads, also those of the deploy, the reasons that the program states; and it lists
// the comments that acknowledge nothing.
func (r *Report) Apply(verdict *parity.Verdict) {
	verdict.Reads = r.Reads
	r.locate(verdict)
	for i := range verdict.DeployReads {
		if read := &verdict.DeployReads[i]; read.Acknowledged == "" {
			read.Acknowledged = r.reason(read.At, "")
			for _, at := range read.AlsoAt {
				if r.reason(at, "") == "" {
					read.Acknowledged = ""
				}
			}
		}
	}
	verdict.BadAcknowledgements = nil
	for _, comment := range r.acknowledgements {
		switch {
		case !r.runs(comment):
		case comment.reason == "":
			verdict.BadAcknowledgements = append(verdict.BadAcknowledgements, parity.BadAcknowledgement{
				At: comment.at, Problem: "the acknowledgement gives no reason. Write why what is read cannot make stages differ, behind " + parity.AcknowledgeDirective + ".",
			})
		case !comment.used:
			verdict.BadAcknowledgements = append(verdict.BadAcknowledgements, parity.BadAcknowledgement{
				At: comment.at, Problem: "nothing is read here that needs an acknowledgement. Remove the comment.",
			})
		}
	}
}

// runs tells whether the code of an acknowledgement is part of this program at all: another program
// of the module may read there.
func (r *Report) runs(comment *acknowledgement) bool {
	for _, reached := range r.reached {
		if reached.file == comment.at.File && (comment.through != "" || reached.first <= comment.last && comment.first <= reached.last) {
			return true
		}
	}
	return false
}

// reason is why a read at a place is accepted; empty where nobody says so.
func (r *Report) reason(at stages.Position, through string) string {
	for _, comment := range r.acknowledgements {
		if comment.covers(at, through) {
			comment.used = true
			if comment.reason != "" {
				return comment.reason
			}
		}
	}
	return ""
}
