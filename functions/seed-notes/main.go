// Command seed-notes is a Lambda function that is invoked by hand, in stages
// where people try things out. It writes a few sample notes, always the same
// ones under the same IDs, so that invoking it again changes nothing.
package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/roadshow-go/roadshow/functions/internal/notes"
	"github.com/roadshow-go/roadshow/functions/seed-notes/links"
)

// samples have fixed IDs and times: they are what makes a second run harmless.
var samples = []notes.Note{
	{ID: "sample-1", Text: "Every stage runs the same show.", CreatedAt: time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)},
	{ID: "sample-2", Text: "Zwölf Boxkämpfer jagen Viktor quer über den Sylter Deich.", CreatedAt: time.Date(2026, 1, 1, 9, 1, 0, 0, time.UTC)},
	{ID: "sample-3", Text: "A note may have\nmore than one line.", CreatedAt: time.Date(2026, 1, 1, 9, 2, 0, 0, time.UTC)},
}

// result is what the one who invokes the function sees.
type result struct {
	Written int `json:"written"` // notes, new or written again
}

func main() {
	// No stage that has this function has DAX: its links do not know it.
	store := notes.Start(notes.Place{Table: links.Notes.Table()})
	lambda.Start(func(ctx context.Context) (result, error) { return seed(ctx, store) })
}

func seed(ctx context.Context, store *notes.Store) (result, error) {
	ctx, cancel := notes.Limit(ctx)
	defer cancel()
	for i, n := range samples {
		if err := store.Put(ctx, n); err != nil {
			slog.ErrorContext(ctx, "seed", "written", i, "error", err.Error())
			return result{Written: i}, err
		}
	}
	slog.InfoContext(ctx, "seed", "written", len(samples))
	return result{Written: len(samples)}, nil
}
