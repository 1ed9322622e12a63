package fleet

import (
	"context"
	"sync"
)

// sideBySide does something for each of many, some at once, and waits for all. Each is begun in order, and
// none after the context has ended: what that one would have returned is for its caller to see missing.
func sideBySide[T any](ctx context.Context, atOnce int, all []T, do func(ctx context.Context, i int, one T)) {
	var running sync.WaitGroup
	seats := make(chan struct{}, max(1, atOnce))
	for i, one := range all {
		select {
		case <-ctx.Done():
		case seats <- struct{}{}:
			running.Go(func() {
				defer func() { <-seats }()
				do(ctx, i, one)
			})
		}
	}
	running.Wait()
}
