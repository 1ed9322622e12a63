package orphan

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/roadshow-go/roadshow/internal/redact"
	"github.com/roadshow-go/roadshow/internal/report"
)

// StepState is what became of one step of a deletion.
type StepState string

// A step is begun, and then one of the others; one that was interrupted is begun only.
const (
	// StepBegun means that it is about to be deleted.
	StepBegun StepState = "begun"
	// StepDeleted means that it is, StepGone that it was already.
	StepDeleted StepState = "deleted"
	StepGone    StepState = "gone"
	// StepKept means that it was not touched, StepFailed that it could not be deleted.
	StepKept   StepState = "kept"
	StepFailed StepState = "failed"
)

// DeletionStep is one line of a [DeletionLog].
type DeletionStep struct {
	// Time is when, in UTC; State what.
	Time  time.Time `json:"time"`
	State StepState `json:"state"`
	// Account, Region, Stage, Service, Type and Name are the orphan's.
	Account string `json:"account"`
	Region  string `json:"region"`
	Stage   string `json:"stage"`
	Service string `json:"service"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	// Problem is why it was kept, or has failed.
	Problem string `json:"problem,omitempty"`
}

// AllDeleted tells whether every step of a deletion came to its end.
func AllDeleted(steps []DeletionStep) bool {
	return !slices.ContainsFunc(steps, func(step DeletionStep) bool { return step.State == StepFailed || step.State == StepKept })
}

// DeletionLog is a file that says what was deleted: JSON, one line for each step before it and one after it,
// each on the disk before the next thing is done. It is a record only: nothing reads it again.
type DeletionLog struct {
	mu   sync.Mutex
	file *os.File
}

// OpenDeletionLog opens a file to append to, and makes its folder. Only its owner may read what it makes.
func OpenDeletionLog(path string) (*DeletionLog, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, unwritten("nothing was deleted", err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, unwritten("nothing was deleted", err)
	}
	return &DeletionLog{file: file}, nil
}

// write appends a step, without secrets. A nil log takes everything.
func (l *DeletionLog) write(step DeletionStep, redactor *redact.Redactor) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := report.JSONLine(l.file, redactor, step); err != nil {
		return unwritten("nothing more was deleted", err)
	}
	if err := l.file.Sync(); err != nil {
		return unwritten("nothing more was deleted", err)
	}
	return nil
}

// unwritten says that the log cannot be kept, and what follows.
func unwritten(so string, err error) error {
	return fmt.Errorf("The log of deletions could not be written, so %s: %w.\nMake room for it, or let the file be written to.", so, err)
}

// Close closes the file.
func (l *DeletionLog) Close() error { return l.file.Close() }
