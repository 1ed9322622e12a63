package elsewhere

import (
	"flag"
	"testing"
	"testing/synctest"
)

// No platform gives one process a date of its own, and no library before a Go program's time.Now.
// But Go gives the code of a test one: in a bubble of testing/synctest the clock begins at midnight
// UTC of 2000-01-01, and timers need no time.

// OnAnotherDay runs a function of a program whose clock shows another date, and returns what it
// returns. It is for the end of a program: the function's goroutine never ends, so that goroutines
// which it leaves behind are no matter.
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

// OnAnotherDayOf is [OnAnotherDay] in a test, of whose process it is the end.
func OnAnotherDayOf(t *testing.T, run func() error) error {
	// Channels that are made outside of the bubble do not end it when all of it waits for them.
	done, never := make(chan error), make(chan struct{})
	go synctest.Test(t, func(*testing.T) {
		done <- run()
		<-never
	})
	return <-done
}
