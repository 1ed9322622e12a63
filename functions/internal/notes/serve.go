package notes

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

const (
	// MaxBody is the longest request body that is read, in bytes: room for the
	// longest note, with every character escaped, and its JSON.
	MaxBody = 128 << 10

	// patience is how long the table may take to answer. Whoever waits for an
	// API has lost theirs before.
	patience = 5 * time.Second

	// farewell is kept of Lambda's own timeout, to log and to answer. A function
	// that Lambda stops does neither.
	farewell = 250 * time.Millisecond
)

// Request and Response are those of an HTTP API, payload version 2.0.
type (
	Request  = events.APIGatewayV2HTTPRequest
	Response = events.APIGatewayV2HTTPResponse
)

// Handler answers a request. A *Problem becomes its status and message,
// ErrNotFound a 404, and any other error a 500 that says nothing: the error
// itself is in the log.
type Handler func(ctx context.Context, store *Store, request Request) (Response, error)

// Serve is the main function of a function behind the HTTP API: it opens the
// store once and answers requests until Lambda ends the process. If the store
// cannot be opened it logs why and exits with status 1.
func Serve(place Place, h Handler) {
	store := Start(place)
	lambda.Start(func(ctx context.Context, request Request) (Response, error) {
		return Answer(ctx, h, store, request), nil
	})
}

// Start sets up the log, one JSON object a line, and opens the store. If that
// fails it logs why and exits with status 1.
func Start(place Place) *Store {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	store, err := Open(context.Background(), place)
	if err != nil {
		slog.Error("cannot start", "error", err.Error())
		os.Exit(1)
	}
	return store
}

// Answer runs a handler under its time limit, makes a response of its error and
// logs a line.
func Answer(ctx context.Context, h Handler, store *Store, request Request) Response {
	start := time.Now()
	limited, cancel := Limit(ctx)
	defer cancel()
	response, err := h(limited, store, request)

	var problem *Problem
	switch {
	case err == nil:
	case errors.As(err, &problem):
		response = failure(problem.Status, problem.Message)
	case errors.Is(err, ErrNotFound):
		response = failure(404, "there is no such note")
	case limited.Err() != nil: // not errors.Is: DAX's errors wrap nothing
		response = failure(503, "the notes did not answer in time; try again")
	default:
		response = failure(500, "something went wrong here; it was logged")
	}

	level := slog.LevelInfo
	attributes := []slog.Attr{
		slog.String("route", request.RouteKey),
		slog.Int("status", response.StatusCode),
		slog.Int64("milliseconds", time.Since(start).Milliseconds()),
	}
	if id := request.RequestContext.RequestID; id != "" {
		attributes = append(attributes, slog.String("apiRequestId", id))
	}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		attributes = append(attributes, slog.String("requestId", lc.AwsRequestID))
	}
	if err != nil {
		attributes = append(attributes, slog.String("error", err.Error()))
		if response.StatusCode >= 500 {
			level = slog.LevelError
		}
	}
	slog.LogAttrs(ctx, level, "request", attributes...)
	return response
}

// Limit gives a context that ends after five seconds, and in any case a quarter
// of a second before Lambda ends the function.
func Limit(ctx context.Context) (context.Context, context.CancelFunc) {
	end := time.Now().Add(patience)
	if d, ok := ctx.Deadline(); ok && d.Add(-farewell).Before(end) {
		end = d.Add(-farewell)
	}
	return context.WithDeadline(ctx, end)
}

// JSON makes a response of what json.Marshal takes. It gives an error if it does
// not take it.
func JSON(status int, body any) (Response, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return Response{}, fmt.Errorf("response: %w", err)
	}
	return Response{
		StatusCode: status,
		Headers:    map[string]string{"content-type": "application/json", "cache-control": "no-store"},
		Body:       string(text),
	}, nil
}

func failure(status int, message string) Response {
	r, _ := JSON(status, struct {
		Message string `json:"message"`
	}{message}) // a string never fails
	return r
}

// ReadJSON reads the request's body, one JSON object and nothing else, into the
// struct that into points to. It gives a *Problem if the body is too long, is
// not that, or has a field that the struct has not.
func ReadJSON(request Request, into any) error {
	body := request.Body
	if request.IsBase64Encoded {
		if base64.StdEncoding.DecodedLen(len(body)) > MaxBody+3 {
			return tooLong()
		}
		decoded, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return &Problem{Status: 400, Message: "the body is not base64 as announced"}
		}
		body = string(decoded)
	}
	if len(body) > MaxBody {
		return tooLong()
	}
	const want = "want one JSON object"
	switch {
	case strings.TrimSpace(body) == "":
		return &Problem{Status: 400, Message: "the body is empty, " + want}
	case !utf8.ValidString(body):
		return &Problem{Status: 400, Message: "the body is not UTF-8, " + want}
	case !strings.HasPrefix(strings.TrimLeft(body, " \t\r\n"), "{"):
		return &Problem{Status: 400, Message: "the body is not a JSON object, " + want}
	}
	d := json.NewDecoder(strings.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return &Problem{Status: 400, Message: "the body does not fit, " + want + ": " + plain(err)}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return &Problem{Status: 400, Message: "the body goes on behind its object, " + want}
	}
	return nil
}

func tooLong() error {
	return &Problem{Status: 413, Message: fmt.Sprintf("the body is too long, want at most %d bytes", MaxBody)}
}

// plain says what encoding/json found, without the names of Go.
func plain(err error) string {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Sprintf("%s is of type %s", kind.Field, kind.Value)
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}
