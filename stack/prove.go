package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// Proof says how [App.Prove] goes about it.
type Proof struct {
	// Exhaustive makes every stage play every part, however many there are; see [parity.Exhaustive].
	// Default: only where that takes few syntheses.
	Exhaustive bool

	// Again synthesizes the program once more, in another process with another environment, into a folder:
	// what a comparison in one process cannot see, because both sides read it alike, shows there.
	// It is [App.Synthesize] of every stage with StubFunctions. Default: not done.
	Again func(ctx context.Context, outdir string) error
}

// Prove proves that the stages are identical but for what is declared, or says where they are not. No
// function is compiled: the same package is the same bytes, because one build serves every stage. The
// errors are those of [App.Synthesize] and [parity.Prove]; an undeclared difference is none, it is the
// verdict.
func (a App) Prove(ctx context.Context, proof Proof) (*parity.Verdict, error) {
	var verdict *parity.Verdict
	err := a.perform(func(player player) error {
		var options []parity.Option
		if proof.Exhaustive {
			options = append(options, parity.Exhaustive())
		}
		var err error
		if verdict, err = parity.Prove(ctx, a.Stages, player, options...); err != nil || proof.Again == nil {
			return err
		}
		again := filepath.Join(player.dir, "again")
		if err := proof.Again(ctx, again); err != nil {
			return err
		}
		second := map[string][]byte{}
		for _, stage := range a.Stages.Stages() {
			if second[stage.Name], err = os.ReadFile(filepath.Join(again, nestedFolder(stage), a.templateFile())); err != nil {
				return err
			}
		}
		verdict.Unstable = parity.Reproducible(player.own, second)
		return nil
	})
	return verdict, err
}

// perform gives a player of the app, with a folder that is removed afterwards.
func (a App) perform(with func(player) error) error {
	if err := a.validate(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "roadshow-parity-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return with(player{app: a, dir: dir, compiler: newCompiler(true, nil), own: map[string][]byte{}})
}

// player synthesizes one part after the other for the proof.
type player struct {
	app      App
	dir      string
	compiler *compiler
	own      map[string][]byte // the template of each stage of the set, playing its own part
}

// Play is [parity.Player]'s.
func (p player) Play(ctx context.Context, stage stages.Stage) (parity.Played, error) {
	return p.Switch(ctx, stage)
}

// Switch is [parity.Switcher]'s.
func (p player) Switch(_ context.Context, stage stages.Stage, switches ...stages.Switch) (parity.Played, error) {
	outdir := filepath.Join(p.dir, nestedFolder(stage))
	defer os.RemoveAll(outdir)
	document, err := p.app.synthesize(Synthesis{Stages: []stages.Stage{stage}, Outdir: outdir, switches: switches}, p.compiler)
	if err != nil {
		return parity.Played{}, err
	}
	template, err := os.ReadFile(filepath.Join(outdir, p.app.templateFile()))
	if err != nil {
		return parity.Played{}, err
	}
	synthesized := document.Stages[0]
	if slices.Contains(p.app.Stages, stage) {
		p.own[stage.Name] = template
	}
	itself, err := stackItself(outdir, p.app.templateFile())
	if err != nil {
		return parity.Played{}, err
	}
	functions, err := functionCode(template)
	return parity.Played{
		Template: template, Identity: synthesized.Identity, Meanings: meanings(document.Ledger, stage, len(synthesized.Identity)), ChoicesKey: synthesized.Key, Choices: synthesized.Choices, Functions: functions,
		Stack: itself, Positions: positions(synthesized),
	}, err
}

// stackItself is how a stack is deployed, beside its template, as the assembly tells the cdk command: its
// name, termination protection, tags, roles. A program changes that by s.CDK, too.
// https://docs.aws.amazon.com/cdk/v2/guide/deploy.html#deploy-how-synth-assemblies
func stackItself(outdir, template string) (map[string]string, error) {
	data, err := os.ReadFile(filepath.Join(outdir, "manifest.json"))
	if err != nil {
		return nil, err
	}
	var manifest struct {
		Artifacts map[string]struct {
			Type       string
			Properties map[string]any
		}
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		return nil, err
	}
	itself := map[string]string{"TerminationProtection": "false"} // the CDK leaves out what is off
	for _, artifact := range manifest.Artifacts {
		if artifact.Type != "aws:cloudformation:stack" || artifact.Properties["templateFile"] != template {
			continue
		}
		tags, _ := artifact.Properties["tags"].(map[string]any)
		for key, value := range tags {
			itself["Tags."+key] = fmt.Sprint(value)
		}
		for property, value := range artifact.Properties {
			switch property {
			case "tags", "templateFile":
			case "stackTemplateAssetObjectUrl": // a digest of the template, which is compared itself
			default:
				text, is := value.(string)
				if !is {
					written, err := json.Marshal(value)
					if err != nil {
						return nil, err
					}
					text = string(written)
				}
				itself[strings.ToUpper(property[:1])+property[1:]] = text
			}
		}
	}
	return itself, nil
}

// meanings says what the values of a stage's identity are: see [stages.Ledger.Identity]; behind those, the
// paths of imports, in the order they are made.
func meanings(ledger []stages.LedgerName, stage stages.Stage, values int) []parity.Meaning {
	all := []parity.Meaning{{Of: "name"}, {Of: "account"}, {Of: "region"}, {Of: "qualifier"}}
	for _, name := range ledger {
		if name.Stage == stage.Name && !name.Example {
			all = append(all, parity.Meaning{Of: name.Owner + ", " + name.Kind, At: name.At})
		}
	}
	if stage.PermissionsBoundary != "" {
		all = append(all, parity.Meaning{Of: "permissions boundary"})
	}
	for i := 1; len(all) < values; i++ {
		all = append(all, parity.Meaning{Of: fmt.Sprintf("path of import %d", i)})
	}
	return all
}

// functionCode is the asset that each function of a template runs, by its logical id.
func functionCode(template []byte) (map[string]string, error) {
	var parsed struct {
		Resources map[string]struct {
			Type       string
			Properties struct{ Code json.RawMessage }
		}
	}
	if err := json.Unmarshal(template, &parsed); err != nil {
		return nil, err
	}
	code := map[string]string{}
	for logicalID, resource := range parsed.Resources {
		if resource.Type != "AWS::Lambda::Function" {
			continue
		}
		var location struct{ S3Key string }
		// A key that is no plain text was made with a door; the walk of the templates compares it.
		if json.Unmarshal(resource.Properties.Code, &location) == nil && location.S3Key != "" {
			code[logicalID] = location.S3Key
		}
	}
	return code, nil
}

// lineOf finds the Go line that made a resource, by its logical id.
type lineOf = func(logicalID string) stages.Position

// positions finds a resource's line: its logical id begins with its component's id.
func positions(synthesized synthesizedStage) lineOf {
	return func(logicalID string) stages.Position {
		var at stages.Position
		longest := 0
		for _, construct := range synthesized.Constructs {
			if prefix := strings.ReplaceAll(construct.ID, "-", ""); len(prefix) > longest && strings.HasPrefix(logicalID, prefix) {
				at, longest = construct.At, len(prefix)
			}
		}
		return at
	}
}
