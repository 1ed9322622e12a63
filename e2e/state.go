package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
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

// Load brings the state into a rehearsal of the same accounts: of all, or of those that are named. prepare does once what
// it takes, in a rehearsal of its own; it may end its test.
func (s *State) Load(into *rehearsal.Server, prepare func() *rehearsal.Server, accounts ...string) error {
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
	saved := s.saved
	if len(accounts) > 0 {
		var err error
		if saved, err = only(saved, accounts); err != nil {
			return err
		}
	}
	return into.Load(bytes.NewReader(saved))
}

// only is the document that Save wrote, of some accounts.
func only(saved []byte, accounts []string) ([]byte, error) {
	var document struct {
		Version  int
		Accounts map[string]json.RawMessage
	}
	if err := json.Unmarshal(saved, &document); err != nil {
		return nil, err
	}
	maps.DeleteFunc(document.Accounts, func(id string, _ json.RawMessage) bool { return !slices.Contains(accounts, id) })
	return json.Marshal(document)
}
