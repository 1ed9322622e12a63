// A program that keeps what it learned from one definition to the next.
package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-cdk-go/awscdk/v2"

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
	parsed  = struct{ Size int }{}
	scanned int
	order   = []string{"a", "b"}
	set     int
	printed = struct{ n int }{}
	fetched = map[string]int{}
	behind  int
	several int
	through int
	called  int
	policy  awscdk.PolicyDocument
	plain   = map[string]int{"a": 1}
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
	json.Unmarshal([]byte(`{"Size": 1}`), &parsed) // want "state of the package: parsed .*"
	fmt.Sscan("1", &scanned)                       // want "state of the package: scanned .*"
	slices.Reverse(order)                          // want "state of the package: order .*"
	reflect.ValueOf(&set).Elem().SetInt(1)         // want "state of the package: set .*"
	fmt.Sprint(&printed, reflect.ValueOf(printed).NumField())
	table()["a"] = runs                // want "state of the package: fetched .*"
	pointing{&behind}.set(runs)        // want "state of the package: behind .*"
	setAll(runs, &several)             // want "state of the package: several .*"
	var by setter = pointing{&through} // the interface hides who sets
	by.set(runs)                       // want "state of the package: through .*"
	apply(func(n *int) { *n = runs })
	policy.AddStatements() // want "state of the package: policy .*"
	fmt.Sprint(*policy.IsEmpty(), fetched, behind, several, through, called, copied(plain)["a"])
	mutex.Lock()
	defer mutex.Unlock()
	shown = stack.NewFunction(s, "a", stack.FunctionConfig{Memory: memory})
	local := map[string]int{}
	local["a"]++
	add(local)
}

type setter interface{ set(n int) }

type pointing struct{ to *int }

func (p pointing) set(n int) { *p.to = n }

func table() map[string]int { return fetched }

func setAll(n int, all ...*int) {
	for _, one := range all {
		*one = n
	}
}

func apply(set func(*int)) { set(&called) } // want "state of the package: called .*"

// copied gives another table back, which may be written.
func copied(from map[string]int) map[string]int {
	to := maps.Clone(from)
	to["b"] = 2
	return to
}

func add(into map[string]int) { into["b"]++ }

func isProduction(s *stack.Stack) bool { return s.Node.Id() == "production" }
