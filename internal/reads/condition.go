package reads

import (
	"go/build/constraint"
	"go/token"
	"strings"
)

// condition is what the file of a place asks of the build besides a version of Go; empty where it
// is always compiled. Another build of the same program may have another file in its place.
func (s *source) condition(pos token.Pos) string {
	for _, file := range s.files {
		if pos < file.FileStart || pos > file.FileEnd {
			continue
		}
		for _, group := range file.Comments {
			if group.Pos() > file.Package {
				break
			}
			for _, comment := range group.List {
				if !constraint.IsGoBuild(comment.Text) {
					continue
				}
				expression, err := constraint.Parse(comment.Text)
				if err == nil && dependsOnTheBuild(expression) {
					return expression.String()
				}
			}
		}
	}
	return ""
}

func dependsOnTheBuild(expression constraint.Expr) bool {
	switch e := expression.(type) {
	case *constraint.TagExpr:
		return !strings.HasPrefix(e.Tag, "go1.")
	case *constraint.NotExpr:
		return dependsOnTheBuild(e.X)
	case *constraint.AndExpr:
		return dependsOnTheBuild(e.X) || dependsOnTheBuild(e.Y)
	case *constraint.OrExpr:
		return dependsOnTheBuild(e.X) || dependsOnTheBuild(e.Y)
	}
	return false
}
