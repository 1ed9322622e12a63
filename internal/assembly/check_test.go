package assembly

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/jsonfile"
	"github.com/roadshow-go/roadshow/internal/messages"
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
			messages.ErrorContains(t, err, filepath.Join(dir, FileName))
		})
	}
}

func TestAnAssemblyOfAnotherVersionIsRefusedByItsVersion(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, FileName), []byte(`{"version": 9, "set": {}}`), 0o600))
	_, err := Read(dir)
	messages.ErrorContains(t, err, "version: it is 9, and this command reads 1")
}

// manifests writes files of an assembly.
func manifests(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
}

// assetsOf is a manifest with one manifest of assets, in a file of any name.
func assetsOf(file string) string {
	return `{"artifacts":{"assets":{"type":"cdk:asset-manifest","properties":{"file":"` + file + `"}}}}`
}

func TestNoManifestMayNameAFileOutsideTheAssembly(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(outside, []byte("x"), 0o600))
	const below = "is not below the assembly's folder"
	for name, tt := range map[string]struct {
		assets  string            // the manifest of assets
		files   map[string]string // others
		at, say string
	}{
		"an asset by an absolute path":            {`{"files":{"a":{"source":{"path":"` + outside + `"}}}}`, nil, "files.a.source.path", below},
		"an asset above the folder":               {`{"files":{"a":{"source":{"path":"../.."}}}}`, nil, "files.a.source.path", below},
		"an asset behind a link":                  {`{"files":{"a":{"source":{"path":"link"}}}}`, nil, "files.a.source.path", below},
		"a link in the folder of an asset":        {`{"files":{"a":{"source":{"path":"folder"}}}}`, nil, "files.a.source.path", below},
		"a link in a folder that an asset links":  {`{"files":{"a":{"source":{"path":"folder3"}}}}`, nil, "files.a.source.path", below},
		"an asset in another spelling":            {`{"files":{"a":{"source":{"path":"` + outside + `","PATH":"dev.template.json"}}}}`, nil, "files.a.source.path", below},
		"a folder called as a function's is":      {`{"files":{"secret":{"source":{"path":".roadshow/functions/secret"}}}}`, nil, "files.secret.source.path", below},
		"a file that a program makes":             {`{"files":{"a":{"source":{"executable":["cat","x"]}}}}`, nil, "files.a.source.executable", "may not say that"},
		"an image of a folder above":              {`{"dockerImages":{"i":{"source":{"directory":"../.."}}}}`, nil, "dockerImages.i.source.directory", below},
		"an image by a Dockerfile elsewhere":      {`{"dockerImages":{"i":{"source":{"directory":"folder2","dockerFile":"` + outside + `"}}}}`, nil, "dockerImages.i.source.dockerFile", below},
		"an image that a program makes":           {`{"dockerImages":{"i":{"source":{"executable":["sh"]}}}}`, nil, "dockerImages.i.source.executable", "may not say that"},
		"an image that is given a file in secret": {`{"dockerImages":{"i":{"source":{"dockerBuildSecrets":{"k":"src=x"}}}}}`, nil, "dockerImages.i.source.dockerBuildSecrets", "may not say that"},
		"a template above the folder":             {"{}", map[string]string{"manifest.json": `{"artifacts":{"s":{"properties":{"templateFile":"../.."}}}}`}, "artifacts.s.properties.templateFile", below},
		"a nested assembly elsewhere":             {"{}", map[string]string{"manifest.json": `{"artifacts":{"s":{"type":"cdk:cloud-assembly","properties":{"directoryName":"../.."}}}}`}, "artifacts.s.properties.directoryName", below},
		"an asset of a nested assembly that is called like one": {"{}", map[string]string{
			"manifest.json":         `{"artifacts":{"s":{"type":"cdk:cloud-assembly","properties":{"directoryName":"asset.x"}}}}`,
			"asset.x/manifest.json": assetsOf("any.json"),
			"asset.x/any.json":      `{"files":{"a":{"source":{"path":"../link"}}}}`,
		}, "files.a.source.path", below},
		"an asset of a stage that the outer manifest does not name": {"{}", map[string]string{
			"manifest.json": "{}", "alone/manifest.json": assetsOf("any.json"), "alone/any.json": `{"files":{"a":{"source":{"path":"../link"}}}}`,
		}, "files.a.source.path", below},
		"an asset in the metadata of a stack": {"{}", map[string]string{
			"manifest.json": `{"artifacts":{"s":{"metadata":{"/s":[{"type":"aws:cdk:asset","data":{"path":"/etc"}}]}}}}`,
		}, "artifacts.s.metadata./s", "legacy stack synthesizer"},
		"an asset in a further file of metadata": {"{}", map[string]string{
			"manifest.json": `{"artifacts":{"s":{"additionalMetadataFile":"more.json"}}}`, "more.json": `{"/s":[{"type":"aws:cdk:asset","data":{"path":"/etc"}}]}`,
		}, "artifacts.s.metadata./s", "legacy stack synthesizer"},
	} {
		t.Run(name, func(t *testing.T) {
			document, dir := whole(t)
			document.Stages[0].File = "alone/dev.template.json"
			manifests(t, dir, map[string]string{"manifest.json": assetsOf("listed.json"), "listed.json": "{}", "folder/x": "", "folder2/x": "", "folder3/x": "", ".roadshow/functions/x": ""})
			for _, link := range []string{"link", "folder/link", ".roadshow/functions/secret"} {
				require.NoError(t, os.Symlink(outside, filepath.Join(dir, link)))
			}
			require.NoError(t, os.Symlink("../folder", filepath.Join(dir, "folder3", "inner")))
			require.NoError(t, document.CheckFiles(dir, dir))
			manifests(t, dir, map[string]string{"listed.json": tt.assets})
			manifests(t, dir, tt.files)
			err := document.CheckFiles(dir, dir)
			var wrong *jsonfile.Error
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, tt.at, wrong.At)
			require.Contains(t, wrong.Reason, tt.say)
			messages.Provoked(t, err.Error())
		})
	}
}

func TestAStagesOwnAssemblyMayNameTheAssetsBesideIt(t *testing.T) {
	document, dir := whole(t)
	document.Stages[0].File = "assembly-dev/dev.template.json"
	manifests(t, dir, map[string]string{
		"assembly-dev/manifest.json": assetsOf("dev.assets.json"), "assembly-dev/dev.assets.json": `{"files":{"a":{"source":{"path":"../asset.1"}}}}`, "asset.1/x": "",
	})
	require.NoError(t, os.Symlink("x", filepath.Join(dir, "asset.1", "link")))
	require.NoError(t, os.Symlink(".", filepath.Join(dir, "asset.1", "itself")))
	require.NoError(t, document.CheckFiles(dir, dir))
}

func TestTheCodeOfFunctionsMayStandInTheProgramsOwnFolder(t *testing.T) {
	document, dir := whole(t)
	store := filepath.Join(t.TempDir(), ".roadshow", "functions", "0a1b")
	require.NoError(t, os.MkdirAll(store, 0o700))
	manifests(t, dir, map[string]string{"manifest.json": assetsOf("dev.assets.json"), "dev.assets.json": `{"files":{"0a1b":{"source":{"path":"` + store + `"}}}}`})
	require.NoError(t, document.CheckFiles(dir, dir))
	manifests(t, dir, map[string]string{"dev.assets.json": `{"files":{"other":{"source":{"path":"` + store + `"}}}}`})
	require.Error(t, document.CheckFiles(dir, dir))
	require.NoError(t, document.CheckFiles(dir, filepath.Dir(filepath.Dir(filepath.Dir(store)))), "nor below that of cdk.json")
}
