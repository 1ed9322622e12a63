package report

import (
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/roadshow-go/roadshow/internal/redact"
)

// Writer is where a command writes its data, or what it says beside them. What is written has no secrets and no
// control characters but line breaks, tabs and, in a terminal, the colours of the command's own.
type Writer struct {
	out      io.Writer
	redactor *redact.Redactor
	terminal bool
}

// NewWriter writes to a file or another writer, without what the redactor hides.
func NewWriter(out io.Writer, redactor *redact.Redactor) *Writer {
	w := &Writer{out: out, redactor: redactor}
	if file := File(out); file != nil {
		info, err := file.Stat()
		w.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return w
}

// Unwrap returns the writer below, so that [File] can find the terminal.
func (w *Writer) Unwrap() io.Writer { return w.out }

// Redactor is what hides secrets here; nil where a writer is no [Writer].
func Redactor(out io.Writer) *redact.Redactor {
	if w, is := out.(*Writer); is {
		return w.redactor
	}
	return nil
}

// File is the file that is written to at last, for whoever has to ask whether it is a terminal; nil where it is none.
func File(out io.Writer) *os.File {
	for {
		switch w := out.(type) {
		case *os.File:
			return w
		case interface{ Unwrap() io.Writer }:
			out = w.Unwrap()
		default:
			return nil
		}
	}
}

// colour is an escape sequence that changes how letters look, and nothing else (SGR).
// https://ecma-international.org/publications-and-standards/standards/ecma-48/
var colour = regexp.MustCompile("\x1b\\[[0-9;:]*m")

// Write is [io.Writer]'s. Each call gets whole lines, as the functions of package fmt give them: a secret that is split over
// two is not seen.
func (w *Writer) Write(data []byte) (int, error) {
	text := w.redactor.Text(string(data))
	clean, rest := "", text
	var colours [][]int
	if w.terminal {
		colours = colour.FindAllStringIndex(text, -1)
	}
	for _, at := range colours {
		begin := at[0] - (len(text) - len(rest))
		clean += showBut(rest[:begin]) + text[at[0]:at[1]]
		rest = text[at[1]:]
	}
	if _, err := io.WriteString(w.out, clean+showBut(rest)); err != nil {
		return 0, err
	}
	return len(data), nil
}

// showBut leaves what lays text out.
func showBut(text string) string {
	if line, ends := strings.CutSuffix(text, "\n"); ends && isPlain(line) {
		return text
	}
	return shown(text, func(letter rune) bool { return letter == '\n' || letter == '\t' })
}
