package fleet

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// Output is one output of a stage's stack, such as the URL of an API.
type Output struct {
	// Name is its key in the template, Value what CloudFormation made of it.
	Name  string `json:"name"`
	Value string `json:"value"`
	// Description is the program's; empty where it has none.
	Description string `json:"description,omitempty"`
}

// IsURL tells whether the value is something to open.
func (o Output) IsURL() bool {
	return strings.HasPrefix(o.Value, "https://") || strings.HasPrefix(o.Value, "http://")
}

// outputsOf are the outputs of a stack, URLs first, and by name.
func outputsOf(stack types.Stack) []Output {
	var outputs []Output
	for _, one := range stack.Outputs {
		outputs = append(outputs, Output{Name: aws.ToString(one.OutputKey), Value: aws.ToString(one.OutputValue), Description: aws.ToString(one.Description)})
	}
	slices.SortFunc(outputs, func(a, b Output) int {
		if first := a.IsURL(); first != b.IsURL() {
			if first {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return outputs
}
