package rehearsaltest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
)

// API is an HTTP API of a stage, or the URL of a function.
type API struct {
	s *Stage
	// URL is where it is served on this machine, without a slash at its end.
	URL string
}

// API is the HTTP API with an id, or the URL of the function with that id.
func (s *Stage) API(id string) *API {
	s.w.t.Helper()
	summaries, err := s.w.world.Summarize(s.w.all)
	if err != nil {
		s.w.t.Fatal(err)
	}
	for _, one := range summaries {
		for _, api := range one.APIs {
			if one.Stage == s.name && api.ID == id {
				return &API{s, api.URL}
			}
		}
	}
	s.w.t.Fatalf("rehearsaltest: Stage %s serves no HTTP API %q, and no function %q with a URL.", s.name, id, id)
	return nil
}

// Response is an answer, read whole.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	api    *API
}

// Into reads the answer's JSON; an answer of an error, of 400 and above, fails the test.
func (r *Response) Into(value any) {
	t := r.api.s.w.t
	t.Helper()
	if r.Status >= http.StatusBadRequest {
		t.Fatalf("rehearsaltest: The answer is %d: %s", r.Status, r.Body)
	}
	if err := json.Unmarshal(r.Body, value); err != nil {
		t.Fatalf("rehearsaltest: The answer is no JSON (%v): %s", err, r.Body)
	}
}

// Get asks for a path.
func (a *API) Get(path string) *Response {
	a.s.w.t.Helper()
	return a.Do(http.MethodGet, path, nil, nil)
}

// Post sends a body: text and bytes as they are, everything else as JSON.
func (a *API) Post(path string, body any) *Response {
	a.s.w.t.Helper()
	return a.Do(http.MethodPost, path, body, nil)
}

// Do sends a request of any method, with headers or nil. The body is as that of [API.Post]; nil is none.
// Its content type is application/json where the headers name none.
func (a *API) Do(method, path string, body any, header http.Header) *Response {
	t := a.s.w.t
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, bytes.NewReader(encode(a.s.w, body)))
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, values := range header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &Response{Status: answer.StatusCode, Header: answer.Header, Body: content, api: a}
}

// encode is a body or an event as it is sent.
func encode(w *World, value any) []byte {
	w.t.Helper()
	switch text := value.(type) {
	case nil:
		return nil
	case string:
		return []byte(text)
	case []byte:
		return text
	}
	content, err := json.Marshal(value)
	if err != nil {
		w.t.Fatal(err)
	}
	return content
}
