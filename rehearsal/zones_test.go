package rehearsal_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/require"
)

// Fn::GetAZs gives only the zones that have a default subnet, unless none has one:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getavailabilityzones.html
func TestTheZonesOfATemplateAreThoseWithADefaultSubnet(t *testing.T) {
	const template = `{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"Zones": {"Value": {"Fn::Join": [",", {"Fn::GetAZs": ""}]}}}}`
	for name, tt := range map[string]struct {
		withDefault []string
		want        string
	}{
		"none has one":     {nil, "us-east-1a,us-east-1b,us-east-1c"},
		"two of them have": {[]string{"a", "c"}, "us-east-1a,us-east-1c"},
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			var there []map[string]any
			for _, zone := range tt.withDefault {
				there = append(there, map[string]any{
					"Region": region, "Type": "AWS::EC2::Subnet", "PhysicalID": "subnet-default-" + zone,
					"Properties": map[string]any{"AvailabilityZone": region + zone, "DefaultForAz": true, "CidrBlock": "172.31.0.0/20"},
				})
			}
			document, err := json.Marshal(map[string]any{"Version": 1, "Accounts": map[string]any{dev: map[string]any{"Resources": there}}})
			require.NoError(t, err)
			require.NoError(t, server.Load(strings.NewReader(string(document))))
			client := cloudformation.NewFromConfig(as(server, dev))
			_, err = client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("zones"), TemplateBody: aws.String(template)})
			require.NoError(t, err)
			stack := finished(t, client, "zones")
			require.Equal(t, types.StackStatusCreateComplete, stack.StackStatus)
			require.Equal(t, tt.want, aws.ToString(stack.Outputs[0].OutputValue))
		})
	}
}
