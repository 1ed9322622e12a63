package stages

import "strings"

// zonesOf is every region that AWS names, with the number of Availability Zones a new account can
// use there, at most three counted.
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html
var zonesOf = map[string]int{
	"af-south-1": 3, "ap-east-1": 3, "ap-east-2": 3, "ap-northeast-1": 3, "ap-northeast-2": 3, "ap-northeast-3": 3,
	"ap-south-1": 3, "ap-south-2": 3, "ap-southeast-1": 3, "ap-southeast-2": 3, "ap-southeast-3": 3,
	"ap-southeast-4": 3, "ap-southeast-5": 3, "ap-southeast-6": 3, "ap-southeast-7": 3,
	"ca-central-1": 3, "ca-west-1": 3, "cn-north-1": 3, "cn-northwest-1": 3,
	"eu-central-1": 3, "eu-central-2": 3, "eu-north-1": 3, "eu-south-1": 3, "eu-south-2": 3,
	"eu-west-1": 3, "eu-west-2": 3, "eu-west-3": 3, "eusc-de-east-1": 3,
	"il-central-1": 3, "me-central-1": 3, "me-south-1": 3, "mx-central-1": 3, "sa-east-1": 3,
	"us-east-1": 3, "us-east-2": 3, "us-gov-east-1": 3, "us-gov-west-1": 3, "us-west-1": 2, "us-west-2": 3,
}

// Zones is how many Availability Zones every account can use in the region, at most 3; 0 for a
// region that does not exist.
func Zones(region string) int { return zonesOf[region] }

// nearestRegion is the region a misspelt code most likely means, or empty: the one that has the
// same letters and digits whatever the case and the hyphens.
func nearestRegion(code string) string {
	squeeze := func(text string) string {
		return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(text))
	}
	for region := range zonesOf {
		if squeeze(region) == squeeze(code) {
			return region
		}
	}
	return ""
}

// Partition is the part of AWS that the region belongs to, as ARNs begin with it: "aws" for most.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func Partition(region string) string {
	partition, _ := partitionOf(region)
	return partition
}

// Domain is the domain of the endpoints of AWS's services in the region, which AWS::URLSuffix
// gives: "amazonaws.com" for most.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
func Domain(region string) string {
	_, domain := partitionOf(region)
	return domain
}

// partitionOf is the partition and the domain, as the SDKs have them.
// https://github.com/aws/aws-sdk-go-v2/blob/main/internal/endpoints/awsrulesfn/partitions.json
func partitionOf(region string) (partition, domain string) {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn", "amazonaws.com.cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov", "amazonaws.com"
	case strings.HasPrefix(region, "eusc-"):
		return "aws-eusc", "amazonaws.eu"
	}
	return "aws", "amazonaws.com"
}
