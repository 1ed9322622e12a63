package fleet_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
)

func TestAProgramThatFailsSaysWhyOnce(t *testing.T) {
	synthesis := fleet.Synthesis{Command: "echo one; echo two >&2; exit 3", Dir: t.TempDir()}
	_, err := synthesis.Run(t.Context(), t.TempDir())
	var failed *fleet.SynthesisError
	require.ErrorAs(t, err, &failed)
	require.ErrorContains(t, err, "one\ntwo")
	require.ErrorContains(t, err, "exit status 3")

	var talk strings.Builder
	synthesis.Talk = &talk
	_, err = synthesis.Run(t.Context(), t.TempDir())
	require.Equal(t, "one\ntwo\n", talk.String())
	require.ErrorContains(t, err, "Its own message stands above.")
}

func TestAProgramIsAskedForItsStagesWithoutCredentials(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "PLANTED")
	var talk strings.Builder
	synthesis := fleet.Synthesis{Command: `echo "$CDK_CONTEXT_JSON $AWS_SECRET_ACCESS_KEY"`, Dir: t.TempDir(), Context: map[string]any{"a": 1}, Talk: &talk}
	_, err := synthesis.Run(t.Context(), t.TempDir())
	require.ErrorContains(t, err, "roadshow.json", "it wrote no assembly")
	synthesis.Stage = "pr-1"
	_, err = synthesis.Run(t.Context(), t.TempDir())
	require.Error(t, err)
	require.Equal(t, `{"a":1,"stage":"all"} `+"\n"+`{"a":1,"stage":"pr-1"} `+"\n", talk.String())
}
