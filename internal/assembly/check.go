package assembly

import (
	"errors"
	"fmt"
	"io/fs"
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

// check looks at the whole of a document in a folder. What it lets pass names accounts, stages and files that can be: a
// command that goes on with less finds nothing anywhere, and calls that well.
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
	for i, one := range d.Stages {
		at := fmt.Sprintf("stages[%d]", i)
		if err := one.Stage.check(); err != nil {
			return fail(at, err.Error(), err)
		}
		if member, is := known[one.Name]; is && (member.Account != one.Account || member.Region != one.Region) {
			return fail(at, fmt.Sprintf("stage %s is in %s, %s, and by the set in %s, %s", one.Name, one.Account, one.Region, member.Account, member.Region), nil)
		}
		if !stackName.MatchString(one.StackName) {
			return fail(at+".stackName", fmt.Sprintf("%q is no name of a stack", one.StackName), nil)
		}
		if reason := inside(root, one.File); reason != "" {
			return fail(at+".file", fmt.Sprintf("%q %s", one.File, reason), nil)
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

// inside tells what is wrong with the path of a file that is to be in a folder, also where a link leads out of it; empty
// where nothing is.
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

// functionsFolder is where a program puts the code of its functions, each in a folder with its digest's name, which is the id
// of its asset. An assembly refers to it, wherever it is.
var functionsFolder = filepath.Join(".roadshow", "functions")

// CheckFiles looks whether everything that the cdk command would read of a ready assembly is below its folder, or below that of
// its project: the templates and assets of every manifest. An assembly of somebody else's could have the command upload what
// is not meant to be.
// https://docs.aws.amazon.com/cdk/api/v2/docs/cloud-assembly-schema-readme.html
func CheckFiles(dir, project string) error {
	var roots []string
	for _, folder := range []string{dir, project} {
		root, err := filepath.EvalSymlinks(folder)
		if err != nil {
			return err
		}
		if root, err = filepath.Abs(root); err != nil {
			return err
		}
		roots = append(roots, root)
	}
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && strings.HasPrefix(entry.Name(), "asset.") {
			return filepath.SkipDir // of the functions' own
		}
		if entry.IsDir() || entry.Name() != "manifest.json" && !strings.HasSuffix(entry.Name(), ".assets.json") {
			return nil
		}
		return checkManifest(roots, path)
	})
}

func isBelow(root, path string) bool {
	below, err := filepath.Rel(root, path)
	return err == nil && filepath.IsLocal(below)
}

// checkManifest looks at one manifest of either kind.
func checkManifest(roots []string, path string) error {
	var manifest struct {
		Artifacts map[string]struct {
			Properties struct {
				TemplateFile  string `json:"templateFile"`
				File          string `json:"file"`
				DirectoryName string `json:"directoryName"`
			} `json:"properties"`
		} `json:"artifacts"`
		Files map[string]struct {
			Source struct {
				Path string `json:"path"`
			} `json:"source"`
		} `json:"files"`
	}
	if err := jsonfile.Read(path, &manifest); err != nil {
		return err
	}
	look := func(at, named string) error {
		if named == "" {
			return nil
		}
		target := filepath.FromSlash(named)
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		real, err := filepath.EvalSymlinks(target)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the cdk command says so where it needs it
		}
		if err == nil && slices.ContainsFunc(roots, func(root string) bool { return isBelow(root, real) }) {
			return nil
		}
		return &jsonfile.Error{
			File: path, At: at, Reason: fmt.Sprintf("%q is not below the assembly's folder, nor below that of cdk.json", named),
			Fix: "Synthesize again with `npx cdk synth`, or copy the file there",
		}
	}
	for id, artifact := range manifest.Artifacts {
		for name, value := range map[string]string{
			"templateFile": artifact.Properties.TemplateFile, "file": artifact.Properties.File, "directoryName": artifact.Properties.DirectoryName,
		} {
			if err := look("artifacts."+id+".properties."+name, value); err != nil {
				return err
			}
		}
	}
	for id, file := range manifest.Files {
		if filepath.Base(file.Source.Path) == id && strings.HasSuffix(filepath.Dir(filepath.FromSlash(file.Source.Path)), functionsFolder) {
			continue
		}
		if err := look("files."+id+".source.path", file.Source.Path); err != nil {
			return err
		}
	}
	return nil
}
