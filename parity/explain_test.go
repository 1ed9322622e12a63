package parity

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/stages"
)

func TestTheGroupsAccountForEveryDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProgram(t, 4)
		of := rapid.SampledFrom(p.set.Stages())
		from, to := of.Draw(t, "from"), of.Draw(t, "to")
		explanation, err := Explain(context.Background(), p, from, to)
		require.NoError(t, err)
		require.True(t, explanation.Accounted(), "%+v", explanation)
		accounted := map[string]bool{}
		for _, group := range explanation.Groups {
			require.NotEmpty(t, group.Declarations)
			require.NotEmpty(t, group.Changes)
			for _, change := range group.Changes {
				require.False(t, accounted[change.key()], "%s stands in two groups", change)
				accounted[change.key()] = true
			}
		}
		require.Len(t, accounted, explanation.Changes)
	})
}

// sketch is a program of a few lines, for one test.
type sketch struct {
	set    stages.Set
	define func(choices *stages.Choices) (resources map[string]any, err error)
}

func (s sketch) Play(ctx context.Context, stage stages.Stage) (Played, error) {
	return s.Switch(ctx, stage)
}

func (s sketch) Switch(_ context.Context, stage stages.Stage, switches ...stages.Switch) (Played, error) {
	choices := stages.NewChoices(s.set, stage, switches...)
	resources, err := s.define(choices)
	if err != nil {
		return Played{}, err
	}
	template, err := json.Marshal(map[string]any{"Resources": resources})
	return Played{
		Template: template, Identity: []string{stage.Name, stage.Account, stage.Region}, ChoicesKey: choices.Key(), Choices: choices.Made(),
		As: func(other stages.Stage) []stages.Choice { return choices.For(other).Made() },
	}, err
}

var (
	small = stages.Stage{Name: "small", Account: "111111111111", Region: "us-east-1"}
	big   = stages.Stage{Name: "big", Account: "222222222222", Region: "us-east-1"}
	both  = stages.Set{small, big}
)

// line is the place of a declaration in the sketch.
func line(number int) stages.Position { return stages.Position{File: "app.go", Line: number} }

func explained(t *testing.T, define func(*stages.Choices) (map[string]any, error)) *Explanation {
	t.Helper()
	explanation, err := Explain(t.Context(), sketch{both, define}, small, big)
	require.NoError(t, err)
	return explanation
}

func TestEachDeclarationHasItsOwnGroup(t *testing.T) {
	explanation := explained(t, func(c *stages.Choices) (map[string]any, error) {
		resources := map[string]any{"f": map[string]any{"Type": "AWS::Lambda::Function", "Properties": map[string]any{"Memory": 1, "Steps": []int{1, 9}}}}
		f := resources["f"].(map[string]any)["Properties"].(map[string]any)
		if c.Includes("cache", big, line(1)) {
			resources["cache"] = map[string]any{"Type": "AWS::DAX::Cluster"}
			f["Steps"] = []int{1, 5, 9}
		}
		if c.Includes("seed", small, line(2)) {
			resources["seed"] = map[string]any{"Type": "AWS::Lambda::Function"}
		}
		f["Memory"] = stages.Pick(c, 1, stages.When(big, 2))
		return resources, nil
	})
	require.True(t, explanation.Accounted())
	require.Len(t, explanation.Groups, 3)
	cache, seed, memory := explanation.Groups[0], explanation.Groups[1], explanation.Groups[2]
	assert.Equal(t, "big adds cache", cache.Title)
	assert.Equal(t, "1 resource, 1 function changed", cache.Summary())
	assert.Equal(t, []string{"cache"}, cache.Added)
	assert.Equal(t, "big has no seed", seed.Title)
	assert.Equal(t, []string{"seed"}, seed.Removed)
	assert.Equal(t, "1 resource less", seed.Summary())
	assert.Equal(t, "big picks 2, small 1", memory.Title)
	assert.Equal(t, "Resources.f.Properties.Memory: 2 instead of 1", memory.Changes[0].String())
}

func TestWhatOnlyTwoTogetherMakeHasAGroupOfItsOwn(t *testing.T) {
	explanation := explained(t, func(c *stages.Choices) (map[string]any, error) {
		first, second := c.Includes("one", big, line(1)), c.Includes("two", big, line(2))
		c.Includes("three", big, line(3))
		resources := map[string]any{}
		if first {
			resources["one"] = map[string]any{"Type": "A::B::C"}
		}
		if first && second {
			resources["pair"] = map[string]any{"Type": "A::B::C"}
		}
		return resources, nil
	})
	require.True(t, explanation.Accounted())
	require.Len(t, explanation.Groups, 2)
	assert.Equal(t, "big adds one", explanation.Groups[0].Title)
	assert.Equal(t, "big adds one, together with: big adds two", explanation.Groups[1].Title)
	assert.Equal(t, []string{"pair"}, explanation.Groups[1].Added)
	require.Len(t, explanation.Idle, 1)
	assert.Equal(t, "three", explanation.Idle[0].Of)
}

func TestACombinationThatTheProgramRefusesExplainsNothing(t *testing.T) {
	explanation := explained(t, func(c *stages.Choices) (map[string]any, error) {
		table, grant := c.Includes("table", big, line(1)), c.Includes("grant", big, line(2))
		if grant && !table {
			return nil, errors.New("the grant needs the table")
		}
		resources := map[string]any{}
		if grant {
			resources["grant"] = map[string]any{"Type": "A::B::C"}
		}
		return resources, nil
	})
	require.True(t, explanation.Accounted())
	require.Len(t, explanation.Groups, 1)
	assert.Len(t, explanation.Groups[0].Declarations, 2)
}

func TestWhatNobodyDeclaredIsNamed(t *testing.T) {
	explanation, err := Explain(t.Context(), undeclaring{}, small, big)
	require.NoError(t, err)
	assert.False(t, explanation.Accounted())
	assert.Len(t, explanation.Undeclared, 1)
}

// undeclaring branches on the stage's name.
type undeclaring struct{}

func (p undeclaring) Play(ctx context.Context, stage stages.Stage) (Played, error) {
	return p.Switch(ctx, stage)
}

func (undeclaring) Switch(_ context.Context, stage stages.Stage, _ ...stages.Switch) (Played, error) {
	return sketch{both, func(*stages.Choices) (map[string]any, error) {
		return map[string]any{"f": map[string]any{"Type": "A::B::C", "N": len(stage.Name) + int(stage.Name[0])}}, nil
	}}.Play(context.Background(), stage)
}

func TestADeclarationThatChangesNothingIsStale(t *testing.T) {
	stale, err := FindStale(t.Context(), both, sketch{both, func(c *stages.Choices) (map[string]any, error) {
		resources := map[string]any{"n": stages.Pick(c, 1, stages.When(big, 1))}
		if c.Includes("cache", big, line(1)) {
			resources["cache"] = map[string]any{"Type": "AWS::DAX::Cluster"}
		}
		c.Includes("nothing", big, line(2))
		c.Includes("everywhere", stages.Except(), line(3))
		for _, id := range []string{"idle", "busy"} { // one place in the code: live if either is
			if c.Includes(id, big, line(4)) && id == "busy" {
				resources[id] = map[string]any{"Type": "A::B::C"}
			}
		}
		return resources, nil
	}})
	require.NoError(t, err)
	require.Len(t, stale, 3)
	assert.Equal(t, "stages.Pick(1, stages.When(big, 1))", stale[0].Declaration)
	assert.Equal(t, "app.go:2: big of nothing changes nothing in any stage; remove it", stale[1].String())
	assert.Equal(t, []string{"everywhere"}, stale[2].Of)
}
