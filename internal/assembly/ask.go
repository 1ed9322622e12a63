package assembly

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/roadshow-go/roadshow/internal/jsonfile"
	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// AskVariable is the environment variable in which the roadshow command asks a program for more
// than a synthesis: a [Question] as JSON. The program answers with a file, [AnswerFile], in its
// CDK_OUTDIR.
const AskVariable = "ROADSHOW_ASK"

// AnswerFile is the name of a program's answer.
const AnswerFile = "roadshow-answer.json"

// ContextNamedBy is the key of the context by which the roadshow command says how it was given the
// stage, such as --to, so that the program's errors name that and not the cdk command's -c stage.
const ContextNamedBy = "roadshow:named-by"

// AskVersion is the version of the format of questions and answers. Either side refuses any other.
const AskVersion = 1

// What a command can ask for.
const (
	// AskAssembly is for every stage of the set, synthesized without compiling any function.
	AskAssembly = "assembly"
	// AskProof is for a proof of parity; see [parity.Prove].
	AskProof = "proof"
	// AskDiff is for what makes the differences between two stages; see [parity.Explain].
	AskDiff = "diff"
	// AskLines is for the Go lines of what stands in the templates under some logical ids.
	AskLines = "lines"
	// AskProposal is for what another stage would add; see stages.Set.With.
	AskProposal = "proposal"
)

// Question is what a command asks of a program.
type Question struct {
	// Version is [AskVersion].
	Version int `json:"version"`
	// Ask is one of the constants above.
	Ask string `json:"ask"`
	// Folder is a working folder to change to before anything is defined. Default: none.
	Folder string `json:"folder,omitempty"`
	// OtherDate has the definition see another date. Default: today's.
	OtherDate bool `json:"otherDate,omitempty"`
	// Exhaustive and Stale are for [AskProof]: play every part, and look for stale declarations.
	Exhaustive bool `json:"exhaustive,omitempty"`
	Stale      bool `json:"stale,omitempty"`
	// From and To are the names of two stages, for [AskDiff]; for [AskAssembly], From is the one
	// stage to begin with, and to make. Default: every stage of the set.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// LogicalIDs are for [AskLines].
	LogicalIDs []string `json:"logicalIds,omitempty"`
	// Stage is for [AskProposal]: its name alone where a template of the set makes it.
	Stage *Stage `json:"stage,omitempty"`
}

// Answer is what a program answers.
type Answer struct {
	// Version is [AskVersion].
	Version int `json:"version"`
	// Ask repeats the question's.
	Ask string `json:"ask"`
	// Verdict answers [AskProof], and Templates has the file of each stage's own template, below
	// the folder of the answer. Both answer [AskAssembly] as far as they can.
	Verdict   *parity.Verdict   `json:"verdict,omitempty"`
	Templates map[string]string `json:"templates,omitempty"`
	// Lines answers [AskLines], by logical id; of one that the program does not make it is the
	// definition's.
	Lines map[string]stages.Position `json:"lines,omitempty"`
	// Explanation answers [AskDiff].
	Explanation *parity.Explanation `json:"explanation,omitempty"`
	// Proposal answers [AskProposal].
	Proposal *Proposal `json:"proposal,omitempty"`
}

// Proposal is what a proposed stage would add.
type Proposal struct {
	Stage Stage `json:"stage"`
	// Note says, where it is not empty, that the stage's name was made of another text.
	Note string `json:"note,omitempty"`
	// Names are the physical names it takes, Choices what the declared differences come to for it.
	Names   []stages.LedgerName `json:"names"`
	Choices []stages.Choice     `json:"choices"`
	// Like lists the stages of the set that make the same choices: it must be equal to them but for
	// identity.
	Like []string `json:"like,omitempty"`
	// Collisions says which of the names it cannot have.
	Collisions []string `json:"collisions,omitempty"`
}

// Asked is the question that this process is asked; nil where there is none.
func Asked() (*Question, error) {
	text, set := os.LookupEnv(AskVariable)
	if !set {
		return nil, nil
	}
	var question Question
	if err := json.Unmarshal([]byte(text), &question); err != nil {
		return nil, fmt.Errorf("%s: %w.\nLeave this variable out: it is for the roadshow command", AskVariable, err)
	}
	if question.Version != AskVersion {
		return nil, fmt.Errorf("the roadshow command asks in version %d, and this program answers version %d.\nUse one version of Roadshow for both",
			question.Version, AskVersion)
	}
	return &question, nil
}

// WriteAnswer puts the answer into the assembly's folder.
func WriteAnswer(dir string, answer Answer) error {
	answer.Version = AskVersion
	data, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, AnswerFile), append(data, '\n'), 0o644)
}

// ReadAnswer reads the answer of a program from the folder it was given. Its errors go on from the
// program's name.
func ReadAnswer(dir string) (*Answer, error) {
	var answer Answer
	err := jsonfile.Read(filepath.Join(dir, AnswerFile), &answer)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("left no answer (%s).\nBuild it with the version of Roadshow that this command has", AnswerFile)
	}
	if err != nil && (answer.Version == 0 || answer.Version == AskVersion) {
		return nil, fmt.Errorf("left an answer that cannot be read (%w).\nUse one version of Roadshow for both", err)
	}
	if answer.Version != AskVersion {
		return nil, fmt.Errorf("answers in version %d, and this command reads version %d.\nUse one version of Roadshow for both", answer.Version, AskVersion)
	}
	return &answer, nil
}
