// Package assembly reads and writes roadshow.json, which stands beside the CDK's manifest.json in
// the cloud assembly. It is the contract between the program, which knows the CDK, and the roadshow
// command, which does not.
package assembly

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/roadshow-go/roadshow/internal/jsonfile"
	"github.com/roadshow-go/roadshow/stages"
)

// FileName is the document's name in the assembly's folder.
const FileName = "roadshow.json"

// Version is of the document's schema. A reader refuses any other.
const Version = 1

// Document is the whole of roadshow.json.
type Document struct {
	// Version is [Version].
	Version int `json:"version"`
	// Service is the service's name.
	Service string `json:"service"`
	// Program is the module path of the program, which its stacks carry as a tag:
	// "example.com/notes". Empty where the program is built of no module.
	Program string `json:"program,omitempty"`
	// Commit is the Git commit of the program; empty where there is none, with "-dirty" where the
	// working tree has changes.
	Commit string `json:"commit,omitempty"`
	// DeployFrom lists the accounts that deploy to the stages of others, which the bootstraps
	// trust.
	DeployFrom []string `json:"deployFrom,omitempty"`
	// Set is every stage and template of the set, also those not in this assembly.
	Set []Stage `json:"set"`
	// Ledger is every physical name of every stage of the set, and of one hostile example of each
	// template.
	Ledger []stages.LedgerName `json:"ledger"`
	// Recorded is the ledger without the names that were read back from the templates. The command
	// does not need it.
	Recorded []stages.LedgerName `json:"-"`
	// Stages is what was synthesized.
	Stages []Synthesized `json:"stages"`
}

// Stage is one stage of the set.
type Stage struct {
	Name     string      `json:"name"`
	Account  string      `json:"account"`
	Region   string      `json:"region"`
	Tier     stages.Tier `json:"tier"`
	Template bool        `json:"template,omitempty"`
}

// Synthesized is one stage's stack in the assembly.
type Synthesized struct {
	Stage
	// Role is the name of the stage whose choices were made: its own but for an understudy.
	Role string `json:"role"`
	// StackName is the stack's physical name, Template its file, relative to the document.
	StackName string `json:"stackName"`
	File      string `json:"file"`
	// TerminationProtection tells whether CloudFormation will refuse to delete the stack.
	TerminationProtection bool `json:"terminationProtection"`
	// Choices are the declared differences, as this stage chose. Key is equal for equal choices.
	Choices []stages.Choice `json:"choices"`
	Key     string          `json:"choicesKey"`
	// Identity is the values that make the stage itself in its template; see
	// stages.Ledger.Identity. Behind those stand the paths of what is imported.
	Identity []string `json:"identity"`
	// Imports are the paths that Identity ends in, and AtDeploy maps each path of the Systems
	// Manager that a construct of the program has CloudFormation read at each deploy to that
	// construct. The command needs neither.
	Imports  []Import          `json:"-"`
	AtDeploy map[string]string `json:"-"`
	// Functions are the stage's functions, in the order they were defined.
	Functions []Function `json:"functions"`
	// Constructs are the places in the Go code that made each component.
	Constructs []Construct `json:"constructs"`
}

// Function is one function's code.
type Function struct {
	// Construct is the component's id, Package what it was built from.
	Construct string `json:"construct"`
	Package   string `json:"package"`
	// Prebuilt tells that Package is no Go package, but a folder or a zip.
	Prebuilt bool `json:"prebuilt,omitempty"`
	// Digest is of the deployed bytes.
	Digest string `json:"digest"`
	// Links are the variables that its grants brought, in their order.
	Links []Link `json:"links,omitempty"`
}

// Import is a path that another service exports: of the stage, and of what the program chooses.
type Import struct {
	// Path is that of the Systems Manager, Chosen the service, the component and the kind in it.
	Path, Chosen string
	At           stages.Position
}

// Link is a variable that says where a component is.
type Link struct {
	// ID is the component's, or that of what is imported; Of is how an error names it: table
	// "notes".
	ID string `json:"id"`
	Of string `json:"of"`
	// Variable is <ID>_…, such as NOTES_TABLE.
	Variable string `json:"variable"`
}

// Construct is one component and where it was made.
type Construct struct {
	ID string          `json:"id"`
	At stages.Position `json:"at"`
}

// Owner is the component that a resource belongs to: its logical id begins with the component's id,
// without hyphens. The zero Construct where no component made it.
func (s Synthesized) Owner(logicalID string) (owner Construct) {
	longest := 0
	for _, construct := range s.Constructs {
		if prefix := strings.ReplaceAll(construct.ID, "-", ""); len(prefix) > longest && strings.HasPrefix(logicalID, prefix) {
			owner, longest = construct, len(prefix)
		}
	}
	return owner
}

// Write puts the document into the assembly's folder.
func Write(dir string, document Document) error {
	document.Version = Version
	data, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return fmt.Errorf("assembly: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, FileName), append(data, '\n'), 0o644)
}

// Read reads the document of an assembly's folder, and checks the whole of it.
func Read(dir string) (Document, error) {
	var document Document
	file := filepath.Join(dir, FileName)
	err := jsonfile.Read(file, &document)
	if errors.Is(err, fs.ErrNotExist) {
		return Document{}, &jsonfile.Error{File: file, Reason: "it is not there", Fix: "Run `npx cdk synth` first", Err: err}
	}
	if document.Version != Version && (err == nil || document.Version != 0) {
		return Document{}, &jsonfile.Error{
			File: file, At: "version", Reason: fmt.Sprintf("it is %d, and this command reads %d", document.Version, Version),
			Fix: "Synthesize again with the same version of Roadshow as this command",
		}
	}
	if err == nil {
		err = document.check(dir)
	}
	if err != nil {
		return Document{}, err
	}
	return document, nil
}
