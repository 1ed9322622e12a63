package stack

import "github.com/aws/constructs-go/constructs/v10"

// Handle is what every New<Noun> returns: a component that may be absent in this stage.
type Handle interface {
	// Present tells whether this stage has the component.
	Present() bool

	// construct is the L2 construct; nil where absent.
	construct() constructs.IConstruct
}

// L1 is the CloudFormation resource below a component, for what neither its config nor its L2 offers:
//
//	if resource, ok := stack.L1[awsdynamodb.CfnTable](notes); ok {
//		resource.AddPropertyOverride(…)
//	}
//
// It is not ok where the stage does not have the component, or its main resource is not a T. What is
// done to it is done in every stage alike, or parity reports it.
func L1[T any](of Handle) (resource T, ok bool) {
	if !of.Present() {
		return resource, false
	}
	made := of.construct()
	if made == nil {
		return resource, false // a schedule that triggers nothing yet
	}
	if resource, ok = made.(T); ok {
		return resource, ok
	}
	resource, ok = made.Node().DefaultChild().(T)
	return resource, ok
}
