package parity

import "strings"

// Kind is what a value of an identity is, which decides what can stand around it in a text. A text
// in which the stages' values stand elsewhere has two readings: it may be built from them, or it
// may be a constant that is chosen by stage and only looks alike. The proof then cannot tell.
type Kind string

// The kinds of values.
const (
	// KindAnywhere is a value that counts as identity wherever it stands.
	KindAnywhere Kind = ""
	// KindName is a stage's name. A program is not told it: by itself it stands in the tag
	// [StageTag] only.
	KindName Kind = "name"
	// KindAccount is the 12 digits of an account, with no digit beside them.
	KindAccount Kind = "account"
	// KindRegion and KindPhysicalName stand with no letter and no digit beside them.
	KindRegion       Kind = "region"
	KindPhysicalName Kind = "physical name"
	// KindQualifier is that of a bootstrap, behind cdk- or /cdk-bootstrap/.
	KindQualifier Kind = "qualifier"
	// KindBoundary is the name of a permissions boundary, behind policy/.
	KindBoundary Kind = "permissions boundary"

	kindPartition Kind = "partition"
	kindSuffix    Kind = "suffix of host names"
	kindLogicalID Kind = "logical id"
)

// StageTag is the tag that holds the stage's name, on every resource that takes tags.
const StageTag = "roadshow:stage"

// stands tells whether a value of the kind can stand at this place of a text.
func (k Kind) stands(text string, from, to int) bool {
	before, behind := text[:from], text[to:]
	apart := func(beside func(byte) bool) bool {
		return (before == "" || !beside(before[len(before)-1]) || !beside(text[from])) && (behind == "" || !beside(behind[0]) || !beside(text[to-1]))
	}
	switch k {
	case KindName:
		return false
	case KindAccount:
		return apart(isDigit)
	case KindRegion, KindPhysicalName, kindLogicalID:
		return apart(isAlphanumeric)
	case KindQualifier:
		return strings.HasSuffix(before, "cdk-") && strings.HasPrefix(behind, "-") || strings.HasSuffix(before, "/cdk-bootstrap/") && strings.HasPrefix(behind, "/")
	case KindBoundary:
		return strings.HasSuffix(before, ":policy/") && (behind == "" || !isAlphanumeric(behind[0]))
	case kindPartition:
		return strings.HasSuffix(before, "arn:") && strings.HasPrefix(behind, ":") || before == "" && behind == ""
	case kindSuffix:
		return (before == "" || before[len(before)-1] == '.') && (behind == "" || !isAlphanumeric(behind[0]) && behind[0] != '.')
	}
	return true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isAlphanumeric(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
