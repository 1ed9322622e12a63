package stack_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/stretchr/testify/require"
)

type lambdaFunction = awslambda.Function

func text(value string) *string { return &value }

var line = regexp.MustCompile(`(_test\.go):\d+`)

// page is the line of a message that says where AWS states the rule; a test looks at each row of the tables.
var page = regexp.MustCompile(`\nSee https://docs\.aws\.amazon\.com/\S+`)

// sentences are those of a message that has its line where the first one ends.
var sentences = regexp.MustCompile(`(?m)^(.*) \((\S+_test\.go:LINE)\)\.\n(.*)$`)

// withoutLines keeps an expected message from changing with every line above it. The place comes first, and what to do
// follows on the same line, so that a table's rows need no more than what is special in them.
func withoutLines(message string) string {
	message = page.ReplaceAllString(line.ReplaceAllString(message, "$1:LINE"), "")
	return strings.ReplaceAll(sentences.ReplaceAllString(message, "$2: $1. $3"), ".\n", ". ")
}

// readAll is every file below a folder, by its path.
func readAll(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		relative, _ := filepath.Rel(root, path)
		files[filepath.ToSlash(relative)] = string(data)
		return err
	}))
	return files
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, into))
}

// plans is empty, and no analyser can see it.
func plans() []string { return nil }

func mustJSON(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	require.NoError(t, err)
	return string(data)
}
