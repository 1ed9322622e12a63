package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// contestant is one side of a comparison: one or more processes, one after the other.
type contestant struct {
	name string
	// prepare runs before the clock starts; nil is nothing.
	prepare func() error
	run     func() error
	// memory takes the greatest peak that its processes had together.
	memory *memory
}

// race runs the contestants in turn, round after round, each round beginning with another one.
func (b *bench) race(what string, rounds int, contestants ...contestant) (map[string]sample, error) {
	results := map[string]sample{}
	for round := range rounds {
		for i := range contestants {
			c := contestants[(i+round)%len(contestants)]
			if c.prepare != nil {
				if err := c.prepare(); err != nil {
					return nil, fmt.Errorf("%s, %s: %w", what, c.name, err)
				}
			}
			if c.memory != nil {
				stop := c.memory.watch()
				defer stop()
			}
			start := time.Now()
			err := c.run()
			took := time.Since(start)
			if c.memory != nil {
				c.memory.pause()
			}
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", what, c.name, err)
			}
			results[c.name] = append(results[c.name], took)
		}
	}
	var said []string
	for _, c := range contestants {
		text := c.name + " " + results[c.name].String()
		said = append(said, text)
	}
	b.say("%s: %s", what, strings.Join(said, ", "))
	return results, nil
}

// process is a command of the benchmark; it fails with the end of what it wrote.
func (b *bench) process(dir string, environment []string, name string, arguments ...string) func() error {
	return func() error {
		command := exec.Command(name, arguments...)
		command.Dir = dir
		command.Env = environment
		var output bytes.Buffer
		command.Stdout, command.Stderr = &output, &output
		if err := command.Run(); err != nil {
			return fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(arguments, " "), err, firstLines(output.String(), 15))
		}
		return nil
	}
}

// memory is the greatest sum of the peaks of this process's children and theirs: Go and its Node. It is
// known on Linux only.
type memory struct {
	mu     sync.Mutex
	peaks  map[int]int // KiB by process
	active bool
	peak   int
}

// watch looks ten times a second; a peak is what the kernel remembers, so none is missed but that of
// the last tenth.
func (m *memory) watch() (stop func()) {
	m.mu.Lock()
	m.peaks, m.active = map[int]int{}, true
	m.mu.Unlock()
	done := make(chan struct{})
	go func() {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				m.look()
			}
		}
	}()
	return sync.OnceFunc(func() { close(done) })
}

func (m *memory) pause() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.active = false
	sum := 0
	for _, peak := range m.peaks {
		sum += peak
	}
	m.peak = max(m.peak, sum)
}

func (m *memory) look() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.active {
		return
	}
	own, _ := os.Readlink("/proc/self/exe")
	for _, pid := range descendants(os.Getpid()) {
		if file, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); file == own {
			continue // a child that has not begun its program yet has the memory of this process
		}
		m.peaks[pid] = max(m.peaks[pid], peakOf(pid))
	}
}

func (m *memory) String() string {
	if m.peak == 0 {
		return "not known"
	}
	return fmt.Sprintf("%d MB", m.peak/1000)
}

// descendants are a process's children, theirs, and so on.
func descendants(pid int) []int {
	var all []int
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(append(all, child), descendants(child)...)
			}
		}
	}
	return all
}

// peakOf is the greatest resident size that a process ever had, in KiB; 0 where it is gone.
func peakOf(pid int) int { return statusOf(pid, "VmHWM:") }

// resident is what a process has in memory, in KiB; 0 where it is gone.
func resident(pid int) int { return statusOf(pid, "VmRSS:") }

func statusOf(pid int, field string) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if value, is := strings.CutPrefix(line, field); is {
			kib, _ := strconv.Atoi(strings.Fields(value)[0])
			return kib
		}
	}
	return 0
}
