package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
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
