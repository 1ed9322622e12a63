package stages

import (
	"strconv"
	"strings"
)

// Label makes of any text, such as a branch's name, a lower-case DNS label of at most limit characters
// (12 or more): letters, digits and single hyphens, first a letter. changed tells that something was lost
// on the way (a case, a character, the end); the label then ends in a hash of the whole text, so that
// feature/ABC and feature/abc are two labels.
//
// A text that is such a label already stays as it is, so that a label can be written back in place of the
// text it was made of.
func Label(text string, limit int) (label string, changed bool) {
	if isLabel(text) && len(text) <= limit {
		return text, false
	}
	readable := readableLabel(text)
	readable = strings.TrimRight(readable[:min(len(readable), max(limit-hashLength-1, 1))], "-")
	return readable + "-" + shortHash([]byte("label\x00"+text)), true
}

// readableLabel is the label nearest to the text, of any length; "x" stands before what begins with no
// letter.
func readableLabel(text string) string {
	label := make([]byte, 0, len(text))
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			if len(label) == 0 && r <= '9' {
				label = append(label, 'x')
			}
			label = append(label, byte(r))
		case len(label) > 0 && label[len(label)-1] != '-':
			label = append(label, '-')
		}
	}
	if len(label) == 0 {
		return "x"
	}
	return strings.TrimRight(string(label), "-")
}

// isLabel tells whether the text is a DNS label as names are built from: letters, digits and hyphens,
// first a letter, no doubled and no outer hyphen. Written out, since every name of every stage asks it.
func isLabel(text string) bool {
	if text == "" || text[0] < 'a' || text[0] > 'z' || text[len(text)-1] == '-' {
		return false
	}
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case c == '-' && text[i-1] != '-':
		default:
			return false
		}
	}
	return true
}

// suggestLabel makes of any text the nearest name that would be accepted, for an error message only.
func suggestLabel(text string, limit int) string {
	text = readableLabel(strings.TrimLeft(text, "-0123456789"))
	text = strings.TrimRight(text[:min(len(text), limit)], "-")
	if text == "x" || text == All {
		return "dev"
	}
	return text
}

func quote(text string) string { return strconv.Quote(text) }
