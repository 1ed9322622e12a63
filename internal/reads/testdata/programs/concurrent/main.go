// A program that does several things at once.
package main

import (
	"sync"

	"github.com/roadshow-go/roadshow/stack"
)

func main() { stack.App{Define: Shop}.Main() }

func Shop(s *stack.Stack) {
	a, b := make(chan int, 1), make(chan int, 1)
	go func() { a <- 1 }() // want "order of goroutines: go .*"
	var group sync.WaitGroup
	group.Go(func() { b <- 1 }) // want "order of goroutines: group.Go.*"
	select {                    // want "order of goroutines: select"
	case <-a:
	case <-b:
	}
}
