package execution

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// built is the folder of the test's function.
var built string

// idleCount counts the environments that wait for an invocation.
func idleCount(h *Host) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	count := 0
	for _, environments := range h.idle {
		count += len(environments)
	}
	return count
}

func TestMain(m *testing.M) {
	if os.Getenv("EXECUTION_PARENT") != "" {
		parent()
		return
	}
	dir, err := os.MkdirTemp("", "execution")
	if err == nil {
		built = dir
		var output []byte
		if output, err = exec.Command("go", "build", "-tags", "lambda.norpc", "-o", filepath.Join(dir, "bootstrap"), "./testdata/handler").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w: %s", err, output)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// journal keeps the lines of a host.
type journal struct {
	mu    sync.Mutex
	lines []Line
}

func (j *journal) add(line Line) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) texts() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var texts []string
	for _, line := range j.lines {
		texts = append(texts, line.Text)
	}
	return texts
}

// aHost is a host that ends with the test.
func aHost(t *testing.T, config Config) (*Host, *journal) {
	t.Helper()
	j := &journal{}
	config.Log = j.add
	h := New(config)
	t.Cleanup(h.Close)
	return h, j
}

// aFunction is the test's function.
func aFunction() *Function {
	return &Function{
		ARN: "arn:aws:lambda:us-east-1:111111111111:function:create-note", Name: "create-note", Version: "$LATEST", Region: "us-east-1",
		Runtime: "provided.al2023", Handler: "bootstrap", MemoryMB: 128, Timeout: 20 * time.Second, LogGroup: "/aws/lambda/create-note",
		Program: Program{Path: filepath.Join(built, "bootstrap"), Dir: built}, Concurrency: Concurrency{Pool: "account", Limit: 10},
	}
}

type answer struct {
	PID                 int
	ID, ARN, Text       string
	Deadline            int64
	Trace, Client, Name string
	Environment         []string
}

func asking(do string, more ...any) Invocation {
	event := map[string]any{"Do": do}
	for i := 0; i < len(more); i += 2 {
		event[more[i].(string)] = more[i+1]
	}
	payload, _ := json.Marshal(event)
	return Invocation{Payload: payload}
}

// answered invokes a function that must succeed.
func answered(t *testing.T, h *Host, f *Function, in Invocation) (answer, Result) {
	t.Helper()
	result, err := h.Invoke(t.Context(), f, in)
	require.NoError(t, err)
	require.Empty(t, result.FunctionError, "%s", result.Payload)
	var got answer
	require.NoError(t, json.Unmarshal(result.Payload, &got))
	return got, result
}

// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-next
func TestAHandlerHasTheContextOfItsInvocation(t *testing.T) {
	h, _ := aHost(t, Config{})
	in := asking("context")
	in.RequestID, in.ARN = "8476a536-e9f4-11e8-9739-2dfe598c3fcd", aFunction().ARN+":live"
	in.TraceID = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"
	in.ClientContext = `{"client":{"app_title":"notes"}}`
	before := time.Now()
	got, result := answered(t, h, aFunction(), in)
	assert.Equal(t, in.RequestID, got.ID)
	assert.Equal(t, in.RequestID, result.RequestID)
	assert.Equal(t, in.ARN, got.ARN)
	assert.Equal(t, in.TraceID, got.Trace)
	assert.Equal(t, "notes", got.Client)
	assert.Equal(t, "create-note", got.Name)
	assert.WithinRange(t, time.UnixMilli(got.Deadline), before.Add(19*time.Second), time.Now().Add(20*time.Second))
}

// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func TestAnEnvironmentHasTheVariablesOfTheDeploymentAndThoseOfLambdaAndNoOthers(t *testing.T) {
	t.Setenv("PLANTED", "of the machine")
	h, _ := aHost(t, Config{Endpoint: "http://127.0.0.1:1", Credentials: func(f *Function) Credentials {
		return Credentials{"ASIA", "secret", "token of " + f.Role}
	}})
	f := aFunction()
	f.Role, f.JSON = "arn:aws:iam::111111111111:role/create-note", true
	f.Variables = map[string]string{"NOTES_TABLE": "dev-notes", "LANG": "de_DE.UTF-8", "AWS_REGION": "mars"}
	got, _ := answered(t, h, f, asking("environment"))
	found := map[string]string{}
	for _, variable := range got.Environment {
		name, value, _ := strings.Cut(variable, "=")
		found[name] = value
	}
	assert.Regexp(t, `^127\.0\.0\.1:\d+$`, found["AWS_LAMBDA_RUNTIME_API"])
	assert.Regexp(t, `^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`, found["AWS_LAMBDA_LOG_STREAM_NAME"])
	delete(found, "AWS_LAMBDA_RUNTIME_API")
	delete(found, "AWS_LAMBDA_LOG_STREAM_NAME")
	delete(found, "_X_AMZN_TRACE_ID") // set by the client in its own process
	assert.Equal(t, map[string]string{
		"NOTES_TABLE": "dev-notes", "LANG": "de_DE.UTF-8", "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin", "TZ": ":UTC",
		"_HANDLER": "bootstrap", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
		"AWS_LAMBDA_FUNCTION_NAME": "create-note", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/create-note", "AWS_LAMBDA_LOG_FORMAT": "JSON",
		"AWS_ACCESS_KEY_ID": "ASIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token of " + f.Role,
		"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_EC2_METADATA_DISABLED": "true", "LAMBDA_TASK_ROOT": built, "LAMBDA_RUNTIME_DIR": "",
	}, found)
}

// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
func TestAnEnvironmentServesOneInvocationAfterTheOther(t *testing.T) {
	h, _ := aHost(t, Config{})
	first, cold := answered(t, h, aFunction(), asking(""))
	second, warm := answered(t, h, aFunction(), asking(""))
	assert.True(t, cold.Cold)
	assert.False(t, warm.Cold)
	assert.Equal(t, first.PID, second.PID)

	other := aFunction()
	other.Version = "2"
	third, _ := answered(t, h, other, asking(""))
	assert.NotEqual(t, first.PID, third.PID, "a version has environments of its own")
	assert.Equal(t, 2, idleCount(h))
}

func TestAnEnvironmentOfAnOlderRevisionServesNothingMore(t *testing.T) {
	h, _ := aHost(t, Config{})
	answered(t, h, aFunction(), asking(""))
	old := h.idle[aFunction().key()][0]
	changed := aFunction()
	changed.Revision = "2"
	_, result := answered(t, h, changed, asking(""))
	assert.True(t, result.Cold)
	<-old.exited
}

func TestAnEnvironmentThatNobodyNeedsEnds(t *testing.T) {
	h, _ := aHost(t, Config{Idle: 10 * time.Millisecond})
	answered(t, h, aFunction(), asking(""))
	h.mu.Lock()
	idle := append([]*environment(nil), h.idle[aFunction().key()]...)
	h.mu.Unlock()
	for _, e := range idle {
		<-e.exited
	}
	assert.Zero(t, idleCount(h))
}

// gate is a server that holds its clients until it is opened.
func gate(t *testing.T) (url string, arrived chan struct{}, open func()) {
	t.Helper()
	arrived, opened := make(chan struct{}, 10), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-opened
	}))
	t.Cleanup(server.Close)
	open = sync.OnceFunc(func() { close(opened) })
	t.Cleanup(open)
	return server.URL, arrived, open
}

// https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
func TestNoMoreInvocationsRunAtOnceThanMay(t *testing.T) {
	for name, tt := range map[string]struct {
		reserved bool
		reason   string
	}{
		"of the account":  {false, "ConcurrentInvocationLimitExceeded"},
		"of the function": {true, "ReservedFunctionConcurrentInvocationLimitExceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := aHost(t, Config{})
			f := aFunction()
			f.Concurrency = Concurrency{Pool: "one", Limit: 2, Reserved: tt.reserved}
			url, arrived, open := gate(t)
			pids := make(chan int, 2)
			for range 2 {
				go func() {
					got, _ := answered(t, h, f, asking("get", "URL", url))
					pids <- got.PID
				}()
			}
			<-arrived
			<-arrived
			_, err := h.Invoke(t.Context(), f, asking(""))
			var throttled *ThrottleError
			require.ErrorAs(t, err, &throttled)
			assert.Equal(t, tt.reason, throttled.Reason)
			elsewhere := aFunction()
			elsewhere.ARN += "-2"
			answered(t, h, elsewhere, asking(""))
			open()
			assert.NotEqual(t, <-pids, <-pids, "each has an environment of its own")
			answered(t, h, f, asking(""))
		})
	}
}

func TestAConcurrencyOfNoneRunsNothing(t *testing.T) {
	h, _ := aHost(t, Config{})
	f := aFunction()
	f.Concurrency = Concurrency{Pool: "one", Reserved: true}
	_, err := h.Invoke(t.Context(), f, asking(""))
	require.ErrorAs(t, err, new(*ThrottleError))
}

// The payloads and log lines are those that people report of Lambda, and AWS's runtime interface
// emulator makes.
// https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
// https://github.com/aws/aws-lambda-runtime-interface-emulator/blob/develop/internal/lambda/rapid/handlers.go
func TestAFailureIsToldAsLambdaTellsIt(t *testing.T) {
	const id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
	for name, tt := range map[string]struct {
		in        Invocation
		variables map[string]string
		timeout   time.Duration
		path      string
		payload   string // a regular expression
		lines     []string
		survives  bool // the environment
	}{
		"an error of the handler": {
			in: asking("error", "Text", "no such note"), survives: true,
			payload: `^\{"errorMessage":"no such note","errorType":"errorString"\}$`,
			lines:   []string{"END RequestId: " + id},
		},
		"a panic of the handler": {
			in:      asking("panic", "Text", "boom"),
			payload: `^\{"errorMessage":"boom","errorType":"string","stackTrace":\[\{`,
			lines:   []string{"END RequestId: " + id},
		},
		"an exit": {
			in:      asking("exit", "Count", 3),
			payload: `^\{"errorMessage":"RequestId: ` + id + ` Error: Runtime exited with error: exit status 3","errorType":"Runtime.ExitError"\}$`,
			lines: []string{
				"RequestId: " + id + " Error: Runtime exited with error: exit status 3", "Runtime.ExitError", "END RequestId: " + id,
			},
		},
		"an exit that calls itself well": {
			in:      asking("exit"),
			payload: `^\{"errorMessage":"RequestId: ` + id + ` Error: Runtime exited without providing a reason","errorType":"Runtime.ExitError"\}$`,
		},
		"too long": {
			in: asking("hang"), timeout: 300 * time.Millisecond,
			payload: `^\{"errorMessage":"RequestId: ` + id + ` Error: Task timed out after 0.30 seconds","errorType":"Sandbox.Timedout"\}$`,
			lines:   []string{"END RequestId: " + id},
		},
		"an answer that is too large": {
			in:      asking("large", "Count", responseLimit),
			payload: `^\{"errorMessage":"Response payload size (\(\d+ bytes\) )?exceeded maximum allowed payload size \(6291556 bytes\)\.","errorType":"Function.ResponseSizeTooLarge"\}$`,
		},
		"an exit while it starts": {
			in: asking(""), variables: map[string]string{"INIT": "exit"},
			payload: `^\{"errorMessage":"RequestId: ` + id + ` Error: Runtime exited with error: exit status 4","errorType":"Runtime.ExitError"\}$`,
			lines:   []string{"no table is set", "START RequestId: " + id + " Version: $LATEST", "no table is set", "Runtime.ExitError"},
		},
		"a panic while it starts": {
			in: asking(""), variables: map[string]string{"INIT": "panic"},
			payload: `^\{"errorMessage":"RequestId: ` + id + ` Error: Runtime exited with error: exit status 2","errorType":"Runtime.ExitError"\}$`,
		},
		"no bootstrap": {
			in: asking(""), path: "/nowhere/bootstrap",
			payload: `^\{"errorMessage":"RequestId: ` + id + ` Error: fork/exec /nowhere/bootstrap: no such file or directory","errorType":"Runtime.InvalidEntrypoint"\}$`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, j := aHost(t, Config{})
			f := aFunction()
			f.Variables = tt.variables
			if tt.timeout != 0 {
				f.Timeout = tt.timeout
			}
			if tt.path != "" {
				f.Program.Path = tt.path
			}
			tt.in.RequestID = id
			result, err := h.Invoke(t.Context(), f, tt.in)
			require.NoError(t, err)
			assert.Equal(t, "Unhandled", result.FunctionError)
			assert.Regexp(t, tt.payload, string(result.Payload))
			texts := j.texts()
			for _, line := range tt.lines {
				at := -1
				for i, text := range texts {
					if text == line {
						at = i
						break
					}
				}
				require.GreaterOrEqualf(t, at, 0, "%q in %q", line, texts)
				texts = texts[at+1:]
			}
			if tt.survives {
				assert.Equal(t, 1, idleCount(h))
			} else if name != "an answer that is too large" { // its client exits in its own time
				assert.Zero(t, idleCount(h))
			}
		})
	}
}

// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
func TestAStartThatFailsIsTriedOnceMoreWithinTheInvocation(t *testing.T) {
	h, j := aHost(t, Config{})
	f := aFunction()
	f.Variables = map[string]string{"INIT": "exit"}
	_, err := h.Invoke(t.Context(), f, asking(""))
	require.NoError(t, err)
	var reports []string
	for _, text := range j.texts() {
		if strings.HasPrefix(text, "INIT_REPORT") {
			reports = append(reports, text)
		}
	}
	require.Len(t, reports, 2)
	assert.Regexp(t, `^INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError$`, reports[0])
	assert.Regexp(t, `^INIT_REPORT Init Duration: [\d.]+ ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError$`, reports[1])
}

func TestATimeoutEndsTheProcess(t *testing.T) {
	h, j := aHost(t, Config{})
	f := aFunction()
	f.Timeout = 300 * time.Millisecond
	result, err := h.Invoke(t.Context(), f, asking("hang"))
	require.NoError(t, err)
	assert.Contains(t, string(result.Payload), "Task timed out after 0.30 seconds")
	pid := 0
	for _, text := range j.texts() {
		if number, found := strings.CutPrefix(text, "waiting "); found {
			pid, _ = strconv.Atoi(number)
		}
	}
	requireGone(t, pid)
	assert.Regexp(t, `\d\dZ `+result.RequestID+` Task timed out after 0.30 seconds\nEND RequestId: [^\n]+\nREPORT [^\n]*\tStatus: timeout\n$`, string(result.LogTail))
	_, next := answered(t, h, f, asking(""))
	assert.True(t, next.Cold)
}

// requireGone waits until no process has the number, or one that is about to be reaped.
func requireGone(t *testing.T, pid int) {
	t.Helper()
	require.Positive(t, pid)
	require.Eventually(t, func() bool {
		state, _ := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
		text := strings.TrimSpace(string(state))
		return text == "" || strings.HasPrefix(text, "Z")
	}, 10*time.Second, 20*time.Millisecond, "process %d", pid)
}

func TestClosingTheHostLeavesNoProcess(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the function starts a child of its own, and Windows has no process groups by which that ends too")
	}
	h, j := aHost(t, Config{})
	idle, _ := answered(t, h, aFunction(), asking("spawn"))
	failed := make(chan error, 1)
	hanging := aFunction()
	hanging.ARN += "-2"
	url, arrived, _ := gate(t)
	go func() {
		_, err := h.Invoke(context.Background(), hanging, asking("get", "URL", url))
		failed <- err
	}()
	<-arrived
	h.Close()
	require.ErrorIs(t, <-failed, ErrClosed)
	requireGone(t, idle.PID)
	_, err := h.Invoke(t.Context(), aFunction(), asking(""))
	require.ErrorIs(t, err, ErrClosed)
	assert.NotEmpty(t, j.texts())
}

// parent is a process that has an environment, and is killed.
func parent() {
	h := New(Config{Log: func(line Line) { fmt.Println(line.Text) }})
	built = os.Getenv("EXECUTION_PARENT")
	_, _ = h.Invoke(context.Background(), aFunction(), asking("hang"))
}

func TestKillingTheParentLeavesNoProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends a process with its parent (PR_SET_PDEATHSIG); elsewhere a function that hangs goes on, as the package comment says")
	}
	self, err := os.Executable()
	require.NoError(t, err)
	process := exec.Command(self)
	process.Env = append(os.Environ(), "EXECUTION_PARENT="+built)
	output, err := process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	pid := 0
	for lines := bufio.NewScanner(output); pid == 0 && lines.Scan(); {
		if number, found := strings.CutPrefix(lines.Text(), "waiting "); found {
			pid, _ = strconv.Atoi(number)
		}
	}
	require.NoError(t, process.Process.Kill())
	_, _ = io.Copy(io.Discard, output)
	_ = process.Wait()
	requireGone(t, pid)
}

func TestACallerThatGoesAwayEndsNoInvocation(t *testing.T) {
	h, _ := aHost(t, Config{})
	url, arrived, open := gate(t)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := h.Invoke(ctx, aFunction(), asking("get", "URL", url))
		failed <- err
	}()
	<-arrived
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	open()
	require.Eventually(t, func() bool { return idleCount(h) == 1 }, 10*time.Second, 5*time.Millisecond)
}

func TestALogHasTheLinesOfTheFunctionBetweenThoseOfLambda(t *testing.T) {
	h, j := aHost(t, Config{})
	f := aFunction()
	_, result := answered(t, h, f, asking("print", "Text", "note", "Count", 2))
	lines := strings.Split(strings.TrimSuffix(string(result.LogTail), "\n"), "\n")
	require.Len(t, lines, 6, "%q", lines)
	assert.Equal(t, []string{
		"START RequestId: " + result.RequestID + " Version: $LATEST", "note 0", "note 1", "no end", "END RequestId: " + result.RequestID,
	}, lines[:5])
	// https://docs.aws.amazon.com/lambda/latest/dg/golang-logging.html
	assert.Regexp(t, `^REPORT RequestId: `+result.RequestID+`\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB\tInit Duration: [\d.]+ ms\t$`, lines[5])
	for _, line := range j.lines {
		assert.Equal(t, result.RequestID, line.RequestID)
		assert.Equal(t, f, line.Function)
		assert.NotEmpty(t, line.Stream)
		assert.Equal(t, !strings.HasPrefix(line.Text, "no"), line.Platform, line.Text)
	}

	_, result = answered(t, h, f, asking("print", "Text", strings.Repeat("x", 100), "Count", 100))
	assert.Len(t, result.LogTail, tailLimit)
	assert.NotContains(t, string(result.LogTail), "START")
	assert.NotContains(t, string(result.LogTail), "Init Duration", "a warm start has none")
	assert.Contains(t, string(result.LogTail), "no end\nEND RequestId: ")
}

// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
func TestALogInJSONHasLambdasLinesInJSON(t *testing.T) {
	h, j := aHost(t, Config{})
	f := aFunction()
	f.JSON = true
	_, result := answered(t, h, f, asking(""))
	texts := j.texts()
	require.Len(t, texts, 2)
	assert.Regexp(t, `^\{"record":\{"requestId":"`+result.RequestID+`","version":"\$LATEST"\},"time":"[^"]+Z","type":"platform.start"\}$`, texts[0])
	var report struct {
		Type   string
		Record struct {
			RequestID, Status string
			Metrics           map[string]float64
		}
	}
	require.NoError(t, json.Unmarshal([]byte(texts[1]), &report))
	assert.Equal(t, "platform.report", report.Type)
	assert.Equal(t, "success", report.Record.Status)
	for _, metric := range []string{"durationMs", "billedDurationMs", "memorySizeMB", "maxMemoryUsedMB", "initDurationMs"} {
		assert.Positive(t, report.Record.Metrics[metric], metric)
	}
}

func BenchmarkAWarmInvocation(b *testing.B) {
	h := New(Config{})
	defer h.Close()
	for b.Loop() {
		if _, err := h.Invoke(b.Context(), aFunction(), asking("")); err != nil {
			b.Fatal(err)
		}
	}
}
