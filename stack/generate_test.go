package stack_test

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/internal/reads"
	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// programsVariable is how many programs the generator composes; default: 300. `make nightly` sets it.
const programsVariable = "ROADSHOW_PROGRAMS"

// programs sets how many programs rapid draws in a test, a part of all.
func programs(t *testing.T, part int) {
	t.Helper()
	count := 300
	if wanted := os.Getenv(programsVariable); wanted != "" {
		var err error
		count, err = strconv.Atoi(wanted)
		require.NoError(t, err, "%s is a number of programs", programsVariable)
	}
	checks := flag.Lookup("rapid.checks")
	before := checks.Value.String()
	require.NoError(t, checks.Value.Set(strconv.Itoa(count/part)))
	t.Cleanup(func() { require.NoError(t, checks.Value.Set(before)) })
}

// questions are what a program can ask about the identity of its stage.
var questions = map[string]func(name, account, region string) bool{
	"the name":             func(name, _, _ string) bool { return name == "production" },
	"the name's beginning": func(name, _, _ string) bool { return strings.HasPrefix(name, "s") },
	"the name's length":    func(name, _, _ string) bool { return len(name) > 3 },
	"the account":          func(_, account, _ string) bool { return account == "222222222222" },
	"the account's hash":   func(_, account, _ string) bool { return sha256.Sum256([]byte(account))[0]%2 == 0 },
	"the region":           func(_, _, region string) bool { return strings.HasPrefix(region, "eu-") },
}

// places are where a program can put the answer.
func places(files [2]string) map[string]func(s *stack.Stack, taken bool) {
	pick := func(taken bool, yes, no string) string {
		if taken {
			return yes
		}
		return no
	}
	return map[string]func(s *stack.Stack, taken bool){
		"a name": func(s *stack.Stack, taken bool) {
			stack.NewTable(s, "orders", stack.TableConfig{PartitionKey: stack.StringKey("id"), Name: pick(taken, "a", "b")})
		},
		"a revision": func(s *stack.Stack, taken bool) {
			config := key()
			if taken {
				config.Revision = 3
			}
			stack.NewTable(s, "orders", config)
		},
		"names that are swapped": func(s *stack.Stack, taken bool) {
			for _, row := range [][3]string{{"one", "a", "b"}, {"two", "b", "a"}} {
				stack.NewTable(s, row[0], stack.TableConfig{PartitionKey: stack.StringKey("id"), Name: pick(taken, row[1], row[2])})
			}
		},
		"an order": func(s *stack.Stack, taken bool) {
			queueOf(s, "RedriveAllowPolicy", map[string]any{"sourceQueueArns": []any{pick(taken, "a", "b"), pick(taken, "b", "a")}})
		},
		"a property": func(s *stack.Stack, taken bool) {
			config := code()
			config.Environment = map[string]string{"MODE": pick(taken, "quick", "safe")}
			stack.NewFunction(s, "f", config)
		},
		"a condition": func(s *stack.Stack, taken bool) {
			condition(s, ref("AWS::Partition"), pick(taken, "aws", "aws-cn"))
			queueOf(s, "DelaySeconds", call("If", "Chosen", 1, 2))
		},
		"a mapping": func(s *stack.Stack, taken bool) {
			awscdk.NewCfnMapping(s.CDK, text("Delays"), &awscdk.CfnMappingProps{Mapping: &map[string]*map[string]any{"all": {"delay": pick(taken, "1", "2")}}})
			queueOf(s, "DelaySeconds", call("FindInMap", "Delays", "all", "delay"))
		},
		"a nested stack": func(s *stack.Stack, taken bool) {
			inside := awscdk.NewNestedStack(s.CDK, text("Inside"), nil)
			awssqs.NewCfnQueue(inside, text("Queue"), &awssqs.CfnQueueProps{QueueName: text(s.Name(stages.SQSQueue, pick(taken, "a", "b")))})
		},
		"another resource": func(s *stack.Stack, taken bool) {
			if stack.NewTable(s, "orders", key()); taken {
				awssqs.NewCfnQueue(s.CDK, text("Extra"), nil)
			}
		},
		"an asset": func(s *stack.Stack, taken bool) {
			made := awss3assets.NewAsset(s.CDK, text("Asset"), &awss3assets.AssetProps{
				Path: text(pick(taken, files[0], files[1])), AssetHash: text("fixed"), AssetHashType: awscdk.AssetHashType_CUSTOM,
			})
			awscdk.NewCfnOutput(s.CDK, text("Where"), &awscdk.CfnOutputProps{Value: made.S3ObjectKey()})
		},
		"a tag": func(s *stack.Stack, taken bool) {
			stack.NewTable(s, "orders", key())
			awscdk.Tags_Of(s.CDK).Add(text("mode"), text(pick(taken, "quick", "safe")), nil)
		},
		"an output": func(s *stack.Stack, taken bool) {
			stack.NewTable(s, "orders", key())
			awscdk.NewCfnOutput(s.CDK, text("Mode"), &awscdk.CfnOutputProps{Value: text(pick(taken, "quick", "safe"))})
		},
		"a parameter": func(s *stack.Stack, taken bool) {
			stack.NewParameter(s, "mode", stack.ParameterConfig{Value: pick(taken, "quick", "safe")})
		},
		"an escape hatch": func(s *stack.Stack, taken bool) {
			stack.NewFunction(s, "f", code()).With(func(l2 awslambda.Function) {
				if taken {
					l2.AddEnvironment(text("DEBUG"), text("yes"), nil)
				}
			})
		},
	}
}

// composed is a program that the generator has drawn.
type composed struct {
	question, place string
	set             stages.Set
	// picks are the stages for which each pick of the choice vector differs; under is the pick that must differ for
	// the branch to be taken, or -1.
	picks []stages.Stage
	under int
}

func drawComposed(t *rapid.T, of map[string]func(*stack.Stack, bool)) composed {
	all := stages.Set{dev, staging, production}
	c := composed{
		question: rapid.SampledFrom(slices.Sorted(maps.Keys(questions))).Draw(t, "question"),
		place:    rapid.SampledFrom(slices.Sorted(maps.Keys(of))).Draw(t, "place"),
		set:      all, under: -1,
	}
	if without := rapid.IntRange(0, 5).Draw(t, "stage that is left out"); without > 0 {
		c.set = slices.Delete(slices.Clone(all), without%3, without%3+1)
	}
	c.picks = rapid.SliceOfN(rapid.SampledFrom(c.set), 0, 2).Draw(t, "picks")
	if len(c.picks) > 0 {
		c.under = rapid.IntRange(-1, len(c.picks)-1).Draw(t, "under")
	}
	return c
}

// app is the program; branch tells what it asks instead of the question, where that is not nil.
func (c composed) app(place func(*stack.Stack, bool), branch func(s *stack.Stack) bool) stack.App {
	return stack.App{Service: "shop", Stages: c.set, Define: func(s *stack.Stack) {
		under := true
		for i, differs := range c.picks {
			if picked := stages.Pick(s, false, stages.When(differs, true)); i == c.under {
				under = picked
			}
		}
		place(s, under && branch(s))
	}}
}

// tells whether the question parts two stages, under choices that some stage makes.
func (c composed) tells() bool {
	answers := map[bool]bool{}
	for _, stage := range c.set {
		answers[questions[c.question](stage.Name, stage.Account, stage.Region)] = true
	}
	return len(answers) == 2 // and each pick differs in a stage of the set
}

func twoFiles(t *testing.T) (files [2]string) {
	t.Helper()
	for i := range files {
		files[i] = filepath.Join(t.TempDir(), "asset")
		require.NoError(t, os.WriteFile(files[i], fmt.Appendf(nil, "content %d", i), 0o600))
	}
	return files
}

func TestEveryComposedBranchOnIdentityIsCaughtWithItsLine(t *testing.T) {
	programs(t, 1)
	of := places(twoFiles(t))
	program, err := reads.Load(t.Context(), reads.Program{Dir: ".", Packages: []string{"."}, Tests: true})
	require.NoError(t, err)
	code := program.Find(reads.Start{})
	rapid.Check(t, func(rt *rapid.T) {
		c := drawComposed(rt, of)
		app := c.app(of[c.place], func(s *stack.Stack) bool {
			return questions[c.question](nameOf(s), accountOf(s), regionOf(s))
		})
		definition := stages.FirstUserFrame([]uintptr{reflect.ValueOf(app.Define).Pointer() + 1})
		verdict, err := app.Prove(t.Context(), stack.Proof{Exhaustive: true})
		require.NoError(rt, err)
		if !c.tells() {
			require.NotEqual(rt, parity.Different, verdict.Outcome(), "%+v: %s", c, verdict)
			return
		}
		require.False(rt, verdict.Identical(), "escaped: %+v", c)
		code.Apply(verdict)
		for _, difference := range slices.Concat(verdict.Differences, verdict.Ambiguous) {
			require.NotEmpty(rt, difference.At.File, "%+v: %s", c, difference)
			require.Equal(rt, "stack/generate_test.go", strings.Replace(difference.At.File, "proof_test", "generate_test", 1), "%+v: %s", c, difference)
			require.NotEqual(rt, definition, difference.At, "%+v: no line but that of the definition: %s", c, difference)
		}
	})
}

// The mirror: what the branch would choose is picked, or the same everywhere.
func TestNoComposedLawfulProgramIsDifferent(t *testing.T) {
	programs(t, 3)
	of := places(twoFiles(t))
	rapid.Check(t, func(rt *rapid.T) {
		c := drawComposed(rt, of)
		picked, constant := rapid.SampledFrom(c.set).Draw(rt, "picked"), rapid.Bool().Draw(rt, "constant")
		verdict, err := c.app(of[c.place], func(s *stack.Stack) bool {
			return constant || stages.Pick(s, false, stages.When(picked, true))
		}).Prove(t.Context(), stack.Proof{})
		var refused *stack.ConfigError
		if errors.As(err, &refused) {
			rt.Fatalf("%+v is refused: %s", c, err)
		}
		require.NoError(rt, err)
		require.NotEqual(rt, parity.Different, verdict.Outcome(), "%+v: %s", c, verdict)
	})
}
