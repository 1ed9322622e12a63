package stack_test

import (
	"cmp"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdax"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// setting is how a component is made with a config, and a value other than the default for each of its
// fields.
type setting struct {
	zero   any
	make   func(s *stack.Stack, config any)
	values map[string]any
	stage  string // where the fields are set; "" is dev
}

// settings holds one for each config. A noun's own test file appends its own, in an init.
var settings = []setting{
	{
		zero: stack.FunctionConfig{Package: "./functions/f"},
		make: func(s *stack.Stack, config any) { stack.NewFunction(s, "f", config.(stack.FunctionConfig)) },
		values: map[string]any{
			"Package": "./functions/g", "Stages": stages.Only(production), "Memory": 512, "Timeout": time.Minute,
			"Architecture": stack.AMD64, "Environment": map[string]string{"MODE": "x"}, "Description": "x",
			"Name": "renamed", "Revision": 2, "Access": accessValue{}, "EphemeralStorage": 1024, "ReservedConcurrency": 2,
			"ProvisionedConcurrency": 1, "Tracing": true, "Layers": []string{"arn:aws:lambda:us-east-1:123456789012:layer:x:1"},
			"URL": &stack.URLConfig{}, "Async": &stack.AsyncConfig{},
			// The config of the test has a Package too, which it may not have with this.
			"Prebuilt": wholeValue{stack.FunctionConfig{Package: "./functions/f"}, stack.FunctionConfig{Prebuilt: &prebuilt}},
			"Override": func(props *awslambda.FunctionProps) { props.Description = text("x") },
			"Network":  componentValue(func(s *stack.Stack) any { return stack.NewNetwork(s, "main", stack.NetworkConfig{}) }),
		},
	},
	{
		zero: stack.TableConfig{PartitionKey: stack.StringKey("id"), SortKey: stack.StringKey("at")},
		make: func(s *stack.Stack, config any) { stack.NewTable(s, "t", config.(stack.TableConfig)) },
		values: map[string]any{
			"PartitionKey": stack.NumberKey("id"), "SortKey": stack.NumberKey("at"), "Stages": stages.Only(production),
			"DAX": &stack.DAXConfig{}, "Name": "other", "Revision": 2,
			"GlobalIndexes": []stack.GlobalIndexConfig{{Name: "by-owner", PartitionKey: stack.StringKey("owner")}}, "LocalIndexes": []stack.LocalIndexConfig{{Name: "by-size", SortKey: stack.NumberKey("size")}},
			"Stream": stack.StreamKeys, "TTL": "expires", "MaxRequests": &stack.MaxRequestsConfig{Read: 10},
			"Provisioned": &stack.ProvisionedConfig{}, "Encryption": &stack.EncryptionConfig{},
			"Override": func(props *awsdynamodb.TableProps) { props.TimeToLiveAttribute = text("x") },
		},
	},
	{
		zero: stack.DAXConfig{},
		make: func(s *stack.Stack, config any) { stack.NewTable(s, "t", withDAX(config.(stack.DAXConfig))) },
		values: map[string]any{
			"Network": componentValue(func(s *stack.Stack) any { return stack.NewNetwork(s, "main", stack.NetworkConfig{}) }),
			"Stages":  stages.Only(production), "Nodes": 5, "NodeType": "dax.r5.large", "ItemTTL": time.Hour, "QueryTTL": time.Hour,
			"Revision": 2, "Override": func(props *awsdax.CfnClusterProps) { props.Description = text("x") },
		},
	},
	{
		stage: "production",
		zero:  stack.HTTPAPIConfig{},
		make: func(s *stack.Stack, config any) {
			stack.NewHTTPAPI(s, "a", config.(stack.HTTPAPIConfig)).Route("GET /", stack.NewFunction(s, "f", code()))
		},
		values: map[string]any{
			"Stages": stages.Only(dev), "Description": "x", "CORS": &stack.CORSConfig{Origins: []string{"*"}},
			"Throttle": &stack.ThrottleConfig{Rate: 10}, "Domain": someDomain(), "NoAccessLog": true, "Authorizer": stack.IAM(),
			"Override": func(props *awsapigatewayv2.HttpApiProps) { props.Description = text("x") },
		},
	},
}

// accessValue stands for grants, which belong to a stack and so cannot be made before it.
type accessValue struct{}

// wholeValue are two whole configs, without and with a field that does not go with the zero's others.
type wholeValue struct{ without, with any }

// componentValue makes a value that belongs to a stack, for a field that holds another component. It is
// made in the plain bundle too, so that the field alone makes the difference.
type componentValue func(s *stack.Stack) any

func TestEveryFieldOfEveryConfigChangesTheTemplateOrTheBundle(t *testing.T) {
	for _, setting := range settings {
		kind := reflect.TypeOf(setting.zero)
		plain := func(t *testing.T, value any) string {
			return bundle(t, setting.stage, func(s *stack.Stack) {
				stack.NewFunction(s, "other", code())
				switch value := value.(type) {
				case componentValue:
					value(s)
				case wholeValue:
					setting.make(s, value.without)
					return
				}
				setting.make(s, setting.zero)
			})
		}
		alone := plain(t, nil)
		for field := range kind.NumField() {
			name := kind.Field(field).Name
			t.Run(kind.Name()+"."+name, func(t *testing.T) {
				value, known := setting.values[name]
				require.True(t, known, "a field without a value in this test: what does it change?")
				without := alone
				switch value.(type) {
				case componentValue, wholeValue:
					without = plain(t, value)
				}
				changed := bundle(t, setting.stage, func(s *stack.Stack) {
					other := stack.NewFunction(s, "other", code())
					config := reflect.New(kind).Elem()
					config.Set(reflect.ValueOf(setting.zero))
					if _, grants := value.(accessValue); grants {
						value = []stack.Grant{other.Invoke()}
					}
					if component, ok := value.(componentValue); ok {
						value = component(s)
					}
					if whole, ok := value.(wholeValue); ok {
						setting.make(s, whole.with)
						return
					}
					config.Field(field).Set(reflect.ValueOf(value))
					setting.make(s, config.Interface())
				})
				assert.NotEqual(t, without, changed)
			})
		}
		assert.Len(t, setting.values, kind.NumField(), "%s: values of fields that are gone", kind.Name())
	}
}

// TestEveryNameAndRevisionOfAConfigIsCheckedForItsComponent covers all that have these fields, so that no noun's own
// table has to.
func TestEveryNameAndRevisionOfAConfigIsCheckedForItsComponent(t *testing.T) {
	wrong := []struct {
		field string
		value any
		want  string
	}{
		{"Name", "a/b", `name is "a/b"; it must be letters, digits, hyphens, underscores and dots, first a letter. Write "a-b".`},
		{"Name", "2nd", `name is "2nd"; it must be letters, digits, hyphens, underscores and dots, first a letter. Write "nd".`},
		{"Revision", -1, `(DAX\.)?Revision is -1; it must be 0, or 2 and above. Leave it out, or count up from the deployed revision.`},
	}
	checked := map[string]bool{}
	for _, setting := range settings {
		kind := reflect.TypeOf(setting.zero)
		if _, noun := kind.FieldByName("Stages"); !noun || kind == reflect.TypeFor[stack.DomainConfig]() {
			continue // names of indexes and domains have rules of their own
		}
		for _, tt := range wrong {
			if _, has := kind.FieldByName(tt.field); !has {
				continue
			}
			t.Run(kind.Name()+"."+tt.field, func(t *testing.T) {
				config := reflect.New(kind).Elem()
				config.Set(reflect.ValueOf(setting.zero))
				config.FieldByName(tt.field).Set(reflect.ValueOf(tt.value))
				err := refusal(t, dev, func(s *stack.Stack) { setting.make(s, config.Interface()) })
				assert.Regexp(t, `^stack/\w+_test\.go:LINE: [a-z]+( [a-z]+)* "[a-z-]+": `+tt.want+`$`, withoutLines(err.Error()))
			})
			checked[kind.Name()] = true
		}
	}
	assert.Len(t, checked, 11, "each noun that has them: %v", checked)
}

// bundle is what is deployed to a stage: the template and what each function is built from. Besides those
// of the set there are ephemeral stages of dev.
func bundle(t *testing.T, name string, define func(s *stack.Stack)) string {
	t.Helper()
	stage, err := append(stages.Set{dev.Template("pr-*")}, set...).Find(cmp.Or(name, "dev"))
	require.NoError(t, err)
	outdir := t.TempDir()
	document, err := app(define).Synthesize(stack.Synthesis{Stages: []stages.Stage{stage}, Outdir: outdir, StubFunctions: true})
	require.NoError(t, err)
	bundle := []string{readAll(t, outdir)[document.Stages[0].File]}
	for _, fn := range document.Stages[0].Functions {
		bundle = append(bundle, fn.Package)
	}
	return strings.Join(bundle, "\n")
}
