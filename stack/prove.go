package stack

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// Proof says how [App.Prove] goes about it.
type Proof struct {
	// Exhaustive makes every stage play every part, however many there are; see
	// [parity.Exhaustive]. Default: only where that takes few syntheses.
	Exhaustive bool

	// Again synthesizes the program once more, in another process with another environment, into a
	// folder: what a comparison in one process cannot see, because both sides read it alike, shows
	// there. It is [App.Synthesize] of every stage with StubFunctions. Default: not done.
	Again func(ctx context.Context, outdir string) error

	// Alone synthesizes one stage into a folder, in a process that begins with that stage, as a
	// deploy of it does: what a program keeps of the first stage that it defined shows there. It is
	// [App.Synthesize] of that stage with StubFunctions. Several run side by side. Default: not
	// done.
	Alone func(ctx context.Context, stage stages.Stage, outdir string) error
}

// Prove proves that the stages are identical but for what is declared, or says where they are not,
// or that it cannot tell. No function is compiled: the same package is the same bytes, because one
// build serves every stage.
//
// Each difference has the Go line that made it. What a program sets of the stack as a whole by
// s.CDK, such as its description, tags, protection and macros, is no construct and leaves no trace
// of a line: of that it is the line where Define begins. stacktest.RequireParity and `roadshow
// parity` read the program's code too, and name the lines that set it.
//
// The errors are those of [App.Synthesize] and [parity.Prove]; an undeclared difference is none, it
// is the verdict.
func (a App) Prove(ctx context.Context, proof Proof) (*parity.Verdict, error) {
	var verdict *parity.Verdict
	err := a.perform(func(player *player) (err error) {
		verdict, err = player.prove(ctx, proof)
		return err
	})
	return verdict, err
}

func (p *player) prove(ctx context.Context, proof Proof) (*parity.Verdict, error) {
	var options []parity.Option
	if proof.Exhaustive {
		options = append(options, parity.Exhaustive())
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	alone := p.beginAlone(ctx, proof)
	verdict, err := parity.Prove(ctx, p.app.Stages, p, options...)
	if err != nil {
		stop()
		alone() // the processes write into a folder that is removed
		return nil, err
	}
	templates, err := alone()
	if err != nil {
		return nil, err
	}
	if proof.Alone != nil {
		verdict.Alone = parity.Alone(p.own, templates)
	}
	if proof.Again != nil {
		outdir := filepath.Join(p.dir, "again")
		if err := proof.Again(ctx, outdir); err != nil {
			return nil, err
		}
		second := map[string][]byte{}
		for _, stage := range p.app.Stages.Stages() {
			if second[stage.Name], err = os.ReadFile(filepath.Join(outdir, nestedFolder(stage), p.app.templateFile())); err != nil {
				return nil, err
			}
		}
		first := maps.Clone(p.own)
		maps.DeleteFunc(first, func(stage string, _ []byte) bool { return second[stage] == nil })
		verdict.Unstable = parity.Reproducible(first, second)
	}
	verdict.Locate(p.locate)
	return verdict, nil
}

// beginAlone has each stage made in a process of its own, as many at once as there are processors,
// and returns what waits for their templates.
func (p *player) beginAlone(ctx context.Context, proof Proof) (wait func() (map[string][]byte, error)) {
	cast, err := parity.Cast(p.app.Stages)
	if proof.Alone == nil || err != nil {
		return func() (map[string][]byte, error) { return nil, err }
	}
	templates, faults := make([][]byte, len(cast)), make([]error, len(cast))
	slots := make(chan struct{}, runtime.NumCPU())
	var all sync.WaitGroup
	for i, stage := range cast {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			outdir := filepath.Join(p.dir, "alone-"+stage.Name)
			if faults[i] = ctx.Err(); faults[i] == nil {
				faults[i] = proof.Alone(ctx, stage, outdir)
			}
			if faults[i] == nil {
				templates[i], faults[i] = os.ReadFile(filepath.Join(outdir, p.app.templateFile()))
			}
		})
	}
	return func() (map[string][]byte, error) {
		all.Wait()
		made := map[string][]byte{}
		for i, stage := range cast {
			if faults[i] != nil {
				return nil, fmt.Errorf("stage %s in a process of its own: %w", stage.Name, faults[i])
			}
			made[stage.Name] = templates[i]
		}
		return made, nil
	}
}

// perform gives a player of the app, with a folder that is removed afterwards.
func (a App) perform(with func(*player) error) error {
	if err := a.validate(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "roadshow-parity-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return with(&player{
		app: a, dir: dir, compiler: newCompiler(true, nil), own: map[string][]byte{}, parts: map[string]part{},
		digests: map[string]string{}, lines: map[string]stages.Position{},
	})
}

// player synthesizes one part after the other for the proof.
type player struct {
	app      App
	dir      string
	compiler *compiler
	own      map[string][]byte          // the template of each stage that plays its own part
	parts    map[string]part            // those that were played, by what differences call the stage
	lines    map[string]stages.Position // of the CDK's own constructs, by path
	digests  map[string]string          // of assets outside the assembly, which do not change during a proof
}

// part is what finds the lines of one part that was played.
type part struct {
	stage      stages.Stage
	components lineOf
	metadata   []byte            // what the CDK has written of its constructs
	assets     map[string]string // the paths of the constructs that made the assets, by the assets' names
}

// Play is [parity.Player]'s.
func (p *player) Play(ctx context.Context, stage stages.Stage) (parity.Played, error) {
	return p.Switch(ctx, stage)
}

// Switch is [parity.Switcher]'s.
func (p *player) Switch(_ context.Context, stage stages.Stage, switches ...stages.Switch) (parity.Played, error) {
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
	manifest, err := readManifest(outdir)
	if err != nil {
		return parity.Played{}, err
	}
	itself, err := manifest.itself(p.app.templateFile())
	if err != nil {
		return parity.Played{}, err
	}
	played := parity.Played{
		Template: template, Identity: synthesized.Identity, Meanings: meanings(document.Recorded, stage, synthesized.Imports),
		ChoicesKey: synthesized.Key, Choices: synthesized.Choices, Stack: itself, Positions: positions(synthesized), Declared: synthesized.AtDeploy,
	}
	if played.Functions, err = functionCode(template); err != nil {
		return parity.Played{}, err
	}
	var assets assetList
	if assets, err = p.assets(outdir); err != nil {
		return parity.Played{}, err
	}
	played.Nested, played.Assets = assets.nested, assets.contents
	if len(switches) == 0 {
		metadata, err := os.ReadFile(filepath.Join(outdir, p.app.Service+".metadata.json"))
		if err != nil && !os.IsNotExist(err) {
			return parity.Played{}, err
		}
		p.remember(template, part{stage, played.Positions, metadata, assets.paths})
	}
	if stage.Role() == stage.Name || stage.IsEphemeral() {
		played.Others = othersNames(document.Recorded, stage)
	}
	return played, nil
}

// remember takes up what finds lines later.
func (p *player) remember(template []byte, played part) {
	stage := played.stage
	p.parts[stage.String()] = played
	if cast, err := parity.Cast(p.app.Stages); err == nil && slices.Contains(cast, stage) {
		p.own[stage.Name], p.parts[stage.Name] = template, played
	}
}

// cloudAssembly is the manifest of what the CDK has written, as far as it is read here.
// https://docs.aws.amazon.com/cdk/v2/guide/deploy.html#deploy-how-synth-assemblies
type cloudAssembly struct {
	Artifacts map[string]struct {
		Type, DisplayName string
		Properties        map[string]any
	}
}

func readManifest(outdir string) (manifest cloudAssembly, err error) {
	data, err := os.ReadFile(filepath.Join(outdir, "manifest.json"))
	if err != nil {
		return manifest, err
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		return manifest, fmt.Errorf("manifest.json: %w", err)
	}
	return manifest, nil
}

// itself is how a stack is deployed, beside its template, as the assembly tells the cdk command:
// its name, termination protection, tags, roles. A program changes that by s.CDK, too.
func (m cloudAssembly) itself(template string) (map[string]string, error) {
	itself := map[string]string{"TerminationProtection": "false"} // the CDK leaves out what is off
	for _, artifact := range m.Artifacts {
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

// constructPath is the path of the construct that has a logical id, in the metadata that the CDK
// writes.
func constructPath(metadata []byte, logicalID string) []string {
	var entries map[string][]struct {
		Type string
		Data any
	}
	if json.Unmarshal(metadata, &entries) != nil {
		return nil
	}
	for path, about := range entries {
		for _, entry := range about {
			if entry.Type == "aws:cdk:logicalId" && entry.Data == logicalID {
				return strings.Split(strings.Trim(path, "/"), "/")
			}
		}
	}
	return nil
}

// assetList is what an assembly has beside its template.
type assetList struct {
	nested   map[string][]byte // the templates of nested stacks, by their digests
	contents map[string]string // digests of the content of all others, by their names
	paths    map[string]string // the paths of the constructs that made them, by their names
}

// assets lists the assets of the assembly in a folder.
// https://docs.aws.amazon.com/cdk/api/v2/docs/cloud-assembly-schema-readme.html
func (p *player) assets(outdir string) (assetList, error) {
	all := assetList{map[string][]byte{}, map[string]string{}, map[string]string{}}
	data, err := os.ReadFile(filepath.Join(outdir, p.app.Service+".assets.json"))
	if os.IsNotExist(err) {
		return all, nil
	}
	if err != nil {
		return all, err
	}
	type asset struct {
		DisplayName string
		Source      struct {
			Path, Directory string
			Executable      []string
		}
	}
	var listed struct{ Files, DockerImages map[string]asset }
	if err := json.Unmarshal(data, &listed); err != nil {
		return all, fmt.Errorf("%s.assets.json: %w", p.app.Service, err)
	}
	for _, assets := range []map[string]asset{listed.Files, listed.DockerImages} {
		for id, asset := range assets {
			all.paths[id] = asset.DisplayName
			source := cmp.Or(asset.Source.Path, asset.Source.Directory)
			switch {
			case source == p.app.templateFile():
			case strings.HasSuffix(source, ".nested.template.json"):
				if all.nested[id], err = os.ReadFile(filepath.Join(outdir, source)); err != nil {
					return all, err
				}
			case source == "":
				all.contents[id] = strings.Join(asset.Source.Executable, " ")
			default:
				if all.contents[id], err = p.digest(outdir, source); err != nil {
					return all, err
				}
			}
		}
	}
	return all, nil
}

// digest is that of a file, or of a folder with all its files. Of a link it is where the link
// leads: outside of the assembly that is the same in every stage, and what the assembly holds is
// compared by itself.
func (p *player) digest(outdir, source string) (string, error) {
	outside := filepath.IsAbs(source)
	if known := p.digests[source]; known != "" && outside {
		return known, nil
	}
	root := source
	if !outside {
		root = filepath.Join(outdir, source)
	}
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		var content []byte
		if entry.Type()&fs.ModeSymlink != 0 {
			var target string
			target, err = os.Readlink(path)
			content = []byte(target)
		} else {
			content, err = os.ReadFile(path)
		}
		fmt.Fprintf(sum, "%s\x00%s\x00%d\x00", filepath.ToSlash(name), info.Mode(), len(content))
		sum.Write(content)
		return err
	})
	digest := hex.EncodeToString(sum.Sum(nil))
	p.digests[source] = digest
	return digest, err
}

// meanings says what the values of a stage's identity are: see [stages.Ledger.Identity]; behind
// those, the paths of imports, in the order they are made.
func meanings(ledger []stages.LedgerName, stage stages.Stage, imports []assembly.Import) []parity.Meaning {
	all := []parity.Meaning{
		{Of: "name", Kind: parity.KindName},
		{Of: "account", Kind: parity.KindAccount},
		{Of: "region", Kind: parity.KindRegion},
		{Of: "qualifier", Kind: parity.KindQualifier},
	}
	for _, name := range ledger {
		if name.Stage == stage.Name && !name.Example {
			all = append(all, parity.Meaning{
				Of: name.Owner + ", " + name.Kind, At: name.At, Kind: parity.KindPhysicalName, Parts: chosenParts(name),
			})
		}
	}
	if stage.PermissionsBoundary != "" {
		all = append(all, parity.Meaning{Of: "permissions boundary", Kind: parity.KindBoundary})
	}
	for i, path := range imports {
		all = append(all, parity.Meaning{
			Of: fmt.Sprintf("path of import %d", i+1), Kind: parity.KindPhysicalName, Parts: path.Chosen, At: path.At,
		})
	}
	return all
}

// chosenParts are the parts of a physical name that the program chooses.
func chosenParts(name stages.LedgerName) string {
	parts := name.Component
	if name.Revision > 1 {
		parts += fmt.Sprintf(", revision %d", name.Revision)
	}
	if name.Parent != "" {
		parts += " in " + name.Parent
	}
	return parts
}

// othersNames are the physical names that only other stages have.
func othersNames(ledger []stages.LedgerName, stage stages.Stage) map[string]string {
	others := map[string]string{}
	for _, name := range ledger {
		if name.Stage != stage.Name && !name.Example {
			others[name.Name] = name.Stage
		}
	}
	for _, name := range ledger {
		if name.Stage == stage.Name && !name.Example {
			delete(others, name.Name)
		}
	}
	return others
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
		// A key that is no plain text was made by an escape hatch; the walk of the templates
		// compares it.
		if json.Unmarshal(resource.Properties.Code, &location) == nil && location.S3Key != "" {
			code[logicalID] = location.S3Key
		}
	}
	return code, nil
}

// lineOf finds the Go line that made a resource, by its logical id.
type lineOf = func(logicalID string) stages.Position

// positions finds a resource's line.
func positions(synthesized synthesizedStage) lineOf {
	return func(logicalID string) stages.Position { return synthesized.Owner(logicalID).At }
}

// locate finds the line of a difference that has none: of what a stage has under this logical id,
// or name of an asset.
func (p *player) locate(labels []string, id string) stages.Position {
	for _, label := range labels {
		part, played := p.parts[label]
		if !played {
			continue
		}
		path := constructPath(part.metadata, id)
		if made, isAsset := part.assets[id]; isAsset {
			path = append([]string{p.app.Service}, strings.Split(made, "/")...)
		} else if at := part.components(id); at.File != "" {
			return at
		}
		if path != nil {
			key := strings.Join(path, "/")
			if p.lines[key].File == "" {
				p.lines[key] = p.app.lineOf(part.stage, path)
			}
			return p.lines[key]
		}
	}
	return p.app.position()
}

// lineOf finds the Go line that makes a construct of the CDK's own, by the construct's path: its
// place is taken before the program is defined once more, so that the CDK refuses the line that
// makes it. It is that of the outermost construct that the program makes.
func (a App) lineOf(stage stages.Stage, path []string) stages.Position {
	if len(path) == 0 {
		return a.position()
	}
	outdir, err := os.MkdirTemp("", "roadshow-line-")
	if err != nil {
		return a.position()
	}
	defer os.RemoveAll(outdir)
	_, err = a.defineAfter(func(s *Stack) {
		if path[0] != a.Service {
			constructs.NewConstruct(s.cdkApp, jsiiconv.String(path[0]))
		} else if len(path) > 1 {
			constructs.NewConstruct(s.CDK, jsiiconv.String(path[1]))
		}
	}, stage, outdir)
	switch fault := err.(type) {
	case *DefineError:
		return fault.At
	case *ConfigError:
		return fault.At
	}
	return a.position()
}
