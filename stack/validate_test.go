package stack_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// validated synthesizes a function of the given memory, with AWS's validator, and tells whether it ran.
func validated(t *testing.T, memory any, change func(*stack.Synthesis)) (ran bool, err error) {
	t.Helper()
	var talk bytes.Buffer
	synthesis := stack.Synthesis{
		Stages: []stages.Stage{dev}, Outdir: t.TempDir(), StubFunctions: true, Validation: stack.ValidateChanged, Progress: &talk,
	}
	if change != nil {
		change(&synthesis)
	}
	_, err = app(func(s *stack.Stack) {
		if below, ok := stack.L1[awslambda.CfnFunction](stack.NewFunction(s, "get", code())); ok {
			below.AddPropertyOverride(text("MemorySize"), memory)
		}
	}).Synthesize(synthesis)
	if err != nil {
		_, missing := os.Stat(filepath.Join(synthesis.Outdir, "manifest.json"))
		assert.ErrorIs(t, missing, os.ErrNotExist, "what was refused cannot be deployed")
	}
	return bytes.Contains(talk.Bytes(), []byte("AWS's validator checks")), err
}

func TestTheValidatorRunsOnATemplateThatItHasNotSeenPass(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	ran, err := validated(t, 512, nil)
	require.NoError(t, err)
	assert.True(t, ran, "the first time")

	ran, err = validated(t, 512, nil)
	require.NoError(t, err)
	assert.False(t, ran, "the same template again")

	ran, err = validated(t, 512, func(s *stack.Synthesis) { s.Commit, s.Record = "0123456789abcdef0123456789abcdef01234567", true })
	require.NoError(t, err)
	assert.False(t, ran, "a commit of the same template")

	ran, err = validated(t, 1024, nil)
	require.NoError(t, err)
	assert.True(t, ran, "another template")

	ran, err = validated(t, 512, func(s *stack.Synthesis) { s.Stages = []stages.Stage{staging} })
	require.NoError(t, err)
	assert.True(t, ran, "another stage")

	ran, err = validated(t, 512, func(s *stack.Synthesis) { s.Validation = stack.ValidateAlways })
	require.NoError(t, err)
	assert.True(t, ran, "always")

	verdicts, err := filepath.Glob(filepath.Join(cache, "roadshow", "validated", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, verdicts)
	for name, content := range map[string]string{"a corrupt cache": "{", "a foreign cache": `{"key":"another"}`, "an empty cache": ""} {
		for _, verdict := range verdicts {
			require.NoError(t, os.WriteFile(verdict, []byte(content), 0o600))
		}
		ran, err = validated(t, 512, nil)
		require.NoError(t, err)
		assert.True(t, ran, name)
	}
}

func TestABrokenTemplateIsRefusedEveryTime(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for range 2 {
		ran, err := validated(t, 64, nil)
		assert.True(t, ran)
		var refusal *stack.ValidationError
		require.ErrorAs(t, err, &refusal)
		messages.Provoked(t, err.Error())
		assert.Contains(t, withoutLines(err.Error()), "(made at stack/validate_test.go:LINE): MemorySize")
	}
}

func TestWithoutACacheFolderTheValidatorRunsEveryTime(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	for range 2 {
		ran, err := validated(t, 512, nil)
		require.NoError(t, err)
		assert.True(t, ran)
	}
}

func TestNeverIsNever(t *testing.T) {
	ran, err := validated(t, 64, func(s *stack.Synthesis) { s.Validation = stack.ValidateNever })
	assert.NoError(t, err)
	assert.False(t, ran)
}
