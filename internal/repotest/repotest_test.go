// Package repotest makes the rules of the house tests: which package may import which, what every
// package and exported name must say, and which words no code may use. docs/design.md has the reasons.
package repotest

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	module = "github.com/roadshow-go/roadshow"
	root   = "../.."
)

// listed is what `go list -json` says of a package.
type listed struct {
	ImportPath, Dir, Name  string
	GoFiles, Imports, Deps []string
}

// packages lists this module's.
func packages(t *testing.T) []listed {
	t.Helper()
	command := exec.Command("go", "list", "-json=ImportPath,Dir,Name,GoFiles,Imports,Deps", "./...")
	command.Dir = root
	output, err := command.Output()
	require.NoError(t, err)
	var all []listed
	for decoder := json.NewDecoder(strings.NewReader(string(output))); decoder.More(); {
		var one listed
		require.NoError(t, decoder.Decode(&one))
		all = append(all, one)
	}
	require.NotEmpty(t, all)
	return all
}

// Import paths begin the same for a whole family.
const (
	theCDK     = "github.com/aws/aws-cdk-go/"
	constructs = "github.com/aws/constructs-go/"
	jsii       = "github.com/aws/jsii-runtime-go"
	theSDK     = "github.com/aws/aws-sdk-go-v2/"
	cobra      = "github.com/spf13/cobra"
	charm      = "charm.land/"
	theNag     = "github.com/cdklabs/cdk-nag-go/"
	goTools    = "golang.org/x/tools/"
)

// forbidden are the arrows that must not be: a package, those below its folder and all they depend on,
// at any depth, have nothing of these families.
var forbidden = []struct {
	of     string
	what   []string
	reason string
}{
	{"stages", []string{theCDK, constructs, jsii, theSDK, module + "/stack", module + "/internal/fleet", module + "/parity"}, "stages is pure Go, at the bottom"},
	{"parity", []string{theCDK, constructs, jsii, theSDK, module + "/stack", module + "/internal/fleet"}, "parity is pure Go over templates"},
	{"internal/fleet", []string{theCDK, constructs, jsii, module + "/stack"}, "fleet knows accounts, not constructs"},
	{"cmd/roadshow", []string{theCDK, constructs, jsii, module + "/stack"}, "the command reads the assembly, and never imports the CDK"},
	{"rehearsal", []string{theCDK, constructs, jsii, theSDK, module + "/stack", module + "/internal/fleet"}, "the rehearsal is a server, kept honest by clients that nobody here wrote"},
	{"rehearsal/internal/httpapi", []string{module + "/rehearsal/internal/cfn", module + "/rehearsal/internal/execution", module + "/internal"}, "APIs are served for whoever asks, whatever runs the functions"},
	{"rehearsal/internal/execution", []string{module + "/rehearsal", module + "/internal/assembly", module + "/internal/gobuild"}, "functions are run for whoever asks, whatever server that is"},
	{"stack", []string{theSDK, cobra, charm, theNag, module + "/internal/fleet", module + "/rehearsal", module + "/cmd"}, "a service that imports stack pulls in no command line, no terminal library, no SDK client and nothing of the tests"},
	{"internal/reads", []string{theCDK, constructs, jsii, theSDK, module + "/stack"}, "the code of a program is read, not run"},
	{"internal/links", []string{theCDK, constructs, jsii, theSDK, module + "/stack"}, "the links are written from the assembly, by the command"},
	{"functions", []string{theCDK, constructs, jsii, module + "/stack", module + "/stages"}, "a function's binary holds its own work only"},
	{"internal/gobuild", []string{theCDK, constructs, jsii, theSDK, module + "/stack", module + "/stages", module + "/parity", module + "/internal/fleet", module + "/internal/assembly", module + "/rehearsal", module + "/cmd"}, "gobuild knows Go, and nothing of AWS"},
	{"internal/kernel", []string{theSDK, cobra, charm, module + "/stack", module + "/stages"}, "the kernel is started for whoever uses the CDK"},
	{"internal/jsiicache", []string{theCDK, constructs, jsii, theSDK, module + "/"}, "who runs a program looks there, and must not import the CDK"},
	{"internal/redact", []string{theCDK, constructs, jsii, theSDK, module + "/"}, "whoever writes anything has secrets taken out"},
	{"internal/child", []string{theCDK, constructs, jsii, theSDK, module + "/"}, "whoever starts a process keeps hold of it"},
	{"internal/jsonfile", []string{theCDK, constructs, jsii, theSDK, module + "/"}, "a document is read before anybody knows what it says"},
	{"internal/awsconfig", []string{theCDK, constructs, jsii, theSDK, module + "/"}, "the AWS files are text, and nobody is asked about them"},
	{"internal/report", []string{theCDK, constructs, jsii, theSDK, cobra, module + "/stack", module + "/stages", module + "/internal/fleet"}, "what is written is text, whatever it is about"},
	{"internal/credentials", []string{theCDK, constructs, jsii, cobra, module + "/stack", module + "/stages", module + "/internal/fleet"}, "credentials are of a profile, not of a stage"},
	{"internal/terminal", []string{theCDK, constructs, jsii, module + "/stack", module + "/cmd", cobra}, "what a person sees knows stages and their progress, and no verb"},
	{"internal/assembly", []string{theCDK, constructs, jsii, theSDK, module + "/stack"}, "the assembly is what both sides can read"},
}

func TestImportsRunOneWay(t *testing.T) {
	for _, pkg := range packages(t) {
		for _, rule := range forbidden {
			own := module + "/" + rule.of
			if pkg.ImportPath != own && !strings.HasPrefix(pkg.ImportPath, own+"/") {
				continue
			}
			for _, dependency := range pkg.Deps {
				for _, family := range rule.what {
					if strings.HasPrefix(dependency, own) {
						continue // a package may depend on its own folder
					}
					assert.Falsef(t, strings.HasPrefix(dependency, family), "%s depends on %s: %s", pkg.ImportPath, dependency, rule.reason)
				}
			}
		}
	}
}

func TestAServiceDoesNotReadItsOwnCode(t *testing.T) {
	for _, pkg := range packages(t) {
		if pkg.ImportPath != module+"/stack" {
			continue
		}
		for _, dependency := range pkg.Deps {
			assert.False(t, strings.HasPrefix(dependency, goTools), "stack depends on %s; the command and the test kit read the code", dependency)
		}
	}
}

// fleetRooms are the rooms of the fleet, by their folders, and which of the others each may import.
var fleetRooms = map[string][]string{
	"answer":   {},
	"parallel": {},
	"arn":      {},
	"plan":     {},
	"stacks":   {"answer", "parallel", "plan"},
	"owner":    {"arn", "stacks"},
	".":        {"answer", "parallel", "arn", "plan", "owner", "stacks"},
	"quota":    {"answer", "parallel", "arn", "stacks", "."},
	"cost":     {"answer", "parallel", "stacks", "."},
	"orphan":   {"answer", "parallel", "arn", "plan", "owner", "stacks", "."},
	// What tests of the rooms share.
	"fleettest": {"."},
}

func TestTheRoomsOfTheFleetReachDownOnly(t *testing.T) {
	const fleet = module + "/internal/fleet"
	found := map[string]bool{}
	roomOf := func(path string) (string, bool) {
		if path == fleet {
			return ".", true
		}
		return strings.CutPrefix(path, fleet+"/")
	}
	for _, pkg := range packages(t) {
		room, is := roomOf(pkg.ImportPath)
		if !is {
			continue
		}
		found[room] = true
		below, listed := fleetRooms[room]
		assert.Truef(t, listed, "internal/fleet/%s has no row in fleetRooms: say which rooms it may import", room)
		for _, imported := range pkg.Imports {
			if other, is := roomOf(imported); is {
				assert.Containsf(t, below, other, "internal/fleet/%s imports %s, which is not below it", room, imported)
			}
		}
	}
	for room := range fleetRooms {
		assert.Truef(t, found[room], "fleetRooms names internal/fleet/%s, which is gone", room)
	}
}

func TestARuleNamesPackagesThatExist(t *testing.T) {
	var folders []string
	for _, pkg := range packages(t) {
		folders = append(folders, pkg.ImportPath+"/")
	}
	exists := func(path string) bool {
		return slices.ContainsFunc(folders, func(folder string) bool {
			return strings.HasPrefix(folder, strings.TrimSuffix(path, "/")+"/")
		})
	}
	for _, rule := range forbidden {
		assert.Truef(t, exists(module+"/"+rule.of), "the rule of %s is about a package that is gone", rule.of)
		for _, family := range rule.what {
			ours := strings.HasPrefix(family, module)
			assert.Truef(t, !ours || exists(family), "the rule of %s forbids %s, which is gone", rule.of, family)
		}
	}
}

func TestOnlyStackAndItsTwoRoomsKnowJSII(t *testing.T) {
	// The benchmark's peer is the CDK as its users write it, by hand.
	allowed := []string{module + "/stack", module + "/internal/jsiiconv", module + "/internal/kernel", module + "/bench/programs/raw"}
	for _, pkg := range packages(t) {
		for _, imported := range pkg.Imports {
			if strings.HasPrefix(imported, jsii) && !slices.Contains(allowed, pkg.ImportPath) {
				t.Errorf("%s imports %s; convert values with internal/jsiiconv, in package stack", pkg.ImportPath, imported)
			}
		}
	}
}

// sources are this module's Go files that git knows or would.
func sources(t *testing.T) []string {
	t.Helper()
	var files []string
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			files = append(files, path)
		}
		return nil
	}))
	require.NotEmpty(t, files)
	return files
}

func TestNoCodeUsesABannedWord(t *testing.T) {
	bans := []struct {
		pattern *regexp.Regexp
		where   func(path string) bool
		instead string
		unless  string // what makes the word right after all
	}{
		{
			regexp.MustCompile(`\bjsii\.(Strings?|Numbers?|Bools?|Sprintf)\(`),
			func(path string) bool {
				// The benchmark's peers are the CDK as its users write it, by hand.
				return !strings.HasPrefix(path, "internal/jsiiconv/") && !strings.HasPrefix(path, "bench/programs/raw")
			},
			"internal/jsiiconv, so that a zero value means the default everywhere alike", "",
		},
		{
			regexp.MustCompile(`\brecover\(\)`),
			func(path string) bool {
				return strings.HasPrefix(path, "stack/") && path != "stack/synth.go" && !strings.HasSuffix(path, "_test.go")
			},
			"Stack.protect in stack/synth.go, the only recover", "",
		},
		{
			regexp.MustCompile(`\btime\.Sleep\(`),
			func(path string) bool { return strings.HasSuffix(path, "_test.go") },
			"waiting for the event itself, or the clock of testing/synctest", `"testing/synctest"`,
		},
		{
			regexp.MustCompile(`\bt\.Parallel\(\)`),
			func(path string) bool { return strings.HasPrefix(path, "stack/") },
			"nothing: the CDK's runtime is not safe for concurrent use", "",
		},
	}
	for _, file := range sources(t) {
		path := filepath.ToSlash(strings.TrimPrefix(file, root+"/"))
		if strings.HasPrefix(path, "internal/repotest/") {
			continue
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, ban := range bans {
			if ban.unless != "" && strings.Contains(string(text), ban.unless) {
				continue
			}
			if ban.where(path) {
				if found := ban.pattern.Find(text); found != nil {
					t.Errorf("%s has %q; use %s", path, found, ban.instead)
				}
			}
		}
	}
}

func TestNoNameSaysNothing(t *testing.T) {
	empty := regexp.MustCompile(`^(utils?|common|helpers?|managers?|misc)(_test)?(\.go)?$`)
	for _, file := range sources(t) {
		for _, part := range strings.Split(filepath.ToSlash(file), "/") {
			assert.Falsef(t, empty.MatchString(part), "%s: %s says nothing; name it by what it is", file, part)
		}
	}
}

func TestEveryPackageAndEveryExportedNameIsDocumented(t *testing.T) {
	for _, pkg := range packages(t) {
		files := token.NewFileSet()
		documented := len(pkg.GoFiles) == 0 // a package of tests only
		for _, name := range pkg.GoFiles {
			file, err := parser.ParseFile(files, filepath.Join(pkg.Dir, name), nil, parser.ParseComments)
			require.NoError(t, err)
			documented = documented || file.Doc != nil
			if pkg.Name == "main" {
				continue // its names are nobody else's
			}
			for _, declaration := range file.Decls {
				for _, name := range undocumented(declaration) {
					t.Errorf("%s: %s.%s has no comment", files.Position(declaration.Pos()), pkg.Name, name)
				}
			}
		}
		assert.Truef(t, documented, "%s has no package comment", pkg.ImportPath)
	}
}

// undocumented lists the exported names of a declaration that no comment stands above.
func undocumented(declaration ast.Decl) []string {
	var names []string
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) && !wellKnown[d.Name.Name] {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
					names = append(names, s.Name.Name)
				}
			case *ast.ValueSpec:
				if d.Doc != nil || s.Doc != nil || s.Comment != nil {
					continue
				}
				for _, name := range s.Names {
					if name.IsExported() {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

// wellKnown are methods whose meaning the interface they fulfil gives.
var wellKnown = map[string]bool{"Error": true, "Unwrap": true, "String": true, "Len": true, "Less": true, "Swap": true, "ServeHTTP": true, "Is": true}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	receiver := d.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	if generic, ok := receiver.(*ast.IndexExpr); ok {
		receiver = generic.X
	}
	name, ok := receiver.(*ast.Ident)
	return ok && name.IsExported()
}

func TestEveryNounHasAnExampleThatCompiles(t *testing.T) {
	noun := regexp.MustCompile(`(?m)^func New([A-Z]\w*)\(s \*Stack, id string`)
	example := regexp.MustCompile(`(?m)^func ExampleNew(\w+)\(`)
	examples := map[string]bool{}
	nouns := 0
	for _, file := range sources(t) {
		path := filepath.ToSlash(file)
		if filepath.Dir(path) != root+"/stack" {
			continue
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, found := range example.FindAllSubmatch(text, -1) {
			examples[string(found[1])] = true
		}
	}
	for _, file := range sources(t) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		if filepath.Dir(filepath.ToSlash(file)) != root+"/stack" {
			continue
		}
		for _, found := range noun.FindAllSubmatch(text, -1) {
			nouns++
			assert.Truef(t, examples[string(found[1])], "%s: New%s has no ExampleNew%s", file, found[1], found[1])
		}
	}
	assert.Positive(t, nouns)
}

func TestEveryNounHasStagesAndARowInTheREADME(t *testing.T) {
	noun := regexp.MustCompile(`(?m)^func New([A-Z]\w*)\(s \*Stack, id string, config (\w+)\)`)
	readme, err := os.ReadFile(root + "/README.md")
	require.NoError(t, err)
	var source strings.Builder
	for _, file := range sources(t) {
		if filepath.Dir(filepath.ToSlash(file)) == root+"/stack" && !strings.HasSuffix(file, "_test.go") {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			source.Write(text)
		}
	}
	nouns := noun.FindAllStringSubmatch(source.String(), -1)
	assert.Greater(t, len(nouns), 10)
	for _, found := range nouns {
		if strings.HasSuffix(found[1], "Authorizer") {
			continue // is where the API that asks it is, and stands in the API's row
		}
		_, config, _ := strings.Cut(source.String(), "\ntype "+found[2]+" struct {\n")
		config, _, _ = strings.Cut(config, "\n}\n")
		assert.Contains(t, config, "\n\tStages stages.Selector\n", found[2])
		assert.Contains(t, string(readme), "\n| `"+found[1]+"` | ", "a row in the table")
	}
}

func TestTheProgramStaysUnderSixtyLines(t *testing.T) {
	text, err := os.ReadFile(root + "/app.go")
	require.NoError(t, err)
	assert.Less(t, strings.Count(string(text), "\n"), 60)
}
