package program

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/internal/jsiicache"
)

// environment is what the program sees as the cdk command would run it, but without an account: nothing
// that it is asked here depends on whose credentials are at hand.
func (p *Program) environment() []string {
	var environment []string
	path := os.Getenv("PATH")
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		switch {
		case name == "PATH" || name == "CDK_DEFAULT_ACCOUNT" || name == "CDK_DEFAULT_REGION" || name == "CONTEXT_OVERFLOW_LOCATION_ENV":
		case p.past && (strings.HasPrefix(name, "AWS_") || slices.Contains(repositoryVariables, name)):
		default:
			environment = append(environment, variable)
		}
	}
	return append(WithoutCredentials(environment), "PATH="+filepath.Join(p.tools, "node_modules", ".bin")+string(os.PathListSeparator)+path)
}

// repositoryVariables lead Git to a repository, whatever folder it runs in.
// https://git-scm.com/docs/git#_the_git_repository
var repositoryVariables = []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE"}

// scrubbed is an environment as unlike the first run's as it can be. Only what finds the programs and
// their caches is the same: to fill them anew would take minutes, and prove nothing.
func scrubbed(environment []string, home string) []string {
	kept := []string{}
	have := map[string]bool{}
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		switch {
		case name == "PATH", name == "SYSTEMROOT", name == "ComSpec", name == "TMPDIR", name == "TMP", name == "TEMP",
			strings.HasPrefix(name, "GO") && name != "GOMAXPROCS", strings.HasPrefix(name, "CGO_"), strings.HasPrefix(name, "JSII_"),
			strings.HasSuffix(strings.ToUpper(name), "_PROXY"):
			kept = append(kept, variable)
			have[name] = true
		}
	}
	share := func(name, folder string, err error) {
		if err == nil && !have[name] {
			kept = append(kept, name+"="+folder)
		}
	}
	own, err := os.UserHomeDir()
	share("GOPATH", filepath.Join(own, "go"), err)
	cache, err := os.UserCacheDir()
	share("GOCACHE", filepath.Join(cache, "go-build"), err)
	share(jsiicache.Variable, jsiicache.Root(), nil)
	settings, err := os.UserConfigDir()
	share("GOENV", filepath.Join(settings, "go", "env"), err)
	return append(kept, "HOME="+home, "USERPROFILE="+home, "USER=understudy", "LOGNAME=understudy", "TZ=Asia/Kathmandu", "LANG=tr_TR.UTF-8")
}
