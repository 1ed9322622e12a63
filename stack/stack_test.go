package stack_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

// One stage of each tier, as in a real organisation.
var (
	dev        = stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	staging    = stages.Stage{Name: "staging", Account: "222222222222", Region: "eu-west-1"}
	production = stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: stages.Protected}
	set        = stages.Set{dev, staging, production}
)

// app is a service with the given definition.
func app(define func(s *stack.Stack)) stack.App {
	return stack.App{Service: "shop", Stages: set, Define: define}
}

// refusal is the error of a definition that must be refused.
func refusal(t *testing.T, stage stages.Stage, define func(s *stack.Stack)) error {
	t.Helper()
	_, err := stacktest.TrySynth(t, app(define), stage)
	require.Error(t, err)
	messages.Provoked(t, err.Error())
	return err
}

func key() stack.TableConfig { return stack.TableConfig{PartitionKey: stack.StringKey("id")} }

func code() stack.FunctionConfig { return stack.FunctionConfig{Package: "./functions/f"} }

func TestAStackIsNamedByStageAndServiceAndLivesInTheStagesAccount(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) { stack.NewTable(s, "orders", key()) }), staging)
	synthesized := template.Assembly.Stages[0]
	assert.Equal(t, "staging-shop", synthesized.StackName)
	assert.Equal(t, "222222222222", synthesized.Account)
	assert.Equal(t, "eu-west-1", synthesized.Region)
}

func TestEveryResourceThatTakesTagsCarriesServiceAndStage(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		table := key()
		table.DAX = &stack.DAXConfig{}
		orders := stack.NewTable(s, "orders", table)
		fn := code()
		fn.Access = []stack.Grant{orders.ReadWrite()}
		stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{}).Route("GET /", stack.NewFunction(s, "get", fn))
	}), dev)
	// The types of this stack that CloudFormation gives no tags.
	untagged := map[string]bool{
		"AWS::IAM::Policy": true, "AWS::Lambda::Permission": true, "AWS::ApiGatewayV2::Route": true, "AWS::ApiGatewayV2::Integration": true,
		"AWS::EC2::SubnetRouteTableAssociation": true, "AWS::EC2::SecurityGroupIngress": true, "AWS::EC2::SecurityGroupEgress": true,
		"AWS::DAX::SubnetGroup": true, "AWS::DAX::ParameterGroup": true,
	}
	for _, resource := range template.Resources("") {
		if untagged[resource.Type] {
			continue
		}
		tags := fmt.Sprint(resource.Properties["Tags"])
		assert.Contains(t, tags, "roadshow:service", "%s (%s)", resource.LogicalID, resource.Type)
		assert.Contains(t, tags, "roadshow:stage", "%s (%s)", resource.LogicalID, resource.Type)
	}
}

func TestNoLogicalIDHoldsTheStage(t *testing.T) {
	define := func(s *stack.Stack) {
		table := key()
		table.DAX = &stack.DAXConfig{}
		fn := code()
		fn.Access = []stack.Grant{stack.NewTable(s, "orders", table).Read()}
		stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{}).Route("GET /", stack.NewFunction(s, "get", fn))
	}
	var ids [2][]string
	for i, stage := range []stages.Stage{dev, production} {
		for _, resource := range stacktest.Synth(t, app(define), stage).Resources("") {
			ids[i] = append(ids[i], resource.LogicalID)
		}
	}
	assert.Equal(t, ids[0], ids[1])
}

func TestTheCommitStandsBesideTheTemplateAndChangesNothingInIt(t *testing.T) {
	made := map[string]map[string]string{}
	for _, commit := range []string{"0123abcd", "4567cdef", "0123abcd-dirty", ""} {
		outdir := t.TempDir()
		_, err := app(func(s *stack.Stack) { stack.NewTable(s, "orders", key()) }).
			Synthesize(stack.Synthesis{Stages: []stages.Stage{dev}, Outdir: outdir, Commit: commit, Record: true, StubFunctions: true})
		require.NoError(t, err)
		made[commit] = readAll(t, outdir)
	}
	first := made["0123abcd"]
	digest := regexp.MustCompile(`"roadshow:digest": "([0-9a-f]{64})"`).FindStringSubmatch(first["shop.template.json"])
	require.NotNil(t, digest)
	assert.Contains(t, first["manifest.json"], digest[1]+".json", "what the cdk command uploads it as")
	assert.Equal(t, "0123abcd\n", first["shop.commit"])
	assert.Contains(t, first["shop.assets.json"], `"objectKey": "`+digest[1]+`.commit"`)
	assert.Contains(t, made["0123abcd-dirty"]["shop.assets.json"], `"objectKey": "`+digest[1]+`.commit-dirty"`)
	assert.NotContains(t, made[""]["shop.assets.json"], ".commit", "nothing is recorded where there is no commit")
	for commit, files := range made {
		assert.Equal(t, first["shop.template.json"], files["shop.template.json"], commit)
		assert.Equal(t, first["manifest.json"], files["manifest.json"], "the manifest holds the stack's tags")
	}
}

func TestTheMetadataThatAProgramSetsStaysBesideTheDigest(t *testing.T) {
	for name, metadata := range map[string]map[string]any{"one": {"owner": "a \"b\""}, "none": {}, "several": {"a": 1, "z": []any{map[string]any{"b": nil}}}} {
		t.Run(name, func(t *testing.T) {
			outdir := t.TempDir()
			_, err := app(func(s *stack.Stack) {
				stack.NewTable(s, "orders", key())
				s.CDK.TemplateOptions().SetMetadata(&metadata)
				description := "Metadata"
				s.CDK.TemplateOptions().SetDescription(&description)
			}).Synthesize(stack.Synthesis{Stages: []stages.Stage{dev}, Outdir: outdir, Record: true, StubFunctions: true})
			require.NoError(t, err)
			var template struct {
				Description         string
				Metadata, Resources map[string]any
			}
			require.NoError(t, json.Unmarshal([]byte(readAll(t, outdir)["shop.template.json"]), &template))
			assert.Len(t, template.Metadata["roadshow:digest"], 64)
			assert.Equal(t, "Metadata", template.Description)
			assert.NotEmpty(t, template.Resources)
			if metadata["owner"] != nil {
				assert.Equal(t, metadata["owner"], template.Metadata["owner"])
			}
		})
	}
}

func TestAStackSaysWhichProgramMadeIt(t *testing.T) {
	outdir := t.TempDir()
	document, err := app(func(s *stack.Stack) { stack.NewTable(s, "orders", key()) }).
		Synthesize(stack.Synthesis{Stages: []stages.Stage{dev}, Outdir: outdir, StubFunctions: true})
	require.NoError(t, err)
	files := readAll(t, outdir)
	assert.Contains(t, files["manifest.json"], `"roadshow:program": "github.com/roadshow-go/roadshow"`)
	assert.NotContains(t, files["shop.template.json"], "roadshow:program", "CloudFormation hands it on")
	assert.Equal(t, "github.com/roadshow-go/roadshow", document.Program)
}

func TestMistakesAreReportedWithTheUsersLine(t *testing.T) {
	for name, tt := range map[string]struct {
		define func(s *stack.Stack)
		want   string
	}{
		"an id that is no id": {
			func(s *stack.Stack) { stack.NewTable(s, "My Table", key()) },
			`table "My Table": id is "My Table"; it must be lower-case letters, digits and single hyphens, at most 64. Write an id such as "create-note".`,
		},
		"an id twice": {
			func(s *stack.Stack) { stack.NewTable(s, "orders", key()); stack.NewTable(s, "orders", key()) },
			`table "orders": id is "orders" again (first at stack/stack_test.go:LINE); it must be an id of its own, also without its hyphens. Rename one of the two.`,
		},
		"two ids with one logical id": {
			func(s *stack.Stack) { stack.NewTable(s, "a-1", key()); stack.NewTable(s, "a1", key()) },
			`table "a1": id is "a1" again (first at stack/stack_test.go:LINE); it must be an id of its own, also without its hyphens. Rename one of the two.`,
		},
		"a selector of a stage outside the set": {
			func(s *stack.Stack) {
				config := key()
				config.Stages = stages.Only(stages.Stage{Name: "prod"})
				stack.NewTable(s, "orders", config)
			},
			`stages.Only(prod): stage is "prod"; it must be one of the set's: dev, staging, production. Add the stage to the set, or select by tier, as in stages.Only(stages.Protected).`,
		},
		"a bad name for something of the user's own": {
			func(s *stack.Stack) { s.Name(stages.DynamoDBTable, "no spaces") },
			`DynamoDB table "no spaces": name is "no spaces"; it must be letters, digits, hyphens, underscores and dots, first a letter. Write "no-spaces".`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, tt.define)
			var problem *stack.ConfigError
			require.ErrorAs(t, err, &problem)
			assert.Equal(t, "stack/stack_test.go", problem.At.File)
			assert.Equal(t, "stack/stack_test.go:LINE: "+tt.want, withoutLines(err.Error()))
		})
	}
}

func TestAFaultOfTheCDKNamesTheComponentAndTheUsersLine(t *testing.T) {
	err := refusal(t, dev, func(s *stack.Stack) {
		stack.NewFunction(s, "get", code()).With(func(l2 lambdaFunction) {
			l2.AddEventSourceMapping(text("mapping"), nil) // the CDK wants options
		})
	})
	var fault *stack.DefineError
	require.ErrorAs(t, err, &fault)
	assert.Equal(t, "get", fault.Construct)
	assert.Equal(t, "stack/stack_test.go", fault.At.File)
	assert.NotContains(t, err.Error(), "goroutine")
	assert.NotContains(t, err.Error(), "\n    at ")
}

func TestAPanicOfTheUsersOwnIsAnErrorWithItsLine(t *testing.T) {
	for name, define := range map[string]func(s *stack.Stack){
		"of a string":     func(*stack.Stack) { panic("no such plan") },
		"of an error":     func(*stack.Stack) { panic(errors.New("no such plan")) },
		"of the run time": func(*stack.Stack) { _ = plans()[0] },
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, define)
			var fault *stack.DefineError
			require.ErrorAs(t, err, &fault)
			assert.Equal(t, "stack/stack_test.go", fault.At.File)
		})
	}
}

func TestAnAppThatIsNoAppIsRefusedBeforeAnythingStarts(t *testing.T) {
	fine := app(func(*stack.Stack) {})
	for name, tt := range map[string]struct {
		change func(*stack.App)
		want   string
	}{
		"no service": {
			func(a *stack.App) { a.Service = "" },
			`app: Service is ""; it must be a lower-case DNS label of at most 32 characters. Write Service: "notes".`,
		},
		"a service that is no label": {
			func(a *stack.App) { a.Service = "My_Service" },
			`app: Service is "My_Service"; it must be a lower-case DNS label of at most 32 characters. Write Service: "notes".`,
		},
		"no definition": {
			func(a *stack.App) { a.Define = nil },
			`app "shop": Define is nil; it must be the function that makes the components. Write Define: Notes, with func Notes(s *stack.Stack).`,
		},
		"no stages": {
			func(a *stack.App) { a.Stages = nil },
			`set: stages is empty; it must be a list of at least one stage. Write stages.Set{Dev, Production}.`,
		},
		"a deploying account that is none": {
			func(a *stack.App) { a.DeployFrom = []string{"42"} },
			`app "shop": DeployFrom is "42"; it must be the 12 digits of an AWS account id. Keep leading zeros.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			broken := fine
			tt.change(&broken)
			_, err := broken.Synthesize(stack.Synthesis{Outdir: t.TempDir(), StubFunctions: true})
			require.Error(t, err)
			messages.Provoked(t, err.Error())
			assert.Equal(t, tt.want, withoutLines(err.Error()))
		})
	}
}

func TestNothingIsWrittenWhereOneStageOfSeveralIsRefused(t *testing.T) {
	outdir := t.TempDir()
	_, err := app(func(s *stack.Stack) {
		memory := stages.Pick(s, 256, stages.When(production, 1))
		config := code()
		config.Memory = memory
		stack.NewFunction(s, "get", config)
	}).Synthesize(stack.Synthesis{Outdir: outdir, StubFunctions: true})
	messages.ErrorContains(t, err, "Memory is 1; it must be 128 to 10240 MiB")
	assert.NoDirExists(t, outdir)
}

func TestTheLedgerKnowsTheNamesOfStagesThatDoNotHaveTheComponent(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		config := key()
		config.Stages = stages.Only(production)
		stack.NewTable(s, "orders", config)
	}), dev)
	assert.Empty(t, template.Resources("AWS::DynamoDB::Table"))
	var names []string
	for _, name := range template.Assembly.Ledger {
		if name.Kind == stages.DynamoDBTable.Title {
			names = append(names, name.Name)
		}
	}
	assert.Equal(t, []string{"dev-shop-orders", "staging-shop-orders", "production-shop-orders"}, names)
}

func TestTheAssemblyHoldsTheNamesOfAHostileExampleOfEachTemplate(t *testing.T) {
	preview := app(func(s *stack.Stack) { stack.NewFunction(s, "get", code()) })
	preview.Stages = append(stages.Set{dev.Template("pr-*")}, set...)
	template := stacktest.Synth(t, preview, dev)
	names := map[string]string{}
	for _, name := range template.Assembly.Ledger {
		if name.Example {
			names[name.Kind] = name.Name
		}
	}
	assert.Equal(t, map[string]string{
		"CloudFormation stack": "pr-shop-999999999999999999999999--shop",
		"Lambda function":      "pr-shop-999999999999999999999999--shop--get",
		"log group":            "/aws/lambda/pr-shop-999999999999999999999999--shop--get",
	}, names)
	assert.NotContains(t, string(template.JSON), "9999", "nothing of it is deployed")
}

func TestTwoComponentsMayNotShareAPhysicalName(t *testing.T) {
	_, err := stacktest.TrySynth(t, app(func(s *stack.Stack) {
		one, other := key(), key()
		one.Name, other.Name = "data", "data"
		stack.NewTable(s, "orders", one)
		stack.NewTable(s, "invoices", other)
	}), dev)
	var collision *stages.CollisionError
	require.ErrorAs(t, err, &collision)
	assert.Equal(t, `stack/stack_test.go:LINE: invoices: name is "dev-shop-data" in stage dev, which orders (stack/stack_test.go:LINE, stage dev) has already. Rename one of the two.`,
		withoutLines(err.Error()))
}

func TestTheFlagsOfTheCommandAreThoseOfTheStack(t *testing.T) {
	var command struct{ Context map[string]any }
	var pinned map[string]any
	readJSON(t, "../cdk.json", &command)
	readJSON(t, "flags.json", &pinned)
	assert.Equal(t, pinned, command.Context)
}

func TestWhatADefinitionPrintsOfItsStackDoesNotTellWhoseChoicesItMakes(t *testing.T) {
	var printed string
	stacktest.Synth(t, app(func(s *stack.Stack) {
		config := key()
		config.Stages = stages.Only(stages.Standard)
		orders := stack.NewTable(s, "orders", config)
		fn := stack.NewFunction(s, "get", code())
		for _, value := range []any{s, *s, orders, *orders, fn, orders.Read(), fn.Errors()} {
			printed += fmt.Sprintf("%v %+v %#v %s\n", value, value, value, value)
		}
	}), production.As(staging))
	assert.NotContains(t, printed, "staging", "the understudy's role")
	assert.Contains(t, printed, `stack of service "shop"`)
}
