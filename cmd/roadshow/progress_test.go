package main

import (
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/stages"
)

func TestALineIsCutToTheTerminalAndItsColourEnds(t *testing.T) {
	for name, tt := range map[string]struct{ line, cut string }{
		"a line that fits":               {"dev done", "dev done"},
		"a longer one":                   {"dev running 3/20", "dev runnin"},
		"colours do not count":           {"\x1b[32mdev done\x1b[0m", "\x1b[32mdev done\x1b[0m"},
		"a longer one in colour":         {"\x1b[32mdev running\x1b[0m", "\x1b[32mdev runnin\x1b[0m"},
		"letters that are several bytes": {"dév éééééé…", "dév éééééé"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt.cut, fit(tt.line, 10)) })
	}
}

func TestMoreStagesThanTheTerminalHasLinesDoNotScrollIt(t *testing.T) {
	b := newBoard(io.Discard, nil)
	for i := range 9 {
		state := []fleet.State{fleet.Done, fleet.Waiting, fleet.Running}[i%3]
		b.observe(fleet.Event{Stage: stages.Stage{Name: fmt.Sprintf("s%d", i)}, State: state, Text: "x"})
	}
	names, more := b.shown(9)
	assert.Len(t, names, 9, "they fit")
	assert.Empty(t, more)
	names, more = b.shown(6)
	assert.Equal(t, []string{"s2", "s5", "s8", "s1", "s4"}, names, "those under way first, then those that wait")
	assert.Equal(t, "and 4 more; 3 of 9 have ended", more)
	names, _ = b.shown(0)
	assert.Empty(t, names)
}

func TestWhatAnotherProgramSaysMovesNoCursor(t *testing.T) {
	b := newBoard(io.Discard, nil)
	line := b.line(&row{event: fleet.Event{Stage: stages.Stage{Name: "dev"}, State: fleet.Running, Text: "a\x1b[2Jb\tc\r"}}, false)
	assert.Equal(t, `dev  running    a\x1b[2Jb\tc\r`, line, "it is shown and not obeyed")
}
