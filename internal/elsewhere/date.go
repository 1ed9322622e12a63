package elsewhere

import (
	"flag"
	"testing"
	"testing/synctest"
)

// No operating system gives one process its own date, and no library can replace time.Now in a Go
// program. But testing/synctest can: in its bubble the clock starts at midnight UTC of 2000-01-01, and
// timers fire without waiting.

// OnAnotherDay runs a function of a program whose clock shows another date, and returns what it
// returns. Call it last in a program: the goroutine that runs the function never ends, so it does not
// matter which goroutines the function leaves running.
func OnAnotherDay(run func() error) error {
	testing.Init()
	if !flag.Parsed() {
		// The arguments are the program's, and none of a test's.
		if err := flag.CommandLine.Parse(nil); err != nil {
			return err
		}
	}
	done := make(chan error)
	test := func(t *testing.T) { done <- OnAnotherDayOf(t, run); select {} }
	go testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "elsewhere", F: test}}, nil, nil)
	return <-done
}

// OnAnotherDayOf does the same as [OnAnotherDay], within a test. The process must end after that test.
func OnAnotherDayOf(t *testing.T, run func() error) error {
	// Both channels are made outside of the bubble: waiting for them does not count as a deadlock in it.
	done, never := make(chan error), make(chan struct{})
	go synctest.Test(t, func(*testing.T) {
		done <- run()
		<-never
	})
	return <-done
}
