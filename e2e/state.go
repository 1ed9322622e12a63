package e2e

import (
	"bytes"
	"errors"
	"sync"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// State is what the accounts of a rehearsal hold once something was done there, for others to begin with. The zero value
// is ready.
type State struct {
	once  sync.Once
	saved []byte
	err   error
}

// Load brings the state into a rehearsal of the same accounts. prepare does once what it takes, in a rehearsal of its
// own; it may end its test.
func (s *State) Load(into *rehearsal.Server, prepare func() *rehearsal.Server) error {
	s.once.Do(func() {
		// Where prepare ends its test, no line below is reached.
		s.err = errors.New("another test could not prepare the accounts; its message says why")
		server := prepare()
		var saved bytes.Buffer
		s.err = server.Save(&saved)
		s.saved = saved.Bytes()
	})
	if s.err != nil {
		return s.err
	}
	return into.Load(bytes.NewReader(s.saved))
}
