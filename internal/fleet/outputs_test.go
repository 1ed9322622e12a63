package fleet

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/require"
)

func TestWhatCanBeOpenedIsTheFirstOutput(t *testing.T) {
	var stack types.Stack
	for _, one := range [][2]string{{"KeySetCommand", "aws secretsmanager put-secret-value"}, {"WebURL", "https://b"}, {"Bucket", "notes"}, {"APIURL", "http://a"}} {
		stack.Outputs = append(stack.Outputs, types.Output{OutputKey: aws.String(one[0]), OutputValue: aws.String(one[1])})
	}
	stack.Outputs[2].Description = aws.String("where uploads go")
	require.Equal(t, []Output{
		{Name: "APIURL", Value: "http://a"},
		{Name: "WebURL", Value: "https://b"},
		{Name: "Bucket", Value: "notes", Description: "where uploads go"},
		{Name: "KeySetCommand", Value: "aws secretsmanager put-secret-value"},
	}, outputsOf(stack))
	require.Empty(t, outputsOf(types.Stack{}))
}
