package stack_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// mutation is what no program may have: if the stage is so, under these choices, do it.
type mutation struct {
	field, test, value string
	under              int // the outcome of the pick in mutate; -1 is any
	effect             string
}

func (m mutation) String() string {
	return fmt.Sprintf("%s where the %s is %s %q, under choices %d", m.effect, m.field, m.test, m.value, m.under)
}

// fields are the ways to find out which stage it is: asked of a stack that is being defined, and known of a stage.
var fields = map[string]struct {
	ask   func(s *stack.Stack) string
	known func(stage stages.Stage) string
}{
	"account": {accountOf, func(stage stages.Stage) string { return stage.Account }},
	"name":    {nameOf, func(stage stages.Stage) string { return stage.Name }},
	"queue's name": {
		func(s *stack.Stack) string { return s.Name(stages.SQSQueue, "asked") },
		func(stage stages.Stage) string { return stage.Name + "-shop-asked" },
	},
	"region": {regionOf, func(stage stages.Stage) string { return stage.Region }},
}

// holds answers the mutation's question about a value.
func (m mutation) holds(value string) bool {
	switch m.test {
	case "equal to":
		return value == m.value
	case "other than":
		return value != m.value
	case "begun by":
		return strings.HasPrefix(value, m.value)
	case "longer than":
		return len(value) > len(m.value)
	case "hashed with":
		return sha256.Sum256([]byte(m.value + value))[0]%2 == 0
	}
	panic(m.test)
}

// effects are what a mutation does to a function, to the program around it, or to the stack. What is returned
// is where it is made; the zero value is no place of its own.
var effects = map[string]func(s *stack.Stack, mutated bool) stages.Position{
	"memory": func(s *stack.Stack, mutated bool) stages.Position {
		config := code()
		if mutated {
			config.Memory = 512
		}
		at := lineBelow()
		stack.NewFunction(s, "f", config)
		return at
	},
	"a variable": func(s *stack.Stack, mutated bool) stages.Position {
		config := code()
		config.Environment = map[string]string{"MODE": fmt.Sprint(mutated)}
		at := lineBelow()
		stack.NewFunction(s, "f", config)
		return at
	},
	"another package": func(s *stack.Stack, mutated bool) stages.Position {
		at := lineBelow()
		stack.NewFunction(s, "f", stack.FunctionConfig{Package: "./functions/" + fmt.Sprint(mutated)})
		return at
	},
	"a door": func(s *stack.Stack, mutated bool) stages.Position {
		at := lineBelow()
		stack.NewFunction(s, "f", code()).With(func(l2 awslambda.Function) {
			if mutated {
				awscdk.Tags_Of(l2).Add(text("undeclared"), text("yes"), nil)
			}
		})
		return at
	},
	"a grant": func(s *stack.Stack, mutated bool) stages.Position {
		table := stack.NewTable(s, "orders", key())
		at := lineBelow()
		fn := stack.NewFunction(s, "f", code())
		if fn.Allow(table.Read()); mutated {
			fn.Allow(table.Write())
		}
		return at
	},
	"another resource": func(s *stack.Stack, mutated bool) (at stages.Position) {
		stack.NewFunction(s, "f", code())
		if at = lineBelow(); mutated {
			stack.NewQueue(s, "extra", stack.QueueConfig{})
		}
		return at
	},
	"a route": func(s *stack.Stack, mutated bool) stages.Position {
		at := lineBelow()
		api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{})
		fn := stack.NewFunction(s, "f", code())
		if api.Route("GET /", fn); mutated {
			api.Route("GET /undeclared", fn)
		}
		return at
	},
	"a logical id": func(s *stack.Stack, mutated bool) stages.Position {
		stack.NewFunction(s, map[bool]string{true: "f", false: "g"}[mutated], code())
		return stages.Position{}
	},
	"a declaration": func(s *stack.Stack, mutated bool) stages.Position {
		if mutated {
			stages.Pick(s, 1, stages.When(production, 2))
		}
		return stages.Position{}
	},
	"a description": func(s *stack.Stack, mutated bool) stages.Position {
		if mutated {
			s.CDK.TemplateOptions().SetDescription(text("undeclared"))
		}
		return stages.Position{}
	},
	"an output": func(s *stack.Stack, mutated bool) stages.Position {
		awscdk.NewCfnOutput(s.CDK, text("Mode"), &awscdk.CfnOutputProps{Value: text(fmt.Sprint(mutated))})
		return stages.Position{}
	},
}

// mutations draws them; an example of a generator is the same for the same seed.
func mutations() *rapid.Generator[mutation] {
	return rapid.Custom(func(t *rapid.T) mutation {
		m := mutation{
			field:  rapid.SampledFrom(sortedNames(fields)).Draw(t, "field"),
			test:   rapid.SampledFrom([]string{"equal to", "other than", "begun by", "longer than", "hashed with"}).Draw(t, "test"),
			under:  rapid.IntRange(-1, 2).Draw(t, "under"),
			effect: rapid.SampledFrom(sortedNames(effects)).Draw(t, "effect"),
		}
		m.value = fields[m.field].known(rapid.SampledFrom(set).Draw(t, "of"))
		if m.test == "begun by" || m.test == "longer than" {
			m.value = m.value[:rapid.IntRange(1, len(m.value)).Draw(t, "length")]
		}
		return m
	})
}

func sortedNames[T any](all map[string]T) []string {
	var names []string
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// The mutations of package parity's own tests are of a model; these are of real stacks. Whatever tells two
// stages apart is found with its line, under whichever choices it hides, and what tells none apart is no
// difference.
func TestGeneratedMutationsOfARealStackAreFound(t *testing.T) {
	told := map[bool]int{}
	done := map[string]bool{}
	for seed := range 60 {
		m := mutations().Example(seed)
		var at stages.Position
		verdict := proven(t, app(func(s *stack.Stack) {
			choices := stages.Pick(s, 0, stages.When(dev, 1), stages.When(production, 2))
			mutated := m.holds(fields[m.field].ask(s)) && (m.under < 0 || m.under == choices)
			at = effects[m.effect](s, mutated)
		}))
		holding := 0
		for _, stage := range set {
			if m.holds(fields[m.field].known(stage)) {
				holding++
			}
		}
		apart := holding > 0 && holding < len(set)
		require.Equal(t, !apart, verdict.Identical(), "seed %d, %s: %s", seed, m, verdict)
		if told[apart]++; !apart {
			continue
		}
		done[m.effect] = true
		if at != (stages.Position{}) {
			for _, difference := range verdict.Differences {
				assert.Equal(t, at, difference.At, "seed %d, %s: %s", seed, m, difference.Path)
			}
		}
	}
	assert.Equal(t, sortedNames(effects), sortedNames(done), "each effect was tried")
	assert.Positive(t, told[false], "also what tells no stages apart")
}
