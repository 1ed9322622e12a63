package program

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// environment is what the program sees as the cdk command would run it, but without an account:
// nothing that it is asked here depends on whose credentials are at hand.
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
