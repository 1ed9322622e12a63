// Package inventory lists what an account holds of one service, for tests that compare accounts and for the demo.
package inventory

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	apigatewayv2types "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dax"
	daxtypes "github.com/aws/aws-sdk-go-v2/service/dax/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	taggingtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/arn"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// Holdings is what a stage's account holds of one service: the service's stack, and what is tagged as the
// stage's and the service's, whether a stack still has it or not. A table that outlived its stack is among
// them.
type Holdings struct {
	// Stage is the stage that was asked for, Service the service.
	Stage   stages.Stage
	Service string
	// Stack is the service's stack; nil where there is none.
	Stack *Stack
	// Tables, Functions, APIs, Clusters and Networks are sorted by name.
	Tables    []Table
	Functions []Function
	APIs      []API
	Clusters  []Cluster
	Networks  []Network
}

// Empty says whether nothing of the service is left.
func (h *Holdings) Empty() bool {
	return h.Stack == nil && len(h.Tables)+len(h.Functions)+len(h.APIs)+len(h.Clusters)+len(h.Networks) == 0
}

// Stack is a CloudFormation stack.
type Stack struct {
	// Name is its physical name, Status CloudFormation's, such as UPDATE_COMPLETE.
	Name, Status string
	// Protected says whether CloudFormation refuses to delete it.
	Protected bool
	// Outputs are its outputs by key.
	Outputs map[string]string
}

// Table is a DynamoDB table.
type Table struct {
	// Name is its physical name, Status DynamoDB's, such as ACTIVE.
	Name, Status string
	// Protected says whether DynamoDB refuses to delete it.
	Protected bool
}

// Function is a Lambda function.
type Function struct {
	// Name is its physical name.
	Name string
	// Memory is in MiB.
	Memory int
	// Environment are its variables.
	Environment map[string]string
	// Network is the id of the VPC it is in; empty where it is in none.
	Network string
}

// API is an HTTP API.
type API struct {
	// Name is its physical name, Endpoint its URL.
	Name, Endpoint string
}

// Cluster is a DAX cluster.
type Cluster struct {
	// Name is its physical name, Status DAX's, Endpoint the URL that clients discover its nodes by.
	Name, Status, Endpoint string
	// Nodes is how many it has.
	Nodes int
}

// Network is a VPC.
type Network struct {
	// ID is the VPC's, CIDR its range.
	ID, CIDR string
}

// Read asks the services of a stage's account and region what they hold of a service. It changes
// nothing. The configuration's credentials must be of the stage's account; its region does not count. The
// error is an [*AccountError] or a [*ServiceError], or a name that the stage and the service cannot have.
func Read(ctx context.Context, config aws.Config, stage stages.Stage, service string) (*Holdings, error) {
	config = config.Copy()
	config.Region = stage.Region
	q := &inquiry{config: config, stage: stage, service: service, holdings: &Holdings{Stage: stage, Service: service}}
	for _, ask := range []struct {
		service string
		answer  func(context.Context) error
	}{
		{"STS", q.account},
		{"CloudFormation", q.stack},
		{"Resource Groups Tagging API", q.tagged},
		{"DynamoDB", q.tables},
		{"Lambda", q.functions},
		{"API Gateway", q.apis},
		{"DAX", q.clusters},
		{"EC2", q.networks},
	} {
		if err := ask.answer(ctx); err != nil {
			var mistake *stages.FieldError
			var account *fleet.AccountError
			if errors.As(err, &mistake) || errors.As(err, &account) {
				return nil, err
			}
			return nil, &fleet.ServiceError{Stage: stage, Service: ask.service, Err: err}
		}
	}
	q.sort()
	return q.holdings, nil
}

// inquiry is one call of Read.
type inquiry struct {
	config   aws.Config
	stage    stages.Stage
	service  string
	holdings *Holdings
	// names are those of what carries the tags of the stage and the service, by type. Names alone would not do: they
	// are cut where a kind's limit is short, and the names of stage dev begin those of stage dev-alice.
	names map[string][]string
}

func (q *inquiry) account(ctx context.Context) error {
	who, err := sts.NewFromConfig(q.config).GetCallerIdentity(ctx, nil)
	if err != nil {
		return err
	}
	if got := aws.ToString(who.Account); got != q.stage.Account {
		return &fleet.AccountError{Stage: q.stage, Account: got}
	}
	return nil
}

func (q *inquiry) stack(ctx context.Context) error {
	name, err := stages.Stack.Name(stages.Part{Stage: q.stage.Name, Service: q.service})
	if err != nil {
		return err
	}
	answer, err := cloudformation.NewFromConfig(q.config).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		if stacks.IsMissing(err) {
			return nil
		}
		return err
	}
	for _, s := range answer.Stacks {
		found := &Stack{
			Name: aws.ToString(s.StackName), Status: string(s.StackStatus), Protected: aws.ToBool(s.EnableTerminationProtection),
			Outputs: map[string]string{},
		}
		for _, output := range s.Outputs {
			found.Outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
		}
		q.holdings.Stack = found
	}
	return nil
}

// tagged asks for what carries the tags, of whatever type. It may be gone already: tags are listed for a while
// after what they were on.
func (q *inquiry) tagged(ctx context.Context) error {
	mine := func(tag, value string) taggingtypes.TagFilter {
		return taggingtypes.TagFilter{Key: aws.String(tag), Values: []string{value}}
	}
	q.names = map[string][]string{}
	pages := resourcegroupstaggingapi.NewGetResourcesPaginator(resourcegroupstaggingapi.NewFromConfig(q.config), &resourcegroupstaggingapi.GetResourcesInput{
		ResourcesPerPage: aws.Int32(100), TagFilters: []taggingtypes.TagFilter{mine(stacks.TagStage, q.stage.Name), mine(stacks.TagService, q.service)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, mapping := range page.ResourceTagMappingList {
			one := arn.Read(aws.ToString(mapping.ResourceARN))
			q.names[one.Type] = append(q.names[one.Type], one.Name)
		}
	}
	return nil
}

func (q *inquiry) tables(ctx context.Context) error {
	client := dynamodb.NewFromConfig(q.config)
	for _, name := range q.names[arn.TableType] {
		answer, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		if _, gone := errors.AsType[*dynamodbtypes.ResourceNotFoundException](err); gone {
			continue
		}
		if err != nil {
			return err
		}
		q.holdings.Tables = append(q.holdings.Tables, Table{
			Name: name, Status: string(answer.Table.TableStatus), Protected: aws.ToBool(answer.Table.DeletionProtectionEnabled),
		})
	}
	return nil
}

func (q *inquiry) functions(ctx context.Context) error {
	client := lambda.NewFromConfig(q.config)
	for _, name := range q.names["AWS::Lambda::Function"] {
		answer, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
		if _, gone := errors.AsType[*lambdatypes.ResourceNotFoundException](err); gone {
			continue
		}
		if err != nil {
			return err
		}
		q.holdings.Functions = append(q.holdings.Functions, describeFunction(answer))
	}
	return nil
}

func describeFunction(f *lambda.GetFunctionConfigurationOutput) Function {
	described := Function{Name: aws.ToString(f.FunctionName), Memory: int(aws.ToInt32(f.MemorySize)), Environment: map[string]string{}}
	if f.Environment != nil {
		for name, value := range f.Environment.Variables {
			described.Environment[name] = value
		}
	}
	if f.VpcConfig != nil {
		described.Network = aws.ToString(f.VpcConfig.VpcId)
	}
	return described
}

func (q *inquiry) apis(ctx context.Context) error {
	client := apigatewayv2.NewFromConfig(q.config)
	for _, id := range q.names["AWS::ApiGatewayV2::Api"] {
		answer, err := client.GetApi(ctx, &apigatewayv2.GetApiInput{ApiId: &id})
		if _, gone := errors.AsType[*apigatewayv2types.NotFoundException](err); gone {
			continue
		}
		if err != nil {
			return err
		}
		q.holdings.APIs = append(q.holdings.APIs, API{Name: aws.ToString(answer.Name), Endpoint: aws.ToString(answer.ApiEndpoint)})
	}
	return nil
}

func (q *inquiry) clusters(ctx context.Context) error {
	client := dax.NewFromConfig(q.config)
	for _, name := range q.names["AWS::DAX::Cluster"] {
		answer, err := client.DescribeClusters(ctx, &dax.DescribeClustersInput{ClusterNames: []string{name}})
		if _, gone := errors.AsType[*daxtypes.ClusterNotFoundFault](err); gone {
			continue
		}
		if err != nil {
			return err
		}
		for _, cluster := range answer.Clusters {
			q.holdings.Clusters = append(q.holdings.Clusters, describeCluster(cluster))
		}
	}
	return nil
}

func describeCluster(c daxtypes.Cluster) Cluster {
	described := Cluster{Name: aws.ToString(c.ClusterName), Status: aws.ToString(c.Status), Nodes: int(aws.ToInt32(c.TotalNodes))}
	if c.ClusterDiscoveryEndpoint != nil {
		described.Endpoint = aws.ToString(c.ClusterDiscoveryEndpoint.URL)
	}
	return described
}

func (q *inquiry) networks(ctx context.Context) error {
	client := ec2.NewFromConfig(q.config)
	for _, id := range q.names["AWS::EC2::VPC"] {
		answer, err := client.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{id}})
		if refusal, is := errors.AsType[smithy.APIError](err); is && refusal.ErrorCode() == "InvalidVpcID.NotFound" {
			continue
		}
		if err != nil {
			return err
		}
		for _, vpc := range answer.Vpcs {
			q.holdings.Networks = append(q.holdings.Networks, Network{ID: aws.ToString(vpc.VpcId), CIDR: aws.ToString(vpc.CidrBlock)})
		}
	}
	return nil
}

// sort makes two inventories of one account comparable: the services promise no order.
func (q *inquiry) sort() {
	h := q.holdings
	slices.SortFunc(h.Tables, func(a, b Table) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(h.Functions, func(a, b Function) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(h.APIs, func(a, b API) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(h.Clusters, func(a, b Cluster) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(h.Networks, func(a, b Network) int { return cmp.Compare(a.ID, b.ID) })
}
