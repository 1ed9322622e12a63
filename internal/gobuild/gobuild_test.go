package gobuild

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
)

// tiny is a main package that needs nothing but the Go runtime: quick to link.
const tiny = "package main\n\nfunc main() { println(\"tiny\") }\n"

// write makes a module of files in a folder of its own. A go.mod is added.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	if _, ok := files["go.mod"]; !ok {
		put(t, root, "go.mod", "module example.com/shop\n\ngo 1.26\n")
	}
	for name, text := range files {
		put(t, root, name, text)
	}
	return root
}

func put(t *testing.T, root, name, text string) {
	t.Helper()
	file := filepath.Join(root, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
}

func functions(packages ...string) []Function {
	var fns []Function
	for _, p := range packages {
		fns = append(fns, Function{Package: p})
	}
	return fns
}

func build(t *testing.T, root string, packages ...string) []Output {
	t.Helper()
	outputs, err := Build(t.Context(), root, functions(packages...), Options{})
	require.NoError(t, err)
	require.Len(t, outputs, len(packages))
	return outputs
}

func bytesOf(t *testing.T, o Output) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(o.Dir, "bootstrap"))
	require.NoError(t, err)
	return b
}

func TestAnAssetIsOneExecutableFileNamedByItsDigest(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{"functions/hello/main.go": tiny})
	o := build(t, root, "./functions/hello")[0]

	assert.Equal(t, "./functions/hello", o.Package)
	assert.Equal(t, "example.com/shop/functions/hello", o.ImportPath)
	assert.Equal(t, filepath.Join(root, ".roadshow", "functions", o.Digest), o.Dir)
	files, err := os.ReadDir(o.Dir)
	require.NoError(t, err)
	require.Len(t, files, 1)
	assert.Equal(t, "bootstrap", files[0].Name())
	info, err := files[0].Info()
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		assert.Equal(t, os.FileMode(0o755), info.Mode())
	}
	sum := sha256.Sum256(bytesOf(t, o))
	assert.Equal(t, hex.EncodeToString(sum[:]), o.Digest)
	id, err := buildID(bytes.NewReader(bytesOf(t, o)), info.Size())
	require.NoError(t, err)
	assert.NotEmpty(t, id)
	assert.Empty(t, strings.Trim(id, "\x00"), "the build id must be zeroed")
}

// The whole promise: nothing of the folder, the user, the build cache, or the
// user's go settings is in the bytes.
func TestTheSameCodeGivesTheSameBytesFromAnyFolderHomeAndBuildCache(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the Go runtime")
	}
	files := map[string]string{
		"functions/hello/main.go": "package main\n\nimport \"example.com/shop/internal/greet\"\n\nfunc main() { greet.Say() }\n",
		"internal/greet/greet.go": "package greet\n\n//go:noinline\nfunc Say() { panic(\"hello\") }\n",
	}
	type place struct{ home, root string }
	// The one folder is deeper than the other, and the one a repository.
	places := []place{
		{t.TempDir(), write(t, files)},
		{filepath.Join(t.TempDir(), "another", "home"), write(t, files)},
	}
	deep := filepath.Join(t.TempDir(), "a", "much", "deeper", "folder")
	require.NoError(t, os.MkdirAll(filepath.Dir(deep), 0o755))
	require.NoError(t, os.Rename(places[1].root, deep))
	places[1].root = deep
	put(t, deep, ".git/HEAD", "ref: refs/heads/main\n")

	// Settings written by `go env -w` and those of the environment.
	put(t, places[1].home, "goenv", "GOFLAGS=-tags=other -ldflags=-X=main.a=b\nGOARM64=v9.0\n")

	// The one build cache is this machine's, with all that other builds have left there, the other one is empty.
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	require.NoError(t, err)
	t.Setenv("GOCACHE", strings.TrimSpace(string(cache)))

	var outputs []Output
	for i, p := range places {
		require.NoError(t, os.MkdirAll(p.home, 0o755))
		t.Setenv("HOME", p.home)
		t.Setenv("GOTMPDIR", "")
		if i == 1 {
			t.Setenv("GOCACHE", filepath.Join(p.home, "cache"))
			t.Setenv("GOENV", filepath.Join(p.home, "goenv"))
			t.Setenv("GOFLAGS", "-race -gcflags=-N -buildvcs=true")
			t.Setenv("GOARM64", "v8.2")
			t.Setenv("CGO_ENABLED", "1")
			t.Setenv("TZ", "Asia/Tokyo")
		}
		outputs = append(outputs, build(t, p.root, "./functions/hello")[0])
	}
	assert.Equal(t, outputs[0].Digest, outputs[1].Digest)
	assert.Equal(t, bytesOf(t, outputs[0]), bytesOf(t, outputs[1]))

	raw := func(p place) string {
		names, err := filepath.Glob(filepath.Join(p.root, ".roadshow/functions/.build/out/*/hello"))
		require.NoError(t, err)
		require.Len(t, names, 1)
		id, _, err := identify(names[0])
		require.NoError(t, err)
		return id
	}
	assert.NotEmpty(t, raw(places[0]), "go's own output must keep its build id, or it is linked every time")
}

func TestABuildWithNothingToDoLeavesTheFileAlone(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{"hello/main.go": tiny})
	first := build(t, root, "./hello")[0]
	file := filepath.Join(first.Dir, "bootstrap")
	past := time.Now().Add(-time.Hour).Truncate(time.Second)
	require.NoError(t, os.Chtimes(file, past, past))

	assert.Equal(t, first, build(t, root, "./hello")[0])
	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.Equal(t, past, info.ModTime())
}

func TestChangedCodeGetsAFolderOfItsOwn(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{"hello/main.go": tiny, "other/main.go": tiny})
	before := build(t, root, "./hello", "./other")
	old := bytesOf(t, before[0])
	put(t, root, "hello/main.go", strings.ReplaceAll(tiny, "tiny", "changed"))
	after := build(t, root, "./hello", "./other")

	assert.NotEqual(t, before[0].Digest, after[0].Digest)
	assert.Equal(t, before[1], after[1], "what did not change keeps its digest")
	assert.Equal(t, old, bytesOf(t, before[0]), "a folder that was handed out never changes")

	put(t, root, "hello/main.go", tiny)
	assert.Equal(t, before, build(t, root, "./hello", "./other"), "changed back is the same again")
}

func TestFunctionsWithTheSameFolderNameDoNotOverwriteEachOther(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{
		"a/handler/main.go": strings.ReplaceAll(tiny, "tiny", "from a"),
		"b/handler/main.go": strings.ReplaceAll(tiny, "tiny", "from b"),
		"c/Handler/main.go": strings.ReplaceAll(tiny, "tiny", "from c"),
		"other/main.go":     tiny,
	})
	o := build(t, root, "./a/handler", "./b/handler", "./other", "./c/Handler")
	assert.Contains(t, string(bytesOf(t, o[0])), "from a")
	assert.Contains(t, string(bytesOf(t, o[1])), "from b")
	assert.Contains(t, string(bytesOf(t, o[3])), "from c")
	assert.Equal(t, o, build(t, root, "./a/handler", "./b/handler", "./other", "./c/Handler"))
}

func TestOnePackageNamedTwiceIsBuiltOnce(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{"hello/main.go": tiny})
	o := build(t, root, "./hello", "example.com/shop/hello", "./hello/")
	for _, x := range o {
		assert.Equal(t, o[0].Dir, x.Dir)
		assert.Equal(t, "example.com/shop/hello", x.ImportPath)
	}
	assert.Equal(t, "./hello/", o[2].Package, "the package is given back as it was written")
}

func TestArchitecturesHaveBinariesOfTheirOwn(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{
		"hello/main.go": "package main\n\nfunc main() { println(name) }\n",
		"hello/a.go":    "//go:build arm64\n\npackage main\n\nconst name = \"graviton\"\n",
		"hello/b.go":    "//go:build amd64\n\npackage main\n\nconst name = \"x86\"\n",
	})
	o, err := Build(t.Context(), root, []Function{{Package: "./hello", Arch: AMD64}, {Package: "./hello"}}, Options{})
	require.NoError(t, err)
	assert.Contains(t, string(bytesOf(t, o[0])), "x86")
	assert.Contains(t, string(bytesOf(t, o[1])), "graviton")
}

func TestANativeProgramRunsOnThisMachine(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{
		"functions/hello/main.go": "package main\n\nfunc main() { println(\"hello\") }\n",
		"other/hello/main.go":     "package main\n\nfunc main() { println(\"other\") }\n",
	})
	fns := []Function{{Package: "./functions/hello", Arch: ARM64}, {Package: "./other/hello", Arch: AMD64}, {Package: "./functions/hello"}}
	paths, err := Native(t.Context(), root, fns, Options{})
	require.NoError(t, err)
	require.Len(t, paths, 3)
	assert.Equal(t, ARM64, fns[0].Arch, "the caller's own are as they were")
	for i, want := range []string{"hello\n", "other\n", "hello\n"} {
		output, err := exec.Command(paths[i]).CombinedOutput()
		require.NoError(t, err)
		assert.Equal(t, want, string(output))
	}
}

func TestTagsSelectFilesAndLambdaNorpcIsAlwaysSet(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{
		"hello/main.go":  "package main\n\nfunc main() { println(name) }\n",
		"hello/plain.go": "//go:build lambda.norpc && !extra\n\npackage main\n\nconst name = \"plain\"\n",
		"hello/extra.go": "//go:build lambda.norpc && extra\n\npackage main\n\nconst name = \"with extra\"\n",
	})
	assert.Contains(t, string(bytesOf(t, build(t, root, "./hello")[0])), "plain")
	o, err := Build(t.Context(), root, functions("./hello"), Options{Tags: []string{"extra"}})
	require.NoError(t, err)
	assert.Contains(t, string(bytesOf(t, o[0])), "with extra")

	_, err = Build(t.Context(), root, functions("./hello"), Options{Tags: []string{"a,b"}})
	messages.EqualError(t, err, "function builds: the build tag \"a,b\" is not a single word.\nWrite each tag as a string of its own")
}

func TestAFunctionOfAnotherModuleIsBuiltByItsImportPath(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{
		"app/go.mod": "module example.com/shop\n\ngo 1.26\n\nrequire example.com/shared/v2 v2.0.0\n\nreplace example.com/shared/v2 => ../shared\n",
		"app/app.go": "package app\n",
		// The binary of …/hello/v2 is called hello, as that of the other one.
		"shared/go.mod":                 "module example.com/shared/v2\n\ngo 1.26\n",
		"shared/cmd/resize/main.go":     tiny,
		"shared/cmd/resize/v2/main.go":  strings.ReplaceAll(tiny, "tiny", "second"),
		"shared/cmd/resize/lib/file.go": "package lib\n",
	})
	o := build(t, filepath.Join(root, "app"), "example.com/shared/v2/cmd/resize", "example.com/shared/v2/cmd/resize/v2")
	assert.Equal(t, "example.com/shared/v2/cmd/resize", o[0].ImportPath)
	assert.Contains(t, string(bytesOf(t, o[1])), "second")
	assert.NotEqual(t, o[0].Digest, o[1].Digest)
}

func TestInAWorkspaceAModuleInsideTheModuleHasItsOwnImportPath(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{
		"go.work":              "go 1.26\n\nuse (\n\t.\n\t./tools/one\n)\n",
		"go.mod":               "module example.com/shop\n\ngo 1.26\n",
		"resize/main.go":       strings.ReplaceAll(tiny, "tiny", "ours"),
		"tools/one/go.mod":     "module example.com/elsewhere/resize\n\ngo 1.26\n",
		"tools/one/main.go":    strings.ReplaceAll(tiny, "tiny", "theirs"),
		"tools/one/in/main.go": strings.ReplaceAll(tiny, "tiny", "inside"),
	})
	o := build(t, root, "./resize", "./tools/one", "./tools/one/in")
	assert.Equal(t, "example.com/elsewhere/resize", o[1].ImportPath)
	assert.Contains(t, string(bytesOf(t, o[0])), "ours")
	assert.Contains(t, string(bytesOf(t, o[1])), "theirs")
	assert.Contains(t, string(bytesOf(t, o[2])), "inside")
}

func TestACompileErrorShowsTheCompilersOwnWords(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{
		"good/main.go":   tiny,
		"bad/main.go":    "package main\n\nfunc main() { println(missing) }\n",
		"shared/file.go": "package shared\n\nvar X int = \"text\"\n",
		"user/main.go":   "package main\n\nimport _ \"example.com/shop/shared\"\n\nfunc main() {}\n",
	})
	_, err := Build(t.Context(), root, functions("./good", "./bad"), Options{})
	var compile *CompileError
	require.ErrorAs(t, err, &compile)
	messages.Provoked(t, err.Error())
	assert.Equal(t, []string{"./bad"}, compile.Packages)
	const words = "# example.com/shop/bad\nbad/main.go:3:23: undefined: missing\n"
	assert.Equal(t, words, compile.Output)
	messages.EqualError(t, err, "function package ./bad: the code does not compile.\nFix what go says:\n"+strings.TrimSpace(words))

	_, err = Build(t.Context(), root, functions("./good", "./user"), Options{})
	require.ErrorAs(t, err, &compile)
	messages.Provoked(t, err.Error())
	assert.Equal(t, []string{"./good", "./user"}, compile.Packages, "a fault in a shared package is nobody's own")
	assert.Contains(t, compile.Output, "shared/file.go:3:13: cannot use \"text\"")

	assets, err := filepath.Glob(filepath.Join(root, ".roadshow/functions/*/bootstrap"))
	require.NoError(t, err)
	assert.Empty(t, assets, "a build that fails leaves no asset")

	put(t, root, "bad/main.go", tiny)
	build(t, root, "./good", "./bad")
}

func TestWhatIsNotAMainPackageIsRefused(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{
		"library/file.go":    "package foo\n",
		"empty/readme.txt":   "",
		"windows/main.go":    "//go:build windows\n\n" + tiny,
		"broken/main.go":     "pakage main\n",
		"testonly/a_test.go": "package main\n",
	})
	tests := map[string]struct{ pattern, want string }{
		"a library":                         {"./library", "function package ./library is package foo; it must be a main package.\nWrite package main with a func main that calls lambda.Start, or name the folder that has one"},
		"a folder that does not exist":      {"./nowhere", "function package ./nowhere is a folder that does not exist; it must be a main package.\nWrite an existing folder, from the module root, not from the working directory"},
		"a folder without Go files":         {"./empty", "function package ./empty is a folder without Go files; it must be a main package.\nWrite the folder that holds func main"},
		"a package for Windows":             {"./windows", "all excluded by build constraints; it must be a main package.\nMake one of them build for linux/arm64"},
		"a file that is no Go":              {"./broken", "expected 'package'"},
		"a package of tests only":           {"./testonly", "function package ./testonly is a folder of tests only; it must be a main package.\nWrite the folder that holds func main"},
		"a package of the standard library": {"fmt", "function package fmt is package fmt; it must be a main package"},
		"a folder without ./":               {"functions/hello", "start with ./"},
		"a module that is not required":     {"example.org/x/y", "no module in go.mod provides"},
		"nothing":                           {"", "function package \"\" is empty; it must be an import path, or a folder of the module that starts with ./.\nWrite ./functions/NAME, from the module root."},
		"all packages below":                {"./...", "a pattern of many packages"},
		"a folder outside":                  {"../x", "a folder outside the module"},
		"a folder outside, in disguise":     {"./a/../../x", "a folder outside the module"},
		"an absolute path":                  {"/tmp/x", "an absolute path"},
		"a Windows path":                    {`.\x`, "backslashes"},
		"a file":                            {"./library/file.go", "is a file"},
		"a version":                         {"example.com/x@v1.0.0", "a path with a version"},
		"a flag":                            {"-toolexec=x", "not a path"},
		"a word of the go command":          {"all", "a word that go reserves"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want *PackageError
			_, err := Build(t.Context(), root, functions(tt.pattern), Options{})
			require.ErrorAs(t, err, &want)
			messages.ErrorContains(t, err, tt.want)
		})
	}
}

func TestAllWrongFunctionsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{"library/file.go": "package foo\n", "good/main.go": tiny})
	_, err := Build(t.Context(), root, functions("./library", "./good", "./nowhere"), Options{})
	require.Error(t, err)
	messages.ErrorContains(t, err, "./library is package foo")
	messages.ErrorContains(t, err, "./nowhere is a folder that does not exist")
	assert.NotContains(t, err.Error(), "./good")
}

func TestAPackageThatIsNoMainPackageAnyMoreIsRefused(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{"good/main.go": tiny, "other/main.go": tiny})
	build(t, root, "./good", "./other")
	put(t, root, "good/main.go", "package good\n")
	_, err := Build(t.Context(), root, functions("./good", "./other"), Options{})
	var want *PackageError
	require.ErrorAs(t, err, &want, "not the binary of the last build")
	messages.Provoked(t, err.Error())
	assert.Equal(t, "package good", want.Got)
}

func TestAnArchitectureThatLambdaDoesNotRunIsRefused(t *testing.T) {
	t.Parallel()
	root := write(t, nil)
	_, err := Build(t.Context(), root, []Function{{Package: "./hello", Arch: "riscv64"}}, Options{})
	var want *ArchError
	require.ErrorAs(t, err, &want)
	messages.EqualError(t, err, "function package ./hello has the architecture \"riscv64\"; Lambda has arm64 and amd64.\nLeave Arch empty for arm64.")
}

func TestAModuleThatGoCannotLoadIsGosOwnError(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{"go.mod": "module example.com/shop\n\nnonsense\n", "hello/main.go": tiny})
	_, err := Build(t.Context(), root, functions("./hello"), Options{})
	var want *ModuleError
	require.ErrorAs(t, err, &want)
	messages.ErrorContains(t, err, "go.mod:3: unknown directive: nonsense")
}

func TestAFailedDownloadSaysSoAndShowsGosWords(t *testing.T) {
	root := write(t, map[string]string{
		"go.mod":        "module example.com/shop\n\ngo 1.26\n\nrequire example.org/remote v1.0.0\n",
		"hello/main.go": "package main\n\nimport _ \"example.org/remote/lib\"\n\nfunc main() {}\n",
	})
	t.Setenv("GOPROXY", "http://127.0.0.1:1")
	t.Setenv("GONOSUMDB", "*")
	t.Setenv("GOFLAGS", "-modcacherw")
	t.Setenv("GOMODCACHE", filepath.Join(t.TempDir(), "modules"))
	put(t, root, "go.sum", "example.org/remote v1.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nexample.org/remote v1.0.0/go.mod h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")
	for _, p := range []string{"./hello", "example.org/remote/cmd/x"} {
		_, err := Build(t.Context(), root, functions(p), Options{})
		var want *DownloadError
		require.ErrorAs(t, err, &want, p)
		messages.ErrorContains(t, err, "Check the network, the proxy and GOPROXY")
		messages.ErrorContains(t, err, "connection refused")
	}
}

func TestWithoutAGoCommandTheErrorSaysWhereToGetOne(t *testing.T) {
	root := write(t, map[string]string{"hello/main.go": tiny})
	t.Setenv("PATH", t.TempDir())
	_, err := Build(t.Context(), root, functions("./hello"), Options{})
	var want *ToolError
	require.ErrorAs(t, err, &want)
	messages.ErrorContains(t, err, "function builds: the go command is not found")
	messages.ErrorContains(t, err, "https://go.dev/dl")
}

func TestAGoThatIsTooOldIsAToolError(t *testing.T) {
	root := write(t, map[string]string{"go.mod": "module example.com/shop\n\ngo 1.999\n", "hello/main.go": tiny})
	t.Setenv("GOTOOLCHAIN", "local")
	_, err := Build(t.Context(), root, functions("./hello"), Options{})
	var want *ToolError
	require.ErrorAs(t, err, &want)
	messages.ErrorContains(t, err, "go.mod requires go >= 1.999")
}

func TestModuleRootIsTheNearestFolderWithAGoMod(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{"a/b/file.txt": "", "a/go.mod/file.txt": "a folder is no go.mod"})
	for _, from := range []string{".", "a", "a/b"} {
		got, err := ModuleRoot(filepath.Join(root, from))
		require.NoError(t, err)
		assert.Equal(t, root, got)
	}
	var want *ModuleError
	_, err := ModuleRoot(t.TempDir())
	require.ErrorAs(t, err, &want)
	messages.ErrorContains(t, err, "is in no Go module; it must be a folder in or under one with a go.mod")
	_, err = Build(t.Context(), filepath.Join(root, "a", "b"), functions("./x"), Options{})
	require.ErrorAs(t, err, &want)
	messages.ErrorContains(t, err, "is a folder without a go.mod")
}

func TestNoFunctionsNeedNoModuleAndNoGo(t *testing.T) {
	t.Setenv("PATH", "")
	o, err := Build(t.Context(), "nowhere", nil, Options{})
	require.NoError(t, err)
	assert.Empty(t, o)
}

func TestACacheThatWasDamagedIsMadeGood(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{"hello/main.go": tiny})
	first := build(t, root, "./hello")[0]
	good := bytesOf(t, first)
	file := filepath.Join(first.Dir, "bootstrap")
	inner := func(glob string) string {
		names, err := filepath.Glob(filepath.Join(root, ".roadshow/functions/.build", glob))
		require.NoError(t, err)
		require.Len(t, names, 1)
		return names[0]
	}
	raw, note := inner("out/*/hello"), inner("known/*")
	tests := []struct {
		name   string
		damage func()
	}{
		{"the asset is cut short", func() { require.NoError(t, os.Truncate(file, 100)) }},
		{"the asset is gone", func() { require.NoError(t, os.RemoveAll(first.Dir)) }},
		{"the asset lost its mode", func() { require.NoError(t, os.Chmod(file, 0o600)) }},
		{"go's binary is cut short", func() { require.NoError(t, os.Truncate(raw, int64(len(good)/2))) }},
		{"go's binary is empty", func() { require.NoError(t, os.Truncate(raw, 0)) }},
		{"what is known is nonsense", func() { require.NoError(t, os.WriteFile(note, []byte("{"), 0o644)) }},
		{"what is known leads out of the cache", func() {
			require.NoError(t, os.WriteFile(note, []byte(`{"Digest":"../../../hello"}`), 0o644))
		}},
		{"a killed run left its work", func() { put(t, root, ".roadshow/functions/.build/tmp/go-build1/x", "") }},
		{"the cache is gone", func() { require.NoError(t, os.RemoveAll(filepath.Join(root, ".roadshow"))) }},
	}
	for _, tt := range tests {
		tt.damage()
		assert.Equal(t, first, build(t, root, "./hello")[0], tt.name)
		assert.Equal(t, good, bytesOf(t, first), tt.name)
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o755), info.Mode().Perm(), tt.name)
	}
	left, err := os.ReadDir(filepath.Join(root, ".roadshow/functions/.build/tmp"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestConcurrentBuildsInOneCacheAgree(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{"a/main.go": tiny, "b/main.go": tiny})
	var wg sync.WaitGroup
	outputs, faults := make([][]Output, 4), make([]error, 4)
	for i := range outputs {
		wg.Go(func() { outputs[i], faults[i] = Build(t.Context(), root, functions("./a", "./b"), Options{}) })
	}
	wg.Wait()
	for i := range outputs {
		require.NoError(t, faults[i])
		assert.Equal(t, outputs[0], outputs[i])
	}
}

func TestACancelledBuildStops(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{"hello/main.go": tiny})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Build(ctx, root, functions("./hello"), Options{})
	assert.ErrorIs(t, err, context.Canceled)

	// Also while it waits for another one.
	build(t, root, "./hello")
	unlock, err := lock(t.Context(), filepath.Join(root, ".roadshow/functions/.build/lock"))
	require.NoError(t, err)
	defer unlock()
	ctx, cancel = context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	var progress bytes.Buffer
	_, err = Build(ctx, root, functions("./hello"), Options{Progress: &progress})
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, "waiting for another build of these functions\n", progress.String())
}

func TestProgressIsOneLineAndOnlyOfALongBuild(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		w := &work{goos: "linux", progress: &b, targets: []*target{{arch: ARM64}, {arch: AMD64}}}
		said := w.announce()
		said.set(w.sentence())
		time.Sleep(slow + time.Millisecond)
		synctest.Wait()
		said.stop()
		assert.Equal(t, "building 2 functions for linux/amd64 and linux/arm64\n", b.String())

		b.Reset()
		said = w.announce()
		said.stop()
		time.Sleep(slow + time.Millisecond)
		assert.Empty(t, b.String())
	})
}

func TestAssetsThatNoBuildAskedForAreRemovedInTheEnd(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{"hello/main.go": tiny, "other/main.go": tiny})
	output := build(t, root, "./hello")[0]
	put(t, root, "hello/main.go", strings.ReplaceAll(tiny, "tiny", "changed"))
	gone := build(t, root, "./hello")[0]
	put(t, root, "hello/main.go", tiny)
	put(t, root, ".roadshow/functions/mine/file", "not ours")
	long := time.Now().Add(-lifetime - time.Hour)
	for _, f := range []string{output.Dir, gone.Dir, "mine", filepath.Join(".build/used", output.Digest), filepath.Join(".build/used", gone.Digest)} {
		if !filepath.IsAbs(f) {
			f = filepath.Join(root, ".roadshow/functions", f)
		}
		require.NoError(t, os.Chtimes(f, long, long))
	}
	build(t, root, "./hello", "./other")
	assert.DirExists(t, output.Dir)
	assert.NoDirExists(t, gone.Dir)
	assert.DirExists(t, filepath.Join(root, ".roadshow/functions/mine"))
}

func TestAFileWhereTheCacheShouldBeIsSaid(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{"hello/main.go": tiny, "cache": "a file"})
	_, err := Build(t.Context(), root, functions("./hello"), Options{CacheDir: filepath.Join(root, "cache")})
	require.Error(t, err)
	messages.ErrorContains(t, err, "cannot be used: ")
}

func TestTheEnvironmentOfTheGoCommandIsSetWhereItWouldChangeBytes(t *testing.T) {
	t.Parallel()
	got := environment([]string{
		"HOME=/h", "GOFLAGS=-mod=mod -tags=x -modcacherw", "GO_EXTLINK_ENABLED=1", "GOTOOLCHAIN=local", "GOWORK=/w", "GOOS=plan9",
	}, "linux", AMD64, "/tmp/x")
	last := map[string]string{}
	for _, kv := range got {
		k, v, _ := strings.Cut(kv, "=")
		last[k] = v
	}
	assert.Equal(t, map[string]string{
		"HOME": "/h", "GOTOOLCHAIN": "local", "GOWORK": "/w",
		"GOOS": "linux", "GOARCH": "amd64", "GOARM64": "v8.0", "GOAMD64": "v1", "CGO_ENABLED": "0", "GO111MODULE": "on",
		"GOFLAGS": "-buildvcs=false -modcacherw", "GOTMPDIR": "/tmp/x",
	}, last)
}

func TestLinesAboutDownloadsAreNotTheCompilersWords(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "# a\nb\n", withoutDownloads("go: downloading x v1\n# a\ngo: downloading y v2\nb\n"))
}
