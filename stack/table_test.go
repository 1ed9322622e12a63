package stack_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

var (
	readItems = []any{
		"dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:DescribeTable",
		"dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan",
	}
	writeItems = []any{"dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:DescribeTable", "dynamodb:PutItem", "dynamodb:UpdateItem"}
	allItems   = []any{
		"dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem",
		"dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem",
	}
	readCache  = []any{"dax:BatchGetItem", "dax:ConditionCheckItem", "dax:GetItem", "dax:Query", "dax:Scan"}
	writeCache = []any{"dax:BatchWriteItem", "dax:DeleteItem", "dax:PutItem", "dax:UpdateItem"}
	allCache   = []any{
		"dax:BatchGetItem", "dax:BatchWriteItem", "dax:ConditionCheckItem", "dax:DeleteItem", "dax:GetItem",
		"dax:PutItem", "dax:Query", "dax:Scan", "dax:UpdateItem",
	}
)

func TestAVerbOfATableGrantsExactlyItsActions(t *testing.T) {
	for _, tt := range []struct {
		name           string
		verb           func(*stack.Table) stack.Grant
		direct, cached []any
	}{
		{"Read reads and cannot write, through DAX neither", (*stack.Table).Read, readItems, readCache},
		{"Write writes and cannot read, through DAX neither", (*stack.Table).Write, writeItems, writeCache},
		{"ReadWrite does both", (*stack.Table).ReadWrite, allItems, allCache},
	} {
		t.Run(tt.name, func(t *testing.T) {
			define := func(s *stack.Stack) {
				table := key()
				table.DAX = &stack.DAXConfig{Stages: stages.Only(production)}
				orders := stack.NewTable(s, "orders", table)
				fn := code()
				fn.Access = []stack.Grant{tt.verb(orders)}
				stack.NewFunction(s, "get", fn)
			}
			plain := stacktest.Synth(t, app(define), dev)
			table := map[string]any{"Fn::GetAtt": []any{plain.Resource(t, "AWS::DynamoDB::Table", "orders").LogicalID, "Arn"}}
			assert.Equal(t, []any{allowance(tt.direct, table)}, rights(t, plain, "get")[1:])

			cached := stacktest.Synth(t, app(define), production)
			cluster := map[string]any{"Fn::GetAtt": []any{cached.Resource(t, "AWS::DAX::Cluster", "orders").LogicalID, "Arn"}}
			assert.Contains(t, rights(t, cached, "get"), allowance(tt.direct, table))
			assert.Contains(t, rights(t, cached, "get"), allowance(tt.cached, cluster))
			assert.Len(t, rights(t, cached, "get"), 3, "logs, table, cache")
		})
	}
}

func TestWithoutDAXThereIsNoNetwork(t *testing.T) {
	template := stacktest.Synth(t, app(cachedOrders), dev)
	for _, resource := range template.Resources("") {
		assert.NotContains(t, resource.Type, "AWS::EC2::")
		assert.NotContains(t, resource.Type, "AWS::DAX::")
	}
	fn := template.Resource(t, "AWS::Lambda::Function", "get").Properties
	assert.NotContains(t, fn, "VpcConfig")
	assert.Equal(t, []string{"ORDERS_TABLE"}, variables(fn))
}

func TestDAXIsAWholeComponent(t *testing.T) {
	template := stacktest.Synth(t, app(cachedOrders), production)
	cluster := template.Resource(t, "AWS::DAX::Cluster", "orders").Properties
	assert.Equal(t, map[string]any{"SSEEnabled": true}, cluster["SSESpecification"], "at rest")
	assert.Equal(t, "TLS", cluster["ClusterEndpointEncryptionType"], "in transit")
	assert.Equal(t, 3.0, cluster["ReplicationFactor"])
	assert.Equal(t, "dax.t3.small", cluster["NodeType"])
	assert.LessOrEqual(t, len(cluster["ClusterName"].(string)), 20)

	table := map[string]any{"Fn::GetAtt": []any{template.Resource(t, "AWS::DynamoDB::Table", "orders").LogicalID, "Arn"}}
	assert.Equal(t, []any{allowance(readItems, table)}, rights(t, template, "orders"), "the cluster's role may what the grants are")

	assert.Len(t, template.Resources("AWS::EC2::Subnet"), 3)
	assert.Empty(t, template.Resources("AWS::EC2::NatGateway"))
	assert.Empty(t, template.Resources("AWS::EC2::InternetGateway"))
	assert.Len(t, template.Resources("AWS::EC2::VPCEndpoint"), 1)

	fn := template.Resource(t, "AWS::Lambda::Function", "get").Properties
	assert.Len(t, fn["VpcConfig"].(map[string]any)["SubnetIds"], 3)
	assert.ElementsMatch(t, []string{"ORDERS_TABLE", "ORDERS_DAX_ENDPOINT"}, variables(fn))
	assert.NotContains(t, template.Resource(t, "AWS::Lambda::Function", "other").Properties, "VpcConfig", "a function that is not granted the table stays outside")
}

func TestDAXAdmitsOnlyTheFunctionsGrantedAccess(t *testing.T) {
	template := stacktest.Synth(t, app(cachedOrders), production)
	rules := template.Resources("AWS::EC2::SecurityGroupIngress")
	if assert.Len(t, rules, 1) {
		cluster := template.Resource(t, "AWS::EC2::SecurityGroup", "orders").LogicalID
		function := template.Resource(t, "AWS::EC2::SecurityGroup", "get").LogicalID
		assert.Equal(t, map[string]any{"Fn::GetAtt": []any{cluster, "GroupId"}}, rules[0].Properties["GroupId"])
		assert.Equal(t, map[string]any{"Fn::GetAtt": []any{function, "GroupId"}}, rules[0].Properties["SourceSecurityGroupId"])
		assert.Equal(t, 9111.0, rules[0].Properties["FromPort"])
	}
	for _, group := range template.Resources("AWS::EC2::SecurityGroup") {
		assert.NotContains(t, group.Properties, "SecurityGroupIngress")
	}
}

func TestAFunctionBesideDAXCannotReachOtherServices(t *testing.T) {
	err := refusal(t, production, func(s *stack.Stack) {
		table := key()
		table.DAX = &stack.DAXConfig{}
		orders := stack.NewTable(s, "orders", table)
		other := stack.NewFunction(s, "other", code())
		fn := stack.NewFunction(s, "get", code())
		fn.Allow(other.Invoke())
		fn.Allow(orders.Read())
	})
	assert.Equal(t, `stack/table_test.go:LINE: function "get": Access is Lambda of function "other", while DAX of table "orders" places the function in a network without internet; `+
		`it must be a service that the network reaches (DynamoDB). Do that work in another function, or give DAX a Network that has stack.EndpointLambda in its Endpoints.`, withoutLines(err.Error()))
}

func TestAGrantOnAnAbsentTable(t *testing.T) {
	define := func(grant func(*stack.Table) stack.Grant) func(s *stack.Stack) {
		return func(s *stack.Stack) {
			table := key()
			table.Stages = stages.Except(dev)
			orders := stack.NewTable(s, "orders", table)
			fn := code()
			fn.Access = []stack.Grant{grant(orders)}
			stack.NewFunction(s, "get", fn)
		}
	}
	t.Run("is refused, naming both ends", func(t *testing.T) {
		err := refusal(t, dev, define((*stack.Table).Read))
		assert.Equal(t, `stack/table_test.go:LINE: function "get": Access is Read of table "orders", which some stage that has the function does not have; `+
			`it must be a component of every stage of the function. Give both the same Stages, or write .Read().Optional().`, withoutLines(err.Error()))
	})
	t.Run("follows it where it is optional", func(t *testing.T) {
		optional := define(func(orders *stack.Table) stack.Grant { return orders.Read().Optional() })
		assert.NotContains(t, stacktest.Synth(t, app(optional), dev).Resource(t, "AWS::Lambda::Function", "get").Properties, "Environment")
		assert.Equal(t, []string{"ORDERS_TABLE"},
			variables(stacktest.Synth(t, app(optional), production).Resource(t, "AWS::Lambda::Function", "get").Properties))
	})
}

func TestWrongTableConfigsAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		config stack.TableConfig
		want   string
	}{
		"no partition key":     {stack.TableConfig{}, `PartitionKey is missing; it must be a key. Write PartitionKey: stack.StringKey("id").`},
		"a key without a name": {stack.TableConfig{PartitionKey: stack.StringKey("")}, `PartitionKey is ""; it must be a name of 1 to 255 bytes. Write stack.StringKey("id").`},
		"a sort key without a name": {
			stack.TableConfig{PartitionKey: stack.StringKey("id"), SortKey: stack.NumberKey("")}, `SortKey is ""; it must be a name of 1 to 255 bytes. Write stack.StringKey("id").`,
		},
		"one key twice":         {stack.TableConfig{PartitionKey: stack.StringKey("id"), SortKey: stack.NumberKey("id")}, `SortKey is "id", the PartitionKey; it must be another attribute. Rename it, or leave it out.`},
		"too many nodes":        {withDAX(stack.DAXConfig{Nodes: 12}), `DAX.Nodes is 12; it must be 1 to 11. Write Nodes: 3, or leave it out.`},
		"fewer than no nodes":   {withDAX(stack.DAXConfig{Nodes: -1}), `DAX.Nodes is -1; it must be 1 to 11. Write Nodes: 3, or leave it out.`},
		"a node of another AWS": {withDAX(stack.DAXConfig{NodeType: "t3.small"}), `DAX.NodeType is "t3.small"; it must be one of dax.t3.{small, medium}, dax.r5.{large, xlarge, 2xlarge, 4xlarge, 8xlarge, 12xlarge, 16xlarge, 24xlarge}, dax.r7i.{large, xlarge, 2xlarge, 4xlarge, 8xlarge, 12xlarge, 16xlarge, 24xlarge}, dax.t2.{small, medium}, dax.r4.{large, xlarge, 2xlarge, 4xlarge, 8xlarge, 16xlarge}, dax.r3.{large, xlarge, 2xlarge, 4xlarge, 8xlarge}. Write NodeType: "dax.t3.small", or leave it out.`},
		"a time below a millisecond": {
			withDAX(stack.DAXConfig{ItemTTL: 300}), `DAX.ItemTTL is 300ns; it must be 1ms to 720h in whole milliseconds. Write ItemTTL: 5 * time.Minute, or leave it out.`,
		},
		"a time above a month": {
			withDAX(stack.DAXConfig{QueryTTL: 1000 * time.Hour}), `DAX.QueryTTL is 1000h0m0s; it must be 1ms to 720h in whole milliseconds. Write QueryTTL: 5 * time.Minute, or leave it out.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) { stack.NewTable(s, "orders", tt.config) })
			assert.Equal(t, `stack/table_test.go:LINE: table "orders": `+tt.want, withoutLines(err.Error()))
		})
	}
}

// cachedOrders is a table with DAX in protected stages, a function that reads it, and one that does not.
func cachedOrders(s *stack.Stack) {
	orders := stack.NewTable(s, "orders", withDAX(stack.DAXConfig{Stages: stages.Only(stages.Protected)}))
	fn := code()
	fn.Access = []stack.Grant{orders.Read()}
	stack.NewFunction(s, "get", fn)
	stack.NewFunction(s, "other", code())
}

func withDAX(dax stack.DAXConfig) stack.TableConfig {
	config := key()
	config.DAX = &dax
	return config
}

// variables are the names of a function's environment.
func variables(fn map[string]any) []string {
	var names []string
	for name := range fn["Environment"].(map[string]any)["Variables"].(map[string]any) {
		names = append(names, name)
	}
	return names
}
