package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/functions/internal/notes"
	"github.com/roadshow-go/roadshow/functions/internal/notes/notestest"
)

func TestANoteIsAnsweredByItsIDAndAnUnknownOneIsA404(t *testing.T) {
	store := notes.NewStore(&notestest.Table{}, "notes")
	require.NoError(t, store.Put(t.Context(), notes.Note{ID: "N1", Text: "hello", CreatedAt: time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)}))
	ask := func(parameters map[string]string) notes.Response {
		return notes.Answer(t.Context(), get, store, notes.Request{PathParameters: parameters})
	}

	r := ask(map[string]string{"id": "N1"})
	assert.Equal(t, 200, r.StatusCode)
	assert.JSONEq(t, `{"id":"N1","text":"hello","createdAt":"2026-07-01T10:00:00Z"}`, r.Body)
	for _, parameters := range []map[string]string{{"id": "N2"}, {"id": ""}, nil} {
		r = ask(parameters)
		assert.Equal(t, 404, r.StatusCode)
		assert.JSONEq(t, `{"message":"there is no such note"}`, r.Body)
	}
}
