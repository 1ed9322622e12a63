// Package constructs stands for the CDK's.
package constructs

type Node interface {
	Id() string
	TryGetContext(key string) any
}
