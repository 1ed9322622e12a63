package redact

import (
	"bytes"
	"io"
	"sync"
)

// Stream hides the secrets in what is written to it piece by piece, such as the output of a child: it passes whole
// lines on, so that no secret is split. [Stream.Close] passes on the rest.
type Stream struct {
	mu       sync.Mutex
	redactor *Redactor
	out      io.Writer
	line     []byte
}

// longestLine is how much of a line without an end is held back, in bytes.
const longestLine = 1 << 20

// Stream writes to out what is written to it, without secrets.
func (r *Redactor) Stream(out io.Writer) *Stream { return &Stream{redactor: r, out: out} }

// Write is [io.Writer]'s.
func (s *Stream) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.line = append(s.line, data...)
	end := bytes.LastIndexByte(s.line, '\n') + 1
	if end == 0 && len(s.line) >= longestLine {
		end = len(s.line)
	}
	if end == 0 {
		return len(data), nil
	}
	_, err := io.WriteString(s.out, s.redactor.Text(string(s.line[:end])))
	s.line = append(s.line[:0:0], s.line[end:]...)
	return len(data), err
}

// Close passes on a last line without an end. It does not close what is written to.
func (s *Stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := io.WriteString(s.out, s.redactor.Text(string(s.line)))
	s.line = nil
	return err
}
