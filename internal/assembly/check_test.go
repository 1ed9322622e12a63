package assembly

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/jsonfile"
)

// whole is an assembly's document with nothing wrong, and its folder.
func whole(t *testing.T) (Document, string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "dev.template.json"), []byte("{}"), 0o600))
	dev := Stage{Name: "dev", Account: "111111111111", Region: "us-east-1"}
	return Document{
		Service: "notes", DeployFrom: []string{"999999999999"},
		Set:    []Stage{dev, {Name: "pr-*", Account: "111111111111", Region: "us-east-1", Template: true}},
		Stages: []Synthesized{{Stage: dev, Role: "dev", StackName: "dev-notes", File: "dev.template.json"}},
	}, dir
}

func TestADocumentIsCheckedWhole(t *testing.T) {
	document, dir := whole(t)
	require.NoError(t, Write(dir, document))
	_, err := Read(dir)
	require.NoError(t, err)

	for name, tt := range map[string]struct {
		spoil      func(d *Document, dir string)
		at, reason string
	}{
		"an empty service":               {func(d *Document, _ string) { d.Service = "" }, "service", `"" is no name of a service`},
		"an empty set":                   {func(d *Document, _ string) { d.Set = nil }, "set", "it is empty"},
		"an assembly of no stage":        {func(d *Document, _ string) { d.Stages = nil }, "stages", "it is empty"},
		"an account of eleven digits":    {func(d *Document, _ string) { d.Set[0].Account = "11111111111" }, "set[0]", "11111111111"},
		"a region that is none":          {func(d *Document, _ string) { d.Set[0].Region = "moon" }, "set[0]", "moon"},
		"a stage twice":                  {func(d *Document, _ string) { d.Set = append(d.Set, d.Set[0]) }, "set[2].name", `"dev" is there twice`},
		"a template without a star":      {func(d *Document, _ string) { d.Set[1].Name = "pr" }, "set[1]", "no star"},
		"an account that deploys":        {func(d *Document, _ string) { d.DeployFrom[0] = "x" }, "deployFrom[0]", `"x" is no account`},
		"a stage elsewhere than its set": {func(d *Document, _ string) { d.Stages[0].Account = "222222222222" }, "stages[0]", "by the set in 111111111111"},
		"a stack's name with a line":     {func(d *Document, _ string) { d.Stages[0].StackName = "dev\nnotes" }, "stages[0].stackName", "no name of a stack"},
		"a file above the folder":        {func(d *Document, _ string) { d.Stages[0].File = "../dev.template.json" }, "stages[0].file", "is not below"},
		"an absolute file":               {func(d *Document, _ string) { d.Stages[0].File = "/etc/passwd" }, "stages[0].file", "is not below"},
		"a file that is not there":       {func(d *Document, _ string) { d.Stages[0].File = "other.json" }, "stages[0].file", "is not there"},
		"a folder in a file's place":     {func(d *Document, _ string) { d.Stages[0].File = "." }, "stages[0].file", "is no file"},
		"a link that leads out": {func(d *Document, dir string) {
			require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "link.json")))
			d.Stages[0].File = "link.json"
		}, "stages[0].file", "is not below"},
		"an escape sequence in a name": {func(d *Document, _ string) { d.Stages[0].Role = "dev\x1b[2J" }, "stages[0].role", "control character"},
	} {
		t.Run(name, func(t *testing.T) {
			document, dir := whole(t)
			tt.spoil(&document, dir)
			require.NoError(t, Write(dir, document))
			_, err := Read(dir)
			var wrong *jsonfile.Error
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, tt.at, wrong.At)
			require.Contains(t, wrong.Reason, tt.reason)
			require.Contains(t, err.Error(), filepath.Join(dir, FileName))
		})
	}
}

func TestAnAssemblyOfAnotherVersionIsRefusedByItsVersion(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, FileName), []byte(`{"version": 9, "set": {}}`), 0o600))
	_, err := Read(dir)
	require.ErrorContains(t, err, "version: it is 9, and this command reads 1")
}

func TestNoManifestMayNameAFileOutsideTheAssembly(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(outside, []byte("x"), 0o600))
	for name, tt := range map[string]struct{ file, text, at string }{
		"an asset by an absolute path": {"dev.assets.json", `{"files":{"a":{"source":{"path":"` + outside + `"}}}}`, "files.a.source.path"},
		"an asset above the folder":    {"dev.assets.json", `{"files":{"a":{"source":{"path":".."}}}}`, "files.a.source.path"},
		"an asset behind a link":       {"dev.assets.json", `{"files":{"a":{"source":{"path":"link"}}}}`, "files.a.source.path"},
		"a template above the folder":  {"manifest.json", `{"artifacts":{"s":{"properties":{"templateFile":"../.."}}}}`, "artifacts.s.properties.templateFile"},
	} {
		t.Run(name, func(t *testing.T) {
			_, dir := whole(t)
			require.NoError(t, os.Symlink(outside, filepath.Join(dir, "link")))
			require.NoError(t, CheckFiles(dir, dir))
			require.NoError(t, os.WriteFile(filepath.Join(dir, tt.file), []byte(tt.text), 0o600))
			err := CheckFiles(dir, dir)
			var wrong *jsonfile.Error
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, tt.at, wrong.At)
			require.Contains(t, wrong.Reason, "is not below the assembly's folder")
		})
	}
}

func TestAStagesOwnAssemblyMayNameTheAssetsBesideIt(t *testing.T) {
	_, dir := whole(t)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "assembly-dev"), 0o700))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "asset.1"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "assembly-dev", "dev.assets.json"), []byte(`{"files":{"a":{"source":{"path":"../asset.1"}}}}`), 0o600))
	require.NoError(t, CheckFiles(dir, dir))
}

func TestTheCodeOfFunctionsMayStandInTheProgramsOwnFolder(t *testing.T) {
	_, dir := whole(t)
	store := filepath.Join(t.TempDir(), ".roadshow", "functions", "0a1b")
	require.NoError(t, os.MkdirAll(store, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "dev.assets.json"), []byte(`{"files":{"0a1b":{"source":{"path":"`+store+`"}}}}`), 0o600))
	require.NoError(t, CheckFiles(dir, dir))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "dev.assets.json"), []byte(`{"files":{"other":{"source":{"path":"`+store+`"}}}}`), 0o600))
	require.Error(t, CheckFiles(dir, dir))
	require.NoError(t, CheckFiles(dir, filepath.Dir(filepath.Dir(filepath.Dir(store)))), "nor below that of cdk.json")
}
