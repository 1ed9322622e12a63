package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/wcharczuk/go-chart/v2"
)

// picture draws the curves as an SVG: time over functions in all stages. The points are in ascending order.
func picture(points []curvePoint) ([]byte, error) {
	if len(points) == 0 {
		return nil, errors.New("curves: points are none, want at least two; measure the scenario curves")
	}
	series := func(name string, color int, of func(curvePoint) time.Duration) chart.ContinuousSeries {
		drawn := chart.GetDefaultColor(color)
		line := chart.ContinuousSeries{Name: name, Style: chart.Style{StrokeColor: drawn, StrokeWidth: 2, DotColor: drawn, DotWidth: 3}}
		for _, p := range points {
			line.XValues = append(line.XValues, float64(p.Stages*p.Functions))
			line.YValues = append(line.YValues, of(p).Seconds())
		}
		return line
	}
	last := points[len(points)-1]
	drawing := chart.Chart{
		Width: 900, Height: 420,
		Background: chart.Style{Padding: chart.Box{Top: 20, Left: 20, Right: 20, Bottom: 20}},
		XAxis:      chart.XAxis{Name: "functions in all stages", Ticks: ticks(float64(last.Stages * last.Functions))},
		YAxis:      chart.YAxis{Name: "seconds", Ticks: ticks(slowest(points).Seconds())},
		// Without it the library draws a second axis that nothing belongs to.
		YAxisSecondary: chart.HideYAxis(),
		Series: []chart.Series{
			series("ours", 0, func(p curvePoint) time.Duration { return p.Ours }),
			series("raw CDK Go", 1, func(p curvePoint) time.Duration { return p.Raw }),
			series("JavaScript", 2, func(p curvePoint) time.Duration { return p.JavaScript }),
		},
	}
	drawing.Elements = []chart.Renderable{chart.Legend(&drawing)}
	var svg bytes.Buffer
	if err := drawing.Render(chart.SVG, &svg); err != nil {
		return nil, fmt.Errorf("curves: %w", err)
	}
	return svg.Bytes(), nil
}

// ticks divides an axis from 0 to at least a greatest value at round numbers.
func ticks(greatest float64) []chart.Tick {
	step := math.Pow(10, math.Floor(math.Log10(greatest)))
	for _, divide := range []float64{5, 2} {
		if greatest/step*divide <= 10 {
			step /= divide
			break
		}
	}
	var all []chart.Tick
	for at := 0.0; at < greatest+step; at += step {
		all = append(all, chart.Tick{Value: at, Label: strconv.FormatFloat(at, 'f', -1, 64)})
	}
	return all
}

func slowest(points []curvePoint) time.Duration {
	var longest time.Duration
	for _, p := range points {
		longest = max(longest, p.Ours, p.Raw, p.JavaScript)
	}
	return longest
}
