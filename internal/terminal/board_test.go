package terminal

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/stages"
)

// board is one as in a terminal, which nothing draws.
func board(events ...fleet.Event) *Board {
	b := NewBoard(io.Discard, nil)
	b.live = true
	for _, event := range events {
		b.Observe(event)
	}
	return b
}

func TestALineIsNeverLongerThanTheTerminal(t *testing.T) {
	b := board(fleet.Event{Stage: stages.Stage{Name: "dév"}, State: fleet.Failed, Text: "stack notes is UPDATE_ROLLBACK_COMPLETE…"})
	for width := 1; width < 80; width++ {
		assert.LessOrEqual(t, ansi.StringWidth(b.view(width, 24)), width)
	}
	assert.Equal(t, "dév  failed       0.0s  stack…", ansi.Strip(b.view(30, 24)))
}

func TestMoreStagesThanTheTerminalHasLinesDoNotScrollIt(t *testing.T) {
	b := board()
	for i := range 9 {
		state := []fleet.State{fleet.Done, fleet.Waiting, fleet.Running}[i%3]
		b.Observe(fleet.Event{Stage: stages.Stage{Name: fmt.Sprintf("s%d", i)}, State: state, Text: "x"})
	}
	names, more := b.shown(9)
	assert.Len(t, names, 9, "they fit")
	assert.Empty(t, more)
	names, more = b.shown(6)
	assert.Equal(t, []string{"s2", "s5", "s8", "s1", "s4"}, names, "those under way first, then those that wait")
	assert.Equal(t, "and 4 more; 3 of 9 have ended", more)
	names, _ = b.shown(0)
	assert.Empty(t, names)
	for height := 1; height < 12; height++ {
		assert.Less(t, bytes.Count([]byte(b.view(80, height)), []byte("\n")), height)
	}
}

func TestWhatAnotherProgramSaysMovesNoCursor(t *testing.T) {
	b := board(fleet.Event{Stage: stages.Stage{Name: "dev"}, State: fleet.Running, Text: "a\x1b[2Jb\tc\r\nd"})
	assert.Equal(t, `dev  running      0.0s  a\x1b[2Jb\tc`, ansi.Strip(b.view(80, 24)))
}

func TestWithoutATerminalEachThingThatHappensIsALine(t *testing.T) {
	var out bytes.Buffer
	b := NewBoard(&out, []stages.Stage{{Name: "dev"}, {Name: "production"}})
	for _, event := range []fleet.Event{
		{State: fleet.Waiting}, // nothing has happened yet
		{State: fleet.Running, Text: "asking the account"},
		{State: fleet.Running, Text: "creating", Finished: 1, Total: 9}, // too soon after the last
		{State: fleet.Done, Text: "deployed\nin two lines"},
	} {
		event.Stage = stages.Stage{Name: "dev"}
		b.Observe(event)
	}
	b.Pause(func() { fmt.Fprintln(&out, "a warning") })
	b.Close()
	assert.Equal(t, "dev         running    asking the account\ndev         done       deployed\na warning\n", out.String())
}

func TestOneThingIsAskedAtATime(t *testing.T) {
	b := NewBoard(io.Discard, nil)
	var asking atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			b.Pause(func() {
				assert.EqualValues(t, 1, asking.Add(1))
				runtime.Gosched()
				asking.Add(-1)
			})
		})
	}
	all.Wait()
	b.Close()
}

func TestAClosedBoardIsNotDrawnAgain(t *testing.T) {
	for name, end := range map[string]func(*Board){"closed": (*Board).Close, "cleared": (*Board).Clear} {
		b := board()
		end(b)
		asked := false
		b.Pause(func() { asked = true })
		assert.True(t, asked, name)
		assert.Nil(t, b.program, name)
	}
}
