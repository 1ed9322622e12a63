package terminal

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/redact"
	"github.com/roadshow-go/roadshow/internal/report"
	"github.com/roadshow-go/roadshow/stages"
)

// Board shows how far each stage is: lines that are redrawn in a terminal, and elsewhere one line for each thing
// that happens. Its methods may be called from any goroutine.
type Board struct {
	out      io.Writer
	live     bool
	redactor *redact.Redactor

	mu    sync.Mutex
	order []string
	rows  map[string]*row
	width int // of the longest name

	// drawing is held while nothing else may be drawn or asked. It is not mu, which the library wants while it draws.
	drawing sync.Mutex
	closed  bool // whoever still asks something draws nothing
	program *tea.Program
	ended   chan struct{}
}

// row is one stage's line.
type row struct {
	event   fleet.Event
	began   time.Time
	took    time.Duration
	printed time.Time
	last    string
}

const (
	// redraw is how often the lines are redrawn, since they count seconds.
	redraw = 100 * time.Millisecond
	// quiet is how long a running stage says nothing more where each thing is a line.
	quiet = 5 * time.Second
)

// NewBoard shows stages on a writer until [Board.Close] or [Board.Clear].
func NewBoard(out io.Writer, all []stages.Stage) *Board {
	b := &Board{out: out, live: Is(out), redactor: report.Redactor(out), rows: map[string]*row{}}
	for _, stage := range all {
		b.add(stage.Name, &row{event: fleet.Event{Stage: stage, State: fleet.Waiting}})
	}
	b.start()
	return b
}

func (b *Board) add(name string, r *row) *row {
	b.rows[name], b.order = r, append(b.order, name)
	b.width = max(b.width, lipgloss.Width(name))
	return r
}

// start begins to draw. Whoever calls it, or stop, holds drawing, but for NewBoard.
func (b *Board) start() {
	if !b.live || b.closed {
		return
	}
	file := report.File(b.out)
	// It reads no keys: an interruption stays a signal, and what a credential process asks can be answered.
	b.program = tea.NewProgram(&screen{board: b}, tea.WithOutput(file), tea.WithInput(nil), tea.WithoutSignalHandler(),
		tea.WithoutCatchPanics(), tea.WithEnvironment(unasked(os.Environ())))
	b.ended = make(chan struct{})
	go func() {
		defer close(b.ended)
		_, _ = b.program.Run() // what cannot be drawn is said when it is closed
	}()
}

// unasked is an environment in which the library does not ask the terminal what it can: nobody would read the answer,
// which the shell would then take for typed text.
func unasked(environ []string) []string {
	var kept []string
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case name == "TERM_PROGRAM" || name == "WT_SESSION":
		case name == "TERM" && slices.ContainsFunc([]string{"ghostty", "wezterm", "alacritty", "kitty", "rio"}, func(known string) bool {
			return strings.Contains(value, known)
		}):
			kept = append(kept, "TERM=xterm-256color")
		default:
			kept = append(kept, variable)
		}
	}
	return append(kept, "SSH_TTY=unasked")
}

// stop erases what is drawn.
func (b *Board) stop() {
	if b.program != nil {
		b.program.Send(erase{})
		<-b.ended
		b.program = nil
	}
}

// Observe takes an event.
func (b *Board) Observe(event fleet.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := event.Stage.Name
	r := b.rows[name]
	if r == nil {
		r = b.add(name, &row{})
	}
	changed := r.event.State != event.State
	if event.State == fleet.Running && r.began.IsZero() {
		r.began = time.Now()
	}
	r.event = event
	if !r.began.IsZero() {
		r.took = time.Since(r.began)
	}
	if b.live || event.State == fleet.Waiting && event.Text == "" {
		return
	}
	if line := b.line(r); changed || time.Since(r.printed) >= quiet && line != r.last {
		fmt.Fprintln(b.out, line)
		r.printed, r.last = time.Now(), line
	}
}

var (
	ended  = lipgloss.NewStyle().Foreground(lipgloss.Green)
	failed = lipgloss.NewStyle().Foreground(lipgloss.Red)
)

// line is one stage's line. In a terminal it has colours and counts the seconds.
func (b *Board) line(r *row) string {
	text, _, _ := strings.Cut(r.event.Text, "\n")
	text = report.Line(b.redactor.Text(strings.TrimRight(text, "\r"))) // other programs' words move no cursor
	if r.event.Total > 0 && r.event.State == fleet.Running {
		text = fmt.Sprintf("%d/%d %s", r.event.Finished, r.event.Total, text)
	}
	name := r.event.Stage.Name
	line := name + strings.Repeat(" ", b.width-lipgloss.Width(name)) + fmt.Sprintf("  %-9s", r.event.State)
	if b.live {
		switch r.event.State {
		case fleet.Done, fleet.Unchanged:
			line = ended.Render(line)
		case fleet.Failed, fleet.Declined, fleet.Skipped, fleet.Kept:
			line = failed.Render(line)
		}
		spent := r.took
		if r.event.State == fleet.Running && !r.began.IsZero() {
			spent = time.Since(r.began)
		}
		line += fmt.Sprintf("  %6s", Took(spent.Seconds()))
	}
	if text != "" {
		line += "  " + text
	}
	return strings.TrimRight(line, " ")
}

// view is the lines that a terminal of this size holds.
func (b *Board) view(width, height int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	names, more := b.shown(height - 1) // the cursor has a line, too
	lines := make([]string, 0, len(names)+1)
	for _, name := range names {
		lines = append(lines, ansi.Truncate(b.line(b.rows[name]), width, "…"))
	}
	if more != "" {
		lines = append(lines, ansi.Truncate(more, width, "…"))
	}
	return strings.Join(lines, "\n")
}

// shown is the stages that a number of lines holds, and what the last line says of the others: those that are under
// way come first, then those that wait.
func (b *Board) shown(lines int) (names []string, more string) {
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

// Pause takes the lines off the screen while something else is asked or told: one thing at a time.
func (b *Board) Pause(do func()) {
	b.drawing.Lock()
	defer b.drawing.Unlock()
	b.stop()
	defer b.start()
	do()
}

// Close leaves each stage's last line on the screen.
func (b *Board) Close() {
	b.Clear()
	if !b.live {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range b.order {
		lipgloss.Fprintln(b.out, b.line(b.rows[name]))
	}
}

// Clear leaves nothing on the screen: what the board has shown stands in what comes after it.
func (b *Board) Clear() {
	b.drawing.Lock()
	defer b.drawing.Unlock()
	b.stop()
	b.closed = true
}

// screen is the board as the library draws it.
type screen struct {
	board         *Board
	width, height int
	erased        bool
}

type (
	tick  struct{}
	erase struct{}
)

func next() tea.Cmd {
	return tea.Tick(redraw, func(time.Time) tea.Msg { return tick{} })
}

// Init begins to count the seconds.
func (s *screen) Init() tea.Cmd { return next() }

// Update takes the size of the terminal, and the passing of time.
func (s *screen) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch message := message.(type) {
	case tea.WindowSizeMsg:
		s.width, s.height = message.Width, message.Height
	case erase:
		s.erased = true
		return s, tea.Quit
	case tick:
		return s, next()
	}
	return s, nil
}

// View is the lines as they are now.
func (s *screen) View() tea.View {
	if s.erased || s.width == 0 {
		return tea.NewView("")
	}
	return tea.NewView(s.board.view(s.width, s.height))
}
