// Command create-note is the Lambda function behind POST /notes. It takes
// {"text": "…"} and answers 201 with the note.
package main

import (
	"context"
	"time"

	"github.com/roadshow-go/roadshow/functions/create-note/links"
	"github.com/roadshow-go/roadshow/functions/internal/notes"
)

func main() {
	place := notes.Place{Table: links.Notes.Table(), DAXEndpoint: links.Notes.DAXEndpoint()}
	notes.Serve(place, create)
}

func create(ctx context.Context, store *notes.Store, request notes.Request) (notes.Response, error) {
	var body struct {
		Text string `json:"text"`
	}
	if err := notes.ReadJSON(request, &body); err != nil {
		return notes.Response{}, err
	}
	note, err := notes.New(body.Text, time.Now())
	if err != nil {
		return notes.Response{}, err
	}
	if err := store.Put(ctx, note); err != nil {
		return notes.Response{}, err
	}
	response, err := notes.JSON(201, note)
	if err == nil {
		response.Headers["location"] = "/notes/" + note.ID
	}
	return response, err
}
