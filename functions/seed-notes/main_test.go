package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/functions/internal/notes"
	"github.com/roadshow-go/roadshow/functions/internal/notes/notestest"
)

func TestSeedingTwiceIsSeedingOnce(t *testing.T) {
	table := &notestest.Table{}
	store := notes.NewStore(table, "notes")
	var lists [][]notes.Note
	for range 2 {
		r, err := seed(t.Context(), store)
		require.NoError(t, err)
		assert.Equal(t, result{Written: len(samples)}, r)
		page, _, err := store.List(t.Context(), "")
		require.NoError(t, err)
		lists = append(lists, page)
	}
	assert.Equal(t, samples, lists[0])
	assert.Equal(t, lists[0], lists[1])
}

func TestATableThatRefusesIsAnErrorOfTheInvocation(t *testing.T) {
	cause := errors.New("AccessDeniedException")
	_, err := seed(t.Context(), notes.NewStore(&notestest.Table{Err: cause}, "notes"))
	assert.ErrorIs(t, err, cause)
}
