package execution

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os/exec"
	"sync"
	"time"

	"github.com/roadshow-go/roadshow/internal/child"
)

// environment is one process and the Runtime API that it talks to.
type environment struct {
	host     *Host
	function *Function
	started  time.Time
	expiry   *time.Timer // while it is idle; under the host's lock
	log      log

	server *http.Server
	kill   context.CancelFunc
	ready  chan struct{}    // closed when the process asks for its first invocation
	next   chan *invocation // handed over to the process
	exited chan struct{}    // closed when the process has ended
	exit   error            // why, then

	mu        sync.Mutex
	isReady   bool
	initError *failure    // that the process has told
	current   *invocation // that the process has
}

// invocation is one under way.
type invocation struct {
	Invocation
	function *Function
	deadline time.Time
	cold     bool
	init     initialization

	// Under the environment's lock.
	answered bool
	payload  []byte
	failure  *failure
	done     chan struct{} // closed when the process, having answered, asks for the next one
}

// initialization is how the start of an environment went.
type initialization struct {
	duration time.Duration
	failure  *failure
}

// failure is what Lambda answers instead of the function. Its payload is an object of errorType and
// errorMessage.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-retries.html
type failure struct {
	errorType, message string
	body               []byte // that the function has told itself
	status             string // in reports
	fatal              bool   // the environment has ended, or must
}

// payload is the answer to the caller.
func (f *failure) payload(requestID string) []byte {
	if f.body != nil {
		return f.body
	}
	text := f.message
	if f.errorType != "Function.ResponseSizeTooLarge" {
		text = "RequestId: " + requestID + " Error: " + text
	}
	body, _ := json.Marshal(map[string]string{"errorType": f.errorType, "errorMessage": text})
	return body
}

// start starts the process of an environment. What stands in its way is a failure of its
// initialization.
func (h *Host) start(f *Function) *environment {
	ctx, kill := context.WithCancel(h.ctx)
	e := &environment{
		host: h, function: f, started: time.Now(), kill: kill,
		ready: make(chan struct{}), next: make(chan *invocation, 1), exited: make(chan struct{}),
	}
	if err := e.launch(ctx); err != nil {
		kill()
		e.exit = err
		close(e.exited)
	}
	return e
}

// launch starts the Runtime API and the process.
func (e *environment) launch(ctx context.Context) error {
	if err := e.log.open(e); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.log.close()
		return err
	}
	e.server = &http.Server{Handler: e.api()}
	process := exec.CommandContext(ctx, e.function.Program.Path, e.function.Program.Args...)
	process.Dir = e.function.Program.Dir
	process.Env = e.variables(listener.Addr().String())
	process.Stdout, process.Stderr = e.log.write, e.log.write
	process.WaitDelay = time.Millisecond // Lambda gives a function without extensions no time to end
	e.host.work.Go(func() { _ = e.server.Serve(listener) })
	e.host.work.Go(func() {
		e.exit = child.Run(process)
		e.log.sync()
		e.log.close()
		_ = e.server.Close()
		close(e.exited)
	})
	return nil
}

// end ends the process and waits until it has ended.
func (e *environment) end() {
	e.kill()
	<-e.exited
}

func (e *environment) hasExited() bool {
	select {
	case <-e.exited:
		return true
	default:
		return false
	}
}

// initialize waits until the process asks for its first invocation.
func (e *environment) initialize(limit time.Duration) initialization {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	var fault *failure
	select {
	case <-e.ready:
	case <-e.exited:
		fault = e.exitFailure()
	case <-timer.C:
		fault = &failure{errorType: "Sandbox.Timedout", message: timedOut(limit), status: "timeout", fatal: true}
	}
	return initialization{duration: min(time.Since(e.started), limit), failure: fault}
}

// exitFailure says why the process has ended, in Lambda's words.
func (e *environment) exitFailure() *failure {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.initError != nil {
		return e.initError
	}
	var exit *exec.ExitError
	switch {
	case e.exit == nil:
		return &failure{errorType: "Runtime.ExitError", message: "Runtime exited without providing a reason", status: "error", fatal: true}
	case errors.As(e.exit, &exit):
		return &failure{errorType: "Runtime.ExitError", message: "Runtime exited with error: " + exit.ProcessState.String(), status: "error", fatal: true}
	default:
		return &failure{errorType: "Runtime.InvalidEntrypoint", message: e.exit.Error(), status: "error", fatal: true}
	}
}

// serve hands an invocation to the process and waits for its end, which is that the process asks
// for the next one.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html
func (e *environment) serve(in *invocation) *failure {
	timer := time.NewTimer(time.Until(in.deadline))
	defer timer.Stop()
	e.mu.Lock()
	e.current = in
	e.mu.Unlock()
	e.next <- in
	select {
	case <-in.done:
		return in.failure
	case <-e.exited:
	case <-timer.C:
		return &failure{errorType: "Sandbox.Timedout", message: timedOut(in.function.Timeout), status: "timeout", fatal: true}
	}
	e.mu.Lock()
	told := in.failure
	answered := in.answered
	e.mu.Unlock()
	switch {
	case told != nil: // a panic of a Go function: it tells the error, then exits
		fatal := *told
		fatal.fatal = true
		return &fatal
	case answered: // it has answered, and ended before it asked again
		return nil
	}
	return e.exitFailure()
}
