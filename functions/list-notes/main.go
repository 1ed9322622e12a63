// Command list-notes is the Lambda function behind GET /notes. It answers 200
// with {"notes": […], "next": "…"}: a page of notes, and what ?next= must be for
// the page behind it. Behind the last page there is no next.
package main

import (
	"context"

	"github.com/roadshow-go/roadshow/functions/internal/notes"
	"github.com/roadshow-go/roadshow/functions/list-notes/links"
)

func main() {
	place := notes.Place{Table: links.Notes.Table(), DAXEndpoint: links.Notes.DAXEndpoint()}
	notes.Serve(place, list)
}

func list(ctx context.Context, store *notes.Store, request notes.Request) (notes.Response, error) {
	page, next, err := store.List(ctx, request.QueryStringParameters["next"])
	if err != nil {
		return notes.Response{}, err
	}
	return notes.JSON(200, struct {
		Notes []notes.Note `json:"notes"`
		Next  string       `json:"next,omitempty"`
	}{page, next})
}
