// Package terminal shows a person at a terminal how far a command is, and asks what only a person can answer.
// Where there is no terminal, progress is plain lines, and nobody is asked.
package terminal

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/charmbracelet/x/term"

	"github.com/roadshow-go/roadshow/internal/report"
)

// Is tells whether a writer is a terminal on which lines can be written over: not in CI, and not a dumb one.
func Is(out io.Writer) bool {
	file := report.File(out)
	return file != nil && os.Getenv("CI") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(file.Fd())
}

// Took is a duration in seconds for people, such as 4.2s or 3m10s.
func Took(seconds float64) string {
	if seconds < 60 {
		return fmt.Sprintf("%.1fs", seconds)
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}
