package execution

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestALogHasEachLineOnceHoweverItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := &journal{}
		h := New(Config{Log: j.add})
		defer h.Close()
		e := &environment{host: h, function: aFunction(), started: time.Now()}
		if err := e.log.open(e); err != nil {
			t.Fatal(err)
		}
		var want []string
		var text strings.Builder
		for range rapid.IntRange(1, 5).Draw(t, "synced pieces") {
			lines := rapid.SliceOfN(rapid.StringMatching(`[a-z \x00]{0,20}`), 0, 5).Draw(t, "lines")
			for _, line := range lines {
				text.WriteString(line + "\n")
				want = append(want, line)
			}
			if rest := rapid.StringMatching(`[a-z]{0,8}`).Draw(t, "a line without its end"); rest != "" {
				text.WriteString(rest)
				want = append(want, rest)
			}
			for left := text.String(); left != ""; {
				n := rapid.IntRange(1, len(left)).Draw(t, "bytes")
				if _, err := e.log.write.WriteString(left[:n]); err != nil {
					t.Fatal(err)
				}
				left = left[n:]
			}
			text.Reset()
			e.log.sync()
			require.Equal(t, want, j.texts(), "after each mark, all that stood before it")
		}
		e.log.close()
	})
}

func TestALineThatIsTooLongIsSplit(t *testing.T) {
	j := &journal{}
	h := New(Config{Log: j.add})
	defer h.Close()
	e := &environment{host: h, function: aFunction(), started: time.Now()}
	require.NoError(t, e.log.open(e))
	_, err := e.log.write.WriteString(strings.Repeat("x", lineLimit+1) + "\n")
	require.NoError(t, err)
	e.log.sync()
	e.log.close()
	texts := j.texts()
	require.Len(t, texts, 2)
	require.Len(t, texts[0], lineLimit)
	require.Equal(t, "x", texts[1])
}
