package stages_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stages"
)

var (
	dev        = stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	staging    = stages.Stage{Name: "staging", Account: "222222222222", Region: "us-east-1"}
	production = stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: stages.Protected}
	three      = stages.Set{dev, staging, production}
	preview    = dev.Template("pr-*").ExpiresAfter(72 * time.Hour)
)

// program stands for a *stack.Stack.
type program struct {
	stages.Chooser
	choices *stages.Choices
}

func begin(set stages.Set, stage stages.Stage) program {
	choices := stages.NewChoices(set, stage)
	return program{choices.Chooser(), choices}
}

func TestSelectors(t *testing.T) {
	set := append(stages.Set{preview}, three...)
	pull, err := set.Find("pr-417")
	require.NoError(t, err)
	all := []stages.Stage{dev, staging, production, pull}
	for name, tt := range map[string]struct {
		selector stages.Selector
		text     string
		selects  []string
	}{
		"nil is every stage":         {nil, "", []string{"dev", "staging", "production", "pr-417"}},
		"only one stage":             {stages.Only(production), "stages.Only(production)", []string{"production"}},
		"only several":               {stages.Only(dev, production), "stages.Only(dev, production)", []string{"dev", "production", "pr-417"}},
		"only none is no stage":      {stages.Only(), "stages.Only()", nil},
		"except one":                 {stages.Except(dev), "stages.Except(dev)", []string{"staging", "production"}},
		"except none is every stage": {stages.Except(), "stages.Except()", []string{"dev", "staging", "production", "pr-417"}},
		"a tier":                     {stages.Only(stages.Protected), "stages.Only(protected)", []string{"production"}},
		"a bare tier":                {stages.Standard, "standard", []string{"staging"}},
		"a bare stage is its ephemeral stages too": {dev, "dev", []string{"dev", "pr-417"}},
		"a template is its own stages only":        {stages.Only(preview), "stages.Only(pr-*)", []string{"pr-417"}},
		"a stage but not its ephemeral ones":       {stages.Except(preview, stages.Except(dev)), "stages.Except(pr-*, stages.Except(dev))", []string{"dev"}},
		"selectors nest":                           {stages.Only(stages.Except(dev, staging)), "stages.Only(stages.Except(dev, staging))", []string{"production"}},
	} {
		t.Run(name, func(t *testing.T) {
			var selected []string
			for _, stage := range all {
				if stages.Selects(tt.selector, stage) {
					selected = append(selected, stage.Name)
				}
			}
			assert.Equal(t, tt.selects, selected)
			if tt.selector != nil {
				assert.Equal(t, tt.text, tt.selector.String())
			}
		})
	}
}

func TestAnUnderstudyIsSelectedAsTheStageItPlays(t *testing.T) {
	set := append(stages.Set{preview}, three...)
	pull, err := set.Find("pr-417")
	require.NoError(t, err)
	selectors := []stages.Selector{dev, staging, production, preview, stages.Sandbox, stages.Standard, stages.Protected, stages.Except(dev), stages.Only(preview, production)}
	for _, one := range []stages.Stage{dev, staging, production, pull} {
		for _, other := range []stages.Stage{dev, staging, production, pull} {
			understudy := one.As(other)
			assert.Equal(t, one.Name, understudy.Name)
			assert.Equal(t, one.Account, understudy.Account)
			for _, selector := range selectors {
				assert.Equal(t, stages.Selects(selector, other), stages.Selects(selector, understudy), "%s, %s", understudy, selector)
			}
			assert.Equal(t, stages.NewChoices(set, other).Key(), stages.NewChoices(set, understudy).Key())
		}
	}
	assert.Equal(t, "production as dev", production.As(dev).String())
	assert.Equal(t, "production", production.As(dev).As(production).String())
}

func TestAnUnderstudyHasABoundaryWhereItsRoleHas(t *testing.T) {
	free, guarded, other := dev, staging, production
	guarded.PermissionsBoundary, other.PermissionsBoundary = "team/limit", "limit"
	assert.Empty(t, guarded.As(free).PermissionsBoundary)
	assert.Equal(t, "team/limit", free.As(guarded).PermissionsBoundary, "it has no name of its own to play with")
	assert.Equal(t, "limit", other.As(guarded).PermissionsBoundary, "the name is identity")
	assert.NotEqual(t, stages.NewChoices(three, free).Key(), stages.NewChoices(three, free.As(guarded)).Key(), "whether is a choice")
	guarded.Qualifier = "team1"
	assert.Equal(t, "team1", guarded.As(free).BootstrapQualifier())
	assert.Equal(t, stages.DefaultQualifier, free.As(guarded).BootstrapQualifier())
}

func TestTheFirstCaseThatSelectsWins(t *testing.T) {
	pick := func(stage stages.Stage) int {
		return stages.Pick(begin(three, stage), 1, stages.When(stages.Except(dev), 2), stages.When(production, 3), stages.When(dev, 4), stages.When(dev, 5))
	}
	assert.Equal(t, 4, pick(dev))
	assert.Equal(t, 2, pick(staging))
	assert.Equal(t, 2, pick(production))
	assert.Equal(t, 1, stages.Pick(begin(three, dev), 1))
	assert.Equal(t, "all", stages.Pick(begin(three, dev), "none", stages.When(nil, "all")))
}

func TestChoicesAreRecordedWithTheirPlace(t *testing.T) {
	s := begin(three, production)
	stages.Pick(s, 256, stages.When(production, 1024)) // the line that is recorded
	only := stages.Only(stages.Protected)              // and this one
	assert.True(t, s.choices.Includes("cache", only, stages.Position{File: "elsewhere.go", Line: 1}))
	assert.False(t, s.choices.Includes("seed", dev, stages.Position{File: "app.go", Line: 7}), "a bare stage has no place of its own")
	assert.True(t, s.choices.Includes("always", nil, stages.Position{}), "no selector is no choice")

	made := s.choices.Made()
	require.Len(t, made, 4)
	assert.Equal(t, "tier", made[0].Kind)
	assert.Equal(t, "protected", made[0].Outcome)
	pick, cache, seed := made[1], made[2], made[3]
	assert.Equal(t, "stages.Pick(256, stages.When(production, 1024))", pick.Declaration)
	assert.Equal(t, "1024", pick.Outcome)
	assert.Equal(t, "stages/choices_test.go", pick.At.File, "relative to the module")
	assert.Equal(t, pick.At.Line+1, cache.At.Line)
	assert.Equal(t, stages.Choice{Kind: "selector", Of: "cache", Declaration: "stages.Only(protected)", Outcome: "in"}, plain(cache))
	assert.Equal(t, stages.Choice{Kind: "selector", Of: "seed", Declaration: "dev", Outcome: "out"}, plain(seed))
	assert.Equal(t, "app.go:7", seed.At.String())
}

// plain is the part of a choice that a reader of the assembly sees, without its place.
func plain(choice stages.Choice) stages.Choice {
	return stages.Choice{Kind: choice.Kind, Of: choice.Of, Declaration: choice.Declaration, Outcome: choice.Outcome}
}

func TestAChoiceIsWordedAlikeInEveryRun(t *testing.T) {
	type inner struct{ Name string }
	type outer struct {
		Inner *inner
		Do    func()
	}
	for name, tt := range map[string]struct {
		pick func(p program)
		want string
	}{
		"a pointer inside": {
			func(p program) { stages.Pick(p, nil, stages.When(dev, &outer{&inner{"x"}, func() {}})) },
			"stages.Pick(<nil>, stages.When(dev, &{… …}))",
		},
		"a text that is no address": {func(p program) { stages.Pick(p, "0xc0ffee", stages.When(dev, "b")) }, "stages.Pick(0xc0ffee, stages.When(dev, b))"},
		"nothing":                   {func(p program) { stages.Pick[any](p, nil) }, "stages.Pick(<nil>)"},
	} {
		t.Run(name, func(t *testing.T) {
			p := begin(three, dev)
			tt.pick(p)
			assert.Equal(t, tt.want, p.choices.Made()[1].Declaration)
		})
	}
}

func TestTheKeyIsEqualForEqualChoicesOnly(t *testing.T) {
	key := func(stage stages.Stage) string {
		s := begin(three, stage)
		stages.Pick(s, "a", stages.When(stages.Only(dev, staging), "b"))
		s.choices.Includes("seed", stages.Except(production), stages.Position{})
		return s.choices.Key()
	}
	again := dev
	again.Name = "again"
	assert.NotEqual(t, key(dev), key(staging), "the tier is a choice")
	staging, dev := staging, dev
	staging.Tier = dev.Tier
	assert.Equal(t, key(dev), key(staging))
	assert.NotEqual(t, key(dev), key(production))
	assert.Equal(t, key(dev), key(production.As(dev)))
	assert.NotEqual(t, key(dev), key(again))
}

func TestAStageOutsideTheSetIsRefusedAtItsPlace(t *testing.T) {
	qa := stages.Stage{Name: "qa", Account: "444444444444", Region: "us-east-1"}
	recovered := func(choose func(program)) (problem *stages.FieldError) {
		defer func() { problem = recover().(*stages.FieldError) }()
		choose(begin(three, dev))
		return nil
	}
	err := recovered(func(s program) { stages.Pick(s, 1, stages.When(qa, 2)) })
	assert.Regexp(t, `^qa: stage is "qa"; it must be one of the set's: dev, staging, production \(stages/choices_test\.go:\d+\)\.\nAdd the stage to the set, or select by tier, as in stages\.Only\(stages\.Protected\)\.$`, err.Error())
	messages.Provoked(t, err.Error())
	err = recovered(func(s program) { s.choices.Includes("cache", stages.Except(stages.Only(qa)), stages.Position{}) })
	assert.Regexp(t, `^stages\.Except\(stages\.Only\(qa\)\): stage is "qa"; it must be one of`, err.Error())
	messages.Provoked(t, err.Error())
	assert.Equal(t, "stages/choices_test.go", err.At.File)
}

func TestTheSameChoicesAreMadeForAnotherStage(t *testing.T) {
	s := begin(three, dev)
	stages.Pick(s, 256, stages.When(production, 1024))
	s.choices.Includes("cache", stages.Only(stages.Protected), stages.Position{File: "app.go", Line: 3})
	other := s.choices.For(production)
	require.Len(t, other.Made(), 3)
	assert.Equal(t, "protected", other.Made()[0].Outcome)
	assert.Equal(t, "1024", other.Made()[1].Outcome)
	assert.Equal(t, "in", other.Made()[2].Outcome)
	assert.Equal(t, s.choices.Made()[1].At, other.Made()[1].At)
	assert.Equal(t, s.choices.Key(), other.For(dev).Key())
}

func TestTiersAreReadAndWritten(t *testing.T) {
	for tier, name := range map[stages.Tier]string{stages.Sandbox: "sandbox", stages.Standard: "standard", stages.Protected: "protected"} {
		text, err := json.Marshal(tier)
		require.NoError(t, err)
		assert.Equal(t, `"`+name+`"`, string(text))
		var read stages.Tier
		require.NoError(t, json.Unmarshal(text, &read))
		assert.Equal(t, tier, read)
	}
	assert.Equal(t, "unknown tier", stages.Tier(7).String())
	messages.EqualError(t, new(stages.Tier).UnmarshalText([]byte("gold")), `tier: name is "gold"; it must be sandbox, standard or protected.`+"\n"+`Correct the name.`)
}

func TestPositions(t *testing.T) {
	at := stages.Caller()
	assert.Equal(t, "stages/choices_test.go", at.File)
	assert.Positive(t, at.Line)
	assert.Equal(t, "unknown position", stages.Position{}.String())
	assert.Equal(t, stages.Position{}, stages.FirstUserFrame(nil))
	through := func() stages.Position { return stages.Caller() }
	assert.Equal(t, at.Line+5, through().Line, "the innermost frame of the user is the function itself")
}

// eavesdropper embeds a selector, to be asked in its place.
type eavesdropper struct {
	stages.Selector
	heard *[]string
}

func (e eavesdropper) Selects(stage stages.Stage) bool {
	*e.heard = append(*e.heard, stage.Name)
	return true
}

func TestASelectorThatAProgramWrapsIsNotHandedTheStage(t *testing.T) {
	var heard []string
	wrapped := eavesdropper{stages.Only(production), &heard}
	s := begin(three, production)
	assert.True(t, s.choices.Includes("a", wrapped, stages.Caller()))
	assert.True(t, s.choices.Includes("b", stages.Only(wrapped), stages.Caller()))
	assert.Equal(t, 2, stages.Pick(s, 1, stages.When(wrapped, 2)))
	assert.False(t, begin(three, dev).choices.Includes("a", wrapped, stages.Caller()))
	assert.Empty(t, heard)
}
