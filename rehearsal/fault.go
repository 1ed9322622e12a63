package rehearsal

import (
	"net/http"
	"time"
)

// Fault makes requests fail or wait. An empty field matches everything.
type Fault struct {
	// Account, Region, Service and Operation say which requests are meant;
	// the service by its signing name, as in Call.
	Account, Region, Service, Operation string
	// Count is how many requests are hit; 0 means all until the server closes.
	Count int
	// Delay is waited before the request is answered.
	Delay time.Duration
	// Status and Code make the answer an error, such as 400 and "Throttling";
	// with an empty Code the request is only delayed.
	Status int
	Code   string
	// Message is the error's text; "injected fault" when it is empty.
	Message string
}

// InjectFault arms a fault for the requests that arrive from now on. The
// returned function takes it back.
func (s *Server) InjectFault(fault Fault) (remove func()) {
	armed := &fault
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, armed)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.disarm(armed)
	}
}

// disarm drops a fault; the caller holds the lock.
func (s *Server) disarm(fault *Fault) {
	kept := s.faults[:0:0]
	for _, f := range s.faults {
		if f != fault {
			kept = append(kept, f)
		}
	}
	s.faults = kept
}

// fault returns the first armed fault that means the request, and counts it.
func (s *Server) fault(r *request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	meets := func(want, got string) bool { return want == "" || want == got }
	for _, f := range s.faults {
		if !meets(f.Account, r.account) || !meets(f.Region, r.region) || !meets(f.Service, r.service) || !meets(f.Operation, r.operation) {
			continue
		}
		hit := *f
		if f.Count > 0 {
			if f.Count--; f.Count == 0 {
				s.disarm(f)
			}
		}
		return &hit
	}
	return nil
}

// strike waits out a fault and returns its error, if it has one.
func (f *Fault) strike(r *request) error {
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.http.Context().Done():
		}
	}
	if f.Code == "" {
		return nil
	}
	status, message := f.Status, f.Message
	if status == 0 {
		status = http.StatusBadRequest
	}
	if message == "" {
		message = "injected fault"
	}
	return &apiError{Status: status, Code: f.Code, Message: message}
}
