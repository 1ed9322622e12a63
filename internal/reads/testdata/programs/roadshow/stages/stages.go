// Package stages stands for Roadshow's.
package stages

type Stage struct{ Name string }
