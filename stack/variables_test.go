package stack_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
)

// variableRow is a line of the table: component, verbs, the variable behind <ID>.
var variableRow = regexp.MustCompile("(?m)^\\| ([^|]+) \\| ([^|]+) \\| `<ID>(_[A-Z_]+)` \\|")

func TestEveryVerbBringsTheVariableThatTheTableInTheDocsSays(t *testing.T) {
	text, err := os.ReadFile("../docs/variables.md")
	require.NoError(t, err)
	want := map[string][]string{}
	verbs := ""
	for _, row := range variableRow.FindAllStringSubmatch(string(text), -1) {
		if row[2] != "the same" {
			verbs = row[2]
		}
		for verb := range strings.SplitSeq(verbs, ", ") {
			name := row[1] + "." + strings.Trim(verb, "`")
			want[name] = append(want[name], "ONE_TWO"+row[3])
		}
	}
	// A table with DAX brings what every table does, too.
	for name, variables := range want {
		if plain, with := strings.CutPrefix(name, "Table with DAX."); with {
			want[name] = append(slices.Clone(want["Table."+plain]), variables...)
		}
	}

	const id = "one-two"
	table := func(s *stack.Stack) *stack.Table { return stack.NewTable(s, id, key()) }
	accelerated := func(s *stack.Stack) *stack.Table { return stack.NewTable(s, id, withDAX(stack.DAXConfig{})) }
	bucket := func(s *stack.Stack) *stack.Bucket { return stack.NewBucket(s, id, stack.BucketConfig{}) }
	queue := func(s *stack.Stack) *stack.Queue { return stack.NewQueue(s, id, stack.QueueConfig{}) }
	secret := func(s *stack.Stack) *stack.Secret { return stack.NewSecret(s, id, stack.SecretConfig{}) }
	function := func(s *stack.Stack) *stack.Function {
		config := code()
		config.URL = &stack.URLConfig{}
		return stack.NewFunction(s, id, config)
	}
	got := map[string][]string{}
	for name, grant := range map[string]func(s *stack.Stack) stack.Grant{
		"Table.Read":               func(s *stack.Stack) stack.Grant { return table(s).Read() },
		"Table.Write":              func(s *stack.Stack) stack.Grant { return table(s).Write() },
		"Table.ReadWrite":          func(s *stack.Stack) stack.Grant { return table(s).ReadWrite() },
		"Table with DAX.Read":      func(s *stack.Stack) stack.Grant { return accelerated(s).Read() },
		"Table with DAX.Write":     func(s *stack.Stack) stack.Grant { return accelerated(s).Write() },
		"Table with DAX.ReadWrite": func(s *stack.Stack) stack.Grant { return accelerated(s).ReadWrite() },
		"Bucket.Read":              func(s *stack.Stack) stack.Grant { return bucket(s).Read() },
		"Bucket.Write":             func(s *stack.Stack) stack.Grant { return bucket(s).Write() },
		"Bucket.ReadWrite":         func(s *stack.Stack) stack.Grant { return bucket(s).ReadWrite() },
		"Bucket.Delete":            func(s *stack.Stack) stack.Grant { return bucket(s).Delete() },
		"Queue.Send":               func(s *stack.Stack) stack.Grant { return queue(s).Send() },
		"Queue.Consume":            func(s *stack.Stack) stack.Grant { return queue(s).Consume() },
		"Topic.Publish":            func(s *stack.Stack) stack.Grant { return stack.NewTopic(s, id, stack.TopicConfig{}).Publish() },
		"Bus.Publish":              func(s *stack.Stack) stack.Grant { return stack.NewBus(s, id, stack.BusConfig{}).Publish() },
		"Secret.Read":              func(s *stack.Stack) stack.Grant { return secret(s).Read() },
		"Secret.Write":             func(s *stack.Stack) stack.Grant { return secret(s).Write() },
		"Parameter.Read":           func(s *stack.Stack) stack.Grant { return stack.NewParameter(s, id, stack.ParameterConfig{}).Read() },
		"Function.Invoke":          func(s *stack.Stack) stack.Grant { return function(s).Invoke() },
		"Function with URL.InvokeURL": func(s *stack.Stack) stack.Grant {
			return function(s).InvokeURL()
		},
		"HTTPAPI.Invoke": func(s *stack.Stack) stack.Grant {
			api := stack.NewHTTPAPI(s, id, stack.HTTPAPIConfig{Authorizer: stack.IAM()})
			api.Route("GET /", stack.NewFunction(s, "answer", code()))
			return api.Invoke()
		},
	} {
		template := stacktest.Synth(t, app(func(s *stack.Stack) {
			config := code()
			config.Access = []stack.Grant{grant(s)}
			stack.NewFunction(s, "user", config)
		}), dev)
		environment := template.Resource(t, "AWS::Lambda::Function", "user").Properties["Environment"].(map[string]any)
		variables := environment["Variables"].(map[string]any)
		for variable := range variables {
			got[name] = append(got[name], variable)
		}
		slices.Sort(got[name])
		slices.Sort(want[name])
	}
	assert.Equal(t, want, got)

	for noun, handle := range map[string]any{
		"Table": &stack.Table{}, "Bucket": &stack.Bucket{}, "Queue": &stack.Queue{}, "Topic": &stack.Topic{}, "Bus": &stack.Bus{},
		"Secret": &stack.Secret{}, "Parameter": &stack.Parameter{}, "Function": &stack.Function{}, "HTTPAPI": &stack.HTTPAPI{},
		"Schedule": &stack.Schedule{}, "Network": &stack.Network{}, "Alarm": &stack.Alarm{},
	} {
		for method := range reflect.TypeOf(handle).Methods() {
			if method.Type.NumOut() == 1 && method.Type.Out(0) == reflect.TypeFor[stack.Grant]() {
				assert.True(t, want[noun+"."+method.Name] != nil || want[noun+" with URL."+method.Name] != nil, "%s.%s is not in the table", noun, method.Name)
			}
		}
	}
}
