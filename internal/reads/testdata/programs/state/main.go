// A program that keeps what it learned from one definition to the next.
package main

import (
	"sync"
	"sync/atomic"

	"github.com/roadshow-go/roadshow/stack"
)

var (
	runs    int
	once    sync.Once
	big     bool
	cache   = map[string]int{}
	counter atomic.Int32
	held    = &holder{}
	shown   *stack.Function
	lawful  = sync.OnceValue(func() int { return 256 })
	sizes   = map[string]int{"a": 1}
	mutex   sync.Mutex
)

type holder struct{ n int }

func (h *holder) next() int {
	h.n++
	return h.n
}

func main() {
	captured := 0
	stack.App{Define: func(s *stack.Stack) {
		captured++ // want "state of the package: captured .*"
		if captured > 1 {
			return
		}
		Shop(s)
	}}.Main()
}

func Shop(s *stack.Stack) {
	runs++                                    // want "state of the package: runs .* keeps what one definition writes for the next"
	once.Do(func() { big = isProduction(s) }) // want "state of the package: once .*" "state of the package: big .*"
	if _, known := cache["size"]; !known {
		cache["size"] = runs // want "state of the package: cache .*"
	}
	counter.Add(1) // want "state of the package: counter .*"
	memory := lawful() + sizes["a"] + int(counter.Load())
	if big {
		memory += held.next() // want "state of the package: held .*"
	}
	mutex.Lock()
	defer mutex.Unlock()
	shown = stack.NewFunction(s, "a", stack.FunctionConfig{Memory: memory})
	local := map[string]int{}
	local["a"]++
	add(local)
}

func add(into map[string]int) { into["b"]++ }

func isProduction(s *stack.Stack) bool { return s.Node.Id() == "production" }
