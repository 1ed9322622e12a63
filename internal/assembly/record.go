package assembly

import (
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

// DirtySuffix is what Git's describe adds to a commit where files differ from it.
const DirtySuffix = "-dirty"

// CommitObject names the object that holds the commit a template was made from, in the bucket that
// the cdk command uploads the template to. What stands before the point is the template's digest,
// which the template holds; so `cdk gc` keeps the object as long as a stack has the template. What
// was made of changed files is an object of its own, which does not stand in the way of the commit
// that is made of them later.
func CommitObject(digest, commit string) string {
	if strings.HasSuffix(commit, DirtySuffix) {
		return digest + ".commit" + DirtySuffix
	}
	return digest + ".commit"
}

// Some module paths have a tilde ("git.sr.ht/~user/notes"), which no tag takes; an at sign, which
// tags take, no path has.
const (
	pathTilde = "~"
	tagTilde  = "@"
)

// ProgramTag is the path of a module as the value of a tag.
// https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
func ProgramTag(module string) string { return strings.ReplaceAll(module, pathTilde, tagTilde) }

// ModuleOf is the path of a module by its [ProgramTag].
func ModuleOf(tag string) string { return strings.ReplaceAll(tag, tagTilde, pathTilde) }

// Bucket is where the cdk command uploads to, in a stage's account: the bootstrap's, as `cdk
// bootstrap` names it.
func Bucket(stage stages.Stage) string {
	return "cdk-" + stage.BootstrapQualifier() + "-assets-" + stage.Account + "-" + stage.Region
}
