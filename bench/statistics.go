package main

import (
	"fmt"
	"slices"
	"time"
)

// sample is what the rounds of one measurement took.
type sample []time.Duration

// median is the middle one; the mean of the middle two where there is no middle.
func (s sample) median() time.Duration { return middle(s) }

// String is the median with the least and the greatest: in milliseconds where it is less than a tenth of a second.
func (s sample) String() string {
	if len(s) == 0 {
		return "–"
	}
	plain, unit := plainSeconds, " s"
	if s.median() < 100*time.Millisecond {
		plain, unit = plainMilliseconds, " ms"
	}
	if len(s) == 1 {
		return plain(s[0]) + unit
	}
	return fmt.Sprintf("%s%s (%s–%s)", plain(s.median()), unit, plain(slices.Min(s)), plain(slices.Max(s)))
}

func seconds(d time.Duration) string { return plainSeconds(d) + " s" }

func plainMilliseconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()*1000) }

func plainSeconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }

// ratio is ours over theirs, by their medians.
func ratio(ours, theirs sample) float64 {
	if theirs.median() == 0 {
		return 0
	}
	return float64(ours.median()) / float64(theirs.median())
}

// point is a size and what it took.
type point struct {
	functions int // of all stages together
	took      time.Duration
}

// line is the straight line that lies nearest to the points, by least squares: what starting costs, what
// each function costs, and the share of the variation that the line explains (1 is all of it).
func line(points []point) (start, each time.Duration, explained float64) {
	n := float64(len(points))
	var sumX, sumY, sumXX, sumXY, sumYY float64
	for _, p := range points {
		x, y := float64(p.functions), p.took.Seconds()
		sumX, sumY, sumXX, sumXY, sumYY = sumX+x, sumY+y, sumXX+x*x, sumXY+x*y, sumYY+y*y
	}
	spreadX, spreadY, together := n*sumXX-sumX*sumX, n*sumYY-sumY*sumY, n*sumXY-sumX*sumY
	if spreadX == 0 || spreadY == 0 {
		return 0, 0, 0
	}
	slope := together / spreadX
	start = time.Duration((sumY - slope*sumX) / n * float64(time.Second))
	return start, time.Duration(slope * float64(time.Second)), together * together / (spreadX * spreadY)
}

// middle is the median of numbers.
func middle[T ~int64 | ~float64](all []T) T {
	sorted := slices.Sorted(slices.Values(all))
	if len(sorted) == 0 {
		return 0
	}
	return (sorted[len(sorted)/2] + sorted[(len(sorted)-1)/2]) / 2
}

// spread is the median with the least and the greatest.
func spread(all []float64) string {
	if len(all) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f (%.0f–%.0f)", middle(all), slices.Min(all), slices.Max(all))
}
