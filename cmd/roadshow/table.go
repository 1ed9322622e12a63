package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/internal/terminal"
)

// colours tells whether to write for a terminal that shows them.
func colours(out io.Writer) bool { return os.Getenv("NO_COLOR") == "" && terminal.Is(out) }

// Styles, for terminals only.
var (
	heading = lipgloss.NewStyle().Bold(true)
	faint   = lipgloss.NewStyle().Faint(true)
	good    = lipgloss.NewStyle().Foreground(lipgloss.Green)
	bad     = lipgloss.NewStyle().Foreground(lipgloss.Red)
)

// styled is the text as a terminal shows it, or as it is.
func styled(out io.Writer, style lipgloss.Style, text string) string {
	if !colours(out) {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = style.Render(line) // a block would be padded to one width
	}
	return strings.Join(lines, "\n")
}

// writeTable writes columns two blanks apart, with their titles above.
func writeTable(out io.Writer, titles []string, rows [][]string) {
	widths := make([]int, len(titles))
	for _, row := range rows {
		for i := range row {
			row[i] = report.Line(row[i])
		}
	}
	for _, row := range append([][]string{titles}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], lipgloss.Width(cell))
		}
	}
	for at, row := range append([][]string{titles}, rows...) {
		line := ""
		for i, cell := range row {
			line += cell + strings.Repeat(" ", widths[i]-lipgloss.Width(cell)+2)
		}
		line = strings.TrimRight(line, " ")
		if at == 0 {
			line = styled(out, heading, line)
		}
		fmt.Fprintln(out, line)
	}
}
