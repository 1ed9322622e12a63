package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/term"
)

// progress says what is being done and how long it took: one line for each step, and in a terminal a
// spinner while it runs.
type progress struct {
	out     io.Writer // without colors where they are not wanted
	moves   bool      // whether a line can be written over
	verbose bool
}

func newProgress(out *os.File, verbose bool) *progress {
	return &progress{
		out:     colorprofile.NewWriter(out, os.Environ()),
		moves:   !verbose && term.IsTerminal(out.Fd()) && os.Getenv("TERM") != "dumb",
		verbose: verbose,
	}
}

var (
	good  = lipgloss.NewStyle().Foreground(lipgloss.Green)
	bad   = lipgloss.NewStyle().Foreground(lipgloss.Red)
	faint = lipgloss.NewStyle().Faint(true)
	busy  = lipgloss.NewStyle().Foreground(lipgloss.Cyan)
)

func (p *progress) line(text string) { fmt.Fprintln(p.out, text) }

// Where a line cannot be written over, a long step says that it goes on: once after firstWord, so that
// nobody thinks that it hangs, and then rarely.
const (
	frame     = 100 * time.Millisecond
	firstWord = 5 * time.Second
	nextWord  = 15 * time.Second
)

// step runs one step, called by its command. what says in words what that is for. The step is given a
// writer for what its child prints.
func (p *progress) step(command, what string, do func(talk io.Writer) error) error {
	began := time.Now()
	talk := &lastLine{}
	if p.verbose {
		p.line(busy.Render("▸ ") + command + "  " + faint.Render(what))
		talk.also = p.out
	}
	done, silent := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(silent)
		p.watch(command, what, began, talk, done)
	}()
	err := do(talk)
	close(done)
	<-silent
	mark := good.Render("✓ ")
	if err != nil {
		mark = bad.Render("✗ ")
	}
	p.erase()
	p.line(mark + fmt.Sprintf("%-38s ", command) + fmt.Sprintf("%6s", brief(time.Since(began))) + "  " + faint.Render(what))
	return err
}

// watch shows that a step goes on, until it is done.
func (p *progress) watch(command, what string, began time.Time, talk *lastLine, done <-chan struct{}) {
	const frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
	wait := firstWord
	if p.moves {
		wait = frame
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		case <-timer.C:
		}
		said := talk.get()
		if said == "" {
			said = what
		}
		switch {
		case p.moves:
			spinner := string([]rune(frames)[i%len([]rune(frames))])
			p.erase()
			fmt.Fprint(p.out, busy.Render(spinner+" ")+fit(fmt.Sprintf("%-38s %6s  ", command, brief(time.Since(began)))+said))
			timer.Reset(frame)
		case !p.verbose:
			p.line(fmt.Sprintf("  %-38s %6s  %s", command, brief(time.Since(began)), said))
			timer.Reset(nextWord)
		}
	}
}

// erase clears the line of the spinner.
func (p *progress) erase() {
	if p.moves {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// fit cuts a line to the terminal's width: one that wraps cannot be written over.
func fit(line string) string {
	width, _, err := term.GetSize(os.Stdout.Fd())
	if err != nil || width < 20 {
		return line
	}
	if letters := []rune(line); len(letters) > width-4 {
		return string(letters[:width-4]) + "…"
	}
	return line
}

// brief is a duration as people say it.
func brief(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// lastLine remembers the last line that a child printed; the cdk command's own progress is in it.
type lastLine struct {
	mu   sync.Mutex
	last string
	rest []byte
	also io.Writer
}

func (l *lastLine) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, text...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			break
		}
		l.rest = rest
		if clean := strings.TrimSpace(string(line)); clean != "" {
			l.last = clean
		}
	}
	if l.also != nil {
		if _, err := l.also.Write(text); err != nil {
			return 0, err
		}
	}
	return len(text), nil
}

func (l *lastLine) get() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}
