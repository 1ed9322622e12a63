package assembly

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/jsonfile"
	"github.com/roadshow-go/roadshow/stages"
)

// What a document must have, beside what the names and the set's own rules say.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
var (
	accountID = regexp.MustCompile(`^[0-9]{12}$`)
	stackName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,127}$`)
)

// check looks at the whole of a document in a folder. What it lets pass names accounts, stages and
// files that can be: a command that goes on with less finds nothing anywhere, and calls that well.
func (d Document) check(dir string) error {
	file := filepath.Join(dir, FileName)
	fail := func(at, reason string, cause error) error {
		return &jsonfile.Error{File: file, At: at, Reason: reason, Fix: "Synthesize again with `npx cdk synth`", Err: cause}
	}
	if _, err := stages.Stack.Name(stages.Part{Stage: "a", Service: d.Service}); err != nil {
		return fail("service", fmt.Sprintf("%q is no name of a service", d.Service), err)
	}
	for i, account := range d.DeployFrom {
		if !accountID.MatchString(account) {
			return fail(fmt.Sprintf("deployFrom[%d]", i), fmt.Sprintf("%q is no account, which has 12 digits", account), nil)
		}
	}
	if len(d.Set) == 0 {
		return fail("set", "it is empty", nil)
	}
	known := map[string]Stage{}
	for i, stage := range d.Set {
		at := fmt.Sprintf("set[%d]", i)
		if err := stage.check(); err != nil {
			return fail(at, err.Error(), err)
		}
		if _, twice := known[stage.Name]; twice {
			return fail(at+".name", fmt.Sprintf("%q is there twice", stage.Name), nil)
		}
		known[stage.Name] = stage
	}
	if len(d.Stages) == 0 {
		return fail("stages", "it is empty: no stage was synthesized", nil)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for i, synthesized := range d.Stages {
		at := fmt.Sprintf("stages[%d]", i)
		if err := synthesized.Stage.check(); err != nil {
			return fail(at, err.Error(), err)
		}
		if member, is := known[synthesized.Name]; is && (member.Account != synthesized.Account || member.Region != synthesized.Region) {
			return fail(at, fmt.Sprintf("stage %s is in %s, %s, and by the set in %s, %s", synthesized.Name, synthesized.Account, synthesized.Region, member.Account, member.Region), nil)
		}
		if !stackName.MatchString(synthesized.StackName) {
			return fail(at+".stackName", fmt.Sprintf("%q is no name of a stack", synthesized.StackName), nil)
		}
		if reason := inside(root, synthesized.File); reason != "" {
			return fail(at+".file", fmt.Sprintf("%q %s", synthesized.File, reason), nil)
		}
	}
	return nil
}

// check looks at one stage, or at a template as at a stage that it makes.
func (s Stage) check() error {
	name := s.Name
	if s.Template {
		prefix, isPattern := strings.CutSuffix(name, "*")
		if !isPattern {
			return fmt.Errorf("template %q has no star at its end", name)
		}
		name = prefix + "1"
	}
	return stages.Set{{Name: name, Account: s.Account, Region: s.Region, Tier: s.Tier}}.Validate()
}

// inside tells what is wrong with the path of a file that is to be in a folder, also where a link
// leads out of it; empty where nothing is.
func inside(root *os.Root, path string) string {
	local := filepath.FromSlash(path)
	if !filepath.IsLocal(local) {
		return "is not below the assembly's folder"
	}
	info, err := root.Stat(local)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "is not there"
	case err != nil:
		return "is not below the assembly's folder" // a link leads out of it
	case !info.Mode().IsRegular():
		return "is no file"
	}
	return ""
}

// ReadFile reads a file of an assembly's folder by its path in it, never one outside.
func ReadFile(dir, path string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.ReadFile(filepath.FromSlash(path))
}

// functionsFolder is where a program puts the code of its functions, each in a folder with its
// digest's name, which is the id of its asset. An assembly refers to it, wherever it is.
var functionsFolder = filepath.Join(".roadshow", "functions")

// CheckFiles looks whether everything that the cdk command would read of a ready assembly is below
// its folder, or below that of its project: what its manifest names, and each manifest that this
// names in turn, whatever it is called. An assembly of somebody else's could have the command
// upload what is not meant to be, or run a program. dir is the assembly's folder.
// https://docs.aws.amazon.com/cdk/api/v2/docs/cloud-assembly-schema-readme.html
func (d Document) CheckFiles(dir, project string) error {
	check := fileCheck{checked: map[string]bool{}, searched: map[string]bool{}}
	for _, folder := range []string{dir, project} {
		root, err := filepath.EvalSymlinks(folder)
		if err != nil {
			return err
		}
		if root, err = filepath.Abs(root); err != nil {
			return err
		}
		check.roots = append(check.roots, root)
	}
	folders := []string{dir}
	for _, stage := range d.Stages {
		folders = append(folders, filepath.Join(dir, filepath.Dir(filepath.FromSlash(stage.File)))) // deployed by itself
	}
	for _, folder := range folders {
		if err := check.assembly(folder); err != nil {
			return err
		}
	}
	return nil
}

// fileCheck looks at the files of one assembly, and of those that are nested in it.
type fileCheck struct {
	roots   []string
	checked map[string]bool // folders of assemblies
	// searched are the folders whose links were looked at, by their real paths.
	searched map[string]bool
}

// members are those of an object of JSON, by their exact names: a struct would take "PATH" for
// "path", which Node does not.
type members map[string]any

func (m members) object(name string) members {
	object, _ := m[name].(map[string]any)
	return object
}

func (m members) text(name string) string {
	text, _ := m[name].(string)
	return text
}

// assembly looks at the assembly in a folder.
func (c *fileCheck) assembly(folder string) error {
	if c.checked[folder] {
		return nil
	}
	c.checked[folder] = true
	file := filepath.Join(folder, "manifest.json")
	var manifest members
	err := jsonfile.Read(file, &manifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the cdk command says so where it needs it
	}
	if err != nil {
		return err
	}
	artifacts := manifest.object("artifacts")
	for _, id := range slices.Sorted(maps.Keys(artifacts)) {
		if err := c.artifact(file, "artifacts."+id, artifacts.object(id)); err != nil {
			return err
		}
	}
	return nil
}

// The types of artifacts that name further manifests.
const (
	assetManifest  = "cdk:asset-manifest"
	nestedAssembly = "cdk:cloud-assembly"
)

func (c *fileCheck) artifact(file, at string, artifact members) error {
	properties := artifact.object("properties")
	for _, name := range []string{"templateFile", "file", "directoryName"} {
		if err := c.look(file, at+".properties."+name, properties.text(name)); err != nil {
			return err
		}
	}
	metadata := []members{artifact.object("metadata")}
	if further := artifact.text("additionalMetadataFile"); further != "" {
		if err := c.look(file, at+".additionalMetadataFile", further); err != nil {
			return err
		}
		var read members
		if err := jsonfile.Read(beside(file, further), &read); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		metadata = append(metadata, read)
	}
	for _, of := range metadata {
		for path, entries := range of {
			list, _ := entries.([]any)
			for _, entry := range list {
				if fields, _ := entry.(map[string]any); fields["type"] == "aws:cdk:asset" {
					return refused(file, fmt.Sprintf("%s.metadata.%s", at, path), "it is an asset of the legacy stack synthesizer, and of those this command does not know what they upload")
				}
			}
		}
	}
	switch {
	case artifact.text("type") == assetManifest && properties.text("file") != "":
		return c.assets(beside(file, properties.text("file")))
	case artifact.text("type") == nestedAssembly && properties.text("directoryName") != "":
		return c.assembly(beside(file, properties.text("directoryName")))
	}
	return nil
}

// assets looks at what one manifest of assets has the cdk command upload.
func (c *fileCheck) assets(file string) error {
	var manifest members
	err := jsonfile.Read(file, &manifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, kind := range []string{"files", "dockerImages"} {
		assets := manifest.object(kind)
		for _, id := range slices.Sorted(maps.Keys(assets)) {
			at, source := kind+"."+id+".source", assets.object(id).object("source")
			// Each of these runs a program, or hands it what is on this machine.
			for _, name := range []string{"executable", "dockerBuildSecrets", "dockerBuildSsh", "dockerBuildContexts", "dockerOutputs", "cacheFrom", "cacheTo"} {
				if source[name] != nil {
					return refused(file, at+"."+name, "a ready assembly may not say that, since it could be anything on this machine")
				}
			}
			if err := c.asset(file, at, id, source); err != nil {
				return err
			}
		}
	}
	return nil
}

// asset looks at the file or the folder of one asset, and at what the links in a folder lead to,
// which is uploaded with it.
func (c *fileCheck) asset(file, at, id string, source members) error {
	for _, name := range []string{"path", "directory"} {
		named := source.text(name)
		if named == "" {
			continue
		}
		if real, err := filepath.EvalSymlinks(beside(file, named)); err == nil &&
			filepath.Base(real) == id && strings.HasSuffix(filepath.Dir(real), string(filepath.Separator)+functionsFolder) {
			continue
		}
		if err := c.look(file, at+"."+name, named); err != nil {
			return err
		}
		if err := c.links(file, at+"."+name, beside(file, named)); err != nil {
			return err
		}
	}
	if dockerfile := source.text("dockerFile"); dockerfile != "" {
		if !filepath.IsAbs(dockerfile) {
			dockerfile = filepath.Join(source.text("directory"), dockerfile)
		}
		return c.look(file, at+".dockerFile", dockerfile)
	}
	return nil
}

// links looks at what the links below a folder lead to.
func (c *fileCheck) links(file, at, folder string) error {
	folder, err := filepath.EvalSymlinks(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || c.searched[folder] {
		return err
	}
	c.searched[folder] = true
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink == 0 {
			return err
		}
		if err := c.look(file, at, path); err != nil {
			return err
		}
		return c.links(file, at, path) // a link to a folder brings the links in that
	})
}

// beside is the path of a file that another one names.
func beside(file, named string) string {
	named = filepath.FromSlash(named)
	if filepath.IsAbs(named) {
		return named
	}
	return filepath.Join(filepath.Dir(file), named)
}

// look refuses a file that is not below the folders. One that is not there the cdk command misses
// where it needs it.
func (c *fileCheck) look(file, at, named string) error {
	if named == "" {
		return nil
	}
	real, err := filepath.EvalSymlinks(beside(file, named))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && slices.ContainsFunc(c.roots, func(root string) bool { return isBelow(root, real) }) {
		return nil
	}
	return &jsonfile.Error{
		File: file, At: at, Reason: fmt.Sprintf("%q is not below the assembly's folder, nor below that of cdk.json", named),
		Fix: "Synthesize again with `npx cdk synth`, or copy the file there",
	}
}

func refused(file, at, reason string) error {
	return &jsonfile.Error{File: file, At: at, Reason: reason, Fix: "Leave out --app, so that the program is run instead"}
}

func isBelow(root, path string) bool {
	below, err := filepath.Rel(root, path)
	return err == nil && filepath.IsLocal(below)
}
