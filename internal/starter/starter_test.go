package starter

import (
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stages"
)

var update = flag.Bool("update", false, "write the goldens anew")

// A golden is what stands in a folder of testdata; each file that is filled in has one.
func TestWhatIsWrittenIsItsGolden(t *testing.T) {
	for name, begun := range map[string]Service{
		"examples": {Name: "notes", Region: "us-east-1", Version: "v0.1.0"},
		"typed": {
			Name: "live", Region: "eu-west-1", Module: "example.com/team/live", Version: "(devel)",
			Stages: []string{"dev-1=111111111111:sandbox", "live=222222222222:protected", "spare=222222222222:standard"},
		},
		"one": {Name: "ext-resources", Region: "us-east-1", Version: "v0.1.0", Stages: []string{"production=333333333333"}},
	} {
		t.Run(name, func(t *testing.T) {
			begun.Dir = t.TempDir()
			written, err := begun.Write()
			require.NoError(t, err)
			assert.ElementsMatch(t, written.Files, everyFile(t, begun.Dir))
			for _, file := range written.Files {
				got, err := os.ReadFile(filepath.Join(begun.Dir, file))
				require.NoError(t, err)
				if asItIs, err := service.ReadFile("service/" + file); err == nil {
					assert.Equal(t, string(asItIs), string(got), file)
					continue
				}
				golden := filepath.Join("testdata", name, file)
				if *update {
					require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o755))
					require.NoError(t, os.WriteFile(golden, got, 0o644))
				}
				want, err := os.ReadFile(golden)
				require.NoError(t, err, "go test ./internal/starter -update writes it")
				assert.Equal(t, string(want), string(got), file)
			}
		})
	}
}

func everyFile(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	require.NoError(t, filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		inside, err := filepath.Rel(dir, name)
		files = append(files, filepath.ToSlash(inside))
		return err
	}))
	return files
}

func TestTheSettingsAndVersionsAreThoseOfTheProjectItself(t *testing.T) {
	read := func(file string) map[string]any {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var settings map[string]any
		require.NoError(t, json.Unmarshal(data, &settings))
		return settings
	}
	assert.Equal(t, read("../../cdk.json"), read("service/cdk.json"))
	own, begun := read("../../package.json"), read("service/package.json")
	assert.Equal(t, own["dependencies"], begun["dependencies"])
	assert.Equal(t, own["allowScripts"], begun["allowScripts"])

	mods := map[string]*modfile.File{}
	for _, file := range []string{"../../go.mod", "testdata/examples/go.mod"} {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		mods[file], err = modfile.Parse(file, data, nil)
		require.NoError(t, err)
	}
	root, first := mods["../../go.mod"], mods["testdata/examples/go.mod"]
	assert.Equal(t, root.Go.Version, first.Go.Version)
	require.Len(t, first.Require, 2)
	for _, required := range first.Require {
		if required.Mod.Path == root.Module.Mod.Path {
			assert.Equal(t, "v0.1.0", required.Mod.Version, "what the command says it is")
			continue
		}
		var versions []string
		for _, own := range root.Require {
			if own.Mod.Path == required.Mod.Path {
				versions = append(versions, own.Mod.Version)
			}
		}
		assert.Equal(t, []string{required.Mod.Version}, versions, required.Mod.Path)
	}
}

func TestWhatIsTypedWrongIsRefusedAndNothingIsWritten(t *testing.T) {
	for name, tt := range map[string]struct {
		begun Service
		want  string
	}{
		"a service in upper case": {
			Service{Name: "Notes"}, `service: name is "Notes"; it must be a lower-case DNS label of at most 32 characters.` + "\n" + `Write roadshow init notes.`,
		},
		"too long a service": {
			Service{Name: strings.Repeat("n", 33)},
			`service: name is "` + strings.Repeat("n", 33) + `"; it must be a lower-case DNS label of at most 32 characters.` + "\n" + `Write roadshow init notes.`,
		},
		"a stage without an account": {
			Service{Name: "notes", Stages: []string{"dev"}}, `--stage: value is "dev"; it must be NAME=ACCOUNT or NAME=ACCOUNT:TIER.` + "\n" + `Write --stage dev=111111111111:sandbox.`,
		},
		"an account of 11 digits": {
			Service{Name: "notes", Stages: []string{"dev=11111111111"}},
			"stage \"dev\": Account is \"11111111111\"; it must be the 12 digits of an AWS account id.\n`aws sts get-caller-identity --profile …` prints it; keep leading zeros.",
		},
		"an unknown tier": {
			Service{Name: "notes", Stages: []string{"dev=111111111111:precious"}},
			`stage "dev": Tier is "precious"; it must be sandbox, standard or protected.` + "\n" + `Write --stage dev=111111111111:sandbox, or leave it out for standard.`,
		},
		"a stage twice": {
			Service{Name: "notes", Stages: []string{"dev=111111111111", "dev=222222222222"}},
			`stage 2 of the set: Name is "dev" again; it must be a name of its own.` + "\n" + `Rename or remove one of the two.`,
		},
		"two stages that are one name in Go": {
			Service{Name: "notes", Stages: []string{"a-1=111111111111", "a1=222222222222"}},
			`stage "a1": Name is A1 in Go, as is "a-1"; it must be a name of its own.` + "\n" + `Rename one of the two.`,
		},
		"an unknown region": {
			Service{Name: "notes", Region: "us-east-9"}, `stage "dev": Region is "us-east-9"; it must be the code of an AWS region.` + "\n" + `Write Region: "us-east-1".`,
		},
		"no path of a module": {
			Service{Name: "notes", Module: "my module"},
			`--module: path is "my module"; it must be the import path of a Go module.` + "\n" + `Write --module example.com/notes, or where it will be kept.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if tt.begun.Region == "" {
				tt.begun.Region = "us-east-1"
			}
			tt.begun.Dir = filepath.Join(dir, "new")
			_, err := tt.begun.Write()
			messages.EqualError(t, err, tt.want)
			require.ErrorAs(t, err, new(*stages.FieldError))
			assert.NoDirExists(t, tt.begun.Dir)
		})
	}
}

// A service that can be deployed has a name that its program takes.
func TestEveryNameThatIsALabelIsWrittenAsGo(t *testing.T) {
	label := rapid.StringMatching(`[a-z](-?[a-z0-9]){0,15}`)
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		folder, err := os.MkdirTemp(dir, "")
		require.NoError(t, err)
		one := label.Draw(t, "stage")
		written, err := Service{
			Name: label.Draw(t, "service"), Region: "us-east-1", Dir: folder, Version: "v0.1.0",
			Stages: []string{one + "=111111111111", one + "-x=222222222222:protected"},
		}.Write()
		require.NoError(t, err) // format.Source has parsed it
		require.Contains(t, written.Files, "app.go")
	})
}
