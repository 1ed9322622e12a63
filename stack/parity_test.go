package stack_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

// proven is the verdict about a definition.
func proven(t *testing.T, app stack.App) *parity.Verdict {
	t.Helper()
	verdict, err := app.Prove(t.Context(), stack.Proof{Exhaustive: true})
	require.NoError(t, err)
	return verdict
}

// requireIdentical is what [stacktest.RequireParity] requires of this process alone: without a second one in another
// environment, which the stages of whole services are put to.
func requireIdentical(t *testing.T, app stack.App) {
	t.Helper()
	verdict := proven(t, app)
	require.True(t, verdict.Identical(), "%s", verdict)
}

// nameOf, accountOf and regionOf are how a program finds out all the same which stage it is.
func nameOf(s *stack.Stack) string { return strings.TrimSuffix(*s.CDK.StackName(), "-shop") }

func accountOf(s *stack.Stack) string { return *s.CDK.Account() }

func regionOf(s *stack.Stack) string { return *s.CDK.Region() }

// lineBelow is the file and line after the one that calls it.
func lineBelow() stages.Position {
	_, file, line, _ := runtime.Caller(1)
	return stages.Position{File: "stack/" + filepath.Base(file), Line: line + 1}
}

func TestABranchOnTheIdentityIsFoundWithItsLine(t *testing.T) {
	var at stages.Position
	memory := func(s *stack.Stack, taken bool) {
		config := code()
		if taken {
			config.Memory = 512
		}
		at = lineBelow()
		stack.NewFunction(s, "f", config)
	}
	hash := func(value string) bool { return sha256.Sum256([]byte(value))[0]%2 == 0 }
	for name, branch := range map[string]func(s *stack.Stack) bool{
		"the name":               func(s *stack.Stack) bool { return nameOf(s) == "staging" },
		"the account":            func(s *stack.Stack) bool { return accountOf(s) == production.Account },
		"the region":             func(s *stack.Stack) bool { return regionOf(s) == staging.Region },
		"the name's beginning":   func(s *stack.Stack) bool { return strings.HasPrefix(nameOf(s), "prod") },
		"the account's hash":     func(s *stack.Stack) bool { return hash(accountOf(s)) != hash(production.Account) },
		"a physical name":        func(s *stack.Stack) bool { return strings.HasPrefix(s.Name(stages.SQSQueue, "q"), "dev-") },
		"one stage, where it is": func(s *stack.Stack) bool { return stages.Pick(s, false, stages.When(dev, true)) && nameOf(s) == "dev" },
		"one stage, nowhere deployed": func(s *stack.Stack) bool {
			return stages.Pick(s, false, stages.When(production, true)) && nameOf(s) == "dev"
		},
	} {
		t.Run(name, func(t *testing.T) {
			verdict := proven(t, app(func(s *stack.Stack) { memory(s, branch(s)) }))
			require.NotEmpty(t, verdict.Differences)
			difference := verdict.Differences[0]
			assert.True(t, strings.HasSuffix(difference.Path, ".Properties.MemorySize"), difference.Path)
			assert.Equal(t, at, difference.At)
		})
	}
}

func TestABranchOnAnyPropertyIsFound(t *testing.T) {
	for name, tt := range map[string]struct {
		define func(s *stack.Stack, taken bool)
		path   string
	}{
		"another resource": {func(s *stack.Stack, taken bool) {
			if taken {
				stack.NewTable(s, "extra", key())
			}
			stack.NewFunction(s, "f", code())
		}, "Resources.extra"},
		"a logical id": {func(s *stack.Stack, taken bool) {
			stack.NewFunction(s, "f"+map[bool]string{true: "2"}[taken], code())
		}, "Resources.f"},
		"other code": {func(s *stack.Stack, taken bool) {
			stack.NewFunction(s, "f", stack.FunctionConfig{Package: "./functions/" + strconv.FormatBool(taken)})
		}, "Code.S3Key"},
		"a door": {func(s *stack.Stack, taken bool) {
			stack.NewFunction(s, "f", code()).With(func(l2 awslambda.Function) {
				if taken {
					l2.AddEnvironment(text("DEBUG"), text("yes"), nil)
				}
			})
		}, ".Environment"},
		"an L1": {func(s *stack.Stack, taken bool) {
			if l1, ok := stack.L1[awslambda.CfnFunction](stack.NewFunction(s, "f", code())); ok && taken {
				l1.AddPropertyOverride(text("KmsKeyArn"), text("undeclared"))
			}
		}, ".KmsKeyArn"},
		"the stack's termination protection": {func(s *stack.Stack, taken bool) {
			if stack.NewFunction(s, "f", code()); taken {
				s.CDK.SetTerminationProtection(new(true))
			}
		}, "Stack.TerminationProtection"},
		"a tag of the stack alone": {func(s *stack.Stack, taken bool) {
			if stack.NewFunction(s, "f", code()); taken {
				s.CDK.Tags().SetTag(text("cost"), text("undeclared"), nil, nil)
			}
		}, `Stack["Tags.cost"]`},
		"a grant": {func(s *stack.Stack, taken bool) {
			table, fn := stack.NewTable(s, "orders", key()), stack.NewFunction(s, "f", code())
			if fn.Allow(table.Read()); taken {
				fn.Allow(table.Write())
			}
		}, "PolicyDocument"},
	} {
		t.Run(name, func(t *testing.T) {
			verdict := proven(t, app(func(s *stack.Stack) { tt.define(s, nameOf(s) == "production") }))
			found := []string{}
			for _, difference := range verdict.Differences {
				found = append(found, difference.Path)
			}
			assert.Contains(t, strings.Join(found, "\n"), tt.path)
		})
	}
}

func TestWhatIsMadeFromTheIdentityBesideTheLedger(t *testing.T) {
	queue := func(name func(s *stack.Stack) string) stack.App {
		return app(func(s *stack.Stack) {
			awssqs.NewQueue(s.CDK, text("Queue"), &awssqs.QueueProps{QueueName: text(name(s))})
		})
	}
	t.Run("a name that is cut is found", func(t *testing.T) {
		assert.False(t, proven(t, queue(func(s *stack.Stack) string { return fmt.Sprintf("%.4s-orders", nameOf(s)) })).Identical())
	})
	t.Run("a name that is derived is found", func(t *testing.T) {
		assert.False(t, proven(t, queue(func(s *stack.Stack) string { return strings.ToUpper(nameOf(s)) + "-orders" })).Identical())
	})
	t.Run("a table by region is found", func(t *testing.T) {
		layers := map[string]string{"us-east-1": "layer-a", "eu-west-1": "layer-b"}
		assert.False(t, proven(t, queue(func(s *stack.Stack) string { return layers[regionOf(s)] })).Identical())
	})
	t.Run("the account of another stage is found", func(t *testing.T) {
		assert.NotEmpty(t, proven(t, queue(func(*stack.Stack) string { return "for-" + production.Account })).Foreign)
	})
	// The very stage's name with a constant behind it is what the ledger would do; so would a constant be that is
	// chosen by stage, in stages that are called so. The proof does not choose the reading without a difference.
	t.Run("a whole name has two readings", func(t *testing.T) {
		verdict := proven(t, queue(func(s *stack.Stack) string { return fmt.Sprintf("%s-orders", nameOf(s)) }))
		assert.Equal(t, parity.CouldNotTell, verdict.Outcome())
		require.NotEmpty(t, verdict.Ambiguous)
		assert.Equal(t, "Resources.Queue4A7E3555.Properties.QueueName", verdict.Ambiguous[0].Path)
	})
}

func TestWhatBothSidesReadAlikeIsFoundByASecondRun(t *testing.T) {
	for name, value := range map[string]func(run int) string{
		"an environment variable": func(run int) string { os.Setenv("ROADSHOW_TEST", strconv.Itoa(run)); return os.Getenv("ROADSHOW_TEST") },
		"the time":                func(int) string { return time.Now().Format(time.StampNano) },
		"the order of a map":      func(run int) string { return []string{"a,b", "b,a"}[run] },
	} {
		t.Run(name, func(t *testing.T) {
			run := 0
			read := value(run)
			program := app(func(s *stack.Stack) {
				config := code()
				config.Environment = map[string]string{"READ": read}
				stack.NewFunction(s, "f", config)
			})
			verdict, err := program.Prove(t.Context(), stack.Proof{Again: func(_ context.Context, outdir string) error {
				run++
				read = value(run)
				_, err := program.Synthesize(stack.Synthesis{Outdir: outdir, Nested: true, StubFunctions: true})
				return err
			}})
			require.NoError(t, err)
			assert.Empty(t, verdict.Differences)
			require.NotEmpty(t, verdict.Unstable)
			assert.True(t, strings.HasSuffix(verdict.Unstable[0].Path, ".Environment.Variables.READ"), verdict.Unstable[0].Path)
		})
	}
}

// shop is a definition with something of everything, and a constant that is a stage's name.
func shop(s *stack.Stack) {
	config := code()
	config.Environment = map[string]string{"MODE": "prod", "ID": "a"}
	config.Memory = stages.Pick(s, 256, stages.When(stages.Protected, 1024))
	fn := stack.NewFunction(s, "f", config)
	fn.Allow(stack.NewTable(s, "lambda", key()).ReadWrite())
	stack.NewHTTPAPI(s, "id", stack.HTTPAPIConfig{}).Route("GET /prod", fn)
}

func TestNoFalseAlarm(t *testing.T) {
	stage := func(name string, account int, region string, tier stages.Tier) stages.Stage {
		return stages.Stage{Name: name, Account: fmt.Sprintf("%012d", account), Region: region, Tier: tier}
	}
	prod := stage("prod", 4, "us-east-1", stages.Standard)
	var twenty stages.Set
	for i := range 20 {
		twenty = append(twenty, stage(fmt.Sprintf("s%d", i), 100+i%7, []string{"us-east-1", "eu-west-1"}[i%2], stages.Tier(i%3)))
	}
	for name, set := range map[string]stages.Set{
		"names that are words of the template": {
			stage("a", 1, "us-east-1", stages.Sandbox), stage("id", 2, "us-east-1", stages.Standard), stage("lambda", 3, "eu-west-1", stages.Standard),
			prod, stage("production", 5, "us-east-1", stages.Protected),
		},
		"two stages in one account": {prod, stage("qa", 4, "us-east-1", stages.Standard)},
		"two stages in two regions": {prod, stage("prod-eu", 4, "eu-west-1", stages.Standard)},
		"an ephemeral stage":        {prod, prod.Template("pr-*")},
		"twenty stages":             twenty,
	} {
		t.Run(name, func(t *testing.T) {
			verdict, err := stack.App{Service: "shop", Stages: set, Define: shop}.Prove(t.Context(), stack.Proof{})
			require.NoError(t, err)
			assert.True(t, verdict.Identical(), "%s", verdict)
			assert.Len(t, verdict.Stages, len(set))
		})
	}
	t.Run("resources in another order", func(t *testing.T) {
		verdict := proven(t, app(func(s *stack.Stack) {
			ids := []string{"one", "two"}
			if nameOf(s) == "dev" {
				ids = []string{"two", "one"}
			}
			for _, id := range ids {
				stack.NewTable(s, id, stack.TableConfig{PartitionKey: stack.StringKey("id"), Name: stack.Generated})
			}
		}))
		assert.True(t, verdict.Identical(), "%s", verdict)
	})
	t.Run("a sum that only the names of another stage make too great", func(t *testing.T) {
		short, long := stage("a", 1, "us-east-1", stages.Standard), stage("production-of-the-other-company", 2, "us-east-1", stages.Standard)
		many := stages.When(short, 3900)
		verdict, err := stack.App{Service: "shop", Stages: stages.Set{short, long}, Define: func(s *stack.Stack) {
			config := code()
			config.Environment = map[string]string{"TEXT": strings.Repeat("x", stages.Pick(s, 10, many))}
			for i := range 5 {
				table := stack.NewTable(s, fmt.Sprintf("t%d", i), stack.TableConfig{PartitionKey: stack.StringKey("id")})
				config.Access = append(config.Access, table.Read())
			}
			stack.NewFunction(s, "f", config)
		}}.Prove(t.Context(), stack.Proof{})
		require.NoError(t, err, "the short name's stage has the long text, and nobody deploys the long name with it")
		assert.True(t, verdict.Identical(), "%s", verdict)
	})
}

func TestADiffPutsEveryDifferenceUnderItsDeclaration(t *testing.T) {
	explanation, err := app(func(s *stack.Stack) {
		table := key()
		table.DAX = &stack.DAXConfig{Stages: stages.Only(production)}
		orders := stack.NewTable(s, "orders", table)
		config := code()
		config.Memory = stages.Pick(s, 256, stages.When(production, 1024))
		config.Access = []stack.Grant{orders.Read()}
		stack.NewFunction(s, "f", config)
	}).Diff(t.Context(), "dev", "production")
	require.NoError(t, err)
	require.True(t, explanation.Accounted(), "%+v", explanation.Left)
	var titles []string
	for _, group := range explanation.Groups {
		titles = append(titles, group.Title)
	}
	assert.Equal(t, []string{
		"production has tier protected, dev sandbox", "production adds orders DAX", "production picks 1024, dev 256",
	}, titles)
	dax := explanation.Groups[1]
	assert.Equal(t, 1, dax.Functions)
	assert.NotEmpty(t, dax.Added)
	_, err = app(shop).Diff(t.Context(), "dev", "nowhere")
	require.ErrorAs(t, err, new(*stages.UnknownStageError))
}

func TestAPickOfGrantsIsSaidInWords(t *testing.T) {
	explanation, err := app(func(s *stack.Stack) {
		orders := stack.NewTable(s, "orders", key())
		config := code()
		config.Access = stages.Pick(s, []stack.Grant{orders.Read()}, stages.When(production, []stack.Grant{orders.ReadWrite().Optional()}))
		stack.NewFunction(s, "f", config)
	}).Diff(t.Context(), "dev", "production")
	require.NoError(t, err)
	require.Len(t, explanation.Groups, 2)
	assert.Equal(t, `production picks [ReadWrite of table "orders", optional], dev [Read of table "orders"]`, explanation.Groups[1].Title)
	assert.Empty(t, explanation.Idle)
	assert.Equal(t, "an empty grant", stack.Grant{}.String())
}

func TestAFailedProofReadsLikeATestifyMessage(t *testing.T) {
	const fails = "ROADSHOW_TEST_FAILED_PROOF"
	if os.Getenv(fails) != "" || os.Getenv("ROADSHOW_STACKTEST_AGAIN") != "" { // the child, and the child's second process
		stacktest.RequireParity(t, app(func(s *stack.Stack) {
			config := code()
			if nameOf(s) == "production" {
				config.Memory = 512
			}
			stack.NewFunction(s, "f", config)
		}))
		return
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	command.Env = append(os.Environ(), fails+"=yes")
	output, err := command.CombinedOutput()
	require.ErrorAs(t, err, new(*exec.ExitError))
	message := string(output)
	assert.Contains(t, message, "Error:      \tthe stages of shop are not identical")
	assert.Regexp(t, `(?s)Error Trace:.*/stack/parity_test\.go:\d+\n.*Error:`, message, "the user's call")
	assert.Regexp(t, `(?s)different: 3 stages, .*1 undeclared difference:\s+Resources\.fFunction\w+\.Properties\.MemorySize\s+`+
		`AWS::Lambda::Function, made at stack/parity_test\.go:\d+\s+dev, staging as dev:\s+256\s+production as dev:\s+512`, message)
}
