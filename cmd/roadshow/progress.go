package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/term"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/redact"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/stages"
)

// board shows how far each stage is: lines that are written over in a terminal, and elsewhere one line for
// each thing that happens.
type board struct {
	out  io.Writer
	live bool

	redactor *redact.Redactor

	mu     sync.Mutex
	order  []string
	rows   map[string]*row
	width  int
	drawn  int
	paused bool
	// traceless keeps the last lines on the screen, where they can be cleared.
	traceless bool
	done      chan struct{}
	ended     sync.WaitGroup
}

// row is one stage's line.
type row struct {
	event fleet.Event
	began time.Time
	took  time.Duration
	said  time.Time
	last  string
}

// Where lines cannot be written over, one stage says at most this often what it is doing.
const (
	repaint = 120 * time.Millisecond
	speak   = 5 * time.Second
)

// newBoard shows stages on a writer until it is closed.
func newBoard(out io.Writer, all []stages.Stage) *board {
	b := &board{out: out, live: terminal(out), redactor: report.Redactor(out), rows: map[string]*row{}, done: make(chan struct{})}
	for _, stage := range all {
		b.order = append(b.order, stage.Name)
		b.rows[stage.Name] = &row{event: fleet.Event{Stage: stage, State: fleet.Waiting}}
		b.width = max(b.width, len(stage.Name))
	}
	if b.live {
		b.out = report.File(out) // which obeys the cursor's sequences; the lines have none
		b.ended.Go(b.paint)
	}
	return b
}

// terminal tells whether lines on a writer can be written over.
func terminal(out io.Writer) bool {
	file := report.File(out)
	return file != nil && os.Getenv("CI") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(file.Fd())
}

// observe takes an event, from any goroutine.
func (b *board) observe(event fleet.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := event.Stage.Name
	r := b.rows[name]
	if r == nil {
		r = &row{}
		b.rows[name], b.order = r, append(b.order, name)
		b.width = max(b.width, len(name))
	}
	changed := r.event.State != event.State
	if event.State == fleet.Running && r.began.IsZero() {
		r.began = time.Now()
	}
	if event.Total == 0 && event.State == fleet.Running {
		event.Finished, event.Total = r.event.Finished, r.event.Total
	}
	r.event = event
	if !r.began.IsZero() {
		r.took = time.Since(r.began)
	}
	if b.live || event.State == fleet.Waiting && event.Text == "" {
		return
	}
	if line := b.line(r, false); changed || time.Since(r.said) >= speak && line != r.last {
		fmt.Fprintln(b.out, line)
		r.said, r.last = time.Now(), line
	}
}

// line is one stage's line.
func (b *board) line(r *row, live bool) string {
	state := string(r.event.State)
	text := report.Line(b.redactor.Text(firstLine(r.event.Text)))
	if r.event.Total > 0 && r.event.State == fleet.Running {
		text = fmt.Sprintf("%d/%d %s", r.event.Finished, r.event.Total, text)
	}
	line := fmt.Sprintf("%-*s  %-9s", b.width, r.event.Stage.Name, state)
	if live {
		switch r.event.State {
		case fleet.Done, fleet.Unchanged:
			line = styled(b.out, good, line)
		case fleet.Failed, fleet.Declined, fleet.Skipped:
			line = styled(b.out, bad, line)
		}
		spent := r.took
		if r.event.State == fleet.Running && !r.began.IsZero() {
			spent = time.Since(r.began)
		}
		line += fmt.Sprintf("  %6s", took(spent.Seconds()))
	}
	if text != "" {
		line += "  " + text
	}
	return strings.TrimRight(line, " ")
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// paint writes the lines over, again and again.
func (b *board) paint() {
	tick := time.NewTicker(repaint)
	defer tick.Stop()
	for {
		select {
		case <-b.done:
			b.mu.Lock()
			b.draw(!b.traceless)
			b.mu.Unlock()
			return
		case <-tick.C:
			b.mu.Lock()
			if !b.paused {
				b.draw(false)
			}
			b.mu.Unlock()
		}
	}
}

// draw writes over what it has drawn before. Lines that have left the screen cannot be written over, so only the
// last time may there be more of them than it holds.
func (b *board) draw(last bool) {
	width, height := 100, 24
	if file := report.File(b.out); file != nil {
		columns, lines, err := term.GetSize(file.Fd())
		if err == nil && columns > 20 {
			width = columns - 1
		}
		if err == nil && lines > 0 {
			height = lines
		}
	}
	var text strings.Builder
	if b.drawn > 0 {
		fmt.Fprintf(&text, "\x1b[%dA", b.drawn)
	}
	names, more := b.order, ""
	if !last {
		names, more = b.shown(height - 1) // the cursor has a line, too
	}
	for _, name := range names {
		text.WriteString("\r\x1b[2K" + fit(b.line(b.rows[name], true), width) + "\n")
	}
	b.drawn = len(names)
	if more != "" {
		text.WriteString("\r\x1b[2K" + fit(more, width) + "\n")
		b.drawn++
	}
	fmt.Fprint(b.out, text.String()+"\x1b[J")
}

// shown is the stages that a number of lines holds, and what the last line says of the others: those that are under
// way come first, then those that wait.
func (b *board) shown(lines int) (names []string, more string) {
	if len(b.order) <= lines {
		return b.order, ""
	}
	rank := func(name string) int {
		switch b.rows[name].event.State {
		case fleet.Running:
			return 0
		case fleet.Waiting:
			return 1
		}
		return 2
	}
	names = slices.Clone(b.order)
	slices.SortStableFunc(names, func(a, c string) int { return rank(a) - rank(c) })
	names = names[:max(lines-1, 0)]
	finished := 0
	for _, name := range b.order {
		if rank(name) == 2 {
			finished++
		}
	}
	return names, fmt.Sprintf("and %d more; %d of %d have ended", len(b.order)-len(names), finished, len(b.order))
}

// fit cuts a line to a width: one that wraps cannot be written over. What colours it has does not count.
func fit(line string, width int) string {
	seen, inside := 0, false
	for at, letter := range line {
		switch {
		case letter == '\x1b':
			inside = true
		case inside:
			inside = letter != 'm'
		default:
			if seen++; seen > width {
				if !strings.Contains(line[:at], "\x1b") {
					return line[:at]
				}
				return line[:at] + "\x1b[0m"
			}
		}
	}
	return line
}

// pause keeps the lines still while something else is asked or told.
func (b *board) pause(do func()) {
	b.mu.Lock()
	b.paused = true
	if b.live {
		b.draw(false)
	}
	b.mu.Unlock()
	do()
	b.mu.Lock()
	b.paused, b.drawn = false, 0 // below what was told
	b.mu.Unlock()
}

// close paints the last state.
func (b *board) close() {
	close(b.done)
	b.ended.Wait()
}

// clear ends it without a trace: what it has shown stands in what comes after it.
func (b *board) clear() {
	b.mu.Lock()
	b.traceless = true
	b.mu.Unlock()
	b.close()
	if b.live && b.drawn > 0 {
		fmt.Fprintf(b.out, "\x1b[%dA\x1b[J", b.drawn)
	}
}

// took is a duration for people.
func took(seconds float64) string {
	if seconds < 60 {
		return fmt.Sprintf("%.1fs", seconds)
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}

// ago is when something was, for people.
func ago(at, now time.Time) string {
	switch passed := now.Sub(at); {
	case at.IsZero():
		return "-"
	case passed < time.Minute:
		return "just now"
	case passed < time.Hour:
		return fmt.Sprintf("%d min ago", int(passed.Minutes()))
	case passed < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(passed.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(passed.Hours()/24))
	}
}

// short is a commit for people.
func short(commit string) string {
	hash, dirty := strings.CutSuffix(commit, "-dirty")
	if hash == "" {
		return "-"
	}
	hash = hash[:min(len(hash), 9)]
	if dirty {
		hash += "+"
	}
	return hash
}

// sayProblems tells why stages are not done, each whole.
func sayProblems(out io.Writer, outcomes []fleet.Outcome) {
	for _, one := range outcomes {
		if one.Problem != "" && slices.Contains([]fleet.State{fleet.Failed, fleet.Declined, fleet.Skipped}, one.State) {
			fmt.Fprintf(out, "\n%s\n", styled(out, bad, report.Block(one.Stage+": "+one.Problem)))
		}
	}
}
