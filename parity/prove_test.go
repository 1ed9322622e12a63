package parity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stages"
)

func TestAProgramWithoutBranchesOnIdentityNeverAlarms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProgram(t, 8)
		verdict, err := Prove(context.Background(), p.set, p, Exhaustive())
		require.NoError(t, err)
		if verdict.Outcome() == Different {
			t.Fatalf("false alarm: %s", verdict)
		}
	})
}

// Where the whole table is played there is no escape: whatever tells two stages apart, under the
// choices of any stage, is found, be it taken in one stage only or nowhere that is deployed.
func TestEveryBranchOnIdentityIsCaught(t *testing.T) {
	caught := 0
	rapid.Check(t, func(t *rapid.T) {
		p := drawProgram(t, 6)
		b := drawBranch(t, p)
		p.branches = append(p.branches, b)
		verdict, err := Prove(context.Background(), p.set, p, Exhaustive())
		require.NoError(t, err)
		if p.parts(b) {
			caught++
			if verdict.Identical() {
				t.Fatalf("escaped: %+v in %s", b, verdict)
			}
			requireRightLine(t, p, b, verdict)
		} else if verdict.Outcome() == Different {
			t.Fatalf("no stage differs by %+v: %s", b, verdict)
		}
	})
	assert.Positive(t, caught)
}

// requireRightLine checks that a difference is attributed to the resource that the branch is in.
func requireRightLine(t *rapid.T, p *program, b branch, verdict *Verdict) {
	for _, d := range verdict.Differences {
		switch {
		case b.do == "choice":
			require.Equal(t, "Choices", d.Path)
		case b.do == "tag":
			require.Equal(t, "Stack.tag", d.Path)
		case b.do == "another resource":
			require.Equal(t, "Resources.undeclared", d.Path)
		default:
			require.Equal(t, b.at+1, d.At.Line, "%s", d)
			require.True(t, strings.HasPrefix(d.LogicalID, p.resources[b.at].id), "%s", d)
		}
	}
}

// Of a table that is not played in full, two things are true: a branch on what only one stage is,
// taken where that stage is deployed, is caught; and what is not caught could be replaced by a
// constant, the way that the reference takes it, without any change to what is deployed.
func TestWhatAPartOfTheTableLetsThroughChangesNothingDeployed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProgram(t, 10)
		b := drawBranch(t, p)
		p.branches = append(p.branches, b)
		verdict, err := Prove(context.Background(), p.set, p)
		require.NoError(t, err)
		if !p.parts(b) {
			require.NotEqual(t, Different, verdict.Outcome(), "false alarm: %s", verdict)
			return
		}
		if verdict.Played == verdict.Parts {
			require.False(t, verdict.Identical(), "escaped: %+v", b)
		}
		if !verdict.Identical() {
			return
		}
		cast, _ := p.table()
		reference := cast[(&plan{cast: cast}).reference()]
		holding, firing := 0, 0
		for _, stage := range cast {
			if b.identity.holds(stage) {
				holding++
			}
			played, err := p.unbranched().Play(context.Background(), stage)
			require.NoError(t, err)
			if !p.exists(b.at, stage) {
				continue
			}
			taken := b.fires(stage, played.ChoicesKey)
			require.Equal(t, b.fires(reference, played.ChoicesKey), taken, "%s deploys what %s would not: %+v", stage, reference, b)
			if taken {
				firing++
			}
		}
		require.False(t, holding == 1 && firing == 1, "escaped: %+v, which one stage takes where it is deployed", b)
	})
}

// The escape that made the proof play more than the two corners of the design: production and dev
// share a region, staging has another, and only production makes the choice.
func TestTheTwoCornersAloneWouldMissARegionThatTheReferenceShares(t *testing.T) {
	p := &program{
		set:       stages.Set{dev, staging, production},
		resources: []resource{{id: "table", properties: []string{"{stage}"}}},
	}
	_, columns := p.table()
	require.Len(t, columns, 3)
	var underProduction string
	for key, stage := range columns {
		if stage == production {
			underProduction = key
		}
	}
	p.branches = []branch{{identity: predicate{"region", "equal", "us-east-1"}, under: []string{underProduction}, do: "number"}}
	verdict, err := Prove(t.Context(), p.set, p)
	require.NoError(t, err)
	require.False(t, verdict.Identical())
	assert.Equal(t, "Resources.table.Properties.Memory", verdict.Differences[0].Path)
	assert.Equal(t, []string{"production", "dev as production"}, sorted(verdict.Differences[0].Values[0].Stages))
	assert.Equal(t, []string{"staging as production"}, verdict.Differences[0].Values[1].Stages)
}

func sorted(names []string) []string {
	slices.Sort(names)
	slices.Reverse(names)
	return names
}

func TestBothCornersAreProven(t *testing.T) {
	onlyProduction := []resource{{id: "dax", selector: stages.Only(production), properties: []string{"x"}}, {id: "fn", properties: []string{"y"}}}
	for name, b := range map[string]predicate{
		"what only the stage with the component does":    {"name", "equal", "production"},
		"what only a stage without the component does":   {"name", "equal", "dev"},
		"what every stage but the one with it does":      {"name", "unequal", "production"},
		"what is done in the account of the one with it": {"account", "prefix", "3333"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &program{set: stages.Set{dev, production}, resources: onlyProduction, branches: []branch{{identity: b, do: "number", at: 1}}}
			_, columns := p.table()
			for key := range columns {
				p.branches[0].under = []string{key}
				if !p.parts(p.branches[0]) {
					continue
				}
				verdict, err := Prove(t.Context(), p.set, p)
				require.NoError(t, err)
				assert.False(t, verdict.Identical())
			}
		})
	}
}

func manyStages(n int, tier func(int) stages.Tier) stages.Set {
	var set stages.Set
	for i := range n {
		set = append(set, stages.Stage{Name: fmt.Sprintf("stage%d", i), Account: fmt.Sprintf("%012d", 1000+i), Region: "us-east-1", Tier: tier(i)})
	}
	return set
}

func TestAProofPlaysNoMoreThanItMust(t *testing.T) {
	standard := func(int) stages.Tier { return stages.Standard }
	resources := []resource{{id: "fn", properties: []string{"{stage}"}}}
	var eachItsOwn []resource
	twenty := manyStages(20, standard)
	for i, stage := range twenty {
		eachItsOwn = append(eachItsOwn, resource{id: fmt.Sprintf("r%d", i), selector: stages.Only(stage), properties: []string{"x"}})
	}
	for name, tt := range map[string]struct {
		set       stages.Set
		resources []resource
		played    int
		groups    int
	}{
		"one stage":                         {manyStages(1, standard), resources, 1, 1},
		"twenty stages that choose alike":   {twenty, resources, 20, 1},
		"twenty stages in two groups":       {twenty, []resource{{id: "fn", selector: stages.Only(twenty[0]), properties: []string{"x"}}}, 22, 2},
		"twenty stages, each with a choice": {twenty, eachItsOwn, 40, 20},
		"three stages, the whole table":     {stages.Set{dev, staging, production}, resources, 9, 3},
	} {
		t.Run(name, func(t *testing.T) {
			verdict, err := Prove(t.Context(), tt.set, &program{set: tt.set, resources: tt.resources})
			require.NoError(t, err)
			assert.True(t, verdict.Identical(), verdict.String())
			assert.Equal(t, tt.played, verdict.Played)
			assert.Len(t, verdict.Groups, tt.groups)
			assert.Equal(t, len(tt.set)*tt.groups, verdict.Parts)
		})
	}
}

func TestATemplateIsProvenByAStageOfAnUnlikelyName(t *testing.T) {
	set := stages.Set{dev, production, dev.Template("pr-*"), dev.Template("a-very-long-pattern-indeed-it-i*")}
	p := &program{set: set, resources: []resource{{id: "fn", properties: []string{"{stage} {1}"}}}}
	verdict, err := Prove(t.Context(), set, p)
	require.NoError(t, err)
	assert.True(t, verdict.Identical(), verdict.String())
	assert.Equal(t, []string{"dev", "production", "pr-qx7-parity-0-understudy-of-ma", "a-very-long-pattern-indeed-it-iq"}, verdict.Stages)
	assert.Equal(t, [][]string{{"dev", "pr-qx7-parity-0-understudy-of-ma", "a-very-long-pattern-indeed-it-iq"}, {"production"}}, verdict.Groups)

	p.branches = []branch{{identity: predicate{"name", "longer", "productions"}, do: "number"}}
	verdict, err = Prove(t.Context(), set, p)
	require.NoError(t, err)
	assert.False(t, verdict.Identical())
}

func TestAStageThatNamesAnothersAccountIsDifferent(t *testing.T) {
	p := &program{set: stages.Set{dev, production}, resources: []resource{{id: "fn", properties: []string{"arn:aws:iam::333333333333:root"}}}}
	verdict, err := Prove(t.Context(), p.set, p)
	require.NoError(t, err)
	assert.Empty(t, verdict.Differences, "it is the same constant in both")
	require.NotEmpty(t, verdict.Foreign)
	assert.Equal(t, ExitDifferent, verdict.ExitCode())
	assert.Equal(t, `different: 2 stages, 2 groups, 1 resource, 1 function (same bytes)

2 references to another stage:
  Resources.fn.Properties.List[0].Item
    AWS::Lambda::Function, made at app.go:1
    dev names 333333333333, the account of production
  Resources.fn.Properties.P0
    AWS::Lambda::Function, made at app.go:1
    dev names 333333333333, the account of production`, verdict.String())
}

func TestTheVerdictReadsLikeAMessage(t *testing.T) {
	p := &program{set: stages.Set{dev, production}, resources: []resource{{id: "fn", properties: []string{"x"}}}}
	verdict, err := Prove(t.Context(), p.set, p)
	require.NoError(t, err)
	assert.Equal(t, "identical: 2 stages, 2 groups, 1 resource, 1 function (same bytes)", verdict.String())
	assert.Equal(t, ExitIdentical, verdict.ExitCode())

	p.branches = []branch{{identity: predicate{"name", "equal", "production"}, do: "number"}, {identity: predicate{"name", "equal", "dev"}, do: "bytes"}}
	verdict, err = Prove(t.Context(), p.set, p)
	require.NoError(t, err)
	verdict.Unstable = Reproducible(map[string][]byte{"dev": []byte(property("1"))}, map[string][]byte{"dev": []byte(property("2"))})
	assert.Equal(t, `different: 2 stages, 2 groups, 1 resource, 1 function (some with other bytes)

2 undeclared differences:
  Resources.fn.Properties.Memory
    AWS::Lambda::Function, made at app.go:1
    dev:               99
    production as dev: 7
    … and under the choices of 1 more group
  Functions.fn
    AWS::Lambda::Function, made at app.go:1
    dev:               "other bytes"
    production as dev: "digest of fn"
    … and under the choices of 1 more group

"production as dev" has production's name, account and region, and dev's selectors, picks and tier.

A difference is declared with a selector, as in stages.Only(…), or with stages.Pick; a name is built by the ledger.

1 difference between two runs of the same program:
  Resources.fn.Properties.P
    AWS::Lambda::Function
    dev, first run:  1
    dev, second run: 2

The program reads something besides its stage: the environment, a file, the time, a random value, or the order of a map.`, verdict.String())
}

func TestTheVerdictAsJSON(t *testing.T) {
	p := &program{set: stages.Set{dev, production}, resources: []resource{{id: "fn", properties: []string{"x"}}}}
	p.branches = []branch{{identity: predicate{"name", "equal", "production"}, do: "number", under: nil}}
	verdict, err := Prove(t.Context(), p.set, p)
	require.NoError(t, err)
	verdict.Differences = verdict.Differences[:1]
	text, err := json.MarshalIndent(verdict, "", "  ")
	require.NoError(t, err)
	assert.JSONEq(t, `{
		"outcome": "different", "identical": false, "stages": ["dev", "production"], "groups": [["dev"], ["production"]],
		"resources": 1, "functions": 1, "sameBytes": true, "played": 4, "parts": 4,
		"differences": [{
			"path": "Resources.fn.Properties.Memory", "logicalId": "fn", "type": "AWS::Lambda::Function", "at": {"file": "app.go", "line": 1},
			"values": [{"stages": ["dev"], "value": 99}, {"stages": ["production as dev"], "value": 7}]
		}]}`, string(text))
}

func TestADifferenceThatOnlyAPickMakesIsLawful(t *testing.T) {
	p := &program{set: stages.Set{dev, staging, production}, resources: []resource{{id: "fn", properties: []string{"x"}, pick: []stages.Selector{production}}}}
	verdict, err := Prove(t.Context(), p.set, p)
	require.NoError(t, err)
	assert.True(t, verdict.Identical(), verdict.String())
}

func TestWhatCannotBeSynthesizedIsNotProven(t *testing.T) {
	p := &program{set: stages.Set{dev, production}, resources: []resource{{id: "fn", properties: []string{"x"}}}}
	fault := errors.New("no such package")
	for name, play := range map[string]PlayerFunc{
		"a stage": func(ctx context.Context, stage stages.Stage) (Played, error) {
			if stage == production {
				return Played{}, fault
			}
			return p.Play(ctx, stage)
		},
		"an understudy": func(ctx context.Context, stage stages.Stage) (Played, error) {
			if stage == production.As(dev) {
				return Played{}, fault
			}
			return p.Play(ctx, stage)
		},
	} {
		t.Run(name, func(t *testing.T) {
			verdict, err := Prove(t.Context(), p.set, play)
			assert.Nil(t, verdict)
			require.ErrorIs(t, err, fault)
			var playError *PlayError
			require.ErrorAs(t, err, &playError)
			assert.Equal(t, "production", playError.Stage.Name)
		})
	}
	_, err := Prove(t.Context(), p.set, PlayerFunc(func(ctx context.Context, stage stages.Stage) (Played, error) {
		played, err := p.Play(ctx, stage)
		played.Template = []byte("{")
		return played, err
	}))
	messages.EqualError(t, err, "dev: template: unexpected end of JSON input")

	_, err = Prove(t.Context(), stages.Set{dev, dev}, p)
	var fieldError *stages.FieldError
	require.ErrorAs(t, err, &fieldError)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Prove(ctx, p.set, p)
	require.ErrorIs(t, err, context.Canceled)
}
