package rehearsal

import (
	"context"
	"net/http"
	"time"
)

// Fault makes requests fail or wait, or the making of resources. An empty field
// matches everything.
type Fault struct {
	// Account, Region, Service and Operation say which requests are meant;
	// the service by its signing name, as in Call.
	Account, Region, Service, Operation string
	// ResourceType, such as "AWS::DAX::Cluster", makes it a fault of what
	// CloudFormation does to resources of that type: the Operation is Create,
	// Update or Delete, the Service stays empty, and no request is hit.
	ResourceType string
	// After is how many of those requests are answered first, such as the first
	// pages of a list; none by default.
	After int
	// Count is how often it strikes; 0 means all until the server closes.
	Count int
	// Delay is waited before the answer.
	Delay time.Duration
	// Status and Code make the answer an error, such as 400 and "Throttling";
	// with an empty Code there is only the delay.
	Status int
	Code   string
	// Message is the error's text; "injected fault" when it is empty.
	Message string
	// BreakOff closes the connection in the middle of the answer, which is not
	// an error then.
	BreakOff bool
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

// target is what a fault may strike.
type target struct{ account, region, service, operation, resourceType string }

// fault returns the first armed fault that means the target, and counts it.
func (s *Server) fault(at target) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	meets := func(want, got string) bool { return want == "" || want == got }
	for _, f := range s.faults {
		if f.ResourceType != at.resourceType || !meets(f.Account, at.account) || !meets(f.Region, at.region) ||
			!meets(f.Service, at.service) || !meets(f.Operation, at.operation) {
			continue
		}
		if f.After > 0 {
			f.After--
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
func (f *Fault) strike(ctx context.Context) *apiError {
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-ctx.Done():
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
