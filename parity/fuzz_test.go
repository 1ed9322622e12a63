package parity

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// FuzzParse holds the parser against encoding/json: what it accepts, it reads alike, and a template
// is equal to itself however it is written.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{}`, property(`["a\u0000\ud83d\ude00\\\"",1.5e-3,{"a":{}},[],null,true,false]`), versioned(strings.Repeat("a", 32)),
		`{"Resources":{"a":{"Type":"AWS::Lambda::Version","DependsOn":["b",1]},"b":1}}`, `{"a":1,"a":2}`, ` { "a" : [ 1 , 2 ] } `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		template, err := Parse(data)
		var want map[string]any
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.UseNumber()
		decodeErr := decoder.Decode(&want)
		if err != nil {
			return
		}
		require.NoError(t, decodeErr)
		require.True(t, utf8.Valid(data))
		sortDependencies(want)
		got := plain(template.root)
		if !reflect.DeepEqual(got, any(want)) {
			t.Fatalf("read %v, want %v", got, want)
		}
		again, err := Parse(compact(template.root))
		require.NoError(t, err)
		identity := []string{"a", "111111111111"}
		differences, err := Compare(Side{Stage: named("a"), Template: template, Identity: identity}, Side{Stage: dev, Template: again, Identity: []string{"dev", "aa"}})
		require.NoError(t, err)
		require.Empty(t, differences)
	})
}

// sortDependencies does to a tree of encoding/json what Parse does.
func sortDependencies(root map[string]any) {
	resources, _ := root["Resources"].(map[string]any)
	for _, resource := range resources {
		if resource, ok := resource.(map[string]any); ok {
			if list, ok := resource["DependsOn"].([]any); ok {
				sortStrings(list)
			}
		}
	}
}

// plain is a tree as encoding/json would make it.
func plain(node any) any {
	switch node := node.(type) {
	case *object:
		values := map[string]any{}
		for i, key := range node.keys {
			values[key] = plain(node.values[i])
		}
		return values
	case []any:
		list := make([]any, len(node))
		for i, element := range node {
			list[i] = plain(element)
		}
		return list
	}
	return node
}

// FuzzCompare holds the walk of texts against the definition, tried out in the plainest way.
func FuzzCompare(f *testing.F) {
	f.Add("dev-notes", "production-notes", "dev", "production", "notes", "notes")
	f.Add("aab", "aaab", "a", "aa", "ab", "b")
	f.Fuzz(func(t *testing.T, text, other, a, b, c, d string) {
		if a == "" || b == "" || c == "" || d == "" || len(text) > 60 || len(other) > 60 {
			return
		}
		id, err := newIdentities([]Side{
			{Template: &Template{}, Identity: []string{a, c}}, {Template: &Template{}, Identity: []string{b, d}},
		})
		require.NoError(t, err)
		got := id.consumable([]int{0, 1}, []string{text, other})
		require.Equal(t, plainlyConsumable(text, other, [][2]string{{a, b}, {c, d}}), got)
		require.Equal(t, got, id.consumable([]int{1, 0}, []string{other, text}))
	})
}

// plainlyConsumable fills in the whole table of places.
func plainlyConsumable(text, other string, pairs [][2]string) bool {
	reached := make([][]bool, len(text)+1)
	for i := range reached {
		reached[i] = make([]bool, len(other)+1)
	}
	reached[0][0] = true
	for i := range reached {
		for j := range reached[i] {
			if !reached[i][j] {
				continue
			}
			if i < len(text) && j < len(other) && text[i] == other[j] {
				reached[i+1][j+1] = true
			}
			for _, pair := range pairs {
				if strings.HasPrefix(text[i:], pair[0]) && strings.HasPrefix(other[j:], pair[1]) {
					reached[i+len(pair[0])][j+len(pair[1])] = true
				}
			}
		}
	}
	return reached[len(text)][len(other)]
}

// Random texts rarely fit; these are made to fit, or to miss by one character.
func TestTheWalkOfTextsIsTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[ab]{1,3}`)
		pairs := [][2]string{{word.Draw(t, "a"), word.Draw(t, "b")}, {word.Draw(t, "c"), word.Draw(t, "d")}, {word.Draw(t, "e"), word.Draw(t, "f")}}
		var texts [2]string
		for range rapid.IntRange(0, 8).Draw(t, "pieces") {
			if k := rapid.IntRange(0, len(pairs)).Draw(t, "piece"); k < len(pairs) {
				texts[0] += pairs[k][0]
				texts[1] += pairs[k][1]
			} else {
				literal := rapid.StringMatching(`[abc]{0,2}`).Draw(t, "literal")
				texts[0] += literal
				texts[1] += literal
			}
		}
		if rapid.Bool().Draw(t, "miss") {
			at := rapid.IntRange(0, len(texts[1])).Draw(t, "at")
			texts[1] = texts[1][:at] + word.Draw(t, "extra") + texts[1][at:]
		}
		id, err := newIdentities([]Side{
			{Template: &Template{}, Identity: []string{pairs[0][0], pairs[1][0], pairs[2][0]}},
			{Template: &Template{}, Identity: []string{pairs[0][1], pairs[1][1], pairs[2][1]}},
		})
		require.NoError(t, err)
		require.Equal(t, plainlyConsumable(texts[0], texts[1], pairs), id.consumable([]int{0, 1}, texts[:]))
	})
}
