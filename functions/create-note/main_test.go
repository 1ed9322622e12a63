package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/functions/internal/notes"
	"github.com/roadshow-go/roadshow/functions/internal/notes/notestest"
)

func TestACreatedNoteIsAnsweredAndKept(t *testing.T) {
	store := notes.NewStore(&notestest.Table{}, "notes")
	r := notes.Answer(t.Context(), create, store, notes.Request{Body: `{"text":" hello "}`})
	require.Equal(t, 201, r.StatusCode, r.Body)
	var n notes.Note
	require.NoError(t, json.Unmarshal([]byte(r.Body), &n))
	assert.Equal(t, "hello", n.Text)
	assert.Equal(t, "/notes/"+n.ID, r.Headers["location"])
	assert.WithinDuration(t, time.Now(), n.CreatedAt, time.Minute)
	kept, err := store.Get(t.Context(), n.ID)
	require.NoError(t, err)
	assert.Equal(t, n, kept)
}

func TestWhatIsNoNoteIsRefusedAndNothingIsKept(t *testing.T) {
	table := &notestest.Table{}
	for body, status := range map[string]int{
		"":                      400,
		"hello":                 400,
		`{"text":""}`:           400,
		`{"text":"x","id":"y"}`: 400,
		`{"text":"` + strings.Repeat("x", notes.MaxText+1) + `"}`: 400,
		`{"text":"` + strings.Repeat("x", notes.MaxBody) + `"}`:   413,
	} {
		r := notes.Answer(t.Context(), create, notes.NewStore(table, "notes"), notes.Request{Body: body})
		assert.Equal(t, status, r.StatusCode)
		assert.Contains(t, r.Body, "message")
	}
	assert.Zero(t, table.Len())
}
