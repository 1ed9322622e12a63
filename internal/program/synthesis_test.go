package program

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
)

func TestAProgramThatFailsSaysWhyOnce(t *testing.T) {
	p := &Program{Command: "echo one; echo two >&2; exit 3", Dir: t.TempDir()}
	err := p.Synthesize(t.Context(), t.TempDir(), Synthesis{})
	var failed *SynthesisError
	require.ErrorAs(t, err, &failed)
	messages.ErrorContains(t, err, "one\ntwo")
	messages.ErrorContains(t, err, "exit status 3")

	var talk strings.Builder
	err = p.Synthesize(t.Context(), t.TempDir(), Synthesis{Talk: &talk})
	require.Equal(t, "one\ntwo\n", talk.String())
	messages.ErrorContains(t, err, "Its own message stands above.")

	silent := &Program{Command: "exit 3", Dir: t.TempDir()}
	messages.ErrorContains(t, silent.Synthesize(t.Context(), t.TempDir(), Synthesis{Talk: &talk}), "(exit status 3), and said nothing.")
}

func TestAProgramIsAskedForItsStagesWithoutCredentials(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "PLANTED")
	var talk strings.Builder
	p := &Program{Command: `echo "$CDK_CONTEXT_JSON $AWS_SECRET_ACCESS_KEY"`, Dir: t.TempDir(), Context: map[string]any{"a": 1}}
	for _, of := range []Synthesis{{Talk: &talk}, {Stage: "pr-1", Talk: &talk}, {Stage: "pr-1", NamedBy: "--to", Talk: &talk}} {
		require.NoError(t, p.Synthesize(t.Context(), t.TempDir(), of))
	}
	require.Equal(t, `{"a":1,"stage":"all"} `+"\n"+`{"a":1,"stage":"pr-1"} `+"\n"+`{"a":1,"roadshow:named-by":"--to","stage":"pr-1"} `+"\n", talk.String())
	require.Equal(t, map[string]any{"a": 1}, p.Context, "that of cdk.json stays as it is")
}
