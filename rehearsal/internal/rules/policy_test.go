package rules

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// A function's code may not do with its role what Lambda may, which places the function.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
func TestADenialUnderAConditionThatIsNotKnownDeniesNothing(t *testing.T) {
	allow := object{"Effect": "Allow", "Action": "ec2:CreateNetworkInterface", "Resource": "*"}
	conditional := object{
		"Effect": "Deny", "Action": "ec2:CreateNetworkInterface", "Resource": "*",
		"Condition": object{"ArnEquals": object{"lambda:SourceFunctionArn": "arn:aws:lambda:us-east-1:111111111111:function:get"}},
	}
	deny := object{"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}
	q := request{action: "ec2:CreateNetworkInterface", resource: "*", ignoresConditions: true}
	for _, tt := range []struct {
		statements []any
		want       verdict
	}{
		{[]any{allow, conditional}, allowed},
		{[]any{conditional}, implicitDeny},
		{[]any{allow, deny}, explicitDeny},
	} {
		assert.Equal(t, tt.want, evaluate([]any{object{"Statement": tt.statements}}, q))
	}
}
