// Package rawtest holds template tests on the CDK's own assertions module, as it comes. Only the benchmark compiles
// them, with the tag bench.
package rawtest
