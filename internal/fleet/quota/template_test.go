package quota

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/appendix-a---partitional-service-guidance.html
func TestEachPartOfAWSKeepsTheQuotasOfAccountsInARegionOfItsOwn(t *testing.T) {
	for region, home := range map[string]string{
		"eu-west-1": "us-east-1", "cn-northwest-1": "cn-north-1", "us-gov-east-1": "us-gov-west-1", "eusc-de-east-1": "eusc-de-east-1",
	} {
		require.Equal(t, home, homeOf(region), region)
	}
}
