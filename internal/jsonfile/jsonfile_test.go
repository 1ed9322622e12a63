package jsonfile

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
)

type document struct {
	Name string   `json:"name"`
	Of   []nested `json:"of"`
}

type nested struct {
	Size int               `json:"size"`
	Tags map[string]string `json:"tags"`
}

func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "document.json")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestWhatIsWrongWithADocumentIsSaidWithItsPlace(t *testing.T) {
	for name, tt := range map[string]struct{ text, at, reason string }{
		"a missing comma":                   {"{\n  \"name\": \"a\"\n  \"of\": []}", "line 3, column 3", "it is not JSON (invalid character '\"' after object key:value pair)"},
		"a value of another kind":           {"{\"name\": \"a\",\n \"of\": [{\"size\": \"big\"}]}", "line 2, column 22", "of.size is a string, and has to be a number"},
		"a list that is to be an object":    {"[]", "line 1, column 1", "the document is an array, and has to be an object"},
		"something behind the end":          {"{}\n{}", "line 2, column 1", "something stands behind the end of the document"},
		"nothing at all":                    {"", "", "it is empty"},
		"a half":                            {`{"name": "a`, "", "it ends in the middle"},
		"an escape sequence in a value":     {`{"of": [{"tags": {"a": "\u001b[2J"}}]}`, "of[0].tags.a", `"\x1b[2J" has a control character`},
		"an escape sequence in a key":       {`{"of": [{"tags": {"\u001b[2J": "a"}}]}`, `of[0].tags["\x1b[2J"]`, `"\x1b[2J" has a control character`},
		"a control character behind a mark": {"\ufeff{\"name\": \"a\\u0007\"}", "name", `"a\a" has a control character`},
	} {
		t.Run(name, func(t *testing.T) {
			path := written(t, tt.text)
			var into document
			err := Read(path, &into)
			var wrong *Error
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, tt.reason, wrong.Reason)
			require.Equal(t, tt.at, wrong.At)
			messages.ErrorContains(t, err, path)
		})
	}
}

func TestAByteOrderMarkAndALongLineAreRead(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	var into document
	require.NoError(t, Read(written(t, "\ufeff"+`{"name": "`+long+`"}`), &into))
	require.Equal(t, long, into.Name)
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"", "{}", "\ufeff{}", `{"name":1}`, `{"of":[{"tags":{"a":"b"}}]}`, "{\n\n,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var into document
		if Read(written(t, text), &into) == nil {
			require.True(t, json.Valid([]byte(strings.TrimPrefix(text, "\ufeff"))))
		}
	})
}
