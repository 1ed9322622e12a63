package execution

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// api is the Runtime API. The words of its refusals are those of AWS's runtime interface emulator.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func (e *environment) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.giveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", e.takeResponse)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", e.takeError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", e.takeInitError)
	return mux
}

// giveNext ends the invocation that was answered, and waits for the next one.
func (e *environment) giveNext(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	if last := e.current; last != nil {
		if !last.answered {
			e.mu.Unlock()
			refuse(w, http.StatusForbidden, "InvalidStateTransition", "Transition from RuntimeRunning to Ready is not allowed: the invocation was not answered")
			return
		}
		e.current = nil
		close(last.done)
	}
	if !e.isReady {
		e.isReady = true
		close(e.ready)
	}
	e.mu.Unlock()
	select {
	case in := <-e.next:
		header := w.Header()
		header.Set("Content-Type", "application/json")
		header.Set("Lambda-Runtime-Aws-Request-Id", in.RequestID)
		header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(in.deadline.UnixMilli(), 10))
		header.Set("Lambda-Runtime-Invoked-Function-Arn", in.ARN)
		header.Set("Lambda-Runtime-Trace-Id", in.TraceID)
		if in.ClientContext != "" {
			header.Set("Lambda-Runtime-Client-Context", in.ClientContext)
		}
		_, _ = w.Write(in.Payload)
	case <-r.Context().Done():
	case <-e.exited:
	}
}

// answering is the invocation that an answer is for. It is called with the lock held.
func (e *environment) answering(w http.ResponseWriter, r *http.Request) *invocation {
	in := e.current
	if in == nil || in.RequestID != r.PathValue("id") || in.answered {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return nil
	}
	return in
}

// takeResponse takes the function's answer.
func (e *environment) takeResponse(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, responseLimit))
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		return // the process is gone
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	in := e.answering(w, r)
	if in == nil {
		return
	}
	in.answered = true
	if errorType := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); tooLarge == nil && errorType != "" {
		in.failure = brokenOff(errorType, r.Trailer.Get("Lambda-Runtime-Function-Error-Body"))
	}
	if tooLarge != nil {
		message := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", responseLimit)
		if r.ContentLength > 0 {
			message = fmt.Sprintf("Response payload size (%d bytes) exceeded maximum allowed payload size (%d bytes).", r.ContentLength, responseLimit)
		}
		in.failure = &failure{errorType: "Function.ResponseSizeTooLarge", message: message, status: "error"}
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", responseLimit))
		return
	}
	in.payload = payload
	accept(w)
}

// brokenOff is the error of a handler whose answer broke off, which its client tells behind the
// body.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
func brokenOff(errorType, encoded string) *failure {
	broken := &failure{errorType: errorType, message: "the answer broke off", status: "error"}
	if body, err := base64.StdEncoding.DecodeString(encoded); err == nil && json.Valid(body) {
		broken.body = body
	}
	return broken
}

// takeError takes the error of a handler. The environment serves on, unless it exits.
func (e *environment) takeError(w http.ResponseWriter, r *http.Request) {
	told, ok := readFailure(w, r)
	if !ok {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if in := e.answering(w, r); in != nil {
		in.answered, in.failure = true, told
		accept(w)
	}
}

// takeInitError takes the error of a start.
func (e *environment) takeInitError(w http.ResponseWriter, r *http.Request) {
	told, ok := readFailure(w, r)
	if !ok {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.isReady {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "Transition from Ready to InitError is not allowed")
		return
	}
	told.fatal = true
	e.initError = told
	accept(w)
}

// readFailure reads an error as a runtime tells it: a JSON object of errorType, errorMessage and
// stackTrace.
func readFailure(w http.ResponseWriter, r *http.Request) (*failure, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, responseLimit))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("Exceeded maximum allowed payload size (%d bytes).", responseLimit))
		return nil, false
	}
	var told struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	_ = json.Unmarshal(body, &told) // what is no JSON is passed on as it is
	if header := r.Header.Get("Lambda-Runtime-Function-Error-Type"); header != "" {
		told.Type = header
	}
	return &failure{errorType: told.Type, message: told.Message, body: body, status: "error"}, true
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`+"\n")
}

func refuse(w http.ResponseWriter, status int, errorType, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorMessage": message, "errorType": errorType})
}

// timedOut is what Lambda says of an invocation that took too long.
// https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
func timedOut(limit time.Duration) string {
	return fmt.Sprintf("Task timed out after %.2f seconds", limit.Seconds())
}
