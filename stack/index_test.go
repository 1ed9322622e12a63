package stack_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

func init() {
	settings = append(settings, setting{
		zero: stack.GlobalIndexConfig{Name: "by-owner", PartitionKey: stack.StringKey("owner")},
		make: func(s *stack.Stack, config any) {
			stack.NewTable(s, "t", withIndex(config.(stack.GlobalIndexConfig)))
		},
		values: map[string]any{
			"Name": "by-user", "PartitionKey": stack.NumberKey("owner"), "SortKey": stack.StringKey("at"), "Project": stack.ProjectKeys(),
			"MaxRequests": &stack.MaxRequestsConfig{Read: 10},
			"Provisioned": &stack.ProvisionedConfig{Read: stack.CapacityConfig{Min: 1, Max: 7}},
		},
	}, setting{
		zero: stack.LocalIndexConfig{Name: "by-size", SortKey: stack.NumberKey("size")},
		make: func(s *stack.Stack, config any) {
			stack.NewTable(s, "t", stack.TableConfig{
				PartitionKey: stack.StringKey("id"), SortKey: stack.StringKey("at"), LocalIndexes: []stack.LocalIndexConfig{config.(stack.LocalIndexConfig)},
			})
		},
		values: map[string]any{"Name": "by-weight", "SortKey": stack.StringKey("size"), "Project": stack.ProjectOnly("title")},
	}, setting{
		zero: stack.MaxRequestsConfig{Read: 5, Write: 5},
		make: func(s *stack.Stack, config any) {
			limit := config.(stack.MaxRequestsConfig)
			stack.NewTable(s, "t", stack.TableConfig{PartitionKey: stack.StringKey("id"), MaxRequests: &limit})
		},
		values: map[string]any{"Read": 10, "Write": 10},
	}, setting{
		zero: stack.ProvisionedConfig{},
		make: func(s *stack.Stack, config any) {
			capacity := config.(stack.ProvisionedConfig)
			stack.NewTable(s, "t", stack.TableConfig{PartitionKey: stack.StringKey("id"), Provisioned: &capacity})
		},
		values: map[string]any{"Read": stack.CapacityConfig{Min: 1}, "Write": stack.CapacityConfig{Min: 1}},
	}, setting{
		zero: stack.CapacityConfig{},
		make: func(s *stack.Stack, config any) {
			stack.NewTable(s, "t", stack.TableConfig{
				PartitionKey: stack.StringKey("id"), Provisioned: &stack.ProvisionedConfig{Read: config.(stack.CapacityConfig)},
			})
		},
		values: map[string]any{"Min": 2, "Max": 80, "Target": 50},
	}, setting{
		zero: stack.EncryptionConfig{},
		make: func(s *stack.Stack, config any) {
			encryption := config.(stack.EncryptionConfig)
			stack.NewTable(s, "t", stack.TableConfig{PartitionKey: stack.StringKey("id"), Encryption: &encryption})
		},
		values: map[string]any{"KeyARN": someKey},
	})
}

const someKey = "arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// withIndex is a table with one global index, provisioned where the index is.
func withIndex(index stack.GlobalIndexConfig) stack.TableConfig {
	config := key()
	config.GlobalIndexes = []stack.GlobalIndexConfig{index}
	if index.Provisioned != nil {
		config.Provisioned = &stack.ProvisionedConfig{}
	}
	return config
}

func TestAVerbOfATableReachesItsIndexesAsFarAsTheyOffer(t *testing.T) {
	query := []any{"dynamodb:Query", "dynamodb:Scan"}
	for _, tt := range []struct {
		name            string
		verb            func(*stack.Table) stack.Grant
		direct, indexes []any
	}{
		{"Read queries and scans them", (*stack.Table).Read, readItems, query},
		{"Write has no business there", (*stack.Table).Write, writeItems, nil},
		{"ReadWrite queries and scans them", (*stack.Table).ReadWrite, allItems, query},
	} {
		t.Run(tt.name, func(t *testing.T) {
			template := stacktest.Synth(t, app(func(s *stack.Stack) {
				config := withIndex(stack.GlobalIndexConfig{Name: "by-owner", PartitionKey: stack.StringKey("owner")})
				config.DAX = &stack.DAXConfig{Stages: stages.Only(production)}
				fn := code()
				fn.Access = []stack.Grant{tt.verb(stack.NewTable(s, "orders", config))}
				stack.NewFunction(s, "get", fn)
			}), dev)
			arn := map[string]any{"Fn::GetAtt": []any{template.Resource(t, "AWS::DynamoDB::Table", "orders").LogicalID, "Arn"}}
			want := []any{allowance(tt.direct, arn)}
			if tt.indexes != nil {
				want = append(want, allowance(tt.indexes, map[string]any{"Fn::Join": []any{"", []any{arn, "/index/*"}}}))
			}
			assert.Equal(t, want, rights(t, template, "get")[1:])
		})
	}
}

func TestDAXReachesTheIndexesOfItsTable(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		config := withDAX(stack.DAXConfig{})
		config.GlobalIndexes = []stack.GlobalIndexConfig{{Name: "by-owner", PartitionKey: stack.StringKey("owner")}}
		stack.NewFunction(s, "get", code()).Allow(stack.NewTable(s, "orders", config).ReadWrite())
	}), dev)
	arn := map[string]any{"Fn::GetAtt": []any{template.Resource(t, "AWS::DynamoDB::Table", "orders").LogicalID, "Arn"}}
	assert.Equal(t, []any{
		allowance(allItems, arn),
		allowance([]any{"dynamodb:Query", "dynamodb:Scan"}, map[string]any{"Fn::Join": []any{"", []any{arn, "/index/*"}}}),
	}, rights(t, template, "orders"))
}

func TestAKeyOfTheAccountsOwnIsGrantedThroughDynamoDBOnly(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		config := key()
		config.Encryption = &stack.EncryptionConfig{}
		orders := stack.NewTable(s, "orders", config)
		reader, writer := code(), code()
		reader.Access, writer.Access = []stack.Grant{orders.Read()}, []stack.Grant{orders.Write()}
		stack.NewFunction(s, "get", reader)
		stack.NewFunction(s, "put", writer)
	}), dev)
	made := template.Resource(t, "AWS::KMS::Key", "orders")
	assert.Equal(t, true, made.Properties["EnableKeyRotation"])
	allow := func(actions ...any) map[string]any {
		st := allowance(actions, map[string]any{"Fn::GetAtt": []any{made.LogicalID, "Arn"}})
		st["Condition"] = map[string]any{"StringEquals": map[string]any{"kms:ViaService": map[string]any{"Fn::Sub": "dynamodb.${AWS::Region}.amazonaws.com"}}}
		return st
	}
	assert.Equal(t, allow("kms:Decrypt", "kms:DescribeKey"), rights(t, template, "get")[2])
	assert.Equal(t, allow("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext",
		"kms:ReEncryptFrom", "kms:ReEncryptTo"), rights(t, template, "put")[2])
}

func TestProvisionedCapacityFollowsTheTrafficUnlessItMayNot(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		config := key()
		config.Provisioned = &stack.ProvisionedConfig{Read: stack.CapacityConfig{Min: 2, Max: 30}, Write: stack.CapacityConfig{Min: 3, Max: 3}}
		config.GlobalIndexes = []stack.GlobalIndexConfig{{
			Name: "by-owner", PartitionKey: stack.StringKey("owner"), Provisioned: &stack.ProvisionedConfig{Read: stack.CapacityConfig{Min: 1, Max: 1}},
		}}
		stack.NewTable(s, "orders", config)
	}), dev)
	table := template.Resource(t, "AWS::DynamoDB::Table", "orders").Properties
	assert.Equal(t, map[string]any{"ReadCapacityUnits": 2.0, "WriteCapacityUnits": 3.0}, table["ProvisionedThroughput"])
	assert.Equal(t, map[string]any{"ReadCapacityUnits": 1.0, "WriteCapacityUnits": 5.0},
		table["GlobalSecondaryIndexes"].([]any)[0].(map[string]any)["ProvisionedThroughput"])
	limits := map[any][]any{}
	for _, target := range template.Resources("AWS::ApplicationAutoScaling::ScalableTarget") {
		limits[target.Properties["ScalableDimension"]] = []any{target.Properties["MinCapacity"], target.Properties["MaxCapacity"]}
	}
	assert.Equal(t, map[any][]any{"dynamodb:table:ReadCapacityUnits": {2.0, 30.0}, "dynamodb:index:WriteCapacityUnits": {5.0, 50.0}}, limits)
	assert.Len(t, template.Resources("AWS::ApplicationAutoScaling::ScalingPolicy"), 2)
}

func TestWrongIndexesAndCapacitiesAreRefused(t *testing.T) {
	global := func(change func(*stack.GlobalIndexConfig)) stack.TableConfig {
		index := stack.GlobalIndexConfig{Name: "by-owner", PartitionKey: stack.StringKey("owner")}
		change(&index)
		return withIndex(index)
	}
	local := func(index stack.LocalIndexConfig) stack.TableConfig {
		return stack.TableConfig{PartitionKey: stack.StringKey("id"), SortKey: stack.StringKey("at"), LocalIndexes: []stack.LocalIndexConfig{index}}
	}
	read := func(capacity stack.CapacityConfig) stack.TableConfig {
		return stack.TableConfig{PartitionKey: stack.StringKey("id"), Provisioned: &stack.ProvisionedConfig{Read: capacity}}
	}
	many := func(number int) (indexes []stack.GlobalIndexConfig) {
		for i := range number {
			indexes = append(indexes, stack.GlobalIndexConfig{Name: "index-" + string(rune('a'+i)), PartitionKey: stack.StringKey("owner")})
		}
		return indexes
	}
	for name, tt := range map[string]struct {
		config stack.TableConfig
		want   string
	}{
		"a short name": {
			global(func(i *stack.GlobalIndexConfig) { i.Name = "by" }),
			`GlobalIndexes[0].Name is "by"; it must be 3 to 255 letters, digits, hyphens, underscores and dots. Write Name: "by-owner".`,
		},
		"no partition key": {
			global(func(i *stack.GlobalIndexConfig) { i.PartitionKey = stack.Key{} }),
			`GlobalIndexes[0].PartitionKey is missing; it must be a key. Write GlobalIndexes[0].PartitionKey: stack.StringKey("id").`,
		},
		"a sort key without a name": {
			global(func(i *stack.GlobalIndexConfig) { i.SortKey = stack.NumberKey("") }),
			`GlobalIndexes[0].SortKey is ""; it must be a name of 1 to 255 bytes. Write stack.StringKey("id").`,
		},
		"one key twice": {
			global(func(i *stack.GlobalIndexConfig) { i.SortKey = stack.StringKey("owner") }),
			`GlobalIndexes[0].SortKey is "owner", the PartitionKey; it must be another attribute. Rename it, or leave it out.`,
		},
		"an attribute of two types": {
			global(func(i *stack.GlobalIndexConfig) { i.SortKey = stack.NumberKey("id") }),
			`GlobalIndexes[0].SortKey is "id" of type N; it must be type S, as in PartitionKey. Write the same key in both.`,
		},
		"a projection of nothing": {
			global(func(i *stack.GlobalIndexConfig) { i.Project = stack.ProjectOnly() }),
			`GlobalIndexes[0].Project is ProjectOnly of nothing; it must be of at least one attribute. Write stack.ProjectOnly("title"), or stack.ProjectKeys().`,
		},
		"a projection of too much": {
			global(func(i *stack.GlobalIndexConfig) { i.Project = stack.ProjectOnly(letters(101)...) }),
			`GlobalIndexes and LocalIndexes is 101 projected attributes; it must be at most 100 over all indexes. Leave Project out of an index, which then holds all.`,
		},
		"an index's limit on a provisioned table": {
			stack.TableConfig{
				PartitionKey: stack.StringKey("id"), Provisioned: &stack.ProvisionedConfig{},
				GlobalIndexes: []stack.GlobalIndexConfig{{Name: "by-owner", PartitionKey: stack.StringKey("owner"), MaxRequests: &stack.MaxRequestsConfig{Read: 1}}},
			},
			`GlobalIndexes[0].MaxRequests is on a table with Provisioned; it must be left out there: a table is on demand or provisioned. Write the index's Provisioned instead.`,
		},
		"an index's capacity on a table by request": {
			stack.TableConfig{
				PartitionKey:  stack.StringKey("id"),
				GlobalIndexes: []stack.GlobalIndexConfig{{Name: "by-owner", PartitionKey: stack.StringKey("owner"), Provisioned: &stack.ProvisionedConfig{}}},
			},
			`GlobalIndexes[0].Provisioned is on a table without Provisioned; it must be left out there: a table is on demand or provisioned. Give the table Provisioned, or leave it out.`,
		},
		"two indexes of one name": {
			stack.TableConfig{PartitionKey: stack.StringKey("id"), GlobalIndexes: append(many(1), many(1)...)},
			`GlobalIndexes[1].Name is "index-a", the name of GlobalIndexes[0]; it must be a name of its own. Rename one of the two.`,
		},
		"too many global indexes": {
			stack.TableConfig{PartitionKey: stack.StringKey("id"), GlobalIndexes: many(21)},
			`GlobalIndexes is 21 indexes; it must be at most 20. Remove the ones that nothing queries.`,
		},
		"too many local indexes": {
			stack.TableConfig{PartitionKey: stack.StringKey("id"), SortKey: stack.StringKey("at"), LocalIndexes: make([]stack.LocalIndexConfig, 6)},
			`LocalIndexes is 6 indexes; it must be at most 5. Write the others as GlobalIndexes.`,
		},
		"a local index without a sort key of the table": {
			stack.TableConfig{PartitionKey: stack.StringKey("id"), LocalIndexes: []stack.LocalIndexConfig{{Name: "by-size", SortKey: stack.NumberKey("size")}}},
			`LocalIndexes is "by-size" on a table without SortKey; it must be on a table with a SortKey. Give the table a SortKey, or write a GlobalIndexes.`,
		},
		"a local index without a name": {
			local(stack.LocalIndexConfig{SortKey: stack.NumberKey("size")}),
			`LocalIndexes[0].Name is ""; it must be 3 to 255 letters, digits, hyphens, underscores and dots. Write Name: "by-owner".`,
		},
		"a local index without a sort key": {
			local(stack.LocalIndexConfig{Name: "by-size"}),
			`LocalIndexes[0].SortKey is missing; it must be a key. Write LocalIndexes[0].SortKey: stack.StringKey("id").`,
		},
		"a local index by the partition key": {
			local(stack.LocalIndexConfig{Name: "by-size", SortKey: stack.StringKey("id")}),
			`LocalIndexes[0].SortKey is "id", the table's PartitionKey; it must be another attribute. Order by another.`,
		},
		"a local projection of nothing": {
			local(stack.LocalIndexConfig{Name: "by-size", SortKey: stack.StringKey("size"), Project: stack.ProjectOnly()}),
			`LocalIndexes[0].Project is ProjectOnly of nothing; it must be of at least one attribute. Write stack.ProjectOnly("title"), or stack.ProjectKeys().`,
		},
		"no limit at all": {
			stack.TableConfig{PartitionKey: stack.StringKey("id"), MaxRequests: &stack.MaxRequestsConfig{}},
			`MaxRequests is no limit; it must be Read, Write or both. Write Read: 1000, or leave it out.`,
		},
		"a limit above AWS's": {
			stack.TableConfig{PartitionKey: stack.StringKey("id"), MaxRequests: &stack.MaxRequestsConfig{Read: 40001}},
			`MaxRequests.Read is 40001; it must be 1 to 40000 units per second. Write Read: 1000, or leave it out.`,
		},
		"a limit below nothing": {
			stack.TableConfig{PartitionKey: stack.StringKey("id"), MaxRequests: &stack.MaxRequestsConfig{Write: -1}},
			`MaxRequests.Write is -1; it must be 1 to 40000 units per second. Write Write: 1000, or leave it out.`,
		},
		"a limit and provisioned": {
			stack.TableConfig{PartitionKey: stack.StringKey("id"), MaxRequests: &stack.MaxRequestsConfig{Read: 1}, Provisioned: &stack.ProvisionedConfig{}},
			`MaxRequests is together with Provisioned; it must be the only one of the two: a table is on demand or provisioned. Remove one of the two.`,
		},
		"a least below one":      {read(stack.CapacityConfig{Min: -1}), `Provisioned.Read.Min is -1; it must be 1 to 40000 units. Write Min: 5, or leave it out.`},
		"a most above AWS's":     {read(stack.CapacityConfig{Max: 50000}), `Provisioned.Read.Max is 50000; it must be 1 to 40000 units. Write Max: 50, or leave it out.`},
		"a most below the least": {read(stack.CapacityConfig{Min: 10, Max: 5}), `Provisioned.Read.Max is 5; it must be at least Min (10). Raise Max, or lower Min.`},
		"a use that scales late": {read(stack.CapacityConfig{Target: 95}), `Provisioned.Read.Target is 95; it must be 20 to 90 percent. Write Target: 70, or leave it out.`},
		"a stream of nothing known": {
			stack.TableConfig{PartitionKey: stack.StringKey("id"), Stream: "ALL"},
			`Stream is "ALL"; it must be stack.StreamKeys, StreamNew, StreamOld or StreamNewAndOld. Write stack.StreamNewAndOld, or leave it out.`,
		},
		"a long TTL": {
			stack.TableConfig{PartitionKey: stack.StringKey("id"), TTL: letters(256)[255]},
			`TTL is 256 bytes; it must be at most 255. Shorten it.`,
		},
		"a key that is none": {
			stack.TableConfig{PartitionKey: stack.StringKey("id"), Encryption: &stack.EncryptionConfig{KeyARN: "alias/orders"}},
			`Encryption.KeyARN is "alias/orders"; it must be the ARN of a KMS key. Write "arn:aws:kms:REGION:ACCOUNT:key/ID", or leave it out.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) { stack.NewTable(s, "orders", tt.config) })
			assert.Equal(t, `stack/index_test.go:LINE: table "orders": `+tt.want, withoutLines(err.Error()))
		})
	}
}

// letters are texts of 1 to so many letters.
func letters(number int) []string {
	texts := make([]string, number)
	for i := range texts {
		texts[i] = "a"
		if i > 0 {
			texts[i] += texts[i-1]
		}
	}
	return texts
}
