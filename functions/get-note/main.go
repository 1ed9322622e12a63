// Command get-note is the Lambda function behind GET /notes/{id}. It answers
// 200 with the note, or 404.
package main

import (
	"context"

	"github.com/roadshow-go/roadshow/functions/get-note/links"
	"github.com/roadshow-go/roadshow/functions/internal/notes"
)

func main() {
	place := notes.Place{Table: links.Notes.Table(), DAXEndpoint: links.Notes.DAXEndpoint()}
	notes.Serve(place, get)
}

func get(ctx context.Context, store *notes.Store, request notes.Request) (notes.Response, error) {
	note, err := store.Get(ctx, request.PathParameters["id"])
	if err != nil {
		return notes.Response{}, err
	}
	return notes.JSON(200, note)
}
