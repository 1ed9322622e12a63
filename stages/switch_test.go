package stages

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// chosen runs a small program of choices.
func chosen(stage Stage, switches ...Switch) *Choices {
	c := NewChoices(three, stage, switches...)
	for range 2 {
		c.Includes("cache", Only(production), Position{File: "app.go", Line: 1})
	}
	c.Includes("guard", Only(Protected), Position{File: "app.go", Line: 2})
	return c
}

func TestChoicesHaveAnIDThatIsTheSameInEveryStage(t *testing.T) {
	ids := func(stage Stage) (all []string) {
		for _, one := range chosen(stage).Made() {
			all = append(all, one.ID)
		}
		return all
	}
	assert.Equal(t, ids(dev), ids(production))
	assert.Len(t, slices.Compact(slices.Sorted(slices.Values(ids(dev)))), 4, "each is its own")
}

func TestASwitchChangesOneChoiceOnly(t *testing.T) {
	own := chosen(dev).Made()
	for i, one := range own {
		switched := chosen(dev, Switch{ID: one.ID, As: production}).Made()
		require.Len(t, switched, len(own))
		for k := range switched {
			assert.Equal(t, own[k].ID, switched[k].ID)
			assert.Equal(t, i != k, switched[k].Agrees(own[k]), "%s while %s is switched", own[k].ID, one.ID)
		}
	}
}

func TestASwitchedTierIsTheStagesButNotTheSelectors(t *testing.T) {
	c := chosen(dev, Switch{ID: "tier", As: production})
	assert.Equal(t, Protected, c.Stage().Tier)
	assert.Equal(t, dev.Account, c.Stage().Account)
	assert.Equal(t, "out", c.Made()[3].Outcome, "stages.Only(Protected) is a declaration of its own")
}

func TestAllSwitchesTogetherAreTheUnderstudy(t *testing.T) {
	var all []Switch
	for _, one := range chosen(dev).Made() {
		all = append(all, Switch{ID: one.ID, As: production})
	}
	assert.Equal(t, chosen(dev.As(production)).Key(), chosen(dev, all...).Key())
	assert.Equal(t, chosen(dev).Key(), chosen(dev, Switch{ID: "no such choice", As: production}).Key())
}
