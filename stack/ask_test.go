package stack

import (
	"encoding/json"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stages"
)

func TestAQuestionThatTheProgramCannotAnswerIsRefused(t *testing.T) {
	dev := stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1"}
	program := App{Service: "shop", Stages: stages.Set{dev, dev.Template("pr-*")}, Define: func(*Stack) {}}
	for name, tt := range map[string]struct {
		question assembly.Question
		outdir   string
		want     string
	}{
		"of another version of the command": {
			assembly.Question{Ask: "weather"},
			t.TempDir(),
			"the roadshow command asks for \"weather\", which this program does not know.\nUse one version of Roadshow for both",
		},
		"without a folder for the answer": {
			assembly.Question{Ask: assembly.AskAssembly},
			"",
			"the variable CDK_OUTDIR is \"\", and must be a folder where ROADSHOW_ASK is set.\nLeave ROADSHOW_ASK out: it is for the roadshow command, which sets both",
		},
		"a proposal of no stage": {
			assembly.Question{Ask: assembly.AskProposal},
			t.TempDir(),
			"ROADSHOW_ASK asks for a proposal without a stage.\nLeave this variable out: it is for the roadshow command",
		},
		"a proposal of a stage that is there": {
			assembly.Question{Ask: assembly.AskProposal, Stage: &assembly.Stage{Name: "dev"}},
			t.TempDir(),
			"--with: name is \"dev\", a stage of the set; it must be a stage that the set does not have.\n`roadshow stages` lists those that it has.",
		},
		"a proposal that no template makes": {
			assembly.Question{Ask: assembly.AskProposal, Stage: &assembly.Stage{Name: "qa"}},
			t.TempDir(),
			"or write --region, and --tier, for a stage that no template makes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tt.question.Version = assembly.AskVersion
			text, err := json.Marshal(tt.question)
			require.NoError(t, err)
			t.Setenv(assembly.AskVariable, string(text))
			t.Setenv("CDK_OUTDIR", tt.outdir)
			messages.ErrorContains(t, program.run(io.Discard), tt.want)
		})
	}
}
