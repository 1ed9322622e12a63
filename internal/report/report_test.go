package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/internal/redact"
)

func TestControlCharactersAreShownAndNotObeyed(t *testing.T) {
	for name, tt := range map[string]struct{ text, line, block string }{
		"plain text":                   {"dev-notes, é ✨", "dev-notes, é ✨", "dev-notes, é ✨"},
		"an escape sequence":           {"a\x1b[2Jb", `a\x1b[2Jb`, `a\x1b[2Jb`},
		"a line break":                 {"failed\nproduction  done", `failed\nproduction  done`, "failed\n  production  done"},
		"a carriage return":            {"bad\rgood", `bad\rgood`, `bad\rgood`},
		"lines of Windows":             {"a\r\nb", `a\r\nb`, "a\n  b"},
		"one that is indented already": {"a\n  b", `a\n  b`, "a\n  b"},
		"a tab":                        {"a\tb", `a\tb`, "a\tb"},
		"another direction":            {"a\u202eb", `a\u202eb`, `a\u202eb`},
		"a line break of Unicode":      {"a\u2028b", `a\u2028b`, `a\u2028b`},
		"the one-byte escape":          {"a\u009b2Jb", `a\x9b2Jb`, `a\x9b2Jb`},
		"bytes that are no text":       {"a\xff\x9bb", `a\xff\x9bb`, `a\xff\x9bb`},
		"a bell and a null":            {"\x07\x00", `\x07\x00`, `\x07\x00`},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.line, Line(tt.text))
			require.Equal(t, tt.block, Block(tt.text))
		})
	}
}

func TestWhateverTheTextIsNoTerminalObeysIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text") + string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		require.False(t, strings.ContainsFunc(Line(text), unicode.IsControl))
		for i, line := range strings.Split(Block(text), "\n") {
			require.False(t, strings.ContainsFunc(strings.ReplaceAll(line, "\t", ""), unicode.IsControl))
			require.True(t, i == 0 || line == "" || strings.HasPrefix(line, "  "), "a later line never begins like one of ours: %q", line)
		}
		var out bytes.Buffer
		n, err := NewWriter(&out, nil).Write([]byte(text))
		require.NoError(t, err)
		require.Equal(t, len(text), n)
		require.False(t, strings.ContainsFunc(strings.NewReplacer("\t", "", "\n", "").Replace(out.String()), unicode.IsControl))
	})
}

func TestEveryStringOfJSONIsWithoutSecretsAndStaysWhatItIs(t *testing.T) {
	type inner struct {
		Tags map[string]string `json:"tags"`
		List []string          `json:"list"`
	}
	redactor := redact.New(`PLANTED"secret\n`, "PLANTED-name")
	data := map[string]any{
		"problem": `it said: PLANTED"secret\n`, "PLANTED-name": inner{Tags: map[string]string{"a": "x PLANTED-name y"}, List: []string{"<&>", "é\u009b", `\"`, ""}},
		"n": 7,
	}
	var out bytes.Buffer
	require.NoError(t, JSON(&out, redactor, data))
	require.NotContains(t, out.String(), "PLANTED")
	require.NotContains(t, out.String(), "\u009b")
	var again map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &again))
	require.Equal(t, []any{"<&>", "é\u009b", `\"`, ""}, again[redact.Hidden].(map[string]any)["list"])
	require.Contains(t, out.String(), `"<&>"`)
	require.Equal(t, "it said: "+redact.Hidden, again["problem"])

	out.Reset()
	require.NoError(t, JSONLine(&out, redactor, data))
	require.Equal(t, 1, strings.Count(out.String(), "\n"))
}

func TestJSONIsTheSameValueAsThatOfThePackage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.MapOf(rapid.String(), rapid.SliceOf(rapid.String())).Draw(t, "data")
		var out bytes.Buffer
		require.NoError(t, JSON(&out, nil, data))
		var ours, theirs any
		require.NoError(t, json.Unmarshal(out.Bytes(), &ours))
		text, err := json.Marshal(data)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &theirs))
		require.Equal(t, theirs, ours)
	})
}

func TestNumbersForPeople(t *testing.T) {
	for want, got := range map[string]string{
		"0 items": Count(0, "items"), "1 item": Count(1, "items"), "999 items": Count(999, "items"),
		"1 204 items": Count(1204, "items"), "12 345 678 items": Count(12_345_678, "items"),
		"0 B": Bytes(0), "999 B": Bytes(999), "1.0 kB": Bytes(1000), "3.1 MB": Bytes(3_100_000),
	} {
		require.Equal(t, want, got)
	}
}
