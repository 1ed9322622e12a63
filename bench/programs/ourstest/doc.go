// Package ourstest holds template tests on Roadshow's test kit. Only the benchmark compiles
// them, with the tag bench.
package ourstest
