// Package report writes what a command has to say, for people and as JSON. Much of it was written by others: AWS's
// answers, names of resources, a program's output. So secrets are taken out, control characters are shown
// instead of obeyed, and a line break never begins what looks like a line of the command's own.
package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line is a text as one line, for a cell of a table or a line of progress: every control character is shown as Go
// writes it, such as \x1b for an escape sequence's first, and so are line breaks and tabs.
func Line(text string) string {
	return shown(text, func(rune) bool { return false })
}

// Block is a text that may have several lines. Those after the first are indented by two blanks, unless they are
// already; control characters are shown as by [Line].
func Block(text string) string {
	lines := strings.Split(strings.ReplaceAll(strings.TrimRight(text, "\r\n"), "\r\n", "\n"), "\n")
	for i, line := range lines {
		line = shown(line, func(letter rune) bool { return letter == '\t' })
		if i > 0 && line != "" && !strings.HasPrefix(line, "  ") {
			line = "  " + line
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}

// shown replaces what a terminal would obey: control characters, what turns the direction of writing, bytes that
// are no UTF-8.
func shown(text string, pass func(rune) bool) string {
	if isPlain(text) || !strings.ContainsFunc(text, func(letter rune) bool { return letter == utf8.RuneError || obeyed(letter) && !pass(letter) }) {
		return text
	}
	var out strings.Builder
	for i, letter := range text {
		switch {
		case letter == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			fmt.Fprintf(&out, `\x%02x`, text[i])
		case obeyed(letter) && !pass(letter):
			out.WriteString(escaped(letter))
		default:
			out.WriteRune(letter)
		}
	}
	return out.String()
}

// isPlain tells a text of printable ASCII on one line, as most is: nothing has to be looked up of its letters.
func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// obeyed tells what changes how the text around it is shown.
// https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
func obeyed(letter rune) bool {
	return unicode.IsControl(letter) || unicode.Is(unicode.Bidi_Control, letter) ||
		letter == '\u2028' || letter == '\u2029' || letter == '\ufeff'
}

func escaped(letter rune) string {
	switch {
	case letter == '\n':
		return `\n`
	case letter == '\r':
		return `\r`
	case letter == '\t':
		return `\t`
	case letter < 0x100:
		return fmt.Sprintf(`\x%02x`, letter)
	}
	return fmt.Sprintf(`\u%04x`, letter)
}
