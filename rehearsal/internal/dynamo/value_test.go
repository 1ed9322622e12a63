package dynamo

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTextIsWrittenAsThePackageJSONWritesIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z"\\<>&\n\x{7f}\x{2028}]*`)).Draw(t, "text")
		want, err := json.Marshal(text)
		require.NoError(t, err)
		require.Equal(t, string(want), string(appendText(nil, text)))
	})
}

func TestEveryTypeOfValueIsWrittenAsItWasRead(t *testing.T) {
	content := base64.StdEncoding.EncodeToString([]byte{0, 255})
	text := `{"B":{"B":"` + content + `"},"BOOL":{"BOOL":false},"BS":{"BS":["` + content + `"]},"L":{"L":[{"N":"1"},{"L":[]}]},"M":{"M":{"\u003c":{"S":"é"}}},` +
		`"N":{"N":"-1.5"},"NS":{"NS":["1","2"]},"NULL":{"NULL":true},"S":{"S":""},"SS":{"SS":["a","b"]},"empty":{"M":{}}}`
	item, err := readItem([]byte(text))
	require.NoError(t, err)
	written, err := json.Marshal(item)
	require.NoError(t, err)
	require.Equal(t, text, string(written))
}
