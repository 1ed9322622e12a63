package execution

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// RequestLimit is the most that an invocation for which the caller waits may carry, in bytes.
	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	RequestLimit = 6 << 20

	// EventLimit is the most that an invocation for which nobody waits may carry, in bytes.
	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	EventLimit = 1 << 20

	// responseLimit is the most that a function may answer: Lambda lets a hundred bytes more pass
	// than its pages say.
	// https://github.com/aws/aws-lambda-runtime-interface-emulator/blob/develop/internal/lambda/interop/model.go
	responseLimit = RequestLimit + 100

	// initLimit is how long an environment may take to ask for its first invocation; then it is
	// started once more, as part of the invocation.
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
	initLimit = 10 * time.Second

	// idleTime is how long an environment waits for its next invocation. Lambda says no number.
	idleTime = 5 * time.Minute

	// lifetime is after how long an environment is replaced, idle or not, "every few hours".
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
	lifetime = 2 * time.Hour
)

// CredentialsLifetime is how long the credentials of an environment must be valid: its lifetime and
// the longest invocation.
const CredentialsLifetime = lifetime + 15*time.Minute

// Config says what the environments of a host have around them. The zero value is that of functions
// that call nobody.
type Config struct {
	// Endpoint is the URL of all of AWS's services, for AWS_ENDPOINT_URL. Default: none is set.
	Endpoint string

	// Credentials gives a new environment the credentials of its function's role. Default: none are
	// set.
	Credentials func(*Function) Credentials

	// Log is handed each line that a function, or Lambda about it, logs, in the order of each
	// environment. It is called by several goroutines, and holds the function up until it returns.
	// Default: lines go nowhere.
	Log func(Line)

	// Idle is how long an environment waits for an invocation before it ends. Default: 5 minutes.
	Idle time.Duration
}

// Credentials are those of a session of a role.
type Credentials struct{ AccessKeyID, SecretAccessKey, SessionToken string }

// Function is one version of a function, as it was deployed.
type Function struct {
	// ARN is the function's without a qualifier, Name its name, Version "$LATEST" or a number.
	ARN, Name, Version string
	// Revision changes with the function's code or configuration: environments of another revision
	// are not used.
	Revision string
	// Region, Runtime and Handler are as in the function's configuration, Role is the ARN of its
	// execution role.
	Region, Runtime, Handler, Role string
	// MemoryMB is shown to the function and in its reports; it is not enforced.
	MemoryMB int
	// Timeout is how long an invocation may take.
	Timeout time.Duration
	// Variables are those of the deployment.
	Variables map[string]string
	// LogGroup is the name of the log group; JSON says that Lambda's own lines are JSON.
	// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
	LogGroup string
	JSON     bool
	// Program is what is started.
	Program Program
	// Concurrency is the count of invocations that may run at once.
	Concurrency Concurrency
}

// Concurrency limits the invocations of all functions that share a Pool: those of one function that
// reserves its own, or those of all others of an account.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
type Concurrency struct {
	Pool     string
	Limit    int
	Reserved bool
}

// Invocation is one request to a function.
type Invocation struct {
	// Payload is the event, a JSON document of at most [RequestLimit] bytes.
	Payload []byte
	// ARN is the one the caller has named, with a version or an alias. Default: the function's.
	ARN string
	// TraceID is the header of X-Ray, ClientContext the JSON that the caller has sent along.
	// Default: a new trace that is not sampled, and none.
	TraceID, ClientContext string
	// RequestID identifies the request. Default: a new one.
	RequestID string
}

// Result is what an invocation came to.
type Result struct {
	RequestID string
	// Payload is the function's answer, or a JSON object of errorType and errorMessage where
	// FunctionError is not empty. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
	Payload       []byte
	FunctionError string
	// LogTail is the end of the invocation's log, at most 4 KB.
	LogTail []byte
	// Cold tells that an environment was started for it.
	Cold bool
}

// ThrottleError says that as many invocations run as may.
type ThrottleError struct {
	// Reason is Lambda's, such as "ReservedFunctionConcurrentInvocationLimitExceeded".
	// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
	Reason string
}

func (e *ThrottleError) Error() string { return "Rate Exceeded." }

// ErrClosed says that the host has ended.
var ErrClosed = errors.New("the host of the functions is closed")

// Host runs functions.
type Host struct {
	config Config
	ctx    context.Context // of the processes
	stop   context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex
	closed bool
	busy   map[string]int            // invocations by pool of concurrency
	idle   map[string][]*environment // by function and version; the last one was used last
}

// New makes a host without environments. Whoever made it closes it.
func New(config Config) *Host {
	if config.Idle == 0 {
		config.Idle = idleTime
	}
	if config.Log == nil {
		config.Log = func(Line) {}
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Host{config: config, ctx: ctx, stop: stop, busy: map[string]int{}, idle: map[string][]*environment{}}
}

// Close ends all environments, and returns when each process has ended and nothing is logged any
// more. Invocations under way fail.
func (h *Host) Close() {
	h.mu.Lock()
	h.closed = true
	for _, environments := range h.idle {
		for _, e := range environments {
			e.expiry.Stop()
		}
	}
	h.mu.Unlock()
	h.stop()
	h.work.Wait()
}

// Invoke runs a function once. Its own failures are part of the result; the error is a
// [*ThrottleError], [ErrClosed] or that of ctx. A caller that goes away does not end the
// invocation, as with Lambda.
func (h *Host) Invoke(ctx context.Context, f *Function, request Invocation) (Result, error) {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return Result{}, ErrClosed
	}
	if h.busy[f.Concurrency.Pool] >= f.Concurrency.Limit {
		h.mu.Unlock()
		if f.Concurrency.Reserved {
			return Result{}, &ThrottleError{Reason: "ReservedFunctionConcurrentInvocationLimitExceeded"}
		}
		return Result{}, &ThrottleError{Reason: "ConcurrentInvocationLimitExceeded"}
	}
	h.busy[f.Concurrency.Pool]++
	done := make(chan Result, 1)
	h.work.Go(func() {
		result := h.run(f, request)
		h.mu.Lock()
		h.busy[f.Concurrency.Pool]--
		h.mu.Unlock()
		done <- result
	})
	h.mu.Unlock()
	select {
	case result := <-done:
		if h.ctx.Err() != nil {
			return Result{}, ErrClosed
		}
		return result, nil
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// run has an invocation served by an idle environment, or by a new one.
func (h *Host) run(f *Function, request Invocation) Result {
	in := &invocation{Invocation: request, function: f, done: make(chan struct{})}
	if in.RequestID == "" {
		in.RequestID = newID()
	}
	if in.ARN == "" {
		in.ARN = f.ARN
	}
	if in.TraceID == "" {
		in.TraceID = newTraceID(time.Now())
	}
	e := h.take(f)
	in.cold = e == nil
	if in.cold {
		e = h.start(f)
		in.init = e.initialize(initLimit)
		if in.init.failure != nil {
			e.log.initReport("init", in.init)
			e.end()
			e = h.start(f)
		}
	}
	begun := time.Now()
	in.deadline = begun.Add(f.Timeout)
	e.log.begin(in)
	failure := in.init.failure
	if failure != nil { // Lambda starts the environment once more, on the time of the invocation
		again := e.initialize(f.Timeout)
		if failure = again.failure; failure != nil {
			e.log.initReport("invoke", again)
		}
	}
	if failure == nil {
		failure = e.serve(in)
	}
	duration := min(time.Since(begun), f.Timeout)
	fatal := failure != nil && failure.fatal
	if fatal {
		e.end()
	} else {
		e.log.sync()
	}
	tail := e.log.finish(in, duration, failure)
	if !fatal {
		h.release(e)
	}
	result := Result{RequestID: in.RequestID, LogTail: tail, Cold: in.cold, Payload: in.payload}
	if failure != nil {
		result.FunctionError = "Unhandled"
		result.Payload = failure.payload(in.RequestID)
	}
	return result
}

// key tells versions of functions apart.
func (f *Function) key() string { return f.ARN + ":" + f.Version }

// take gives the idle environment that was used last, and ends those of other revisions.
func (h *Host) take(f *Function) *environment {
	h.mu.Lock()
	defer h.mu.Unlock()
	idle := h.idle[f.key()]
	for len(idle) > 0 {
		e := idle[len(idle)-1]
		idle = idle[:len(idle)-1]
		h.idle[f.key()] = idle
		if e.expiry.Stop() && e.function.Revision == f.Revision && !e.hasExited() {
			return e
		}
		h.work.Go(e.end)
	}
	return nil
}

// release makes an environment idle, unless it has lived long enough.
func (h *Host) release(e *environment) {
	h.mu.Lock()
	if h.closed || e.hasExited() || time.Since(e.started) > lifetime {
		h.mu.Unlock()
		e.end()
		return
	}
	defer h.mu.Unlock()
	key := e.function.key()
	h.idle[key] = append(h.idle[key], e)
	e.expiry = time.AfterFunc(h.config.Idle, func() { h.expire(e) })
}

// expire ends an environment that nobody needed.
func (h *Host) expire(e *environment) {
	h.mu.Lock()
	key := e.function.key()
	at := slices.Index(h.idle[key], e)
	if at < 0 || h.closed {
		h.mu.Unlock()
		return // it was taken, or ends with the host
	}
	h.idle[key] = slices.Delete(h.idle[key], at, at+1)
	h.work.Add(1)
	h.mu.Unlock()
	defer h.work.Done()
	e.end()
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

func newID() string {
	text := randomHex(16)
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// newTraceID is a header of X-Ray.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html
func newTraceID(now time.Time) string {
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", now.Unix(), randomHex(12), randomHex(8))
}
