package offered

import "slices"

// daxFamilies are the node types of DAX, by family, and the regions with DAX that lack the family, as AWS's own validator has
// them: the one inside aws-cdk-lib, which reads AWS's price list. A test in rehearsal/refusals compares this table with it.
// https://aws.amazon.com/dynamodb/pricing/on-demand/#DynamoDB_Accelerator_.28DAX.29
var daxFamilies = []struct {
	family         string
	sizes, lacking []string
}{
	{"t3", []string{"small", "medium"}, nil},
	{"r5", []string{"large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge"}, nil},
	{"r7i", []string{"large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge"}, []string{"cn-northwest-1"}},
	{"t2", []string{"small", "medium"}, nil},
	{"r4", []string{"large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "16xlarge"}, nil},
	{"r3", []string{"large", "xlarge", "2xlarge", "4xlarge", "8xlarge"}, []string{"cn-northwest-1", "eu-central-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-2"}},
}

// DAXNodes are the node types that DAX has in a region, those of the present generation first.
func DAXNodes(region string) (types []string) {
	for _, of := range daxFamilies {
		if slices.Contains(of.lacking, region) {
			continue
		}
		for _, size := range of.sizes {
			types = append(types, "dax."+of.family+"."+size)
		}
	}
	return types
}
