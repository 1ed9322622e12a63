// Package settings is somebody else's.
package settings

import "os"

var fallback = os.Getenv("OTHER_FALLBACK")

// Size reads the environment.
func Size() int { return len(read("OTHER_SIZE")) }

func read(name string) string { return os.Getenv(name) }

// Fallback reads it when the program starts.
func Fallback() string { return fallback }

// Twice reads nothing.
func Twice(n int) int { return 2 * n }

// Try gives what a call panics with.
func Try(call func()) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fault.(error)
		}
	}()
	call()
	return nil
}
