package execution

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"sync"
	"time"
)

const (
	// tailLimit is how much of a log an invocation returns, in bytes.
	// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
	tailLimit = 4 << 10
	// lineLimit is where a longer line is split, in bytes: a log event holds no more.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
	lineLimit = 256 << 10
)

// Line is one line of a function's log.
type Line struct {
	Time time.Time
	// Function is the function and version; Stream the log stream of the environment.
	Function *Function
	Stream   string
	// RequestID is of the invocation under way, empty while the environment starts or is idle.
	RequestID string
	// Text is the line without its end; Platform says that Lambda wrote it.
	Text     string
	Platform bool
}

// log is what an environment writes. The process has one pipe for both its outputs.
type log struct {
	of          *environment
	stream      string
	read, write *os.File
	mark        []byte        // a line of ours in the pipe, which no function can guess
	marked      chan struct{} // of a mark that was read
	ended       chan struct{}
	closing     sync.Once

	mu        sync.Mutex
	requestID string
	tail      []byte
}

func (l *log) open(e *environment) error {
	l.of = e
	l.stream = fmt.Sprintf("%s/[%s]%s", e.started.UTC().Format("2006/01/02"), e.function.Version, randomHex(16))
	l.mark = []byte("\x00" + randomHex(16) + "\x00\n")
	l.marked, l.ended = make(chan struct{}, 1), make(chan struct{})
	var err error
	if l.read, l.write, err = os.Pipe(); err != nil {
		return err
	}
	e.host.work.Go(l.follow)
	return nil
}

// follow reads the pipe line by line until it is closed.
func (l *log) follow() {
	defer close(l.ended)
	buffer, pending := make([]byte, 32<<10), []byte(nil)
	for {
		n, err := l.read.Read(buffer)
		pending = append(pending, buffer[:n]...)
		for {
			end := bytes.IndexByte(pending, '\n')
			if end < 0 && len(pending) < lineLimit {
				break
			}
			if end < 0 || end > lineLimit {
				l.put(string(pending[:lineLimit]), false)
				pending = pending[lineLimit:]
				continue
			}
			line := pending[:end+1]
			if begun, isMark := bytes.CutSuffix(line, l.mark); isMark {
				if len(begun) > 0 {
					l.put(string(begun), false)
				}
				l.marked <- struct{}{}
			} else {
				l.put(string(line[:end]), false)
			}
			pending = pending[end+1:]
		}
		if err != nil {
			return
		}
	}
}

// sync waits until all that the process has written so far was read: a mark goes into the same pipe
// behind it.
func (l *log) sync() {
	if l.write == nil {
		return
	}
	if _, err := l.write.Write(l.mark); err != nil {
		return // closed
	}
	select {
	case <-l.marked:
	case <-l.ended:
	}
}

// close closes the pipe, also where something that the process has left behind still holds it.
func (l *log) close() {
	l.closing.Do(func() {
		_ = l.read.Close()
		_ = l.write.Close()
		<-l.ended
	})
}

// put hands a line on.
func (l *log) put(text string, platform bool) {
	l.mu.Lock()
	id := l.requestID
	l.tail = append(append(l.tail, text...), '\n')
	if len(l.tail) > tailLimit {
		l.tail = append(l.tail[:0], l.tail[len(l.tail)-tailLimit:]...)
	}
	l.mu.Unlock()
	l.of.host.config.Log(Line{Time: time.Now(), Function: l.of.function, Stream: l.stream, RequestID: id, Text: text, Platform: platform})
}

// event writes a line of Lambda's own where the log format is JSON.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
func (l *log) event(kind string, record map[string]any) {
	text, _ := json.Marshal(map[string]any{"time": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "type": "platform." + kind, "record": record})
	l.put(string(text), true)
}

// begin says that an invocation starts.
func (l *log) begin(in *invocation) {
	l.mu.Lock()
	l.requestID = in.RequestID
	if !in.cold {
		l.tail = nil
	}
	l.mu.Unlock()
	if in.function.JSON {
		l.event("start", map[string]any{"requestId": in.RequestID, "version": in.function.Version})
		return
	}
	l.put("START RequestId: "+in.RequestID+" Version: "+in.function.Version, true)
}

// initReport says that a start has failed.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
func (l *log) initReport(phase string, init initialization) {
	if l.of.function.JSON {
		l.event("initReport", map[string]any{
			"initializationType": "on-demand", "phase": phase, "status": init.failure.status, "errorType": init.failure.errorType,
			"metrics": map[string]any{"durationMs": milliseconds(init.duration)},
		})
		return
	}
	text := fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s", milliseconds(init.duration), phase, init.failure.status)
	if init.failure.status == "error" {
		text += "\tError Type: " + init.failure.errorType
	}
	l.put(text, true)
}

// finish says how an invocation ended and what it took, and returns the end of its log. Since
// August 2025 Lambda bills the start of every environment.
// https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/
func (l *log) finish(in *invocation, duration time.Duration, fault *failure) []byte {
	status := "success"
	if fault != nil {
		status = fault.status
	}
	billed := duration
	cold := in.cold && in.init.failure == nil
	if cold {
		billed += in.init.duration
	}
	billedMS := math.Ceil(milliseconds(billed))
	if in.function.JSON {
		metrics := map[string]any{
			"durationMs": milliseconds(duration), "billedDurationMs": billedMS,
			"memorySizeMB": in.function.MemoryMB, "maxMemoryUsedMB": in.function.MemoryMB,
		}
		if cold {
			metrics["initDurationMs"] = milliseconds(in.init.duration)
		}
		record := map[string]any{"requestId": in.RequestID, "metrics": metrics, "status": status}
		if status == "error" && fault.fatal {
			record["errorType"] = fault.errorType
		}
		l.event("report", record)
	} else {
		if fault != nil && fault.body == nil {
			switch {
			case status == "timeout":
				l.put(time.Now().UTC().Format("2006-01-02T15:04:05.000Z")+" "+in.RequestID+" "+fault.message, true)
			case fault.fatal:
				l.put("RequestId: "+in.RequestID+" Error: "+fault.message, true)
				l.put(fault.errorType, true)
			}
		}
		l.put("END RequestId: "+in.RequestID, true)
		report := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %.0f ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
			in.RequestID, milliseconds(duration), billedMS, in.function.MemoryMB, in.function.MemoryMB)
		if cold {
			report += fmt.Sprintf("Init Duration: %.2f ms\t", milliseconds(in.init.duration))
		}
		if status == "timeout" {
			report += "Status: timeout"
		} else if status == "error" && fault.fatal {
			report += "Status: error\tError Type: " + fault.errorType
		}
		l.put(report, true)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	tail := l.tail
	l.requestID, l.tail = "", nil
	return tail
}

func milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Millisecond)*100) / 100
}
