package fleet

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/roadshow-go/roadshow/stages"
)

// mostZones is how many zones a network spans where its config names none.
const mostZones = 3

// zonesFinding says which zones a network of the stage would get. A stack asks with Fn::GetAZs, which gives the zones that
// have a default subnet, and all of them only where none has one; a third of two zones fails the deploy. A deployed stack
// that does not ask needs none.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getavailabilityzones.html
func zonesFinding(ctx context.Context, config aws.Config, stage stages.Stage, deployed live) (Finding, bool) {
	if stack, seen := deployed.stack.Seen(); seen && !bytes.Contains(stack.template, []byte("Fn::GetAZs")) {
		return Finding{}, false
	}
	finding := Finding{Stage: stage.Name, Check: "zones"}
	zones, restricted, err := zonesGiven(ctx, config)
	if err != nil {
		finding.Detail = "Which zones a network of the stage would get could not be asked: " + Brief(err)
		finding.Fix = "Allow ec2:DescribeAvailabilityZones and ec2:DescribeSubnets, which docs/permissions.md has for `roadshow doctor`."
		return finding, true
	}
	if wanted := min(mostZones, stages.Zones(stage.Region)); restricted && len(zones) < wanted {
		finding.Detail = fmt.Sprintf("A network of the stage would get %s only, since no other zone of %s has a default subnet; without Zones or ZoneNames it wants %d.",
			strings.Join(zones, " and "), stage.Region, wanted)
		finding.Fix = fmt.Sprintf("Write Zones: stages.Pick(s, …) with %d for this stage, or the zones themselves in ZoneNames, or make the other default subnets.", len(zones))
		return finding, true
	}
	finding.OK = true
	finding.Detail = fmt.Sprintf("A network of the stage gets its zones from %s.", strings.Join(zones, ", "))
	return finding, true
}

// zonesGiven are the zones that Fn::GetAZs gives in the account and region, and whether default subnets restrict them.
func zonesGiven(ctx context.Context, config aws.Config) (zones []string, restricted bool, err error) {
	client := ec2.NewFromConfig(config)
	pages := ec2.NewDescribeSubnetsPaginator(client, &ec2.DescribeSubnetsInput{
		Filters: []types.Filter{{Name: aws.String("default-for-az"), Values: []string{"true"}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, false, err
		}
		for _, subnet := range page.Subnets {
			zones = append(zones, aws.ToString(subnet.AvailabilityZone))
		}
	}
	if restricted = len(zones) > 0; !restricted {
		all, err := client.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{
			Filters: []types.Filter{{Name: aws.String("zone-type"), Values: []string{"availability-zone"}}},
		})
		if err != nil {
			return nil, false, err
		}
		for _, zone := range all.AvailabilityZones {
			zones = append(zones, aws.ToString(zone.ZoneName))
		}
	}
	slices.Sort(zones)
	return zones, restricted, nil
}
