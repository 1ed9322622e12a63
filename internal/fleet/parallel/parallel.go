// Package parallel does something for each of many, a bounded number at once, and waits.
package parallel

import (
	"context"
	"sync"
	"time"
)

// ForEach calls do for each of all, at most atOnce of them at the same time, and returns when every call has.
// atOnce below 1 is 1. Calls begin in order, and none begins after the context has ended: what that call would
// have reported is for the caller to see missing.
func ForEach[T any](ctx context.Context, atOnce int, all []T, do func(ctx context.Context, i int, one T)) {
	var running sync.WaitGroup
	slots := make(chan struct{}, max(1, atOnce))
	for i, one := range all {
		select {
		case <-ctx.Done():
		case slots <- struct{}{}:
			running.Go(func() {
				defer func() { <-slots }()
				do(ctx, i, one)
			})
		}
	}
	running.Wait()
}

// Wait returns nil after a pause, or the context's error as soon as the context ends.
func Wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
