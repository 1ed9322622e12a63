package rehearsal

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/roadshow-go/roadshow/rehearsal/internal/execution"
)

// invoke runs a function. What the function does wrong is part of a good answer.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func invoke(r *request, w http.ResponseWriter) (any, error) {
	reference := r.function("FunctionName")
	if err := r.reachable(reference); err != nil {
		return nil, err
	}
	named, err := r.store.resolve(reference, rand.Float64())
	if err != nil {
		return nil, err
	}
	kind := orElse(r.http.Header.Get("X-Amz-Invocation-Type"), "RequestResponse")
	limit, known := map[string]int{"RequestResponse": execution.RequestLimit, "Event": execution.EventLimit, "DryRun": execution.RequestLimit}[kind]
	payload := r.body
	switch {
	case !known:
		return nil, invalidParameter("Value '%s' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]", kind)
	case len(payload) > limit:
		// The words are those that people report, as in
		// https://github.com/aws/aws-cdk/issues/24895.
		return nil, refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "%d byte payload is too large for the %s invocation type (limit %d bytes)", len(payload), kind, limit)
	case len(payload) == 0:
		payload = []byte("{}")
	case !json.Valid(payload):
		return nil, refuse(http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json: Could not parse payload into json")
	}
	if kind == "DryRun" {
		w.WriteHeader(http.StatusNoContent)
		return nil, nil
	}
	in := execution.Invocation{Payload: payload, RequestID: w.Header().Get("X-Amzn-Requestid"), TraceID: r.http.Header.Get("X-Amzn-Trace-Id")}
	if encoded := r.http.Header.Get("X-Amz-Client-Context"); encoded != "" {
		client, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || !json.Valid(client) {
			return nil, refuse(http.StatusBadRequest, "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.")
		}
		in.ClientContext = string(client)
	}
	if kind == "Event" {
		if _, err := r.server.runner.prepareOrRefuse(&named); err != nil {
			return nil, err
		}
		r.server.runner.later(named, in)
		w.WriteHeader(http.StatusAccepted)
		return nil, nil
	}
	// A function may call this endpoint while its own caller waits: nobody who saves or loads waits
	// for both.
	r.store.working.RUnlock()
	result, err := r.server.runner.invoke(r.http.Context(), &named, in)
	r.store.working.RLock()
	if err != nil {
		return nil, throttled(w, err)
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("X-Amz-Executed-Version", named.version)
	if result.FunctionError != "" {
		header.Set("X-Amz-Function-Error", result.FunctionError)
	}
	if r.http.Header.Get("X-Amz-Log-Type") == "Tail" {
		header.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(result.LogTail))
	}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(result.Payload)
	return nil, nil
}

// throttled writes the answer of a function that may not run now, whose reason is a member of its
// own; other errors it returns.
func throttled(w http.ResponseWriter, err error) error {
	var throttle *execution.ThrottleError
	if !errors.As(err, &throttle) {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
	writeJSON(w, http.StatusTooManyRequests, object{"Reason": throttle.Reason, "Type": "User", "message": throttle.Error()})
	return nil
}

// prepareOrRefuse is prepare for a request: a function that cannot run here is none of AWS's
// refusals.
func (r *runner) prepareOrRefuse(d *deployed) (*execution.Function, error) {
	f, err := r.prepare(d)
	if err != nil {
		return nil, refuse(http.StatusNotImplemented, "NotImplemented", "the rehearsal cannot run function %s: %v", d.function.Name, err)
	}
	return f, nil
}

// invoke runs a version and waits for its answer. Nobody holds a lock of the store meanwhile.
func (r *runner) invoke(ctx context.Context, d *deployed, in execution.Invocation) (execution.Result, error) {
	f, err := r.prepareOrRefuse(d)
	if err != nil {
		return execution.Result{}, err
	}
	in.ARN = d.qualified()
	result, err := r.host.Invoke(ctx, f, in)
	if errors.Is(err, execution.ErrClosed) || errors.Is(err, context.Canceled) {
		return result, refuse(http.StatusServiceUnavailable, "ServiceException", "the invocation was broken off: %v", err)
	}
	return result, err
}

// later runs a version for a caller that does not wait. It is tried once. What goes wrong with it here is
// a line of the function's log: nobody else is told.
func (r *runner) later(d deployed, in execution.Invocation) {
	r.events.Go(func() {
		defer func() {
			if fault := recover(); fault != nil {
				r.say(&d, in.RequestID, fmt.Sprintf("the rehearsal failed: %v", fault))
			}
		}()
		if _, err := r.invoke(r.ctx, &d, in); err != nil && r.ctx.Err() == nil {
			r.say(&d, in.RequestID, err.Error())
		}
	})
}

// say writes a line of the rehearsal's own into a function's log.
func (r *runner) say(d *deployed, requestID, text string) {
	r.log(execution.Line{
		Time: time.Now(), Function: &execution.Function{ARN: d.arn(), Name: d.name, Version: d.version, LogGroup: logGroupOf(&d.function)},
		Stream: "rehearsal", RequestID: requestID, Text: text, Platform: true,
	})
}
