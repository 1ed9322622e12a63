// A program that goes through maps.
package main

import (
	"fmt"
	"log"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/roadshow-go/roadshow/stack"
)

var sizes = map[string]int{"a": 1, "b": 2}

func main() { stack.App{Define: Shop}.Main() }

func Shop(s *stack.Stack) {
	for id, memory := range sizes { // want "order of a map: range sizes"
		stack.NewFunction(s, id, stack.FunctionConfig{Memory: memory})
	}
	for _, id := range slices.Sorted(maps.Keys(sizes)) {
		stack.NewFunction(s, id, stack.FunctionConfig{Memory: sizes[id]})
	}
	for id := range maps.Keys(sizes) { // want "order of a map: range maps.Keys\(sizes\)"
		stack.NewFunction(s, id, stack.FunctionConfig{})
	}
	unsorted := slices.Collect(maps.Keys(sizes)) // want "order of a map: maps.Keys\(sizes\)"
	stack.NewFunction(s, unsorted[0], stack.FunctionConfig{})
	later := slices.Collect(maps.Keys(sizes))
	slices.Sort(later)
	stack.NewFunction(s, strings.Join(later, "-"), stack.FunctionConfig{})
	stack.NewFunction(s, "lawful", stack.FunctionConfig{Memory: counted() + summed() + largest(), Environment: inverted(), Description: sorted() + found()})
	stack.NewFunction(s, "first", stack.FunctionConfig{Description: first() + joined() + numbered()["a"] + appended()[0] + grouped()[0]})
}

func counted() int {
	n := 0
	for _, size := range sizes {
		if size > 1 {
			n++
		}
	}
	return n
}

func summed() (total int) {
	for id, size := range sizes {
		weight := size * len(id)
		total += weight
	}
	return total
}

func largest() int {
	most := 0
	for _, size := range sizes {
		most = max(most, size)
	}
	return most
}

func inverted() map[string]string {
	out := map[string]string{}
	for id, size := range sizes {
		out[id] = fmt.Sprint(size)
	}
	return out
}

func sorted() string {
	var ids []string
	for id := range sizes {
		if id == "" {
			continue
		}
		ids = append(ids, strings.ToUpper(id))
	}
	sort.Strings(ids)
	return strings.Join(ids, ",")
}

func found() string {
	for id := range sizes {
		if id == "b" {
			return "yes"
		}
		log.Println("not", id)
	}
	return "no"
}

func first() string {
	for id := range sizes { // want "order of a map: range sizes"
		return id
	}
	return ""
}

func joined() (text string) {
	for id := range sizes { // want "order of a map: range sizes"
		text += id
	}
	return text
}

func numbered() map[string]string {
	n, out := 0, map[string]string{}
	for id := range sizes { // want "order of a map: range sizes"
		n++
		out[id] = fmt.Sprint(n)
	}
	return out
}

func appended() (ids []string) {
	for id := range sizes { // want "order of a map: range sizes"
		ids = append(ids, id)
	}
	return ids
}

func grouped() []string {
	seen := map[int]bool{}
	var firsts []string
	for id := range sizes { // want "order of a map: range sizes"
		if !seen[len(id)] {
			seen[len(id)] = true
			firsts = append(firsts, id)
		}
	}
	slices.Sort(firsts)
	return firsts
}
