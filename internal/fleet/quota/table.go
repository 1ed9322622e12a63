package quota

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dax"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
)

// Quota is one row of the table of quotas: what it is, what a template takes of it, and what an account has
// taken already. A new row needs no other change.
type Quota struct {
	// Service and Code are those of Service Quotas, such as lambda and L-B99A9384. Without a Code the limit is
	// Default in every account, and AWS never raises it. Name and Unit say what is counted; Source is the
	// page of AWS that states it.
	Service, Code      string
	Name, Unit, Source string
	// Default is AWS's default.
	Default float64
	// New is the value of a new account, where most accounts soon have more; NewNote explains it. Default: a new
	// account has what others have.
	New     float64
	NewNote string
	// Global tells that one value holds for all regions of an account.
	Global bool
	// Each tells that it holds for each single thing, such as a cluster or a template, and not for all
	// together; then nothing is used up.
	Each bool
	// Keeps is how much of a limit AWS keeps for itself, KeepsNote what for. Default: nothing.
	Keeps     func(limit float64) float64
	KeepsNote string
	// Demand is what a template takes. Required.
	Demand func(t *Template) []Share
	// Used asks the account what it has taken, by what the quota is of; API is AWS's name of the service that
	// is asked. Required unless Each.
	Used func(ctx context.Context, config aws.Config) (map[string]float64, error)
	API  string
	// Advice is what to do where AWS never raises it. Default: a support case.
	Advice string
}

// counting counts the resources of a type. The properties are those of which CloudFormation makes a new
// resource where they change.
func counting(kind string, replaced ...string) func(*Template) []Share {
	return func(t *Template) []Share {
		var shares []Share
		for _, r := range t.Resources {
			if r.Type == kind {
				shares = append(shares, r.share(1, replaced...))
			}
		}
		return shares
	}
}

const gibibyte = 1 << 30

// Table is the table, sorted as it is shown. Codes and defaults are those of each row's Source and of
// https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html
func Table() []Quota {
	table := []Quota{
		{
			Service: "lambda", Code: "L-B99A9384", Name: "Lambda concurrent executions", Unit: "executions", Default: 1000,
			Source: "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
			New:    10, NewNote: "a new account has 10, and then none of them can be reserved; AWS raises it with use, or on request",
			Keeps: func(limit float64) float64 { return min(100, limit) }, KeepsNote: "functions without a reservation",
			Demand: concurrency, Used: usedConcurrency, API: "Lambda",
		},
		{
			Service: "lambda", Code: "L-2ACBD22F", Name: "Lambda function and layer storage", Unit: "GB", Default: 75,
			Source: "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
			Demand: storage, API: "Lambda",
			Used: func(ctx context.Context, config aws.Config) (map[string]float64, error) {
				settings, err := lambda.NewFromConfig(config).GetAccountSettings(ctx, nil)
				if err != nil {
					return nil, err
				}
				return used(float64(settings.AccountUsage.TotalCodeSize) / gibibyte), nil
			},
		},
		{
			Service: "dynamodb", Code: "L-F98FE922", Name: "DynamoDB tables", Unit: "tables", Default: 2500,
			Source: "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html",
			Demand: both(counting("AWS::DynamoDB::Table", "TableName", "KeySchema", "LocalSecondaryIndexes"),
				counting("AWS::DynamoDB::GlobalTable", "TableName", "KeySchema", "LocalSecondaryIndexes")),
			API: "DynamoDB",
			Used: func(ctx context.Context, config aws.Config) (map[string]float64, error) {
				list := dynamodb.NewListTablesPaginator(dynamodb.NewFromConfig(config), nil)
				return countPages(ctx, list, func(page *dynamodb.ListTablesOutput) int { return len(page.TableNames) })
			},
		},
		{
			Service: "s3", Code: "L-DC2B2D3D", Name: "S3 buckets", Unit: "buckets", Default: 10000, Global: true,
			Source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/BucketRestrictions.html",
			Demand: counting("AWS::S3::Bucket", "BucketName", "BucketNamespace", "BucketNamePrefix"), API: "S3",
			Used: func(ctx context.Context, config aws.Config) (map[string]float64, error) {
				// Without a size, all of them come in one page, which AWS refuses to accounts with very many.
				list := s3.NewListBucketsPaginator(s3.NewFromConfig(config), &s3.ListBucketsInput{MaxBuckets: aws.Int32(1000)})
				return countPages(ctx, list, func(page *s3.ListBucketsOutput) int { return len(page.Buckets) })
			},
		},
		{
			Service: "iam", Code: "L-FE177D64", Name: "IAM roles", Unit: "roles", Default: 1000, Global: true,
			Source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
			Demand: counting("AWS::IAM::Role", replacing["AWS::IAM::Role"]...), API: "IAM",
			Used: func(ctx context.Context, config aws.Config) (map[string]float64, error) {
				summary, err := iam.NewFromConfig(config).GetAccountSummary(ctx, nil)
				if err != nil {
					return nil, err
				}
				return used(float64(summary.SummaryMap["Roles"])), nil
			},
		},
		{
			Service: "vpc", Code: "L-F678F1CE", Name: "VPCs", Unit: "VPCs", Default: 5,
			Source: "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html",
			Demand: counting("AWS::EC2::VPC", replacing["AWS::EC2::VPC"]...), API: "EC2",
			Used: func(ctx context.Context, config aws.Config) (map[string]float64, error) {
				list := ec2.NewDescribeVpcsPaginator(ec2.NewFromConfig(config), nil)
				return countPages(ctx, list, func(page *ec2.DescribeVpcsOutput) int { return len(page.Vpcs) })
			},
		},
		{
			Service: "ec2", Code: "L-0263D0A3", Name: "Elastic IP addresses", Unit: "addresses", Default: 5,
			Source: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html",
			Demand: counting("AWS::EC2::EIP", replacing["AWS::EC2::EIP"]...), API: "EC2",
			Used: func(ctx context.Context, config aws.Config) (map[string]float64, error) {
				// This call has no pages.
				answer, err := ec2.NewFromConfig(config).DescribeAddresses(ctx, nil)
				if err != nil {
					return nil, err
				}
				return used(float64(len(answer.Addresses))), nil
			},
		},
		{
			Service: "vpc", Code: "L-DF5E4CA3", Name: "network interfaces", Unit: "interfaces", Default: 5000,
			Source: "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html",
			Demand: interfaces, API: "EC2",
			Used: func(ctx context.Context, config aws.Config) (map[string]float64, error) {
				list := ec2.NewDescribeNetworkInterfacesPaginator(ec2.NewFromConfig(config), &ec2.DescribeNetworkInterfacesInput{MaxResults: aws.Int32(1000)})
				return countPages(ctx, list, func(page *ec2.DescribeNetworkInterfacesOutput) int { return len(page.NetworkInterfaces) })
			},
		},
		{
			Service: "dax", Code: "L-AB139030", Name: "DAX nodes", Unit: "nodes", Default: 50,
			Source: "https://docs.aws.amazon.com/general/latest/gr/ddb.html",
			Demand: nodes, API: "DAX",
			Used: func(ctx context.Context, config aws.Config) (map[string]float64, error) {
				count := 0.0
				client := dax.NewFromConfig(config)
				for input := (&dax.DescribeClustersInput{}); ; {
					page, err := client.DescribeClusters(ctx, input)
					if err != nil {
						return nil, err
					}
					for _, cluster := range page.Clusters {
						count += float64(aws.ToInt32(cluster.TotalNodes))
					}
					if input.NextToken = page.NextToken; aws.ToString(page.NextToken) == "" {
						return used(count), nil
					}
				}
			},
		},
		{
			Service: "dax", Code: "L-87AEEBB5", Name: "DAX nodes of a cluster", Unit: "nodes", Default: 11, Each: true,
			Source: "https://docs.aws.amazon.com/general/latest/gr/ddb.html", Demand: nodes,
			Advice: "a cluster has one node that writes and ten at most beside it: take larger nodes, or give some tables a cluster of their own",
		},
		{
			Service: "events", Code: "L-244521F2", Name: "EventBridge rules of a bus", Unit: "rules", Default: 300,
			Source: "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html",
			Demand: rules, Used: usedRules, API: "EventBridge",
		},
		{
			Service: "sns", Code: "L-61103206", Name: "SNS topics", Unit: "topics", Default: 100000,
			Source: "https://docs.aws.amazon.com/general/latest/gr/sns.html",
			Demand: counting("AWS::SNS::Topic", "TopicName", "FifoTopic"), API: "SNS",
			Used: func(ctx context.Context, config aws.Config) (map[string]float64, error) {
				list := sns.NewListTopicsPaginator(sns.NewFromConfig(config), nil)
				return countPages(ctx, list, func(page *sns.ListTopicsOutput) int { return len(page.Topics) })
			},
		},
		{
			Service: "apigateway", Code: "L-AA0FF27B", Name: "HTTP APIs", Unit: "APIs", Default: 600,
			Source: "https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html",
			Demand: counting("AWS::ApiGatewayV2::Api", "ProtocolType"), API: "API Gateway",
			Used: func(ctx context.Context, config aws.Config) (map[string]float64, error) {
				count := 0
				client := apigatewayv2.NewFromConfig(config)
				for input := (&apigatewayv2.GetApisInput{}); ; {
					page, err := client.GetApis(ctx, input)
					if err != nil {
						return nil, err
					}
					count += len(page.Items)
					if input.NextToken = page.NextToken; aws.ToString(page.NextToken) == "" {
						return used(float64(count)), nil
					}
				}
			},
		},
		{
			Service: "cloudformation", Code: "L-0485CB21", Name: "CloudFormation stacks", Unit: "stacks", Default: 2000,
			Source: cloudFormationLimits,
			Demand: stackShares, API: "CloudFormation",
			Used: func(ctx context.Context, config aws.Config) (map[string]float64, error) {
				list := cloudformation.NewDescribeStacksPaginator(cloudformation.NewFromConfig(config), nil)
				return countPages(ctx, list, func(page *cloudformation.DescribeStacksOutput) int { return len(page.Stacks) })
			},
		},
	}
	table = append(table, buildQuotas()...)
	return append(table,
		ofTemplate("resources of a template", "resources", 500, func(t *Template) int { return t.Declared }),
		ofTemplate("outputs of a template", "outputs", 200, func(t *Template) int { return t.Outputs }),
		ofTemplate("parameters of a template", "parameters", 200, func(t *Template) int { return t.Parameters }),
		ofTemplate("mappings of a template", "mappings", 200, func(t *Template) int { return t.Mappings }),
		ofTemplate("length of a template", "bytes", 1_000_000, func(t *Template) int { return t.Bytes }),
	)
}

// stackShares are the template's own and those that are nested in it.
func stackShares(t *Template) []Share {
	return append(counting(nestedStack)(t), Share{Key: "stack", Least: 1, Most: 1})
}

const cloudFormationLimits = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"

// ofTemplate is a limit of CloudFormation's own to one template.
func ofTemplate(name, unit string, limit float64, count func(*Template) int) Quota {
	return Quota{
		Service: "cloudformation", Name: name, Unit: unit, Default: limit, Each: true, Source: cloudFormationLimits,
		Demand: func(t *Template) []Share {
			return []Share{{Key: "template", Least: float64(count(t)), Most: float64(count(t))}}
		},
		Advice: "AWS never raises it: make two services of this one",
	}
}

// buildQuotas are CodeBuild's: one for each size of each kind of machine. CodeBuild refuses a project that may
// run more builds at once than the account may; one that does not say needs at least one.
// https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html
func buildQuotas() []Quota {
	var table []Quota
	for _, machine := range []struct{ code, environment, compute, name string }{
		{"L-9D07B6EF", "LINUX_CONTAINER", "BUILD_GENERAL1_SMALL", "Linux/Small"},
		{"L-2DC20C30", "LINUX_CONTAINER", "BUILD_GENERAL1_MEDIUM", "Linux/Medium"},
		{"L-4DDC4A99", "LINUX_CONTAINER", "BUILD_GENERAL1_LARGE", "Linux/Large"},
		{"L-04E5CA62", "LINUX_CONTAINER", "BUILD_GENERAL1_XLARGE", "Linux/XLarge"},
		{"L-0397D009", "LINUX_CONTAINER", "BUILD_GENERAL1_2XLARGE", "Linux/2XLarge"},
		{"L-5ED1D25B", "ARM_CONTAINER", "BUILD_GENERAL1_SMALL", "ARM/Small"},
		{"L-DF544FF3", "ARM_CONTAINER", "BUILD_GENERAL1_MEDIUM", "ARM/Medium"},
		{"L-596BEAB4", "ARM_CONTAINER", "BUILD_GENERAL1_LARGE", "ARM/Large"},
		{"L-8D06F3EA", "ARM_CONTAINER", "BUILD_GENERAL1_XLARGE", "ARM/XLarge"},
		{"L-1E43FDE0", "ARM_CONTAINER", "BUILD_GENERAL1_2XLARGE", "ARM/2XLarge"},
	} {
		table = append(table, Quota{
			Service: "codebuild", Code: machine.code, Name: "CodeBuild builds at once, " + machine.name, Unit: "builds", Default: 1, Each: true,
			New: 1, NewNote: "a new account has 1, so that a second build waits; AWS raises it on request",
			Source: "https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html",
			Demand: func(t *Template) []Share {
				var shares []Share
				for _, r := range t.Resources {
					may := func(path, want string) bool { return r.text(path) == want || isFunction(r.property(path)) }
					switch kind, size := "Environment.Type", "Environment.ComputeType"; {
					case r.Type != "AWS::CodeBuild::Project" || !may(kind, machine.environment) || !may(size, machine.compute):
					case r.text(kind) == "" || r.text(size) == "":
						shares = append(shares, r.unknown("Environment", r.property("Environment")))
					default:
						shares = append(shares, r.numbered("ConcurrentBuildLimit", 1, "Name"))
					}
				}
				return shares
			},
		})
	}
	return table
}

// pages is what every paginator of the SDK is.
type pages[Page, Option any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...Option) (Page, error)
}

// eachPage hands on every page of a list.
func eachPage[Page, Option any](ctx context.Context, list pages[Page, Option], take func(Page)) error {
	for list.HasMorePages() {
		page, err := list.NextPage(ctx)
		if err != nil {
			return err
		}
		take(page)
	}
	return nil
}

// countPages is how many there are in a list.
func countPages[Page, Option any](ctx context.Context, list pages[Page, Option], count func(Page) int) (map[string]float64, error) {
	sum := 0
	if err := eachPage(ctx, list, func(page Page) { sum += count(page) }); err != nil {
		return nil, err
	}
	return used(float64(sum)), nil
}

func used(amount float64) map[string]float64 { return map[string]float64{"": amount} }

func both(first, second func(*Template) []Share) func(*Template) []Share {
	return func(t *Template) []Share { return append(first(t), second(t)...) }
}

// Versions and aliases may have concurrency that is provisioned.
var provisioned = []string{"AWS::Lambda::Version", "AWS::Lambda::Alias"}

// concurrency is what functions have provisioned, and what they reserve beyond that: what is provisioned comes out of
// a reservation, where there is one, also where that comes or goes in an update.
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
func concurrency(t *Template) []Share {
	var shares []Share
	ready := map[string]Share{} // by function
	for _, r := range t.Resources {
		if !slices.Contains(provisioned, r.Type) || r.property("ProvisionedConcurrencyConfig") == nil {
			continue
		}
		share := r.numbered("ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions", 0, "Name", "FunctionName")
		if function := t.referred(r.property("FunctionName"), functionType, "FunctionName"); function != nil {
			sum := ready[function.ID]
			ready[function.ID] = Share{Least: sum.Least + share.Least, Most: sum.Most + share.Most, Unknown: cmp.Or(sum.Unknown, share.Unknown)}
		}
		shares = append(shares, share)
	}
	for _, r := range t.Resources {
		if r.Type != functionType || r.property("ReservedConcurrentExecutions") == nil {
			continue
		}
		share, inside := r.numbered("ReservedConcurrentExecutions", 0, replacing[functionType]...), ready[r.ID]
		share.Least, share.Most = max(0, share.Least-inside.Most), max(0, share.Most-inside.Least)
		share.Unknown = cmp.Or(share.Unknown, inside.Unknown)
		shares = append(shares, share)
	}
	return shares
}

// usedConcurrency is what an account's functions have reserved or provisioned. Lambda sums the reservations
// only, so each function is asked what it has provisioned.
func usedConcurrency(ctx context.Context, config aws.Config) (map[string]float64, error) {
	client := lambda.NewFromConfig(config)
	settings, err := client.GetAccountSettings(ctx, nil)
	if err != nil {
		return nil, err
	}
	var names []string
	err = eachPage(ctx, lambda.NewListFunctionsPaginator(client, nil), func(page *lambda.ListFunctionsOutput) {
		for _, function := range page.Functions {
			names = append(names, aws.ToString(function.FunctionName))
		}
	})
	if err != nil {
		return nil, err
	}
	ready, failed := make([]float64, len(names)), make([]error, len(names))
	parallel.ForEach(ctx, 4, names, func(ctx context.Context, i int, name string) {
		ready[i], failed[i] = unreservedProvision(ctx, client, name)
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	taken := float64(settings.AccountLimit.ConcurrentExecutions - aws.ToInt32(settings.AccountLimit.UnreservedConcurrentExecutions))
	for i := range names {
		if failed[i] != nil {
			return nil, failed[i]
		}
		taken += ready[i]
	}
	return used(taken), nil
}

// unreservedProvision is what a function without a reservation has provisioned.
func unreservedProvision(ctx context.Context, client *lambda.Client, name string) (float64, error) {
	sum := 0.0
	list := lambda.NewListProvisionedConcurrencyConfigsPaginator(client, &lambda.ListProvisionedConcurrencyConfigsInput{FunctionName: &name})
	err := eachPage(ctx, list, func(page *lambda.ListProvisionedConcurrencyConfigsOutput) {
		for _, config := range page.ProvisionedConcurrencyConfigs {
			sum += float64(aws.ToInt32(config.RequestedProvisionedConcurrentExecutions))
		}
	})
	if isGone(err) || err == nil && sum == 0 {
		return 0, nil // gone since the functions were listed
	}
	if err != nil {
		return 0, err
	}
	reserved, err := client.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &name})
	if isGone(err) || err == nil && reserved.ReservedConcurrentExecutions != nil {
		return 0, nil
	}
	return sum, err
}

// storage is the code of functions, of the versions that they keep, and of layers. The code that is deployed is
// not among the assets any more, so the whole of what replaces it counts.
func storage(t *Template) []Share {
	var shares []Share
	for _, r := range t.Resources {
		switch r.Type {
		case functionType:
			if r.text("PackageType") != "Image" {
				shares = append(shares, t.code(r, "Code", replacing[functionType]...))
			}
		case "AWS::Lambda::LayerVersion":
			shares = append(shares, t.code(r, "Content", "Content", "LayerName"))
		case "AWS::Lambda::Version":
			function := t.referred(r.property("FunctionName"), functionType, "FunctionName")
			switch {
			case function == nil:
				shares = append(shares, r.unknown("function", r.property("FunctionName")))
			case function.text("PackageType") != "Image":
				// A version keeps its code, whatever becomes of the function's.
				share := t.code(*function, "Code")
				share.Key = r.ID
				shares = append(shares, share)
			}
		}
	}
	return shares
}

// code is the share of a package in a property, in GB.
func (t *Template) code(r Resource, property string, replaced ...string) Share {
	if inline := r.text(property + ".ZipFile"); inline != "" {
		return r.share(float64(len(inline))/gibibyte, replaced...)
	}
	if t.size != nil {
		if least, most, known := t.size(r.text(property + ".S3Key")); known {
			share := r.share(most/gibibyte, replaced...)
			if least != most {
				share.Least, share.Unknown = min(share.Least, least/gibibyte), "length of the package of "+r.ID
			}
			return share
		}
	}
	return r.unknown("length", r.property(property), replaced...)
}

// interfaces are the network interfaces that services put into the networks of an account. Functions with the
// same subnet and the same groups share one.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-enis
// https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
func interfaces(t *Template) []Share {
	var shares []Share
	for _, r := range t.Resources {
		switch r.Type {
		case "AWS::EC2::NetworkInterface":
			shares = append(shares, r.share(1, "SubnetId", "PrivateIpAddress"))
		case "AWS::EC2::Instance":
			shares = append(shares, r.share(1, "SubnetId", "ImageId", "AvailabilityZone"))
		case "AWS::EC2::NatGateway":
			shares = append(shares, r.share(1, "SubnetId", "AllocationId", "ConnectivityType"))
		case "AWS::EC2::VPCEndpoint":
			switch kind := r.property("VpcEndpointType"); {
			case kind == "Interface":
				shares = append(shares, r.listed("SubnetIds", "VpcId", "ServiceName"))
			case isFunction(kind):
				shares = append(shares, r.unknown("VpcEndpointType", kind))
			}
		case "AWS::DAX::Cluster":
			shares = append(shares, cluster(r))
		case functionType:
			written := r.property("VpcConfig.SubnetIds")
			subnets, isList := written.([]any)
			if written != nil && !isList {
				shares = append(shares, r.listed("VpcConfig.SubnetIds"))
			}
			var groups []string
			listed, _ := r.property("VpcConfig.SecurityGroupIds").([]any)
			for _, group := range listed {
				groups = append(groups, canonical(t.referring(group)))
			}
			slices.Sort(groups)
			for _, subnet := range subnets {
				share := r.share(1)
				share.Key = "functions " + canonical(t.referring(subnet)) + canonical(groups)
				shares = append(shares, share)
			}
		}
	}
	return shares
}

// cluster is the nodes of a DAX cluster.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dax-cluster.html
func cluster(r Resource) Share {
	return r.numbered("ReplicationFactor", 1, "ClusterName", "NodeType", "SubnetGroupName", "SSESpecification", "ClusterEndpointEncryptionType", "IAMRoleARN")
}

func nodes(t *Template) []Share {
	var shares []Share
	for _, r := range t.Resources {
		if r.Type == "AWS::DAX::Cluster" {
			shares = append(shares, cluster(r))
		}
	}
	return shares
}

const busType = "AWS::Events::EventBus"

// rules are the rules of each bus.
func rules(t *Template) []Share {
	var shares []Share
	for _, r := range t.Resources {
		if r.Type != "AWS::Events::Rule" {
			continue
		}
		share := r.share(1, "Name", "EventBusName")
		written := r.property("EventBusName")
		name, isText := written.(string)
		switch bus := t.referred(written, busType, "Name"); {
		case written == nil:
			share.Subject = "default"
		case bus != nil && bus.text("Name") != "":
			share.Subject = bus.text("Name")
		case isText:
			share.Subject = name[strings.LastIndex(name, "/")+1:]
		default:
			share = r.unknown("EventBusName", written, "Name", "EventBusName")
		}
		shares = append(shares, share)
	}
	return shares
}

func usedRules(ctx context.Context, config aws.Config) (map[string]float64, error) {
	client := eventbridge.NewFromConfig(config)
	count := map[string]float64{}
	for input := (&eventbridge.ListEventBusesInput{}); ; {
		page, err := client.ListEventBuses(ctx, input)
		if err != nil {
			return nil, err
		}
		for _, bus := range page.EventBuses {
			count[aws.ToString(bus.Name)] = 0
		}
		if input.NextToken = page.NextToken; aws.ToString(page.NextToken) == "" {
			break
		}
	}
	for _, bus := range slices.Sorted(maps.Keys(count)) {
		for input := (&eventbridge.ListRulesInput{EventBusName: &bus}); ; {
			page, err := client.ListRules(ctx, input)
			if isGone(err) {
				break // since the list was made
			}
			if err != nil {
				return nil, err
			}
			count[bus] += float64(len(page.Rules))
			if input.NextToken = page.NextToken; aws.ToString(page.NextToken) == "" {
				break
			}
		}
	}
	return count, nil
}

// isGone tells the answer for something that is not there any more.
func isGone(err error) bool {
	var refusal smithy.APIError
	return errors.As(err, &refusal) && (refusal.ErrorCode() == "ResourceNotFoundException" || refusal.ErrorCode() == "NoSuchResourceException")
}
