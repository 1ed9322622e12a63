package stack_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

// configs are the configs of every noun and trigger, as the nouns' own tests know them, and the structs in them.
func configs() map[string]reflect.Type {
	all := map[string]reflect.Type{}
	var add func(kind reflect.Type)
	add = func(kind reflect.Type) {
		for kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Slice {
			kind = kind.Elem()
		}
		if kind.Kind() != reflect.Struct || all[kind.Name()] != nil || !stack.HoldsValues(kind) {
			return
		}
		all[kind.Name()] = kind
		for i := range kind.NumField() {
			add(kind.Field(i).Type)
		}
	}
	for _, setting := range settings {
		add(reflect.TypeOf(setting.zero))
	}
	return all
}

func TestEveryNumberOfEveryConfigHasItsRange(t *testing.T) {
	rows := map[string]bool{}
	for name, kind := range configs() {
		for i := range kind.NumField() {
			field := kind.Field(i)
			of := field.Type
			if of.Kind() == reflect.Slice {
				of = of.Elem()
			}
			if of.Kind() != reflect.Int && of.Kind() != reflect.Int64 || field.Name == "Revision" || !field.IsExported() {
				continue // a revision has the rule of its name
			}
			row := name + "." + field.Name
			rows[row] = true
			t.Run(row, func(t *testing.T) {
				least, most, step, docs := stack.Range(row)
				require.NotZero(t, most, "a number without a row in the table: what may it be?")
				assert.Regexp(t, `^https://docs\.aws\.amazon\.com/`, docs)
				refused := func(value int64) bool {
					config := reflect.New(kind).Elem()
					set := config.Field(i)
					if set.Kind() == reflect.Slice {
						set.Set(reflect.MakeSlice(set.Type(), 1, 1))
						set = set.Index(0)
					}
					set.SetInt(value)
					for _, problem := range stack.FaultsIn(dev, config.Interface()) {
						if problem.Field == field.Name || problem.Field == field.Name+"[0]" {
							assert.Equal(t, docs, problem.Docs)
							assert.NotContains(t, problem.Want, "%!")
							return true
						}
					}
					return false
				}
				assert.False(t, refused(least), "the least")
				assert.False(t, refused(most), "the most")
				assert.True(t, refused(math.MaxInt64), "MaxInt64")
				assert.True(t, refused(math.MinInt64), "MinInt64")
				if least-step != 0 {
					assert.True(t, refused(least-step), "one less than the least")
				}
				if most < math.MaxInt64-step {
					assert.True(t, refused(most+step), "one more than the most")
				}
				if step > 1 {
					assert.True(t, refused(least+1), "no whole step")
				}
			})
		}
	}
	assert.ElementsMatch(t, stack.Ranges(), keysOf(rows), "a row of no field, or a field without a row")
}

func keysOf(set map[string]bool) (keys []string) {
	for key := range set {
		keys = append(keys, key)
	}
	return keys
}

// Every text, however deep it stands, is looked at: that it is text, and no quarter of a megabyte of it.
func TestEveryTextOfEveryConfigIsRefusedWhereItIsNone(t *testing.T) {
	for name, kind := range configs() {
		for i := range kind.NumField() {
			field := kind.Field(i)
			if !field.IsExported() {
				continue
			}
			for what, value := range map[string]string{
				"invalid UTF-8": "a\xff", "NUL": "a\x00b", "a control character": "a\x1bb", "a quarter of a megabyte": strings.Repeat("x", 1<<18),
			} {
				filled, holds := withText(field.Type, value)
				if !holds {
					continue
				}
				config := reflect.New(kind).Elem()
				config.Field(i).Set(filled)
				t.Run(name+"."+field.Name+": "+what, func(t *testing.T) {
					problems := stack.FaultsIn(dev, config.Interface())
					require.NotEmpty(t, problems)
					for _, problem := range problems {
						assert.Contains(t, problem.Field, field.Name)
						assert.Less(t, len(problem.Error()), 1000, "the message does not repeat it")
					}
				})
			}
		}
	}
}

// withText is a value of a type with a text in it, as deep as its texts stand; false where it holds none. Those of a struct
// are fields of their own.
func withText(of reflect.Type, text string) (filled reflect.Value, holds bool) {
	filled = reflect.New(of).Elem()
	switch of.Kind() {
	case reflect.String:
		filled.SetString(text)
		return filled, true
	case reflect.Interface:
		if of.NumMethod() == 0 {
			filled.Set(reflect.ValueOf(map[string]any{"deep": []any{text}}))
			return filled, true
		}
	case reflect.Pointer:
		if inner, holds := withText(of.Elem(), text); holds {
			filled.Set(reflect.New(of.Elem()))
			filled.Elem().Set(inner)
			return filled, true
		}
	case reflect.Slice:
		if inner, holds := withText(of.Elem(), text); holds {
			return reflect.Append(filled, inner), true
		}
	case reflect.Map:
		if inner, holds := withText(of.Elem(), text); holds {
			filled.Set(reflect.MakeMap(of))
			filled.SetMapIndex(reflect.ValueOf("NAME").Convert(of.Key()), inner)
			return filled, true
		}
	}
	return filled, false
}

// A config that is made newly is tried, too: every exported struct that is called so.
func TestEveryConfigOfThePackageIsTried(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	tried, count := configs(), 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(gotoken.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(parsed, func(node ast.Node) bool {
			declared, is := node.(*ast.TypeSpec)
			if !is {
				return true
			}
			_, isStruct := declared.Type.(*ast.StructType)
			name := declared.Name.Name
			if isStruct && ast.IsExported(name) && (strings.HasSuffix(name, "Config") || name == "EventPattern") {
				count++
				assert.NotNil(t, tried[name], "%s: no setting of the tests of the nouns leads to %s", file, name)
			}
			return true
		})
	}
	assert.Greater(t, count, 30)
}

func TestATextThatIsNoneIsRefusedWithItsLine(t *testing.T) {
	for name, config := range map[string]stack.FunctionConfig{
		"invalid UTF-8 in a description":       {Package: "./functions/f", Description: "caf\xe9"},
		"NUL in a variable":                    {Package: "./functions/f", Environment: map[string]string{"MODE": "a\x00"}},
		"a control character in a description": {Package: "./functions/f", Description: "\x1b[31mred"},
		"a megabyte of description":            {Package: "./functions/f", Description: strings.Repeat("x", 1<<20)},
		"a megabyte of package":                {Package: "./" + strings.Repeat("x", 1<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) { stack.NewFunction(s, "f", config) })
			require.ErrorAs(t, err, new(*stack.ConfigError))
			assert.Contains(t, withoutLines(err.Error()), "faults_test.go:LINE")
			assert.Less(t, len(err.Error()), 1000)
		})
	}
	err := refusal(t, dev, func(s *stack.Stack) { stack.NewFunction(s, strings.Repeat("x", 1<<20), code()) })
	assert.Less(t, len(err.Error()), 1500, "an id of a megabyte")
}

// What is imported, and what triggers, is named by texts, too.
func TestATextThatIsNoneIsRefusedInImportsAndTriggers(t *testing.T) {
	for what, value := range map[string]string{
		"invalid UTF-8": "a\xff", "NUL": "a\x00b", "a control character": "a\x1bb", "a megabyte": strings.Repeat("x", 1<<20),
	} {
		for where, define := range map[string]func(s *stack.Stack){
			"the service of an import": func(s *stack.Stack) {
				stack.ImportTable(s, stack.Ref{Service: value, ID: "notes"}, stack.ImportTableConfig{})
			},
			"the id of an import": func(s *stack.Stack) {
				stack.ImportQueue(s, stack.Ref{Service: "notes", ID: value}, stack.ImportConfig{})
			},
			"the prefix of a bucket's trigger": func(s *stack.Stack) {
				stack.NewBucket(s, "b", stack.BucketConfig{}).Triggers(stack.NewFunction(s, "f", code()), stack.BucketTriggerConfig{Prefix: value})
			},
			"the filter of a topic's trigger": func(s *stack.Stack) {
				filter := stack.Pattern{"kind": []string{value}}
				stack.NewTopic(s, "t", stack.TopicConfig{}).Triggers(stack.NewFunction(s, "f", code()), stack.TopicTriggerConfig{Filter: filter})
			},
			"a route": func(s *stack.Stack) {
				stack.NewHTTPAPI(s, "a", stack.HTTPAPIConfig{}).Route("GET /"+value, stack.NewFunction(s, "f", code()))
			},
		} {
			t.Run(where+": "+what, func(t *testing.T) {
				err := refusal(t, dev, define)
				require.ErrorAs(t, err, new(*stack.ConfigError))
				assert.Contains(t, withoutLines(err.Error()), "faults_test.go:LINE")
				assert.Less(t, len(err.Error()), 2000)
			})
		}
	}
}

func TestAConfigTellsAllItsFaultsAtOnce(t *testing.T) {
	err := refusal(t, dev, func(s *stack.Stack) {
		stack.NewFunction(s, "report", stack.FunctionConfig{
			Memory: 100, Timeout: time.Hour, Description: strings.Repeat("x", 257), Async: &stack.AsyncConfig{Retries: 3},
		})
	})
	var all stack.ConfigErrors
	require.ErrorAs(t, err, &all)
	var fields []string
	for _, one := range all {
		fields = append(fields, one.Field)
		assert.Equal(t, `function "report"`, one.Thing)
		assert.NotZero(t, one.At.Line)
	}
	assert.Equal(t, []string{"Memory", "Timeout", "Async.Retries", "Description", "Package"}, fields)
	require.ErrorAs(t, err, new(*stack.ConfigError), "one of them is found, too")
}

// The values are put together, so that nobody takes them for real ones.
func TestASecretInAPlainVariableIsRefusedAndNotRepeated(t *testing.T) {
	for name, secret := range map[string]string{
		"a live key of Stripe":      "sk_" + "live_" + strings.Repeat("4eC39HqL", 3),
		"a restricted one":          "rk_" + "live_" + strings.Repeat("4eC39HqL", 3),
		"an access key of AWS":      "AKIA" + "IOSFODNN7EXAMPLE",
		"a private key":             "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIE",
		"a token of GitHub":         "ghp_" + strings.Repeat("a1B2", 9),
		"a key inside a longer one": "postgres://u:" + "sk_" + "live_" + strings.Repeat("4eC39HqL", 3) + "@host",
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) {
				stack.NewFunction(s, "pay", stack.FunctionConfig{Package: "./functions/f", Environment: map[string]string{"STRIPE_KEY": secret}})
			})
			assert.NotContains(t, err.Error(), secret)
			assert.Contains(t, err.Error(), `Environment["STRIPE_KEY"]`)
			assert.Contains(t, err.Error(), "stack.NewSecret")
			err = refusal(t, dev, func(s *stack.Stack) { stack.NewParameter(s, "key", stack.ParameterConfig{Value: secret}) })
			assert.Contains(t, err.Error(), "stack.NewSecret")
			err = refusal(t, dev, func(s *stack.Stack) {
				stack.NewFunction(s, "pay", code()).With(func(fn awslambda.Function) { fn.AddEnvironment(text("KEY"), text(secret), nil) })
			})
			assert.Contains(t, err.Error(), "stack.NewSecret", "by the L2")
			assert.NotContains(t, err.Error(), secret)
		})
	}
}

func TestNoTextOfOursIsRefusedByTheServiceThatItReaches(t *testing.T) {
	count := 0
	for _, g := range goldens(t) {
		count += stack.RequireTexts(g.body, func(problem string) { t.Errorf("%s: %s", g.file, problem) })
	}
	assert.Greater(t, count, 300, "texts looked at")
}

func TestADescriptionThatEC2RefusesIsFoundWhoeverWroteIt(t *testing.T) {
	err := refusal(t, dev, func(s *stack.Stack) {
		network := stack.NewNetwork(s, "main", stack.NetworkConfig{})
		network.With(func(vpc awsec2.IVpc) {
			awsec2.NewSecurityGroup(s.CDK, text("Theirs"), &awsec2.SecurityGroupProps{Vpc: vpc, Description: text("the network's own")})
		})
	})
	assert.Contains(t, err.Error(), `GroupDescription is "the network's own", with "'"`)
	assert.Contains(t, err.Error(), "API_CreateSecurityGroup")
}

func TestAHeaderThatHTTPDoesNotKnowIsRefusedInCORS(t *testing.T) {
	err := refusal(t, dev, func(s *stack.Stack) {
		stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{CORS: &stack.CORSConfig{Origins: []string{"*"}, Headers: []string{"X Trace"}}})
	})
	assert.Contains(t, err.Error(), `CORS.Headers[0] is "X Trace", with " "`)
}

func TestAnARNOfAnotherPlaceIsRefusedWithItsLine(t *testing.T) {
	for name, tt := range map[string]struct {
		define func(s *stack.Stack)
		want   string
	}{
		"a certificate of another region": {
			func(s *stack.Stack) {
				stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{Domain: &stack.DomainConfig{
					Name: "api.example.com", Certificate: "arn:aws:acm:eu-west-1:111111111111:certificate/1",
				}})
			},
			"Domain.Certificate is an ARN of region eu-west-1",
		},
		"a certificate of another account": {
			func(s *stack.Stack) {
				stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{Domain: &stack.DomainConfig{
					Name: "api.example.com", Certificate: "arn:aws:acm:us-east-1:555555555555:certificate/1",
				}})
			},
			"Domain.Certificate is an ARN of account 555555555555",
		},
		"a key of another account": {
			func(s *stack.Stack) {
				config := key()
				config.Encryption = &stack.EncryptionConfig{KeyARN: "arn:aws:kms:us-east-1:555555555555:key/1"}
				stack.NewTable(s, "orders", config)
			},
			"Encryption.KeyARN is an ARN of account 555555555555",
		},
		"a layer of another region": {
			func(s *stack.Stack) {
				config := code()
				config.Layers = []string{"arn:aws:lambda:eu-west-1:123456789012:layer:x:1"}
				stack.NewFunction(s, "f", config)
			},
			"Layers[0] is an ARN of region eu-west-1",
		},
		"a layer of another partition": {
			func(s *stack.Stack) {
				config := code()
				config.Layers = []string{"arn:aws-cn:lambda:us-east-1:123456789012:layer:x:1"}
				stack.NewFunction(s, "f", config)
			},
			"Layers[0] is an ARN of partition aws-cn",
		},
		"a topic of another region for an alarm": {
			func(s *stack.Stack) {
				fn := stack.NewFunction(s, "f", code())
				stack.NewAlarm(s, "errors", stack.AlarmConfig{On: fn.Errors(), Threshold: 1, Actions: []string{"arn:aws:sns:eu-west-1:111111111111:alarms"}})
			},
			"Actions[0] is an ARN of region eu-west-1",
		},
		"a role of another account, by Override": {
			func(s *stack.Stack) {
				if below, ok := stack.L1[awslambda.CfnFunction](stack.NewFunction(s, "f", code())); ok {
					below.SetRole(text("arn:aws:iam::555555555555:role/theirs"))
				}
			},
			"Role is an ARN of account 555555555555",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, tt.define)
			assert.Contains(t, err.Error(), tt.want)
			assert.Contains(t, withoutLines(err.Error()), "faults_test.go:LINE")
		})
	}
}

func TestADomainThatAnEphemeralStageWouldClaimTooIsRefused(t *testing.T) {
	preview := dev.Template("pr-*").ExpiresAfter(72 * time.Hour)
	domain := func(selector stages.Selector) stack.App {
		a := app(func(s *stack.Stack) {
			stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{Domain: &stack.DomainConfig{
				Name:        stages.Pick(s, "api.dev.example.com", stages.When(production, "api.example.com")),
				Certificate: stages.Pick(s, "arn:aws:acm:us-east-1:111111111111:certificate/1", stages.When(production, someCertificate)),
				Stages:      selector,
			}})
		})
		a.Stages = stages.Set{dev, production, preview}
		return a
	}
	_, err := stacktest.TrySynth(t, domain(nil), dev)
	var collision *stages.CollisionError
	require.ErrorAs(t, err, &collision)
	assert.Equal(t, "api.dev.example.com", collision.Other.Name)
	assert.True(t, collision.Other.Example, collision.Other.Stage)
	ephemeral, _, err := domain(nil).Stages.Resolve("pr-417")
	require.NoError(t, err)
	_, err = stacktest.TrySynth(t, domain(nil), ephemeral)
	require.ErrorAs(t, err, &collision)

	_, err = stacktest.TrySynth(t, domain(nil), production)
	require.NoError(t, err, "production's is nobody else's")
	template, err := stacktest.TrySynth(t, domain(stages.Except(preview)), dev)
	require.NoError(t, err)
	var names []string
	for _, name := range template.Assembly.Ledger {
		if name.Kind == stages.APIDomain.Title {
			names = append(names, name.Stage+" "+name.Name+" "+name.Owner)
		}
	}
	assert.Equal(t, []string{"dev api.dev.example.com api"}, names)
}

func TestTheLedgerHasTheNamesThatTheTemplateReallyHas(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		config := key()
		config.Override = func(props *awsdynamodb.TableProps) { props.TableName = text("legacy-orders") }
		stack.NewTable(s, "orders", config)
		awssqs.NewQueue(s.CDK, text("Raw"), &awssqs.QueueProps{QueueName: text("by-hand")})
	}), dev)
	names := map[string]string{}
	for _, name := range template.Assembly.Ledger {
		if name.Stage == "dev" && name.Kind != stages.Stack.Title {
			names[name.Name] = name.Owner
		}
	}
	require.Len(t, names, 2)
	assert.Equal(t, "orders", names["legacy-orders"], "in place of dev-shop-orders")
	assert.Contains(t, names["by-hand"], "Raw")
}

func TestANameThatAnOverrideWritesMayNotBeAnothersOfItsAccount(t *testing.T) {
	legacy := func(name string) func(s *stack.Stack) {
		return func(s *stack.Stack) {
			config := key()
			config.Override = func(props *awsdynamodb.TableProps) { props.TableName = &name }
			stack.NewTable(s, "orders", config)
			stack.NewTable(s, "invoices", key())
		}
	}
	_, err := stacktest.TrySynth(t, app(legacy("dev-shop-invoices")), dev)
	require.ErrorAs(t, err, new(*stages.CollisionError), "another table's name")
	previews := app(legacy("legacy-orders"))
	previews.Stages = append(stages.Set{dev.Template("pr-*")}, set...)
	_, err = stacktest.TrySynth(t, previews, dev)
	require.ErrorAs(t, err, new(*stages.CollisionError), "each ephemeral stage would have it too")
	messages.Provoked(t, err.Error())
	assert.Contains(t, withoutLines(err.Error()), "faults_test.go:LINE")
}

// QueueConfig is a user's own struct, which is called like one of the package's.
type QueueConfig struct {
	VisibilityTimeout time.Duration
	MaxReceives       int
	Retention         time.Duration
}

func TestAStructOfTheUsersOwnHasNoneOfOurLimits(t *testing.T) {
	_, err := stacktest.TrySynth(t, app(func(s *stack.Stack) {
		schedule := stack.NewSchedule(s, "daily", stack.ScheduleConfig{Cron: "0 8 * * ? *", Input: QueueConfig{VisibilityTimeout: 99 * time.Hour, MaxReceives: -5, Retention: 1}})
		schedule.Triggers(stack.NewFunction(s, "f", code()))
	}), dev)
	require.NoError(t, err)
}

func TestAQueueThatTheCDKMakesIsNotShownAsAFIFOQueue(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		awssqs.NewCfnQueue(s.CDK, text("Raw"), &awssqs.CfnQueueProps{QueueName: text("shared")})
	}), dev)
	for _, name := range template.Assembly.Ledger {
		if name.Name == "shared" {
			assert.Equal(t, "SQS queue", name.Kind)
			return
		}
	}
	t.Fatal("the ledger has not read the name back")
}
