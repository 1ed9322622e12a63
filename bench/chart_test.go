package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThePictureIsAnSVGThatNamesEachCurve(t *testing.T) {
	t.Parallel()
	svg, err := picture([]curvePoint{
		{1, 10, 900 * time.Millisecond, time.Second, 500 * time.Millisecond},
		{5, 50, 3 * time.Second, 5 * time.Second, 2 * time.Second},
		{20, 200, 28 * time.Second, 34 * time.Second, 22 * time.Second},
	})
	require.NoError(t, err)
	var words strings.Builder
	for decoder := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if text, is := token.(xml.CharData); is {
			words.Write(text)
			words.WriteString("\n")
		}
	}
	for _, curve := range []string{"ours", "raw CDK Go", "JavaScript", "seconds", "functions in all stages"} {
		assert.Contains(t, words.String(), curve)
	}
}

func TestThereIsNoPictureOfNothing(t *testing.T) {
	t.Parallel()
	_, err := picture(nil)
	assert.ErrorContains(t, err, "want at least two")
}
