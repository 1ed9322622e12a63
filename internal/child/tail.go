package child

import "sync"

// Limit is how much of a child's output is kept, in bytes: the last of it.
const Limit = 1 << 20

// Tail keeps the last [Limit] bytes of what is written to it, so that a child that writes without end takes no
// memory. The zero value is ready; it may be written to by several goroutines.
type Tail struct {
	mu   sync.Mutex
	text []byte
}

// Write is [io.Writer]'s, and never fails.
func (t *Tail) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(data) >= Limit {
		t.text = append(t.text[:0], data[len(data)-Limit:]...)
		return len(data), nil
	}
	// Twice the limit at most, so that each byte is moved once, not with every write.
	if len(t.text)+len(data) > 2*Limit {
		t.text = append(t.text[:0], t.text[len(t.text)-(Limit-len(data)):]...)
	}
	t.text = append(t.text, data...)
	return len(data), nil
}

// String is what is kept.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text[max(0, len(t.text)-Limit):])
}
