package assembly

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
)

func TestAProgramIsAskedByOneVariable(t *testing.T) {
	t.Setenv(AskVariable, "")
	require.NoError(t, os.Unsetenv(AskVariable))
	question, err := Asked()
	require.NoError(t, err)
	assert.Nil(t, question)

	t.Setenv(AskVariable, `{"version":1,"ask":"diff","from":"dev","to":"production"}`)
	question, err = Asked()
	require.NoError(t, err)
	assert.Equal(t, &Question{Version: 1, Ask: AskDiff, From: "dev", To: "production"}, question)
}

func TestACommandOfAnotherVersionIsRefused(t *testing.T) {
	t.Setenv(AskVariable, `{"version":2,"ask":"proof"}`)
	_, err := Asked()
	messages.EqualError(t, err, "the roadshow command asks in version 2, and this program answers version 1.\nUse one version of Roadshow for both")
	t.Setenv(AskVariable, "yes")
	_, err = Asked()
	messages.ErrorContains(t, err, "Leave this variable out")
}

func TestAProgramOfAnotherVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	_, err := ReadAnswer(dir)
	messages.EqualError(t, err, "left no answer (roadshow-answer.json).\nBuild it with the version of Roadshow that this command has")
	require.NoError(t, WriteAnswer(dir, Answer{Ask: AskProof}))
	answer, err := ReadAnswer(dir)
	require.NoError(t, err)
	assert.Equal(t, &Answer{Version: AskVersion, Ask: AskProof}, answer)
	require.NoError(t, os.WriteFile(filepath.Join(dir, AnswerFile), []byte(`{"version":9}`), 0o600))
	_, err = ReadAnswer(dir)
	messages.EqualError(t, err, "answers in version 9, and this command reads version 1.\nUse one version of Roadshow for both")
}
