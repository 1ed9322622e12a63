package rehearsaltest

import (
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/roadshow-go/roadshow/stages"
)

// Result is what a function has answered.
type Result struct {
	// Payload is the answer; of a function that failed, an object of errorType and errorMessage.
	Payload []byte
	// Failed says that the function returned an error, panicked, or ran out of time.
	Failed bool
	w      *World
}

// Into reads the answer's JSON; a function that failed fails the test.
func (r *Result) Into(value any) {
	r.w.t.Helper()
	if r.Failed {
		r.w.t.Fatalf("rehearsaltest: The function failed: %s", r.Payload)
	}
	if err := json.Unmarshal(r.Payload, value); err != nil {
		r.w.t.Fatalf("rehearsaltest: The answer is no JSON (%v): %s", err, r.Payload)
	}
}

// Invoke runs the function with an id, and waits for its answer. The event is text or bytes as they are,
// everything else as JSON; nil is an empty object. The types of github.com/aws/aws-lambda-go/events are
// events as AWS sends them.
func (s *Stage) Invoke(id string, event any) *Result {
	s.w.t.Helper()
	name := s.physical("function", id, "AWS::Lambda::Function")
	answer, err := lambda.NewFromConfig(s.Config()).Invoke(s.w.t.Context(), &lambda.InvokeInput{FunctionName: &name, Payload: encode(s.w, event)})
	if err != nil {
		s.w.t.Fatal(err)
	}
	return &Result{Payload: answer.Payload, Failed: aws.ToString(answer.FunctionError) != "", w: s.w}
}

// Revoke takes away what a function was granted on a component, as if its Access did not say so: the function
// keeps its variables, and AWS's answer to its calls is AccessDenied. Restore gives it back. A grant whose
// absence no test notices is one that the function does not need.
func (s *Stage) Revoke(function, component string) (restore func()) {
	s.w.t.Helper()
	before, err := s.w.world.Revoke(s.w.all, s.arn(function), component)
	if err != nil {
		s.w.t.Fatal(err)
	}
	if len(before) == 0 {
		s.w.t.Fatalf("rehearsaltest: In stage %s function %q was granted nothing on %q.", s.name, function, component)
	}
	return func() {
		s.w.t.Helper()
		if err := s.w.world.Restore(before); err != nil {
			s.w.t.Fatal(err)
		}
	}
}

// arn is the ARN of the function with an id.
func (s *Stage) arn(function string) string {
	name := s.physical("function", function, "AWS::Lambda::Function")
	for _, one := range s.w.all.Stages {
		if one.Name == s.name {
			return "arn:" + stages.Partition(one.Region) + ":lambda:" + one.Region + ":" + one.Account + ":function:" + name
		}
	}
	return name
}
