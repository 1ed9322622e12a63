package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestMedianIsTheMiddle(t *testing.T) {
	assert.Equal(t, 2*time.Second, sample{3 * time.Second, time.Second, 2 * time.Second}.median())
	assert.Equal(t, 1500*time.Millisecond, sample{2 * time.Second, time.Second}.median())
	assert.Zero(t, sample(nil).median())
	assert.Equal(t, "2.00 s (1.00–3.00)", sample{3 * time.Second, time.Second, 2 * time.Second}.String())
	assert.Equal(t, "2.00 ms (1.50–101.00)", sample{101 * time.Millisecond, 1500 * time.Microsecond, 2 * time.Millisecond}.String())
	assert.Equal(t, "20 (10–300)", spread([]float64{300, 10, 20}))
}

func TestRatioIsOfTheMedians(t *testing.T) {
	assert.InDelta(t, 0.5, ratio(sample{time.Second, time.Hour, time.Second}, sample{2 * time.Second}), 1e-9)
	assert.Zero(t, ratio(sample{time.Second}, nil))
}

func TestLineFindsStartAndSlope(t *testing.T) {
	var points []point
	for _, functions := range []int{10, 50, 200, 1000} {
		points = append(points, point{functions, 300*time.Millisecond + time.Duration(functions)*2*time.Millisecond})
	}
	start, each, explained := line(points)
	assert.InDelta(t, 0.3, start.Seconds(), 1e-6)
	assert.InDelta(t, 0.002, each.Seconds(), 1e-6)
	assert.InDelta(t, 1, explained, 1e-9)
}
