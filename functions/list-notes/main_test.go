package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/functions/internal/notes"
	"github.com/roadshow-go/roadshow/functions/internal/notes/notestest"
)

func TestNotesAreListedPageByPage(t *testing.T) {
	store := notes.NewStore(&notestest.Table{}, "notes")
	ask := func(next string) notes.Response {
		return notes.Answer(t.Context(), list, store, notes.Request{QueryStringParameters: map[string]string{"next": next}})
	}
	assert.JSONEq(t, `{"notes":[]}`, ask("").Body)

	for i := range notes.PageSize + 1 {
		require.NoError(t, store.Put(t.Context(), notes.Note{ID: fmt.Sprintf("%02d", i), Text: "x", CreatedAt: time.Unix(0, 0)}))
	}
	var page struct {
		Notes []notes.Note
		Next  string
	}
	r := ask("")
	require.Equal(t, 200, r.StatusCode)
	require.NoError(t, json.Unmarshal([]byte(r.Body), &page))
	assert.Len(t, page.Notes, notes.PageSize)
	require.NotEmpty(t, page.Next)
	assert.JSONEq(t, `{"notes":[{"id":"25","text":"x","createdAt":"1970-01-01T00:00:00Z"}]}`, ask(page.Next).Body)
	assert.Equal(t, 400, ask("???").StatusCode)
}
