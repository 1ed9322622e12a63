package fleet

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// templateOf is the template that an assembly has of a stage.
func (a Assembly) templateOf(stage stages.Stage) ([]byte, error) {
	one, synthesized := a.Stage(stage.Name)
	if !synthesized {
		return nil, fmt.Errorf("Stage %s has no template in what commit %.9s makes.\nSynthesize every stage, with -c stage=all.", stage.Name, a.Document.Commit)
	}
	return a.Template(one)
}

// drift is what leads from a deployed template to the one of an assembly.
func (a Assembly) drift(stage stages.Stage, deployed []byte) ([]parity.Change, error) {
	text, err := a.templateOf(stage)
	if err != nil {
		return nil, err
	}
	return parity.Drift(stage, deployed, text, nil)
}

// Asset is a file or a folder that the cdk command uploads.
type Asset struct {
	ID, Path string
	// folder tells that it is uploaded as a zip, keys are the names of the objects that it becomes.
	Folder bool
	Keys   []string
}

// Assets are those of a stage. What cannot be read is left out: the cdk command says better what is wrong with it.
// https://docs.aws.amazon.com/cdk/api/v2/docs/cloud-assembly-schema-readme.html
func (a Assembly) Assets(one assembly.Synthesized) []Asset {
	var assets []Asset
	manifests, _ := filepath.Glob(filepath.Join(a.folder(one), "*.assets.json"))
	for _, manifest := range manifests {
		var listed struct {
			Files map[string]struct {
				Source       struct{ Path, Packaging string }
				Destinations map[string]struct{ ObjectKey string }
			}
		}
		text, err := os.ReadFile(manifest)
		if err != nil || json.Unmarshal(text, &listed) != nil {
			continue
		}
		for id, file := range listed.Files {
			found := Asset{ID: id, Path: file.Source.Path, Folder: file.Source.Packaging == "zip"}
			if !filepath.IsAbs(found.Path) {
				found.Path = filepath.Join(a.folder(one), found.Path)
			}
			for _, destination := range file.Destinations {
				found.Keys = append(found.Keys, destination.ObjectKey)
			}
			assets = append(assets, found)
		}
	}
	return assets
}

// packed is where the cdk command looks for a zip before it makes one.
func (a Assembly) packed(one assembly.Synthesized, id string) string {
	return filepath.Join(a.folder(one), ".cache", id+".zip")
}

// Assembly is a cloud assembly that is ready to be deployed, with what the program says about itself.
type Assembly struct {
	// Dir is its folder. Required.
	Dir string
	// Document is its roadshow.json. Required.
	Document assembly.Document
}

// ReadAssembly reads an assembly that a program has written, and checks the whole of it.
func ReadAssembly(dir string) (Assembly, error) {
	document, err := assembly.Read(dir)
	return Assembly{Dir: dir, Document: document}, err
}

// CheckFiles refuses an assembly that refers to files outside its folder and that of its project. See [assembly.Document.CheckFiles].
func (a Assembly) CheckFiles(project string) error { return a.Document.CheckFiles(a.Dir, project) }

// Stage is what was synthesized for a stage.
func (a Assembly) Stage(name string) (assembly.Synthesized, bool) {
	for _, one := range a.Document.Stages {
		if one.Name == name && one.Role == name || one.Name == name {
			return one, true
		}
	}
	return assembly.Synthesized{}, false
}

// folder is the assembly of one stage alone, which the cdk command can deploy.
func (a Assembly) folder(one assembly.Synthesized) string {
	return filepath.Join(a.Dir, filepath.Dir(filepath.FromSlash(one.File)))
}

// Template is the template of one stage.
func (a Assembly) Template(one assembly.Synthesized) ([]byte, error) {
	return assembly.ReadFile(a.Dir, one.File)
}

// bootstrapNeeded is the version of the bootstrap that a stage's stack asks for.
func (a Assembly) bootstrapNeeded(one assembly.Synthesized) int {
	var manifest struct {
		Artifacts map[string]struct {
			Properties struct {
				RequiresBootstrapStackVersion int `json:"requiresBootstrapStackVersion"`
			} `json:"properties"`
		} `json:"artifacts"`
	}
	needed := minimumBootstrap
	data, err := os.ReadFile(filepath.Join(a.folder(one), "manifest.json"))
	if err != nil || json.Unmarshal(data, &manifest) != nil {
		return needed
	}
	for _, artifact := range manifest.Artifacts {
		needed = max(needed, artifact.Properties.RequiresBootstrapStackVersion)
	}
	return needed
}
