package stack_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

var token = regexp.MustCompile(`TOKEN\.[0-9]+`)

// reflected lists every value that reflection comes to, also in unexported fields, by the types and fields on the way.
// A function is no value: one that was found in an unexported field cannot be called.
func reflected(value any) []string {
	var all []string
	entered := map[any]bool{}
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		switch v.Kind() {
		case reflect.Invalid, reflect.Func, reflect.Chan, reflect.UnsafePointer, reflect.Uintptr:
		case reflect.Pointer:
			key := [2]any{v.Type(), v.Pointer()}
			if v.IsNil() || entered[key] {
				return
			}
			entered[key] = true
			walk(path, v.Elem())
		case reflect.Interface:
			walk(path, v.Elem())
		case reflect.Struct:
			for i := range v.NumField() {
				walk(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
		case reflect.Map:
			for _, key := range v.MapKeys() {
				walk(path+"[key]", key)
				walk(path+"[]", v.MapIndex(key))
			}
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				walk(path+"[]", v.Index(i))
			}
		default:
			// The CDK numbers its tokens through all definitions of a process.
			all = append(all, token.ReplaceAllString(fmt.Sprintf("%s %s=%v", path, v.Type(), v), ""))
		}
	}
	walk("", reflect.ValueOf(value))
	slices.Sort(all)
	return all
}

// What an understudy takes over of another stage (its part, its time to live) is nowhere recorded where it is looked up
// by reflection. So it is not there: whoever looks finds the same, whichever part is played.
func TestReflectionFindsTheSameWhicheverPartIsPlayed(t *testing.T) {
	qa := stages.Stage{Name: "qa", Account: "444444444444", Region: "us-east-1"}
	byAccount := map[string][][]string{}
	verdict, err := stack.App{Service: "shop", Stages: stages.Set{staging, qa}, Define: func(s *stack.Stack) {
		stages.Pick(s, 0, stages.When(qa, 0)) // without a choice, neither plays the other's part
		network := stack.NewNetwork(s, "main", stack.NetworkConfig{})
		config := key()
		config.DAX = &stack.DAXConfig{Network: network}
		orders := stack.NewTable(s, "orders", config)
		inside := code()
		inside.Network, inside.Access = network, []stack.Grant{orders.ReadWrite()}
		fn := stack.NewFunction(s, "f", inside)
		topic := stack.NewTopic(s, "news", stack.TopicConfig{})
		api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{})
		api.Route("GET /", fn)
		daily := stack.NewSchedule(s, "daily", stack.ScheduleConfig{Rate: 24 * time.Hour})
		daily.Triggers(fn)
		made := []any{
			s, daily, network, orders, fn, topic, api, orders.Read(), stack.NewQueue(s, "jobs", stack.QueueConfig{}), stack.NewBus(s, "events", stack.BusConfig{}),
			stack.NewBucket(s, "files", stack.BucketConfig{}), stack.NewSecret(s, "key", stack.SecretConfig{}),
			stack.NewAlarm(s, "errors", stack.AlarmConfig{On: fn.Errors(), Topic: topic}),
			stack.ImportTable(s, stack.Ref{Service: "notes", ID: "notes"}, stack.ImportTableConfig{}),
		}
		byAccount[accountOf(s)] = append(byAccount[accountOf(s)], reflected(made))
	}}.Prove(t.Context(), stack.Proof{Exhaustive: true})
	require.NoError(t, err)
	require.NotEqual(t, parity.Different, verdict.Outcome(), "%s", verdict)
	require.Len(t, byAccount, 2)
	for account, parts := range byAccount {
		require.GreaterOrEqual(t, len(parts), 2, "the stage plays more than its own part")
		require.Greater(t, len(parts[0]), 100)
		for _, part := range parts[1:] {
			require.Len(t, part, len(parts[0]))
			for i, one := range parts[0] {
				require.Equal(t, one, part[i], account)
			}
		}
	}
}

func TestAStackThatIsPrintedNamesItsServiceAlone(t *testing.T) {
	var written []string
	_, err := app(func(s *stack.Stack) {
		stack.NewTable(s, "orders", key())
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
			written = append(written, fmt.Sprintf(verb, s), fmt.Sprintf(verb, *s), fmt.Sprintf(verb, struct{ Of any }{s}))
		}
		// A method of an unexported field is not called: every field is printed.
		type holder struct{ s stack.Stack }
		assert.NotContains(t, fmt.Sprintf("%+v", holder{*s}), "as-", "the name of a part")
		if text, err := json.Marshal(s); err == nil {
			written = append(written, string(text))
		}
	}).Prove(t.Context(), stack.Proof{})
	require.NoError(t, err)
	slices.Sort(written)
	for _, text := range slices.Compact(written) {
		for _, stage := range set {
			assert.NotContains(t, text, stage.Name)
			assert.NotContains(t, text, stage.Account)
		}
	}
}
