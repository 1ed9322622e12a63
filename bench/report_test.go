package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write README.md anew from results.json")

func TestThePageIsWhatTheResultsMake(t *testing.T) {
	all, err := readReports("results.json")
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile("README.md", []byte(all.markdown()), 0o644))
	}
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	assert.Equal(t, string(page), all.markdown())
}

func TestARunOfOneScenarioLeavesTheOthersAsTheyWereMeasured(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results.json")
	before := report{Measured: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Rounds: 5, Load: "0.10 to 0.20", Machine: "one"}
	before.limit("what was measured before", sample{time.Second}, 2*time.Second)
	require.NoError(t, reports{"start": before, "parity": before}.write(file))

	all, err := readReports(file)
	require.NoError(t, err)
	now := report{Measured: time.Date(2026, 2, 3, 4, 5, 0, 0, time.UTC), Rounds: 3, Load: "7.00 to 8.00", Machine: "two"}
	now.limit("what was measured now", sample{3 * time.Second}, 2*time.Second)
	all["start"] = now
	require.NoError(t, all.write(file))
	all, err = readReports(file)
	require.NoError(t, err)

	page := all.markdown()
	assert.Contains(t, page, "| what was measured before | 1.00 s |  |  | ≤ 2s | met | parity |\n")
	assert.Contains(t, page, "| what was measured now | 3.00 s |  |  | ≤ 2s | **not met** | start |\n")
	assert.NotContains(t, page, "before | 1.00 s |  |  | ≤ 2s | met | start |")
	assert.Contains(t, page, "| parity | 2026-01-02 03:04 UTC | 5 | 0.10 to 0.20 |\n| start | 2026-02-03 04:05 UTC | 3 | 7.00 to 8.00 |\n")
}

func TestThePageOfNothingMeasuredHasNoRows(t *testing.T) {
	all, err := readReports(filepath.Join(t.TempDir(), "none.json"))
	require.NoError(t, err)
	assert.NotContains(t, all.markdown(), "met |")
	_, err = picture(all["curves"].Points)
	assert.Error(t, err)
}
