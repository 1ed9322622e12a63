package stages_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/stages"
)

func TestAMisspeltStageIsSuggested(t *testing.T) {
	known := []string{"dev", "staging", "production", "production-eu"}
	for name, tt := range map[string]struct{ name, want string }{
		"what it begins with":           {"stag", "staging"},
		"what it has inside":            {"eu", "production-eu"},
		"two that begin with it":        {"prod", ""},
		"another case":                  {"DEV", "dev"},
		"a letter too many":             {"devv", "dev"},
		"two letters changed places":    {"stagign", "staging"},
		"a letter missing":              {"poduction", "production"},
		"something else altogether":     {"canary", ""},
		"one letter says too little":    {"x", ""},
		"nothing":                       {"", ""},
		"a name that is near two words": {"produktion", "production"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt.want, stages.Suggest(tt.name, known)) })
	}
	assert.Equal(t, "production", stages.Suggest("prod", []string{"dev", "production"}))
	assert.Empty(t, stages.Suggest("dev", nil))
}

func TestASuggestionIsAKnownName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		known := rapid.SliceOf(rapid.String()).Draw(t, "known")
		if suggested := stages.Suggest(rapid.String().Draw(t, "name"), known); suggested != "" {
			assert.Contains(t, known, suggested)
		}
	})
}
